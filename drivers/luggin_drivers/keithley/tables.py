"""The tables of the manuals: models, ranges, what goes together, status bits.

Nothing in here computes. Sources: Keithley 2450 Reference Manual 2450-901-01 (page numbers are its),
2461 Reference Manual 2461-901-01, and the tables of the maker's electrochemistry scripts ("EC
framework"). What they do not say is marked as not confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from luggin.records import Flag


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        title: as its maker writes it.
        number: the model in the answer to ``*IDN?``.
        potential_ranges: source ranges (V) that are used for cells, ascending.
        current_ranges: source and measure ranges (A), ascending.
        envelope: pairs of largest potential (V) and the largest current (A) up to there, ascending in V.
    """

    title: str
    number: str
    potential_ranges: tuple[float, ...]
    current_ranges: tuple[float, ...]
    envelope: tuple[tuple[float, float], ...]

    @property
    def largest_current(self) -> float:
        """At the lowest potentials (A)."""
        return self.envelope[0][1]


_DECADES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_LARGE_RANGES = (0.2, 2.0, 7.0, 10.0, 20.0)
_LARGE_CURRENTS = (*_DECADES[2:], 4.0, 5.0, 7.0)
_LARGE_ENVELOPE = ((7.35, 7.0), (10.5, 5.0), (21.0, 4.0))

MODELS: Mapping[str, Model] = {
    "2450": Model("Keithley 2450", "2450", (0.02, 0.2, 2.0, 20.0), _DECADES, ((21.0, 1.05),)),
    "2460": Model("Keithley 2460", "2460", _LARGE_RANGES, _LARGE_CURRENTS, _LARGE_ENVELOPE),
    "2461": Model("Keithley 2461", "2461", _LARGE_RANGES, _LARGE_CURRENTS, _LARGE_ENVELOPE),
}

#: Range of the current source for measuring at open circuit (the maker's own sequence).
OPEN_CIRCUIT_RANGE = 1e-6

#: Levels of one list sweep, and of one command that fills the list (2450 manual, list sweeps).
LONGEST_LIST = 2500
LONGEST_LIST_COMMAND = 100
#: Shortest delay of a list sweep that is not zero, and the longest (s).
DELAYS = (50e-6, 10e3)
#: Limits of the integration time (power line cycles).
NPLC = (0.01, 10.0)

#: Bits of the source status of a reading (``SOURSTAT``, 2450 manual p. 8-29) that are flags of ours.
SOURCE_STATUS: Mapping[int, Flag] = {16: Flag.OVERTEMPERATURE, 32: Flag.COMPLIANCE}
#: Bit of the source status that is set while the output is on.
OUTPUT_ON = 128
#: The buffer that is always there.
BUFFER = "defbuffer1"
ELEMENTS = "REL, SOUR, READ, SOURSTAT"
#: The same in the order in which a reading comes apart.
ELEMENTS_PER_READING = 4
