"""What limits say to a technique before it begins, and what is passed on to the instrument."""

import pytest

from luggin.capabilities import Capabilities, LimitRequest, Range, Realised, Technique, TechniqueCapability
from luggin.engine.allowed import forbidden, reach_of, requests_of, too_late
from luggin.engine.limits import Limit, LimitGuard
from luggin.records import CURRENT, FLAGS, INSTRUMENT_TIME, POTENTIAL, Frame, Schema

CA = Schema("ca", (INSTRUMENT_TIME, POTENTIAL, CURRENT, FLAGS))
OCP = Schema("ocp", (INSTRUMENT_TIME, POTENTIAL, FLAGS))
POTENTIAL_LIMIT = Limit("potential", -1.0, 1.0, "V")
CURRENT_LIMIT = Limit("current", -1e-3, 1e-3, "A")
RATE = Limit("current", -1.0, 1.0, "A", kind="rate", over=1.0)


def capabilities(**enforced) -> Capabilities:
    return Capabilities(
        model="P1",
        techniques={"ca": TechniqueCapability("native", CA)},
        potential=Range(-3.0, 2.0, "V"),
        current=Range(-0.1, 0.1, "A"),
        enforced=enforced,
    )


def realised(latency, technique="ca", schema=CA) -> Realised:
    return Realised((Technique(technique, {}),), (schema,), (10.0,), (10,), latency)


def test_windows_are_passed_on_to_the_instrument_and_rates_are_not():
    assert requests_of([POTENTIAL_LIMIT, RATE, CURRENT_LIMIT]) == [
        LimitRequest("potential", -1.0, 1.0),
        LimitRequest("current", -1e-3, 1e-3),
    ]


def test_what_an_instrument_can_show_is_more_than_what_it_may_apply():
    reach = reach_of(capabilities())
    assert reach["potential"] == reach["voltage"] == (-9.0, 9.0)
    assert reach["current"] == pytest.approx((-0.3, 0.3))
    guard = LimitGuard([Limit("current", -1e-3, 1e-3, "A", rows=99)], CA, reach=reach)
    overloaded = [(float(n), 0.0, 0.11, 0) for n in range(5)]
    assert guard.check(Frame(CA, 0.0, rows=overloaded)) is None, "beyond its range, and still a reading"
    garbage = [(9.0 + n, 0.0, 1e9, 0) for n in range(5)]
    assert guard.check(Frame(CA, 0.0, rows=garbage)).reason == "invalid"


def test_what_the_limits_forbid_is_told_before_it_is_applied():
    ca = Technique("ca", {"potential": 1.25, "duration": 1.0, "dt": 0.1})
    assert forbidden(ca, [CURRENT_LIMIT, RATE]) == ""
    assert forbidden(ca, [CURRENT_LIMIT, POTENTIAL_LIMIT]) == (
        "ca: potential would be 1.25 V vs ref; the limits of this run allow potential between -1 V and 1 V. "
        "Nothing was applied."
    )
    cp = Technique("cp", {"current": -2e-3, "duration": 1.0, "dt": 0.1, "potential_limit": 1.0})
    assert forbidden(cp, [POTENTIAL_LIMIT, CURRENT_LIMIT]) == (
        "cp: current would be -2 mA; the limits of this run allow current between -1 mA and 1 mA. Nothing was applied."
    )


@pytest.mark.parametrize(
    ("limit", "latency", "enforced", "late"),
    [
        (CURRENT_LIMIT, 1.0, {}, False),
        (CURRENT_LIMIT, 1.5, {}, True),
        (CURRENT_LIMIT, 1.5, {"current": "a comparator opens the relay"}, False),
        (CURRENT_LIMIT, 1.5, {"potential": "a clamp"}, True),
        (Limit("current", -1.0, 1.0, "A", then="end_step"), 99.0, {}, False),
        (Limit("current", -1.0, 1.0, "A", then="suspend"), 99.0, {}, False),
        (Limit("current", -1.0, 1.0, "A", latency=60.0), 59.0, {}, False),
        (Limit("current", -1.0, 1.0, "A", latency=0.1), 0.2, {}, True),
        (RATE, 1.5, {"current": "a comparator opens the relay"}, True),
        (Limit("power", -1.0, 1.0, "W"), 1.5, {}, True),
        (Limit("temperature", 0.0, 400.0, "K"), 99.0, {}, False),
    ],
)
def test_readings_that_come_too_late_for_a_limit(limit, latency, enforced, late):
    said = too_late([limit], realised(latency), capabilities(**enforced))
    assert bool(said) == late
    if late:
        assert said.startswith("ca: readings may be ")
        assert "watched by the program alone" in said


def test_an_open_cell_can_wait():
    assert too_late([POTENTIAL_LIMIT], realised(60.0, "ocp", OCP), capabilities()) == ""
