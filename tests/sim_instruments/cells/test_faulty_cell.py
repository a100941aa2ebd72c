"""A cell with a short circuit, a blind meter, and more than one instrument in its life."""

import math

import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.cells.faulty import FaultyCell

OHM = 1000.0


@pytest.fixture
def cell():
    return FaultyCell(ResistorCell(ResistorSpec(resistance=OHM)))


@pytest.fixture
def charged():
    """1 kohm parallel to 1 mF, held at 1 V: it relaxes with 1 s when left alone."""
    cell = FaultyCell(ResistorCell(ResistorSpec(resistance=OHM, capacitance=1e-3)))
    cell.step_to(1.0)
    cell.apply(1.0, 5.0)
    cell.time = 5.0
    return cell


def test_without_a_fault_everything_is_passed_on(cell):
    assert cell.apply(0.5, 0.1) == cell.current == cell.measure_current(0.5e-3) == 0.5e-3
    assert cell.potential == cell.measure_potential(0.5) == 0.5
    assert cell.apply_current(2e-3, 0.1) == cell.potential == 2.0
    assert not cell.is_open
    assert cell.rest(0.1) == 0.0
    assert cell.is_open
    assert cell.truth == ResistorSpec(resistance=OHM)
    assert not cell.fresh().unreadable


def test_an_overload_flows_with_the_sign_of_the_current_and_the_cell_never_feels_it(cell):
    cell.overload = 0.13
    assert cell.apply(0.5, 0.1) == cell.current == cell.measure_current(0.5e-3) == 0.13
    assert cell.apply(-0.5, 0.1) == -0.13
    cell.overload = None
    assert cell.current == -0.5e-3


def test_an_instrument_that_limits_the_current_holds_an_overload_back(cell):
    cell.overload = 1000.0
    assert cell.apply(0.5, 0.1, limit=1e-3) == cell.current == cell.measure_current(0.5e-3) == 1e-3
    assert cell.potential == 0.5


def test_while_a_current_is_driven_the_potential_is_at_its_limit(cell):
    cell.overload = 1000.0
    assert cell.apply_current(-1e-3, 0.1, limit=2.0) == cell.potential == cell.measure_potential(-1.0) == -2.0
    assert cell.current == -1e-3


def test_an_open_circuit_has_no_overload(cell):
    cell.apply(0.5, 0.1)
    cell.overload = 0.13
    cell.rest(0.1)
    assert cell.measure_current(0.0) == 0.0
    assert cell.potential == 0.0


def test_a_blind_meter_reads_no_number_and_the_cell_goes_on(cell):
    cell.unreadable = True
    assert cell.apply(0.5, 0.1) == cell.current == 0.5e-3
    assert math.isnan(cell.measure_current(0.5e-3))
    assert math.isnan(cell.measure_potential(0.5))


def test_a_cell_that_was_left_alone_has_relaxed_when_the_next_instrument_touches_it(charged):
    charged.leave()
    assert charged.is_open
    charged.time = 7.0
    assert charged.rest(0.1) == pytest.approx(math.exp(-2.0), rel=1e-5)
    assert charged.rest(1.0) == pytest.approx(math.exp(-3.0), rel=1e-5)


def test_a_current_sent_through_a_cell_that_was_left_alone_finds_it_relaxed(charged):
    charged.leave()
    charged.time = 8.0  # left alone for 2 s, then driven for 1 s up to now
    after = charged.apply_current(1e-3, 1.0)
    assert after == pytest.approx(1.0 + (math.exp(-2.0) - 1.0) * math.exp(-1.0), rel=1e-5)


def test_a_cell_that_nobody_ever_closed_stays_as_it_is():
    cell = FaultyCell(ResistorCell(ResistorSpec(resistance=OHM, capacitance=1e-3)))
    cell.leave()
    cell.time = 100.0
    assert cell.apply(1.0, 1.0) == 1e-3
