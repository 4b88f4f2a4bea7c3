import os
from contextlib import ExitStack

import pytest
from lab import MOCK_POWER, Certs, Exporter

PEER = os.environ.get("JMP_PEER", "ours")


@pytest.fixture
def home(tmp_path_factory):
    """A private folder; short, because sockets are made in it."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture
def certs(home):
    return Certs(home)


@pytest.fixture
def start(home):
    """Starts exporters, ours unless told otherwise; they end with the test."""
    with ExitStack() as running:

        def start(export, *, kind=PEER, **options):
            exporter = Exporter(home, export, kind=kind, **options)
            running.callback(exporter.end)
            return exporter

        yield start


@pytest.fixture
def power(start):
    """An exporter with one mock power switch."""
    return start(f"  power: {{type: {MOCK_POWER}}}\n")


def pytest_collection_modifyitems(items):
    for item in items:
        if PEER != "ours" and item.get_closest_marker("ours"):
            item.add_marker(pytest.mark.skip(reason="only our exporter can do this"))
