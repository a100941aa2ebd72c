"""The half-wave potentials of nine cluster compounds, measured and printed beside what was published.

Run it:                luggin run examples/target-table.py
Only some compounds:   luggin run examples/target-table.py -- re4mo2-ch3cn w6s8-dmso

Every compound is a run of its own: the steps, the sample and the published values are those of its protocol in
`target-table/`, and the simulated cell is on the bench that the protocol names.
"""

import sys
import tomllib
from pathlib import Path

import luggin
from luggin.steps import CV, OCP, SolutionResistance
from luggin.units import rounded

COMPOUNDS = (
    "re6-ch3cn",
    "re4mo2-ch3cn",
    "re3mo3-ch3cn",
    "re3mo3-dmf",
    "mo6-h2o",
    "w6s8-dmso",
    "w6se8-dmso",
    "w6s8-pet3",
    "mo6q8-pet3",
)
STEPS = {"ocp": OCP, "solution_resistance": SolutionResistance, "cv": CV}
#: What was published besides half-wave potentials, by protocol: between which couples, their gap, log Kc; as printed.
PUBLISHED_GAPS = {
    "re4mo2-ch3cn": {"4-/5- | 5-/6-": ("0.818 V", "13.8")},
    "re3mo3-ch3cn": {"4-/5- | 5-/6-": ("0.668 V", "-"), "5-/6- | 6-/7-": ("0.400 V", "-")},
}
COUPLE_ROW = "{:16}  {:5}  {:6}  {:14}  {:>8}  {:>7}  {:>8}  {:23}  {}"
COUPLE_HEADS = ("E1/2 of", "in", "couple", "published", "found/V", "u/V", "differs", "verdict", "against")
GAP_ROW = "{:16}  {:5}  {:13}  {:14}  {:>8}  {:>7}  {:>9}  {:>6}  {:>5}"
GAP_HEADS = ("gap of", "in", "between", "published", "found/V", "u/V", "log Kc", "found", "u")


def main(names):
    lines, gaps = [COUPLE_ROW.format(*COUPLE_HEADS)], []
    for name in names or COMPOUNDS:
        with (Path(__file__).parent / "target-table" / f"{name}.toml").open("rb") as file:
            protocol = tomllib.load(file)
        couples, table = measured(protocol)
        lines += [couple_line(row, couples) for row in table.tables["literature"]]
        gaps += gap_lines(table, protocol["sample"].get("solvent", "-"), PUBLISHED_GAPS.get(name, {}))
    if gaps:
        lines += ["", GAP_ROW.format(*GAP_HEADS), *gaps]
    print(*(line.rstrip() for line in lines), sep="\n")


def measured(protocol):
    """Runs the steps of a protocol; what `cv.half-waves` and `cv.redox-table` say about its voltammogram."""
    bench = Path("target-table") / protocol["bench"]
    with luggin.start(
        bench=bench, sample=protocol["sample"], limits=protocol["limits"], title=protocol["title"]
    ) as run:
        done = {step["id"]: run.do(STEPS[step["do"]](**step)) for step in protocol["steps"]}
        said = []
        for entry in protocol["analyses"]:
            options = {key: value for key, value in entry.items() if key not in ("use", "on")}
            said.append(run.analyse(entry["use"], done[entry["on"]], **options))
    return said


def couple_line(row, couples):
    """A published potential, and what was found for it: E1/2, or a peak potential and why there is no more."""
    couple = row["couple"]
    quantity = next((q for q in couples.quantities if q.name == "half_wave_potential" and q.label == couple), None)
    verdict = quantity.verdict if quantity else ""
    if quantity is None:
        refused = next((refusal.code for refusal in couples.refusals if refusal.label == couple), "not found")
        verdict = f"no E1/2: {refused}"
        peak = f"{couple}, cathodic"
        quantity = next((q for q in couples.quantities if q.name == "peak_potential" and q.label == peak), None)
    place = (row["compound"], row["solvent"] or "-", couple, row["potential"])
    if quantity is None:
        return COUPLE_ROW.format(*place, "-", "-", "-", verdict, row["reference"])
    found, u, _ = rounded(quantity.value, quantity.u)
    differs = round(quantity.value - float(row["potential"].split()[0]), 4) + 0.0  # + 0.0: there is no -0
    return COUPLE_ROW.format(*place, found, u, f"{differs:+.4f}", verdict, row["reference"])


def gap_lines(table, solvent, published):
    """The gaps that were published, and what was found for them."""
    for row in table.tables.get("gaps", ()):
        if row["between"] in published:
            compound = table.tables["couples"][0]["compound"]
            gap, constant = published[row["between"]]
            found, u, _ = rounded(row["gap"], row["u"])
            found_constant, u_constant, _ = rounded(row["log10_comproportionation_constant"], row["u_log10"])
            yield GAP_ROW.format(compound, solvent, row["between"], gap, found, u, constant, found_constant, u_constant)


main(sys.argv[1:])
