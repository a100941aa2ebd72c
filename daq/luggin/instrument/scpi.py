"""Instruments that speak SCPI: identity, error queue, completion, and the way back after a missed answer."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from typing import ClassVar, NamedTuple

from luggin.clock import Cancel, Clock
from luggin.errors import BadReply, InstrumentFault, NotSupported, ReplyTimeout
from luggin.instrument.base import Instrument
from luggin.instrument.declarations import reading
from luggin.instrument.ieee488 import EventStatus, StatusByte
from luggin.transport import Transport
from luggin.transport.base import LONGEST_BLOCK

log = logging.getLogger(__name__)

#: The number that SCPI sends for infinity (SCPI-99 volume 1, 7.2.1.4); not a number is 9.91e37.
OVERFLOW = 9.9e37
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_ERROR = re.compile(r'\s*([+-]?\d+)\s*,\s*"?(.*?)"?\s*', re.ASCII)
_MOST_ERRORS = 100
_IDENTIFY = "*IDN?"


class ScpiError(NamedTuple):
    """One entry of the error queue."""

    code: int
    message: str

    def __str__(self) -> str:
        return f'{self.code}, "{self.message}"'

    @classmethod
    def parse(cls, text: str) -> ScpiError:
        """``-113,"Undefined header"``; ValueError for anything else."""
        found = _ERROR.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not an entry of an error queue")
        return cls(int(found[1]), found[2])


class Identification(NamedTuple):
    """The answer to ``*IDN?``, in parts; ``raw`` as it came."""

    maker: str
    model: str
    serial: str
    firmware: str
    raw: str

    @classmethod
    def parse(cls, text: str) -> Identification:
        """Four fields between commas; missing ones are empty. ValueError if this is no identification."""
        if not _identifies(text):
            raise ValueError(f"{text!r} does not say who answers")
        maker, model, serial, firmware = [*(part.strip() for part in text.split(",", 3)), "", ""][:4]
        return cls(maker, model, serial, firmware, text)


def number(text: str) -> float:
    """A number as SCPI sends it; overflow and not-a-number are NaN (ask `is_overflow` which).

    ValueError for everything else, also for a number with a unit behind it.

    Example:
        >>> number("-1.25E-06"), number("+9.9E37")
        (-1.25e-06, nan)
    """
    if _NUMBER.fullmatch(text.strip()) is None:
        raise ValueError(f"{text!r} is not a number")
    value = float(text)
    return value if abs(value) < OVERFLOW else math.nan


def numbers(text: str) -> list[float]:
    """Numbers between commas, each as `number`."""
    return [number(part) for part in text.split(",")]


def is_overflow(text: str) -> bool:
    """True if the instrument says that the reading is outside its range (9.9e37, either sign)."""
    return _NUMBER.fullmatch(text.strip()) is not None and abs(float(text)) >= OVERFLOW


class ScpiInstrument(Instrument):
    """Base of drivers that speak SCPI over any line."""

    #: What asks for the oldest entry of the error queue.
    _error_query: ClassVar[str] = "SYST:ERR?"
    #: How often `resynchronise` asks who is there.
    _attempts: ClassVar[int] = 3

    identity = reading(_IDENTIFY, unit="", decode=Identification.parse, doc="Who answers (IEEE 488.2, 10.14).")

    def __init__(self, transport: Transport, clock: Clock, name: str = "instrument") -> None:
        super().__init__(transport, clock, name)
        self._known = b""
        self._asked = ""
        self._stale_errors = False

    # -- errors
    def errors(self) -> list[ScpiError]:
        """Empty the error queue: its entries, oldest first. At most a hundred are taken.

        Raises:
            BadReply: the answer is not an entry of an error queue.
        """
        found: list[ScpiError] = []
        with self.transport.lock:
            while len(found) < _MOST_ERRORS:
                reply = self.query(self._error_query)
                try:
                    entry = ScpiError.parse(reply.decode("ascii"))
                except ValueError as error:
                    raise BadReply(f"{self.name}: {self._error_query} was answered with {reply!r}", reply) from error
                if entry.code == 0:
                    break
                found.append(entry)
            self._stale_errors = False
        return found

    def checked(self, command: str) -> None:
        """Send a command that has no answer, and ask whether the instrument took it.

        Raises:
            InstrumentFault: it did not; the message has the command and what the instrument says.
        """
        with self.transport.lock:
            if self.transport.suspect:
                self.resynchronise()
            self._forget_stale_errors()
            self.command(command)
            entries = self.errors()
        if entries:
            raise self._fault(f"{command!r} was not accepted", entries)

    # -- status
    def status_byte(self) -> StatusByte:
        """The status byte: by serial poll where the line has one, else by ``*STB?``."""
        try:
            return StatusByte(self.transport.read_stb())
        except NotSupported:
            return StatusByte(self._integer("*STB?"))

    def event_status(self) -> EventStatus:
        """The standard event status register. Reading it clears it."""
        return EventStatus(self._integer("*ESR?"))

    def wait_for_completion(self, timeout: float, *, interval: float = 0.05, cancel: Cancel | None = None) -> bool:
        """Wait until everything that was commanded is done. False if ``cancel`` was set before.

        Asks short questions, so an abort gets between them. The register is read, that is, cleared.

        Args:
            timeout: longest wait (lab s).
            interval: between two questions (lab s).
            cancel: ends the wait.

        Raises:
            ReplyTimeout: not done in time, or the instrument does not answer at all.
            InstrumentFault: the instrument reports an error meanwhile.
        """
        until = self.clock.now() + timeout
        self._forget_stale_errors()
        if self.event_status().errors and (entries := self.errors()):  # an empty queue: they were reported already
            raise self._fault("before the wait for completion", entries)
        self.command("*OPC")
        while True:
            events = self.event_status()
            if events.errors:
                raise self._fault(f"{events.errors!r} while waiting for completion", self.errors())
            if events & EventStatus.OPERATION_COMPLETE:
                return True
            if self.clock.now() >= until:
                raise ReplyTimeout(f"{self.name}: not done within {timeout:g} s")
            cancels = () if cancel is None else (cancel,)
            if not self.clock.wait_until(min(until, self.clock.now() + interval), *cancels):
                return False

    # -- blocks
    def query_block(self, command: str, timeout: float | None = None, longest: int = LONGEST_BLOCK) -> bytes:
        """Ask for binary data; the bytes of the block (`luggin.instrument.ieee488.floats` decodes them)."""
        with self.transport.lock:
            if self.transport.suspect:
                self.resynchronise()
            self._asked = command
            self.transport.write(command.encode("ascii") + self.transport.terminator)
            return self.transport.read_block(timeout, longest)

    # -- the way back
    def resynchronise(self) -> None:
        """Clear the line and ask who is there until the one answers that answered before.

        Answers come in the order of the questions: what comes before that answer was late. Where more
        than one such answer may still come, a question of another kind is asked after them.

        Raises:
            ReplyTimeout: nobody answers any more.
        """
        line = self.transport
        with line.lock:
            for attempt in range(self._attempts):
                line.clear()
                if self._answered(_IDENTIFY, self._is_known):
                    several = attempt > 0 or _IDENTIFY in self._asked.upper()
                    if several and not self._answered("*STB?", _is_small_integer):
                        continue
                    line.suspect = False
                    self._stale_errors = True
                    return
            line.suspect = True
            raise ReplyTimeout(f"{self.name} ({line.resource}): does not answer {_IDENTIFY} any more")

    def _answered(self, question: str, accept: Callable[[bytes], bool]) -> bool:
        """Ask, and throw away answers until one is accepted; False if none is in time."""
        line = self.transport
        line.write(question.encode("ascii") + line.terminator)
        until = self.clock.now() + line.timeout
        while True:
            try:
                reply = line.read_line(max(0.0, until - self.clock.now()))
            except ReplyTimeout:
                return False
            if reply is not None and accept(reply):
                return True
            log.warning("%s: thrown away after a missed answer: %r", self.name, reply)

    def _is_known(self, reply: bytes) -> bool:
        if self._known:
            return reply.strip() == self._known
        return _identifies(reply.decode("latin-1"))

    def _exchange(self, command: str) -> bytes:
        self._asked = command
        reply = super()._exchange(command)
        if command.strip().upper() == _IDENTIFY and not self._known and _identifies(reply.decode("latin-1")):
            self._known = reply.strip()
        return reply

    def _forget_stale_errors(self) -> None:
        """Errors that a missed answer has left behind are no fault of the next command."""
        if self._stale_errors:
            for error in self.errors():
                log.warning("%s: left over from before a missed answer: %s", self.name, error)

    def _fault(self, what: str, entries: list[ScpiError]) -> InstrumentFault:
        said = "; ".join(map(str, entries)) or "no entry in the error queue"
        return InstrumentFault(f"{self.name}: {what}: {said}", str(entries[0].code) if entries else "")

    def _integer(self, command: str) -> int:
        reply = self.query(command)
        if not _is_small_integer(reply):
            raise BadReply(f"{self.name}: {command} was answered with {reply!r}", reply)
        return int(reply)


def _identifies(text: str) -> bool:
    """True for words between commas that are no list of readings."""
    maker, comma, _ = text.partition(",")
    return bool(comma and maker.strip()) and _NUMBER.fullmatch(maker.strip()) is None


def _is_small_integer(reply: bytes) -> bool:
    text = reply.strip().removeprefix(b"+")
    return text.isdigit() and len(text) <= 3 and int(text) < 256
