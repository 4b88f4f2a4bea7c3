"""Plaintext, TLS, passphrase, unix socket: every way the Python client has of coming in."""

import grpc
import pytest
from jumpstarter.common.exceptions import ExporterUnreachableError
from jumpstarter.config.tls import TLSConfigV1Alpha1
from lab import MOCK_POWER

POWER = f"  power: {{type: {MOCK_POWER}}}\n"


def test_the_unix_socket_beside_the_port(power):
    with power.client(power.socket) as client:
        client.power.on()
        assert len(list(client.power.read())) == 2


def test_tls_with_our_own_authority(start, certs):
    exporter = start(POWER, tls=certs)
    with exporter.client() as client:
        client.power.on()


def test_tls_without_verification(start, certs):
    exporter = start(POWER, tls=certs)
    with exporter.client(tls_config=TLSConfigV1Alpha1(insecure=True)) as client:
        client.power.on()


def test_a_plaintext_client_at_a_tls_port_is_refused(start, certs):
    exporter = start(POWER, tls=certs)
    with pytest.raises(ExporterUnreachableError):
        with exporter.client(insecure=True):
            pass


def test_an_authority_the_client_does_not_know_is_refused(start, certs, tmp_path):
    from lab import Certs

    exporter = start(POWER, tls=certs)
    stranger = Certs(tmp_path)
    with pytest.raises(ExporterUnreachableError):
        with exporter.client(tls_config=TLSConfigV1Alpha1(ca=stranger.ca_base64)):
            pass


@pytest.mark.parametrize("with_tls", [False, True], ids=["plaintext", "tls"])
def test_a_passphrase_opens_the_door(start, certs, with_tls):
    exporter = start(POWER, tls=certs if with_tls else None, passphrase="open sesame")
    with exporter.client() as client:
        client.power.on()
        assert len(list(client.power.read())) == 2


@pytest.mark.parametrize("said", ["open barley", None], ids=["wrong", "none"])
def test_the_wrong_passphrase_does_not(start, said):
    exporter = start(POWER, passphrase="open sesame")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        with exporter.client(passphrase=said):
            pass
    assert refusal.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert refusal.value.details() == "invalid or missing passphrase"
    line = exporter.wait_for("invalid or missing passphrase")
    assert "/jumpstarter.v1.ExporterService/GetReport" in line
    assert "open sesame" not in exporter.log
    assert "open barley" not in exporter.log


def test_the_port_closes_with_the_exporter(power):
    with power.client() as client:
        client.power.on()
    power.stop()
    with pytest.raises(ExporterUnreachableError):
        with power.client():
            pass
