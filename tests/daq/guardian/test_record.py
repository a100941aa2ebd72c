"""``guardian.log``: written behind what is done, and read by those who come later."""

import json
import os

import pytest

from luggin.guardian.record import NAME, Record, read_interventions


def written(folder, *notes):
    record = Record(folder)
    for what, fields in notes:
        record.note(what, **fields)
    record.close(patience=50.0)
    return record


ACTS = ("acts", {"why": "the runner died", "armed": ["cell"], "lines": ["cell", "bath"]})
KILLED = ("runner", {"runner": 5, "killed": True, "gone": True})


def safe(role, words="read back: '0'"):
    return "made safe", {"role": role, "words": words}


def test_without_a_file_nobody_acted(tmp_path):
    assert read_interventions(tmp_path) == []
    written(tmp_path)
    assert os.listdir(tmp_path) == []


def test_what_was_done_can_be_read_again(tmp_path):
    written(tmp_path, ACTS, KILLED, safe("cell"), ("not yet safe", {"role": "bath", "words": "no port"}), safe("bath"))
    (found,) = read_interventions(tmp_path)
    assert (found.why, found.killed, found.finished) == ("the runner died", True, False)
    assert found.safe == {"cell": "was made safe (read back: '0')", "bath": "was made safe (read back: '0')"}
    assert found.open_ends == {}
    assert found.words == (
        f"the runner died; the guardian acted at {found.utc}: cell was made safe (read back: '0'); "
        "bath was made safe (read back: '0')"
    )


def test_what_is_not_known_to_be_safe_is_loud(tmp_path):
    written(tmp_path, ACTS, safe("cell"), ("not yet safe", {"role": "bath", "words": "no port"}), ("ends", {}))
    (found,) = read_interventions(tmp_path)
    assert found.open_ends == {"bath": "no port"}
    assert found.finished
    assert found.words.endswith("bath COULD NOT BE MADE SAFE: no port")


def test_a_guardian_that_was_killed_leaves_open_ends(tmp_path):
    written(tmp_path, ACTS)
    (found,) = read_interventions(tmp_path)
    assert found.open_ends.keys() == {"cell", "bath"}
    assert not found.finished


def test_two_interventions_are_told_apart_also_with_one_process_number(tmp_path):
    written(tmp_path, ACTS, safe("cell"), safe("bath"))
    written(tmp_path, ("acts", {"why": "the runner hangs", "lines": ["cell"]}), ("handed over", {"role": "cell"}))
    first, second = read_interventions(tmp_path)
    assert (first.why, second.why) == ("the runner died", "the runner hangs")
    assert second.safe.keys() == {"cell"}


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_line_is_left_out(tmp_path, cut):
    written(tmp_path, ACTS, safe("cell"))
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-cut])
    (found,) = read_interventions(tmp_path)
    assert found.open_ends.keys() == ({"cell", "bath"} if cut > 1 else {"bath"})


def test_foreign_lines_are_left_out(tmp_path):
    (tmp_path / NAME).write_bytes(b'\xff\xfe\n17\n{"what": "acts"}\n{"utc": "", "guardian": 1, "what": "made safe"}\n')
    assert read_interventions(tmp_path) == []


def test_every_record_has_its_time_and_its_writer(tmp_path):
    written(tmp_path, ACTS, KILLED)
    records = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert [r["what"] for r in records] == ["acts", "runner"]
    assert {r["guardian"] for r in records} == {os.getpid()}
    assert all(r["utc"].endswith("+00:00") for r in records)


def test_a_disk_that_takes_nothing_delays_nobody(tmp_path):
    record = written(tmp_path / "gone", ACTS, KILLED)
    assert isinstance(record.failure, FileNotFoundError)
