"""Every voltammogram read by ``cv.half-waves``, as plain values for the analyses that compare voltammograms.

The only place where they touch that analysis: each execution is asked for on its own, so that it is
judged by itself and keeps the plain labels of its couples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luggin.results import AnalysisInput, FigureSpec, Outcome, Refusal, Table
from luggin_plugins.cv.half_waves import half_waves
from luggin_plugins.cv.intake import Voltammogram, executions, take_in
from luggin_plugins.cv.labels import surroundings
from luggin_plugins.cv.noise import white_noise
from luggin_plugins.cv.options import HalfWavesOptions
from luggin_plugins.cv.resistance import Resistance, known_resistance

RAMP = "ramp"
BASELINE_SHARE = 0.01  # relative standard uncertainty of a peak height from its baseline
_ACROSS_PEAK_V = 0.06  # rows that a local polynomial uses
_QUARTIC = 1.9  # how much noisier its top is than a mean of as many rows
_JOIN_V = 0.060  # waves of two scans that lie closer are the same couple, if none was named


@dataclass(frozen=True)
class Wave:
    """One couple in one voltammogram, in V and A; ``height`` (signed) is that of the forward peak over its baseline.

    ``swing`` is the current from the cathodic to the anodic peak, without any baseline; ``turn`` is how far (V)
    behind E1/2 the sweep turned. ``separation``, ``height`` and ``return_height`` are None
    where the peaks could not be read but E1/2 could.
    """

    label: str
    potential: float
    u: float
    separation: float | None
    u_separation: float
    height: float | None
    u_height: float
    return_height: float | None
    swing: float | None
    turn: float
    verdict: str
    method: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """One voltammogram with what ``cv.half-waves`` said about it. ``rate`` (V/s) is measured, not asked for.

    ``voltammogram`` is None where the rows could not be taken in; ``resistance`` is that whose drop was taken off.
    """

    name: str
    rate: float
    temperature_k: float
    versus: str
    waves: tuple[Wave, ...]
    refusals: tuple[Refusal, ...]
    quantities: tuple[Any, ...]
    flags: tuple[str, ...]
    figures: tuple[FigureSpec, ...]
    voltammogram: Voltammogram | None
    tables: tuple[Table, ...]
    resistance: Resistance | None = None

    @property
    def stairs(self) -> float:
        """Height (V) of the steps that the sweep may have been made of; 0 if it is known to be a ramp."""
        parameters = self.tables[0].parameters
        step = parameters.get("step")
        if parameters.get("waveform") == RAMP:
            return 0.0
        return float(step) if isinstance(step, int | float) and step > 0 else self.spacing

    def swept_as(self, waveform: str) -> Scan:
        """The scan with the waveform that the experimenter states."""
        return replace(
            self, tables=tuple(replace(t, parameters={**t.parameters, "waveform": waveform}) for t in self.tables)
        )

    @property
    def spacing(self) -> float:
        """Distance (V) of the points."""
        return self.voltammogram.spacing if self.voltammogram is not None else 0.0

    def wave(self, label: str) -> Wave | None:
        """The couple of that label."""
        return next((w for w in self.waves if w.label == label), None)

    def refusal(self, label: str) -> Refusal | None:
        """Why the couple of that label has no value; the reason for the whole scan if there is no other."""
        own = next((r for r in self.refusals if r.label == label), None)
        return own or next((r for r in self.refusals if not r.label), None)


def read_scans(inputs: AnalysisInput) -> list[Scan]:
    """Every voltammogram on its own, in order of time; the couples in all of them have the same labels.

    Tables that the options name as helpers (the blank, the step that measured a resistance) help
    with each, and are no scans themselves.
    """
    options = {k: v for k, v in inputs.parameters.items() if k in HalfWavesOptions.model_fields}
    names = {str(options[key]) for key in ("subtract", "resistance") if options.get(key)}
    helpers = [t for t in inputs.tables if {t.id, t.role} & names]
    wanted = [t for t in inputs.tables if t not in helpers and t.technique == "cv"]
    resistance = known_resistance(str(options.get("resistance", "")), helpers)
    known = resistance if isinstance(resistance, Resistance) else None  # else each scan is refused for it
    scans = []
    for number, pieces in enumerate(executions(wanted), 1):
        outcome = half_waves(AnalysisInput((*pieces, *helpers), inputs.sample, options))
        scans.append(replace(_scan(number, pieces, outcome, inputs.sample), resistance=known))
    return scans if options.get("couples") else _same_labels(scans)


def refusals_of(scans: Sequence[Scan]) -> tuple[Refusal, ...]:
    """Every refusal once, but those that a couple is not in one voltammogram if it is in another."""
    there = {w.label for s in scans for w in s.waves}
    told = [r for s in scans for r in s.refusals if r.code != "couple-not-found" or r.label not in there]
    return tuple(dict.fromkeys(told))


def _scan(number: int, pieces: Sequence[Table], outcome: Outcome, sample: Mapping[str, Any]) -> Scan:
    around = surroundings({**pieces[0].sample, **sample}, pieces[0].parameters, pieces)
    taken = take_in(pieces)
    vg = taken if isinstance(taken, Voltammogram) else None
    rate = _rate(vg) if vg is not None else 0.0
    name = pieces[0].label or pieces[0].id or f"scan {number}"
    return Scan(
        name=name,
        rate=rate,
        temperature_k=around.temperature_k,
        versus=around.versus,
        waves=_waves(outcome, vg) if vg is not None else (),
        refusals=outcome.refusals,
        quantities=outcome.quantities,
        flags=outcome.flags,
        figures=outcome.figures,
        voltammogram=vg,
        tables=tuple(pieces),
    )


def _rate(vg: Voltammogram) -> float:
    """Scan rate (V/s) of the first sweep, from its rows."""
    rows = vg.sweeps[0].rows
    return abs(float(np.polyfit(vg.time[rows] - vg.time[rows][0], vg.potential[rows], 1)[0]))


def _waves(outcome: Outcome, vg: Voltammogram) -> tuple[Wave, ...]:
    noise = white_noise(vg.current)
    points = max(_ACROSS_PEAK_V / vg.spacing, 10.0)
    u_noise = _QUARTIC * noise / float(np.sqrt(points))
    begin = float(vg.potential[vg.sweeps[0].start])
    found = []
    for row in outcome.tables.get("waves", ()):
        quantity = next(q for q in outcome.quantities if (q.name, q.label) == ("half_wave_potential", row["label"]))
        passages = [p for p in outcome.tables.get("passages", ()) if p["label"] == row["label"] and p["used"]]
        anodic, cathodic = (_column(passages, f"{way}_peak_current") for way in ("anodic", "cathodic"))
        first, back = (anodic, cathodic) if row["half_wave_potential"] > begin else (cathodic, anodic)
        height = float(np.mean(first)) if first else None
        found.append(
            Wave(
                label=str(row["label"]),
                potential=float(row["half_wave_potential"]),
                u=float(row["u"]),
                separation=_number(row["peak_separation"]),
                u_separation=_number(row["u_peak_separation"]) or 0.0,
                height=height,
                u_height=_u_of(first, u_noise),
                return_height=float(np.mean(back)) if back else None,
                swing=_swing(vg, passages),
                turn=_behind(vg, float(row["half_wave_potential"]), begin),
                verdict=str(row["verdict"]),
                method=quantity.method,
                flags=quantity.flags,
            )
        )
    return tuple(found)


def _swing(vg: Voltammogram, passages: Sequence[Mapping[str, Any]]) -> float | None:
    """Current (A) between the two peaks as it was measured: what the resistance of the solution feels."""
    levels = {}
    for direction, name in ((1, "anodic"), (-1, "cathodic")):
        potentials = _column(passages, f"{name}_peak_potential")
        sweeps = [s.rows for s in vg.sweeps if s.direction == direction]
        if not potentials or not sweeps:
            return None
        at = float(np.mean(potentials))
        levels[direction] = np.mean([_current_at(vg, rows, at) for rows in sweeps])
    return float(levels[1] - levels[-1])


def _current_at(vg: Voltammogram, rows: slice, potential: float) -> float:
    order = np.argsort(vg.potential[rows], kind="stable")
    return float(np.interp(potential, vg.potential[rows][order], vg.current[rows][order]))


def _behind(vg: Voltammogram, potential: float, begin: float) -> float:
    """How far (V) the sweep goes beyond a half-wave potential before it turns."""
    farthest = vg.potential.max() if potential > begin else vg.potential.min()
    return abs(float(farthest) - potential)


def _column(passages: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(p[name]) for p in passages if p[name] is not None]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None


def _u_of(heights: Sequence[float], u_noise: float) -> float:
    """Standard uncertainty (A) of a mean height: noise or scatter of the cycles, and the baseline."""
    if not heights:
        return float("inf")
    scatter = float(np.std(heights, ddof=1)) if len(heights) > 1 else 0.0
    random = max(u_noise, scatter) / np.sqrt(len(heights))
    return float(np.hypot(random, BASELINE_SHARE * np.mean(np.abs(heights))))


def _same_labels(scans: Sequence[Scan]) -> list[Scan]:
    """The labels of the scan with most waves (the slowest of those), for the same couples everywhere."""
    with_waves = [s for s in scans if s.waves]
    if not with_waves:
        return list(scans)
    model = min(with_waves, key=lambda s: (-len(s.waves), s.rate))
    return [s if s is model else replace(s, waves=_named_after(model.waves, s.waves)) for s in scans]


def _named_after(model: Sequence[Wave], waves: Sequence[Wave]) -> tuple[Wave, ...]:
    distances = sorted((abs(w.potential - m.potential), k, m.label) for k, w in enumerate(waves) for m in model)
    labels: dict[int, str] = {}
    for distance, k, label in distances:
        if distance <= _JOIN_V and k not in labels and label not in labels.values():
            labels[k] = label
    return tuple(replace(w, label=labels.get(k, w.label)) for k, w in enumerate(waves))
