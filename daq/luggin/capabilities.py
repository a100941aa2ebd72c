"""What an instrument can do, as declared data and small protocols.

The engine asks for a technique by name with parameters in SI units; a driver maps it to its own
commands, says beforehand what it will really do (`Realised`), and then yields frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeGuard, runtime_checkable

from luggin.clock import Clock
from luggin.records import Frame, Schema
from luggin.transport import Transport
from luggin.transport.dialogue import Exchange as Exchange

Execution = Literal["native", "stepped"]


@dataclass(frozen=True)
class Range:
    """Lowest and highest value, both allowed. ``confirmed`` False: not documented, conservative."""

    low: float
    high: float
    unit: str
    confirmed: bool = True
    source: str = ""

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class TechniqueCapability:
    """How one technique is executed and within which limits.

    ``limits`` maps a parameter (``rate``, ``step``, ``dt``, ``duration``, ``cycles`` ...) to its
    range. ``latency`` is the largest age (s) of a row on arrival, if it does not depend on the
    parameters; ``prepare`` says the rest.
    """

    execution: Execution
    schema: Schema
    limits: Mapping[str, Range] = field(default_factory=dict)
    latency: float = 0.5
    gapless: bool = True
    cell_open: bool = False


@dataclass(frozen=True)
class Capabilities:
    """The static declaration of a driver for one model; stored with each run.

    Attributes:
        model: name and family, as its maker writes it.
        techniques: by name of the technique (``cv lsv ca ocp``).
        potential: what may be applied (V).
        window: largest distance between two potentials of one technique (V), if limited.
        current: what may flow (A, absolute value ``high``).
        current_ranges: full scales (A), ascending.
        chain: several techniques can run in one go without opening the cell.
        polarity: sign convention of the instrument; the driver converts.
        enforced: which limits the instrument itself can hold: column -> how.
        abort: what an abort does, in words, and how long it takes at most (s).
        unconfirmed: what is not documented and therefore configurable, one sentence each.
        tested_on: hardware, firmware and date, or that it was not.
    """

    model: str
    techniques: Mapping[str, TechniqueCapability]
    potential: Range
    current: Range
    window: float | None = None
    current_ranges: tuple[float, ...] = ()
    chain: bool = False
    polarity: Literal["iupac", "us", "unknown"] = "unknown"
    enforced: Mapping[str, str] = field(default_factory=dict)
    abort: str = ""
    abort_latency: float = 1.0
    unconfirmed: tuple[str, ...] = ()
    tested_on: str = "not tested on hardware; simulator only"


@dataclass(frozen=True)
class Identity:
    """Who answers on the line."""

    maker: str
    model: str
    serial: str
    firmware: str
    raw: str = ""


@dataclass(frozen=True)
class Technique:
    """One technique as the engine asks for it. Potentials are absolute (V against the reference).

    Parameters (SI):

    ``ocp``
        ``duration``, ``dt``
    ``cv``
        ``begin``, ``vertices`` (two), ``end``, ``rate``, ``step``, ``cycles``, ``quiet`` (s)
    ``lsv``
        ``begin``, ``end``, ``rate``, ``step``, ``quiet``
    ``ca``
        ``potential``, ``duration``, ``dt``, ``quiet``
    ``cp``
        ``current``, ``duration``, ``dt``, ``potential_limit`` (largest potential, V, absolute)

    and for all that apply a potential: ``current_range`` (largest current that must be measurable,
    A, or None for autoranging over all ranges).
    """

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Realised:
    """What the instrument will really do, after rounding to its own steps.

    ``rows`` is the expected number of rows of each technique, ``expected_flags`` the status bits
    that are normal and must not trip a limit.
    """

    techniques: tuple[Technique, ...]
    schemas: tuple[Schema, ...]
    durations: tuple[float, ...]
    rows: tuple[int, ...]
    latency: float
    expected_flags: int = 0
    notes: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Time of all techniques together (s)."""
        return sum(self.durations)


@dataclass(frozen=True)
class LimitRequest:
    """A limit that the instrument should hold by itself if it can (SI)."""

    column: str
    low: float
    high: float


@runtime_checkable
class Device(Protocol):
    """What every instrument on a bench is: somebody who says who he is, and can be left in a safe state."""

    name: str

    def identify(self) -> Identity:
        """Ask who is there.

        Raises:
            NoInstrument: something else answers than this driver speaks to.
        """
        ...

    def make_safe(self) -> str:
        """Bring it to its safe state and verify that by read-back; returns what was verified, in words.

        For whatever holds a cell, safe is an open cell circuit.

        Raises:
            UnsafeState: it could not be verified.
        """
        ...

    def safe_dialogue(self) -> tuple[Exchange, ...]:
        """The exchanges of `make_safe`, for a process that has only the line."""
        ...

    def close(self) -> None:
        """Give the line back. Sends nothing."""
        ...


@runtime_checkable
class MeasuringInstrument(Device, Protocol):
    """The contract of every driver that runs techniques on a cell. Its safe state is an open cell."""

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do. Talks to nobody."""
        ...

    def prepare(self, techniques: Sequence[Technique]) -> Realised:
        """Check and round; no current flows. More than one technique means: cell closed between them.

        Raises:
            LimitError: a value outside the instrument's range, named with what is allowed.
            NotSupported: a technique or a combination that it cannot do.
        """
        ...

    def arm(self, limits: Sequence[LimitRequest]) -> Mapping[str, str]:
        """Program limits into the instrument where it can hold them; column -> what was read back."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Run what was prepared. Current flows at the first ``next``; the cell is open at the end.

        `Frame.part` numbers the techniques of a chain from 0. Ends early (without error) after
        `request_abort`.

        Raises:
            InstrumentFault, LineLost, ReplyTimeout, BadReply: the cell may still be on;
                the caller makes it safe.
        """
        ...

    def request_abort(self) -> None:
        """Ask the owner of the line to end the technique and open the cell. From any thread; returns at once."""
        ...

    def end_technique(self) -> None:
        """As `request_abort`, but only for the technique that runs; a chain goes on where the instrument can."""
        ...


def measures(device: object) -> TypeGuard[MeasuringInstrument]:
    """Whether an instrument runs techniques on a cell."""
    return hasattr(device, "frames") and hasattr(device, "capabilities")


@dataclass(frozen=True)
class TemperatureRange:
    """What a temperature controller can be set to (degC), and how fast it may be asked to go (K/min)."""

    model: str
    temperature: Range
    rate: Range | None = None
    unconfirmed: tuple[str, ...] = ()
    tested_on: str = "not tested on hardware; simulator only"


@runtime_checkable
class TemperatureController(Device, Protocol):
    """A bath, an oven, a chamber. When the temperature counts as reached is for the engine to say.

    Temperatures are degC. What it reads (bath, external sensor) are `luggin.instrument.reading`
    declarations, which monitors use.
    """

    @property
    def range(self) -> TemperatureRange:
        """What this model can do. Talks to nobody."""
        ...

    def read_temperature(self, sensor: str = "") -> float:
        """The temperature (degC) of one of its sensors; of the one that it controls if none is named.

        Raises:
            UsageError: it has no such sensor.
            InstrumentError: there is no usable reading.
        """
        ...

    def set_temperature(self, target: float) -> float:
        """Set the set point (degC) and start to control; the set point as read back.

        Raises:
            LimitError: outside its range; nothing was sent.
            InstrumentFault: it did not take it.
        """
        ...


@dataclass(frozen=True)
class SourceReading:
    """One reading of a source-measure unit: its own time (s), E(W) against the reference (V), current (A, IUPAC)."""

    time: float
    potential: float
    current: float
    flags: int = 0


@runtime_checkable
class SourceMeasure(Protocol):
    """Sets a potential or a current, with the other one as a limit, and measures both.

    The host-stepped engine turns it into techniques that the instrument does not have. The output
    is off until `switch`; a level may be set before or after.
    """

    @property
    def fastest_interval(self) -> float:
        """Shortest time (s) in which this line can set a level and read it back, with room to spare."""
        ...

    def source_potential(self, level: float, current_limit: float) -> None:
        """Become a potential source: level (V), largest current (A, read back from the instrument).

        Raises:
            LimitError: outside the instrument's range; nothing was sent.
        """
        ...

    def source_current(self, level: float, potential_limit: float) -> None:
        """Become a current source: level (A, IUPAC), largest potential (V, absolute, read back)."""
        ...

    def set_level(self, level: float) -> None:
        """Another level of the same kind (V or A)."""
        ...

    def switch(self, on: bool) -> None:
        """Close or open the cell circuit. Off means open (high impedance), never 0 V."""
        ...

    def measure(self) -> SourceReading:
        """Measure now."""
        ...


class Driver(Protocol):
    """What `luggin_drivers` hooks register: how to open a line and a driver on it."""

    id: str
    title: str
    models: Mapping[str, str]
    docs: str

    def line_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keyword arguments for the line (baud rate, terminator ...) of a model."""
        ...

    def create(self, transport: Transport, clock: Clock, name: str, settings: Mapping[str, Any]) -> Device:
        """A driver on an open line. Sends nothing.

        Raises:
            UsageError: a setting is unknown or out of range.
        """
        ...

    def offline(self, settings: Mapping[str, Any]) -> Device:
        """The same driver without a line: it can only say what it can do, and `prepare`."""
        ...
