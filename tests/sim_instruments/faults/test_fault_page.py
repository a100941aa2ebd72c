"""The page of the faults has every kind with what belongs to it, and no other."""

import re
from pathlib import Path

from luggin_sim.faults import KINDS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "simulate-a-bench.md"


def test_every_kind_is_on_the_page_with_its_options():
    text = PAGE.read_text(encoding="utf-8").partition("## With faults")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \|(.*)\|$", text, re.MULTILINE))
    assert rows.pop("kind")
    assert list(rows) == list(KINDS)
    for name, kind in KINDS.items():
        assert tuple(re.findall(r"`(\w+)", rows[name])) == kind.options, name
    single = [name for name, kind in KINDS.items() if not kind.lasts]
    assert single == list(KINDS)[:7], "the page says that the first seven befall single replies"
