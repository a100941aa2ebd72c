"""The cell is opened also when the runner cannot do it any more, and by nobody else when it can."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from killing import SAMPLE, Command, check_against, environment, luggin, stored_rows, wait_for

from luggin.analysis import open_run
from luggin.guardian import read_interventions
from luggin.guardian.record import NAME

# Goes on for minutes, so that only somebody who opens the cell can have opened it.
LONG = f"""
title = "to be watched over"
steps = [
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "400 mV/s", step = "5 mV", cycles = 2000}},
]
{SAMPLE}
"""
SHORT = LONG.replace("cycles = 2000", "cycles = 1")
RUNNER = Path(__file__).with_name("guarded_runner.py")


@pytest.fixture
def command(tmp_path):
    """Start ``luggin`` commands; those that a failed test leaves behind are ended with it."""
    running = []

    def go(*arguments):
        running.append(Command(*arguments, cwd=tmp_path))
        return running[-1]

    yield go
    for left in running:
        if left.is_alive:
            left.kill()


@pytest.fixture
def started(oracle, tmp_path, command):
    """Starts a run: once it measures with the cell closed, its process, its folder and the executions before it."""

    def go():
        (tmp_path / "protocol.toml").write_text(LONG, encoding="utf-8")
        before = len(oracle.sent.advance().executions)
        run = command("run", "protocol.toml", "--bench", oracle.bench, "--folder", "run", "--no-report")
        wait_for(lambda: sum(len(e.rows) for e in oracle.sent.advance().executions[before:]) > 50, "rows of the cv")
        assert oracle.cell_is_on()
        return run, tmp_path / "run", before

    return go


def guardian_of(folder):
    """The number of the guardian's process, as the run noted it."""
    (pid,) = [e["pid"] for e in open_run(folder).events if e["what"] == "guardian" and "pid" in e]
    return pid


def intervention(folder):
    """What the guardian did, once it has ended."""
    (found,) = wait_for(
        lambda: [i for i in read_interventions(folder) if i.finished], "the end of the guardian's intervention"
    )
    return found


@contextlib.contextmanager
def runner(oracle, folder, how, port=None):
    """`guarded_runner` at work: its process, and a function that reads on to a word and gives back that line."""
    folder.mkdir()
    bench = oracle.bench
    if port is not None:
        text = bench.read_text(encoding="utf-8").replace(oracle.said["resources"]["cell"], str(port))
        bench = folder / "bench.toml"
        bench.write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(RUNNER), str(bench), str(folder), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(folder),
        start_new_session=True,
    )

    def read_to(word):
        for line in process.stdout:
            if line.split()[0] == word:
                return line.split()
        raise AssertionError(f"no {word!r}: {process.stderr.read()}")

    try:
        yield process, read_to
    finally:
        process.kill()
        process.communicate()


# -- a whole run


def test_a_killed_run_leaves_an_open_cell_and_can_be_taken_up_at_once(oracle, started, command):
    run, folder, before = started()
    run.kill()
    wait_for(lambda: not oracle.cell_is_on(), "opening of the cell")
    found = intervention(folder)
    assert (found.why, found.killed) == ("the runner died", False)
    assert found.open_ends == {}
    assert found.safe["cell"].startswith("was made safe (read back: ")
    check_against(oracle, folder, before)

    resumed = command("resume", "run", "--no-report")
    rows = sum(map(len, stored_rows(folder).values()))
    wait_for(lambda: sum(map(len, stored_rows(folder).values())) > rows + 50, "rows of the resumed run")
    resumed.signal(signal.SIGINT)
    code, _, errors = resumed.end()
    assert code == 130, errors
    assert len(read_interventions(folder)) == 1


def test_a_run_that_hangs_is_killed_first_and_then_its_cell_is_opened(oracle, started):
    run, folder, before = started()
    run.signal(signal.SIGSTOP)
    wait_for(lambda: not oracle.cell_is_on(), "opening of the cell")
    found = intervention(folder)
    assert found.why.startswith("the runner hangs: it gave no sign of life for ")
    assert found.killed
    assert found.open_ends == {}
    assert run.end()[0] == -signal.SIGKILL
    check_against(oracle, folder, before)


def test_a_resume_that_comes_before_the_guardian_is_done_waits_for_it(oracle, started, command):
    run, folder, _ = started()
    run.kill()
    resumed = command("resume", "run", "--no-report")
    wait_for(lambda: "resumed" in [e["what"] for e in open_run(folder).events], "the resumed run")
    wait_for(oracle.cell_is_on, "closing of the cell by the resumed run")
    resumed.signal(signal.SIGINT)
    code, _, errors = resumed.end()
    assert code == 130, errors
    assert not oracle.cell_is_on()


def test_a_run_without_its_guardian_stops_safe(oracle, started):
    run, folder, before = started()
    os.kill(guardian_of(folder), signal.SIGKILL)
    code, _, errors = run.end()
    assert code == 130
    assert "stopped by Luggin itself, because the guardian was lost (it ended); the cell is open" in errors
    assert not oracle.cell_is_on()
    assert open_run(folder).outcome == "interrupted"
    assert not (folder / NAME).exists()
    check_against(oracle, folder, before)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_guardian_has_nothing_to_do_after_a_run_that_ended_by_itself(oracle, tmp_path, started, stopped):
    if stopped:
        run, folder, _ = started()
        run.signal(signal.SIGINT)
        code, _, errors = run.end()
        assert code == 130, errors
    else:
        folder = tmp_path / "run"
        (tmp_path / "protocol.toml").write_text(SHORT, encoding="utf-8")
        code, _, errors = luggin(
            "run", "protocol.toml", "--bench", oracle.bench, "--folder", "run", "--no-report", cwd=tmp_path
        )
        assert code == 0, errors
    assert not (folder / NAME).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(guardian_of(folder), 0)
    assert not oracle.cell_is_on()


# -- a runner that goes wrong on purpose


def test_a_worker_that_never_comes_back_is_noticed_although_its_process_lives(oracle, tmp_path):
    with runner(oracle, tmp_path / "run", "spin") as (process, read_to):
        read_to("measures")
        wait_for(lambda: not oracle.cell_is_on(), "opening of the cell")
        found = intervention(tmp_path / "run")
        assert process.wait() == -signal.SIGKILL
    assert found.killed
    assert found.why.startswith("the runner hangs: cell: its worker did nothing on any line for ")
    assert found.open_ends == {}


def test_a_runner_that_dies_while_nothing_is_on_is_looked_after_as_well(oracle, tmp_path):
    with runner(oracle, tmp_path / "run", "rest") as (process, read_to):
        read_to("rests")
        process.kill()
        found = intervention(tmp_path / "run")
    assert (found.why, found.killed, found.open_ends) == ("the runner died", False, {})


def test_a_runner_that_is_stopped_while_nothing_is_on_is_left_alone(oracle, tmp_path):
    with runner(oracle, tmp_path / "run", "rest") as (process, read_to):
        guardian = int(read_to("guardian")[1])
        read_to("rests")
        process.send_signal(signal.SIGSTOP)
        # Twice as long as it may be silent while a cell is on.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2.0)
        process.send_signal(signal.SIGCONT)
        assert not (tmp_path / "run" / NAME).exists()
        os.kill(guardian, signal.SIGKILL)
        read_to("lost")


def test_a_storm_of_signals_on_everybody_ends_the_runner_and_not_the_guardian(oracle, tmp_path):
    with runner(oracle, tmp_path / "run", "measure") as (process, read_to):
        guardian = int(read_to("guardian")[1])
        read_to("measures")
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP) * 10:
            os.kill(guardian, number)
        with contextlib.suppress(ProcessLookupError):
            for _ in range(20):
                os.killpg(process.pid, signal.SIGTERM)
        wait_for(lambda: not oracle.cell_is_on(), "opening of the cell")
        found = intervention(tmp_path / "run")
    assert found.why == "the runner died"
    assert found.open_ends == {}


def test_a_cable_that_is_pulled_out_and_plugged_in_again(oracle, tmp_path):
    port = tmp_path / "port"
    port.symlink_to(oracle.said["resources"]["cell"])
    with runner(oracle, tmp_path / "run", "measure", port) as (process, read_to):
        read_to("measures")
        port.unlink()
        process.kill()
        (tried,) = wait_for(
            lambda: [i for i in read_interventions(tmp_path / "run") if "there is no such port" in i.words], "a try"
        )
        assert tried.open_ends.keys() == {"cell"}
        assert "cell COULD NOT BE MADE SAFE: NoInstrument: " in tried.words
        assert oracle.cell_is_on()
        port.symlink_to(oracle.said["resources"]["cell"])
        wait_for(lambda: not oracle.cell_is_on(), "opening of the cell")
        found = intervention(tmp_path / "run")
    assert found.open_ends == {}


def test_an_instrument_that_is_mute_for_a_while_is_made_safe_when_it_answers_again(oracle, tmp_path):
    with runner(oracle, tmp_path / "run", "measure") as (process, read_to):
        read_to("measures")
        with oracle.frozen():
            process.kill()
            wait_for(
                lambda: [i for i in read_interventions(tmp_path / "run") if "Error" in i.words or "Reply" in i.words],
                "a try that brought nothing",
            )
        wait_for(lambda: not oracle.cell_is_on(), "opening of the cell")
        found = intervention(tmp_path / "run")
    assert found.open_ends == {}


def test_what_a_run_could_not_verify_the_guardian_goes_on_with(oracle, tmp_path):
    with runner(oracle, tmp_path / "run", "fail") as (process, read_to):
        read_to("measures")
        process.send_signal(signal.SIGUSR1)
        read_to("over")
        assert process.wait() == 0
        found = intervention(tmp_path / "run")
    assert found.why == "the run is over, but cell: it could not be verified"
    assert not found.killed
    assert found.open_ends == {}
