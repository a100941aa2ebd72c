"""The page of the simulated source-measure unit has every rule, every error and every command."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects.keithley_2450 import MODELS, Rules
from luggin_sim.dialects.keithley_2450.commands_data import DataCommands
from luggin_sim.dialects.keithley_2450.commands_sense import SenseCommands
from luggin_sim.dialects.keithley_2450.commands_source import SourceCommands
from luggin_sim.dialects.keithley_2450.commands_system import SystemCommands
from luggin_sim.dialects.keithley_2450.instrument import Instrument
from luggin_sim.dialects.keithley_2450.status import MESSAGES

PAGE = (Path(__file__).parents[4] / "docs/reference/simulated-source-measure-unit.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", dataclasses.fields(Rules), ids=lambda rule: rule.name)
def test_every_rule_is_on_the_page_with_its_default(rule):
    assert f"`{rule.name} = {json.dumps(rule.default)}`" in PAGE


def test_there_are_no_other_rules_on_the_page():
    rules = PAGE.partition("## Its own rules")[2]
    assert set(re.findall(r"`(\w+) = ", rules)) == {rule.name for rule in dataclasses.fields(Rules)}


@pytest.mark.parametrize("code", sorted(set(MESSAGES) - {0}))
def test_every_error_is_on_the_page(code):
    assert re.search(rf"^\|[^|]*(?<!\d){code}\b[^|]*\|", PAGE, re.MULTILINE)


def test_every_command_is_on_the_page():
    instrument = Instrument(MODELS["2450"], Rules(), ResistorCell(ResistorSpec(1e3)))
    system = SystemCommands(instrument)
    commands = system.common() + system.table() + DataCommands(instrument).table()
    commands += SourceCommands(instrument).table() + SenseCommands(instrument).table()
    described = PAGE.partition("## What it can do")[2].partition("| model |")[0]
    missing = []
    for command in commands:
        words = re.sub(r"\[[^\]]*\](?:\])?", "", command.header.replace("[1]", "")).removeprefix(":").split(":")
        last = "".join(c for c in words[-1] if not c.islower())
        if not re.search(rf"[`:*]{re.escape(last.removeprefix('*'))}\??`", described) and last != "<>":
            missing.append(command.header)
    assert missing == []
