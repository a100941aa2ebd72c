"""What a protocol asks for, held against its own limits: nothing that must trip is begun."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Protocol, TypeVar

from luggin import units
from luggin.capabilities import Technique
from luggin.instrument.pulses import PULSED, reached
from luggin.instrument.spectra import swing
from luggin.steps.base import Step, TechniqueStep
from luggin.steps.limits import COLUMN_UNITS, Limit
from luggin.steps.wording import Mistake

if TYPE_CHECKING:
    from luggin.steps.protocol import Protocol as ProtocolFile

_POTENTIALS = ("begin", "vertices", "end", "potential")
_Interval = tuple[float, float]
_EVERYTHING: _Interval = (-math.inf, math.inf)
# Scan rates are rounded to what an instrument can do; so much more is not another rate.
_RATE_TOLERANCE = 1e-6


class Bounds(Protocol):
    """A limit, as a protocol file says it or as the engine checks it (SI)."""

    @property
    def column(self) -> str:
        """What is limited."""
        ...

    @property
    def kind(self) -> str:
        """``between`` or ``rate``."""
        ...

    @property
    def low(self) -> float:
        """Lowest value."""
        ...

    @property
    def high(self) -> float:
        """Highest value."""
        ...

    @property
    def then(self) -> str:
        """What happens when it is left."""
        ...


B = TypeVar("B", bound=Bounds)


def broken_by(technique: Technique, limits: Iterable[B]) -> Iterator[tuple[str, str, B]]:
    """What a technique with absolute potentials would do that the limits forbid.

    Yields the parameter, what it would come to in words, and the limit. Charge counts for limits that
    stop the run: one that ends the step at a charge is a way to say how long the step takes.
    """
    every = list(limits)
    yield from _potentials_outside(technique, every)
    yield from _beyond_potentials(technique, every)


def _potentials_outside(technique: Technique, limits: Sequence[B]) -> Iterator[tuple[str, str, B]]:
    for name in _POTENTIALS:
        value = technique.parameters.get(name)
        for potential in value if isinstance(value, tuple | list) else () if value is None else (value,):
            if (limit := outside(limits, potential)) is not None:
                yield name, f"{potential:.4g} V vs ref", limit
    name, far = _beyond_its_ends(technique)
    for potential in far:
        if (limit := outside(limits, potential)) is not None:
            yield name, f"{potential:.4g} V vs ref at its farthest", limit


def _beyond_its_ends(technique: Technique) -> tuple[str, tuple[float, ...]]:
    """What pulses or a sine reach (V) beyond the potentials that are written, and the parameter that says so."""
    if technique.name in PULSED:
        name = "pulse" if "pulse" in technique.parameters else "amplitude"
        return name, reached(technique.name, technique.parameters)
    return "amplitude", swing(technique.parameters) if technique.name == "eis" else ()


def _beyond_potentials(technique: Technique, limits: Sequence[B]) -> Iterator[tuple[str, str, B]]:
    parameters = technique.parameters
    current, potential = parameters.get("current"), parameters.get("potential")
    for limit in limits:
        if limit.kind == "rate":
            if limit.column in ("potential", "voltage") and _sweeps_faster(technique, limit):
                yield "rate", units.show(parameters["rate"], "V/s"), limit
        elif limit.column == "current" and current is not None and not limit.low <= current <= limit.high:
            yield "current", units.show(current, "A"), limit
        elif limit.column == "charge" and current is not None and limit.then == "stop":
            charge = current * parameters.get("duration", 0.0)
            if not limit.low <= charge <= limit.high:
                yield "duration", units.show(charge, "C"), limit
        elif limit.column == "power" and (current is not None or potential is not None):
            low, high = _powers(limits, current, potential)
            if high < limit.low or low > limit.high:
                name = "potential" if current is None else "current"
                yield name, f"{units.show(low, 'W')} ... {units.show(high, 'W')}", limit


def _sweeps_faster(technique: Technique, limit: Bounds) -> bool:
    """Whether a sweep is faster than a limit of the rate of change; a cv goes both ways."""
    rate: float | None = technique.parameters.get("rate")
    begin, end = technique.parameters.get("begin"), technique.parameters.get("end")
    if rate is None or begin is None:
        return False
    both = "vertices" in technique.parameters
    upwards, downwards = both or (end or 0.0) > begin, both or (end or 0.0) < begin
    slowest = rate * (1 - _RATE_TOLERANCE)
    return bool((upwards and slowest > limit.high) or (downwards and -slowest < limit.low))


def _powers(limits: Iterable[Bounds], current: float | None = None, potential: float | None = None) -> _Interval:
    """The powers that are possible while all limits of potential and current hold (W)."""
    potentials = _EVERYTHING if potential is None else (potential, potential)
    currents = _EVERYTHING if current is None else (current, current)
    for limit in limits:
        if limit.kind == "between" and limit.column in ("potential", "voltage"):
            potentials = max(potentials[0], limit.low), min(potentials[1], limit.high)
        elif limit.kind == "between" and limit.column == "current":
            currents = max(currents[0], limit.low), min(currents[1], limit.high)
    corners = [0.0 if 0.0 in (e, i) else e * i for e in potentials for i in currents]
    return min(corners), max(corners)


def contradictions(limits: Sequence[Limit]) -> list[Mistake]:
    """Limits that no cell can satisfy together."""
    found = []
    for (_, one), (second, other) in combinations(enumerate(limits), 2):
        if (one.column, one.kind) == (other.column, other.kind) and (one.high < other.low or other.high < one.low):
            what = f"rate of {one.column}" if one.kind == "rate" else one.column
            found.append(
                Mistake((second,), f"{other} contradicts the limit before it ({one}): no {what} satisfies both.")
            )
    if found:
        return found
    for position, limit in enumerate(limits):
        if limit.column == "charge" and limit.kind == "between" and not limit.low <= 0 <= limit.high:
            found.append(Mistake((position,), f"{limit} is left at once: every technique begins with a charge of 0."))
        if limit.column == "power" and limit.kind == "between":
            low, high = _powers(limits)
            if high < limit.low or low > limit.high:
                possible = f"{units.show(low, 'W')} ... {units.show(high, 'W')}"
                found.append(
                    Mistake(
                        (position,),
                        f"{limit} contradicts the limits of potential and current, which leave {possible}.",
                    )
                )
    return found


def outside(limits: Iterable[B], potential: float) -> B | None:
    """The first limit that a set potential (V against the reference) would break, or None.

    In a two-electrode cell the potential that is set is the voltage, so both columns count.
    """
    windows = (limit for limit in limits if limit.kind == "between" and limit.column in ("potential", "voltage"))
    return next((limit for limit in windows if not limit.low <= potential <= limit.high), None)


def check_setpoints(protocol: ProtocolFile) -> list[Mistake]:
    """Set points outside of the protocol's own limits, and limits that contradict one another.

    Only potentials against the reference are known beforehand; those against the open-circuit
    potential or the technique before are for the engine to check (`broken_by`) once they are.
    """
    readings = [name for monitor in protocol.monitors for name in monitor.read]
    wrong = contradictions(protocol.limits) + unmonitored(protocol.limits, readings)
    found = [mistake.under("limits") for mistake in wrong]
    if found:
        return found
    for place, step in _steps_below(protocol.steps, ("steps",)):
        if isinstance(step, TechniqueStep) and type(step).technique is not TechniqueStep.technique:
            found += [mistake.under(*place) for mistake in _of_step(step, protocol.limits)]
    return found


def unmonitored(limits: Sequence[Limit], readings: Iterable[str]) -> list[Mistake]:
    """Limits on a name that is neither a column of techniques nor one of these readings of monitors."""
    read = ", ".join(dict.fromkeys(readings))
    hint = f"Columns are {', '.join(COLUMN_UNITS)}; {f'the monitors read {read}' if read else 'there are no monitors'}."
    return [
        Mistake(
            (position, "column"),
            f"`{limit.column}` is no column by which techniques can be limited, and no monitor reads it.",
            hint,
        )
        for position, limit in enumerate(limits)
        if limit.column not in COLUMN_UNITS and limit.column not in read.split(", ")
    ]


def _of_step(step: TechniqueStep, limits: Sequence[Limit]) -> Iterator[Mistake]:
    """The set points of one step that its protocol forbids."""
    for field, potentials in step.setpoints().items():
        for potential in potentials:
            limit = outside(limits, potential.value) if potential.zero == "ref" else None
            if limit is not None:
                yield Mistake(
                    (field,),
                    f"{potential} lies outside of the limits of this protocol ({limit}).",
                    "Change the limit or the potential.",
                )
    technique = step.technique(0.0, 0.0)
    floating = {field for field, ps in step.setpoints().items() if any(p.zero != "ref" for p in ps)}
    for parameter, value, limit in _beyond_potentials(technique, limits):
        if parameter in floating:
            continue
        what = limit.column if limit.kind == "between" else "a rate"
        yield Mistake(
            (parameter,),
            f"{step.do} would come to {what} of {value}, outside of the limits of this protocol ({limit}).",
            f"Change the limit or the {parameter}.",
        )
    unbounded = technique.parameters.get("potential_limit", 0.0) is None
    if unbounded and not any(limit.kind == "between" and limit.column in ("potential", "voltage") for limit in limits):
        yield Mistake(
            (),
            f"{step.do} needs a largest potential.",
            'Write potential_limit = "2 V" in the step, or a limit of potential in the protocol.',
        )


def _steps_below(steps: Iterable[Step], place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Step]]:
    """All steps with their place in the file; the values of a for_each share one place."""
    for position, step in enumerate(steps):
        here = (*place, position)
        yield here, step
        inside = getattr(step, "steps", ())
        groups = inside if inside and isinstance(inside[0], tuple) else [inside]
        for group in groups:
            yield from _steps_below(group, (*here, "steps"))
