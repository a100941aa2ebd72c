"""Bench files: what they say, and how their mistakes are told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin import plugins as plugin_manager
from luggin.bench import Bench, check_roles, live_bench_text, load_bench, requires_limits
from luggin.documents import toml_value
from luggin.errors import Problem, ProtocolError, UsageError
from luggin.steps import load_protocol

SIMULATED = """\
title = "CV cell"
format = 1

[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {model = "emstat4-hr"}

[simulated.cell]
dialect = "palmsens.methodscript"
couples = [
  {near = "-0.5 V"},
  {near = "-1.3 V"},
]
"""
REAL = SIMULATED[: SIMULATED.index("[simulated")].replace("sim://cell", "/dev/ttyUSB0")
DRIVERS = ["julabo.cf", "palmsens.methodscript"]
PROTOCOL = """\
title = "x"
limits = [{limits}]
steps = [
  {{do = "ocp", duration = "1 s", on = "cell"}},
  {{do = "repeat", times = 2, steps = [{{do = "ocp", duration = "1 s", on = "{role}"}}]}},
]
[sample]
id = "x"
wiring = "two-electrode, blocking"
electrodes = "Pt"
"""
POTENTIAL = '{column = "potential", between = ["-1 V", "1 V"]}'
VOLTAGE = '{column = "voltage", between = ["-1 V", "1 V"]}'
CURRENT = '{column = "current", between = ["-1 mA", "1 mA"]}'


def loaded(limits="", role="cell"):
    return load_protocol(text=PROTOCOL.format(limits=limits, role=role), name="p.toml")


@pytest.mark.parametrize("on_exit", ["hold", "stop", "25 degC", "-7.5 degC", "298 K"])
def test_how_a_controller_is_left_is_told_to_its_driver(on_exit):
    text = SIMULATED.replace("[simulated.cell]", f'on_exit = "{on_exit}"\n[simulated.cell]', 1)
    role = load_bench(text=text, drivers=DRIVERS).roles["cell"]
    assert role.on_exit == on_exit
    assert role.settings["on_exit"] == on_exit


def test_a_cell_is_never_left_on_whatever_its_bench_says():
    """The drivers of potentiostats know no such setting."""
    with pytest.raises(UsageError, match="on_exit"):
        plugin_manager.load().driver("palmsens.methodscript").offline({"model": "emstat4-hr", "on_exit": "hold"})


def test_a_simulated_bench():
    bench = load_bench(text=SIMULATED, drivers=DRIVERS)
    role = bench.roles["cell"]
    assert (role.name, role.driver, role.resource) == ("cell", "palmsens.methodscript", "sim://cell")
    assert (role.settings, role.on_exit) == ({"model": "emstat4-hr"}, "cell off")
    assert bench.title == "CV cell"
    assert bench.simulated_tables["cell"]["dialect"] == "palmsens.methodscript"
    assert bench.is_simulated("cell")
    assert bench.text == SIMULATED
    assert len(bench.sha256) == 64
    assert bench.path is None


def test_a_real_bench_from_a_file(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text(REAL, encoding="utf-8")
    bench = load_bench(path, drivers=DRIVERS)
    assert bench.path == path
    assert not bench.is_simulated("cell")
    assert bench.roles["cell"].resource == "/dev/ttyUSB0"


def test_a_served_bench_is_simulated():
    served = load_bench(text='simulator = "tcp://127.0.0.1:5025"\n' + REAL)
    assert served.simulator == "tcp://127.0.0.1:5025"
    assert served.is_simulated("cell")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "1: titel: there is no key `titel` here. Did you mean `title`?"),
        (
            "format = 1",
            "format = 2",
            "2: format: this file has format 2; this version of Luggin reads formats up to 1. Update Luggin.",
        ),
        ("format = 1", 'format = "1"', "2: format: this must be the number of the file format, 1."),
        (
            'driver = "palmsens.methodscript"',
            'driver = "palmsens.methodscrip"',
            "5: instruments.cell.driver: there is no driver `palmsens.methodscrip`. "
            "Did you mean `palmsens.methodscript`? Installed are julabo.cf, palmsens.methodscript.",
        ),
        (
            'driver = "palmsens.methodscript"\n',
            "",
            "4: instruments.cell: `driver` is missing: which driver speaks with the instrument. "
            'Write for example driver = "julabo.cf".',
        ),
        (
            'resource = "sim://cell"\n',
            "",
            "4: instruments.cell: `resource` is missing: where the instrument is. "
            'Write for example resource = "sim://cell".',
        ),
        (
            'resource = "sim://cell"',
            "resource = 5",
            "6: instruments.cell.resource: this must be a text in quotes, in one line; found 5.",
        ),
        (
            'resource = "sim://cell"',
            'resource = "sim://call"',
            "6: instruments.cell.resource: there is no [simulated.call]. Did you mean `cell`?",
        ),
        (
            'settings = {model = "emstat4-hr"}',
            'settings = "emstat4-hr"',
            '7: instruments.cell.settings: this must be a table; found "emstat4-hr".',
        ),
        (
            'settings = {model = "emstat4-hr"}',
            'on_exit = "leave it on"',
            '7: instruments.cell.on_exit: "leave it on" is not a state in which an instrument can be left. '
            'Write "cell off" (the cell circuit is opened, however a run ends), or for a temperature controller '
            '"hold", "stop" or a temperature such as "25 degC".',
        ),
        (
            'settings = {model = "emstat4-hr"}',
            'limits = [{column = "potential", between = ["-1 V", "1 V"]}]',
            "7: instruments.cell.limits: limits belong to the cell, not to the instrument. "
            "Write them into the protocol.",
        ),
        (
            "[simulated.cell]",
            '[instruments.second]\ndriver = "julabo.cf"\nresource = "sim://cell"\n[simulated.cell]',
            '11: instruments.second.resource: "sim://cell" is taken by instruments.cell already. '
            "Each instrument has a line of its own.",
        ),
        (
            "[instruments.cell]",
            '[instruments."my cell"]',
            "4: instruments.my cell: `my cell` cannot be a role. A role is a letter, then letters, digits, - or _.",
        ),
        (
            'title = "CV cell"',
            'simulator = "tcp://10.0.0.5:5025"',
            '1: simulator: "tcp://10.0.0.5:5025" is not the control port of a simulator on this computer. '
            'Write "tcp://127.0.0.1:PORT" as `luggin sim` printed it.\n'
            "bench.toml:1: simulator: a bench with a running simulator has no sim:// resources; cell has one. "
            "Use the bench file that `luggin sim` writes.",
        ),
    ],
)
def test_one_mistake_is_one_message(old, new, message):
    assert old in SIMULATED
    with pytest.raises(ProtocolError) as refused:
        load_bench(text=SIMULATED.replace(old, new, 1), drivers=DRIVERS, name="bench.toml")
    assert str(refused.value) == f"bench.toml:{message}"


def test_all_mistakes_come_together():
    text = SIMULATED.replace("title", "titel").replace("settings", "setings").replace("sim://cell", "sim://x")
    with pytest.raises(ProtocolError) as refused:
        load_bench(text=text, name="b")
    assert [problem.line for problem in refused.value.problems] == [1, 6, 7]


@pytest.mark.parametrize(("text", "line"), [("", 1), ('title = "x"', 1), ("\ninstruments = 3", 2)])
def test_a_bench_has_instruments(text, line):
    with pytest.raises(ProtocolError) as refused:
        load_bench(text=text)
    assert [(p.path, p.line) for p in refused.value.problems] == [("instruments", line)]


@pytest.mark.parametrize("arguments", [{}, {"path": "b.toml", "text": SIMULATED}])
def test_a_bench_has_one_source(arguments):
    with pytest.raises(UsageError, match="either the path of a bench file or its text"):
        load_bench(**arguments)


def test_problems_of_others_get_their_lines():
    bench = load_bench(text=SIMULATED)
    problems = [Problem("wrong", "simulated.cell.couples[2].near"), Problem("wrong", "instruments.cell.settings.model")]
    assert [problem.line for problem in bench.located(problems)] == [13, 7]
    assert bench.located([Problem("said", "simulated.cell", line=99)])[0].line == 99


# --- with a protocol ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "missing"),
    [
        ([], "potential and current"),
        ([POTENTIAL], "current"),
        ([CURRENT], "potential"),
        ([POTENTIAL.replace("]}", '], then = "end_step"}'), CURRENT], "potential"),
        ([POTENTIAL, CURRENT], None),
        ([VOLTAGE, CURRENT], None),
    ],
)
def test_a_real_bench_wants_limits(limits, missing):
    words = requires_limits(load_bench(text=REAL), loaded(", ".join(limits)).protocol)
    if missing is None:
        assert words is None
    else:
        assert words.startswith(f"a bench with real instruments needs limits of {missing}")


def test_a_simulated_bench_wants_no_limits():
    assert requires_limits(load_bench(text=SIMULATED), loaded().protocol) is None


def test_roles_that_the_bench_does_not_have():
    problems = check_roles(load_bench(text=SIMULATED), loaded(role="cel"))
    assert [problem.render("p.toml") for problem in problems] == [
        "p.toml:5: on: the bench has no instrument `cel`. Did you mean `cell`? It has cell."
    ]
    assert check_roles(load_bench(text=SIMULATED), loaded()) == []


# --- a running simulator --------------------------------------------------------------------------


def test_the_bench_file_of_a_running_simulator():
    bench = load_bench(text=SIMULATED)
    live = load_bench(text=live_bench_text(bench, {"cell": "/dev/pts/7"}, "tcp://127.0.0.1:5025"), drivers=DRIVERS)
    assert live.roles["cell"].resource == "/dev/pts/7"
    assert live.roles["cell"].settings == bench.roles["cell"].settings
    assert live.simulator == "tcp://127.0.0.1:5025"
    assert live.is_simulated("cell")


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.one_of(
            st.booleans(), st.integers(-1000, 1000), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
        ),
        max_size=4,
    )
)
def test_any_settings_survive_the_bench_file_of_a_simulator(values):
    bench = load_bench(text=SIMULATED.replace('{model = "emstat4-hr"}', toml_value(values)))
    live = load_bench(text=live_bench_text(bench, {"cell": "COM3"}, "tcp://localhost:1"))
    assert live.roles["cell"].settings == bench.roles["cell"].settings == values


_TREES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(0, 3), st.sampled_from(["", "sim://cell", "cell off", "tcp://127.0.0.1:1", "\n"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["driver", "resource", "settings", "on_exit", "cell", "x y"]), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.dictionaries(st.sampled_from(["title", "format", "simulator", "instruments", "simulated", "x"]), _TREES))
def test_any_bench_is_read_or_refused_in_words(tree):
    text = "\n".join(f"{key} = {toml_value(value)}" for key, value in tree.items())
    try:
        read = load_bench(text=text, drivers=DRIVERS)
    except ProtocolError as error:
        read = error
    assert read.roles if isinstance(read, Bench) else all(problem.line for problem in read.problems)
