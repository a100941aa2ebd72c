"""``dpv``, ``swv`` and ``eis`` on the wire: exact scripts out, rows back, and what is refused before."""

import math

import pytest

from luggin.capabilities import Technique
from luggin.errors import BadReply, LimitError, NotSupported, UsageError
from luggin.records import Flag
from luggin_drivers.palmsens import PalmSensMethodScript

SWV = {"begin": 0.1, "end": -0.3, "step": 0.004, "amplitude": 0.025, "frequency": 25.0}
DPV = {"begin": 0.0, "end": -0.5, "step": 0.005, "pulse": -0.05, "pulse_time": 0.05, "rate": 0.01}
EIS = {"potential": 0.1, "amplitude": 0.01, "begin_frequency": 100e3, "end_frequency": 1e3, "points": 21}

START = """e
var t
var p
var c
{more}set_pgstat_chan 0
set_pgstat_mode 3
set_max_bandwidth {bandwidth}
set_range_minmax da {low} {high}
set_range ba 100m
set_autoranging ba 1n 100m
set_e {begin}
cell_on
timer_start
"""
BODY = "timer_get t\npck_start\npck_add t\n{sent}pck_end\nendloop\n"
END = "on_finished:\ncell_off\n\n"


def script(head, sent, more="", **start):
    lines = START.format(more="".join(f"var {name}\n" for name in more), **start)
    body = BODY.format(sent="".join(f"pck_add {name}\n" for name in sent))
    return f"{lines}{head}\n{body}{END}".encode()


def field(kind, value, prefix, metadata=""):
    return f"{kind}{value + 2**27:07X}{prefix}{metadata}"


def line(*fields):
    return ("P" + ";".join(fields) + "\n").encode()


def offline(**settings):
    return PalmSensMethodScript().offline({"model": "emstat4-hr", **settings})


def rows(instrument):
    return [row for frame in instrument.frames() for row in frame.rows()]


# --- scripts and rows -----------------------------------------------------------------------------


def test_a_square_wave(dialogue):
    sent = script(
        "meas_loop_swv p c f r 100m -300m 4m 25m 25",
        "pcfr",
        more="fr",
        bandwidth=300,
        low="-325m",
        high="125m",
        begin="100m",
    )
    currents = [field("ba", value, "p", ",10,20F") for value in (-9_000_000, -6_000_000, 3_000_000)]
    answer = b"e\nM0002\n" + line(field("eb", 40, "m"), field("da", 100_000, "u"), *currents) + b"*\n\n"
    with dialogue([(sent, answer)]) as instrument:
        realised = instrument.prepare([Technique("swv", SWV)])
        assert (realised.rows, realised.durations) == ((101,), pytest.approx((4.04,)))
        assert realised.schemas[0].names == (
            *("instrument_time", "potential", "current", "forward_current", "reverse_current"),
            *("current_range", "flags"),
        )
        assert rows(instrument) == [(0.04, 0.1, -9e-6, -6e-6, 3e-6, 10e-6, 0)]


def test_differential_pulses(dialogue):
    sent = script("meas_loop_dpv p c 0 -500m 5m 50m 50m 10m", "pc", bandwidth=120, low="-550m", high="0", begin="0")
    package = line(field("eb", 500, "m"), field("da", 0, "u"), field("ba", -2_500_000, "p", ",12,20F"))
    with dialogue([(sent, b"e\nM0001\n" + package + b"*\n\n")]) as instrument:
        realised = instrument.prepare([Technique("dpv", DPV)])
        assert (realised.rows, realised.durations) == ((101,), pytest.approx((50.5,)))
        assert rows(instrument) == [(0.5, 0.0, -2.5e-6, 10e-6, Flag.CURRENT_OVERLOAD)]


def test_the_quiet_time_of_a_square_wave_has_no_forward_and_reverse_current(running):
    quiet = b"M0007\n" + line(field("eb", 40, "m"), field("da", 100_000, "u"), field("ba", 7, "n", ",10,20F")) + b"*\n"
    currents = [field("ba", value, "n", ",10,20F") for value in (-9, -6, 3)]
    wave = b"M0002\n" + line(field("eb", 120, "m"), field("da", 100_000, "u"), *currents) + b"*\n"
    instrument = running(b"e\n" + quiet + wave + b"\n", techniques=[Technique("swv", {**SWV, "quiet": 0.08})])
    still, first = rows(instrument)
    assert still[:3] == (0.04, 0.1, 7e-9)
    assert all(math.isnan(value) for value in still[3:5])
    assert still[-1] == Flag.QUIET_TIME
    assert first == (0.12, 0.1, -9e-9, -6e-9, 3e-9, 10e-6, 0)


@pytest.mark.parametrize(("means", "amplitude"), [("rms", "7071u"), ("peak", "10m")])
def test_a_spectrum(dialogue, means, amplitude):
    sent = script(
        f"meas_loop_eis f r j {amplitude} 100000 1000 21i 100m",
        "fjr",
        more="fjr",
        bandwidth=200000,
        low="90m",
        high="110m",
        begin="100m",
    )
    package = line(
        field("eb", 52, "m"),
        field("dc", 100_000_000, "m"),
        field("cd", -796_000, "u", ",10,206"),
        field("cc", 100_010_000, "u", ",18,212"),
    )
    with dialogue([(sent, b"e\nM000D\n" + package + b"*\n\n")], eis_amplitude=means) as instrument:
        realised = instrument.prepare([Technique("eis", EIS)])
        assert realised.rows == (21,)
        (row,) = rows(instrument)
        named = dict(zip(realised.schemas[0].names, row, strict=True))
    assert named == {
        "instrument_time": 0.052,
        "frequency": 100e3,
        "impedance_real": 100.01,
        "impedance_imaginary": -0.796,  # negative for a capacitor, as it comes
        "current_range": 100e-6,  # of the real part; that of the imaginary part is a potential range
        "flags": Flag.OVERLOAD_WARNING,
    }


@pytest.mark.parametrize(
    ("frequencies", "flags"),
    [
        ((1000.0, 316.0, 99.0), [0, 0, 0]),  # rounded, each in its turn
        ((1000.0, 100.0, 31.6), [0, Flag.GAP, 0]),
        ((100.0, 31.6), [Flag.GAP, 0]),
    ],
)
def test_a_frequency_that_is_missing_is_a_gap(running, frequencies, flags):
    # The last ones take many times as long as the first, so the time does not tell.
    packages = [
        line(field("eb", 100 * k, "m"), field("dc", round(1000 * f), "m"), field("cd", 0, "u"), field("cc", 5, "k"))
        for k, f in enumerate(frequencies)
    ]
    wide = {**EIS, "begin_frequency": 1e3, "end_frequency": 10.0, "points": 5}
    instrument = running(b"e\nM000D\n" + b"".join(packages) + b"*\n\n", techniques=[Technique("eis", wide)])
    assert [row[-1] for row in rows(instrument)] == flags


def test_packages_of_another_loop_are_no_rows(running):
    package = line(field("eb", 40, "m"), field("da", 100_000, "u"), field("ba", 7, "n"))
    instrument = running(b"e\nM0002\n" + package + b"*\n\n", techniques=[Technique("swv", SWV)])
    with pytest.raises(BadReply, match="not a data package"):
        rows(instrument)


# --- what is done with what is asked for ----------------------------------------------------------


def test_all_that_pulses_reach_decides_about_the_mode_of_a_pico():
    pico = PalmSensMethodScript().offline({"model": "emstat-pico"})
    wide = {**DPV, "begin": 0.9, "end": -1.24}
    assert "mode 4" in " ".join(pico.prepare([Technique("dpv", {**wide, "pulse": -0.05})]).notes)
    with pytest.raises(LimitError, match=r"-1\.74 V is outside"):
        pico.prepare([Technique("dpv", {**wide, "end": -1.69, "pulse": -0.05})])


def test_a_spectrum_needs_the_high_speed_mode_of_a_pico():
    pico = PalmSensMethodScript().offline({"model": "emstat-pico"})
    assert pico.prepare([Technique("eis", EIS)]).rows == (21,)
    with pytest.raises(LimitError, match="bandwidth"):
        PalmSensMethodScript().offline({"model": "emstat-pico", "mode": 2}).prepare([Technique("eis", EIS)])


def test_pulses_can_be_part_of_a_chain():
    realised = offline().prepare([Technique("dpv", DPV), Technique("swv", SWV)])
    assert [schema.stream for schema in realised.schemas] == ["dpv", "swv"]


@pytest.mark.parametrize(
    ("technique", "changes", "error", "message"),
    [
        ("swv", {"frequency": 2000.0}, LimitError, r"swv.frequency = 2 kHz.*1 kHz"),
        ("swv", {"amplitude": 0.3}, LimitError, r"swv.amplitude = 300 mV.*250 mV"),
        ("swv", {"begin": 6.0}, LimitError, "6.025 V is outside"),
        ("swv", {"end": 0.098}, LimitError, "less than one step"),
        ("dpv", {"pulse_time": 0.26}, LimitError, "more than half of the period"),
        ("dpv", {"pulse": 0.05}, NotSupported, "go the way"),
        ("dpv", {"rate": 2.0}, LimitError, "dpv.rate"),
        ("eis", {"begin_frequency": 3e6}, LimitError, r"begin_frequency = 3 MHz.*200 kHz"),
        ("eis", {"points": 0}, LimitError, "eis.points"),
        ("eis", {"points": 2.5}, UsageError, "whole number"),
        ("eis", {"potential": 6.0}, LimitError, "6.01 V is outside"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(technique, changes, error, message):
    asked = {"swv": SWV, "dpv": DPV, "eis": EIS}[technique] | changes
    with pytest.raises(error, match=message):
        offline().prepare([Technique(technique, asked)])


def test_a_spectrum_is_no_part_of_a_chain():
    with pytest.raises(NotSupported, match="chain"):
        offline().prepare([Technique("dpv", DPV), Technique("eis", EIS)])


def test_pulses_that_always_go_up_do_not_fit_a_scan_down():
    up = offline(dpv_pulses="up")
    with pytest.raises(NotSupported, match="begin at the negative end"):
        up.prepare([Technique("dpv", DPV)])
    assert up.prepare([Technique("dpv", {**DPV, "begin": -0.5, "end": 0.0, "pulse": 0.05})]).rows == (101,)


@pytest.mark.parametrize("setting", [{"dpv_pulses": "down"}, {"eis_amplitude": "pp"}])
def test_settings_are_one_of_the_words(setting):
    with pytest.raises(UsageError, match="write"):
        offline(**setting)
