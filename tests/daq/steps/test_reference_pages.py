"""The reference pages: their examples are read, and no key is missing."""

import ast
import inspect
import itertools
import re
from pathlib import Path

import pytest

from luggin import steps
from luggin.bench import load_bench
from luggin.documents import load_toml
from luggin.steps import NOT_YET, Electrode, Limit, Protocol, Sample, Step, Vocabulary, load_protocol, parse_limits
from luggin.steps.base import ControlledModifiers, Modifiers
from luggin.steps.wording import keys_of

ROOT = Path(__file__).parents[3]
PROTOCOL_PAGE = (ROOT / "docs/reference/protocol.md").read_text(encoding="utf-8")
BENCH_PAGE = (ROOT / "docs/reference/bench.md").read_text(encoding="utf-8")
SAMPLE = '[sample]\nid = "x"\nwiring = "two-electrode, blocking"\nelectrodes = "Pt"\n'


def blocks(page: str, language: str = "toml") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


STEPS = [block for block in blocks(PROTOCOL_PAGE) if block.startswith("{do")]


def test_the_complete_protocol_is_read():
    complete = [block for block in blocks(PROTOCOL_PAGE) if "[sample]" in block]
    assert len(complete) == 1
    assert len(list(load_protocol(text=complete[0]).protocol.walk())) == 9


@pytest.mark.parametrize("block", STEPS)
def test_every_step_on_the_page_is_read(block):
    loaded = load_protocol(text=f'title = "x"\nsteps = [{block}]\n{SAMPLE}')
    assert block.startswith(f'{{do = "{loaded.protocol.steps[0].do}"')


def test_every_step_has_an_example():
    assert {re.match(r'\{do = "(\w+)"', block)[1] for block in STEPS} == set(Vocabulary().types)


def test_the_limits_on_the_page_are_read():
    (block,) = [block for block in blocks(PROTOCOL_PAGE) if block.startswith("limits")]
    assert len(parse_limits(load_toml(block, "page").data["limits"])) == 4


@pytest.mark.parametrize("model", [*Vocabulary().types.values(), Protocol, Limit, Sample, Electrode, Step])
def test_every_key_is_on_the_page(model):
    assert [
        key
        for key in keys_of(model)
        if key != "do" and f"`{key}`" not in PROTOCOL_PAGE and f"`[{key}]`" not in PROTOCOL_PAGE
    ] == []


def test_what_is_not_available_is_on_the_page():
    assert [name for name in NOT_YET if f"`{name}`" not in PROTOCOL_PAGE] == []


def test_the_python_on_the_page_runs():
    names = {}
    (code,) = blocks(PROTOCOL_PAGE, "python")
    exec(code.replace("from luggin import", "from luggin.steps import"), names)
    assert (names["cv"].rate, names["cv"].rate.written) == (0.025, "25 mV/s")


@pytest.mark.parametrize("block", blocks(BENCH_PAGE))
def test_the_benches_on_the_page_are_read(block):
    assert list(load_bench(text=block, drivers=["palmsens.methodscript"]).roles) == ["cell"]


# --- the example of the repository ----------------------------------------------------------------


def test_the_example_is_a_cv_of_7601_points_after_a_minute_at_open_circuit():
    loaded = load_protocol(ROOT / "examples/re4mo2-cv.toml")
    ocp, cv = (execution.step for execution in loaded.protocol.walk())
    assert (ocp.do, ocp.duration) == ("ocp", 60.0)
    turns = [potential.value for potential in cv.turning_points()]
    assert 1 + sum(round(abs(b - a) / cv.step) for a, b in itertools.pairwise(turns)) == 7601
    assert (cv.id, cv.rate, cv.quiet) == ("full", 0.025, 10.0)
    assert loaded.protocol.sample.to_json()["reference"] == {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"}
    assert load_bench(ROOT / "examples" / loaded.protocol.bench).is_simulated("cell")


# --- what type checkers and editors are told ------------------------------------------------------


@pytest.mark.parametrize("step_type", Vocabulary().types.values())
def test_the_signature_for_type_checkers_has_the_fields_of_the_step(step_type):
    tree = ast.parse(inspect.getsource(step_type).lstrip())
    (signature,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    shared = {"do", *Modifiers.__annotations__, *ControlledModifiers.__annotations__}
    own = {name: field for name, field in step_type.model_fields.items() if name not in shared}
    arguments = dict(zip(signature.args.kwonlyargs, signature.args.kw_defaults, strict=True))
    assert {argument.arg for argument in arguments} == set(own)
    assert {a.arg for a, default in arguments.items() if default is None} == {
        n for n, f in own.items() if f.is_required()
    }


def test_the_modifiers_for_type_checkers_are_those_of_steps():
    assert set(Modifiers.__annotations__) == set(Step.model_fields) - {"do"}
    assert set(ControlledModifiers.__annotations__) == set(steps.ControlledStep.model_fields) - {"do"}
