"""The Python `jmp` and `j` against our exporter; our `jmp` and `j` against the Python exporter."""

import subprocess

import pytest
from lab import MOCK_POWER, OURS, PYTHON, environment

POWER = f"  power: {{type: {MOCK_POWER}}}\n"
GROUPS = f"""\
  inner:
    children:
      switch: {{type: {MOCK_POWER}}}
  alias: {{ref: inner.switch}}
"""
PAIRS = [("ours", "python"), ("python", "ours")]
READINGS = (
    "voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA\n"
    "voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA\n"
)

pairs = pytest.mark.parametrize(
    ("exporter", "client"),
    PAIRS,
    ids=[f"{exporter}-exporter-{client}-client" for exporter, client in PAIRS],
)


@pairs
def test_power_from_the_command_line(start, exporter, client):
    bench = start(POWER, kind=exporter)
    for command in [["on"], ["off"], ["cycle", "-w", "0"]]:
        done = bench.shell("j", "power", *command, kind=client)
        assert done.returncode == 0, done.stderr
    done = bench.shell("j", "power", "read", kind=client)
    assert done.returncode == 0, done.stderr
    assert READINGS in done.stdout  # the Python client logs there too


@pairs
def test_groups_and_proxies(start, exporter, client):
    bench = start(GROUPS, kind=exporter)
    for path in [["inner", "switch"], ["alias"]]:
        done = bench.shell("j", *path, "read", kind=client)
        assert done.returncode == 0, done.stderr
        assert READINGS in done.stdout  # the Python client logs there too


@pairs
def test_the_exit_code_is_the_commands(start, exporter, client):
    bench = start(POWER, kind=exporter)
    assert bench.shell("sh", "-c", "exit 7", kind=client).returncode == 7
    assert bench.shell("j", "power", "nonsense", kind=client).returncode == 1


@pairs
def test_tls_and_passphrase(start, certs, exporter, client):
    bench = start(POWER, kind=exporter, tls=certs, passphrase="open sesame")
    trust = {
        # Each client's own way of being told about an authority.
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(certs.ca),
        "SSL_CERT_FILE": str(certs.ca),
    }
    done = bench.shell("j", "power", "on", kind=client, env=trust)
    assert done.returncode == 0, done.stderr


@pairs
def test_the_wrong_passphrase(start, exporter, client):
    bench = start(POWER, kind=exporter, passphrase="open sesame")
    bench.passphrase = "open barley"
    done = bench.shell("j", "power", "on", kind=client)
    assert done.returncode == 1
    assert "invalid or missing passphrase" in done.stderr
    assert "open barley" not in done.stdout + done.stderr


@pairs
def test_help_lists_the_same_commands(start, exporter, client):
    bench = start(GROUPS + POWER, kind=exporter)
    done = bench.shell("j", "--help", kind=client)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    for child in ["alias", "inner", "power"]:
        assert child in words


def local_shell(home, kind, *command):
    """`jmp shell` of either kind with the drivers of a file; `command` finds what it names first."""
    config = home / "local.yaml"
    config.write_text(
        "apiVersion: jumpstarter.dev/v1alpha1\n"
        "kind: ExporterConfig\n"
        "metadata: {namespace: lab, name: story}\n"
        f"export:\n{POWER}"
    )
    programs = OURS if kind == "ours" else PYTHON
    return subprocess.run(
        [programs / "jmp", "shell", "--exporter-config", config, "--", *command],
        env=environment(home, programs),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_python_inside_our_local_shell(home):
    script = (
        "from jumpstarter.utils.env import env\n"
        "with env() as client:\n"
        "    client.power.on()\n"
        "    print([reading.voltage for reading in client.power.read()])\n"
    )
    done = local_shell(home, "ours", PYTHON / "python", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0.0, 5.0]\n"


def test_the_python_j_inside_our_local_shell(home):
    done = local_shell(home, "ours", PYTHON / "j", "power", "read")
    assert done.returncode == 0, done.stderr
    assert READINGS in done.stdout


def test_our_j_inside_the_python_local_shell(home):
    done = local_shell(home, "python", OURS / "j", "power", "read")
    assert done.returncode == 0, done.stderr
    assert READINGS in done.stdout
