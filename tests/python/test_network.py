"""Byte streams through an exporter to real servers: TCP, UDP, Unix sockets, echoes, and where they
are."""

import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from contextlib import ExitStack

import grpc
import lab
import pytest
from click.testing import CliRunner
from jumpstarter_driver_network.adapters import TcpPortforwardAdapter, UnixPortforwardAdapter
from jumpstarter_protocol import router_pb2
from network import Echo, frames, node, serving, tcp


class Digest(socketserver.BaseRequestHandler):
    """Says how much it has heard, once there is no more to hear."""

    def handle(self):
        size = 0
        while data := self.request.recv(65536):
            size += len(data)
        self.request.sendall(b"%d bytes" % size)


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 4


@pytest.fixture
def echo(start):
    """A client of an exporter with an EchoNetwork."""
    with start(node("echo", "Echo", any="thing")).client() as client:
        yield client.echo


def heard(stream, size):
    """So many bytes of a stream, in however many pieces."""
    data = b""
    while len(data) < size:
        data += stream.receive()
    return data


def answer(connection, size):
    """The same from a socket."""
    data = b""
    while len(data) < size and (piece := connection.recv(65536)):
        data += piece
    return data


# --- TCP and Unix --------------------------------------------------------------------------------


def test_tcp_through_the_client(tcp):
    with tcp(Echo).stream() as stream:
        stream.send(b"hello")
        assert heard(stream, 5) == b"hello"


def test_tcp_through_a_forwarded_port(tcp):
    with TcpPortforwardAdapter(client=tcp(Echo)) as addr:
        with socket.create_connection(addr, 30) as connection:
            connection.sendall(b"hello")
            assert answer(connection, 5) == b"hello"


def test_half_close_reaches_the_server_and_its_answer_comes_back(tcp):
    with TcpPortforwardAdapter(client=tcp(Digest)) as addr:
        with socket.create_connection(addr, 30) as connection:
            connection.sendall(bytes(3_000_000))
            connection.shutdown(socket.SHUT_WR)
            assert answer(connection, 100) == b"3000000 bytes"


def test_forwarded_connections_at_once(tcp):
    count, word = 50, os.urandom(100_000)
    with TcpPortforwardAdapter(client=tcp(Echo)) as addr, ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(addr, 60)) for _ in range(count)
        ]
        talking = [
            threading.Thread(target=connection.sendall, args=(b"%03d" % n + word,))
            for n, connection in enumerate(connections)
        ]
        for thread in talking:
            thread.start()
        for n, connection in enumerate(connections):
            assert answer(connection, 100_003) == b"%03d" % n + word
        for thread in talking:
            thread.join()


def test_200_streams_at_once(tcp):
    client = tcp(Echo)
    with ExitStack() as stack:
        streams = [stack.enter_context(client.stream()) for _ in range(200)]
        for n, stream in enumerate(streams):
            stream.send(b"stream %03d" % n)
        for n, stream in enumerate(streams):
            assert heard(stream, 10) == b"stream %03d" % n


def test_unix_through_a_forwarded_socket(start, home):
    with serving(Unix(str(home / "server"), Echo)) as path:
        with start(node("unix", "Unix", path=path)).client() as client:
            with client.unix.stream() as stream:
                stream.send(b"hello")
                assert heard(stream, 5) == b"hello"
            with UnixPortforwardAdapter(client=client.unix) as local:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(str(local))
                    connection.sendall(b"hello")
                    assert answer(connection, 5) == b"hello"


def test_nobody_there_is_an_error_of_the_stream(start):
    with start(node("tcp", "Tcp", host="127.0.0.1", port=lab.free_port())).client() as client:
        for _ in range(3):
            with pytest.raises(Exception), client.tcp.stream() as stream:  # noqa: B017
                stream.send(b"hello")
                stream.receive()


@pytest.mark.ours
def test_nobody_there_is_named(start):
    port = lab.free_port()
    exporter = start(node("tcp", "Tcp", host="127.0.0.1", port=port))
    with exporter.client() as client, frames(exporter, client.tcp) as (call, _):
        with pytest.raises(grpc.RpcError) as raised:
            next(call)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert f"`127.0.0.1:{port}`: Connection refused" in raised.value.details()


@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not installed")
def test_iperf(start):
    port = lab.free_port()
    with subprocess.Popen(["iperf3", "-s", "-p", str(port)], stdout=subprocess.DEVNULL) as server:
        try:
            with start(node("tcp", "Tcp", host="127.0.0.1", port=port)).client() as client:
                with TcpPortforwardAdapter(client=client.tcp) as addr:
                    options = ["-c", addr[0], "-p", str(addr[1]), "-t", "1", "--bidir"]
                    subprocess.run(["iperf3", *options], check=True, timeout=60)
        finally:
            server.terminate()


# --- UDP -----------------------------------------------------------------------------------------


def test_datagrams_stay_apart(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)
        host, port = server.getsockname()
        with start(node("udp", "Udp", host=host, port=port)).client() as client:
            with client.udp.stream() as stream:
                for word in [b"hello", b"w", bytes(9000)]:
                    stream.send(word)
                    data, peer = server.recvfrom(65536)
                    assert data == word
                for word in [b"one", b"two", bytes(9000)]:
                    server.sendto(word, peer)
                assert [stream.receive() for _ in range(3)] == [b"one", b"two", bytes(9000)]


def test_a_datagram_that_nobody_wanted_does_not_end_the_stream(start):
    port = lab.free_port()
    with start(node("udp", "Udp", host="127.0.0.1", port=port)).client() as client:
        with client.udp.stream() as stream:
            stream.send(b"lost")
            time.sleep(0.2)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
                server.bind(("127.0.0.1", port))
                server.settimeout(1)
                data, peer = retried(lambda: stream.send(b"hello"), lambda: server.recvfrom(100))
                assert data == b"hello"
                server.sendto(b"back", peer)
                assert stream.receive() == b"back"


def retried(send, receive):
    """The first datagram may be answered by the news about the one before."""
    for _ in range(5):
        send()
        try:
            return receive()
        except TimeoutError:
            pass
    raise AssertionError("no datagram arrives")


# --- Echo ----------------------------------------------------------------------------------------


def words(call, count):
    """So many messages with something in them."""
    found = []
    while len(found) < count:
        frame = next(call)
        assert frame.frame_type == router_pb2.FRAME_TYPE_DATA
        if frame.payload:
            found.append(frame.payload)
    return found


def test_messages_come_back_as_they_were(echo):
    sizes = [1, 5, 4096, 65536, 65537, 200_000]
    with echo.stream() as stream:
        for size in sizes:
            stream.send(os.urandom(1) * size)
        assert [len(stream.receive()) for _ in sizes] == sizes


def test_other_frames_mean_nothing(start):
    exporter = start(node("echo", "Echo"))
    with exporter.client() as client, frames(exporter, client.echo) as (call, send):
        send(payload=b"before")
        send(frame_type=router_pb2.FRAME_TYPE_PING)
        send(frame_type=router_pb2.FRAME_TYPE_RST_STREAM)
        send(frame_type=99)
        send(payload=b"")
        send(payload=b"after")
        assert words(call, 2) == [b"before", b"after"]


def test_the_last_word_comes_before_the_end(start):
    exporter = start(node("echo", "Echo"))
    with exporter.client() as client, frames(exporter, client.echo) as (call, send):
        for n in range(30):
            send(payload=b"%d" % n)
        send(frame_type=router_pb2.FRAME_TYPE_GOAWAY)
        send(payload=b"nobody hears this")
        assert words(call, 30) == [b"%d" % n for n in range(30)]
        assert next(call).frame_type == router_pb2.FRAME_TYPE_GOAWAY


# --- Addresses -----------------------------------------------------------------------------------


def test_addresses(start):
    exporter = start(
        node("tcp", "Tcp", host="127.0.0.1", port=5201)
        + node("six", "Tcp", host="2001:db8::1", port=443)
        + node("udp", "Udp", host="::1", port=8080)
        + node("local", "Tcp", host="localhost", port=8080)
        + node("unknown", "Udp", host="no.such.host.invalid", port=1)
        + node("ws", "Websocket", url="ws://lab/console")
        + node("hidden", "Tcp", host="127.0.0.1", port=1, enable_address=False)
        + node("unix", "Unix", path="/nowhere")
    )
    with exporter.client() as client:
        assert client.tcp.address() == "tcp://127.0.0.1:5201"
        assert client.six.address() == "tcp://[2001:db8::1]:443"
        assert client.udp.address() == "udp://[::1]:8080"
        assert client.local.address() in ["tcp://127.0.0.1:8080", "tcp://[::1]:8080"]
        assert client.unknown.address() == "udp://no.such.host.invalid:1"
        assert client.ws.address() == "ws://lab/console"
        with pytest.raises(ValueError, match="enable_address mode is not true in the exporter"):
            client.hidden.address()
        with pytest.raises(NotImplementedError):
            client.unix.address()

        def cli(driver, *args):
            return CliRunner().invoke(driver.cli(), ["address", *args])

        assert cli(client.tcp).output == "127.0.0.1:5201\n"
        assert cli(client.six, "--host").output == "2001:db8::1\n"
        assert cli(client.six, "--port").output == "443\n"
        assert cli(client.hidden).exit_code != 0
        assert "enable_address mode is not true" in cli(client.hidden).output
        assert "does not support direct connection yet" in cli(client.unix).output
