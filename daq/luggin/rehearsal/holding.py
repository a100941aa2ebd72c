"""Who holds the limits of a protocol on its bench, and whether anybody ever looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from luggin import units
from luggin.capabilities import Capabilities
from luggin.documents import did_you_mean
from luggin.errors import Problem

if TYPE_CHECKING:
    from luggin.engine.limits import Limit
    from luggin.engine.start import Plan
    from luggin.steps import LoadedProtocol

#: What nothing drives anywhere as long as the cell is open.
_OF_A_CLOSED_CELL = ("potential", "voltage", "current", "charge", "power")


class Planned(Protocol):
    """A step as it will be executed."""

    @property
    def closed(self) -> bool:
        """Whether it closes the cell."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """What limits can be judged by on its rows."""
        ...


def out_of_reach(plan: Plan, loaded: LoadedProtocol, capabilities: Sequence[Capabilities]) -> list[Problem]:
    """Limits that the instrument would never reach protect nothing, and hide a mistake."""
    problems = []
    for number, limit in enumerate(plan.limits):
        ranges = {"potential": [c.potential for c in capabilities], "current": [c.current for c in capabilities]}
        for reach in ranges.get(limit.column, []) if limit.kind == "between" else ():
            if limit.low < reach.low and limit.high > reach.high:
                problems.append(
                    Problem(
                        f"{limit.describe()} is wider than the instrument reaches ({reach.low:g} ... {reach.high:g} "
                        f"{reach.unit}), so it protects nothing",
                        f"limits[{number + 1}]",
                        loaded.document.line(("limits", number)),
                        "Narrow it to what the cell can bear.",
                    )
                )
    return problems


def never_judged(plan: Plan, loaded: LoadedProtocol, steps: Sequence[Planned]) -> list[Problem]:
    """Limits on what no technique and no monitor of the protocol yields.

    Where no step closes the cell, nothing can leave a limit of what flows through it or drives it.
    """
    yielded = sorted({column for step in steps for column in step.columns} | _monitored(plan))
    closed = any(step.closed for step in steps)
    problems = []
    for number, limit in enumerate(plan.limits):
        if limit.column in yielded or (limit.column in _OF_A_CLOSED_CELL and not closed):
            continue
        message = (
            f"no technique and no monitor of this protocol yields `{limit.column}`, so nobody would ever look at "
            "this limit."
        )
        hint = did_you_mean(limit.column, yielded) or f"They yield {', '.join(yielded) or 'nothing'}."
        line = loaded.document.line(("limits", number))
        problems.append(Problem(message, f"limits[{number + 1}].column", line, hint))
    return problems


def held_by(limit: Limit, plan: Plan, steps: Sequence[Planned], capabilities: Sequence[Capabilities]) -> str:
    """Who holds a limit, in words."""
    watching = "the runner, on every reading"
    if not any(limit.column in step.columns for step in steps):
        monitors = [m for m in plan.monitors if limit.column in m.read]
        watching += "".join(f" of {m.on} (each {units.show(m.every, 's')})" for m in monitors)
    if limit.kind == "rate":
        return watching
    held = [f"{c.model}: {c.enforced[limit.column]}" for c in capabilities if limit.column in c.enforced]
    return "; ".join([*held, f"and {watching}"]) if held else watching


def _monitored(plan: Plan) -> set[str]:
    """The names of the readings of all monitors."""
    return {name for monitor in plan.monitors for name in monitor.read}
