"""The report tells looks at the cell, and what went wrong with plugins and observers beside the run."""

from __future__ import annotations

import json

import pytest

from luggin.analysis import open_run

HOSTILE = "<script>alert(1)</script>"
PREFLIGHT = (
    '{do = "preflight", duration = "4 s", on_fail = "note", '
    'expect = {ocp = ["-1.6 V", "-1.5 V"], drift_below = "1 V/s", noise_below = "1 V"}}'
)


@pytest.fixture(scope="module")
def looked(laboratory, texts):
    """A run that looked at its cell, did not find what it expected, and went on."""
    return laboratory.run(f"{PREFLIGHT}, {texts.ocp}")


def with_records(finished, *records):
    archive = open_run(finished.folder)
    archive.records = [*archive.records, *records]
    return archive


def test_a_look_at_the_cell_is_told_check_by_check(looked, page_of):
    assert looked.error is None
    said = page_of(looked.folder).section("preflight")
    archive = open_run(looked.folder)
    (verdict,) = [record for record in archive.records if record["kind"] == "preflight"]
    assert verdict["verdict"] == "failed"
    assert "failed. The run went on: the protocol says so." in said
    for check in verdict["checks"]:
        assert check["name"] in said
        assert check["words"] in said
    assert "-1.6 V" in said


def test_without_a_look_there_is_no_such_section(completed, page_of):
    page = page_of(completed.folder)
    assert 'id="preflight"' not in page.html
    assert "Nothing failed" in page.text


def test_what_failed_beside_the_run_is_named(completed, page_of):
    lamp = {"plugin": "bench", "observer": "lamp", "what": f"OSError: {HOSTILE}"}
    elab = {"plugin": "elab", "what": "KeyError: 'project'"}
    page = page_of(
        with_records(completed, {"kind": "observers", "faults": [lamp]}, {"kind": "plugins", "faults": [elab]})
    )
    assert "What failed" in page.text
    assert f"observer lamp of bench: OSError: {HOSTILE}" in page.text
    assert "plugin elab: KeyError: 'project'" in page.text
    assert HOSTILE not in page.html


def test_one_that_was_busy_has_not_failed(completed, copy_of, page_of):
    busy = {"plugin": "bench", "observer": "", "what": "still delivering"}
    archive = with_records(completed, {"kind": "observers", "faults": [busy]})
    page = page_of(archive)
    assert "observers of bench: still busy when this was written" in page.section("provenance")
    assert "Nothing failed" in page.text
    archive.folder = copy_of(completed.folder)
    states = [{"plugin": "bench", "observer": "lamp", "state": "failed", "what": "OSError: no lamp"}]
    (archive.folder / "observers.json").write_text(json.dumps({"format": 1, "pid": 1, "observers": states}))
    page = page_of(archive)
    assert "still busy" not in page.text
    assert "observer lamp of bench: OSError: no lamp" in page.text
