"""Physics of simulated cells: plain numbers in and out, no clock, no wires."""

from luggin_sim.cells.base import SHORTEST_STEP, Cell, Tempered
from luggin_sim.cells.chamber import Chamber, ChamberSpec, chamber_from_table, read_chamber
from luggin_sim.cells.impedance import SmallSignal
from luggin_sim.cells.redox import RedoxCell
from luggin_sim.cells.redox_spec import Chain, Couple, RedoxSpec
from luggin_sim.cells.resistor import ResistorCell, ResistorSpec
from luggin_sim.cells.spec import cell_from_table, read_cell

__all__ = [
    "Cell",
    "Tempered",
    "SmallSignal",
    "SHORTEST_STEP",
    "RedoxCell",
    "RedoxSpec",
    "Chain",
    "Couple",
    "ResistorCell",
    "ResistorSpec",
    "Chamber",
    "ChamberSpec",
    "cell_from_table",
    "read_cell",
    "chamber_from_table",
    "read_chamber",
]
