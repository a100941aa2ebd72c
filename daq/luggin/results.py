"""What an analysis gives back: quantities with uncertainty, or refusals with a reason.

An analysis is a pure function of tables, sample and parameters. It never sees where the rows
came from and never knows what a simulator was told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Quantity:
    """A number that can be published: value, standard uncertainty, unit and how it was found.

    ``u`` is one standard uncertainty in the unit of ``value``; None only where no statement is
    possible, which ``flags`` then say.
    """

    name: str
    label: str
    value: float
    u: float | None
    unit: str
    method: str
    verdict: str = ""
    flags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The form that is stored and printed by ``--json``."""
        return {
            "name": self.name,
            "label": self.label,
            "value": self.value,
            "u": self.u,
            "unit": self.unit,
            "method": self.method,
            "verdict": self.verdict,
            "flags": list(self.flags),
        }


@dataclass(frozen=True)
class Refusal:
    """A reason why there is no number. ``code`` is for programs, ``reason`` for people."""

    code: str
    reason: str
    label: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form that is stored and printed by ``--json``."""
        return {"code": self.code, "reason": self.reason, "label": self.label}


@dataclass(frozen=True)
class Curve:
    """One line of a figure, in acquisition order. ``x`` and ``y`` are 1-d and of one length."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    label: str = ""
    style: str = "line"


@dataclass(frozen=True)
class Marker:
    """A marked point or, with ``y`` None, a marked vertical line of a figure."""

    x: float
    y: float | None = None
    label: str = ""
    kind: str = "peak"


@dataclass(frozen=True)
class FigureSpec:
    """What to draw, without saying how: the report turns it into a picture."""

    title: str
    x_label: str
    y_label: str
    x_unit: str
    y_unit: str
    curves: tuple[Curve, ...] = ()
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Everything one analysis says about its input.

    ``tables`` maps a name to a list of rows (plain JSON values, keys carry no units; the units
    stand in ``table_units``).
    """

    quantities: tuple[Quantity, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    table_units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    figures: tuple[FigureSpec, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """True if there is no number at all."""
        return not self.quantities


@dataclass(frozen=True)
class Table:
    """The rows of one execution of one technique, with what is known about it.

    ``columns`` are 1-d arrays of one length in acquisition order, in SI base units (potential V,
    current A, time s), signs IUPAC (anodic current positive). ``parameters`` has what was asked
    for and realised, in SI: for ``cv`` ``begin``, ``vertices`` (two), ``end``, ``rate`` (V/s),
    ``step`` (V), ``cycles``; a key that is not known is missing, never guessed. ``complete`` is
    False when the technique was cut short. ``flags`` (column) uses `luggin.records.Flag` bits.
    """

    technique: str
    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sample: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    role: str = ""
    label: str = ""
    step: int = 0
    attempt: int = 1
    complete: bool = True
    source: str = ""

    def __len__(self) -> int:
        return min((len(c) for c in self.columns.values()), default=0)


@dataclass(frozen=True)
class AnalysisInput:
    """The tables that an analysis was pointed at (``on = "id"`` of a protocol), in order of time."""

    tables: tuple[Table, ...]
    sample: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """One registered analysis.

    ``needs`` maps a technique to the columns (with unit) that its tables must have. ``function``
    must be pure. ``parameters`` is a pydantic model class (or None) that validates the options of
    the protocol's ``analyses`` entry; what it returns by ``model_dump()`` reaches the function.
    ``unasked`` says whether it is asked where nobody names an analysis: not one that wants several
    voltammograms or a standard.
    ``refers`` names options that hold the id of a further step (a blank, a resistance): its tables
    come with the others.
    """

    name: str
    title: str
    needs: Mapping[str, Mapping[str, str]]
    function: Callable[[AnalysisInput], Outcome]
    parameters: Callable[[], type[Any]] | None = None
    version: str = "1"
    refers: tuple[str, ...] = ()
    unasked: bool = True
