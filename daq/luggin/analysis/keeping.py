"""Results beside the data: JSON with provenance, one file per analysis and time it was asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luggin.analysis.asking import outcome_to_json
from luggin.errors import StoreReadOnly
from luggin.results import Outcome, Table


def digest(table: Table) -> str:
    """SHA-256 over names and contents of the columns, so that a result can be tied to its rows."""
    import numpy as np

    sha = hashlib.sha256()
    for name in sorted(table.columns):
        sha.update(name.encode())
        sha.update(np.ascontiguousarray(table.columns[name]).tobytes())
    return sha.hexdigest()


def save_result(
    folder: Path,
    name: str,
    outcome: Outcome,
    tables: Sequence[Table],
    *,
    version: str,
    parameters: Mapping[str, Any],
    software: Mapping[str, str],
    created: str,
) -> Path:
    """Write ``<folder>/<analysis>/<n>.json``; earlier results stay.

    Raises:
        StoreReadOnly: the folder may not be written.
    """
    place = folder / name
    try:
        place.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(p.stem) for p in place.glob("*.json") if p.stem.isdigit()), default=0)
        record = {
            "format": 1,
            **outcome_to_json(name, outcome),
            "version": version,
            "parameters": dict(parameters),
            "inputs": [
                {
                    "source": t.source,
                    "technique": t.technique,
                    "step": t.step,
                    "attempt": t.attempt,
                    "rows": len(t),
                    "sha256": digest(t),
                }
                for t in tables
            ],
            "software": dict(software),
            "created": created,
        }
        path = place / f"{number}.json"
        with path.open("x", encoding="utf-8") as file:
            json.dump(record, file, indent=1, ensure_ascii=False, default=str)
    except OSError as error:
        raise StoreReadOnly(
            f"{place}: the result cannot be saved ({error.strerror}). It was printed; choose another place with --save."
        ) from error
    return path


def load_results(folder: Path) -> list[dict[str, Any]]:
    """The newest result of every analysis of a run, in order of name."""
    found: list[dict[str, Any]] = []
    if not folder.is_dir():
        return found
    for place in sorted(p for p in folder.iterdir() if p.is_dir()):
        numbered = sorted((int(p.stem), p) for p in place.glob("*.json") if p.stem.isdigit())
        if numbered:
            found.append(json.loads(numbered[-1][1].read_text(encoding="utf-8")))
    return found
