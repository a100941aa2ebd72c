"""Programs that take one reading at a time and keep it: Luggin, its peers, and plain ways to do it.

Each is used in the way that its own documentation shows, with its own settings; where there are two
such ways, both are here. ``acquire(folder, count, told)`` takes `readings` (``count`` None: without
end) and calls ``told`` after each row that the program has given out of its hand. That does not mean
the same everywhere, so each says what it means ("acknowledged"). ``readers`` are the ordinary ways to
the rows, in the order in which a person would try them; each returns the columns.

Imports are within the functions: a process loads only the program that it runs.
"""

from __future__ import annotations

import csv
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readings import COLUMNS, readings

Told = Callable[[], None]
Columns = list[Any]


@dataclass(frozen=True)
class Recorder:
    """One way to keep readings."""

    acquire: Callable[[Path, int | None, Told], None]
    readers: Mapping[str, Callable[[Path], Columns]]
    acknowledged: str
    needs: str = ""


# -- Luggin


class HostClock:
    def now(self) -> float:
        return time.monotonic()


def luggin(folder: Path, count: int | None, told: Told) -> None:
    """A driver's frames of one row go the way that they go in a run; published behind it and at the end."""
    from luggin.engine.limits import Limit, LimitGuard
    from luggin.engine.recorder import Recorder as RunRecorder
    from luggin.records import CURRENT, CYCLE, FLAGS, INSTRUMENT_TIME, POTENTIAL, Frame, Schema
    from luggin.store import StoreWriter

    schema = Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, CYCLE, FLAGS))
    limits = [Limit("potential", -2.0, 1.0, "V"), Limit("current", -1e-4, 1e-4, "A", rows=3)]
    clock = HostClock()
    with StoreWriter.create(folder / "run", {}, host_clock=clock) as writer:
        guard = LimitGuard(limits, schema)
        recorder = RunRecorder(writer, schema, step=1, attempt=1, zero=clock.now())
        for row in readings(count):
            frame = Frame(schema, clock.now(), [row])
            trip = guard.check(frame)
            recorder.append(frame)
            if trip is not None:
                raise SystemExit(trip.describe())
            told()


def read_luggin(folder: Path) -> Columns:
    from luggin.store import open_store

    table = open_store(folder / "run").array("cv")
    return [table[name] for name in COLUMNS]


def recover_luggin(folder: Path) -> Columns:
    import xarray as xr

    from luggin.store import recover

    recover(folder / "run")
    with xr.open_datatree(folder / "run" / "data.zarr", engine="zarr") as tree:
        return [tree["cv"][name].values for name in COLUMNS]


# -- QCoDeS


def qcodes(folder: Path, count: int | None, told: Told, flush: bool = False) -> None:
    """A measurement context and its data saver, which writes every 5 s (its ``write_period``) or when told to flush."""
    from qcodes.dataset import Measurement, initialise_or_create_database_at, load_or_create_experiment

    initialise_or_create_database_at(folder / "runs.db")
    measurement = Measurement(exp=load_or_create_experiment("peers", sample_name="tape"))
    measurement.register_custom_parameter(COLUMNS[0])
    for name in COLUMNS[1:]:
        measurement.register_custom_parameter(name, setpoints=(COLUMNS[0],))
    with measurement.run() as saver:
        for row in readings(count):
            saver.add_result(*zip(COLUMNS, row, strict=True))
            if flush:
                saver.flush_data_to_database()
            told()


def qcodes_flushed(folder: Path, count: int | None, told: Told) -> None:
    qcodes(folder, count, told, flush=True)


def read_qcodes(folder: Path) -> Columns:
    from qcodes.dataset import initialise_or_create_database_at, load_by_id

    initialise_or_create_database_at(folder / "runs.db")
    data = load_by_id(1).get_parameter_data()
    if not data:
        return [[] for _ in COLUMNS]
    return [data[COLUMNS[1]][COLUMNS[0]], *(data[name][name] for name in COLUMNS[1:])]


# -- bluesky


class SoftDetector:
    """The least that bluesky can read: a device without hardware."""

    name = "cell"
    parent = None

    def __init__(self) -> None:
        self._rows = readings()

    def read(self):
        now = time.time()
        return {name: {"value": v, "timestamp": now} for name, v in zip(COLUMNS, next(self._rows), strict=True)}

    def describe(self):
        return {
            name: {"source": "SIM:cell", "dtype": "integer" if name in ("cycle", "flags") else "number", "shape": []}
            for name in COLUMNS
        }

    def read_configuration(self):
        return {}

    def describe_configuration(self):
        return {}


def bluesky(folder: Path, count: int | None, told: Told) -> None:
    """The plan `count` in a RunEngine, with bluesky's own writer of JSON lines subscribed to its documents."""
    from bluesky import RunEngine
    from bluesky.callbacks.json_writer import JSONLinesWriter
    from bluesky.plan_stubs import one_shot
    from bluesky.plans import count as counting

    def per_shot(detectors):
        yield from one_shot(detectors)
        told()

    engine = RunEngine({})
    engine.subscribe(JSONLinesWriter(str(folder), "run.jsonl"))
    engine(counting([SoftDetector()], num=count, per_shot=per_shot))


def read_bluesky(folder: Path) -> Columns:
    import json

    with open(folder / "run.jsonl", encoding="utf-8") as file:
        documents = [json.loads(line) for line in file]
    rows = [entry["doc"]["data"] for entry in documents if entry["name"] == "event"]
    return [[row[name] for row in rows] for name in COLUMNS]


# -- pymeasure


def _procedure():
    from pymeasure.experiment import IntegerParameter, Procedure

    class Tape(Procedure):
        count = IntegerParameter("Rows", default=0)
        DATA_COLUMNS = list(COLUMNS)  # noqa: RUF012 - what pymeasure asks for
        told = staticmethod(lambda: None)

        def execute(self):
            for row in readings(self.count or None):
                self.emit("results", dict(zip(COLUMNS, row, strict=True)))
                self.told()
                if self.should_stop():
                    return

    return Tape


def pymeasure(folder: Path, count: int | None, told: Told) -> None:
    """A procedure, its results file, and the worker that runs both: what the managed windows and consoles start."""
    from pymeasure.experiment import Results, Worker

    procedure = _procedure()()
    procedure.count = count or 0
    procedure.told = told
    worker = Worker(Results(procedure, str(folder / "run.csv")))
    worker.start()
    worker.join(timeout=1e9)  # without a time it would be told to stop


def read_pymeasure(folder: Path) -> Columns:
    from pymeasure.experiment import Results

    table = Results.load(str(folder / "run.csv"), procedure_class=_procedure()).data
    return [table[name].to_numpy() for name in COLUMNS]


# -- plain ways


def plain_csv(folder: Path, count: int | None, told: Told) -> None:
    with open(folder / "run.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in readings(count):
            writer.writerow(row)
            file.flush()
            told()


def read_csv(folder: Path) -> Columns:
    with open(folder / "run.csv", newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    return [[float(value) for value in column] for column in zip(*rows, strict=True)]


def sqlite_wal(folder: Path, count: int | None, told: Told) -> None:
    connection = sqlite3.connect(folder / "run.db", isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=normal")
    connection.execute(f"create table cv ({', '.join(COLUMNS)})")
    insert = f"insert into cv values ({', '.join('?' * len(COLUMNS))})"
    for row in readings(count):
        connection.execute(insert, row)  # without an open transaction each is one
        told()
    connection.close()


def read_sqlite(folder: Path) -> Columns:
    connection = sqlite3.connect(folder / "run.db")
    rows = connection.execute("select * from cv order by rowid").fetchall()
    connection.close()
    return [list(column) for column in zip(*rows, strict=True)]


# -- arrays that grow


def _grow_datasets(file: Any, count: int | None, told: Told, swmr: bool) -> None:
    datasets = [file.create_dataset(name, (0,), "f8", maxshape=(None,), chunks=True) for name in COLUMNS]
    if swmr:
        file.swmr_mode = True
    for number, row in enumerate(readings(count)):
        for dataset, value in zip(datasets, row, strict=True):
            dataset.resize((number + 1,))
            dataset[number] = value
            if swmr:
                dataset.flush()
        if not swmr:
            file.flush()
        told()


def h5py_swmr(folder: Path, count: int | None, told: Told) -> None:
    import h5py

    with h5py.File(folder / "run.h5", "w", libver="latest") as file:
        _grow_datasets(file, count, told, swmr=True)


def h5py_normal(folder: Path, count: int | None, told: Told) -> None:
    import h5py

    with h5py.File(folder / "run.h5", "w") as file:
        _grow_datasets(file, count, told, swmr=False)


def read_h5py(folder: Path, **how: Any) -> Columns:
    import h5py

    with h5py.File(folder / "run.h5", "r", **how) as file:
        return [file[name][:] for name in COLUMNS]


def read_h5py_swmr(folder: Path) -> Columns:
    return read_h5py(folder, libver="latest", swmr=True)


def zarr_append(folder: Path, count: int | None, told: Told) -> None:
    import numpy as np
    import zarr

    group = zarr.create_group(folder / "run.zarr")
    arrays = [
        group.create_array(name, shape=(0,), dtype="f8", chunks=(16384,), dimension_names=("row",)) for name in COLUMNS
    ]
    for row in readings(count):
        for array, value in zip(arrays, row, strict=True):
            array.append(np.array([value]))
        told()


def read_zarr(folder: Path) -> Columns:
    import zarr

    group = zarr.open_group(folder / "run.zarr", mode="r")
    return [group[name][:] for name in COLUMNS]


def read_zarr_in_xarray(folder: Path) -> Columns:
    import xarray as xr

    with xr.open_zarr(folder / "run.zarr", consolidated=False) as data:
        return [data[name].values for name in COLUMNS]


RECORDERS = {
    "Luggin": Recorder(
        luggin,
        {"open_store": read_luggin, "luggin recover, then xarray": recover_luggin},
        "append has returned: the row is in the journal file",
        "luggin",
    ),
    "QCoDeS": Recorder(
        qcodes,
        {"load_by_id": read_qcodes},
        "add_result has returned: the row is in memory, and in the database up to 5 s later",
        "qcodes",
    ),
    "QCoDeS, flush per point": Recorder(
        qcodes_flushed, {"load_by_id": read_qcodes}, "flush_data_to_database has returned: it is committed", "qcodes"
    ),
    "bluesky, JSON lines": Recorder(
        bluesky,
        {"json.loads of each line": read_bluesky},
        "the event's messages have been processed: its line is in the file",
        "bluesky",
    ),
    "pymeasure, CSV": Recorder(
        pymeasure,
        {"Results.load": read_pymeasure},
        "emit has returned: the line is in the file",
        "pymeasure",
    ),
    "plain CSV, flush": Recorder(plain_csv, {"csv.reader": read_csv}, "flush has returned: the line is in the file"),
    "sqlite3, WAL": Recorder(sqlite_wal, {"select": read_sqlite}, "the insert is committed (synchronous=normal)"),
    "h5py, SWMR": Recorder(
        h5py_swmr,
        {"h5py.File": read_h5py, "h5py.File(swmr=True)": read_h5py_swmr},
        "flush of every dataset has returned",
        "h5py",
    ),
    "h5py": Recorder(h5py_normal, {"h5py.File": read_h5py}, "flush of the file has returned", "h5py"),
    "zarr.append": Recorder(
        zarr_append,
        {"zarr.open_group": read_zarr, "xarray.open_zarr": read_zarr_in_xarray},
        "append of every column has returned",
        "zarr",
    ),
}
