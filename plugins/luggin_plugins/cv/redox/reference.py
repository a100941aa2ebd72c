"""``cv.reference``: ferrocene (or another standard) in the same solution, and all couples against it."""

from __future__ import annotations

from typing import Any

from luggin.results import AnalysisInput, Outcome, Quantity, Refusal
from luggin_plugins.cv.redox.standard import Against, against_standard, potential_of, with_standard_named
from luggin_plugins.cv.series.scans import Scan, read_scans, refusals_of

METHOD = "mean over the voltammograms that show it"
METHOD_SAME = "difference of half-wave potentials within one voltammogram"
METHOD_LATER = "difference of half-wave potentials in different voltammograms of the run"

UNITS = {
    "standard": {"half_wave_potential": "V", "u": "V", "peak_separation": "V"},
    "converted": {"half_wave_potential": "V", "u": "V"},
}


def reference(inputs: AnalysisInput) -> Outcome:
    """Half-wave potential of the internal standard, and of every other couple against it."""
    name, near = str(inputs.parameters.get("couple", "Fc+/0")), inputs.parameters.get("near")
    scans = read_scans(inputs)
    flags = tuple(dict.fromkeys(flag for s in scans for flag in s.flags))
    refused = refusals_of(scans)
    named = with_standard_named(scans, name, None if near is None else float(near))
    if isinstance(named, Refusal):
        return Outcome(refusals=(named, *refused), flags=flags)
    value, u = potential_of(named, name)
    versus = next((s.versus for s in named if s.versus), "")
    standard = Quantity(
        "half_wave_potential",
        f"{name}{versus}",
        value,
        u,
        "V",
        METHOD + (f";{versus}" if versus else ""),
        _verdict(named, name),
    )
    others = against_standard(named, name)
    return Outcome(
        quantities=(standard, *(quantity_of(a, name) for a in others)),
        refusals=refused,
        tables={"standard": _standard_rows(named, name), "converted": [_row(a, name) for a in others]},
        table_units=UNITS,
        figures=tuple(f for s in named for f in s.figures),
        flags=flags,
    )


def quantity_of(against: Against, name: str) -> Quantity:
    """A potential against the standard; the standard stands in its label."""
    flags = []
    if not against.same_solution:
        flags.append(f"{name} was not in this voltammogram")
        if not against.drift_seen:
            flags.append("drift of the reference electrode not seen: 5 mV taken for its uncertainty")
    return Quantity(
        name="half_wave_potential",
        label=f"{against.label} vs {name}",
        value=against.value,
        u=against.u,
        unit="V",
        method=f"{METHOD_SAME if against.same_solution else METHOD_LATER}; vs {name}",
        flags=tuple(flags),
    )


def _verdict(scans: list[Scan], name: str) -> str:
    verdicts = [w.verdict for s in scans if (w := s.wave(name)) is not None]
    return ", ".join(dict.fromkeys(verdicts))


def _standard_rows(scans: list[Scan], name: str) -> list[dict[str, Any]]:
    return [
        {
            "scan": s.name,
            "half_wave_potential": w.potential,
            "u": w.u,
            "peak_separation": w.separation,
            "reference": s.versus.removeprefix(" vs ") or "unknown",
            "verdict": w.verdict,
        }
        for s in scans
        if (w := s.wave(name)) is not None
    ]


def _row(against: Against, name: str) -> dict[str, Any]:
    return {
        "label": against.label,
        "half_wave_potential": against.value,
        "u": against.u,
        "reference": name,
        "voltammograms": against.count,
        "same_solution": against.same_solution,
    }
