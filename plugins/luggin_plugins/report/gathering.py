"""Everything that a report needs to know of a run, in one place, before a word is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from luggin.analysis import RunArchive
from luggin.capabilities import TemperatureController, measures
from luggin.engine.events import Event
from luggin_plugins.report.answers import Answer, Failure, collect, going_on
from luggin_plugins.report.curves import RESIDUAL
from luggin_plugins.report.figures import Drawn, Mark, draw_overview, draw_spec
from luggin_plugins.report.readings import Readings, read_through
from luggin_plugins.report.thinning import MOST_POINTS
from luggin_plugins.report.voltammograms import sweep_words, undrawn
from luggin_plugins.report.wording import Times, counted, plural, reference_name

if TYPE_CHECKING:
    from luggin.bench import Bench
    from luggin.plugins import Plugins
    from luggin.results import FigureSpec

MOST_FIGURES = 10
POINTS_OF_ALL = 6 * MOST_POINTS
"""Points of all voltammograms together: a report stays below 1 MB and a browser stays quick."""


@dataclass(frozen=True)
class Instrument:
    """Who answered on a line, and what is known about how far its driver can be trusted."""

    role: str
    since: float
    identity: Mapping[str, Any]
    driver: str = ""
    driver_title: str = ""
    resource: str = ""
    tested: str = "not known"
    unconfirmed: tuple[str, ...] = ()
    polarity: str = "unknown"


@dataclass
class Material:
    """What the sections of a report are made of."""

    archive: RunArchive
    times: Times
    written: datetime
    answers: list[Answer] = field(default_factory=list)
    readings: Readings = field(default_factory=Readings)
    figures: list[Drawn] = field(default_factory=list)
    instruments: list[Instrument] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    figures_left_out: int = 0

    @property
    def reference(self) -> str:
        """The reference electrode in words; empty if there is none."""
        return reference_name(self.archive.sample)


def gather(archive: RunArchive, plugins: Plugins, written: datetime, zone: tzinfo | None = None) -> Material:
    """Read the run and draw its figures. What cannot be had is named in ``failures``.

    Args:
        archive: the run.
        plugins: where analyses and drivers come from.
        written: the time of day (UTC) of the report.
        zone: the zone of its reader.
    """
    material = Material(archive, Times(archive.moment, zone), written)
    with going_on(material.failures, "the rows of the run cannot be read"):
        material.readings = read_through(archive.store)
    material.answers = collect(archive, plugins, material.failures)
    material.instruments = _instruments(archive, plugins, material.failures)
    _draw(material)
    return material


def _instruments(archive: RunArchive, plugins: Plugins, failures: list[Failure]) -> list[Instrument]:
    """One entry per instrument, and another one wherever a resumed run met a different one."""
    if archive.header.get("imported"):
        return []  # measured elsewhere: there is no bench
    bench: Bench | None = None
    with going_on(failures, "the bench of the run cannot be read, so its drivers are not known"):
        from luggin.bench import load_bench

        bench = load_bench(text=str(archive.header.get("bench", {}).get("text", "")))
    found: list[Instrument] = []
    last: dict[str, Mapping[str, Any]] = {}
    for session in archive.sessions:
        for role, identity in session.get("instruments", {}).items():
            if last.get(role) != identity:
                last[role] = identity
                found.append(_instrument(role, float(session["time"]), identity, bench, plugins, failures))
    return found


def _instrument(
    role: str,
    since: float,
    identity: Mapping[str, Any],
    bench: Bench | None,
    plugins: Plugins,
    failures: list[Failure],
) -> Instrument:
    if bench is None or role not in bench.roles:
        return Instrument(role, since, identity)
    wired = bench.roles[role]
    known = Instrument(role, since, identity, wired.driver, resource=wired.resource)
    with going_on(failures, f"the driver {wired.driver} cannot say what it was tested on"):
        driver = plugins.driver(wired.driver)
        device = driver.offline(wired.settings)
        known = Instrument(role, since, identity, wired.driver, driver.title, wired.resource)
        if measures(device):
            c = device.capabilities
            known = replace(known, tested=c.tested_on, unconfirmed=c.unconfirmed, polarity=c.polarity)
        elif isinstance(device, TemperatureController):
            known = replace(known, tested=device.range.tested_on, unconfirmed=device.range.unconfirmed)
    return known


def _draw(material: Material) -> None:
    """Figures of the analyses and sweeps that none has drawn, in the order of measuring, then the overview."""
    chosen = _voltammograms(material)
    material.figures_left_out = max(0, len(chosen) - MOST_FIGURES)
    chosen = sorted(chosen[:MOST_FIGURES], key=lambda entry: entry[0])
    curves = sum(len(spec.curves) for _, spec, _ in chosen)
    most = max(200, min(MOST_POINTS, POINTS_OF_ALL // max(1, curves)))
    for number, (_, spec, caption) in enumerate(chosen, 1):
        with going_on(material.failures, f"figure {number} could not be drawn"):
            material.figures.append(draw_spec(spec, f"f{number}", caption, most))
    if any(len(t.time) for t in material.readings.traces):
        with going_on(material.failures, "the overview could not be drawn"):
            traces, marks = material.readings.traces, overview_marks(material.archive)
            material.figures.append(
                draw_overview(traces, marks, "overview", _overview_caption(material.readings, marks))
            )


def _voltammograms(material: Material) -> list[tuple[float, FigureSpec, str]]:
    """Figures with their captions and the run time (s) at which the last of their rows began, most wanted first."""
    found: list[tuple[float, FigureSpec, str]] = []
    drawn: set[tuple[int, int]] = set()
    paths = {step.step: step.path for step in material.archive.steps}
    begun = {(step.step, step.attempt): step.started for step in material.archive.steps}
    for answer in material.answers:
        starts = [begun.get((t.step, t.attempt), 0.0) for t in answer.tables]
        for number, spec in enumerate(answer.figures):
            when = starts[number] if _one_each(answer) else max(starts, default=0.0)
            found.append((when, spec, _caption(answer, number, paths)))
        if answer.figures:
            drawn |= {(t.step, t.attempt) for t in answer.tables}
    with going_on(material.failures, "the voltammograms could not be read"):
        found += [(when, spec, _plain_caption(spec)) for when, spec in undrawn(material.archive, drawn)]
    return found


def _caption(answer: Answer, number: int, paths: Mapping[int, str]) -> str:
    """What a figure of an analysis shows."""
    words = []
    if _one_each(answer):
        table = answer.tables[number]
        sweep = sweep_words(table.parameters)
        name = f"{paths.get(table.step, table.step)}{f' “{table.id}”' if table.id else ''}"
        words.append(f"Step {name}{f': {sweep}' if sweep else ''}.")
        words.append(f"{plural(len(table), 'row')} in the order in which they were measured.")
        if not table.complete:
            words.append("The sweep was cut short.")
    words += _styles_in_words(answer.figures[number])
    words.append(f"Drawn by {answer.name}.")
    return " ".join(words)


def _one_each(answer: Answer) -> bool:
    """True if every table has a figure of its own: as many figures, and in each the rows of its table."""
    if len(answer.figures) != len(answer.tables):
        return False
    longest = (max((len(c.x) for c in spec.curves), default=0) for spec in answer.figures)
    return all(len(t) / 2 <= rows <= len(t) for rows, t in zip(longest, answer.tables, strict=True))


def _styles_in_words(spec: FigureSpec) -> list[str]:
    """What the styles of a figure mean, where that is not plain."""
    styles = {c.style for c in spec.curves}
    words = []
    if "bars" in styles:
        words.append("Bars are standard uncertainties.")
    if "open points" in styles:
        words.append("Open circles: as measured; full circles: corrected.")
    if any(style.startswith(RESIDUAL) for style in styles):
        words.append("Below: what the line leaves over.")
    if any(c.label == "plateaux" for c in spec.curves):
        words.append("Dashed: the plateaux, each as far as the half-wave potentials.")
    if "level" in styles:
        words.append("A rung for every couple; arrows: the gap to the next.")
    return words


def _plain_caption(spec: FigureSpec) -> str:
    rows = sum(len(c.x) for c in spec.curves)
    return f"{plural(rows, 'row')} in the order in which they were measured; no analysis was asked about them."


def _overview_caption(readings: Readings, marks: Sequence[Mark]) -> str:
    streams = ", ".join(f"{counted(n)} of {name}" for name, n in readings.streams.items())
    steps = "" if all(m.trouble for m in marks) else " Dotted lines: beginning of a step, with its path."
    return f"All rows of the run ({streams}), every attempt.{steps}"


def overview_marks(archive: RunArchive) -> list[Mark]:
    """Beginnings of steps (if there are few), resumptions, and what stopped the run."""
    begun = [Mark(s.started, s.path) for s in archive.steps if s.parts or s.status != "done"]
    marks = begun if len(begun) <= 24 else []
    marks += [Mark(float(s["time"]), "resumed", True) for s in archive.sessions[1:]]
    marks += [
        Mark(float(e["time"]), "limit tripped", True) for e in archive.events if e.get("what") == Event.TRIP.words
    ]
    words = {"interrupted": "interrupted", "failed": "failed"}
    stopped = [s for s in archive.steps if s.status in words and s.ended is not None]
    tripped = [s for s in stopped if (s.error or {}).get("type") == "LimitTripped"]  # their trip is marked already
    return marks + [Mark(s.ended or 0.0, words[s.status], True) for s in stopped if s not in tripped]
