"""Results that a run keeps, with the figures that belong to them.

Kept results are numbers only, so the analyses are asked again for what they would draw. What is
printed are the kept numbers; where asking again gives others, the report says so.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.analysis import RunArchive, ask, outcome_to_json
from luggin.analysis.asking import tables_for
from luggin.analysis.keeping import digest
from luggin.errors import LugginError
from luggin.results import Analysis, FigureSpec, Table

if TYPE_CHECKING:
    from luggin.plugins import Plugins

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Something that the report had to do without."""

    what: str
    why: str


@contextmanager
def going_on(failures: list[Failure], what: str) -> Iterator[None]:
    """A report is written whatever a part of it does; the part that failed is named in it."""
    try:
        yield
    except LugginError as error:
        failures.append(Failure(what, str(error)))
    except Exception as error:
        log.exception("report: %s", what)
        failures.append(Failure(what, f"{type(error).__name__}: {error}"))


@dataclass(frozen=True)
class Answer:
    """What one analysis said about one set of tables.

    Attributes:
        result: in the form in which results are kept.
        title: of the analysis.
        tables: what it looked at, with one figure each or none.
        kept: False if it was asked for this report only.
        notes: what a reader should know about the figures.
    """

    result: Mapping[str, Any]
    title: str
    figures: tuple[FigureSpec, ...] = ()
    tables: tuple[Table, ...] = ()
    kept: bool = True
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the analysis."""
        return str(self.result["analysis"])

    @property
    def quantities(self) -> Sequence[Mapping[str, Any]]:
        """The numbers."""
        found: Sequence[Mapping[str, Any]] = self.result.get("quantities", ())
        return found


@dataclass
class _Asking:
    archive: RunArchive
    plugins: Plugins
    failures: list[Failure]
    _tables: list[Table] | None = field(default=None)

    def tables(self) -> list[Table]:
        if self._tables is None:
            self._tables = self.archive.tables()
        return self._tables


def collect(archive: RunArchive, plugins: Plugins, failures: list[Failure]) -> list[Answer]:
    """The newest answer to every question: kept ones first, then those that were planned and never given."""
    asking = _Asking(archive, plugins, failures)
    entries = archive.header.get("analyses", ())
    planned = [_options(entry) for entry in entries]
    answers = [_kept(r, asking) for r in newest(kept_results(archive.folder / "results", failures), planned)]
    for entry in entries:
        with going_on(failures, f"the analysis {entry.get('use')} could not be asked"):
            answer = _planned(entry, answers, asking, planned)
            if answer is not None:
                answers.append(answer)
    return answers


def kept_results(folder: Path, failures: list[Failure]) -> list[Mapping[str, Any]]:
    """All results of a run, in the order of analysis and number."""
    found: list[Mapping[str, Any]] = []
    files = sorted(folder.glob("*/*.json"), key=lambda p: (p.parent.name, len(p.stem), p.stem))
    for path in files:
        with going_on(failures, f"the result {path.parent.name}/{path.name} cannot be read"):
            result = json.loads(path.read_text(encoding="utf-8"))
            found.append({**result, "analysis": str(result["analysis"]), "quantities": list(result["quantities"])})
    return found


def newest(results: Sequence[Mapping[str, Any]], planned: Sequence[Mapping[str, Any]] = ()) -> list[Mapping[str, Any]]:
    """One result per question: a later one about the same steps, or the same one with more steps, replaces it.

    Args:
        results: in the order in which they were kept.
        planned: options that the protocol itself asks with; results with two of them stand side by side.
    """
    return [r for k, r in enumerate(results) if not any(_replaces(later, r, planned) for later in results[k + 1 :])]


def _replaces(later: Mapping[str, Any], result: Mapping[str, Any], planned: Sequence[Mapping[str, Any]]) -> bool:
    if later["analysis"] != result["analysis"]:
        return False
    steps, before = steps_of(later), steps_of(result)
    options, options_before = later.get("parameters", {}), result.get("parameters", {})
    if options == options_before:
        return steps >= before
    return steps == before and not (options in planned and options_before in planned)


def _options(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an entry of the protocol's ``analyses``."""
    return {k: v for k, v in entry.items() if k not in ("use", "on")}


def steps_of(result: Mapping[str, Any]) -> set[int]:
    """The steps whose rows a result rests on."""
    return {int(i["step"]) for i in result.get("inputs", ())}


def _kept(result: Mapping[str, Any], asking: _Asking) -> Answer:
    """A kept result with the figures that its analysis draws today."""
    name = str(result["analysis"])
    answer = Answer(result, name)
    with going_on(asking.failures, f"the figures of {name} could not be drawn again"):
        analysis = asking.plugins.analysis(name)
        steps = steps_of(result)
        options = result.get("parameters", {})
        named = {options.get(option) for option in analysis.refers} - {None, ""}
        every = tables_for(asking.archive, analysis, None, options)
        tables = _fitting(analysis, [t for t in every if t.step in steps or t.id in named])
        outcome = ask(analysis, tables, asking.archive.sample, options)
        notes = _differences(result, outcome_to_json(name, outcome), analysis, tables)
        answer = Answer(result, analysis.title, outcome.figures, tuple(tables), notes=notes)
    return answer


def _planned(
    entry: Mapping[str, Any], answers: Sequence[Answer], asking: _Asking, planned: Sequence[Mapping[str, Any]]
) -> Answer | None:
    """The answer to an entry of the protocol that has no kept result; None if it has one."""
    name, options = str(entry["use"]), _options(entry)
    analysis = asking.plugins.analysis(name)
    tables = _fitting(analysis, tables_for(asking.archive, analysis, entry.get("on"), options))
    steps = {t.step for t in tables}
    for answer in answers:
        given = answer.result.get("parameters", {})
        if answer.name == name and steps_of(answer.result) >= steps and (given == options or given not in planned):
            return None
    outcome = ask(analysis, tables, asking.archive.sample, options)
    result = {**outcome_to_json(name, outcome), "version": analysis.version, "parameters": options}
    result["inputs"] = [{"step": t.step, "rows": len(t), "source": t.source, "sha256": digest(t)} for t in tables]
    return Answer(result, analysis.title, outcome.figures, tuple(tables), kept=False)


def _fitting(analysis: Analysis, tables: Sequence[Table]) -> list[Table]:
    return [t for t in tables if t.technique in analysis.needs]


def _differences(
    kept: Mapping[str, Any], again: Mapping[str, Any], analysis: Analysis, tables: Sequence[Table]
) -> tuple[str, ...]:
    """What is no longer as it was when the numbers were kept."""
    notes = []
    if {i.get("sha256") for i in kept.get("inputs", ())} != {digest(t) for t in tables}:
        notes.append("the rows are not those from which the numbers were found: analyse the run again")
    if not _same_numbers(kept["quantities"], again["quantities"]):
        notes.append(
            f"version {analysis.version} of {analysis.name}, which drew the figures, finds other numbers than version "
            f"{kept.get('version', '?')}, which found those of the table: analyse the run again"
        )
    return tuple(notes)


def _same_numbers(kept: Sequence[Mapping[str, Any]], again: Sequence[Mapping[str, Any]]) -> bool:
    if [(q["name"], q["label"]) for q in kept] != [(q["name"], q["label"]) for q in again]:
        return False
    pairs = [(a.get(key), b.get(key)) for a, b in zip(kept, again, strict=True) for key in ("value", "u")]
    return all(x == y or (x is not None and y is not None and math.isclose(x, y, rel_tol=1e-6)) for x, y in pairs)
