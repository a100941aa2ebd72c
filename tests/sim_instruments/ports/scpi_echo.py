"""A small SCPI instrument for tests of lines, in process and over sockets, and a peer that the test plays by hand."""

from __future__ import annotations

import json
import math
import socket
import struct
import threading
from collections import deque
from typing import ClassVar

from luggin_sim import SIMULATOR

IDENTITY = b"LUGGIN,ECHO,0042,1.0"


class ScpiEcho:
    """It answers, is late, stays silent, sends blocks and requests service.

    Answers end with a line feed and are ready ``delay`` s after the question.

    ``LATE <s>`` delays the next answer, and those behind it, ``MUTE`` loses it, ``HALF`` sends half of it, ``BARE``
    leaves out its line feed. ``WAIT <s>`` is an operation that *OPC waits for; ``TRAC? <n>`` sends n
    floats as a definite block, ``INDEF? <n>`` as an indefinite one; ``COUNT?`` counts its askings.
    """

    cell_is_on: ClassVar[bool] = False

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.volts = 0.0
        self.count = 0
        self.commands: list[bytes] = []
        self.errors: deque[bytes] = deque()
        self.cleared = self.triggered = 0
        self._input = bytearray()
        self._replies: list[tuple[float, bytes]] = []
        self._next: dict[str, float] = {}
        self._busy_until = self._now = -math.inf
        self._events = self._enabled = 0
        self._completes = False

    # -- the dialect
    def feed(self, data: bytes, now: float) -> None:
        self._pass(now)
        self._input += data
        while (end := self._input.find(b"\n")) >= 0:
            line = bytes(self._input[:end]).strip()
            del self._input[: end + 1]
            if line:
                self.commands.append(line)
                self._handle(line, now)

    def take(self, now: float) -> bytes:
        self._pass(now)
        due = [reply for reply in self._replies if reply[0] <= now]
        self._replies = [reply for reply in self._replies if reply[0] > now]
        return b"".join(data for _, data in due)

    def next_due(self, now: float) -> float | None:
        self._pass(now)
        return min((when for when, _ in self._replies), default=None)

    # -- beside the bytes
    def status_byte(self) -> int:
        event = 0x20 if self._events & self._enabled else 0
        return event | (0x40 if event else 0) | (0x04 if self.errors else 0)

    def device_clear(self) -> None:
        self.cleared += 1
        self._replies.clear()
        self._input.clear()

    def trigger(self) -> None:
        self.triggered += 1

    # -- the language
    def _handle(self, line: bytes, now: float) -> None:
        command, _, argument = line.decode("ascii").partition(" ")
        simple = {
            "*IDN?": lambda: IDENTITY,
            "COUNT?": self._counted,
            "VOLT?": lambda: b"%.6E" % self.volts,
            "OVER?": lambda: b"9.9E37",
            "*STB?": lambda: b"%d" % self.status_byte(),
            "*ESR?": self._event_status,
            "SYST:ERR?": lambda: self.errors.popleft() if self.errors else b'0,"No error"',
            "ECHO?": lambda: argument.encode(),
        }
        if command in simple:
            self._answer(simple[command](), now)
        elif command in ("TRAC?", "INDEF?"):
            body = struct.pack(f"<{int(argument)}f", *(math.sin(k * 1e-3) for k in range(int(argument))))
            digits = b"%d" % len(body)
            self._answer((b"#%d%s" % (len(digits), digits) if command == "TRAC?" else b"#0") + body, now)
        elif command in ("LATE", "MUTE", "HALF", "BARE"):
            self._next[command] = float(argument or 0)
        elif command == "WAIT":
            self._busy_until = now + float(argument)
        elif command == "*OPC":
            self._completes = True
            self._pass(now)
        elif command == "*ESE":
            self._enabled = int(argument)
        elif command == "VOLT":
            self._set_volts(argument)
        else:
            self._fail(0x20, b'-113,"Undefined header"')

    def _answer(self, reply: bytes, now: float) -> None:
        modes, self._next = self._next, {}
        if "MUTE" in modes:
            return
        if "HALF" in modes:
            reply = reply[: len(reply) // 2]
        elif "BARE" not in modes:
            reply += b"\n"
        # Answers come in the order of the questions: one that is late holds up those behind it.
        ready = max([now, *(when for when, _ in self._replies)]) + self.delay + modes.get("LATE", 0.0)
        self._replies.append((ready, reply))

    def _counted(self) -> bytes:
        self.count += 1
        return b"%d" % self.count

    def _event_status(self) -> bytes:
        events, self._events = self._events, 0
        return b"%d" % events

    def _set_volts(self, argument: str) -> None:
        try:
            self.volts = float(argument)
        except ValueError:
            self._fail(0x20, b'-104,"Data type error"')

    def _fail(self, event: int, entry: bytes) -> None:
        self._events |= event
        self.errors.append(entry)

    def _pass(self, now: float) -> None:
        self._now = now
        if self._completes and now >= self._busy_until:
            self._completes = False
            self._events |= 1


class EchoMaker:
    """For ``luggin_sim.dialects.DIALECTS``: ``options`` may have ``delay`` (s)."""

    def check(self, model, options):
        return []

    def make(self, model, options, cell):
        return ScpiEcho(**options)


#: Host seconds that a test is ready to wait for something that must happen; it is over long before.
PATIENCE = 20.0


class OneClient:
    """An instrument's end of a TCP connection that the test plays by hand."""

    def __init__(self):
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(PATIENCE)
        self.host, self.port = self._door.getsockname()[:2]
        self.name = f"TCPIP0::{self.host}::{self.port}::SOCKET"
        self._client = None
        self._threads = []

    def accept(self):
        self._client, _ = self._door.accept()
        self._client.settimeout(PATIENCE)
        return self

    def send(self, data):
        self._client.sendall(data)

    def receive_line(self):
        data = b""
        while not data.endswith(b"\n") and (more := self._client.recv(4096)):
            data += more
        return data

    def hang_up(self, rudely=False):
        if self._client is not None:
            if rudely:  # a reset instead of a farewell
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._client.close()
            self._client = None

    def play(self, *acts):
        """Do these in a thread of the instrument's own."""
        thread = threading.Thread(target=lambda: [act() for act in acts], daemon=True)
        thread.start()
        self._threads.append(thread)

    def close(self):
        for thread in self._threads:
            thread.join(PATIENCE)
        self.hang_up()
        self._door.close()


class Served:
    """``luggin sim`` in a thread of this process."""

    def __init__(self, tables, speed=1.0, log_folder=None):
        self.said, ready, self._stop = None, threading.Event(), threading.Event()

        def announce(said):
            self.said = said
            ready.set()

        arguments = (tables, speed, log_folder, announce, self._stop.is_set)
        self._thread = threading.Thread(target=SIMULATOR.serve, args=arguments, daemon=True)
        self._thread.start()
        assert ready.wait(PATIENCE)

    def ask(self, question, **told):
        control = self.said["control"]
        with socket.create_connection((control["host"], control["port"]), timeout=PATIENCE) as connection:
            with connection.makefile("rwb") as file:
                file.write(json.dumps({"ask": question, **told}).encode() + b"\n")
                file.flush()
                return json.loads(file.readline())

    def close(self):
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


def echo_table(address, **options):
    """A ``[simulated]`` table of the echo, with a resistor nobody looks at on its leads."""
    cell = {"kind": "resistor", "resistance": "1 kohm"}
    return {"dialect": "test.echo", "model": "echo", "address": address, "options": options, "cell": cell}
