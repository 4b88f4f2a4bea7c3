"""What the stories of storage and flashers share: images, and web servers that have some."""

import bz2
import gzip
import lzma
import random
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from backports import zstd

DRIVER = "jumpstarter_driver_opendal.driver"
MIB = 1024 * 1024


def zstd_with_checksum(data):
    """As the command line tool does; without one nobody notices that data has changed."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESS = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zstd": zstd_with_checksum,
}


DECOMPRESS = {
    "gzip": gzip.decompress,
    "xz": lzma.decompress,
    "bz2": bz2.decompress,
    "zstd": zstd.decompress,
}


def content(size, seed=1):
    """Half of it random, so that compressing it does something."""
    half = random.Random(seed).randbytes(size // 2)
    return half + bytes(size - len(half))


def failure(try_it):
    """What a call failed with, wherever the client has put it."""
    with pytest.raises(BaseException) as caught:
        try_it()

    def texts(error):
        yield str(error)
        for inner in getattr(error, "exceptions", ()):
            yield from texts(inner)

    return "\n".join(texts(caught.value))


@pytest.fixture
def board(start):
    with start(f"  board: {{type: {DRIVER}.MockFlasher}}\n").client() as client:
        yield client.board


@contextmanager
def web_server(answer, certs=None):
    """`answer` gets the request, and returns a status, headers and a body. Yields the address and
    the paths that were asked for."""
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.respond(body=False)

        def do_GET(self):
            paths.append(self.path)
            self.respond(body=True)

        def respond(self, body):
            status, headers, data = answer(self)
            self.send_response(status)
            for name, value in {"content-length": len(data), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme, host = "http", "127.0.0.1"
    if certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certs.cert, certs.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme, host = "https", "localhost"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{scheme}://{host}:{server.server_address[1]}", paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def redirect(request, path, code=302):
    """To a path of the same server."""
    return code, {"location": f"http://{request.headers['host']}{path}"}, b""
