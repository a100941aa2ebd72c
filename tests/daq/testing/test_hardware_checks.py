"""The checks for real instruments, on an instrument of which only its line is known."""

from __future__ import annotations

import pytest

from luggin.clock import VirtualClock
from luggin.errors import NoInstrument, UnsafeState
from luggin.testing import Subject, announcement, verdicts_on_hardware
from luggin_sim import SIMULATOR

DRIVER = "palmsens.methodscript"
SETTINGS = {"model": "emstat4-hr"}


@pytest.fixture
def connected():
    """An EmStat4 on a resistor at a name that says nothing of simulation to whoever opens it; its time is virtual."""
    labs = []

    def connect(resistance="10 kohm", model="emstat4-hr", dummy=10e3):
        clock = VirtualClock()
        cell = {"kind": "resistor", "resistance": resistance}
        labs.append(SIMULATOR.open_lab({"cell": {"dialect": DRIVER, "model": model, "cell": cell}}, clock))
        return Subject(DRIVER, SETTINGS).on_hardware(labs[-1].url("cell"), dummy, clock)

    yield connect
    for lab in labs:
        lab.close()


def test_a_real_instrument_on_its_dummy_passes(connected):
    found = {verdict.check.name: (verdict.outcome, verdict.detail) for verdict in verdicts_on_hardware(connected())}
    assert found == dict.fromkeys(
        [
            "identifies_its_instrument",
            "readings_are_read",
            "rows_are_as_declared",
            "no_flag_without_a_reason",
            "potentials_and_currents_are_right",
            "make_safe_opens_the_cell",
            "an_abort_ends_in_time",
        ],
        ("passed", ""),
    )


def test_another_resistor_than_the_one_that_was_said_is_found(connected):
    found = {verdict.check.name: verdict for verdict in verdicts_on_hardware(connected("12 kohm"))}
    wrong = found["potentials_and_currents_are_right"]
    assert wrong.outcome == "failed"
    assert "the dummy has 10000 ohm" in wrong.detail


def test_another_instrument_is_refused_before_anything_is_tested(connected):
    with pytest.raises(NoInstrument, match="EmStat4 LR"):
        list(verdicts_on_hardware(connected(model="emstat4-lr")))


def test_a_cell_that_cannot_be_verified_open_ends_everything(connected, monkeypatch):
    from luggin_drivers.palmsens.methodscript import MethodScriptInstrument

    def unsafe(self):
        raise UnsafeState("look at the cell")

    monkeypatch.setattr(MethodScriptInstrument, "make_safe", unsafe)
    with pytest.raises(UnsafeState, match="look at the cell"):
        list(verdicts_on_hardware(connected()))


def test_what_will_be_applied_is_said_before(connected):
    first, second, third = announcement(connected(dummy=4700.0))
    assert "4.7 kohm" in first
    assert "Take the real cell off" in first
    # 0.4 V over 4.7 kohm
    assert "applies -200 mV to 400 mV; up to 85.11 uA flow, for about " in second
    assert "(cv, lsv, ca, ocp, dpv, swv, eis)" in second
    assert "No fault" in third
