"""Butler-Volmer rates of a chain."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.cells import Chain, Couple
from luggin_sim.cells.kinetics import ChainKinetics, formal_potential
from luggin_sim.cells.redox_spec import FARADAY, GAS_CONSTANT

T = 298.15
COUPLES = (Couple(0.39, 0.02, 0.4), Couple(-0.4, 0.5, 0.6, electrons=2), Couple(-0.9, 1e-3, 0.5))
CHAIN = Chain(COUPLES, 1e-6, (1e-5, 8e-6, 2e-5, 1.5e-5), start_state=(0.1, 0.4, 0.3, 0.2))
RESPONSE = [30.0, 34.0, 21.0, 25.0]


def surfaces(surface, response, rates):
    gained, lost = (*rates, 0.0), (0.0, *rates)
    return [a + b * (g - v) for a, b, g, v in zip(surface, response, gained, lost, strict=True)]


def test_fast_reduced_form_moves_the_wave_above_the_formal_potential():
    couple = Couple(half_wave_potential=-0.476)
    formal = formal_potential(couple, diffusion_oxidised=1e-5, diffusion_reduced=4e-5, temperature=T)
    # E1/2 - E0' = (RT/F) ln sqrt(4) = 25.693 mV * ln 2
    assert -0.476 - formal == pytest.approx(0.0178088, abs=1e-7)


def test_formal_potential_counts_electrons_and_temperature():
    couple = Couple(half_wave_potential=0.1, electrons=2)
    formal = formal_potential(couple, 2e-5, 1e-5, temperature=350.0)
    expected = -GAS_CONSTANT * 350.0 / (2 * FARADAY) * math.log(math.sqrt(0.5))
    assert formal - 0.1 == pytest.approx(expected, rel=1e-12)
    assert formal_potential(couple, 1e-5, 1e-5, T) == 0.1


@settings(deadline=None, derandomize=True)
@given(st.floats(-1.5, 1.0))
def test_rates_agree_with_butler_volmer_at_the_surface_they_leave(potential):
    kinetics = ChainKinetics(CHAIN, T)
    rates, _ = kinetics.rates(potential, CHAIN.bulk, RESPONSE)
    c = surfaces(CHAIN.bulk, RESPONSE, rates)
    for j, couple in enumerate(COUPLES):
        d = CHAIN.diffusion_coefficients
        x = couple.electrons * FARADAY / (GAS_CONSTANT * T)
        x *= potential - formal_potential(couple, d[j], d[j + 1], T)
        forward = couple.rate_constant * math.exp((1 - couple.transfer_coefficient) * x)
        backward = couple.rate_constant * math.exp(-couple.transfer_coefficient * x)
        # concentrations are differences of numbers near 1e-6: their rounding times the rate remains
        rounding = (forward + backward) * 1e-21
        assert rates[j] == pytest.approx(forward * c[j + 1] - backward * c[j], rel=1e-9, abs=rounding)


@settings(deadline=None, derandomize=True)
@given(st.floats(-1.5, 1.0))
def test_slopes_are_the_derivatives_of_the_rates(potential):
    kinetics = ChainKinetics(CHAIN, T)
    _, slopes = kinetics.rates(potential, CHAIN.bulk, RESPONSE)
    h = 1e-6
    above, _ = kinetics.rates(potential + h, CHAIN.bulk, RESPONSE)
    below, _ = kinetics.rates(potential - h, CHAIN.bulk, RESPONSE)
    for slope, high, low in zip(slopes, above, below, strict=True):
        assert slope == pytest.approx((high - low) / (2 * h), rel=1e-5, abs=1e-13)


def exact_rates(constants, surface, response):
    """The same tridiagonal system by elimination in whole fractions, without any rounding."""
    a, b = ([Fraction(x) for x in values] for values in (surface, response))
    rows = []
    for j, (kred, kox) in enumerate((Fraction(r), Fraction(o)) for r, o in constants):
        row = [Fraction(0)] * (len(constants) + 1)
        row[j] = 1 + kox * b[j + 1] + kred * b[j]
        if j:
            row[j - 1] = -kred * b[j]
        if j + 1 < len(constants):
            row[j + 1] = -kox * b[j + 1]
        row[-1] = kox * a[j + 1] - kred * a[j]
        if j:
            factor = row[j - 1] / rows[j - 1][j - 1]
            row = [x - factor * y for x, y in zip(row, rows[j - 1], strict=True)]
        rows.append(row)
    rates = [Fraction(0)] * (len(constants) + 1)
    for j in range(len(constants) - 1, -1, -1):
        rates[j] = (rows[j][-1] - sum(rows[j][k] * rates[k] for k in range(j + 1, len(constants)))) / rows[j][j]
    return [float(rate) for rate in rates[:-1]]


@pytest.mark.parametrize("potential", [-3.0, -1.2, -0.4, 0.0, 0.05, 0.7, 2.0])
@pytest.mark.parametrize("waves", [(0.9, 0.0, -0.9), (-0.9, 0.9, 0.0), (-1.5, 0.0, 1.5)])
def test_far_constants_and_inverted_potentials_cost_no_digits(potential, waves):
    chain = Chain(tuple(Couple(e, 1.0) for e in waves), 1e-6, (1e-5,) * 4, (0.1, 0.4, 0.3, 0.2))
    rates, _ = ChainKinetics(chain, T).rates(potential, chain.bulk, RESPONSE)
    constants = []
    for wave in waves:
        x = FARADAY / (GAS_CONSTANT * T) * (potential - wave)
        constants.append((math.exp(-0.5 * x), math.exp(0.5 * x)))
    exact = exact_rates(constants, chain.bulk, RESPONSE)
    assert rates == pytest.approx(exact, abs=1e-11 * max(map(abs, exact)))


def test_far_from_every_couple_diffusion_alone_limits():
    chain = Chain((Couple(0.0, 0.02),), 1e-6, (1e-5, 1e-5))
    for potential in (-2.0, -9.0):
        (rate,), (slope,) = ChainKinetics(chain, T).rates(potential, chain.bulk, [40.0, 40.0])
        assert rate == pytest.approx(-1e-6 / 40.0, rel=1e-12)
        assert slope == pytest.approx(0.0, abs=1e-20)


def test_a_form_gains_from_the_couple_that_makes_it():
    kinetics = ChainKinetics(CHAIN, T)
    surface = kinetics.surface_without_new_flux([1e-10, 0.0, 0.0])
    change = [c - b for c, b in zip(surface, CHAIN.bulk, strict=True)]
    assert change[0] == pytest.approx(1e-10 / math.sqrt(1e-5))
    assert change[1] == pytest.approx(-1e-10 / math.sqrt(8e-6))
    assert change[2:] == [0.0, 0.0]
