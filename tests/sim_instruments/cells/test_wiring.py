"""Cells behind leads with a fault: what the instrument sees, and what it does to the cell."""

import pytest

from luggin.errors import ProtocolError
from luggin_sim.cells import cell_from_table
from luggin_sim.cells.wiring import FLOATS, RAIL

RESISTANCE = 1e4
TABLE = {"kind": "resistor", "resistance": "10 kohm", "capacitance": "1 uF", "series_resistance": "100 ohm"}
BATTERY_LIKE = {
    "kind": "redox",
    "area": "1 cm2",
    "concentration": "1 mM",
    "diffusion_coefficient": "1e-5 cm2/s",
    "couples": [{"half_wave_potential": "0.3 V"}],
    "starts_as": [0.5, 0.5],
    "solution_resistance": "100 ohm",
    "double_layer_capacitance": "20 uF",
    "leak": "none",
}


def wired(table=TABLE, **wiring):
    return cell_from_table({**table, "wiring": wiring})


def settled(cell, potential):
    cell.step_to(potential)
    return cell.apply(potential, 1.0)


def test_without_a_fault_nothing_changes():
    plain, through = cell_from_table(BATTERY_LIKE), wired(BATTERY_LIKE)
    for cell in (plain, through):
        cell.rest(1.0)
        cell.step_to(0.31)
    assert [through.apply(0.31, 0.1) for _ in range(5)] == [plain.apply(0.31, 0.1) for _ in range(5)]
    assert through.potential == plain.potential


@pytest.mark.parametrize("fault", ["counter open", "working open"])
def test_through_an_open_lead_flows_nothing_whatever_is_applied(fault):
    cell = wired(BATTERY_LIKE, fault=fault)
    assert settled(cell, 0.5) == cell.current == 0.0
    assert not cell.is_open
    cell.rest(1.0)
    assert cell.is_open


def test_with_an_open_counter_lead_the_open_circuit_potential_is_the_cells_own():
    cell = wired(BATTERY_LIKE, fault="counter open")
    assert cell.rest(1.0) == pytest.approx(0.3, abs=1e-3)
    settled(cell, 0.5)
    assert cell.potential == pytest.approx(0.3, abs=1e-3)  # nothing follows what is applied


@pytest.mark.parametrize("fault", ["reference open", "working open"])
def test_a_floating_input_drifts_to_its_rail_and_stays_there(fault):
    cell = wired(BATTERY_LIKE, fault=fault)
    readings = [cell.rest(1.0) for _ in range(12)]
    assert readings[3] - readings[2] == pytest.approx(FLOATS)
    assert readings[-1] == readings[-2] == RAIL


def test_without_a_reference_the_control_loop_drives_the_cell_with_all_it_has():
    cell = wired(TABLE, fault="reference open")
    cell.rest(2.0)
    current = settled(cell, 0.01)
    # It reads more than it wants, so it goes down, and finds no end.
    assert current == pytest.approx(-RAIL / (RESISTANCE + 100.0), rel=1e-3)
    assert cell.potential == pytest.approx(3.0)


def test_a_two_electrode_cell_the_wrong_way_round_has_both_signs_changed():
    plain, reversed_ = cell_from_table(BATTERY_LIKE), wired(BATTERY_LIKE, fault="reversed")
    assert reversed_.rest(1.0) == -plain.rest(1.0)
    assert settled(reversed_, -0.35) == -settled(plain, 0.35)
    assert reversed_.apply_current(-1e-6, 1.0) == -plain.apply_current(1e-6, 1.0)


def test_an_instrument_that_counts_current_the_other_way_changes_its_sign_alone():
    plain, other = cell_from_table(TABLE), wired(TABLE, fault="current reversed")
    assert settled(other, 0.1) == -settled(plain, 0.1)
    assert other.potential == plain.potential
    assert other.apply_current(1e-6, 1.0) == plain.apply_current(-1e-6, 1.0)


def test_electrodes_that_touch_are_a_small_resistance_and_discharge_the_cell():
    cell = wired(BATTERY_LIKE, fault="short", contact_resistance="2 ohm")
    assert cell.rest(1.0) == 0.0
    assert settled(cell, 0.01) == pytest.approx(5e-3)
    assert cell.apply(0.01, 1.0, limit=1e-3) == pytest.approx(1e-3)
    assert cell.potential == pytest.approx(2e-3)  # what the limit leaves
    assert cell.apply_current(1e-3, 1.0) == pytest.approx(2e-3)


def test_a_current_finds_no_way_through_an_open_lead_and_the_source_goes_to_its_limit():
    cell = wired(BATTERY_LIKE, fault="counter open")
    assert cell.apply_current(1e-6, 0.1, limit=4.0) == 4.0
    assert cell.apply_current(-1e-6, 0.1) == -RAIL
    assert cell.apply_current(0.0, 0.1, limit=4.0) == pytest.approx(0.3, abs=1e-3)


def test_a_reference_electrode_that_goes_bad_shifts_all_potentials():
    cell = wired(BATTERY_LIKE, drift="10 mV/s")
    assert cell.rest(1.0) - cell.rest(1.0) == pytest.approx(-0.010, abs=1e-5)
    cell.step_to(0.32)
    cell.apply(0.32, 1.0)
    assert cell.potential == pytest.approx(0.32)  # the loop holds what it sees
    plain = cell_from_table(BATTERY_LIKE)
    plain.rest(2.0)
    plain.step_to(0.30)
    assert cell.current == pytest.approx(plain.apply(0.29, 1.0), rel=1e-2)


def test_a_fresh_cell_has_the_fault_from_its_start():
    cell = wired(BATTERY_LIKE, fault="reference open")
    first = [cell.rest(1.0) for _ in range(3)]
    assert [cell.fresh().rest(1.0)] == first[:1]


def test_its_temperature_is_that_of_the_cell():
    cell = wired(BATTERY_LIKE, fault="counter open")
    cell.set_temperature(330.0)
    with pytest.raises(TypeError, match="ResistorCell does not depend on temperature"):
        wired(TABLE, fault="short").set_temperature(330.0)


@pytest.mark.parametrize(
    ("wiring", "words"),
    [
        ({"fault": "counter opened"}, "wiring.fault: 'counter opened' is not a fault of wiring. Did you mean 'counter"),
        ({"fault": "short", "contact": "1 ohm"}, "wiring.contact: is not known here"),
        ({"drift": "5 mV"}, "wiring.drift"),
        ("short", 'wiring: wiring is a table. Write {fault = "counter open"}.'),
    ],
)
def test_mistakes_in_the_table_are_told_with_their_place(wiring, words):
    with pytest.raises(ProtocolError) as refused:
        cell_from_table({**TABLE, "wiring": wiring})
    assert words in str(refused.value)
