"""Voltammograms at several scan rates: does the half-wave potential stay where it is?

Run it:      luggin run examples/scan-rates.py
Other rates: luggin run examples/scan-rates.py -- "50 mV/s" "200 mV/s"
"""

import sys

import luggin
from luggin import CV, OCP

SAMPLE = {
    "id": "re4mo2-4",
    "wiring": "three-electrode",
    "working": {"material": "glassy carbon", "diameter": "3.0(1) mm"},
    "counter": {"material": "Pt wire"},
    "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
    "temperature": "25(1) degC",
}
LIMITS = [
    {"column": "potential", "between": ["-2.0 V", "1.0 V"]},
    {"column": "current", "between": ["-100 uA", "100 uA"], "for": "3 rows"},
]
COUPLES = [{"label": "4-/5-", "near": "-0.48 V"}]
rates = sys.argv[1:] or ["100 mV/s", "200 mV/s"]

with luggin.start(bench="benches/cv-cell.toml", sample=SAMPLE, limits=LIMITS, title="scan rates") as run:
    run.do(OCP(duration="30 s"))
    for rate in rates:
        cv = run.do(CV(begin="0 V vs ref", vertices=("-0.9 V", "0.2 V"), rate=rate, step="1 mV", cycles=2))
        said = run.analyse("cv.half-waves", cv, couples=COUPLES)
        for quantity in said.quantities:
            print(f"{rate:>9}  {quantity.name:19}  {quantity.value:8.4f} V  u {quantity.u:.4f} V")
        for refusal in said.refusals:
            print(f"{rate:>9}  no number: {refusal.reason}")
