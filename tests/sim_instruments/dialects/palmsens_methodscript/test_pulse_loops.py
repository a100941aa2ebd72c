"""``meas_loop_dpv``, ``meas_loop_swv`` and ``meas_loop_eis`` on a dummy cell: values, times, refusals."""

import math

import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec

SETUP = ("set_pgstat_mode 3", "set_range ba 100u", "set_e 0", "cell_on", "timer_start")
SCALES = dict(zip("afpnum kM", (1e-18, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6), strict=True))


def decoded(line):
    """Types and values of a package."""
    fields = [field.split(",")[0] for field in line[1:].split(";")]
    return [f[:2] for f in fields], [(int(f[2:9], 16) - 2**27) * SCALES[f[9]] for f in fields]


def run(bench, loop, variables):
    declared = [f"var {name}" for name in ("t", *variables)]
    body = ["timer_get t", "pck_start", *(f"pck_add {name}" for name in ("t", *variables)), "pck_end", "endloop"]
    said = bench.run(*declared, *SETUP, loop, *body, "on_finished:", "cell_off")
    assert said.startswith("e\n"), said
    lines = [*said.split("\n"), *bench.lines()]
    return lines, [decoded(line) for line in lines if line.startswith("P")]


def test_a_square_wave_on_a_resistor(bench):
    lines, packages = run(bench, "meas_loop_swv p c f r 0 -100m 10m 25m 20", "pcfr")
    assert "M0002" in lines
    assert lines[-2:] == ["*", ""]
    assert len(packages) == 11
    for number, (types, (time, level, net, forward, reverse)) in enumerate(packages):
        assert types == ["eb", "da", "ba", "ba", "ba"]
        assert time == pytest.approx(0.05 * (number + 1))
        assert level == pytest.approx(-0.01 * number)
        # 10 kohm; forward is the way of the scan, which goes down
        assert (net, forward, reverse) == pytest.approx(
            (-5e-6, (level - 0.025) / 1e4, (level + 0.025) / 1e4), abs=1e-12
        )


@pytest.mark.parametrize(
    ("rules", "scan", "height"),
    [({}, "0 -100m", -0.05), ({}, "0 100m", 0.05), ({"pulse_direction": "up"}, "0 -100m", 0.05)],
)
def test_differential_pulses_on_a_resistor(make_bench, rules, scan, height):
    lines, packages = run(make_bench(**rules), f"meas_loop_dpv p c {scan} 10m 50m 20m 50m", "pc")
    assert "M0001" in lines
    assert len(packages) == 11
    for number, (_, (time, level, net)) in enumerate(packages):
        assert time == pytest.approx(0.2 * (number + 1))
        assert abs(level) == pytest.approx(0.01 * number)
        assert net == pytest.approx(height / 1e4, abs=1e-12)


def test_the_charging_of_a_double_layer_is_over_when_the_current_is_read(make_bench):
    # 100 ohm and 1 uF: 0.1 ms, of a half-wave of 25 ms.
    cell = ResistorCell(ResistorSpec(resistance=1e6, series_resistance=100.0, capacitance=1e-6))
    _, packages = run(make_bench(cell=cell), "meas_loop_swv p c f r 0 100m 10m 25m 20", "pcfr")
    for _, (_, _, net, _, _) in packages:
        assert net == pytest.approx(0.05 / 1e6, rel=1e-3)


@pytest.mark.parametrize(("rules", "peak"), [({}, math.sqrt(2)), ({"eis_amplitude": "peak"}, 1.0)])
def test_a_spectrum_of_a_dummy(make_bench, rules, peak):
    cell = ResistorCell(ResistorSpec(resistance=1e4, series_resistance=100.0, capacitance=1e-6))
    bench = make_bench(cell=cell, **rules)
    lines, packages = run(bench, "meas_loop_eis f r j 10m 10k 100 5i 0", "frj")
    assert "M000D" in lines
    frequencies = [values[1] for _, values in packages]
    assert frequencies == pytest.approx([10e3, 10**3.5, 1e3, 10**2.5, 100.0], rel=1e-6)
    for types, (_, frequency, real, imaginary) in packages:
        expected = 100.0 + 1 / (1e-4 + 2j * math.pi * frequency * 1e-6)
        assert types == ["eb", "dc", "cc", "cd"]
        assert complex(real, imaginary) == pytest.approx(expected, rel=1e-5)  # 28 bits
    times = [values[0] for _, values in packages]
    assert all(
        later - earlier > 8 / f for earlier, later, f in zip(times[:-1], times[1:], frequencies[1:], strict=True)
    )
    # the largest current decides about the range: 10 mV over 100 ohm is 100 uA, times the square root of 2 for rms
    flagged = next(line for line in lines if line.startswith("P")).split(";")[2]
    assert flagged.endswith(",10,212" if peak == 1.0 else ",12,212")


@pytest.mark.parametrize(
    ("loop", "variables", "code"),
    [
        ("meas_loop_swv p c f r 5990m 6 1m 25m 25", "pcfr", "000F"),
        ("meas_loop_swv p c f r 0 1m 2m 25m 25", "pcfr", "4029"),
        ("meas_loop_dpv p c 0 100m 10m 50m 150m 50m", "pc", "005A"),
        ("meas_loop_dpv p c 5m 5990m 10m 50m 20m 50m", "pc", "000F"),
        ("meas_loop_eis f r j 10m 300k 1k 11i 0", "frj", "0011"),
        ("meas_loop_eis f r j 400m 100k 1k 11i 0", "frj", "0012"),
        ("meas_loop_eis f r j 100m 100k 1k 11i 5950m", "frj", "000F"),
    ],
)
def test_what_it_cannot_do_ends_the_script(bench, loop, variables, code):
    lines, packages = run(bench, loop, variables)
    assert packages == []
    assert any(line.startswith(f"!{code}") for line in lines)


def test_an_abort_opens_the_cell(bench):
    bench.run(
        "var p",
        "var c",
        *SETUP,
        "meas_loop_dpv p c 0 1 10m 50m 20m 50m",
        "pck_start",
        "pck_add c",
        "pck_end",
        "endloop",
        "on_finished:",
        "cell_off",
    )
    assert len(bench.wait(1.05)) == 5
    assert bench.instrument.cell_is_on
    assert bench.say("Z") == "Z\n*\n\n"
    assert not bench.instrument.cell_is_on
