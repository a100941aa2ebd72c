"""The guardian's process: ``python -m luggin.guardian``, started by the runner and by nobody else."""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from luggin.clock import Clock, RealClock, ScaledClock
from luggin.guardian.orders import Message, Orders, decode, encode
from luggin.guardian.processes import Runner, ignore_signals
from luggin.guardian.record import Record
from luggin.guardian.safing import LineSafety
from luggin.guardian.watch import BEAT, Verdict, Watch

#: How long (host s) a runner that was killed may take to leave the system before we go on without waiting.
_LEAVING = 2.0
#: A process that dies closes its pipes a moment (host s) before it is gone.
_DYING = 0.1
_LOOK = 0.002


def main() -> int:
    """Watch the runner to its end, and make its lines safe if that end is not a good one."""
    ignore_signals()
    messages: queue.Queue[Message | None] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, messages), daemon=True).start()
    first = messages.get()
    if first is None or "orders" not in first:
        return _refuse("the first message has no orders")
    orders = Orders.from_json(first["orders"])
    runner = Runner(orders.runner)
    if not runner.exists:
        return _refuse(f"process {orders.runner} is not the one that started this guardian")
    _say({"ready": os.getpid()})
    _load(orders)
    watch = Watch([line.role for line in orders.lines if line.leave_running], round(orders.silence / BEAT))
    verdict = _watch(messages, watch)
    if verdict is Verdict.LEAVE:
        return 0
    return 0 if _act(orders, runner, watch, kill=verdict is Verdict.KILL) else 1


def _load(orders: Orders) -> None:
    """Load what opening the lines takes now: when it is needed, the disk may be what has failed."""
    for name in {module for line in orders.lines for module in line.modules}:
        with contextlib.suppress(ImportError):  # then opening the line says so
            importlib.import_module(name)


def _listen(pipe: BinaryIO, messages: queue.Queue[Message | None]) -> None:
    """Pass on what the runner says; None at the end, also if what it says is torn."""
    try:
        for line in pipe:
            messages.put(decode(line))
    except ValueError:  # the runner died in the middle of a word
        pass
    finally:
        messages.put(None)


def _watch(messages: queue.Queue[Message | None], watch: Watch) -> Verdict:
    while True:
        try:
            message = messages.get(timeout=BEAT)
        except queue.Empty:
            verdict = watch.heard_nothing()
        else:
            verdict = watch.pipe_ended() if message is None else watch.heard(message)
            if message is not None and "beat" in message:
                _say(message)
        if verdict is not Verdict.WATCH:
            return verdict


def _act(orders: Orders, runner: Runner, watch: Watch, *, kill: bool) -> bool:
    """End the runner, then make every line safe, all at the same time; True if all of them are."""
    host = RealClock()
    clock = host if orders.speed == 1.0 else ScaledClock(orders.speed)
    record = Record(Path(orders.folder))
    guarded = [line for line in orders.lines if not line.leave_running]
    if watch.died:
        _wait_for_end(runner, host, _DYING)
    killed = kill and runner.kill()
    if killed:
        _wait_for_end(runner, host, _LEAVING)
    record.note("acts", why=watch.why, armed=sorted(watch.armed), lines=[line.role for line in orders.lines])
    record.note("runner", runner=orders.runner, killed=killed, gone=not runner.exists)
    for line in orders.lines:
        if line.leave_running:
            record.note("left running", role=line.role, words="the protocol says that it goes on without the computer")
    safe: dict[str, bool] = {}

    def make_safe(line: LineSafety, role: str) -> None:
        safe[role] = line.run()

    threads = []
    for line in guarded:
        safety = LineSafety(orders, line, clock, host, record, lambda: killed and runner.exists)
        threads.append(threading.Thread(target=make_safe, args=(safety, line.role), name=line.role))
        threads[-1].start()
    for thread in threads:
        thread.join()
    record.note("ends", safe=safe)
    record.close()
    return all(safe.values())


def _wait_for_end(runner: Runner, host: Clock, seconds: float) -> None:
    until = host.now() + seconds
    while runner.exists and host.now() < until:
        host.sleep(_LOOK)


def _say(message: Message) -> None:
    """Answer the runner, if it still listens."""
    try:
        sys.stdout.buffer.write(encode(message))
        sys.stdout.buffer.flush()
    except OSError:
        pass  # it does not; that it has gone is heard from its own pipe


def _refuse(why: str) -> int:
    _say({"refused": why})
    return 2


if __name__ == "__main__":
    # Not through sys.exit's clean-up: the thread that listens may wait for ever for a runner that hangs.
    os._exit(main())
