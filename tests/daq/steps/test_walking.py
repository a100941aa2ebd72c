"""The order of executions, and the path of each."""

import itertools

import pytest

from luggin.steps import OCP, ForEach, Note, Repeat, load_protocol, walk

SAMPLE = '[sample]\nid = "x"\nwiring = "two-electrode, blocking"\nelectrodes = "Pt"\n'


def executions(steps: str):
    return list(load_protocol(text=f'title = "x"\nsteps = [{steps}]\n{SAMPLE}').protocol.walk())


def paths(steps: str):
    return [execution.path for execution in executions(steps)]


NOTE = '{do = "note", text = "x"}'


def test_plain_steps_are_counted_from_one():
    assert paths(f"{NOTE}, {NOTE}") == ["1", "2"]


def test_a_repeat_counts_its_turns():
    assert paths(f'{NOTE}, {{do = "repeat", times = 2, steps = [{NOTE}, {NOTE}]}}, {NOTE}') == [
        "1",
        "2/cycle=1/1",
        "2/cycle=1/2",
        "2/cycle=2/1",
        "2/cycle=2/2",
        "3",
    ]


def test_a_for_each_counts_its_values():
    loop = (
        '{do = "for_each", var = "T", values = ["70 degC", "40 degC", "70 degC"], steps = [{do = "note", text = "$T"}]}'
    )
    found = executions(loop)
    assert [execution.path for execution in found] == ["1/T=1/1", "1/T=2/1", "1/T=3/1"]
    assert [execution.step.text for execution in found] == ["70 degC", "40 degC", "70 degC"]
    assert found[2].values == {"T": "70 degC"}
    assert found[2].turns == {"T": 3}


def test_nested_loops():
    inner = f'{{do = "repeat", count = "scan", times = 2, steps = [{NOTE}]}}'
    assert paths(f'{{do = "for_each", var = "v", values = [1, 2], steps = [{NOTE}, {inner}]}}') == [
        "1/v=1/1",
        "1/v=1/2/scan=1/1",
        "1/v=1/2/scan=2/1",
        "1/v=2/1",
        "1/v=2/2/scan=1/1",
        "1/v=2/2/scan=2/1",
    ]


def test_every_runs_a_step_only_each_nth_time():
    rare = '{do = "note", text = "rare", every = 3}'
    assert paths(f'{{do = "repeat", times = 7, steps = [{NOTE}, {rare}]}}') == [
        *("1/cycle=1/1", "1/cycle=2/1", "1/cycle=3/1", "1/cycle=3/2", "1/cycle=4/1", "1/cycle=5/1"),
        *("1/cycle=6/1", "1/cycle=6/2", "1/cycle=7/1"),
    ]


def test_every_of_a_loop_counts_the_loop_around_it():
    inner = f'{{do = "repeat", every = 2, times = 1, count = "scan", steps = [{NOTE}]}}'
    assert paths(f'{{do = "repeat", times = 5, steps = [{inner}]}}') == ["1/cycle=2/1/scan=1/1", "1/cycle=4/1/scan=1/1"]


def test_a_chain_is_one_execution():
    chain = '{do = "chain", steps = [{do = "ca", potential = "0 V vs ocp", duration = "1 s", dt = "0.1 s"}]}'
    assert [(e.path, e.step.do) for e in executions(f"{NOTE}, {chain}")] == [("1", "note"), ("2", "chain")]


def test_a_step_inherits_from_the_loops_around_it_what_it_does_not_say():
    own = '{do = "note", text = "x", id = "own", role = "blank", on = "oven", label = "mine"}'
    loop = (
        '{do = "for_each", id = "rates", role = "rate test", var = "v", values = ["1 V/s", "2 V/s"], '
        f'steps = [{{do = "repeat", times = 2, on = "second", steps = [{NOTE}, {own}]}}]}}'
    )
    found = {execution.path: execution.step for execution in executions(loop)}
    plain, special = found["1/v=2/1/cycle=2/1"], found["1/v=2/1/cycle=2/2"]
    assert (plain.id, plain.role, plain.on, plain.label) == ("rates", "rate test", "second", "v 2 V/s, cycle 2")
    assert (special.id, special.role, special.on, special.label) == ("own", "blank", "oven", "mine")


def test_paths_are_unique_and_stable():
    text = f'{{do = "for_each", var = "v", values = [1, 1], steps = [{{do = "repeat", times = 3, steps = [{NOTE}]}}]}}'
    assert len(set(paths(text))) == 6
    assert paths(text) == paths(text)


def test_walking_is_lazy():
    million = Repeat(times=10**9, steps=[OCP(duration="1 s"), Note(text="x", every=10**8)])
    first = list(itertools.islice(walk([million]), 3))
    assert [execution.path for execution in first] == ["1/cycle=1/1", "1/cycle=2/1", "1/cycle=3/1"]


def test_loops_built_in_python_walk_as_those_of_a_file():
    loop = ForEach(var="v", values=["a", "b"], steps=[[Note(text="a")], [Note(text="b"), Note(text="c")]])
    assert [e.path for e in walk([loop])] == ["1/v=1/1", "1/v=2/1", "1/v=2/2"]


@pytest.mark.parametrize("values", ["[true, 2, 2.5]", '["a", "b", "c"]'])
def test_any_plain_value_can_be_a_variable(values):
    loop = f'{{do = "for_each", var = "v", values = {values}, steps = [{NOTE}]}}'
    assert len(paths(loop)) == 3
