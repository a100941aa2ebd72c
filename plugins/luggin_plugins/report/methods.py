"""The paragraph for the experimental section: a few sentences, each from what the run recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luggin_plugins.report.assumptions import assumed, field_words
from luggin_plugins.report.gathering import Material
from luggin_plugins.report.markup import Html, element, section
from luggin_plugins.report.wording import plural, short, value_with_unit

_NAMES = {
    "cv": "Cyclic voltammetry",
    "lsv": "Linear sweep voltammetry",
    "ca": "Chronoamperometry",
    "ocp": "Measurement of the open-circuit potential",
}

MOST_RATES = 8
"""Scan rates that a sentence names one by one."""


def methods_section(material: Material) -> Html:
    """How the numbers came about, to be copied and corrected."""
    sentences = [_instrument(material), _cell(material), *_sweeps(material), *_numbers(material)]
    return section("Methods", element("p", " ".join(filter(None, sentences)), class_="methods"), id_="methods")


def _instrument(material: Material) -> str:
    if not material.instruments:
        return ""
    names = dict.fromkeys(
        short(f"{i.identity.get('maker', '')} {i.identity.get('model', '')}".strip() or i.role)
        for i in material.instruments
    )
    version = short(material.archive.header.get("software", {}).get("luggin", "of unknown version"), 40)
    kind = "simulated " if material.archive.simulated else ""
    return f"Measurements were made with a {kind}{' and a '.join(names)} under Luggin {version}."


def _cell(material: Material) -> str:
    """Solution, cell, electrodes and temperature; what is only assumed says so."""
    sample = material.archive.header.get("sample", {})
    if "wiring" not in sample:
        return ""
    electrodes = [f"{name} electrode: {field_words(sample, name)}" for name in ("working", "counter") if name in sample]
    if "reference" in sample:
        sure = not any(name.startswith("reference") for name in assumed(sample))
        electrodes.append(f"reference electrode: {material.reference if sure else field_words(sample, 'reference')}")
    if "electrodes" in sample:
        electrodes.append(f"electrodes: {field_words(sample, 'electrodes')}")
    known = {
        name: field_words(sample, name) for name in ("concentration", "solvent", "electrolyte", "wiring", "temperature")
    }
    words = [
        f"The sample {field_words(sample, 'id') or 'without a name'}",
        known["concentration"] and f", {known['concentration']}",
        known["solvent"] and f" in {known['solvent']}",
        known["electrolyte"] and f" with {known['electrolyte']}",
        "," if known["concentration"] or known["electrolyte"] else "",
        f" was in a {known['wiring']} cell",
        f" ({'; '.join(electrodes)})" if electrodes else "",
        known["temperature"] and f" at {known['temperature']}",
    ]
    return "".join(words) + "."


def _sweeps(material: Material) -> list[str]:
    """One sentence per technique that sweeps or steps the potential; windows that differ in rate only stand once."""
    found: dict[str, dict[tuple[str, str], list[float]]] = {}
    for step in material.archive.steps:
        for part in step.parts:
            way, cycles = _window(part["parameters"]), _cycles(part["parameters"])
            rate = part["parameters"].get("rate")
            if way:
                rates = found.setdefault(str(part["technique"]), {}).setdefault((way, cycles), [])
                rates += [float(rate)] if _is_number(rate) and rate not in rates else []
    against = f" vs {material.reference}" if material.reference else ""
    sentences = []
    for technique, windows in found.items():
        more = f" and {len(windows) - 3} other ways" if len(windows) > 3 else ""
        said = [", ".join(filter(None, [way + _at(rates), cycles])) for (way, cycles), rates in windows.items()]
        name = _NAMES.get(technique, short(technique, 60))
        sentences.append(f"{name} was run {'; '.join(said[:3])}{more} (potentials{against}).")
    return sentences


def _window(parameters: Mapping[str, Any]) -> str:
    """The way of the potential: from where it begins, by way of the vertices, to where it ends."""
    begin, end = parameters.get("begin"), parameters.get("end")
    vertices = parameters.get("vertices")
    by_way_of = [_volts(v) for v in vertices if _is_number(v)] if isinstance(vertices, list | tuple) else []
    if by_way_of or (_is_number(begin) and _is_number(end)):
        words = [
            f"from {_volts(begin)}" if _is_number(begin) else "",
            f"by way of {' and '.join(by_way_of)}" if by_way_of else "",
            f"to {_volts(end)}" if _is_number(end) else "",
        ]
        return " ".join(filter(None, words))
    held = parameters.get("potential")
    return f"at {_volts(held)}" if _is_number(held) else ""


def _at(rates: Sequence[float]) -> str:
    """`` at 25 mV/s, 50 mV/s and 1 V/s``, or nothing."""
    said = [value_with_unit(rate, "V/s") for rate in sorted(rates)]
    if len(said) > MOST_RATES:
        return f" at {len(said)} rates from {said[0]} to {said[-1]}"
    return f" at {' and '.join(filter(None, [', '.join(said[:-1]), said[-1]]))}" if said else ""


def _cycles(parameters: Mapping[str, Any]) -> str:
    cycles = parameters.get("cycles")
    return plural(cycles, "cycle") if isinstance(cycles, int) and not isinstance(cycles, bool) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _volts(value: Any) -> str:
    return value_with_unit(float(value), "V")


def _numbers(material: Material) -> list[str]:
    """How each kind of quantity was determined, in the words of its analysis."""
    methods: dict[str, list[str]] = {}
    for answer in material.answers:
        for quantity in answer.quantities:
            said = short(quantity.get("method", ""), 300)
            name = short(str(quantity["name"]).replace("half_", "half-").replace("_", " "), 60)
            if said and name not in methods.setdefault(said, []):
                methods[said].append(name)
    sentences = []
    for said, names in methods.items():
        listed = " and ".join(names)
        sentences.append(f"{listed[:1].upper()}{listed[1:]}: {said.rstrip('.')}.")
    if sentences:
        sentences.append("Uncertainties are standard uncertainties (k = 1).")
    return sentences
