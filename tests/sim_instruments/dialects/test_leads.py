"""The leads between instrument and cell: what the cell is told, and when."""

import pytest

from luggin_sim.cells import ResistorCell, ResistorSpec
from luggin_sim.dialects.base import Leads


class Witness(ResistorCell):
    """A 1 kohm cell that remembers what was done to it."""

    def __init__(self):
        super().__init__(ResistorSpec(resistance=1e3))
        self.done = []

    def step_to(self, potential):
        self.done.append(("step", potential))
        super().step_to(potential)

    def apply(self, potential, dt):
        self.done.append(("apply", potential, dt))
        return super().apply(potential, dt)

    def rest(self, dt):
        self.done.append(("rest", dt))
        return super().rest(dt)


@pytest.fixture
def cell():
    return Witness()


def test_a_cell_that_was_never_closed_is_left_alone(cell):
    leads = Leads(cell)
    leads.dwell(1000.0)
    leads.jump(0.5)
    assert cell.done == []


def test_time_counts_from_the_first_closing_on(cell):
    leads = Leads(cell)
    leads.jump(0.5)
    leads.close()
    leads.dwell(10.0)
    leads.open()
    leads.dwell(20.0)
    assert cell.done == [("step", 0.5), ("apply", 0.5, 10.0), ("rest", 20.0)]


def test_closing_twice_and_jumping_nowhere_do_nothing(cell):
    leads = Leads(cell)
    leads.close()
    leads.close()
    leads.jump(0.0)
    leads.dwell(0.0)
    assert cell.done == [("step", 0.0)]


def closed_at_zero(cell, **options):
    leads = Leads(cell, **options)
    leads.close()
    cell.done.clear()
    return leads


def test_a_ramp_goes_straight(cell):
    assert closed_at_zero(cell).ramp(0.5, 0.1) == pytest.approx(0.5e-3)
    assert cell.done == [("apply", 0.5, 0.1)]


def test_a_staircase_jumps_and_waits(cell):
    assert closed_at_zero(cell, staircase=True).ramp(0.5, 0.1) == pytest.approx(0.5e-3)
    assert cell.done == [("step", 0.5), ("apply", 0.5, 0.1)]


def test_the_current_of_this_moment_takes_no_time_if_it_is_known(cell):
    leads = Leads(cell)
    leads.jump(1.0)
    leads.close()
    leads.dwell(5.0)
    cell.done.clear()
    assert leads.current_now() == pytest.approx(1e-3)
    assert cell.done == []
    leads.jump(2.0)
    assert leads.current_now() == pytest.approx(2e-3)
    assert cell.done == [("step", 2.0), ("apply", 2.0, 1e-6)]
