"""The page has every setting of the driver and every rule of its twin, and what is not confirmed."""

from dataclasses import fields
from pathlib import Path

from luggin_drivers.srs import SrsEc301
from luggin_drivers.srs.settings import Settings
from luggin_sim.dialects.srs_ec301 import Rules

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / SrsEc301.docs).read_text(encoding="utf-8")


def rows(heading):
    """First cells of the table under a heading, without the quotes."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name.strip(" `") for cell in cells for name in cell.split(",")}


def test_every_setting_is_explained():
    assert rows("Settings") == {field.name for field in fields(Settings)}


def test_every_rule_of_the_twin_is_explained_with_its_default():
    assert rows("The simulated EC301") == {field.name for field in fields(Rules)}


def test_it_says_that_nothing_was_tested_on_hardware():
    assert "**Tested on hardware: nothing so" in PAGE
    assert "not tested on hardware" in SrsEc301().offline({}).capabilities.tested_on


def test_the_polarity_and_what_is_open_are_declared():
    capabilities = SrsEc301().offline({}).capabilities
    assert capabilities.polarity == "us"
    assert capabilities.enforced == {}
    for word in ("port", "checksum", "rampen", "pfback", "min_interval", "command_pause"):
        assert any(word in sentence for sentence in capabilities.unconfirmed), word
