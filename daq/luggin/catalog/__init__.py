"""Keeping track of runs: which there are, what each is about, and foreign files taken in as runs."""

from luggin.catalog.database import Found, Query, find_runs, resolve_run
from luggin.catalog.entries import OUTCOMES, Entry, read_entry
from luggin.catalog.importing import Origin, import_tables
from luggin.catalog.summary import summary_of

__all__ = [
    "find_runs",
    "Found",
    "Query",
    "resolve_run",
    "Entry",
    "read_entry",
    "OUTCOMES",
    "summary_of",
    "import_tables",
    "Origin",
]
