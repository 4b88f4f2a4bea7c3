"""What a driver says arrives at the Python client, as the driver's."""

import logging
import time

import pytest


class Heard(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append((record.name, record.levelname, record.getMessage()))

    def wait_for(self, text, seconds=10):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in list(self.lines):
                if text in line[2]:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no {text!r} among {self.lines}")


@pytest.fixture
def heard():
    heard = Heard()
    root = logging.getLogger()
    before = root.level
    root.addHandler(heard)
    root.setLevel(logging.INFO)
    yield heard
    root.removeHandler(heard)
    root.setLevel(before)


def test_a_drivers_line_arrives_as_the_drivers(power, heard):
    with power.client() as client, client.log_stream():
        client.power.on()
        assert heard.wait_for("power on") == ("exporter:driver", "INFO", "power on")
        client.power.off()
        assert heard.wait_for("power off") == ("exporter:driver", "INFO", "power off")


def test_lines_from_before_the_client_came_are_kept(power, heard):
    with power.client() as client:
        client.power.on()
    with power.client() as client, client.log_stream():
        heard.wait_for("power on")


def test_exporter_logs_of_jmp_shell(power):
    # The line races with the end of the shell, in the Python client too: give it a moment.
    command = ["sh", "-c", "j power on; sleep 2"]
    done = power.shell(*command, kind="python", flags=["--exporter-logs"])
    assert done.returncode == 0, done.stderr
    assert "power on" in done.stdout + done.stderr
