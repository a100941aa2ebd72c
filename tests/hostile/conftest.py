"""A run folder that is right, for tests that make it wrong."""

import itertools
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from failing_disks import QuickDisk

from luggin.records import CURRENT, POTENTIAL, TIME, Frame, Schema
from luggin.store import RunLog, StoreWriter

CV = Schema("cv", (TIME, POTENTIAL, CURRENT))
CHUNK_ROWS = 8


class StillClock:
    def now(self):
        return 0.0


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """A run with 20 published rows and 3 in the journal, cut off: nobody writes it."""
    folder = tmp_path_factory.mktemp("sound") / "run"
    writer = StoreWriter.create(
        folder,
        {"title": "t"},
        host_clock=StillClock(),
        disk=QuickDisk(),
        chunk_rows=CHUNK_ROWS,
        sync_interval=3600.0,
        publish_interval=3600.0,
    )
    for k in range(23):
        writer.append(Frame(CV, 0.0, rows=[(float(k), 0.1, -1e-6)]))
        if k == 19:
            writer.publish(wait=True)
    writer.sync_now()
    with RunLog.create(folder, disk=QuickDisk()) as log:
        log.append({"kind": "run", "time": 0.0, "title": "t"}, sync=True)
        log.append({"kind": "start", "path": "1", "step": 1})
    writer.abandon()
    return folder


@pytest.fixture
def victim(sound, tmp_path):
    """Makes copies of the sound run, one for each way in which it is to be spoilt."""
    numbers = itertools.count()

    def copy():
        return shutil.copytree(sound, tmp_path / f"victim-{next(numbers)}")

    return copy


@pytest.fixture(scope="session")
def quick_disk():
    return QuickDisk()


@pytest.fixture(scope="session")
def still_clock():
    return StillClock()


@pytest.fixture
def scratch_copy(sound, tmp_path):
    """The same copy again and again, put right each time."""

    def copy():
        folder = tmp_path / "scratch"
        shutil.rmtree(folder, ignore_errors=True)
        return shutil.copytree(sound, folder)

    return copy
