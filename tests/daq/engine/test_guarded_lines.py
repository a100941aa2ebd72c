"""Which lines of a bench can be guarded."""

from types import SimpleNamespace

import pytest

from luggin.bench import load_bench
from luggin.engine.guarded_lines import guarded_lines
from luggin.transport import SerialTransport
from luggin.transport.dialogue import Exchange

BENCH = """
[instruments.cell]
driver = "any"
resource = "ASRL/dev/ttyUSB7::INSTR"
settings = {baud = 9600}

[instruments.meter]
driver = "any"
resource = "/dev/ttyUSB8"
"""
OFF = (Exchange(b"OFF\n"),)


class Odd(SerialTransport):
    """A line of a kind that a plugin knows."""


def session(transport=SerialTransport, dialogue=OFF, lab=None):
    def device():
        line = transport.__new__(transport)
        return SimpleNamespace(transport=line, safe_dialogue=lambda: dialogue)

    bench = load_bench(text=BENCH, drivers=["any"])
    return SimpleNamespace(bench=bench, lab=lab, devices={name: device() for name in bench.roles})


def plugins(**settings):
    driver = SimpleNamespace(line_settings=lambda given: {"terminator": b"\n", **settings})
    return SimpleNamespace(driver=lambda name: driver)


def test_lines_that_open_by_their_name_are_guarded():
    lines, unguarded = guarded_lines(session(), plugins(), leave_running=["meter"])
    assert unguarded == {}
    cell, meter = lines
    assert (cell.role, cell.resource, cell.owned_as) == ("cell", "ASRL/dev/ttyUSB7::INSTR", "/dev/ttyUSB7")
    assert (cell.settings, cell.dialogue, cell.modules) == ({"terminator": b"\n"}, OFF, ("serial",))
    assert [cell.leave_running, meter.leave_running] == [False, True]


def test_what_is_simulated_in_this_process_ends_with_it():
    assert guarded_lines(session(lab=object()), plugins()) == ([], {})


@pytest.mark.parametrize(
    ("changes", "settings", "words"),
    [
        ({"transport": Odd}, {}, "its line is opened by a plugin, which the guardian does not load"),
        ({"dialogue": ()}, {}, "its driver says nothing that would make it safe (safe_dialogue is empty)"),
        ({}, {"port": object}, "cell: line setting port is <class 'object'>, which the guardian cannot be told"),
    ],
)
def test_what_cannot_be_guarded_is_said_in_words(changes, settings, words):
    lines, unguarded = guarded_lines(session(**changes), plugins(**settings))
    assert lines == []
    assert unguarded.keys() == {"cell", "meter"}
    assert unguarded["cell"].startswith(words)
