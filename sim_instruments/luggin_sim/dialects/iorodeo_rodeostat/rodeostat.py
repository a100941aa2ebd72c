"""The board on its line: messages in, replies and samples out, each at its own time.

Like the firmware's main loop: a message is answered first, then the samples that were taken meanwhile are sent, and
an empty object when the test is over. So the acknowledgement of a ``stopTest`` stands between samples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from luggin_sim.dialects.base import Leads
from luggin_sim.dialects.iorodeo_rodeostat.board import Board
from luggin_sim.dialects.iorodeo_rodeostat.commands import Commands
from luggin_sim.dialects.iorodeo_rodeostat.json_lines import text
from luggin_sim.dialects.iorodeo_rodeostat.models import Model
from luggin_sim.dialects.iorodeo_rodeostat.programmes import Parameters
from luggin_sim.dialects.iorodeo_rodeostat.rules import Rules

_RECEIVE_BUFFER = 2000
_PACKET = 64
_MILLISECOND = 1e-3
_OVERLOAD = 3.0


class _Running:
    """A test that runs: when it began (lab s), with which period, and up to where it has come (ms)."""

    def __init__(self, test: Parameters, began: float, period: int) -> None:
        self.test, self.began, self.period = test, began, period
        self.at = 0

    @property
    def next_at(self) -> int:
        """The next sample, or the end (ms)."""
        return min(self.at - self.at % self.period + self.period, max(self.test.done_at, 1))

    @property
    def next_due(self) -> float:
        """The same in lab time (s)."""
        return self.began + self.next_at * _MILLISECOND

    @property
    def is_done(self) -> bool:
        return self.at >= self.test.done_at


class RodeostatDialect:
    """A board that was just plugged in; satisfies `luggin_sim.dialects.base.Dialect`."""

    def __init__(self, model: Model, rules: Rules, leads: Leads) -> None:
        self._model, self._rules = model, rules
        self._board = Board(model, rules, leads)
        self._commands = Commands(model, rules, self._board, self._start, self._stop)
        self._input = bytearray()
        self._output: list[str] = []
        self._output_since = self._now = 0.0
        self._running: _Running | None = None
        self._starts: Parameters | None = None
        self._ends = False

    @property
    def cell_is_on(self) -> bool:
        """True while W and the counter electrode are connected; always on boards with nothing to disconnect them."""
        return self._board.is_closed

    @property
    def overload_current(self) -> float:
        """A current (A) beyond every range."""
        return _OVERLOAD * self._model.largest_current

    # -- the line
    def feed(self, data: bytes, now: float) -> None:
        """Bytes arrive at ``now``; samples of the last turn of the loop are sent behind the answer."""
        self._advance(now - self._rules.loop_time)
        self._now = max(self._now, now)
        room = _RECEIVE_BUFFER - len(self._input)
        self._input += data[:room]
        while (end := self._input.find(b"\n")) >= 0:
            line = bytes(self._input[: end + 1])
            del self._input[: end + 1]
            if self._rules.loses_64 and self._model.has_switches and len(line) % _PACKET == 0:
                continue
            self._message(line)
        self._advance(now)

    def take(self, now: float) -> bytes:
        """What was sent up to ``now``."""
        self._advance(now)
        lines, self._output = self._output, []
        return "".join(lines).encode("ascii", "replace")

    def next_due(self, now: float) -> float | None:
        """When there is something to take."""
        if self._output:
            return self._output_since
        return self._running.next_due if self._running is not None else None

    def _message(self, line: bytes) -> None:
        """One turn of the firmware's loop."""
        if self._running is None:
            self._board.wait(self._now)
        message = _parsed(line)
        said: Mapping[str, Any] = {}
        wrong = "unable to parse json"
        if message is not None:
            said, wrong = self._commands.apply(message)
        reply: dict[str, Any] = {"success": not wrong}
        if wrong:
            reply["message"] = wrong
        self._send(text({**reply, "response": said}))
        if self._ends:
            self._ends = False
            self._advance(self._now)
            self._finish()
        elif self._starts is not None:
            self._begin(self._starts)

    def _send(self, line: str) -> None:
        if not self._output:
            self._output_since = self._now
        self._output.append(f"{line}\r\n")

    # -- tests
    def _start(self, test: Parameters) -> None:
        self._starts = test

    def _stop(self) -> None:
        self._ends = True

    def _begin(self, test: Parameters) -> None:
        self._starts = None
        board = self._board
        board.before_test()
        board.choose_volt_range(*test.extremes)
        board.set_volt(test.value(0))
        board.wait(self._now)
        self._running = _Running(test, self._now, self._commands.sample_period)

    def _finish(self) -> None:
        """The end of a test, or of none: an empty object tells it."""
        self._running = None
        self._board.wait(self._now)
        self._board.after_test()
        self._send("{}")

    def _advance(self, now: float) -> None:
        """Take the samples that are due, each at its own time, and end what is done."""
        while (running := self._running) is not None and running.next_due <= now:
            self._now = max(self._now, running.next_due)
            before, running.at = running.at, running.next_at
            current, at_the_end = self._board.follow(running.test, before, running.at, running.began)
            if running.at % running.period == 0:
                sample: dict[str, Any] = {"t": running.at, "v": running.test.value(running.at), "i": current}
                if self._board.multiplexes:
                    sample["n"] = self._commands.channels[0]
                if at_the_end and self._rules.tells_overload:
                    sample["le"] = True
                self._send(text(sample))
            if running.is_done:
                self._finish()


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    """The JSON object of a line; None if there is none."""
    try:
        message = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
