"""``cv.half-waves``: the half-wave potentials of a cyclic voltammogram, or why there are none.

The way: rows are cut into sweeps; in each sweep the peaks that stand out of the noise are found
and located; peaks of neighbouring sweeps are paired to passages, passages of all cycles gathered
to waves; theory says how far each midpoint lies from E1/2; what is left is averaged over the
cycles, without the first. Close, slow or noisy waves are fitted together. "Half-wave potential" is
the estimate from a cyclic voltammogram (IUPAC, Pure Appl. Chem. 2020, 92, 641):
E0' + (RT/2nF) ln(D_R/D_O), uncorrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luggin.errors import AnalysisError
from luggin.results import AnalysisInput, Outcome, Refusal, Table
from luggin_plugins.cv import HALF_WAVES, refusals
from luggin_plugins.cv.agreement import ScanResult, withdraw_what_rates_contradict
from luggin_plugins.cv.blank import find_blank, subtracted
from luggin_plugins.cv.calibration import calibrate, locate_in_sweep
from luggin_plugins.cv.checks import NOT_MEASURING, ends_on_the_wave, wrong_sign
from luggin_plugins.cv.figure import draw, last_used
from luggin_plugins.cv.findings import Findings, marked
from luggin_plugins.cv.intake import Voltammogram, executions, take_in
from luggin_plugins.cv.judging import judge_all
from luggin_plugins.cv.labels import Surroundings, name_waves, remarks_on, scan_name, scan_rate, surroundings
from luggin_plugins.cv.model import program_of
from luggin_plugins.cv.pairing import Peak, Wave, gather_waves, pair_up
from luggin_plugins.cv.peaks import FIRST_WINDOW_V, find_bumps, rises_to_the_end
from luggin_plugins.cv.radial import is_steady_state
from luggin_plugins.cv.resistance import Resistance, corrected, known_resistance
from luggin_plugins.cv.theory import thermal_voltage

__all__ = ["HALF_WAVES", "half_waves"]

MOST_WAVES = 10
HELPERS = ("solution_resistance",)  # techniques whose tables are used, and never evaluated


def half_waves(inputs: AnalysisInput) -> Outcome:
    """Half-wave potentials with uncertainty of all waves in the given voltammograms.

    Every execution of ``cv`` is evaluated on its own; with more than one, labels tell the scan
    rate. A table that an option names (the blank, the step that measured the resistance) is used
    and not evaluated. Nothing is ever turned round, interpolated or guessed: what cannot be read
    is a refusal.

    Raises:
        AnalysisError: no table, a table of another technique, or options that cannot be meant.
    """
    if not inputs.tables:
        raise AnalysisError("cv.half-waves was given no table; point it at a cv step or file")
    options = _checked_options(inputs.parameters)
    helpers = {name for name in (options["subtract"], options["resistance"]) if name}
    wanted = [t for t in inputs.tables if t.technique not in HELPERS and not helpers & {t.id, t.role}]
    found = Findings()
    resistance = known_resistance(options["resistance"], inputs.tables)
    blank = find_blank(options["subtract"], inputs.tables) if options["subtract"] else None
    for missing in (resistance, blank):
        if isinstance(missing, Refusal):
            found.refusals.append(missing)
    if not wanted:
        found.refusals.append(refusals.nothing_to_evaluate(", ".join(sorted(helpers))))
    if found.refusals or isinstance(resistance, Refusal) or isinstance(blank, Refusal):
        return found.outcome()
    runs = executions(wanted)
    rates = []
    for number, pieces in enumerate(runs, 1):
        scan = _Scan(pieces, number if len(runs) > 1 else 0, blank, resistance)
        rates.append(scan.evaluate(inputs.sample, options, found))
    withdraw_what_rates_contradict(found, rates)
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


@dataclass(frozen=True)
class _Scan:
    """One voltammogram to be evaluated; ``number`` is 0 if it is the only one."""

    pieces: Sequence[Table]
    number: int
    blank: Sequence[Table] | None
    resistance: Resistance | None

    def evaluate(self, sample: Mapping[str, Any], options: Mapping[str, Any], found: Findings) -> ScanResult:
        """Everything that this voltammogram says, added to ``found``; its couples come back."""
        around = surroundings({**self.pieces[0].sample, **sample}, self.pieces[0].parameters, self.pieces)
        found.flags += around.flags
        vg = self._taken_in(options["subtract"])
        if isinstance(vg, Refusal):
            found.refusals.append(replace(vg, label=scan_name(self.number, self.pieces, None)))
            return ScanResult("", 0.0, ())
        scan = scan_name(self.number, self.pieces, vg)
        suffix = f", {scan}" if scan else ""
        remarks = remarks_on(self.pieces, vg, int(np.count_nonzero(vg.flags & int(NOT_MEASURING))))
        found.flags += [f"{remark} ({scan})" if scan else remark for remark in remarks]
        title = f"{self.pieces[0].label or 'Cyclic voltammogram'}{suffix}"
        whole = self._waves(vg, options["n"])
        if isinstance(whole, Refusal):
            found.refusals.append(replace(whole, label=scan))
            found.refusals += name_waves((), options["couples"], suffix)[1]
            found.figures.append(draw(vg, None, (), (), title, around.versus))
            return ScanResult(suffix, scan_rate(vg), ())
        return self._report(vg, whole, options, around, suffix, title, found)

    def _taken_in(self, subtract: str) -> Voltammogram | Refusal:
        vg = take_in(self.pieces)
        if isinstance(vg, Refusal) or self.blank is None:
            return vg
        return subtracted(vg, self.blank, subtract)

    def _waves(self, vg: Voltammogram, n: int) -> tuple[Wave, ...] | Refusal:
        """The waves of a voltammogram, or why it has none."""
        sign = wrong_sign(vg, str(self.pieces[0].parameters.get("current_turned", "")))
        if sign is not None:
            return sign
        if is_steady_state(vg):
            return refusals.steady_state()
        by_sweep, noise = _peaks_of(self._at_the_surface(vg))
        waves = gather_waves(pair_up(by_sweep, n))
        if not waves:
            return _why_no_wave(vg, noise)
        return waves if len(waves) <= MOST_WAVES else refusals.too_many_waves(len(waves))

    def _at_the_surface(self, vg: Voltammogram) -> Voltammogram:
        """The voltammogram with the drop of a known resistance taken off its potentials."""
        return corrected(vg, program_of(vg), self.resistance.value)[0] if self.resistance else vg

    def _report(
        self,
        vg: Voltammogram,
        waves: Sequence[Wave],
        options: Mapping[str, Any],
        around: Surroundings,
        suffix: str,
        title: str,
        found: Findings,
    ) -> ScanResult:
        """Publish or refuse every wave."""
        program = program_of(vg)
        surface = vg
        if self.resistance is not None:
            surface, program = corrected(vg, program, self.resistance.value)
        calibration = calibrate(surface, waves, options["n"], thermal_voltage(around.temperature_k), program)
        verdicts = judge_all(surface, calibration, options["n"], self.resistance, float(options["calibration"]))
        found.flags += verdicts.flags
        couples = [(r.estimate.half_wave.value, r) for r in verdicts.results]
        others = [(verdicts.judged[k].wave.wave.potential, k, why) for k, why in verdicts.refused]
        labels, missing = name_waves([c[0] for c in couples] + [o[0] for o in others], options["couples"], suffix)
        of_wave: dict[int, str] = {}
        for label, (_, result) in zip(labels, couples, strict=False):
            found.publish(result, label, around)
            of_wave.setdefault(result.wave, label)
        for label, (_, k, why) in zip(labels[len(couples) :], others, strict=True):
            found.refusals.append(replace(why, label=label))
            found.publish_peaks(surface, calibration, k, why, label, around)
            of_wave.setdefault(k, label)
        for k, judged in enumerate(verdicts.judged):
            found.add_passages(surface, calibration, k, judged, of_wave[k])
        found.refusals += missing
        shown = [last_used(j.wave, j.counted) for j in verdicts.judged]
        published = list(zip(labels, verdicts.results, strict=False))
        found.figures.append(draw(surface, calibration, shown, marked(published), title, around.versus))
        return ScanResult(suffix, scan_rate(vg), tuple(label for label, _ in published))


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
