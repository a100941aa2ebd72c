"""Cyclic voltammetry on a simulated Rodeostat: protocol, JSON lines, journal, analysis, and an open cell behind it."""

from pathlib import Path

import numpy as np
import pytest
from killing import SAMPLE

from luggin.errors import UnsafeState
from luggin.records import Flag

BENCH = (Path(__file__).parents[2] / "examples" / "benches" / "rodeostat.toml").read_text(encoding="utf-8")

ANALYSES = 'analyses = [{use = "cv.half-waves", on = "full"}]'
TWO_WAVES = f"""
title = "two waves"
{ANALYSES}

[[steps]]
do = "cv"
id = "full"
begin = "0 V vs ref"
vertices = ["-1.7 V", "0.2 V"]
rate = "25 mV/s"
step = "1 mV"
cycles = 2
quiet = "10 s"
{SAMPLE}
"""
ONE_WAVE = TWO_WAVES.replace("-1.7 V", "-0.9 V").replace("cycles = 2", "cycles = 1")
#: |error| in units of u that the analyses are held to.
WITHIN = 3


def with_options(options):
    return BENCH.replace('latency = "1 ms"', f'latency = "1 ms"\noptions = {{{options}}}')


def require_right(seen, *expected):
    assert seen.finished.outcome == "completed"
    found = sorted(seen.quantities("half_wave_potential").values(), key=lambda q: -q["value"])
    assert len(found) == len(expected)
    for quantity, true in zip(found, expected, strict=True):
        assert 0 < quantity["u"] < 1e-3
        assert abs(quantity["value"] - true) <= WITHIN * quantity["u"]
    assert not seen.cell_left_on


def test_half_wave_potentials_are_those_of_the_cell(travel):
    """The board's converter rounds down, by 0.5 mV in the mean: more than u. None of it is left."""
    require_right(travel(TWO_WAVES, BENCH), -0.476, -1.294)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param('dac = "nearest", after_test = "zero", tells_overload = false', id="another firmware"),
        pytest.param('polarity = "inverted"', id="inverted currents"),
    ],
)
def test_another_board_gives_the_same(travel, options):
    bench = with_options(options)
    if "inverted" in options:
        bench = bench.replace('current_range = "10 uA"', 'current_range = "10 uA", polarity = "inverted"')
    require_right(travel(ONE_WAVE, bench), -0.476)


def test_the_data_cross_the_wire_and_fill_every_column(travel):
    seen = travel(TWO_WAVES.replace(ANALYSES, ""), BENCH)
    asked = b"".join(data for _, direction, data in seen.wire if direction == ">")
    assert b'"amplitude":0.95,"offset":-0.75,"period":152000,"numCycles":2,"shift":0.5526315789473684' in asked
    cv = seen.archive["cv"].to_numpy()
    # 10 s and two times 152 s, a sample every 40 ms.
    assert len(cv) == 250 + 2 * 3800
    quiet = (cv["flags"] & Flag.QUIET_TIME) != 0
    assert [quiet.sum(), *np.bincount(cv["cycle"])] == [249, 249, 3801, 3800]
    for name in ("time", "instrument_time", "potential", "current", "current_range", "received"):
        assert np.isfinite(cv[name]).all(), name
    assert set(cv["current_range"]) == {10e-6}
    assert cv["potential"].min() == pytest.approx(-1.7, abs=1e-3)
    assert cv["potential"].max() == pytest.approx(0.2, abs=1e-3)
    assert not (cv["flags"] & (Flag.GAP | Flag.CLIPPED)).any()
    age = cv["received"] - cv["time"]
    assert -1e-9 < age.min() <= age.max() < 0.1


def test_a_board_without_switches_runs_nothing(travel):
    bench = BENCH.replace('model = "microamp"', 'model = "microamp-0.1"')
    with pytest.raises(UnsafeState, match=r"LOOK AT THE CELL.*no command opens its cell"):
        travel(TWO_WAVES, bench)


def test_a_board_without_switches_on_a_multiplexer(travel):
    bench = with_options("multiplexer = true").replace('model = "microamp"', 'model = "microamp-0.1"')
    bench = bench.replace('current_range = "10 uA"', 'current_range = "10 uA", multiplexer = 2')
    require_right(travel(ONE_WAVE, bench), -0.476)
