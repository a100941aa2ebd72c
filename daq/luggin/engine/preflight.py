"""Does the step ``preflight``: looks at the cell, and stops the run before anything is done to a bad one.

What it measures is in the run like the rows of any technique; the verdict is a record of its own
(``preflight``) in ``run.log``, also where the look was cut short, and among the values of the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luggin.capabilities import Technique
from luggin.engine.allowed import forbidden
from luggin.engine.cell_checks import (
    Check,
    check_open_circuit,
    check_overcurrent,
    check_response,
    failed,
    may_be_closed,
    not_looked_at,
)
from luggin.engine.cell_readings import OpenCircuit, Response
from luggin.errors import InstrumentFault, LimitError, LimitTripped, LugginError, NotSupported, PreflightFailed
from luggin.steps.preflight import LASTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from luggin.engine.execution import Attempt, Executed
    from luggin.engine.run import Run
    from luggin.steps import Preflight

#: The excursion is slow first (V/s), so that a large double layer draws no more current than it must. Where
#: nothing answers to that, there is little current to fear, and it is done as fast as the instrument can.
_SLOW, _FAST = (0.05, 0.02, 0.01), (1.0, 0.5, 0.2, 0.1)
#: Steps from the open-circuit potential to a turning point, the most first.
_STEPS = (10, 5, 2)


def preflight(attempt: Attempt, step: Preflight) -> Executed:
    """Look at the cell, and say what is wrong with it.

    Raises:
        PreflightFailed: something is, and the step (or the person who was asked) stops the run.
        LimitTripped: a limit of the run was left meanwhile; what that means here stands in its notes.
    """
    return _Look(attempt, step).done()


class _Look:
    """One look at one cell."""

    def __init__(self, attempt: Attempt, step: Preflight) -> None:
        self._attempt, self._step, self._run = attempt, step, attempt.run
        self._instrument = attempt.run.session.instrument(attempt.on)
        self._checks: list[Check] = []
        self._measured: dict[str, float] = {}
        self._open = OpenCircuit.of(np.empty(0), np.empty(0))
        self._slow: Technique | None = None
        potential = self._instrument.capabilities.potential
        self._reach = (potential.low, potential.high)

    def done(self) -> Executed:
        """Measure, judge, tell, and decide."""
        attempt = self._attempt
        self._look_at_open_circuit()
        if not (why := self._better_left_open()):
            self._look_at_closed_circuit()
        else:
            self._checks += not_looked_at(why)
        verdict = self._told()
        values = {**attempt.values, "preflight": verdict}
        if wrong := failed(self._checks):
            values["went_on"] = self._went_on(wrong)
        return "done", attempt.parts, values

    # -- the open cell
    def _look_at_open_circuit(self) -> None:
        try:
            self._attempt.measure([(self._step, self._step.open_circuit())])
        except LimitTripped as tripped:
            self._judge_open_circuit()
            self._cut_short(tripped)
            raise
        self._judge_open_circuit()

    def _judge_open_circuit(self) -> None:
        rows, expect = self._rows(), self._step.expect
        time, potential = (np.empty(0), np.empty(0)) if rows is None else (rows["instrument_time"], rows["potential"])
        self._open = seen = OpenCircuit.of(time, potential)
        self._measured |= {"ocp": seen.potential, "drift": seen.drift, "noise": seen.noise}
        self._checks += check_open_circuit(
            seen,
            expected=self._window(),
            reach=self._reach,
            drift_below=float(expect.drift_below),
            noise_below=float(expect.noise_below),
        )

    def _window(self) -> tuple[float, float] | None:
        """Where the open-circuit potential may be: as expected, or else within the limits of the run."""
        if self._step.expect.ocp is not None:
            return _numbers(self._step.expect.ocp)
        limits = [n for n in self._run.limits if n.kind == "between" and n.column in ("potential", "voltage")]
        return (max(n.low for n in limits), min(n.high for n in limits)) if limits else None

    # -- the closed cell
    def _better_left_open(self) -> str:
        """Why the cell is not closed; empty if it may be."""
        step, seen = self._step, self._open
        if why := may_be_closed(seen, self._reach, float(step.amplitude), LASTS):
            return f"{why}, so the cell was not closed"
        self._slow, why = self._possible(_SLOW if step.rate is None else (float(step.rate),))
        return why

    def _look_at_closed_circuit(self) -> None:
        step, expect = self._step, self._step.expect
        if self._slow is None:
            return
        slow, fast = self._answer_to(self._slow), None
        if slow is not None and not slow.answers and step.rate is None:
            faster, _ = self._possible(_FAST)
            fast = None if faster is None else self._answer_to(faster)
        self._checks += check_response(
            slow,
            fast,
            amplitude=float(step.amplitude),
            resistance=None if expect.resistance is None else _numbers(expect.resistance),
            noise_below=None if expect.current_noise_below is None else float(expect.current_noise_below),
        )
        if slow is not None:
            self._measured |= {
                "conductance": slow.conductance,
                "u_conductance": slow.u_conductance,
                "capacitance": (fast or slow).capacitance,
                "u_capacitance": (fast or slow).u_capacitance,
                "current_noise": slow.noise,
            }

    def _possible(self, rates: Sequence[float]) -> tuple[Technique | None, str]:
        """The first of these excursions that instrument and limits allow, or why there is none. Nothing is sent."""
        why = ""
        for rate in rates:
            for steps in _STEPS:
                technique = self._step.excursion(self._open.potential, rate, steps)
                if forbids := forbidden(technique, self._run.limits):
                    return None, forbids
                try:
                    self._instrument.prepare([technique])
                except (LimitError, NotSupported) as error:
                    why = str(error)
                else:
                    return technique, ""
        return None, why

    def _answer_to(self, technique: Technique) -> Response | None:
        """What flows, without the first round, in which ranges settle and the double layer is charged."""
        before = len(self._attempt.parts)
        try:
            self._attempt.measure([(self._step, technique)])
        except (LimitTripped, InstrumentFault) as stopped:
            rows = self._rows() if len(self._attempt.parts) > before else None
            current = np.empty(0) if rows is None else rows["current"]
            self._checks.append(check_overcurrent(current, float(self._step.amplitude)))
            self._cut_short(stopped)
            raise
        rows = self._rows()
        return None if rows is None else _response(rows)

    def _cut_short(self, stopped: LugginError) -> None:
        """Say with what ends the run what it means here."""
        self._told()
        stopped.add_note("This happened in the pre-flight, before anything else was done to the cell.")
        for check in failed(self._checks):
            stopped.add_note(str(check))

    def _rows(self) -> NDArray[Any] | None:
        """The rows that were measured last."""
        from luggin.store import open_store

        if not self._attempt.parts:
            return None
        part = self._attempt.parts[-1]
        return open_store(self._run.folder).array(part.stream, part.first, part.first + part.count)

    # -- telling
    def _told(self) -> dict[str, Any]:
        """The verdict, for the person who watches and for the record."""
        wrong = failed(self._checks)
        for check in self._checks:
            self._run.watcher.said(f"pre-flight: {check}")
        verdict: dict[str, Any] = {
            "verdict": "failed" if wrong else "passed",
            "checks": [check.to_json() for check in self._checks],
            "measured": {name: value for name, value in self._measured.items() if np.isfinite(value)},
        }
        attempt = self._attempt
        self._run.record("preflight", path=attempt.path, step=attempt.number, attempt=attempt.attempt, **verdict)
        return verdict

    def _went_on(self, wrong: Sequence[Check]) -> str:
        """Why the run goes on with a cell that is not as expected. Raises if it does not."""
        if _is_stand_in(self._run, self._attempt.role):
            return "in a rehearsal another cell stands in for the one that is expected"
        said = "; ".join(map(str, wrong))
        if self._step.on_fail == "note":
            return "the protocol says so"
        if self._step.on_fail == "ask":
            run = self._run
            answers = run.people.ask(f"The pre-flight failed ({said}). Go on all the same?", {}, run.soft, None)
            if run.soft.is_set:
                raise run.interrupted()
            if answers is not None:
                return "a person said so"
        raise PreflightFailed(
            f"step {self._attempt.path}: the pre-flight failed: {said}. Nothing else was done to the cell, and it is "
            "open. Put it right and resume the run, or change what the step expects."
        )


def _is_stand_in(run: Run, role: str) -> bool:
    """Whether a simulated twin stands in for the instrument that the bench file names, as in a rehearsal."""
    bench = run.session.bench
    written = bench.document.data.get("instruments", {}).get(role, {}).get("resource", "")
    return bool(bench.roles[role].resource != written)


def _response(rows: NDArray[Any]) -> Response | None:
    names = rows.dtype.names or ()
    later = rows[rows["cycle"] > 1] if "cycle" in names else rows
    # What is applied has no noise, so its rate is known better than that of what is measured.
    known = "applied_potential" in names
    applied = later["applied_potential" if known else "potential"]
    measured = later["potential"] if known else None
    return Response.of(later["instrument_time"], later["current"], applied, measured, later["flags"])


def _numbers(window: tuple[float, float]) -> tuple[float, float]:
    return float(window[0]), float(window[1])
