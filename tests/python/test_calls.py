"""The unmodified Python client calls our drivers."""

import pytest
from jumpstarter.client.core import DriverError, DriverMethodNotImplemented
from jumpstarter_driver_power.common import PowerReading


def test_on_and_off_answer_nothing(power):
    with power.client() as client:
        assert client.power.on() is None
        assert client.power.off() is None
        assert client.power.call("on") is None


def test_read_streams_two_readings(power):
    with power.client() as client:
        readings = list(client.power.read())
    assert readings == [
        PowerReading(voltage=0.0, current=0.0),
        PowerReading(voltage=5.0, current=2.0),
    ]
    assert readings[1].apparent_power == 10.0


@pytest.mark.ours
def test_a_switch_written_in_c(start):
    exporter = start("  power: {type: jumpstarter_driver_example_c.driver.Power}\n")
    with exporter.client() as client:
        client.power.on()
        readings = list(client.power.read())
        assert readings and all(isinstance(reading, PowerReading) for reading in readings)
        client.power.off()


def test_a_stream_can_be_left_early(power):
    with power.client() as client:
        for _ in range(20):
            assert next(client.power.read()).voltage == 0.0
        client.power.on()


def test_many_calls_over_one_connection(power):
    with power.client() as client:
        for _ in range(200):
            client.power.on()


def test_a_method_that_is_not_there(power):
    with power.client() as client:
        with pytest.raises(DriverMethodNotImplemented, match="method nope not found on driver"):
            client.power.call("nope")
        with pytest.raises(NotImplementedError):
            client.power.rescue()


def test_a_method_of_the_other_kind(power):
    with power.client() as client:
        with pytest.raises(DriverMethodNotImplemented, match="missing marker marker_drivercall"):
            client.power.call("read")
        with pytest.raises(DriverError, match="missing marker marker_streamingdrivercall"):
            list(client.power.streamingcall("on"))


def test_too_many_arguments(power):
    with power.client() as client:
        with pytest.raises(DriverError):
            client.power.call("on", 1, 2, 3)
        client.power.on()


def test_two_clients_at_once(power):
    with power.client() as one, power.client() as other:
        one.power.on()
        other.power.off()
        assert len(list(one.power.read())) == len(list(other.power.read())) == 2
