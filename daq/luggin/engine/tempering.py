"""Does ``set_temperature``, ``ramp`` and ``equilibrate``: a controller is set, sensors are read, rows are kept.

What is read while something is waited for goes into the stream ``temperature``, through the same
limits as every other reading.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from luggin import units
from luggin.capabilities import TemperatureController
from luggin.engine.equilibrium import Criterion, Equilibrium
from luggin.engine.events import Event
from luggin.engine.limits import LimitGuard
from luggin.engine.pacing import Pace
from luggin.engine.recorder import Recorder
from luggin.engine.run import Part
from luggin.engine.suspension import Suspended
from luggin.engine.temperatures import TEMPERATURE, controller_role, objection, tempers
from luggin.errors import BadReply, InstrumentFault, LimitError, LimitTripped, ReplyTimeout, UsageError
from luggin.instrument import Instrument
from luggin.records import Flag, Frame

if TYPE_CHECKING:
    from luggin.engine.execution import Attempt, Executed
    from luggin.engine.limits import Trip
    from luggin.steps import Equilibrate, Ramp, SetTemperature, TemperatureStep

#: Readings in a row that could not be had, after which it is not the reading that is at fault.
MISSING_ROWS = 5
#: A set point is told to a hundredth of a kelvin.
_DIGITS = 2

_SENSORS = ("bath", "sample")


@runtime_checkable
class SaysWhetherItControls(Protocol):
    """A controller that can be asked whether it still does its work."""

    def check_control(self) -> None:
        """InstrumentFault for an alarm, or if somebody has stopped it."""
        ...


# -- the executors --------------------------------------------------------------------------------


def set_temperature(attempt: Attempt, step: SetTemperature) -> Executed:
    """Set the set point; nothing is waited for."""
    controller = _controller(attempt, step)
    attempt.run.watcher.step_began(attempt.path, _title(step), 0.0, 0)
    setpoint = controller.set_temperature(float(step.target))
    return "done", attempt.parts, {"setpoint": setpoint}


def ramp(attempt: Attempt, step: Ramp) -> Executed:
    """Move the set point in small steps, one for each reading."""
    controller = _controller(attempt, step)
    clock, target = attempt.run.session.clock, float(step.target)
    begin, began = controller.read_temperature(), clock.now()
    lasts = abs(target - begin) / float(step.rate)
    pace = _Pacing(attempt, step, float(step.dt), lasts)
    with _trace(attempt, controller, step, "") as trace:
        while True:
            done = min(1.0, (clock.now() - began) / lasts) if lasts else 1.0
            wanted = target if done == 1.0 else round(begin + done * (target - begin), _DIGITS)
            trace.setpoint = controller.set_temperature(wanted)
            trace.read()
            if done == 1.0:
                break
            pace.wait()
    return "done", attempt.parts, {"setpoint": trace.setpoint, "began_at": begin, "waited": clock.now() - began}


def equilibrate(attempt: Attempt, step: Equilibrate) -> Executed:
    """Set the set point and wait until the sensor fulfils the criterion, or time is over."""
    controller = _controller(attempt, step)
    run, clock = attempt.run, attempt.run.session.clock
    slope = None if step.slope is None else float(step.slope)
    judged = Equilibrium(
        Criterion(float(step.target), float(step.within), float(step.dwell), slope, float(step.window))
    )
    began = clock.now()
    with _trace(attempt, controller, step, step.sensor) as trace:
        trace.setpoint = controller.set_temperature(float(step.target))
        pace = _Pacing(attempt, step, float(step.dt), float(step.dwell))
        while not (reached := judged.add(clock.now(), trace.read())):
            if clock.now() - began >= step.longest:
                break
            pace.wait()
        summary = judged.summary()
        values: dict[str, Any] = {
            "equilibrated": reached,
            "setpoint": trace.setpoint,
            "temperature": summary.mean,
            "spread": summary.spread,
            "slope": summary.slope,
            "waited": clock.now() - began,
            "restarts": judged.restarts,
        }
        if reached:
            return "done", attempt.parts, _finite(values)
        words = (
            f"step {attempt.path}: {step.sensor} was not at {step.target.written} within {step.within.written} for "
            f"{step.dwell.written} after {units.show_duration(step.longest)}; it was last at "
            f"{trace.last:.5g} degC, changing by {summary.slope * 60:.2g} K/min"
        )
        trace.status = "timeout"
        if step.on_timeout == "stop":
            raise InstrumentFault(f"{words}. Is the bath level right, does the set point suit the bath liquid?")
        run.watcher.said(f"{words}; going on, as on_timeout says")
        return "timeout", attempt.parts, {**_finite(values), "flagged": words}


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what there were too few readings for: JSON has no NaN."""
    return {k: v for k, v in values.items() if not (isinstance(v, float) and math.isnan(v))}


def _controller(attempt: Attempt, step: TemperatureStep) -> TemperatureController:
    """The controller of a step, once it is clear that the step may be done at all."""
    run = attempt.run
    if said := objection(run.session.instruments, run.limits, step):
        raise LimitError(f"step {attempt.path}: {said}. Nothing was set.")
    role = controller_role(run.session.instruments, step.on)
    attempt.use(role)
    found = run.session.device(role)
    if not tempers(found):  # pragma: no cover - the role was found as one that does
        raise UsageError(f"{role} controls no temperature")
    return found


def _title(step: TemperatureStep) -> str:
    return " ".join(filter(None, [step.do, step.target.written, step.id and f"'{step.id}'", step.label]))


class _Pacing:
    """Readings at absolute times, told to whoever watches, until somebody stops the run."""

    def __init__(self, attempt: Attempt, step: TemperatureStep, dt: float, duration: float) -> None:
        self._run = attempt.run
        clock = attempt.run.session.clock
        self._pace = Pace(clock, clock.now(), dt)
        attempt.run.watcher.step_began(attempt.path, _title(step), duration, int(duration / dt) + 1)

    def wait(self) -> None:
        """Wait for the next reading's time; what stopped the run, if it was stopped."""
        if self._pace.wait_next(self._run.soft) is None:
            raise self._run.interrupted()


class _Trace:
    """The rows of one step: what the sensors say, each row stored and checked.

    Attributes:
        setpoint: what the controller took last (degC).
        last: the latest usable reading of the sensor that is judged.
        status: how the part ended.
    """

    def __init__(self, attempt: Attempt, controller: TemperatureController, sensor: str) -> None:
        run = attempt.run
        self._attempt, self._run, self._controller = attempt, run, controller
        self._sensor = sensor
        self._sensors = list(_SENSORS)
        # One row is read in one go: a monitor of the same controller waits for its turn.
        self._line: AbstractContextManager[object] = (
            controller.transport.lock if isinstance(controller, Instrument) else nullcontext()
        )
        self._recorder = Recorder(run.writer, TEMPERATURE, attempt.number, attempt.attempt, run.zero)
        limits = [limit.in_unit("degC") for limit in run.limits if limit.column == "temperature"]
        self._guard = LimitGuard(limits, TEMPERATURE)
        self._missing = 0
        self.setpoint = math.nan
        self.last = math.nan
        self.status = "failed"

    def read(self) -> float:
        """Read all sensors, store a row, check the limits; the sensor that is judged, NaN if it could not be had."""
        run, clock = self._run, self._run.session.clock
        with self._line:
            values = {sensor: self._value(sensor) for sensor in self._sensors}
            judged = values[self._sensor] if self._sensor in values else self._value(self._sensor)
            trouble = self._trouble()
        self._missing = self._missing + 1 if math.isnan(judged) else 0
        self.last = self.last if math.isnan(judged) else judged
        flags = Flag.GAP.value if math.isnan(judged) else 0
        row = (judged, values.get("bath", math.nan), values.get("sample", math.nan), self.setpoint, flags)
        frame = Frame(TEMPERATURE, clock.now(), [row])
        trip = self._guard.check(frame)
        self._recorder.append(frame)
        run.watcher.rows = self._recorder.rows
        if trip is not None:
            self._left(trip)
        if trouble is not None:
            raise trouble  # behind the row, which is a good one
        return judged

    def _value(self, sensor: str) -> float:
        """One sensor; NaN for one answer that is missing or makes no sense, but not for several in a row."""
        try:
            return self._controller.read_temperature(sensor)
        except (ReplyTimeout, BadReply):
            if sensor == self._sensor and self._missing + 1 >= MISSING_ROWS:
                raise
            return math.nan
        except (InstrumentFault, UsageError):
            if sensor == self._sensor:
                raise
            self._sensors.remove(sensor)  # there is none, and nobody asked for it
            return math.nan

    def _trouble(self) -> InstrumentFault | None:
        """Why the controller does not control any more, if it says so."""
        if isinstance(self._controller, SaysWhetherItControls):
            try:
                self._controller.check_control()
            except InstrumentFault as fault:
                return fault
            except (ReplyTimeout, BadReply):  # one answer that is missing: the next row asks again
                return None
        return None

    def _left(self, trip: Trip) -> None:
        """A limit of the temperature was left."""
        run, attempt = self._run, self._attempt
        words = trip.describe()
        place = {"path": attempt.path, "step": attempt.number, "attempt": attempt.attempt}
        run.event(Event.TRIP, **place, then=trip.then, words=words)
        run.watcher.said(f"limit: {words}")
        if trip.then == "suspend":
            raise Suspended(trip.limit, f"step {attempt.path}: {words}")
        run.trip = f"step {attempt.path}: {words}"
        raise LimitTripped(f"{run.trip}. The cell is open; the data up to there are kept.")

    def part(self, step: TemperatureStep) -> Part | None:
        """Where the rows are; None if there are none."""
        if not self._recorder.rows:
            return None
        return Part(
            technique=step.do,
            stream=TEMPERATURE.stream,
            first=self._recorder.first,
            count=self._recorder.rows,
            id=step.id or "",
            role=step.role or "",
            label=step.label or "",
            parameters={"target": float(step.target), "sensor": self._sensor or "controlled"},
            status=self.status,
        )


@contextmanager
def _trace(attempt: Attempt, controller: TemperatureController, step: TemperatureStep, sensor: str) -> Iterator[_Trace]:
    """The rows of a step, which are found again however it ends."""
    trace = _Trace(attempt, controller, sensor)
    try:
        yield trace
        trace.status = "done" if trace.status == "failed" else trace.status
    except BaseException:
        trace.status = "interrupted" if attempt.run.soft.is_set else trace.status
        raise
    finally:
        part = trace.part(step)
        if part is not None:
            attempt.parts.append(part)
