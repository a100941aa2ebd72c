"""Does ``solution_resistance`` and ``compensate``.

What is measured is in the stream ``eis`` like the rows of any technique; the resistance is among the values
of the step, ``{"solution_resistance": {"value": 101.3, "u": 0.2, "unit": "ohm"}}``, or the reason why there is
none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from luggin import units
from luggin.engine.allowed import forbidden
from luggin.engine.execution import IMPLICIT_OCP, open_circuit
from luggin.engine.high_frequency import Intercept, intercept
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.records import Flag

if TYPE_CHECKING:
    from luggin.engine.execution import Attempt, Executed
    from luggin.engine.parts import Part
    from luggin.steps.resistance import Compensate, SolutionResistance

#: Rows that say nothing: the meter was beyond its range.
_NOT_MEASURED = int(Flag.CURRENT_OVERLOAD | Flag.POTENTIAL_OVERLOAD | Flag.CLIPPED)


@runtime_checkable
class CompensatesResistance(Protocol):
    """An instrument that can add to the potential what the current loses in the solution."""

    def compensate(self, resistance: float) -> float:
        """Compensate this much (ohm; 0 ends it) from the next technique on; what it was set to (ohm)."""
        ...


def solution_resistance(attempt: Attempt, step: SolutionResistance) -> Executed:
    """Measure a spectrum of high frequencies, and say where it ends on the real axis."""
    run = attempt.run
    capabilities = run.session.instrument(attempt.on).capabilities
    if step.method == "interrupt" and "interrupt" not in capabilities.techniques:
        raise NotSupported(
            f"step {attempt.path}: the {capabilities.model} cannot open the cell and read the potential within "
            "microseconds. The drop over the solution is gone at once, and what a later reading shows is the double "
            'layer. Use method = "eis" on an instrument that has it, or write the resistance into the analysis'
        )
    if run.references["ocp"] is None and step.bias.zero == "ocp":
        run.watcher.said(f"step {attempt.path}: the open-circuit potential is measured first")
        attempt.measure([(step, open_circuit(IMPLICIT_OCP, 0.5))])
    technique = step.technique(run.references["ocp"], run.references["previous"])
    if why := forbidden(technique, run.limits):
        raise LimitError(why)
    status, parts, values = attempt.measure([(step, technique)])
    if status != "done":
        return status, parts, values
    found = _resistance(attempt, parts[-1])
    for name, value in found.items():
        run.watcher.said(f"step {attempt.path}: {_words(name, value)}")
    return status, parts, {**values, **found}


def _resistance(attempt: Attempt, part: Part) -> dict[str, Any]:
    """What the rows of a spectrum say."""
    from luggin.store import open_store

    rows = open_store(attempt.run.folder).array(part.stream, part.first, part.first + part.count)
    rows = rows[(rows["flags"] & _NOT_MEASURED) == 0]
    found = intercept(rows["frequency"], rows["impedance_real"] + 1j * rows["impedance_imaginary"])
    if isinstance(found, Intercept):
        return {"solution_resistance": {"value": found.resistance, "u": found.u, "unit": "ohm"}}
    return {"refusal": {"code": found.code, "reason": found.reason}}


def _words(name: str, value: dict[str, Any]) -> str:
    if name == "refusal":
        return f"no solution resistance: {value['reason']}"
    return f"solution resistance {units.show(value['value'], 'ohm')} (u {units.show(value['u'], 'ohm')})"


def compensate(attempt: Attempt, step: Compensate) -> Executed:
    """Have the instrument compensate a share of the resistance; refused by instruments that cannot."""
    run = attempt.run
    attempt.use(attempt.on)
    instrument = run.session.instrument(attempt.on)
    if not isinstance(instrument, CompensatesResistance):
        raise NotSupported(
            f"step {attempt.path}: the {instrument.capabilities.model} compensates no resistance from a protocol. "
            "Leave the step out, and give the measured resistance to the analysis; where an instrument compensates by "
            "a setting of its bench file, write it there"
        )
    resistance = float(step.resistance) if step.resistance is not None else _measured(attempt, step.of or "")
    realised = instrument.compensate(step.share * resistance)
    run.watcher.said(f"step {attempt.path}: {units.show(realised, 'ohm')} are compensated")
    return "done", attempt.parts, {"compensated_resistance": realised}


def _measured(attempt: Attempt, name: str) -> float:
    """The resistance (ohm) that the latest step of this id has found in this run."""
    from luggin.analysis import open_run

    for step in reversed(open_run(attempt.run.folder).steps):
        if step.id == name and "solution_resistance" in step.values:
            return float(step.values["solution_resistance"]["value"])
    raise UsageError(f"step {attempt.path}: no step {name!r} of this run has found a solution resistance")
