"""Storage, flashers and switches: files of the client travel both ways, or come from a web server."""

import bz2
import gzip
import hashlib
import lzma
import os
import random
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from unittest import mock

import lab
import pytest
from backports import zstd
from jumpstarter.client.core import DriverError, DriverInvalidArgument
from jumpstarter_driver_opendal.client import BytesIOStream
from jumpstarter_driver_opendal.common import PresignedRequest
from opendal import Operator

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


def storage(root, more=""):
    return (
        f"  files:\n    type: {DRIVER}.Opendal\n"
        f"    config: {{scheme: fs, kwargs: {{root: {root}}}{more}}}\n"
    )


@pytest.fixture
def root(home):
    root = home / "root"
    root.mkdir()
    return root


@pytest.fixture
def files(start, root):
    with start(storage(root)).client() as client:
        yield client.files


@pytest.fixture
def board(start):
    with start(f"  board: {{type: {DRIVER}.MockFlasher}}\n").client() as client:
        yield client.board


def content(size, seed=1):
    """Half of it random, so that compressing it does something."""
    half = random.Random(seed).randbytes(size // 2)
    return half + bytes(size - len(half))


def upload(client, data):
    """An upload that is open: its handle."""
    stream = BytesIOStream(buf=BytesIO(data))
    resource = client.resource_async(stream)
    return client.portal.wrap_async_context_manager(resource)


# Storage


def test_bytes_come_back(files, root):
    for data in [b"hello", b"", content(3 * MIB)]:
        files.write_bytes("deep/down/file", data)
        assert files.read_bytes("deep/down/file") == data
        assert (root / "deep/down/file").read_bytes() == data


def test_files_come_back(files, root, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(content(20 * MIB))
    files.write_from_path("image", image)
    files.read_into_path("image", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == image.read_bytes()
    assert (root / "image").read_bytes() == image.read_bytes()
    # A shorter one leaves nothing of the longer one.
    image.write_bytes(b"short")
    files.write_from_path("image", image)
    assert (root / "image").read_bytes() == b"short"


def test_files_in_memory_come_back(start):
    export = f"  memory: {{type: {DRIVER}.Opendal, config: {{scheme: memory, kwargs: {{}}}}}}\n"
    with start(export).client() as client:
        client.memory.write_bytes("a/b", content(MIB))
        assert client.memory.read_bytes("a/b") == content(MIB)
        assert client.memory.hash("a/b") == hashlib.sha256(content(MIB)).hexdigest()
        assert list(client.memory.scan("/")) == ["a/b"]
        assert client.memory.capability().create_dir
        with pytest.raises(DriverError, match="Unsupported"):
            client.memory.copy("a/b", "c")


def test_several_writes_follow_each_other(files):
    file = files.open("file", "wb")
    for part in [b"one ", b"two ", b"three"]:
        file.write_bytes(part)
    file.close()
    assert files.read_bytes("file") == b"one two three"


def test_hashes(files):
    files.write_bytes("file", b"hello")
    assert files.hash("file", "md5") == "5d41402abc4b2a76b9719d911017c592"
    for algo in ["md5", "sha256"]:
        files.write_bytes("file", content(MIB + 1))
        assert files.hash("file", algo) == hashlib.new(algo, content(MIB + 1)).hexdigest()
    with pytest.raises(DriverInvalidArgument):
        files.call("hash", "file", "sha1")


def test_seeking(files):
    files.write_bytes("file", b"hello")
    file = files.open("file", "rb")
    assert file.seek(-3, os.SEEK_END) == 2
    assert file.tell() == 2
    assert file.read_bytes() == b"llo"
    assert file.seek(1) == 1
    assert file.seek(2, os.SEEK_CUR) == 3
    assert file.read_bytes() == b"lo"
    with pytest.raises(DriverInvalidArgument, match="invalid whence"):
        file.seek(0, 3)
    with pytest.raises(DriverError, match="invalid seek to a negative position"):
        file.seek(-1)
    file.close()
    with pytest.raises(DriverError, match="reading on closed file"):
        file.tell()
    file = files.open("file", "wb")
    with pytest.raises(DriverError, match="reading on write only file"):
        file.seek(0)
    assert file.read_bytes() == b""
    file.close()


def test_file_properties(files):
    for mode in ["wb", "rb"]:
        file = files.open("file", mode)
        reads = mode == "rb"
        state = file.closed, file.readable(), file.seekable(), file.writable()
        assert state == (False, reads, reads, not reads)
        for _ in range(2):
            file.close()
            state = file.closed, file.readable(), file.seekable(), file.writable()
            assert state == (True, False, False, False)


def test_files_that_are_not_open(files):
    with pytest.raises(DriverError, match="UNKNOWN: NotFound"):
        files.open("missing", "rb")
    with pytest.raises(DriverInvalidArgument):
        files.call("open", "file", "r+")
    with pytest.raises(DriverInvalidArgument):
        files.call("file_closed", "no uuid")
    unknown = "0e3d5b16-5b23-4a39-8c32-1ff1c1bd6f5b"
    with pytest.raises(DriverError, match=rf"UNKNOWN: UUID\('{unknown}'\)"):
        files.call("file_closed", unknown)


def test_metadata(files):
    files.write_bytes("file", b"hello")
    stat = files.stat("file")
    assert stat.content_length == 5 and stat.etag is None and stat.content_type is None
    assert stat.mode.is_file() and not stat.mode.is_dir()
    files.create_dir("dir/")
    for path in ["dir", "dir/", "/"]:
        assert files.stat(path).mode.is_dir()
    for path in ["missing", "file/"]:
        with pytest.raises(DriverError, match="UNKNOWN"):
            files.stat(path)
        assert not files.exists(path)


def test_copies_moves_and_removals(files):
    files.write_bytes("file", b"hello")
    files.copy("file", "new/copy")
    assert files.read_bytes("new/copy") == b"hello"
    files.rename("new/copy", "other/moved")
    assert not files.exists("new/copy") and files.exists("other/moved")
    with pytest.raises(DriverError, match="UNKNOWN"):
        files.delete("other/")
    files.delete("other/moved")
    files.delete("other/moved")
    files.delete("other/")
    assert not files.exists("other/")
    with pytest.raises(DriverError, match="UNKNOWN: NotADirectory"):
        files.create_dir("dir")
    files.create_dir("dir/a/b/")
    files.write_bytes("dir/a/file", b"")
    files.remove_all("dir/")
    files.remove_all("dir/")
    files.remove_all("file")
    assert not files.exists("dir/") and not files.exists("file")
    with pytest.raises(DriverError, match="UNKNOWN: NotFound"):
        files.copy("file", "x")


def test_lists(files):
    files.create_dir("a/b/c/")
    files.create_dir("d/e/")
    assert sorted(files.list("/")) == ["/", "a/", "d/"]
    assert sorted(files.scan("/")) == ["/", "a/", "a/b/", "a/b/c/", "d/", "d/e/"]
    assert sorted(files.list("a/")) == ["a/", "a/b/"]
    assert sorted(files.list("a")) == ["a/"]
    assert list(files.list("missing/")) == []
    files.write_bytes("a/file", b"")
    assert list(files.list("a/file")) == ["a/file"]


def test_a_long_list_can_be_left(files, root):
    for at in range(3000):
        (root / f"{at:04}").touch()
    assert len(list(files.list("/"))) == 3001
    for _ in range(5):
        assert next(files.list("/"))
    assert files.exists("2999")


def test_what_was_created_is_told(files):
    files.write_bytes("a//file", b"")
    files.create_dir("dir/")
    files.copy("a/file", "./copy")
    files.rename("copy", "moved")
    files.call("register_path", "by\\others/")
    assert set(files.call("get_created_resources")) == {"a/file", "dir", "moved", "by/others"}
    files.delete("a/file")
    assert set(files.call("get_created_resources")) == {"dir", "moved", "by/others"}


def test_what_was_created_is_removed_in_the_end(start, root):
    (root / "mine").touch()
    exporter = start(storage(root, ", remove_created_on_close: true"))
    with exporter.client() as client:
        client.files.write_bytes("file", b"hello")
        client.files.write_bytes("implied/file", b"hello")
        client.files.create_dir("dir/in/dir/")
    exporter.stop()
    assert sorted(path.name for path in root.iterdir()) == ["dir", "implied", "mine"]
    assert list((root / "dir").iterdir()) == [root / "dir/in"]
    assert list((root / "implied").iterdir()) == []


def test_web_servers_are_signed_for(start):
    endpoint = "http://invalid.invalid"
    kwargs = f"{{scheme: http, kwargs: {{endpoint: '{endpoint}'}}}}"
    with start(f"  web: {{type: {DRIVER}.Opendal, config: {kwargs}}}\n").client() as client:
        capability = client.web.capability()
        assert capability.presign_read and capability.presign_stat
        assert not capability.write and not capability.list
        assert client.web.presign_read("test", 100) == PresignedRequest(
            url=f"{endpoint}/test", method="GET", headers={}
        )
        assert client.web.presign_stat("test", 100) == PresignedRequest(
            url=f"{endpoint}/test", method="HEAD", headers={}
        )
        with pytest.raises(DriverError, match="UNKNOWN: Unsupported"):
            client.web.presign_write("test", 100)


@pytest.mark.ours
def test_nothing_outside_of_the_root_can_be_reached(files, root):
    (root.parent / "secret").write_bytes(b"secret")
    (root / "link").symlink_to("..")
    (root / "file").write_bytes(b"file")
    for path in ["../secret", "link/secret", "a/../../secret"]:
        for try_it in [
            lambda: files.read_bytes(path),
            lambda: files.write_bytes(path, b"mine"),
            lambda: files.stat(path),
            lambda: files.exists(path),
            lambda: files.hash(path),
            lambda: files.copy(path, "stolen"),
            lambda: files.copy("file", path),
            lambda: files.rename(path, "stolen"),
            lambda: files.rename("file", path),
            lambda: files.delete(path),
            lambda: files.remove_all(path),
            lambda: files.create_dir(f"{path}/"),
        ]:
            with pytest.raises(DriverInvalidArgument, match="leads out of the storage"):
                try_it()
        with pytest.raises(DriverError, match="leads out of the storage"):
            list(files.list(f"{path}/"))
    assert (root.parent / "secret").read_bytes() == b"secret"
    assert sorted(path.name for path in root.iterdir()) == ["file", "link"]


@contextmanager
def mounted(folder, options):
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.ours
def test_a_full_disk_is_told_and_does_no_lasting_harm(start, home):
    with mounted(home / "small", "size=1m") as small:
        with start(storage(small)).client() as client:
            file = client.files.open("image", "wb")
            text = failure(lambda: file.write_bytes(bytes(4 * MIB)))
            assert "INTERNAL: cannot write `image`: No space left on device" in text
            file.close()
            assert file.closed
            assert (small / "image").stat().st_size <= MIB
            client.files.delete("image")
            client.files.write_bytes("image", b"fits")
            assert client.files.read_bytes("image") == b"fits"


def test_a_disk_that_cannot_be_written(start, home):
    with mounted(home / "locked", "size=1m") as locked:
        (locked / "image").write_bytes(b"old")
        subprocess.run(["mount", "-o", "remount,ro", locked], check=True)
        with start(storage(locked)).client() as client:
            for try_it in [
                lambda: client.files.write_bytes("image", b"new"),
                lambda: client.files.create_dir("dir/"),
                lambda: client.files.delete("image"),
                lambda: client.files.copy("image", "copy"),
            ]:
                with pytest.raises(DriverError, match="UNKNOWN: .*\n*.*"):
                    try_it()
                assert "Read-only file system (os error 30)" in failure(try_it)
            assert client.files.read_bytes("image") == b"old"


def failure(try_it):
    """What a call failed with, wherever the client has put it."""
    with pytest.raises(BaseException) as caught:
        try_it()

    def texts(error):
        yield str(error)
        for inner in getattr(error, "exceptions", ()):
            yield from texts(inner)

    return "\n".join(texts(caught.value))


# Flashers


@pytest.mark.parametrize("target", [None, "uboot"])
def test_flash_and_dump(board, tmp_path, target):
    for image in [b"hello", content(5 * MIB), b""]:
        (tmp_path / "image").write_bytes(image)
        board.flash(tmp_path / "image", target=target)
        board.dump(tmp_path / "dump", target=target)
        assert (tmp_path / "dump").read_bytes() == image


def test_flash_several_partitions(board, tmp_path):
    for name in ["boot", "root"]:
        (tmp_path / name).write_bytes(name.encode())
    board.flash({name: str(tmp_path / name) for name in ["boot", "root"]})
    for name in ["boot", "root"]:
        board.dump(tmp_path / "dump", target=name)
        assert (tmp_path / "dump").read_bytes() == name.encode()


def test_dump_of_nothing(board, tmp_path):
    text = failure(lambda: board.dump(tmp_path / "dump", target="nothing"))
    assert "[Errno 2] No such file or directory: '" in text


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_compressed_image_is_flashed_as_what_it_is(board, tmp_path, encoding):
    image = content(3 * MIB)
    (tmp_path / "image").write_bytes(COMPRESS[encoding](image))
    board.flash(tmp_path / "image", compression=encoding)
    board.dump(tmp_path / "dump")
    assert (tmp_path / "dump").read_bytes() == image


@pytest.mark.ours
@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_dump_can_be_compressed(board, tmp_path, encoding):
    image = content(3 * MIB)
    (tmp_path / "image").write_bytes(image)
    board.flash(tmp_path / "image")
    board.dump(tmp_path / "dump", compression=encoding)
    dump = (tmp_path / "dump").read_bytes()
    assert len(dump) < 2 * MIB
    assert DECOMPRESS[encoding](dump) == image


@pytest.mark.parametrize("encoding", COMPRESS)
def test_what_is_not_compressed_is_not_flashed_as_such(board, tmp_path, encoding):
    (tmp_path / "image").write_bytes(b"this is plain text" * 1000)
    with pytest.raises((DriverError, ExceptionGroup)):
        board.flash(tmp_path / "image", compression=encoding)


@pytest.mark.ours
@pytest.mark.parametrize("encoding", COMPRESS)
def test_an_image_that_was_cut_off_or_changed_is_an_error(board, tmp_path, encoding):
    whole = COMPRESS[encoding](content(MIB))
    middle = len(whole) // 2
    changed = bytearray(whole)
    changed[middle : middle + 16] = bytes(16)
    for image in [whole[:middle], whole[:-1], bytes(changed)]:
        (tmp_path / "image").write_bytes(image)
        with pytest.raises((DriverError, ExceptionGroup)):
            board.flash(tmp_path / "image", compression=encoding)
    # The board is none the worse for it.
    (tmp_path / "image").write_bytes(whole)
    board.flash(tmp_path / "image", compression=encoding)
    board.dump(tmp_path / "dump")
    assert (tmp_path / "dump").read_bytes() == content(MIB)


def test_a_handle_works_once(board):
    with upload(board, b"hello") as handle:
        board.call("flash", handle, None)
        with pytest.raises(DriverError, match="UNKNOWN"):
            board.call("flash", handle, None)
    with pytest.raises((ZeroDivisionError, ExceptionGroup)):
        with upload(board, b"never used"):
            raise ZeroDivisionError
    with upload(board, b"hello again") as handle:
        board.call("flash", handle, None)


def test_a_handle_belongs_to_its_driver(start):
    export = "".join(f"  {name}: {{type: {DRIVER}.MockFlasher}}\n" for name in ["one", "two"])
    with start(export).client() as client:
        with upload(client.one, b"hello") as handle:
            with pytest.raises(DriverError, match="UNKNOWN"):
                client.two.call("flash", handle, None)
            client.one.call("flash", handle, None)


@pytest.mark.parametrize(
    "handle",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "client_stream", "uuid": "no uuid", "x_jmp_content_encoding": None},
        {"kind": "presigned_request", "headers": {}, "url": "http://127.0.0.1:1/", "method": "POST"},
        "text",
    ],
)
def test_handles_that_are_none(board, handle):
    with pytest.raises(DriverError):
        board.call("flash", handle, None)


def test_a_handle_that_nobody_has(board):
    uuid = "0e3d5b16-5b23-4a39-8c32-1ff1c1bd6f5b"
    handle = {"kind": "client_stream", "uuid": uuid, "x_jmp_content_encoding": None}
    with pytest.raises(DriverError, match=rf"UNKNOWN: UUID\('{uuid}'\)"):
        board.call("flash", handle, None)


# Images of web servers


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


def flashed(board, tmp_path):
    board.dump(tmp_path / "dump")
    return (tmp_path / "dump").read_bytes()


def test_an_image_of_a_web_server(board, tmp_path):
    image = content(5 * MIB)
    with web_server(lambda _: (200, {}, image)) as (address, paths):
        board.flash(f"{address}/a%40b/image%2Braw?token=x%40y&z=%2F")
        assert paths == ["/a%40b/image%2Braw?token=x%40y&z=%2F"]
    assert flashed(board, tmp_path) == image


def redirect(request, path, code=302):
    """To a path of the same server."""
    return code, {"location": f"http://{request.headers['host']}{path}"}, b""


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed_to_the_letter(board, tmp_path, code):
    def answer(request):
        if request.path == "/start":
            return redirect(request, "/user%40host/image?x=%2F", code)
        return 200, {}, b"image"

    with web_server(answer) as (address, paths):
        board.flash(f"{address}/start")
    assert paths == ["/start", "/user%40host/image?x=%2F"]
    assert flashed(board, tmp_path) == b"image"


def test_a_chain_of_redirects_is_followed_to_the_letter(board, tmp_path):
    chain = ["/a%40/1", "/b%40/2", "/c%40/3", "/d%40/4"]

    def answer(request):
        at = chain.index(request.path) + 1
        return redirect(request, chain[at]) if at < len(chain) else (200, {}, b"image")

    with web_server(answer) as (address, paths):
        board.flash(f"{address}{chain[0]}")
    assert paths == chain
    assert flashed(board, tmp_path) == b"image"


@pytest.mark.ours
def test_a_redirect_to_a_relative_address(board, tmp_path):
    places = {"/a/start": "next%40", "/a/next%40": "/b/last%40"}

    def answer(request):
        if place := places.get(request.path):
            return 302, {"location": place}, b""
        return 200, {}, b"image"

    with web_server(answer) as (address, paths):
        board.flash(f"{address}/a/start")
    assert paths == ["/a/start", "/a/next%40", "/b/last%40"]
    assert flashed(board, tmp_path) == b"image"


def test_redirects_without_end(board):
    with web_server(lambda request: redirect(request, "/again")) as (address, paths):
        with pytest.raises(DriverError, match="Too many redirects"):
            board.flash(f"{address}/start")
        assert 10 <= len(paths) <= 11


def test_a_redirect_to_nowhere(board):
    with web_server(lambda _: (302, {}, b"")) as (address, _):
        with pytest.raises(DriverError, match="missing Location header"):
            board.flash(f"{address}/start")


def test_an_image_that_is_not_there(board):
    with web_server(lambda _: (404, {}, b"no such image")) as (address, _):
        with pytest.raises(DriverError) as refused:
            board.flash(f"{address}/image?token=secret")
    text = str(refused.value)
    assert "UNKNOWN: Presigned HTTP GET request failed: status=404, reason='Not Found'" in text
    assert "[REDACTED]" in text and "secret" not in text


def test_a_web_server_that_stops_halfway(board):
    with web_server(lambda _: (200, {"content-length": 1000}, b"half")) as (address, _):
        with pytest.raises(DriverError):
            board.flash(f"{address}/image")


def test_a_web_server_that_is_not_there(board):
    with pytest.raises(DriverError):
        board.flash("http://127.0.0.1:1/image")


def test_credentials_stay_with_their_server(board):
    """A redirect to another server must not take them along."""
    seen = []

    def elsewhere(request):
        seen.append(request.headers["authorization"])
        return 200, {}, b"image"

    with web_server(elsewhere) as (other, _):

        def answer(request):
            seen.append(request.headers["authorization"])
            if request.path == "/start":
                return redirect(request, "/here", 307)
            return 307, {"location": f"{other}/there"}, b""

        with web_server(answer) as (address, _):
            board.call(
                "flash",
                {
                    "kind": "presigned_request",
                    "headers": {"Authorization": "Bearer x"},
                    "url": f"{address}/start",
                    "method": "GET",
                },
                None,
            )
    assert seen == ["Bearer x", "Bearer x", None]


def test_a_file_of_a_web_server_goes_into_storage(files, root):
    with web_server(lambda _: (200, {}, b"data")) as (address, paths):
        operator = Operator("http", endpoint=address)
        files.write_from_path("one", f"{address}/user%40host/image", operator=operator)
        files.write_from_path("two", f"{address}/user%40host/image")
    assert paths == ["/user%40host/image"] * 2
    assert (root / "one").read_bytes() == (root / "two").read_bytes() == b"data"


def trusting(monkeypatch, authorities):
    """Lets exporters trust the authorities in a file, and no others."""
    ordinary = lab.environment
    trust = {"SSL_CERT_FILE": str(authorities), "SSL_CERT_DIR": "/nonexistent"}
    monkeypatch.setattr(lab, "environment", lambda *args: ordinary(*args) | trust)


@pytest.mark.ours
def test_web_servers_are_who_they_say_they_are(start, certs, monkeypatch, tmp_path):
    with web_server(lambda _: (200, {}, b"image"), certs) as (address, _):
        export = (
            f"  web: {{type: {DRIVER}.Opendal, config: {{scheme: http, "
            f"kwargs: {{endpoint: '{address}'}}}}}}\n"
            f"  board: {{type: {DRIVER}.MockFlasher}}\n"
        )
        with start(export).client() as client:
            assert "certificate" in failure(lambda: client.web.read_bytes("image"))
            with pytest.raises(DriverError):
                client.board.flash(f"{address}/image")
        trusting(monkeypatch, certs.ca)
        with start(export).client() as client:
            assert client.web.read_bytes("image") == b"image"
            client.board.flash(f"{address}/image")
            assert flashed(client.board, tmp_path) == b"image"


@pytest.mark.ours
def test_a_machine_without_certificates(start, monkeypatch):
    trusting(monkeypatch, "/nonexistent")
    kwargs = {"memory": "", "http": "endpoint: 'http://127.0.0.1:1'"}
    export = "".join(
        f"  {scheme}: {{type: {DRIVER}.Opendal, config: {{scheme: {scheme}, kwargs: {{{more}}}}}}}\n"
        for scheme, more in kwargs.items()
    )
    with start(export).client() as client:
        client.memory.write_bytes("file", b"hello")
        assert client.memory.read_bytes("file") == b"hello"
        with pytest.raises(DriverError, match="Connection refused"):
            client.http.stat("file")
    # The exporter may be gone before anybody has noticed that it was there.
    try:
        told = start(export.replace("http://", "https://")).wait_for("CA certificates")
    except AssertionError as error:
        told = str(error)
    assert "install `ca-certificates`" in told


# Switches


def mux(start, kind):
    return start(f"  card: {{type: {DRIVER}.{kind}}}\n").client()


def test_a_card_takes_an_image_and_gives_it_back(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with mux(start, "MockStorageMux") as client:
        card = client.card
        card.host()
        for at, name in enumerate([str(tmp_path / "image"), "image", "./image"]):
            (tmp_path / "image").write_bytes(content((10 - 4 * at) * MIB, seed=at))
            card.write_local_file(name)
            card.read_local_file("back")
            assert (tmp_path / "back").read_bytes() == (tmp_path / "image").read_bytes()
        card.dut()
        card.off()


def test_a_card_takes_a_file_of_a_web_server(start, tmp_path):
    with web_server(lambda _: (200, {}, b"testcontent" * 1000)) as (address, _):
        with mux(start, "MockStorageMux") as client:
            client.card.write_file(Operator("http", endpoint=address), "test")
            client.card.read_local_file(str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"testcontent" * 1000


def test_a_card_is_flashed_in_order(start, tmp_path):
    (tmp_path / "image").write_bytes(content(10 * MIB))
    with mux(start, "MockStorageMuxFlasher") as client:
        card = client.card
        with mock.patch.object(card, "call", side_effect=card.call) as calls:
            card.flash(tmp_path / "image")
            steps = [mock.call("host"), mock.call("write", mock.ANY), mock.call("dut")]
            assert calls.call_args_list == steps
            calls.reset_mock()
            card.dump(tmp_path / "dump")
            steps[1] = mock.call("read", mock.ANY)
            assert calls.call_args_list == steps
        assert (tmp_path / "dump").read_bytes() == (tmp_path / "image").read_bytes()
        with pytest.raises(Exception, match="target is not supported"):
            card.flash(tmp_path / "image", target="uboot")
