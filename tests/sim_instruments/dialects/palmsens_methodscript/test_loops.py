"""Measurement loops: which lines come, with which bytes, and when."""

import math

import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec, ResistorCell, ResistorSpec


def potentials(lines):
    """Applied potentials (mV) of all packages."""
    return [round(_value(field) * 1e3, 6) for line in lines for field in line[1:].split(";") if field[:2] == "da"]


def times(lines):
    return [round(_value(line[1:]), 9) for line in lines if line.startswith("Peb")]


def _value(field):
    """The number in a field such as ``da7F85F3Fu``."""
    return (int(field[2:9], 16) - 2**27) * 10.0 ** (3 * "afpnum kMGTPE".index(field[9]) - 18)


def test_a_sweep_over_the_dummy_cell_byte_for_byte(bench, scripts):
    answer = bench.run(
        "var p",
        "var c",
        "var t",
        "set_pgstat_mode 3",
        "set_range ba 100u",
        "set_e -500m",
        "cell_on",
        "timer_start",
        "meas_loop_lsv p c -500m -498m 1m 25m",
        *scripts.timed_body,
        *scripts.safe_end,
    )
    assert answer == "e\nM0000\n"
    assert bench.wait(10.0) == [
        (pytest.approx(0.04), "PebA625A00n;da7F85EE0u;ba5050F80p,10,212"),
        (pytest.approx(0.08), "PebCC4B400n;da7F862C8u;ba5069620p,10,212"),
        (pytest.approx(0.12), "PebF270E00n;da7F866B0u;ba5081CC0p,10,212"),
        (pytest.approx(0.12), "*"),
        (pytest.approx(0.12), ""),
    ]
    assert not bench.instrument.cell_is_on


def test_a_package_is_not_there_before_its_time(bench, scripts):
    bench.run(*scripts.setup, "meas_loop_ca p c 100m 2 10", *scripts.body)
    assert bench.wait(1.999) == []
    assert len(bench.wait(0.002)) == 1
    assert len(bench.wait(2.0)) == 1


def test_whoever_looks_late_gets_everything_that_was_due(bench, scripts):
    bench.run(*scripts.setup, "meas_loop_ca p c 100m 1 100", *scripts.body)
    bench.now += 50.5
    assert bench.hear().count("P") == 50


def test_scans_are_numbered_and_marked_when_there_are_more_than_one(bench, scripts):
    bench.run(*scripts.setup, "meas_loop_cv p c 0 -20m 10m 10m 1 nscans(2)", *scripts.body, *scripts.safe_end)
    lines = bench.lines()
    marks = [line[0:5] if line[:1] in "C-*" else "P" for line in lines if line]
    assert marks == ["P"] * 7 + ["-", "C0001"] + ["P"] * 6 + ["-", "*"]
    assert potentials(lines) == [0, -10, -20, -10, 0, 10, 0, -10, -20, -10, 0, 10, 0]
    assert lines[-1] == ""


def test_the_first_scan_mark_follows_the_loop_mark(make_bench, scripts):
    loop = (*scripts.setup, "meas_loop_cv p c 0 -20m 10m 10m 1 nscans(2)", *scripts.body)
    assert make_bench().run(*loop) == "e\nM0005\nC0000\n"
    assert make_bench(scan_base=1).run(*loop) == "e\nM0005\nC0001\n"


@pytest.mark.parametrize("option", ["", " nscans(1)"])
def test_a_single_scan_has_no_scan_marks(bench, scripts, option):
    bench.run(*scripts.setup, f"meas_loop_cv p c 0 -20m 10m 10m 1{option}", *scripts.body)
    assert [line[:1] for line in bench.lines()] == ["P"] * 7 + ["*", ""]


def test_vertices_and_begin_can_be_sampled_twice(make_bench, scripts):
    bench = make_bench(vertices="twice", repeat_begin=True)
    bench.run(*scripts.setup, "meas_loop_cv p c 0 -10m 10m 10m 1 nscans(2)", *scripts.body)
    assert potentials(bench.lines()) == [0, -10, -10, 0, 10, 10, 0] * 2


def test_a_vertex_between_two_steps_is_not_overrun(bench, scripts):
    bench.run(*scripts.setup, "meas_loop_cv p c 0 25m -1m 10m 1", *scripts.body)
    assert potentials(bench.lines()) == [0, 10, 20, 10, 0]


def test_a_scan_may_begin_at_a_vertex(bench, scripts):
    bench.run(*scripts.setup, "meas_loop_cv p c 0 0 20m 10m 1", *scripts.body)
    assert potentials(bench.lines()) == [0, 10, 20, 10, 0]


def test_no_point_is_lost_to_rounding_on_a_long_grid(bench, scripts):
    bench.run(*scripts.setup, "meas_loop_cv p c 0 -1700m 200m 1m 25m nscans(2)", *scripts.body)
    assert sum(line.startswith("P") for line in bench.lines()) == 1 + 2 * 3800


def test_the_first_package_comes_one_step_after_the_start_or_at_once(make_bench, scripts):
    loop = (*scripts.setup, "timer_start", "meas_loop_cv p c 0 20m 0 10m 100m", *scripts.timed_body)
    late, early = make_bench(), make_bench(first_package="at_start")
    assert late.run(*loop) == "e\nM0005\n"
    assert times(late.lines()) == [0.1, 0.2, 0.3, 0.4, 0.5]
    first = early.run(*loop)
    assert times([first.split("\n")[2]]) == [0.0]
    assert times(early.lines()) == [0.1, 0.2, 0.3, 0.4]


def test_a_hold_counts_its_whole_steps(make_bench, scripts):
    loop = (*scripts.setup, "meas_loop_ca p c 100m 100m 1", *scripts.body)
    bench = make_bench()
    assert bench.run(*loop) == "e\nM0007\n"
    assert sum(line.startswith("P") for line in bench.lines()) == 10
    early = make_bench(first_package="at_start")
    assert early.run(*loop).count("P") + sum(line.startswith("P") for line in early.lines()) == 11


def test_abort_ends_the_scan_the_loop_and_the_script_in_this_order(make_bench, scripts):
    loop = (*scripts.setup, "meas_loop_cv p c 0 1 0 1m 10m nscans(2)", *scripts.body, *scripts.safe_end)
    for rules, answer in (({}, "Z\n-\n*\n\n"), ({"marks_after_abort": False}, "Z\n\n")):
        bench = make_bench(**rules)
        bench.run(*loop)
        bench.wait(5.0)
        assert bench.say("Z") == answer
        assert not bench.instrument.cell_is_on
        assert bench.lines() == []


def test_ending_a_loop_goes_on_behind_it(bench, scripts):
    bench.run(
        *scripts.setup,
        "meas_loop_ca p c 100m 1 100",
        *scripts.body,
        "meas_loop_ca p c 200m 1 2",
        *scripts.body,
        *scripts.safe_end,
    )
    bench.wait(3.5)
    assert bench.say("Y") == "Y\n*\nM0007\n"
    assert [(round(t, 9), line[:1]) for t, line in bench.wait(10.0)] == [(4.5, "P"), (5.5, "P"), (5.5, "*"), (5.5, "")]


def test_a_wait_inside_a_script_delays_what_follows(bench, scripts):
    bench.run(*scripts.setup, "timer_start", "wait 2", "meas_loop_ca p c 0 1 1", *scripts.timed_body)
    heard = [(t, line[:1]) for t, line in bench.wait(10.0)]
    assert heard == [(2.0, "M"), (3.0, "P"), (3.0, "*"), (3.0, "")]


def test_the_timer_counts_from_its_start(bench, scripts):
    bench.run(*scripts.setup, "wait 2", "timer_start", "meas_loop_ca p c 0 1 2", *scripts.timed_body)
    assert times(bench.lines()) == [1.0, 2.0]


def test_the_cell_is_held_while_a_script_is_halted(make_bench, scripts):
    # behind 100 kohm a capacitor of 10 uF takes a second to be charged
    spec = ResistorSpec(resistance=1e9, series_resistance=100e3, capacitance=10e-6)
    currents = {}
    for halt in (0.0, 100.0):
        bench = make_bench(cell=ResistorCell(spec))
        bench.run(*scripts.setup, "set_e 1", "meas_loop_ca p c 1 100m 100m", *scripts.body)
        bench.say("h")
        bench.wait(halt)
        bench.say("H")
        currents[halt] = _value(next(line for line in bench.lines() if line[:1] == "P").split(";")[1])
    assert currents[0.0] == pytest.approx(1e-5 * math.exp(-0.1), rel=1e-3)
    assert currents[100.0] == pytest.approx(1e-9, rel=1e-3)


def test_packages_outside_of_loops_and_stored_values(bench):
    answer = bench.run("var x", "store_var x -250m ja", "pck_start", "pck_add x", "pck_end")
    assert answer == "e\nPja7FC2F70u\n\n"


def test_a_loop_faster_than_the_instrument_has_the_timing_bit_and_its_own_pace(make_bench, scripts):
    bench = make_bench(shortest_step=0.01)
    bench.run(*scripts.setup, "meas_loop_cv p c 0 20m 0 10m 10", *scripts.body)
    heard = [(round(t, 9), line) for t, line in bench.wait(10.0) if line.startswith("P")]
    assert [t for t, _ in heard] == [0.01, 0.02, 0.03, 0.04, 0.05]
    assert all(int(line.split(",1")[1][0], 16) & 1 for _, line in heard)


def test_open_circuit_potentials_have_status_but_no_range(make_bench, scripts):
    spec = ResistorSpec(resistance=1e6, series_resistance=100.0, capacitance=1e-6)
    bench = make_bench(cell=ResistorCell(spec))
    bench.run(*scripts.setup, "wait 10", "cell_off")
    bench.wait(10.0)
    answer = bench.run("var p", "meas_loop_ocp p 100m 200m", "pck_start", "pck_add p", "pck_end", "endloop")
    assert answer == "e\nM000B\n"
    assert [line for line in bench.lines() if line.startswith("P")] == ["Pab8000000 ,10"] * 2


def test_a_capacitor_discharges_between_scripts(make_bench, scripts):
    bench = make_bench(cell=ResistorCell(ResistorSpec(resistance=1e6, capacitance=10e-6)))
    bench.run("set_pgstat_mode 3", "set_e 500m", "cell_on", "wait 1", "cell_off")
    bench.wait(1.0)
    bench.wait(10.0)  # one time constant at open circuit
    bench.run("var p", "meas_loop_ocp p 1m 1m", "pck_start", "pck_add p", "pck_end", "endloop")
    package = next(line for line in bench.lines() if line.startswith("P"))
    assert _value(package[1:]) == pytest.approx(0.5 * math.exp(-10.001 / 10.0), abs=0.5e-6)


class Blind(ResistorCell):
    """A cell whose current cannot be read any more after two readings."""

    readings = 0

    def measure_current(self, current):
        self.readings += 1
        return current if self.readings <= 2 else math.nan


def test_a_reading_that_is_not_a_number_is_sent_as_nan(make_bench, scripts):
    bench = make_bench(cell=Blind(ResistorSpec(resistance=10e3)), counts=1000)
    bench.run(*scripts.setup, "meas_loop_ca p c 100m 1 4", *scripts.body)
    currents = [line.split(";")[1] for line in bench.lines() if line.startswith("P")]
    assert currents == ["ba8989680p,10,212"] * 2 + ["ba     nan,10,212"] * 2


def redox_cell():
    return RedoxCell(
        RedoxSpec(
            (Chain((Couple(-0.476),), 5e-7, (1e-5, 1e-5)),),
            area=0.0707,
            solution_resistance=200.0,
            double_layer_capacitance=2e-6,
            current_noise=5e-8,
            seed=3,
        )
    )


CV = ("meas_loop_cv p c 0 -900m 0 5m 100m",)


def test_the_same_cell_gives_the_same_bytes_whenever_it_is_asked(make_bench, scripts):
    streams = set()
    for start in (0.0, 17.3, 1e6 / 7):
        bench = make_bench(cell=redox_cell())
        bench.now += start
        bench.run(*scripts.setup, "timer_start", *CV, *scripts.timed_body, *scripts.safe_end)
        streams.add("\n".join(bench.lines()))
    assert len(streams) == 1


def peak_function(bench, scripts):
    """Largest value of the dimensionless current of a reversible, diffusion-controlled reduction."""
    bench.run(*scripts.setup, "set_e 350m", "meas_loop_lsv p c 350m -350m 1m 25m", *scripts.body)
    peak = min(_value(line.split(";")[1]) for line in bench.lines() if line.startswith("P"))
    diffusion, rate, thermal = 1e-5, 0.025, 8.31446261815324 * 298.15 / 96485.33212331
    return -peak / (96485.33212331 * 0.1 * 1e-6 * math.sqrt(diffusion * rate / thermal))


def test_a_ramp_gives_the_peak_current_of_theory_and_a_staircase_less(make_bench, scripts):
    reversible = RedoxSpec((Chain((Couple(0.0, 1e3),), 1e-6, (1e-5, 1e-5)),), area=0.1, leak=1e15)
    ramp = peak_function(make_bench(cell=RedoxCell(reversible)), scripts)
    staircase = peak_function(make_bench(cell=RedoxCell(reversible), staircase=True), scripts)
    # 0.4463: Nicholson and Shain, Anal. Chem. 36 (1964) 706, table I
    assert ramp == pytest.approx(0.4463, rel=1e-3)
    # sampled at the end of its steps, a staircase misses the charge that flows at their beginning
    assert 0.41 < staircase < 0.425
