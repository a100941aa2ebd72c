"""Runs are listed and shown, and files of other programs become runs with the same numbers."""

import dataclasses
import hashlib
import json
import warnings

import numpy as np
import pytest

import luggin
from luggin.catalog import Origin, import_tables
from luggin.errors import FileFormatError, RunFolderError, StoreFull
from luggin.platform import FileLock
from luggin.results import Table
from luggin.store import RunLog

PROTOCOL = """
title = "One wave"
limits = [
  {column = "potential", between = ["-2 V", "1 V"]},
  {column = "current", between = ["-100 uA", "100 uA"], for = "3 rows"},
]
steps = [
  {do = "ocp", id = "rest", duration = "5 s"},
  {do = "cv", id = "full", begin = "0 V vs ref", vertices = ["-0.9 V", "0.2 V"], rate = "100 mV/s", step = "1 mV"},
]
analyses = [{use = "cv.half-waves", on = "full"}]
[sample]
id = "re4mo2-4"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3 mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""


@pytest.fixture
def measured(folder):
    """A folder with a completed run in it: runs/wave."""
    folder.write("wave.toml", PROTOCOL)
    assert folder.luggin("run", "wave.toml", "--folder", "runs/wave", "--no-report").code == 0
    return folder


@pytest.fixture
def resumed(folder):
    """A folder with a run in it that a limit stopped, and that was taken up again: runs/wave."""
    folder.write("wave.toml", PROTOCOL)
    folder.write("narrow.toml", PROTOCOL.replace('"-100 uA"', '"-2 uA"'))
    assert folder.luggin("run", "narrow.toml", "--folder", "runs/wave", "--no-report").code == 3
    again = folder.luggin("resume", "runs/wave", "--clear-trip", "--protocol", "wave.toml", "--no-report")
    assert again.code == 0
    return folder


def ec_lab_text(table, technique="Cyclic Voltammetry", loops=""):
    """A table as EC-Lab writes it, with all digits."""
    names = {"time": "time/s", "potential": "Ewe/V", "current": "I/A", "cycle": "cycle number"}
    columns = [np.asarray(table[name], float) for name in names]
    header = ["", technique, "", "dE/dt               100.000", "dE/dt unit          mV/s", *filter(None, [loops])]
    rows = ["\t".join(repr(float(v)) for v in row) for row in zip(*columns, strict=True)]
    lines = ["EC-Lab ASCII FILE", f"Nb header lines : {len(header) + 3}", *header, "\t".join(names.values()), *rows]
    return "\r\n".join(lines) + "\r\n"


@pytest.fixture
def foreign(measured):
    """The wave of the run in runs/wave as a file of another program: wave.mpt."""
    (table,) = luggin.open("runs/wave").tables("full")
    clock = {"time": table.columns["instrument_time"]}
    measured.write("wave.mpt", ec_lab_text({**table.columns, **clock}))
    return measured


# -- list


def test_a_list_has_the_run_its_mark_and_its_result(measured):
    said = measured.luggin("list")
    assert said.code == 0
    for word in ("wave", "re4mo2-4", "One wave", "completed", "SIMULATED", "E1/2", "±", "V"):
        assert word in said.out
    data = measured.luggin("list", "--json").json
    (run,) = data["runs"]
    assert run["run"] == "runs/wave"
    assert run["techniques"] == ["ocp", "cv"]
    assert run["simulated"] is True
    (quantity,) = run["results"][0]["quantities"]
    assert quantity["value"] == pytest.approx(-0.476, abs=0.002)
    assert 0 < quantity["u"] < 0.002


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--sample", "re4mo2-4"], 1),
        (["--sample", "other"], 0),
        (["--technique", "cv"], 1),
        (["--technique", "eis"], 0),
        (["--outcome", "completed"], 1),
        (["--outcome", "limit-tripped"], 0),
        (["--since", "2001-01-01"], 1),
        (["--since", "2001-01-01T08:00+05:00"], 1),
        (["--since", "9000-01-01"], 0),
    ],
)
def test_runs_are_chosen(measured, options, count):
    assert len(measured.luggin("list", *options, "--json").json["runs"]) == count
    assert ("no run fits" in measured.luggin("list", *options).out) == (count == 0)


def test_what_cannot_be_listed_is_refused_in_words(measured):
    assert "there is no folder elsewhere" in measured.refused("list", "elsewhere")
    assert "luggin show runs/wave" in measured.refused("list", "runs/wave")
    assert "not a date" in measured.luggin("list", "--since", "soon").errors
    assert measured.luggin("list", "--outcome", "good").code == 2


def test_broken_and_foreign_folders_are_named(measured):
    (measured.path / "runs" / "photographs").mkdir()
    broken = measured.path / "runs" / "broken"
    (broken / "data.zarr").mkdir(parents=True)
    said = measured.luggin("list")
    assert "photographs: not a run" in said.out
    assert "broken: RunFolderError" in said.out
    assert measured.luggin("list", "--json").json["others"] == [{"folder": "photographs", "what": "not a run"}]


def test_a_damaged_catalog_is_a_note_and_no_obstacle(measured, tmp_path):
    measured.luggin("list")
    (tmp_path / "home" / "catalog.sqlite").write_text("this was a database once, and something wrote over it")
    said = measured.luggin("list", "--json")
    assert len(said.json["runs"]) == 1
    assert said.errors.startswith("note: the catalog ")
    assert measured.luggin("list", "--rebuild").errors == ""


def test_names_cannot_write_to_the_terminal(folder):
    run = folder.path / "runs" / "evil"
    run.mkdir(parents=True)
    with RunLog.create(run) as log:
        log.append(
            {"kind": "run", "time": 0.0, "title": "\x1b[2J[red]title[/red]\n\x07", "sample": {"id": "\x1b]0;x\x07"}}
        )
    for command in (["list"], ["show", "evil"]):
        said = folder.luggin(*command)
        assert said.code == 0
        assert "\x1b" not in said.out
        assert "\x07" not in said.out
        assert "[red]title[/red]" in said.out


# -- show


def test_a_run_is_shown_with_all_attempts(resumed):
    said = resumed.luggin("show", "wa").out
    for words in (
        "One wave  SIMULATED: no real instrument was used",
        "outcome      completed",
        "bench        the built-in simulated bench",
        "reference    electrode Ag/AgCl, fill 3.5 M KCl",
        "limit        potential between -2 V and 1 V, else stop",
        "PalmSens EmStat4 HR",
        "failed: step 2: current was",
        "taken up again",
        "half wave potential",
    ):
        assert words in said
    data = resumed.luggin("show", "runs/wave", "--json").json
    assert [(s["path"], s["do"], s["attempt"], s["status"]) for s in data["steps"]] == [
        ("1", "ocp", 1, "done"),
        ("2", "cv", 1, "failed"),
        ("2", "cv", 2, "done"),
    ]
    first, second = (step["rows"] for step in data["steps"][1:])
    assert 0 < first < second
    assert data["streams"]["cv"] == first + second
    (resume,) = data["resumes"]
    assert resume["gap"]["to"] >= resume["gap"]["from"] > 0
    assert data["problems"] == []


def test_the_line_for_xarray_opens_the_rows(measured):
    xarray = pytest.importorskip("xarray")
    said = measured.luggin("show", "wave").out
    (line,) = [line.partition("in xarray")[2].strip() for line in said.splitlines() if "in xarray" in line]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = eval(line, {"xarray": xarray})
    assert rows["potential"].attrs["units"] == "V"
    assert rows.sizes["row"] == luggin.open("runs/wave").store.rows("cv")


def test_a_run_that_was_killed_is_shown_with_the_rows_that_no_record_has(measured):
    log = measured.path / "runs" / "wave" / "run.log"
    lines = log.read_bytes().splitlines(keepends=True)
    begun = next(n for n, line in enumerate(lines) if b'"kind":"start"' in line and b'"path":"2"' in line)
    log.write_bytes(b"".join(lines[: begun + 1]))
    data = measured.luggin("show", "wave", "--json").json
    assert (data["outcome"], data["ended"]) == ("cut off", None)
    assert data["steps"][-1]["status"] == "cut off"
    assert data["steps"][-1]["rows"] == data["streams"]["cv"] > 0
    assert "cut off: its program was killed or the power went" in measured.luggin("show", "wave").out
    assert [run["outcome"] for run in measured.luggin("list", "--json").json["runs"]] == ["cut off"]
    lock = FileLock(measured.path / "runs" / "wave" / "journal" / "lock")
    lock.acquire("a process that goes on with it")
    assert measured.luggin("show", "wave", "--json").json["steps"][-1]["status"] == "running"
    assert "running: a process is writing it now" in measured.luggin("show", "wave").out
    assert [run["outcome"] for run in measured.luggin("list", "--json").json["runs"]] == ["running"]
    lock.release()
    assert [run["outcome"] for run in measured.luggin("list", "--outcome", "cut-off", "--json").json["runs"]] == [
        "cut off"
    ]


def test_a_run_is_shown_though_a_folder_here_has_its_name(measured):
    (measured.path / "wave").mkdir()
    assert measured.luggin("show", "wave", "--json").json["run"] == "runs/wave"


def test_runs_that_are_not_there_are_refused(measured):
    assert "there is no run 'wive', neither as a folder nor in runs" in measured.refused("show", "wive")
    assert "it has no run.log" in measured.refused("show", ".")


# -- import


def test_an_imported_file_gives_the_same_numbers(foreign):
    of_file = foreign.luggin("analyse", "wave.mpt", "--json").json["results"]
    said = foreign.luggin("import", "wave.mpt", "--sample", "re4mo2-4", "--folder", "runs/imported")
    assert said.code == 0
    assert "by the reader ec-lab" in said.out
    of_run = foreign.luggin("analyse", "runs/imported", "--json").json["results"]
    assert of_run == of_file
    (wave,) = [q for q in of_run[0]["quantities"] if q["name"] == "half_wave_potential"]
    assert wave["value"] == pytest.approx(-0.476, abs=0.002)


def test_an_imported_run_says_where_it_comes_from_and_claims_no_instrument(foreign):
    target = foreign.luggin("import", "wave.mpt", "--sample", "re4mo2-4", "--json").json["run"]
    run = luggin.open(target)
    content = (foreign.path / "wave.mpt").read_bytes()
    source = run.header["source"]
    assert run.header["imported"] is True
    assert run.simulated is False
    assert "created" not in run.header  # nobody knows when it was measured
    assert run.sessions == []
    assert source["file"] == "wave.mpt"
    assert source["sha256"] == hashlib.sha256(content).hexdigest()
    assert source["bytes"] == len(content)
    assert source["reader"] == "ec-lab"
    assert (run.folder / source["kept"]).read_bytes() == content
    attributes = json.loads((run.folder / "data.zarr" / "zarr.json").read_text())["attributes"]
    assert attributes["imported"] is True
    assert attributes["instruments"] == {}
    assert attributes["source"] == source
    assert attributes["status"] == "completed"
    shown = foreign.luggin("show", target).out
    assert "IMPORTED: measured elsewhere" in shown
    assert source["sha256"] in shown
    listed = foreign.luggin("list", "--sample", "re4mo2-4").out
    assert "IMPORTED" in listed


def test_rows_of_an_imported_run_are_those_of_the_file(foreign):
    foreign.luggin("import", "wave.mpt", "--folder", "runs/imported")
    (table,) = luggin.open("runs/imported").tables()
    (original,) = luggin.open("runs/wave").tables("full")
    assert np.array_equal(table.columns["time"], original.columns["instrument_time"])
    for name in ("potential", "current", "cycle"):
        assert np.array_equal(table.columns[name], original.columns[name])
        assert table.columns[name].dtype == original.columns[name].dtype
    assert table.parameters["rate"] == pytest.approx(0.1)
    assert table.complete
    xarray = pytest.importorskip("xarray")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = xarray.open_zarr("runs/imported/data.zarr", group="cv")
    assert rows["current"].attrs["units"] == "A"
    assert luggin.open("runs/imported")["cv"].to_xarray().sizes["row"] == len(table)


def test_an_imported_run_has_a_report(foreign):
    pytest.importorskip("matplotlib")
    foreign.luggin("import", "wave.mpt", "--folder", "runs/imported")
    foreign.luggin("analyse", "runs/imported")
    assert foreign.luggin("report", "runs/imported").code == 0
    page = (foreign.path / "runs" / "imported" / "report.html").read_text()
    assert "wave.mpt" in page
    assert "SIMULATED" not in page
    assert "No instrument is recorded" in page


def test_a_file_that_its_program_cut_short_makes_an_interrupted_run(foreign):
    (table,) = luggin.open("runs/wave").tables("full")
    foreign.write("cut.mpt", ec_lab_text(table.columns, loops="Loop 0 from point number 0 to 99999"))
    said = foreign.luggin("import", "cut.mpt", "--folder", "runs/cut")
    assert "(cut short)" in said.out
    run = luggin.open("runs/cut")
    assert run.outcome == "interrupted"
    assert not run.tables()[0].complete


def test_what_cannot_be_imported_is_refused_and_leaves_nothing(foreign):
    foreign.write("notes.txt", "E1/2 was about -0.48 V")
    foreign.write("empty.mpt", "")
    foreign.write("half.mpt", (foreign.path / "wave.mpt").read_text()[:400])
    assert "notes.txt: is not in a format that Luggin reads" in foreign.refused("import", "notes.txt")
    assert "empty.mpt: is empty" in foreign.refused("import", "empty.mpt")
    assert "half.mpt:" in foreign.refused("import", "half.mpt")
    assert "missing.mpt: there is no such file" in foreign.refused("import", "missing.mpt")
    assert "runs/wave exists already" in foreign.refused("import", "wave.mpt", "--folder", "runs/wave")
    assert "runs: cannot be read" in foreign.refused("import", "runs")


def test_an_imported_run_is_not_resumed(foreign):
    foreign.luggin("import", "wave.mpt", "--folder", "runs/imported")
    assert "imported from a file; there is no protocol in it" in foreign.refused("resume", "runs/imported")


# -- tables as runs


ORIGIN = Origin("two:tables?.dat", b"0 1 2", "mine")


def table(technique="cv", rows=3, **fields):
    columns = {"time": np.arange(rows) * 0.5, "potential": -0.1 * np.arange(rows), "current": 1e-6 * np.arange(rows)}
    return dataclasses.replace(Table(technique, columns, {"time": "s", "potential": "V", "current": "A"}), **fields)


def test_each_table_is_a_step_and_equal_columns_share_a_stream(tmp_path):
    other = table()
    other = dataclasses.replace(
        other, columns={**other.columns, "charge": np.zeros(3)}, units={**other.units, "charge": "C"}
    )
    import_tables([table(), table("ocp"), table(rows=2), other], ORIGIN, tmp_path / "run", {})
    run = luggin.open(tmp_path / "run")
    assert run.store.streams == ("cv", "ocp", "cv_2")
    assert [run.store.rows(name) for name in run.store.streams] == [5, 3, 3]
    tables = run.tables()
    assert [(t.technique, t.id, len(t)) for t in tables] == [
        ("cv", "cv", 3),
        ("ocp", "ocp", 3),
        ("cv", "cv-2", 2),
        ("cv", "cv-3", 3),
    ]
    assert tables[2].columns["time"].tolist() == [0.0, 0.5]
    assert run.tables("cv-3")[0].units["charge"] == "C"
    assert (run.folder / "original" / "two_tables_.dat").read_bytes() == ORIGIN.content
    assert run.header["source"]["file"] == ORIGIN.file


def test_units_kinds_and_values_are_kept(tmp_path):
    columns = {
        "current": np.array([1.5, np.nan]),
        "counts": np.array([1, -2], np.int16),
        "ticks": np.array([1, 2**40], np.int64),
        "small": np.array([0.1, 0.2], np.float32),
        "flags": np.array([0, 2], np.uint8),
    }
    import_tables([Table("cv", columns, {"current": "mA"})], ORIGIN, tmp_path / "run", {"id": "x"})
    run = luggin.open(tmp_path / "run")
    (kept,) = run.tables()
    assert kept.units["current"] == "mA"
    assert run.sample == {"id": "x"}
    for name, values in columns.items():
        assert np.array_equal(kept.columns[name], values, equal_nan=name == "current"), name
    kinds = {name: values.dtype.str for name, values in kept.columns.items()}
    assert kinds == {"current": "<f8", "counts": "<i4", "ticks": "<i8", "small": "<f4", "flags": "<u4"}


def test_parameters_are_plain_and_only_what_is_known(tmp_path):
    parameters = {"vertices": (-0.9, np.float64(0.2)), "rate": float("nan"), "cycles": np.int32(2), "file": {"A": "1"}}
    import_tables([table(parameters=parameters)], ORIGIN, tmp_path / "run", {})
    (kept,) = luggin.open(tmp_path / "run").tables()
    assert kept.parameters == {"vertices": [-0.9, 0.2], "cycles": 2, "file": {"A": "1"}}


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ([], "found no rows"),
        ([table(rows=0)], "found no rows"),
        ([table(columns={"time": np.arange(3.0), "current": np.arange(2.0)})], "different lengths"),
        ([table(columns={"time": np.arange(3.0), "z": np.ones(3, complex)})], "'z' of complex128"),
        ([table(columns={"time": np.arange(3.0), "word": np.array(["a", "b", "c"])})], "'word' of"),
    ],
)
def test_tables_that_cannot_be_stored_leave_nothing(tmp_path, tables, words):
    with pytest.raises(FileFormatError, match=words):
        import_tables(tables, ORIGIN, tmp_path / "run", {})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(self, record, sync=False):
        if record["kind"] == "end":
            raise StoreFull("no space is left")
        return append(self, record, sync)

    append = RunLog.append
    monkeypatch.setattr(RunLog, "append", full)
    with pytest.raises(StoreFull):
        import_tables([table()], ORIGIN, tmp_path / "run", {})
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_never_written_over(tmp_path):
    import_tables([table()], ORIGIN, tmp_path / "run", {})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunFolderError, match="exists already"):
        import_tables([table()], ORIGIN, tmp_path / "run", {})
    assert sorted(tmp_path.rglob("*")) == before
