"""The table for the supporting information: every number of a run rounded to its uncertainty, ready to be copied.

``value(u)`` is the concise notation of the GUM (JCGM 100:2008, 7.2.2) that IUPAC recommends: the digits in
parentheses are the standard uncertainty, in units of the last digits of the value.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin import units
from luggin.errors import StoreReadOnly
from luggin_plugins.report.markup import Html, element, join, section, table
from luggin_plugins.report.wording import minus, pretty_unit, quantity_name, reference_name, short

if TYPE_CHECKING:
    from luggin_plugins.report.gathering import Material

HEADS = (
    "sample",
    "quantity",
    "of",
    "value(u)",
    "value",
    "u",
    "unit",
    "against",
    "verdict",
    "remarks",
    "method",
    "analysis",
)
_SCALE = " vs "


def concise(value: float | None, u: float | None) -> str:
    """``value(u)``, two digits of the uncertainty; without an uncertainty five digits of the value.

    >>> concise(-0.4760492, 0.00034175)
    '-0.47605(34)'
    >>> concise(1.0234e-5, 0.055e-5)
    '1.023(55)e-5'
    >>> concise(12345.0, 678.0)
    '12340(680)'
    """
    if value is None or not math.isfinite(value):
        return ""
    number, spread, power = units.rounded(value, u)
    digits = f"({spread.replace('.', '').lstrip('0')})" if spread else ""
    return f"{number}{digits}{f'e{power}' if power else ''}"


def rows_of(results: Sequence[Mapping[str, Any]], sample: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row per quantity and per refusal of the given results, in their order; every value a text."""
    name, reference = short(sample.get("id", "")), reference_name(sample)
    rows = []
    for result in results:
        for quantity in result.get("quantities", ()):
            rows.append(_row(quantity, name, reference, str(result["analysis"])))
        for refusal in result.get("refusals", ()):
            said = {"sample": name, "of": short(refusal.get("label", "")), "value(u)": "no number"}
            remarks = f"{short(refusal.get('reason', ''), 1000)} [{short(refusal.get('code', ''), 60)}]"
            rows.append(dict.fromkeys(HEADS, "") | said | {"remarks": remarks, "analysis": str(result["analysis"])})
    return rows


def _row(quantity: Mapping[str, Any], sample: str, reference: str, analysis: str) -> dict[str, str]:
    label, scale = split_scale(str(quantity.get("label", "")))
    value, u = quantity.get("value"), quantity.get("u")
    is_potential = str(quantity["name"]).endswith("_potential") and quantity.get("unit") == "V"
    return {
        "sample": sample,
        "quantity": str(quantity["name"]),
        "of": short(label),
        "value(u)": concise(value, u),
        "value": "" if value is None else repr(float(value)),
        "u": "" if u is None else repr(float(u)),
        "unit": str(quantity.get("unit", "")),
        "against": (scale or reference or "not stated") if is_potential else "",
        "verdict": short(quantity.get("verdict", "")),
        "remarks": short("; ".join(map(str, quantity.get("flags", ())))),
        "method": short(quantity.get("method", "")),
        "analysis": analysis,
    }


def split_scale(label: str) -> tuple[str, str]:
    """What a quantity is of, and the scale of its potential if its label names one.

    >>> split_scale("4-/5- vs Fc+/0")
    ('4-/5-', 'Fc+/0')
    """
    name, _, scale = label.partition(_SCALE)
    return name, scale


def csv_text(rows: Sequence[Mapping[str, str]]) -> str:
    """The rows as comma-separated values with a line of heads (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, HEADS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({head: _harmless(text) for head, text in row.items()} for row in rows)
    return buffer.getvalue()


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "@")) else text


def write_si_table(run_folder: Path, target: Path) -> None:
    """Write the table of a run's kept results to ``target`` (CSV, UTF-8); an older one there is replaced whole.

    Raises:
        RunFolderError: this is no run folder.
        StoreReadOnly: the file cannot be written.
    """
    from luggin.analysis import open_run
    from luggin_plugins.report.answers import Failure, kept_results, newest

    archive, failures = open_run(run_folder), list[Failure]()
    planned = [{k: v for k, v in e.items() if k not in ("use", "on")} for e in archive.header.get("analyses", ())]
    results = newest(kept_results(run_folder / "results", failures), planned)
    text = csv_text(rows_of(results, archive.sample))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreReadOnly(
            f"{target}: the table cannot be written ({error.strerror}). Choose another place."
        ) from error


def si_section(material: Material) -> Html | None:
    """The table for the supporting information; None if there are no numbers."""
    rows = rows_of([a.result for a in material.answers], material.archive.sample)
    numbers = [r for r in rows if r["quantity"]]
    if not numbers:
        return None
    body = [
        (
            join([quantity_name(r["quantity"])]),
            r["of"],
            _printed(r["value(u)"]),
            pretty_unit(r["unit"]) if r["unit"] != "1" else "",
            r["against"],
            r["remarks"],
        )
        for r in numbers
    ]
    note = "In parentheses: standard uncertainty (k = 1) in the last digits."
    return section(
        "Table for the supporting information",
        table(("quantity", "of", "value(u)", "unit", "against", "remarks"), body, "numbers"),
        element("p", note, class_="small"),
        id_="si-table",
    )


def _printed(text: str) -> Html:
    """``1.023(55)e-5`` as people print it."""
    number, _, power = text.partition("e")
    return join([minus(number), join([" · 10", element("sup", minus(power))]) if power else ""])
