"""Byte streams through an exporter to real servers: TCP, UDP, Unix sockets, a message bus,
WebSockets, and what the Python client's adapters make of them."""

import json
import os
import queue
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import parse_qsl, urlparse

import grpc
import lab
import pytest
import websockets.sync.server
from click.testing import CliRunner
from jumpstarter_driver_network.adapters import (
    FabricAdapter,
    NovncAdapter,
    PexpectAdapter,
    TcpPortforwardAdapter,
    UnixPortforwardAdapter,
)
from jumpstarter_protocol import router_pb2, router_pb2_grpc
from paramiko import AUTH_SUCCESSFUL, OPEN_SUCCEEDED, RSAKey, ServerInterface, Transport
from websocket import create_connection

NETWORK = "jumpstarter_driver_network.driver"


def node(name, driver, **config):
    """An entry of `export:`."""
    return f"  {name}: {{type: {NETWORK}.{driver}Network, config: {json.dumps(config)}}}\n"


def in_environment(monkeypatch, **variables):
    """Of exporters that are started from now on."""
    plain = lab.environment
    monkeypatch.setattr(lab, "environment", lambda *args: plain(*args) | variables)


# --- Servers -------------------------------------------------------------------------------------


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Digest(socketserver.BaseRequestHandler):
    """Says how much it has heard, once there is no more to hear."""

    def handle(self):
        size = 0
        while data := self.request.recv(65536):
            size += len(data)
        self.request.sendall(b"%d bytes" % size)


class Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 4


@contextmanager
def serving(server):
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def tcp(start):
    """A client of an exporter with a TCP server behind it."""
    with ExitStack() as stack:

        def tcp(handler):
            host, port = stack.enter_context(serving(Tcp(("127.0.0.1", 0), handler)))
            exporter = start(node("tcp", "Tcp", host=host, port=port))
            return stack.enter_context(exporter.client()).tcp

        yield tcp


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


@contextmanager
def frames(exporter, client, method="connect"):
    """The bare call: what comes from the exporter, and how to send it frames."""
    sending = queue.Queue()
    request = {"kind": "driver", "uuid": str(client.uuid), "method": method}
    with grpc.insecure_channel(exporter.address) as channel:
        call = router_pb2_grpc.RouterServiceStub(channel).Stream(
            iter(sending.get, None), metadata=[("request", json.dumps(request))], timeout=60
        )
        try:
            yield call, lambda **frame: sending.put(router_pb2.StreamRequest(**frame))
        finally:
            call.cancel()
            sending.put(None)


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


# --- WebSocket -----------------------------------------------------------------------------------


@pytest.fixture
def websocket(start):
    """An exporter with a WebSocket server behind it."""
    with ExitStack() as stack:

        def websocket(handler):
            server = stack.enter_context(websockets.sync.server.serve(handler, "127.0.0.1", 0))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/board/7?x=1"
            return start(node("ws", "Websocket", url=url))

        yield websocket


def test_websocket_messages(websocket):
    requests = []

    def server(connection):
        requests.append(connection.request.path)
        for message in connection:
            assert isinstance(message, bytes)
            connection.send(message)

    with websocket(server).client() as client, client.ws.stream() as stream:
        for word in [b"hello", b"w", bytes(100_000)]:
            stream.send(word)
            assert stream.receive() == word
    assert requests == ["/board/7?x=1"]


@pytest.mark.ours
def test_websocket_text_is_heard_too(websocket):
    def server(connection):
        connection.send("grüß dich")
        connection.recv()

    with websocket(server).client() as client, client.ws.stream() as stream:
        assert stream.receive().decode() == "grüß dich"


def test_websocket_is_closed_when_the_client_leaves(websocket):
    codes = queue.Queue()

    def server(connection):
        assert connection.ping().wait(30)
        for _ in connection:
            pass
        codes.put(connection.protocol.close_rcvd)

    with websocket(server).client() as client, client.ws.stream() as stream:
        stream.send(b"hello")
    assert codes.get(timeout=30) is not None, "the connection broke"


@pytest.fixture
def encrypted(certs):
    """The URL of a WebSocket server with a certificate of the lab's authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs.cert, certs.key)

    def server(connection):
        for message in connection:
            connection.send(message)

    with websockets.sync.server.serve(server, "127.0.0.1", 0, ssl=context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"wss://localhost:{server.socket.getsockname()[1]}/"
        server.shutdown()
        thread.join()


def test_encrypted_websocket(start, monkeypatch, certs, encrypted):
    in_environment(monkeypatch, SSL_CERT_FILE=str(certs.ca))
    with start(node("ws", "Websocket", url=encrypted)).client() as client:
        with client.ws.stream() as stream:
            stream.send(b"hello")
            assert stream.receive() == b"hello"


@pytest.mark.ours
def test_a_server_that_nobody_vouches_for_is_refused(start, monkeypatch, home, encrypted):
    others = home / "others"
    others.mkdir()
    in_environment(monkeypatch, SSL_CERT_FILE=str(lab.Certs(others).ca))
    exporter = start(node("ws", "Websocket", url=encrypted))
    with exporter.client() as client, frames(exporter, client.ws) as (call, _):
        with pytest.raises(grpc.RpcError) as raised:
            next(call)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "cannot set up TLS with `localhost:" in raised.value.details()


# --- Message bus ---------------------------------------------------------------------------------


@pytest.fixture
def bus(home):
    """The address of a message bus of our own."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    command = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(
        [*command, f"--address=unix:path={home}/a%20bus"], stdout=subprocess.PIPE, text=True
    ) as daemon:
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


@pytest.mark.ours
@pytest.mark.parametrize("alternatives", ["{}", "launchd:env=NONE;{}"])
def test_a_bus_with_escapes_and_alternatives(start, monkeypatch, bus, alternatives):
    in_environment(monkeypatch, DBUS_SESSION_BUS_ADDRESS=alternatives.format(bus))
    with swapped(start(node("bus", "Dbus", kind="session")), "session"):
        assert "org.freedesktop.DBus" in listed("dbus-send", "--session", *LIST_NAMES)


@pytest.mark.parametrize("kind", ["session", "system"])
@pytest.mark.parametrize("command", [["busctl", "--no-pager", "list"], ["dbus-send"]])
def test_a_bus_through_its_own_tools(start, monkeypatch, bus, home, kind, command):
    # The reference does not know escapes, so the socket gets a name that needs none.
    (home / "bus").symlink_to(home / "a bus")
    in_environment(monkeypatch, **{variable(kind): f"unix:path={home}/bus"})
    option = f"--{kind}" if command == ["dbus-send"] or kind == "system" else "--user"
    names = LIST_NAMES if command == ["dbus-send"] else []
    with swapped(start(node("bus", "Dbus", kind=kind)), kind):
        assert "org.freedesktop.DBus" in listed(*command, option, *names)


LIST_NAMES = ["--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames"]


def listed(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def variable(kind):
    return f"DBUS_{kind.upper()}_BUS_ADDRESS"


@contextmanager
def swapped(exporter, kind):
    """With the client's own environment pointing at the exporter's bus."""
    with exporter.client() as client:
        assert client.bus.kind == kind
        before = os.environ.get(variable(kind))
        with client.bus:
            assert os.environ[variable(kind)].startswith("tcp:host=127.0.0.1,port=")
            yield
        assert os.environ.get(variable(kind)) == before


# --- Other adapters ------------------------------------------------------------------------------


def test_novnc_adapter(tcp):
    with NovncAdapter(client=tcp(Echo)) as url:
        place = dict(parse_qsl(urlparse(url).query))
        address = f"ws://{place['host']}:{place['port']}"
        with closing(create_connection(address, timeout=30)) as connection:
            connection.ping()
            connection.send_bytes(b"hello")
            assert connection.recv() == b"hello"


def test_pexpect_adapter(tcp):
    with PexpectAdapter(client=tcp(Echo)) as session:
        session.sendline("login:")
        session.expect("login:", timeout=30)


class Ssh(socketserver.BaseRequestHandler, ServerInterface):
    key = RSAKey.generate(2048)

    def handle(self):
        with closing(Transport(self.request)) as transport:
            transport.add_server_key(self.key)
            transport.start_server(server=self)
            while transport.is_active():
                time.sleep(0.05)

    def check_auth_password(self, username, password):
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        channel.sendall(b"you said " + command)
        channel.send_exit_status(0)
        channel.shutdown_write()
        return True


def test_fabric_adapter(tcp):
    with FabricAdapter(
        client=tcp(Ssh), user="root", connect_kwargs={"password": "secret"}
    ) as connection:
        assert connection.run("uptime", hide=True, in_stream=False).stdout == "you said uptime"
