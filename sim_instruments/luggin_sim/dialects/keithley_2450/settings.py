"""What can be set and read back, with the values after ``*RST``."""

from __future__ import annotations

from dataclasses import dataclass, field

from luggin_sim.dialects.keithley_2450.models import Model, Range, range_for
from luggin_sim.dialects.keithley_2450.scpi import CURRENT, VOLTAGE

OFF_STATES = ("NORMal", "HIMPedance", "ZERO", "GUARd")


@dataclass
class SourceSettings:
    """One source function. ``limit`` is that of the other quantity; times in s."""

    range: Range
    limit: float
    level: float = 0.0
    auto_range: bool = True
    read_back: bool = True
    delay: float = 0.0
    auto_delay: bool = True
    off_state: str = "NORM"
    high_capacitance: bool = False
    levels: list[float] = field(default_factory=list)


@dataclass
class SenseSettings:
    """One measurement function. ``cycles`` is the integration time in cycles of the mains."""

    range: Range
    lowest: Range
    auto_range: bool = True
    cycles: float = 1.0
    four_wire: bool = False
    autozero: bool = True
    averaging: bool = False
    average_count: int = 10
    average_mode: str = "REP"


@dataclass
class Settings:
    """Everything that ``*RST`` brings back."""

    source: dict[str, SourceSettings]
    sense: dict[str, SenseSettings]
    source_function: str = VOLTAGE
    sense_function: str = CURRENT
    output: bool = False
    count: int = 1
    terminals: str = "FRON"
    protection: str = "NONE"

    @property
    def active_source(self) -> SourceSettings:
        """Settings of the source function in use."""
        return self.source[self.source_function]

    @property
    def active_sense(self) -> SenseSettings:
        """Settings of the measurement function in use."""
        return self.sense[self.sense_function]


def reset_settings(model: Model) -> Settings:
    """The settings after ``*RST``."""
    ranges = ranges_of(model)
    limits = {VOLTAGE: model.default_current_limit, CURRENT: model.default_voltage_limit}
    # autoranging of the current stands on the range of the current limit
    within_limit = range_for(ranges[CURRENT], model.default_current_limit)
    return Settings(
        source={function: SourceSettings(ranges[function][0], limits[function]) for function in ranges},
        sense={
            VOLTAGE: SenseSettings(ranges[VOLTAGE][0], ranges[VOLTAGE][0]),
            CURRENT: SenseSettings(within_limit or ranges[CURRENT][0], ranges[CURRENT][0]),
        },
    )


def ranges_of(model: Model) -> dict[str, tuple[Range, ...]]:
    """The ranges of each function."""
    return {VOLTAGE: model.voltage_ranges, CURRENT: model.current_ranges}
