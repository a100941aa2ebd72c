"""Looks at the cell before anything was done to it: the verdict of each pre-flight, check by check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin import units
from luggin_plugins.report.gathering import Material
from luggin_plugins.report.markup import Html, element, join, section, table
from luggin_plugins.report.wording import short

_HEADS = ("looked at", "verdict", "value", "allowed", "what it means")


def preflight_section(material: Material) -> Html | None:
    """The verdicts of all pre-flights, with why the run went on all the same; None if there was none."""
    looks = [record for record in material.archive.records if record.get("kind") == "preflight"]
    if not looks:
        return None
    parts: list[Html] = []
    for look in looks:
        parts += [_verdict(look, material), table(_HEADS, [_check(check) for check in look.get("checks", ())])]
    return section("Pre-flight", *parts, id_="preflight")


def _verdict(look: Mapping[str, Any], material: Material) -> Html:
    verdict = str(look.get("verdict", ""))
    attempt = int(look.get("attempt", 1))
    again = f", attempt {attempt}" if attempt > 1 else ""
    said: list[object] = [
        f"Step {short(look.get('path', ''), 80)}{again}, {material.times.show(float(look.get('time', 0.0)))}: ",
        element("b", short(verdict, 40), class_="good" if verdict == "passed" else "trouble"),
    ]
    if went_on := _went_on(look, material):
        said.append(f". The run went on: {went_on}")
    return element("p", join([*said, "."]))


def _went_on(look: Mapping[str, Any], material: Material) -> str:
    """Why a run went on with a cell that was not as expected, as its step says."""
    key = (look.get("path"), look.get("attempt", 1))
    return next((short(s.values.get("went_on", "")) for s in material.archive.steps if (s.path, s.attempt) == key), "")


def _check(check: Mapping[str, Any]) -> tuple[object, ...]:
    value, verdict = check.get("value"), str(check.get("verdict", ""))
    number = units.show(float(value), str(check.get("unit", ""))) if isinstance(value, int | float) else "\N{EN DASH}"
    shown: object = short(verdict, 40)
    if verdict != "passed":
        shown = element("span", shown, class_="trouble")
    name, limit, words = (short(check.get(key, ""), 600) for key in ("name", "limit", "words"))
    return name, shown, number, limit, words
