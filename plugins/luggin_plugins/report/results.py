"""Results first: numbers with uncertainty and unit, refusals in words, tables behind them, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luggin_plugins.report.answers import Answer
from luggin_plugins.report.figures import Drawn
from luggin_plugins.report.gathering import Material
from luggin_plugins.report.markup import Html, bullets, details, element, join, section, table, trusted
from luggin_plugins.report.si_table import split_scale
from luggin_plugins.report.wording import (
    minus,
    plural,
    pretty_unit,
    quantity_name,
    quantity_unit,
    short,
    value_with_unit,
    with_uncertainty,
)

MOST_ROWS = 60
"""Rows of a table of an analysis; all are in the results folder."""

CONVENTION = (
    "IUPAC convention: positive (anodic) current is oxidation at the working electrode; "
    "potential increases to the right."
)


def results_section(material: Material) -> Html:
    """What was found, or why there is no number."""
    if not material.answers:
        asked = material.archive.header.get("analyses")
        words = "No analysis could be asked; the end of this page says why." if asked else "No analysis was asked for."
        return section("Results", element("p", words), id_="results")
    return section("Results", *(_answer(answer, material.reference) for answer in material.answers), id_="results")


def _answer(answer: Answer, reference: str) -> Html:
    parts: list[object] = []
    if len(answer.quantities):
        parts.append(_quantities(answer.quantities, reference))
        parts.append(element("p", "± is one standard uncertainty (k = 1).", class_="small"))
    refusals = answer.result.get("refusals", ())
    if refusals:
        parts += [element("p", "No number:" if not answer.quantities else "No number for:"), _refusals(refusals)]
    notes = [f"Note: {short(flag)}." for flag in answer.result.get("flags", ())]
    notes += [f"Look: {short(note)}." for note in answer.notes]
    if not answer.kept:
        notes.append("Found when this report was written; the run itself keeps no such result.")
    if notes:
        parts.append(bullets(notes))
    tables = answer.result.get("tables", {})
    units = answer.result.get("table_units", {})
    parts += [_folded(name, rows, units.get(name, {})) for name, rows in tables.items() if rows]
    heading = join([answer.title, element("span", f" {answer.name}", class_="small")])
    return element("div", element("h3", heading), *parts, class_="answer")


def _quantities(quantities: Sequence[Mapping[str, Any]], reference: str) -> Html:
    rows = []
    for q in quantities:
        label, scale = split_scale(str(q.get("label", "")))
        rows.append(
            (
                quantity_name(str(q["name"])),
                short(label),
                with_uncertainty(q.get("value"), q.get("u")),
                short(quantity_unit(str(q["name"]), str(q.get("unit", "")), scale or reference), 120),
                short(q.get("verdict", "")),
                short("; ".join(map(str, q.get("flags", ())))),
            )
        )
    heads = ["quantity", "of", "value", "unit", "verdict", "flags"]
    kept = [k for k in range(len(heads)) if k < 4 or any(row[k] for row in rows)]
    return table([heads[k] for k in kept], [[row[k] for k in kept] for row in rows], "results")


def _refusals(refusals: Sequence[Mapping[str, Any]]) -> Html:
    return bullets(
        join(
            [
                element("b", f"{short(r['label'])}: ") if r.get("label") else "",
                short(r.get("reason", ""), 1000),
                element("span", f" [{short(r.get('code', ''), 60)}]", class_="small"),
            ]
        )
        for r in refusals
    )


def _folded(name: str, rows: Sequence[Mapping[str, Any]], units: Mapping[str, str]) -> Html:
    """A table of an analysis, folded away."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    heads = [short(key.replace("_", " "), 60) for key in columns]
    body: list[Sequence[object]] = [[_cell(row.get(c), units.get(c, "")) for c in columns] for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        body.append([f"{plural(len(rows) - MOST_ROWS, 'further row')}: see the results folder of the run"])
    return details(f"{name.replace('_', ' ')} ({plural(len(rows), 'row')})", table(heads, body, "numbers"))


def _cell(value: Any, unit: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if unit in ("", "1"):
            return minus(f"{value:.4g}")
        return minus(f"{value:.5f}") + " V" if unit == "V" else value_with_unit(float(value), unit)
    return short(value, 160) if not unit or unit == "1" else f"{short(value, 160)} {pretty_unit(unit)}"


def figures_section(material: Material) -> Html:
    """The pictures, each with what it shows."""
    if not material.figures:
        return section("Figures", element("p", "There are no rows that could be drawn."), id_="figures")
    notes: list[object] = [element("p", CONVENTION, class_="small")]
    left_out = material.figures_left_out
    if left_out:
        notes.append(
            element("p", f"Not drawn, because the page would grow too long: {plural(left_out, 'further figure')}.")
        )
    return section("Figures", *notes, *(_figure(n, f) for n, f in enumerate(material.figures, 1)), id_="figures")


def _figure(number: int, figure: Drawn) -> Html:
    words = join([element("b", f"Figure {number}. {figure.title}."), " ", figure.caption])
    return element("figure", trusted(figure.svg), element("figcaption", words))
