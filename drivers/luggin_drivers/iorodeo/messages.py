"""What goes over the line: one JSON object in each direction, and which kind a line is.

A line with ``success`` is a reply, one with ``t`` a sample, and an empty object says that a test is over. Replies may
stand between samples, and an empty object may come although no test ran.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from luggin.errors import BadReply, InstrumentFault
from luggin_drivers.iorodeo.tables import LOST_LENGTH

END_OF_MESSAGE = b"\n"


class Sample(NamedTuple):
    """One sample.

    Time since the start (ms), potential (V), current (uA), whether the current is at the end of its range, and
    the channel of the multiplexer (0: none).
    """

    time: int
    potential: float
    current: float
    at_the_end: bool
    channel: int


class Reply(NamedTuple):
    """An answer: which command it answers (empty if it does not say), what it says, and why not."""

    command: str
    response: Mapping[str, Any]
    refusal: str


class EndOfTest:
    """An empty object: a test is over, or there was none."""


Line = Sample | Reply | EndOfTest


def written(command: str, **arguments: Any) -> str:
    """A command as text.

    >>> written("setVolt", v=0.5)
    '{"command":"setVolt","v":0.5}'
    """
    return json.dumps({"command": command, **arguments}, separators=(",", ":"))


def padded(message: str) -> bytes:
    """The bytes of a message with its end, one blank longer if the board would lose it.

    A message that fills packets of 64 bytes to the last one is not delivered by boards with a SAMD51; blanks
    before an object mean nothing.
    """
    data = message.encode("ascii") + END_OF_MESSAGE
    return b" " + data if len(data) % LOST_LENGTH == 0 else data


def classified(line: bytes, name: str) -> Line:
    """What a line is.

    Raises:
        BadReply: none of the three.
    """
    try:
        content = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise BadReply(f"{name}: {line!r} is no JSON", line) from error
    if isinstance(content, dict):
        if not content:
            return EndOfTest()
        if "success" in content:
            return _reply(content, line, name)
        if "t" in content:
            return _sample(content, line, name)
    raise BadReply(f"{name}: {line!r} is neither an answer nor a sample", line)


def _reply(content: Mapping[str, Any], line: bytes, name: str) -> Reply:
    response = content.get("response")
    success, refusal = content["success"], str(content.get("message", ""))
    if not isinstance(success, bool) or not isinstance(response, dict):
        raise BadReply(f"{name}: {line!r} is not how an answer looks", line)
    return Reply(str(response.get("command", "")).strip(), response, "" if success else refusal or "no reason given")


def _sample(content: Mapping[str, Any], line: bytes, name: str) -> Sample:
    time, potential, current = (content.get(key) for key in ("t", "v", "i"))
    if not _is_number(potential) or not _is_number(current) or type(time) is not int:
        raise BadReply(f"{name}: {line!r} is not how a sample looks", line)
    return Sample(time, float(potential), float(current), content.get("le") is True, content.get("n", 0))  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_of(key: str, kind: Callable[[Any], Any]) -> Callable[[str], Any]:
    """Decoder of one value of a reply."""

    def decode(line: str) -> Any:
        reply = classified(line.encode("ascii"), key)
        if not isinstance(reply, Reply) or reply.refusal or key not in reply.response:
            raise ValueError(f"{line!r} has no {key}")
        return kind(reply.response[key])

    return decode


def number(value: Any) -> float:
    """A number; ValueError for what only looks like one."""
    if not _is_number(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def refused(name: str, asked: str, reply: Reply) -> InstrumentFault:
    """The error of a command that was not obeyed."""
    return InstrumentFault(f"{name}: {asked} was refused: {reply.refusal}")
