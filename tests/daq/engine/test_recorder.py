"""From the driver's frames to the rows of the run."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.engine.recorder import Recorder
from luggin.records import CYCLE, INSTRUMENT_TIME, POTENTIAL, Frame, Schema

CLOCKED = Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CYCLE))
UNCLOCKED = Schema("ocp", (POTENTIAL,))
NAN = math.nan


class KeptFrames:
    """A store that keeps what it is given, as rows, and numbers them on from ``first``."""

    def __init__(self, first: int = 0) -> None:
        self.frames: list[Frame] = []
        self._next = first

    def append(self, frame: Frame) -> int:
        self.frames.append(frame)
        number, self._next = self._next, self._next + len(frame)
        return number

    @property
    def rows(self) -> list[dict[str, float]]:
        return [dict(zip(f.schema.names, row, strict=True)) for f in self.frames for row in f.rows()]

    def column(self, name: str) -> list[float]:
        return [row[name] for row in self.rows]


def short(schema, received, rows) -> Frame:
    return Frame(schema, received, rows=rows)


def block(schema, received, rows) -> Frame:
    return Frame(schema, received, array=np.array(rows, dtype=schema.dtype))


both_kinds = pytest.mark.parametrize("frame", [short, block])


@pytest.fixture
def store() -> KeptFrames:
    return KeptFrames()


@both_kinds
def test_rows_get_the_runs_time_their_arrival_step_and_attempt(store, frame):
    recorder = Recorder(store, CLOCKED, step=7, attempt=2, zero=1000.0)
    recorder.append(frame(CLOCKED, 1012.5, [(0.5, -0.1, 1)]))
    assert store.rows == [
        {"time": 12.5, "instrument_time": 0.5, "potential": -0.1, "cycle": 1, "received": 12.5, "step": 7, "attempt": 2}
    ]
    assert recorder.schema.names == tuple(store.rows[0])
    assert recorder.schema.stream == "cv"
    assert store.frames[0].received == 1012.5


@both_kinds
def test_the_spacing_of_rows_is_the_instruments_and_not_the_lines(store, frame):
    """The first row arrives 0.25 s after it was measured; later ones are late by more, and one is early."""
    recorder = Recorder(store, CLOCKED, 1, 1, zero=0.0)
    for own, received in ((0.0, 10.25), (1.0, 11.75), (2.0, 12.3), (3.0, 13.2)):
        recorder.append(frame(CLOCKED, received, [(own, 0.0, 1)]))
    assert store.column("time") == [10.25, 11.25, 12.25, 13.25]
    assert store.column("received") == [10.25, 11.75, 12.3, 13.2]


@both_kinds
def test_a_frame_of_several_rows_arrived_with_its_last_one(store, frame):
    recorder = Recorder(store, CLOCKED, 1, 1, zero=100.0)
    recorder.append(frame(CLOCKED, 105.0, [(0.0, 0.1, 1), (1.0, 0.2, 1), (2.0, 0.3, 1)]))
    recorder.append(frame(CLOCKED, 107.5, [(3.0, 0.4, 2)]))
    assert store.column("time") == [3.0, 4.0, 5.0, 6.0]
    assert store.column("received") == [5.0, 5.0, 5.0, 7.5]


@both_kinds
def test_without_instrument_time_the_arrival_is_the_time(store, frame):
    recorder = Recorder(store, UNCLOCKED, 1, 1, zero=10.0)
    recorder.append(frame(UNCLOCKED, 11.0, [(0.1,), (0.2,)]))
    recorder.append(frame(UNCLOCKED, 12.0, [(0.3,)]))
    assert store.column("time") == store.column("received") == [1.0, 1.0, 2.0]


@both_kinds
def test_a_row_whose_instrument_time_is_missing_has_that_of_its_arrival(store, frame):
    recorder = Recorder(store, CLOCKED, 1, 1, zero=0.0)
    recorder.append(frame(CLOCKED, 5.0, [(NAN, 0.1, 1)]))
    recorder.append(frame(CLOCKED, 6.5, [(1.0, 0.2, 1)]))
    recorder.append(frame(CLOCKED, 7.6, [(NAN, 0.3, 1), (2.0, 0.4, 1)]))
    assert store.column("time") == [5.0, 6.5, 7.6, 7.5]
    assert math.isnan(store.rows[0]["instrument_time"]), "what the instrument did not say is not invented"


@both_kinds
def test_first_row_number_count_and_last_row_are_kept(frame):
    store = KeptFrames(first=40)
    recorder = Recorder(store, CLOCKED, 1, 1, zero=0.0)
    assert (recorder.first, recorder.rows, recorder.last) == (-1, 0, ())
    recorder.append(frame(CLOCKED, 1.0, [(0.0, 0.1, 1), (0.5, 0.2, 1)]))
    recorder.append(frame(CLOCKED, 2.0, [(1.0, 0.3, 2)]))
    assert (recorder.first, recorder.rows) == (40, 3)
    assert recorder.last == (1.0, 0.3, 2)


@both_kinds
def test_an_empty_frame_leaves_no_trace(store, frame):
    recorder = Recorder(store, CLOCKED, 1, 1, zero=0.0)
    recorder.append(frame(CLOCKED, 1.0, []))
    assert (recorder.first, recorder.rows, recorder.last) == (-1, 0, ())
    assert store.frames == []
    recorder.append(frame(CLOCKED, 2.0, [(0.5, 0.1, 1)]))
    assert store.column("time") == [2.0]


def test_the_drivers_frame_is_not_changed(store):
    given = block(CLOCKED, 1.0, [(0.0, 0.1, 1)])
    before = given.array().copy()
    Recorder(store, CLOCKED, 1, 1, zero=0.0).append(given)
    assert given.array().tobytes() == before.tobytes()
    assert given.schema is CLOCKED


def test_kinds_of_columns_are_the_drivers(store):
    Recorder(store, CLOCKED, 3, 1, zero=0.0).append(block(CLOCKED, 1.0, [(0.0, 0.1, 5)]))
    dtype = store.frames[0].array().dtype
    assert dtype["cycle"] == np.dtype("<i4")
    assert dtype["step"] == np.dtype("<i4")
    assert dtype["time"] == np.dtype("<f8")


def test_a_store_that_fails_leaves_the_count_alone():
    class Full:
        def append(self, frame: Frame) -> int:
            raise OSError("no space left")

    recorder = Recorder(Full(), CLOCKED, 1, 1, zero=0.0)
    with pytest.raises(OSError, match="no space"):
        recorder.append(short(CLOCKED, 1.0, [(0.0, 0.1, 1)]))
    assert (recorder.first, recorder.rows) == (-1, 0)


own_times = st.one_of(st.floats(0.0, 1e6), st.just(NAN))
frames_of_rows = st.lists(
    st.tuples(st.floats(0.0, 1e6), st.lists(st.tuples(own_times, st.floats(-2, 2), st.integers(0, 99)), max_size=5)),
    max_size=8,
)


@settings(deadline=None, derandomize=True)
@given(frames_of_rows, st.floats(0.0, 1e5))
def test_short_frames_and_blocks_store_the_same_rows(frames, zero):
    stores = KeptFrames(), KeptFrames()
    recorders = [Recorder(store, CLOCKED, 1, 1, zero) for store in stores]
    for received, rows in frames:
        recorders[0].append(short(CLOCKED, received, rows))
        recorders[1].append(block(CLOCKED, received, rows))
    by_rows, by_blocks = (b"".join(frame.array().tobytes() for frame in store.frames) for store in stores)
    assert by_rows == by_blocks
    assert repr(recorders[0].last) == repr(recorders[1].last)
    assert (recorders[0].first, recorders[0].rows) == (recorders[1].first, recorders[1].rows)
