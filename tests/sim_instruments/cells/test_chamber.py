"""The chamber: lumped heat balance, lags, saturation, and the same readings whoever asks."""

import math

import pytest

from luggin.errors import ProtocolError
from luggin_sim.cells import Chamber, ChamberSpec, chamber_from_table, read_chamber

KELVIN = 273.15


def chamber(setpoint=None, **values):
    """A chamber without noise, from lab time 0; with a set point (degC) it runs."""
    made = Chamber(ChamberSpec(**{"noise": 0.0, **values}))
    made.advance(0.0)
    if setpoint is not None:
        made.setpoint, made.running = setpoint + KELVIN, True
    return made


def test_what_is_switched_off_cools_exponentially_to_the_room():
    bath = chamber(ambient=293.15, starts_at=353.15, heat_capacity=20_000.0, loss=5.0)
    bath.advance(4000.0)  # one time constant: C/G
    assert bath.bath - 293.15 == pytest.approx(60.0 / math.e, rel=2e-4)


def test_the_sample_follows_the_bath_with_its_lag():
    """Behind a ramp a first-order lag stays rate times time constant back."""
    bath = chamber(setpoint=600.0, loss=0.0, heating=2000.0, heat_capacity=20_000.0, sample_lag=300.0)
    bath.advance(3000.0)  # ten lags at full power: 0.1 K/s
    assert bath.power == 1.0
    assert bath.bath - bath.sample == pytest.approx(0.1 * 300.0, rel=2e-3)


def test_heating_is_as_fast_as_its_power():
    bath = chamber(setpoint=200.0, loss=0.0, heating=1000.0, heat_capacity=10_000.0)
    start = bath.bath
    bath.advance(600.0)
    assert bath.bath - start == pytest.approx(0.1 * 600.0, abs=0.2)


def test_a_large_step_overshoots_a_little_and_settles_at_the_set_point():
    bath, highest = chamber(setpoint=60.0), 0.0
    for second in range(0, 7200, 5):
        bath.advance(float(second))
        highest = max(highest, bath.bath)
    assert 0.1 < highest - (60.0 + KELVIN) < 3.0
    assert bath.bath == pytest.approx(60.0 + KELVIN, abs=1e-3)
    assert bath.sample == pytest.approx(60.0 + KELVIN, abs=1e-3)


def test_it_cools_below_the_room_as_far_as_its_power_lets_it():
    bath = chamber(setpoint=-80.0, ambient=293.15, cooling=400.0, loss=10.0, heat_capacity=5_000.0)
    bath.advance(20_000.0)
    assert bath.power == -1.0
    assert bath.bath == pytest.approx(293.15 - 400.0 / 10.0, abs=0.01)


def test_a_sample_that_loses_heat_is_not_where_the_bath_is_unless_it_is_what_is_controlled():
    inside = chamber(setpoint=80.0, ambient=293.15, sample_loss=0.02)
    outside = chamber(setpoint=80.0, ambient=293.15, sample_loss=0.02)
    outside.external = True
    for one in (inside, outside):
        one.advance(20_000.0)
    assert inside.bath - KELVIN == pytest.approx(80.0, abs=2e-3)
    assert inside.sample - KELVIN == pytest.approx(80.0 - 0.02 * 60.0, abs=5e-3)
    assert outside.sample - KELVIN == pytest.approx(80.0, abs=5e-3)


def test_a_broken_heater_heats_nothing_but_still_cools():
    bath = chamber(setpoint=60.0, ambient=293.15)
    bath.heater_works = False
    bath.advance(3600.0)
    assert bath.power == 1.0, "it tries"
    assert bath.bath == 293.15
    bath.setpoint = 10.0 + KELVIN
    bath.advance(7200.0)
    assert bath.bath == pytest.approx(10.0 + KELVIN, abs=0.05)


def test_readings_are_the_same_whoever_asks_and_however_often():
    often, seldom = (chamber(setpoint=40.0, noise=0.01, seed=7) for _ in range(2))
    for tenth in range(36_000):
        often.advance(tenth / 10)
    seldom.advance(3599.9)
    assert (often.bath_reading, often.sample_reading) == (seldom.bath_reading, seldom.sample_reading)
    seldom.advance(10.0)  # somebody whose time is earlier changes nothing
    assert often.bath == seldom.bath


def test_the_noise_is_that_of_the_spec():
    bath = chamber(noise=0.02, seed=3)
    errors = []
    for second in range(1, 4000):
        bath.advance(float(second))
        errors.append(bath.sample_reading - bath.sample)
    assert math.sqrt(sum(e * e for e in errors) / len(errors)) == pytest.approx(0.02, rel=0.05)


def test_a_table_with_quantities():
    made = chamber_from_table({"ambient": "20 degC", "heating": "1.5 kW", "sample_lag": "5 min", "seed": 4})
    assert made.truth == ChamberSpec(ambient=293.15, heating=1500.0, sample_lag=300.0, seed=4)


def test_all_mistakes_of_a_table_are_told_at_once():
    spec, problems = read_chamber({"ambient": "20 V", "heatin": "1 kW", "sample_loss": 2}, "simulated.bath.chamber")
    assert spec is None
    said = "\n".join(p.render("bench.toml") for p in problems)
    assert "simulated.bath.chamber.ambient" in said
    assert "Did you mean 'heating'?" in said
    assert "sample_loss is 2" in said


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"heat_capacity": "1 J/K"}, "no inertia"),
        ({"heat_capacity": "100 J/K", "loss": "1 W/K"}, "faster than its own cycle"),
    ],
)
def test_a_chamber_that_cannot_be_computed_is_refused(table, words):
    with pytest.raises(ProtocolError, match=words):
        chamber_from_table(table)
