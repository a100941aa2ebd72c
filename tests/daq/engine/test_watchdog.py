"""Whether a thread that holds a cell makes progress, looked at from another one."""

import threading

import pytest

from luggin.clock import VirtualClock
from luggin.engine.watchdog import Watchdog
from luggin.errors import ReplyTimeout
from luggin.transport import Transport

PATIENCE = 20.0


class HandClock(VirtualClock):
    """Time that goes on when the test waits, and as fast as the computer's as far as deadlines are concerned."""

    @property
    def speed(self):
        return 1.0


class Writer:
    """A store on a disk that takes its time."""

    def __init__(self):
        self.entered, self.leave = threading.Event(), threading.Event()

    def append(self, frame, *, last=False):
        self.entered.set()
        assert self.leave.wait(PATIENCE)
        return frame, last


class Line(Transport):
    """A line whose reads and writes last until the test says; lab time stands still meanwhile."""

    def __init__(self, clock):
        super().__init__("line", clock)
        self.entered, self.leave = threading.Event(), threading.Event()
        self.written = []

    def _wait(self):
        self.entered.set()
        assert self.leave.wait(PATIENCE)

    def _read_chunk(self, until, cancel):
        self._wait()
        return b"row\n"

    def _write(self, data):
        self._wait()
        self.written.append(data)

    def close(self): ...


class Worker(threading.Thread):
    """A thread that holds a cell and does something with it."""

    def __init__(self, watchdog, action):
        super().__init__(daemon=True)
        self.watchdog, self.action = watchdog, action
        self.begun, self.done, self.end = threading.Event(), threading.Event(), threading.Event()
        self.result = None

    def run(self):
        self.watchdog.begin("cell")
        self.begun.set()
        self.result = self.action()
        self.done.set()
        assert self.end.wait(PATIENCE)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def watchdog(clock):
    return Watchdog(clock, patience=3)


@pytest.fixture
def line(clock, watchdog):
    found = Line(clock)
    watchdog.watch(found)
    return found


@pytest.fixture
def at_work(watchdog):
    workers = []

    def go(action):
        worker = Worker(watchdog, action)
        workers.append(worker)
        worker.start()
        assert worker.begun.wait(PATIENCE)
        return worker

    yield go
    for worker in workers:
        worker.end.set()
        worker.join(PATIENCE)


def looks(watchdog, count):
    return [bool(watchdog.stuck()) for _ in range(count)]


def test_nobody_who_holds_no_cell_is_ever_stuck(watchdog):
    assert looks(watchdog, 50) == [False] * 50


def test_a_worker_that_does_nothing_is_stuck(watchdog, at_work):
    at_work(lambda: None)
    assert looks(watchdog, 3) == [False, False, True]
    assert watchdog.stuck() == "cell: its worker did nothing on any line for 0.4 s"


def test_a_read_may_last_until_its_own_deadline_and_not_much_longer(clock, watchdog, line, at_work):
    at_work(lambda: line.read_line(timeout=5.0))
    assert line.entered.wait(PATIENCE)
    assert looks(watchdog, 20) == [False] * 20
    clock.sleep(4.999)
    assert looks(watchdog, 20) == [False] * 20
    clock.sleep(0.002)
    assert looks(watchdog, 3) == [False, False, True]
    line.leave.set()


def test_a_write_may_take_as_long_as_lines_try(clock, watchdog, line, at_work):
    worker = at_work(lambda: line.write(b"e\n"))
    assert line.entered.wait(PATIENCE)
    clock.sleep(4.9)
    assert looks(watchdog, 20) == [False] * 20
    clock.sleep(0.2)
    assert looks(watchdog, 3) == [False, False, True]
    line.leave.set()
    assert worker.done.wait(PATIENCE)
    assert line.written == [b"e\n"]


def test_a_slow_disk_has_a_time_of_its_own(clock, watchdog, at_work):
    writer = Writer()
    watchdog.allow(writer, "append", 10.0)
    worker = at_work(lambda: writer.append("frame", last=True))
    assert writer.entered.wait(PATIENCE)
    clock.sleep(9.9)
    assert looks(watchdog, 20) == [False] * 20
    clock.sleep(0.2)
    assert looks(watchdog, 3) == [False, False, True]
    writer.leave.set()
    assert worker.done.wait(PATIENCE)
    assert worker.result == ("frame", True)


def test_what_is_read_is_handed_on_and_errors_too(clock, watchdog, line):
    line.leave.set()
    watchdog.begin("cell")
    assert line.read_line(timeout=1.0) == b"row"
    line.write(b"x")
    assert line.written == [b"x"]
    line.terminator = b"?"
    line._read_chunk = lambda until, cancel: b"" * clock.wait_until(until)
    with pytest.raises(ReplyTimeout):
        line.read_line(timeout=1.0)


def test_each_turn_on_a_line_is_progress(watchdog, line):
    line.leave.set()
    watchdog.begin("cell")
    for _ in range(20):
        line.read_line()
        assert looks(watchdog, 3) == [False, False, False]
    assert watchdog.stuck()


def test_what_another_thread_does_on_the_line_is_no_progress_of_the_worker(watchdog, line, at_work):
    at_work(lambda: None)
    line.leave.set()
    said = []
    for _ in range(3):
        line.read_line()
        said.append(bool(watchdog.stuck()))
    assert said == [False, False, True]


def test_a_wait_on_the_clock_may_last(clock, watchdog, at_work):
    with clock.worker("test"):  # time goes on only when this thread waits
        worker = at_work(lambda: clock.wait_until(100.0))
        for until in (50.0, 99.0):
            clock.wait_until(until)
            assert looks(watchdog, 20) == [False] * 20
    clock.wait_until(101.0)
    assert worker.done.wait(PATIENCE)
    watchdog.stuck()
    assert looks(watchdog, 4)[-1]


def test_a_cell_that_is_off_is_watched_no_more(watchdog, at_work):
    at_work(lambda: None)
    watchdog.end("bath")
    assert looks(watchdog, 3)[-1]
    watchdog.end("cell")
    assert looks(watchdog, 10) == [False] * 10


def test_who_said_that_it_takes_longer_has_longer(watchdog, at_work):
    at_work(lambda: None)
    watchdog.expect("cell", 1.0)
    assert looks(watchdog, 10) == [False] * 9 + [True]
    watchdog.expect("cell", 0.0)
    assert watchdog.stuck()


def test_after_the_end_nothing_is_observed_any_more(clock, watchdog, line):
    watchdog.begin("cell")
    assert {"_fill", "write"} <= vars(line).keys()
    assert "wait_until" in vars(clock)
    watchdog.close()
    assert not {"_fill", "write"} & vars(line).keys()
    assert "wait_until" not in vars(clock)
    assert looks(watchdog, 10) == [False] * 10
    watchdog.close()
