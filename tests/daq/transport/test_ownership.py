"""One owner per instrument, over process borders."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from luggin.errors import LineInUse
from luggin.transport import LineOwnership
from luggin.transport import ownership as ownership_module

HOLDER = """
import sys
from pathlib import Path
from luggin.transport import LineOwnership

LineOwnership("/dev/ttyACM0", user="marie", purpose="runs/polonium", since="2026-03-01T09:30:00+01:00",
              folder=Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "lines"


@pytest.fixture
def own(folder):
    """Takes lines for this process."""

    def take(resource: str = "/dev/ttyACM0") -> LineOwnership:
        return LineOwnership(resource, user="pierre", purpose="runs/radium", since="2026-03-01T10:00", folder=folder)

    return take


@pytest.fixture
def holder(folder):
    """Another process that holds the line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_has_the_line_and_the_message_says_who(own, holder):
    with pytest.raises(LineInUse) as refusal:
        own()
    message = str(refusal.value)
    assert f"/dev/ttyACM0: in use by process {holder.pid} of marie" in message
    assert "since 2026-03-01T09:30:00+01:00 (runs/polonium)" in message


def test_a_killed_process_frees_its_lines(own, holder):
    holder.kill()
    holder.wait()
    own().release()


def test_other_lines_are_free(own, holder):
    with own("/dev/ttyACM1"):
        pass


def test_a_process_cannot_own_a_line_twice(own):
    with own() as owned:
        with pytest.raises(LineInUse, match=f"process {os.getpid()} of pierre"):
            own()
        owned.release()
        owned.release()
        with own():
            pass


def test_leaving_gives_the_line_back_also_on_error(own):
    with pytest.raises(ZeroDivisionError), own():
        raise ZeroDivisionError
    own().release()


def test_a_holder_whose_note_cannot_be_read_is_another_process(own, folder, holder):
    (lock,) = folder.iterdir()
    lock.write_text("no note at all")
    with pytest.raises(LineInUse, match="in use by another process"):
        own()


def test_a_shorter_note_replaces_a_longer_one_whole(folder):
    for purpose in ("a very long purpose " * 20, "short"):
        LineOwnership("line", user="u", purpose=purpose, since="now", folder=folder).release()
    (lock,) = folder.iterdir()
    assert lock.read_text().count("{") == 1
    assert lock.read_text().endswith("}")
    assert '"short"' in lock.read_text()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_folder_and_locks_are_for_all_users_of_the_computer(own, folder):
    before = os.umask(0o077)
    try:
        own()
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
    assert [stat.S_IMODE(lock.stat().st_mode) for lock in folder.iterdir()] == [0o666]


def test_a_folder_that_exists_keeps_its_mode(own, folder):
    folder.mkdir(mode=0o700)
    own().release()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_lock_that_another_user_keeps_closed_is_explained(own, monkeypatch):
    def refuse(_lock, _note) -> None:
        raise PermissionError(13, "Permission denied")

    own().release()
    monkeypatch.setattr(ownership_module.FileLock, "acquire", refuse)
    with pytest.raises(LineInUse, match=r"another user's and cannot be opened \(Permission denied\).*of pierre"):
        own()
