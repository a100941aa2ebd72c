r"""The control records of a run: what was started, ended, read and decided, in order.

One line of JSON per record, never rewritten and never dropped::

    {"crc32c": "9a3f01c2", "durable": 12, "record": {"kind": "end", "path": "3/cycle=12/1"}}

The CRC covers what stands behind it, up to the closing brace. ``durable`` is the number of lines
that were known to be on the medium when this one was written: it tells a tail that a power cut has
torn (cut off when the log is opened) from damage to what was safe (an error).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import google_crc32c

from luggin.errors import RunFolderError, StoreCorrupt, StoreError, StoreFull
from luggin.platform import DISK, Disk
from luggin.store.checked import LARGEST_LOG, read_file
from luggin.store.faults import naming, store_error
from luggin.store.layout import FORMAT, RunFolder, check_format, refuse_links
from luggin.store.reserve import give_reserve

_LINE = re.compile(rb'\{"crc32c":"([0-9a-f]{8})",("durable":(\d{1,18}),"record":(\{.*\}))\}\Z')


class RunLog:
    """The run.log of one run, open for writing. One writer; who writes holds the run's lock."""

    def __init__(self, run: RunFolder, disk: Disk, fd: int, size: int, lines: int) -> None:
        """Not to be called: use `create` or `open`."""
        self._run = run
        self._disk = disk
        self._fd = fd
        self._offset = size
        self._lines = lines
        self._durable = 0
        self._failure: StoreError | None = None

    @classmethod
    def create(cls, folder: Path, *, disk: Disk = DISK) -> Self:
        """Begin the log of a run folder that has none."""
        run = RunFolder(folder)
        with naming(run.log):
            try:
                fd = disk.create(run.log)
            except FileExistsError as error:
                raise RunFolderError(f"{run.log} exists already; open it to go on with that run") from error
        log = cls(run, disk, fd, 0, 0)
        try:
            log.append({"kind": "run.log", "format": FORMAT}, sync=True)
            with naming(run.path):
                disk.sync_directory(run.path)
        except BaseException:
            log.close()
            raise
        return log

    @classmethod
    def open(cls, folder: Path, *, disk: Disk = DISK) -> Self:
        """Go on with an existing log. A torn tail is cut off; what is left is made durable first."""
        run = RunFolder(folder)
        records, whole = _read(run)
        if not records:
            # The power went between making the file and its first line.
            with naming(run.log):
                disk.remove(run.log)
            return cls.create(folder, disk=disk)
        with naming(run.log):
            fd = disk.open(run.log)
        log = cls(run, disk, fd, whole, len(records))
        try:
            with naming(run.log):
                disk.truncate(fd, whole)
            log.sync()
        except BaseException:
            log.close()
            raise
        return log

    @staticmethod
    def read(folder: Path) -> list[dict[str, Any]]:
        """All records of a log, without its header and without a torn tail. Changes nothing."""
        return _read(RunFolder(folder))[0][1:]

    def append(self, record: dict[str, Any], sync: bool = False) -> None:
        """Write one record; with ``sync`` it is on the medium when this returns.

        On a full disk the space kept for last records is used.
        """
        if self._failure is not None:
            raise self._failure
        line = _encode(record, self._durable)
        try:
            self._disk.write_at(self._fd, line, self._offset)
        except OSError as error:
            self._write_again(line, error)
        self._offset += len(line)
        self._lines += 1
        if sync:
            self.sync()

    def sync(self) -> None:
        """Return when everything written is on the medium. A failure is final."""
        if self._failure is not None:
            raise self._failure
        try:
            with naming(self._run.log):
                self._disk.sync(self._fd)
        except StoreError as error:
            self._failure = error
            raise
        self._durable = self._lines

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1
            self._failure = StoreError(f"{self._run.log} is closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_again(self, line: bytes, error: OSError) -> None:
        problem = store_error(error, self._run.log)
        if not isinstance(problem, StoreFull) or not give_reserve(self._run, self._disk):
            raise problem from error
        with naming(self._run.log):
            self._disk.write_at(self._fd, line, self._offset)


def _encode(record: dict[str, Any], durable: int) -> bytes:
    try:
        text = json.dumps(record, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"a control record is plain JSON with finite numbers: {error}") from error
    body = f'"durable":{durable},"record":{text}'.encode()
    return b'{"crc32c":"%08x",%s}\n' % (google_crc32c.value(body), body)


def _decode(line: bytes) -> tuple[dict[str, Any], int] | None:
    """The record and the durable lines that it states; None if the line is not whole. ValueError if it is no record."""
    match = _LINE.match(line)
    if match is None or int(match[1], 16) != google_crc32c.value(match[2]):
        return None
    return json.loads(match[4]), int(match[3])


def _read(run: RunFolder) -> tuple[list[dict[str, Any]], int]:
    """All whole records from the beginning, and the bytes that they take."""
    if not run.log.exists():
        raise RunFolderError(f"{run.path} has no {run.log.name}: it is not the folder of a run that was started")
    refuse_links(run.path, run.log)
    lines = read_file(run.log, LARGEST_LOG).split(b"\n")
    # What stands behind the last line end was never finished.
    decoded = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            decoded.append(_decode(line))
        except (ValueError, RecursionError) as error:
            # Its CRC is right, so no power cut has made it: somebody else has.
            raise StoreCorrupt(
                f"{run.log}: line {number} is no record of Luggin ({type(error).__name__}). Restore the file from a "
                "backup; the measured rows are not touched by this"
            ) from error
    whole = next((i for i, found in enumerate(decoded) if found is None), len(decoded))
    durable = max((found[1] for found in decoded[whole:] if found is not None), default=0)
    if durable > whole:
        raise StoreCorrupt(
            f"{run.log}: line {whole + 1} (byte {sum(len(x) + 1 for x in lines[:whole])}) is damaged, although it was "
            "once safe on this disk. Restore the file from a backup; the measured rows are not touched by this"
        )
    records = [found[0] for found in decoded[:whole] if found is not None]
    if records:
        check_format(records[0], run.log)
    return records, sum(len(line) + 1 for line in lines[:whole])
