"""How long a MethodSCRIPT row takes: decoding of a package, and the whole way from line to frame.

    python benchmarks/decode.py

Prints microseconds per row (median and spread of the rounds) beside a calibration loop, so that
figures of different machines can be compared.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable

from luggin.capabilities import Technique
from luggin.clock import Cancel, VirtualClock
from luggin.transport import Transport
from luggin_drivers.palmsens import PalmSensMethodScript
from luggin_drivers.palmsens.packages import PackageDecoder
from luggin_drivers.palmsens.tables import MODELS

ROWS = 20_000
ROUNDS = 7


def package(row: int) -> bytes:
    time_ms, potential_uv, current_pa = row * 200, -200_000 + row % 1000 * 1000, 1_500_000 + row
    digits = [f"{value + (1 << 27):07X}" for value in (time_ms, potential_uv, current_pa)]
    return f"Peb{digits[0]}m;da{digits[1]}u;ba{digits[2]}p,10,218".encode()


class Replay(Transport):
    """A line on which the whole answer has arrived already."""

    def __init__(self, clock: VirtualClock, answer: bytes) -> None:
        super().__init__("replay", clock)
        self._answer = answer

    def _read_chunk(self, until: float, cancel: Cancel | None) -> bytes:
        chunk, self._answer = self._answer[:4096], self._answer[4096:]
        return chunk

    def _write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass


def decoding(lines: list[bytes]) -> float:
    decode = PackageDecoder(("eb", "da", "ba"), MODELS["emstat4-hr"].range_index).decode
    start = time.perf_counter()
    for line in lines:
        decode(line)
    return time.perf_counter() - start


def streaming(lines: list[bytes]) -> float:
    clock = VirtualClock()
    answer = b"e\nM0005\n" + b"\n".join(lines) + b"\n*\n\n"
    driver = PalmSensMethodScript()
    instrument = driver.create(Replay(clock, answer), clock, "cell", {"model": "emstat4-hr"})
    parameters = {"begin": -0.2, "vertices": (0.8, -0.2), "rate": 0.025, "step": 0.005}
    instrument.prepare([Technique("cv", parameters)])
    start = time.perf_counter()
    rows = sum(len(frame) for frame in instrument.frames())
    seconds = time.perf_counter() - start
    assert rows == len(lines)
    return seconds


def calibration(lines: list[bytes]) -> float:
    """A fixed amount of plain Python per line."""
    start = time.perf_counter()
    for line in lines:
        line.split(b";")
        int(b"80001F4", 16)
    return time.perf_counter() - start


def report(name: str, measure: Callable[[list[bytes]], float], lines: list[bytes]) -> None:
    each = sorted(measure(lines) / len(lines) * 1e6 for _ in range(ROUNDS))
    print(f"{name:<34} {statistics.median(each):6.2f} us per row ({each[0]:.2f} ... {each[-1]:.2f})")


def main() -> None:
    lines = [package(row) for row in range(ROWS)]
    print(f"Python {platform.python_version()}, {platform.machine()}, {ROUNDS} rounds of {ROWS} rows")
    report("calibration (split, int)", calibration, lines)
    report("decoding of a package", decoding, lines)
    report("line to frame, with the line reader", streaming, lines)


if __name__ == "__main__":
    main()
