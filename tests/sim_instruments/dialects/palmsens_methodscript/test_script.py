"""Scripts are read as the manual says, and the first mistake is found with its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.dialects.palmsens_methodscript.language import COMMANDS, literal
from luggin_sim.dialects.palmsens_methodscript.script import Name, ScriptError, Statement, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("25m", 0.025),
        ("-1294m", -1.294),
        ("+3", 3.0),
        ("100u", 100e-6),
        ("2M", 2e6),
        ("200k", 200e3),
        ("11i", 11.0),
        ("5a", 5e-18),
        ("0x80", 128.0),
        ("0b101", 5.0),
        ("0.025", None),
        ("1e3", None),
        ("25 m", None),
        ("m", None),
        ("", None),
    ],
)
def test_literals_are_integers_with_a_prefix(text, value):
    assert literal(text) == value


def test_a_script_becomes_statements_with_their_lines():
    script = parse(
        [
            "var p  # potential",
            "var c",
            "",
            "meas_loop_cv p c 0 -1 200m 1m 25m nscans(3)",
            "pck_start",
            "pck_add c",
            "pck_end",
            "endloop",
            "on_finished:",
            "cell_off",
        ]
    )
    loop = script.statements[2]
    assert loop.line == 4
    assert loop.arguments == (Name("p"), Name("c"), 0.0, -1.0, 0.2, 0.001, 0.025)
    assert loop.scans == 3
    assert [s.command for s in loop.body] == ["pck_start", "pck_add", "pck_end"]
    assert script.on_finished == (Statement(10, "cell_off", ()),)


LOOP = "meas_loop_ca p c 0 100m 1"


@pytest.mark.parametrize(
    ("lines", "code", "line", "column"),
    [
        (["var p", "  launch 3"], 0x4001, 2, 3),
        (["set_e 0.5"], 0x4039, 1, 7),
        (["set_e .5"], 0x4039, 1, 7),
        (["set_e 5x"], 0x4039, 1, 7),
        (["set_e ?"], 0x4004, 1, 7),
        (["set_e speed"], 0x4007, 1, 7),
        (["pck_start", "pck_add x"], 0x4007, 2, 9),
        (["set_e"], 0x4002, 1, 6),
        (["var p", "timer_get 5"], 0x4002, 2, 11),
        (["set_e 1 2"], 0x4008, 1, 9),
        (["var p", "var p"], 0x4026, 2, 5),
        (["var 1p"], 0x4004, 1, 5),
        (["var x", "store_var x 1 zz"], 0x4006, 2, 15),
        (["set_range xx 1u"], 0x4006, 1, 11),
        (["wait -1"], 0x4200, 1, 6),
        (["set_max_bandwidth 0"], 0x4204, 1, 19),
        (["var p", "var c", "meas_loop_cv p c 0 1 0 0 1"], 0x4204, 3, 24),
        (["var p", "var c", "meas_loop_cv p c 0 1 0 1m 1 nscans(0)"], 0x4204, 3, 36),
        (["var p", "var c", "meas_loop_cv p c 0 1 0 1m 1 nscans(1.5)"], 0x4039, 3, 36),
        (["var p", "var c", "meas_loop_cv p c 0 1 0 1m 1 nscans(x)"], 0x4008, 3, 36),
        (["var p", "var c", "meas_loop_cv p c 0 1 0 1m 1 add_meas(0 bb c)"], 0x4008, 3, 29),
        (["var p", "var c", LOOP, LOOP], 0x400B, 4, 1),
        (["var p", "var c", LOOP, "set_e 0"], 0x4032, 4, 1),
        (["var p", "var c", LOOP, "wait 1"], 0x400C, 4, 1),
        (["var p", "var c", LOOP], 0x4018, 4, 1),
        (["pck_start"], 0x4018, 2, 1),
        (["endloop"], 0x400C, 1, 1),
        (["on_finished:", "on_finished:"], 0x400C, 2, 1),
        (["pck_end"], 0x401B, 1, 1),
        (["pck_start", "pck_start"], 0x401B, 2, 1),
        (["pck_start", "on_finished:"], 0x401B, 2, 1),
        (["var p", "var c", LOOP, "pck_start", "endloop"], 0x401B, 5, 1),
        (["meas_loop_geis a b c 1 2 3 4 5"], 0x001B, 1, 1),
        (["send_string hello"], 0x4002, 1, 13),
        (["wait 1" + " " * 250], 0x0008, 1, 256),
        (["wait 1"] * 10_000, 0x4005, 10_000, 1),
    ],
)
def test_mistakes_are_found_with_line_and_column(lines, code, line, column):
    with pytest.raises(ScriptError) as caught:
        parse(lines)
    assert (f"{caught.value.code:04X}", caught.value.line, caught.value.column) == (f"{code:04X}", line, column)


def test_a_line_of_255_characters_is_still_allowed():
    parse(["wait 1" + " " * 249])


WORDS = st.sampled_from([*COMMANDS, "p", "c", "0", "1m", "nscans(2)", "ba"])
LINES = st.lists(WORDS, max_size=10).map(" ".join) | st.text(alphabet=st.characters(codec="ascii"))


def place_of_mistake(lines):
    """Line and column of the mistake in a script, or None."""
    try:
        parse(lines)
    except ScriptError as mistake:
        return mistake.line, mistake.column
    return None


@settings(deadline=None, derandomize=True)
@given(st.lists(LINES, max_size=8))
def test_any_text_is_a_script_or_has_its_mistake_inside(lines):
    line, column = place_of_mistake(lines) or (1, 1)
    assert 1 <= line <= len(lines) + 1
    assert 1 <= column <= 1 + max([0, *map(len, lines)])
