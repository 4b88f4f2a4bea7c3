"""The tree of drivers, as the Python client builds it from our report."""

import pytest
from jumpstarter.client.base import StubDriverClient
from jumpstarter_driver_composite.client import CompositeClient
from jumpstarter_driver_power.client import PowerClient
from lab import MOCK_POWER

# Proxies before and after their targets, to a leaf and to a group.
TREE = f"""\
  proxy0: {{ref: composite1.power1}}
  proxy1: {{ref: composite1}}
  power0:
    type: {MOCK_POWER}
    description: the one on the left
    methods_description: {{"on": lights it up}}
  composite1:
    children:
      power1: {{type: {MOCK_POWER}}}
"""


@pytest.fixture
def tree(start):
    return start(TREE, top="description: a bench\n")


def test_every_node_has_its_class(tree):
    with tree.client() as client:
        assert type(client) is CompositeClient
        assert sorted(client.children) == ["composite1", "power0", "proxy0", "proxy1"]
        assert type(client.power0) is PowerClient
        assert type(client.composite1) is CompositeClient
        assert type(client.proxy0) is PowerClient
        assert type(client.proxy1) is CompositeClient


def test_a_proxy_is_its_target(tree):
    with tree.client() as client:
        assert client.proxy0.uuid == client.composite1.power1.uuid
        assert client.proxy1.uuid == client.composite1.uuid
        assert client.proxy1.power1.uuid == client.composite1.power1.uuid
        assert client.proxy0.uuid != client.power0.uuid
        for switch in [
            client.proxy0,
            client.proxy1.power1,
            client.power0,
            client.composite1.power1,
        ]:
            switch.on()
            switch.off()


def test_descriptions_arrive_where_they_were_written(tree):
    with tree.client() as client:
        assert client.description == "a bench"
        assert client.power0.description == "the one on the left"
        assert client.power0.methods_description == {"on": "lights it up"}
        assert client.composite1.description is None
        assert client.composite1.power1.description is None


def test_names_and_labels(tree):
    with tree.client() as client:
        assert client.power0.labels["jumpstarter.dev/name"] == "power0"
        assert client.proxy0.labels["jumpstarter.dev/name"] == "proxy0"
        assert "jumpstarter.dev/name" not in client.labels
        assert client.labels["jumpstarter.dev/client"] == (
            "jumpstarter_driver_composite.client.CompositeClient"
        )


def test_uuids_stay_for_the_life_of_the_exporter(tree):
    with tree.client() as client:
        first = client.power0.uuid
    with tree.client() as client:
        assert client.power0.uuid == first


def test_an_empty_exporter_is_an_empty_group(start):
    with start("  {}\n").client() as client:
        assert type(client) is CompositeClient
        assert client.children == {}


@pytest.mark.ours
def test_a_driver_the_client_does_not_know_leaves_the_others_alone(start):
    exporter = start(
        f"  power: {{type: {MOCK_POWER}}}\n"
        "  pdu:\n"
        "    type: jumpstarter_driver_example_c.driver.Pdu\n"
    )
    with exporter.client() as client:
        assert isinstance(client.pdu, StubDriverClient)
        client.power.on()
