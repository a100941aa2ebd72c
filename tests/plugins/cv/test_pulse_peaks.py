"""Pulse voltammograms of a diffusion equation that is solved on a grid, read by the analysis.

The analysis adds up the Cottrell currents of all jumps. Here the concentration profile of a couple is
advanced in small implicit steps on an expanding grid, with Butler-Volmer kinetics at the surface: another
method, another equation at the electrode.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.linalg import solve_banded

from luggin.analysis import ask
from luggin.errors import AnalysisError, UsageError
from luggin.records import Flag
from luggin.results import AnalysisInput, Table
from luggin_plugins.cv import PULSE_PEAKS
from luggin_plugins.cv.pulse_peaks import pulse_peaks
from luggin_plugins.cv.pulse_theory import differential_pulse, peak_of, pulse_breadth, reversible, square_wave
from luggin_plugins.cv.theory import thermal_voltage

F, RT = 96485.33212, 8.314462618 * 298.15
AREA, CONCENTRATION, DIFFUSION = 0.0707, 5e-7, 1e-5
SLOPE = thermal_voltage(298.15)
SWV = {"begin": -0.1, "end": -0.86, "step": 0.004, "amplitude": 0.025, "frequency": 25.0}
DPV = {"begin": -0.1, "end": -0.86, "step": 0.004, "pulse": -0.05, "pulse_time": 0.05, "rate": 0.008}


@dataclass(frozen=True)
class Couple:
    e: float = -0.476
    k0: float = 1e3
    alpha: float = 0.5
    n: int = 1


class Diffusion:
    """One couple at an electrode; ``share`` of it is oxidised far away."""

    def __init__(self, couple, share):
        self.couple = couple
        edges = np.concatenate([[0.0], np.cumsum(2e-5 * 1.12 ** np.arange(75))])
        self.gaps = np.diff(edges)
        self.share = np.full(edges.size, share)
        self.far = share

    def hold(self, potential, seconds, pieces=32, growth=1.18):
        """Advance; the current (A, anodic positive) at the end."""
        x = self.couple.n * F / RT * (potential - self.couple.e)
        reduce = self.couple.k0 * math.exp(-self.couple.alpha * x)
        oxidise = self.couple.k0 * math.exp((1 - self.couple.alpha) * x)
        widths = growth ** np.arange(pieces)
        for dt in seconds * widths / widths.sum():
            self._advance(dt, reduce, oxidise)
        flux = reduce * self.share[0] - oxidise * (1 - self.share[0])
        return -self.couple.n * F * AREA * CONCENTRATION * flux

    def _advance(self, dt, reduce, oxidise):
        left, right = self.gaps[:-1], self.gaps[1:]
        size = self.share.size
        bands, known = np.zeros((3, size)), self.share.copy()
        inner = 2 * DIFFUSION * dt / (left + right)
        bands[1, 1:-1] = 1 + inner * (1 / left + 1 / right)
        bands[2, :-2] = -inner / left
        bands[0, 2:] = -inner / right
        half = 0.5 * self.gaps[0]  # the cell at the surface
        bands[1, 0] = half / dt + DIFFUSION / self.gaps[0] + reduce + oxidise
        bands[0, 1] = -DIFFUSION / self.gaps[0]
        known[0] = half / dt * self.share[0] + oxidise
        bands[1, -1], known[-1] = 1.0, self.far
        self.share = solve_banded((1, 1), bands, known)


@functools.lru_cache(maxsize=64)
def _currents(technique, items, couples):
    p = dict(items)
    way = 1 if p["end"] > p["begin"] else -1
    levels = p["begin"] + way * p["step"] * np.arange(round(abs(p["end"] - p["begin"]) / p["step"]) + 1)
    total = np.zeros(levels.size)
    for couple in couples:
        cell = Diffusion(couple, 1.0 if p["begin"] > couple.e else 0.0)
        cell.hold(p["begin"], 5.0)
        for number, level in enumerate(levels):
            if technique == "swv":
                half = 0.5 / p["frequency"]
                forward = cell.hold(level + way * p["amplitude"], half)
                total[number] += forward - cell.hold(level - way * p["amplitude"], half)
            else:
                before = cell.hold(level, p["step"] / p["rate"] - p["pulse_time"])
                total[number] += cell.hold(level + p["pulse"], p["pulse_time"]) - before
    return levels, total


def table(technique="swv", parameters=None, couples=(Couple(),), noise=0.0, seed=0, background=(0.0, 0.0), **more):
    parameters = {"swv": SWV, "dpv": DPV}[technique] if parameters is None else parameters
    levels, current = _currents(technique, tuple(parameters.items()), tuple(couples))
    noisy = current + noise * np.max(np.abs(current)) * np.random.default_rng(seed).standard_normal(current.size)
    noisy = noisy + background[0] + background[1] * levels
    columns = {"potential": levels, "current": noisy, "flags": np.zeros(levels.size, dtype=int)}
    return Table(technique, columns, parameters=dict(parameters), sample={"temperature_K": 298.15}, **more)


def found(*tables, **parameters):
    return pulse_peaks(AnalysisInput(tables, {}, parameters))


def of(outcome, name):
    return [q for q in outcome.quantities if q.name == name]


# --- theory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("technique", "parameters", "programme"),
    [
        ("swv", SWV, square_wave(0.025, 25.0, -1)),
        ("dpv", DPV, differential_pulse(-0.05, 0.05, 0.5)),
        ("swv", {**SWV, "amplitude": 0.05, "step": 0.008}, square_wave(0.05, 25.0, -1)),
    ],
)
def test_the_superposition_is_the_solution_of_the_diffusion_equation(technique, parameters, programme):
    levels, current = _currents(technique, tuple(parameters.items()), (Couple(),))
    scale = F * AREA * CONCENTRATION * math.sqrt(DIFFUSION / math.pi)
    theory = scale * reversible(levels, programme, -0.476, SLOPE)
    height, expected = np.max(np.abs(current)), np.max(np.abs(theory))
    assert height == pytest.approx(expected, rel=0.05)  # first order in time, on the grid
    assert np.max(np.abs(theory / expected - current / height)) < 0.005


def test_breadths_are_those_of_the_literature():
    # 3.52 RT/nF for small pulses (Parry and Osteryoung 1965); 126 mV for a square wave of 50/n mV and
    # steps of 10/n mV (Osteryoung and O'Dea 1986).
    assert pulse_breadth(1e-4, SLOPE) == pytest.approx(3.525 * SLOPE, rel=1e-3)
    assert peak_of(square_wave(0.05, 25.0, -1), -0.01, SLOPE)[1] == pytest.approx(0.126, abs=1e-3)
    place, breadth = peak_of(differential_pulse(-0.05, 0.05, 5.0), -0.002, SLOPE)
    assert place == pytest.approx(0.025, abs=2e-4)  # half a pulse before, against the way of the scan
    assert breadth == pytest.approx(pulse_breadth(0.05, SLOPE), rel=2e-3)


@pytest.mark.parametrize("direction", [1, -1])
def test_the_peak_of_a_square_wave_stands_at_the_half_wave_potential(direction):
    place, _ = peak_of(square_wave(0.05, 25.0, direction), direction * 0.004, SLOPE)
    assert abs(place) < 5e-4


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("technique", ["swv", "dpv"])
@pytest.mark.parametrize("anodic", [False, True])
def test_a_reversible_couple_gives_its_half_wave_potential(technique, anodic):
    parameters = dict({"swv": SWV, "dpv": DPV}[technique])
    if anodic:
        parameters |= {"begin": -0.86, "end": -0.1}
        parameters |= {"pulse": 0.05} if technique == "dpv" else {}
    outcome = found(table(technique, parameters))
    (half_wave,), (peak,) = of(outcome, "half_wave_potential"), of(outcome, "peak_potential")
    assert half_wave.value == pytest.approx(-0.476, abs=3e-4)
    assert abs(half_wave.value + 0.476) <= 3 * half_wave.u
    assert half_wave.u < 5e-4
    assert half_wave.verdict == "reversible"
    shift = (-0.5 * parameters["pulse"]) if technique == "dpv" else 0.0
    assert peak.value == pytest.approx(-0.476 + shift, abs=8e-4)
    assert outcome.refusals == ()


@pytest.mark.parametrize("technique", ["swv", "dpv"])
def test_two_electrons_are_as_narrow_as_n_says(technique):
    two = table(technique, couples=(Couple(n=2),))
    (half_wave,) = of(found(two, n=2), "half_wave_potential")
    assert half_wave.value == pytest.approx(-0.476, abs=4e-4)
    assert [r.code for r in found(two, n=1).refusals] == ["too-narrow"]


@pytest.mark.parametrize("technique", ["swv", "dpv"])
def test_two_waves_with_a_background_are_told_apart_and_named(technique):
    couples = [{"label": "one", "near": -0.3}, {"label": "two", "near": -0.65}, {"label": "three", "near": 0.4}]
    waves = table(technique, couples=(Couple(-0.31), Couple(-0.64)), background=(2e-7, -3e-7), noise=0.002)
    outcome = found(waves, couples=couples)
    values = {q.label: q for q in of(outcome, "half_wave_potential")}
    assert list(values) == ["one", "two"]
    for label, truth in (("one", -0.31), ("two", -0.64)):
        assert abs(values[label].value - truth) < max(3 * values[label].u, 3e-4)
    assert [(r.code, r.label) for r in outcome.refusals] == [("couple-not-found", "three")]


@pytest.mark.parametrize("technique", ["swv", "dpv"])
@pytest.mark.parametrize("k0", [0.1, 0.02])
@pytest.mark.parametrize("alpha", [0.4, 0.5, 0.6])
def test_a_slow_couple_is_within_its_uncertainty(technique, k0, alpha):
    outcome = found(table(technique, couples=(Couple(k0=k0, alpha=alpha),)))
    (half_wave,) = of(outcome, "half_wave_potential")
    assert abs(half_wave.value + 0.476) <= 2.0 * half_wave.u
    assert half_wave.u < 4e-3


@pytest.mark.parametrize("technique", ["swv", "dpv"])
def test_noise_is_in_the_uncertainty(technique):
    errors, us = [], []
    for seed in range(30):
        (half_wave,) = of(found(table(technique, noise=0.02, seed=seed)), "half_wave_potential")
        errors.append(half_wave.value + 0.476)
        us.append(half_wave.u)
    assert np.std(errors) < 1.5e-3
    assert np.std(errors) < 1.5 * np.mean(us)
    assert np.mean(np.abs(errors) <= np.array(us)) > 0.55
    assert np.max(np.abs(errors) / us) <= 3.0


# --- refusals -------------------------------------------------------------------------------------


def changed(original, **columns):
    return Table(
        original.technique, {**original.columns, **columns}, parameters=original.parameters, sample=original.sample
    )


def coded(outcome):
    return [r.code for r in outcome.refusals], [q.name for q in outcome.quantities]


def cut(first, last):
    whole = table()
    rows = slice(first, last)
    return changed(whole, **{name: column[rows] for name, column in whole.columns.items()})


def test_an_irreversible_couple_has_a_peak_but_no_half_wave_potential():
    assert coded(found(table("swv", couples=(Couple(k0=5e-4),)))) == (["too-broad"], ["peak_potential"])
    assert coded(found(table("dpv", couples=(Couple(k0=5e-4),)))) == (["too-broad"], ["peak_potential"])


def test_two_couples_under_one_peak_have_no_half_wave_potential():
    assert coded(found(table(couples=(Couple(-0.45), Couple(-0.51))))) == (["too-broad"], ["peak_potential"])


def test_noise_alone_is_no_peak():
    flat = table()
    noise = 1e-7 * np.random.default_rng(3).standard_normal(len(flat))
    assert coded(found(changed(flat, current=noise))) == (["no-peak"], [])


def test_current_in_the_american_convention_is_seen_and_not_turned():
    good = table()
    assert coded(found(changed(good, current=-good.columns["current"]))) == (["wrong-sign"], [])


@pytest.mark.parametrize(("first", "last"), [(0, 96), (92, None), (0, 88)])
def test_a_peak_at_the_edge_of_the_window_is_refused(first, last):
    assert coded(found(cut(first, last))) == (["peak-at-edge"], [])


def test_steps_that_are_too_large_are_refused():
    coarse = table(parameters={**SWV, "step": 0.02})
    assert coded(found(coarse)) == (["sampling-too-coarse"], [])


def test_an_overload_at_the_top_is_refused():
    flags = np.zeros(len(table()), dtype=int)
    flags[94] = int(Flag.CURRENT_OVERLOAD)
    assert coded(found(changed(table(), flags=flags))) == (["overload"], [])


def test_without_the_pulses_only_the_peak_is_told():
    unknown = Table("dpv", table("dpv").columns, sample={"temperature_K": 298.15})
    assert coded(found(unknown)) == (["parameters-missing"], ["peak_potential"])


def test_rows_of_the_quiet_time_do_not_count():
    good = table()
    quiet = {
        "potential": np.concatenate([np.full(20, -0.1), good.columns["potential"]]),
        "current": np.concatenate([np.full(20, -5e-5), good.columns["current"]]),
        "flags": np.concatenate([np.full(20, int(Flag.QUIET_TIME)), good.columns["flags"]]),
    }
    assert found(changed(good, **quiet)).quantities == found(good).quantities


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [("current", math.nan, "not-finite"), ("potential", -0.1, "not-a-staircase")],
)
def test_broken_rows_are_refused(column, value, code):
    broken = table().columns[column].copy()
    broken[50] = value
    assert coded(found(changed(table(), **{column: broken}))) == ([code], [])


def test_units_are_read_from_the_table():
    good = table()
    scaled = {"potential": 1e3 * good.columns["potential"], "current": 1e6 * good.columns["current"]}
    in_milli = Table("swv", scaled, {"potential": "mV", "current": "uA"}, good.parameters, good.sample)
    (one,), (other,) = of(found(good), "half_wave_potential"), of(found(in_milli), "half_wave_potential")
    assert other.value == pytest.approx(one.value, abs=1e-9)


def test_a_constant_current_does_not_move_anything():
    (one,) = of(found(table()), "half_wave_potential")
    (other,) = of(found(table(background=(5e-6, 0.0))), "half_wave_potential")
    assert other.value == pytest.approx(one.value, abs=1e-6)


# --- as the engine asks ---------------------------------------------------------------------------


def test_several_voltammograms_are_told_apart_by_their_ids():
    labels = {q.label for q in found(table(id="a"), table("dpv", id="b")).quantities}
    assert {label.split(", ")[1] for label in labels} == {"a", "b"}


def test_other_techniques_and_no_table_are_mistakes():
    with pytest.raises(AnalysisError, match="no table"):
        found()
    with pytest.raises(AnalysisError, match="'cv'"):
        found(Table("cv", table().columns))


def test_options_are_checked():
    with pytest.raises(UsageError, match="electrons"):
        ask(PULSE_PEAKS, [table()], {}, {"electrons": 2})
    outcome = ask(PULSE_PEAKS, [table()], {}, {"couples": [{"label": "4-/5-", "near": "-0.48 V"}]})
    assert {q.label for q in outcome.quantities} == {"4-/5-"}


def test_the_figure_shows_rows_fit_baseline_and_peaks():
    (figure,) = found(table()).figures
    assert [curve.label for curve in figure.curves] == ["measured", "reversible couple, fitted", "baseline"]
    assert {marker.kind for marker in figure.markers} == {"peak", "half_wave_potential"}
    measured, fitted, baseline = figure.curves
    rows = np.isin(measured.x, fitted.x)
    assert np.max(np.abs(measured.y[rows] - fitted.y)) < 0.02 * np.max(np.abs(measured.y))
    assert np.max(np.abs(baseline.y)) < 0.05 * np.max(np.abs(measured.y))
