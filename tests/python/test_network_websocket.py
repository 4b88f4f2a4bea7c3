"""WebSocket servers as networks."""

import queue
import ssl
import threading
from contextlib import ExitStack

import grpc
import lab
import pytest
import websockets.sync.server
from network import frames, in_environment, node


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
