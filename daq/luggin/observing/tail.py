"""The records of a ``run.log`` that is being written, each once, as soon as its line is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from luggin.errors import RunFolderError

_LINE = re.compile(rb'\{"crc32c":"(?P<crc>[0-9a-f]{8})",(?P<body>"durable":.+)\}')
_READ_AT_ONCE = 4 << 20


class LogTail:
    """Reads a ``run.log`` from its beginning and goes on with what is appended.

    Lines that are torn (half written, or cut by a power failure) are left for later: the writer
    completes them, or cuts them off when the run is taken up again.

    Raises:
        RunFolderError: the folder has no ``run.log``, or one of a newer Luggin.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "run.log"
        self._offset = 0
        self._checked = False
        if not self.path.is_file():
            raise RunFolderError(f"{folder}: not a run folder (it has no run.log)")

    def new(self) -> list[dict[str, Any]]:
        """The records that were completed since the last call; none is kept back."""
        records: list[dict[str, Any]] = []
        while found := self._some():
            records += found
        return records

    def _some(self) -> list[dict[str, Any]]:
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(_READ_AT_ONCE)
            while b"\n" not in data and (more := file.read(_READ_AT_ONCE)):
                data += more
        records: list[dict[str, Any]] = []
        for line in data.split(b"\n")[:-1]:
            record = _whole(line)
            if record is None:
                break
            self._offset += len(line) + 1
            records.append(self._known(record))
        return records

    def _known(self, record: dict[str, Any]) -> dict[str, Any]:
        if not self._checked:
            from luggin.store.layout import check_format

            check_format(record, self.path)
            self._checked = True
        return record


def _whole(line: bytes) -> dict[str, Any] | None:
    """The record of a line as `luggin.store.RunLog` writes it; None if the line is not whole."""
    import google_crc32c

    match = _LINE.fullmatch(line)
    if match is None or int(match["crc"], 16) != google_crc32c.value(match["body"]):
        return None
    return dict(json.loads(line)["record"])
