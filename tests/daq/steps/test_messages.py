"""The words for each mistake that chemists make: file, line, path, what is allowed, and the way out."""

import math
import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.documents import toml_value
from luggin.errors import ProtocolError
from luggin.steps import load_protocol

GOOD = """\
title = "CV of a cluster"
bench = "bench.toml"
limits = [
  {column = "potential", between = ["-2 V", "1 V"]},
  {column = "current", between = ["-100 uA", "100 uA"], for = "3 rows"},
]
steps = [
  {do = "ocp", id = "rest-potential", duration = "60 s"},
  {do = "cv", id = "full", begin = "0 V vs ref", vertices = ["-1.7 V", "0.2 V"], rate = "25 mV/s", step = "1 mV", cycles = 2},
  {do = "for_each", var = "v", values = ["50 mV/s", "0.1 V/s"], steps = [
    {do = "prompt", text = "Stir.", fields = {mass = "mg"}, timeout = "10 min", on_timeout = "continue"},
    {do = "cv", id = "rates", begin = "0 V vs ref", vertices = ["-1.7 V", "0.2 V"], rate = "$v", step = "1 mV"}]},
  {do = "repeat", times = 3, steps = [
    {do = "ca", potential = "0.5 V vs ref", duration = "10 s", dt = "0.1 s"},
    {do = "note", text = "third time", every = 3}]},
  {do = "chain", steps = [
    {do = "lsv", begin = "0 V vs ref", end = "0.5 V", rate = "10 mV/s", step = "1 mV"},
    {do = "ca", potential = "0 V vs previous", duration = "10 s", dt = "0.1 s"}]},
]
analyses = [
  {use = "cv.half-waves", on = "full"},
]
[sample]
id = "Re-1"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = "Pt wire"
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""  # noqa: E501 - as chemists write it


def messages(text: str) -> list[str]:
    with pytest.raises(ProtocolError) as refused:
        load_protocol(text=text, name="p.toml")
    return str(refused.value).splitlines()


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"{old!r} stands {GOOD.count(old)} times in the good protocol"
    return GOOD.replace(old, new)


def test_the_good_protocol_is_good():
    assert load_protocol(text=GOOD, name="p.toml").protocol.title == "CV of a cluster"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # a misspelt key
        (
            'duration = "60 s"}',
            'duration = "60 s", labl = "x"}',
            "8: steps[1].labl: there is no key `labl` here. Did you mean `label`?",
        ),
        (
            'bench = "bench.toml"',
            'xyz = "bench.toml"',
            "2: xyz: there is no key `xyz` here. "
            "Allowed are format, title, bench, limits, record, monitors, steps, analyses, on, sample.",
        ),
        # an unknown step, and one that is not available yet
        ('{do = "ocp"', '{do = "ocv"', "8: steps[1].do: there is no step `ocv`. Did you mean `ocp`?"),
        (
            '{do = "ocp"',
            '{do = "eis"',
            "8: steps[1].do: `eis` is not available in this version. "
            "Available are ca, chain, compensate, cp, cv, dpv, equilibrate, for_each, lsv, note, ocp, preflight, "
            "prompt, ramp, repeat, rest, set_temperature, solution_resistance, swv.",
        ),
        (
            '{do = "ocp", ',
            "{",
            "8: steps[1]: `do` is missing: it says what the step does. "
            "Available are ca, chain, compensate, cp, cv, dpv, equilibrate, for_each, lsv, note, ocp, preflight, "
            "prompt, ramp, repeat, rest, set_temperature, solution_resistance, swv.",
        ),
        ('{do = "ocp"', "{do = 3", "8: steps[1].do: `do` is the name of a step in quotes; found 3."),
        # units
        (
            'rate = "25 mV/s"',
            "rate = 25",
            '9: steps[2].rate: 25 has no unit. Write the quantity with its unit, in quotes, such as "25 mV/s".',
        ),
        (
            'rate = "25 mV/s"',
            'rate = "25"',
            "9: steps[2].rate: '25' has no unit (V/s); write for example \"25 mV/s\".",
        ),
        (
            'rate = "25 mV/s"',
            'rate = "25 mV"',
            "9: steps[2].rate: 'mV' is not a unit of scan rate (V/s); write for example \"25 mV/s\".",
        ),
        (
            'duration = "60 s"',
            'duration = "60 sec"',
            "8: steps[1].duration: 'sec' is not a known unit. Did you mean 's'?",
        ),
        (
            'duration = "60 s"',
            "duration = true",
            '8: steps[1].duration: this is not a quantity (s). Write a number and a unit in quotes, such as "60 s".',
        ),
        # the zero of a potential
        (
            'id = "full", begin = "0 V vs ref"',
            'id = "full", begin = "0 V"',
            "9: steps[2].begin: 0 V has no zero; a potential here says against what it is meant. "
            'Write "0 V vs ref" (reference electrode), "... vs ocp" or "... vs previous".',
        ),
        (
            'potential = "0 V vs previous"',
            'potential = "0 V vs Ag/AgCl"',
            "18: steps[5].steps[2].potential: `vs Ag/AgCl` is not a zero of potentials; "
            "write `vs ref`, `vs ocp` or `vs previous`. The reference electrode itself is named under [sample].",
        ),
        # out of range
        (
            'rate = "25 mV/s"',
            'rate = "-25 mV/s"',
            "9: steps[2].rate: -25 mV/s is out of range; allowed is more than 0 V/s.",
        ),
        ("cycles = 2", "cycles = 0", "9: steps[2].cycles: 0 is out of range; allowed is 1 or more."),
        (
            "cycles = 2",
            'cycles = "2"',
            '9: steps[2].cycles: this must be a whole number, without quotes; found "2".',
        ),
        (
            "cycles = 2",
            "cycles = 1.5",
            "9: steps[2].cycles: this must be a whole number, without quotes; found 1.5.",
        ),
        (
            "cycles = 2",
            'quiet = "-1 s"',
            "9: steps[2].quiet: -1 s is out of range; allowed is 0 s or more.",
        ),
        (
            'duration = "60 s"',
            'duration = "60 s", dt = "2 min"',
            "8: steps[1].dt: 2 min is longer than the whole step (60 s).",
        ),
        (
            'vertices = ["-1.7 V", "0.2 V"], rate = "25 mV/s", step = "1 mV"',
            'vertices = ["-1.7 V", "0.2 V"], rate = "25 mV/s", step = "2 V"',
            "9: steps[2].step: 2 V is more than the sweep is wide (from -1.7 V to 0.2 V).",
        ),
        (
            'vertices = ["-1.7 V", "0.2 V"], rate = "25 mV/s"',
            'vertices = ["-1.7 V", "-1700 mV"], rate = "25 mV/s"',
            "9: steps[2].vertices: both vertices are -1.7 V. A sweep turns at two different potentials.",
        ),
        (
            'vertices = ["-1.7 V", "0.2 V"], rate = "25 mV/s"',
            'vertices = ["-1.7 V"], rate = "25 mV/s"',
            '9: steps[2].vertices: entry 2 is missing. Write for example vertices = ["-1.7 V", "0.2 V"].',
        ),
        (
            'end = "0.5 V"',
            'end = "0 V"',
            "17: steps[5].steps[1].end: the sweep begins and ends at 0 V. A sweep goes from one potential to another.",
        ),
        # something is missing
        (', rate = "25 mV/s"', "", '9: steps[2]: `rate` is missing. Write for example rate = "25 mV/s".'),
        (
            'title = "CV of a cluster"\n',
            "",
            '1: `title` is missing. Write for example title = "Re4Mo2 in CH3CN: CV".',
        ),
        # one of a few words
        (
            'on_timeout = "continue"',
            'on_timeout = "go on"',
            "11: steps[3].steps[1].on_timeout: \"go on\" is not one of 'stop' or 'continue'.",
        ),
        # the sample
        (
            'wiring = "three-electrode"\n',
            "",
            '23: sample: `wiring` is missing. Write for example wiring = "three-electrode".',
        ),
        (
            'wiring = "three-electrode"',
            'wiring = "3-electrode"',
            '25: sample.wiring: "3-electrode" is not a wiring; allowed are two-electrode and three-electrode. '
            "Did you mean `three-electrode`?",
        ),
        (
            'reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}\n',
            "",
            "23: sample: `reference` of this three-electrode cell is missing: the signs of the results hang on the "
            'electrodes. Write for example reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}.',
        ),
        (
            'diameter = "3.0(1) mm"',
            'diamter = "3.0(1) mm"',
            "26: sample.working.diamter: there is no key `diamter` here. Did you mean `diameter`?",
        ),
        (
            'diameter = "3.0(1) mm"',
            'diameter = "3.0(1) mM"',
            "26: sample.working.diameter: 'mM' is not a unit of length (m); write for example \"3 mm\".",
        ),
        (
            'counter = "Pt wire"',
            'counter = {diameter = "1 mm"}',
            '27: sample.counter: this electrode has no name. Write for example {material = "glassy carbon"}.',
        ),
        # ids
        (
            'id = "rates"',
            'id = "full"',
            "12: steps[3].steps[2].id: the id `full` is taken by steps[2] already. "
            "Give each step an id of its own; `role` may repeat.",
        ),
        (
            'on = "full"',
            'on = "ful"',
            "21: analyses[1].on: no step has the id `ful`. Did you mean `full`?",
        ),
        (
            'id = "rates"',
            'id = "no blanks"',
            '12: steps[3].steps[2].id: "no blanks" cannot be a name. '
            "A name is made of letters, digits and . _ + -, and begins with a letter or a digit. "
            'Write for example id = "full".',
        ),
        # loops and variables
        (
            'rate = "$v"',
            'rate = "$w"',
            "12: steps[3].steps[2].rate: no for_each around this step gives `$w` a value. Variables here: `$v`.",
        ),
        (
            '"0.1 V/s"',
            '"0.1 V"',
            "12: steps[3].steps[2].rate: with v = \"0.1 V\": 'V' is not a unit of scan rate (V/s); "
            'write for example "25 mV/s".',
        ),
        (
            'var = "v"',
            'var = "scan rate"',
            '10: steps[3].var: "scan rate" cannot be a name. '
            "This name is made of letters, digits and _, and begins with a letter. "
            'Write for example var = "v".',
        ),
        (
            'values = ["50 mV/s", "0.1 V/s"]',
            "values = []",
            '10: steps[3].values: there are 0 entries; 1 or more are needed. Write for example values = ["50 mV/s", '
            '"100 mV/s"].',
        ),
        (
            'values = ["50 mV/s", "0.1 V/s"]',
            "values = [[1]]",
            "10: steps[3].values[1]: [1] is not a value. Values are texts in quotes, numbers, true or false.",
        ),
        (
            "times = 3, steps",
            "steps",
            "13: steps[4]: `times` is missing. Write for example times = 10.",
        ),
        (
            'begin = "0 V vs ref", end',
            'every = 2, begin = "0 V vs ref", end',
            "17: steps[5].steps[1].every: `every` only has a meaning for a step directly inside `repeat`.",
        ),
        # what a chain cannot hold
        (
            '{do = "ca", potential = "0 V vs previous", duration = "10 s", dt = "0.1 s"}',
            '{do = "rest", duration = "10 s"}',
            "18: steps[5].steps[2]: `rest` cannot stand inside `chain`, where the cell stays closed. "
            "Allowed are ca, cp, cv, lsv.",
        ),
        (
            'begin = "0 V vs ref", end',
            'rest_before = "1 s", begin = "0 V vs ref", end',
            "17: steps[5].steps[1].rest_before: `rest_before` cannot stand inside `chain`: it would open the cell.",
        ),
        # limits
        (
            'column = "potential"',
            'column = "potentail"',
            "4: limits[1].column: `potentail` cannot be limited; columns with limits are potential, voltage, current, "
            "charge, power, temperature, and the readings of monitors. Did you mean `potential`?",
        ),
        (
            '["-100 uA", "100 uA"]',
            '["100 uA", "-100 uA"]',
            "5: limits[2].between: 100 uA is not below -100 uA. The lowest value comes first.",
        ),
        (
            '["-100 uA", "100 uA"]',
            '["-100 uV", "100 uA"]',
            "5: limits[2].between: 'uV' is not a unit of current (A); write for example \"10 uA\".",
        ),
        (
            'for = "3 rows"',
            'for = "often"',
            '5: limits[2].for: "often" is neither a number of rows nor a time. Write for example "3 rows" or "10 s".',
        ),
        (
            'for = "3 rows"',
            'then = "suspend"',
            "5: limits[2].then: a limit of current cannot suspend a run: with the cell open it is 0, so it would be "
            'back at once. Use "stop" or "end_step", or suspend on a temperature or a potential.',
        ),
        (
            'column = "current", between = ["-100 uA", "100 uA"], for = "3 rows"',
            'column = "potential", between = ["1.5 V", "2 V"]',
            "5: limits[2]: potential between 1.5 V and 2 V contradicts the limit before it "
            "(potential between -2 V and 1 V): no potential satisfies both.",
        ),
        (
            'potential = "0.5 V vs ref"',
            'potential = "1.5 V vs ref"',
            "14: steps[4].steps[1].potential: 1.5 V vs ref lies outside of the limits of this protocol "
            "(potential between -2 V and 1 V). Change the limit or the potential.",
        ),
        # what comes later
        (
            'duration = "60 s"}',
            'duration = "60 s", until = "potential > 1 V"}',
            "8: steps[1].until: `until` is not available in this version. "
            "End a step by its duration, or stop it by a limit.",
        ),
        (
            "[sample]",
            '[on]\npc_lost = "leave_running"\n[sample]',
            '24: on.pc_lost: "leave_running" is for instruments that keep a schedule, its limits and its readings '
            "without the computer, and no driver of this version declares that its instrument does. "
            'Use "stop": the guardian opens the cell.',
        ),
        (
            "[sample]",
            '[on]\npower_return = "continue"\n[sample]',
            '24: on.power_return: "continue" would need a service that starts with the computer, which Luggin does '
            'not have. Use "stay off" (the default), and after a power cut take the run up with `luggin resume`.',
        ),
        (
            "[sample]",
            '[on]\non_exit = "hold"\n[sample]',
            '24: on.on_exit: "hold": however a run ends, the cell circuit is opened. Use "cell off" (the default); in '
            "what state other instruments are left is said in the bench file.",
        ),
        (
            'bench = "bench.toml"',
            'record = {dQ = "1 mC"}',
            "2: record.dQ: `dQ` is not available in this version. Every row is stored.",
        ),
        (
            'title = "CV of a cluster"',
            'format = 2\ntitle = "CV of a cluster"',
            "1: format: this file has format 2; this version of Luggin reads formats up to 1. Update Luggin.",
        ),
        # people
        (
            'fields = {mass = "mg"}',
            'fields = {mass = "milligram"}',
            "11: steps[3].steps[1].fields.mass: 'milligram' is not a known unit. Write a unit, or \"\" for a text.",
        ),
        ('text = "Stir."', "text = 5", "11: steps[3].steps[1].text: this must be a text in quotes; found 5."),
        ('text = "Stir."', 'text = ""', "11: steps[3].steps[1].text: this text is empty."),
        # a table where a list should be, and the other way round
        (
            'steps = [\n    {do = "lsv"',
            'steps = [ 3,\n    {do = "lsv"',
            '16: steps[5].steps[1]: a step is a table; found 3. Write {do = "ocp", duration = "60 s"}.',
        ),
        (
            '{use = "cv.half-waves", on = "full"},',
            '"cv.half-waves",',
            '21: analyses[1]: this must be a table in braces, { ... }; found "cv.half-waves".',
        ),
    ],
)
def test_one_mistake_is_one_message(old, new, message):
    assert messages(changed(old, new)) == [f"p.toml:{message}"]


def test_all_mistakes_come_together_in_the_order_of_the_file():
    text = (
        GOOD.replace("bench =", "bnch =").replace('{do = "ocp"', '{do = "ocv"').replace('rate = "$v"', 'rate = "1 s"')
    )
    assert [line.split(": ")[0] for line in messages(text)] == ["p.toml:2", "p.toml:8", "p.toml:12"]


def test_a_mistake_in_every_turn_of_a_loop_is_told_once():
    text = GOOD.replace('id = "rates", begin = "0 V vs ref"', 'id = "rates", begin = "0 V"')
    assert messages(text) == [
        "p.toml:12: steps[3].steps[2].begin: 0 V has no zero; a potential here says against what it is meant. "
        'Write "0 V vs ref" (reference electrode), "... vs ocp" or "... vs previous".'
    ]


def test_nested_loops_name_all_values():
    text = """\
title = "x"
steps = [
  {do = "for_each", var = "E", values = ["0.1 V vs ref", "0.2 V vs ref"], steps = [
    {do = "for_each", var = "t", values = ["1 s", "1 V"], steps = [
      {do = "ca", potential = "$E", duration = "$t", dt = "0.1 s"}]}]},
]
[sample]
id = "x"
wiring = "two-electrode, blocking"
electrodes = "Pt on both faces"
"""
    assert messages(text) == [
        "p.toml:5: steps[1].steps[1].steps[1].duration: with t = \"1 V\": 'V' is not a unit of time (s); "
        'write for example "10 s".'
    ]
    assert messages(text.replace('var = "t"', 'var = "E"')) == [
        "p.toml:4: steps[1].steps[1].var: `E` is the variable of an enclosing for_each already."
    ]


def test_a_file_that_unfolds_without_end_is_refused():
    values = ", ".join(f"{number}" for number in range(200))
    inner = '{do = "note", text = "x"}'
    for name in "abc":
        inner = f'{{do = "for_each", var = "{name}", values = [{values}], steps = [{inner}]}}'
    text = GOOD.replace('{do = "note", text = "third time", every = 3}', inner)
    assert messages(text) == [
        "p.toml:7: steps: with all for_each written out, this protocol has more than 20000 steps. "
        "Use repeat, or a Python script."
    ]


def test_no_step_at_all():
    text = 'title = "x"\nsteps = []\n' + GOOD[GOOD.index("[sample]") :]
    example = 'Write for example steps = [{do = "ocp", duration = "60 s"}].'
    assert messages(text) == [f"p.toml:2: steps: there are 0 entries; 1 or more are needed. {example}"]
    text = text.replace("steps = []", 'steps = "cv"')
    assert messages(text) == [
        'p.toml:2: steps: steps are a list of tables. Write steps = [ {do = "ocp", duration = "60 s"}, ... ].'
    ]


def test_empty_file():
    assert messages("") == [
        'p.toml:1: `title` is missing. Write for example title = "Re4Mo2 in CH3CN: CV".',
        'p.toml:1: `steps` is missing. Write for example steps = [{do = "ocp", duration = "60 s"}].',
        'p.toml:1: `sample` is missing. Write for example sample = {id = "Re-1", wiring = "three-electrode", '
        'working = "glassy carbon", counter = "Pt wire", reference = "Ag/AgCl"}.',
    ]


# --- whatever is written, only words come out ----------------------------------------------------

_PIECES = (
    '"',  "[", "]", "{", "}", "$v", "0", "-", "V", " vs ocp", ",", "=", "\n", "3", "true", '"x"', "{}", "[]", "#", "",
    "é", 'do = "cv"', 'do = "for_each"', 'steps = [{do = "$v"}]', "every = 2", "1e999", '"5 degC"', "nan", "inf",
    "[[1]]",
)  # fmt: skip
_VALUES = (
    True, False, 0, -1, 2.5, math.nan, "", "x", "$v", "0 V vs ref", "-5 s", [], ["x"], [[]], {},
    {"do": "cv"}, {"x": {}},
)  # fmt: skip


def refusal_of(text: str) -> ProtocolError | None:
    try:
        load_protocol(text=text, name="p.toml")
    except ProtocolError as error:
        return error
    return None


def is_in_words(refusal: ProtocolError | None) -> bool:
    return refusal is None or (
        all(problem.message and problem.line for problem in refusal.problems)
        and not re.search("Input should|pydantic|String should|Value error|<class", str(refusal))
    )


@settings(deadline=None, derandomize=True, max_examples=400)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), st.sampled_from(_PIECES)),
        min_size=1,
        max_size=4,
    )
)
def test_a_mutated_protocol_is_read_or_refused_in_words(mutations):
    text = GOOD
    for position, length, insert in mutations:
        text = text[:position] + insert + text[position + length :]
    assert is_in_words(refusal_of(text))


@settings(deadline=None, derandomize=True, max_examples=600)
@given(st.data(), st.sampled_from(_VALUES))
def test_any_value_at_any_place_is_read_or_refused_in_words(data, value):
    tree = tomllib.loads(GOOD)
    node, last = tree, (tree, "title")
    while isinstance(node, dict | list) and node and (node is tree or data.draw(st.booleans())):
        last = (node, data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else list(range(len(node))))))
        node = node[last[1]]
    last[0][last[1]] = value
    assert is_in_words(refusal_of("\n".join(f"{key} = {toml_value(item)}" for key, item in tree.items())))
