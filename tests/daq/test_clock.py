"""The three clocks: who wakes when, what ends a wait, and what happens when nobody can go on."""

from __future__ import annotations

import heapq
import itertools
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.clock import RealClock, ScaledClock, VirtualClock
from luggin.clock.waiting import Wait
from luggin.errors import ClockStalled

FOREVER = float("inf")
#: Host seconds that a test is ready to wait for something that must happen; it is over long before.
PATIENCE = 20.0


def eventually(condition) -> None:
    """Wait in host time, bounded, for something that another thread is about to do."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.001)):
        if condition():
            return
        pause.wait(0.001)
    raise AssertionError("what should have happened did not")


def in_thread(target) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def finished(thread: threading.Thread) -> bool:
    thread.join(PATIENCE)
    return not thread.is_alive()


# -- virtual time, one thread


def test_virtual_time_jumps_for_the_only_thread():
    clock = VirtualClock(start=5.0, utc=datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.virtual
    assert clock.speed == FOREVER
    assert clock.sleep(7200.0)
    assert clock.now() == 7205.0
    assert clock.utc() == datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_a_time_that_is_over_is_not_waited_for():
    clock = VirtualClock(start=10.0)
    assert clock.wait_until(3.0)
    assert clock.sleep(-5.0)
    assert clock.now() == 10.0


def test_a_set_token_keeps_waits_from_beginning():
    clock = VirtualClock()
    token = clock.cancel()
    token.set()
    assert not clock.sleep(1.0, clock.cancel(), token)
    assert clock.now() == 0.0
    token.clear()
    assert clock.sleep(1.0, token)
    assert clock.now() == 1.0


def test_a_time_that_is_not_a_number_is_refused():
    clock = VirtualClock()
    with pytest.raises(ValueError, match="not a number"):
        clock.wait_until(float("nan"))
    assert clock.now() == 0.0


@pytest.mark.parametrize("make", [VirtualClock, RealClock, lambda: ScaledClock(100.0)])
def test_the_token_of_another_clock_is_refused(make):
    with pytest.raises(ValueError, match="own clock"):
        make().sleep(1.0, VirtualClock().cancel())


def test_registering_twice_counts_once():
    clock = VirtualClock(stall_after=PATIENCE)
    with clock.worker("outer"), clock.worker("inner"):
        assert clock.sleep(3.0)
    assert clock.now() == 3.0


# -- virtual time, several workers


def run_workers(plans: list[list[int]]) -> list[tuple[float, int]]:
    """Each worker sleeps its plan; (time, worker) of every waking, in the order in which they happened."""
    clock, log = VirtualClock(stall_after=PATIENCE), []

    def body(number: int, plan: list[int]) -> None:
        for dt in plan:
            clock.sleep(float(dt))
            log.append((clock.now(), number))

    with clock.worker("starter"):
        workers = [clock.start_worker(f"w{n}", lambda n=n, plan=plan: body(n, plan)) for n, plan in enumerate(plans)]
        assert all(worker.join() for worker in workers)
    return log


def expected_wakings(plans: list[list[int]]) -> list[tuple[float, int]]:
    """The same by an event list: the earliest first, and of several the one that was started first."""
    queue = [(plan[0], n, 0) for n, plan in enumerate(plans) if plan]
    heapq.heapify(queue)
    log = []
    while queue:
        time, n, done = heapq.heappop(queue)
        log.append((float(time), n))
        if done + 1 < len(plans[n]):
            heapq.heappush(queue, (time + plans[n][done + 1], n, done + 1))
    return log


def test_workers_wake_in_the_order_of_their_times():
    assert run_workers([[3, 3], [2, 2, 2], [7]]) == [(2, 1), (3, 0), (4, 1), (6, 0), (6, 1), (7, 2)]


def test_workers_with_one_deadline_wake_in_the_order_of_their_start():
    assert run_workers([[5]] * 6) == [(5.0, n) for n in range(6)]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.lists(st.integers(1, 5), max_size=8), min_size=1, max_size=5))
def test_wakings_are_those_of_an_event_list(plans):
    assert run_workers(plans) == expected_wakings(plans)


def test_two_hours_with_three_workers_take_no_time_and_are_always_the_same():
    plans = [[10] * 720, [60] * 120, [3600, 3600]]
    first = run_workers(plans)
    assert first == expected_wakings(plans)
    assert first[-1][0] == 7200.0


def test_only_one_worker_of_those_that_are_due_runs_at_a_time():
    clock, inside, most = VirtualClock(stall_after=PATIENCE), [], []

    def body() -> None:
        for _ in range(50):
            clock.sleep(1.0)
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    with clock.worker("starter"):
        workers = [clock.start_worker(f"w{n}", body) for n in range(4)]
        assert all(worker.join() for worker in workers)
    assert most == [1] * 200


def test_time_waits_for_a_worker_that_computes():
    clock, go, seen = VirtualClock(stall_after=PATIENCE), threading.Event(), []

    def computing() -> None:
        go.wait(PATIENCE)
        clock.sleep(1.0)
        seen.append(("computing", clock.now()))

    def waiting() -> None:
        clock.sleep(100.0)
        seen.append(("waiting", clock.now()))

    with clock.worker("starter"):
        workers = [clock.start_worker("computing", computing), clock.start_worker("waiting", waiting)]
        eventually(lambda: len(clock._waits) == 1)
        assert clock.now() == 0.0
        go.set()
        assert all(worker.join() for worker in workers)
    assert seen == [("computing", 1.0), ("waiting", 100.0)]


def test_a_thread_that_takes_no_part_does_not_run_ahead_of_a_worker():
    clock, go = VirtualClock(stall_after=PATIENCE), threading.Event()

    def computing() -> None:
        go.wait(PATIENCE)
        clock.sleep(3.0)

    worker = clock.start_worker("computing", computing)
    waker = in_thread(lambda: (eventually(lambda: clock._waits), go.set()))
    assert worker.join(until=100.0), "the join must not jump to its deadline while the worker runs"
    assert clock.now() == 3.0
    assert finished(waker)


def test_time_goes_on_after_waking_a_thread_that_takes_no_part():
    clock, go, times = VirtualClock(stall_after=PATIENCE), threading.Event(), []

    def outsider() -> None:
        clock.sleep(5.0)
        times.append("outsider")  # and never waits again

    def body() -> None:
        go.wait(PATIENCE)
        clock.sleep(10.0)
        times.append("worker")

    worker = clock.start_worker("worker", body)
    thread = in_thread(outsider)
    eventually(lambda: clock._waits)
    go.set()
    assert worker.join()
    assert finished(thread)
    assert sorted(times) == ["outsider", "worker"]
    assert clock.now() == 10.0


def test_a_worker_counts_from_before_its_thread_runs():
    clock, log = VirtualClock(stall_after=PATIENCE), []
    with clock.worker("starter"):
        worker = clock.start_worker("late", lambda: log.append(clock.now()))
        clock.sleep(50.0)
        assert log == [0.0], "time went on before the new worker had its first moment"
        assert worker.join()


def test_a_thread_that_cannot_be_started_does_not_hold_time(monkeypatch):
    clock = VirtualClock(stall_after=PATIENCE)

    def refuse(_thread) -> None:
        raise RuntimeError("can't start new thread")

    with clock.worker("starter"):
        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            clock.start_worker("never", lambda: None)
        monkeypatch.undo()
        assert clock.sleep(1.0)


# -- tokens


def test_a_worker_cancels_another_ones_wait():
    clock, log = VirtualClock(stall_after=PATIENCE), []
    stop = clock.cancel()

    def reader() -> None:
        while clock.sleep(30.0, stop):
            log.append(("still reading", clock.now()))
        log.append(("reader ends", clock.now()))

    def operator() -> None:
        clock.wait_until(40.0)
        stop.set()

    with clock.worker("starter"):
        workers = [clock.start_worker("reader", reader), clock.start_worker("operator", operator)]
        assert all(worker.join() for worker in workers)
    assert log == [("still reading", 30.0), ("reader ends", 40.0)]


def test_an_outsider_cancels_while_another_worker_never_waits():
    clock, busy, results = VirtualClock(stall_after=PATIENCE), threading.Event(), []
    stop = clock.cancel()
    with clock.worker("starter"):
        computing = clock.start_worker("computing", lambda: busy.wait(PATIENCE))
        waiting = clock.start_worker("waiting", lambda: results.append(clock.sleep(30.0, stop)))
        eventually(lambda: clock._waits)
        outsider = in_thread(stop.set)
        assert finished(outsider)
        eventually(lambda: results)
        assert results == [False]
        assert clock.now() == 0.0
        busy.set()
        assert computing.join()
        assert waiting.join()


def test_clearing_a_token_at_once_does_not_turn_a_cancelled_wait_into_a_reached_time():
    clock, results = VirtualClock(stall_after=PATIENCE), []
    token = clock.cancel()
    with clock.worker("starter"):
        waiting = clock.start_worker("waiting", lambda: results.append(clock.sleep(30.0, token)))
        eventually(lambda: clock._waits)
        with clock._lock:  # the waiting thread cannot look in between
            token.set()
            token.clear()
        assert waiting.join()
    assert results == [False]
    assert clock.now() == 0.0


def test_a_token_set_after_the_time_came_does_not_undo_it():
    """Two workers due at one time: the first one sets the second one's token, or its own too late."""
    clock, results = VirtualClock(stall_after=PATIENCE), {}
    token = clock.cancel()

    def first() -> None:
        results["first"] = clock.wait_until(10.0, token)

    def second() -> None:
        clock.wait_until(10.0)
        token.set()

    with clock.worker("starter"):
        workers = [clock.start_worker("first", first), clock.start_worker("second", second)]
        assert all(worker.join() for worker in workers)
    assert results == {"first": True}


def test_one_token_ends_many_waits_and_one_wait_has_many_tokens():
    clock, results = VirtualClock(stall_after=PATIENCE), []
    hard, soft = clock.cancel(), clock.cancel()
    with clock.worker("starter"):
        workers = [
            clock.start_worker(f"w{n}", lambda: results.append(clock.wait_until(FOREVER, hard, soft))) for n in range(5)
        ]
        clock.sleep(1.0)
        soft.set()
        assert all(worker.join() for worker in workers)
    assert results == [False] * 5
    assert not hard._waits
    assert not soft._waits


# -- leaving a wait by an exception


class Struck(Exception):
    pass


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs POSIX signals")
def test_an_exception_in_the_middle_of_a_wait_leaves_nothing_behind():
    """A handler that raises (as Python's own for Ctrl-C) must not leave a wait that lets time run on."""

    def strike(_number, _frame) -> None:
        raise Struck

    clock, busy = VirtualClock(stall_after=PATIENCE), threading.Event()
    token, before = clock.cancel(), signal.signal(signal.SIGUSR1, strike)

    def striker() -> None:
        eventually(lambda: clock._waits)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    try:
        with clock.worker("main"):
            computing = clock.start_worker("computing", lambda: busy.wait(PATIENCE))
            thread = in_thread(striker)
            with pytest.raises(Struck):
                clock.sleep(30.0, token)
            assert not clock._waits
            assert not token._waits
            busy.set()
            assert finished(thread)
            assert computing.join(until=100.0)
            assert clock.now() == 0.0
    finally:
        signal.signal(signal.SIGUSR1, before)


# -- joins


def test_join_raises_what_the_worker_raised():
    clock = VirtualClock(stall_after=PATIENCE)

    def body() -> None:
        clock.sleep(2.0)
        raise ZeroDivisionError("in the worker")

    with clock.worker("starter"):
        worker = clock.start_worker("failing", body)
        with pytest.raises(ZeroDivisionError, match="in the worker"):
            worker.join()
        assert isinstance(worker.error, ZeroDivisionError)
        with pytest.raises(ZeroDivisionError):
            worker.join()
        assert clock.sleep(1.0), "a dead worker must not hold time"
    assert clock.now() == 3.0


def test_join_gives_up_at_its_deadline():
    clock = VirtualClock(stall_after=PATIENCE)
    with clock.worker("starter"):
        worker = clock.start_worker("slow", lambda: clock.sleep(100.0))
        assert not worker.join(until=30.0)
        assert clock.now() == 30.0
        assert worker.join(until=200.0)
        assert clock.now() == 100.0


# -- queues


def test_two_thousand_items_come_through_a_queue_and_none_is_late():
    clock, got = VirtualClock(stall_after=PATIENCE), []
    queue = clock.queue(3)

    def producer() -> None:
        for number in range(2000):
            clock.sleep(0.1)
            queue.put((number, clock.now()))

    def consumer() -> None:
        for _ in range(2000):
            number, sent = queue.get()
            got.append((number, clock.now() - sent))

    def ticker() -> None:
        for _ in range(200):
            clock.sleep(1.0)

    with clock.worker("starter"):
        workers = [clock.start_worker(f.__name__, f) for f in (producer, consumer, ticker)]
        assert all(worker.join() for worker in workers)
    assert got == [(number, 0.0) for number in range(2000)]


def test_put_waits_on_the_clock_while_the_queue_is_full():
    clock, put_at = VirtualClock(stall_after=PATIENCE), []
    queue = clock.queue(2)

    def producer() -> None:
        for number in range(5):
            queue.put(number)
            put_at.append(clock.now())

    def consumer() -> list[int]:
        clock.sleep(1.0)
        for _ in range(5):
            clock.sleep(10.0)
            queue.get()

    with clock.worker("starter"):
        workers = [clock.start_worker(f.__name__, f) for f in (producer, consumer)]
        assert all(worker.join() for worker in workers)
    assert put_at == [0.0, 0.0, 11.0, 21.0, 31.0]
    assert queue.statistics() == {"items": 0, "maxsize": 2}


def test_a_token_closes_a_queue_for_both_sides_and_what_is_in_it_is_still_taken():
    clock = VirtualClock(stall_after=PATIENCE)
    closing = clock.cancel()
    queue, results = clock.queue(1), {}

    def producer() -> None:
        results["first put"] = queue.put("a", closing)
        results["second put"] = queue.put("b", closing)

    with clock.worker("starter"):
        worker = clock.start_worker("producer", producer)
        clock.sleep(5.0)
        closing.set()
        assert worker.join()
        assert results == {"first put": True, "second put": False}
        assert queue.get(closing) == "a"
        assert queue.get(closing) is None


def test_an_item_is_not_lost_on_a_getter_that_is_cancelled_at_the_same_moment():
    """Put wakes one getter. If that one leaves because of its token, the next one must have the item."""
    clock, got = VirtualClock(stall_after=PATIENCE), {}
    queue, token = clock.queue(4), clock.cancel()

    with clock.worker("starter"):
        first = clock.start_worker("first", lambda: got.update(first=queue.get(token)))
        eventually(lambda: len(queue._getters) == 1)
        second = clock.start_worker("second", lambda: got.update(second=queue.get()))
        eventually(lambda: len(queue._getters) == 2)
        with clock._lock:
            token.set()
            queue.put("item")
        assert first.join()
        if got["first"] == "item":  # either may have it, as long as nobody waits beside an item
            queue.put("another")
        assert second.join()
    assert set(got.values()) in ({None, "item"}, {"item", "another"})


def test_an_item_for_a_getter_whose_token_is_set_right_after_is_taken():
    clock, got = VirtualClock(stall_after=PATIENCE), []
    queue, token = clock.queue(4), clock.cancel()
    with clock.worker("starter"):
        getter = clock.start_worker("getter", lambda: got.append(queue.get(token)))
        eventually(lambda: queue._getters)
        with clock._lock:
            queue.put("item")
            token.set()
        assert getter.join()
    assert got == ["item"]
    assert queue.statistics()["items"] == 0


def test_room_is_not_lost_on_a_putter_that_is_cancelled_at_the_same_moment():
    clock, done = VirtualClock(stall_after=PATIENCE), {}
    queue, token = clock.queue(1), clock.cancel()
    with clock.worker("starter"):
        queue.put("old")
        first = clock.start_worker("first", lambda: done.update(first=queue.put("first", token)))
        eventually(lambda: len(queue._putters) == 1)
        second = clock.start_worker("second", lambda: done.update(second=queue.put("second")))
        eventually(lambda: len(queue._putters) == 2)
        with clock._lock:
            token.set()
            assert queue.get() == "old"
        assert first.join()
        if done["first"]:
            assert queue.get() == "first"
        assert second.join()
        assert done["second"]
        assert queue.get() == "second"


def test_a_queue_holds_at_least_one_item():
    with pytest.raises(ValueError, match="at least one"):
        VirtualClock().queue(0)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=20),
    st.lists(st.integers(0, 3), min_size=1, max_size=20),
    st.integers(1, 4),
)
def test_items_keep_their_order_whatever_the_rhythm(putting, getting, maxsize):
    clock, got = VirtualClock(stall_after=PATIENCE), []
    queue = clock.queue(maxsize)

    def producer() -> None:
        for number, dt in enumerate(putting):
            clock.sleep(dt)
            queue.put((number, clock.now()))

    def consumer() -> None:
        for dt in itertools.islice(itertools.cycle(getting), len(putting)):
            clock.sleep(dt)
            got.append((queue.get(), clock.now()))

    with clock.worker("starter"):
        workers = [clock.start_worker(f.__name__, f) for f in (producer, consumer)]
        assert all(worker.join() for worker in workers)
    assert [number for (number, _), _ in got] == list(range(len(putting)))
    assert all(taken >= put for (_, put), taken in got)


# -- the stall watch


def test_a_worker_that_blocks_elsewhere_is_named_with_its_stack():
    clock, elsewhere = VirtualClock(stall_after=0.02), threading.Event()

    def blocked_on_an_event() -> None:
        elsewhere.wait(PATIENCE)

    with clock.worker("reader of the oven"):
        worker = clock.start_worker("potentiostat", blocked_on_an_event)
        with pytest.raises(ClockStalled) as stalled:
            clock.sleep(10.0)
        elsewhere.set()
        assert worker.join()
        assert clock.now() == 0.0
        assert clock.sleep(1.0), "after the stall the clock goes on"
    message = str(stalled.value)
    assert "a worker neither waits on the clock nor ends" in message
    assert "--- potentiostat" in message
    assert "blocked_on_an_event" in message
    assert "--- reader of the oven" in message


def test_everybody_waiting_for_everybody_is_a_stall():
    clock = VirtualClock(stall_after=0.02)
    queue = clock.queue(1)
    with clock.worker("only one"), pytest.raises(ClockStalled, match="everybody waits for everybody"):
        queue.get(clock.cancel())
    assert not queue._getters
    assert not clock._waits


def test_a_worker_that_has_not_begun_is_in_the_report():
    clock = VirtualClock(stall_after=0.02)
    rank = clock._enter("never started")
    with clock.worker("waiting"), pytest.raises(ClockStalled, match=r"--- never started\n  has not begun to run"):
        clock.sleep(1.0)
    clock._leave(rank)


def test_threads_that_take_no_part_cannot_hold_one_another_for_ever():
    clock, outcome = VirtualClock(stall_after=0.02), []

    def outsider() -> None:
        try:
            outcome.append(clock.sleep(100.0))
        except ClockStalled as stalled:
            outcome.append(str(stalled))

    with clock.worker("holds time"):
        thread = in_thread(outsider)
        eventually(lambda: clock._waits)
        clock._workers.clear()  # as if nobody had ever taken part
        assert finished(thread)
        clock._workers[clock._ranks[threading.get_ident()]] = "holds time"
    assert "threads that take no part in it wait for one another" in outcome[0]


class ScriptedLock:
    """The lock of a wait: ``acquire`` lets something happen (or nothing) and says that its patience is over."""

    def __init__(self, *happenings) -> None:
        self.happenings = list(happenings)

    def acquire(self, timeout: float) -> bool:
        if not self.happenings:
            return True
        self.happenings.pop(0)()
        return False

    def release(self) -> None:
        """Nobody waits for this lock."""


def wait_of(clock: VirtualClock, lock: ScriptedLock) -> Wait:
    """A wait for a far deadline of a worker that looks up whenever ``lock`` says so."""
    wait = Wait(1e9, clock._enter("far"))
    wait.lock = lock
    clock._waits.append(wait)
    return wait


def test_many_short_waits_beside_one_far_deadline_are_no_stall():
    """Whenever the far waiter looks up, the other worker is at work, but something happened since."""
    clock = VirtualClock()
    with clock.worker("near"):
        near = [lambda: clock.sleep(1.0)] * 5
        clock._await(wait_of(clock, ScriptedLock(*near)))
        assert clock.now() == 5.0


def test_silence_between_two_looks_is_a_stall_even_after_a_busy_time():
    clock = VirtualClock()
    with clock.worker("near"):
        looks = ScriptedLock(lambda: clock.sleep(1.0), lambda: clock.sleep(1.0), lambda: None)
        with pytest.raises(ClockStalled, match="a worker neither waits on the clock nor ends"):
            clock._await(wait_of(clock, looks))
        assert clock.now() == 2.0


def test_everybody_waiting_for_one_far_deadline_is_no_stall():
    clock, results = VirtualClock(stall_after=0.02), []
    with clock.worker("starter"):
        workers = [clock.start_worker(f"w{n}", lambda: results.append(clock.wait_until(1e12))) for n in range(3)]
        assert all(worker.join() for worker in workers)
    assert results == [True] * 3
    assert clock.now() == 1e12


# -- time that passes


@pytest.mark.parametrize("make", [RealClock, lambda: ScaledClock(1000.0)], ids=["real", "scaled"])
def test_passing_time_reaches_its_deadline(make):
    clock = make()
    assert not clock.virtual
    until = clock.now() + 0.01 * clock.speed
    assert clock.wait_until(until)
    assert clock.now() >= until


@pytest.mark.parametrize("make", [RealClock, lambda: ScaledClock(3.0)], ids=["real", "scaled"])
def test_another_thread_ends_a_wait_in_passing_time(make):
    clock, results = make(), []
    token = clock.cancel()
    thread = in_thread(lambda: results.append(clock.sleep(1e6, token)))
    eventually(lambda: clock._waits)
    token.set()
    assert finished(thread)
    assert results == [False]
    assert not clock._waits


def test_waiting_for_ever_in_passing_time_ends_by_a_token():
    clock, results = RealClock(), []
    token = clock.cancel()
    worker = clock.start_worker("waiting", lambda: results.append(clock.wait_until(FOREVER, token)))
    eventually(lambda: clock._waits)
    token.set()
    assert worker.join()
    assert results == [False]


def test_a_queue_in_passing_time():
    clock = RealClock()
    queue, closing = clock.queue(2), clock.cancel()
    got = []

    def consumer() -> None:
        while (item := queue.get(closing)) is not None:
            got.append(item)

    worker = clock.start_worker("consumer", consumer)
    for number in range(100):
        assert queue.put(number)
    eventually(lambda: len(got) == 100)
    closing.set()
    assert worker.join()
    assert got == list(range(100))


def test_scaled_time_runs_at_its_speed_from_its_origin(monkeypatch):
    host = [1000.0]
    monkeypatch.setattr("luggin.clock.passing.time.monotonic", lambda: host[0])
    clock = ScaledClock(60.0, origin=990.0)
    assert clock.speed == 60.0
    assert clock.now() == 600.0
    utc = clock.utc()
    host[0] += 2.0
    assert clock.now() == 720.0
    assert clock.utc() - utc == timedelta(seconds=120)
    assert ScaledClock(60.0).now() == 0.0


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_not_positive_is_refused(speed):
    with pytest.raises(ValueError, match="positive"):
        ScaledClock(speed)


def test_the_real_clock_is_the_computers(monkeypatch):
    monkeypatch.setattr("luggin.clock.passing.time.monotonic", lambda: 123.5)
    clock = RealClock()
    assert clock.now() == 123.5
    assert clock.speed == 1.0
    assert clock.utc().tzinfo is UTC
