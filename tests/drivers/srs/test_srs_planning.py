"""What the instrument is told for a technique, and what is refused before anything is told."""

import itertools

import pytest

from luggin.capabilities import Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.instrument.staircase import cyclic
from luggin_drivers.srs import commands
from luggin_drivers.srs.capabilities import capabilities
from luggin_drivers.srs.path import path_of
from luggin_drivers.srs.plan import make_plan
from luggin_drivers.srs.settings import read_settings

CV = {"begin": 0.0, "vertices": (-1.7, 0.2), "end": 0.0, "rate": 0.025, "step": 1e-3, "cycles": 2}
LSV = {"begin": 0.0, "end": 0.5, "rate": 0.1, "step": 1e-3, "current_range": 1e-5}
CA = {"potential": 0.25, "duration": 10.0, "dt": 0.1, "current_range": 2e-6}
CP = {"current": 1e-6, "duration": 10.0, "dt": 0.1, "potential_limit": 1.0}


def plan(*techniques, **settings):
    read = read_settings(settings)
    return make_plan([Technique(name, given) for name, given in techniques], read, capabilities(read))


def test_a_sweep_in_the_units_of_the_ramp_generator():
    """Manual, 8.4.2: points in mV, rates in 0.1 mV/s; the cell is opened at the end of the programme."""
    (part,) = plan(("lsv", LSV)).parts
    assert part.programme == (
        "scantp 1", "scanem 0", "ramppt 0 0.0", "ramppt 1 500.0", "ramprt 0 1000", "rampdt 0 0", "rampdt 1 0",
    )  # fmt: skip
    assert part.mode == 1
    assert part.ends_itself


def test_a_cycle_that_ends_at_the_second_vertex_ends_by_itself():
    (part,) = plan(("cv", {**CV, "begin": 0.2, "end": 0.2, "cycles": 3})).parts
    assert part.ends_itself
    assert "rampcy 2" in part.programme  # two more than the first time
    (single,) = plan(("cv", {**CV, "begin": 0.2, "end": 0.2, "cycles": 1})).parts
    assert single.programme[0] == "scantp 1"


def test_a_cycle_that_ends_between_the_vertices_is_programmed_further_and_stopped():
    found = plan(("cv", CV))
    (part,) = found.parts
    assert not part.ends_itself
    assert "rampcy 2" in part.programme
    assert any("stopped when it passes" in note for note in found.realised.notes)
    assert part.duration == pytest.approx((1.7 + 1.9 + 1.9 + 1.9 + 0.2) / 0.025)


def test_in_a_chain_nothing_opens_the_cell_by_itself_but_the_last():
    first, second = plan(("lsv", LSV), ("lsv", {**LSV, "begin": 0.5, "end": 0.0})).parts
    assert (first.mode, first.ends_itself) == (0, False)
    assert (second.mode, second.ends_itself) == (1, True)


def test_every_number_is_written_without_an_exponent():
    lines = itertools.chain.from_iterable(
        part.programme for part in plan(("lsv", {**LSV, "begin": 0.0002, "rate": 1e-4, "step": 2e-4})).parts
    )
    assert not [line for line in lines if "e" in line.partition(" ")[2]]


def test_the_range_is_the_smallest_that_covers_what_is_asked_for():
    assert plan(("ca", CA)).current_range == 6  # 10 uA for 2 uA
    assert plan(("ca", {**CA, "current_range": 1e-6})).current_range == 7
    assert plan(("ca", {**CA, "current_range": None})).current_range is None
    assert plan(("cp", CP)).current_range == 7


@pytest.mark.parametrize(("potential", "code"), [(0.3, 0), (2.0, 0), (2.1, 1), (14.0, 2)])
def test_the_converter_covers_the_potentials(potential, code):
    assert plan(("ca", {**CA, "potential": potential})).potential_range == code


def test_what_is_rounded_is_said():
    found = plan(("lsv", {**LSV, "begin": 0.00007, "rate": 0.10004}), ("ca", {**CA, "potential": 0.25049}))
    lsv, ca = found.realised.techniques
    assert (lsv.parameters["begin"], lsv.parameters["rate"], ca.parameters["potential"]) == (0.0, 0.1, 0.25)
    assert [note.partition(":")[0] for note in found.realised.notes] == ["lsv.begin", "lsv.rate", "ca.potential", "lsv"]


@pytest.mark.parametrize(
    ("techniques", "error", "words"),
    [
        ([("cv", {**CV, "end": 0.5})], NotSupported, "between the vertices"),
        ([("cv", {**CV, "vertices": (0.1, 0.2, 0.3)})], NotSupported, "two potentials"),
        ([("ca", CA), ("cp", CP)], NotSupported, "steps of their own"),
        ([("ocp", {"duration": 1.0, "dt": 0.1}), ("ca", CA)], NotSupported, "steps of their own"),
        ([("ca", {**CA, "potential": 15.1})], LimitError, "15 V"),
        ([("cp", {**CP, "current": 1.5})], LimitError, "1 A"),
        ([("lsv", {**LSV, "rate": 5.0})], LimitError, "per row"),
        ([("cv", {**CV, "cycles": 255})], LimitError, "254"),
        ([("dpv", {})], NotSupported, "dpv"),
        ([], UsageError, "no technique"),
    ],
)
def test_what_cannot_be_done_is_refused(techniques, error, words):
    with pytest.raises(error, match=words):
        plan(*techniques)


def test_positive_feedback_needs_a_fixed_range():
    feedback = {"ir_compensation": "positive-feedback", "ir_resistance": "80 ohm"}
    with pytest.raises(NotSupported, match="current_range"):
        plan(("ca", {**CA, "current_range": None}), **feedback)
    notes = plan(("ca", CA), **feedback).realised.notes
    assert any("iR compensation is on (positive-feedback): 80 ohm" in note for note in notes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ir_compensation": "positive-feedback"}, "ir_resistance"),
        ({"ir_resistance": "80 ohm"}, "positive-feedback"),
        ({"bandwith": "1 kHz"}, "bandwidth"),
        ({"bandwidth": "2 kHz"}, "1 kHz"),
        ({"ce_limit": "31 V"}, "30 V"),
        ({"ir_correction": 201}, "200"),
        ({"ir_open": "200 ms"}, "shorter"),
        ({"potential_range": "3 V"}, "5 V"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        read_settings(settings)


@pytest.mark.parametrize("begin", [0.0, 0.1, -0.2, 0.2, 0.4])
@pytest.mark.parametrize("cycles", [1, 2, 3])
def test_cycles_are_counted_as_in_a_staircase(begin, cycles):
    end = begin if abs(begin) <= 0.2 else 0.2
    step, rate = 0.01, 0.1
    stairs = cyclic(begin, (0.2, -0.2), end, cycles, step)
    path = path_of("cv", {"begin": begin, "vertices": (0.2, -0.2), "end": end, "cycles": cycles, "rate": rate})
    assert path.duration == pytest.approx((len(stairs) - 1) * step / rate)
    # Level k of the staircase is reached at k steps; a little before it the cycle is that of the level.
    times = [(k - 0.01) * step / rate for k in range(1, len(stairs))]
    assert path.cycles(times).tolist() == list(stairs.cycles[1:])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, []),
        (
            {"ir_compensation": "positive-feedback", "ir_resistance": "0.08 kohm"},
            ["irtype 1", "pfback 80.000000", "irenab 1"],
        ),
        (
            {"ir_compensation": "current-interrupt", "ir_open": "50 us", "ir_period": "20 ms", "ir_correction": 85},
            ["irtype 0", "ciopen 50", "ciperd 20", "cicorr 85.000", "irenab 1"],
        ),
    ],
)
def test_compensation_is_told_in_the_manuals_units_and_never_to_a_galvanostat(settings, told):
    """Manual, 8.4: interrupts in us, their distance in ms, the correction in %."""
    read = read_settings(settings)
    assert commands.compensation(read, commands.POTENTIOSTAT) == told
    assert commands.compensation(read, commands.GALVANOSTAT) == []


def test_the_limit_at_the_counter_electrode_is_set_in_millivolts_and_is_off_unless_asked_for():
    on = commands.control(read_settings({"ce_limit": "12.5 V"}), 0, 2, 8)
    off = commands.control(read_settings({}), 0, 2, 8)
    assert [line for line in on if line.startswith("celim")] == ["celimv 12500", "celimt 1"]
    assert [line for line in off if line.startswith("celim")] == ["celimv 30000", "celimt 0"]


def test_the_two_filters_have_their_own_numbers():
    """Manual, 8.4: 0 is none for the potential, and 10 Hz for the current."""
    none = commands.control(read_settings({}), 0, 2, 8)
    slow = commands.control(read_settings({"potential_filter": "10 Hz", "current_filter": "10 Hz"}), 0, 2, 8)
    assert none[2:4] == ["eadcfl 0", "iadcfl 1"]
    assert slow[2:4] == ["eadcfl 1", "iadcfl 0"]
