"""The page as a whole: heading, sections in the order in which a chemist asks, one file."""

from __future__ import annotations

import os
from datetime import UTC, datetime, tzinfo
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from luggin.errors import StoreReadOnly, UsageError
from luggin_plugins.report.markup import Html, element, join, trusted

if TYPE_CHECKING:
    from luggin.analysis import RunArchive
    from luggin.plugins import Plugins
    from luggin_plugins.report.gathering import Material

SIMULATED = "SIMULATED: no real instrument was used"


_WITHOUT_END = {
    "running": "it was being written when this report was made; what came later is not in it",
    "cut off": "its program was killed or the power went; no end is recorded. `luggin resume` takes it up again",
}


def write_report(run_folder: Path, target: Path) -> None:
    """Write the report of a run to ``target``; an older report there is replaced whole.

    Raises:
        UsageError: matplotlib is not installed.
        RunFolderError: this is no run folder.
        StoreReadOnly: the file cannot be written.
    """
    require_matplotlib()
    from luggin import plugins
    from luggin.analysis import open_run
    from luggin.clock import RealClock

    page = render(open_run(run_folder), plugins.load(), RealClock().utc())
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(page, encoding="utf-8")
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreReadOnly(
            f"{target}: the report cannot be written ({error.strerror}). Choose another place with --output."
        ) from error


def require_matplotlib() -> None:
    """UsageError that says what to install, if there is no matplotlib."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "the report draws its figures with matplotlib, which is not installed; "
            'install with: pip install "luggin[report]"'
        ) from error


def render(archive: RunArchive, plugins: Plugins, written: datetime, zone: tzinfo | None = None) -> str:
    """The report of a run as the text of one HTML file.

    Args:
        archive: the run; it may be going on.
        plugins: where analyses and drivers come from.
        written: the time of day (UTC).
        zone: the zone of the reader; that of this computer if not given.
    """
    from luggin_plugins.report.conditions import conditions_section, events_section, limits_section
    from luggin_plugins.report.gathering import gather
    from luggin_plugins.report.looks import preflight_section
    from luggin_plugins.report.methods import methods_section
    from luggin_plugins.report.provenance import footer, provenance_section
    from luggin_plugins.report.results import figures_section, results_section
    from luggin_plugins.report.setup import instruments_section, sample_section
    from luggin_plugins.report.si_table import si_section

    material = gather(archive, plugins, written.astimezone(UTC), zone)
    makers = (
        results_section,
        figures_section,
        conditions_section,
        preflight_section,
        events_section,
        limits_section,
        instruments_section,
        sample_section,
        si_section,
        methods_section,
        provenance_section,
    )
    body = element("body", element("main", _heading(material), *(make(material) for make in makers), footer(material)))
    style = files("luggin_plugins.report").joinpath("style.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", join([_title(material), ": report"])),
        element("style", trusted(style)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _title(material: Material) -> str:
    from luggin_plugins.report.wording import short

    return short(material.archive.header.get("title") or material.archive.folder.name, 200)


def _in_a_hurry(speed: float) -> str:
    return (
        f"Durations are time in the laboratory, which went {speed:g} times as fast as the clock on the wall; "
        "times of day are those of the clock on the wall"
    )


def _heading(material: Material) -> Html:
    from luggin_plugins.report.wording import described, short

    archive = material.archive
    said = archive.finish.get("error") or {}
    outcome = short(archive.outcome, 60)
    trouble = outcome != "completed"
    words: list[object] = [element("b", outcome, class_="trouble" if trouble else "good")]
    if outcome in _WITHOUT_END:
        words.append(f": {_WITHOUT_END[outcome]}")
    if said:
        words.append(f": {short(said.get('message', ''), 600).rstrip('.')}")
    sample = described(archive.header.get("sample", {}).get("id") or "not named")
    began = material.times.show(0.0)
    return element(
        "header",
        element("p", SIMULATED, class_="simulated", role="note") if archive.simulated else None,
        element("h1", _title(material)),
        element("p", "Sample ", element("b", sample), ". Began ", began, "."),
        element("p", "Outcome: ", join(words), "."),
        element("p", f"{_in_a_hurry(archive.speed)}.", class_="small") if archive.speed != 1 else None,
    )
