"""The syncer and the publisher: when they work, that they end, and that a failure is heard of."""

from __future__ import annotations

import errno
import logging
import os
import threading

import pytest

from luggin.errors import StoreError, StoreFull
from luggin.store import open_store
from luggin.store._threads import SYNCER, PublisherThread, Syncer

_LONG = 3600.0
_SOON = 1e-3


class Publications:
    """Counts what a publisher is told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self._come = threading.Condition()

    def __call__(self, partial: bool) -> None:
        with self._come:
            self.told.append(partial)
            self._come.notify_all()

    def wait_for(self, count: int) -> list[bool]:
        with self._come:
            assert self._come.wait_for(lambda: len(self.told) >= count, 30)
            return self.told[:count]


@pytest.fixture
def publisher(clock):
    made = []

    def make(interval, pause):
        publications = Publications()
        thread = PublisherThread(clock, interval, pause, publications)
        thread.start()
        made.append(thread)
        return thread, publications

    yield make
    for thread in made:
        thread.stop()


def test_a_full_chunk_is_published_at_once_without_the_rest(publisher):
    thread, publications = publisher(_LONG, _LONG)
    thread.chunk_full()
    assert publications.wait_for(1) == [False]


def test_a_request_is_served_after_the_pause_with_everything(publisher):
    thread, publications = publisher(_LONG, _SOON)
    thread.ask()
    assert publications.wait_for(1) == [True]


def test_a_request_does_not_wait_behind_full_chunks(publisher, clock):
    thread, publications = publisher(_LONG, 10.0)
    clock.time = 11.0
    with thread._changed:  # both before the thread looks
        thread._asked = thread._chunk_full = True
        thread._changed.notify()
    assert publications.wait_for(1) == [True]


def test_the_timer_publishes_everything(publisher):
    _, publications = publisher(_SOON, _SOON)
    assert publications.wait_for(2) == [True, True]


def test_stopping_ends_the_thread_whatever_it_waits_for(publisher):
    thread, _ = publisher(_LONG, _LONG)
    thread.ask()
    thread.stop()
    assert not thread._thread.is_alive()
    thread.stop()


def test_the_syncer_lives_as_long_as_there_is_a_journal():
    syncer = Syncer()
    assert not syncer.running
    synced = threading.Semaphore(0)
    syncer.add("a", _SOON, synced.release)
    syncer.add("b", _LONG, lambda: None)
    thread = syncer._thread
    for _ in range(3):
        assert synced.acquire(timeout=30)
    syncer.remove("a")
    assert syncer.running
    syncer.remove("b")
    thread.join(30)
    assert not syncer.running
    syncer.add("c", _SOON, synced.release)
    assert syncer.running
    syncer.remove("c")


def test_one_syncer_serves_all_runs_of_the_process_and_ends_with_the_last(start, lab):
    writers = [start(str(n), behind=True, sync_interval=_SOON) for n in range(3)]
    thread = SYNCER._thread
    assert sum(t.name == "luggin-syncer" for t in threading.enumerate()) == 1
    for writer in writers:
        writer.append(lab.block(lab.CV, 0, 5))
    for writer in writers:
        writer.close()
    thread.join(30)
    assert not SYNCER.running
    assert not [t for t in threading.enumerate() if t.name == "luggin-publisher"]


def test_rows_become_durable_and_visible_by_the_timers_alone(start, lab, tmp_path):
    writer = start(behind=True, sync_interval=_SOON, publish_interval=_SOON)
    writer.append(lab.block(lab.CV, 0, 5))
    waiting = threading.Event()
    for _ in range(3000):
        if not writer._journal.dirty and open_store(tmp_path / "run").committed("cv") == 5:
            break
        waiting.wait(0.01)
    else:
        pytest.fail("30 s and nothing was published")
    assert lab.check_xarray(tmp_path / "run") == {"cv": 5}


def test_a_failure_of_the_publisher_reaches_the_next_append(start, lab, tmp_path, caplog):
    class Full(lab.QuickDisk):
        full = False

        def replace(self, source, target):
            if self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().replace(source, target)

    disk = Full()
    writer = start(disk=disk)
    writer.append(lab.block(lab.CV, 0, 5))
    disk.full = True
    with caplog.at_level(logging.ERROR):
        writer._publish_behind(True)
    assert isinstance(writer.failure, StoreFull)
    assert "publishing of" in caplog.text
    with pytest.raises(StoreFull):
        writer.append(lab.block(lab.CV, 5, 6))
    lab.check(tmp_path / "run", {"cv": 5}, {"cv": 5})


def test_a_mistake_in_the_publisher_is_not_swallowed(start, lab, monkeypatch, caplog):
    writer = start()
    writer.append(lab.block(lab.CV, 0, 5))
    monkeypatch.setattr(writer._published, "publish", lambda *_: 1 / 0)
    writer._publish_behind(True)
    assert "ZeroDivisionError" in caplog.text
    with pytest.raises(StoreError, match="the journal has every row"):
        writer.append(lab.block(lab.CV, 5, 6))


def test_a_failure_of_the_syncer_reaches_the_next_append(start, lab, caplog):
    class Broken(lab.QuickDisk):
        broken = False

        def sync(self, fd):
            if self.broken:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk = Broken()
    writer = start(disk=disk)
    writer.append(lab.block(lab.CV, 0, 5))
    disk.broken = True
    writer._sync_behind()
    assert "syncing of" in caplog.text
    with pytest.raises(StoreError, match="Input/output"):
        writer.append(lab.block(lab.CV, 5, 6))
    disk.broken = False
    writer._sync_behind()  # fail-stop: the syncer does not try again
    assert writer._journal.dirty is False
    with pytest.raises(StoreError, match="Input/output"):
        writer.sync()


def test_a_slow_sync_does_not_hold_up_an_append(start, lab):
    class Slow(lab.QuickDisk):
        def __init__(self) -> None:
            self.slow = False
            self.begun, self.go_on = threading.Event(), threading.Event()

        def sync(self, fd):
            if self.slow:
                self.begun.set()
                assert self.go_on.wait(30)

    disk = Slow()
    writer = start(disk=disk)
    writer.append(lab.block(lab.CV, 0, 5))
    disk.slow = True
    thread = threading.Thread(target=writer.sync)
    thread.start()
    assert disk.begun.wait(30)
    assert writer.append(lab.block(lab.CV, 5, 9)) == 5
    assert thread.is_alive()
    disk.go_on.set()
    thread.join(30)
    disk.slow = False
    assert writer._journal.dirty  # what came while it synced is not yet durable
    writer.sync()
    assert not writer._journal.dirty
