"""Fixed exchanges over a line as plain data, so that a process that knows no driver can do them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """One write with the answer it should get, as plain data that another process can replay.

    ``pause`` is waited out before sending (s): some instruments do not listen for a moment after they
    refused something. ``expect`` is a regular expression over all bytes that arrive until it matches
    or ``timeout`` (s) is over. ``required`` False: go on without it.
    """

    send: bytes
    expect: str = ""
    timeout: float = 2.0
    required: bool = True
    verifies: bool = False
    pause: float = 0.0
