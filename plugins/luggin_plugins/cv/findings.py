"""What an evaluation collects on its way, and how a couple becomes quantities and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luggin.results import FigureSpec, Outcome, Quantity, Refusal
from luggin_plugins.cv.calibration import Calibration
from luggin_plugins.cv.checks import fault_of_peak
from luggin_plugins.cv.estimate import Value, grid_uncertainty, mean_of
from luggin_plugins.cv.half_peak import half_peak_potential
from luggin_plugins.cv.intake import Voltammogram
from luggin_plugins.cv.judging import Result
from luggin_plugins.cv.labels import Surroundings
from luggin_plugins.cv.reading import Judged
from luggin_plugins.cv.rows import UNITS, budget_row, passage_row, wave_row

METHOD_PEAK = "top of the peak (local quartic)"
METHOD_HALF_PEAK = "where the forward current is half of the peak over its baseline"
HALF_PEAK_BASELINE = 0.06  # of RT/nF: what 5 % of the height in the baseline shift Ep/2 by
PEAKS_ARE_SOUND = ("no-return-peak", "peaks-too-far-apart", "incomplete-sweep", "follow-up-reaction")
_VERDICTS = {"incomplete-sweep": "return not seen", "follow-up-reaction": "EC"}


@dataclass
class Findings:
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

    def add_passages(self, vg: Voltammogram, calibration: Calibration, number: int, judged: Judged, label: str) -> None:
        """One row per passage through a wave, used or not."""
        for cycle, passage in enumerate(judged.wave.passages, 1):
            usable = "first cycle" if passage in judged.usable else "not usable"
            note = "" if passage in judged.counted else usable
            half_peak = half_peak_potential(vg, calibration, number, passage)
            self.tables["passages"].append(passage_row(label, cycle, passage, half_peak, note))

    def publish(self, result: Result, label: str, around: Surroundings) -> None:
        """A half-wave potential, the separation of its peaks, and the budget."""
        found = result.estimate
        flags = (*around.flags, *result.flags, *found.flags)
        versus = f";{around.versus}" if around.versus else ""

        def add(name: str, value: Value, method: str) -> None:
            self.quantities.append(Quantity(name, label, value.value, value.u, "V", method, result.verdict, flags))

        add("half_wave_potential", found.half_wave, found.method + versus)
        if found.separation is not None:
            add("peak_separation", found.separation, "Epa - Epc (local quartic)")
        self.tables["waves"].append(wave_row(label, result.verdict, found, result.electrons))
        self.tables["uncertainty"].append(budget_row(label, found))

    def publish_peaks(
        self,
        vg: Voltammogram,
        calibration: Calibration,
        number: int,
        why: Refusal,
        label: str,
        around: Surroundings,
    ) -> None:
        """Peak potentials alone, where a wave has no half-wave potential but its peaks are sound."""
        if why.code not in PEAKS_ARE_SOUND:
            return
        wave = calibration.waves[number]
        passages = wave.passages[1:] or wave.passages
        verdict = _VERDICTS.get(why.code, "irreversible")
        flags = (*around.flags, "no half-wave potential: " + why.code)

        def add(name: str, what: str, value: Value, method: str) -> None:
            text = method + (f";{around.versus}" if around.versus else "")
            self.quantities.append(Quantity(name, f"{label}, {what}", value.value, value.u, "V", text, verdict, flags))

        for peaks in ([p.pair.forward for p in passages], [p.pair.back for p in passages]):
            sound = [p for p in peaks if p is not None and fault_of_peak(vg, p, wave.half_width, label) is None]
            if sound:
                mean = _with_grid(mean_of([p.potential for p in sound], [p.vertex.u for p in sound]), vg.spacing)
                add("peak_potential", vg.sweeps[sound[0].sweep].name, mean, METHOD_PEAK)
        forward = [p for p in passages if fault_of_peak(vg, p.pair.forward, wave.half_width, label) is None]
        halves = [h for p in forward if (h := half_peak_potential(vg, calibration, number, p)) is not None]
        if halves:
            u = float(np.hypot(vg.spacing, HALF_PEAK_BASELINE * wave.centre.slope))
            spread = _with_grid(mean_of(halves, [u] * len(halves)), vg.spacing)
            name = vg.sweeps[forward[0].pair.forward.sweep].name
            add("half_peak_potential", name, spread, METHOD_HALF_PEAK)


def _with_grid(value: Value, spacing_v: float) -> Value:
    return Value(value.value, float(np.hypot(value.u, grid_uncertainty(spacing_v))))


def marked(results: Sequence[tuple[str, Result]]) -> list[tuple[str, float]]:
    """What a figure marks: the label and the half-wave potential of each couple."""
    return [(label, result.estimate.half_wave.value) for label, result in results]
