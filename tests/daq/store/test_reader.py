"""Reading a run that is finished, interrupted or being written."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from luggin.errors import RunFolderError, StoreCorrupt
from luggin.records import Schema
from luggin.store import open_store


def test_slices_cross_from_the_store_into_the_journal(start, lab, tmp_path):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 150))
    writer.publish(wait=True)
    writer.append(lab.block(lab.CV, 150, 300))
    run = open_store(tmp_path / "run")
    assert (run.committed("cv"), run.rows("cv")) == (150, 300)
    whole = lab.table(lab.CV, 0, 300)
    for begin, end in [
        (0, 300),
        (0, 1),
        (63, 65),
        (149, 151),
        (150, 151),
        (299, 300),
        (10, 10),
        (200, 1000),
        (400, 500),
    ]:
        np.testing.assert_array_equal(run.array("cv", begin, end), whole[begin:end])
        np.testing.assert_array_equal(run.column("cv", "cycle", begin, end), whole["cycle"][begin:end])
    assert run.column("cv", "cycle").dtype == np.dtype("i4")
    assert run.schema("cv") == lab.CV
    with pytest.raises(ValueError, match="counted from 0"):
        run.array("cv", -1)
    with pytest.raises(KeyError, match="no column 'colour'; it has time, potential"):
        run.column("cv", "colour")
    with pytest.raises(KeyError, match="no stream 'eis'; it has cv"):
        run.array("eis")


def test_a_view_stays_as_it_was_until_it_is_refreshed(start, lab, tmp_path):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 100))
    run = open_store(tmp_path / "run")
    writer.append(lab.block(lab.CV, 100, 1000))
    writer.append(lab.block(lab.OVEN, 0, 5))
    writer.close()
    assert run.rows("cv") == 100
    np.testing.assert_array_equal(run.array("cv"), lab.table(lab.CV, 0, 100))
    assert run.refresh() is run
    assert run.streams == ("cv", "temperature")
    np.testing.assert_array_equal(run.array("cv"), lab.table(lab.CV, 0, 1000))


def test_refreshing_follows_a_run_through_publications_dropped_segments_and_a_resumption(start, lab, tmp_path):
    writer = start()
    run = open_store(tmp_path / "run")
    writer._journal._segment_bytes = 3000
    for k in range(0, 2000, 50):
        writer.append(lab.block(lab.CV, k, k + 50))
        if k % 300 == 0:
            writer.publish(wait=True)
        if k == 1000:
            writer.abandon()
            writer = start(resume=True)
        if k % 150 == 0:
            np.testing.assert_array_equal(run.refresh().array("cv"), lab.table(lab.CV, 0, k + 50))


def test_a_journal_tail_that_is_being_written_is_left_alone(start, lab, tmp_path):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 10))
    (segment,) = (tmp_path / "run/journal").glob("*.log")
    whole = segment.read_bytes()
    with segment.open("ab") as file:
        file.write(whole[-200:-100])
    run = open_store(tmp_path / "run")
    assert run.rows("cv") == 10
    writer.append(lab.block(lab.CV, 10, 30))
    np.testing.assert_array_equal(run.refresh().array("cv"), lab.table(lab.CV, 0, 30))


def test_readers_beside_a_writer_always_see_a_whole_prefix(start, lab, tmp_path):
    """50 opens by xarray and as many by us while another thread appends and publishes all the time."""
    writer = start(behind=True, publish_interval=1e-3, sync_interval=1e-3)
    stop = threading.Event()
    trouble = []

    def write() -> None:
        rows = 0
        try:
            while not stop.is_set() and rows < 200_000:
                writer.append(lab.block(lab.CV, rows, rows + 7))
                writer.append(lab.block(lab.OVEN, rows, rows + 7))
                rows += 7
                if rows % 70 == 0:
                    writer.publish(wait=True)
        except BaseException as error:  # noqa: BLE001 -- shown by the test's own thread
            trouble.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen = 0
        run = open_store(tmp_path / "run")
        opens = 0
        while opens < 50 or not (seen or trouble):  # however slow the writer is, one publication must be seen
            opens += 1
            found = lab.check_xarray(tmp_path / "run")
            assert found.get("cv", 0) >= seen
            seen = found.get("cv", 0)
            assert lab.check(tmp_path / "run", found)
            assert run.refresh().rows("cv") >= seen
    finally:
        stop.set()
        thread.join()
    assert not trouble
    assert seen > 0


def _damage(folder, change) -> None:
    root = folder / "data.zarr/zarr.json"
    document = json.loads(root.read_text())
    change(document)
    root.write_text(json.dumps(document))


def test_a_newer_format_is_refused_in_words(start, lab, tmp_path, clock):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 10))
    writer.abandon()
    _damage(tmp_path / "run", lambda root: root["attributes"].update(format=2))
    with pytest.raises(RunFolderError, match=r"newer Luggin \(format 2; this one reads up to 1\)"):
        open_store(tmp_path / "run")
    with pytest.raises(RunFolderError, match="newer Luggin"):
        start(resume=True)
    _damage(tmp_path / "run", lambda root: root["attributes"].pop("format"))
    with pytest.raises(RunFolderError, match="not written by Luggin"):
        open_store(tmp_path / "run")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: root.pop("consolidated_metadata"),
        lambda root: root["attributes"]["committed"].update(cv="many"),
        lambda root: root["attributes"]["committed"].update(cv=11),
        lambda root: root["attributes"]["committed"].update(ghost=3),
        lambda root: root["attributes"].pop("digest"),
        lambda root: root["consolidated_metadata"]["metadata"]["cv/time"]["codecs"].pop(),
        lambda root: root["consolidated_metadata"]["metadata"]["cv/time"].update(data_type="complex128"),
        lambda root: root["consolidated_metadata"]["metadata"].pop("cv/flags"),
    ],
)
def test_a_root_that_contradicts_itself_is_corrupt(start, lab, tmp_path, change):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 10))
    writer.close()
    _damage(tmp_path / "run", change)
    with pytest.raises(StoreCorrupt, match=r"zarr\.json"):
        open_store(tmp_path / "run")


def test_a_root_that_is_no_json_is_corrupt(start, tmp_path):
    start()
    (tmp_path / "run/data.zarr/zarr.json").write_bytes(b'{"zarr_format": 3, "attr')
    with pytest.raises(StoreCorrupt, match=r"zarr\.json: byte 0: this file cannot be read as JSON"):
        open_store(tmp_path / "run")


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "large", "garbled"])
def test_a_damaged_chunk_is_named_and_nothing_is_allocated_for_it(start, lab, tmp_path, damage):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 100))
    writer.close()
    chunk = tmp_path / "run/data.zarr/cv/current/c/1"
    data = bytearray(chunk.read_bytes())
    if damage == "missing":
        chunk.unlink()
    elif damage == "empty":
        chunk.write_bytes(b"")
    elif damage == "cut":
        chunk.write_bytes(data[:-5])
    elif damage == "large":
        data[4:8] = (2**31 - 1).to_bytes(4, "little")
        chunk.write_bytes(data)
    else:
        data[16:] = bytes(0xFF for _ in data[16:])
        chunk.write_bytes(data)
    run = open_store(tmp_path / "run")
    np.testing.assert_array_equal(run.array("cv", 0, 64), lab.table(lab.CV, 0, 64))
    with pytest.raises(StoreCorrupt, match=r"cv/current/c/1: byte 0: .*backup"):
        run.column("cv", "current")


def test_a_changed_value_is_found_when_the_run_is_closed(start, lab, tmp_path):
    """The store is compared with what was acknowledged before the journal goes."""
    writer = start()
    writer.append(lab.block(lab.CV, 0, 128))
    writer.publish(wait=True)
    column = tmp_path / "run/data.zarr/cv/current/c"
    (column / "0").write_bytes((column / "1").read_bytes())
    with pytest.raises(StoreCorrupt, match="128 published rows of stream 'cv' are not those that were acknowledged"):
        writer.close()
    assert list((tmp_path / "run/journal").glob("*.log"))


def test_reading_needs_neither_zarr_nor_the_writer(start, lab, tmp_path):
    import subprocess
    import sys

    writer = start()
    writer.append(lab.block(lab.CV, 0, 100))
    writer.close()
    code = (
        "import sys; from pathlib import Path; from luggin.store import open_store; "
        "assert not {'numpy', 'numcodecs', 'zarr'} & set(sys.modules); "
        "run = open_store(Path(sys.argv[1])); assert 'numcodecs' not in sys.modules; "
        "print(len(run.array('cv')), 'zarr' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["100", "False"]


def test_schema_of_a_stream_survives_the_store(start, lab, tmp_path):
    writer = start()
    writer.append(lab.block(lab.OVEN, 0, 3))
    writer.close()
    found = open_store(tmp_path / "run").schema("temperature")
    assert found == lab.OVEN
    assert Schema.from_json(found.to_json()) == lab.OVEN
