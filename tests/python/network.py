"""What the stories of networks share: servers, exporters in front of them, and the bare call."""

import json
import queue
import socketserver
import threading
from contextlib import ExitStack, contextmanager

import grpc
import lab
import pytest
from jumpstarter_protocol import router_pb2, router_pb2_grpc

NETWORK = "jumpstarter_driver_network.driver"


def node(name, driver, **config):
    """An entry of `export:`."""
    return f"  {name}: {{type: {NETWORK}.{driver}Network, config: {json.dumps(config)}}}\n"


def in_environment(monkeypatch, **variables):
    """Of exporters that are started from now on."""
    plain = lab.environment
    monkeypatch.setattr(lab, "environment", lambda *args: plain(*args) | variables)


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


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256


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
