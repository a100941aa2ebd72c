"""The computer sleeps, and somebody sets the time of day: noticed, and no duration changes."""

from datetime import UTC, datetime, timedelta

import pytest

from luggin.clock import ComputerWatch, Disturbance, Moment, RealClock, VirtualClock, moment


class Computer:
    """Clocks that a test moves."""

    def __init__(self, tells_sleep=True):
        self.tells_sleep = tells_sleep
        self.running, self.asleep, self.wall = 1000.0, 0.0, 1.7e9

    def __call__(self):
        return Moment(self.running, self.running + self.asleep if self.tells_sleep else None, self.wall)

    def run(self, seconds):
        self.running += seconds
        self.wall += seconds

    def sleep(self, seconds):
        self.asleep += seconds
        self.wall += seconds


def test_the_clocks_of_this_computer_go_on_together():
    first, second = moment(), moment()
    assert second.running >= first.running
    assert first.elapsed is None or second.elapsed >= first.elapsed
    assert abs(RealClock().now() - moment().running) < 60.0
    assert ComputerWatch(least=60.0).look() is None


def test_sleep_is_told_from_a_clock_that_was_set():
    computer = Computer()
    watch = ComputerWatch(read=computer)
    computer.run(3600.0)
    assert watch.look() is None
    computer.run(1.0)
    computer.sleep(30.0)
    assert watch.look() == Disturbance(30.0, 0.0)
    assert watch.look() is None
    computer.wall -= 3600.0
    assert watch.look() == Disturbance(0.0, -3600.0)
    computer.sleep(7200.0)
    computer.wall += 60.0
    assert watch.look() == Disturbance(7200.0, pytest.approx(60.0))


def test_the_slow_hand_of_ntp_is_no_jump():
    computer = Computer()
    watch = ComputerWatch(read=computer)
    for _ in range(3600):
        computer.run(1.0)
        computer.wall += 500e-6
        assert watch.look() is None


def test_sleep_since_a_mark():
    computer = Computer()
    watch, mark = ComputerWatch(read=computer), computer()
    computer.run(10.0)
    assert watch.suspended_since(mark) == 0.0
    computer.sleep(42.0)
    computer.wall += 1e6
    assert watch.suspended_since(mark) == 42.0
    assert watch.suspended_since(computer()) == 0.0


def test_where_sleep_cannot_be_told_it_shows_in_the_time_of_day():
    computer = Computer(tells_sleep=False)
    watch, mark = ComputerWatch(read=computer), computer()
    computer.run(1.0)
    computer.sleep(30.0)
    assert watch.suspended_since(mark) == 0.0
    assert watch.look() == Disturbance(None, pytest.approx(30.0))
    assert watch.look() is None


def test_waits_and_now_know_nothing_of_the_time_of_day(monkeypatch):
    times = iter(datetime(2026, 3, 29, tzinfo=UTC) + timedelta(seconds=s) for s in (0, 3600, -86400, 1e8))
    monkeypatch.setattr(RealClock, "utc", lambda self: next(times))
    clock = RealClock()
    assert [clock.utc().year, clock.utc().hour] == [2026, 1]
    begin = clock.now()
    clock.sleep(0.01)
    assert 0.01 <= clock.now() - begin < 30.0
    virtual = VirtualClock(utc=clock.utc())
    virtual.sleep(7200.0)
    assert virtual.now() == 7200.0
