"""One pass over the rows: counts, marks, gaps and lines for the overview."""

from __future__ import annotations

import numpy as np
import pytest

from luggin.records import ATTEMPT, CURRENT, FLAGS, POTENTIAL, STEP, TIME, Flag, Frame, Schema
from luggin.store import StoreWriter, open_store
from luggin_plugins.report import readings
from luggin_plugins.report.readings import read_through

SCHEMA = Schema("cv", (TIME, POTENTIAL, CURRENT, FLAGS, STEP, ATTEMPT))


class StillClock:
    """Host time that does not pass."""

    def now(self) -> float:
        return 0.0


def rows(count, step, attempt=1, start=0.0):
    block = np.zeros(count, SCHEMA.dtype)
    block["time"] = start + np.arange(count)
    block["potential"] = 0.1 * step
    block["current"] = np.arange(count)
    block["step"], block["attempt"] = step, attempt
    return block


@pytest.fixture
def store_of(tmp_path):
    def made(*blocks):
        writer = StoreWriter.create(tmp_path / "run", {}, host_clock=StillClock(), durable=False)
        for block in blocks:
            writer.append(Frame(SCHEMA, 0.0, array=block))
        writer.close()
        return open_store(tmp_path / "run")

    return made


def test_counts_rows_and_marks_of_every_attempt(store_of):
    marked = rows(5, 2, attempt=2)
    marked["flags"][:3] = int(Flag.CURRENT_OVERLOAD | Flag.GAP)
    found = read_through(store_of(rows(4, 1), rows(6, 2), marked))
    assert found.rows == {(1, 1): 4, (2, 1): 6, (2, 2): 5}
    assert found.flags == {(2, 2): {"current overload": 3, "gap": 3}}
    assert found.streams == {"cv": 15}


def test_counts_do_not_depend_on_where_blocks_end(store_of, monkeypatch):
    store = store_of(rows(40, 1), rows(17, 2), rows(3, 1, attempt=2))
    whole = read_through(store)
    monkeypatch.setattr(readings, "BLOCK", 7)
    pieces = read_through(store)
    assert pieces.rows == whole.rows == {(1, 1): 40, (2, 1): 17, (1, 2): 3}


def test_line_breaks_between_steps_and_at_gaps(store_of):
    block = rows(6, 2, start=10.0)
    block["flags"][3] = int(Flag.GAP)
    potential = read_through(store_of(rows(4, 1), block)).traces[0]
    assert potential.name == "potential"
    breaks = np.flatnonzero(np.isnan(potential.time))
    assert potential.time[breaks - 1].tolist() == [3.0, 12.0, 15.0]


def test_overview_of_a_long_run_is_short_and_keeps_its_spike(store_of):
    block = rows(200_000, 1)
    block["current"] = 0.0
    block["current"][77_777] = 1e-3
    traces = {t.name: t for t in read_through(store_of(block)).traces}
    assert len(traces["current"].time) < 5000
    assert np.nanmax(traces["current"].values) == 1e-3


def test_run_of_thousands_of_steps_has_a_short_overview(store_of):
    blocks = [rows(4, step, start=4.0 * step) for step in range(1, 3001)]
    found = read_through(store_of(np.concatenate(blocks)))
    assert all(len(t.time) <= 4100 for t in found.traces)
    assert len(found.rows) == 3000
