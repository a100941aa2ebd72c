"""How right the half-wave potentials are: noise, switching, resistance, close waves, and how long it takes.

    python benchmarks/half_waves.py [--trials 1000]

Voltammograms come from the simulated cell (`luggin_sim`), which solves Butler-Volmer equations step
by step and knows nothing of the analysis; noise is white, with a seed per trial.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: threads would hide what it costs

import numpy as np

from luggin.results import AnalysisInput, Table
from luggin_plugins.cv.half_waves import half_waves
from luggin_sim.cells import Chain, Couple, RedoxCell, RedoxSpec

AREA, CONCENTRATION, DIFFUSION, RATE = 0.07, 5e-7, 1e-5, 0.025
PEAK = 2.69e5 * AREA * CONCENTRATION * np.sqrt(DIFFUSION * RATE)  # A, Randles-Sevcik
THREE = (-0.202, -0.870, -1.270)
MILLIVOLT = 1e-3


def program(begin, vertices, end, step=1e-3, cycles=1):
    points = [begin]
    for target in [*(v for _ in range(cycles) for v in vertices), end]:
        count = round(abs(target - points[-1]) / step)
        points += np.linspace(points[-1], target, count + 1)[1:].tolist()
    return np.array(points)


def measure(places, points, k0=0.02, resistance=0.0, start=0, electrons=1):
    couples = tuple(Couple(e, k0, 0.5, electrons) for e in sorted(places, reverse=True))
    chain = Chain(couples, CONCENTRATION, (DIFFUSION,) * (len(couples) + 1), start)
    spec = RedoxSpec((chain,), AREA, double_layer_capacitance=2e-6, solution_resistance=resistance)
    cell = RedoxCell(spec)
    cell.step_to(points[0])
    for _ in range(50):
        cell.apply(points[0], 0.2)
    dt = abs(points[1] - points[0]) / RATE
    return points, np.array([cell.apply(float(e), dt) for e in points])


def evaluate(points, current, noise=0.0, seed=0, **options):
    dt = abs(points[1] - points[0]) / RATE
    current = current + noise * PEAK * np.random.default_rng(seed).standard_normal(current.size)
    columns = {"time": np.arange(points.size) * dt, "potential": points, "current": current}
    return half_waves(AnalysisInput((Table("cv", columns),), {"temperature_K": 298.15}, options))


def found(outcome, places):
    """Errors (mV) and uncertainties (mV) of the couples, or None if not all of them have a number."""
    values = sorted((q for q in outcome.quantities if q.name == "half_wave_potential"), key=lambda q: -q.value)
    if len(values) != len(places):
        return None
    truths = sorted(places, reverse=True)
    return [(1e3 * (q.value - e), 1e3 * q.u) for q, e in zip(values, truths, strict=True)]


def switching():
    print("\nno noise, switched so far behind the peak: error of E1/2 / mV")
    for k0, name in ((10.0, "reversible"), (0.02, "k0 = 0.02 cm/s")):
        errors = []
        for behind in (71.5, 75, 80, 90, 100, 121.5, 150, 171.5, 271.5, 500, 1000):
            points = program(0.3, (-(28.5 + behind) * MILLIVOLT, 0.3), 0.3)
            result = found(evaluate(*measure((0.0,), points, k0)), (0.0,))
            errors.append(result[0][0] if result else np.nan)
        print(f"  {name:16s} " + " ".join(f"{e:+.3f}" for e in errors) + f"   worst {np.nanmax(np.abs(errors)):.3f}")


def noisy(trials):
    print(f"\n2 % noise, one scan, {trials} trials: sd and mean of the error, mean u (mV), covered by u and by 3 u")
    cases = {
        "one couple, reversible": ((0.0,), program(0.35, (-0.35, 0.35), 0.35), 10.0, {}),
        "one couple, k0 = 0.02": ((0.0,), program(0.35, (-0.35, 0.35), 0.35), 0.02, {}),
        "switched 90 mV behind": ((0.0,), program(0.35, (-0.12, 0.35), 0.35), 0.02, {}),
        "three couples": (THREE, program(0.2, (-1.6, 0.2), 0.2), 0.02, {}),
    }
    for name, (places, points, k0, options) in cases.items():
        clean = measure(places, points, k0)
        report(name, [found(evaluate(*clean, 0.02, seed, **options), places) for seed in range(trials)])
    clean = measure(THREE, program(0.2, (-1.6, 0.2), 0.2), 0.02, 20e-3 / PEAK)
    few = max(trials // 5, 20)
    print(f"  the same through a resistance of 20 mV / ip, {few} trials")
    said = f"{20e-3 / PEAK:.0f}(48) ohm"
    report("resistance known to 1 %", [found(evaluate(*clean, 0.02, s, resistance=said), THREE) for s in range(few)])
    report("resistance not known", [found(evaluate(*clean, 0.02, s), THREE) for s in range(few)])


def report(name, results):
    whole = [r for r in results if r is not None]
    errors = np.array([[e for e, _ in r] for r in whole])
    claims = np.array([[u for _, u in r] for r in whole])
    for k in range(errors.shape[1]):
        e, u = errors[:, k], claims[:, k]
        covered = [100 * float(np.mean(np.abs(e) <= width * u)) for width in (1, 3)]
        print(
            f"  {name if k == 0 else '':26s} sd {np.std(e):.3f}  mean {np.mean(e):+.3f}  u {np.mean(u):.3f}  "
            f"{covered[0]:5.1f} %  {covered[1]:5.1f} %  worst {np.max(np.abs(e)):.2f}"
        )
    if len(whole) < len(results):
        print(f"  {'':26s} {len(results) - len(whole)} of {len(results)} refused in part")


def resistance_and_gaps():
    print("\nthree couples through 20 mV of ohmic drop, no noise: errors / mV and ratios of the peaks")
    clean = measure(THREE, program(0.2, (-1.6, 0.2), 0.2), 0.02, 20e-3 / PEAK)
    for name, options in (("known to 1 %", {"resistance": f"{20e-3 / PEAK:.0f}(48) ohm"}), ("not known", {})):
        outcome = evaluate(*clean, **options)
        ratios = [row["peak_current_ratio"] for row in outcome.tables["waves"]]
        errors = found(outcome, THREE) or []
        print(f"  {name:14s} {[f'{e:+.3f} +/- {u:.3f}' for e, u in errors]} {[f'{r:.3f}' for r in ratios]}")
    print("\ntwo steps of one molecule so far apart: errors / mV without and with 2 % noise, or the refusal")
    for gap in (0.20, 0.15, 0.12, 0.10, 0.08, 0.06, 0.04):
        clean = measure((0.0, -gap), program(0.4, (-0.6, 0.4), 0.4))
        said = []
        for noise in (0.0, 0.02):
            outcome = evaluate(*clean, noise, 1)
            result = found(outcome, (0.0, -gap))
            said.append(
                ", ".join(f"{e:+.2f} +/- {u:.2f}" for e, u in result) if result else [r.code for r in outcome.refusals]
            )
        print(f"  {1e3 * gap:4.0f} mV  {said[0]}   |   {said[1]}")


def duration():
    print("\nduration of one evaluation (CPU, best of 7), 4001 points, three waves")
    points = program(0.2, (-1.8, 0.2), 0.2)
    for name, k0, drop, noise in (
        ("peaks alone", 10.0, 0.0, 0.0),
        ("joint fit and bootstrap", 0.02, 0.0, 0.02),
        ("the same, unknown resistance", 0.02, 20e-3, 0.02),
    ):
        clean = measure(THREE, points, k0, drop / PEAK)
        spent = []
        for _ in range(7):
            before = time.process_time()
            outcome = evaluate(*clean, noise)
            spent.append(time.process_time() - before)
        methods = {q.method.split(" (")[0] for q in outcome.quantities if q.name == "half_wave_potential"}
        loop = calibration_loop()
        print(f"  {name:30s} {1e3 * min(spent):6.0f} ms   (calibration loop {1e3 * loop:.0f} ms)  {', '.join(methods)}")


def calibration_loop():
    """CPU time (s) of ten million additions in plain Python: what this machine is worth."""
    before = time.process_time()
    total = 0
    for number in range(10_000_000):
        total += number
    return time.process_time() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    switching()
    resistance_and_gaps()
    duration()
    noisy(trials)


if __name__ == "__main__":
    main()
