"""The sign of the current turns in one place, both ways: what is regressed against is the American convention."""

import numpy as np
import pytest

from luggin.capabilities import Technique
from luggin_drivers.srs import commands
from luggin_drivers.srs.signs import from_instrument, to_instrument


def test_both_ways_turn_numbers_and_arrays():
    assert from_instrument(2e-6) == -2e-6
    assert to_instrument(2e-6) == -2e-6
    assert from_instrument(to_instrument(3.0)) == 3.0
    assert np.array_equal(from_instrument(np.array([1.0, -2.0])), [-1.0, 2.0])


def test_nothing_is_no_negative_nothing():
    assert str(from_instrument(0.0)) == str(to_instrument(0.0)) == "0.0"


def test_an_anodic_current_is_sent_with_the_instruments_sign():
    assert commands.send(20e-6, 100e-6) == "setcur -0.200000"
    assert commands.send(-20e-6, 100e-6) == "setcur 0.200000"


@pytest.mark.parametrize("data", ["stream", "poll"])
def test_an_oxidation_over_a_resistor_is_positive(on_twin, sweep, data):
    with on_twin({"data": data, "poll_interval": "20 ms"}) as rig:
        rows = rig.run([sweep]).raise_error().rows
    top = max(rows, key=lambda row: row["potential"])
    assert top["potential"] == pytest.approx(0.5, abs=0.02)
    assert top["current"] == pytest.approx(50e-6, rel=0.05)


@pytest.mark.parametrize("data", ["stream", "poll"])
def test_a_driven_anodic_current_gives_a_positive_potential(on_twin, data):
    cp = Technique("cp", {"current": 20e-6, "duration": 1.0, "dt": 0.1, "potential_limit": 1.0})
    with on_twin({"data": data}) as rig:
        rows = rig.run([cp]).raise_error().rows
        assert rig.written.count(b"setcur -0.200000\n") == 1
    assert [row["current"] for row in rows] == pytest.approx([20e-6] * 10, rel=1e-4)
    assert [row["potential"] for row in rows] == pytest.approx([0.2] * 10, rel=1e-4)


def test_the_reading_beside_techniques_is_turned_too(on_twin):
    with on_twin() as rig:
        rig.line.write(b"setvol 500\nceenab 1\n")
        assert rig.device.current.read() == pytest.approx(50e-6, rel=1e-6)
        assert rig.device.potential.read() == pytest.approx(0.5, rel=1e-6)
