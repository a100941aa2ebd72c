"""What went wrong with observers, pieced together from the footers of a run and from what became of them since."""

from __future__ import annotations

import json

import pytest

from luggin.observing.states import faults_of

NO_LAMP = {"plugin": "bench", "observer": "lamp", "what": "OSError: no lamp"}
NO_BELL = {"plugin": "bench", "observer": "bell", "what": "KeyError: 3"}
BUSY = {"plugin": "bench", "observer": "", "what": "still delivering"}


def state(observer, state="ended", what=""):
    return {"plugin": "bench", "observer": observer, "state": state, "what": what}


LAMP_FAILED = state("lamp", "failed", "OSError: no lamp")


@pytest.mark.parametrize(
    ("footers", "states", "found"),
    [
        ([], None, []),
        ([], [state("lamp")], []),
        ([], [state("lamp", "running")], []),
        ([], [LAMP_FAILED, state("bell")], [NO_LAMP]),
        ([[NO_LAMP]], None, [NO_LAMP]),
        ([[NO_LAMP]], [LAMP_FAILED], [NO_LAMP]),
        ([[NO_BELL], [NO_LAMP]], [LAMP_FAILED], [NO_BELL, NO_LAMP]),
        ([[BUSY]], None, [BUSY]),
        ([[BUSY]], [state("lamp"), state("bell")], []),
        ([[BUSY]], [LAMP_FAILED, state("bell", "running")], [NO_LAMP, {**BUSY, "observer": "bell"}]),
        ([[NO_LAMP, {**BUSY, "observer": "bell"}]], [LAMP_FAILED, state("bell")], [NO_LAMP]),
    ],
)
def test_what_became_of_them_takes_the_place_of_still_delivering(tmp_path, footers, states, found):
    if states is not None:
        (tmp_path / "observers.json").write_text(json.dumps({"format": 1, "pid": 1, "observers": states}))
    records = [{"kind": "finish"}, *({"kind": "observers", "faults": faults} for faults in footers)]
    assert faults_of(tmp_path, records) == found


def test_a_file_that_cannot_be_read_leaves_what_the_run_says(tmp_path):
    (tmp_path / "observers.json").write_text("{")
    assert faults_of(tmp_path, [{"kind": "observers", "faults": [BUSY]}]) == [BUSY]
