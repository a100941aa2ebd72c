"""What a trip leaves behind on the lines of a cell, and who may take it away."""

import json
import stat
import threading

import pytest

from luggin.bench import load_bench
from luggin.engine.history import History
from luggin.engine.latch import (
    Latch,
    all_latched,
    clear,
    clear_run,
    latch,
    latched,
    lines_of,
    require_unlatched,
)
from luggin.errors import RunFolderError, StoreError, StoreLocked, UsageError
from luggin.store import RunLog
from luggin.store.layout import RunFolder
from luggin.store.lock import RunLock

LINE, OTHER = "TCPIP0::192.168.0.20::5025::SOCKET", "/dev/ttyACM0"


@pytest.fixture
def place(tmp_path):
    """Where the latches are."""
    return tmp_path / "lines"


@pytest.fixture
def tripped(tmp_path):
    """The folder of a run that a limit stopped."""
    folder = tmp_path / "run"
    folder.mkdir()
    with RunLog.create(folder) as log:
        log.append({"kind": "run", "time": 0.0, "bench": {"text": "", "path": None}})
        log.append({"kind": "session", "time": 0.0})
        log.append({"kind": "finish", "time": 7.5, "outcome": "limit tripped", "trip": "step 1: current was 2 mA"})
    return folder


def test_a_line_is_open_until_it_is_latched_and_again_when_it_is_cleared(place):
    assert latched(LINE, folder=place) is None
    assert all_latched(folder=place) == []
    latch([LINE, OTHER], "current was 2 mA", "runs/a", folder=place)
    found = latched(LINE, folder=place)
    assert (found.resource, found.words) == (LINE, "current was 2 mA")
    assert found.run.endswith("/runs/a"), "told from everywhere"
    assert {one.resource for one in all_latched(folder=place)} == {LINE, OTHER}
    assert clear([LINE], folder=place) == [found]
    assert latched(LINE, folder=place) is None
    assert [one.resource for one in all_latched(folder=place)] == [OTHER]
    assert clear([LINE], folder=place) == []


def test_another_run_on_the_line_is_refused_in_words(place):
    require_unlatched([LINE, OTHER], folder=place)
    latch([OTHER], "current was 2 mA", "/data/runs/a", folder=place)
    with pytest.raises(UsageError) as refused:
        require_unlatched([LINE, OTHER], folder=place)
    assert str(refused.value).startswith("/dev/ttyACM0: a limit stopped /data/runs/a on it (current was 2 mA; ")
    assert str(refused.value).endswith("Look at the cell first; then clear it with `luggin clear /data/runs/a`.")


def test_everybody_may_read_and_clear_it(place):
    latch([LINE], "x", "runs/a", folder=place)
    (path,) = place.glob("*.latch")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert stat.S_IMODE(place.stat().st_mode) == 0o1777
    clear([LINE], folder=place)
    assert path.exists(), "emptied: what is another user's could not be removed in a shared folder"
    latch([LINE], "y", "runs/b", folder=place)
    assert latched(LINE, folder=place).words == "y"


@pytest.mark.parametrize("damage", [b"\xff\x00\x17", b"{", b'{"words": "x"}', b"[]", b"17"])
def test_a_damaged_latch_is_closed(place, damage):
    latch([LINE], "x", "runs/a", folder=place)
    (path,) = place.glob("*.latch")
    path.write_bytes(damage)
    assert "damaged" in latched(LINE, folder=place).words
    with pytest.raises(UsageError, match="damaged"):
        require_unlatched([LINE], folder=place)
    clear([LINE], folder=place)
    require_unlatched([LINE], folder=place)


def test_a_latch_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="the latch of a line cannot be written"):
        latch([LINE], "x", "runs/a", folder=tmp_path / "file")


def test_many_at_once_leave_one_whole_latch_or_none(place):
    """Runs that trip and people that clear, at the same time: never half a latch."""
    latch([LINE], "first", "runs/a", folder=place)
    failures = []

    def work(number):
        for turn in range(20):
            try:
                if turn % 2:
                    latch([LINE], f"{number}-{turn}" * 20, "runs/a", folder=place)
                else:
                    clear([LINE], folder=place)
            except StoreError as error:
                failures.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    (path,) = place.glob("*.latch")
    text = path.read_text()
    assert text == "" or set(json.loads(text)) == {"resource", "words", "run", "user", "utc"}


# -- the lines of a bench

HEAD = """
[instruments.{role}]
driver = "palmsens.methodscript"
resource = "{resource}"
settings = {{model = "emstat4-hr"}}
"""


def bench(*resources, head=""):
    roles = "".join(HEAD.format(role=f"r{number}", resource=resource) for number, resource in enumerate(resources))
    return load_bench(text=head + roles, drivers=["palmsens.methodscript"])


def test_a_line_has_one_name_however_a_bench_writes_it():
    assert lines_of(bench("ASRL5::INSTR", "tcpip::192.168.0.20::5025::socket")) == ("COM5", LINE)


def test_simulated_lines_inside_a_run_are_never_latched():
    table = '[simulated.cell]\ndialect = "palmsens.methodscript"\n'
    simulated = load_bench(
        text=HEAD.format(role="cell", resource="sim://cell") + table, drivers=["palmsens.methodscript"]
    )
    assert lines_of(simulated) == ()


def test_a_served_simulator_is_another_one_each_time_it_is_started():
    one, other = (bench("/dev/pts/7", head=f'simulator = "tcp://127.0.0.1:{port}"\n') for port in (4001, 4002))
    assert lines_of(one) == ("/dev/pts/7 at tcp://127.0.0.1:4001",)
    assert not set(lines_of(one)) & set(lines_of(other))


# -- the run itself


def test_clearing_a_run_is_recorded_in_it_and_opens_its_lines(tripped, place):
    latch([LINE], "current was 2 mA", tripped, folder=place)
    latch([OTHER], "of another run", tripped.parent / "other", folder=place)
    trip, opened = clear_run(tripped, "the clip was loose", folder=place)
    assert trip == "step 1: current was 2 mA"
    assert [one.resource for one in opened] == [LINE]
    assert latched(OTHER, folder=place) is not None, "the cell of another run was not looked at"
    record = RunLog.read(tripped)[-1]
    assert (record["kind"], record["note"], record["trip"], record["time"]) == (
        "cleared",
        "the clip was loose",
        trip,
        7.5,
    )
    assert record["user"]
    assert record["utc"]


def test_a_cleared_run_may_be_taken_up_and_trips_again(tripped, place):
    assert History(RunLog.read(tripped)).trip == "step 1: current was 2 mA"
    clear_run(tripped, "", folder=place)
    assert History(RunLog.read(tripped)).trip == ""
    with RunLog.open(tripped) as log:
        log.append({"kind": "session", "time": 8.0})
        log.append({"kind": "event", "what": "trip", "time": 9.0, "then": "end_step", "words": "the step is over"})
        assert History(RunLog.read(tripped)).trip == ""
        log.append({"kind": "event", "what": "trip", "time": 9.0, "then": "stop", "words": "current was 3 mA"})
    # The runner was killed before it could write how the run ended: it is latched all the same.
    assert History(RunLog.read(tripped)).trip == "current was 3 mA"


def test_what_is_not_closed_is_not_cleared(tripped, place):
    clear_run(tripped, "", folder=place)
    with pytest.raises(RunFolderError, match=r"step 1: current was 2 mA.* was cleared by .*nothing is left"):
        clear_run(tripped, "", folder=place)
    assert sum(record["kind"] == "cleared" for record in RunLog.read(tripped)) == 1
    with pytest.raises(RunFolderError, match="not a run folder"):
        clear_run(tripped.parent, "", folder=place)


def test_a_line_that_is_still_closed_is_opened_also_where_the_run_was_cleared_before(tripped, place):
    clear_run(tripped, "", folder=place)
    latch([LINE], "current was 2 mA", tripped, folder=place)
    trip, opened = clear_run(tripped, "", folder=place)
    assert (trip, [one.resource for one in opened]) == ("", [LINE])


def test_a_run_that_is_being_written_is_not_cleared(tripped, place):
    lock = RunLock(RunFolder(tripped))
    lock.acquire()
    try:
        with pytest.raises(StoreLocked):
            clear_run(tripped, "", folder=place)
    finally:
        lock.release()
    assert RunLog.read(tripped)[-1]["kind"] == "finish"


def test_a_latch_says_all_that_one_needs():
    one = Latch(LINE, "current was 2 mA", "/runs/a", "operator", "2026-01-02T03:04:05+00:00")
    assert str(one) == (
        f"{LINE}: a limit stopped /runs/a on it (current was 2 mA; operator, 2026-01-02T03:04:05+00:00)"
    )
