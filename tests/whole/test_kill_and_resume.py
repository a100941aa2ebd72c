"""kill -9 at any moment: nothing that was acknowledged is lost, nothing is invented, and the run goes on."""

import json
import random

import pytest
from killing import SAMPLE, check_against, kill_run, luggin, shown_by_xarray, stored_rows

from luggin.analysis import open_run
from luggin.store import recover

PROTOCOL = f"""
title = "to be killed"
steps = [
  {{do = "ocp", id = "rest", duration = "2 s", dt = "0.1 s"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 4}},
]
{SAMPLE}
"""
OCP_ROWS, CV_ROWS = 20, 1281
STEPS = [("1", "ocp"), ("2", "cv")]

moments = random.Random(20)
KILLS = [
    pytest.param(rows, number % 2 == 0, number % 3 == 0, id=f"after {rows} rows")
    for number, rows in enumerate(sorted(moments.randrange(OCP_ROWS + CV_ROWS) for _ in range(30)))
]


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "protocol.toml"
    path.write_text(PROTOCOL, encoding="utf-8")
    return path


def begin(oracle, protocol, *options):
    """Start a run; its folder, the process, and how many scripts the instrument had run before."""
    from killing import Command

    folder = protocol.parent / "run"
    before = len(oracle.sent.advance().executions)
    command = Command(
        "run", protocol, "--bench", oracle.bench, "--folder", folder, "--no-report", *options, cwd=protocol.parent
    )
    return folder, command, before


def ends(archive):
    """Path, technique, attempt and status of every attempt, in the order of time."""
    return [(s.path, s.do, s.attempt, s.status) for s in archive.steps]


@pytest.mark.parametrize(("rows", "caught_up", "recovered_first"), KILLS)
def test_a_killed_run_keeps_every_row_and_is_completed(oracle, protocol, rows, caught_up, recovered_first):
    folder, command, before = begin(oracle, protocol)
    left = kill_run(oracle, command, folder, before, rows, caught_up=caught_up)
    assert left.stored >= left.seen
    if caught_up:
        # Nothing waits in the runner for more to come. (How fast it is, benchmarks/kill_run.py measures.)
        assert left.stored >= left.sent
    check_against(oracle, folder, before)
    assert sum(shown_by_xarray(folder).values()) <= left.stored
    killed = stored_rows(folder)

    if recovered_first:
        recover(folder)
        assert stored_rows(folder) == killed
        assert sum(shown_by_xarray(folder).values()) == left.stored
        assert str(recover(folder)) == "nothing to do"
    code, _, errors = luggin("resume", folder, "--no-report", cwd=protocol.parent)
    assert code == 0, errors

    archive = open_run(folder)
    assert archive.outcome == "completed"
    done = ends(archive)
    assert [step[:2] for step in done if step[3] == "done"] == STEPS
    assert [step[3] for step in done if step[3] != "done"] in ([], ["cut off"])
    for path, _ in STEPS:
        assert [step[2] for step in done if step[0] == path] == list(range(1, 1 + sum(s[0] == path for s in done)))
    resumed = stored_rows(folder)
    assert {key: resumed[key] for key in killed} == killed
    matched = check_against(oracle, folder, before)
    _, last_rows, last_sent = matched[-1]
    assert len(last_rows) == len(last_sent.rows) == CV_ROWS
    assert sum(shown_by_xarray(folder).values()) == sum(map(len, resumed.values()))
    assert not oracle.cell_is_on()


FOUR_STEPS = f"""
title = "with a state to bring back"
steps = [
  {{do = "ocp", duration = "1 s", dt = "0.1 s"}},
  {{do = "ca", potential = "0.2 V vs ref", duration = "2 s", dt = "0.1 s", establishes = ["conditioning"]}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "100 mV/s", step = "5 mV"}},
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.6 V", "0 V"], rate = "400 mV/s", step = "5 mV"}},
]
{SAMPLE}
"""


ONE_STEP = FOUR_STEPS[: FOUR_STEPS.index('  {do = "ca"')] + "]" + SAMPLE


def test_what_completed_is_not_repeated_but_what_the_stop_undid_is_established_again(oracle, protocol):
    protocol.write_text(FOUR_STEPS, encoding="utf-8")
    folder, command, before = begin(oracle, protocol)
    kill_run(oracle, command, folder, before, 10 + 20 + 100)
    code, _, errors = luggin("resume", folder, "--no-report", cwd=protocol.parent)
    assert code == 0, errors
    assert "conditioning@cell: step 2 is done again" in errors
    assert ends(open_run(folder)) == [
        ("1", "ocp", 1, "done"),
        ("2", "ca", 1, "done"),
        ("3", "cv", 1, "cut off"),
        ("2", "ca", 2, "done"),
        ("3", "cv", 2, "done"),
        ("4", "cv", 1, "done"),
    ]
    assert [s.path for s in open_run(folder).steps if s.re_established] == ["2"]
    matched = check_against(oracle, folder, before)
    assert [key for key, _, _ in matched] == [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (4, 1)]
    first = matched[0][2].client
    clients = [sent.client - first for _, _, sent in matched]
    # The resume is another client; it asks for the identity again if the script that still ran refused the first time.
    assert clients[:3] == [0, 0, 0]
    assert len(set(clients[3:])) == 1
    assert clients[3] in (1, 2)
    assert [len(rows) for _, rows, _ in matched[3:]] == [20, 321, 241]


def test_a_changed_protocol_may_differ_only_behind_what_completed(oracle, protocol):
    protocol.write_text(FOUR_STEPS, encoding="utf-8")
    folder, command, before = begin(oracle, protocol)
    kill_run(oracle, command, folder, before, 10 + 20 + 100)
    left = (folder / "run.log").read_bytes()

    changed = protocol.with_name("changed.toml")
    for wrong, words in (
        (FOUR_STEPS.replace('duration = "2 s"', 'duration = "3 s"'), "step 2 of this run was 'ca' and is completed"),
        (FOUR_STEPS.replace('do = "ocp"', 'do = "rest"'), "step 1 of this run was 'ocp' and is completed"),
        (ONE_STEP, "step 2 of this run was 'ca' and is completed, but the protocol has no such step"),
    ):
        changed.write_text(wrong, encoding="utf-8")
        code, out, errors = luggin("resume", folder, "--protocol", changed, "--no-report", cwd=protocol.parent)
        assert (code, out) == (2, "")
        assert words in errors
        assert "start a new run" in errors
        assert (folder / "run.log").read_bytes() == left, "refused before anything was touched"

    changed.write_text(FOUR_STEPS.replace('["-0.6 V"', '["-0.7 V"'), encoding="utf-8")
    code, _, errors = luggin("resume", folder, "--protocol", changed, "--no-report", cwd=protocol.parent)
    assert code == 0, errors
    archive = open_run(folder)
    assert archive.outcome == "completed"
    assert archive.steps[-1].request["vertices"] == ["-0.7 V", "0 V"]
    assert [r["protocol"]["text"] for r in archive.records if r["kind"] == "protocol"] == [changed.read_text()]


SCRIPT = """
import json, sys
from pathlib import Path

import luggin
from luggin import CV, OCP

SAMPLE = {
    "id": "scripted",
    "wiring": "three-electrode",
    "working": {"material": "glassy carbon", "diameter": "3.0(1) mm"},
    "counter": {"material": "Pt wire"},
    "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
}

with luggin.start(sample=SAMPLE, title="scripted") as run:
    seen = {"arguments": sys.argv[1:], "began": run.now().isoformat(), "chance": run.random()}
    rest = run.do(OCP(duration="1 s", dt="0.1 s"))
    first = run.do(CV(begin="0 V vs ref", vertices=("-0.8 V", "0 V"), rate="400 mV/s", step="5 mV"))
    answer = run.analyse("cv.half-waves", first)
    seen |= {"ocp": rest.values["ocp"], "rows": first.rows, "waves": [q.to_json() for q in answer.quantities]}
    with Path("seen.jsonl").open("a") as file:
        file.write(json.dumps(seen) + "\\n")
    run.do(CV(begin="0 V vs ref", vertices=("-0.6 V", "0 V"), rate="400 mV/s", step="5 mV", cycles=4))
"""


def test_a_script_is_replayed_with_the_values_of_its_first_life(oracle, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    folder, command, before = begin(oracle, script, "--", "one", "two")
    kill_run(oracle, command, folder, before, 10 + 321 + 100)
    script.unlink()
    code, _, errors = luggin("resume", folder, "--no-report", cwd=tmp_path)
    assert code == 0, errors
    first, replayed = map(json.loads, (tmp_path / "seen.jsonl").read_text().splitlines())
    assert first == replayed
    assert first["arguments"] == ["one", "two"]
    assert first["rows"] == 321
    assert 0 <= first["chance"] < 1
    assert [q["value"] for q in first["waves"] if q["name"] == "half_wave_potential"] == [
        pytest.approx(-0.476, abs=5e-3)
    ]
    done = [s for s in open_run(folder).steps if s.do in ("ocp", "cv")]
    assert [(s.do, s.attempt, s.status) for s in done] == [
        ("ocp", 1, "done"),
        ("cv", 1, "done"),
        ("cv", 1, "cut off"),
        ("cv", 2, "done"),
    ]
    assert len(check_against(oracle, folder, before)) == 4


def test_a_changed_script_may_differ_only_behind_what_completed(oracle, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    folder, command, before = begin(oracle, script)
    kill_run(oracle, command, folder, before, 10 + 321 + 100)

    script.write_text(SCRIPT.replace('duration="1 s"', 'duration="2 s"'), encoding="utf-8")
    code, _, errors = luggin("resume", folder, "--protocol", script, "--no-report", cwd=tmp_path)
    assert code == 2
    assert "step 3 of this run was 'ocp' and is completed" in errors
    assert "Traceback" not in errors

    script.write_text(SCRIPT.replace('("-0.6 V"', '("-0.7 V"'), encoding="utf-8")
    code, _, errors = luggin("resume", folder, "--protocol", script, "--no-report", cwd=tmp_path)
    assert code == 0, errors
    archive = open_run(folder)
    assert archive.outcome == "completed"
    assert archive.steps[-1].request["vertices"] == ["-0.7 V", "0 V"]
    assert archive.store.array("cv")["potential"].min() == -0.8
