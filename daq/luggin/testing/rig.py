"""A driver on its line, in the midst of what a check does with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luggin.capabilities import MeasuringInstrument, Realised, Technique, TemperatureController, measures
from luggin.clock import Clock
from luggin.engine.stepping import with_stepping
from luggin.hookspecs import Lab
from luggin.records import Frame
from luggin.testing.checking import NotApplicable
from luggin.transport import Transport

if TYPE_CHECKING:
    from luggin.testing.subject import Subject

#: Name of the twin in its laboratory, and of the instrument in messages.
NAME = "twin"
#: An answer may come, or be missed, this much later than its deadline (lab s).
MARGIN = 0.5
#: How often it is looked whether a cell is off (lab s).
_LOOK = 0.005


@dataclass
class Recording:
    """What came of techniques. Times are lab seconds.

    Attributes:
        realised: what ``prepare`` promised.
        began, ended: when the first frame was asked for, and when there were no more.
        rows: values by column, with ``received`` and ``part`` of their frame.
        error: what ended it, if anything did.
    """

    realised: Realised
    began: float
    ended: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    error: Exception | None = None

    def column(self, name: str) -> list[float]:
        """The values of one column, of the rows that have it."""
        return [row[name] for row in self.rows if name in row]

    def raise_error(self) -> Recording:
        """The same recording, if nothing went wrong."""
        if self.error is not None:
            raise self.error
        return self


class Rig:
    """A driver on a line to its twin in virtual time, or on a real line. `Subject.rig` makes it.

    Attributes:
        device: as the driver made it.
        said: what went over the line: time, direction (``>`` to the instrument), bytes.
    """

    def __init__(self, subject: Subject, clock: Clock, lab: Lab | None) -> None:
        self.subject, self.clock = subject, clock
        self.said: list[tuple[float, str, bytes]] = []
        self._lab = lab
        self._connect()

    def _connect(self) -> None:
        self.line = self.bare_line()
        self.line.trace = lambda when, direction, data: self.said.append((when, direction, data))
        self.device = self.subject.driver.create(self.line, self.clock, NAME, self.subject.settings)
        self._stepped = with_stepping(self.device, self.clock)

    def bare_line(self) -> Transport:
        """A line to the instrument without a driver."""
        subject = self.subject
        if self._lab is None:
            return subject.plugins.open_transport(subject.resource, self.clock, subject.line_settings)
        settings = {**subject.line_settings, "url": self._lab.url(NAME)}
        return subject.plugins.open_transport(f"sim://{NAME}", self.clock, settings)

    def reopen(self) -> None:
        """A new line and a new driver to the same instrument, as a program that was started again would have."""
        self.device.close()
        self._connect()

    @property
    def instrument(self) -> MeasuringInstrument:
        """The device as the engine uses it, with stepped techniques.

        Raises:
            NotApplicable: it runs no techniques.
        """
        if not measures(self._stepped):
            raise NotApplicable("the instrument runs no techniques on a cell")
        return self._stepped

    @property
    def controller(self) -> TemperatureController:
        """The device as one that controls a temperature.

        Raises:
            NotApplicable: it controls none.
        """
        if not isinstance(self.device, TemperatureController):
            raise NotApplicable("the instrument controls no temperature")
        return self.device

    @property
    def lab(self) -> Lab:
        """The laboratory of the twin.

        Raises:
            NotApplicable: this is a real instrument.
        """
        if self._lab is None:
            raise NotApplicable("a real instrument cannot be looked at but through its driver")
        return self._lab

    @property
    def cell_is_on(self) -> bool:
        """What is really so, whatever the driver says."""
        return self.lab.cell_is_on(NAME)

    @property
    def writes(self) -> list[bytes]:
        """What the driver has sent, each write for itself."""
        return [data for _, direction, data in self.said if direction == ">"]

    @property
    def written(self) -> bytes:
        """Everything that the driver has sent."""
        return b"".join(self.writes)

    def run(
        self,
        techniques: Sequence[Technique],
        on_frame: Callable[[int], None] = lambda rows: None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Recording:
        """Prepare and run. What the instrument or ``on_frame`` raises is kept in the recording.

        Args:
            techniques: what to run in one go.
            on_frame: called behind each frame with the number of rows so far.
            meanwhile: done by another thread, which begins together with the technique.
        """
        recording = Recording(self.instrument.prepare(techniques), self.clock.now())
        worker = self.clock.start_worker("beside the technique", meanwhile) if meanwhile is not None else None
        frames = self.instrument.frames()
        try:
            for frame in frames:
                recording.rows += rows_of(frame)
                on_frame(len(recording.rows))
        except Exception as error:  # noqa: BLE001 - the check that asked for the run judges it
            recording.error = error
        finally:
            recording.ended = self.clock.now()
            frames.close()  # type: ignore[attr-defined]  # a generator, as the engine treats it
            if worker is not None:
                worker.join()
        return recording

    def close(self) -> None:
        """Give the line back and end the laboratory."""
        self.device.close()
        if self._lab is not None:
            self._lab.close()


class CellWatch:
    """Watches from now on when the twin's cell is really off."""

    def __init__(self, rig: Rig, longest: float) -> None:
        self._rig, self._longest = rig, longest
        self._begun = rig.clock.now()
        self._seconds = float("inf")
        self._worker = rig.clock.start_worker("watches the cell", self._watch)

    def _watch(self) -> None:
        clock = self._rig.clock
        while clock.now() <= self._begun + self._longest:
            if not self._rig.cell_is_on:
                self._seconds = clock.now() - self._begun
                return
            clock.sleep(_LOOK)

    def seconds(self) -> float:
        """How long that took (lab s); infinite if it was still on after the longest time."""
        self._worker.join()
        return self._seconds


def rows_of(frame: Frame) -> list[dict[str, float]]:
    """The rows of a frame by column, with the frame's own ``received`` and ``part``."""
    names = frame.schema.names
    kept = {"received": frame.received, "part": frame.part}
    return [{**dict(zip(names, row, strict=True)), **kept} for row in frame.rows()]
