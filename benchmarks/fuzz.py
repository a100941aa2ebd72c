"""Feeds every parser a million inputs that nobody would write, and counts what should not come out.

    PYTHONPATH=daq:drivers:plugins:sim_instruments python benchmarks/fuzz.py [--inputs 1000000] [--only quantities]

Half of the inputs grow from the grammar of what is parsed, the others are right ones that were changed;
each is a function of seed, parser and number, so ``--replay PARSER NUMBER`` shows one again. *Uncaught* is
any error but those in which Luggin says what is wrong, a value outside its declared range, or the death of
the process; a *hang* is an input that takes more than a second of CPU (or half a minute by the clock).
Each parser works in a child process, chunk by chunk: what kills it costs one input.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import os
import resource
import select
import signal
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import files, lines, texts
from fuzzing.parser import Parser

PARSERS: dict[str, Callable[[], Parser]] = {
    "quantities": texts.quantities,
    "toml": texts.toml_protocols,
    "yaml": texts.yaml_protocols,
    "bench": texts.benches,
    "documents": texts.documents,
    "packages": lines.packages,
    "replies": lines.replies,
    "scpi": lines.scpi_answers,
    "blocks": lines.scpi_blocks,
    "keithley": lines.keithley_readings,
    "journal": files.journals,
    "run.log": files.run_logs,
    "store": files.root_documents,
    "chunks": files.chunks,
    "gamry": files.gamry_files,
    "ec-lab": files.ec_lab_files,
}
HANG_S = 1.0
SILENCE_S = 30.0
MEMORY_BYTES = 4 << 30
SHOWN = 12
_STATE = struct.Struct("<QQQQ")  # next input, accepted, uncaught, hangs


class Hang(BaseException):
    """One input took too long."""


@dataclass
class Tally:
    """What one parser did."""

    done: int = 0
    accepted: int = 0
    uncaught: int = 0
    hangs: int = 0
    seconds: float = 0.0
    shown: set[str] = field(default_factory=set)


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Within the block, more than a second of CPU raises `Hang`."""
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def work(parser: Parser, seed: int, first: int, stop: int, shared: mmap.mmap, pipe: int) -> None:
    """The child: parse the inputs from ``first`` on and say in ``shared`` how far it is."""

    def hang(_number: int, _frame: object) -> None:
        raise Hang

    warnings.simplefilter("error")
    signal.signal(signal.SIGPROF, hang)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    _, accepted, uncaught, hangs = _STATE.unpack_from(shared)
    for number in range(first, stop):
        _STATE.pack_into(shared, 0, number, accepted, uncaught, hangs)
        data = parser.input(seed, number)
        try:
            with watched():
                parser.parse(data)
            accepted += 1
        except parser.allowed:
            pass
        except Hang:
            hangs += 1
            os.write(pipe, f"{number}\tmore than {HANG_S:g} s of CPU\n".encode())
        except Exception as error:  # noqa: BLE001 -- that it gets here is what is counted
            uncaught += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            said = str(error).replace("\n", " ")[:120]
            os.write(
                pipe,
                f"{number}\t{type(error).__name__}: {said} ({Path(where.filename).name}:{where.lineno})\n".encode(),
            )
    _STATE.pack_into(shared, 0, stop, accepted, uncaught, hangs)


def fuzz(parser: Parser, seed: int, first: int, inputs: int, chunk: int, until: float) -> Tally:
    """Let children parse the inputs from ``first`` to ``inputs``, or as many as the clock allows (``until``)."""
    tally = Tally(done=first)
    begin = time.monotonic()
    with mmap.mmap(-1, _STATE.size) as shared:
        while tally.done < inputs and time.monotonic() < until:
            stop = min(inputs, tally.done + chunk)
            killed = run_child(parser, seed, tally, stop, shared)
            tally.done, tally.accepted, tally.uncaught, tally.hangs = _STATE.unpack_from(shared)
            if killed:
                show(parser, tally, f"{tally.done}\t{killed}")
                tally.done += 1
                tally.hangs += "silent" in killed
                tally.uncaught += "silent" not in killed
                _STATE.pack_into(shared, 0, tally.done, tally.accepted, tally.uncaught, tally.hangs)
    tally.seconds = time.monotonic() - begin
    return tally


def run_child(parser: Parser, seed: int, tally: Tally, stop: int, shared: mmap.mmap) -> str:
    """One chunk in a child. What killed it, or nothing."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(ours)
            work(parser, seed, tally.done, stop, shared, theirs)
            code = 0
        finally:
            files.clean_up()
            os._exit(code)
    os.close(theirs)
    killed = watch(child, ours, parser, tally, shared)
    os.close(ours)
    return killed


def watch(child: int, pipe: int, parser: Parser, tally: Tally, shared: mmap.mmap) -> str:
    """Listen to a child until it ends; one that stays at the same input is killed."""
    heard, seen, since = b"", -1, time.monotonic()
    while True:
        if select.select([pipe], [], [], 0.5)[0]:
            piece = os.read(pipe, 1 << 16)
            if not piece:
                break
            *said, heard = (heard + piece).split(b"\n")
            for line in said:
                show(parser, tally, line.decode(errors="replace"))
        number = _STATE.unpack_from(shared)[0]
        if number != seen:
            seen, since = number, time.monotonic()
        elif time.monotonic() - since > SILENCE_S:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"silent for {SILENCE_S:g} s, killed"
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return f"the process died of signal {os.WTERMSIG(status)}"
    return "" if os.WEXITSTATUS(status) == 0 else "the process ended"


def show(parser: Parser, tally: Tally, line: str) -> None:
    """Print the first finding of each kind."""
    number, _, what = line.partition("\t")
    kind = what.rpartition("(")[2] or what
    if kind not in tally.shown and len(tally.shown) < SHOWN:
        tally.shown.add(kind)
        print(f"  {parser.name}, input {number}: {what}", flush=True)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inputs", type=int, default=1_000_000)
    options.add_argument("--first", type=int, default=0, help="number of the first input")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--chunk", type=int, default=50_000, help="inputs per child process")
    options.add_argument("--minutes", type=float, default=1e9, help="longest time for each parser")
    options.add_argument("--only", nargs="+", choices=list(PARSERS), default=list(PARSERS))
    options.add_argument("--replay", nargs=2, metavar=("PARSER", "NUMBER"), help="show one input and what it does")
    chosen = options.parse_args()
    if chosen.replay:
        parser = PARSERS[chosen.replay[0]]()
        data = parser.input(chosen.seed, int(chosen.replay[1]))
        print(data)
        parser.parse(data)
        print("accepted")
        return 0
    wrong = 0
    print(f"{'parser':34}{'inputs':>10}{'accepted':>10}{'inputs/s':>10}{'uncaught':>10}{'hangs':>7}", flush=True)
    for name in chosen.only:
        parser = PARSERS[name]()
        tally = fuzz(
            parser, chosen.seed, chosen.first, chosen.inputs, chosen.chunk, time.monotonic() + 60 * chosen.minutes
        )
        tally.done -= chosen.first
        rate = tally.done / tally.seconds
        print(
            f"{parser.name:34}{tally.done:10}{tally.accepted:10}{rate:10.0f}{tally.uncaught:10}{tally.hangs:7}",
            flush=True,
        )
        wrong += tally.uncaught + tally.hangs
    files.clean_up()
    print("the grammar of `until` is not fuzzed: this version has none")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
