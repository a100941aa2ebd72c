"""Scripts on the wire: exact bytes out, rows back."""

from __future__ import annotations

import math

import pytest

from luggin.capabilities import Technique
from luggin.errors import BadReply
from luggin.records import Flag

CV = Technique(
    "cv",
    {"begin": -0.2, "vertices": (0.8, -0.2), "end": -0.2, "rate": 0.025, "step": 0.005, "cycles": 1, "quiet": 0.0},
)
CV_SCRIPT = b"""e
var t
var p
var c
set_pgstat_chan 0
set_pgstat_mode 3
set_max_bandwidth 30
set_range_minmax da -200m 800m
set_range ba 100m
set_autoranging ba 1n 100m
set_e -200m
cell_on
timer_start
meas_loop_cv p c -200m 800m -200m 5m 25m
timer_get t
pck_start
pck_add t
pck_add p
pck_add c
pck_end
endloop
on_finished:
cell_off

"""


def field(kind: str, value: int, prefix: str, metadata: str = "") -> bytes:
    return f"{kind}{value + 2**27:07X}{prefix}{metadata}".encode()


def package(t_ms: int, e_uv: int, i_pa: int, metadata: str = ",10,218") -> bytes:
    fields = [field("eb", t_ms, "m"), field("da", e_uv, "u"), field("ba", i_pa, "p", metadata)]
    return b"P" + b";".join(fields) + b"\n"


def rows(instrument):
    return [row for frame in instrument.frames() for row in frame.rows()]


def test_cv(dialogue):
    answer = b"e\nM0005\n" + package(0, -200_000, 1_500_000) + package(200, -195_000, -2_500_000) + b"*\n\n"
    with dialogue([(CV_SCRIPT, answer)]) as instrument:
        realised = instrument.prepare([CV])
        assert realised.duration == pytest.approx(80.0)
        assert realised.rows == (401,)
        frames = list(instrument.frames())
    assert [f.schema.names for f in frames] == [
        ("instrument_time", "potential", "current", "cycle", "current_range", "flags")
    ] * 2
    # range index 0x18 = 24: 10 mA
    assert [r for f in frames for r in f.rows()] == [
        (0.0, -0.2, 1.5e-6, 1, 10e-3, 0),
        (0.2, -0.195, -2.5e-6, 1, 10e-3, 0),
    ]


LSV = Technique("lsv", {"begin": 0.0, "end": 0.5, "rate": 0.1, "step": 0.01, "quiet": 0.0, "current_range": 80e-6})
CA = Technique("ca", {"potential": 0.5, "duration": 10.0, "dt": 0.1, "quiet": 2.0, "current_range": 80e-6})
OCP = Technique("ocp", {"duration": 60.0, "dt": 0.5})

LOOP_BODY = b"timer_get t\npck_start\npck_add t\npck_add p\npck_add c\npck_end\nendloop\n"
END = b"on_finished:\ncell_off\n\n"


def preamble(low: bytes, high: bytes, bandwidth: bytes = b"60", mode: bytes = b"3") -> bytes:
    return (
        b"e\nvar t\nvar p\nvar c\nset_pgstat_chan 0\nset_pgstat_mode "
        + mode
        + b"\nset_max_bandwidth "
        + bandwidth
        + b"\nset_range_minmax da "
        + low
        + b" "
        + high
        + b"\n"
    )


FIXED_RANGE = b"set_range ba 100u\nset_autoranging ba 100u 100u\n"
LSV_SCRIPT = (
    preamble(b"0", b"500m")
    + FIXED_RANGE
    + b"set_e 0\ncell_on\ntimer_start\nmeas_loop_lsv p c 0 500m 10m 100m\n"
    + LOOP_BODY
    + END
)
CA_LOOPS = b"meas_loop_ca p c 500m 100m 2\n" + LOOP_BODY + b"meas_loop_ca p c 500m 100m 10\n" + LOOP_BODY
CA_SCRIPT = preamble(b"500m", b"500m") + FIXED_RANGE + b"set_e 500m\ncell_on\ntimer_start\n" + CA_LOOPS + END
CHAIN_SCRIPT = (
    preamble(b"0", b"500m")
    + FIXED_RANGE
    + b"set_e 0\ncell_on\ntimer_start\nmeas_loop_lsv p c 0 500m 10m 100m\n"
    + LOOP_BODY
    + b"timer_start\n"
    + CA_LOOPS
    + END
)
OCP_SCRIPT = b"""e
var t
var p
set_pgstat_chan 0
set_pgstat_mode 3
set_max_bandwidth 12
cell_off
timer_start
meas_loop_ocp p 500m 60
timer_get t
pck_start
pck_add t
pck_add p
pck_end
endloop
on_finished:
cell_off

"""


def changed(technique: Technique, **parameters) -> Technique:
    return Technique(technique.name, {**technique.parameters, **parameters})


def test_lsv_in_a_fixed_range(dialogue):
    answer = b"e\nM0000\n" + package(0, 0, 1000, ",10,212") + b"*\n\n"
    with dialogue([(LSV_SCRIPT, answer)]) as instrument:
        instrument.prepare([LSV])
        assert rows(instrument) == [(0.0, 0.0, 1e-9, 100e-6, 0)]


def test_ca_with_a_quiet_time_that_is_recorded(dialogue):
    answer = (
        b"e\nM0007\n"
        + package(100, 500_000, 7, ",10,212")
        + b"*\nM0007\n"
        + package(2100, 500_000, 5, ",10,212")
        + b"*\n\n"
    )
    with dialogue([(CA_SCRIPT, answer)]) as instrument:
        realised = instrument.prepare([CA])
        assert realised.durations == (12.0,)
        assert realised.rows == (120,)
        assert realised.expected_flags == Flag.UNDERLOAD | Flag.QUIET_TIME
        assert rows(instrument) == [(0.1, 0.5, 7e-12, 100e-6, Flag.QUIET_TIME), (2.1, 0.5, 5e-12, 100e-6, 0)]


def test_ocp_has_the_cell_off_and_its_measured_potential(dialogue):
    answer = b"e\nM000B\nPeb80001F4m;ab801E078u\nPeb80003E8m;ab801E079u,12\n*\n\n"
    with dialogue([(OCP_SCRIPT, answer)]) as instrument:
        realised = instrument.prepare([OCP])
        assert realised.schemas[0].names == ("instrument_time", "potential", "flags")
        assert rows(instrument) == [(0.5, 0.123, 0), (1.0, 0.123001, Flag.POTENTIAL_OVERLOAD)]


def test_chain_is_one_script_in_which_the_cell_stays_on(dialogue):
    answer = (
        b"e\nM0000\n"
        + package(0, 0, 1, ",10,212")
        + b"*\nM0007\n"
        + package(100, 500_000, 2, ",10,212")
        + b"*\nM0007\n"
        + package(2100, 500_000, 3, ",10,212")
        + b"*\n\n"
    )
    with dialogue([(CHAIN_SCRIPT, answer)]) as instrument:
        realised = instrument.prepare([LSV, CA])
        frames = list(instrument.frames())
    assert realised.durations == (5.0, 12.0)
    assert [f.part for f in frames] == [0, 1, 1]
    assert [f.schema.stream for f in frames] == ["lsv", "ca", "ca"]


def test_part_with_another_range_sets_it_between_the_loops(dialogue):
    with dialogue([]) as instrument:
        instrument.prepare([LSV, changed(CA, current_range=None)])
        script = b"\n".join(line.encode() for line in instrument._plan.lines)
    between = script[script.index(b"endloop") : script.index(b"meas_loop_ca")]
    assert between == b"endloop\nset_range ba 100m\nset_autoranging ba 1n 100m\ntimer_start\n"


def test_cycles_of_a_cv_are_counted_by_its_scans(dialogue):
    loop = b"meas_loop_cv p c -200m 800m -200m 5m 25m"
    quiet = b"meas_loop_ca p c -200m 200m 10\n" + LOOP_BODY
    script = CV_SCRIPT.replace(loop, quiet + loop + b" nscans(3)")
    answer = (
        b"e\nM0007\n"
        + package(200, -200_000, 1)
        + b"*\nM0005\nC0000\n"
        + package(10_200, -200_000, 2)
        + b"-\nC0001\n"
        + package(10_400, -200_000, 3)
        + b"-\nC0002\n"
        + package(10_600, -200_000, 4)
        + b"-\n*\n\n"
    )
    with dialogue([(script, answer)]) as instrument:
        realised = instrument.prepare([changed(CV, cycles=3, quiet=10.0)])
        found = rows(instrument)
    assert realised.durations == (250.0,)
    assert realised.rows == (1251,)
    assert [row[3] for row in found] == [0, 1, 2, 3]
    assert [row[5] for row in found] == [Flag.QUIET_TIME, 0, 0, 0]


@pytest.mark.parametrize("numbers", [range(12), range(1, 13), [int(str(n), 16) for n in range(12)]])
def test_scan_numbers_may_begin_anywhere_and_have_either_base(dialogue, numbers):
    script = CV_SCRIPT.replace(b"5m 25m", b"5m 25m nscans(12)")
    scans = b"".join(f"C{n:04X}\n".encode() + package(200 * k, 0, 0) + b"-\n" for k, n in enumerate(numbers))
    with dialogue([(script, b"e\nM0005\n" + scans + b"*\n\n")]) as instrument:
        instrument.prepare([changed(CV, cycles=12)])
        assert [row[3] for row in rows(instrument)] == list(range(1, 13))


def test_an_end_beyond_begin_is_a_linear_scan_behind_the_last_cycle(dialogue):
    script = CV_SCRIPT.replace(b"endloop\n", b"endloop\nmeas_loop_lsv p c -200m 300m 5m 25m\n" + LOOP_BODY)
    answer = b"e\nM0005\n" + package(0, -200_000, 1) + b"*\nM0000\n" + package(80_000, -195_000, 2) + b"*\n\n"
    with dialogue([(script, answer)]) as instrument:
        realised = instrument.prepare([changed(CV, end=0.3)])
        assert realised.durations == (100.0,)
        assert [row[3] for row in rows(instrument)] == [1, 1]


def test_first_vertex_at_begin_is_left_out(dialogue):
    # -0.2 -> -0.2 -> 0.8 -> -0.2 is the way -0.2 -> 0.8 -> -0.2
    with dialogue([(CV_SCRIPT, b"e\nM0005\n*\n\n")]) as instrument:
        assert instrument.prepare([changed(CV, vertices=(-0.2, 0.8))]).durations == (80.0,)
        assert rows(instrument) == []


def test_range_changes_are_flagged_and_known(dialogue):
    metadata = (",18,21B", ",10,218", "", ",10,218", ",12,21B")
    answer = b"e\nM0005\n" + b"".join(package(200 * k, 0, 0, said) for k, said in enumerate(metadata))
    with dialogue([(CV_SCRIPT, answer + b"*\n\n")]) as instrument:
        realised = instrument.prepare([CV])
        assert realised.expected_flags == Flag.UNDERLOAD | Flag.RANGE_CHANGED | Flag.OVERLOAD_WARNING
        found = rows(instrument)
    assert [row[5] for row in found] == [
        Flag.OVERLOAD_WARNING,
        Flag.RANGE_CHANGED,
        0,
        0,
        Flag.RANGE_CHANGED | Flag.CURRENT_OVERLOAD,
    ]
    assert [row[4] for row in found] == pytest.approx([0.1, 0.01, math.nan, 0.01, 0.1], nan_ok=True)


def test_not_a_number_stays_one(dialogue):
    line = b"Peb8000000m;da8000000u;ba     nan,10,218\n"
    with dialogue([(CV_SCRIPT, b"e\nM0005\n" + line + b"*\n\n")]) as instrument:
        instrument.prepare([CV])
        ((_, _, current, _, _, flags),) = rows(instrument)
    assert math.isnan(current)
    assert flags == Flag.GAP


@pytest.mark.parametrize("start", [b"e\nM0005\n", b"eM0005\n", b"Z!0006\ne\nM0005\n"])
def test_variants_of_the_acknowledgement(dialogue, start):
    with dialogue([(CV_SCRIPT, start + package(0, 0, 0) + b"*\n\n")]) as instrument:
        instrument.prepare([CV])
        assert len(rows(instrument)) == 1


def test_text_and_plain_loops_are_passed_over(dialogue):
    with dialogue([(CV_SCRIPT, b"e\nThello\nL\nM0005\n" + package(0, 0, 0) + b"*\n+\n\n")]) as instrument:
        instrument.prepare([CV])
        assert len(rows(instrument)) == 1


def test_bytes_of_flow_control_are_dropped_on_the_pico(dialogue):
    script = (
        CV_SCRIPT.replace(b"mode 3", b"mode 2")
        .replace(b"100m\nset_auto", b"5m\nset_auto")
        .replace(b"1n 100m", b"100n 5m")
    )
    line = package(200, -200_000, 1000, ",10,20B")
    noisy = line[:7] + b"\x13" + line[7:15] + b"\x11" + line[15:]
    with dialogue([(script, b"e\nM0005\n" + noisy + b"*\n\n")], model="emstat-pico") as instrument:
        instrument.prepare([CV])
        assert rows(instrument) == [(0.2, -0.2, 1e-9, 1, 5e-3, 0)]


def test_rows_carry_the_time_at_which_they_came(dialogue, clock):
    answer = [(0.0, b"e\nM0005\n"), (0.2, package(200, 0, 0)), (0.4, package(400, 0, 0)), (0.41, b"*\n\n")]
    with dialogue([(CV_SCRIPT, answer)]) as instrument:
        instrument.prepare([CV])
        assert [f.received for f in instrument.frames()] == pytest.approx([0.2, 0.4])


def test_a_package_that_comes_twice_is_one_row(dialogue, caplog):
    twice = package(200, 0, 0)
    answer = b"e\nM0005\n" + package(0, 0, 0) + twice + twice + package(400, 0, 0) + b"*\n\n"
    with dialogue([(CV_SCRIPT, answer)]) as instrument:
        instrument.prepare([CV])
        found = rows(instrument)
    assert [row[0] for row in found] == [0.0, 0.2, 0.4]
    assert [row[5] for row in found] == [0, 0, 0]
    assert "came twice" in caplog.text


def test_a_package_from_before_is_refused(dialogue):
    answer = b"e\nM0005\n" + package(0, 0, 0) + package(400, 0, 0) + package(200, 0, 0)
    with dialogue([(CV_SCRIPT, answer)]) as instrument:
        instrument.prepare([CV])
        with pytest.raises(BadReply, match=r"0\.2 s before the last one"):
            rows(instrument)
        assert instrument.transport.suspect


@pytest.mark.parametrize(("times", "gaps"), [((0, 200, 600, 800), [2]), ((0, 290, 480), []), ((0, 310), [1])])
def test_the_row_behind_a_lost_one_says_so(dialogue, times, gaps):
    answer = b"e\nM0005\n" + b"".join(package(time, 0, 0) for time in times) + b"*\n\n"
    with dialogue([(CV_SCRIPT, answer)]) as instrument:
        instrument.prepare([CV])
        assert [k for k, row in enumerate(rows(instrument)) if row[5] & Flag.GAP] == gaps


def test_a_time_too_coarse_to_tell_is_no_sign_of_a_repeated_row(dialogue):
    # 37 h and more are sent in whole seconds, with five points in each
    late = [b"P" + field("eb", 140_000, " ") + b";" + package(0, 0, 0)[1:].split(b";", 1)[1]] * 3
    with dialogue([(CV_SCRIPT, b"e\nM0005\n" + b"".join(late) + b"*\n\n")]) as instrument:
        instrument.prepare([CV])
        assert [(row[0], row[5]) for row in rows(instrument)] == [(140_000.0, 0)] * 3
