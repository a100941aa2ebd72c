"""``cv.pulse-peaks``: peak and half-wave potentials of differential pulse and square-wave voltammograms.

The way: peaks that stand out of the noise are found and located; theory draws what a reversible couple
shows with exactly these pulses, and its curve is fitted to the rows. The breadth of the fitted curve is
the check: a peak as broad as that of a reversible couple has its half-wave potential where the fit puts
it; a broader one is slow, and only where its peak stands can be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luggin.errors import AnalysisError
from luggin.records import Flag
from luggin.results import AnalysisInput, Curve, FigureSpec, Marker, Outcome, Quantity, Refusal, Table
from luggin_plugins.cv import PULSE_PEAKS, pulse_refusals
from luggin_plugins.cv.labels import Surroundings, name_waves, surroundings
from luggin_plugins.cv.noise import Array, white_noise
from luggin_plugins.cv.peaks import Bump, Vertex, find_bumps, locate
from luggin_plugins.cv.pulse_fit import FittedGroup, FittedPeak, fit_group, groups_of
from luggin_plugins.cv.pulse_intake import PulseVoltammogram, take_in
from luggin_plugins.cv.pulse_theory import Programme, peak_of, programme_of
from luggin_plugins.cv.theory import thermal_voltage

__all__ = ["PULSE_PEAKS", "pulse_peaks"]

METHOD_PEAK = "top of the peak (local quartic)"
METHOD_HALF_WAVE = "fit of the reversible {} curve (superposition), corrected for its breadth"

UNITS = {
    "peaks": {
        "peak_potential": "V",
        "u_peak_potential": "V",
        "half_wave_potential": "V",
        "u_half_wave_potential": "V",
        "fitted": "V",
        "broadening_correction": "V",
        "breadth": "V",
        "u_breadth": "V",
        "reversible_breadth": "V",
        "height": "A",
    }
}

#: A peak needs so many levels over its breadth.
_LEVELS_PER_BREADTH = 8.0
#: The half width (V) of the local fit at the top, in units of the reversible breadth.
_TOP = 0.35
#: Fitted breadth over that of a reversible couple: above the first the couple is called quasi-reversible,
#: beyond the second and below the third there is no half-wave potential.
_SLOW, _TOO_BROAD, _TOO_NARROW = 1.05, 1.25, 0.85
#: What a peak that is broadened by slow transfer or resistance is displaced by in the direction of the
#: scan, in units of RT/nF times the relative broadening; and how well that is known. Worked out for k0 of
#: 0.005 to 0.1 cm/s, alpha of 0.4 to 0.6 and 10 to 60 mV of ohmic drop: 1.1 to 3.8 in both techniques.
_DISPLACEMENT, _U_DISPLACEMENT = 2.2, 1.3
#: A rise towards the end of the window is that of a peak if it is this much more than noise and slope.
_OVER_NOISE, _OVER_SPAN = 8.0, 0.1
_LARGEST_MISFIT = 0.08  # of the height
#: Of a point (V): what the theory of instantaneous jumps, read at one moment, is off by.
_U_THEORY = 5e-5
_OVERLOADS = int(Flag.CURRENT_OVERLOAD | Flag.CLIPPED | Flag.POTENTIAL_OVERLOAD)


@dataclass
class _Findings:
    """What is collected on the way; becomes the outcome."""

    quantities: list[Quantity] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    figures: list[FigureSpec] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def pulse_peaks(inputs: AnalysisInput) -> Outcome:
    """Peak potentials, and half-wave potentials where the peaks are those of reversible couples.

    Raises:
        AnalysisError: no table, a table of another technique, or a column that holds no numbers.
    """
    if not inputs.tables:
        raise AnalysisError("cv.pulse-peaks was given no table; point it at a dpv or swv step or file")
    found = _Findings()
    ids = [table.id for table in inputs.tables]
    for number, table in enumerate(inputs.tables, 1):
        if table.technique not in ("dpv", "swv"):
            name = table.label or table.id or table.source or "a table"
            raise AnalysisError(f"cv.pulse-peaks evaluates dpv and swv; {name} is {table.technique!r}")
        name = (table.id if ids.count(table.id) == 1 else f"{table.technique} {number}") if len(ids) > 1 else ""
        _evaluate(table, inputs, name, found)
    return Outcome(
        quantities=tuple(found.quantities),
        refusals=tuple(found.refusals),
        tables={"peaks": tuple(found.rows)} if found.rows else {},
        table_units={"peaks": UNITS["peaks"]} if found.rows else {},
        figures=tuple(found.figures),
        flags=tuple(dict.fromkeys(found.flags)),
    )


def _evaluate(table: Table, inputs: AnalysisInput, name: str, found: _Findings) -> None:
    """One voltammogram; ``name`` tells it from others, if there are others."""
    around = surroundings({**table.sample, **inputs.sample}, table.parameters)
    found.flags += [*around.flags, *([] if table.complete else ["the voltammogram was cut short"])]
    taken = take_in(table)
    if isinstance(taken, Refusal):
        found.refusals.append(replace(taken, label=name))
        return
    title = f"{table.label or table.technique.upper()}{f', {name}' if name else ''}"
    seen = _Seen(taken, table, int(inputs.parameters.get("n", 1)), around)
    tops = seen.tops()
    if isinstance(tops, Refusal):
        found.refusals.append(replace(tops, label=name))
        found.figures.append(_draw(taken, (), (), title, around))
        return
    fits = seen.fits(tops)
    places = [fit.half_wave if fit is not None else top.potential for top, (fit, _) in zip(tops, fits, strict=True)]
    suffix = f", {name}" if name else ""
    labels, missing = name_waves(places, inputs.parameters.get("couples", ()), suffix)
    marked = []
    for label, top, (fit, group) in zip(labels, tops, fits, strict=True):
        marked += seen.report(label, top, fit, group, found)
    found.refusals += missing
    shown = {id(group): group for _, group in fits if group is not None}
    found.figures.append(_draw(taken, tuple(shown.values()), marked, title, around))


class _Seen:
    """One voltammogram, and what theory expects of its peaks."""

    def __init__(self, voltammogram: PulseVoltammogram, table: Table, n: int, around: Surroundings) -> None:
        self._vg, self._table, self._around = voltammogram, table, around
        self._slope = thermal_voltage(around.temperature_k) / n
        self._programme = programme_of(table.technique, table.parameters)
        self._breadth = 3.5 * self._slope
        self._shift = 0.0
        if self._programme is not None:
            self._shift, self._breadth = self._expected(self._programme, 1.0)

    def _expected(self, programme: Programme, stretch: float) -> tuple[float, float]:
        """Place of the peak from the half-wave potential (V), and breadth (V), of a couple with a stretched slope."""
        return peak_of(programme, self._vg.direction * self._vg.step, stretch * self._slope)

    def tops(self) -> list[Vertex] | Refusal:
        """The located peaks, or why there is none."""
        vg = self._vg
        if vg.step > self._breadth / _LEVELS_PER_BREADTH:
            return pulse_refusals.too_coarse(vg.step, self._breadth / _LEVELS_PER_BREADTH, "")
        upwards = vg.sign * vg.current
        bumps, noise = find_bumps(vg.levels, upwards)
        found = [top for bump in bumps if (top := self._located(bump)) is not None]
        if found:
            return found
        others, _ = find_bumps(vg.levels, -upwards)
        if any(self._located(bump, -1) is not None for bump in others):
            return pulse_refusals.wrong_sign(vg.sign, "")
        for levels, current in ((vg.levels, upwards), (vg.levels[::-1], upwards[::-1])):
            if self._rises_to_the_end(levels, current, noise):
                return pulse_refusals.at_the_edge(float(levels[-1]), "")
        return pulse_refusals.no_peak(noise, "")

    def _rises_to_the_end(self, levels: Array, current: Array, noise: float) -> bool:
        """Whether the current is highest at the end, and falls by much within one breadth from there."""
        away = np.abs(levels - levels[-1])
        at_end, inside = current[away <= 0.25 * self._breadth], current[away >= 0.75 * self._breadth]
        if not inside.size or float(np.max(at_end)) < float(np.max(current)):
            return False
        fall = float(np.mean(at_end) - np.mean(current[(away >= 0.75 * self._breadth) & (away <= self._breadth)]))
        return fall > max(_OVER_NOISE * noise, _OVER_SPAN * float(np.ptp(current)))

    def _located(self, bump: Bump, turned: int = 1) -> Vertex | None:
        vg = self._vg
        half_width = max(_TOP * self._breadth, 3.5 * vg.step)
        return locate(vg.levels, turned * vg.sign * vg.current, float(vg.levels[bump.row]), half_width)

    def fits(self, tops: Sequence[Vertex]) -> list[tuple[FittedPeak | None, FittedGroup | None]]:
        """The fitted couple of each peak, with the group that it was fitted in."""
        fits: list[tuple[FittedPeak | None, FittedGroup | None]] = [(None, None)] * len(tops)
        if self._programme is None:
            return fits
        guesses = [top.potential - self._shift for top in tops]
        for members in groups_of(guesses, self._slope):
            wanted = [guesses[k] for k in members]
            group = fit_group(self._vg.levels, self._vg.current, self._programme, wanted, self._slope)
            for position, k in enumerate(members):
                if group is not None:
                    fits[k] = group.peaks[position], group
        return fits

    def report(
        self, label: str, top: Vertex, fit: FittedPeak | None, group: FittedGroup | None, found: _Findings
    ) -> list[Marker]:
        """Publish or refuse one peak; what the figure marks of it."""
        why = self._better_left_out(top, label)
        if why is not None:
            found.refusals.append(why)
            return []
        vs, flags = self._around.versus, self._around.flags
        method = METHOD_PEAK + (f";{vs}" if vs else "")
        refusal = self._no_half_wave(fit, group, label)
        verdict = "not reversible" if refusal is not None else "quasi-reversible"
        if fit is not None and refusal is None and fit.stretch <= _SLOW + fit.u_stretch:
            verdict = "reversible"
        peak = Quantity("peak_potential", label, top.potential, self._u_top(top), "V", method, verdict, flags)
        found.quantities.append(peak)
        row: dict[str, Any] = {
            "label": label,
            "verdict": verdict,
            "peak_potential": peak.value,
            "u_peak_potential": peak.u,
            "reversible_breadth": self._breadth,
        }
        markers = [Marker(top.potential, self._vg.sign * top.current, f"Ep {top.potential:.3f} V", "peak")]
        if fit is not None and self._programme is not None:
            broad = self._expected(self._programme, fit.stretch)[1]
            row |= {"fitted": fit.half_wave, "breadth": broad, "height": fit.height}
            row["u_breadth"] = broad * fit.u_stretch / fit.stretch
        if refusal is not None:
            found.refusals.append(refusal)
        elif fit is not None:
            half_wave = self._half_wave(fit, label, verdict)
            found.quantities.append(half_wave)
            row |= {
                "half_wave_potential": half_wave.value,
                "u_half_wave_potential": half_wave.u,
                "broadening_correction": half_wave.value - fit.half_wave,
            }
            markers.append(Marker(half_wave.value, None, label, "half_wave_potential"))
        found.rows.append(row)
        return markers

    def _u_top(self, top: Vertex) -> float:
        """Noise, and what a quartic through levels this far apart is uncertain by."""
        return float(np.hypot(top.u, self._vg.step / (2.0 * np.sqrt(3.0)) / np.sqrt(top.points)))

    def _better_left_out(self, top: Vertex, label: str) -> Refusal | None:
        """Why not even the peak's place can be told."""
        vg = self._vg
        if min(abs(top.potential - vg.levels[0]), abs(vg.levels[-1] - top.potential)) < 0.5 * self._breadth:
            return pulse_refusals.at_the_edge(top.potential, label)
        within = np.abs(vg.levels - top.potential) <= 0.5 * self._breadth
        bad = int(np.count_nonzero(vg.flags[within] & _OVERLOADS))
        return pulse_refusals.overloaded(bad, label) if bad else None

    def _no_half_wave(self, fit: FittedPeak | None, group: FittedGroup | None, label: str) -> Refusal | None:
        """Why there is a peak but no half-wave potential."""
        if self._programme is None:
            return pulse_refusals.parameters_missing(self._table.technique, label)
        if fit is None or group is None:
            return pulse_refusals.no_peak(white_noise(self._vg.current), label)
        broad = self._expected(self._programme, fit.stretch)[1]
        if fit.stretch > _TOO_BROAD:
            return pulse_refusals.too_broad(fit.stretch, broad, self._breadth, label)
        if fit.stretch + 2.0 * fit.u_stretch < _TOO_NARROW:
            return pulse_refusals.too_narrow(fit.stretch, broad, self._breadth, label)
        systematic = float(np.sqrt(max(group.misfit**2 - white_noise(self._vg.current) ** 2, 0.0)))
        if systematic > _LARGEST_MISFIT * fit.height:
            return pulse_refusals.not_of_this_shape(systematic / fit.height, label)
        return None

    def _half_wave(self, fit: FittedPeak, label: str, verdict: str) -> Quantity:
        """Where the fit puts it, moved back by what broadened the peak."""
        broadening = max(fit.stretch - 1.0, 0.0)
        displaced = self._vg.direction * _DISPLACEMENT * self._slope * broadening
        u = float(
            np.sqrt(
                fit.u_half_wave**2
                + (_U_DISPLACEMENT * self._slope * broadening) ** 2
                + (_DISPLACEMENT * self._slope * fit.u_stretch) ** 2
                + _U_THEORY**2
            )
        )
        method = METHOD_HALF_WAVE.format(self._table.technique) + (f";{vs}" if (vs := self._around.versus) else "")
        value = fit.half_wave - displaced
        return Quantity("half_wave_potential", label, value, u, "V", method, verdict, self._around.flags)


def _draw(
    vg: PulseVoltammogram, groups: Sequence[FittedGroup], markers: Sequence[Marker], title: str, around: Surroundings
) -> FigureSpec:
    """Rows, fitted curves with their baselines, peaks."""
    curves = [Curve(vg.levels, vg.current, "measured")]
    for group in groups:
        x: Array = vg.levels[group.rows]
        curves += [Curve(x, group.model, "reversible couple, fitted"), Curve(x, group.baseline, "baseline", "dashed")]
    return FigureSpec(
        title=title,
        x_label=f"potential{around.versus}",
        y_label="net current",
        x_unit="V",
        y_unit="A",
        curves=tuple(curves),
        markers=tuple(markers),
    )
