"""The catalog says what run folders say, whatever has become of the folders or of its own file."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.analysis import open_run
from luggin.catalog import Query, database, find_runs, read_entry, resolve_run, summary_of
from luggin.errors import RunFolderError, UsageError
from luggin.platform import FileLock
from luggin.store import RunLog

BEGUN = datetime(2031, 3, 14, 8, 30, tzinfo=UTC)
HALF_WAVE = {
    "analysis": "cv.half-waves",
    "inputs": [{"step": 1}],
    "parameters": {},
    "quantities": [
        {
            "name": name,
            "label": "4-/5-",
            "value": v,
            "u": 4e-4,
            "unit": "V",
            "verdict": "reversible",
            "method": "m",
            "flags": [],
        }
        for name, v in (("half_wave_potential", -0.476), ("peak_separation", 0.06))
    ],
    "refusals": [{"code": "overlap", "reason": "two waves stand too close", "label": "5-/6-"}],
}


def records(created=BEGUN, sample="re4mo2-4", technique="cv", outcome="completed", **header):
    """The records of a run of one step, from its header to its end."""
    identity = {"maker": "PalmSens", "model": "EmStat4 HR", "serial": "ES4H01", "firmware": "1"}
    step = {"path": "1", "step": 1, "attempt": 1, "do": technique}
    part = {"technique": technique, "stream": technique, "first": 0, "count": 3, "id": "full", "status": "done"}
    said = [
        {
            "kind": "run",
            "time": 0.0,
            "title": f"{sample}: {technique}",
            "created": created.isoformat(),
            "sample": {"id": sample} if sample else {},
            "simulated": False,
            "virtual": False,
            "speed": 1.0,
            **header,
        },
        {"kind": "session", "time": 0.0, "utc": created.isoformat(), "instruments": {"cell": identity}},
        {"kind": "start", "time": 1.0, **step},
    ]
    if outcome is not None:
        said.append({"kind": "end", "time": 61.0, **step, "status": "done", "parts": [part]})
        said.append({"kind": "finish", "time": 62.0, "outcome": outcome})
    return said


def make_run(place, name, said=None, results=(), **fields):
    """A run folder with a log and results; the rows do not matter to the catalog."""
    folder = place / name
    folder.mkdir(parents=True)
    with RunLog.create(folder) as log:
        for record in records(**fields) if said is None else said:
            log.append(record)
    for number, result in enumerate(results, 1):
        add_result(folder, number, result)
    return folder


def add_result(folder, number, result):
    target = folder / "results" / result["analysis"] / f"{number}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result))


@pytest.fixture
def runs(tmp_path):
    """Three runs of two samples."""
    place = tmp_path / "runs"
    make_run(place, "first", created=BEGUN, results=[HALF_WAVE])
    make_run(place, "second", created=BEGUN + timedelta(hours=1), technique="ocp", outcome="interrupted")
    make_run(
        place, "third", created=BEGUN + timedelta(hours=2), sample="pellet", outcome="limit tripped", simulated=True
    )
    return place


@pytest.fixture
def catalog(tmp_path):
    return tmp_path / "home" / "catalog.sqlite"


@contextmanager
def written(folder):
    """Within the block the run looks like one that a process writes."""
    (folder / "journal").mkdir(exist_ok=True)
    lock = FileLock(folder / "journal" / "lock")
    lock.acquire("a process")
    yield
    lock.release()


def names(found):
    return [entry.name for entry in found.entries]


def test_an_entry_says_what_the_run_says(runs):
    entry = read_entry(runs / "first")
    assert (entry.outcome, entry.sample, entry.title) == ("completed", "re4mo2-4", "re4mo2-4: cv")
    assert (entry.techniques, entry.instruments) == (("cv",), ("PalmSens EmStat4 HR ES4H01",))
    assert (entry.simulated, entry.imported, entry.problem) == (False, False, "")
    assert entry.started == BEGUN.timestamp()
    assert entry.ended == (BEGUN + timedelta(seconds=62)).timestamp()
    (result,) = entry.results
    assert [(q["name"], q["value"], q["u"]) for q in result["quantities"]] == [("half_wave_potential", -0.476, 4e-4)]
    assert result["refusals"] == [{"code": "overlap", "reason": "two waves stand too close"}]
    assert entry.to_json()["started"] == "2031-03-14T08:30:00+00:00"


def test_a_run_without_an_end_is_running_while_somebody_writes_it(tmp_path):
    live = make_run(tmp_path / "runs", "live", outcome=None)
    entry = read_entry(live)
    assert (entry.outcome, entry.ended, entry.techniques) == ("cut off", None, ("cv",))
    with written(live):
        assert read_entry(live).outcome == "running"


def test_a_run_that_is_killed_or_taken_up_is_not_remembered_as_it_was(tmp_path, catalog):
    live = make_run(tmp_path / "runs", "live", outcome=None)
    with written(live):
        assert [e.outcome for e in find_runs(live.parent, catalog=catalog).entries] == ["running"]
        assert find_runs(live.parent, catalog=catalog).read == 0
    assert [e.outcome for e in find_runs(live.parent, catalog=catalog).entries] == ["cut off"]
    assert find_runs(live.parent, catalog=catalog).read == 0
    with written(live):
        assert names(find_runs(live.parent, Query(outcome="running"), catalog=catalog)) == ["live"]


def test_an_imported_run_stands_where_its_file_does(runs):
    for name, dates in {
        "old": {"modified_at": (BEGUN + timedelta(minutes=30)).isoformat(), "imported_at": "2031-03-20T00:00:00+00:00"},
        "undated": {"imported_at": (BEGUN + timedelta(minutes=90)).isoformat()},
    }.items():
        said = records(imported=True, source=dates)
        del said[0]["created"]
        make_run(runs, name, said)
    assert names(find_runs(runs)) == ["third", "undated", "second", "old", "first"]


def test_a_resumed_run_ends_by_the_clock_of_its_last_session(tmp_path):
    said = records(outcome=None)
    later = BEGUN + timedelta(days=1)
    said.append({"kind": "session", "time": 100.0, "utc": later.isoformat(), "instruments": {}})
    said.append({"kind": "finish", "time": 130.0, "outcome": "completed"})
    assert read_entry(make_run(tmp_path, "resumed", said)).ended == (later + timedelta(seconds=30)).timestamp()


@pytest.mark.parametrize(("header", "seconds"), [({"virtual": True, "speed": 1.0}, 62), ({"speed": 10.0}, 6.2)])
def test_the_end_of_virtual_and_fast_runs(tmp_path, header, seconds):
    entry = read_entry(make_run(tmp_path, "fast", **header))
    assert entry.ended == pytest.approx((BEGUN + timedelta(seconds=seconds)).timestamp())


def test_runs_come_newest_first(runs, catalog):
    assert names(find_runs(runs, catalog=catalog)) == ["third", "second", "first"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(sample="re4mo2-4"), ["second", "first"]),
        (Query(sample="re4mo2"), []),
        (Query(technique="cv"), ["third", "first"]),
        (Query(outcome="limit tripped"), ["third"]),
        (Query(since=(BEGUN + timedelta(minutes=30)).timestamp()), ["third", "second"]),
        (Query(sample="re4mo2-4", technique="cv", outcome="completed"), ["first"]),
        (Query(sample="' OR 1=1 --"), []),
    ],
)
def test_runs_are_found_by_what_they_are(runs, catalog, query, expected):
    assert names(find_runs(runs, query, catalog=catalog)) == expected
    assert names(find_runs(runs, query)) == expected


def test_what_is_remembered_is_what_would_be_read(runs, catalog):
    read = find_runs(runs)
    first = find_runs(runs, catalog=catalog)
    again = find_runs(runs, catalog=catalog)
    assert read.entries == first.entries == again.entries
    assert [first.read, again.read] == [3, 0]
    assert find_runs(runs, catalog=catalog, rebuild=True).read == 3


def test_only_what_changed_is_read_again(runs, catalog):
    find_runs(runs, catalog=catalog)
    with RunLog.open(runs / "second") as log:
        log.append({"kind": "finish", "time": 70.0, "outcome": "failed"})
    found = find_runs(runs, Query(outcome="failed"), catalog=catalog)
    assert (found.read, names(found)) == (1, ["second"])
    # an analysis that is asked later changes results, but not the log
    add_result(runs / "second", 1, HALF_WAVE)
    found = find_runs(runs, catalog=catalog)
    assert found.read == 1
    assert found.entries[1].results[0]["quantities"][0]["value"] == -0.476
    add_result(runs / "second", 2, {**HALF_WAVE, "quantities": []})
    assert find_runs(runs, catalog=catalog).entries[1].results[0]["quantities"] == []


def test_a_vanished_run_is_named_until_the_catalog_is_rebuilt(runs, catalog, tmp_path):
    find_runs(runs, catalog=catalog)
    shutil.move(runs / "first", tmp_path / "elsewhere")
    found = find_runs(runs, catalog=catalog)
    assert [(e.name, e.outcome, e.sample) for e in found.entries][-1] == ("first", "vanished", "re4mo2-4")
    shutil.move(tmp_path / "elsewhere", runs / "first")
    assert find_runs(runs, catalog=catalog).entries[-1].outcome == "completed"
    shutil.rmtree(runs / "first")
    assert names(find_runs(runs, Query(outcome="vanished"), catalog=catalog)) == ["first"]
    assert names(find_runs(runs, catalog=catalog, rebuild=True)) == ["third", "second"]


def damage(folder, what):
    log = folder / "run.log"
    lines = log.read_bytes().splitlines(keepends=True)
    if what == "no log":
        log.unlink()
        (folder / "data.zarr").mkdir()
    elif what == "garbage":
        log.write_bytes(b"\x00\xff not a log\n" * 3)
    elif what == "empty":
        log.write_bytes(b"")
    elif what == "cut behind its first line":
        log.write_bytes(lines[0])
    elif what == "no time":
        log.write_bytes(lines[0])
        with RunLog.open(folder) as opened:
            opened.append({"kind": "run", "created": "yesterday", "time": 0.0})
    elif what == "a folder":
        log.unlink()
        (folder / "data.zarr").mkdir()
        log.mkdir()


@pytest.mark.parametrize("what", ["no log", "garbage", "empty", "cut behind its first line", "no time", "a folder"])
def test_a_broken_run_is_listed_with_the_reason(runs, catalog, what):
    damage(runs / "second", what)
    for _ in range(2):
        found = find_runs(runs, catalog=catalog)
        (broken,) = [e for e in found.entries if e.outcome == "broken"]
        assert broken.name == "second"
        assert broken.problem
        assert sorted(names(found)) == ["first", "second", "third"]


def test_a_run_of_a_newer_version_says_so(runs, catalog, monkeypatch):
    monkeypatch.setattr("luggin.store.runlog.FORMAT", 99)
    make_run(runs, "newer")
    monkeypatch.undo()
    (entry,) = find_runs(runs, Query(outcome="broken"), catalog=catalog).entries
    assert "newer Luggin" in entry.problem


def test_results_that_cannot_be_read_do_not_hide_the_run(runs, catalog):
    (runs / "first" / "results" / "cv.half-waves" / "1.json").write_text('{"quantities": [')
    entry = find_runs(runs, catalog=catalog).entries[-1]
    assert (entry.outcome, entry.results) == ("completed", ())
    assert "results cannot be read" in entry.problem


def test_folders_that_are_no_runs_are_named(runs, catalog):
    (runs / "photographs").mkdir()
    (runs / ".draft.4711.new").mkdir()
    (runs / ".git").mkdir()
    (runs / "note.txt").write_text("x")
    others = dict(find_runs(runs, catalog=catalog).others)
    assert set(others) == {"photographs", ".draft.4711.new"}
    assert others["photographs"] == "not a run"
    assert "can be deleted" in others[".draft.4711.new"]


def test_two_folders_do_not_mix(runs, tmp_path, catalog):
    other = tmp_path / "other"
    make_run(other, "first", sample="another")
    find_runs(runs, catalog=catalog)
    assert [e.sample for e in find_runs(other, catalog=catalog).entries] == ["another"]
    assert len(find_runs(runs, catalog=catalog).entries) == 3


def test_nothing_is_written_among_the_runs(runs, catalog):
    before = {p: p.stat().st_mtime_ns for p in runs.rglob("*")}
    find_runs(runs, catalog=catalog)
    find_runs(runs, catalog=catalog, rebuild=True)
    assert {p: p.stat().st_mtime_ns for p in runs.rglob("*")} == before


@pytest.mark.parametrize(
    "content", [b"this is no database, but it is long enough to look at", b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_damaged_catalog_is_built_anew(runs, catalog, content):
    catalog.parent.mkdir()
    catalog.write_bytes(content)
    found = find_runs(runs, catalog=catalog)
    assert len(found.entries) == 3
    assert "was damaged; it was built anew" in found.note
    assert (find_runs(runs, catalog=catalog).note, find_runs(runs, catalog=catalog).read) == ("", 0)


def test_a_catalog_with_damaged_pages_is_built_anew(runs, catalog):
    find_runs(runs, catalog=catalog)
    content = bytearray(catalog.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    catalog.write_bytes(content)
    found = find_runs(runs, catalog=catalog)
    assert names(found) == ["third", "second", "first"]
    assert found.note


@pytest.mark.parametrize(
    ("pragmas", "words"),
    [
        (
            f"PRAGMA application_id = {database._APPLICATION}; PRAGMA user_version = 99",
            "a newer Luggin wrote it, in format 99",
        ),
        ("PRAGMA user_version = 3", "another program"),
    ],
)
def test_a_catalog_that_is_not_ours_to_write_is_left_alone(runs, catalog, pragmas, words):
    catalog.parent.mkdir()
    with sqlite3.connect(catalog) as connection:
        connection.executescript(f"CREATE TABLE runs (x); {pragmas}")
    connection.close()
    before = catalog.read_bytes()
    found = find_runs(runs, catalog=catalog)
    assert len(found.entries) == 3
    assert words in found.note
    assert catalog.read_bytes() == before


def test_an_older_catalog_is_built_anew(runs, catalog):
    catalog.parent.mkdir()
    with sqlite3.connect(catalog) as connection:
        connection.executescript(f"CREATE TABLE runs (x); PRAGMA application_id = {database._APPLICATION}")
    connection.close()
    found = find_runs(runs, catalog=catalog)
    assert (len(found.entries), found.read, found.note) == (3, 3, "")


def test_without_a_place_for_it_every_run_is_read(runs, tmp_path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file" / "catalog.sqlite"):
        found = find_runs(runs, catalog=place)
        assert (len(found.entries), found.read) == (3, 3)
        assert "is not used" in found.note


def test_a_catalog_that_another_program_locks_is_not_waited_for_forever(runs, catalog, monkeypatch):
    find_runs(runs, catalog=catalog)
    make_run(runs, "fourth", created=BEGUN + timedelta(hours=3))
    monkeypatch.setattr(database, "_BUSY_S", 0.01)
    connection = sqlite3.connect(catalog, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    found = find_runs(runs, catalog=catalog)
    connection.close()
    assert names(found) == ["fourth", "third", "second", "first"]
    assert "locked" in found.note
    assert find_runs(runs, catalog=catalog).note == ""


def test_many_readers_at_once_see_the_same(runs, catalog):
    for number in range(20):
        make_run(runs, f"run-{number}", created=BEGUN + timedelta(days=1, hours=number))
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(find_runs(runs, catalog=catalog))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = find_runs(runs).entries
    assert [found.entries for found in seen] == [expected] * 6
    assert [found.note for found in seen] == [""] * 6


def test_a_folder_that_is_none_and_a_run_are_refused(runs, tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        find_runs(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="luggin show"):
        find_runs(runs / "first")


def test_a_run_is_found_by_the_beginning_of_its_name(runs, tmp_path, monkeypatch):
    make_run(runs, "firstborn")
    assert resolve_run(str(runs / "second"), runs) == runs / "second"
    assert resolve_run("sec", runs) == runs / "second"
    assert resolve_run("first", runs) == runs / "first"
    with pytest.raises(RunFolderError, match="'fir' may be first, firstborn: write more of it"):
        resolve_run("fir", runs)
    with pytest.raises(RunFolderError, match=r"Did you mean `third`\?"):
        resolve_run("thrid", runs)
    (tmp_path / "th").mkdir()
    monkeypatch.chdir(tmp_path)  # a folder of this name that is no run is not what was meant
    assert resolve_run("th", runs) == runs / "third"
    with pytest.raises(RunFolderError, match="there is no run ''"):
        resolve_run("", runs)
    with pytest.raises(RunFolderError, match="there is no run"):
        resolve_run("x", runs / "nowhere")


def test_a_summary_goes_on_without_what_cannot_be_read(runs):
    (runs / "first" / "results" / "cv.half-waves" / "1.json").write_text("[")
    summary = summary_of(open_run(runs / "first"))  # it has no store at all
    assert summary["outcome"] == "completed"
    assert [step["rows"] for step in summary["steps"]] == [3]
    assert ["rows cannot be read" in p or "results cannot be read" in p for p in summary["problems"]] == [True, True]
    json.dumps(summary)


def test_nothing_that_runs_knows_the_catalog():
    code = (
        "import sys, luggin.engine.protocols, luggin.engine.scripts, luggin.store, luggin.analysis\n"
        "sys.exit(any(name in sys.modules for name in ('luggin.catalog', 'sqlite3')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@settings(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data())
def test_whatever_a_log_holds_the_run_is_listed(tmp_path_factory, data):
    place = tmp_path_factory.mktemp("runs")
    log = make_run(place, "damaged") / "run.log"
    make_run(place, "whole")
    whole = log.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 80)))
    log.write_bytes(whole[:start] + data.draw(st.binary(max_size=40)) + whole[stop:])
    found = find_runs(place)
    assert sorted(names(found)) == ["damaged", "whole"]
    assert {e.name: e.outcome for e in found.entries}["whole"] == "completed"
