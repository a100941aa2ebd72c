"""Steps of plugins, and the schema of all of them."""

import subprocess
import sys
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from luggin.errors import PluginError, ProtocolError
from luggin.steps import NOT_YET, Duration, Step, Vocabulary, json_schema, load_protocol

SAMPLE = '[sample]\nid = "x"\nwiring = "two-electrode, blocking"\nelectrodes = "Pt"\n'


class Wash(Step):
    """Rinse the cell."""

    do: Literal["wash"] = "wash"
    duration: Duration = Field(description="how long")
    cell_volumes: int = 3


class SecondCV(Step):
    """Takes a name that is taken."""

    do: Literal["cv"] = "cv"


class Nameless(Step):
    """Has no name."""


def test_a_step_of_a_plugin_is_used_as_any_other():
    vocabulary = Vocabulary([Wash])
    text = 'title = "x"\nsteps = [{do = "wash", duration = "1 min", id = "w"}]\n' + SAMPLE
    step = load_protocol(text=text, vocabulary=vocabulary).protocol.steps[0]
    assert isinstance(step, Wash)
    assert (step.duration, step.cell_volumes, step.id) == (60.0, 3, "w")
    with pytest.raises(ProtocolError, match=r"there is no step `wash`"):
        load_protocol(text=text)
    with pytest.raises(ProtocolError, match=r"steps\[1\]\.do: there is no step `wahs`\. Did you mean `wash`\?"):
        load_protocol(text=text.replace('"wash"', '"wahs"'), vocabulary=vocabulary)


@pytest.mark.parametrize(
    ("step_type", "words"),
    [
        (SecondCV, "two step types are called `cv`"),
        (Nameless, 'has no name; write do: Literal["name"] = "name"'),
        (BaseModel, "is not a step type"),
        (Wash(duration="1 s"), "is not a step type"),
    ],
)
def test_a_class_that_is_no_step_type_is_the_plugins_mistake(step_type, words):
    with pytest.raises(PluginError) as refused:
        Vocabulary([step_type])
    assert words in str(refused.value)


@pytest.mark.parametrize("name", NOT_YET)
def test_words_that_are_not_available_yet_say_so(name):
    text = f'title = "x"\nsteps = [{{do = "{name}", begin = "1 MHz"}}]\n{SAMPLE}'
    with pytest.raises(ProtocolError) as refused:
        load_protocol(text=text)
    assert str(refused.value).startswith(
        f"protocol:2: steps[1].do: `{name}` is not available in this version. Available are"
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("OCV", "ocp"), ("wait", "rest"), ("loop", "repeat"), ("peis", "eis"), ("chronopotentiometry", "cp")],
)
def test_words_of_other_programs_are_understood(theirs, ours):
    assert Vocabulary().unknown(theirs)[1] == f"Did you mean `{ours}`?"


# --- the schema -----------------------------------------------------------------------------------

SCHEMA = json_schema(Vocabulary([Wash]))


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_schema_has_every_step_once_by_its_name():
    mapping = SCHEMA["$defs"]["Step"]["discriminator"]["mapping"]
    assert set(mapping) == set(Vocabulary([Wash]).types)
    for name, reference in mapping.items():
        step = SCHEMA["$defs"][reference.removeprefix("#/$defs/")]
        assert step["properties"]["do"]["const"] == name
        assert step["required"][0] == "do"
        assert step["additionalProperties"] is False


def test_all_references_of_the_schema_lead_somewhere():
    found = set(references(SCHEMA))
    assert "#/$defs/Step" in found
    assert all(reference.removeprefix("#/$defs/") in SCHEMA["$defs"] for reference in found)


def test_the_schema_says_what_a_quantity_looks_like():
    rate = SCHEMA["$defs"]["step cv"]["properties"]["rate"]
    quantity, variable = rate["anyOf"]
    assert rate["description"] == "scan rate"
    assert quantity["type"] == variable["type"] == "string"
    assert rate["examples"] == ["25 mV/s"]
    assert SCHEMA["$defs"]["step ocp"]["properties"]["dt"]["default"] == "0.5 s"
    assert SCHEMA["$defs"]["step cv"]["required"] == ["do", "begin", "vertices", "rate", "step"]
    assert "for" in SCHEMA["$defs"]["Limit"]["properties"]


def test_containers_hold_steps_in_the_schema():
    for name in ("chain", "repeat", "for_each"):
        assert SCHEMA["$defs"][f"step {name}"]["properties"]["steps"]["items"] == {"$ref": "#/$defs/Step"}
    assert SCHEMA["properties"]["steps"]["items"] == {"$ref": "#/$defs/Step"}
    assert SCHEMA["required"] == ["title", "steps", "sample"]


def test_steps_need_no_numpy():
    code = "import sys, luggin.steps, luggin.bench; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("module", ["luggin.documents", "luggin.bench", "luggin.units"])
def test_what_the_command_line_loads_at_start_needs_no_pydantic(module):
    code = f"import sys, {module}; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
