"""What an instrument may rely on: the same answers again, bounded state, honest noise, clear refusals."""

import copy
import pickle

import numpy as np
import pytest

from luggin_sim.cells import Cell, Chain, Couple, RedoxCell, RedoxSpec, ResistorCell, ResistorSpec

SPEC = RedoxSpec(
    chains=(Chain((Couple(-0.476), Couple(-1.294)), 5e-7, (1.2e-5, 1.1e-5, 1.0e-5)),),
    area=0.0707,
    double_layer_capacitance=2e-6,
    solution_resistance=200.0,
    leak=5e7,
    current_noise=15e-9,
    potential_noise=20e-6,
    seed=1,
)


def run(cell):
    """A bit of everything, at irregular steps."""
    readings = [cell.measure_potential(cell.rest(0.5)) for _ in range(5)]
    cell.step_to(-0.2)
    for k in range(300):
        dt = 0.04 + 0.001 * (k % 7)
        readings.append(cell.measure_current(cell.apply(-0.2 - 0.001 * k, dt)))
    readings.append(cell.measure_potential(cell.rest(3600.0)))
    return readings


def test_the_same_seed_gives_the_same_readings_to_the_last_bit():
    cell = RedoxCell(SPEC)
    first = run(cell)
    assert run(cell.fresh()) == first
    assert run(RedoxCell(SPEC)) == first
    assert run(cell) != first  # the cell itself has a history now


def test_another_seed_gives_other_noise_on_the_same_truth():
    other = RedoxSpec(**{**vars(SPEC), "seed": 2})
    a, b = np.array(run(RedoxCell(SPEC))), np.array(run(RedoxCell(other)))
    assert np.all(a != b)
    assert a[5:-1] == pytest.approx(b[5:-1], abs=10 * 15e-9)


def test_a_copy_goes_on_like_the_original():
    cell = RedoxCell(SPEC)
    run(cell)
    assert run(copy.deepcopy(cell)) == run(cell)


def test_a_cell_does_not_grow_with_its_history():
    cell = RedoxCell(SPEC)
    sizes = []
    triangle = [*range(500), *range(500, 0, -1)]
    for _ in range(4):
        for k in triangle:
            cell.apply(-0.2 - 0.001 * k, 0.04)
        sizes.append(len(pickle.dumps(cell)))
    assert sizes[-1] - sizes[0] < 100  # bytes; 3000 points of two couples are 48 000


def test_noise_has_the_strength_that_was_asked_for():
    cell = RedoxCell(SPEC)
    currents = np.array([cell.measure_current(1e-6) for _ in range(20_000)])
    potentials = np.array([cell.measure_potential(-0.3) for _ in range(20_000)])
    assert np.std(currents) == pytest.approx(15e-9, rel=0.02)
    assert np.mean(currents) == pytest.approx(1e-6, abs=5e-10)
    assert np.std(potentials) == pytest.approx(20e-6, rel=0.02)
    assert np.mean(potentials) == pytest.approx(-0.3, abs=1e-6)
    assert abs(np.corrcoef(currents, potentials)[0, 1]) < 0.03
    assert abs(np.corrcoef(currents[1:], currents[:-1])[0, 1]) < 0.03


def test_reading_potentials_leaves_the_currents_alone():
    a, b = RedoxCell(SPEC), RedoxCell(SPEC)
    b.measure_potential(0.0)
    assert a.measure_current(0.0) == b.measure_current(0.0)


def test_without_noise_readings_are_the_truth(one_couple):
    cell = one_couple()
    assert cell.measure_current(1.25e-6) == 1.25e-6
    assert cell.measure_potential(-0.1) == -0.1


def test_reading_does_not_disturb_the_cell():
    a, b = RedoxCell(SPEC), RedoxCell(SPEC)
    a.measure_current(a.apply(-0.2, 0.1))
    b.apply(-0.2, 0.1)
    assert a.apply(-0.3, 0.1) == b.apply(-0.3, 0.1)


@pytest.mark.parametrize("seed", range(8))
def test_any_cell_answers_any_programme(seed):
    random = np.random.default_rng(seed)

    def decade(low, high):
        return 10.0 ** random.uniform(low, high)

    chains = []
    for _ in range(random.integers(0, 3)):
        couples = tuple(
            Couple(random.uniform(-1.5, 1.5), decade(-6, 2), random.uniform(0.2, 0.8), int(random.integers(1, 3)))
            for _ in range(random.integers(1, 4))
        )
        diffusion = tuple(decade(-6.5, -4.5) for _ in range(len(couples) + 1))
        chains.append(Chain(couples, decade(-8, -5), diffusion, int(random.integers(0, len(couples) + 1))))
    cell = RedoxCell(
        RedoxSpec(
            tuple(chains),
            area=decade(-3, 0),
            double_layer_capacitance=decade(-9, -4) * int(random.integers(0, 2)),
            solution_resistance=decade(0, 5) * int(random.integers(0, 2)),
            leak=decade(5, 12),
        )
    )
    assert abs(cell.potential) < 2.0
    for _ in range(15):
        choice, dt = random.integers(0, 3), decade(-5, 3)
        if choice == 0:
            cell.step_to(random.uniform(-2, 2))
        elif choice == 1:
            assert np.isfinite(cell.apply(random.uniform(-2, 2), dt))
        else:
            assert abs(cell.rest(dt)) < 2.5


def test_both_kinds_are_cells():
    cells: list[Cell] = [RedoxCell(SPEC), ResistorCell(ResistorSpec(1e3))]
    for cell in cells:
        assert cell.is_open
        cell.step_to(0.1)
        assert cell.potential == 0.1
        assert not cell.is_open
        cell.apply(0.2, 0.1)
        assert cell.rest(1.0) == cell.potential
        assert cell.fresh().truth is cell.truth


def test_truth_is_what_was_put_in():
    assert RedoxCell(SPEC).truth is SPEC
    assert SPEC.chains[0].couples[1].half_wave_potential == -1.294


def test_starting_state_sets_the_bulk():
    couples = (Couple(0.39), Couple(-0.9))
    assert Chain(couples, 5e-7, (1e-5,) * 3, 1).bulk == (0.0, 5e-7, 0.0)
    assert Chain(couples, 5e-7, (1e-5,) * 3, (0.5, 0.25, 0.25)).bulk == (2.5e-7, 1.25e-7, 1.25e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"area": 0.0}, r"area is 0 cm2; allowed are 1e-09 to 10000 cm2"),
        ({"solution_resistance": -1.0}, "solution_resistance is -1 ohm"),
        ({"temperature": 25.0}, "temperature is 25 K"),
        ({"current_noise": float("nan")}, "current_noise is nan A"),
        ({"leak": float("inf")}, "no rest potential; give it a leak"),
    ],
)
def test_an_impossible_cell_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        RedoxSpec(**{**vars(SPEC), **change})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Couple(12.0), "half_wave_potential is 12 V; allowed are -10 to 10 V"),
        (lambda: Couple(0.0, rate_constant=0.0), "rate_constant is 0 cm/s"),
        (lambda: Couple(0.0, transfer_coefficient=1.0), "transfer_coefficient is 1;"),
        (lambda: Couple(0.0, electrons=0), "electrons is 0"),
        (lambda: Couple(0.0, electrons=1.5), "electrons is 1.5; a whole number"),
        (lambda: Chain((), 1e-6, (1e-5,)), "at least one couple"),
        (lambda: Chain((Couple(0.0),), 1.0, (1e-5, 1e-5)), "concentration is 1 mol/cm3"),
        (lambda: Chain((Couple(0.0),), 1e-6, (1e-5,)), "1 diffusion coefficients for 2 forms"),
        (lambda: Chain((Couple(0.0),), 1e-6, (1e-5, 1.0)), "diffusion_coefficient is 1 cm2/s"),
        (lambda: Chain((Couple(0.0),), 1e-6, (1e-5, 1e-5), 2), "start_state is 2; allowed are 0 to 1"),
        (lambda: Chain((Couple(0.0),), 1e-6, (1e-5, 1e-5), (0.5, 0.6)), "with the sum 1"),
    ],
)
def test_an_impossible_chain_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
