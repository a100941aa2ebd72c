"""What ``luggin show`` tells beside the rows: looks at the cell, suspensions, guardians, observers and plugins."""

from __future__ import annotations

import json

import pytest

from luggin.guardian.record import Record
from luggin.records import ATTEMPT, FLAGS, STEP, TIME, Column, Frame, Schema
from luggin.store import RunLog, StoreWriter

CREATED = "2031-03-14T08:30:00+00:00"
STEP_1 = {"path": "1", "step": 1, "do": "preflight"}
STEP_2 = {"path": "2", "step": 2, "do": "ca"}
OPEN_LEAD = {
    "name": "conductance",
    "verdict": "failed",
    "value": 1.5e-9,
    "unit": "S",
    "limit": "more than 3 u",
    "words": "nothing answers: is the counter electrode connected?",
}
NEAR_ZERO = {"name": "drift", "verdict": "passed", "value": 1e-6, "unit": "V/s", "limit": "at most 1 mV/s", "words": ""}
HOT = "monitor bath: temperature was 45.2 degC, allowed are 10 degC to 40 degC"
RECORDS = [
    {
        "kind": "run",
        "time": 0.0,
        "title": "pellet",
        "created": CREATED,
        "monitors": [{"on": "bath", "read": ["temperature"], "every": 1.0, "stream": "bath"}],
    },
    {"kind": "session", "time": 0.0, "utc": CREATED, "instruments": {}},
    {"kind": "plugins", "time": 0.0, "faults": [{"plugin": "elab", "what": "KeyError: 'project'"}]},
    {"kind": "start", "time": 1.0, "attempt": 1, **STEP_1},
    {
        "kind": "preflight",
        "time": 9.0,
        "path": "1",
        "step": 1,
        "attempt": 1,
        "verdict": "failed",
        "checks": [NEAR_ZERO, OPEN_LEAD],
        "measured": {"drift": 1e-6},
    },
    {"kind": "end", "time": 10.0, "attempt": 1, **STEP_1, "values": {"went_on": "the protocol says so"}},
    {"kind": "start", "time": 10.0, "attempt": 1, **STEP_2},
    {"kind": "broken", "time": 40.0, "attempt": 1, **STEP_2, "error": {"type": "Suspended", "message": HOT}},
    {"kind": "start", "time": 100.0, "attempt": 2, **STEP_2},
    {"kind": "broken", "time": 110.0, "attempt": 2, **STEP_2, "error": {"type": "LineLost", "message": "unplugged"}},
    {"kind": "start", "time": 120.0, "attempt": 3, **STEP_2},
    {"kind": "end", "time": 150.0, "attempt": 3, **STEP_2, "status": "done"},
    {"kind": "finish", "time": 150.0, "outcome": "completed"},
    {"kind": "observers", "time": 150.0, "faults": [{"plugin": "bench", "observer": "", "what": "still delivering"}]},
]


class StillClock:
    def now(self):
        return 0.0


def rows(stream, *attempts):
    """Rows of attempts at step 2."""
    schema = Schema(stream, (TIME, Column("value", "1", "f8", "a value"), FLAGS, STEP, ATTEMPT))
    return Frame(schema, 0.0, [(float(n), 0.0, 0, 2, attempt) for n, attempt in enumerate(attempts)])


@pytest.fixture
def eventful(folder):
    """A folder with a run in which much happened: runs/pellet."""
    run = folder.path / "runs" / "pellet"
    writer = StoreWriter.create(run, {}, host_clock=StillClock())
    writer.append(rows("ca", 1, 1, 2, 3, 3, 3))
    writer.append(rows("bath", *[1] * 20, *[2] * 5, *[3] * 30))
    writer.close()
    with RunLog.create(run) as log:
        for record in RECORDS:
            log.append(record)
    states = [
        {"plugin": "bench", "observer": "lamp", "state": "failed", "what": "OSError: no lamp"},
        {"plugin": "bench", "observer": "bell", "state": "ended", "what": ""},
    ]
    (run / "observers.json").write_text(json.dumps({"format": 1, "pid": 1, "observers": states}))
    record = Record(run)
    record.note("acts", why="the runner died", armed=["cell"], lines=["cell"])
    record.note("made safe", role="cell", words="read back: '0'")
    record.close(patience=50.0)
    return folder


def test_rows_of_monitors_are_not_those_of_a_step(eventful):
    data = eventful.luggin("show", "pellet", "--json").json
    assert [(s["path"], s["attempt"], s["rows"]) for s in data["steps"]] == [
        ("1", 1, 0),
        ("2", 1, 2),
        ("2", 2, 1),
        ("2", 3, 3),
    ]
    assert data["streams"] == {"bath": 55, "ca": 6}
    assert data["problems"] == []


def test_a_suspension_is_called_one_and_a_broken_line_another(eventful):
    steps = eventful.luggin("show", "pellet", "--json").json["steps"]
    assert [(s["status"], s["error"]) for s in steps[1:]] == [("suspended", HOT), ("broken", "unplugged"), ("done", "")]


def test_a_look_at_the_cell_is_told_with_what_it_did_not_like(eventful):
    said = eventful.luggin("show", "pellet").out.splitlines()
    verdict = said.index("pre-flight, step 1: failed; the run went on: the protocol says so")
    assert said[verdict + 1] == (
        "pre-flight: conductance: failed 1.5 nS (more than 3 u): nothing answers: is the counter electrode connected?"
    )
    assert not any("drift" in line for line in said)
    (look,) = eventful.luggin("show", "pellet", "--json").json["preflights"]
    assert [(check["name"], check["verdict"]) for check in look["checks"]] == [
        ("drift", "passed"),
        ("conductance", "failed"),
    ]
    assert look["checks"][0]["said"].startswith("drift: passed")


def test_what_a_guardian_did_is_told(eventful):
    (intervention,) = eventful.luggin("show", "pellet", "--json").json["interventions"]
    assert intervention["safe"] == {"cell": "was made safe (read back: '0')"}
    assert f"guardian: {intervention['words']}" in eventful.luggin("show", "pellet").out.splitlines()


def test_faults_of_observers_and_plugins_are_told_as_they_turned_out(eventful):
    said = eventful.luggin("show", "pellet").out
    assert "observer lamp of bench: OSError: no lamp\n" in said
    assert "plugin elab: KeyError: 'project'\n" in said
    assert "still delivering" not in said
    assert "bell" not in said


def test_a_run_without_any_of_it_says_nothing_of_it(eventful):
    run = eventful.path / "runs" / "pellet"
    for name in ("observers.json", "guardian.log", "run.log"):
        (run / name).unlink()
    with RunLog.create(run) as log:
        for record in RECORDS:
            if record["kind"] not in ("preflight", "observers", "plugins"):
                log.append(record)
    data = eventful.luggin("show", "pellet", "--json").json
    names = ("preflights", "interventions", "observer_faults", "plugin_faults")
    assert [data[name] for name in names] == [[], [], [], []]
    said = eventful.luggin("show", "pellet").out
    assert not any(line.startswith(("pre-flight", "guardian", "observer", "plugin")) for line in said.splitlines())
