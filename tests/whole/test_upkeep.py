"""What a run looks after beside its readings: room on its disk, and the computer's own clocks."""

import pytest
from killing import BENCH, SAMPLE

from luggin.clock import ComputerWatch
from luggin.clock.computer import Moment
from luggin.engine.space import RESERVE, SpaceWatch
from luggin.engine.start import begin
from luggin.engine.upkeep import Upkeep
from luggin.errors import StoreFull
from luggin.platform import Disk

PROTOCOL = f"""
title = "kept up"
steps = [
  {{do = "cv", begin = "0 V vs ref", vertices = ["-0.8 V", "0 V"], rate = "200 mV/s", step = "5 mV"}},
  {{do = "ocp", duration = "2 s", dt = "0.5 s"}},
]
{SAMPLE}
"""


class Filling(Disk):
    """A disk of which somebody else takes a little more each time."""

    def __init__(self, *free):
        self._free = list(free)

    def free(self, path):
        return self._free.pop(0) if len(self._free) > 1 else self._free[0]


def looking(make, moments=(2.0, 4.0)):
    """Look after the run at these lab times of its first step."""

    def on_begin(run):
        upkeep = make(run)

        def work():
            clock = run.session.clock
            for when in moments:
                clock.wait_until(run.zero + when)
                upkeep.look()

        run._around.enter_context(run.session.clock.worker("run"))
        run.session.clock.start_worker("upkeep", work)

    return on_begin


def test_a_disk_that_fills_up_ends_the_run_while_there_is_room_for_its_last_words(travel):
    def make(run):
        return Upkeep(run, SpaceWatch(run.folder, Filling(2 * RESERVE, RESERVE - 1)))

    seen = travel(PROTOCOL, BENCH, on_begin=looking(make))
    assert isinstance(seen.finished.error, StoreFull)
    assert "almost full" in str(seen.finished.error)
    assert seen.finished.exit_code == 1
    assert not seen.cell_left_on
    archive = seen.archive
    assert [e["what"] for e in archive.events].count("disk low") == 1
    rows = archive["cv"].to_numpy()
    assert 0 < len(rows) < 321
    assert rows["time"][-1] == pytest.approx(4.0, abs=0.1)
    assert archive.records[-1]["made_safe"]["cell"]


def test_a_computer_that_slept_is_an_event_and_changes_no_duration(travel):
    clocks = iter([Moment(0.0, 0.0, 1e9), Moment(1.0, 1.0, 1e9 + 1.0), Moment(2.0, 602.0, 1e9 + 602.0 - 3600.0)])

    def make(run):
        return Upkeep(run, computer=ComputerWatch(read=lambda: next(clocks)))

    seen = travel(PROTOCOL, BENCH, on_begin=looking(make))
    alone = travel(PROTOCOL, BENCH, name="alone")
    assert seen.finished.error is None
    (slept,) = [event for event in seen.archive.events if event["what"] == "computer slept"]
    assert (slept["slept"], slept["jumped"]) == (600.0, -3600.0)
    assert "the computer slept for 10 min" in slept["words"]
    assert "the time of day was set back by 1 h" in slept["words"]
    for stream in ("cv", "ocp"):
        assert seen.archive[stream].to_numpy()["time"].tolist() == alone.archive[stream].to_numpy()["time"].tolist()


def test_a_run_that_does_not_fit_on_the_disk_is_not_begun(travel, monkeypatch, tmp_path, plugins, vocabulary):
    from dataclasses import replace

    from luggin.bench import load_bench
    from luggin.engine.protocols import plan_of
    from luggin.steps import load_protocol

    monkeypatch.setattr(Disk, "free", lambda self, path: RESERVE + 1000)
    loaded = load_protocol(text=PROTOCOL, vocabulary=vocabulary, name="p.toml")
    plan = plan_of(loaded, load_bench(text=BENCH, drivers=list(plugins.drivers())))
    with pytest.raises(StoreFull, match=r"this run may take 2 kB.*Nothing was started"):
        begin(replace(plan, folder=tmp_path / "full", bytes=2000), plugins, people=None, watcher=None)
    assert not (tmp_path / "full").exists()
