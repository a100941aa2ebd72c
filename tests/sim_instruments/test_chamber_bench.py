"""Benches on which the cell of one instrument stands in the chamber of another."""

import pytest

from luggin.clock import VirtualClock
from luggin.errors import ProtocolError
from luggin.transport import open_line
from luggin_drivers.julabo import JulaboCirculator
from luggin_sim.bench import check, open_lab, twin_table

REDOX = {
    "kind": "redox",
    "area": "0.07 cm2",
    "concentration": "1 mM",
    "diffusion_coefficient": "1e-5 cm2/s",
    "couples": [{"half_wave_potential": "0 V"}],
}


def bench(**changes):
    return {
        "cell": {
            "dialect": "palmsens.methodscript",
            "model": "emstat4-hr",
            "cell": {**REDOX, "chamber": "oven", **changes.get("cell", {})},
        },
        "oven": {"dialect": "julabo.circulator", "model": "cf31", "chamber": {}, **changes.get("oven", {})},
    }


def test_a_cell_has_the_temperature_of_its_chamber_whenever_its_instrument_is_asked():
    clock, driver = VirtualClock(), JulaboCirculator()
    with open_lab(bench(oven={"chamber": {"noise": "0 K"}}), clock) as lab:
        oven_line = open_line("sim://oven", clock, url=lab.url("oven"), **driver.line_settings({}))
        oven = driver.create(oven_line, clock, "oven", {})
        oven.set_temperature(60.0)
        clock.sleep(7200.0)
        told = []
        cell = lab._stations["cell"].cell
        cell.set_temperature, listened = told.append, cell.set_temperature
        with open_line("sim://cell", clock, url=lab.url("cell")) as line:
            line.exchange(b"t\n")
        cell.set_temperature = listened
        assert told[-1] == pytest.approx(333.15, abs=0.01)
        assert lab.truth("oven")["sample_lag"] == 300.0
        assert not lab.cell_is_on("oven")
        oven.close()


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"cell": {"chamber": "fridge"}}, "simulated.cell.cell.chamber", "There are: oven."),
        ({"oven": {"cell": REDOX}}, "simulated.oven.cell", "holds a chamber, no cell"),
        ({"oven": {"chamber": 3}}, "simulated.oven.chamber", "a chamber is a table"),
        ({"oven": {"chamber": {"noise": "1 V"}}}, "simulated.oven.chamber.noise", "not a unit"),
    ],
)
def test_mistakes_are_told_with_their_place(changes, path, words):
    (problem,) = check(bench(**changes))
    assert problem.path == path
    assert words in f"{problem.message} {problem.hint}"


def test_a_resistor_does_not_depend_on_temperature_and_a_potentiostat_holds_no_chamber():
    tables = bench()
    tables["cell"]["cell"] = {"kind": "resistor", "resistance": "1 kohm", "chamber": "oven"}
    tables["cell"]["chamber"] = {}
    said = " ".join(problem.message for problem in check(tables))
    assert "does not depend on temperature" in said
    assert "this instrument holds a cell, no chamber" in said
    with pytest.raises(ProtocolError):
        open_lab(tables, VirtualClock())


def test_the_twin_of_a_real_circulator_has_a_chamber_and_its_model():
    assert twin_table("julabo.circulator", {"model": "fpw55", "address": 3}) == {
        "dialect": "julabo.circulator",
        "model": "fpw55",
        "latency": "1 ms",
        "options": {"address": 3},
        "chamber": {},
    }
    assert twin_table("julabo.circulator", {"model": "auto"})["model"] == "cf31"
