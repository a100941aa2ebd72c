"""A number of a process that is somebody else's by now is never killed."""

import os
import signal
import subprocess
import sys

import pytest

from luggin.guardian.processes import Runner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Windows branch has not been run")

SLEEPER = "import sys; print('here', flush=True); sys.stdin.read()"
CHILD = """
import os, sys
from luggin.guardian.processes import Runner, ignore_signals
ignore_signals()
runner = Runner(int(sys.argv[1]))
print(runner.exists, flush=True)
sys.stdin.read()
print(runner.exists, runner.kill(), flush=True)
"""


@pytest.fixture
def start():
    """Start a Python process that has said its first line; it is ended with the test."""
    running = []

    def go(code, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process, process.stdout.readline().strip()

    yield go
    for process in running:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_only_the_process_that_started_us_is_the_runner(start):
    bystander, _ = start(SLEEPER)
    runner = Runner(bystander.pid)  # the runner is gone, and its number was given to another process
    assert not runner.exists
    assert not runner.kill()
    assert bystander.poll() is None
    assert bystander.communicate("")[0] == ""
    assert bystander.returncode == 0


def test_the_parent_is_the_runner_as_long_as_it_lives(start):
    assert Runner(os.getppid()).exists
    _, said = start(CHILD, os.getpid())
    assert said == "True"


def test_a_parent_that_is_gone_is_not_killed_though_its_number_may_be_in_use(start, tmp_path):
    code = f"""
import subprocess, sys, os
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}, str(os.getpid())], stdin=0, stdout=1)
child.returncode = 0
sys.stdout.flush()
os.kill(os.getpid(), {int(signal.SIGKILL)})
"""
    parent, _ = start(code)
    parent.wait()
    said, _ = parent.communicate("")
    assert said.split()[-2:] == ["False", "False"]


@pytest.mark.parametrize("stopped", [False, True])
def test_the_parent_is_ended_also_if_it_is_stopped(start, stopped):
    code = f"""
import subprocess, sys, os, signal
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}, str(os.getpid())], stdin=0, stdout=1)
child.returncode = 0
{"os.kill(os.getpid(), signal.SIGSTOP)" if stopped else "signal.pause()"}
"""
    parent, said = start(code)
    assert said == "True"
    parent.stdin.close()
    assert parent.stdout.readline().split() == ["True", "True"]
    assert parent.wait(20) == -signal.SIGKILL


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP"])
def test_signals_do_not_end_it(start, name):
    child, _ = start(CHILD.replace(", runner.kill()", ""), os.getpid())
    for _ in range(20):
        child.send_signal(getattr(signal, name))
    assert child.communicate("")[0].split() == ["True"]
    assert child.returncode == 0
