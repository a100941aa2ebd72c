"""A redox cell at another temperature: RT/F and D follow, the couples stay."""

import math

import pytest

from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec, Tempered
from luggin_sim.cells.redox_spec import GAS_CONSTANT

FAST = Couple(-0.476, rate_constant=100.0)


def spec(**values):
    return RedoxSpec((Chain((FAST,), 5e-7, (1e-5, 1e-5)),), area=0.0707, leak=1e10, **values)


def peak(cell, step=1e-3, dt=0.01):
    """The potential (V) and current (A) of the reduction peak, by a parabola through its top."""
    cell.step_to(-0.1)
    levels = [-0.1 - step * k for k in range(1, 700)]
    currents = [cell.apply(level, dt) for level in levels]
    top = min(range(len(currents)), key=currents.__getitem__)
    before, there, behind = currents[top - 1 : top + 2]
    shift = 0.5 * (before - behind) / (before - 2 * there + behind)
    return levels[top] - step * shift, there


@pytest.mark.parametrize("celsius", [-20.0, 25.0, 80.0])
def test_the_peak_lies_1109_thermal_voltages_beyond_the_half_wave_potential(celsius):
    """Ep - E1/2 = -1.109 RT/nF: Nicholson and Shain, Anal. Chem. 36 (1964) 706."""
    cell = RedoxCell(spec())
    cell.set_temperature(celsius + 273.15)
    potential, _ = peak(cell)
    thermal = GAS_CONSTANT * (celsius + 273.15) / 96485.33212
    assert potential + 0.476 == pytest.approx(-1.109 * thermal, abs=2e-4)


def test_the_peak_current_goes_with_the_root_of_d_over_t():
    """ip = 0.4463 n F A c sqrt(nF v D / RT); D by Arrhenius."""
    energy = 15_000.0
    cold, warm = (RedoxCell(spec(diffusion_activation_energy=energy)) for _ in range(2))
    cold.set_temperature(283.15)
    warm.set_temperature(333.15)
    ratio = peak(warm)[1] / peak(cold)[1]
    growth = math.exp(-energy / GAS_CONSTANT * (1 / 333.15 - 1 / 283.15))
    assert ratio == pytest.approx(math.sqrt(growth * 283.15 / 333.15), rel=1e-3)


def test_the_temperature_of_the_spec_is_the_one_at_which_d_was_given():
    assert spec(diffusion_activation_energy=2e4).chains_at(298.15) == spec().chains
    assert spec().chains_at(350.0) == spec().chains, "without an activation energy D stays"
    (chain,) = spec(diffusion_activation_energy=2e4).chains_at(308.15)
    assert chain.diffusion_coefficients[0] == pytest.approx(
        1e-5 * math.exp(-2e4 / GAS_CONSTANT * (1 / 308.15 - 1 / 298.15))
    )


def test_a_cell_that_is_told_its_own_temperature_goes_on_to_the_digit():
    told, untold = RedoxCell(spec()), RedoxCell(spec())
    told.set_temperature(298.15)
    assert peak(told) == peak(untold)
    assert isinstance(told, Tempered)
