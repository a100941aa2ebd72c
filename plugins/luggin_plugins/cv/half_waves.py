"""``cv.half-waves``: the half-wave potentials of a cyclic voltammogram, or why there are none.

The way: rows are cut into sweeps; in each sweep the peaks that stand out of the noise are found
and located; peaks of neighbouring sweeps are paired to passages, passages of all cycles gathered
to waves; theory says how far each midpoint lies from E1/2; what is left is averaged over the
cycles, without the first. "Half-wave potential" is the estimate from the midpoint of a cyclic
voltammogram (IUPAC, Pure Appl. Chem. 2020, 92, 641): E0' + (RT/2nF) ln(D_R/D_O), uncorrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luggin.errors import AnalysisError
from luggin.results import AnalysisInput, FigureSpec, Outcome, Quantity, Refusal, Table
from luggin_plugins.cv import HALF_WAVES, refusals
from luggin_plugins.cv.calibration import Calibration, FittedWave, Passage, calibrate, locate_in_sweep
from luggin_plugins.cv.checks import (
    CLOSEST_WAVES_V,
    NOT_MEASURING,
    ends_on_the_wave,
    fault_of_passage,
    fault_of_peak,
    wrong_sign,
)
from luggin_plugins.cv.estimate import Estimate, Value, estimate, grid_uncertainty, largest_resistance, mean_of
from luggin_plugins.cv.figure import draw, last_used
from luggin_plugins.cv.half_peak import half_peak_potential
from luggin_plugins.cv.intake import Voltammogram, executions, take_in
from luggin_plugins.cv.labels import Surroundings, name_waves, remarks_on, scan_name, surroundings
from luggin_plugins.cv.pairing import Peak, gather_waves, pair_up
from luggin_plugins.cv.peaks import FIRST_WINDOW_V, find_bumps, rises_to_the_end
from luggin_plugins.cv.rows import UNITS, budget_row, passage_row, wave_row
from luggin_plugins.cv.theory import thermal_voltage

__all__ = ["HALF_WAVES", "half_waves"]

METHOD = "midpoint of peaks (local quartic), corrected by theory for switching, neighbours and possible ohmic drop"
METHOD_PEAK = "top of the peak (local quartic)"
METHOD_HALF_PEAK = "where the forward current is half of the peak over its baseline"
MOST_WAVES = 10
HALF_PEAK_BASELINE = 0.06  # of RT/nF: what 5 % of the height in the baseline shift Ep/2 by
LARGEST_MISFIT = 0.25  # slow, ohmic and decaying couples stay below 0.12, drifting noise above 0.3
RATIO_OF_A_STABLE_COUPLE = (0.7, 1.3)


@dataclass
class _Findings:
    """What is collected on the way; becomes the outcome."""

    quantities: list[Quantity] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    tables: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: {name: [] for name in UNITS})
    figures: list[FigureSpec] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    def outcome(self) -> Outcome:
        """Everything, frozen."""
        return Outcome(
            quantities=tuple(self.quantities),
            refusals=tuple(self.refusals),
            tables={name: tuple(rows) for name, rows in self.tables.items() if rows},
            table_units={name: UNITS[name] for name, rows in self.tables.items() if rows},
            figures=tuple(self.figures),
            flags=tuple(dict.fromkeys(self.flags)),
        )


def half_waves(inputs: AnalysisInput) -> Outcome:
    """Half-wave potentials with uncertainty of all waves in the given voltammograms.

    Every execution of ``cv`` is evaluated on its own; with more than one, labels tell the scan
    rate. Nothing is ever turned round, interpolated or guessed: what cannot be read is a refusal.

    Raises:
        AnalysisError: no table, a table that is no ``cv``, or options that cannot be meant.
    """
    if not inputs.tables:
        raise AnalysisError("cv.half-waves was given no table; point it at a cv step or file")
    options = _checked_options(inputs.parameters)
    runs = executions(inputs.tables)
    found = _Findings()
    for number, pieces in enumerate(runs, 1):
        _evaluate(pieces, inputs.sample, options, found, number if len(runs) > 1 else 0)
    return found.outcome()


def _checked_options(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    from pydantic import ValidationError

    from luggin.steps.wording import mistakes_of
    from luggin_plugins.cv.options import HalfWavesOptions

    try:
        return HalfWavesOptions.model_validate(dict(parameters)).model_dump()
    except ValidationError as error:
        problems = [mistake.problem() for mistake in mistakes_of(error, HalfWavesOptions)]
        words = " ".join(f"{p.path}: {p.message} {p.hint}".strip() for p in problems)
        raise AnalysisError(f"options of cv.half-waves: {words}") from error


def _evaluate(
    pieces: Sequence[Table], sample: Mapping[str, Any], options: Mapping[str, Any], found: _Findings, number: int
) -> None:
    """One voltammogram; ``number`` is 0 if it is the only one."""
    around = surroundings({**pieces[0].sample, **sample}, pieces[0].parameters)
    found.flags += around.flags
    vg = take_in(pieces)
    if isinstance(vg, Refusal):
        found.refusals.append(replace(vg, label=scan_name(number, pieces, None)))
        return
    scan = scan_name(number, pieces, vg)
    suffix = f", {scan}" if scan else ""
    remarks = remarks_on(pieces, vg, int(np.count_nonzero(vg.flags & int(NOT_MEASURING))))
    found.flags += [f"{remark} ({scan})" if scan else remark for remark in remarks]
    title = f"{pieces[0].label or 'Cyclic voltammogram'}{suffix}"
    sign = wrong_sign(vg, str(pieces[0].parameters.get("current_turned", "")))
    if sign is not None:
        found.refusals.append(replace(sign, label=scan))
        found.figures.append(draw(vg, None, (), (), title, around.versus))
        return
    by_sweep, noise = _peaks_of(vg)
    waves = gather_waves(pair_up(by_sweep, options["n"]))
    if not waves:
        found.refusals.append(replace(_why_no_wave(vg, noise), label=scan))
        found.figures.append(draw(vg, None, (), (), title, around.versus))
        return
    if len(waves) > MOST_WAVES:
        found.refusals.append(replace(refusals.too_many_waves(len(waves)), label=scan))
        found.figures.append(draw(vg, None, (), (), title, around.versus))
        return
    calibration = calibrate(vg, waves, options["n"], thermal_voltage(around.temperature_k))
    shown, marked = _report(vg, calibration, options, around, suffix, found)
    found.figures.append(draw(vg, calibration, shown, marked, title, around.versus))


def _peaks_of(vg: Voltammogram) -> tuple[list[list[Peak]], float]:
    """The located peaks of every sweep, and the median noise (A)."""
    by_sweep, noises = [], []
    for number, sweep in enumerate(vg.sweeps):
        potential = vg.potential[sweep.rows]
        bumps, noise = find_bumps(potential, sweep.direction * vg.current[sweep.rows])
        noises.append(noise)
        peaks = []
        for bump in bumps:
            top = locate_in_sweep(vg, vg.current, number, float(potential[bump.row]), FIRST_WINDOW_V)
            if top is not None:
                peaks.append(Peak(number, sweep.direction, top, bump.prominence))
        by_sweep.append(peaks)
    return by_sweep, float(np.median(noises))


def _why_no_wave(vg: Voltammogram, noise: float) -> Refusal:
    turned = [s for s in vg.sweeps if rises_to_the_end(vg.potential[s.rows], s.direction * vg.current[s.rows])]
    if turned:
        return ends_on_the_wave(vg, turned[0])
    return refusals.no_wave(noise)


@dataclass(frozen=True)
class _Judged:
    """A wave after judgement: the passages that count, how many were usable, and why others were not."""

    wave: FittedWave
    counted: tuple[Passage, ...]
    usable: tuple[Passage, ...]
    faults: tuple[Refusal, ...]


def _report(
    vg: Voltammogram,
    calibration: Calibration,
    options: Mapping[str, Any],
    around: Surroundings,
    suffix: str,
    found: _Findings,
) -> tuple[list[Passage | None], list[tuple[str, float]]]:
    """Judge every wave, publish or refuse it; what the figure shows of each comes back."""
    judged = [_judge(vg, calibration, number, options["n"]) for number in range(len(calibration.waves))]
    resistance = largest_resistance([(j.wave, j.counted) for j in judged if j.counted])
    results = [estimate(j.wave, j.counted, vg.spacing, resistance) if j.counted else None for j in judged]
    potentials = [r.half_wave.value if r else j.wave.wave.potential for r, j in zip(results, judged, strict=True)]
    labels, missing = name_waves(potentials, options["couples"], suffix)
    marked: list[tuple[str, float]] = []
    for number, (this, result, label) in enumerate(zip(judged, results, labels, strict=True)):
        for cycle, passage in enumerate(this.wave.passages, 1):
            usable = "first cycle" if passage in this.usable else "not usable"
            half_peak = half_peak_potential(vg, calibration, number, passage)
            note = "" if passage in this.counted else usable
            found.tables["passages"].append(passage_row(label, cycle, passage, half_peak, note))
        if result is not None:
            _publish(result, this, label, options["n"], around, found)
            marked.append((label, result.half_wave.value))
        else:
            refusal = replace(_weightiest(this.faults), label=label)
            found.refusals.append(refusal)
            _publish_peaks(vg, calibration, number, refusal, label, around, found)
    found.refusals += missing
    return [last_used(j.wave, j.counted) for j in judged], marked


def _weightiest(faults: Sequence[Refusal]) -> Refusal:
    """The reason to give when passages failed for several: that the scan just ended is the weakest."""
    return next((f for f in faults if f.code != "incomplete-sweep"), faults[0])


def _judge(vg: Voltammogram, calibration: Calibration, number: int, n: int) -> _Judged:
    """Which passages of a wave count: all that can be read, without the first if there are more."""
    wave = calibration.waves[number]
    usable, faults = _sort_out(vg, wave, n)
    gap = _distance_to_next(calibration, number)
    if usable and gap < CLOSEST_WAVES_V:
        return _Judged(wave, (), (), (refusals.overlapping(gap, ""), *faults))
    if usable and wave.misfit > LARGEST_MISFIT and wave.split is None:
        return _Judged(wave, (), (), (refusals.not_a_wave(wave.misfit, ""), *faults))
    if usable and wave.split is not None:
        return _Judged(wave, (), (), (refusals.two_in_one(wave.split, ""), *faults))
    return _Judged(wave, tuple(usable[1:] or usable), tuple(usable), tuple(faults))


def _sort_out(vg: Voltammogram, wave: FittedWave, n: int) -> tuple[list[Passage], list[Refusal]]:
    """The passages that may be used, and the reasons against the others."""
    used, faults = [], []
    for passage in wave.passages:
        fault = fault_of_passage(vg, wave, passage, n, "")
        if fault is None:
            used.append(passage)
        else:
            faults.append(fault)
    return used, faults


def _distance_to_next(calibration: Calibration, number: int) -> float:
    own = calibration.waves[number].centre.potential
    return min(
        (abs(w.centre.potential - own) for k, w in enumerate(calibration.waves) if k != number), default=float("inf")
    )


def _publish(
    result: Estimate,
    judged: _Judged,
    label: str,
    n: int,
    around: Surroundings,
    found: _Findings,
) -> None:
    """A half-wave potential and the separation of its peaks."""
    flags = list(around.flags)
    wave = judged.wave
    if len(judged.usable) == 1:
        flags.append("single cycle")
    if wave.wave.lost:
        flags.append(f"return peak missing in {len(wave.wave.lost)} further passages")
    if wave.electrons > n:
        flags.append(f"peaks closer than {57 / n:.0f} mV: n > {n} or adsorption")
    low, high = RATIO_OF_A_STABLE_COUPLE
    if not low <= result.ratio.value <= high:
        flags.append(f"follow-up reaction? peak current ratio {result.ratio.value:.2f}")
    if all(p.bias is None for p in wave.passages):
        flags.append("switching bias not corrected")
    verdict = "reversible" if result.reversible else "quasi-reversible"
    found.quantities += [
        Quantity(
            name="half_wave_potential",
            label=label,
            value=result.half_wave.value,
            u=result.half_wave.u,
            unit="V",
            method=METHOD + (f";{around.versus}" if around.versus else ""),
            verdict=verdict,
            flags=tuple(flags),
        ),
        Quantity(
            name="peak_separation",
            label=label,
            value=result.separation.value,
            u=result.separation.u,
            unit="V",
            method="Epa - Epc (local quartic)",
            verdict=verdict,
            flags=tuple(flags),
        ),
    ]
    found.tables["waves"].append(wave_row(label, verdict, result, wave.electrons))
    found.tables["uncertainty"].append(budget_row(label, result))


def _publish_peaks(
    vg: Voltammogram,
    calibration: Calibration,
    number: int,
    why: Refusal,
    label: str,
    around: Surroundings,
    found: _Findings,
) -> None:
    """Peak potentials alone, where a wave has no half-wave potential but its peaks are sound."""
    if why.code not in ("no-return-peak", "peaks-too-far-apart", "incomplete-sweep"):
        return
    wave = calibration.waves[number]
    passages = wave.passages[1:] or wave.passages
    verdict = "irreversible" if why.code != "incomplete-sweep" else "return not seen"
    flags = (*around.flags, "no half-wave potential: " + why.code)

    def add(name: str, what: str, value: Value, method: str) -> None:
        text = method + (f";{around.versus}" if around.versus else "")
        found.quantities.append(Quantity(name, f"{label}, {what}", value.value, value.u, "V", text, verdict, flags))

    for peaks in ([p.pair.forward for p in passages], [p.pair.back for p in passages]):
        sound = [p for p in peaks if p is not None and fault_of_peak(vg, p, wave.half_width, label) is None]
        if sound:
            mean = _with_grid(mean_of([p.potential for p in sound], [p.vertex.u for p in sound]), vg.spacing)
            add("peak_potential", vg.sweeps[sound[0].sweep].name, mean, METHOD_PEAK)
    forward = [p for p in passages if fault_of_peak(vg, p.pair.forward, wave.half_width, label) is None]
    halves = [h for p in forward if (h := half_peak_potential(vg, calibration, number, p)) is not None]
    if halves:
        baseline_share = HALF_PEAK_BASELINE * wave.centre.slope
        spread = _with_grid(mean_of(halves, [float(np.hypot(vg.spacing, baseline_share))] * len(halves)), vg.spacing)
        add("half_peak_potential", vg.sweeps[forward[0].pair.forward.sweep].name, spread, METHOD_HALF_PEAK)


def _with_grid(value: Value, spacing_v: float) -> Value:
    return Value(value.value, float(np.hypot(value.u, grid_uncertainty(spacing_v))))
