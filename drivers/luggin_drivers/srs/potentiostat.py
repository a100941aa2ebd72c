"""The driver: SRS EC301 as potentiostat and galvanostat, with its own ramp generator and data stream.

Tested on hardware: nothing so far. Source: EC301 User Manual rev 1.2 (12/2017), and a third party's
program for the port number, the line feed and the order within a frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from luggin.capabilities import Capabilities, Exchange, Identity, LimitRequest, Realised, Technique
from luggin.clock import Clock
from luggin.errors import BadReply, LimitError, NoInstrument, UsageError
from luggin.records import Frame
from luggin.transport import Transport
from luggin_drivers.srs import commands, tables
from luggin_drivers.srs.capabilities import capabilities
from luggin_drivers.srs.command_table import CommandTable
from luggin_drivers.srs.plan import Plan, make_plan
from luggin_drivers.srs.polls import Polls
from luggin_drivers.srs.run import Requests, Run
from luggin_drivers.srs.safety import open_and_verify, safe_exchanges
from luggin_drivers.srs.settings import Settings
from luggin_drivers.srs.sources import Source, Stream

_SHOWN = 80


class Ec301(CommandTable):
    """One EC301 on its line."""

    def __init__(self, transport: Transport, clock: Clock, name: str, settings: Settings) -> None:
        super().__init__(transport, clock, name, settings.command_pause)
        self._settings = settings
        self._requests = Requests(clock)
        self._plan: Plan | None = None
        self._largest: float | None = None
        self._run: Run | None = None
        self._source: Source | None = None

    @cached_property
    def _capabilities(self) -> Capabilities:
        return capabilities(self._settings)

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do with its settings."""
        return self._capabilities

    # -- who is there
    def identify(self) -> Identity:
        """Ask who is there. A data stream that a program left running is ended if the answer is lost in it.

        Raises:
            NoInstrument: something else answers.
        """
        try:
            said = self.identity.read()
        except BadReply:
            self.resynchronise()
            said = self.identity.read()
        if "EC301" not in said.model.upper():
            raise NoInstrument(
                f"{self.name}: {self.transport.resource} answers {said.raw[:_SHOWN]!r}; this driver speaks to an "
                f"{tables.TITLE}"
            )
        return Identity(said.maker.replace("_", " "), tables.TITLE, said.serial, said.firmware, said.raw)

    # -- running
    def prepare(self, techniques: Sequence[Technique]) -> Realised:
        """Check and round; nothing is sent.

        Raises:
            LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
        """
        self._plan = make_plan(techniques, self._settings, self._capabilities)
        self._largest, self._run, self._source = _potential_limit(self._plan), None, None
        self._requests.forget()
        return self._plan.realised

    def arm(self, limits: Sequence[LimitRequest]) -> Mapping[str, str]:
        """Nothing is held by the instrument: its limit at the counter electrode is no limit of E(W) nor of the current.

        Raises:
            LimitError: a current is to be driven, and nobody has said how far.
        """
        if self._plan is None or self._plan.kind != "current" or self._largest is not None:
            return {}
        if not any(limit.column == "potential" for limit in limits):
            raise LimitError(
                'cp needs a largest potential: write potential_limit = "2 V" in the step, or a limit of potential in '
                "the protocol"
            )
        return {}

    def frames(self) -> Iterator[Frame]:
        """Set up, run, and yield rows in blocks as the packets (or answers) come.

        Raises:
            UsageError: nothing was prepared.
            InstrumentFault, LineLost, ReplyTimeout, BadReply: the cell may still be on.
            UnsafeState: it could not be verified that the cell is open at the end.
        """
        plan, self._plan = self._plan, None
        if plan is None:
            raise UsageError(f"{self.name}: prepare a technique first; each preparation runs once")
        if self._requests.abort:
            return
        self._set_up(plan)
        stream = self._settings.data == "stream"
        self._source = Stream(self, plan, self._settings.checksum == "auto") if stream else Polls(self, plan)
        self._run = Run(plan, self, self._source, self._requests, self._largest)
        yield from self._run.frames()

    def _set_up(self, plan: Plan) -> None:
        """Everything that can be set and checked with the cell open; ``*CLS`` also ends a scan that was left."""
        settings = self._settings
        self.told([commands.CLEAR, commands.END_RAMP, commands.CELL_OFF, commands.FORGET_RAMP, "irenab 0", "irnaut 0"])
        self.told(commands.control(settings, plan.mode, plan.potential_range, plan.averaging))
        compensation = commands.compensation(settings, plan.mode)
        self.told([*commands.current_range(plan.current_range), *compensation])
        self.require_setting("ecmode?", plan.mode)
        self.require_setting("irenab?", int(bool(compensation)))
        self.require_setting("avgexp?", plan.averaging)
        if plan.current_range is not None:
            self.require_setting("irange?", plan.current_range)
        # Each programme is looked at while that is possible; the first one is told last and stays.
        for part in reversed(plan.parts):
            if part.path is not None:
                self.told(part.programme)
                self.require_programme(part.mode)

    def achieved(self) -> Mapping[str, Any]:
        """How the last techniques were executed."""
        if self._run is None or self._source is None:
            return {}
        return {
            "execution": "native",
            "timing": self._run.to_json(),
            **self._source.to_json(),
            "ir_compensation": self._settings.ir_compensation,
            "ir_resistance_ohm": self._settings.ir_resistance,
        }

    def request_abort(self) -> None:
        """Ask the owner of the line to end the ramp and open the cell."""
        self._requests.ask_abort()

    def end_technique(self) -> None:
        """End the technique that runs; a chain goes on with the next, the cell stays closed."""
        self._requests.ask_end()

    # -- safety
    def make_safe(self) -> str:
        """End what runs, open the cell and read back that it is open.

        Raises:
            UnsafeState: it could not be verified.
            LineLost: the line broke.
        """
        verified = open_and_verify(self.transport, self.clock, self.name, self.safe_dialogue())
        self._streams = False
        return verified

    def safe_dialogue(self) -> tuple[Exchange, ...]:
        """The exchanges of `make_safe`, as plain data."""
        return safe_exchanges()


def _potential_limit(plan: Plan) -> float | None:
    """The smallest potential (V, absolute) that a ``cp`` of the plan allows; None if none says."""
    asked = [part.technique.parameters.get("potential_limit") for part in plan.parts]
    return min((limit for limit in asked if limit is not None), default=None)
