"""Whole runs on the simulated bench, on a disk that fails: what was promised before, and what is there after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from failing_disks import CALLS, QuickDisk

from luggin import plugins as plugin_manager
from luggin.bench import load_bench
from luggin.engine.history import History
from luggin.engine.protocols import Finished, plan_of, resume_protocol, run_protocol
from luggin.engine.run import Run
from luggin.errors import LugginError, PluginFault, RunFolderError, StoreError
from luggin.platform import DISK, Disk
from luggin.steps import Vocabulary, load_protocol
from luggin.store import RunLog, StoreWriter, open_store, recover
from luggin.store.packing import pack
from luggin_sim.bench import Lab

PROTOCOL = """
title = "on a disk that fails"
limits = [{column = "potential", between = ["-2 V", "1 V"]}]
steps = [
  {do = "ocp", duration = "1 s", dt = "0.5 s"},
  {do = "ca", potential = "0.1 V vs ref", duration = "0.5 s", dt = "0.1 s"},
]
[sample]
id = "x"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3 mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""
STEPS = 2


@dataclass
class Told:
    """What a run promised while it lived, and how it ended.

    ``acknowledged`` are the packed rows of each stream whose append returned, ``tried`` those that were
    given to it; ``durable`` counts the bytes of which a sync has returned; ``ends`` are the records of
    completed steps of which the same is true.
    """

    acknowledged: dict[str, bytes] = field(default_factory=dict)
    tried: dict[str, bytes] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)
    ends: list[dict[str, Any]] = field(default_factory=list)
    cells_left_on: list[str] = field(default_factory=list)
    labs: int = 0
    outcome: str = ""
    error: LugginError | None = None
    completed: int = 0


@contextlib.contextmanager
def replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Within the block, attributes are others."""
    with contextlib.ExitStack() as back:
        for owner, name, value in changes:
            own = vars(owner).get(name)
            back.callback(delattr, owner, name) if own is None else back.callback(setattr, owner, name, own)
            setattr(owner, name, value)
        yield


def on_disk(disk: Disk) -> contextlib.AbstractContextManager[None]:
    """Within the block, all that decides over data is done by this disk."""
    return replaced(*((DISK, name, getattr(disk, name)) for name in CALLS))


@contextlib.contextmanager
def witnessed(told: Told) -> Iterator[None]:
    """Within the block, ``told`` hears what is promised, and whether a cell is on when its lines are closed."""
    append, sync, log_append, close = StoreWriter.append, StoreWriter.sync_now, RunLog.append, Lab.close

    def witnessed_append(writer: StoreWriter, frame: Any, *, last: bool = False) -> int:
        name, rows = frame.schema.stream, pack(frame)
        told.tried[name] = told.acknowledged.get(name, b"") + rows
        first = append(writer, frame, last=last)
        told.acknowledged[name] = told.acknowledged.get(name, b"") + rows
        return first

    def witnessed_sync(writer: StoreWriter) -> None:
        before = {name: len(rows) for name, rows in told.acknowledged.items()}
        sync(writer)
        told.durable = before

    def witnessed_log(log: RunLog, record: dict[str, Any], sync: bool = False) -> None:
        log_append(log, record, sync)
        if sync and record["kind"] == "end":
            told.ends.append(record)
        told.completed += record["kind"] == "end"

    def witnessed_close(lab: Lab) -> None:
        told.labs += 1
        told.cells_left_on += [name for name in lab.names if lab.cell_is_on(name)]
        close(lab)

    with replaced(
        (StoreWriter, "append", witnessed_append),
        (StoreWriter, "sync_now", witnessed_sync),
        (RunLog, "append", witnessed_log),
        (Lab, "close", witnessed_close),
    ):
        yield


@contextlib.contextmanager
def as_durable_as_real() -> Iterator[None]:
    """Within the block, runs in virtual time sync at the end of steps, as those in real time do."""
    create = StoreWriter.create.__func__  # type: ignore[attr-defined]

    def durable(cls: type[StoreWriter], *args: Any, **options: Any) -> StoreWriter:
        return create(cls, *args, **{**options, "durable": True})

    with replaced((StoreWriter, "create", classmethod(durable)), (Run, "_durable", property(lambda run: True))):
        yield


class Bench:
    """Everything that is installed, loaded once."""

    def __init__(self) -> None:
        self.plugins = plugin_manager.load()
        self.words = Vocabulary(self.plugins.step_types(), {})
        self._loaded = load_protocol(text=PROTOCOL, vocabulary=self.words, name="p.toml")
        text = self.plugins.simulator().default_bench_text()
        self._plan = plan_of(self._loaded, load_bench(text=text, drivers=list(self.plugins.drivers())))

    def run(self, folder: Path, disk: Disk) -> Told:
        """A run from its beginning to its end, whichever that is."""
        told = Told()
        plan = replace(self._plan, folder=folder)
        with on_disk(disk), witnessed(told):
            try:
                self._ended(told, run_protocol(self._loaded, plan, self.plugins))
            except LugginError as error:
                told.error = error
        return told

    def resume(self, folder: Path) -> Finished:
        """The run taken up again, on a disk that works."""
        with on_disk(QuickDisk()):
            return resume_protocol(folder, self.plugins, self.words)

    @staticmethod
    def _ended(told: Told, finished: Finished) -> None:
        told.outcome, told.error = finished.outcome, finished.error


def check_stored(folder: Path, wanted: dict[str, bytes], tried: dict[str, bytes] | None = None) -> None:
    """The rows on disk begin with the wanted ones, and are no others than those that were tried."""
    run = open_store(folder)
    for stream, rows in wanted.items():
        if not rows:
            continue
        assert stream in run.streams, f"{stream} is lost: {len(rows)} bytes"
        found = run.array(stream).tobytes()
        assert found.startswith(rows), f"{stream}: acknowledged rows are lost or others"
        if tried is not None:
            assert tried[stream].startswith(found), f"{stream}: rows that nobody appended"


def all_done(told: Told) -> bool:
    """True if every step was completed when the disk failed: what is left to do is to say so and to publish."""
    return told.outcome == "completed" and told.completed == STEPS


def check_failed_well(told: Told) -> None:
    """An error that says what to do, and no cell left on."""
    if told.error is not None:
        assert isinstance(told.error, StoreError | RunFolderError), repr(told.error)
        assert not isinstance(told.error, PluginFault)
        assert told.outcome in ("failed", "") or all_done(told), told.outcome
    else:
        assert told.outcome == "completed"
    assert told.cells_left_on == []
    assert told.labs == 1, "the bench was not closed"


def check_goes_on(bench: Bench, folder: Path, told: Told) -> None:
    """What is left can be recovered and taken up again, and nothing of it is lost on the way."""
    recover(folder, disk=QuickDisk())
    check_stored(folder, told.acknowledged, told.tried)
    if not is_run(folder):
        with contextlib.suppress(LugginError):
            raise AssertionError(f"{folder} had not begun, and was resumed: {bench.resume(folder)}")
        return
    if (History(RunLog.read(folder)).finished or {}).get("outcome") == "completed":
        return
    assert bench.resume(folder).outcome == "completed"
    check_stored(folder, told.acknowledged)
    assert {r["path"] for r in RunLog.read(folder) if r["kind"] == "end"} == {str(n + 1) for n in range(STEPS)}


def check_found(folder: Path, told: Told) -> None:
    """What was durable is there, every end has its rows, and recovery finds nothing to do a second time."""
    try:
        open_store(folder)
    except RunFolderError:
        assert not told.durable
        assert not told.ends
        return
    durable = {name: told.acknowledged[name][:size] for name, size in told.durable.items()}
    check_stored(folder, durable, told.tried)
    recover(folder, disk=QuickDisk())
    assert str(recover(folder, disk=QuickDisk())) == "nothing to do"
    check_stored(folder, durable, told.tried)
    try:
        records = RunLog.read(folder)
    except RunFolderError:
        records = []
    ends = [record for record in records if record["kind"] == "end"]
    assert ends[: len(told.ends)] == told.ends
    run = open_store(folder)
    for part in (part for end in ends for part in end["parts"]):
        assert run.rows(part["stream"]) >= part["first"] + part["count"], f"an end without its rows: {part}"


def is_run(folder: Path) -> bool:
    """True if there is a run that had begun: one with a record of what is to be done."""
    try:
        return any(record["kind"] == "run" for record in RunLog.read(folder))
    except RunFolderError:
        return False
