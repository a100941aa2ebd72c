"""The boards: what they call themselves, their ranges and their switches.

Facts are those of the firmware FW0.1.0 and, where its text was not at hand, of FW0.0.7. Nothing here was
compared with hardware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Steps of the converter that sets the potential: 12 bit.
DAC_STEPS = 4095


@dataclass(frozen=True)
class Model:
    """One board.

    Attributes:
        variant: what it answers to ``getVariant``.
        hardware: what it answers to ``getHardwareVersion``; empty if its firmware does not know that command.
        volt_ranges: full scale (V) by name, ascending.
        curr_ranges: full scale (uA) by name, ascending.
        first_curr_range: the one that it has when it is plugged in.
    """

    variant: str
    hardware: str
    volt_ranges: Mapping[str, float]
    curr_ranges: Mapping[str, float]
    first_curr_range: str

    @property
    def has_switches(self) -> bool:
        """Whether the electrodes can be disconnected."""
        return self.hardware != ""

    @property
    def largest_current(self) -> float:
        """Full scale of the highest current range (A)."""
        return 1e-6 * max(self.curr_ranges.values())


_TEN_VOLT = {"1V": 1.0, "2V": 2.0, "5V": 5.0, "10V": 10.0}
_EIGHT_VOLT = {"1V": 1.0, "2V": 2.0, "4V": 4.0, "8V": 8.0}
_NANO = {"60nA": 0.06, "100nA": 0.1, "1uA": 1.0, "10uA": 10.0}
_MICRO = {"1uA": 1.0, "10uA": 10.0, "100uA": 100.0, "1000uA": 1000.0}
_TEN_MILLI = {"10uA": 10.0, "100uA": 100.0, "1000uA": 1000.0, "10000uA": 10_000.0}
_TWENTY_FOUR_MILLI = {"100uA": 100.0, "1000uA": 1000.0, "12000uA": 12_024.0, "24000uA": 24_048.0}

MODELS: Mapping[str, Model] = {
    "microamp": Model("10V_microAmpV0.2", "V0.2", _TEN_VOLT, _MICRO, "10uA"),
    "10-milliamp": Model("10V_10MilliAmpV0.2", "V0.2", _TEN_VOLT, _TEN_MILLI, "100uA"),
    "24-milliamp": Model("10V_24MilliAmpV0.2", "V0.2", _TEN_VOLT, _TWENTY_FOUR_MILLI, "1000uA"),
    "nanoamp-0.1": Model("AD8250_nanoAmpV0.1", "", _TEN_VOLT, _NANO, "10uA"),
    "microamp-0.1": Model("AD8250_microAmpV0.1", "", _TEN_VOLT, _MICRO, "10uA"),
    "24-milliamp-0.1": Model("AD8250_milliAmpV0.1", "", _TEN_VOLT, _TWENTY_FOUR_MILLI, "1000uA"),
    "nanoamp-0.1-8v": Model("AD8251_nanoAmpV0.1", "", _EIGHT_VOLT, _NANO, "10uA"),
    "microamp-0.1-8v": Model("AD8251_microAmpV0.1", "", _EIGHT_VOLT, _MICRO, "10uA"),
    "24-milliamp-0.1-8v": Model("AD8251_milliAmpV0.1", "", _EIGHT_VOLT, _TWENTY_FOUR_MILLI, "1000uA"),
}
