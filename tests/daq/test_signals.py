"""Signals are counted and told, never raised. Each test sends real signals, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

PROLOGUE = """
import json, os, signal, threading, logging
from luggin.signals import STOPPING, SignalWatch

told, changed = [], threading.Condition()

def tell(count, name):
    with changed:
        told.append([count, name])
        changed.notify_all()

def wait_for(condition):
    with changed:
        assert changed.wait_for(condition, 20), told

def show(**facts):
    print(json.dumps(facts))
"""


def run(script: str, **options):
    """What the script showed; its errors must be empty."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_signals_are_counted_and_named_and_the_main_thread_goes_on():
    shown = run("""
        with SignalWatch(tell) as watch:
            os.kill(os.getpid(), signal.SIGINT)
            wait_for(lambda: len(told) == 1)
            os.kill(os.getpid(), signal.SIGTERM)
            wait_for(lambda: len(told) == 2)
            os.kill(os.getpid(), signal.SIGHUP)
            wait_for(lambda: len(told) == 3)
            show(told=told, count=watch.count)
    """)
    assert shown == {"told": [[1, "SIGINT"], [2, "SIGTERM"], [3, "SIGHUP"]], "count": 3}


def test_other_signals_are_not_ours():
    shown = run("""
        others = []
        signal.signal(signal.SIGUSR1, lambda *_: others.append(1))
        with SignalWatch(tell) as watch:
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGINT)
            wait_for(lambda: told)
            show(told=told, others=others, count=watch.count)
    """)
    assert shown == {"told": [[1, "SIGINT"]], "others": [1], "count": 1}


def test_handlers_and_wakeup_descriptor_are_as_before():
    shown = run("""
        import socket
        before = [signal.getsignal(number) for number in STOPPING]
        sender, receiver = socket.socketpair()
        sender.setblocking(False)
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        with SignalWatch(tell):
            inside = [signal.getsignal(number) for number in STOPPING]
        after = [signal.getsignal(number) for number in STOPPING]
        same_fd = signal.set_wakeup_fd(-1) == sender.fileno()
        try:
            signal.raise_signal(signal.SIGINT)
            raised = False
        except KeyboardInterrupt:
            raised = True
        show(restored=after == before, replaced=len(set(map(id, inside))) == 1, same_fd=same_fd, raised=raised,
             threads=[thread.name for thread in threading.enumerate()])
    """)
    assert shown == {"restored": True, "replaced": True, "same_fd": True, "raised": True, "threads": ["MainThread"]}


def test_watches_can_be_nested_and_the_inner_one_hears():
    shown = run("""
        outer, inner = [], []
        with SignalWatch(lambda count, name: outer.append(count)) as first:
            with SignalWatch(tell) as second:
                signal.raise_signal(signal.SIGINT)
                wait_for(lambda: told)
            heard = [first.count, second.count]
            signal.raise_signal(signal.SIGTERM)
            while first.count == 0:
                pass
            show(heard=heard, outer=first.count, inner=second.count)
    """)
    assert shown == {"heard": [0, 1], "outer": 1, "inner": 1}


def test_on_another_thread_it_does_nothing():
    shown = run("""
        facts = {}
        def elsewhere():
            with SignalWatch(tell) as watch:
                facts["handler kept"] = signal.getsignal(signal.SIGINT) is signal.default_int_handler
                facts["threads"] = sorted(thread.name for thread in threading.enumerate())
                facts["count"] = watch.count
        thread = threading.Thread(target=elsewhere, name="elsewhere")
        thread.start()
        thread.join()
        show(**facts, told=told)
    """)
    assert shown == {"handler kept": True, "threads": ["MainThread", "elsewhere"], "count": 0, "told": []}


def test_a_storm_of_signals_raises_nothing_keeps_count_and_does_not_deadlock():
    """The system merges equal signals and a full descriptor drops some; a later signal is heard all the same."""
    shown = run("""
        steps, lock = 0, threading.Lock()
        with SignalWatch(tell) as watch:
            storm = threading.Thread(target=lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(1000)])
            storm.start()
            for _ in range(1000):
                with lock:  # work that an exception in the middle would break
                    signal.raise_signal(signal.SIGINT)
                    steps += 1
            storm.join()
            with changed:
                while not told or told[-1][1] != "SIGTERM":
                    signal.raise_signal(signal.SIGTERM)
                    changed.wait(0.1)
            show(counts_in_order=[count for count, _ in told] == list(range(1, len(told) + 1)),
                 steps=steps, ints=sum(name == "SIGINT" for _, name in told))
    """)
    assert shown["counts_in_order"]
    assert shown["steps"] == 1000
    assert 1 <= shown["ints"] <= 2000


def test_signals_one_after_another_are_all_told():
    shown = run("""
        with SignalWatch(tell):
            for number in range(1000):
                signal.raise_signal(signal.SIGINT)
                wait_for(lambda: len(told) == number + 1)
        show(told=len(told))
    """)
    assert shown == {"told": 1000}


def test_what_arrived_is_told_before_the_watch_ends():
    shown = run("""
        with SignalWatch(tell):
            signal.raise_signal(signal.SIGINT)
        show(told=told)
    """)
    assert shown == {"told": [[1, "SIGINT"]]}


def test_a_listener_that_fails_is_logged_and_hears_the_next_signal():
    shown = run("""
        logged = []
        class Keep(logging.Handler):
            def emit(self, record):
                logged.append(record.getMessage())
        logging.getLogger("luggin.signals").addHandler(Keep())
        def failing(count, name):
            tell(count, name)
            raise ValueError("no run to stop")
        with SignalWatch(failing):
            signal.raise_signal(signal.SIGINT)
            wait_for(lambda: len(told) == 1)
            signal.raise_signal(signal.SIGINT)
            wait_for(lambda: len(told) == 2)
        show(told=told, logged=logged)
    """)
    assert shown["told"] == [[1, "SIGINT"], [2, "SIGINT"]]
    assert shown["logged"] == ["what should happen on SIGINT failed"] * 2


def test_a_listener_that_takes_its_time_holds_the_end_up_for_a_second_at_most_and_ends_cleanly():
    shown = run("""
        release, ended = threading.Event(), threading.Event()
        threading.excepthook = lambda arguments: told.append(str(arguments.exc_value))
        def slow(count, name):
            tell(count, name)
            release.wait(20)
        watch = SignalWatch(slow)
        with watch:
            signal.raise_signal(signal.SIGINT)
            wait_for(lambda: told)
            listener = watch._thread
        still_busy = listener.is_alive()
        release.set()
        listener.join(20)
        show(still_busy=still_busy, told=told)
    """)
    assert shown == {"still_busy": True, "told": [[1, "SIGINT"]]}


def test_a_hangup_that_is_to_be_ignored_stays_ignored():
    """``nohup luggin run`` goes on when the terminal is closed; Ctrl-C is always heard."""
    shown = run("""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with SignalWatch(tell):
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGINT)
            wait_for(lambda: told)
        show(told=told, hangup=signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
    """)
    assert shown == {"told": [[1, "SIGINT"]], "hangup": True}
