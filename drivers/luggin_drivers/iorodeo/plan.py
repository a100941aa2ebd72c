"""From a technique to a test of the board: its name, its parameters, its ranges, and what to expect.

Pure: nothing in here talks to an instrument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luggin import units
from luggin.capabilities import Capabilities, Realised, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.records import Flag, Schema
from luggin_drivers.iorodeo.capabilities import SCHEMAS
from luggin_drivers.iorodeo.parameters import Rounded, check_and_round
from luggin_drivers.iorodeo.settings import Settings
from luggin_drivers.iorodeo.tables import DAC_STEPS, Model

# A row comes milliseconds after its sample was taken.
_SHORTEST_LATENCY = 0.1
_TESTS = {"cv": "cyclic", "lsv": "linearSweep", "ca": "constant"}
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Plan:
    """A test that is ready to be set and started. Times are in ms, as the board has them.

    Attributes:
        test: its name on the board.
        parameters: what is set.
        done_at: when it is over.
        period: length of one cycle of a ``cv``, None for others.
        current_range: name of the range, and its full scale (A).
        volt_range: name of the range of potential that the board will choose.
        first, lowest, highest: potentials (V) where it begins, and between which it stays.
    """

    realised: Realised
    schema: Schema
    test: str
    parameters: Mapping[str, Any]
    interval: int
    quiet: int
    done_at: int
    period: int | None
    current_range: tuple[str, float]
    volt_range: str
    first: float
    lowest: float
    highest: float

    @property
    def holds(self) -> bool:
        """Whether it stays at one potential."""
        return self.lowest == self.highest

    @property
    def last_at(self) -> int:
        """When the last sample is taken."""
        return self.done_at - self.done_at % self.interval

    def cycle(self, time: int) -> int:
        """The cycle of a sample, from 1; 0 in the quiet time. A sample at a turn of cycles ends the earlier one."""
        if self.period is None or time < self.quiet:
            return 0
        return max(1, -(-(time - self.quiet) // self.period))


def make_plan(techniques: Sequence[Technique], settings: Settings, capabilities: Capabilities) -> Plan:
    """One test for one technique.

    Raises:
        LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
    """
    if not techniques:
        raise UsageError("there is no technique to prepare")
    if len(techniques) > 1:
        raise NotSupported(
            f"the {capabilities.model} opens the cell behind every test, so it cannot run {len(techniques)} techniques "
            "in one go. Make them steps of their own."
        )
    part = check_and_round(techniques[0], capabilities)
    require_a_way_out(settings)
    volt_range = volt_range_for(part.potentials, settings.table)
    current_range = _current_range(part, settings)
    notes = [*part.notes, *_notes(part, volt_range, current_range, settings)]
    realised = Realised(
        techniques=(part.technique,),
        schemas=(SCHEMAS[part.name],),
        durations=(part.done_at / 1e3,),
        rows=(part.done_at // part.interval,),
        latency=max(_SHORTEST_LATENCY, part.interval / 1e3),
        expected_flags=Flag.QUIET_TIME.value if part.quiet else 0,
        notes=tuple(notes),
    )
    return Plan(
        realised,
        SCHEMAS[part.name],
        _TESTS[part.name],
        _parameters(part),
        part.interval,
        part.quiet,
        part.done_at,
        part.active if part.name == "cv" else None,
        current_range,
        volt_range,
        part.potentials[0],
        min(part.potentials),
        max(part.potentials),
    )


def require_a_way_out(settings: Settings) -> None:
    """NotSupported for a board that cannot open the cell: nothing is closed here that cannot be opened."""
    if not settings.can_open:
        raise NotSupported(
            f"the {settings.table.title} has no switch: no command opens the cell, and behind a test the board goes on "
            "holding a potential. Connect the cell through a multiplexer, and write its channel into the settings of "
            "this instrument (multiplexer = 1); or take a Rodeostat of hardware 0.2."
        )


def volt_range_for(potentials: Sequence[float], model: Model) -> str:
    """The smallest range that holds all potentials (V), as the board will choose."""
    largest = max(abs(one) for one in potentials)
    return next(name for name, full in model.volt_ranges.items() if full >= largest * (1 - _TOLERANCE))


def dac_step(model: Model, volt_range: str) -> float:
    """The distance of two potentials (V) that a range can tell apart."""
    return 2.0 * model.volt_ranges[volt_range] / DAC_STEPS


def _current_range(part: Rounded, settings: Settings) -> tuple[str, float]:
    """The smallest range that covers what must be measurable; without a word about that the highest one."""
    ranges = settings.table.current_ranges
    largest = part["current_range"] if part["current_range"] is not None else settings.current_range
    if largest is None:
        return list(ranges.items())[-1]
    for name, full in ranges.items():
        if 0 < largest <= full * (1 + _TOLERANCE):
            return name, full
    raise LimitError(
        f"{part.name}.current_range = {units.show(largest, 'A')}; the {settings.table.title} has "
        f"{', '.join(units.show(one, 'A') for one in ranges.values())}"
    )


def _notes(part: Rounded, volt_range: str, current_range: tuple[str, float], settings: Settings) -> list[str]:
    step = dac_step(settings.table, volt_range)
    notes = [
        f"{part.name}: potentials go in steps of {units.show(step, 'V')} (converter of 12 bit, range {volt_range})"
    ]
    if part["current_range"] is None and settings.current_range is None:
        notes.append(
            f"{part.name}.current_range: this instrument does not change ranges by itself, and none was asked for; the "
            f"highest one is used ({units.show(current_range[1], 'A')}), which small currents hardly move"
        )
    if settings.polarity is None:
        notes.append(
            "the polarity of this board was not looked at (setting polarity); its currents are taken for IUPAC"
        )
    return notes


def _parameters(part: Rounded) -> dict[str, Any]:
    """What the board is told. Times are whole numbers, potentials have a decimal point."""
    quiet = {"quietValue": float(part.potentials[0]), "quietTime": part.quiet}
    if part.name == "ca":
        return {**quiet, "value": part["potential"], "duration": part.active}
    if part.name == "lsv":
        return {**quiet, "startValue": part["begin"], "finalValue": part["end"], "duration": part.active}
    low, high = sorted(part["vertices"])
    return {
        **quiet,
        "amplitude": (high - low) / 2,
        "offset": (high + low) / 2,
        "period": part.active,
        "numCycles": part["cycles"],
        "shift": shift_of(part["begin"], part["vertices"]),
    }


def shift_of(begin: float, vertices: tuple[float, float]) -> float:
    """Where in its period a triangle begins that goes from ``begin`` to the first vertex: 0 is the lower turn, rising.

    >>> shift_of(0.0, (0.4, -0.4)), shift_of(0.0, (-0.4, 0.4))
    (0.25, 0.75)

    A first vertex at ``begin`` is no way: the first turn is the other one then.
    """
    low, high = sorted(vertices)
    first = vertices[1] if begin == vertices[0] else vertices[0]
    height = min(max((begin - low) / (high - low), 0.0), 1.0)
    return height / 2 if first > begin else 1.0 - height / 2
