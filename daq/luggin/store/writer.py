"""Writing a run: every frame into the journal at once, whole chunks into the store behind it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from luggin.errors import StoreError, StoreFull
from luggin.platform import DISK, Disk
from luggin.records import Frame, Schema
from luggin.store._threads import SYNCER, HostClock, PublisherThread
from luggin.store.faults import store_error
from luggin.store.framing import MAX_PAYLOAD
from luggin.store.journal import Journal, remove_segments
from luggin.store.layout import RunFolder, check_schema
from luggin.store.lock import RunLock
from luggin.store.metadata import Settings, own_attributes
from luggin.store.packing import pack
from luggin.store.published import Published, verify
from luggin.store.recover import Recovery, recover_locked
from luggin.store.reserve import give_reserve, keep_reserve
from luggin.store.skeleton import make_run_folder
from luggin.store.sources import LiveStream, continued, rows_on_disk
from luggin.store.window import Window

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class StoreWriter:
    """The one writer of a run.

    `append` acknowledges: what it returned for survives the death of this process. `sync` makes
    durable: it survives a power cut. A thread of its own makes durable what is older than
    ``sync_interval``, another publishes for readers; when one of them fails, the writer stops
    acknowledging (``failure``), because nothing may be promised on a disk that has failed.
    """

    def __init__(
        self, run: RunFolder, host_clock: HostClock, disk: Disk, lock: RunLock, published: Published, recovery: Recovery
    ) -> None:
        """Not to be called: use `create` or `resume`."""
        self.recovery = recovery
        self.failure: StoreError | None = None
        self._run = run
        self._disk = disk
        self._lock = lock
        self._published = published
        self._durable = published.settings.durable
        self._attributes = dict(published.attributes)
        self._attributes_changed = False
        self._closed = False
        #: Called by the syncer's thread each ``sync_interval`` (s of host time), for what else has to be looked at.
        self.at_sync: Callable[[], None] | None = None
        self._publish_lock = threading.Lock()
        keep_reserve(run, disk)
        self._journal = self._begin_journal()
        settings = published.settings
        self._publisher = PublisherThread(
            host_clock, settings.publish_interval, settings.sync_interval, self._publish_behind
        )
        self._publisher.start()
        SYNCER.add(self, settings.sync_interval, self._sync_behind)

    @classmethod
    def create(
        cls,
        folder: Path,
        attributes: Mapping[str, Any],
        *,
        host_clock: HostClock,
        durable: bool = True,
        sync_interval: float = 1.0,
        publish_interval: float = 10.0,
        chunk_rows: int = 16384,
        disk: Disk = DISK,
    ) -> Self:
        """Make a new run folder, in one step, and write to it. It opens in xarray at once.

        Intervals are in seconds of host time. ``durable=False`` is for runs in virtual time: their
        step ends do not wait for the disk; the timer still syncs. Raises `RunFolderError` if the
        folder exists.
        """
        settings = Settings(durable, sync_interval, publish_interval, chunk_rows)
        make_run_folder(RunFolder(folder), own_attributes(attributes), settings, disk)
        return cls.resume(folder, host_clock=host_clock, disk=disk)

    @classmethod
    def resume(cls, folder: Path, *, host_clock: HostClock, disk: Disk = DISK) -> Self:
        """Take a run over where its last writer ended, however that ended; ``recovery`` says what was done."""
        run = RunFolder(folder)
        run.require()
        lock = RunLock(run)
        lock.acquire()
        try:
            recovery = recover_locked(run, disk)
            return cls(run, host_clock, disk, lock, Published.load(run, disk), recovery)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the acquisition side -------------------------------------------------------------------

    def append(self, frame: Frame, *, last: bool = False) -> int:
        """Acknowledge a frame and return the number of its first row.

        Raises the writer's ``failure`` if there is one. After `StoreFull`, ``last=True`` still
        writes into the space that was kept for the rows that say why the run stops.
        """
        if self.failure is not None and not (last and isinstance(self.failure, StoreFull)):
            raise self.failure
        stream = self._streams.get(frame.schema.stream)
        if stream is None or stream.schema is not frame.schema:
            stream = self._admit(frame.schema)
        payload = pack(frame)
        journal = stream.journal
        with self._journal.lock:
            first = journal.rows
            if not payload:
                return first
            if len(payload) <= MAX_PAYLOAD:
                full = self._write(stream, payload, len(frame))
            else:
                step = MAX_PAYLOAD // journal.row_size * journal.row_size
                full = False
                for begin in range(0, len(payload), step):
                    part = payload[begin : begin + step]
                    full |= self._write(stream, part, len(part) // journal.row_size)
        if full:
            self._publisher.chunk_full()
        return first

    def rows(self, stream: str) -> int:
        """Acknowledged rows of a stream; 0 for one that has not begun."""
        known = self._streams.get(stream)
        return known.journal.rows if known else 0

    def sync(self) -> None:
        """Make durable what was acknowledged (in a run that is not ``durable``: leave it to the timer)."""
        self._raise_failure()
        if self._durable:
            self.sync_now()

    def sync_now(self) -> None:
        """Make durable what was acknowledged, in every run."""
        self._raise_failure()
        try:
            self._journal.sync()
        except StoreError as error:
            # A second fsync after a failed one says nothing about the pages that were lost: never retried.
            self._fail(error)
            raise

    def publish(self, wait: bool = False) -> None:
        """Ask for all rows to be published; with ``wait``, return when they are committed."""
        self._raise_failure()
        if wait:
            self._publish_now(partial=True)
        else:
            self._publisher.ask()

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What `set_attributes` has merged so far."""
        return dict(self._attributes)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Merge attributes into those of the store; they show with the next commit."""
        own = own_attributes(attributes)
        with self._journal.lock:
            self._attributes.update(own)
            self._attributes_changed = True

    def held_bytes(self) -> int:
        """Bytes of rows held in memory, of all streams."""
        with self._journal.lock:
            return sum(stream.window.held_bytes() for stream in self._streams.values())

    def close(self) -> None:
        """Publish everything, verify the store against the journal, drop the journal, give the lock back.

        Raises what prevented it; then the journal stays, and `resume` or `recover` finds everything.
        """
        if self._closed:
            return
        try:
            self._stop_threads()
            if self.failure is not None and not isinstance(self.failure, StoreFull):
                raise self.failure
            self._publish_now(partial=True)
            verify(self._run, self._published.streams)
            self._journal.close()
            remove_segments(self._run, self._disk)
            give_reserve(self._run, self._disk)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of threads, files and lock, and nothing else: what the death of the process does."""
        if not self._closed:
            self._closed = True
            self.failure = self.failure or StoreError(f"{self._run.path}: this writer is closed; resume the run")
            self._stop_threads()
            self._journal.close()
            self._lock.release()

    # -- inside ---------------------------------------------------------------------------------

    def _begin_journal(self) -> Journal:
        """A new journal that goes on where the published rows end."""
        try:
            journal = Journal(self._run, self._disk, self.recovery.next_segment)
        except OSError as error:
            raise store_error(error, self._run.journal) from error
        try:
            self._streams = continued(self._run, journal, self._published)
        except BaseException as error:
            journal.close()
            if isinstance(error, OSError):
                raise store_error(error, self._run.journal) from error
            raise
        return journal

    def _admit(self, schema: Schema) -> LiveStream:
        """The stream of a schema: a new one, or the one that began with the same columns."""
        known = self._streams.get(schema.stream)
        if known is not None:
            if known.schema.layout != schema.layout:
                raise StoreError(
                    f"stream {schema.stream!r} began with the columns {_describe(known.schema)} and cannot go on with "
                    f"{_describe(schema)}; give the new columns a stream of their own"
                )
            known.schema = schema
            return known
        check_schema(schema)
        with self._journal.lock:
            journal = self._with_reserve(lambda: self._journal.add_stream(schema, 0))
            window = Window(self._published.settings.chunk_rows, journal.row_size)
            self._streams[schema.stream] = stream = LiveStream(journal, window)
        return stream

    def _write(self, stream: LiveStream, payload: bytes, count: int) -> bool:
        """Write one record; the lock is held. True if a chunk became full."""
        self._with_reserve(lambda: self._journal.write_rows(stream.journal, payload, count))
        return stream.window.extend(payload)

    def _with_reserve(self, write: Callable[[], T]) -> T:
        """Write into the journal; on a full disk once more, into the space kept for that."""
        try:
            return write()
        except OSError as error:
            problem = store_error(error, self._run.journal)
            self._fail(problem)
            if not isinstance(problem, StoreFull) or not give_reserve(self._run, self._disk):
                raise problem from error
        try:
            return write()
        except OSError as error:
            raise store_error(error, self._run.journal) from error

    def _publish_now(self, partial: bool) -> None:
        """Commit all rows, or with ``partial`` False those of full chunks. One thread at a time."""
        with self._publish_lock:
            committed = self._published.committed()
            with self._journal.lock:
                stops = {}
                for name, stream in self._streams.items():
                    rows, chunk_rows = stream.journal.rows, stream.window.chunk_rows
                    stop = rows if partial else rows // chunk_rows * chunk_rows
                    if stop > committed.get(name, 0):
                        stops[name] = (stream.schema, stop)
                attributes = dict(self._attributes)
            if not stops and attributes == self._published.attributes:
                return
            try:
                self._published.publish(stops, self._chunk_rows, attributes)
                self._journal.drop_committed(self._published.committed())
            except StoreError as error:
                self._fail(error)
                raise

    def _chunk_rows(self, name: str, first: int, stop: int) -> bytes | bytearray:
        """Packed rows of one chunk: from memory, or where it was outrun from the journal."""
        stream = self._streams[name]
        with self._journal.lock:
            held = stream.window.rows(first, stop)
        if held is not None:
            return held
        journal, published = stream.journal, self._published.streams.get(name)
        return rows_on_disk(self._run, published, journal.index, journal.number, journal.row_size, first, stop)

    def _publish_behind(self, partial: bool) -> None:
        """What the publisher's thread calls."""
        if self.failure is None:
            try:
                self._publish_now(partial)
            except StoreError:
                _LOG.error("publishing of %s failed: %s", self._run.path, self.failure)
            except Exception as error:  # noqa: BLE001
                # A mistake of ours must stop the run as a broken disk does, not end a thread in silence.
                _LOG.exception("publishing of %s failed", self._run.path)
                self._fail(StoreError(f"{self._run.path}: publishing failed ({error!r}); the journal has every row"))

    def _sync_behind(self) -> None:
        """What the syncer's thread calls. Nothing may come out: the thread syncs the other runs as well."""
        try:
            if self.failure is None or isinstance(self.failure, StoreFull):
                self._journal.sync()
            if self.at_sync is not None:
                self.at_sync()
        except StoreError as error:
            self._fail(error)
            _LOG.error("syncing of %s failed: %s", self._run.path, error)
        except Exception as error:  # noqa: BLE001
            _LOG.exception("syncing of %s failed", self._run.path)
            self._fail(StoreError(f"{self._run.path}: syncing failed ({error!r}); what was synced before is kept"))

    def _fail(self, error: StoreError) -> None:
        """Remember the first failure; one that forbids every promise displaces a full disk."""
        if self.failure is None or (isinstance(self.failure, StoreFull) and not isinstance(error, StoreFull)):
            self.failure = error

    def _raise_failure(self) -> None:
        if self.failure is not None and not isinstance(self.failure, StoreFull):
            raise self.failure

    def _stop_threads(self) -> None:
        SYNCER.remove(self)
        self._publisher.stop()


def _describe(schema: Schema) -> str:
    return ", ".join(f"{c.name} ({c.unit}, {c.kind})" for c in schema.columns)
