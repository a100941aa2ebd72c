"""Observers in their process: what they hear, and that nothing that they do costs the run anything."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from luggin.clock import RealClock
from luggin.hookspecs import configured_by
from luggin.observing import Observers, configuration_files
from luggin.plugins import load

HEARS = """
    import luggin.observing

    @luggin.hookimpl
    def luggin_observers(run):
        def hears():
            heard = [h.kind for h in luggin.observing.follow(run)]
            (run / "heard.txt").write_text(" ".join(heard))

        return [hears]
"""


def test_without_observers_nothing_is_started(written, tmp_path):
    assert Observers.start(written().folder, load(discover=False), tmp_path / "bench.toml") is None


def test_an_observer_hears_the_run_and_ends_with_it(observed):
    lab = observed(HEARS)
    observers = lab.start()
    lab.run.event("trip", words="current over 100 uA")
    lab.run.finish("limit tripped")
    assert observers.close(within=30.0) == []
    assert (lab.run.folder / "heard.txt").read_text() == "started trip finished"
    assert lab.process.returncode == 0
    assert list(lab.states.values()) == [("ended", "")]


def test_the_process_is_out_of_reach_of_ctrl_c_and_holds_none_of_our_descriptors(observed, tmp_path):
    lab = observed(
        """
        import os, pathlib, sys

        @luggin.hookimpl
        def luggin_observers(run):
            def looks():
                held = []
                for fd in range(3, 100):
                    try:
                        held.append(os.fstat(fd).st_ino)
                    except OSError:
                        pass
                said = f"{os.getsid(0) == os.getpid()} {sys.stdin.read()!r} {sorted(set(held))}"
                (run / "looks.txt").write_text(said)
            return [looks]
        """
    )
    with open(tmp_path / "ours", "w") as ours:
        os.set_inheritable(ours.fileno(), True)
        lab.start()
        lab.wait_for_state("luggin_observers.<locals>.looks", "ended")
        session, stdin, *held = (lab.run.folder / "looks.txt").read_text().split(" ", 2)
        assert (session, stdin) == ("True", "''")
        assert str(os.fstat(ours.fileno()).st_ino) not in held[0]
    assert lab.process.wait(30) == 0, "with nobody left to observe the process ends before the run"


def test_one_that_raises_is_named_and_the_others_go_on(observed):
    lab = observed(
        """
    import luggin.observing

    @luggin.hookimpl
    def luggin_observers(run):
        def breaks():
            raise KeyError("no lamp")

        def leaves():
            raise SystemExit("bye")

        def hears():
            heard = [h.kind for h in luggin.observing.follow(run)]
            (run / "heard.txt").write_text(" ".join(heard))

        breaks.name = "lamp"
        leaves.name = "leaver"
        return [breaks, leaves, hears]
        """
    )
    observers = lab.start()
    lab.wait_for_state("lamp", "failed")
    lab.wait_for_state("leaver", "failed")
    lab.run.finish()
    assert observers.close(within=30.0) == [
        {"plugin": lab.plugin, "observer": "lamp", "what": "KeyError: 'no lamp'"},
        {"plugin": lab.plugin, "observer": "leaver", "what": "SystemExit: bye"},
    ]
    assert (lab.run.folder / "heard.txt").read_text() == "started finished"
    assert "KeyError: 'no lamp'" in lab.printed


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("raise OSError('no camera')", "OSError: no camera"),
        ("return [3]", "TypeError: 3 cannot be called, so it is no observer"),
        ("return 7", "TypeError: 'int' object is not iterable"),
        ("return [print] * 101", "ValueError: 101 observers; the first 100 observe"),
    ],
)
def test_a_plugin_that_cannot_say_who_observes_is_named(observed, body, what):
    lab = observed(f"@luggin.hookimpl\ndef luggin_observers(run):\n    {body}\n")
    assert lab.start().close(within=30.0) == [{"plugin": lab.plugin, "observer": "", "what": what}]


def test_a_plugin_that_is_broken_only_there_is_named(observed):
    lab = observed(HEARS)
    (lab.bench.parent / "luggin_bench.py").write_text("raise RuntimeError('not twice')")
    (fault,) = lab.start().close(within=30.0)
    assert "RuntimeError: not twice" in fault["what"]


HANGS = """
    import threading
    import luggin.observing

    @luggin.hookimpl
    def luggin_observers(run):
        def hangs():
            for happening in luggin.observing.follow(run):
                threading.Event().wait()

        def hears():
            for happening in luggin.observing.follow(run):
                (run / happening.kind).touch()

        hangs.name, hears.name = "hangs", "hears"
        return [hangs, hears]
"""


def test_one_that_hangs_is_named_while_the_run_goes_on(observed):
    lab = observed(HANGS)
    observers = lab.start(silence=0.3)
    lab.wait_for(lambda: lab.states.get("hangs", ("", ""))[1])
    lab.run.finish()
    lab.wait_for_state("hears", "ended")
    began = RealClock().now()
    faults = observers.close(within=0.0)
    assert RealClock().now() - began < 5.0, "nobody waits for it"
    assert faults == [
        {"plugin": lab.plugin, "observer": "hangs", "what": "has not looked at the run for more than 0.3 s"}
    ]
    assert lab.states["hears"] == ("ended", "")


def test_one_that_is_busy_at_the_end_has_its_grace_and_no_more(observed):
    lab = observed(HANGS)
    observers = lab.start(grace=0.5)
    lab.wait_for_state("hangs", "running")
    lab.run.finish()
    lab.wait_for_state("hears", "ended")
    assert observers.close(within=0.0) in (
        [{"plugin": lab.plugin, "observer": "hangs", "what": "still delivering"}],
        [{"plugin": lab.plugin, "observer": "hangs", "what": "had not ended 0.5 s after the run, and was ended"}],
    )
    lab.process.wait(30)
    assert lab.states["hangs"] == ("failed", "had not ended 0.5 s after the run, and was ended")


def test_a_process_that_said_nothing_yet_is_still_delivering(observed):
    lab = observed(HEARS)
    observers = lab.start()
    os.kill(lab.process.pid, signal.SIGSTOP)
    lab.run.finish()
    assert observers.close(within=0.0) == [{"plugin": lab.plugin, "observer": "", "what": "still delivering"}]


@pytest.mark.parametrize(
    ("death", "how"),
    [("os._exit(3)", "exit code 3"), ("os.kill(os.getpid(), 9)", "SIGKILL"), ("os.abort()", "SIGABRT")],
)
def test_a_process_that_dies_is_named_with_who_was_running(observed, death, how):
    lab = observed(
        f"""
        import os, threading
        import luggin.observing

        @luggin.hookimpl
        def luggin_observers(run):
            def dies():
                for happening in luggin.observing.follow(run):
                    if happening.kind == "trip":
                        {death}
            dies.name = "dies"
            return [dies]
        """
    )
    observers = lab.start()
    lab.wait_for_state("dies", "running")
    lab.run.event("trip")
    (fault,) = observers.close(within=30.0)
    assert fault["what"] == f"the observers' process died ({how}) while these were running: {lab.plugin} dies"


def test_one_that_eats_memory_gets_the_error_itself(observed):
    lab = observed(
        """
        @luggin.hookimpl
        def luggin_observers(run):
            def eats():
                eaten = []
                while True:
                    eaten.append(bytearray(64 << 20))
            eats.name = "eats"
            return [eats]
        """
    )
    observers = lab.start(memory=1 << 30)
    (fault,) = observers.close(within=50.0)
    assert (fault["observer"], fault["what"]) == ("eats", "MemoryError")
    assert lab.process.returncode == 0


def test_what_is_printed_without_end_is_cut_and_blocks_nobody(observed):
    lab = observed(
        """
        import os, sys

        @luggin.hookimpl
        def luggin_observers(run):
            def prints():
                for _ in range(400):
                    print("x" * 1000)
                    print("y" * 1000, file=sys.stderr)
                os.write(1, b"z" * 100000)
            prints.name = "prints"
            return [prints]
        """
    )
    assert lab.start(log_bytes=20000).close(within=30.0) == []
    assert len(lab.printed) < 21000
    assert lab.printed.rstrip().endswith("bytes more, which are not kept")


def test_the_log_of_a_resumed_run_is_begun_anew_when_it_is_half_full(observed):
    lab = observed(HEARS)
    lab.run.finish()
    log = lab.run.folder / "observers.log"
    log.write_text("a" * 400)
    lab.start(log_bytes=1000).close(within=30.0)
    assert lab.printed.startswith("a" * 400)
    log.write_text("a" * 600)
    lab.start(log_bytes=1000).close(within=30.0)
    assert "a" * 600 not in lab.printed


def test_a_killed_runner_is_told_and_outlived_by_no_more_than_the_grace(observed):
    """The runner that holds the lock is a process that is killed; the observers' process finds out by itself."""
    lab = observed(HEARS)
    lab.run.session(time=3.0, reason="resume")
    lab.run.write({"kind": "session", "time": 4.0, "reason": "resume", "pid": 0, "utc": "2026-03-14T10:00:04+00:00"})
    lab.run.let_go()
    assert lab.start().close(within=30.0) == []
    assert (lab.run.folder / "heard.txt").read_text() == "resumed cut_off"


def test_a_process_that_cannot_be_started_is_a_fault_and_nothing_else(observed, monkeypatch):
    lab = observed(HEARS)
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    observers = Observers.start(lab.run.folder, lab.plugins, lab.bench)
    assert observers is not None
    (fault,) = observers.close()
    assert fault["what"].startswith("the observers' process cannot be started: ")


def test_no_process_where_the_file_that_configures_the_only_observer_is_missing(written, tmp_path, monkeypatch):
    import types

    from luggin import hookimpl

    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    module = types.ModuleType("bell")

    @hookimpl
    @configured_by("bell.toml")
    def luggin_observers(run):
        return []

    module.luggin_observers = luggin_observers
    plugins = load(discover=False, modules=[module])
    bench = tmp_path / "lab" / "bench.toml"
    assert Observers.start(written().folder, plugins, bench) is None
    bench.parent.mkdir()
    (bench.parent / "bell.toml").touch()
    observers = Observers.start(written("second").folder, plugins, bench)
    assert observers is not None
    observers._process.kill()
    assert "SIGKILL" in observers.close(within=30.0)[0]["what"]


def test_files_of_the_user_and_of_the_bench_both_hold(tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    bench = tmp_path / "lab" / "bench.toml"
    users, labs = tmp_path / "home" / "bell.toml", tmp_path / "lab" / "bell.toml"
    assert configuration_files("bell.toml", bench) == []
    for file in (users, labs):
        file.parent.mkdir()
        file.touch()
    assert configuration_files("bell.toml", bench) == [users, labs]
    assert configuration_files("bell.toml") == [users]


def test_without_a_home_the_users_files_lie_where_the_system_has_settings(tmp_path, monkeypatch):
    import platformdirs

    monkeypatch.delenv("LUGGIN_HOME", raising=False)
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name, appauthor: str(tmp_path / name))
    (tmp_path / "luggin").mkdir()
    (tmp_path / "luggin" / "bell.toml").touch()
    assert configuration_files("bell.toml") == [tmp_path / "luggin" / "bell.toml"]
