"""The beginning of a run folder, which appears whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any

from luggin.errors import RunFolderError
from luggin.platform import Disk, process_id
from luggin.store.faults import naming
from luggin.store.layout import RunFolder
from luggin.store.metadata import Settings, root_document
from luggin.store.published import put


def make_run_folder(run: RunFolder, attributes: Mapping[str, Any], settings: Settings, disk: Disk) -> None:
    """Make a run folder with an empty store. Raises `RunFolderError` if there is something already."""
    if run.path.exists():
        raise RunFolderError(f"{run.path} exists already; a run never writes over another: choose a new folder")
    parent = run.path.parent
    draft = RunFolder(parent / f".{run.path.name}.{process_id()}.new")
    with naming(run.path):
        parent.mkdir(parents=True, exist_ok=True)
        try:
            for folder in (draft.path, draft.journal, draft.data):
                disk.make_directory(folder)
            put(disk, draft.journal, draft.root, json.dumps(root_document(attributes, settings, {})).encode())
            for folder in (draft.data, draft.path):
                disk.sync_directory(folder)
            disk.rename(draft.path, run.path)
        except OSError:
            shutil.rmtree(draft.path, ignore_errors=True)
            raise
        disk.sync_directory(parent)
