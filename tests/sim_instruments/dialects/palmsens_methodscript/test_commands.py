"""The communication commands, byte for byte, and what the instrument does after a mistake."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects.palmsens_methodscript import make

FOREVER = ("set_pgstat_mode 3", "set_e 100m", "cell_on", "wait 1000", "on_finished:", "cell_off")


@pytest.mark.parametrize(
    ("model", "family"), [("emstat-pico", "espico"), ("emstat4-lr", "es4_lr"), ("emstat4-hr", "es4_hr")]
)
def test_the_firmware_reply_has_two_lines_and_begins_with_the_family(make_bench, model, family):
    first, second, rest = make_bench(model).say("t").split("\n")
    assert first.startswith(f"t{family}")
    assert (second, rest) == ("R*", "")


def test_version_and_serial_number(bench):
    assert bench.say("v") == "v0108\n"
    assert bench.say("i") == "iES4HSIM00001\n"


def test_registers_are_read_and_written_only_where_there_are_any(bench):
    assert bench.say("G06") == "G!0004\n"
    bench.wait(0.1)
    assert bench.say("Gx") == "G!0007\n"
    bench.wait(0.1)
    assert bench.say("S061") == "S!0004\n"


def test_unknown_commands_are_refused(bench):
    assert bench.say("q") == "q!0003\n"
    bench.wait(0.1)
    assert bench.say("toast") == "t!0003\n"
    bench.wait(0.1)
    assert bench.say("Lmscr") == "L!000C\n"
    bench.wait(0.1)
    assert bench.say("t" * 256) == "t!0008\n"


def test_input_is_ignored_for_50_ms_after_an_error(bench):
    assert bench.say("Z") == "Z!0006\n"
    bench.wait(0.049)
    assert bench.say("v") == ""
    bench.wait(0.002)
    assert bench.say("v") == "v0108\n"


def test_what_follows_an_error_in_the_same_breath_is_lost(bench):
    assert bench.say("q\nv\nv") == "q!0003\n"


def test_a_mistake_in_a_script_is_answered_with_its_place_and_nothing_runs(bench):
    assert bench.run("set_pgstat_mode 3", "cell_on", "  launch 3") == "e!4001: Line 3, Col 3\n"
    assert not bench.instrument.cell_is_on
    assert bench.lines() == []


def test_an_empty_script_is_acknowledged_and_ends_at_once(bench):
    assert bench.run("wait 0") == "e\n\n"


def test_a_script_can_be_loaded_once_and_run_twice(bench):
    assert bench.say("r") == "r!000C\n"
    bench.wait(0.1)
    assert bench.say('l\nsend_string "ready"\n') == "l\n"
    assert bench.say("r") == "r\nTready\n\n"
    assert bench.say("r") == "r\nTready\n\n"
    assert bench.say("l\nlaunch\n") == "l!4001: Line 1, Col 1\n"


def test_abort_opens_the_cell_by_way_of_on_finished(bench):
    bench.run(*FOREVER)
    bench.wait(3.0)
    assert bench.instrument.cell_is_on
    assert bench.say("Z") == "Z\n\n"
    assert not bench.instrument.cell_is_on
    assert bench.say("Z") == "Z!0006\n"


def test_abort_without_on_finished_leaves_the_cell_on(bench):
    bench.run(*FOREVER[:4])
    assert bench.say("Z") == "Z\n\n"
    assert bench.instrument.cell_is_on


def test_a_second_abort_ends_what_runs_after_the_first(bench):
    bench.run("wait 10", "on_finished:", "wait 10", "cell_off")
    assert bench.say("Z") == "Z\n"
    bench.wait(1.0)
    assert bench.say("Z") == "Z\n\n"


def test_an_aborted_script_leaves_no_event_behind(bench):
    bench.run(*FOREVER)
    bench.say("Z")
    assert bench.instrument.next_due(bench.now) is None


def test_while_a_script_runs_questions_are_refused_or_answered(make_bench):
    bench = make_bench()
    bench.run(*FOREVER)
    assert bench.say("t") == "t!0006\n"
    assert bench.instrument.cell_is_on
    open_minded = make_bench(commands_while_running="answered")
    open_minded.run(*FOREVER)
    assert open_minded.say("v") == "v0108\n"
    assert open_minded.say("e") == "e!0006\n"


def test_a_halted_script_goes_on_where_it_stood(bench):
    assert bench.say("h") == "h!0006\n"
    bench.wait(1.0)
    bench.run("wait 10", 'send_string "done"')
    bench.wait(4.0)
    assert bench.say("h") == "h\n"
    assert bench.wait(100.0) == []
    assert bench.say("H") == "H\n"
    assert bench.wait(20.0) == [(pytest.approx(111.0), "Tdone"), (pytest.approx(111.0), "")]
    assert bench.say("H") == "H!0006\n"


def test_a_halted_script_can_be_aborted(bench):
    bench.run(*FOREVER)
    bench.say("h")
    bench.wait(5.0)
    assert bench.say("Z") == "Z\n\n"
    assert not bench.instrument.cell_is_on


def test_ending_a_loop_needs_a_loop(bench):
    bench.run(*FOREVER)
    assert bench.say("Y") == "Y!0006\n"


def test_an_empty_line_is_answered_as_the_rule_says(make_bench):
    assert make_bench().say("") == ""
    assert make_bench(empty_line_reply="!0003").say("") == "!0003\n"


def test_the_acknowledgement_can_stand_before_the_first_output(make_bench):
    bench = make_bench(ack_with_newline=False)
    assert bench.run('send_string "x"') == "eTx\n\n"


def test_flow_control_bytes_are_put_into_the_stream(make_bench):
    bench = make_bench("emstat-pico", flow_bytes_every=2)
    raw = "".join(bench.say("v") for _ in range(4))
    assert raw == "v0108\nv\x13\x110108\nv0108\nv\x13\x110108\n"


def test_input_without_an_end_does_not_fill_the_memory(bench):
    for _ in range(100):
        bench.instrument.feed(b"x" * 10_000, bench.now)
    assert len(bench.instrument._input) < 2000
    assert bench.say("") == "x!0008\n"


def test_a_script_without_an_end_does_not_fill_the_memory(bench):
    for line in ["e", *["wait 1"] * 20_000]:
        bench.instrument.feed(line.encode() + b"\n", bench.now)
    assert len(bench.instrument._loading[1]) < 10_000
    assert bench.say("").startswith("e!4005: Line ")


INPUT = st.sampled_from([line.encode("latin-1") + b"\n" for line in ("", *"eZhHYtr", "wait 1", "cell_on", "\u00ff")])


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.tuples(INPUT | st.binary(max_size=5), st.floats(0.0, 2.0)), max_size=30))
def test_no_input_breaks_the_instrument_or_turns_time_back(pieces):
    instrument = make("emstat4-hr", {}, ResistorCell(ResistorSpec(resistance=10e3)))
    now = 0.0
    for data, pause in pieces:
        instrument.feed(data, now)
        instrument.take(now)
        due = instrument.next_due(now)
        assert due is None or due >= now - 1e-9
        now += pause
    instrument.take(now)
