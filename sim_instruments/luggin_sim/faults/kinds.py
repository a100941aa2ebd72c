"""The kinds of faults, and what can be said about each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

#: Longest time (s) and largest number that a fault is planned with.
LONGEST = 1e7
MOST = 10**12


class Kind(NamedTuple):
    """What a kind does, whether it lasts or befalls single replies, and what can be said about it."""

    lasts: bool
    options: tuple[str, ...]
    does: str


KINDS: Mapping[str, Kind] = {
    "drop": Kind(False, ("bytes",), "a reply is lost, or so many bytes of it"),
    "garbage": Kind(False, ("bytes", "inserted"), "bytes of a reply are changed, or some are inserted"),
    "truncate": Kind(False, ("keep",), "a reply is cut; its first bytes come"),
    "stale": Kind(False, (), "the reply before this one comes instead of it"),
    "late": Kind(False, (), "a reply comes only with the next one, directly before it"),
    "double": Kind(False, (), "a reply comes twice"),
    "interleave": Kind(False, (), "a reply comes with the next one, and the pieces of both are mixed"),
    "stall": Kind(True, (), "nothing comes, then everything at once"),
    "mute": Kind(True, (), "the instrument hears and does, but nothing that it says arrives"),
    "deaf": Kind(True, (), "the instrument does not hear what is said to it, and goes on with what it does"),
    "slow": Kind(True, ("factor", "delay"), "the latency of the line is larger"),
    "unplug": Kind(True, ("keep",), "the line breaks; it can be opened anew when the fault is over"),
    "reboot": Kind(True, (), "the instrument starts anew, with the cell open; deaf and mute while it lasts"),
    "overload": Kind(True, ("current",), "more current than can be measured flows through the leads"),
    "nan": Kind(True, (), "what is measured is not a number"),
}


@dataclass(frozen=True)
class Fault:
    """One fault that is planned. Times are lab seconds; see the package for when and how often.

    Attributes:
        kind: one of `KINDS`.
        at: lab time since the laboratory was opened; at once if not given.
        after, after_bytes: replies or bytes that come unharmed first.
        probability: of each reply to be hit, or to start what lasts.
        seed: of the fault's own generator.
        duration: how long; None is until cleared, or as long as ``count`` allows (a ``reboot``: no time at all).
        count: how often; None is as the package says.
        bytes: how many are lost, changed or inserted (``drop`` without it loses the whole reply).
        inserted: garbage is put between the bytes of the reply.
        keep: how many bytes of the reply come (``truncate`` without it cuts anywhere).
        factor, delay: ``slow`` multiplies the latency and adds to it (s).
        current: of an ``overload`` (A); if not given, what the instrument says overloads it.
    """

    kind: str
    at: float | None = None
    after: int | None = None
    after_bytes: int | None = None
    probability: float | None = None
    seed: int = 0
    duration: float | None = None
    count: int | None = None
    bytes: int | None = None
    inserted: bool = False
    keep: int | None = None
    factor: float = 1.0
    delay: float = 0.0
    current: float | None = None

    def __post_init__(self) -> None:
        found = mistakes(vars(self))
        if found:
            raise ValueError("; ".join(f"{name}: {message}" for name, message in found.items()))

    @property
    def lasts(self) -> bool:
        """True if it is a state of the line or of the instrument, False if it befalls single replies."""
        return KINDS[self.kind].lasts

    @property
    def lasting(self) -> float:
        """For how long what lasts is there (lab s)."""
        if self.duration is None:
            return 0.0 if self.kind == "reboot" else math.inf
        return self.duration

    @property
    def begins_with_a_reply(self) -> bool:
        """True if what lasts begins when the instrument says something, False if at a time."""
        said = (self.after, self.after_bytes, self.probability, self.keep)
        return any(value is not None for value in said)

    @property
    def times(self) -> float:
        """How often it happens at most."""
        if self.count is not None:
            return self.count
        unbounded = self.probability is not None or (self.duration is not None and not self.lasts)
        return math.inf if unbounded else 1


#: What every fault can have; the rest belongs to kinds.
COMMON = ("kind", "at", "after", "after_bytes", "probability", "seed", "duration", "count")
_RANGES: Mapping[str, tuple[float, float]] = {
    "at": (0.0, LONGEST),
    "after": (0, MOST),
    "after_bytes": (0, MOST),
    "probability": (0.0, 1.0),
    "seed": (0, MOST),
    "duration": (0.0, LONGEST),
    "count": (1, MOST),
    "bytes": (1, 1 << 20),
    "keep": (0, 1 << 20),
    "factor": (1.0, 1e6),
    "delay": (0.0, 3600.0),
    "current": (0.0, 1e6),
}
_WHOLE = ("after", "after_bytes", "seed", "count", "bytes", "keep")
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Fault)}
_UNITS = {"at": " s", "duration": " s", "delay": " s", "current": " A"}


def mistakes(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the values of a fault, by name; ``kind`` must be among them."""
    kind = values.get("kind")
    if kind not in KINDS:
        return {"kind": f"there is no fault {kind!r}; there are {', '.join(KINDS)}"}
    found = {name: said for name, value in values.items() if (said := _mistake(name, value))}
    for name, value in values.items():
        if name not in (*COMMON, *KINDS[str(kind)].options) and value != _DEFAULTS[name]:
            found[name] = f"a fault {kind!r} has no {name!r}"
    if kind == "stall" and values.get("duration") is None and values.get("probability") is not None:
        found["probability"] = "a stall that begins by chance must end by itself: say for how long"
    if kind == "slow" and values.get("factor", 1.0) == 1.0 and not values.get("delay"):
        found["factor"] = "how much slower? Give a factor of the latency, or a delay that is added"
    if values.get("after") is not None and values.get("after_bytes") is not None:
        found["after_bytes"] = "after so many replies, or after so many bytes, not both"
    return found


def unsuitable(fault: Fault, *, has_cell: bool, latency: float) -> str:
    """Why an instrument or its line cannot have a fault; nothing if it can."""
    if fault.kind in ("overload", "nan") and not has_cell:
        return f"{fault.kind}: there is no cell on this instrument"
    if fault.kind == "slow" and not fault.delay and not latency:
        return "slow: the line has no latency that could be multiplied; give a delay"
    return ""


def _mistake(name: str, value: Any) -> str:
    if name not in _RANGES:
        return "true or false" if name == "inserted" and not isinstance(value, bool) else ""
    if value is None and _DEFAULTS[name] is None:
        return ""
    low, high = _RANGES[name]
    kind = int if name in _WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        unit = _UNITS.get(name, "")
        return f"{value!r} is not possible; allowed are {'whole numbers ' * (name in _WHOLE)}{low:g} to {high:g}{unit}"
    return ""
