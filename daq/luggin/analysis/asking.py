"""Asks one analysis, after making sure that it gets what it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from luggin.errors import AnalysisError, LugginError, UsageError
from luggin.results import Analysis, AnalysisInput, Outcome, Refusal, Table
from luggin.units import same_kind

if TYPE_CHECKING:
    from luggin.analysis.archive import RunArchive


def ask(
    analysis: Analysis,
    tables: Sequence[Table],
    sample: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Outcome:
    """What the analysis says about the tables.

    Tables of techniques that the analysis does not know are left out. No table at all, or one
    without a column that is needed, is a refusal: there is no number, and that is the reason.

    Raises:
        UsageError: an option of the analysis is unknown or wrong.
        AnalysisError: the analysis itself failed.
    """
    options = _options(analysis, parameters or {})
    fitting = [t for t in tables if t.technique in analysis.needs]
    if not fitting:
        wanted = " or ".join(analysis.needs)
        return Outcome(refusals=(Refusal("no_data", f"there are no rows of {wanted} to analyse"),))
    for table in fitting:
        lack = _lack(analysis, table)
        if lack is not None:
            return Outcome(refusals=(lack,))
    try:
        return analysis.function(AnalysisInput(tuple(fitting), sample or {}, options))
    except LugginError:
        raise
    except Exception as error:
        raise AnalysisError(
            f"{analysis.name} failed on {fitting[0].source or 'this data'}: {type(error).__name__}: {error}. This is a "
            "mistake in the analysis, not in your data; the data are untouched."
        ) from error


def tables_for(
    archive: RunArchive, analysis: Analysis, on: str | Sequence[str] | None, options: Mapping[str, Any]
) -> list[Table]:
    """The tables of a run that an analysis looks at: those of ``on``, and those of the steps that its options name.

    Raises:
        UsageError: there is no such id, or none of the steps with these ids has rows.
    """
    tables = archive.tables(on)
    have = {(table.step, table.source) for table in tables}
    for option in analysis.refers:
        name = options.get(option)
        for step in archive.steps if isinstance(name, str) else ():
            if step.id != name or not step.completed:
                continue
            if (measured := step.values.get("solution_resistance")) is not None:
                parameters = {"solution_resistance": dict(measured)}
                source = f"{archive.folder.name}, step {step.path}"
                tables.append(
                    Table(
                        "solution_resistance",
                        {},
                        {},
                        parameters,
                        archive.sample,
                        id=name,
                        step=step.step,
                        source=source,
                    )
                )
                continue
            tables += [t for t in archive.tables(name) if t.step == step.step and (t.step, t.source) not in have]
    return tables


def _options(analysis: Analysis, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    if analysis.parameters is None:
        if parameters:
            raise UsageError(f"{analysis.name} has no options; got {', '.join(parameters)}")
        return {}
    from pydantic import ValidationError

    model = analysis.parameters()
    try:
        validated: Mapping[str, Any] = model(**parameters).model_dump()
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {_words(e, model)}" for e in error.errors())
        raise UsageError(f"options of {analysis.name}: {said}") from error
    return validated


def _words(error: Any, model: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"not an option; there is {', '.join(model.model_fields)}"
    return str(error["msg"]).removeprefix("Value error, ")


def _lack(analysis: Analysis, table: Table) -> Refusal | None:
    for column, unit in analysis.needs[table.technique].items():
        if column not in table.columns:
            has = ", ".join(table.columns)
            return Refusal("missing_column", f"{analysis.name} needs the column {column!r} ({unit}); there is {has}")
        found = table.units.get(column, unit)
        if not same_kind(found, unit):
            return Refusal("wrong_unit", f"column {column!r} is in {found!r}, but {analysis.name} needs {unit!r}")
    return None


def outcome_to_json(name: str, outcome: Outcome) -> dict[str, Any]:
    """The form in which ``--json`` prints and the results folder keeps it."""
    return {
        "analysis": name,
        "quantities": [_finite(q.to_json()) for q in outcome.quantities],
        "refusals": [r.to_json() for r in outcome.refusals],
        "tables": {n: [_finite(dict(row)) for row in rows] for n, rows in outcome.tables.items()},
        "table_units": {n: dict(u) for n, u in outcome.table_units.items()},
        "flags": list(outcome.flags),
    }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: a number that is not there is null."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
