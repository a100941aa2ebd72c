"""Where the rows of a step are, and what a step gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Part:
    """The rows of one technique of a step: ``count`` rows of ``stream`` from row ``first``."""

    technique: str
    stream: str
    first: int
    count: int
    id: str = ""
    role: str = ""
    label: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    status: str = "done"

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``run.log``."""
        return dict(vars(self))


@dataclass(frozen=True)
class StepResult:
    """What `Run.do` gives back: where the rows are, and small values (potentials in V)."""

    path: str
    do: str
    step: int
    attempt: int
    status: str
    parts: tuple[Part, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all techniques of the step."""
        return sum(part.count for part in self.parts)
