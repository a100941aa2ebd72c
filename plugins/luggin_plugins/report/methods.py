"""The paragraph for the experimental section: a few sentences, each from what the run recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luggin_plugins.report.gathering import Material
from luggin_plugins.report.markup import Html, element, section
from luggin_plugins.report.voltammograms import sweep_words
from luggin_plugins.report.wording import described, short, value_with_unit

_NAMES = {
    "cv": "Cyclic voltammetry",
    "lsv": "Linear sweep voltammetry",
    "ca": "Chronoamperometry",
    "ocp": "Measurement of the open-circuit potential",
}


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
    sample = material.archive.header.get("sample", {})
    if "wiring" not in sample:
        return ""
    electrodes = [f"{name} electrode: {described(sample[name])}" for name in ("working", "counter") if name in sample]
    if material.reference:
        electrodes.append(f"reference electrode: {material.reference}")
    if "electrodes" in sample:
        electrodes.append(f"electrodes: {described(sample['electrodes'])}")
    warmth = f" at {described(sample['temperature'])}" if "temperature" in sample else ""
    said = f" ({'; '.join(electrodes)})" if electrodes else ""
    name = described(sample.get("id", "without a name"))
    return f"The sample {name} was in a {described(sample['wiring'])} cell{said}{warmth}."


def _sweeps(material: Material) -> list[str]:
    """One sentence per technique that sweeps or steps the potential."""
    found: dict[str, list[str]] = {}
    for step in material.archive.steps:
        for part in step.parts:
            words = _window(part["parameters"])
            if words and words not in found.setdefault(str(part["technique"]), []):
                found[str(part["technique"])].append(words)
    against = f" vs {material.reference}" if material.reference else ""
    sentences = []
    for technique, windows in found.items():
        if windows:
            more = f" and {len(windows) - 3} other ways" if len(windows) > 3 else ""
            name = _NAMES.get(technique, short(technique, 60))
            sentences.append(f"{name} was run {'; '.join(windows[:3])}{more} (potentials{against}).")
    return sentences


def _window(parameters: Mapping[str, Any]) -> str:
    vertices = parameters.get("vertices")
    ends = vertices if isinstance(vertices, list | tuple) else [parameters.get("begin"), parameters.get("end")]
    if len(ends) == 2 and all(isinstance(e, int | float) for e in ends):
        sweep = sweep_words(parameters)
        low, high = (value_with_unit(float(e or 0.0), "V") for e in ends)
        return f"between {low} and {high}{f' at {sweep}' if sweep else ''}"
    held = parameters.get("potential")
    if isinstance(held, int | float):
        return f"at {value_with_unit(float(held), 'V')}"
    return ""


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
