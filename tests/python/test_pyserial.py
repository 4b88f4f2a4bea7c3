"""Serial ports through the unmodified Python client: what goes through them, and how fast."""

import os
import subprocess
import sys
import time

import pytest
from ports import ENDS, board, receive, serial, yaml


@pytest.fixture
def loop(start):
    with start(yaml("loop://")).client() as client:
        yield client.serial


def test_a_loop(loop):
    with loop.stream() as stream:
        stream.send(b"hello")
        assert b"hello".startswith(stream.receive())


def test_a_stream_that_is_not_closed(loop):
    stream = loop.open_stream()
    stream.send(b"hello")
    assert b"hello".startswith(stream.receive())


def test_pexpect_over_a_loop(loop):
    with loop.pexpect() as session:
        session.sendline("hello")
        assert session.expect("hello") == 0


def test_pexpect_that_is_not_closed(loop):
    session = loop.open()
    session.sendline("hello")
    assert session.expect("hello") == 0
    loop.close()


def test_a_loop_ends_when_nothing_more_is_sent(loop):
    async def half_close():
        async with loop.stream_async("connect") as stream:
            await stream.send(b"hello")
            await stream.send_eof()
            heard = b""
            try:
                while True:
                    heard += await stream.receive()
            except ENDS:
                return heard

    assert loop.portal.call(half_close) == b"hello"


def test_calls_on_a_loop(loop):
    assert loop.call("close") is None
    assert loop.call("set_dtr", True) is None
    assert loop.call("set_rts", False) is None


def test_a_pace_makes_one_frame_of_each_character(start):
    with start(yaml("loop://", cps=5)).client() as client, client.serial.stream() as stream:
        begun = time.monotonic()
        stream.send(b"hello")
        assert [stream.receive() for _ in range(5)] == [b"h", b"e", b"l", b"l", b"o"]
        assert 0.8 <= time.monotonic() - begun < 3


def test_twelve_characters_at_five_a_second(start, board):
    with start(yaml(board.path, cps=5)).client() as client, client.serial.stream() as stream:
        begun = time.monotonic()
        stream.send(b"hello world!")
        assert board.hear(12) == b"hello world!"
        assert 2.2 <= time.monotonic() - begun < 6
        # Only in one direction.
        begun = time.monotonic()
        board.say(b"hello world!")
        assert receive(stream, 12) == b"hello world!"
        assert time.monotonic() - begun < 2


def test_no_pace(start, loop):
    with start(yaml("loop://", cps=0)).client() as client:
        for serial in (client.serial, loop):
            with serial.stream() as stream:
                begun = time.monotonic()
                stream.send(b"hello")
                assert time.monotonic() - begun < 2
                assert receive(stream, 5) == b"hello"


def test_pexpect_at_a_pace(start):
    with start(yaml("loop://", cps=10)).client() as client, client.serial.pexpect() as session:
        session.sendline("test")
        assert session.expect("test") == 0


def test_both_ways_through_a_port(board, serial):
    with serial.stream() as stream:
        everything = bytes(range(256))
        stream.send(everything)
        assert board.hear(256) == everything
        board.say(everything)
        assert receive(stream, 256) == everything


# As consoles do, it waits for somebody to press Enter: what is said before the port is open is lost.
LOGIN = """
import sys
sys.stdin.readline()
for prompt, answer in [("board login: ", "root"), ("Password: ", "secret")]:
    sys.stdout.write(prompt); sys.stdout.flush()
    assert sys.stdin.readline().strip() == answer
sys.stdout.write("Welcome\\r\\n# "); sys.stdout.flush()
for line in sys.stdin:
    sys.stdout.write(f"you said {line.strip()}\\r\\n# "); sys.stdout.flush()
"""


def test_logging_in_with_pexpect(board, serial):
    """A program has the board's side, as its terminal is the other end of the line."""
    with serial.pexpect() as session:
        program = subprocess.Popen(
            [sys.executable, "-c", LOGIN], stdin=board.master, stdout=board.master
        )
        try:
            session.send("\n")
            session.expect_exact("login: ", timeout=10)
            session.send("root\n")
            session.expect_exact("Password: ", timeout=10)
            session.send("secret\n")
            session.expect("Welcome\r\n# ", timeout=10)
            session.send("uname\n")
            session.expect_exact("you said uname", timeout=10)
        finally:
            program.kill()
            program.wait()


def test_a_client_that_sends_no_more_still_reads(board, serial):
    async def half_close():
        async with serial.stream_async("connect") as stream:
            await stream.send(b"boot\n")
            await stream.send_eof()
            heard = board.hear(5)
            board.say(b"booting")
            return heard, await stream.receive()

    assert serial.portal.call(half_close) == (b"boot\n", b"booting")


def test_a_reader_that_stops_loses_nothing(board, serial):
    with serial.stream() as stream:
        os.set_blocking(board.master, False)
        sent, until = 0, time.monotonic() + 2
        while time.monotonic() < until:
            try:
                sent += os.write(board.master, b"x" * 1000)
            except BlockingIOError:
                time.sleep(0.01)
        os.set_blocking(board.master, True)
        assert receive(stream, sent) == b"x" * sent


@pytest.mark.ours
def test_streams_that_were_closed_take_nothing_from_the_next(board, serial):
    for number in range(10):
        line = b"line %d" % number
        with serial.stream() as stream:
            stream.send(b"?")
            assert board.hear(1) == b"?"
            board.say(line)
            assert receive(stream, len(line)) == line


@pytest.mark.ours
def test_a_console_beside_a_log(board, serial):
    with serial.stream() as log:
        for _ in range(3):
            with serial.stream() as console:
                console.send(b"?")
                assert board.hear(1) == b"?"
                board.say(b"console")
                assert receive(console, 7) == b"console"
            # Closing it is a message; the port says nothing in between.
            time.sleep(0.2)
            board.say(b"log")
            assert receive(log, 3) == b"log"


def test_piping_a_file(start, board, home):
    exporter = start(yaml(board.path))
    kind = exporter.kind
    done = exporter.shell("sh", "-c", "echo reboot | j serial pipe --no-output", kind=kind)
    assert done.returncode == 0, done.stderr
    assert board.hear(7) == b"reboot\n"
