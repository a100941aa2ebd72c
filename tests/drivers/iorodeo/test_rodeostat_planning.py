"""From a technique to what the board is told: geometry, whole milliseconds, ranges, and every refusal."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from luggin.capabilities import Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.records import Flag
from luggin_drivers.iorodeo import IORodeoRodeostat
from luggin_drivers.iorodeo.plan import shift_of
from luggin_drivers.iorodeo.programme import potential_at

CV = {"begin": 0.0, "vertices": (0.5, -0.5), "rate": 0.1, "step": 0.001}
LSV = {"begin": -0.2, "end": 0.5, "rate": 0.1, "step": 0.001}
CA = {"potential": 0.5, "duration": 10.0, "dt": 0.1}


def offline(model="microamp", **given):
    return IORodeoRodeostat().offline({"model": model, **given})


def planned(name, parameters, board=None, **changes):
    board = board or offline()
    realised = board.prepare([Technique(name, {**parameters, **changes})])
    return realised, board._plan


def test_the_example_of_the_firmware_s_own_words():
    """25 mV/s between -0.2 and +0.8 V, two cycles: amplitude 0.5, offset 0.3, period 80 s, shift 0."""
    realised, plan = planned("cv", CV, begin=-0.2, vertices=(0.8, -0.2), rate=0.025, cycles=2, quiet=5.0)
    assert plan.test == "cyclic"
    assert plan.parameters == {
        "quietValue": -0.2,
        "quietTime": 5000,
        "amplitude": pytest.approx(0.5),
        "offset": pytest.approx(0.3),
        "period": 80_000,
        "numCycles": 2,
        "shift": 0.0,
    }
    assert (plan.interval, plan.done_at, realised.rows, realised.durations) == (40, 165_000, (4125,), (165.0,))
    assert realised.expected_flags == Flag.QUIET_TIME


def test_what_the_other_techniques_become():
    _, lsv = planned("lsv", LSV)
    assert (lsv.test, lsv.interval, lsv.done_at) == ("linearSweep", 10, 7000)
    assert lsv.parameters == {
        "quietValue": -0.2,
        "quietTime": 0,
        "startValue": -0.2,
        "finalValue": 0.5,
        "duration": 7000,
    }
    _, ca = planned("ca", CA, quiet=2.0)
    assert (ca.test, ca.interval, ca.done_at) == ("constant", 100, 12_000)
    assert ca.parameters == {"quietValue": 0.5, "quietTime": 2000, "value": 0.5, "duration": 10_000}
    assert [ca.cycle(t) for t in (100, 5000)] == [0, 0]


@pytest.mark.parametrize(
    ("begin", "vertices", "shift"),
    [
        (-0.4, (0.4, -0.4), 0.0),  # at the lower turn, rising
        (0.0, (0.4, -0.4), 0.25),
        (0.4, (-0.4, 0.4), 0.5),  # at the upper turn, falling
        (0.0, (-0.4, 0.4), 0.75),
        (0.4, (0.4, -0.4), 0.5),  # a first vertex at begin is no way
        (-0.4, (-0.4, 0.4), 0.0),
    ],
)
def test_where_a_triangle_begins(begin, vertices, shift):
    assert shift_of(begin, vertices) == pytest.approx(shift, abs=1e-15)


def walked(begin, vertices, rate, seconds):
    """Where somebody is who walks begin -> first -> second -> begin -> ... at a rate (V/s), leg by leg."""
    here, way = begin, rate * seconds
    while True:
        for goal in (*vertices, begin):
            if way <= abs(goal - here):
                return here + (way if goal > here else -way)
            way -= abs(goal - here)
            here = goal


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    low=st.floats(-1.5, 1.0),
    span=st.floats(0.05, 1.5),
    place=st.floats(0, 1),
    up=st.booleans(),
    rate=st.floats(0.005, 0.5),
    moment=st.floats(0, 1),
    cycles=st.integers(1, 3),
)
def test_a_cv_goes_the_way_that_was_asked_for(low, span, place, up, rate, moment, cycles):
    high = low + span
    begin = low + place * span
    assume(low <= begin <= high)
    vertices = (high, low) if up else (low, high)
    step = max(0.002, 0.001 * rate)
    assume(0.001 <= step / rate <= 1.0)
    cv = {"begin": begin, "vertices": vertices, "rate": rate, "step": step, "cycles": cycles}
    realised, plan = planned("cv", cv)
    time = round(moment * plan.done_at)
    real_rate = realised.techniques[0].parameters["rate"]
    assert real_rate == pytest.approx(rate, rel=0.02)
    expected = walked(begin, vertices, real_rate, time / 1000)
    assert potential_at(plan.test, plan.parameters, time) == pytest.approx(expected, abs=1e-6)
    assert low - 1e-9 <= expected <= high + 1e-9


def test_cycles_are_counted_from_the_programme():
    _, plan = planned("cv", CV, begin=-0.2, vertices=(0.8, -0.2), rate=0.5, cycles=2, quiet=1.0)
    times = [998, 1000, 1002, 5000, 5002, 9000]
    assert [plan.cycle(t) for t in times] == [0, 1, 1, 1, 2, 2]
    assert plan.last_at == plan.done_at == 9000


def test_whole_milliseconds_are_told():
    realised, plan = planned("cv", CV, rate=0.0333, step=0.001, quiet=0.1)
    assert plan.interval == 30
    assert plan.parameters["period"] == 60_060
    assert any("cv.step" in note and "0.000999" in note for note in realised.notes)
    assert any("cv.rate" in note for note in realised.notes)
    assert any("cv.quiet" in note and "0.09" in note for note in realised.notes)
    assert plan.parameters["quietTime"] == 90


@pytest.mark.parametrize(
    ("vertices", "volt_range", "step"), [((0.5, -1.0), "1V", "488.4 uV"), ((1.0, -1.7), "2V", "976.8 uV")]
)
def test_the_range_of_potential_and_its_steps(vertices, volt_range, step):
    realised, plan = planned("cv", CV, vertices=vertices)
    assert plan.volt_range == volt_range
    assert any(step in note for note in realised.notes)


def test_current_ranges():
    assert planned("ca", CA, current_range=40e-6)[1].current_range == ("100uA", 100e-6)
    assert planned("ca", CA, current_range=100e-6)[1].current_range == ("100uA", 100e-6)
    assert planned("ca", CA, board=offline(current_range="8 uA"))[1].current_range == ("10uA", 10e-6)
    realised, plan = planned("ca", CA)
    assert plan.current_range == ("1000uA", 1e-3)
    assert any("does not change ranges by itself" in note for note in realised.notes)
    with pytest.raises(LimitError, match=r"2 mA.*1 uA, 10 uA, 100 uA, 1 mA"):
        planned("ca", CA, current_range=2e-3)
    with pytest.raises(LimitError, match="0 A"):
        planned("ca", CA, current_range=0.0)


@pytest.mark.parametrize(
    ("name", "changes", "error", "words"),
    [
        ("cv", {"begin": 0.7}, NotSupported, "not between the vertices -500 mV and 500 mV"),
        ("cv", {"end": 0.1}, NotSupported, "whole cycles.*by an lsv behind it"),
        ("cv", {"vertices": (0.5, 0.5)}, LimitError, "less than one step"),
        ("cv", {"vertices": (0.5,)}, NotSupported, "turns at two potentials"),
        ("cv", {"vertices": (11.0, 0.0)}, LimitError, r"11 V.*-10 V \.\.\. 10 V"),
        ("cv", {"rate": 0.0005, "step": 0.001}, LimitError, "2 s between two points.*500 uV"),
        ("cv", {"rate": 1.0, "step": 1e-5}, LimitError, "1 ms ... 1000 ms"),
        ("cv", {"cycles": 1.5}, UsageError, "not a whole number"),
        ("cv", {"stepp": 0.1}, UsageError, "did you mean 'step'"),
        ("cv", {"rate": float("nan")}, UsageError, "not a number"),
        ("lsv", {"end": -0.2005}, LimitError, "less than one step"),
        ("lsv", {"end": -0.21, "step": 0.009}, LimitError, "no two points"),
        ("ca", {"dt": 2.0}, LimitError, r"1 ms \.\.\. 1 s"),
        ("ca", {"duration": 0.05}, LimitError, "longer than the duration"),
        ("ocp", {}, NotSupported, "cv, lsv, ca"),
    ],
)
def test_what_is_refused(name, changes, error, words):
    with pytest.raises(error, match=words):
        planned(name, {"cv": CV, "lsv": LSV, "ca": CA, "ocp": {}}[name], **changes)


def test_one_technique_at_a_time():
    with pytest.raises(NotSupported, match="opens the cell behind every test"):
        offline().prepare([Technique("ca", CA), Technique("cv", CV)])
    with pytest.raises(UsageError, match="no technique"):
        offline().prepare([])


def test_a_board_that_cannot_open_the_cell_closes_none():
    with pytest.raises(NotSupported, match=r"no command opens the cell.*multiplexer = 1.*hardware 0.2"):
        planned("ca", CA, board=offline("microamp-0.1"))
    assert planned("ca", CA, board=offline("microamp-0.1", multiplexer=1))[1].test == "constant"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "needs the setting 'model'"),
        ({"model": "milliamp"}, "microamp"),
        ({"model": "microamp", "polarity": "us"}, '"iupac" or "inverted"'),
        ({"model": "microamp", "current_range": "2 mA"}, "at most 1 mA"),
        ({"model": "microamp", "current_range": 1e-5}, "a quantity"),
        ({"model": "microamp", "multiplexer": 1}, "switches of its own"),
        ({"model": "microamp-0.1", "multiplexer": 8}, "from 1 to 7"),
        ({"model": "microamp-0.1", "multiplexer": True}, "from 1 to 7"),
        ({"model": "microamp", "polarty": "iupac"}, "did you mean 'polarity'"),
    ],
)
def test_settings_that_are_refused(given, words):
    with pytest.raises(UsageError, match=words):
        IORodeoRodeostat().line_settings(given)


def test_what_is_declared():
    declared = offline().capabilities
    assert declared.polarity == "unknown"
    assert offline(polarity="iupac").capabilities.polarity == "iupac"
    assert offline(polarity="inverted").capabilities.polarity == "us"
    assert declared.enforced == {}
    assert not declared.chain
    assert "ocp" not in declared.techniques
    assert offline("nanoamp-0.1-8v").capabilities.potential.high == 8.0
    assert any("polarity" in note for note in planned("ca", CA)[0].notes)
    assert not any("polarity" in note for note in planned("ca", CA, board=offline(polarity="iupac"))[0].notes)
