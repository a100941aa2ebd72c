"""Doing a step until it is done: its attempts, what brings it back after trouble, and what trouble undid.

Three things end an attempt without ending the step: a line that breaks (or an answer that is missing
or makes no sense), a limit that suspends, and the death of the process. All three have opened the
cell, so all three go on in the same way: what the stop undid is established again, and the step is
done as its technique says (`luggin.steps.resuming`): from its beginning, or with what is left of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from luggin.engine.events import Event
from luggin.engine.execution import Attempt, execute
from luggin.engine.suspension import Suspended
from luggin.engine.temperatures import states_made
from luggin.errors import BadReply, InstrumentError, Interrupted, LineLost, LugginError, ReplyTimeout, UnsafeState
from luggin.records import Flag

if TYPE_CHECKING:
    from luggin.engine.history import History
    from luggin.engine.parts import Part, StepResult
    from luggin.engine.run import Run
    from luggin.steps import Step

#: So often one step may be brought back from a broken line without having come further; a cable that breaks
#: more often needs a person.
MOST_BREAKS = 3
#: Opening a line may take this long (host s), in which its thread does nothing else.
OPENING = 15.0

#: Trouble of the line, after which the instrument may be as well as before.
_OF_THE_LINE = (LineLost, ReplyTimeout, BadReply)


@dataclass
class _Left:
    """What is still to be done of a step, and the rows of earlier attempts that count with it."""

    step: Step
    parts: list[Part] = field(default_factory=list)
    elapsed: float = 0.0
    flag: int = 0


@dataclass(frozen=True)
class _Established:
    path: str
    step: Step
    references: Mapping[str, float | None]


class Performer:
    """Performs the steps of one run.

    Args:
        run: whose steps.
        history: what was done before this process took the run.
    """

    def __init__(self, run: Run, history: History) -> None:
        self._run = run
        self._history = history
        self._attempts: dict[str, int] = {}
        #: Steps of this replay, with the potentials that they referred to.
        self._replayed: dict[str, tuple[Step, dict[str, float | None]]] = {}
        #: Which step established a state of the sample last.
        self._established: dict[str, _Established] = {}
        #: States that a stop has undone since.
        self._undone: set[str] = set()
        self._resumed = bool(history.order)
        self._numbers = history.steps

    def next_number(self) -> int:
        """A step number that no other step has."""
        self._numbers += 1
        return self._numbers

    def next_attempt(self, path: str) -> int:
        """The number of the next attempt at a path; it counts as begun."""
        self._attempts[path] = max(self._attempts.get(path, 0) + 1, self._history.attempt(path))
        return self._attempts[path]

    # -- what was done before
    def replayed(self, path: str, step: Step) -> None:
        """A step gave back what it gave when it was done."""
        self._replayed[path] = (step, dict(self._run.references))

    def before(self, path: str, step: Step) -> None:
        """Before a step that really runs: bring back what the end of the last process, or trouble, undid.

        Not the states that the step itself makes: a soak at 40 degC does not want the one at 30 degC before it.
        """
        if self._resumed:
            self._resumed = False
            for state, entry in self._history.latest_establishing(before=path).items():
                if entry.path in self._replayed:
                    made, references = self._replayed[entry.path]
                    self._established[state] = _Established(entry.path, made, references)
                    self._undone.add(state)
        self._undone.difference_update(self._states(step))
        self._restore()

    def _restore(self) -> None:
        """Do the steps again whose states were undone, each once, in the order of their first time.

        A step is done again against the potentials of its first time, and what follows does not
        refer to the repetition: a resumed run applies what an undisturbed one would have applied.
        """
        run = self._run
        again = {e.path: e for state, e in self._established.items() if state in self._undone}
        self._undone.clear()
        references = dict(run.references)
        for made in again.values():
            states = ", ".join(state for state, e in self._established.items() if e.path == made.path)
            run.watcher.said(f"{states}: step {made.path} is done again, because the stop undid it")
            run.references = dict(made.references)
            self.perform(made.path, made.step, again=True)
        run.references = references

    # -- doing
    def perform(self, path: str, step: Step, *, again: bool = False) -> StepResult:
        """Do a step, in as many attempts as it takes. Raises what `Run.do` raises."""
        run = self._run
        number = self._history.step_number(path) or self.next_number()
        before = dict(run.references)
        left = _Left(step) if again else self._left_of(path, step)
        breaks = 0
        while True:
            common: dict[str, Any] = {"path": path, "step": number, "attempt": self.next_attempt(path)}
            if again:
                common["re_established"] = True
            attempt = self._begin(common, step, left)
            try:
                run.check_stop()
                status, _, values = execute(attempt, left.step)
            except Interrupted:
                self._stopped(attempt, common)
                raise
            except (Suspended, *_OF_THE_LINE, UnsafeState) as trouble:
                if not _may_pass(trouble):
                    self._failed(attempt, common, trouble)
                    raise
                breaks += not isinstance(trouble, Suspended)
                came = left.elapsed
                left = self._mended(attempt, common, trouble, breaks, step, left)
                breaks = 0 if left.elapsed > came else breaks
            except BaseException as error:
                self._failed(attempt, common, error)
                raise
            else:
                break
        parts = [*left.parts, *attempt.parts]
        run.writer.sync()
        said = [part.to_json() for part in parts]
        record = run.record("end", sync=True, **common, do=step.do, status=status, parts=said, values=values)
        self._note_established(path, step, before)
        result = run.ended(record)
        run.watcher.step_ended(path, status)
        return result

    def _begin(self, common: Mapping[str, Any], step: Step, left: _Left) -> Attempt:
        run = self._run
        run.record(
            "start",
            **common,
            do=step.do,
            id=step.id or "",
            role=step.role or "",
            label=step.label or "",
            fingerprint=step.fingerprint(),
            request=step.to_json(),
            establishes=list(self._states(step)),
            goes_on_after=left.elapsed,
        )
        run.current = (int(common["step"]), int(common["attempt"]))
        return Attempt(run, str(common["path"]), *run.current, step.on, goes_on=bool(left.parts), flag=left.flag)

    def _stopped(self, attempt: Attempt, common: Mapping[str, Any]) -> None:
        run = self._run
        run.event(Event.STOP_ASKED, **_place(common), words=run.stop_reason)
        run.record("interrupted", **common, parts=[p.to_json() for p in attempt.parts])
        run.watcher.step_ended(attempt.path, "interrupted")

    def _failed(self, attempt: Attempt, common: Mapping[str, Any], error: BaseException) -> None:
        run = self._run
        run.failed_path = attempt.path
        said = {"type": type(error).__name__, "message": str(error)}
        run.record("failed", **common, error=said, parts=[p.to_json() for p in attempt.parts])
        run.watcher.step_ended(attempt.path, "failed")

    # -- trouble
    def _mended(
        self, attempt: Attempt, common: Mapping[str, Any], trouble: Exception, breaks: int, step: Step, left: _Left
    ) -> _Left:
        """What is left of a step, once what ended the attempt is over. Raises where there is no way on."""
        from luggin.steps.resuming import policy_of

        run = self._run
        try:
            if not isinstance(trouble, Suspended) and (policy_of(step) == "stop" or breaks > MOST_BREAKS):
                if breaks > MOST_BREAKS:
                    trouble.add_note(
                        f"step {attempt.path} lost its line {breaks} times; it is brought back {MOST_BREAKS} times"
                    )
                raise trouble
            began = run.time()
            said = {"type": type(trouble).__name__, "message": str(trouble)}
            run.record("broken", **common, error=said, parts=[p.to_json() for p in attempt.parts])
            if isinstance(trouble, Suspended):
                run.suspensions.wait(trouble, attempt)
                self._undone.update(self._established)
            else:
                self._reconnect(attempt, common, trouble)
                role = f"@{attempt.role}"
                self._undone.update(state for state in self._established if state.endswith(role))
            run.event(Event.GAP, **_place(common), words=str(trouble), **{"from": began, "to": run.time()})
            flag = Flag.SUSPENDED if isinstance(trouble, Suspended) else Flag.GAP
            remaining = replace(self._remaining(step, left, attempt.parts, attempt.elapsed), flag=flag.value)
            self._restore()
        except Interrupted:
            self._stopped(attempt, common)
            raise
        except BaseException as error:
            self._failed(attempt, common, error)
            raise
        return remaining

    def _reconnect(self, attempt: Attempt, common: Mapping[str, Any], trouble: Exception) -> None:
        """Bring the line back, and say so in the run."""
        run, role = self._run, attempt.role
        run.event(Event.LINE_LOST, **_place(common), role=role, words=str(trouble))
        run.watcher.said(f"{role}: {trouble}. Waiting for it to come back.")
        run.expect_silence(role, OPENING)
        try:
            verified = run.session.reconnecting.reconnect(role, attempt.generation, run.soft)
        except Interrupted:
            raise run.interrupted() from trouble
        except InstrumentError as error:
            raise error from trouble
        run.disarmed(role)
        run.event(Event.RECONNECTED, **_place(common), role=role, verified=verified)
        run.watcher.said(f"{role} is back, and its cell is open; going on")

    def _remaining(self, step: Step, left: _Left, parts: list[Part], elapsed: float) -> _Left:
        from luggin.steps.resuming import remaining

        done = left.elapsed + elapsed
        rest = remaining(step, done) if done > 0 else None
        return _Left(step) if rest is None else _Left(rest, [*left.parts, *parts], done)

    def _left_of(self, path: str, step: Step) -> _Left:
        """What is left of a step that the last process did not end."""
        from luggin.steps.resuming import policy_of

        if self._history.attempt(path) == 1 or policy_of(step) != "continue":
            return _Left(step)
        from luggin.engine.leftovers import measured_before

        parts, elapsed = measured_before(self._run.folder, path)
        return self._remaining(step, _Left(step), parts, elapsed)

    # -- states of the sample
    def _states(self, step: Step) -> tuple[str, ...]:
        said = (state if "@" in state else f"{state}@{step.on or 'cell'}" for state in step.establishes)
        return (*said, *states_made(self._run.session.instruments, step))

    def _note_established(self, path: str, step: Step, references: Mapping[str, float | None]) -> None:
        for state in self._states(step):
            self._established.pop(state, None)
            self._established[state] = _Established(path, step, references)
            self._undone.discard(state)


def _may_pass(trouble: BaseException) -> bool:
    """Whether it is trouble that may pass: a suspension, or a line on which answers went missing.

    An instrument that could not be made safe, or whose line broke meanwhile, is judged by what came before that.
    """
    first = trouble.__cause__
    if isinstance(trouble, UnsafeState | LineLost) and isinstance(first, LugginError):
        return isinstance(first, _OF_THE_LINE)
    return isinstance(trouble, (Suspended, *_OF_THE_LINE))


def _place(common: Mapping[str, Any]) -> dict[str, Any]:
    return {key: common[key] for key in ("path", "step", "attempt")}
