"""What instruments say: data packages, replies, blocks, readings."""

from __future__ import annotations

import math
import random

from fuzzing.parser import Parser, require

from luggin.clock import Cancel, VirtualClock
from luggin.errors import InstrumentError
from luggin.instrument import reading
from luggin.instrument.ieee488 import floats, numpy_array
from luggin.instrument.scpi import ScpiInstrument, number, numbers
from luggin.transport import Transport
from luggin_drivers.keithley.replies import decode
from luggin_drivers.palmsens.packages import PackageDecoder
from luggin_drivers.palmsens.replies import error_code, fault
from luggin_drivers.palmsens.tables import MODELS

_LARGEST_PACKAGE_VALUE = (1 << 27) * 1e18


class Recited(Transport):
    """A line on which the same bytes come once, in pieces, and nothing after them."""

    def __init__(self, data: bytes, clock: VirtualClock) -> None:
        super().__init__("recited", clock)
        self._pieces = [data[k : k + 97] for k in range(0, len(data), 97)][::-1]

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        if self._pieces:
            return self._pieces.pop()
        self.clock.wait_until(until)
        return b""

    def _write(self, data: bytes) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing is open."""


class Meter(ScpiInstrument):
    """Readings of every kind that the declarations know."""

    voltage = reading("READ?", unit="V", decode=number, doc="One number.")
    trace = reading("TRAC?", unit="V", decode=numbers, doc="Many numbers.")


def packages() -> Parser:
    ranges = MODELS["emstat4-hr"].range_index
    decoders = {len(types): PackageDecoder(types, ranges) for types in (("eb", "da", "ba"), ("ab",), ("eb", "ab"))}
    seeds = [
        b"Peb8000064m;da7F85F3Fu;ba48D503Dp,10,288", b"Pab8000000 ", b"Peb8000001 ;ab     nan",
        b"Peb8000064m;da7F85F3Fu;ba     nan,14,20C", b"Peb80003E8m;ab8000064m,10",
    ]  # fmt: skip

    def grow(chance: random.Random) -> bytes:
        fields = []
        for kind in chance.choice((("eb", "da", "ba"), ("ab",), ("eb", "ab"))):
            digits = f"{chance.randrange(1 << 28):07X}" + chance.choice("afpnum kMGTPEix")
            tail = "".join(f",{chance.choice('1230')}{chance.randrange(4096):X}" for _ in range(chance.randrange(3)))
            fields.append(kind + (digits if chance.random() < 0.9 else "     nan") + tail)
        return ("P" + ";".join(fields)).encode()

    def parse(data: bytes) -> None:
        # As many fields as there are semicolons, if that is one of ours.
        count = min(data.count(b";") + 1, 3)
        values, flags, scale = decoders[count].decode(data)
        require(len(values) == count, "another number of values")
        require(all(math.isnan(v) or abs(v) <= _LARGEST_PACKAGE_VALUE for v in values), f"values {values}")
        require(0 <= flags < 1 << 32, f"flags {flags}")
        require(math.isnan(scale) or scale in ranges.values(), f"range {scale}")

    return Parser(
        "MethodSCRIPT packages", seeds, parse, (InstrumentError,), (b"Peb", b";ba", b"     nan", b",288"), grow
    )


def replies() -> Parser:
    script = ("var c", "set_e 0", "cell_on", "meas_loop_lsv e c -500m 500m 10m 1")
    seeds = [b"e!4001: Line 3, Col 1", b"!0003", b"Z!0006", b"tes4_hr1000#Dec", b"L\n", b"e!40FF: Line 99999"]

    def parse(data: bytes) -> None:
        code = error_code(data)
        require(code is None or (len(code) == 4 and int(code, 16) < 1 << 16), f"code {code}")
        error = fault("cell", data, script)
        require(error.code == (code or ""), f"code {error.code}")
        require(len(str(error)) < 4 * len(data) + 400, "a message longer than what it is about")

    return Parser("MethodSCRIPT replies", seeds, parse, (InstrumentError,), (b"!4001", b": Line ", b", Col "))


def scpi_answers() -> Parser:
    seeds = [b"+1.25E-06\n", b"KEITHLEY INSTRUMENTS,MODEL 2450,04456789,1.7.12b\n", b"1,2,3,9.9E37\n", b"32\n", b"+0\n"]
    seeds.append(b'-113,"Undefined header"\n0,"No error"\n')

    def parse(data: bytes) -> None:
        clock = VirtualClock()
        meter = Meter(Recited(data[1:], clock), clock, "meter")
        kind = data[0] % 5 if data else 0
        if kind == 0:
            value = meter.voltage.read()
            require(math.isnan(value) or abs(value) < 9.9e37, f"{value}")
        elif kind == 1:
            require(all(math.isnan(v) or abs(v) < 9.9e37 for v in meter.trace.read()), "beyond overflow")
        elif kind == 2:
            require(meter.identity.read().maker != "", "an identity without a maker")
        elif kind == 3:
            require(len(meter.errors()) <= 100, "an error queue without end")
        else:
            require(0 <= int(meter.event_status()) < 256, "more than eight bits")

    def grow(chance: random.Random) -> bytes:
        rows = ",".join(f"{chance.uniform(-10, 10):.6E}" for _ in range(chance.randrange(1, 8)))
        return bytes([chance.randrange(256)]) + rows.encode() + chance.choice((b"\n", b"\r\n", b"", b"\n\n"))

    words = (b"9.91E37", b"-113,", b'"', b",", b"\n", b"+", b"E", b"1.7.12")
    return Parser("SCPI answers", [b"\0" + s for s in seeds] + [bytes([k]) + s for k, s in enumerate(seeds, 1)], parse,
                  (InstrumentError,), words, grow)  # fmt: skip


def scpi_blocks() -> Parser:
    body = bytes.fromhex("3f800000c0000000")
    seeds = [b"#18" + body + b"\n", b"#208" + body, b"#0" + body + b"\n", b"#9000000008" + body, b"#10\n"]

    def grow(chance: random.Random) -> bytes:
        size = chance.choice((0, 1, 8, 100, 5000))
        said = chance.choice((size, size, size + 1, 10 ** chance.randrange(9)))
        return f"#{chance.choice((len(str(said)), 9, 0))}{said}".encode() + bytes(chance.randbytes(size)) + b"\n"

    def parse(data: bytes) -> None:
        line = Recited(data, VirtualClock())
        block = line.read_block(longest=1 << 20)
        require(len(block) <= len(data), "more bytes than came")
        require(len(floats(block)) * 4 == len(block), "half a number")
        require(len(numpy_array(block)) * 4 == len(block), "half a number")

    return Parser("IEEE 488.2 blocks", seeds, parse, (InstrumentError,), (b"#", b"#9999999999", b"#0", b"\n"), grow)


def keithley_readings() -> Parser:
    def rows(chance: random.Random, count: int) -> bytes:
        numbers = []
        for k in range(count):
            measured = chance.choice((1e-6, 9.9e37, -9.91e37))
            numbers += [
                f"{k * 0.02:.9f}",
                f"{chance.uniform(-1, 1):.6E}",
                f"{measured:.6E}",
                f"{chance.randrange(1 << 10)}",
            ]
        return ",".join(numbers).encode()

    seeds = [rows(random.Random(k), 1 + k % 4) for k in range(8)]

    def parse(data: bytes) -> None:
        for expected in {1 + data.count(b",") // 4, 2}:
            readings = decode(data, expected, "meter")
            require(len(readings.time) == expected, "another number of readings")
            for measures_current in (False, True):
                flags = readings.flags(measures_current=measures_current)
                require(str(flags.dtype) == "uint32", f"flags are {flags.dtype}")

    return Parser("Keithley readings", seeds, parse, (InstrumentError,), (b",", b"9.91E37", b"E", b"-", b"nan"),
                  lambda chance: rows(chance, 1 + chance.randrange(5)))  # fmt: skip
