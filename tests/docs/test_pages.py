"""What stands in the pages is true: blocks run, tables parse, links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from luggin import plugins
from luggin.bench import load_bench
from luggin.cli.running import vocabulary
from luggin.steps import Vocabulary, load_protocol

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def test_the_blocks_of_a_page_run_in_order(story, teller):
    teller.tell(story)


def test_every_python_and_console_block_says_whether_it_is_run(page, blocks):
    undecided = [
        block.place
        for block in blocks(page)
        if block.language in ("python", "console") and block.directive in ("", "output")
    ]
    assert not undecided, f"neither <!-- test -->, <!-- file: NAME --> nor <!-- no-test: reason --> before {undecided}"


def test_toml_of_a_page_is_what_luggin_reads(page, blocks):
    installed = plugins.load()
    words = vocabulary(installed)
    for block in blocks(page):
        if block.language != "toml":
            continue
        # Steps and other tables of a list stand alone where a page is about one of them.
        text = f"tables = [\n{block.text}]" if block.text.startswith("{") else block.text
        data = tomllib.loads(text)
        if {"steps", "sample"} <= data.keys():
            uses = {str(entry.get("use")) for entry in data.get("analyses", ())}
            # An analysis that the page itself makes is known when its story is told, not here.
            known = words if uses <= installed.analyses().keys() else Vocabulary()
            load_protocol(text=block.text, vocabulary=known, name=block.place)
        if "instruments" in data and all(f'"sim://{name}"' not in block.text for name in _stations_elsewhere(data)):
            bench = load_bench(text=block.text, name=block.place)
            known = [role for role in bench.roles.values() if role.driver in installed.drivers()]
            for role in known:
                installed.driver(role.driver).offline(role.settings)
            if bench.simulated_tables and len(known) == len(bench.roles):
                assert not installed.simulator().check(bench.simulated_tables), block.place


def _stations_elsewhere(data: dict) -> list[str]:
    """Simulated instruments that a part of a bench file names without having their table."""
    resources = [str(table.get("resource", "")) for table in data["instruments"].values()]
    named = [resource.removeprefix("sim://") for resource in resources if resource.startswith("sim://")]
    return [name for name in named if name not in data.get("simulated", {})]


def test_links_between_pages_lead_somewhere(page):
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor:
            assert anchor in _anchors(goal), f"{page.name} links to {target}; {goal.name} has no such heading"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "trace", [r"(?<![\w&])#\d+\b", r"/work/", r"/tmp/", r"/root\b", r"/home/", r"site-packages", r"\bpypi\.", r"TODO"]
)
def test_pages_have_no_traces_of_where_they_were_written(page, trace):
    assert not re.findall(trace, page.read_text(encoding="utf-8"))


def test_every_page_of_the_manual_can_be_reached_from_its_index(root):
    """By links, in one or more steps."""
    seen, waiting = set(), [root / "docs" / "index.md"]
    while waiting:
        here = waiting.pop()
        if here in seen or here.suffix != ".md" or not here.exists():
            continue
        seen.add(here)
        text = _FENCED.sub("", here.read_text(encoding="utf-8"))
        waiting += [(here.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(text)]
    pages = {page.resolve() for page in (root / "docs").rglob("*.md") if page.parent.name != "decisions"}
    assert pages - seen == set()


def test_every_example_is_used_by_a_page_and_is_valid(root, all_pages, workplace, shell):
    text = "".join(page.read_text(encoding="utf-8") for page in all_pages)
    for example in sorted((root / "examples").rglob("*.*")):
        name = example.relative_to(root)
        if "__pycache__" in name.parts or "runs" in name.parts:
            continue
        assert str(name.as_posix()) in text, f"no page speaks of {name}"
        if example.suffix == ".toml" and "benches" not in name.parts:
            shell.run(f"luggin check {name.as_posix()} --no-rehearsal")
            assert shell.code == 0, name
