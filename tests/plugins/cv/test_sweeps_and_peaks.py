"""The parts: cutting into sweeps, noise, finding and locating peaks, pairing."""

import numpy as np
import pytest

from luggin_plugins.cv.noise import correlation_inflation, white_noise
from luggin_plugins.cv.pairing import Pair, Peak, gather_waves, match, pair_up
from luggin_plugins.cv.peaks import Vertex, breadth, find_bumps, locate
from luggin_plugins.cv.sweeps import cut_sweeps, point_spacing


def peak(potential, direction, sweep=0):
    return Peak(
        sweep,
        direction,
        Vertex(potential, direction * 1e-6, 1e-4, 1e-9, 1e-4, 1e-9, 50, 1e-3, np.zeros(50), np.zeros(50)),
        1e-6,
    )


def test_sweeps_of_a_program_with_two_vertices(cyclic):
    points = cyclic(0.0, (-1.0, 0.2), 0.0, cycles=2)
    sweeps = cut_sweeps(points)
    assert [s.direction for s in sweeps] == [-1, 1, -1, 1, -1]
    ends = [points[s.stop - 1] for s in sweeps]
    assert ends == pytest.approx([-1.0, 0.2, -1.0, 0.2, 0.0], abs=0.0011)


@pytest.mark.parametrize("jitter", [0.0, 2e-4, 1e-3])
def test_a_jittering_readback_makes_no_extra_sweeps(cyclic, jitter):
    points = cyclic(0.3, (-0.3, 0.3), 0.3, cycles=3)
    noisy = points + jitter * np.random.default_rng(0).standard_normal(points.size)
    assert [s.direction for s in cut_sweeps(noisy)] == [-1, 1] * 3


def test_a_staircase_with_many_readings_per_step(cyclic):
    points = np.repeat(cyclic(0.3, (-0.3, 0.3), 0.3, step=4e-3), 5)
    assert [s.direction for s in cut_sweeps(points)] == [-1, 1]
    assert point_spacing(points) == pytest.approx(4e-3)


def test_rests_at_the_vertices_belong_to_no_sweep(cyclic):
    points = cyclic(0.3, (-0.3, 0.3), 0.3)
    resting = np.concatenate([np.full(100, 0.3), points[:601], np.full(80, -0.3), points[601:], np.full(60, 0.3)])
    down, up = cut_sweeps(resting)
    assert down.stop - down.start == pytest.approx(600, abs=3)
    assert up.stop - up.start == pytest.approx(600, abs=3)


def test_a_still_potential_has_no_sweep():
    assert cut_sweeps(np.zeros(500)) == ()


def test_noise_is_found_under_a_curve():
    x = np.linspace(0, 10, 5000)
    noise = 0.01 * np.random.default_rng(2).standard_normal(x.size)
    assert white_noise(np.sin(x) + noise) == pytest.approx(0.01, rel=0.06)
    assert white_noise(np.sin(x)) < 1e-6


def test_correlated_noise_inflates():
    white = np.random.default_rng(3).standard_normal(4000)
    smooth = np.empty_like(white)
    smooth[0] = white[0]
    for k in range(1, white.size):
        smooth[k] = 0.5 * smooth[k - 1] + white[k]
    assert correlation_inflation(smooth) == pytest.approx(np.sqrt(3.0), rel=0.05)
    assert correlation_inflation(white) < 1.05
    assert correlation_inflation(np.array([1.0, -1.0] * 50)) == 1.0


def test_the_top_of_a_known_curve_to_a_hundredth_of_a_point():
    x = np.arange(-0.1, 0.1, 1e-3)
    found = locate(x, np.exp(-(((x - 0.01234) / 0.06) ** 2)), 0.01, 0.03)
    assert found.potential == pytest.approx(0.01234, abs=1e-5)
    assert found.current == pytest.approx(1.0, abs=1e-4)
    assert breadth(found.current, found.curvature) == pytest.approx(0.06 / np.sqrt(2), rel=0.01)


def test_the_uncertainty_of_a_top_is_its_scatter():
    x = np.arange(-0.1, 0.1, 1e-3)
    clean = np.exp(-((x / 0.08) ** 2) / 2)
    tops = []
    for seed in range(200):
        noise = 0.02 * np.random.default_rng(seed).standard_normal(x.size)
        tops.append(locate(x, clean + noise, 0.0, 0.045))
    places = [t.potential for t in tops]
    assert np.std(places) == pytest.approx(np.mean([t.u for t in tops]), rel=0.2)


def test_no_top_in_a_slope():
    x = np.arange(-0.1, 0.1, 1e-3)
    assert locate(x, x, 0.0, 0.03) is None
    assert locate(x, 0.0 * x, 0.0, 0.03) is None
    assert locate(x[:4], x[:4], 0.0, 0.03) is None


def test_bumps_are_found_by_prominence_not_by_height():
    x = np.arange(0.0, 1.0, 1e-3)
    small, large = (h * np.exp(-(((x - c) / 0.04) ** 2)) for h, c in ((0.1, 0.3), (1.0, 0.7)))
    noise = 0.01 * np.random.default_rng(1).standard_normal(x.size)
    bumps, sigma = find_bumps(x, small + large + noise)
    assert [x[b.row] for b in bumps] == pytest.approx([0.3, 0.7], abs=0.01)
    assert sigma == pytest.approx(0.01, rel=0.15)
    assert find_bumps(x, noise)[0] == ()


def test_pairing_keeps_the_order_of_potentials():
    forward = [peak(-0.5, -1), peak(-1.3, -1)]
    back = [peak(-1.24, 1), peak(-0.44, 1)]
    assert sorted(match(forward, back, 1)) == [(0, 1), (1, 0)]


def test_an_oxidation_peak_at_a_more_negative_potential_is_no_partner():
    assert match([peak(-0.5, -1)], [peak(-0.6, 1)], 1) == []
    assert match([peak(-0.5, -1)], [peak(-0.505, 1)], 1) == [(0, 0)]
    assert match([peak(-0.5, -1)], [peak(0.0, 1)], 1) == []


def test_a_used_return_peak_does_not_start_the_next_pair():
    sweeps = [[peak(-0.53, -1, 0)], [peak(-0.47, 1, 1), peak(0.42, 1, 1)], [peak(0.36, -1, 2), peak(-0.53, -1, 2)]]
    pairs = pair_up(sweeps, 1)
    assert [(p.forward.sweep, round(p.midpoint, 3), p.back is not None) for p in pairs] == [
        (0, -0.5, True),
        (1, 0.39, True),
        (2, -0.53, False),
    ]
    waves = gather_waves(pairs)
    assert [round(w.potential, 3) for w in waves] == [0.39, -0.5]
    assert [len(w.lost) for w in waves] == [0, 1]


def test_a_wave_without_any_return_stands_alone():
    (wave,) = gather_waves([Pair(peak(-0.8, -1), None), Pair(peak(-0.81, -1, 2), None)])
    assert wave.pairs == ()
    assert wave.direction == -1
    assert wave.potential == pytest.approx(-0.805)
