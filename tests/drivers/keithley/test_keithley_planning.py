"""Offline: levels, list sweeps, integration times, and what each model refuses."""

import math

import pytest

from luggin.capabilities import LimitRequest, SourceMeasure, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.instrument.staircase import cyclic, linear
from luggin.records import Flag
from luggin_drivers.keithley import Keithley2450
from luggin_drivers.keithley.commands import list_sweep
from luggin_drivers.keithley.plan import cut, held_current, make_plan, timing
from luggin_drivers.keithley.settings import read_settings
from luggin_drivers.keithley.tables import MODELS

LSV = Technique("lsv", {"begin": 0.0, "end": 0.1, "rate": 0.1, "step": 0.001, "current_range": 1e-4})
CV = Technique("cv", {"begin": 0.0, "vertices": (-1.7, 0.2), "end": 0.0, "rate": 0.025, "step": 0.001, "cycles": 2})


def offline(**settings):
    return Keithley2450().offline({"model": "2450", **settings})


def plan(technique, *others, **settings):
    instrument = offline(**settings)
    return make_plan([technique, *others], read_settings({"model": "2450", **settings}), instrument.capabilities)


def changed(technique, **changes):
    return Technique(technique.name, {**technique.parameters, **changes})


def test_it_is_a_source_measure_unit():
    assert isinstance(offline(), SourceMeasure)


# --- segments ---------------------------------------------------------------------------------------


def test_2500_points_are_one_sweep_and_2501_are_two():
    assert cut(linear(0.0, 2.499, 0.001)) == [(0, 2500)]
    assert cut(linear(0.0, 2.5, 0.001)) == [(0, 2500), (2500, 2501)]


def test_gaps_are_put_where_the_potential_turns():
    # 1700, 1900, 1900, 1900 and 200 steps: the sweeps end at the vertices, never within a wave
    stairs = cyclic(0.0, (-1.7, 0.2), 0.0, 2, 0.001)
    pieces = cut(stairs)
    assert pieces == [(0, 1701), (1701, 3601), (3601, 5501), (5501, 7601)]
    assert [stairs.levels[stop - 1] for _, stop in pieces] == [-1.7, 0.2, -1.7, 0.0]


def test_a_long_piece_is_cut_at_the_length_of_the_list():
    assert cut(cyclic(0.0, (4.0, 0.0), 0.0, 1, 0.001)) == [(0, 2500), (2500, 4001), (4001, 6501), (6501, 8001)]


def test_no_level_is_lost_or_doubled():
    planned = plan(CV)
    levels = [level for segment in planned.segments for level in segment.levels]
    assert len(levels) == planned.realised.rows[0] == 7601
    assert levels == list(cyclic(0.0, (-1.7, 0.2), 0.0, 2, 0.001).levels)
    assert planned.realised.duration == pytest.approx(7601 * 0.04)
    assert "4 list sweeps; between them the last potential is held" in planned.realised.notes[0]
    assert planned.realised.expected_flags & Flag.GAP


def test_at_most_a_hundred_levels_in_each_command():
    levels = linear(0.0, 0.25, 0.001).levels
    first, second, third, sweep = list_sweep(levels, 0.0)
    assert first.startswith("SOUR:LIST:VOLT 0,0.001,0.002,")
    assert [c.count(",") + 1 for c in (first, second, third)] == [100, 100, 51]
    assert second.startswith("SOUR:LIST:VOLT:APP 0.1,0.101,")
    assert third.endswith(",0.249,0.25")
    assert sweep == 'SOUR:SWE:VOLT:LIST 1, 0, 1, OFF, "defbuffer1"'


def test_the_quiet_time_is_a_sweep_over_one_level():
    planned = plan(changed(LSV, begin=0.5, end=0.4, quiet=2.0))
    quiet, sweep = planned.segments
    # watched ten times a second; the sweep has its own 10 ms
    assert (quiet.levels, quiet.interval, quiet.flags) == ((0.5,) * 20, 0.1, Flag.QUIET_TIME)
    assert (sweep.interval, sweep.flags) == (pytest.approx(0.01), 0)
    assert planned.realised.rows == (121,)


# --- integration times ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "settings", "nplc", "delay"),
    [
        # (40 ms - 2.85 ms) * 50 Hz, half of it for reading back the source
        (0.04, {}, 0.928, 0.0),
        (0.04, {"readback": False}, 1.857, 0.0),
        (0.04, {"readback": False, "line_frequency": "60 Hz"}, 2.229, 0.0),
        # ten power line cycles are the most: the rest is waited
        (1.0, {"readback": False}, 10.0, 0.79715),
        # the shortest: 0.01 power line cycles
        (0.003, {"readback": False}, 0.01, 0.0),
        # what the bench file says is kept, and the rest waited
        (0.04, {"nplc": 0.1, "readback": False}, 0.1, 0.03515),
    ],
)
def test_what_the_overhead_leaves_is_integrated(interval, settings, nplc, delay):
    assert timing(interval, read_settings({"model": "2450", **settings})) == (
        pytest.approx(nplc), pytest.approx(delay, abs=1e-9),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "settings", "words"),
    [
        (0.5, {"readback": False}, "1 mV at 500 mV/s are 2 ms per point; the Keithley 2450 is trusted with 3 ms"),
        (0.5, {"readback": False}, "Take at most 333.3 mV/s, or steps of at least 1.5 mV."),
        (0.1, {"nplc": 1}, "it integrates 1 power line cycles"),
        (0.32, {}, "is trusted with 3.2 ms"),
    ],
)
def test_a_rate_beyond_the_instrument_is_refused_with_numbers(rate, settings, words):
    with pytest.raises(LimitError) as refused:
        plan(changed(LSV, rate=rate), **settings)
    assert words in str(refused.value)


def test_the_fastest_rate_is_not_refused():
    assert plan(changed(LSV, rate=1 / 3), readback=False).segments[0].nplc == 0.01


# --- models -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        ("2450", {"current_range": 2.0}, "on its range of 200 mV the Keithley 2450 allows up to 1.05 A"),
        ("2460", {"current_range": 7.5}, "on its range of 200 mV the Keithley 2460 allows up to 7 A"),
        (
            "2460",
            {"end": 15.0, "step": 0.01, "current_range": 5.0},
            "on its range of 20 V the Keithley 2460 allows up to 4 A",
        ),
        ("2450", {"end": 25.0, "step": 0.1}, "lsv: 25 V is asked for; the Keithley 2450 allows -20 V ... 20 V"),
    ],
)
def test_what_a_model_cannot_do_is_refused(model, changes, words):
    with pytest.raises(LimitError) as refused:
        plan(changed(LSV, **changes), model=model)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("model", "end", "asked", "potential_range", "current_range"),
    [
        ("2450", 0.1, 1e-4, 0.2, 1e-4),
        ("2450", -0.25, 1.2e-4, 2.0, 1e-3),
        ("2460", 5.0, 1e-8, 7.0, 1e-6),
        ("2460", 8.0, 4.5, 10.0, 5.0),
        ("2450", 0.1, 1.04, 0.2, 1.0),
    ],
)
def test_the_smallest_ranges_that_cover_what_is_asked(model, end, asked, potential_range, current_range):
    planned = plan(changed(LSV, end=end, step=0.01, rate=0.1, current_range=asked), model=model)
    assert (planned.potential_range, planned.current_range) == (potential_range, current_range)


def test_without_a_current_range_the_instrument_chooses():
    planned = plan(changed(LSV, current_range=None))
    assert planned.current_range is None
    assert "changes ranges by itself, which takes time" in planned.realised.notes[0]


@pytest.mark.parametrize(
    ("low", "high", "measured", "held"),
    [
        (-1e-4, 1e-4, None, 1.1e-4),
        (-1e-4, 2e-5, None, 1.1e-4),  # the wider side, so that neither side is clamped before its limit
        (-1e-3, 1e-3, 1e-4, 1.05e-4),  # a fixed range cannot show more
        (-5.0, 5.0, None, 1.05),
    ],
)
def test_the_source_clamps_just_outside_the_limits_of_the_run(low, high, measured, held):
    limits = [LimitRequest("potential", -1, 1), LimitRequest("current", low, high)]
    assert held_current(limits, MODELS["2450"], 2.0, measured) == pytest.approx(held)


def test_without_limits_the_source_clamps_at_what_the_model_can():
    assert held_current([], MODELS["2460"], 20.0, None) == 4.0


# --- nonsense ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("technique", "error", "words"),
    [
        (Technique("ca", {"potential": 0.0}), NotSupported, "cannot do 'ca' by itself; it can do cv, lsv"),
        (Technique("lsv", {"begin": 0.0, "rate": 0.1, "step": 0.001}), UsageError, "lsv needs end"),
        (changed(LSV, stepp=1.0), UsageError, "has no parameter 'stepp'"),
        (changed(LSV, rate=math.nan), UsageError, "lsv.rate = nan is not a number"),
        (changed(LSV, step=0.0), LimitError, "lsv.step = 0 V"),
        (changed(LSV, rate=5.0, step=0.02), LimitError, "(the maker's own voltammetry goes to 3.5 V/s)"),
        (changed(CV, cycles=0), LimitError, "cv.cycles = 0; the Keithley 2450 allows 1 ... 10000"),
    ],
)
def test_nonsense_is_refused(technique, error, words):
    with pytest.raises(error) as refused:
        plan(technique)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs the setting 'model': one of 2450, 2460, 2461"),
        ({"model": "2470"}, "setting model = '2470' is not allowed"),
        ({"model": "2450", "terminal": "rear"}, "did you mean 'terminals'?"),
        ({"model": "2450", "nplc": 20}, 'write "auto" or a number from 0.01 to 10'),
        ({"model": "2450", "line_frequency": "55 Hz"}, 'write "50 Hz" or "60 Hz"'),
        ({"model": "2450", "poll": 0.2}, 'write a quantity from "20 ms" to "10 s"'),
        ({"model": "2450", "readback": "yes"}, "write true or false"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    with pytest.raises(UsageError) as refused:
        Keithley2450().offline(settings)
    assert words in str(refused.value)


def test_what_is_not_known_is_said():
    capabilities = offline().capabilities
    assert capabilities.tested_on == "not tested on hardware; simulator only"
    assert len(capabilities.unconfirmed) == 11
    assert capabilities.polarity == "iupac"
    assert "the cell is not opened" in capabilities.enforced["current"]
