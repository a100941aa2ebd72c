"""Scripts on the wire: exact bytes out, rows, faults and aborts back."""

from __future__ import annotations

import pytest

from luggin.capabilities import Technique

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
