"""A durable run: every call is journalled under a path, and replayed instead of done again."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.capabilities import measures
from luggin.engine.events import EVENTS, Event
from luggin.engine.history import History, recorded_error
from luggin.engine.latch import latch, lines_of
from luggin.engine.monitors import Monitors, MonitorSpec
from luggin.engine.parts import Part as Part
from luggin.engine.parts import StepResult as StepResult
from luggin.engine.performing import Performer
from luggin.engine.progress import People, Watcher
from luggin.engine.suspension import Suspensions
from luggin.errors import (
    Interrupted,
    LimitTripped,
    LugginError,
    PluginFault,
    RunFolderError,
    StoreError,
    UsageError,
)
from luggin.records import Frame
from luggin.results import Outcome
from luggin.signals import SignalWatch

if TYPE_CHECKING:
    from luggin.engine.guarding import Guard
    from luggin.engine.limits import Limit
    from luggin.engine.session import BenchSession
    from luggin.engine.upkeep import Upkeep
    from luggin.observing import Observers
    from luggin.plugins import Plugins
    from luggin.steps import Step
    from luggin.store import RunLog, StoreWriter


#: How long (host s) a disk may hold up a row before whoever writes it counts as hanging.
SLOW_DISK = 30.0
#: How long (host s) the end of a run waits for its observers at most.
OBSERVERS = 0.5


class Run:
    """One execution of a protocol. Made by `luggin.start` or the command line, used as a context.

    Every call (`do`, `analyse`, `read`, `prompt`, `now`, `random`) is recorded under a path; on
    resume a call that completed returns its record at once. Only the thread that made the run may
    call them. Leaving the context makes every instrument safe, whatever happened.
    """

    def __init__(
        self,
        folder: Path,
        session: BenchSession,
        writer: StoreWriter,
        log: RunLog,
        history: History,
        *,
        limits: Sequence[Limit],
        sample: Mapping[str, Any],
        plugins: Plugins,
        people: People,
        watcher: Watcher,
    ) -> None:
        self.folder = folder
        self.session = session
        self.writer = writer
        self.limits = tuple(limits)
        self.sample = dict(sample)
        self.plugins = plugins
        self.people = people
        self.watcher = watcher
        self.soft = session.clock.cancel()
        self.hard = session.clock.cancel()
        self.trip: str | None = None
        #: Potentials (V) that later steps may refer to: at open circuit, and where the last technique ended.
        self.references: dict[str, float | None] = {"ocp": None, "previous": None}
        self.outcome = "running"
        self._log = log
        self._history = history
        self._thread = threading.get_ident()
        self._counter = 0
        self._zero = session.clock.now() - history.last_time
        #: Where the run failed, and why it was asked to stop.
        self.failed_path = ""
        self.stop_reason = ""
        self._around = contextlib.ExitStack()
        self.monitors = Monitors(self)
        self.suspensions = Suspensions(self)
        #: The process that makes the lines safe when this one dies or hangs; `guarded` starts it.
        self.guard: Guard | None = None
        self._observers: Observers | None = None
        self._upkeep: Upkeep | None = None
        #: Why the run has to end, where no person and no signal said so.
        self._stop_error: LugginError | None = None
        #: Where several runs live in one process: told when this one is given up because its driver hangs.
        self.on_given_up: Callable[[LugginError], None] | None = None
        self._performer = Performer(self, history)
        self._recording = threading.Lock()  # monitors record events beside the steps
        #: Step number and attempt of what runs now, for the rows of monitors.
        self.current = (0, 0)

    # -- time
    def time(self) -> float:
        """Lab time since the start of the run (s), going on over resumes."""
        return self.session.clock.now() - self._zero

    @property
    def zero(self) -> float:
        """Lab time at which `time` is 0."""
        return self._zero

    # -- the one primitive
    def do(self, step: Step, *, path: str | None = None) -> StepResult:
        """Do a step, or give back what it gave when it was done before.

        Args:
            step: what to do; a `Repeat` or `ForEach` does all its steps and gives back the last one's result.
            path: place in the protocol; the next number if not given (scripts).

        Raises:
            LimitTripped: a limit with ``then = "stop"`` was left; the cell is open.
            Interrupted: somebody asked the run to stop; the cell is open.
            InstrumentError: the bench did not do what it should; the cell is open.
            Divergence: a completed call had another step under this path.
        """
        from luggin.steps import ForEach, Repeat, walk

        place = self._path(path)
        if isinstance(step, Repeat | ForEach):
            inside = ((e.path.partition("/")[2], e.step) for e in walk([step]))
            return [self.do(member, path=f"{place}/{rest}") for rest, member in inside][-1]
        recorded = self._history.recorded(place, step.do, step.fingerprint())
        if recorded is not None:
            return self._replay(place, step, recorded)
        self.monitors.require_free_for(step)
        self._performer.before(place, step)
        return self._performer.perform(place, step)

    def _replay(self, path: str, step: Step, recorded: Mapping[str, Any]) -> StepResult:
        self._performer.replayed(path, step)
        if recorded["kind"] == "failed":
            raise recorded_error(recorded)
        result = _result(recorded)
        self._remember(result)
        self.watcher.step_ended(path, "replayed")
        return result

    def ended(self, record: Mapping[str, Any]) -> StepResult:
        """The result that the record of a completed step means; what it measured is referred to from now on."""
        result = _result(record)
        self._remember(result)
        return result

    def _remember(self, result: StepResult) -> None:
        for name in self.references:
            if name in result.values:
                self.references[name] = result.values[name]

    # -- the companions
    def analyse(self, name: str, *results: StepResult, **parameters: Any) -> Outcome:
        """Ask an analysis about the rows of some steps (all steps so far, if none are given)."""
        from luggin.engine.analysing import analyse_steps

        return analyse_steps(self, self._path(None), name, results, parameters)

    def read(self, role: str, reading: str) -> Any:
        """One reading of an instrument, by the name that its driver declares."""

        def ask() -> Any:
            bound = getattr(self.session.device(role), reading, None)
            if bound is None or not hasattr(bound, "read"):
                raise UsageError(f"{role} has no reading {reading!r}")
            return bound.read()

        return self.companion("read", {"role": role, "reading": reading}, ask)

    def prompt(self, text: str, **fields: str) -> Mapping[str, str]:
        """Ask the person at the bench; ``fields`` maps names to units. Returns the answers."""
        from luggin.steps import Prompt

        result = self.do(Prompt(text=text, fields=fields))
        answers: Mapping[str, str] = result.values.get("answers", {})
        return answers

    def now(self) -> datetime:
        """The time of day (UTC) of the experiment; the recorded one when replayed."""
        return datetime.fromisoformat(self.companion("now", {}, lambda: self.session.clock.utc().isoformat()))

    def random(self) -> float:
        """A random number in [0, 1); the recorded one when replayed."""
        return float(self.companion("random", {}, random.random))

    def companion(
        self, do: str, request: Mapping[str, Any], function: Callable[[], Any], path: str | None = None
    ) -> Any:
        """Do something small under a path; its value (plain JSON) is recorded and given back on replay."""
        path = path or self._path(None)
        fingerprint = repr(sorted(request.items()))
        recorded = self._history.recorded(path, do, fingerprint)
        if recorded is not None:
            if recorded["kind"] == "failed":
                raise recorded_error(recorded)
            return recorded["values"]["value"]
        common: dict[str, Any] = {
            "path": path,
            "step": self._history.step_number(path) or self._performer.next_number(),
        }
        attempt = self._performer.next_attempt(path)
        self.record("start", **common, attempt=attempt, do=do, fingerprint=fingerprint, request=dict(request))
        try:
            value = function()
        except LugginError as error:
            self.failed_path = path
            self.record("failed", **common, error={"type": type(error).__name__, "message": str(error)})
            raise
        self.record("end", sync=True, **common, do=do, status="done", parts=[], values={"value": value})
        return value

    # -- stopping
    def request_stop(self, reason: str, *, hard: bool = False) -> None:
        """Ask for a safe stop, from any thread; ``hard`` does not wait for rows on their way."""
        self.stop_reason = self.stop_reason or reason
        self.soft.set()
        if hard:
            self.hard.set()
        self.abort_techniques()

    def abort_techniques(self) -> None:
        """End whatever measures on a cell, from any thread; the run goes on as its steps say."""
        for instrument in list(self.session.instruments.values()):
            if measures(instrument):
                instrument.request_abort()

    def stop_for(self, error: LugginError) -> None:
        """The run has to end, from any thread: safely, and with this error."""
        if self._stop_error is None:
            self._stop_error = error
            self.request_stop(str(error))

    def kept_up(self) -> None:
        """Look after the disk and the computer's clocks until the run is over."""
        from luggin.engine.upkeep import Upkeep

        self._upkeep = Upkeep(self)
        self._upkeep.start()

    # -- the guardian
    def guarded(self) -> None:
        """Start the guardian of the bench's lines, and say which lines it cannot guard.

        Raises:
            InstrumentError: it cannot be started.
        """
        from luggin.engine.guarded_lines import guarded_lines
        from luggin.engine.guarding import PATIENCE, SIMULATED_PATIENCE, Guard

        session = self.session
        lines, unguarded = guarded_lines(session, self.plugins)
        for role, why in unguarded.items():
            self.event(Event.GUARDIAN, role=role, words=f"not guarded: {why}")
            self.watcher.said(f"{role} is not guarded: {why}. If this program dies, nobody opens its cell.")
        if not lines:
            return
        patience = SIMULATED_PATIENCE if session.simulated else PATIENCE
        self.guard = Guard.start(self.folder, lines, self._guardian_lost, clock=session.clock, patience=patience)
        for role in session.devices:
            self.guard.watchdog.watch(session.line(role))
        self.guard.on_stuck = self._stuck
        for target in (self.writer, self._log):
            self.guard.watchdog.allow(target, "append", SLOW_DISK)
        session.opened = self._line_opened
        self.event(Event.GUARDIAN, pid=self.guard.pid, words=f"guards {', '.join(line.role for line in lines)}")

    def observed(self, bench: Path | None, observe: bool = True) -> None:
        """Let plugins add to what is known of the run, and start the process of whoever observes it, if it may."""
        from luggin.observing import Observers

        added, faults = self.plugins.run_metadata(self.folder, self.writer.attributes)
        if added:
            self.writer.set_attributes(added)
        if faults:
            self.record("plugins", faults=faults)
        if observe:
            self._observers = Observers.start(self.folder, self.plugins, bench)

    def _line_opened(self, role: str) -> None:
        if self.guard is not None:
            self.guard.watchdog.watch(self.session.line(role))

    def _stuck(self, words: str) -> bool:
        """A driver hangs while a cell may be on. Beside other runs only this one is given up, not the process.

        Nothing can end a thread of Python: it is left behind with closed lines and a closed record, and the
        guardian opens the cell.
        """
        if self.on_given_up is None or self.guard is None:
            return False
        error = PluginFault(
            f"{words}. This is a mistake in a driver. This run is given up, and the guardian opens its cell; the data "
            "up to there are kept."
        )
        self.outcome = "failed"
        # Nothing comes before the cell: no beat is sent from here on, and a busy interpreter is slow.
        self.session.give_up()
        self.guard.leave_to_guardian(str(error))
        said = {"type": type(error).__name__, "message": str(error)}
        with contextlib.suppress(StoreError):
            self.record("finish", outcome="failed", failed_path="", error=said, trip=None, made_safe={}, sync=True)
            self.writer.set_attributes({"status": "failed"})
            self.writer.close()
            self._log.close()
        self.on_given_up(error)
        return True

    def _guardian_lost(self, words: str) -> None:
        """The guardian is gone: nothing may be on that nobody guards."""
        if self.outcome == "running":
            self.event(Event.GUARDIAN, words=words)
            self.watcher.said(f"{words}: stopping")
            self.request_stop(f"Luggin itself, because {words}")

    def armed(self, role: str) -> None:
        """The cell of a role may be on from now on."""
        if self.guard is not None:
            self.guard.arm(role)

    def disarmed(self, role: str) -> None:
        """The cell of a role was verified to be off."""
        if self.guard is not None:
            self.guard.disarm(role)

    def expect_silence(self, role: str, seconds: float) -> None:
        """Whoever holds this role's cell may be silent for so long (host s) and is not taken for dead; 0: as usual."""
        if self.guard is not None:
            self.guard.expect(role, seconds)

    # -- monitors
    def monitor(self, specs: Sequence[MonitorSpec]) -> None:
        """Read other instruments beside the techniques until the run is over.

        Raises:
            UsageError: an instrument has no such reading.
        """
        if specs:
            # Who starts workers takes part in the time: otherwise the first of them runs ahead.
            self._around.enter_context(self.session.clock.worker("run"))
            self.monitors.start(specs)

    def tripped(self, words: str) -> LimitTripped:
        """A limit stopped the run: its lines are closed to everybody until somebody has looked at the cell.

        Returns the exception to raise.
        """
        self.trip = words
        try:
            latch(lines_of(self.session.bench), words, self.folder)
        except StoreError as error:  # the run itself stays latched, and its cell is opened whatever happens here
            self.watcher.said(f"the lines could not be closed to other runs: {error}")
        return LimitTripped(f"{words}. The cell is open; the data up to there are kept.")

    def stop_by_signal(self, count: int, name: str) -> None:
        """What a `SignalWatch` tells: the first signal stops at a row boundary, the second at once."""
        words = {1: "stopping: the cell is being opened", 2: "stopping at once: the cell is being opened"}
        self.watcher.said(words.get(count, "the cell is being opened; this cannot be skipped"))
        self.request_stop(name, hard=count > 1)

    def watch_signals(self) -> None:
        """Take Ctrl-C and its relatives until the run is over (for scripts that nobody else watches over)."""
        self._around.enter_context(SignalWatch(self.stop_by_signal))

    def check_stop(self) -> None:
        """Raise Interrupted if a stop was asked for."""
        if self.soft.is_set:
            raise self.interrupted()

    def interrupted(self) -> LugginError:
        """The exception for a stop that was asked for, by a person or by a monitor."""
        error = self.monitors.error or self._stop_error
        if error is not None:
            return error
        return Interrupted(f"stopped by {self.stop_reason}; the cell is open, the data are kept")

    # -- the record
    def record(self, kind: str, *, sync: bool = False, **fields: Any) -> dict[str, Any]:
        """Write a control record into ``run.log``; what was written."""
        with self._recording:
            record = {"kind": kind, "time": round(self.time(), 6), **fields}
            self._log.append(record, sync=sync and self._durable)
        return record

    def event(self, what: Event, **fields: Any) -> None:
        """Write something that happened into ``run.log``, and into the store's ``events`` for readers of the data."""
        record = self.record("event", what=what.words, **fields)
        row = (record["time"], int(what), int(fields.get("step", 0)), int(fields.get("attempt", 0)))
        self.writer.append(Frame(EVENTS, self.session.clock.now(), [row]), last=True)

    @property
    def _durable(self) -> bool:
        return not self.session.clock.virtual

    def _path(self, path: str | None) -> str:
        if threading.get_ident() != self._thread:
            raise UsageError("steps are done by the thread that started the run; monitors are not steps")
        if self.outcome != "running":
            raise RunFolderError(f"{self.folder}: this run is over ({self.outcome})")
        if path is not None:
            return path
        self._counter += 1
        return str(self._counter)

    # -- the end
    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.finish(error)

    def finish(self, error: BaseException | None) -> None:
        """Make everything safe, record the outcome, publish all rows and give the bench back."""
        if self._upkeep is not None:
            self._upkeep.close()
        if self.outcome != "running":
            return
        with self._around:
            self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        unsafe: LugginError | None = None
        try:
            self._close_bench()
        except LugginError as trouble:
            unsafe = trouble
        if error is None:
            unsafe = unsafe or self.monitors.error  # it may have come behind the last step, which did not see it
        final = unsafe or error
        self.outcome = _outcome(final)
        record = {
            "outcome": self.outcome,
            "failed_path": self.failed_path if final is not None else "",
            "error": None if final is None else {"type": type(final).__name__, "message": str(final)},
            "trip": self.trip,
            "made_safe": dict(self.session.made_safe),
        }
        with contextlib.suppress(StoreError):  # if the store is what failed, run.log still says how it ended
            self.event(Event.FINISHED, words=self.outcome)
            self.writer.set_attributes({"status": self.outcome, "ended": self.session.clock.utc().isoformat()})
            self.writer.sync()
        try:
            self._close_record(record)
        except LugginError as failed:
            self.outcome = _outcome(final or failed)
            if unsafe is None:
                raise
            unsafe.add_note(f"and the end of the run could not be written: {failed}")
        if unsafe is not None:
            raise unsafe from error

    def _close_record(self, record: Mapping[str, Any]) -> None:
        """Write how it ended, and close what it was written into, whatever happens to one of them."""
        with contextlib.ExitStack() as closing:
            closing.callback(self.writer.close)
            closing.callback(self._log.close)
            self.record("finish", sync=True, **record)
            patience = 0.0 if self.session.clock.virtual else OBSERVERS
            if self._observers is not None and (faults := self._observers.close(patience)):
                self.record("observers", faults=faults)

    def _close_bench(self) -> None:
        """End the monitors, then make everything safe and give the lines back, whatever the monitors did."""
        try:
            with contextlib.ExitStack() as closing:
                closing.callback(self.session.close)
                closing.callback(self.monitors.stop)
        except BaseException as error:
            if self.guard is not None:
                self.guard.leave_to_guardian(str(error))
            raise
        if self.guard is not None:
            self.guard.close()


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "completed"
    if isinstance(error, LimitTripped):
        return "limit tripped"
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return "interrupted"
    return "failed"


def _result(record: Mapping[str, Any]) -> StepResult:
    return StepResult(
        path=str(record["path"]),
        do=str(record.get("do", "")),
        step=int(record["step"]),
        attempt=int(record.get("attempt", 1)),
        status=str(record.get("status", "done")),
        parts=tuple(Part(**part) for part in record.get("parts", ())),
        values=record.get("values", {}),
    )
