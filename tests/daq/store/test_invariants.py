"""Whatever is done in whatever order, the rows are those that were appended."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.store import StoreWriter, open_store, recover
from luggin.store.framing import MAGIC, Kind, Position, SegmentReader, durable_mark, encode, encode_position
from luggin.store.window import Window

_DEEDS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["cv", "temperature"]), st.booleans(), st.integers(1, 40)),
        st.sampled_from(["publish", "publish full chunks", "sync", "die", "close", "recover", "attributes"]),
    ),
    max_size=25,
)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(deeds=_DEEDS, chunk_rows=st.sampled_from([1, 7, 16, 64]), segment_bytes=st.sampled_from([200, 3000, 1 << 24]))
def test_any_sequence_of_deeds_keeps_the_rows(lab, deeds, chunk_rows, segment_bytes):
    schemas = {"cv": lab.PAIR, "temperature": lab.OVEN}
    told: dict[str, int] = {}
    disk = lab.QuickDisk()
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "run"
        writer = StoreWriter.create(
            folder,
            {},
            host_clock=lab.StillClock(),
            chunk_rows=chunk_rows,
            sync_interval=3600.0,
            publish_interval=3600.0,
            disk=disk,
        )
        try:
            for deed in deeds:
                writer._publisher.stop()  # only the deeds publish, so that a failure can be repeated
                writer._journal._segment_bytes = segment_bytes
                match deed:
                    case (stream, as_block, count):
                        schema = schemas[stream]
                        first = told.get(schema.stream, 0)
                        frames = (
                            [lab.block(schema, first, first + count)]
                            if as_block
                            else lab.singles(schema, first, first + count)
                        )
                        for frame in frames:
                            assert writer.append(frame) == told.get(schema.stream, 0)
                            told[schema.stream] = told.get(schema.stream, 0) + len(frame)
                    case "publish":
                        writer.publish(wait=True)
                    case "publish full chunks":
                        writer._publish_now(partial=False)
                    case "sync":
                        writer.sync()
                    case "attributes":
                        writer.set_attributes({"deeds": len(deeds)})
                    case _:
                        writer.close() if deed == "close" else writer.abandon()
                        if deed == "recover":
                            recover(folder, disk=disk)
                        writer = StoreWriter.resume(folder, host_clock=lab.StillClock(), disk=disk)
                assert {n: writer.rows(n) for n in told} == told
            lab.check(folder, told, told)
            writer.close()
            assert lab.check_committed(folder) == told
            assert set(open_store(folder).streams) == set(told)
        finally:
            writer.abandon()


@settings(deadline=None, derandomize=True, max_examples=200)
@given(sizes=st.lists(st.integers(0, 50), max_size=30), chunk_rows=st.integers(1, 20))
def test_the_window_gives_exactly_what_went_in_or_nothing(sizes, chunk_rows):
    window = Window(chunk_rows, 4)
    rows = b""
    for count in sizes:
        fresh = np.arange(len(rows) // 4, len(rows) // 4 + count, dtype="<u4").tobytes()
        before = len(rows) // 4 // chunk_rows
        rows += fresh
        assert window.extend(fresh) == (len(rows) // 4 // chunk_rows > before)
        assert window.held_bytes() <= 2 * chunk_rows * 4
        total = len(rows) // 4
        newest = total // chunk_rows * chunk_rows
        for first in range(0, total + 1, chunk_rows):
            stop = min(first + chunk_rows, total)
            held = window.rows(first, stop)
            if first >= newest - chunk_rows:
                assert held == rows[first * 4 : stop * 4]
            else:
                assert held is None


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    payloads=st.lists(st.binary(max_size=40), min_size=1, max_size=6),
    junk=st.binary(max_size=60),
    cut=st.integers(0, 60),
)
def test_records_are_read_up_to_the_first_that_is_not_whole(tmp_path_factory, payloads, junk, cut):
    path = tmp_path_factory.mktemp("segment") / "0.log"
    records = [encode(Kind.ROWS, 3, k, payload) for k, payload in enumerate(payloads)]
    whole = b"".join(records)
    cut = min(cut, len(records[-1]))
    path.write_bytes(whole[: len(whole) - cut] + (junk if cut else b""))
    reader = SegmentReader(path)
    found = [record.payload for record in reader]
    expected = payloads if cut == 0 else payloads[:-1]
    assert found[: len(expected)] == expected
    # Junk may by chance complete the last record to what it was; never to anything else.
    assert len(found) == len(expected) or found == payloads


@settings(deadline=None, derandomize=True, max_examples=200)
@given(before=st.binary(max_size=50), marks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**40)), max_size=3))
def test_marks_of_durability_are_found_at_any_byte(tmp_path_factory, before, marks):
    path = tmp_path_factory.mktemp("segment") / "0.log"
    content = before + MAGIC
    for mark in marks:
        content += encode(Kind.SYNCED, 0, 0, encode_position(Position(*mark))) + before
    path.write_bytes(content)
    assert durable_mark(path, 0) == max((Position(*mark) for mark in marks), default=None)
