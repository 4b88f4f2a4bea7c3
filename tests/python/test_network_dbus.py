"""Message buses of the exporter's machine, used by tools of the client's."""

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from network import in_environment, node


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
