"""Whether a protocol and a bench fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from typing import Protocol as TypingProtocol

from luggin.bench.files import Bench
from luggin.documents import KeyPath, did_you_mean
from luggin.errors import Problem

if TYPE_CHECKING:
    from luggin.steps import LoadedProtocol

_NEEDED_COLUMNS = (("potential", "voltage"), ("current",))


class _Limited(TypingProtocol):
    """Anything with limits: a protocol, or what a script amounts to."""

    @property
    def limits(self) -> Sequence[Any]: ...


def requires_limits(bench: Bench, protocol: _Limited) -> str | None:
    """Why a protocol may not run on a bench with real instruments, or None if it may.

    On a real cell there are limits of potential (or voltage) and of current. Without them there
    is nothing that stops a run when the reference electrode falls out.
    """
    if all(bench.is_simulated(role) for role in bench.roles):
        return None
    missing = [columns[0] for columns in _NEEDED_COLUMNS if not any(_protects(n, columns) for n in protocol.limits)]
    if not missing:
        return None
    others = [_weakness(n) for n in protocol.limits for columns in _NEEDED_COLUMNS if _is_weak(n, columns, missing)]
    has = f"{', '.join(dict.fromkeys(others))}, which is not enough" if others else "the protocol has none"
    return (
        f"a bench with real instruments needs limits of {' and '.join(missing)}"
        f"{' that stop the run' if others else ''}, and {has}. "
        f'Write for example limits = [{{column = "potential", between = ["-2 V", "1 V"]}}, '
        f'{{column = "current", between = ["-100 uA", "100 uA"]}}].'
    )


def _protects(limit: Any, columns: Sequence[str]) -> bool:
    """Whether a limit is a window of one of these columns that stops the run."""
    return limit.column in columns and limit.then == "stop" and limit.kind == "between"


def _is_weak(limit: Any, columns: Sequence[str], missing: Sequence[str]) -> bool:
    """Whether a limit is of what is missing, and yet does not protect it."""
    return columns[0] in missing and limit.column in columns


def _weakness(limit: Any) -> str:
    """Why a limit of the right column does not protect the cell."""
    if limit.kind == "between":
        return f'the limit of {limit.column} has then = "{limit.then}"'
    return f"the limit of {limit.column} is one of its rate, not of its value"


def check_roles(bench: Bench, loaded: LoadedProtocol) -> list[Problem]:
    """Steps that call for an instrument (``on``) that the bench does not have, each role once."""
    problems: dict[str, Problem] = {}
    for place, role in _roles_in(loaded.document.data.get("steps"), ("steps",)):
        if role not in bench.roles and role not in problems:
            has = f"It has {', '.join(bench.roles)}."
            message = f"the bench has no instrument `{role}`."
            line = loaded.document.line(place)
            problems[role] = Problem(message, "on", line, f"{did_you_mean(role, bench.roles)} {has}".strip())
    return list(problems.values())


def _roles_in(steps: object, place: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for position, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, Mapping):
            if isinstance(step.get("on"), str) and not step["on"].startswith("$"):
                yield (*place, position, "on"), step["on"]
            yield from _roles_in(step.get("steps"), (*place, position, "steps"))
