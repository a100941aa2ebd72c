"""``dpv``, ``swv``, ``solution_resistance`` and ``compensate``: what they mean, and what is refused."""

import math

import pytest

from luggin.errors import UsageError
from luggin.steps import DPV, SWV, Compensate, SolutionResistance, broken_by, load_protocol

SAMPLE = '[sample]\nid = "x"\nwiring = "two-electrode, blocking"\nelectrodes = "Pt"\n'
WAVE = {"begin": "0 V vs ref", "end": "-0.8 V"}
PULSE = {**WAVE, "step": "5 mV", "period": "0.5 s"}


def swv(**changes):
    return SWV(**(WAVE | changes))


def dpv(**changes):
    return DPV(**(PULSE | changes))


def parameters(step, ocp=None, previous=None):
    return dict(step.technique(ocp, previous).parameters)


# --- meaning --------------------------------------------------------------------------------------


def test_a_square_wave_has_the_usual_values_if_nothing_is_said():
    assert parameters(swv()) == {
        "begin": 0.0,
        "end": -0.8,
        "step": 0.004,
        "amplitude": 0.025,
        "frequency": 25.0,
        "quiet": 0.0,
        "current_range": None,
    }


def test_pulses_go_the_way_of_the_staircase():
    assert parameters(dpv())["pulse"] == -0.05
    assert parameters(dpv(end="0.8 V"))["pulse"] == 0.05
    # which way it goes may be known only in the run
    assert parameters(dpv(begin="0 V vs ocp", end="-0.1 V vs ref"), ocp=-0.5)["pulse"] == 0.05


def test_rate_and_period_are_two_ways_to_say_the_same():
    by_rate = parameters(dpv(period=None, rate="10 mV/s"))
    assert by_rate == pytest.approx(parameters(dpv()))
    assert by_rate["rate"] == 0.01


def test_the_digest_is_that_of_what_was_set():
    assert swv(amplitude="25 mV").fingerprint() == swv(amplitude="0.025 V").fingerprint()
    assert swv(amplitude="25 mV").fingerprint() != swv(amplitude="26 mV").fingerprint()
    assert swv(label="mine").fingerprint() == swv().fingerprint()
    assert dpv().fingerprint() != dpv(period=None, rate="10 mV/s").fingerprint()


@pytest.mark.parametrize("step", [swv(), dpv(), SolutionResistance(), Compensate(of="Ru")])
def test_what_was_written_is_read_back(step):
    written = step.to_json()
    again = type(step)(**{name: value for name, value in written.items() if name != "do"})
    assert again == step
    assert again.fingerprint() == step.fingerprint()


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: swv(end="0 V"), "begins and ends"),
        (lambda: swv(step="1 V"), "more than the sweep is wide"),
        (lambda: swv(amplitude="0 mV"), "more than 0 V"),
        (lambda: swv(frequency="25"), "unit"),
        (lambda: swv(begin="0 V"), "no zero"),
        (lambda: dpv(period=None), "neither rate nor period"),
        (lambda: dpv(rate="10 mV/s"), "both rate and period"),
        (lambda: dpv(period="50 ms"), "does not fit into a period of 50 ms"),
        (lambda: dpv(pulse="-50 mV"), "more than 0 V"),
        (lambda: SolutionResistance(amplitude="10 mV"), "which amplitude"),
        (lambda: SolutionResistance(amplitude="0 mV peak"), "more than 0 V"),
        (lambda: SolutionResistance(amplitude="ten peak"), "ten"),
        (lambda: SolutionResistance(end="100 kHz"), "several frequencies"),
        (lambda: SolutionResistance(per_decade=0), "greater than or equal to 1|1 or more"),
        (lambda: Compensate(), "either given or that of a step"),
        (lambda: Compensate(of="Ru", resistance="80 ohm"), "either given or that of a step"),
        (lambda: Compensate(of="Ru", share=1.0), "0.95"),
    ],
)
def test_mistakes_are_refused_in_words(make, message):
    with pytest.raises(UsageError, match=message):
        make()


# --- limits ---------------------------------------------------------------------------------------


def load(step, between):
    limits = f'limits = [{{column = "potential", between = ["{between[0]}", "{between[1]}"]}}]\n'
    return load_protocol(text=f'title = "x"\n{limits}steps = [{step}]\n{SAMPLE}')


STEP_SWV = '{do = "swv", begin = "0 V vs ref", end = "-0.8 V"}'
STEP_DPV = '{do = "dpv", begin = "0 V vs ref", end = "-0.8 V", step = "5 mV", period = "0.5 s"}'


@pytest.mark.parametrize(
    ("step", "inside", "outside", "field"),
    [
        (STEP_SWV, ("-0.83 V", "0.03 V"), ("-0.82 V", "0.03 V"), "amplitude"),
        (STEP_SWV, ("-0.83 V", "0.03 V"), ("-0.83 V", "0.02 V"), "amplitude"),
        (STEP_DPV, ("-0.851 V", "0.01 V"), ("-0.84 V", "0.01 V"), "pulse"),
        ('{do = "solution_resistance", bias = "0 V vs ref"}', ("-11 mV", "11 mV"), ("-9 mV", "11 mV"), "amplitude"),
    ],
)
def test_what_pulses_reach_must_be_inside_of_the_limits(step, inside, outside, field):
    assert load(step, inside).protocol.steps
    with pytest.raises(UsageError, match=rf"steps\[1\]\.{field}: .* outside of the limits"):
        load(step, outside)


def test_what_is_known_only_in_the_run_is_judged_then():
    limits = load(STEP_SWV, ("-0.9 V", "0.1 V")).protocol.limits
    technique = swv(begin="0 V vs ocp").technique(0.08, None)
    assert [(name, value) for name, value, _ in broken_by(technique, limits)] == [
        ("amplitude", "0.105 V vs ref at its farthest")
    ]
    resistance = SolutionResistance().technique(-0.895, None)
    assert [name for name, _, _ in broken_by(resistance, limits)] == ["amplitude"]


# --- solution resistance --------------------------------------------------------------------------


def test_a_spectrum_is_asked_for_about_the_open_circuit_potential():
    assert parameters(SolutionResistance(), ocp=0.12) == {
        "potential": 0.12,
        "amplitude": 0.01,
        "begin_frequency": 100e3,
        "end_frequency": 1e3,
        "points": 21,
        "current_range": None,
    }


def test_amplitudes_are_kept_from_the_middle_to_the_peak():
    assert float(SolutionResistance(amplitude="10 mV rms").amplitude) == pytest.approx(0.01 * math.sqrt(2.0))
    assert SolutionResistance(amplitude="10 mV rms").to_json()["amplitude"] == "10 mV rms"


def test_interruption_and_compensation_are_techniques_that_an_instrument_may_not_have():
    assert SolutionResistance(method="interrupt").technique(0.1, None).name == "interrupt"
    assert Compensate(resistance="80 ohm").technique(None, None).parameters == {"resistance": 80.0, "share": 0.8}
