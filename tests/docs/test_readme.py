"""The first page that anybody reads: its table is what the demo finds, and the demo finds what is in the cell."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from luggin.units import parse

_ROW = re.compile(r"^ (half wave potential|peak separation) +(\S+) +(-?\d\.\d+) +(\d\.\d+) +V +(\S+)$", re.MULTILINE)


@pytest.fixture
def table(root) -> dict[tuple[str, str], tuple[float, float, str]]:
    """(quantity, couple) -> value and uncertainty (V), verdict, as README shows them."""
    rows = _ROW.findall((root / "README.md").read_text(encoding="utf-8"))
    return {
        (name.replace(" ", "_"), couple): (float(value), float(u), verdict) for name, couple, value, u, verdict in rows
    }


def test_the_demo_finds_what_the_readme_shows(table, workplace, shell):
    printed = shell.run("luggin run examples/re4mo2-cv.toml --folder demo --no-report --json")
    assert shell.code == 0
    (result,) = json.loads(printed[printed.index("{") :])["results"]
    found = {(q["name"], q["label"]): q for q in result["quantities"]}
    assert found.keys() == table.keys()
    for key, (value, u, verdict) in table.items():
        assert found[key]["value"] == pytest.approx(value, abs=0.002)
        assert found[key]["u"] == pytest.approx(u, rel=0.5)
        assert found[key]["verdict"] == verdict


def test_the_readme_shows_what_is_in_the_simulated_cell(table, root):
    bench = tomllib.loads((root / "examples" / "benches" / "cv-cell.toml").read_text(encoding="utf-8"))
    couples = bench["simulated"]["cell"]["cell"]["couples"]
    true = [parse(couple["half_wave_potential"], "V") for couple in couples]
    shown = [row for (name, _), row in table.items() if name == "half_wave_potential"]
    assert len(shown) == len(true) == 2
    for (value, u, _), truth in zip(shown, true, strict=True):
        assert value == pytest.approx(truth, abs=0.002)
        assert abs(value - truth) < 3 * u
    text = (root / "README.md").read_text(encoding="utf-8")
    assert all(f"{truth:g} V" in text for truth in true)


def test_both_commands_and_the_licence_are_there(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\w+)", text, re.MULTILINE)
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert (root / "LICENSE").is_file()


def test_what_pip_installs_exists(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for page in (root / "README.md", *(root / "docs").rglob("*.md")):
        for extras in re.findall(r'"(?:\.|luggin)\[([\w,]+)\]"', page.read_text(encoding="utf-8")):
            assert set(extras.split(",")) <= project["optional-dependencies"].keys(), page
