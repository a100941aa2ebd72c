"""The tables of the firmware: boards, ranges, limits of times.

Nothing in here computes. Source: the firmware of the maker's repository ``iorodeo/potentiostat``,
FW0.1.0 (constants, ranges, system state, tests); it is what there is of a manual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """One board with its parts.

    Attributes:
        title: as its maker calls it, with what tells it from its sisters.
        variants: what it may answer to ``getVariant``; older firmware has other names.
        hardware: version of the board; from 0.2 on it can disconnect the electrodes.
        volt_ranges: full scale (V) by name, ascending.
        current_ranges: full scale (A) by name, ascending.
    """

    title: str
    variants: frozenset[str]
    hardware: str
    volt_ranges: Mapping[str, float]
    current_ranges: Mapping[str, float]

    @property
    def has_switches(self) -> bool:
        """Whether the board itself can disconnect the electrodes."""
        return self.hardware != "V0.1"

    @property
    def largest_potential(self) -> float:
        """Full scale of the highest range (V)."""
        return max(self.volt_ranges.values())

    @property
    def largest_current(self) -> float:
        """Full scale of the highest range (A)."""
        return max(self.current_ranges.values())


_TEN_VOLT = {"1V": 1.0, "2V": 2.0, "5V": 5.0, "10V": 10.0}
_EIGHT_VOLT = {"1V": 1.0, "2V": 2.0, "4V": 4.0, "8V": 8.0}
_NANO = {"60nA": 60e-9, "100nA": 100e-9, "1uA": 1e-6, "10uA": 10e-6}
_MICRO = {"1uA": 1e-6, "10uA": 10e-6, "100uA": 100e-6, "1000uA": 1e-3}
_TEN_MILLI = {"10uA": 10e-6, "100uA": 100e-6, "1000uA": 1e-3, "10000uA": 10e-3}
# The two highest are a little more than their names say.
_TWENTY_FOUR_MILLI = {"100uA": 100e-6, "1000uA": 1e-3, "12000uA": 12.024e-3, "24000uA": 24.048e-3}


def _new(title: str, variants: set[str], currents: Mapping[str, float]) -> Model:
    return Model(f"Rodeostat {title}", frozenset(variants), "V0.2", _TEN_VOLT, currents)


def _old(title: str, name: str, currents: Mapping[str, float], volts: Mapping[str, float]) -> Model:
    amplifier = "AD8250" if volts is _TEN_VOLT else "AD8251"
    variants = {f"{amplifier}_{name}V0.1"}
    if volts is _TEN_VOLT:
        variants |= {f"10V_{name}V0.1", f"{name}V0.1"}
    if name == "milliAmp":
        variants |= {one.replace("milliAmp", "24MilliAmp") for one in variants}
    return Model(f"Rodeostat {title}, hardware 0.1 ({amplifier})", frozenset(variants), "V0.1", volts, currents)


MODELS: Mapping[str, Model] = {
    "microamp": _new("1 mA", {"10V_microAmpV0.2"}, _MICRO),
    "10-milliamp": _new("10 mA (HC)", {"10V_10MilliAmpV0.2"}, _TEN_MILLI),
    "24-milliamp": _new("24 mA", {"10V_24MilliAmpV0.2", "10V_milliAmpV0.2"}, _TWENTY_FOUR_MILLI),
    "nanoamp-0.1": _old("10 uA", "nanoAmp", _NANO, _TEN_VOLT),
    "microamp-0.1": _old("1 mA", "microAmp", _MICRO, _TEN_VOLT),
    "24-milliamp-0.1": _old("24 mA", "milliAmp", _TWENTY_FOUR_MILLI, _TEN_VOLT),
    "nanoamp-0.1-8v": _old("10 uA", "nanoAmp", _NANO, _EIGHT_VOLT),
    "microamp-0.1-8v": _old("1 mA", "microAmp", _MICRO, _EIGHT_VOLT),
    "24-milliamp-0.1-8v": _old("24 mA", "milliAmp", _TWENTY_FOUR_MILLI, _EIGHT_VOLT),
}

#: Steps from one end of a potential range to the other: a converter of 12 bit.
DAC_STEPS = 4095
#: Interval of samples (s); it is a whole number of milliseconds.
SAMPLE_PERIOD = (0.001, 1.0)
#: What a whole number of the firmware holds.
LARGEST_COUNT = (1 << 32) - 1
#: Length of a message after which boards with a SAMD51 do not deliver it, and its multiples.
LOST_LENGTH = 64
#: Longest message that the board keeps (bytes).
LONGEST_MESSAGE = 2000
#: Working electrodes of a multiplexer.
MUX_CHANNELS = 7
#: A current so near the end of its range is at the end: for firmware that does not say so itself.
AT_THE_END = 0.9995
