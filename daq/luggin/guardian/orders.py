"""What the guardian is told, as plain JSON: once its orders, then one word after the other.

Every message is one line of JSON::

    {"orders": {"folder": ..., "runner": 4711, "lines": [...], ...}}     the first message
    {"beat": 17}                     the runner lives, and every worker that holds a cell makes progress
    {"arm": "cell"}                  from now on the cell of this role may be on
    {"disarm": "cell"}               it was verified to be off
    {"stuck": "cell: ..."}           a worker makes no progress: kill this process and make safe
    {"take over": "cell: ..."}       the run is over, but not everything could be verified: go on trying
    {"bye": true}                    the run is over and everything is safe

The guardian answers ``{"ready": pid}`` to the orders (or ``{"refused": why}``), and each beat with
the same beat. The end of the pipe without ``bye`` means that the runner has died.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from luggin.errors import UsageError
from luggin.transport.dialogue import Exchange

Message = dict[str, Any]


@dataclass(frozen=True)
class GuardedLine:
    """One line that the guardian makes safe when the runner cannot.

    Attributes:
        role: on the bench.
        resource: what `luggin.transport.open_line` opens.
        owned_as: the name under which the line has an owner (`luggin.transport.LineOwnership`).
        settings: keyword settings for `luggin.transport.open_line`: bytes, text, numbers, true or false.
        dialogue: the exchanges that make it safe.
        modules: what opening it will load.
        leave_running: what runs on it is meant to go on without the computer.
    """

    role: str
    resource: str
    owned_as: str
    settings: Mapping[str, Any]
    dialogue: tuple[Exchange, ...]
    modules: tuple[str, ...] = ()
    leave_running: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data.

        Raises:
            UsageError: a setting of the line is an object that no other process can be told.
        """
        return {
            **vars(self),
            "settings": {name: _plain(f"{self.role}: line setting {name}", v) for name, v in self.settings.items()},
            "dialogue": [{**asdict(exchange), "send": exchange.send.decode("latin-1")} for exchange in self.dialogue],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GuardedLine:
        """The line of `to_json`."""
        settings = {name: _restored(value) for name, value in data["settings"].items()}
        dialogue = tuple(Exchange(**{**e, "send": e["send"].encode("latin-1")}) for e in data["dialogue"])
        return cls(**{**data, "settings": settings, "dialogue": dialogue, "modules": tuple(data["modules"])})


@dataclass(frozen=True)
class Orders:
    """What the guardian is there for.

    Attributes:
        folder: the run folder, absolute.
        runner: number of the process that it watches, which is its parent.
        user: who runs it, for others who want the same line.
        lines: what it makes safe.
        speed: lab seconds per second (1 but for simulated benches).
        silence: so long (host s) may the runner say nothing while a line is armed.
        patience: so long (host s) a line that does not open is tried again.
    """

    folder: str
    runner: int
    user: str
    lines: tuple[GuardedLine, ...]
    speed: float = 1.0
    silence: float = 1.0
    patience: float = 86400.0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "lines": [line.to_json() for line in self.lines]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Orders:
        """The orders of `to_json`."""
        return cls(**{**data, "lines": tuple(GuardedLine.from_json(line) for line in data["lines"])})


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as the line that goes over the pipe."""
    return json.dumps(message).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line.

    Raises:
        ValueError: it is none.
    """
    message = json.loads(line)
    if not isinstance(message, dict) or len(message) != 1:
        raise ValueError(f"{line[:80]!r} is no message")
    return message


def _plain(what: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise UsageError(f"{what} is {value!r}, which the guardian cannot be told: it takes text, numbers and bytes")


def _restored(value: Any) -> Any:
    return value["bytes"].encode("latin-1") if isinstance(value, dict) else value
