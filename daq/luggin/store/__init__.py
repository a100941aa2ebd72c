"""The durable storage of a run: journal, zarr store, control records, recovery and reading."""

from __future__ import annotations

from luggin.store.layout import FORMAT
from luggin.store.lock import is_being_written
from luggin.store.reader import StoredRun, open_store
from luggin.store.recover import Recovery, recover
from luggin.store.runlog import RunLog
from luggin.store.writer import StoreWriter

__all__ = ["StoreWriter", "RunLog", "open_store", "StoredRun", "is_being_written", "recover", "Recovery", "FORMAT"]
