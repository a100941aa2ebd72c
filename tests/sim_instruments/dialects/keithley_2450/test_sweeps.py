"""List sweeps in lab time: points, states, waiting, aborting."""

import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec, ResistorCell, ResistorSpec

POINT = 0.04785  # delay 43 ms, 0.1 cycles of 50 Hz, overhead 2.85 ms
READINGS = '"defbuffer1", REL, SOUR, READ, SOURSTAT'


def load(bench, levels, delay=0.043, count=1, fail_abort="OFF"):
    """Upload a list of any length and set up its sweep."""
    texts = [f"{level:.5f}" for level in levels]
    for k in range(0, len(texts), 100):
        bench.send(f"SOUR:LIST:VOLT{':APP' if k else ''} {','.join(texts[k : k + 100])}")
    bench.send(f'SOUR:SWE:VOLT:LIST 1, {delay}, {count}, {fail_abort}, "defbuffer1"')
    assert bench.error() == 0


def rows(bench, count, elements=4):
    numbers = bench.numbers(f"TRAC:DATA? 1, {count}, {READINGS}")
    return [tuple(numbers[k : k + elements]) for k in range(0, len(numbers), elements)]


def test_points_come_one_after_the_other_in_lab_time(ready):
    load(ready, [0.1, 0.2, 0.3])
    ready.send("INIT")
    ready.wait(1e-6)
    for count in range(4):
        assert ready.ask("TRAC:ACT?") == str(count)
        ready.wait(POINT)
    assert rows(ready, 3) == [
        (0.0, 0.1, pytest.approx(1e-4), 128.0),
        (pytest.approx(POINT), 0.2, pytest.approx(2e-4), 128.0),
        (pytest.approx(2 * POINT), 0.3, pytest.approx(3e-4), 128.0),
    ]


@pytest.mark.parametrize(
    ("commands", "rules", "point"),
    [
        ((), {}, POINT),
        (("SENS:CURR:NPLC 1",), {}, POINT + 0.018),
        (("SENS:CURR:NPLC 1",), {"line_frequency": 60}, 0.043 + 1 / 60 + 0.00285),
        (("SOUR:VOLT:DEL 0.01",), {}, POINT + 0.01),
        (("SOUR:VOLT:DEL:AUTO ON",), {"auto_delay": 0.005}, POINT + 0.005),
        (("SENS:CURR:AZER ON",), {}, POINT + 0.004),
        (("SENS:CURR:AZER ON",), {"autozero_apertures": 1}, POINT + 0.002),
        (("SOUR:VOLT:READ:BACK ON",), {}, POINT + 0.002),
        ((), {"point_overhead": 0.001}, POINT - 0.00185),
    ],
)
def test_what_a_point_takes(make_bench, commands, rules, point):
    bench = make_bench(**rules).set_up()
    bench.send(*commands)
    load(bench, [0.1] * 11)
    began = bench.now
    bench.send("INIT")
    assert bench.ask("*OPC?") == "1"
    assert bench.now - began == pytest.approx(11 * point, rel=1e-9)
    assert rows(bench, 11)[-1][0] == pytest.approx(10 * point, abs=1e-6)


def test_polling_changes_nothing(make_bench):
    def run(poll):
        bench = make_bench(cell=redox()).set_up()
        load(bench, [0.3 - 0.002 * k for k in range(300)])
        bench.send("INIT")
        while bench.ask("TRAC:ACT?") != "300":
            bench.wait(poll)
        return bench.ask("TRAC:DATA? 1, 300, " + READINGS)

    assert run(0.013) == run(1.0) == run(100.0)


def test_a_sweep_of_2500_points(ready):
    levels = [round(0.0005 * k, 5) for k in range(1250)]
    load(ready, levels + levels[::-1])
    ready.send("INIT")
    ready.wait(2500 * POINT)
    assert ready.ask("TRAC:ACT?") == "2500"
    whole = rows(ready, 2500)
    assert [row[1] for row in whole] == levels + levels[::-1]
    assert [row[2] for row in whole] == pytest.approx([row[1] / 1e3 for row in whole])


@pytest.mark.parametrize("command", ["*WAI;:TRAC:ACT?", "*OPC?"])
def test_waiting_for_the_end(ready, command):
    load(ready, [0.1] * 20)
    began = ready.now
    ready.send("INIT")
    assert ready.ask(command) in ("20", "1")
    assert ready.now - began == pytest.approx(20 * POINT)


def test_completion_is_announced_at_the_end(ready):
    load(ready, [0.1] * 20)
    ready.send("*CLS", "INIT", "*OPC")
    assert ready.ask("*ESR?") == "0"
    ready.wait(20 * POINT)
    assert ready.ask("*ESR?") == "1"


def test_a_list_is_run_from_where_and_as_often_as_was_said(ready):
    ready.send("SOUR:LIST:VOLT 0.1, 0.2, 0.3", "SOUR:SWE:VOLT:LIST 2, 0, 3", "INIT")
    ready.ask("*OPC?")
    assert ready.numbers("TRAC:DATA? 1, 6, " + '"defbuffer1", SOUR') == [0.2, 0.3] * 3


def test_a_sweep_without_end_is_ended_by_abort(ready):
    load(ready, [0.1, 0.2], count=0)
    ready.send("INIT")
    ready.wait(100.5 * POINT)
    ready.send("ABOR")
    assert ready.ask("TRAC:ACT?") == "100"
    ready.wait(10.0)
    assert ready.ask("TRAC:ACT?;:OUTP?") == "100;1"
    ready.send("INIT")
    assert ready.ask("*WAI;*IDN?", patience=1e5) == ""


def test_a_linear_sweep_goes_there_and_back(ready):
    ready.send("SOUR:SWE:VOLT:LIN 0, 1, 5, 0.01, 1, BEST, OFF, ON", "INIT")
    ready.ask("*OPC?")
    sent = ready.numbers('TRAC:DATA? 1, 9, "defbuffer1", SOUR')
    assert sent == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25, 0.0])


def test_states_of_the_trigger_model(make_bench):
    bench = make_bench(state_refresh=0.0).set_up()
    assert bench.ask("TRIG:STAT?") == "EMPTY;EMPTY;0"
    load(bench, [0.1] * 20)
    assert bench.ask("TRIG:STAT?") == "BUILDING;BUILDING;0"
    bench.send("INIT")
    assert bench.ask("TRIG:STAT?") == "RUNNING;RUNNING;5"
    bench.wait(20 * POINT)
    assert bench.ask("TRIG:STAT?") == "IDLE;IDLE;9"
    bench.send("INIT", "ABOR")
    assert bench.ask("TRIG:STAT?") == "ABORTED;ABORTED;9"
    bench.send("*RST")
    assert bench.ask("TRIG:STAT?") == "EMPTY;EMPTY;0"


def test_the_state_is_looked_at_every_100_ms(ready):
    load(ready, [0.1] * 5)  # 0.239 s
    ready.send("INIT")
    ready.wait(0.299)
    assert ready.ask("TRAC:ACT?;:TRIG:STAT?") == "5;RUNNING;RUNNING;5"
    ready.wait(0.002)
    assert ready.ask("TRIG:STAT?") == "IDLE;IDLE;9"


def test_no_second_sweep_while_one_runs(ready):
    load(ready, [0.1] * 20)
    ready.send("INIT", "INIT")
    assert ready.error() == -213
    assert ready.ask("READ?", patience=10.0) == ""
    assert ready.error() == -213


def test_nothing_to_start(ready):
    ready.send("INIT")
    assert ready.error() == -221
    ready.send("SOUR:LIST:VOLT 0.1", "SOUR:SWE:VOLT:LIST 1", "SOUR:FUNC CURR", "INIT")
    assert ready.error() == -221


def test_levels_beyond_a_range_that_was_set_by_hand(ready):
    ready.send("SOUR:LIST:VOLT 0.1, 5", "SOUR:SWE:VOLT:LIST 1", "INIT")
    assert (ready.error(), ready.ask("TRIG:STAT?")) == (-222, "BUILDING;BUILDING;0")
    ready.send("SOUR:VOLT:RANG:AUTO ON", "INIT")
    ready.ask("*OPC?")
    assert (ready.error(), ready.ask("SOUR:VOLT:RANG?")) == (0, "2.000000E+01")


@pytest.mark.parametrize(("rule", "code", "answer"), [("refused", -221, "0.1"), ("accepted", 0, "1")])
def test_settings_while_a_sweep_runs(make_bench, rule, code, answer):
    bench = make_bench(settings_while_running=rule, number_format="short").set_up()
    load(bench, [0.1] * 20)
    bench.send("INIT", "SENS:CURR:NPLC 1")
    assert (bench.error(), bench.ask("SENS:CURR:NPLC?")) == (code, answer)


def test_switching_off_is_never_refused_and_the_sweep_measures_nothing(ready):
    load(ready, [0.1] * 20)
    ready.send("INIT")
    ready.wait(10.5 * POINT)
    ready.send("OUTP OFF")
    assert not ready.instrument.cell_is_on
    assert ready.error() == 0
    ready.wait(20 * POINT)
    readings = rows(ready, 20)
    assert [row[2] for row in readings] == [pytest.approx(1e-4)] * 10 + [0.0] * 10
    assert [row[3] for row in readings] == [128.0] * 10 + [0.0] * 10


@pytest.mark.parametrize(("rule", "on"), [("stays", True), ("off", False)])
def test_the_output_after_a_sweep(make_bench, rule, on):
    bench = make_bench(output_after_sweep=rule).set_up()
    load(bench, [0.1] * 3)
    bench.send("INIT")
    assert bench.ask("OUTP?") == "1"
    bench.wait(3 * POINT)
    assert bench.instrument.cell_is_on is on
    assert bench.ask("OUTP?") == str(int(on))


@pytest.mark.parametrize(("rule", "count"), [("appends", 6), ("clears", 3)])
def test_the_buffer_of_a_second_sweep(make_bench, rule, count):
    bench = make_bench(buffer_at_init=rule).set_up()
    load(bench, [0.1] * 3)
    for _ in range(2):
        bench.send("INIT")
        bench.ask("*OPC?")
    assert bench.ask("TRAC:ACT?") == str(count)


def test_the_last_level_is_held(ready):
    load(ready, [0.1, 0.2])
    ready.send("INIT")
    ready.ask("*OPC?")
    assert ready.ask("SOUR:VOLT?") == "2.000000E-01"
    ready.wait(60.0)
    assert ready.numbers("READ?") == [pytest.approx(2e-4)]


# --- what the cell sees ---------------------------------------------------------------------------


def redox(**values):
    chain = Chain((Couple(0.0, 0.02),), 1e-6, (1e-5, 1e-5), 1)
    return RedoxCell(RedoxSpec((chain,), **({"area": 0.1, "leak": 1e9} | values)))


@pytest.mark.parametrize("staircase", [False, True])
def test_the_cell_sees_a_ramp_or_a_staircase_between_the_levels(make_bench, staircase):
    levels = [round(-0.3 + 0.001 * k, 4) for k in range(600)]
    bench = make_bench(cell=redox(), staircase=staircase).set_up()
    bench.send("SENS:CURR:RANG 1e-4")
    load(bench, levels)
    bench.send("INIT")
    bench.ask("*OPC?")
    hand = redox()
    hand.step_to(-0.3)
    expected = []
    for level in levels:
        if staircase:
            hand.step_to(level)
        expected.append(hand.apply(level, POINT))
    assert [row[2] for row in rows(bench, 600)] == pytest.approx(expected, abs=1e-10)
    assert max(expected) > 1e-6


def test_the_same_seed_gives_the_same_bytes(make_bench):
    def run(**rules):
        bench = make_bench(noise=1.0, cell=redox(current_noise=1e-8), **rules).set_up()
        load(bench, [0.001 * k for k in range(200)])
        bench.send("INIT")
        bench.ask("*OPC?")
        return bench.ask(f"TRAC:DATA? 1, 200, {READINGS}")

    assert run() == run()
    assert run(seed=1) != run()


def test_it_does_not_matter_how_long_the_start_took(make_bench):
    def run(pause):
        bench = make_bench(noise=1.0, cell=redox()).set_up()
        bench.wait(pause)
        load(bench, [0.001 * k for k in range(100)])
        bench.send("INIT")
        bench.ask("*OPC?")
        return bench.ask(f"TRAC:DATA? 1, 100, {READINGS}")

    assert run(0.0) == run(3600.0)


@pytest.fixture
def counting():
    """A resistor that remembers the lengths of its steps."""

    class Counting(ResistorCell):
        def __init__(self):
            super().__init__(ResistorSpec(resistance=1e3))
            self.steps = []

        def apply(self, potential, dt, limit=float("inf")):
            self.steps.append(dt)
            return super().apply(potential, dt, limit)

    return Counting()


def test_hours_of_holding_are_one_step(make_bench, counting):
    bench = make_bench(cell=counting).set_up()
    bench.send("OUTP ON")
    for _ in range(100):
        bench.wait(360.0)
        bench.ask("OUTP?")
    bench.ask("READ?")
    assert counting.steps == [pytest.approx(36_000.0, abs=1.0)]


def test_a_point_is_one_step_of_one_length(make_bench, counting):
    """Equal lengths to the last bit: the cell works out what a length does to it once."""
    bench = make_bench(cell=counting).set_up()
    load(bench, [0.001 * k for k in range(300)])
    bench.send("INIT")
    bench.ask("*OPC?")
    assert len(counting.steps) == 300
    assert len(set(counting.steps)) == 1
    assert counting.steps[0] == pytest.approx(POINT)
