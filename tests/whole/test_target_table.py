"""Every couple of the target table, measured through the wire on a simulated cell with 2 % of noise.

`examples/target-table.py` is run as a user runs it, compound by compound. What it found is compared with the
half-wave potentials in the bench files, which only the simulated instrument reads.
"""

import math
import re
import shutil
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from luggin.analysis import open_run
from luggin.engine.scripts import execute_script, read_script
from luggin.engine.start import Ambient
from luggin.units import parse, rounded

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = EXAMPLES / "target-table.py"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-the-target-table.md"
DECIMAL = re.compile(r"[-+]?\d+\.\d+")
COMPOUNDS = {
    "re6-ch3cn": 1,
    "re4mo2-ch3cn": 2,
    "re3mo3-ch3cn": 3,
    "re3mo3-dmf": 2,
    "mo6-h2o": 3,
    "w6s8-dmso": 2,
    "w6se8-dmso": 2,
    "w6s8-pet3": 2,
    "mo6q8-pet3": 2,
}
"""How many half-wave potentials were published for each."""
#: Published as the potential of a reduction peak, because no oxidation answers it.
PEAK_ONLY = ("re3mo3-dmf", "5-/6-")
MILLIVOLT = 1e-3
#: Peak current of a reversible couple at 25 degC (C mol^-1/2 V^-1/2): Bard and Faulkner, 2nd ed., equation 6.2.19.
RANDLES_SEVCIK = 2.69e5


@cache
def cell_of(compound):
    """What the simulated cell of a compound was told."""
    text = (EXAMPLES / "benches" / "target-table" / f"{compound}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["simulated"]["cell"]["cell"]


@cache
def protocol_of(compound):
    return tomllib.loads((EXAMPLES / "target-table" / f"{compound}.toml").read_text(encoding="utf-8"))


def couples_of(compound):
    """Half-wave potentials (V) in the cell by the names that the protocol gives to the couples."""
    names = [entry["label"] for entry in protocol_of(compound)["analyses"][0]["couples"]]
    inside = [parse(couple["half_wave_potential"], "V") for couple in cell_of(compound)["couples"]]
    couples = dict(zip(names, inside, strict=True))
    if compound == PEAK_ONLY[0]:
        del couples[PEAK_ONLY[1]]
    return couples


@pytest.fixture(scope="module")
def kept():
    """What was measured already, by script and compound: every cell is measured once."""
    return {}


@pytest.fixture
def tabulate(kept, plugins, tmp_path_factory, monkeypatch, capsys):
    """Run the script for one compound: the archive of the run, and the lines of the table."""

    def run(compound, script=SCRIPT):
        if (script, compound) not in kept:
            here = tmp_path_factory.mktemp(compound)
            monkeypatch.chdir(here)
            (ended,) = execute_script(Ambient(plugins, read_script(script, (compound,)), folder=here / "run"))
            kept[script, compound] = open_run(ended.folder), capsys.readouterr().out.splitlines()
        return kept[script, compound]

    return run


def results(archive, analysis="cv.half-waves"):
    (result,) = (r for r in archive.results if r["analysis"] == analysis)
    return result


def half_waves(archive):
    return {q["label"]: q for q in results(archive)["quantities"] if q["name"] == "half_wave_potential"}


def row_of(lines, couple):
    (line,) = (line for line in lines if f" {couple} " in line and " | " not in line)
    return line


def test_the_table_has_nineteen_half_wave_potentials_and_a_peak():
    assert {path.stem for path in (EXAMPLES / "target-table").iterdir()} == COMPOUNDS.keys()
    assert {compound: len(couples_of(compound)) for compound in COMPOUNDS} == COMPOUNDS
    assert sum(COMPOUNDS.values()) == 19
    published = [row for compound in COMPOUNDS for row in protocol_of(compound)["analyses"][1]["literature"]]
    assert Counter("Epc" in row["potential"] for row in published) == {False: 19, True: 1}


@pytest.mark.parametrize("compound", COMPOUNDS)
def test_the_cell_has_noise_of_two_percent_and_the_seed_of_its_place(compound):
    cell, cv = cell_of(compound), protocol_of(compound)["steps"][-1]
    concentration = parse(cell["concentration"], "mol/cm3")
    root = math.sqrt(parse(cell["diffusion_coefficient"], "cm2/s") * parse(cv["rate"], "V/s"))
    peak = RANDLES_SEVCIK * parse(cell["area"], "cm2") * concentration * root
    assert parse(cell["current_noise"], "A") == pytest.approx(0.02 * peak, rel=0.01)
    assert cell["seed"] == list(COMPOUNDS).index(compound) + 1


@pytest.mark.slow
@pytest.mark.parametrize("compound", COMPOUNDS)
def test_half_wave_potentials_are_those_of_the_cell(tabulate, compound):
    archive, lines = tabulate(compound)
    assert archive.outcome == "completed"
    found, inside = half_waves(archive), couples_of(compound)
    assert found.keys() == inside.keys()
    for couple, potential in inside.items():
        quantity = found[couple]
        assert 0 < quantity["u"] <= 1 * MILLIVOLT, couple
        assert abs(quantity["value"] - potential) <= 3 * quantity["u"], couple
        value, u, _ = rounded(quantity["value"], quantity["u"])
        assert f" {value}  {u} " in row_of(lines, couple)
        assert quantity["verdict"] in row_of(lines, couple)


@pytest.mark.slow
def test_what_was_published_as_a_peak_comes_out_as_a_peak(tabulate):
    compound, couple = PEAK_ONLY
    archive, lines = tabulate(compound)
    assert couple not in half_waves(archive)
    (peak,) = (q for q in results(archive)["quantities"] if q["name"] == "peak_potential")
    assert peak["label"] == f"{couple}, cathodic"
    assert peak["verdict"] == "irreversible"
    assert peak["u"] <= 5 * MILLIVOLT
    assert abs(peak["value"] + 0.818) <= 3 * peak["u"]
    (refusal,) = (r for r in results(archive)["refusals"] if r["label"] == couple)
    assert f"no E1/2: {refusal['code']}" in row_of(lines, couple)
    assert rounded(peak["value"], peak["u"])[0] in row_of(lines, couple)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compound", "gaps"),
    [
        ("re4mo2-ch3cn", {"4-/5- | 5-/6-": ("0.818 V", "13.8")}),
        ("re3mo3-ch3cn", {"4-/5- | 5-/6-": ("0.668 V", "-"), "5-/6- | 6-/7-": ("0.400 V", "-")}),
    ],
)
def test_gaps_stand_beside_those_that_were_published(tabulate, compound, gaps):
    archive, lines = tabulate(compound)
    inside = couples_of(compound)
    rows = {row["between"]: row for row in results(archive, "cv.redox-table")["tables"]["gaps"]}
    assert rows.keys() == gaps.keys()
    for between, (gap, constant) in gaps.items():
        upper, lower = between.split(" | ")
        assert abs(rows[between]["gap"] - (inside[upper] - inside[lower])) <= 3 * rows[between]["u"]
        assert rows[between]["u"] <= 1.5 * MILLIVOLT
        (line,) = (line for line in lines if between in line)
        assert line.split("  ")[3:4] == [gap]
        assert f" {constant} " in line
        assert rounded(rows[between]["gap"], rows[between]["u"])[0] in line


@pytest.mark.slow
def test_another_cell_behind_the_same_protocol_has_its_own_potential(tabulate, tmp_path):
    """Neither what is published nor where the protocol expects a couple finds its way into the number."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("runs", "__pycache__"))
    bench = tmp_path / "examples" / "benches" / "target-table" / "re6-ch3cn.toml"
    text = bench.read_text(encoding="utf-8")
    assert '"0.125 V"' in text
    bench.write_text(text.replace('"0.125 V"', '"0.0883 V"'), encoding="utf-8")
    archive, lines = tabulate("re6-ch3cn", tmp_path / "examples" / "target-table.py")
    (found,) = half_waves(archive).values()
    assert abs(found["value"] - 0.0883) <= 3 * found["u"]
    assert found["u"] <= 1 * MILLIVOLT
    _, _, _, differs, *_ = DECIMAL.findall(row_of(lines, "3-/4-"))
    assert float(differs) == pytest.approx(-0.0367, abs=3 * found["u"] + 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("compound", COMPOUNDS)
def test_the_manual_shows_the_table_that_is_printed(tabulate, compound):
    """Word by word, and number by number to 2 mV or a thousandth."""
    _, lines = tabulate(compound)
    shown = PAGE.read_text(encoding="utf-8").splitlines()
    for line in lines:
        words = DECIMAL.sub("#", line).split()
        alike = [other for other in shown if DECIMAL.sub("#", other).split() == words]
        numbers = [float(number) for number in DECIMAL.findall(line)]
        assert any(
            [float(number) for number in DECIMAL.findall(other)] == pytest.approx(numbers, abs=2 * MILLIVOLT, rel=1e-3)
            for other in alike
        ), line


@pytest.mark.slow
def test_couples_with_one_between_them_that_has_no_number_are_not_successive(tabulate):
    """A gap across a missing couple would say how stable two forms together are, which nobody asked."""
    archive, _ = tabulate(PEAK_ONLY[0])
    names = {quantity["name"] for quantity in results(archive, "cv.redox-table")["quantities"]}
    assert names == {"half_wave_potential"}
