"""The whole way: a runner, the process that it starts for its observers, and a server that hears of the run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from luggin.clock import RealClock
from luggin.observing import Observers
from luggin.plugins import load
from luggin.store import RunLog

RUNNER = """
import sys, threading
from pathlib import Path
from luggin.observing import Observers
from luggin.platform import process_id
from luggin.plugins import load
from luggin.store import RunLog
from luggin.store.layout import RunFolder
from luggin.store.lock import RunLock

folder = Path(sys.argv[1])
folder.mkdir()
lock = RunLock(RunFolder(folder))
lock.acquire()
log = RunLog.create(folder)
log.append({"kind": "run", "time": 0.0, "title": "pellet", "sample": {"id": "p1"}, "simulated": False, "speed": 1})
log.append({"kind": "session", "time": 0.0, "reason": "start", "pid": process_id()})
observers = Observers.start(folder, load())
log.append({"kind": "event", "what": "trip", "time": 1.0, "words": "over 100 uA"})
print("running", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("LUGGIN_HOME", str(place))
    return place


def wait_for(condition):
    clock = RealClock()
    while not condition():
        clock.sleep(0.02)


def test_a_server_hears_of_a_run_from_the_process_of_its_observers(web, run_log, trip, finish, home):
    server = web()
    (home / "notify.toml").write_text(f'[[webhook]]\nurl = "{server.url}"\n')
    run = run_log()
    observers = Observers.start(run, load())
    assert observers is not None
    with RunLog.open(run) as log:
        log.append(trip())
        wait_for(lambda: server.came)
        log.append(finish())
    assert observers.close(within=30.0) == []
    assert [message["event"] for message in server.messages] == ["trip", "end"]
    log_text = (run / "observers.log").read_text()
    assert "trip delivered" in log_text
    assert "tok3n" not in log_text + (run / "observers.json").read_text()


def test_without_a_file_no_process_is_started(run_log, home):
    assert Observers.start(run_log(), load()) is None


def test_a_server_that_is_not_there_is_named_in_the_footer(run_log, finish, home, nobody):
    (home / "notify.toml").write_text(
        f'[[webhook]]\nname = "chat"\nurl_env = "HOOK"\nurl = "http://127.0.0.1:{nobody}"\n'
    )
    run = run_log(finish())
    (fault,) = Observers.start(run, load()).close(within=30.0)
    assert fault["plugin"] == "luggin_plugins"
    assert fault["what"].startswith(f"{home / 'notify.toml'}:3: webhook[1].url_env: ")
    assert "Traceback" not in (run / "observers.log").read_text()
    (home / "notify.toml").write_text(f'[[webhook]]\nname = "chat"\nurl = "http://127.0.0.1:{nobody}/tok3n"\n')
    observers = Observers.start(run_log(finish(), name="second"), load())
    assert observers.close(within=0.0) == [{"plugin": "luggin_plugins", "observer": "", "what": "still delivering"}]
    observers._process.kill()
    observers._process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_runner_that_is_killed_is_told_by_what_outlives_it(web, tmp_path, home):
    server, folder = web(), tmp_path / "run"
    (home / "notify.toml").write_text(f'[[webhook]]\nurl = "{server.url}"\n')
    with subprocess.Popen([sys.executable, "-c", RUNNER, folder], stdout=subprocess.PIPE) as runner:
        assert runner.stdout.readline() == b"running\n"
        wait_for(lambda: server.came)
        runner.kill()
    wait_for(lambda: len(server.came) == 2)
    trip, end = server.messages
    assert trip["words"] == "over 100 uA"
    assert end["text"] == "pellet: CUT OFF: its program was killed or the power went"
