"""Images that the exporter gets from web servers: redirects, refusals, secrets, certificates."""

import lab
import pytest
from images import DRIVER, MIB, board, content, failure, redirect, web_server
from jumpstarter.client.core import DriverError


def flashed(board, tmp_path):
    board.dump(tmp_path / "dump")
    return (tmp_path / "dump").read_bytes()


def test_an_image_of_a_web_server(board, tmp_path):
    image = content(5 * MIB)
    with web_server(lambda _: (200, {}, image)) as (address, paths):
        board.flash(f"{address}/a%40b/image%2Braw?token=x%40y&z=%2F")
        assert paths == ["/a%40b/image%2Braw?token=x%40y&z=%2F"]
    assert flashed(board, tmp_path) == image


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
