"""Appending, acknowledging and publishing: what comes back is what went in."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from luggin.errors import RunFolderError, StoreError, StoreLocked
from luggin.records import POTENTIAL, TIME, Column, Frame, Schema
from luggin.store import StoreWriter, open_store, recover


def test_one_row_frames_come_back_from_the_journal_alone(start, lab, tmp_path):
    writer = start()
    for k, frame in enumerate(lab.singles(lab.CV, 0, 50)):
        assert writer.append(frame) == k
    assert writer.rows("cv") == 50
    run = open_store(tmp_path / "run")
    assert run.committed("cv") == 0
    np.testing.assert_array_equal(run.array("cv"), lab.table(lab.CV, 0, 50))


def test_blocks_and_rows_of_several_streams_come_back_from_the_store(start, lab, tmp_path):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 150))
    for frame in lab.singles(lab.OVEN, 0, 70):
        writer.append(frame)
    for frame in lab.singles(lab.CV, 150, 160):
        writer.append(frame)
    writer.append(lab.block(lab.CV, 160, 1000))
    writer.close()
    assert lab.check_xarray(tmp_path / "run") == {"cv": 1000, "temperature": 70}
    assert lab.check(tmp_path / "run", {"cv": 1000, "temperature": 70}) == {"cv": 1000, "temperature": 70}


def test_a_block_longer_than_a_journal_record_stays_whole(start, lab, tmp_path):
    writer = start(chunk_rows=16384)
    rows = 5 * (1 << 20) // lab.CV.row_struct.size
    assert writer.append(lab.block(lab.CV, 0, rows)) == 0
    assert writer.append(lab.block(lab.CV, rows, rows + 3)) == rows
    lab.check(tmp_path / "run", {"cv": rows + 3})
    writer.close()
    assert lab.check_xarray(tmp_path / "run") == {"cv": rows + 3}


def test_an_empty_run_opens_in_xarray_without_a_warning(start, tmp_path):
    import xarray as xr

    start(attributes={"title": "first light", "sample": {"area": "0.07 cm^2"}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xr.open_datatree(tmp_path / "run" / "data.zarr", engine="zarr")
        assert xr.open_zarr(tmp_path / "run" / "data.zarr").sizes == {}
    assert list(tree.children) == []
    assert tree.attrs["title"] == "first light"
    assert tree.attrs["sample"] == {"area": "0.07 cm^2"}
    assert tree.attrs["format"] == 1


def test_units_names_and_flags_reach_xarray_and_zarr(start, lab, tmp_path):
    import xarray as xr
    import zarr

    writer = start()
    writer.append(lab.block(lab.CV, 0, 10))
    writer.close()
    data = tmp_path / "run" / "data.zarr"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cv = xr.open_zarr(data, group="cv")
        array = zarr.open_group(data, mode="r")["cv/current"]
        alone = zarr.open_group(data, mode="r", use_consolidated=False)["cv/current"]
    assert cv.current.attrs["units"] == "A"
    assert cv.time.attrs == {
        "units": "s",
        "long_name": "time since the start of the run",
        "bdf_name": "test_time_second",
    }
    assert cv.flags.attrs["flag_masks"][:3] == [1, 2, 4]
    assert cv.flags.attrs["flag_meanings"].split()[:2] == ["potential_overload", "current_overload"]
    assert cv.current.dims == ("row",)
    assert list(cv.data_vars) == list(lab.CV.names)
    assert array.metadata.dimension_names == ("row",)
    assert np.isnan(array.fill_value)
    np.testing.assert_array_equal(alone[:], lab.table(lab.CV, 0, 10)["current"])


def test_our_documents_are_those_that_zarr_python_would_write(start, lab, tmp_path):
    import zarr

    writer = start()
    writer.append(lab.block(lab.OVEN, 0, 70))
    writer.close()
    theirs = zarr.create_group(tmp_path / "theirs.zarr", zarr_format=3)
    for column in lab.OVEN.columns:
        ours = json.loads((tmp_path / f"run/data.zarr/temperature/{column.name}/zarr.json").read_text())
        theirs.create_array(
            column.name,
            shape=(70,),
            dtype="<" + column.kind,
            chunks=(64,),
            compressors=zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
            fill_value=np.nan if column.kind[0] == "f" else 0,
            dimension_names=("row",),
            attributes=ours["attributes"],
        )
        assert ours == json.loads((tmp_path / f"theirs.zarr/{column.name}/zarr.json").read_text())


def test_a_stream_cannot_change_its_columns(start, lab):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 3))
    equal = Schema("cv", tuple(lab.CV.columns))
    assert writer.append(lab.block(equal, 3, 5)) == 3
    with pytest.raises(StoreError, match=r"cannot go on with time \(s, f8\), potential"):
        writer.append(Frame(Schema("cv", (TIME, POTENTIAL)), 0.0, rows=[(1.0, 2.0)]))
    assert writer.rows("cv") == 5


@pytest.mark.parametrize(
    "schema",
    [
        Schema("CV", (TIME,)),
        Schema("../cv", (TIME,)),
        Schema("nul", (TIME,)),
        Schema("x" * 65, (TIME,)),
        Schema("cv", (Column("E/V", "V"),)),
        Schema("cv", (Column("row", "1"),)),
        Schema("cv", ()),
    ],
)
def test_names_that_some_computer_cannot_store_are_refused(start, schema, tmp_path):
    writer = start()
    with pytest.raises(StoreError):
        writer.append(Frame(schema, 0.0, rows=[(1.0,) * len(schema.columns)]))
    assert open_store(tmp_path / "run").streams == ()


@pytest.mark.parametrize(
    "row", [(1.0, 2.0), (1.0, 2.0, 3.0, 1.5, 0, 1), (1.0, None, 3.0, 1, 0, 1), (0.0, 0.0, 0.0, 1, -1, 1)]
)
def test_a_row_that_does_not_fit_its_columns_is_refused_whole(start, lab, row, tmp_path):
    writer = start()
    good = tuple(lab.table(lab.CV, 0, 1)[0].tolist())
    with pytest.raises(StoreError, match="does not fit its columns time, potential"):
        writer.append(Frame(lab.CV, 0.0, rows=[good, row]))
    assert writer.append(Frame(lab.CV, 0.0, rows=[good])) == 0
    lab.check(tmp_path / "run", {"cv": 1}, {"cv": 1})


def test_a_block_with_other_fields_is_refused_and_one_of_other_kinds_is_cast(start, lab, tmp_path):
    writer = start()
    swapped = np.zeros(2, [("potential", "f8"), *[(n, lab.CV.dtype[n]) for n in lab.CV.names if n != "potential"]])
    with pytest.raises(StoreError, match="has the fields"):
        writer.append(Frame(lab.CV, 0.0, array=swapped))
    fractional = lab.table(lab.CV, 0, 2).astype([(n, "f8") for n in lab.CV.names])
    with pytest.raises(StoreError, match="cannot be stored"):
        writer.append(Frame(lab.CV, 0.0, array=fractional))
    big_endian = lab.table(lab.CV, 0, 2).astype(lab.CV.dtype.newbyteorder(">"))
    assert writer.append(Frame(lab.CV, 0.0, array=big_endian)) == 0
    lab.check(tmp_path / "run", {"cv": 2}, {"cv": 2})


def test_attributes_are_merged_and_shown_with_the_next_commit(start, lab, tmp_path):
    writer = start(attributes={"title": "a", "status": "running"})
    writer.set_attributes({"status": "completed"})
    assert open_store(tmp_path / "run").attributes["status"] == "running"
    writer.publish(wait=True)
    assert open_store(tmp_path / "run").attributes == {"title": "a", "status": "completed"}
    writer.close()
    for wrong in ({"committed": {}}, {"x": float("nan")}, {"x": object()}):
        with pytest.raises(StoreError):
            writer.set_attributes(wrong)


def test_a_run_folder_is_never_written_over(start, tmp_path, clock):
    start()
    with pytest.raises(RunFolderError, match="exists already"):
        StoreWriter.create(tmp_path / "run", {}, host_clock=clock)
    (tmp_path / "other").mkdir()
    with pytest.raises(RunFolderError, match="exists already"):
        StoreWriter.create(tmp_path / "other", {}, host_clock=clock)
    for act in (open_store, recover, lambda f: StoreWriter.resume(f, host_clock=clock)):
        with pytest.raises(RunFolderError, match="not a run folder"):
            act(tmp_path / "other")
        with pytest.raises(RunFolderError, match="does not exist"):
            act(tmp_path / "nowhere")


def test_a_second_writer_is_told_who_has_the_run(start, lab, tmp_path, clock):
    import os

    writer = start()
    writer.append(lab.block(lab.CV, 0, 5))
    for act in (recover, lambda f: StoreWriter.resume(f, host_clock=clock)):
        with pytest.raises(StoreLocked, match=rf"process {os.getpid()} on \S+ since 20\d\d-"):
            act(tmp_path / "run")
    writer.close()
    assert StoreWriter.resume(tmp_path / "run", host_clock=clock).close() is None


def test_closing_leaves_no_journal_and_a_second_close_does_nothing(start, lab, tmp_path):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 100))
    writer.close()
    writer.close()
    assert [p.name for p in (tmp_path / "run/journal").iterdir()] == ["lock"]
    with pytest.raises(StoreError, match="closed"):
        writer.append(lab.block(lab.CV, 100, 101))


def test_a_closed_run_can_be_taken_up_again(start, lab, tmp_path):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 100))
    writer.close()
    writer = start(resume=True)
    assert str(writer.recovery) == "nothing to do"
    assert writer.rows("cv") == 100
    assert writer.append(lab.block(lab.CV, 100, 130)) == 100
    writer.append(lab.block(lab.OVEN, 0, 2))
    writer.close()
    assert lab.check_xarray(tmp_path / "run") == {"cv": 130, "temperature": 2}


def test_memory_holds_two_chunks_per_stream_however_many_rows_pass(start, lab, tmp_path):
    writer = start(chunk_rows=1000)
    writer._publish_lock.acquire()  # a publisher that is stuck on a slow disk
    try:
        size = lab.CV.row_struct.size
        most = 0
        for k in range(0, 100_000, 700):
            writer.append(lab.block(lab.CV, k, k + 700))
            most = max(most, writer.held_bytes())
        assert most <= 2 * 1000 * size
    finally:
        writer._publish_lock.release()
    rows = writer.rows("cv")
    writer.close()
    assert lab.check_xarray(tmp_path / "run") == {"cv": rows}


def test_journal_segments_are_dropped_once_committed(start, lab, tmp_path):
    writer = start()
    writer._journal._segment_bytes = 4096
    segments = set()
    for k in range(0, 6400, 64):
        writer.append(lab.block(lab.CV, k, k + 64))
        if k % 640 == 0:
            writer.publish(wait=True)
            segments |= {p.name for p in (tmp_path / "run/journal").glob("*.log")}
            assert len(list((tmp_path / "run/journal").glob("*.log"))) <= 2
    assert len(segments) > 5
    lab.check(tmp_path / "run", {"cv": 6400}, {"cv": 6400})


def test_a_run_in_virtual_time_leaves_step_ends_to_the_timer(start, lab):
    writer = start(durable=False)
    writer.append(lab.block(lab.CV, 0, 5))
    writer.sync()
    assert writer._journal.dirty
    writer.sync_now()
    assert not writer._journal.dirty
    durable = start("other")
    durable.append(lab.block(lab.CV, 0, 5))
    durable.sync()
    assert not durable._journal.dirty


def test_the_meanings_of_codes_reach_xarray_and_come_back_on_resume(start, tmp_path):
    import xarray as xr

    kind = Column("kind", "1", "i4", "what happened", meanings=((1, "started"), (2, "trip"), (7, "made_safe")))
    events = Schema("events", (TIME, kind))
    writer = start()
    writer.append(Frame(events, 0.0, rows=[(0.5, 1), (1.5, 7)]))
    writer.publish(wait=True)
    writer.abandon()
    writer = start(resume=True)
    assert writer.append(Frame(events, 0.0, rows=[(2.5, 2)])) == 2
    writer.close()
    assert open_store(tmp_path / "run").schema("events") == events
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored = xr.open_zarr(tmp_path / "run/data.zarr", group="events").kind
    assert stored.values.tolist() == [1, 7, 2]
    assert stored.attrs["flag_values"] == [1, 2, 7]
    assert stored.attrs["flag_meanings"] == "started trip made_safe"
