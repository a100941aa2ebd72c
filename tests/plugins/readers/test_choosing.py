"""Which reader takes which file, and how a mapping reaches it from the command line."""

import json

import pytest
from click.testing import CliRunner

from luggin import plugins as plugin_manager
from luggin.cli import cli
from luggin.cli.looking import reader_of
from luggin.errors import FileFormatError

FILES = {
    "gamry": ("a.DTA", "EXPLAIN\nTAG\tCV\n"),
    "ec-lab": ("a.mpt", "EC-Lab ASCII FILE\nNb header lines : 3\n"),
    "chi": ("a.txt", "Nov. 14, 2024\nCyclic Voltammetry\nFile: a\nInstrument Model:  CHI660E\n"),
    "pstrace": ("a.csv", "Date and time:,2024-11-14\nNotes:\n"),
    "methodscript": ("a.txt", "e\nM0005\nPda7F85F3Fu;ba48D503Dp,10,288\n*\n"),
    "elins": ("a.txt", "ES8\n\nБлок 1:\nЦикл 1, Шаг 1\n"),
    "table": ("a.csv", "E,I\n0.1,0.2\n0.2,0.3\n"),
}
MAPPING = """technique = "cv"
positive_current = "oxidation"
rate = "100 mV/s"
[columns]
potential = { column = "E", unit = "V" }
current = { column = "I", unit = "uA" }
[sample]
reference = "Ag/AgCl"
"""


@pytest.fixture(scope="module")
def plugins():
    return plugin_manager.load()


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("E,I\n" + "".join(f"{0.001 * k:.3f},0.5\n" for k in range(60)))
    (tmp_path / "ours.toml").write_text(MAPPING)
    return path


def ours(*arguments):
    outcome = CliRunner().invoke(cli, [*map(str, arguments)])
    return outcome


@pytest.mark.parametrize("name", FILES)
def test_every_format_has_its_reader(tmp_path, plugins, name):
    file, text = FILES[name]
    (tmp_path / file).write_bytes(text.encode("cp1251" if name == "elins" else "utf-8"))
    assert reader_of(tmp_path / file, plugins).name == name


def test_any_table_is_read_by_the_last_reader(plugins):
    assert [reader.name for reader in plugins.readers()][-1] == "table"


def test_a_mapping_goes_to_the_reader_of_the_format_or_to_that_of_any_table(tmp_path, plugins):
    for name, (file, text) in FILES.items():
        (tmp_path / file).write_bytes(text.encode("cp1251" if name == "elins" else "utf-8"))
        takes = name in ("pstrace", "methodscript", "elins")
        assert reader_of(tmp_path / file, plugins, tmp_path / "m.toml").name == (name if takes else "table")
    (tmp_path / "notes.md").write_text("nothing")
    assert reader_of(tmp_path / "notes.md", plugins, tmp_path / "m.toml").name == "table"
    with pytest.raises(FileFormatError):
        reader_of(tmp_path / "notes.md", plugins)


def test_analyse_takes_a_mapping(data):
    said = ours("analyse", data, "--map", data.with_name("ours.toml"), "--use", "cv.half-waves", "--json")
    (result,) = json.loads(said.output)["results"]
    assert [refusal["code"] for refusal in result["refusals"]]
    assert "reference electrode unknown" not in said.output


def test_a_mapping_is_not_for_a_run_folder(tmp_path, data):
    said = ours("analyse", tmp_path, "--map", data.with_name("ours.toml"))
    assert said.exit_code != 0
    assert "--map is for files of other programs" in f"{said.output}{said.exception}"


def test_import_takes_a_mapping_and_keeps_what_it_says_of_the_sample(tmp_path, data):
    run = tmp_path / "run"
    said = ours("import", data, "--map", data.with_name("ours.toml"), "--sample", "demo", "--folder", run, "--json")
    assert json.loads(said.output)["reader"] == "table"
    from luggin.analysis import open_run

    archive = open_run(run)
    assert archive.sample["id"] == "demo"
    assert archive.sample["reference"] == "Ag/AgCl"
    (table,) = archive.tables()
    assert table.parameters["file"]["mapping"] == MAPPING
