"""Cyclic voltammograms against theory (25 degC; Nicholson and Shain 1964, Nicholson 1965).

Potentials are measured from the half-wave potential, which these cells have at 0 V.
"""

import math

import numpy as np
import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT

THERMAL = GAS_CONSTANT * 298.15 / FARADAY


def test_reversible_wave_at_one_millivolt(one_couple, sweep, peak_unit):
    wave = sweep(one_couple(), 0.3, -0.5)
    assert -wave.cathodic[1] / peak_unit() == pytest.approx(0.44629, rel=5e-4)
    assert wave.cathodic[0] == pytest.approx(-28.49e-3, abs=0.1e-3)
    assert wave.half_peak - wave.cathodic[0] == pytest.approx(56.59e-3, abs=0.2e-3)


@pytest.mark.parametrize(("step", "error"), [(0.25e-3, 2e-4), (5e-3, 5e-4), (10e-3, 5e-4)])
def test_currents_hardly_depend_on_the_steps_of_the_instrument(one_couple, sweep, step, error):
    every_millivolt = sweep(one_couple(), 0.3, -0.5).current[9::10]
    got = sweep(one_couple(), 0.3, -0.5, step=step).current
    got = got[round(10e-3 / step) - 1 :: round(10e-3 / step)]
    assert got == pytest.approx(every_millivolt, abs=error * every_millivolt.max())


def test_irregular_sampling_gives_the_same_currents(one_couple):
    at = np.linspace(0.3, -0.5, 81)[1:]
    uniform, irregular = one_couple(), one_couple()
    uniform.step_to(0.3)
    irregular.step_to(0.3)
    random, potential = np.random.default_rng(3), 0.3
    differences, peak = [], 0.0
    for target in at.tolist():
        for e in np.linspace(potential, target, 11)[1:].tolist():
            expected = uniform.apply(e, 0.01)
        cuts = np.sort(random.uniform(0.02, 0.98, 9))
        before = potential
        for e in [*(potential + cuts * (target - potential)).tolist(), target]:
            got = irregular.apply(e, abs(e - before) / 0.1)
            before = e
        differences.append(abs(got - expected))
        peak = max(peak, abs(expected))
        potential = target
    assert max(differences) < 5e-4 * peak


@pytest.mark.parametrize("n", [2, 3])
def test_several_electrons_at_once(one_couple, sweep, peak_unit, n):
    wave = sweep(one_couple(n=n), 0.25, -0.25, step=0.5e-3)
    assert -wave.cathodic[1] / peak_unit(n=n) == pytest.approx(0.44629, rel=1e-3)
    assert n * wave.cathodic[0] == pytest.approx(-28.49e-3, abs=0.2e-3)


def test_randles_sevcik_in_practical_units(one_couple, sweep):
    rates = (0.01, 0.1, 1.0)
    peaks = [-sweep(one_couple(), 0.3, -0.4, rate=v).cathodic[1] for v in rates]
    for v, peak in zip(rates, peaks, strict=True):
        # 2.686e5 C mol^-1 V^-1/2: area 0.1 cm2, 1e-6 mol/cm3, 1e-5 cm2/s
        assert peak == pytest.approx(2.686e5 * 0.1 * 1e-6 * math.sqrt(1e-5 * v), rel=1e-3)
    assert np.polyfit(np.log10(rates), np.log10(peaks), 1)[0] == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("switched_behind_peak", "separation", "bias"),
    [
        (71.5, 60.19, 1.60),
        (121.5, 58.78, 0.90),
        (171.5, 58.16, 0.59),
        (271.5, 57.64, 0.33),
        (500.0, 57.27, 0.14),
    ],
)
def test_a_near_switching_potential_biases_the_midpoint(one_couple, sweep, switched_behind_peak, separation, bias):
    wave = sweep(one_couple(), 0.3, -(28.5 + switched_behind_peak) / 1000, step=0.5e-3)
    assert wave.separation * 1000 == pytest.approx(separation, abs=0.1)
    assert wave.midpoint * 1000 == pytest.approx(bias, abs=0.05)


@pytest.mark.parametrize(
    ("psi", "ours", "nicholson"),
    [
        (20, 60.23, 61),
        (7, 62.59, 63),
        (5, 64.03, 65),
        (3, 67.35, 68),
        (2, 71.41, 72),
        (1, 83.07, 84),
        (0.75, 90.44, 92),
        (0.5, 104.28, 105),
        (0.35, 120.48, 121),
        (0.25, 139.68, 141),
        (0.1, 210.68, 212),
    ],
)
def test_peak_separation_by_kinetics(one_couple, sweep, psi, ours, nicholson):
    k0 = psi * math.sqrt(math.pi * 1e-5 * 0.1 / THERMAL)
    separation = sweep(one_couple(k0=k0), 0.4, -0.141).separation * 1000
    assert separation == pytest.approx(ours, abs=0.3)
    assert separation == pytest.approx(nicholson, abs=2.5)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.7])
def test_irreversible_wave(one_couple, sweep, peak_unit, alpha):
    wave = sweep(one_couple(k0=1e-7, alpha=alpha), 0.1, -1.6)
    assert -wave.cathodic[1] / peak_unit() == pytest.approx(0.4958 * math.sqrt(alpha), rel=2e-3)
    assert (wave.half_peak - wave.cathodic[0]) * 1000 == pytest.approx(47.7 / alpha, abs=0.3 / alpha)
    assert wave.current.max() < 1e-3 * -wave.cathodic[1]


@pytest.mark.parametrize("diffusion", [(1e-5, 4e-5), (4e-5, 1e-5)])
def test_unequal_diffusion_comes_back_at_the_half_wave_potential(one_couple, sweep, diffusion):
    wave = sweep(one_couple(half_wave=-0.476, diffusion=diffusion), -0.1, -1.4)
    assert wave.midpoint == pytest.approx(-0.476 + 0.06e-3, abs=0.1e-3)


def test_oxidation_is_positive(one_couple, sweep):
    reduced = sweep(one_couple(start=1), -0.3, 0.5)
    assert reduced.anodic[0] == pytest.approx(28.49e-3, abs=0.1e-3)
    assert reduced.current[: reduced.turn].min() > -1e-3 * reduced.anodic[1]
    oxidised = sweep(one_couple(start=0), 0.3, -0.5)
    assert oxidised.current[: oxidised.turn].max() < -1e-3 * oxidised.cathodic[1]
    assert reduced.anodic[1] == pytest.approx(-oxidised.cathodic[1], rel=1e-3)


def test_two_steps_of_a_chain_stand_where_they_were_put(sweep):
    couples = (Couple(-0.476, 1e3), Couple(-1.294, 1e3))
    cell = RedoxCell(RedoxSpec((Chain(couples, 5e-7, (1.2e-5,) * 3),), area=0.0707, leak=1e15))
    wave = sweep(cell, -0.1, -1.7, rate=0.025)
    forward, back = wave.current[: wave.turn], wave.current[wave.turn :]
    e_forward, e_back = wave.potential[: wave.turn], wave.potential[wave.turn :]
    for formal in (-0.476, -1.294):
        near, near_back = abs(e_forward - formal) < 0.15, abs(e_back - formal) < 0.15
        cathodic = e_forward[near][np.argmin(forward[near])]
        anodic = e_back[near_back][np.argmax(back[near_back])]
        assert 0.5 * (cathodic + anodic) == pytest.approx(formal, abs=2e-3)


def test_inverted_potentials_merge_into_a_two_electron_wave(sweep, peak_unit):
    couples = (Couple(-0.15, 1e4), Couple(0.15, 1e4))
    cell = RedoxCell(RedoxSpec((Chain(couples, 1e-6, (1e-5,) * 3),), area=0.1, leak=1e15))
    wave = sweep(cell, 0.25, -0.25, step=0.5e-3)
    assert -wave.cathodic[1] / peak_unit(n=2) == pytest.approx(0.44629, rel=5e-3)
    assert 2 * wave.cathodic[0] == pytest.approx(-28.49e-3, abs=1e-3)


def test_independent_compounds_add_up(sweep):
    cluster = Chain((Couple(-0.4, 0.05), Couple(-0.9, 0.01)), 5e-7, (1e-5, 9e-6, 8e-6))
    ferrocene = Chain((Couple(0.4, 0.5),), 1e-6, (2.2e-5, 2e-5), start_state=1)

    def current(*chains):
        return sweep(RedoxCell(RedoxSpec(chains, area=0.1, leak=1e15)), 0.0, 0.8).current

    together = current(cluster, ferrocene)
    assert together == pytest.approx(current(cluster) + current(ferrocene), abs=1e-6 * together.max())


def test_resistance_tilts_and_capacitance_adds_a_box(one_couple, sweep):
    plain = sweep(one_couple(), 0.3, -0.5)
    resisted = sweep(one_couple(solution_resistance=200.0), 0.3, -0.5)
    drop = 200.0 * (plain.anodic[1] - plain.cathodic[1])
    # more than the drop itself: the interface is swept more slowly while the current rises
    assert drop < resisted.separation - plain.separation < 1.5 * drop
    boxed = sweep(one_couple(double_layer_capacitance=20e-6), 0.3, -0.5)
    assert boxed.current[:700] - plain.current[:700] == pytest.approx(-20e-6 * 0.1, rel=1e-6)
    assert boxed.current[900:] - plain.current[900:] == pytest.approx(20e-6 * 0.1, rel=1e-6)


def test_true_staircase_sampled_at_the_end_of_its_steps(one_couple, peak_unit):
    """Behind each step of a reversible couple the current is a sum of Cottrell terms, exactly."""
    cell, step, dt = one_couple(), 1e-3, 0.01
    levels = 0.3 - step * np.arange(400)
    current = []
    for level in levels.tolist():
        cell.step_to(level)
        current.append(cell.apply(level, dt))
    converted = 1 / (1 + np.exp(levels / THERMAL))
    rises = np.diff(np.concatenate([[0.0], converted]))
    ages = dt * np.arange(1, 401)
    exact = -np.convolve(rises, 1 / np.sqrt(np.pi * ages))[:400] / math.sqrt(0.1 / THERMAL)
    assert -exact.min() == pytest.approx(0.41722, abs=1e-5)
    assert np.array(current) / peak_unit() == pytest.approx(exact, abs=1e-3 * -exact.min())
