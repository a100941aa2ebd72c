"""Every fault of a line, in real time, on real lines: how long until Luggin says so, and is the next answer right?

    python benchmarks/wire_faults.py [--speed 1] [--only drop mute] [--drivers palmsens.methodscript] [--lines tcp]

The virtual-time version is the conformance kit (``luggin instruments test DRIVER``). Here the same faults are put
on a pseudo-terminal and on a TCP port of ``luggin sim`` in a process of its own (through its control port), and on
a VISA name in this process. A chronoamperometry of three seconds runs on a resistor; the fault comes a second after
its first row. *Told after* is the time from the fault to the project's error, *allowed* is the driver's patience (two
timeouts; three for host-stepped techniques, which open the cell first), the age of a row, and half a second. A
technique that goes on in spite of the fault tells nothing, which is fine as long as its rows are right. Then the fault
is taken away, the line is opened anew, and the instrument is asked who it is, made safe, and run again.

Bars: nothing later than allowed, no hang, no wrong row, each next answer right, each cell off.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from luggin.capabilities import Technique
from luggin.clock import RealClock, ScaledClock
from luggin.errors import InstrumentError, LugginError
from luggin.records import Flag
from luggin.testing import Subject
from luggin.testing.faults import FAULTS, WireFault
from luggin.testing.rig import MARGIN, Recording, Rig
from luggin_sim import SIMULATOR

DRIVERS = {
    "palmsens.methodscript": {"model": "emstat4-hr"},
    "keithley.2450": {"model": "2450"},
}
ADDRESSES = {"pty": "", "tcp": "TCPIP0::lab.example::5025::SOCKET", "visa": "GPIB0::18::INSTR"}
OHM, VOLT = 10e3, 0.4
TECHNIQUE = Technique("ca", {"potential": VOLT, "duration": 3.0, "dt": 0.1})
HANG = 60.0
#: Noise of the simulated meters and their converters' steps, relative to the current that flows.
ACCURACY = 0.01
#: A row with one of these is not taken for a measurement by anybody.
MARKED = int(
    Flag.POTENTIAL_OVERLOAD | Flag.CURRENT_OVERLOAD | Flag.COMPLIANCE | Flag.CELL_OFF | Flag.CLIPPED | Flag.DECODE_ERROR
)


@dataclass
class Found:
    """What one fault did."""

    outcome: str
    told_after: float | None
    allowed: float
    hung: bool
    wrong_rows: int
    next_right: bool
    cell_on: bool

    @property
    def late(self) -> float:
        return max(0.0, (self.told_after or 0.0) - self.allowed)


@dataclass
class Place:
    """Where an instrument is, and how it is meddled with. Times are lab seconds."""

    resource: str
    clock: RealClock | ScaledClock
    inject: Callable[[str, dict], None]
    clear: Callable[[], None]
    cell_is_on: Callable[[], bool]


def serve(tables: dict, speed: float, pipe) -> None:
    """The process of the simulator."""
    stop = threading.Event()
    threading.Thread(target=lambda: (pipe.recv(), stop.set()), daemon=True).start()
    SIMULATOR.serve(tables, speed, None, lambda said: pipe.send(dict(said)), stop.is_set)


def ask(control: dict, question: dict) -> dict:
    with socket.create_connection((control["host"], control["port"]), timeout=5.0) as connection:
        connection.sendall(json.dumps(question).encode() + b"\n")
        with connection.makefile("rb") as answers:
            answer = json.loads(answers.readline())
    if "error" in answer:
        raise SystemExit(f"the simulator says: {answer['error']}")
    return answer


def as_in_a_bench_file(settings: dict) -> dict:
    """Times with their unit; the duration is called ``for`` there."""
    written = {key: f"{value:g} s" if key in ("duration", "delay") else value for key, value in settings.items()}
    return {("for" if key == "duration" else key): value for key, value in written.items()}


@contextlib.contextmanager
def placed(driver: str, line: str, speed: float) -> Iterator[Place]:
    """A simulated instrument with a resistor, on a line of this kind."""
    table = {
        "dialect": driver,
        **DRIVERS[driver],
        "cell": {"kind": "resistor", "resistance": f"{OHM:g} ohm"},
        **({"address": ADDRESSES[line]} if ADDRESSES[line] else {}),
    }
    if line == "visa":
        clock = RealClock() if speed == 1 else ScaledClock(speed)
        lab = SIMULATOR.open_lab({"cell": table}, clock)
        faults = lab.faults("cell")
        yield Place(
            lab.url("cell"),
            clock,
            lambda kind, settings: faults.inject(kind, **settings) and None,
            faults.clear,
            lambda: lab.cell_is_on("cell"),
        )
        lab.close()
        return
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=({"cell": table}, speed, theirs), daemon=True)
    process.start()
    said = ours.recv()
    control = said["control"]

    def inject(kind: str, settings: dict) -> None:
        ask(control, {"ask": "fault", "instrument": "cell", "kind": kind, **as_in_a_bench_file(settings)})

    yield Place(
        said["resources"]["cell"],
        RealClock() if speed == 1 else ScaledClock(speed),
        inject,
        lambda: ask(control, {"ask": "clear", "instrument": "cell"}) and None,
        lambda: ask(control, {"ask": "status"})["cells"]["cell"]["on"],
    )
    ours.send("stop")
    process.join(5.0)


def broken(subject: Subject, place: Place, fault: WireFault) -> Found:
    """One technique with one fault."""
    clock = place.clock
    rig = Rig(subject, clock, None)
    known = rig.device.identify()
    rig.device.make_safe()
    settings = fault.planned(rig.line.timeout)
    happened: list[float] = []
    recordings: list[Recording] = []

    def meddle(rows: int) -> None:
        if rows and not happened and clock.now() - began[0] > 1.0:
            place.inject(fault.kind, settings)
            happened.append(clock.now())

    began = [clock.now()]
    worker = threading.Thread(target=lambda: recordings.append(rig.run([TECHNIQUE], meddle)), daemon=True)
    worker.start()
    worker.join(HANG)
    hung = worker.is_alive()
    place.clear()
    time.sleep(settings.get("duration", 0.0) / clock.speed)
    if hung or not recordings:
        return Found("hangs", None, 0.0, True, 0, False, place.cell_is_on())
    recording = recordings[0]
    stepped = subject.offline_instrument().capabilities.techniques.get("ca") is None
    allowed = (3 if stepped else 2) * rig.line.timeout + recording.realised.latency + MARGIN
    outcome, told = "goes on", None
    if recording.error is not None:
        outcome = type(recording.error).__name__
        outcome += "" if isinstance(recording.error, InstrumentError) else " (!)"
        told = recording.ended - happened[0] if happened else recording.ended - began[0]
    right = recovered(rig, known)
    rig.close()
    return Found(outcome, told, allowed, False, wrong(recording), right, place.cell_is_on())


def recovered(rig: Rig, known: object) -> bool:
    """A new line, the same instrument, an open cell, and a technique that runs as it should."""
    try:
        rig.reopen()
        rig.device.make_safe()
        again = rig.device.identify() == known
        recording = rig.run([TECHNIQUE])
        rig.device.make_safe()
    except LugginError as error:
        print(f"    afterwards: {error!r}")
        return False
    return again and recording.error is None and len(recording.rows) >= 28 and wrong(recording) == 0


def wrong(recording: Recording) -> int:
    """Rows that say something that never was, without a flag."""
    rows = [row for row in recording.rows if not int(row.get("flags", 0)) & MARKED]
    times = [row["instrument_time"] for row in recording.rows]
    repeated = sum(later <= earlier for earlier, later in itertools.pairwise(times))
    off = [row for row in rows if row["current"] == row["current"]]
    return repeated + sum(abs(row["current"] - row["potential"] / OHM) > ACCURACY * VOLT / OHM for row in off)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--speed", type=float, default=1.0, help="lab seconds per second; 1 is the claim")
    arguments.add_argument("--only", nargs="*", help="names of faults")
    arguments.add_argument("--drivers", nargs="*", default=list(DRIVERS))
    arguments.add_argument("--lines", nargs="*", default=list(ADDRESSES))
    asked = arguments.parse_args()
    chosen = [fault for fault in FAULTS if not asked.only or fault.name in asked.only]
    found: list[Found] = []
    columns = f"{'driver':22} {'line':5} {'fault':14} {'outcome':16} {'told after':>10} {'allowed':>8} {'late':>6}"
    print(f"{columns}  next  cell")
    for driver in asked.drivers:
        for line in asked.lines:
            for fault in chosen:
                with placed(driver, line, asked.speed) as place:
                    subject = Subject(driver, DRIVERS[driver]).on_hardware(place.resource, OHM, place.clock)
                    one = broken(subject, place, fault)
                found.append(one)
                told = "-" if one.told_after is None else f"{one.told_after:.2f} s"
                rows = f"  {one.wrong_rows} WRONG ROWS" if one.wrong_rows else ""
                following, cell = "right" if one.next_right else "WRONG", "ON" if one.cell_on else "off"
                print(
                    f"{driver:22} {line:5} {fault.name:14} {one.outcome:16} {told:>10} {one.allowed:6.2f} s "
                    f"{one.late:5.2f}s  {following} {cell}{rows}",
                    flush=True,
                )
    print(
        f"\n{len(found)} faults: {sum(one.hung for one in found)} hangs, largest lateness "
        f"{max(one.late for one in found):.2f} s, {sum(one.wrong_rows for one in found)} wrong rows, "
        f"{sum(not one.next_right for one in found)} wrong next answers, {sum(one.cell_on for one in found)} cells on"
    )
    good = all(not one.hung and one.late == 0.0 and one.next_right and not one.cell_on for one in found)
    raise SystemExit(0 if good and not any(one.wrong_rows for one in found) else 1)


if __name__ == "__main__":
    main()
