"""The faults that the kit asks a simulated laboratory for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class WireFault:
    """A fault of the simulated laboratory, and what it is set to.

    Attributes:
        name: of the check, behind ``fault_``.
        kind: as the laboratory calls it.
        what: happens then, in words.
        settings: of the fault.
        in_timeouts: settings in units of the line's timeout.
    """

    name: str
    kind: str
    what: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    in_timeouts: Mapping[str, float] = field(default_factory=dict)

    def planned(self, timeout: float) -> dict[str, Any]:
        """The settings for a line with this timeout (s)."""
        return {**self.settings, **{name: share * timeout for name, share in self.in_timeouts.items()}}


FAULTS = (
    WireFault("drop", "drop", "a reply is lost"),
    WireFault("garbage", "garbage", "bytes of a reply are changed into what is no text", {"bytes": 2}),
    WireFault("truncate", "truncate", "a reply is cut in its midst"),
    WireFault("stale", "stale", "the reply before comes instead of a reply"),
    WireFault("late", "late", "a reply comes only directly before the next one"),
    WireFault("double", "double", "a reply comes twice"),
    WireFault("interleave", "interleave", "two replies come mixed"),
    WireFault("stall", "stall", "nothing comes for half a timeout, then everything", {}, {"duration": 0.5}),
    WireFault("long_stall", "stall", "nothing comes for five timeouts, then everything", {}, {"duration": 5.0}),
    WireFault("mute", "mute", "nothing that the instrument says arrives any more"),
    WireFault("deaf", "deaf", "nothing that is said to the instrument arrives any more"),
    WireFault("slow", "slow", "everything comes a tenth of a timeout later", {}, {"delay": 0.1}),
    WireFault("unplug", "unplug", "the line breaks"),
    WireFault("unplug_midway", "unplug", "the line breaks in the midst of a reply", {"keep": 4}),
    WireFault("reboot", "reboot", "the instrument starts anew", {"duration": 1.0}),
    WireFault("overload", "overload", "more current flows than can be measured", {"duration": 1.0}),
    WireFault("nan", "nan", "what is measured is no number", {"duration": 1.0}),
)
