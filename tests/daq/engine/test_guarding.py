"""The runner's side of the guardian, with the real process at the other end of the pipe."""

import os
import queue
import signal
import sys
import threading

import pytest

from luggin.clock import RealClock, ScaledClock
from luggin.engine import guarding
from luggin.engine.guarding import Guard, own_line
from luggin.errors import InstrumentError, LineInUse, UsageError
from luggin.guardian import GuardedLine, read_interventions
from luggin.guardian.record import NAME
from luggin.transport import LineOwnership, ownership
from luggin.transport.dialogue import Exchange

#: Host seconds that a test is ready to wait for something that must happen; it is over long before.
PATIENCE = 30.0
VERIFIED = (Exchange(b"OFF\n"), Exchange(b"ON?\n", "^0$", verifies=True))


@pytest.fixture
def guard_of(tmp_path):
    """Start a guardian of this very process (which nobody arms for long); what it says to be lost is in ``lost``."""
    started = []

    def start(*lines, **options):
        lost = queue.Queue()
        # Whatever holds up the tests: their process is not killed.
        options = {"silence": 10_000.0, "patience": 0.0, "clock": RealClock()} | options
        guard = Guard.start(tmp_path, lines, lost.put, **options)
        guard.lost = lost
        started.append(guard)
        return guard

    yield start
    for guard in started:
        guard.close()


def line(role="cell", resource="TCPIP0::127.0.0.1::1::SOCKET", **changes):
    return GuardedLine(role, resource, resource, {}, VERIFIED, **changes)


def test_after_a_good_bye_the_guardian_has_done_nothing(guard_of, tmp_path):
    guard = guard_of(line())
    guard.arm("cell")
    guard.disarm("cell")
    process = guard._process
    guard.close()
    assert process.returncode == 0
    assert not (tmp_path / NAME).exists()
    assert guard.pid is None
    assert guard.lost.empty()
    guard.close()


def test_without_a_line_there_is_no_guardian(guard_of):
    guard = guard_of()
    assert guard.pid is None
    guard.arm("cell")
    assert guard.watchdog.stuck() == ""
    guard.expect("cell", 3.0)
    guard.disarm("cell")
    guard.close()


def test_what_goes_on_without_the_computer_needs_no_guardian(guard_of):
    assert guard_of(line(leave_running=True)).pid is None


@pytest.mark.skipif(sys.platform == "win32", reason="sessions of POSIX")
def test_the_guardian_has_a_session_of_its_own(guard_of):
    guard = guard_of(line())
    guard.arm("cell")
    assert os.getsid(guard.pid) == guard.pid != os.getsid(0)


def test_a_guardian_that_dies_is_missed_and_nothing_is_armed_any_more(guard_of):
    guard = guard_of(line())
    guard.arm("cell")
    guard.disarm("cell")
    os.kill(guard.pid, signal.SIGKILL)
    assert guard.lost.get(timeout=PATIENCE) == "the guardian was lost (it ended)"
    with pytest.raises(InstrumentError, match=r"cell: the guardian was lost .*without it nothing is switched on"):
        guard.arm("cell")
    guard.close()
    assert guard.lost.empty()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_guardian_that_hangs_is_missed(guard_of, monkeypatch):
    monkeypatch.setattr(guarding, "_UNANSWERED", 5)
    guard = guard_of(line())
    guard.arm("cell")
    guard.disarm("cell")
    os.kill(guard.pid, signal.SIGSTOP)
    try:
        assert guard.lost.get(timeout=PATIENCE) == "the guardian was lost (it has not answered for 0.6 s)"
    finally:
        os.kill(guard.pid, signal.SIGCONT)


def test_beats_are_answered(guard_of):
    guard = guard_of(line())
    guard.arm("cell")
    guard.disarm("cell")
    clock = RealClock()
    until = clock.now() + PATIENCE
    answered = []
    while len(answered) < 5 and clock.now() < until:
        clock.sleep(0.02)
        answered += [guard._unanswered == 0]
    assert sum(answered) >= 3
    assert guard.lost.empty()


def test_a_runner_that_is_not_its_parent_is_refused(guard_of, monkeypatch):
    monkeypatch.setattr(guarding, "process_id", lambda: 1)
    guard = guard_of(line())
    assert guard.lost.get(timeout=PATIENCE) == (
        "the guardian was lost (process 1 is not the one that started this guardian)"
    )


def test_an_interpreter_that_does_not_start_is_said_before_anything_is_switched_on(guard_of, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(InstrumentError, match=r"the guardian cannot be started .*nothing is switched on without it"):
        guard_of(line())


def test_settings_that_cannot_be_told_are_refused_before_anything_starts(guard_of):
    with pytest.raises(UsageError, match="cell: line setting terminator"):
        guard_of(GuardedLine("cell", "COM3", "COM3", {"terminator": object()}, VERIFIED))


def test_a_role_without_a_guarded_line_is_nobodys_reason_to_end_this_process(guard_of):
    guard = guard_of(line("bath"))
    guard.arm("cell")
    assert [guard.watchdog.stuck() for _ in range(200_000)][-1] == ""
    guard.disarm("cell")


def test_a_role_that_is_armed_unwatched_asks_for_no_progress(guard_of):
    guard = guard_of(line("bath"))
    guard.arm("bath", watched=False)
    assert [guard.watchdog.stuck() for _ in range(200_000)][-1] == ""
    guard.disarm("bath")


def test_what_could_not_be_verified_is_left_to_the_guardian(guard_of, tmp_path, peer):
    guard = guard_of(line(resource=peer.name), patience=PATIENCE)
    guard.arm("cell")
    heard = bytearray()

    def instrument():
        peer.accept()
        while not heard.endswith(b"ON?\n"):
            heard.extend(peer.receive_line())
        peer.send(b"0\n")

    playing = threading.Thread(target=instrument, daemon=True)
    playing.start()
    process = guard._process
    guard.leave_to_guardian("cell: it did not answer")
    playing.join(PATIENCE)
    assert heard == b"OFF\nON?\n"
    assert os.waitpid(process.pid, 0) == (process.pid, 0)
    (found,) = read_interventions(tmp_path)
    assert found.why == "the run is over, but cell: it did not answer"
    assert not found.killed
    assert found.finished
    assert found.safe == {"cell": "was made safe (read back: '0')"}
    assert guard.lost.empty()


# -- the lock of a line while a guardian has it


@pytest.fixture
def locks(monkeypatch, tmp_path):
    monkeypatch.setattr(ownership, "lock_folder", lambda: tmp_path / "locks")


def test_who_wants_the_line_waits_for_the_guardian(locks):
    guardian = LineOwnership("COM3", user="eva", purpose="guardian of runs/a makes it safe", since="now")
    clock = ScaledClock(1000.0)
    waiting = threading.Event()
    sleep = clock.sleep

    def released(seconds):
        waiting.set()
        guardian.release()
        return sleep(seconds)

    clock.sleep = released
    own_line("COM3", user="eva", purpose="runs/b", clock=clock, patience=1e9).release()
    assert waiting.is_set()


@pytest.mark.parametrize("purpose", ["guardian of runs/a makes it safe", "runs/a"])
def test_who_waits_does_not_wait_for_ever_and_not_for_other_runs(locks, purpose):
    with LineOwnership("COM3", user="eva", purpose=purpose, since="now"):
        clock = ScaledClock(1000.0)
        begun = clock.now()
        with pytest.raises(LineInUse, match=f"of eva since now \\({purpose}\\)"):
            own_line("COM3", user="eva", purpose="runs/b", clock=clock, patience=500.0)
        assert (clock.now() - begun >= 500.0) == purpose.startswith("guardian")
