"""What the stories of serial ports share: ports, and the board at the other end of the cable."""

import os
import pty
import time
import tty

import pytest
from anyio import BrokenResourceError, EndOfStream

SERIAL = "jumpstarter_driver_pyserial.driver.PySerial"
ENDS = (EndOfStream, BrokenResourceError)


def yaml(url, name="serial", **config):
    lines = "".join(f"      {key}: {value}\n" for key, value in config.items())
    return f"  {name}:\n    type: {SERIAL}\n    config:\n      url: {url}\n{lines}"


class Board:
    """The board's side of a port."""

    def __init__(self):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        # Kept open, so that settings can be looked at when no stream is.
        self.slave = slave

    def say(self, data):
        os.write(self.master, data)

    def hear(self, count):
        heard = b""
        while len(heard) < count:
            heard += os.read(self.master, count - len(heard))
        return heard

    def hang_up(self):
        """What unplugging looks like."""
        for name in ("slave", "master"):
            if (file := getattr(self, name)) is not None:
                os.close(file)
                setattr(self, name, None)


@pytest.fixture
def board():
    board = Board()
    yield board
    board.hang_up()


@pytest.fixture
def serial(start, board):
    with start(yaml(board.path)).client() as client:
        yield client.serial


def receive(stream, count):
    data = b""
    while len(data) < count:
        data += stream.receive()
    return data


def eventually(check, seconds=10):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "that did not happen"
        time.sleep(0.02)
