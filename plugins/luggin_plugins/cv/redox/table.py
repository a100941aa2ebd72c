"""``cv.redox-table``: the couples of a compound with replicates, gaps, another scale, and what others have printed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from luggin.results import AnalysisInput, FigureSpec, Outcome, Quantity, Refusal
from luggin_plugins.cv.redox.ladder import Rung, ladder
from luggin_plugins.cv.redox.reference import quantity_of
from luggin_plugins.cv.redox.scales import Offset, offset_to
from luggin_plugins.cv.redox.standard import against_standard, with_standard_named
from luggin_plugins.cv.series.fitting import mean_of_scans
from luggin_plugins.cv.series.sample import temperature_uncertainty
from luggin_plugins.cv.series.scans import Scan, read_scans, refusals_of
from luggin_plugins.cv.theory import thermal_voltage

METHOD = "mean of the voltammograms"
METHOD_GAP = "difference of half-wave potentials, mean of the voltammograms that show both"
METHOD_CONSTANT = "n dE F/(RT ln 10)"
DISAGREE = 3.0

UNITS = {
    "couples": {"half_wave_potential": "V", "u": "V", "sd": "V"},
    "gaps": {"gap": "V", "u": "V", "log10_comproportionation_constant": "1", "u_log10": "1"},
    "literature": {},
}


@dataclass(frozen=True)
class _Mean:
    """One couple: mean (V) with u, and the scatter of its replicates (V; None for one)."""

    label: str
    value: float
    u: float
    sd: float | None
    values: tuple[float, ...]
    verdict: str
    scattered: bool


def redox_table(inputs: AnalysisInput) -> Outcome:
    """Every couple with n, mean and sd; gaps and log Kc; conversions; literature as printed."""
    options = inputs.parameters
    scans: list[Scan] = read_scans(inputs)
    refused = list(refusals_of(scans))
    standard = str(options.get("standard", ""))
    converted: list[Quantity] = []
    if standard:
        near = options.get("near")
        named = with_standard_named(scans, standard, None if near is None else float(near))
        if isinstance(named, Refusal):
            refused.insert(0, named)
        else:
            scans = named
            converted = [quantity_of(a, standard) for a in against_standard(scans, standard)]
    means = _means(scans)
    reference = next((s.versus.removeprefix(" vs ") for s in scans if s.versus), "")
    sample = {**dict(scans[0].tables[0].sample), **inputs.sample} if scans else dict(inputs.sample)
    if options.get("to"):
        offset = offset_to(str(options["to"]), reference, sample, options)
        if isinstance(offset, Refusal):
            refused.append(offset)
        else:
            converted += [_converted(m, offset) for m in means]
    own = [m for m in means if m.label != standard]
    between = _without_number(own, scans, options)
    gaps = _gaps(own, between, scans, int(options.get("n", 1)), temperature_uncertainty(sample))
    compound = str(options.get("compound") or sample.get("id", "") or "this run")
    literature = [dict(row) for row in options.get("literature", ())]
    return Outcome(
        quantities=(
            *(_quantity(m, reference, bool(converted)) for m in means),
            *converted,
            *(q for gap in gaps for q in gap[0]),
        ),
        refusals=tuple(refused),
        tables={
            name: rows
            for name, rows in (
                ("couples", [_row(m, compound, reference) for m in means]),
                ("gaps", [gap[1] for gap in gaps]),
                ("literature", literature),
            )
            if rows
        },
        table_units=UNITS,
        figures=(_figure(means, compound, standard, reference, literature),) if means else (),
        flags=tuple(dict.fromkeys(flag for s in scans for flag in s.flags)),
    )


def _means(scans: Sequence[Scan]) -> list[_Mean]:
    """The couples from the most positive to the most negative, each over all voltammograms that show it."""
    found = []
    for label in dict.fromkeys(w.label for s in scans for w in s.waves):
        waves = [w for s in scans if (w := s.wave(label)) is not None]
        values, u = np.array([w.potential for w in waves]), np.array([w.u for w in waves])
        mean, u_mean, birge = mean_of_scans(values, u)
        sd = float(np.std(values, ddof=1)) if len(waves) > 1 else None
        verdict = ", ".join(dict.fromkeys(w.verdict for w in waves))
        found.append(_Mean(label, mean, u_mean, sd, tuple(map(float, values)), verdict, birge > DISAGREE))
    return sorted(found, key=lambda m: -m.value)


def _quantity(mean: _Mean, reference: str, several_scales: bool) -> Quantity:
    """A potential against the electrode of the run, which stands in the label where another scale is shown too."""
    flags = ["single voltammogram"] if mean.sd is None else []
    if mean.scattered:
        flags.append("voltammograms differ by more than 3 u: u is their scatter")
    if not reference:
        flags.append("reference electrode unknown")
    versus = f"; vs {reference}" if reference else ""
    label = f"{mean.label} vs {reference}" if several_scales and reference else mean.label
    return Quantity("half_wave_potential", label, mean.value, mean.u, "V", METHOD + versus, mean.verdict, tuple(flags))


def _converted(mean: _Mean, offset: Offset) -> Quantity:
    """A potential on another scale; the scale stands in the label, the source in the method."""
    return Quantity(
        name="half_wave_potential",
        label=f"{mean.label} vs {offset.to}",
        value=mean.value + offset.value,
        u=math.hypot(mean.u, offset.u),
        unit="V",
        method=f"moved by {1e3 * offset.value:+.1f} mV, u {1e3 * offset.u:.1f} mV ({offset.source}); vs {offset.to}",
        verdict=mean.verdict,
    )


def _without_number(means: Sequence[_Mean], scans: Sequence[Scan], options: Mapping[str, Any]) -> list[float]:
    """About where (V) couples lie that are there but have no half-wave potential: by their peaks, or by their names."""
    have = {mean.label for mean in means}
    peaks = [q for s in scans for q in s.quantities if q.name == "peak_potential" and q.label not in have]
    refused = {r.label for s in scans for r in s.refusals if r.label and r.label not in have}
    named = [c for c in options.get("couples", ()) if c.get("label") in refused and c.get("near") is not None]
    return [float(q.value) for q in peaks] + [float(couple["near"]) for couple in named]


def _gaps(
    means: Sequence[_Mean], without: Sequence[float], scans: Sequence[Scan], n: int, u_temperature: float
) -> list[tuple[tuple[Quantity, Quantity], Mapping[str, Any]]]:
    """Between successive couples: the gap, and how stable the form between them is (log10 Kc).

    Two couples with one between them that has no half-wave potential (``without``, V) are not successive.
    """
    found: list[tuple[tuple[Quantity, Quantity], Mapping[str, Any]]] = []
    for upper, lower in pairwise(means):
        if any(lower.value < potential < upper.value for potential in without):
            continue
        pairs = [(a, b, s) for s in scans if (a := s.wave(upper.label)) and (b := s.wave(lower.label))]
        if not pairs:
            continue
        values = np.array([a.potential - b.potential for a, b, _ in pairs])
        gap, u, _ = mean_of_scans(values, np.array([math.hypot(a.u, b.u) for a, b, _ in pairs]))
        temperature = float(np.mean([s.temperature_k for _, _, s in pairs]))
        per_volt = n / (thermal_voltage(temperature) * math.log(10.0))
        constant = gap * per_volt
        u_constant = math.hypot(u * per_volt, constant * u_temperature / temperature)
        label = f"{upper.label} | {lower.label}"
        quantities = (
            Quantity("half_wave_gap", label, gap, u, "V", METHOD_GAP),
            Quantity("log10_comproportionation_constant", label, constant, u_constant, "1", METHOD_CONSTANT),
        )
        row = {
            "between": label,
            "gap": gap,
            "u": u,
            "log10_comproportionation_constant": constant,
            "u_log10": u_constant,
            "voltammograms": len(pairs),
        }
        found.append((quantities, row))
    return found


def _row(mean: _Mean, compound: str, reference: str) -> dict[str, Any]:
    return {
        "compound": compound,
        "couple": mean.label,
        "half_wave_potential": mean.value,
        "u": mean.u,
        "n": len(mean.values),
        "sd": mean.sd,
        "reference": reference or "unknown",
        "verdict": mean.verdict,
    }


def _figure(
    means: Sequence[_Mean], compound: str, standard: str, reference: str, literature: Sequence[Mapping[str, Any]]
) -> FigureSpec:
    """The ladder: this compound, then what was published against the same electrode, compound by compound."""
    rungs = [Rung("internal standard" if m.label == standard else compound, m.label, m.value) for m in means]
    rungs.sort(key=lambda r: r.column != compound)
    for row in literature:
        value = printed_potential(str(row["potential"]))
        if value is not None and row["reference"] == reference:
            rungs.append(Rung(f"{row['compound'] or compound}, published", str(row["couple"]), value))
    spec = ladder(rungs, reference)
    left_out = sum(1 for row in literature if row["reference"] != reference)
    if not left_out:
        return spec
    return replace(spec, title=f"{spec.title} ({left_out} published against other electrodes not drawn)")


def printed_potential(text: str) -> float | None:
    """The number in a printed potential (V), for the drawing only; None if there is none.

    >>> printed_potential("-0.476 V"), printed_potential("about -0.5")
    (-0.476, None)
    """
    number = text.replace("\N{MINUS SIGN}", "-").removesuffix("V").strip()
    try:
        return float(number)
    except ValueError:
        return None
