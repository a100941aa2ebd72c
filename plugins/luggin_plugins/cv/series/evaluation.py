"""``cv.scan-rate-series``: several voltammograms of one solution, couple by couple, or why there is no number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luggin.results import AnalysisInput, FigureSpec, Outcome, Quantity, Refusal
from luggin_plugins.cv.series import diffusion as law
from luggin_plugins.cv.series import figures, refusals
from luggin_plugins.cv.series.convolution import Plateaux, plateaux
from luggin_plugins.cv.series.couples import Couple, couple_of, fault_of_series, labels_of, moves
from luggin_plugins.cv.series.fitting import Line, mean_of_scans
from luggin_plugins.cv.series.rows import UNITS, budget_row, rate_rows
from luggin_plugins.cv.series.sample import Stated, concentration, electrode_area, temperature_uncertainty
from luggin_plugins.cv.series.scans import Scan, read_scans
from luggin_plugins.cv.series.transfer import Kinetics, changes_with_rate, kinetics_of, rate_constant, resistance_from
from luggin_plugins.cv.theory import thermal_voltage

METHOD_EXPONENT = (
    "log ip against log v, forward peaks of the first sweeps, divided by the share that slow transfer leaves"
)
METHOD_DIFFUSION = (
    "Randles-Sevcik from forward peaks of the first sweeps, divided by the share that slow transfer leaves"
)
METHOD_LIMIT = "limiting semi-integral nFAC sqrt(D), mean over the scan rates"
METHOD_RATE = (
    "Nicholson's psi from the peak separations (equations solved anew for the switching potential), alpha = 0.5"
)
METHOD_RESISTANCE = "slope of the peak separation against the current between the peaks"
METHOD_MEAN = "mean over the scan rates"
EQUAL_D = "D of both forms taken as equal"


@dataclass
class _Findings:
    quantities: list[Quantity] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    tables: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: {name: [] for name in UNITS})
    figures: list[FigureSpec] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    def outcome(self) -> Outcome:
        return Outcome(
            tuple(self.quantities),
            tuple(self.refusals),
            {name: tuple(rows) for name, rows in self.tables.items() if rows},
            {name: UNITS[name] for name, rows in self.tables.items() if rows},
            tuple(self.figures),
            tuple(dict.fromkeys(self.flags)),
        )


@dataclass(frozen=True)
class _Solution:
    """What the sample says: area (cm2), concentration (mol/cm3), and u(T) (K)."""

    area: Stated | Refusal
    concentration: Stated | Refusal
    u_temperature: float

    @property
    def lacking(self) -> Refusal | None:
        return next((s for s in (self.area, self.concentration) if isinstance(s, Refusal)), None)


def scan_rate_series(inputs: AnalysisInput) -> Outcome:
    """Exponent, diffusion coefficient and rate constant of every couple, from all voltammograms together."""
    found = _Findings()
    scans = read_scans(inputs)
    if inputs.parameters.get("waveform"):
        scans = [s.swept_as(str(inputs.parameters["waveform"])) for s in scans]
    found.flags += [flag for s in scans for flag in s.flags]
    fault = fault_of_series(scans)
    if fault is not None:
        found.refusals.append(fault)
        return found.outcome()
    n = int(inputs.parameters.get("n", 1))
    sample = {**dict(scans[0].tables[0].sample), **inputs.sample}
    solution = _Solution(electrode_area(sample), concentration(sample), temperature_uncertainty(sample))
    levels = {number: _plateaux(scan, n) for number, scan in enumerate(scans)}
    found.figures += figures.overlays(scans)
    for label in labels_of(scans, inputs.parameters.get("couples", ())):
        couple = couple_of(label, scans, levels, n)
        if isinstance(couple, Refusal):
            found.refusals.append(couple)
        else:
            _report(couple, n, solution, found)
    found.figures += figures.semi_integrals(scans, levels)
    if not found.quantities and not found.refusals:
        found.refusals += [r for s in scans for r in s.refusals]
    return found.outcome()


def _plateaux(scan: Scan, n: int) -> Plateaux | None:
    if scan.voltammogram is None:
        return None
    return plateaux(scan.voltammogram, scan.waves, thermal_voltage(scan.temperature_k) / n)


def _report(couple: Couple, n: int, solution: _Solution, found: _Findings) -> None:
    """Everything about one couple."""
    versus, label = couple.readings[0].scan.versus, couple.label
    moved = moves(couple)
    if moved is not None:
        found.refusals.append(moved)
    else:
        value, u, _ = mean_of_scans(*couple.potentials)
        method = METHOD_MEAN + (f";{versus}" if versus else "")
        found.quantities.append(Quantity("half_wave_potential", label, value, u, "V", method))
    currents = law.corrected_currents(couple)
    line = law.exponent(currents.rate, currents.reversible, currents.u_reversible)
    raw = law.exponent(currents.rate, currents.height, currents.u)
    meaning = law.meaning_of(line)
    flags = (f"as measured, without the correction: {raw.slope:.3f}, u {raw.u_slope:.3f}",)
    found.quantities.append(
        Quantity("scan_rate_exponent", label, line.slope, line.u_slope, "1", METHOD_EXPONENT, meaning, flags)
    )
    diffusion = None if moved is not None else _diffusion(couple, currents, line, meaning, n, solution, found)
    kinetics = None if moved is not None else _kinetics(couple, n, diffusion, solution, found)
    found.tables["rates"] += rate_rows(couple, currents, kinetics)
    found.figures.append(figures.randles_sevcik(couple, currents, diffusion))


def _diffusion(
    couple: Couple,
    currents: law.Currents,
    line: Line,
    meaning: str,
    n: int,
    solution: _Solution,
    found: _Findings,
) -> law.Diffusion | None:
    if meaning != "diffusion":
        found.refusals.append(refusals.not_diffusion(line.slope, line.u_slope, couple.label))
        return None
    area, amount = solution.area, solution.concentration
    if isinstance(area, Refusal) or isinstance(amount, Refusal):
        lacking = solution.lacking
        if lacking is not None:
            found.refusals.append(replace(lacking, label=couple.label))
        return None
    temperature = float(np.mean([r.scan.temperature_k for r in couple.readings]))
    height = float(np.mean([t.reversible_height for t in couple.tables()]))
    diffusion = law.diffusion_coefficient(
        currents, n, area, amount, temperature, solution.u_temperature, height, couple.stairs(n)
    )
    unsure = ("ramp or staircase not known: both are within u",) if couple.stairs(n) else ()
    flags = tuple(dict.fromkeys((*area.flags, *amount.flags, *unsure)))
    found.quantities.append(
        Quantity(
            "diffusion_coefficient", couple.label, diffusion.value, diffusion.u, "cm2/s", METHOD_DIFFUSION, flags=flags
        )
    )
    found.tables["uncertainty"].append(budget_row(couple.label, diffusion))
    limiting = law.limiting_coefficient(couple, n, area, amount, couple.stairs(n))
    if limiting is not None:
        found.quantities.append(
            Quantity(
                "diffusion_coefficient",
                f"{couple.label}, semi-integral",
                *limiting,
                "cm2/s",
                METHOD_LIMIT,
                flags=flags,
            )
        )
    return diffusion


def _kinetics(
    couple: Couple, n: int, diffusion: law.Diffusion | None, solution: _Solution, found: _Findings
) -> Kinetics | None:
    """The rate constant where it can be told from the resistance; else an estimate of that resistance."""
    label = couple.label
    if not changes_with_rate(couple):
        found.refusals.append(refusals.separation_constant(label))
        return None
    if all(r.scan.resistance is None for r in couple.readings):
        found.refusals.append(refusals.resistance_unknown(label))
        line = resistance_from(couple)
        flags = ("an upper bound: what slow transfer adds to the separation is in it",)
        found.quantities.append(
            Quantity("solution_resistance", label, line.slope, line.u_slope, "ohm", METHOD_RESISTANCE, flags=flags)
        )
        return None
    kinetics = kinetics_of(couple, n)
    if isinstance(kinetics, Refusal):
        found.refusals.append(kinetics)
        return None
    if diffusion is None:
        found.refusals.append(refusals.no_diffusion_coefficient(label))
        return kinetics
    temperature = float(np.mean([r.scan.temperature_k for r in couple.readings]))
    value, u = rate_constant(kinetics, diffusion, couple.slope_v, solution.u_temperature / temperature)
    found.quantities.append(Quantity("rate_constant", label, value, u, "cm/s", METHOD_RATE, flags=(EQUAL_D,)))
    return kinetics
