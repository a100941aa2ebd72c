"""Does one step: the way of a sample from the driver through the limits into the journal."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from luggin.capabilities import MeasuringInstrument, Realised, Technique
from luggin.engine.allowed import forbidden, reach_of, requests_of, too_late
from luggin.engine.dispatch import executor_of
from luggin.engine.events import Event
from luggin.engine.limits import LimitGuard, Trip
from luggin.engine.parts import Part
from luggin.engine.recorder import Recorder
from luggin.engine.stepping import achieved_by, execution_of
from luggin.engine.suspension import Suspended
from luggin.errors import LimitError, LugginError, NotSupported
from luggin.records import Schema

if TYPE_CHECKING:
    from luggin.engine.run import Run
    from luggin.steps import Step, TechniqueStep

Executed = tuple[str, list[Part], dict[str, Any]]

#: How long the open-circuit potential is measured where a step needs it and none was measured (s).
IMPLICIT_OCP = 5.0


def execute(attempt: Attempt, step: Step) -> Executed:
    """Do a step that is not a container. Returns status, where the rows are, and small values.

    ``attempt.parts`` is filled as rows come in, so that they can be found even if the step raises.
    """
    from luggin.steps import Chain, Rest, TechniqueStep

    run, path = attempt.run, attempt.path
    if step.rest_before and not attempt.goes_on:
        attempt.wait(step.rest_before)
    if (executor := executor_of(step)) is not None:
        return executor(attempt, step)
    if isinstance(step, Rest):
        if step.dt is None:
            attempt.wait(step.duration)
            return "done", [], {}
        return attempt.measure([(step, open_circuit(step.duration, step.dt))])
    members = list(step.steps) if isinstance(step, Chain) else [step]
    techniques = [member for member in members if isinstance(member, TechniqueStep)]
    if len(techniques) != len(members):
        raise NotSupported(f"step {path}: `{step.do}` cannot be executed by this version")
    if run.references["ocp"] is None and any(
        p.zero == "ocp" for m in techniques for s in m.setpoints().values() for p in s
    ):
        run.watcher.said(f"step {path}: the open-circuit potential is measured first")
        attempt.measure([(techniques[0], open_circuit(IMPLICIT_OCP, 0.5))])
    return attempt.measure(_resolved(run, techniques))


def open_circuit(duration: float, dt: float) -> Technique:
    """The technique that measures the open-circuit potential for ``duration`` (s) each ``dt`` (s)."""
    return Technique("ocp", {"duration": float(duration), "dt": float(dt)})


def _resolved(run: Run, members: Sequence[TechniqueStep]) -> list[tuple[Step, Technique]]:
    """The techniques with absolute potentials; ``vs previous`` follows along a chain."""
    requests: list[tuple[Step, Technique]] = []
    previous = run.references["previous"]
    for member in members:
        technique = member.technique(run.references["ocp"], previous)
        if why := forbidden(technique, run.limits):
            raise LimitError(why)
        requests.append((member, technique))
        previous = ends_at(technique, previous)
    return requests


def ends_at(technique: Technique, before: float | None = None) -> float | None:
    """The potential (V) at which a technique leaves the cell; ``before`` if it applies none."""
    value = technique.parameters.get("end", technique.parameters.get("potential"))
    return before if value is None else float(value)


class Attempt:
    """One attempt at one step: everything it measures carries its number.

    Attributes:
        parts: where its rows are, filled as they come in.
        values: small values, for the record of the step.
        role: the instrument that it used last.
        generation: how often the line of that instrument had been brought back when it was used.
        elapsed: how far the last technique came (s, by the instrument's own time).
        goes_on: it does what is left of a step, whose earlier rows count.
        flag: what its first row is flagged with: what came before it.
    """

    def __init__(
        self, run: Run, path: str, number: int, attempt: int, on: str | None, goes_on: bool = False, flag: int = 0
    ) -> None:
        self.run = run
        # The members of a chain run on the instrument of the chain.
        self.on = on
        self.path = path
        self.number = number
        self.attempt = attempt
        self.goes_on = goes_on
        self.flag = flag
        self.parts: list[Part] = []
        self.values: dict[str, Any] = {}
        self.role = on or "cell"
        self.generation = 0
        self.elapsed = 0.0
        self._looking = False

    def use(self, role: str | None) -> None:
        """Note which instrument is used now, so that its line can be brought back."""
        session = self.run.session
        self.role = session.role(role)
        self.generation = session.reconnecting.generation(self.role)

    def wait(self, duration: float) -> None:
        """Wait with the cell open; nothing is recorded."""
        run = self.run
        run.watcher.step_began(self.path, "wait, cell open", duration, 0)
        if not run.session.clock.sleep(duration, run.soft):
            raise run.interrupted()

    def measure(self, requests: Sequence[tuple[Step, Technique]]) -> Executed:
        """Run techniques on the cell in one go; the cell is open before and after."""
        run = self.run
        step = requests[0][0]
        self.use(self.on)
        instrument = run.session.instrument(self.on)
        if len(requests) > 1 and not instrument.capabilities.chain:
            raise NotSupported(
                f"step {self.path}: {instrument.capabilities.model} cannot keep the cell closed between techniques; "
                "write them as single steps (the cell is open between them)"
            )
        realised = instrument.prepare([technique for _, technique in requests])
        # A stop that came before is not known to what was prepared just now; a later one is.
        run.check_stop()
        self._check_suspension()
        if not run.session.simulated and (late := too_late(run.limits, realised, instrument.capabilities)):
            raise LimitError(late)
        armed = instrument.arm(requests_of(run.limits))
        run.event(
            Event.PREPARED,
            path=self.path,
            step=self.number,
            attempt=self.attempt,
            techniques=[{"name": t.name, "parameters": dict(t.parameters)} for t in realised.techniques],
            execution=execution_of(instrument, realised),
            duration=realised.duration,
            rows=sum(realised.rows),
            latency=realised.latency,
            notes=list(realised.notes),
            limits_in_instrument=dict(armed),
        )
        title = " ".join(filter(None, [step.do, step.id and f"'{step.id}'", step.label]))
        run.watcher.step_began(self.path, title, realised.duration, sum(realised.rows))
        trip = self._stream(instrument, realised, [member for member, _ in requests])
        if achieved := achieved_by(instrument):
            self.values["achieved"] = dict(achieved)
        if run.soft.is_set:
            raise run.interrupted()
        if trip is not None:
            return self._tripped(trip)
        self._check_suspension()
        return "done", self.parts, self.values

    def _check_suspension(self) -> None:
        """Nothing closes a cell while a condition is not back; looking at the open circuit does not."""
        if not self._looking:
            self.run.suspensions.raise_pending()

    def look_at_open_circuit(self, duration: float) -> float:
        """Measure the potential (V) at open circuit for a moment; NaN if there is no usable reading."""
        from luggin.steps import OCP

        self._looking, parts = True, self.parts
        self.parts = []
        try:
            step = OCP(duration=f"{duration} s")
            _, _, values = self.measure([(step, open_circuit(duration, duration / 4))])
            return float(values.get("ocp", math.nan))
        finally:
            self._looking, self.parts = False, parts

    def _stream(self, instrument: MeasuringInstrument, realised: Realised, members: Sequence[Step]) -> Trip | None:
        """Pull frames until the technique is over; the cell is verified open on every other way out."""
        run = self.run
        hard, watcher = run.hard, run.watcher
        # While a condition is waited for, what was left already is not left again.
        limits = [limit for limit in run.limits if limit.then == "stop"] if self._looking else run.limits
        reach = reach_of(instrument.capabilities)
        recorder: Recorder | None = None
        guard: LimitGuard | None = None
        part, total = -1, 0
        schema: Schema | None = None
        tripped: Trip | None = None
        with self._safe_on_trouble(instrument):
            run.armed(self.role)
            frames = instrument.frames()
            status = "failed"
            try:
                for frame in frames:
                    if recorder is None or guard is None or frame.part != part or frame.schema is not schema:
                        self._part_over(recorder, realised, members, part)
                        total += recorder.rows if recorder else 0
                        part, schema = frame.part, frame.schema
                        recorder = Recorder(run.writer, schema, self.number, self.attempt, run.zero, self.flag)
                        self.flag = 0
                        guard = LimitGuard(limits, schema, realised.expected_flags, reach)
                    trip = guard.check(frame)
                    recorder.append(frame)
                    watcher.rows = total + recorder.rows
                    if trip is not None and trip.outweighs(tripped):
                        # A stop outweighs the end of the step that may be under way already.
                        tripped = trip
                        instrument.request_abort()
                    if hard.is_set:
                        frames.close()  # type: ignore[attr-defined]
                        break
                status = "end_step" if tripped else "interrupted" if run.soft.is_set else "done"
            finally:
                # Also the rows of a technique that failed can be found again.
                self._part_over(recorder, realised, members, part, status)
        if tripped is not None or run.soft.is_set:
            run.event(Event.MADE_SAFE, step=self.number, instrument=instrument.name, verified=instrument.make_safe())
        run.disarmed(self.role)
        return tripped

    def _part_over(
        self,
        recorder: Recorder | None,
        realised: Realised,
        members: Sequence[Step],
        part: int,
        status: str = "done",
    ) -> None:
        if recorder is None or recorder.rows == 0:
            return
        member, technique = members[part], realised.techniques[part]
        self.parts.append(
            Part(
                technique=technique.name,
                stream=recorder.schema.stream,
                first=recorder.first,
                count=recorder.rows,
                id=member.id or "",
                role=member.role or "",
                label=member.label or "",
                parameters=dict(technique.parameters),
                status=status,
            )
        )
        names = [column.name for column in recorder.schema.columns[1:-3]]
        if "instrument_time" in names and recorder.last:
            last = float(recorder.last[names.index("instrument_time")])
            self.elapsed = last if math.isfinite(last) else 0.0
        if "potential" in names and recorder.last:
            last = float(recorder.last[names.index("potential")])
            if math.isfinite(last):
                self.values["ocp" if technique.name == "ocp" else "previous"] = last
                if technique.name == "ocp":
                    self.run.references["ocp"] = last

    @contextlib.contextmanager
    def _safe_on_trouble(self, instrument: MeasuringInstrument) -> Any:
        """Whatever goes wrong, the cell is opened before the error goes on its way."""
        try:
            yield
        except BaseException as error:
            try:
                verified = instrument.make_safe()
            except LugginError as unsafe:
                unsafe.add_note(f"while handling: {error}")
                raise unsafe from error
            self.run.disarmed(self.role)
            with contextlib.suppress(LugginError):  # the store may be what failed; the first error is what matters
                self.run.event(Event.MADE_SAFE, step=self.number, instrument=instrument.name, verified=verified)
            raise

    def _tripped(self, trip: Trip) -> Executed:
        run = self.run
        words = trip.describe()
        run.event(Event.TRIP, path=self.path, step=self.number, attempt=self.attempt, then=trip.then, words=words)
        run.watcher.said(f"limit: {words}")
        if trip.then == "end_step":
            return "end_step", self.parts, {**self.values, "ended_by": words}
        if trip.then == "suspend":
            raise Suspended(trip.limit, f"step {self.path}: {words}")
        raise run.tripped(f"step {self.path}: {words}")
