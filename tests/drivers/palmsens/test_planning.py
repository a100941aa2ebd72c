"""Preparing without an instrument: modes, ranges, rounding, and every refusal with its way out."""

from __future__ import annotations

import pytest

from luggin.capabilities import Capabilities, MeasuringInstrument, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin_drivers.palmsens import PalmSensMethodScript

CV = {"begin": 0.0, "vertices": (0.5, -0.5), "rate": 0.1, "step": 0.005}
LSV = {"begin": 0.0, "end": 0.5, "rate": 0.1, "step": 0.005}
CA = {"potential": 0.5, "duration": 10.0, "dt": 0.1}
OCP = {"duration": 10.0, "dt": 0.5}


def offline(model="emstat4-hr", **settings):
    return PalmSensMethodScript().offline({"model": model, **settings})


def prepare(model, name, parameters, **changes):
    settings = changes.pop("settings", {})
    instrument = offline(model, **settings)
    realised = instrument.prepare([Technique(name, {**parameters, **changes})])
    return realised, [line for line in instrument._plan.lines if line.startswith("set_")]


def test_an_offline_driver_keeps_the_contract_but_has_no_line():
    instrument = offline()
    assert isinstance(instrument, MeasuringInstrument)
    assert isinstance(instrument.capabilities, Capabilities)
    instrument.prepare([Technique("ocp", OCP)])
    for talk in (instrument.identify, instrument.make_safe, lambda: list(instrument.frames())):
        with pytest.raises(NotSupported, match="without a line"):
            talk()
    instrument.close()


@pytest.mark.parametrize("name", ["cv", "lsv", "ca", "ocp"])
@pytest.mark.parametrize("model", ["emstat-pico", "sensit", "emstat4-lr", "emstat4-hr"])
def test_schema_of_what_is_prepared_is_the_declared_one(model, name):
    instrument = offline(model)
    parameters = {"cv": CV, "lsv": LSV, "ca": CA, "ocp": OCP}[name]
    realised = instrument.prepare([Technique(name, parameters)])
    declared = instrument.capabilities.techniques[name]
    assert realised.schemas == (declared.schema,)
    assert declared.execution == "native"
    assert declared.cell_open == (name == "ocp")


# -- potentials and modes


@pytest.mark.parametrize(
    ("model", "low", "high", "mode"),
    [
        ("emstat-pico", -1.0, 1.0, 2),
        ("emstat-pico", -1.1, 1.1, 2),
        ("emstat-pico", -1.25, 1.0, 4),
        ("emstat-pico", -1.7, 0.2, 4),
        ("emstat-pico", -0.6, 2.0, 4),
        ("emstat4-lr", -3.0, 3.0, 3),
        ("emstat4-hr", -6.0, 6.0, 3),
    ],
)
def test_mode_by_potentials_and_span(model, low, high, mode):
    _, lines = prepare(model, "cv", CV, vertices=(high, low), current_range=None)
    assert f"set_pgstat_mode {mode}" in lines


@pytest.mark.parametrize(
    ("model", "parameters", "words"),
    [
        ("emstat-pico", {"vertices": (2.01, 0.0)}, r"2\.01 V is outside -1\.25 V \.\.\. 2 V"),
        ("emstat-pico", {"vertices": (0.0, -1.71)}, r"-1\.71 V is outside -1\.7 V \.\.\. 2 V"),
        ("emstat-pico", {"vertices": (1.5, -1.2)}, r"a span of 2\.7 V is more than 2\.6 V"),
        ("emstat4-lr", {"begin": 3.1}, r"3\.1 V is outside -3 V \.\.\. 3 V"),
        ("emstat4-hr", {"vertices": (6.5, 0.0)}, r"6\.5 V is outside -6 V \.\.\. 6 V"),
    ],
)
def test_potentials_outside_are_refused_with_the_window_and_a_way_out(model, parameters, words):
    with pytest.raises(LimitError, match=words) as refusal:
        prepare(model, "cv", CV, **parameters)
    assert "appendix B" in str(refusal.value)
    assert "Narrow the potentials" in str(refusal.value)


def test_span_is_that_of_the_whole_chain():
    parts = [Technique("ca", {**CA, "potential": e}) for e in (1.5, -1.2)]
    for part in parts:
        offline("emstat-pico").prepare([part])
    with pytest.raises(LimitError, match=r"chain: .*2\.7 V"):
        offline("emstat-pico").prepare(parts)


def test_mode_of_the_bench_file_is_kept():
    _, lines = prepare("emstat-pico", "cv", CV, settings={"mode": 3})
    assert "set_pgstat_mode 3" in lines
    with pytest.raises(LimitError, match=r"1\.3 V is more than 1\.214 V"):
        prepare("emstat-pico", "cv", CV, vertices=(0.65, -0.65), settings={"mode": 3})
    assert offline("emstat-pico", mode=3).capabilities.window == 1.214


def test_fast_points_take_the_fast_mode_of_the_pico_or_are_refused():
    _, lines = prepare("emstat-pico", "cv", CV, rate=0.75)
    assert "set_pgstat_mode 3" in lines
    assert "set_max_bandwidth 900" in lines
    with pytest.raises(LimitError, match="150 points per second"):
        prepare("emstat-pico", "cv", CV, rate=0.75, vertices=(0.8, -0.8))


# -- bandwidth and ranges


def test_bandwidth_is_six_times_the_rate_of_points_within_the_mode():
    realised, lines = prepare("emstat-pico", "cv", CV)
    assert "set_max_bandwidth 100" in lines
    assert realised.notes == ("bandwidth: 120 Hz asked for, mode 2 (low speed) allows 100 Hz",)
    _, lines = prepare("emstat4-hr", "cv", CV)
    assert "set_max_bandwidth 120" in lines
    _, lines = prepare("emstat4-hr", "cv", CV, settings={"max_bandwidth": "2 kHz"})
    assert "set_max_bandwidth 2000" in lines
    _, lines = prepare("emstat4-hr", "ocp", OCP, dt=100.0, duration=1000.0)
    assert "set_max_bandwidth 1" in lines


@pytest.mark.parametrize(
    ("model", "largest", "low", "high"),
    [
        ("emstat-pico", None, "100n", "5m"),
        ("emstat-pico", 60e-6, "63u", "63u"),
        ("emstat-pico", 63e-6, "63u", "63u"),
        ("emstat-pico", 64e-6, "125u", "125u"),
        ("emstat4-lr", None, "1n", "10m"),
        ("emstat4-lr", 5e-9, "10n", "10n"),
        ("emstat4-hr", None, "1n", "100m"),
        ("emstat4-hr", 5e-9, "100n", "100n"),
        ("emstat4-hr", 100e-3, "100m", "100m"),
    ],
)
def test_current_range_covers_what_must_be_measured(model, largest, low, high):
    _, lines = prepare(model, "ca", CA, current_range=largest)
    assert lines[-3:-1] == [f"set_range ba {high}", f"set_autoranging ba {low} {high}"]


@pytest.mark.parametrize("largest", [0.0, -1e-6, 0.2])
def test_current_beyond_all_ranges_is_refused(largest):
    with pytest.raises(LimitError, match=r"ca\.current_range.*1 nA, 100 nA, 1 uA.*100 mA.*autoranging"):
        prepare("emstat4-hr", "ca", CA, current_range=largest)


# -- rounding and what will be done


def test_rounding_is_reported():
    realised, _ = prepare("emstat4-hr", "cv", CV, rate=1 / 3 / 10, begin=0.12345678)
    assert realised.techniques[0].parameters["rate"] == 0.033333
    assert realised.techniques[0].parameters["begin"] == 0.123457
    assert [note.partition(":")[0] for note in realised.notes] == ["cv.begin", "cv.end", "cv.rate"]


def test_noise_of_binary_numbers_is_not_reported_as_rounding():
    realised, _ = prepare("emstat4-hr", "lsv", LSV, end=0.1 + 0.2)
    assert realised.techniques[0].parameters["end"] == 0.3
    assert realised.notes == ()


def test_durations_rows_and_latency():
    realised, _ = prepare("emstat4-hr", "cv", CV, cycles=2, quiet=5.0)
    # 0 -> 0.5 -> -0.5 -> 0 is 2 V at 0.1 V/s, twice
    assert realised.duration == pytest.approx(45.0)
    # 400 steps a cycle and the begin, and 5 s of quiet time with a point every 50 ms
    assert realised.rows == (801 + 100,)
    assert realised.latency == 0.1
    realised, _ = prepare("emstat4-hr", "ca", CA, dt=2.0, quiet=6.0)
    assert realised.durations == (16.0,)
    assert realised.rows == (5 + 6,)
    assert realised.latency == 2.0


def test_nothing_can_be_programmed_into_the_instrument():
    instrument = offline()
    assert instrument.arm([]) == {}
    assert instrument.capabilities.enforced == {}


# -- limits of parameters


@pytest.mark.parametrize(
    ("name", "parameters", "change", "words"),
    [
        ("cv", CV, {"rate": 2.0}, r"cv\.rate = 2 V/s; the EmStat4 HR allows 100 uV/s \.\.\. 1 V/s.*setting max_rate"),
        ("cv", CV, {"rate": 0.0}, r"cv\.rate"),
        ("cv", CV, {"rate": -0.1}, r"cv\.rate"),
        ("cv", CV, {"step": 0.0}, r"cv\.step = 0 V.*1 mV \.\.\. 100 mV.*setting min_step"),
        ("cv", CV, {"step": 0.0005}, r"cv\.step = 500 uV"),
        ("cv", CV, {"cycles": 0}, r"cv\.cycles = 0; .*allows 1 \.\.\. 10000"),
        ("cv", CV, {"quiet": -1.0}, r"cv\.quiet"),
        ("cv", CV, {"quiet": 1e-4}, r"cv\.quiet = 100 us is shorter"),
        ("cv", CV, {"vertices": (0.5, 0.5)}, "less than one step"),
        ("cv", CV, {"vertices": (0.5, 0.498)}, "less than one step"),
        ("cv", CV, {"end": 0.001}, "give the same value"),
        ("lsv", LSV, {"end": 0.004}, "less than one step"),
        ("ca", CA, {"dt": 1e-4}, r"ca\.dt = 100 us; .*1 ms \.\.\. 3600 s.*max_line_rate"),
        ("ca", CA, {"dt": 20.0}, r"ca\.dt = 20 s is longer than the duration"),
        ("ca", CA, {"duration": 0.0}, r"ca\.duration"),
        ("ocp", OCP, {"dt": 11.0}, "there would be no point"),
    ],
)
def test_parameters_outside_their_limits(name, parameters, change, words):
    with pytest.raises(LimitError, match=words):
        prepare("emstat4-hr", name, parameters, **change)


def test_points_per_second_are_limited():
    with pytest.raises(LimitError, match=r"250 points per second; the EmStat Pico is trusted with 200"):
        prepare("emstat-pico", "cv", CV, step=0.001, rate=0.25)
    realised, _ = prepare("emstat4-hr", "cv", CV, step=0.001, rate=1.0)
    assert realised.rows == (2001,)


def test_unconfirmed_limits_can_be_changed_in_the_bench_file():
    settings = {"max_rate": "5 V/s", "min_step": "0.5 mV", "max_line_rate": "4 kHz"}
    realised, _ = prepare("emstat4-hr", "cv", CV, rate=2.0, step=0.0005, settings=settings)
    assert realised.techniques[0].parameters["step"] == 0.0005
    limits = offline(**settings).capabilities.techniques["cv"].limits
    assert (limits["rate"].high, limits["step"].low) == (5.0, 0.0005)


def test_what_is_not_documented_says_so():
    capabilities = offline().capabilities
    assert not any(r.confirmed for t in capabilities.techniques.values() for r in t.limits.values())
    assert all(name in " ".join(capabilities.unconfirmed) for name in ("max_rate", "min_step", "loop_exit", "mode"))
    assert capabilities.tested_on.startswith("not tested on hardware")


# -- what it cannot do


def test_an_end_on_the_way_of_the_last_scan_is_refused():
    with pytest.raises(NotSupported, match=r"cannot stop at end = -200 mV.*Give end = begin"):
        prepare("emstat4-hr", "cv", CV, end=-0.2)
    realised, _ = prepare("emstat4-hr", "cv", CV, end=0.2)
    assert realised.duration == pytest.approx(22.0)


@pytest.mark.parametrize("vertices", [(0.5,), (0.5, -0.5, 0.2)])
def test_two_vertices_are_what_it_has(vertices):
    with pytest.raises(NotSupported, match="two potentials"):
        prepare("emstat4-hr", "cv", CV, vertices=vertices)


def test_unknown_techniques_are_refused_with_the_list():
    with pytest.raises(NotSupported, match=r"'geis'.*cv, lsv, ca, ocp, dpv, swv, eis"):
        offline().prepare([Technique("geis", {})])


def test_ocp_in_a_chain_is_refused_because_it_needs_the_cell_off():
    with pytest.raises(NotSupported, match="cell off"):
        offline().prepare([Technique("ocp", OCP), Technique("ca", CA)])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vertexes": (1, 2)}, "did you mean 'vertices'"),
        ({"amplitude": 1.0}, "it has begin, vertices"),
        ({"rate": "fast"}, "not a number"),
        ({"rate": float("nan")}, "not a number"),
        ({"step": True}, "not a number"),
        ({"cycles": 1.5}, "whole number"),
    ],
)
def test_parameters_that_make_no_sense(change, words):
    with pytest.raises(UsageError, match=words):
        prepare("emstat4-hr", "cv", CV, **change)


def test_missing_parameters_are_named():
    with pytest.raises(UsageError, match="cv needs begin, vertices, rate"):
        offline().prepare([Technique("cv", {"step": 0.005})])
    with pytest.raises(UsageError, match="no technique"):
        offline().prepare([])
