"""Flashers and switches: images of the client, compressed or not, and the handles they travel by."""

from io import BytesIO
from unittest import mock

import pytest
from images import COMPRESS, DECOMPRESS, DRIVER, MIB, board, content, failure, web_server
from jumpstarter.client.core import DriverError
from jumpstarter_driver_opendal.client import BytesIOStream
from opendal import Operator


def upload(client, data):
    """An upload that is open: its handle."""
    stream = BytesIOStream(buf=BytesIO(data))
    resource = client.resource_async(stream)
    return client.portal.wrap_async_context_manager(resource)


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
