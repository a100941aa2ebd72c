"""Results beside the data: JSON with provenance, one file per analysis and time it was asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luggin.analysis.asking import ask, outcome_to_json
from luggin.errors import StoreReadOnly
from luggin.results import Analysis, Outcome, Table
from luggin.versions import software


def digest(table: Table) -> str:
    """SHA-256 over names and contents of the columns, so that a result can be tied to its rows."""
    import numpy as np

    sha = hashlib.sha256()
    for name in sorted(table.columns):
        sha.update(name.encode())
        sha.update(np.ascontiguousarray(table.columns[name]).tobytes())
    return sha.hexdigest()


def ask_and_keep(
    analysis: Analysis,
    tables: Sequence[Table],
    sample: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    folder: Path,
    created: str,
) -> tuple[Outcome, Path]:
    """What the analysis says, and the file ``<folder>/<analysis>/<n>.json`` that keeps it; earlier ones stay.

    Raises:
        UsageError, AnalysisError: as `ask`.
        StoreReadOnly: the folder may not be written.
    """
    outcome = ask(analysis, tables, sample, parameters)
    place = folder / analysis.name
    record = {
        "format": 1,
        **outcome_to_json(analysis.name, outcome),
        "version": analysis.version,
        "parameters": dict(parameters),
        "inputs": [_provenance(table) for table in tables if table.technique in analysis.needs],
        "software": dict(software()),
        "created": created,
    }
    try:
        place.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(p.stem) for p in place.glob("*.json") if p.stem.isdigit()), default=0)
        path = place / f"{number}.json"
        with path.open("x", encoding="utf-8") as file:
            json.dump(record, file, indent=1, ensure_ascii=False, default=str)
    except OSError as error:
        raise StoreReadOnly(
            f"{place}: the result cannot be saved ({error.strerror}). Choose another place with --save."
        ) from error
    return outcome, path


def _provenance(table: Table) -> dict[str, Any]:
    return {
        "source": table.source,
        "technique": table.technique,
        "step": table.step,
        "attempt": table.attempt,
        "rows": len(table),
        "sha256": digest(table),
    }


def load_results(folder: Path) -> list[dict[str, Any]]:
    """The newest result of every question: an analysis, its options, and the steps that it looked at."""
    newest: dict[str, dict[str, Any]] = {}
    for place in sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else ():
        for _, path in sorted((int(p.stem), p) for p in place.glob("*.json") if p.stem.isdigit()):
            result = json.loads(path.read_text(encoding="utf-8"))
            steps = sorted({i["step"] for i in result["inputs"]})
            newest[json.dumps([result["analysis"], result["parameters"], steps], sort_keys=True)] = result
    return list(newest.values())
