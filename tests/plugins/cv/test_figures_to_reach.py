"""The figures that the analysis is judged by, on the simulated cell; benchmarks/half_waves.py has the full counts."""

import numpy as np
import pytest

from luggin.results import AnalysisInput
from luggin_plugins.cv.half_waves import half_waves

MILLIVOLT = 1e-3
PEAK = 2.69e5 * 0.0707 * 0.5e-6 * np.sqrt(1e-5 * 0.025)  # A, Randles-Sevcik
NOISE = 0.02 * PEAK
THREE = (-0.202, -0.870, -1.270)


def by_potential(outcome):
    return sorted((q for q in outcome.quantities if q.name == "half_wave_potential"), key=lambda q: -q.value)


@pytest.fixture(scope="module")
def couples(couple):
    return lambda *places, k0=0.02: [couple(e, k0) for e in places]


@pytest.mark.parametrize("k0", [10.0, 0.02])
@pytest.mark.parametrize("behind_mv", [71.5, 80.0, 121.5, 500.0])
def test_without_noise_it_is_right_wherever_the_scan_turns(in_cell, cyclic, couples, behind_mv, k0):
    points = cyclic(0.3, (-(28.5 + behind_mv) * MILLIVOLT, 0.3), 0.3)
    (found,) = by_potential(in_cell(couples(0.0, k0=k0), points).evaluate())
    assert found.value == pytest.approx(0.0, abs=0.2 * MILLIVOLT)


def test_two_percent_of_noise_one_scan(in_cell, cyclic, couples):
    """The error scatters by less than 1 mV, and the stated uncertainty is the size of the scatter."""
    clean = in_cell(couples(*THREE), cyclic(0.2, (-1.6, 0.2), 0.2, step=2e-3))
    errors, claims = [], []
    for seed in range(30):
        found = by_potential(clean.noisy(NOISE, seed).evaluate())
        errors.append([q.value - e for q, e in zip(found, THREE, strict=True)])
        claims.append([q.u for q in found])
    assert np.all(np.std(errors, axis=0) < 0.5 * MILLIVOLT)
    assert np.all(np.abs(np.mean(errors, axis=0)) < 0.15 * MILLIVOLT)
    # 90 values, 68 % expected: 53 to 83 % is three standard deviations of the count
    assert 0.53 <= np.mean(np.abs(errors) <= claims) <= 0.83
    assert np.all(np.abs(errors) <= 4 * np.array(claims))


@pytest.mark.parametrize("options", [{"resistance": "4200(42) ohm"}, {}])
def test_three_waves_through_twenty_millivolts_of_ohmic_drop(in_cell, cyclic, couples, options):
    resistance = 20e-3 / PEAK  # 4207 ohm
    cell = in_cell(couples(*THREE), cyclic(0.2, (-1.6, 0.2), 0.2), resistance=resistance)
    outcome = cell.evaluate(options=options)
    for quantity, truth in zip(by_potential(outcome), THREE, strict=True):
        assert quantity.value == pytest.approx(truth, abs=2 * MILLIVOLT)
        assert abs(quantity.value - truth) <= 3 * quantity.u
    assert [row["peak_current_ratio"] for row in outcome.tables["waves"]] == pytest.approx([1.0] * 3, abs=0.05)


@pytest.mark.parametrize("noise", [0.0, NOISE])
@pytest.mark.parametrize("chained", [True, False])
def test_waves_100_millivolts_apart_are_told_apart(in_cell, cyclic, couples, chained, noise):
    cell = in_cell(couples(0.0, -0.1), cyclic(0.4, (-0.6, 0.4), 0.4), chained=chained)
    found = by_potential(cell.noisy(noise, 5).evaluate())
    assert [q.value for q in found] == pytest.approx([0.0, -0.1], abs=2 * MILLIVOLT)
    assert all(abs(q.value - e) <= 3 * q.u for q, e in zip(found, (0.0, -0.1), strict=True))


@pytest.mark.parametrize("noise", [0.0, NOISE])
@pytest.mark.parametrize("chained", [True, False])
def test_waves_60_millivolts_apart_are_refused(in_cell, cyclic, couples, chained, noise):
    outcome = in_cell(couples(0.0, -0.06), cyclic(0.4, (-0.6, 0.4), 0.4), chained=chained).noisy(noise, 5).evaluate()
    assert [r.code for r in outcome.refusals] == ["waves-overlap"]
    assert not by_potential(outcome)


#: Compound: half-wave potentials (V), form at the start, begin, vertices and end of the scan (V).
PUBLISHED = {
    "Re6 in CH3CN": ((0.125,), 0, 0.5, (-0.3, 0.5), 0.5),
    "Re4Mo2 in CH3CN": ((-0.476, -1.294), 0, 0.0, (-1.7, 0.2), 0.0),
    "Re3Mo3 in CH3CN": (THREE, 0, 0.2, (-1.6, 0.2), 0.2),
    "Mo6 in H2O": ((-0.647, -1.081, -1.574), 0, -0.3, (-1.9, -0.3), -0.3),
    "W6S8 in DMSO": ((0.39, -0.9), 1, -0.25, (-1.25, 0.75), -0.25),
    "W6Se8 in DMSO": ((0.35, -0.9), 1, -0.25, (-1.25, 0.7), -0.25),
    "W6S8(PEt3)6": ((0.1, -1.28), 1, -0.6, (-1.6, 0.45), -0.6),
    "Mo6Q8(PEt3)6": ((0.22, -1.05), 1, -0.4, (-1.4, 0.6), -0.4),
}


@pytest.mark.parametrize("compound", PUBLISHED)
def test_published_couples_come_back_within_three_u_and_u_within_a_millivolt(in_cell, cyclic, couples, compound):
    places, start, begin, vertices, end = PUBLISHED[compound]
    points = cyclic(begin, vertices, end, step=2e-3, cycles=2)
    cell = in_cell(couples(*places), points, start=start, resistance=150.0)
    found = by_potential(cell.noisy(NOISE, 11).evaluate())
    assert len(found) == len(places)
    for quantity, truth in zip(found, places, strict=True):
        assert quantity.u <= 1 * MILLIVOLT
        assert abs(quantity.value - truth) <= 3 * quantity.u


@pytest.mark.parametrize("cycles", [1, 2])
def test_an_irreversible_wave_between_others_has_a_peak_potential_only(in_cell, cyclic, couple, values, cycles):
    """As of Re3Mo3 in DMF: what the middle step leaves comes back under the first couple, and must not move it."""
    slow = [couple(-0.325, 0.02), couple(-0.62, 1e-4), couple(-1.410, 0.02)]
    cell = in_cell(slow, cyclic(0.0, (-1.8, 0.2), 0.0, step=2e-3, cycles=cycles), resistance=150.0)
    outcome = cell.noisy(NOISE, 11).evaluate(
        options={"couples": [{"label": "4-/5-", "near": "-0.33 V"}, {"label": "6-/7-", "near": "-1.41 V"}]}
    )
    found = by_potential(outcome)
    assert [q.label for q in found] == ["4-/5-", "6-/7-"]
    for quantity, truth in zip(found, (-0.325, -1.410), strict=True):
        assert quantity.u <= 1 * MILLIVOLT
        assert abs(quantity.value - truth) <= 3 * quantity.u
    (peak,) = values(outcome, "peak_potential").values()
    assert peak.value == pytest.approx(-0.818, abs=8 * MILLIVOLT)
    assert [r.code for r in outcome.refusals] == ["no-return-peak"]


def test_the_order_of_the_scans_does_not_matter(in_cell, cyclic, couples):
    points = cyclic(0.3, (-0.3, 0.3), 0.3)
    tables = tuple(
        in_cell(couples(0.0), points, rate=rate).noisy(NOISE, 3).table(step=k, label=f"{rate}")
        for k, rate in enumerate((0.025, 0.05, 0.1), 1)
    )
    forward, backward = (half_waves(AnalysisInput(t)) for t in (tables, tables[::-1]))
    one, other = ({q.label.split(" at ")[1]: (q.value, q.u) for q in by_potential(o)} for o in (forward, backward))
    assert one == other
    assert len(one) == 3


@pytest.mark.parametrize("row", [600, 1200, 1800])
def test_a_rest_at_a_turn_changes_next_to_nothing(in_cell, cyclic, couples, row):
    """The scan stands still for 4 s where it turns. Diffusion goes on meanwhile, so the cell is measured that way."""
    points = cyclic(0.3, (-0.3, 0.3), 0.3, cycles=2)
    cell = in_cell(couples(0.0), points).noisy(NOISE, 3)
    plain = by_potential(cell.evaluate())[0]
    resting = np.insert(points, row + 1, np.full(100, points[row]))
    rested = in_cell(couples(0.0), points)
    longer = type(cell)(np.arange(resting.size) * 0.04, resting, np.insert(rested.current, row + 1, np.zeros(100)))
    marked = (np.arange(resting.size) > row) & (np.arange(resting.size) <= row + 100)
    found = by_potential(longer.noisy(NOISE, 4).evaluate(flags=np.where(marked, 4096, 0)))[0]
    assert found.value == pytest.approx(plain.value, abs=3 * np.hypot(found.u, plain.u))
