"""The driver: IO Rodeo's Rodeostat.

Tested on hardware: nothing so far. Source: the firmware FW0.1.0 of the maker.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from luggin.capabilities import Capabilities, Exchange, Identity, LimitRequest, Realised, Technique
from luggin.clock import Clock
from luggin.errors import BadReply, LineInUse, ReplyTimeout, UnsafeState, UsageError
from luggin.instrument import Instrument, reading
from luggin.records import Frame
from luggin.transport import Transport
from luggin.transport.dialogue import perform
from luggin_drivers.iorodeo.capabilities import capabilities
from luggin_drivers.iorodeo.identity import require_polarity, require_variant, stranger
from luggin_drivers.iorodeo.messages import (
    END_OF_MESSAGE,
    Reply,
    classified,
    number,
    padded,
    refused,
    value_of,
    written,
)
from luggin_drivers.iorodeo.plan import Plan, make_plan
from luggin_drivers.iorodeo.safety import safe_exchanges
from luggin_drivers.iorodeo.settings import Settings
from luggin_drivers.iorodeo.setup import set_up
from luggin_drivers.iorodeo.stream import Requests, RunningTest

log = logging.getLogger(__name__)

_QUIET = 0.1
_LONGEST_CHATTER = 1.0


class Rodeostat(Instrument):
    """One board."""

    variant = reading(written("getVariant"), unit="", decode=value_of("variant", str), doc="Variant of the board.")
    firmware = reading(written("getVersion"), unit="", decode=value_of("version", str), doc="Version of the firmware.")
    device_id = reading(
        written("getDeviceId"), unit="", decode=value_of("deviceId", str), doc="Number that its owner gave it."
    )
    set_potential = reading(
        written("getVolt"), unit="V", decode=value_of("v", number), doc="Potential that the converter is set to."
    )

    def __init__(self, transport: Transport, clock: Clock, name: str, settings: Settings) -> None:
        super().__init__(transport, clock, name)
        self._settings = settings
        self._requests = Requests(clock)
        self._plan: Plan | None = None
        self._is_running = False

    @cached_property
    def _capabilities(self) -> Capabilities:
        return capabilities(self._settings)

    @property
    def capabilities(self) -> Capabilities:
        """What this board can do with its settings."""
        return self._capabilities

    # -- who is there
    def identify(self) -> Identity:
        """Ask for variant, firmware and number.

        Raises:
            NoInstrument: nothing answers, something else does, or another board than the bench says.
            UsageError: a real board, and nobody has looked at the sign of its currents.
        """
        try:
            variant = self.variant.read()
        except (ReplyTimeout, BadReply) as error:
            came = error.raw if isinstance(error, BadReply) else error.partial
            raise stranger(came, self._settings.table, self.name, self.transport.resource) from error
        require_variant(variant, self._settings.table, self.name, self.transport.resource)
        require_polarity(self._settings, self.name, self.transport.resource)
        return Identity(
            maker="IO Rodeo",
            model=self._settings.table.title,
            serial=self.device_id.read(),
            firmware=self.firmware.read(),
            raw=variant,
        )

    # -- the line
    def query(self, command: str) -> bytes:
        """As for every instrument; while a test runs the line belongs to it.

        Raises:
            LineInUse: a test runs.
        """
        with self.transport.lock:
            if self._is_running:
                raise LineInUse(f"{self.name}: a test runs on this board; what it measures is in its own columns")
            return super().query(command)

    def ask(self, command: str, **arguments: Any) -> Reply:
        """Send a command and give the reply, which has to say that it was obeyed.

        Raises:
            InstrumentFault: it was refused.
        """
        reply = classified(self.query(written(command, **arguments)), self.name)
        if not isinstance(reply, Reply):  # pragma: no cover - `_exchange` gives nothing else
            raise BadReply(f"{self.name}: no answer to {command}")
        if reply.refusal:
            raise refused(self.name, command, reply)
        return reply

    def _exchange(self, command: str) -> bytes:
        """The line that answers a command; samples, ends of tests and answers to others are passed over."""
        line = self.transport
        if line.statistics()["buffered"]:
            log.warning("%s: more came than was asked for; the line is brought in step", self.name)
            self.resynchronise()
        asked = json.loads(command)["command"]
        line.write(padded(command))
        until = self.clock.now() + line.timeout
        while True:
            raw = line.read_line(max(0.0, until - self.clock.now())) or b""
            try:
                said = classified(raw, self.name)
            except BadReply:
                line.suspect = True
                raise
            # What the board cannot read, or does not know, it answers without a name.
            if isinstance(said, Reply) and said.command in (asked, ""):
                return raw
            log.warning("%s: %r is no answer to %s and is passed over", self.name, raw, asked)

    def resynchronise(self) -> None:
        """Bring line and board in step: stop whatever runs and read up to the answer.

        Raises:
            ReplyTimeout: the board does not answer.
        """
        with self.transport.lock:
            line = self.transport
            line.write(END_OF_MESSAGE + padded(written("stopTest")))
            until = self.clock.now() + line.timeout
            while not self._answers(line.read_line(max(0.0, until - self.clock.now())) or b"", "stopTest"):
                pass
            line.drain(quiet=_QUIET, longest=_LONGEST_CHATTER)
            line.suspect = False

    def _answers(self, raw: bytes, command: str) -> bool:
        try:
            said = classified(raw, self.name)
        except BadReply:
            return False
        return isinstance(said, Reply) and said.command == command

    # -- running
    def prepare(self, techniques: Sequence[Technique]) -> Realised:
        """Check and round; nothing is sent.

        Raises:
            LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
        """
        self._plan = make_plan(techniques, self._settings, self._capabilities)
        self._requests.forget()
        return self._plan.realised

    def arm(self, limits: Sequence[LimitRequest]) -> Mapping[str, str]:
        """Nothing: a Rodeostat holds no limits by itself, so the engine is the only layer."""
        return {}

    def frames(self) -> Iterator[Frame]:
        """Set the prepared test, start it, and yield one frame for each sample.

        Raises:
            UsageError: nothing was prepared.
            InstrumentFault, LineLost, ReplyTimeout, BadReply: the cell may still be on.
        """
        plan, self._plan = self._plan, None
        if plan is None:
            raise UsageError(f"{self.name}: prepare a technique first; each preparation runs once")
        if self._requests.abort:
            return
        levels = set_up(self, plan, self._settings)
        with self.transport.lock:  # a question that was asked before gets its answer first
            self._is_running = True
        try:
            yield from RunningTest(plan, self, self._requests, self._settings, levels).frames()
        finally:
            self._is_running = False

    def request_abort(self) -> None:
        """Ask the owner of the line to send ``stopTest``."""
        self._requests.ask_abort()

    def end_technique(self) -> None:
        """End the test that runs. There is only one."""
        self._requests.ask_abort()

    # -- safety
    def make_safe(self) -> str:
        """Stop the test, disconnect the electrodes, and read each of them back.

        Tried twice, because the first attempt may only have brought line and board in step.

        Raises:
            UnsafeState: both attempts failed, or nothing can open the cell of this board.
            LineLost: the line broke.
        """
        with self.transport.lock:
            for _ in range(2):
                try:
                    return self._open_and_verify()
                except (ReplyTimeout, BadReply) as error:
                    failure = error
                    self.transport.drain(quiet=_QUIET, longest=_LONGEST_CHATTER)
            raise UnsafeState(self._unsafe(failure)) from failure

    def safe_dialogue(self) -> tuple[Exchange, ...]:
        """The exchanges of `make_safe`, as plain data."""
        return safe_exchanges(self._settings)

    def _open_and_verify(self) -> str:
        perform(self.transport, self.safe_dialogue(), self.clock)
        self.transport.suspect = False
        by = "multiplexer" if self._settings.multiplexer is not None else "board"
        return f"the test was stopped, the electrodes were disconnected, and the {by} says of R, C and W that each is"

    def _unsafe(self, error: Exception) -> str:
        if not self._settings.can_open:
            return (
                f"{self.name}: the {self._settings.table.title} was told to stop, but no command opens its cell. "
                "Unplug it by hand. (A cell on a multiplexer can be opened: setting multiplexer.)"
            )
        return (
            f"{self.name}: the electrodes were told to be disconnected, but that could not be verified ({error}). "
            "Unplug the board or the cell, then look at it."
        )
