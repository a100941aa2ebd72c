"""``luggin instruments``: the list as it was, and the kit with its exit code, its table and its consent."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import mutants

from luggin import plugins as plugin_manager
from luggin.cli import main
from luggin.testing import CHECKS
from luggin_sim import SIMULATOR

DRIVER = "palmsens.methodscript"
TEST = ("instruments", "test", DRIVER, "--model", "emstat4-hr")


@pytest.fixture
def luggin(monkeypatch, capfd):
    """Calls a command: exit code, standard output, standard error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["luggin", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capfd.readouterr()

    return call


@pytest.fixture
def connected(monkeypatch):
    """A name behind which there is an EmStat4 on 10 kohm, for whoever opens it in this process's real time."""
    from luggin.clock import VirtualClock

    clock = VirtualClock()
    table = {"dialect": DRIVER, "model": "emstat4-hr", "cell": {"kind": "resistor", "resistance": "10 kohm"}}
    lab = SIMULATOR.open_lab({"cell": table}, clock)
    # The command uses the real time of a real instrument; here there is none.
    monkeypatch.setattr("luggin.testing.subject.RealClock", lambda: clock)
    yield lab
    lab.close()


def test_without_a_subcommand_it_lists(luggin):
    code, out, _ = luggin("instruments")
    assert code == 0
    assert f"{DRIVER}: PalmSens" in out
    assert luggin("instruments", "list") == (0, out, "")


def test_a_driver_is_described(luggin):
    code, out, _ = luggin("instruments", DRIVER)
    assert code == 0
    assert "-6 V ... 6 V" in out
    assert luggin("instruments", "list", DRIVER) == (0, out, "")


def test_the_list_as_json(luggin):
    for arguments in (("--json",), (DRIVER, "--json"), ("--json", DRIVER)):
        code, out, _ = luggin("instruments", *arguments)
        assert code == 0
        assert json.loads(out)[DRIVER]["models"]["emstat4-hr"]["polarity"] == "iupac"


def test_help_speaks_of_both(luggin):
    code, out, _ = luggin("instruments", "--help")
    assert code == 0
    assert "list " in out
    assert "test " in out


def test_a_good_driver_passes(luggin):
    code, out, _ = luggin(*TEST)
    assert code == 0
    assert "emstat4-hr: EmStat4 HR" in out
    assert "  silent constructor                         passed\n" in out
    assert "settings refuse what is out of range       not applicable: no setting has limits" in out
    assert f"{len(CHECKS) - 3} passed, 0 failed, 3 not applicable" in out
    assert out.endswith("Nothing was tested on hardware: this was the driver against its simulated twin.\n")


def test_a_bad_driver_fails_with_exit_code_1(luggin, monkeypatch):
    wrong = mutants.plugins_with(mutants.Driver(mutants.WrongSign))
    monkeypatch.setattr(plugin_manager, "load", lambda: wrong)
    code, out, _ = luggin(*TEST)
    assert code == 1
    assert "  potentials and currents are right          FAILED: cv: row " in out
    code, out, _ = luggin(*TEST, "--json")
    assert code == 1
    report = json.loads(out)
    assert (report["driver"], report["hardware"]) == (DRIVER, False)
    outcomes = {one["check"]: one["outcome"] for one in report["models"]["emstat4-hr"]}
    assert outcomes["potentials_and_currents_are_right"] == "failed"
    assert outcomes["silent_constructor"] == "passed"
    assert len(outcomes) == len(CHECKS)


def test_a_setting_goes_to_the_driver(luggin):
    code, out, _ = luggin(*TEST, "--setting", "loop_exit=Y")
    assert code == 0
    code, out, errors = luggin(*TEST, "--setting", "loop_exti=Y")
    assert (code, out) == (2, "")
    assert "loop_exti" in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("test", "palmsens.metodscript"), "Did you mean 'palmsens.methodscript'?"),
        (("test", DRIVER, "--model", "emstat9"), "has no model 'emstat9'; it has emstat-pico"),
        (("test", DRIVER, "--resource", "/dev/ttyACM0"), "which instrument is at /dev/ttyACM0? Say --model"),
        (("test", DRIVER, "--model", "emstat4-hr", "--resource", "x", "--dummy", "10 V"), "ohm"),
    ],
)
def test_mistakes_have_one_message_and_exit_code_2(luggin, arguments, words):
    code, out, errors = luggin("instruments", *arguments)
    assert (code, out) == (2, "")
    assert words in errors
    assert "Traceback" not in errors


def test_nothing_is_sent_to_hardware_without_consent(luggin, connected):
    code, out, errors = luggin(*TEST, "--resource", connected.url("cell"))
    assert code == 2
    assert "its cell must be a dummy resistor of 10 kohm" in out
    assert "applies -200 mV to 400 mV; up to 40 uA flow" in out
    assert "nobody is here to say that a dummy resistor is the cell" in errors
    assert connected.log("cell").received() == b""


def test_with_consent_the_safe_checks_are_done_and_the_cell_is_off(luggin, connected):
    code, out, _ = luggin(*TEST, "--resource", connected.url("cell"), "--yes-dummy-cell")
    assert code == 0
    assert "7 passed, 0 failed, 0 not applicable" in out
    assert "Tested on hardware with a dummy resistor, without faults on the line." in out
    assert not connected.cell_is_on("cell")
    assert not connected.faults("cell").events


@pytest.fixture
def bath(monkeypatch):
    """A name behind which there is a bath with nothing at the plug for an external sensor."""
    from luggin.clock import VirtualClock

    clock = VirtualClock()
    lab = SIMULATOR.open_lab({"bath": {"dialect": "julabo.circulator", "model": "cf31"}}, clock)
    monkeypatch.setattr("luggin.testing.subject.RealClock", lambda: clock)
    yield lab
    lab.close()


BATH = ("instruments", "test", "julabo.circulator", "--model", "cf31")


@pytest.mark.parametrize("consent", [(), ("--yes-dummy-cell",)])
def test_a_bath_is_told_what_it_is_set_to_and_consent_for_a_cell_is_none_for_it(luggin, bath, consent):
    code, out, errors = luggin(*BATH, "--resource", bath.url("bath"), *consent)
    assert code == 2
    assert "Its set point is set to 1 K above what it reads (never outside " in out
    assert "'status' is sent" in out
    assert "resistor" not in out + errors
    assert "nobody is here to say that this may be done. If it may, add --yes-set-it. Nothing was sent." in errors
    assert bath.log("bath").received() == b""


def test_a_bath_is_tested_with_what_is_safe_for_one(luggin, bath):
    code, out, errors = luggin(*BATH, "--resource", bath.url("bath"), "--yes-set-it")
    assert (code, errors) == (0, "")
    assert "  temperatures are set and read back         passed\n" in out
    assert "4 passed, 0 failed, 0 not applicable" in out
    assert "Tested on hardware, without faults on the line." in out
    assert not bath.faults("bath").events


@pytest.mark.parametrize("hardware", [False, True])
def test_what_drivers_log_stands_between_verdicts_only_on_hardware(luggin, connected, monkeypatch, hardware):
    def talkative(subject):
        logging.getLogger("luggin_drivers.somebody").warning("thrown away after a missed answer")
        return iter(())

    monkeypatch.setattr("luggin.testing.verdicts_on_hardware" if hardware else "luggin.testing.verdicts", talkative)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program that has set up no logging
    where = ("--resource", connected.url("cell"), "--yes-dummy-cell") if hardware else ()
    code, _, errors = luggin(*TEST, *where)
    assert code == 0
    assert ("thrown away" in errors) is hardware
    assert logging.getLogger().handlers == []


def test_the_wrong_resistor_is_found(luggin, connected):
    arguments = ("--resource", connected.url("cell"), "--yes-dummy-cell", "--dummy", "1 kohm", "--json")
    code, out, errors = luggin(*TEST, *arguments)
    assert code == 1
    outcomes = {one["check"]: one["outcome"] for one in json.loads(out)["models"]["emstat4-hr"]}
    assert outcomes["potentials_and_currents_are_right"] == "failed"
    assert "dummy resistor of 1 kohm" in errors  # standard output is for the one object
