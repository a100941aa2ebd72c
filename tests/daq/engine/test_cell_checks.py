"""What readings say about a cell: fits with known answers, and verdicts with words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.engine.cell_checks import (
    SHORT,
    check_open_circuit,
    check_overcurrent,
    check_response,
    may_be_closed,
)
from luggin.engine.cell_readings import STRAY, OpenCircuit, Response
from luggin.records import Flag

REACH = (-6.0, 6.0)
AMPLITUDE, RATE, DT = 0.01, 0.05, 0.02


def triangle(cycles=3):
    """0, 1 mV ... 10 mV ... -10 mV ... 0 V, again and again, in steps of 1 mV."""
    one = [*range(10), *range(10, -10, -1), *range(-10, 0)]
    levels = np.array([*(one * cycles), 0]) * 1e-3
    return np.arange(len(levels)) * DT, levels


def answer(conductance=0.0, capacitance=0.0, noise=0.0, background=(0.0, 0.0), flags=0, off=None):
    time, levels = triangle()
    rate = np.concatenate([[0.0], np.diff(levels) / DT])
    scatter = noise * np.random.default_rng(1).standard_normal(len(time))
    current = background[0] + background[1] * time + conductance * levels + capacitance * rate + scatter
    return Response.of(time, current, levels + 0.3, off, np.full(len(time), flags))


def verdicts(checks):
    return {check.name: check.verdict for check in checks}


def words(checks):
    return "; ".join(map(str, checks))


def judge(slow, fast=None, resistance=None, noise_below=None):
    return check_response(slow, fast, amplitude=AMPLITUDE, resistance=resistance, noise_below=noise_below)


def test_drift_and_noise_are_those_of_a_straight_line():
    time = np.arange(100) * 0.1
    wiggle = 2e-3 * np.where(np.arange(100) % 2, 1.0, -1.0)
    seen = OpenCircuit.of(time, 0.25 + 3e-3 * (time - time.mean()) + wiggle)
    assert seen.potential == pytest.approx(0.25)
    # An alternating sequence of 100 has a slope of its own, a thousandth of its height per reading.
    assert seen.drift == pytest.approx(3e-3, abs=2e-4)
    assert seen.noise == pytest.approx(2e-3 * np.sqrt(100 / 98), rel=1e-3)
    assert seen.readings == 100


def test_readings_that_are_no_numbers_do_not_count():
    time = np.arange(20.0)
    potential = np.where(np.arange(20) % 3 == 0, np.nan, 0.1)
    assert OpenCircuit.of(time, potential) == OpenCircuit.of(time[potential == 0.1], potential[potential == 0.1])
    nothing = OpenCircuit.of(time, np.full(20, np.nan))
    (check,) = check_open_circuit(nothing, expected=None, reach=REACH, drift_below=1.0, noise_below=1.0)
    assert (check.verdict, check.value) == ("failed", None)
    assert "0 usable readings; is the reference electrode connected?" in check.words
    assert may_be_closed(nothing, REACH, 0.01, 2.0) == "there is no open-circuit potential"


@given(st.floats(-1e-3, 1e-3), st.floats(-1e-4, 1e-4), st.floats(-1e-6, 1e-6), st.floats(-1e-6, 1e-6))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_conductance_and_capacitance_are_found_whatever_the_background(conductance, capacitance, offset, drift):
    seen = answer(conductance, capacitance, background=(offset, drift))
    assert seen.conductance == pytest.approx(conductance, abs=1e-12, rel=1e-6)
    assert seen.capacitance == pytest.approx(capacitance, abs=1e-12, rel=1e-6)
    assert seen.rate == pytest.approx(RATE)


def test_the_uncertainties_are_those_of_the_noise():
    noise = 50e-9
    found = []
    for seed in range(200):
        time, levels = triangle()
        scatter = noise * np.random.default_rng(seed).standard_normal(len(time))
        found.append(Response.of(time, 2e-6 * levels + scatter, levels, None, np.zeros(len(time), int)))
    assert np.std([r.conductance for r in found]) == pytest.approx(np.mean([r.u_conductance for r in found]), rel=0.1)
    assert np.std([r.capacitance for r in found]) == pytest.approx(np.mean([r.u_capacitance for r in found]), rel=0.1)
    assert np.mean([r.noise for r in found]) == pytest.approx(noise, rel=0.02)


def test_a_good_cell_passes_everything_that_can_be_told():
    checks = judge(answer(1e-4, 2e-6, noise=1e-9), resistance=(1e3, 1e6), noise_below=5e-9)
    assert verdicts(checks) == {
        "closed circuit": "passed",
        "polarity": "passed",
        "potential follows": "not possible",
        "resistance": "passed",
        "noise of the current": "passed",
    }
    (resistance,) = [check for check in checks if check.name == "resistance"]
    assert resistance.value == pytest.approx(1e4, rel=1e-3)


def test_a_blank_electrolyte_has_a_capacitance_and_no_resistance_that_could_be_told():
    checks = judge(answer(1e-9, 2e-6, noise=10e-9))
    assert verdicts(checks)["closed circuit"] == "passed"
    (resistance,) = [check for check in checks if check.name == "resistance"]
    assert (resistance.verdict, resistance.value) == ("passed", None)
    assert resistance.words.startswith("more than ")


def test_where_nothing_answers_a_lead_is_open_and_no_sign_can_be_told():
    checks = judge(answer(noise=10e-9))
    assert verdicts(checks) == {
        "closed circuit": "failed",
        "polarity": "not possible",
        "potential follows": "not possible",
        "resistance": "not possible",
    }
    assert "the counter or the working electrode is not connected" in words(checks)


def test_what_cables_answer_is_no_cell():
    assert verdicts(judge(answer(capacitance=0.9 * STRAY)))["closed circuit"] == "failed"
    assert verdicts(judge(answer(capacitance=1.1 * STRAY)))["closed circuit"] == "passed"


def test_what_answers_only_to_a_fast_excursion_is_a_closed_circuit():
    checks = judge(answer(noise=100e-9), fast=answer(capacitance=5e-6, noise=10e-9))
    assert (verdicts(checks)["closed circuit"], verdicts(checks)["polarity"]) == ("passed", "passed")


@pytest.mark.parametrize(("conductance", "capacitance"), [(-1e-4, 2e-6), (1e-4, -2e-6), (-1e-4, -2e-6)])
def test_a_current_against_the_potential_is_reversed(conductance, capacitance):
    checks = judge(answer(conductance, capacitance, noise=1e-9))
    assert verdicts(checks)["polarity"] == "failed"
    assert "reversed" in words(checks)


@pytest.mark.parametrize(
    ("conductance", "window", "said"),
    [
        (2.0 / SHORT, None, "do electrodes touch"),
        (1e-2, (1e3, 1e6), "do electrodes touch"),
        (1e-7, (1e3, 1e6), "is there a bad contact?"),
    ],
)
def test_a_resistance_outside_of_what_is_expected_fails(conductance, window, said):
    checks = judge(answer(conductance, noise=1e-12), resistance=window)
    (resistance,) = [check for check in checks if check.name == "resistance"]
    assert resistance.verdict == "failed"
    assert resistance.value == pytest.approx(1.0 / conductance, rel=1e-3)
    assert said in resistance.words


def test_a_resistance_that_is_surely_more_than_expected_fails_though_it_has_no_number():
    checks = judge(answer(0.0, 2e-6, noise=1e-9), resistance=(1e3, 1e5))
    (resistance,) = [check for check in checks if check.name == "resistance"]
    assert (resistance.verdict, resistance.value) == ("failed", None)


def test_an_instrument_that_reports_overloads_fails_the_resistance():
    checks = judge(answer(1e-4, noise=1e-9, flags=Flag.CURRENT_OVERLOAD.value))
    assert verdicts(checks)["resistance"] == "failed"
    assert "overload of the current" in words(checks)


def test_a_potential_that_does_not_follow_means_an_open_lead():
    time, levels = triangle()
    checks = judge(answer(1e-4, 2e-6, off=levels + 0.3))
    assert verdicts(checks)["potential follows"] == "passed"
    stays = judge(answer(1e-4, 2e-6, off=np.full(len(time), 0.3)))
    assert verdicts(stays)["potential follows"] == "failed"
    assert "sense lead or the counter electrode is open" in words(stays)


def test_too_few_readings_say_nothing():
    time, levels = triangle()
    assert Response.of(time[:8], levels[:8], levels[:8], None, np.zeros(8, int)) is None
    assert set(verdicts(judge(None)).values()) == {"not possible"}


def test_what_is_smooth_is_no_noise():
    time, levels = triangle()
    smooth = 1e-6 * np.sin(time)
    scatter = 1e-9 * np.random.default_rng(5).standard_normal(len(time))
    seen = Response.of(time, smooth + scatter, levels, None, np.zeros(len(time), int))
    assert seen.noise == pytest.approx(1e-9, rel=0.2)
    assert seen.u_capacitance * RATE > 3e-9  # but it makes the answer less certain


def test_gaps_between_sweeps_do_not_count():
    time, levels = triangle()
    late = time + np.where(np.arange(len(time)) > 60, 5.0, 0.0)
    current = 1e-4 * levels + 2e-6 * np.concatenate([[0.0], np.diff(levels) / DT])
    seen = Response.of(late, current, levels, None, np.zeros(len(time), int))
    assert (seen.conductance, seen.capacitance) == pytest.approx((1e-4, 2e-6), rel=1e-6)


def test_an_excursion_that_was_ended_for_its_current_is_a_short():
    check = check_overcurrent(np.array([1e-3, np.nan, -5e-3]), AMPLITUDE)
    assert check.value == pytest.approx(2.0)
    assert "do electrodes touch?" in check.words
    assert check_overcurrent(np.empty(0), AMPLITUDE).value is None


def seen_at(potential, drift=0.0, noise=0.0):
    return OpenCircuit(potential, drift, noise, potential, 100)


@pytest.mark.parametrize(
    ("seen", "name", "said"),
    [
        (seen_at(5.9), "electrodes connected", "the amplifier is at its end"),
        (seen_at(-5.9), "electrodes connected", "the amplifier is at its end"),
        (seen_at(0.1, drift=-1.0), "electrodes connected", "the potential floats"),
        (seen_at(0.1, drift=2e-3), "drift", "the cell is not at rest"),
        (seen_at(0.1, noise=2e-3), "noise of the potential", "the leads pick up the mains"),
        (seen_at(1.5), "open-circuit potential", "is this the right cell"),
        (seen_at(-0.5), "open-circuit potential", "with the other sign it would fit: are the leads reversed?"),
    ],
)
def test_an_open_cell_that_is_not_right_fails_by_name(seen, name, said):
    checks = check_open_circuit(seen, expected=(0.0, 1.0), reach=REACH, drift_below=1e-3, noise_below=1e-3)
    (wrong,) = [check for check in checks if check.name == name]
    assert wrong.verdict == "failed"
    assert said in wrong.words


def test_an_open_cell_that_is_right_passes():
    checks = check_open_circuit(
        seen_at(0.1, 1e-4, 1e-4), expected=(0.0, 1.0), reach=REACH, drift_below=1e-3, noise_below=1e-3
    )
    assert set(verdicts(checks).values()) == {"passed"}
    assert may_be_closed(seen_at(0.1, 1e-4, 1e-4), REACH, AMPLITUDE, 2.0) == ""


@pytest.mark.parametrize(
    "seen", [seen_at(5.9), seen_at(0.1, drift=1.0), seen_at(0.1, drift=6e-3), seen_at(0.1, noise=0.02)]
)
def test_a_cell_is_not_closed_on_a_potential_that_cannot_be_trusted(seen):
    assert may_be_closed(seen, REACH, AMPLITUDE, 2.0) != ""


def test_what_is_as_good_as_nothing_is_told_so_and_kept_as_it_is():
    seen = OpenCircuit(93.99e-9, -14.08e-12, 2e-4, 93.99e-9, 100)
    told = check_open_circuit(seen, expected=(-0.3, 0.3), reach=REACH, drift_below=1e-3, noise_below=1e-3)
    assert [str(check) for check in told] == [
        "electrodes connected: passed < 10 uV (within -5.7 V ... 5.7 V, not floating)",
        "open-circuit potential: passed < 10 uV (-300 mV ... 300 mV)",
        "drift: passed < 1 uV/s (at most 1 mV/s)",
        "noise of the potential: passed 200 uV (at most 1 mV)",
    ]
    assert told[2].to_json() == {
        "name": "drift",
        "verdict": "passed",
        "value": -14.08e-12,
        "unit": "V/s",
        "limit": "at most 1 mV/s",
        "words": "",
    }
