"""A runner in a process of its own that holds a cell under guard: the bench, a technique, and how it goes wrong.

    python guarded_runner.py BENCH FOLDER HOW

It prints what it does, one word per line. ``HOW`` is ``measure`` (to the end of the technique),
``spin`` (its worker never comes back from the fifth row), ``rest`` (nothing is on, and it says nothing
more) or ``fail`` (SIGUSR1 ends it, and it says that a cell could not be verified).
"""

import contextlib
import signal
import sys
from pathlib import Path

from luggin import plugins as plugin_manager
from luggin.bench import load_bench
from luggin.capabilities import Technique
from luggin.engine.guarded_lines import guarded_lines
from luggin.engine.guarding import Guard
from luggin.engine.session import BenchSession

CV = Technique(
    "cv",
    {"begin": 0.0, "vertices": (-0.8, 0.0), "end": 0.0, "rate": 0.4, "step": 0.005, "cycles": 2000, "quiet": 0.0}
    | {"current_range": None},
)


def say(*words):
    print(*words, flush=True)


def main(bench, folder, how):
    plugins = plugin_manager.load()
    loaded = load_bench(path=Path(bench), drivers=list(plugins.drivers()))
    session = BenchSession(loaded, plugins, folder)
    instrument = session.instrument("cell")
    stop = session.clock.cancel()

    def lost(words):
        say("lost", words)
        stop.set()
        instrument.request_abort()

    signal.signal(signal.SIGUSR1, lambda number, frame: instrument.request_abort())
    lines, unguarded = guarded_lines(session, plugins)
    guard = Guard.start(Path(folder), lines, lost, clock=session.clock, patience=20.0)
    guard.watchdog.watch(session.devices["cell"].transport)
    say("guardian", guard.pid, *unguarded)
    instrument.prepare([CV])
    if how == "rest":
        guard.arm("cell")
        guard.disarm("cell")
        say("rests")
        session.clock.wait_until(float("inf"), stop)
    guard.arm("cell")
    say("armed")
    with contextlib.closing(instrument.frames()) as frames:
        for number, _ in enumerate(frames):
            if number == 5:
                say("measures")
                while how == "spin":
                    pass
    say("safe", instrument.make_safe())
    guard.disarm("cell")
    session.close()
    if how == "fail":
        guard.leave_to_guardian("cell: it could not be verified")
    else:
        guard.close()
    say("over")


if __name__ == "__main__":
    main(*sys.argv[1:])
