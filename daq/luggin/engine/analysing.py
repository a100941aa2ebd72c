"""Analyses of a run that is going on or just over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from luggin.analysis import ask_and_keep, open_run, outcome_to_json
from luggin.analysis.asking import tables_for
from luggin.errors import LugginError
from luggin.results import Outcome, Quantity, Refusal

if TYPE_CHECKING:
    from luggin.engine.run import Run, StepResult


def analyse_steps(
    run: Run, path: str, name: str, results: Sequence[StepResult], parameters: Mapping[str, Any]
) -> Outcome:
    """Ask an analysis about the rows of some steps of the running run, and keep what it says."""
    steps = {r.step for r in results}

    def answer() -> dict[str, Any]:
        analysis, archive = run.plugins.analysis(name), open_run(run.folder)
        named = {parameters.get(option) for option in analysis.refers} - {None, ""}
        every = tables_for(archive, analysis, None, parameters)
        tables = [t for t in every if not steps or t.step in steps or t.id in named]
        _, kept = ask_and_keep(
            analysis,
            tables,
            run.sample,
            parameters,
            folder=run.folder / "results",
            created=run.session.clock.utc().isoformat(),
        )
        return {"file": str(kept.relative_to(run.folder))}

    request = {"analysis": name, "steps": sorted(steps), "parameters": dict(parameters)}
    said = run.companion("analyse", request, answer, path)
    return outcome_from_json(json.loads((run.folder / said["file"]).read_text(encoding="utf-8")))


def outcome_from_json(data: Mapping[str, Any]) -> Outcome:
    """A kept result, as the analysis gave it (without its figures)."""
    return Outcome(
        quantities=tuple(Quantity(**{**q, "flags": tuple(q["flags"])}) for q in data["quantities"]),
        refusals=tuple(Refusal(**r) for r in data["refusals"]),
        tables=data["tables"],
        table_units=data["table_units"],
        flags=tuple(data["flags"]),
    )


def analyse_protocol(
    run_folder: Any, plugins: Any, analyses: Sequence[Mapping[str, Any]], created: str
) -> list[dict[str, Any]]:
    """The analyses that a protocol names, over a run that is over. A failure of one is told, not hidden.

    Returns the stored results, each with ``error`` where the analysis could not be asked.
    """
    archive = open_run(run_folder)
    said: list[dict[str, Any]] = []
    for entry in analyses:
        options = {k: v for k, v in entry.items() if k not in ("use", "on")}
        name = str(entry["use"])
        try:
            analysis = plugins.analysis(name)
            tables = tables_for(archive, analysis, entry.get("on"), options)
            place = archive.folder / "results"
            outcome, _ = ask_and_keep(analysis, tables, archive.sample, options, folder=place, created=created)
            said.append(outcome_to_json(name, outcome))
        except LugginError as error:
            refusal = Refusal("not_analysed", str(error)).to_json()
            said.append({"analysis": name, "quantities": [], "refusals": [refusal], "tables": {}, "error": str(error)})
    return said
