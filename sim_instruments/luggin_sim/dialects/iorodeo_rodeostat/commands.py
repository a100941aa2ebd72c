"""What a board answers to each command: a table of names, as the firmware has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from luggin_sim.dialects.iorodeo_rodeostat.board import ELECTRODES, Board
from luggin_sim.dialects.iorodeo_rodeostat.models import Model
from luggin_sim.dialects.iorodeo_rodeostat.programmes import DEFAULTS, RUNNABLE, Parameters

if TYPE_CHECKING:
    from luggin_sim.dialects.iorodeo_rodeostat.rules import Rules

Message = Mapping[str, Any]
Response = dict[str, Any]
SHORTEST_PERIOD, LONGEST_PERIOD, FIRST_PERIOD = 1, 1000, 10
_CHANNELS = 7
#: Tests that a multiplexer can be used with.
_MULTIPLEXED = ("cyclic", "sinusoid", "constant", "linearSweep")


class Refused(Exception):
    """A command is not obeyed; the message is what is sent."""


class Commands:
    """The command table of one board; starting and stopping tests is for whoever knows the time."""

    def __init__(
        self,
        model: Model,
        rules: Rules,
        board: Board,
        start: Callable[[Parameters], None],
        stop: Callable[[], None],
    ) -> None:
        self.sample_period = FIRST_PERIOD
        self.channels: list[int] = []
        self._model, self._rules, self._board = model, rules, board
        self._start = start
        self._device_id = rules.device_id
        self._tests = {name: Parameters(name) for name in DEFAULTS}
        self._table: dict[str, Callable[[Message, Response], None]] = {
            "getVersion": lambda _, said: said.update(version=rules.version),
            "getVariant": lambda _, said: said.update(variant=model.variant),
            "getTestNames": lambda _, said: said.update(testNames=list(DEFAULTS)),
            "getDeviceId": lambda _, said: said.update(deviceId=self._device_id),
            "setDeviceId": self._set_device_id,
            "getVolt": lambda _, said: said.update(v=board.volt()),
            "setVolt": self._set_volt,
            "getCurr": lambda _, said: said.update(i=board.current()[0]),
            "getRefVolt": lambda _, said: said.update(r=board.reference()),
            "getVoltRange": lambda _, said: said.update(voltRange=board.volt_range),
            "setVoltRange": self._set_volt_range,
            "getCurrRange": lambda _, said: said.update(currRange=board.curr_range),
            "setCurrRange": self._set_curr_range,
            "getSamplePeriod": lambda _, said: said.update(samplePeriod=self.sample_period),
            "setSamplePeriod": self._set_sample_period,
            "getParam": self._get_param,
            "setParam": self._set_param,
            "getTestDoneTime": self._get_done_time,
            "runTest": self._run_test,
            "stopTest": lambda _, said: stop(),
        }
        self._table.update(self._of_switches() if model.has_switches else self._of_multiplexer())

    def apply(self, message: Message) -> tuple[Response, str]:
        """Do what a message says: the response, and what is wrong (nothing: empty)."""
        said: Response = {}
        if "command" not in message:
            return said, "CommandTable: command not found"
        name = str(message["command"]).strip()
        obey = self._table.get(name)
        if obey is None:
            return said, f"command, {name}, not found"
        said["command"] = message["command"]
        try:
            obey(message, said)
        except Refused as refused:
            return said, str(refused)
        return said, ""

    def _of_switches(self) -> dict[str, Callable[[Message, Response], None]]:
        """The commands of boards that can disconnect their electrodes."""
        board = self._board
        table: dict[str, Callable[[Message, Response], None]] = {
            "getHardwareVersion": lambda _, said: said.update(version=self._model.hardware),
            "getElectAutoConnect": lambda _, said: said.update(autoConnect=board.auto_connect),
            "setElectAutoConnect": self._set_auto_connect,
            "getRefElectVoltRange": lambda _, said: said.update(voltRange=board.ref_range),
            "setRefElectVoltRange": self._set_ref_range,
        }
        for name, which in [("All", ELECTRODES), *((one, (one,)) for one in ELECTRODES)]:
            table[f"get{name}ElectConnected"] = self._getter(which)
            table[f"set{name}ElectConnected"] = self._setter(which)
        for one in ("setMuxEnabled", "getMuxEnabled", "setEnabledMuxChannels", "disconnectAllMuxElect"):
            table[one] = self._no_multiplexer
        return table

    def _of_multiplexer(self) -> dict[str, Callable[[Message, Response], None]]:
        """The commands of boards that a multiplexer fits on. Nobody can tell whether there is one."""
        board = self._board
        table: dict[str, Callable[[Message, Response], None]] = {
            "setMuxEnabled": self._set_multiplexer,
            "getMuxEnabled": lambda _, said: said.update(muxEnabled=board.multiplexes),
            "setEnabledMuxChannels": self._set_channels,
            "getEnabledMuxChannels": lambda _, said: said.update(muxChannel=self.channels),
            "disconnectAllMuxElect": lambda _, said: board.connect(False),
        }
        for one in ELECTRODES:
            table[f"getMux{one}ElectConnected"] = self._getter((one,))
        return table

    def _getter(self, which: tuple[str, ...]) -> Callable[[Message, Response], None]:
        """Connected means all of them."""
        return lambda _, said: said.update(connected=all(self._board.connected[one] for one in which))

    def _setter(self, which: tuple[str, ...]) -> Callable[[Message, Response], None]:
        def set_connected(message: Message, said: Response) -> None:
            self._board.connect(_truth(message, "connected"), *which)
            self._getter(which)(message, said)

        return set_connected

    def _set_auto_connect(self, message: Message, said: Response) -> None:
        self._board.auto_connect = said["autoConnect"] = _truth(message, "autoConnect")

    def _set_multiplexer(self, message: Message, said: Response) -> None:
        self._board.multiplex(_truth(message, "muxEnabled"))
        said["muxEnabled"] = self._board.multiplexes

    def _set_channels(self, message: Message, said: Response) -> None:
        channels = _value(message, "muxChannel")
        if not isinstance(channels, list):
            raise Refused("muxChannel not a JsonArray")
        if len(channels) > _CHANNELS:
            raise Refused("muxChannel array too large")
        if not all(type(one) is int for one in channels):
            raise Refused("muxChannel element not an int")
        if not all(1 <= one <= _CHANNELS for one in channels):
            raise Refused("muxChannel element out of range")
        self.channels = said["muxChannel"] = channels

    def _set_device_id(self, message: Message, said: Response) -> None:
        self._device_id = said["deviceId"] = int(_value(message, "deviceId"))

    def _set_volt(self, message: Message, said: Response) -> None:
        potential = _value(message, "v")
        if isinstance(potential, bool) or not isinstance(potential, int | float):
            raise Refused("unable to convert volt to float")
        self._board.set_volt(float(potential))
        said["v"] = self._board.volt()

    def _set_volt_range(self, message: Message, said: Response) -> None:
        name = _value(message, "voltRange")
        known = name in self._model.volt_ranges
        if known:
            self._board.volt_range = name
        said["voltRange"] = self._board.volt_range
        if not known:
            raise Refused(f"voltRange, {name}, not found")

    def _set_ref_range(self, message: Message, said: Response) -> None:
        name = _value(message, "voltRange")
        known = name in self._model.volt_ranges
        if known:
            self._board.ref_range = name
        said["voltRange"] = self._board.ref_range
        if not known:
            raise Refused(f"voltRange, {name}, not found")

    def _set_curr_range(self, message: Message, said: Response) -> None:
        name = _value(message, "currRange")
        known = name in self._model.curr_ranges
        if known:
            self._board.curr_range = name
        said["currRange"] = self._board.curr_range
        if not known:
            raise Refused(f"currRange, {name}, not found")

    def _set_sample_period(self, message: Message, said: Response) -> None:
        period = _value(message, "samplePeriod")
        if isinstance(period, bool) or not isinstance(period, int) or period < 0:
            raise Refused("json samplePeriod value is not uin32_t")
        if period > LONGEST_PERIOD:
            raise Refused("json samplePeriod value is too large")
        if period < SHORTEST_PERIOD:
            raise Refused("json samplePeriod value is too small")
        self.sample_period = said["samplePeriod"] = period

    def _test(self, message: Message, said: Response) -> Parameters:
        said["test"] = message["test"]
        found = self._tests.get(str(message["test"]))
        if found is None:
            raise Refused("test not found")
        return found

    def _get_param(self, message: Message, said: Response) -> None:
        _value(message, "test")
        said["param"] = dict(self._test(message, said).values)

    def _set_param(self, message: Message, said: Response) -> None:
        if "test" not in message:
            raise Refused("test key not found")
        test = self._test(message, said)
        if "param" not in message:
            raise Refused("key param missing")
        if not isinstance(message["param"], dict):
            raise Refused("param not JsonObject")
        said["param"], wrong = test.set(message["param"])
        if wrong:
            raise Refused(", ".join(wrong))

    def _get_done_time(self, message: Message, said: Response) -> None:
        if "test" not in message:
            raise Refused("test key not found")
        said["testDoneTime"] = self._test(message, said).done_at

    def _run_test(self, message: Message, said: Response) -> None:
        _value(message, "test")
        test = self._test(message, said)
        if test.test not in RUNNABLE:
            raise Refused(f"test, {test.test}, is not simulated")
        if self._board.multiplexes and test.test not in _MULTIPLEXED:
            raise Refused(f"test, {test.test}, is not mux compatible")
        if self._board.multiplexes and not self.channels:
            raise Refused("mux running, but no enabled working electrode channels")
        self._start(test)

    def _no_multiplexer(self, message: Message, said: Response) -> None:
        raise Refused("multiplexer hardware not supported")


def _value(message: Message, key: str) -> Any:
    if key not in message:
        raise Refused(f"json does not contain key: {key}")
    return message[key]


def _truth(message: Message, key: str) -> bool:
    value = _value(message, key)
    if not isinstance(value, bool):
        raise Refused(f"unable to convert '{key}' to bool")
    return value
