"""Real runs on the simulated bench, made once, and pages taken apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from luggin import plugins
from luggin.analysis import RunArchive, open_run
from luggin.bench import load_bench
from luggin.engine.progress import Silent
from luggin.engine.protocols import Finished, plan_of, run_protocol
from luggin.errors import LineLost
from luggin.steps import Vocabulary, load_protocol
from luggin_plugins.report import render

WRITTEN = datetime(2031, 3, 14, 8, 30, tzinfo=UTC)
ZONE = timezone(timedelta(hours=2))

HEAD = """
title = "Two waves"
limits = [
  {column = "potential", between = ["-2.0 V", "1.0 V"]},
  {column = "current", between = ["-100 uA", "100 uA"], for = "3 rows"},
]
"""
CV = '{do = "cv", id = "full", begin = "0 V vs ref", vertices = ["-1.7 V", "0.2 V"], rate = "100 mV/s", step = "2 mV"}'
OCP = '{do = "ocp", id = "rest", duration = "4 s"}'
HALF_WAVES = (
    'analyses = [{use = "cv.half-waves", on = "full", couples = '
    '[{label = "4-/5-", near = "-0.48 V"}, {label = "5-/6-", near = "-1.29 V"}]}]\n'
)
SAMPLE = """
[sample]
id = "re4mo2-4"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
temperature = "25(1) degC"
assumed = ["purity of the solvent"]
"""


class StopsAt(Silent):
    """Asks for a stop, or pulls the cable, when a step has so many rows."""

    def __init__(self, rows: int, pull_cable: bool = False) -> None:
        self.run: Any = None
        self._at = rows
        self._pull = pull_cable
        super().__init__()

    @property
    def rows(self) -> int:
        return self._rows

    @rows.setter
    def rows(self, rows: int) -> None:
        self._rows = rows
        if self.run is not None and rows >= self._at:
            if self._pull:
                raise LineLost("the cable was <pulled>")
            self.run.request_stop("SIGINT")


@dataclass
class Laboratory:
    """Runs protocols on the simulated bench, each in its own folder."""

    place: Path
    plugins: plugins.Plugins
    _count: int = 0

    def run(
        self,
        steps: str,
        analyses: str = "",
        head: str = HEAD,
        sample: str = SAMPLE,
        stop_at: int | None = None,
        pull_cable: bool = False,
    ) -> Finished:
        """Run the steps to their end, or until one has ``stop_at`` rows: a stop is asked for, or the cable pulled."""
        self._count += 1
        watcher = None if stop_at is None else StopsAt(stop_at, pull_cable)
        protocol = f"{head}steps = [{steps}]\n{analyses}{sample}"
        vocabulary = Vocabulary(
            self.plugins.step_types(), {name: a.parameters for name, a in self.plugins.analyses().items()}
        )
        loaded = load_protocol(text=protocol, vocabulary=vocabulary, name="two-waves.toml")
        bench = load_bench(
            text=self.plugins.simulator().default_bench_text(), drivers=list(self.plugins.drivers()), name="bench"
        )
        plan = replace(plan_of(loaded, bench), folder=self.place / f"run-{self._count}")

        def begun(run: Any) -> None:
            if watcher is not None:
                watcher.run = run

        return run_protocol(loaded, plan, self.plugins, watcher=watcher, on_begin=begun)


class _Parser(HTMLParser):
    VOID = frozenset({"meta", "br", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.data: list[tuple[str, str]] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "data":
            self.data.append((str(dict(attrs)["value"]), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag
        if tag in ("td", "th", "p", "li", "h1", "h2", "h3", "figcaption", "summary"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles.append(data)
            return
        self.words.append(data)
        if "data" in self.open:
            value, said = self.data[-1]
            self.data[-1] = (value, said + data)


@dataclass
class Page:
    """A report taken apart: its elements, its words, its pictures, and its numbers."""

    html: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    data: list[tuple[str, str]] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)

    @property
    def pictures(self) -> list[str]:
        return ["<svg" + part.partition("</svg>")[0] + "</svg>" for part in self.html.split("<svg")[1:]]

    def section(self, name: str) -> str:
        """The words of one section."""
        return take_apart(self.html.partition(f'<section id="{name}">')[2].partition("</section>")[0]).text


def take_apart(html: str) -> Page:
    """Parse a page; an element that is closed in the wrong place fails the test."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return Page(html, parser.tags, " ".join("".join(parser.words).split()), parser.data, parser.styles)


@pytest.fixture(scope="session")
def texts() -> SimpleNamespace:
    """Parts of protocols."""
    return SimpleNamespace(head=HEAD, ocp=OCP, cv=CV, half_waves=HALF_WAVES, sample=SAMPLE)


@pytest.fixture(scope="session")
def installed() -> plugins.Plugins:
    return plugins.load()


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory, installed) -> Laboratory:
    return Laboratory(tmp_path_factory.mktemp("runs"), installed)


@pytest.fixture(scope="session")
def page_of(installed) -> Callable[[RunArchive | Path], Page]:
    def made(run: RunArchive | Path) -> Page:
        archive = open_run(run) if isinstance(run, Path) else run
        return take_apart(render(archive, installed, WRITTEN, ZONE))

    return made


@pytest.fixture(scope="session")
def completed(laboratory) -> Finished:
    """Rest, then a voltammogram with both waves, analysed."""
    finished = laboratory.run(f"{OCP}, {CV}", HALF_WAVES)
    assert finished.outcome == "completed"
    return finished


@pytest.fixture(scope="session")
def completed_page(completed, page_of) -> Page:
    return page_of(completed.folder)


@pytest.fixture
def copy_of(tmp_path) -> Callable[[Path], Path]:
    """A copy of a run folder that a test may spoil."""

    def copied(folder: Path) -> Path:
        target = tmp_path / folder.name
        shutil.copytree(folder, target)
        return target

    return copied


def keep_lines(folder: Path, count: int) -> None:
    """What is left of run.log when the program dies after ``count`` records (behind its first line)."""
    log = folder / "run.log"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[: 1 + count]))


@pytest.fixture
def cut_log() -> Callable[[Path, int], None]:
    return keep_lines
