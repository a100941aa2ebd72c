"""What the instrument refuses while a script runs: the script ends there, and the cell stays as it is."""

import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec

MODE = "set_pgstat_mode 3"
OCP = ("meas_loop_ocp p 100m 100m", "pck_start", "pck_add p", "pck_end", "endloop")
CA = ("meas_loop_ca p c 100m 100m 1", "pck_start", "pck_add c", "pck_end", "endloop")


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["cell_on"], "!0023: Line 1"),
        (["set_e 0"], "!0023: Line 1"),
        (["set_pgstat_mode 9"], "!0021: Line 1"),
        (["set_pgstat_mode 6"], "!001B: Line 1"),
        (["set_pgstat_chan 1"], "!001B: Line 1"),
        ([MODE, "set_e 6001m"], "!000F: Line 2"),
        ([MODE, "set_e -6001m"], "!000F: Line 2"),
        ([MODE, "set_range_minmax da -7 1"], "!000F: Line 2"),
        ([MODE, "set_range_minmax da 1 -1"], "!000F: Line 2"),
        ([MODE, "cell_on", "set_pgstat_mode 2"], "!4028: Line 3"),
        ([MODE, "cell_on", "set_pgstat_mode 0"], "!4028: Line 3"),
        (["var p", "var c", MODE, *CA], "!4027: Line 4"),
        (["var p", "var c", MODE, "cell_on", "meas_loop_lsv p c 0 1m 2m 1", "endloop"], "!4029: Line 5"),
        (["var p", "var c", MODE, "cell_on", "meas_loop_cv p c 0 1m 0 2m 1", "endloop"], "!4029: Line 5"),
        (["var p", "var c", MODE, "cell_on", "meas_loop_ca p c 0 2 1", "endloop"], "!4029: Line 5"),
        (["var x", "store_var x -1 eb", "wait x"], "!4200: Line 3"),
        (["var p", "var x", "store_var x 0 eb", "meas_loop_ocp p x 1", "endloop"], "!4204: Line 4"),
        (["var x", "wait x"], "!4200: Line 2"),
    ],
)
def test_faults_name_their_line(bench, lines, answer):
    assert bench.run(*lines) == f"e\n{answer}\n"
    assert bench.lines() == []


def test_a_potential_that_is_allowed_up_to_the_last_millivolt(bench):
    assert bench.run(MODE, "set_e 6", "set_e -6") == "e\n\n"


def test_the_same_mode_can_be_set_again_with_the_cell_on(bench):
    assert bench.run(MODE, "cell_on", MODE) == "e\n\n"


def test_open_circuit_cannot_be_measured_while_the_cell_is_on(bench):
    bench.run(MODE, "cell_on")
    assert bench.run("var p", *OCP) == "e\n!0014: Line 2\n"
    bench.wait(0.1)
    assert bench.run("cell_off") == "e\n\n"
    assert bench.run("var p", *OCP) == "e\nM000B\n"


def test_after_a_fault_on_finished_is_not_run_and_the_cell_stays_on(bench):
    answer = bench.run(MODE, "set_e 1", "cell_on", "set_e 7", "on_finished:", "cell_off")
    assert answer == "e\n!000F: Line 4\n"
    assert bench.instrument.cell_is_on
    assert bench.instrument.next_due(bench.now) is None
    assert bench.say("v") == ""  # deaf
    bench.wait(0.1)
    assert bench.say("Z") == "Z!0006\n"
    bench.wait(0.1)
    assert bench.run("cell_off") == "e\n\n"
    assert not bench.instrument.cell_is_on


def test_a_critical_overload_aborts_the_measurement_with_the_cell_on(make_bench):
    bench = make_bench(cell=ResistorCell(ResistorSpec(resistance=1.0)))
    loop = ("meas_loop_lsv p c 0 1 10m 100m", "pck_start", "pck_add c", "pck_end", "endloop")
    bench.run("var p", "var c", MODE, "cell_on", *loop, "on_finished:", "cell_off")
    lines = bench.lines()
    assert lines[-1] == "!0032: Line 5"  # beyond 150 mA: 1.5 times the highest range
    assert len(lines) == 17
    assert bench.instrument.cell_is_on


def test_the_level_of_critical_overload_is_a_rule(make_bench):
    bench = make_bench(critical_overload=5e-6)
    bench.run("var p", "var c", MODE, "cell_on", *CA)
    assert bench.lines() == ["!0032: Line 5"]


def test_a_failed_script_can_still_send_its_empty_line(make_bench):
    assert make_bench(empty_line_after_error=True).run("cell_on") == "e\n!0023: Line 1\n\n"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["set_pgstat_mode 2", "set_e 1100m"], "e\n\n"),
        (["set_pgstat_mode 2", "set_e 1101m"], "e\n!000F: Line 2\n"),
        (["set_pgstat_mode 2", "set_range_minmax da -200m 2", "set_e 2"], "e\n\n"),
        (["set_pgstat_mode 2", "set_range_minmax da -200m 1", "set_e 2"], "e\n\n"),
        (["set_pgstat_mode 2", "set_range_minmax da -200m 1", "set_e -201m"], "e\n!000F: Line 3\n"),
        (["set_pgstat_mode 2", "set_range_minmax da -1300m 0"], "e\n!000F: Line 2\n"),
        (["set_pgstat_mode 2", "set_range_minmax da -1 1300m"], "e\n!000F: Line 2\n"),
        (["set_pgstat_mode 3", "set_range_minmax da -1700m -400m"], "e\n!000F: Line 2\n"),
        (["set_pgstat_mode 4", "set_range_minmax da -1700m 200m", "set_e -1700m", "set_e 200m"], "e\n\n"),
    ],
)
def test_the_pico_has_a_window_in_each_mode(make_bench, lines, answer):
    assert make_bench("emstat-pico").run(*lines) == answer
