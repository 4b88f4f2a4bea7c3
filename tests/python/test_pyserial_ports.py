"""Serial ports that close, hang up, come back, are busy, or are none; and their settings."""

import fcntl
import termios

import pytest
from anyio import EndOfStream
from conftest import PEER
from jumpstarter.client.core import DriverError
from ports import ENDS, Board, board, eventually, receive, serial, yaml


def test_close_ends_the_stream(board, serial):
    assert serial.call("close") is None
    with serial.stream() as stream:
        board.say(b"x")
        assert stream.receive() == b"x"
        assert serial.call("close") is None
        with pytest.raises(ENDS):
            stream.receive()
    assert serial.call("close") is None
    with serial.stream() as stream:
        board.say(b"again")
        assert receive(stream, 5) == b"again"


def test_close_ends_the_stream_that_was_opened_last(board, serial):
    with serial.stream() as one:
        board.say(b"1")
        assert one.receive() == b"1"
        with serial.stream() as two:
            two.send(b"2")
            assert board.hear(1) == b"2"
            serial.call("close")
            with pytest.raises(ENDS):
                two.receive()
        board.say(b"x")
        assert one.receive() == b"x"


def test_a_board_that_hangs_up_ends_the_stream(board, serial):
    with serial.stream() as stream:
        board.say(b"bye")
        assert stream.receive() == b"bye"
        board.hang_up()
        with pytest.raises(EndOfStream):
            stream.receive()


def test_a_board_that_comes_back_is_found_by_its_name(start, board, tmp_path):
    name = tmp_path / "usb-board-if00"
    name.symlink_to(board.path)
    with start(yaml(name)).client() as client:
        serial = client.serial
        replaced = Board()
        with serial.stream() as stream:
            board.say(b"one")
            assert receive(stream, 3) == b"one"
            board.hang_up()
            with pytest.raises(EndOfStream):
                stream.receive()
        name.unlink()
        with pytest.raises(Exception), serial.stream() as stream:
            stream.receive()
        name.symlink_to(replaced.path)
        with serial.stream() as stream:
            stream.send(b"two")
            assert replaced.hear(3) == b"two"
        replaced.hang_up()


def test_two_boards_and_many_streams(start, board):
    other = Board()
    two = yaml(board.path, name="one") + yaml(other.path, name="two")
    with start(two).client() as client:
        for _ in range(20):
            with client.one.stream() as one, client.two.stream() as two:
                one.send(b"1")
                two.send(b"2")
                assert board.hear(1) == b"1"
                assert other.hear(1) == b"2"
    other.hang_up()


def test_a_terminal_has_no_modem_lines(board, serial):
    for method in ("set_dtr", "set_rts"):
        for value in (True, False):
            with pytest.raises(DriverError) as caught:
                serial.call(method, value)
            text = str(caught.value)
            assert "[Errno 25] Inappropriate ioctl for device" in text
            # The Python exporter of this release answers UNKNOWN, later ones INTERNAL.
            assert "INTERNAL" in text or PEER == "python"


@pytest.mark.parametrize("disable", [True, False])
def test_hupcl(start, board, disable):
    def has_hupcl():
        return bool(termios.tcgetattr(board.slave)[2] & termios.HUPCL)

    settings = termios.tcgetattr(board.slave)
    settings[2] |= termios.HUPCL
    termios.tcsetattr(board.slave, termios.TCSANOW, settings)
    exporter = start(yaml(board.path, disable_hupcl=str(disable).lower()))
    assert has_hupcl()
    with exporter.client() as client, client.serial.stream() as stream:
        board.say(b"x")
        assert stream.receive() == b"x"
        assert has_hupcl() != disable
    exporter.wait_for(f"Connecting to {board.path}")
    if disable:
        exporter.wait_for(f"Disabled HUPCL on {board.path}")
    else:
        assert "HUPCL" not in exporter.log


def test_what_the_log_says(start, board):
    exporter = start(yaml(board.path, cps=2.5))
    with exporter.client() as client:
        with client.serial.stream() as stream:
            board.say(b"x")
            assert stream.receive() == b"x"
        exporter.wait_for(f"Connecting to {board.path}, baudrate: 115200, cps: 2.5")
        client.serial.call("close")
        if exporter.kind == "ours":  # The Python exporter is silent if the client ended it.
            exporter.wait_for(f"Disconnected from {board.path}")


def test_an_unusual_rate(start, board):
    with start(yaml(board.path, baudrate=250000)).client() as client:
        with client.serial.stream() as stream:
            board.say(b"x")
            assert stream.receive() == b"x"


def refused(start, export):
    """What an exporter says that does not stay. It may listen for a moment before."""
    try:
        exporter = start(export)
    except AssertionError as error:
        return str(error)
    assert exporter.process.wait(20) != 0
    exporter.reader.join(5)
    return exporter.log


def test_a_port_that_is_not_there(start, tmp_path):
    absent = tmp_path / "port"
    text = refused(start, yaml(absent))
    assert f"[Errno 2] could not open port {absent}: [Errno 2] No such file or directory" in text


def test_a_port_that_may_be_absent(start, board, tmp_path):
    absent = tmp_path / "port"
    with start(yaml(absent, check_present="false")).client() as client:
        for method in ("set_dtr", "set_rts"):
            with pytest.raises(DriverError, match=f"could not open port {absent}"):
                client.serial.call(method, True)
        with pytest.raises(Exception), client.serial.stream() as stream:
            stream.receive()
        assert client.serial.call("close") is None
        # It is there when it is there.
        absent.symlink_to(board.path)
        with client.serial.stream() as stream:
            stream.send(b"x")
            assert board.hear(1) == b"x"


@pytest.mark.ours
def test_a_busy_port_is_named(start, board):
    exporter = start(yaml(board.path))
    with open(board.path, "rb", buffering=0) as taken, exporter.client() as client:
        fcntl.flock(taken, fcntl.LOCK_EX)
        busy = f"could not open port {board.path}: .*resource busy"
        with pytest.raises(DriverError, match=busy):
            client.serial.call("set_dtr", True)
        fcntl.flock(taken, fcntl.LOCK_UN)
        with client.serial.stream() as stream:
            stream.send(b"x")
            assert board.hear(1) == b"x"


@pytest.mark.ours
def test_schemes_that_are_refused(start):
    assert "hwgrep://` is not supported" in refused(start, yaml("hwgrep://FTDI"))


@pytest.mark.ours
def test_a_client_that_is_gone_frees_an_exclusive_port(start, board):
    exporter = start(yaml(board.path, exclusive="true"))
    for _ in range(2):
        with exporter.client() as client:
            stream = client.serial.open_stream()
            stream.send(b"x")
            assert board.hear(1) == b"x"
        eventually(lambda: "Disconnected" in exporter.log)
        exporter.lines.clear()
