"""Runs of every fate have a report: going on, killed, interrupted, tripped, failed, empty, and endless ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from luggin.analysis import open_run
from luggin.engine.protocols import resume_protocol
from luggin.platform import FileLock
from luggin.steps import Vocabulary

BAND = "SIMULATED: no real instrument was used"


def rows_of_steps(page):
    """The lines of the table of steps."""
    part = page.html.partition('<section id="conditions">')[2].partition("</section>")[0]
    return re.findall(r"<tr>.*?</tr>", part, re.S)[1:]


def test_completed_run_lists_steps_with_parameters_in_words(completed_page):
    first, second = rows_of_steps(completed_page)
    assert "duration 4 s; one point every 500 ms" in first
    assert "vertices −1.7 V and 0.2 V" in second
    assert "scan rate 100 mV/s; potential step 2 mV; cycles 1" in second
    assert "done" in second


def test_rows_of_steps_are_those_of_the_store(completed, completed_page):
    archive = open_run(completed.folder)
    ocp, cv = rows_of_steps(completed_page)
    assert f"<td>{len(archive['ocp'])}</td>" in ocp
    assert f"<td>{len(archive['cv']):,}</td>".replace(",", "\N{NARROW NO-BREAK SPACE}") in cv


def test_simulated_run_says_so_before_anything_else(completed_page):
    assert completed_page.html.index(BAND) < completed_page.html.index("<h1>")


def test_run_on_real_instruments_has_no_band(completed, page_of):
    archive = open_run(completed.folder)
    archive.header = {**archive.header, "simulated": False}
    page = page_of(archive)
    assert BAND not in page.html
    assert "SIMULATED;" not in page.section("instruments")


@pytest.fixture(scope="module")
def interrupted(laboratory, texts):
    finished = laboratory.run(f"{texts.ocp}, {texts.cv}", texts.half_waves, stop_at=300)
    assert finished.outcome == "interrupted"
    return finished


def test_interrupted_run(interrupted, page_of):
    page = page_of(interrupted.folder)
    assert "Outcome: interrupted: stopped by SIGINT" in page.text
    assert "step 2 interrupted" in page.section("events")
    assert "made safe: cell_off was run" in page.section("events")
    assert "interrupted" in rows_of_steps(page)[1]
    assert "The sweep was cut short." in page.section("figures")
    assert ">interrupted<" in page.pictures[-1]


def test_resumed_run_shows_both_attempts(interrupted, installed, copy_of, page_of):
    folder = copy_of(interrupted.folder)
    vocabulary = Vocabulary(installed.step_types(), {n: a.parameters for n, a in installed.analyses().items()})
    assert resume_protocol(folder, installed, vocabulary).outcome == "completed"
    page = page_of(folder)
    assert [("attempt 2" in row) for row in rows_of_steps(page)] == [False, False, True]
    assert "taken up again" in page.section("events")
    assert "step 2: attempt 2 begins" in page.section("events")
    figures = page.section("figures")
    first = figures.index("Figure 1. Cyclic voltammogram: full, step 2 (interrupted).")
    assert first < figures.index("Drawn by cv.half-waves.")  # in the order of measuring
    assert ">interrupted, resumed<" in page.pictures[-1]
    stamps = re.findall(r'datetime="([^"]+)"', "".join(rows_of_steps(page)))
    assert stamps == sorted(stamps)
    # the result of the whole voltammogram has taken the place of that of the interrupted one
    assert len(page.data) == 4


def test_times_of_a_run_in_a_hurry_are_those_of_the_wall(interrupted, installed, copy_of, page_of):
    archive = open_run(interrupted.folder)
    begun = datetime(2031, 3, 14, 8, tzinfo=UTC)
    archive.header = {**archive.header, "created": begun.isoformat(), "virtual": False, "speed": 20.0}
    later = {**archive.sessions[0], "time": 900.0, "utc": (begun + timedelta(seconds=46)).isoformat()}
    later["gap"] = {"from": 120.0, "to": 900.0}
    archive.sessions = [archive.sessions[0], later]
    page = page_of(archive)
    assert page.text.count("20 times as fast as the clock on the wall") == 1
    assert "taken up again, 40 s after the last row" in page.section("events")  # 120 s of the laboratory are 6 s
    step = archive.steps[1]
    at = (begun + timedelta(seconds=step.started / 20)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert f'datetime="{at}"' in rows_of_steps(page)[1]
    assert '"2031-03-14T08:00:46.000Z"' in page.html
    stamps = re.findall(r'datetime="([^"]+)"', page.html[page.html.index('id="events"') :].partition("</section>")[0])
    assert stamps == sorted(stamps)


def test_tripped_run(laboratory, page_of, texts):
    tight = texts.head.replace('"-100 uA", "100 uA"', '"-1 uA", "1 uA"')
    finished = laboratory.run(texts.cv, texts.half_waves, head=tight)
    assert finished.outcome == "limit tripped"
    page = page_of(finished.folder)
    assert re.search(r"Outcome: limit tripped: step 1: current was -1\.\d+ uA; allowed is current between", page.text)
    assert re.search(r"limit tripped: current was -1\.\d+ uA.*; the run was stopped", page.section("events"))
    assert page.pictures[-1].count(">limit tripped<") == 1
    assert ">failed<" not in page.pictures[-1]


def test_failed_run(laboratory, page_of, texts):
    finished = laboratory.run(texts.cv, stop_at=100, pull_cable=True)
    assert finished.outcome == "failed"
    page = page_of(finished.folder)
    assert "Outcome: failed: the cable was <pulled>" in page.text
    assert "step 1 failed: the cable was <pulled>" in page.section("events")
    rows = rows_of_steps(page)
    assert ["broken" in row for row in rows] == [True] * (len(rows) - 1) + [False]
    assert "failed" in rows[-1]
    assert len(page.pictures) == len(rows) + 1  # each attempt that measured, and the overview


def test_run_that_was_killed_and_one_that_goes_on(completed, copy_of, cut_log, page_of):
    folder = copy_of(completed.folder)
    kinds = [r["kind"] for r in open_run(folder).records]
    cut_log(folder, kinds.index("end") + 3)  # the voltammogram has begun, and nothing more was written
    rows = len(open_run(folder)["cv"])
    page = page_of(folder)
    assert "Outcome: cut off: its program was killed or the power went; no end is recorded" in page.text
    assert "cut off: no end recorded" in rows_of_steps(page)[1]
    assert f"{rows:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") in rows_of_steps(page)[1]
    assert "not recorded: the run has no end" in page.section("instruments")
    assert len(page.data) == 4  # the kept result is still there
    assert ">I / µA<" in page.pictures[0]
    lock = FileLock(folder / "journal" / "lock")
    lock.acquire("a process")
    page = page_of(folder)
    lock.release()
    assert "Outcome: running: it was being written when this report was made" in page.text
    assert "running when this report was made" in rows_of_steps(page)[1]


def test_rows_without_a_record_are_drawn_all_the_same(laboratory, copy_of, cut_log, page_of, texts):
    folder = copy_of(laboratory.run(texts.cv).folder)
    kinds = [r["kind"] for r in open_run(folder).records]
    cut_log(folder, kinds.index("start") + 2)
    page = page_of(folder)
    assert "Cyclic voltammogram: full, step 1 (cut off)" in page.section("figures")
    assert len(page.pictures) == 2


def test_run_without_a_step(completed, copy_of, cut_log, page_of):
    folder = copy_of(completed.folder)
    for kept in (folder / "results").rglob("*.json"):
        kept.unlink()
    cut_log(folder, 2)
    page = page_of(folder)
    assert "No step was begun." in page.section("conditions")
    assert "the analysis cv.half-waves could not be asked" in page.text
    assert "No analysis could be asked" in page.section("results")


def test_run_that_died_before_its_header(completed, copy_of, cut_log, page_of):
    folder = copy_of(completed.folder)
    cut_log(folder, 0)
    page = page_of(folder)
    assert "Outcome: cut off" in page.text
    assert "No limits were set." in page.section("limits")
    assert "The run has no description of its sample." in page.section("sample")


def test_rows_that_cannot_be_read_cost_the_figures_only(completed, copy_of, page_of):
    folder = copy_of(completed.folder)
    (folder / "data.zarr/zarr.json").write_text("{")
    page = page_of(folder)
    assert "the rows of the run cannot be read" in page.text
    assert len(page.data) == 4
    assert page.pictures == []


def test_run_without_analyses_shows_its_voltammogram(laboratory, page_of, texts):
    page = page_of(laboratory.run(texts.cv).folder)
    assert page.section("results") == "Results No analysis was asked for."
    assert "Cyclic voltammogram: full, step 1." in page.section("figures")
    assert len(page.pictures) == 2


def test_more_than_a_hundred_steps(laboratory, page_of, texts):
    rest = '{do = "ocp", duration = "1 s"}'
    finished = laboratory.run(f'{{do = "repeat", times = 120, steps = [{rest}]}}, {texts.cv}')
    page = page_of(finished.folder)
    rows = rows_of_steps(page)
    listed = [row for row in rows if "<time" in row]
    hidden = [row for row in rows if "further step" in row]
    assert len(listed) == 30
    assert len(hidden) == 1
    assert "… 91 further steps, done" in hidden[0]
    assert "<b>cv</b>" in listed[-1]


def test_step_that_is_not_done_is_never_hidden(laboratory, page_of):
    rest, note = '{do = "ocp", duration = "1 s"}', '{do = "note", text = "x"}'
    limits = 'title = "t"\nlimits = [{column = "potential", between = ["1 V", "2 V"], then = "end_step"}]\n'
    repeats = [
        f'{{do = "repeat", times = 40, steps = [{note}]}}',
        rest,
        f'{{do = "repeat", times = 40, steps = [{note}]}}',
    ]
    rows = rows_of_steps(page_of(laboratory.run(", ".join(repeats), head=limits).folder))
    hidden = [re.search(r"… (\d+) further", row)[1] for row in rows if "further step" in row]
    assert hidden == ["20", "30"]
    ended = [row for row in rows if "ended by a limit" in row]
    assert len(ended) == 1
    assert "potential was" in ended[0]


def test_many_voltammograms_are_laid_over_each_other(laboratory, page_of):
    one = '{do = "cv", begin = "0 V vs ref", vertices = ["-0.1 V", "0.1 V"], rate = "1 V/s", step = "5 mV"}'
    page = page_of(laboratory.run(f'{{do = "repeat", times = 20, steps = [{one}]}}').folder)
    assert "Cyclic voltammograms: 8 of 20, evenly chosen." in page.section("figures")
    assert len(page.pictures) == 2
    assert ">cycle 1, step 1/cycle=1/1<" in page.pictures[0]
    assert ">cycle 20, step 1/cycle=20/1<" in page.pictures[0]
    colours = set(re.findall(r"fill: none; stroke: (#[0-9a-f]{6})", page.pictures[0]))
    assert len(colours) == 8
    assert page.section("conditions").count("parameters as above") == 19


def test_chain_of_techniques_names_each(laboratory, page_of):
    sweep = '{do = "lsv", begin = "0 V vs ref", end = "-0.2 V", rate = "1 V/s", step = "5 mV"}'
    hold = '{do = "ca", potential = "-0.2 V vs ref", duration = "1 s", dt = "0.1 s"}'
    page = page_of(laboratory.run(f'{{do = "chain", steps = [{sweep}, {hold}]}}').folder)
    (row,) = rows_of_steps(page)
    assert "lsv: begin 0 V; end −0.2 V; scan rate 1 V/s" in row
    assert "ca: potential −0.2 V; duration 1 s" in row
    assert "Linear sweep voltammogram" in page.section("figures")
    assert "Chronoamperometry was run at −0.2 V" in page.section("methods")
