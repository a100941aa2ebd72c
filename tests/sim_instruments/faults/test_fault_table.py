"""Faults in bench files: what is read, and mistakes in words with their places."""

import pytest

from luggin_sim import SIMULATOR
from luggin_sim.faults import KINDS, Fault, read_fault


def mistakes(tables):
    return {problem.path: f"{problem.message} {problem.hint}" for problem in SIMULATOR.check(tables)}


def test_a_table_is_the_fault_that_it_says():
    table = {"kind": "garbage", "at": "2 min", "for": "500 ms", "probability": 0.25, "seed": 7, "bytes": 3}
    read, problems = read_fault(table, "fault")
    assert problems == []
    assert read == Fault("garbage", at=120.0, duration=0.5, probability=0.25, seed=7, bytes=3)
    assert read_fault({"kind": "overload", "current": "130 mA"}, "")[0] == Fault("overload", current=0.13)
    assert read_fault({"kind": "slow", "delay": "20 ms", "factor": 3}, "")[0] == Fault("slow", delay=0.02, factor=3)


def test_every_kind_can_be_written_with_all_that_it_has(tables):
    values = {"bytes": 2, "inserted": True, "keep": 4, "factor": 10, "delay": "1 s", "current": "1 A"}
    tables["cell"]["faults"] = [
        {"kind": name, "at": "1 s", "for": "2 s", "after": 3, "probability": 0.5, "seed": 1, "count": 2}
        | {option: values[option] for option in kind.options}
        for name, kind in KINDS.items()
    ]
    assert mistakes(tables) == {}


@pytest.mark.parametrize(
    ("fault", "path", "words"),
    [
        ("mute", "[1]", "a fault is a table"),
        ({}, "[1].kind", "which kind of fault"),
        ({"kind": "stal"}, "[1].kind", "unknown kind of fault 'stal'. Did you mean 'stall'?"),
        ({"kind": ["stall"]}, "[1].kind", "unknown kind"),
        ({"kind": "mute", "duration": "5 s"}, "[1].duration", "has no 'duration'"),
        ({"kind": "mute", "fro": "5 s"}, "[1].fro", "a fault 'mute' has no 'fro'. Did you mean 'for'?"),
        ({"kind": "mute", "keep": 3}, "[1].keep", "a fault 'mute' has no 'keep'"),
        ({"kind": "stall", "for": 5}, "[1].for", "in quotes"),
        ({"kind": "stall", "for": "5 mV"}, "[1].for", "unit of time"),
        ({"kind": "stall", "for": "-5 s"}, "[1].for", "allowed are 0 to 1e+07 s"),
        ({"kind": "stall", "probability": 0.1}, "[1].probability", "say for how long"),
        ({"kind": "drop", "probability": 2}, "[1].probability", "allowed are 0 to 1"),
        ({"kind": "drop", "count": "3"}, "[1].count", "whole numbers 1 to"),
        ({"kind": "overload", "current": "5"}, "[1].current", "unit"),
        ({"kind": "slow"}, "[1].factor", "how much slower"),
    ],
)
def test_a_mistake_is_named_with_its_place(tables, fault, path, words):
    tables["cell"]["faults"] = [fault]
    found = mistakes(tables)
    assert list(found) == [f"simulated.cell.faults{path}"]
    assert words in found[f"simulated.cell.faults{path}"]


def test_all_mistakes_are_told_at_once_with_positions_from_one(tables):
    tables["cell"]["faults"] = [{"kind": "mute", "at": 3, "count": 0}, {"kind": "mute"}, {"kind": "moot"}]
    assert set(mistakes(tables)) == {
        "simulated.cell.faults[1].at",
        "simulated.cell.faults[1].count",
        "simulated.cell.faults[3].kind",
    }


def test_faults_are_a_list(tables):
    tables["cell"]["faults"] = {"kind": "mute"}
    assert "a list of tables" in mistakes(tables)["simulated.cell.faults"]


def test_a_line_without_latency_cannot_be_so_many_times_slower(tables):
    tables["cell"] |= {"latency": "0 s", "faults": [{"kind": "slow", "factor": 10}]}
    assert "no latency" in mistakes(tables)["simulated.cell.faults[1].kind"]


def test_an_instrument_without_a_cell_has_no_overload():
    tables = {"bath": {"dialect": "julabo.circulator", "model": "cf31", "faults": [{"kind": "overload"}]}}
    assert "no cell" in mistakes(tables)["simulated.bath.faults[1].kind"]
