"""Storage: files of the client travel both ways, and stay below the root."""

import hashlib
import os
import subprocess
from contextlib import contextmanager

import pytest
from images import DRIVER, MIB, content, failure, web_server
from jumpstarter.client.core import DriverError, DriverInvalidArgument
from jumpstarter_driver_opendal.common import PresignedRequest
from opendal import Operator


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


def test_a_file_of_a_web_server_goes_into_storage(files, root):
    with web_server(lambda _: (200, {}, b"data")) as (address, paths):
        operator = Operator("http", endpoint=address)
        files.write_from_path("one", f"{address}/user%40host/image", operator=operator)
        files.write_from_path("two", f"{address}/user%40host/image")
    assert paths == ["/user%40host/image"] * 2
    assert (root / "one").read_bytes() == (root / "two").read_bytes() == b"data"
