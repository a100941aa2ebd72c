"""Rows that verify themselves, a clock that stands still, and disks that fail, die or lose power."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "hostile"))

from failing_disks import DyingDisk, FullDisk, PowerCutDisk, QuickDisk

from luggin.records import CURRENT, CYCLE, FLAGS, POTENTIAL, STEP, TIME, Column, Frame, Schema
from luggin.store import StoreWriter, open_store, recover

CV = Schema("cv", (TIME, POTENTIAL, CURRENT, CYCLE, FLAGS, STEP))
OVEN = Schema("temperature", (TIME, Column("temperature", "degC", "f4"), Column("count", "1", "i8")))
# Few columns, because some tests go through a run once for every call that writes.
PAIR = Schema("pair", (TIME, CYCLE))
SCHEMAS = (CV, OVEN, PAIR)


class StillClock:
    """Host time that passes only when a test lets it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time


def table(schema: Schema, start: int, stop: int):
    """Rows whose every column is a function of the row number, none of them a fill value."""
    k = np.arange(start + 1, stop + 1)
    rows = np.zeros(stop - start, schema.dtype)
    for i, column in enumerate(schema.columns):
        rows[column.name] = k * (i + 1) % 100_003 / (4 if column.kind[0] == "f" else 1) + 1
    return rows


def block(schema: Schema, start: int, stop: int) -> Frame:
    return Frame(schema, 0.0, array=table(schema, start, stop))


def singles(schema: Schema, start: int, stop: int):
    for row in table(schema, start, stop).tolist():
        yield Frame(schema, 0.0, rows=[row])


def check(folder: Path, acknowledged: dict[str, int], at_most: dict[str, int] | None = None) -> dict[str, int]:
    """The stored rows are the acknowledged ones (and at most those that were tried), each of them right."""
    run = open_store(folder)
    found = {}
    for schema in SCHEMAS:
        name = schema.stream
        wanted = acknowledged.get(name, 0)
        if name not in run.streams:
            assert wanted == 0, f"{name} is lost: {wanted} rows"
            continue
        rows = run.array(name)
        assert len(rows) >= wanted, f"{name}: {wanted - len(rows)} acknowledged rows lost"
        if at_most is not None:
            assert len(rows) <= at_most.get(name, 0), f"{name}: rows that nobody appended"
        np.testing.assert_array_equal(rows, table(schema, 0, len(rows)))
        found[name] = len(rows)
    return found


def check_xarray(folder: Path) -> dict[str, int]:
    """What xarray shows: every column of one length, every value right, and not one warning."""
    import xarray as xr

    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_datatree(folder / "data.zarr", engine="zarr") as tree:
            for schema in SCHEMAS:
                if schema.stream in tree.children:
                    data = tree[schema.stream].to_dataset()
                    rows = table(schema, 0, data.sizes["row"])
                    for name in schema.names:
                        np.testing.assert_array_equal(data[name].values, rows[name])
                    found[schema.stream] = len(rows)
    return found


def check_zarr(folder: Path) -> dict[str, int]:
    """What zarr-python shows by following the root: the same, and much faster to open."""
    import zarr

    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        root = zarr.open_group(folder / "data.zarr", mode="r")
        for schema in SCHEMAS:
            if schema.stream in root:
                rows = table(schema, 0, root.attrs["committed"][schema.stream])
                for name in schema.names:
                    np.testing.assert_array_equal(root[f"{schema.stream}/{name}"][:], rows[name])
                found[schema.stream] = len(rows)
    return found


def check_committed(folder: Path) -> dict[str, int]:
    """What our own reader finds behind the commit file alone."""
    run = open_store(folder)
    found = {}
    for schema in SCHEMAS:
        rows = run.committed(schema.stream)
        if rows:
            np.testing.assert_array_equal(run.array(schema.stream, 0, rows), table(schema, 0, rows))
            found[schema.stream] = rows
    return found


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture(scope="session")
def lab():
    """Names for the tests: schemas, self-verifying rows and their checks, and disks."""
    return SimpleNamespace(
        CV=CV,
        OVEN=OVEN,
        PAIR=PAIR,
        QuickDisk=QuickDisk,
        StillClock=StillClock,
        table=table,
        block=block,
        singles=singles,
        check=check,
        check_xarray=check_xarray,
        check_zarr=check_zarr,
        check_committed=check_committed,
        DyingDisk=DyingDisk,
        FullDisk=FullDisk,
        PowerCutDisk=PowerCutDisk,
    )


@pytest.fixture
def start(tmp_path, clock):
    """Makes writers of runs that are gone after the test, closed or not.

    Nothing happens behind the test's back: timers never fire and, unless ``behind``, nothing is
    published but on request.
    """
    writers = []

    def make(name="run", resume=False, behind=False, **options):
        if resume:
            writer = StoreWriter.resume(tmp_path / name, host_clock=clock, **options)
        else:
            options = {"sync_interval": 3600.0, "publish_interval": 3600.0, "chunk_rows": 64} | options
            writer = StoreWriter.create(tmp_path / name, options.pop("attributes", {}), host_clock=clock, **options)
        if not behind:
            writer._publisher.stop()
        writers.append(writer)
        return writer

    yield make
    for writer in writers:
        writer.abandon()


@pytest.fixture
def copied(tmp_path):
    """A copy of a run folder, for one more look at the same crash."""
    count = iter(range(1_000_000))

    def copy(folder: Path) -> Path:
        target = tmp_path / f"copy-{next(count)}"
        shutil.copytree(folder, target)
        return target

    return copy


@pytest.fixture
def recovered(lab):
    """Recovers a run and returns what it did."""
    return recover
