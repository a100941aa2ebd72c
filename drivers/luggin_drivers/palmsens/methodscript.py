"""The driver: PalmSens instruments that run MethodSCRIPT.

Tested on hardware: nothing so far. Sources: the maker's examples for MethodSCRIPT 1.8, and the
communication protocols of EmStat Pico (V1.6) and EmStat4 (V1.3) as others cite them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from luggin import units
from luggin.capabilities import Capabilities, Exchange, Identity, LimitRequest, Realised, Technique
from luggin.clock import Clock
from luggin.errors import (
    BadReply,
    InstrumentError,
    NoInstrument,
    ReplyTimeout,
    UnsafeState,
    UsageError,
)
from luggin.instrument import Instrument, reading
from luggin.records import Frame
from luggin.transport import Transport
from luggin.transport.dialogue import perform
from luggin_drivers.palmsens.capabilities import capabilities
from luggin_drivers.palmsens.packages import PackageDecoder
from luggin_drivers.palmsens.plan import Plan, make_plan
from luggin_drivers.palmsens.replies import error_code
from luggin_drivers.palmsens.safety import safe_exchanges
from luggin_drivers.palmsens.settings import Settings
from luggin_drivers.palmsens.stream import PAUSE_AFTER_ERROR, Requests, ScriptRun
from luggin_drivers.palmsens.tables import BOOTLOADER, CELL_IS_ON, MEASURED_POTENTIAL, MODELS, NO_SCRIPT_RUNS

# How long (s) a script may take to end after an abort.
_STOP_TIMEOUT = 5.0
_FAMILY_LENGTH = 6


def _behind(letter: str) -> Callable[[str], str]:
    """Decoder of answers that repeat the command's letter in front of the value."""

    def decode(reply: str) -> str:
        if not reply.startswith(letter) or len(reply) < 2 or "!" in reply:
            raise ValueError(f"{reply!r} does not begin with {letter!r}")
        return reply[1:]

    return decode


class MethodScriptInstrument(Instrument):
    """One channel of an EmStat Pico, Sensit or EmStat4."""

    methodscript_version = reading("v", unit="", decode=_behind("v"), doc="MethodSCRIPT version.")
    serial_number = reading("i", unit="", decode=_behind("i"), doc="Serial number of the instrument.")

    def __init__(self, transport: Transport, clock: Clock, name: str, settings: Settings) -> None:
        super().__init__(transport, clock, name)
        self._settings = settings
        self._requests = Requests(clock)
        self._plan: Plan | None = None

    @cached_property
    def _capabilities(self) -> Capabilities:
        return capabilities(self._settings)

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do with its settings."""
        return self._capabilities

    # -- who is there
    def identify(self) -> Identity:
        """Ask for family, firmware, MethodSCRIPT version and serial number (commands t, v, i).

        A script that still runs (of a program that died) is ended first.

        Raises:
            NoInstrument: nothing answers, something else does, or another model than the bench says.
        """
        with self.transport.lock:
            banner = self._banner()
            version, serial = self.methodscript_version.read(), self.serial_number.read()
        said = " ".join(line.strip() for line in banner)
        self._check_family(said[1 : 1 + _FAMILY_LENGTH])
        return Identity(
            maker="PalmSens",
            model=self._settings.table.title,
            serial=serial,
            firmware=f"{said[1 + _FAMILY_LENGTH :].rstrip('*').replace('#', ' ').strip()}, MethodSCRIPT {version}",
            raw="\n".join(banner),
        )

    def _banner(self) -> list[str]:
        """The answer to ``t``: lines up to the one that ends with ``*``."""
        answer = b""
        try:
            answer = self.query("t")
            if answer[:1] != b"t":
                self.resynchronise()
                answer = self.query("t")
        except ReplyTimeout as silent:
            raise self._stranger(answer or silent.partial) from silent
        if answer[:1] != b"t" or b"!" in answer:
            raise self._stranger(answer)
        lines = [answer]
        while not lines[-1].endswith(b"*"):
            line = self.transport.read_line()
            if line is None or len(lines) > 3:
                raise BadReply(f"{self.name}: the answer to t does not end: {lines!r}", b"\n".join(lines))
            lines.append(line)
        return [line.decode("ascii", "replace") for line in lines]

    def _stranger(self, answer: bytes) -> NoInstrument:
        came = f"answered {answer[:80]!r}, which is not MethodSCRIPT" if answer else "did not answer"
        return NoInstrument(
            f"{self.name}: {self.transport.resource} {came}. Is the {self._settings.table.title} switched on, is this "
            "its port, and is the baud rate right?"
        )

    def _check_family(self, family: str) -> None:
        expected = self._settings.table
        if family in expected.families:
            return
        if family.startswith(BOOTLOADER):
            raise NoInstrument(
                f"{self.name}: the instrument is in its bootloader; install firmware or power it off and on"
            )
        known = [f"{m.title} (model = {key!r})" for key, m in MODELS.items() if family in m.families]
        raise NoInstrument(
            f"{self.name}: the bench file says {expected.title}, but {known[0] if known else f'{family!r}'} answers at "
            f"{self.transport.resource}"
        )

    # -- running
    def prepare(self, techniques: Sequence[Technique]) -> Realised:
        """Check, round and write the script; nothing is sent.

        Raises:
            LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
        """
        self._plan = make_plan(techniques, self._settings, self._capabilities)
        self._requests.forget()
        return self._plan.realised

    def arm(self, limits: Sequence[LimitRequest]) -> Mapping[str, str]:
        """Nothing: a MethodSCRIPT instrument holds no limits by itself, so the engine is the only layer."""
        return {}

    def frames(self) -> Iterator[Frame]:
        """Send the prepared script and yield its rows, one frame for each package.

        Raises:
            UsageError: nothing was prepared.
            InstrumentFault, LineLost, ReplyTimeout, BadReply: the cell may still be on.
        """
        plan, self._plan = self._plan, None
        if plan is None:
            raise UsageError(f"{self.name}: prepare a technique first; each preparation runs once")
        if self.transport.suspect:
            self.resynchronise()
        yield from ScriptRun(plan, self.transport, self.clock, self._requests, self._settings, self.name).frames()

    def request_abort(self) -> None:
        """Ask the owner of the line to send ``Z``: the script jumps to ``on_finished:`` and opens the cell."""
        self._requests.ask_abort()

    def end_technique(self) -> None:
        """End the technique that runs: by ``Y`` if the bench file allows it, else by an abort of everything."""
        if self._settings.loop_exit == "Y":
            self._requests.ask_leave_loop()
        else:
            self._requests.ask_abort()

    # -- safety
    def make_safe(self) -> str:
        """Stop whatever runs, open the cell, and verify by an open-circuit point that it is open.

        Tried twice, because the first attempt may only have brought line and instrument in step.

        Raises:
            UnsafeState: both attempts failed.
            LineLost: the line broke.
        """
        with self.transport.lock:
            for _ in range(2):
                try:
                    return self._open_and_verify()
                except (ReplyTimeout, BadReply) as error:
                    failure = error
                    self.transport.drain(quiet=PAUSE_AFTER_ERROR, longest=1.0)
            raise UnsafeState(self._unsafe(failure)) from failure

    def safe_dialogue(self) -> tuple[Exchange, ...]:
        """The exchanges of `make_safe`, as plain data."""
        return safe_exchanges(self._settings)

    def _open_and_verify(self) -> str:
        *_, point = perform(self.transport, self.safe_dialogue(), self.clock)
        self.transport.suspect = False
        points = [line for line in point.received.split(b"\n") if line[:1] == b"P"]
        (potential,), _, _ = PackageDecoder((MEASURED_POTENTIAL,), {}).decode(points[-1])
        return (
            "cell_off was run, and the instrument measured at open circuit, which it refuses while the cell is on "
            f"(potential {units.show(potential, 'V')})"
        )

    def _unsafe(self, error: InstrumentError) -> str:
        if isinstance(error, BadReply) and error_code(error.raw) == CELL_IS_ON:
            found = "the instrument says that the cell is still on"
        else:
            found = f"it could not be verified ({error})"
        return (
            f"{self.name}: the cell was told to open, but {found}. Switch the instrument off or unplug the cell, "
            "then look at it."
        )

    def resynchronise(self) -> None:
        """Bring line and instrument in step: abort whatever runs and read up to the answer.

        What went wrong before may have been a command that the instrument refused, and then it does not
        listen for a moment: an abort that is sent at once would be lost.

        Raises:
            ReplyTimeout: the instrument does not answer.
        """
        with self.transport.lock:
            line = self._abort_acknowledged()
            until = self.clock.now() + _STOP_TIMEOUT
            if error_code(line) != NO_SCRIPT_RUNS:
                while self._line_before(until):
                    pass
            self.transport.drain(quiet=PAUSE_AFTER_ERROR, longest=_STOP_TIMEOUT)
            self.transport.suspect = False

    def _abort_acknowledged(self) -> bytes:
        """Send the abort until it is heard by an instrument that goes on sending rows; its answer."""
        for _ in range(3):
            self.clock.sleep(PAUSE_AFTER_ERROR)
            self.transport.write(b"\nZ\n")
            until = self.clock.now() + _STOP_TIMEOUT
            while self.clock.now() < until:
                # Rows may come before the answer; silence is told after the line's own timeout.
                line = self.transport.read_line() or b""
                if line[:1] == b"Z":
                    return line
        raise ReplyTimeout(f"{self.name}: the script that runs does not answer the abort (Z)")

    def _line_before(self, until: float) -> bytes:
        return self.transport.read_line(max(0.0, until - self.clock.now())) or b""
