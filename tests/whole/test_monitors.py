"""A potentiostat measures while a source-measure unit is read beside it: the example, and its accidents."""

from pathlib import Path

import numpy as np
import pytest
from killing import SPEED, Command, Oracle, luggin, wait_for

from luggin.analysis import open_run
from luggin.records import Flag
from luggin.store import open_store

EXAMPLES = Path(__file__).parents[2] / "examples"
PROTOCOL = (EXAMPLES / "two-instruments.toml").read_text(encoding="utf-8")
BENCH = (EXAMPLES / "benches" / "two-instruments.toml").read_text(encoding="utf-8")
MONITORS = PROTOCOL[PROTOCOL.index("monitors = [") : PROTOCOL.index("steps = [")]
MEASURED = ("instrument_time", "potential", "current", "cycle", "current_range", "flags")


def test_the_potentiostat_measures_the_same_as_without(travel):
    watched, alone = (
        travel(PROTOCOL, BENCH, name="watched"),
        travel(PROTOCOL.replace(MONITORS, ""), BENCH, name="alone"),
    )
    assert watched.finished.outcome == alone.finished.outcome == "completed"
    for stream in ("ca", "cv"):
        one, other = watched.archive[stream].to_numpy(), alone.archive[stream].to_numpy()
        for name in set(MEASURED) & set(one.dtype.names):
            np.testing.assert_array_equal(one[name], other[name], err_msg=f"{stream} {name}")
    assert watched.finished.results == alone.finished.results
    values = sorted(q["value"] for q in watched.quantities("half_wave_potential").values())
    assert values == pytest.approx([-1.294, -0.476], abs=2e-3)


def test_rows_come_every_ten_seconds_with_units_and_steps(travel):
    import xarray

    seen = travel(PROTOCOL, BENCH)
    folder, total = seen.finished.folder, seen.archive.records[-1]["time"]
    with xarray.open_datatree(folder / "data.zarr", engine="zarr") as tree:
        heater = tree["heater"].to_dataset().load()
    assert heater["time"].values.tolist() == [10.0 * k for k in range(int(total // 10) + 1)]
    assert heater["current_limit"].attrs["units"] == "A"
    assert heater["current_limit"].attrs["long_name"] == "Limit of the potential source"
    assert heater["output"].attrs["units"] == "1"
    assert set(heater["output"].values) == {0.0}, "it stays off"
    assert (heater["current_limit"].values > 0).all()
    # 30 s at rest of the first step, and a sweep of 3.8 V at 50 mV/s.
    assert [int((heater["step"] == n).sum()) for n in (1, 2)] == [3, 8]
    assert not seen.cell_left_on


def test_two_runs_are_identical(travel):
    one, other = (travel(PROTOCOL, BENCH, name=name).archive for name in ("one", "other"))
    assert set(one.store.streams) == {"ca", "cv", "events", "heater"}
    for stream in one.store.streams:
        assert one[stream].to_numpy().tobytes() == other[stream].to_numpy().tobytes(), stream


def test_an_instrument_that_is_lost_is_one_that_somebody_has_to_look_at(travel):
    def pull_the_cable(run):
        clock = run.session.clock

        def later():
            clock.sleep(45.0)
            run.session.lab._lines["meter"].close()

        run._around.enter_context(clock.worker("run"))
        clock.start_worker("somebody in the lab", later)

    seen = travel(PROTOCOL, BENCH, on_begin=pull_the_cable)
    # The measurement is whole; but nobody can say any more whether the second instrument is off.
    assert [s.status for s in seen.archive.steps] == ["done", "done"]
    assert len(seen.archive["cv"].to_numpy()) == 3801
    heater = seen.archive["heater"].to_numpy()
    assert heater["time"].tolist() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert np.isnan(heater["output"]).tolist() == [False] * 5 + [True]
    assert heater["flags"].tolist() == [0] * 5 + [Flag.GAP]
    assert [e["role"] for e in seen.archive.events if e["what"] == "line lost"] == ["meter"]
    assert seen.finished.exit_code == 4
    assert "LOOK AT THE CELL: it may still be on. meter: " in str(seen.finished.error)
    assert not seen.cell_left_on


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ('"output", "', '"outptu", "', "no reading 'outptu' that is a number; it has count, current, current_limit"),
        ('"output", "', '"language", "', "no reading 'language' that is a number"),
        ('on = "meter"', 'on = "metre"', "no instrument 'metre'; it has cell, meter"),
        ('on = "meter"', 'on = "cell"', "cell runs step 1; an instrument that is read beside the steps runs none"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_mistake_in_a_monitor_is_told_with_its_line_and_nothing_is_touched(tmp_path, command, right, wrong, words):
    (tmp_path / "benches").mkdir()
    (tmp_path / "benches" / "two-instruments.toml").write_text(BENCH, encoding="utf-8")
    (tmp_path / "p.toml").write_text(PROTOCOL.replace(right, wrong), encoding="utf-8")
    code, out, errors = luggin(command, "p.toml", cwd=tmp_path)
    line = PROTOCOL[: PROTOCOL.index("{on =")].count("\n") + 1
    assert (code, out) == (2, "")
    assert f"p.toml:{line}: monitors[1]: " in errors
    assert words in errors
    assert "Traceback" not in errors
    assert sorted(p.name for p in tmp_path.iterdir()) == ["benches", "p.toml"]


def test_a_run_that_is_killed_keeps_what_its_monitor_read_and_reads_on(tmp_path):
    protocol, folder = tmp_path / "protocol.toml", tmp_path / "run"
    protocol.write_text(PROTOCOL.replace('"10 s"', '"2 s"'), encoding="utf-8")
    with Oracle(tmp_path / "oracle", BENCH, speed=SPEED) as oracle:
        command = Command("run", protocol, "--bench", oracle.bench, "--folder", folder, "--no-report", cwd=tmp_path)

        def read():
            assert command.is_alive, command.end()
            return (folder / "journal").is_dir() and open_store(folder).rows("cv") > 200

        wait_for(read, "row 200 of the sweep")
        command.kill()
        killed = open_store(folder).array("heater")
        assert len(killed) > 10
        code, _, errors = luggin("resume", folder, "--no-report", cwd=tmp_path)
        assert code == 0, errors
        status = oracle.ask("status")["cells"]
        assert not status["cell"]["on"]
        assert not status["meter"]["on"]
    archive = open_run(folder)
    assert [(s.path, s.status) for s in archive.steps] == [("1", "done"), ("2", "cut off"), ("2", "done")]
    heater = archive["heater"].to_numpy()
    assert heater[: len(killed)].tobytes() == killed.tobytes()
    resumed = heater[len(killed) :]
    assert len(resumed) > 30
    assert resumed["time"][0] > killed["time"][-1]
    assert (2, 2) in set(zip(resumed["step"].tolist(), resumed["attempt"].tolist(), strict=True))
    assert not np.isnan(heater["output"]).any()
