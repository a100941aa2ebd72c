"""The driver: the manual's command table, and what has to be looked at around each command.

Pages are those of chapter 11 of the manual of the CF31 and CF41. ``in_`` commands have an answer,
``out_`` commands have none and are obeyed under remote control only, so each is looked after: the
status must not complain, and the value is read back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from luggin.capabilities import Exchange, Identity, Range, TemperatureRange
from luggin.clock import Clock
from luggin.errors import BadReply, InstrumentFault, LimitError, NoInstrument, UsageError
from luggin.instrument import Instrument, reading
from luggin.transport import Transport
from luggin_drivers.julabo import replies
from luggin_drivers.julabo.replies import Status
from luggin_drivers.julabo.safety import READ_PAUSE, perform_and_verify, safe_exchanges
from luggin_drivers.julabo.settings import Settings, reach
from luggin_drivers.julabo.tables import (
    MAKER,
    MODELS,
    NO_SENSOR,
    REFUSALS,
    REMOTE_START,
    REMOTE_STOP,
    UNCONFIRMED,
    Model,
    model_saying,
)

_SHOWN = 80
#: When nothing has come for so long (s), nothing is on its way any more, if all is well.
_SILENCE = 0.1
#: The serial number stands on the type plate only.
_NOT_TOLD = "not told"
#: A set point is written with two decimals; what is read back may have one (K).
_ROUNDING = 0.051
_SET = {"internal": "0", "external": "1"}


@dataclass(frozen=True)
class _Known:
    """Who was found on the line."""

    model: Model
    version: replies.Version


class Circulator(Instrument):
    """A heating or refrigerated circulator; a `luggin.capabilities.TemperatureController`.

    Args:
        transport: the open line.
        clock: the lab clock.
        name: the role on the bench, for messages.
        settings: from the bench file.
    """

    temperature = reading(
        "in_pv_{controlled}",
        unit="degC",
        decode=replies.temperature,
        doc="Temperature at the sensor that is controlled: the bath's own, or the external one (setting control).",
    )
    bath_temperature = reading("in_pv_00", unit="degC", decode=replies.temperature, doc="Bath temperature.")
    sample_temperature = reading(
        "in_pv_{external}", unit="degC", decode=replies.temperature, doc="Temperature at the external Pt100."
    )
    heater_power = reading("in_pv_{heater}", unit="%", decode=replies.number, doc="Heating power in use.")
    safety_temperature = reading(
        "in_pv_03", unit="degC", decode=replies.temperature, doc="Temperature at the safety sensor."
    )
    protection_temperature = reading(
        "in_pv_04", unit="degC", decode=replies.temperature, doc="Setting of the excess temperature protector."
    )
    setpoint = reading("in_sp_00", unit="degC", decode=replies.temperature, doc="Set point 1, which Luggin uses.")
    running = reading("in_mode_05", unit="1", decode=int, doc="1 while it circulates and controls, 0 stopped.")
    status = reading("status", unit="", decode=replies.status, doc="Status, alarm or last refusal.")

    def __init__(self, transport: Transport, clock: Clock, name: str, settings: Settings) -> None:
        super().__init__(transport, clock, name)
        self._settings = settings
        self._found: _Known | None = None
        self._unit_asked = not settings.ask_unit
        self._replied = -math.inf
        self._last: tuple[str, bytes | None] = ("", None)

    # -- who is there
    def identify(self) -> Identity:
        """Ask for the version, which says the model, and for the temperature unit.

        Raises:
            NoInstrument: it is no Julabo, or not the model that the bench file says.
            InstrumentFault: it is not set to degC.
        """
        try:
            raw = self._plain("version")
        except BadReply as error:
            raise NoInstrument(f"{error}; this driver speaks to a Julabo") from error
        said = replies.version_of(raw)
        if said is None:
            raise NoInstrument(
                f"{self.name}: {self.transport.resource} answers {raw[:_SHOWN]!r}; this driver speaks to a Julabo"
            )
        self._found = _Known(self._model_of(said), said)
        if not self._unit_asked:
            self._require_celsius()
        return Identity(MAKER, said.name, _NOT_TOLD, said.firmware, raw)

    def _model_of(self, said: replies.Version) -> Model:
        """The table of whoever answered."""
        key, expected = model_saying(said.name), self._settings.table
        if expected is None and key is None:
            raise NoInstrument(
                f"{self.name}: a Julabo {said.name} is not in the table of models. If it has the commands of the CF31, "
                f'write settings = {{model = "other"}}; known are {", ".join(MODELS)}.'
            )
        if expected is not None and (key or "other") != self._settings.model:
            known = f' (model = "{key}")' if key else ""
            raise NoInstrument(
                f"{self.name}: the bench file says {expected.title}, but a Julabo {said.name}{known} answers at "
                f"{self.transport.resource}"
            )
        return expected or MODELS[str(key)]

    def _require_celsius(self) -> None:
        reply = self._plain("in_sp_06")
        try:
            celsius = replies.is_celsius(reply)
        except ValueError as error:
            raise BadReply(
                f"{self.name}: in_sp_06 (temperature unit) was answered {reply!r}", reply.encode()
            ) from error
        if not celsius:
            raise InstrumentFault(f"{self.name}: it is set to degF; set the temperature unit to degC on its panel")
        self._unit_asked = True

    def _known(self) -> _Known:
        if self._found is None:
            self.identify()
        if self._found is None:  # pragma: no cover - identify finds or raises
            raise NoInstrument(f"{self.name}: not identified")
        return self._found

    # -- what it can do
    @property
    def range(self) -> TemperatureRange:
        """What may be set: the range of the model, narrowed by the bench file. Talks to nobody."""
        model = self._settings.table or (self._found.model if self._found else None)
        low, high = reach(self._settings, model)
        title = "Julabo circulator" if model is None else f"Julabo {model.title}"
        source = "not from a manual, conservative; and the bench file's lowest and highest"
        return TemperatureRange(title, Range(low, high, "degC", False, source), unconfirmed=UNCONFIRMED)

    # -- temperatures
    def read_temperature(self, sensor: str = "") -> float:
        """The temperature (degC) of a sensor: ``bath``, ``sample`` (the external Pt100), or the controlled one.

        Raises:
            UsageError: it has no such sensor.
            InstrumentFault: the sensor is missing or broken.
        """
        readings: dict[str, Callable[[], float]] = {
            "": self.temperature.read,
            "bath": self.bath_temperature.read,
            "sample": self.sample_temperature.read,
        }
        if sensor not in readings:
            raise UsageError(f"{self.name} has no sensor {sensor!r}; it has bath and sample")
        return readings[sensor]()

    def set_temperature(self, target: float) -> float:
        """Set the set point (degC), the sensor to control, and start; the set point as read back.

        Raises:
            LimitError: outside of what may be set; nothing was sent.
            InstrumentFault: it is not under remote control, it has an alarm, or it did not take it.
        """
        with self.transport.lock:
            self._require_reachable(target)
            self._known()
            self._require_reachable(target)  # now that the model is known for sure
            self._require_remote()
            self._select("mode_04", _SET[self._settings.control], "the sensor to control")
            if self._known().model.selects:
                self._select("mode_01", "0", "set point 1 as the active one")
            self._order(f"out_sp_00 {target:.2f}")
            self._setpoint_near(target)  # it does not start with another one
            self._select("mode_05", "1", "the start")
            return self._setpoint_near(target)  # one that was started anew meanwhile has lost it

    def _setpoint_near(self, target: float) -> float:
        """The set point (degC) as read back, which must be the one that was sent."""
        setpoint = self.setpoint.read()
        if abs(setpoint - target) > _ROUNDING:
            raise InstrumentFault(
                f"{self.name}: a set point of {target:.2f} degC was sent, {setpoint:g} degC is read back"
            )
        return setpoint

    def _require_reachable(self, target: float) -> None:
        allowed = self.range.temperature
        if target not in allowed:
            raise LimitError(
                f"{self.name}: {target:g} degC is out of reach; allowed are {allowed.low:g} ... {allowed.high:g} degC "
                "(model, and settings lowest and highest)"
            )

    def check_control(self) -> None:
        """Ask whether it still controls.

        Raises:
            InstrumentFault: an alarm, it was stopped, or somebody took it to its panel.
        """
        status = self.status.read()
        if status.code != REMOTE_START and status.code not in REFUSALS:
            raise self._complaint(status, "it does not control the temperature any more")

    def _require_remote(self) -> None:
        """``out_`` commands are not obeyed otherwise, without a word."""
        status = self.status.read()
        if status.code in REFUSALS:
            return  # of a command before: what is sent now is looked after by itself
        if status.code not in (REMOTE_STOP, REMOTE_START):
            hint = "" if status.is_trouble else "; switch it to remote control on its panel (set point from RS232)"
            raise self._complaint(status, f"it takes no set point{hint}")

    def _select(self, mode: str, value: str, what: str) -> None:
        """Set a mode unless it is set already, and read it back."""
        if self._plain(f"in_{mode}") == value:
            return
        self._order(f"out_{mode} {value}")
        if (said := self._plain(f"in_{mode}")) != value:
            raise InstrumentFault(f"{self.name}: it did not take {what} (in_{mode} answers {said!r}, not {value!r})")

    def _order(self, command: str) -> None:
        """A command without answer, and a look at the status behind it."""
        self.command(command)
        status = self.status.read()
        if status.is_trouble:
            raise self._complaint(status, f"it refused {command!r}")

    def _complaint(self, status: Status, what: str) -> InstrumentFault:
        return InstrumentFault(f"{self.name}: {what}: status {status}", f"{status.code:03d}")

    # -- the line
    def query(self, command: str) -> bytes:
        """Ask, with the numbers of this model filled in.

        Raises:
            InstrumentFault: a status came instead of a value, or there is no sensor.
            BadReply, ReplyTimeout, LineLost: as for every question.
        """
        with self.transport.lock:
            if command in ("version", "status"):
                return super().query(command)
            reply = super().query(self._numbered(command) if "{" in command else command)
            text = reply.decode("ascii", "replace").strip()
            if (status := replies.status_in_place_of(text)) is not None:
                raise self._complaint(status, f"no value for {command}")
            if command in ("in_pv_{external}", "in_pv_{controlled}") and not replies.has_decimals(text):
                self._require_sensor(text)
            return reply

    def _numbered(self, command: str) -> str:
        values = self._known().model.values
        controlled = values["external"] if self._settings.control == "external" else "00"
        return command.format(**values, controlled=controlled)

    def _require_sensor(self, text: str) -> None:
        """Dashes, or a bare number: the status says whether there is a sensor at all."""
        status = Status(NO_SENSOR) if "--" in text else self.status.read()
        if status.code == NO_SENSOR or text == str(NO_SENSOR):
            raise self._complaint(Status(NO_SENSOR), "no reading from the external sensor")

    def _plain(self, command: str) -> str:
        return self.query(command).decode("ascii", "replace").strip()

    def command(self, command: str) -> None:
        """Send a command that has no answer, and give it its time. It is never sent twice."""
        with self.transport.lock:
            self._listen()
            self.transport.write(self._line(command))
            self.clock.sleep(self._settings.write_pause)

    def resynchronise(self) -> None:
        """Bring the line in step after a missed answer.

        Replies do not say what they are about, but that to ``version`` can be told from all others, and
        it comes behind whatever is late.
        """
        self.transport.drain(quiet=_SILENCE)
        until = self.clock.now() + self.transport.timeout
        self.transport.write(self._line("version"))
        while replies.version_of(self._next_line(until).removeprefix(self._settings.prefix)) is None:
            pass
        self.transport.drain(quiet=_SILENCE)
        self._replied = self.clock.now()
        self.transport.suspect = False

    def _next_line(self, until: float) -> str:
        line = self.transport.read_line(max(0.0, until - self.clock.now()))
        return (line or b"").decode("ascii", "replace").strip()

    def _exchange(self, command: str) -> bytes:
        reply = self._reply_to(command)
        if reply == self._last[1] and command != self._last[0]:
            # Replies do not say what they are about. One that is the very one to the question before may
            # belong to that one; asked again, it cannot.
            reply = self._reply_to(command)
        if command != "version" and reply.startswith(MAKER.encode("ascii")):
            self.transport.suspect = True
            raise BadReply(f"{self.name}: {command} was answered {reply!r}", reply)
        self._last = (command, reply)
        prefix = self._settings.prefix.strip().encode("ascii")
        if not reply.startswith(prefix):
            self.transport.suspect = True
            raise BadReply(f"{self.name}: {command} was answered {reply!r}, without the address {prefix!r}", reply)
        return reply[len(prefix) :].strip()

    def _reply_to(self, command: str) -> bytes:
        self._listen()
        reply = self.transport.exchange(self._line(command)).strip(b"\r \t")
        self._replied = self.clock.now()
        return reply

    def _listen(self) -> None:
        """The pause after a reply. What has come meanwhile belongs to no question, and is dropped."""
        if self.transport.suspect:
            self.resynchronise()
        self.clock.wait_until(self._replied + READ_PAUSE)
        self.transport.drain(quiet=0.0, longest=0.0)

    def _line(self, command: str) -> bytes:
        return f"{self._settings.prefix}{command}\r".encode("ascii")

    # -- safety
    def make_safe(self) -> str:
        """Leave it as the bench file says (``on_exit``), and read that back.

        Raises:
            UnsafeState: it could not be verified.
        """
        return perform_and_verify(self.transport, self.clock, self.name, self.safe_dialogue(), self.resynchronise)

    def safe_dialogue(self) -> tuple[Exchange, ...]:
        """The exchanges of `make_safe`."""
        return safe_exchanges(self._settings)
