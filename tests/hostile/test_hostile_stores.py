"""Run folders made by somebody who means no good: refused in words, with nothing followed, executed or swallowed."""

import json
import os
import pickle
import tracemalloc

import google_crc32c
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from luggin.errors import RunFolderError, StoreCorrupt, StoreError
from luggin.records import CURRENT, TIME, Column, Frame, Schema
from luggin.store import RunLog, StoreWriter, open_store, recover
from luggin.store.framing import Kind, encode

NAMES = [
    "..",
    "../../out",
    "/tmp/out",
    "a/b",
    "a\\b",
    "a\0b",
    "con",
    "lpt1",
    "",
    ".",
    "row",
    "Time",
    "é",
    "a b",
    "x" * 65,
]
CV = Schema("cv", (TIME, Column("potential", "V"), CURRENT))


def read_all(folder):
    """What somebody does who opens a run."""
    run = open_store(folder)
    return {stream: len(run.array(stream)) for stream in run.streams}


def spoil(folder, change):
    """Change the commit file."""
    file = folder / "data.zarr/zarr.json"
    root = json.loads(file.read_bytes())
    change(root)
    file.write_text(json.dumps(root))
    return folder


def documents(root):
    return root["consolidated_metadata"]["metadata"]


def renamed_stream(name):
    def change(root):
        for table in (root["attributes"]["committed"], root["attributes"]["digest"]):
            table[name] = table.pop("cv")
        for key in list(documents(root)):
            documents(root)[name + key.removeprefix("cv")] = documents(root).pop(key)

    return change


def renamed_column(name):
    def change(root):
        documents(root)["cv"]["attributes"]["columns"][1] = name
        documents(root)[f"cv/{name}"] = documents(root).pop("cv/potential")

    return change


def set_in_arrays(**values):
    def change(root):
        for key, document in documents(root).items():
            if "/" in key:
                document.update(values)

    return change


def committed(rows):
    def change(root):
        root["attributes"]["committed"]["cv"] = rows
        set_in_arrays(shape=[rows])(root)

    return change


def chunk_rows(rows):
    return set_in_arrays(chunk_grid={"name": "regular", "configuration": {"chunk_shape": [rows]}})


PICKLE = [{"name": "numcodecs.pickle", "configuration": {}}]
ROOTS = {
    **{f"stream {name!r}": renamed_stream(name) for name in NAMES},
    **{f"column {name!r}": renamed_column(name) for name in NAMES},
    "pickle codec": set_in_arrays(codecs=PICKLE),
    "another compressor": set_in_arrays(codecs=[{"name": "gzip", "configuration": {"level": 1}}]),
    "object data type": set_in_arrays(data_type="object"),
    "object in numpy's word": set_in_arrays(data_type="|O"),
    "another kind": set_in_arrays(data_type="float32"),
    "two dimensions": set_in_arrays(shape=[20, 20]),
    "more rows than chunks": committed(10**12),
    "rows beyond every number": committed(10**30),
    "negative rows": committed(-1),
    "rows that are true": committed(True),
    "half a row": committed(1.5),
    "chunks of no row": chunk_rows(0),
    "huge chunks": chunk_rows(2**40),
    "negative chunks": chunk_rows(-8),
    "no columns": lambda root: documents(root)["cv"]["attributes"].update(columns=[]),
    "a column twice": lambda root: documents(root)["cv"]["attributes"].update(columns=["time", "time", "current"]),
    "units that are no text": lambda root: documents(root)["cv/time"]["attributes"].update(units=["s"]),
    "a digest that is none": lambda root: root["attributes"]["digest"].update(cv="sha1:00"),
    "attributes that are none": lambda root: root.update(attributes=[]),
    "no metadata": lambda root: root.pop("consolidated_metadata"),
}


@pytest.mark.parametrize("what", ROOTS)
def test_a_commit_file_with_hostile_names_codecs_or_sizes_is_refused(victim, what):
    folder = spoil(victim(), ROOTS[what])
    before = sorted(folder.parent.rglob("*"))
    tracemalloc.start()
    try:
        for act in (read_all, recover):
            with pytest.raises(StoreCorrupt, match=r"data\.zarr"):
                act(folder)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()
    assert sorted(folder.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "settings_of_store",
    [
        {"chunk_rows": 2**40},
        {"chunk_rows": 0},
        {"chunk_rows": True},
        {"sync_interval": float("nan")},
        {"publish_interval": 1e300},
        {"sync_interval": "1"},
        {"durable": "no"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_settings_that_no_run_was_made_with_are_refused(victim, settings_of_store):
    folder = spoil(victim(), lambda root: root["attributes"]["store"].update(settings_of_store))
    with pytest.raises(StoreCorrupt, match="settings of the store"):
        recover(folder)


def test_a_commit_file_nested_or_longer_than_any_is_refused(victim):
    folder = victim()
    (folder / "data.zarr/zarr.json").write_bytes(b"[" * 200_000)
    with pytest.raises(StoreCorrupt, match=r"cannot be read as JSON \(RecursionError\)"):
        read_all(folder)
    with (folder / "data.zarr/zarr.json").open("wb") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that is only said to be there
    with pytest.raises(StoreCorrupt, match="1099511627776 bytes; Luggin writes at most"):
        read_all(folder)


@pytest.mark.parametrize("part", ["data.zarr/cv/time/c/0", "journal/*.log", "run.log"])
def test_a_file_that_is_larger_than_any_of_ours_is_not_read(victim, part):
    folder = victim()
    (file,) = folder.glob(part)
    os.truncate(file, 1 << 41)  # sparse
    with pytest.raises(StoreCorrupt, match="2199023255552 bytes; Luggin writes at most"):
        RunLog.read(folder) if part == "run.log" else read_all(folder)


def contents(path):
    return {p: p.read_bytes() for p in [path, *path.rglob("*")] if p.is_file()}


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this operating system has no links of this kind")
@pytest.mark.parametrize(
    "part",
    [
        *("data.zarr", "data.zarr/zarr.json", "data.zarr/cv", "data.zarr/cv/time", "data.zarr/cv/time/c"),
        *("data.zarr/cv/time/c/0", "journal", "journal/*.log", "journal/lock", "journal/reserve", "run.log"),
    ],
)
def test_nothing_is_read_or_written_behind_a_link(victim, tmp_path, part):
    folder = victim()
    (target,) = folder.glob(part)
    elsewhere = target.rename(tmp_path / "elsewhere")
    target.symlink_to(elsewhere, target_is_directory=elsewhere.is_dir())
    before = contents(elsewhere)
    with pytest.raises(StoreCorrupt, match="link"):
        read_all(folder)
    if part != "data.zarr/cv/time/c/0":  # a full chunk is neither read nor written by those who go on behind it
        with pytest.raises(StoreCorrupt, match="link"):
            recover(folder)
        with pytest.raises(StoreCorrupt, match="link"):
            StoreWriter.resume(folder, host_clock=None)
    if part == "run.log":
        with pytest.raises(StoreCorrupt, match="link"):
            RunLog.open(folder)
    assert contents(elsewhere) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this operating system has no pipes in folders")
@pytest.mark.parametrize("part", ["data.zarr/zarr.json", "data.zarr/cv/time/c/0", "journal/*.log", "run.log"])
def test_nobody_waits_at_a_pipe(victim, part):
    folder = victim()
    (file,) = folder.glob(part)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises((StoreCorrupt, RunFolderError), match=r"no regular file|not a run folder"):
        RunLog.read(folder) if part == "run.log" else read_all(folder)


def test_a_lock_that_is_a_pipe_is_no_lock(victim):
    folder = victim()
    (folder / "journal/lock").unlink()
    os.mkfifo(folder / "journal/lock")
    with pytest.raises(StoreError, match="no regular file"):
        recover(folder)


# -- the journal and run.log ---------------------------------------------------------------------

SOUND_SCHEMA = CV.to_json()
HEAD = encode(Kind.HEAD, 0, 1, b'{"format": 1}')


def schema_record(data, stream=0, first=20):
    return encode(Kind.SCHEMA, stream, first, data if isinstance(data, bytes) else json.dumps(data).encode())


def column(**changes):
    return {"stream": "cv", "columns": [{**SOUND_SCHEMA["columns"][0], **changes}]}


JOURNALS = {
    **{f"stream {name!r}": [schema_record({**SOUND_SCHEMA, "stream": name})] for name in NAMES},
    **{f"column {name!r}": [schema_record(column(name=name))] for name in NAMES},
    "no schema": [schema_record(b"[]")],
    "no json": [schema_record(b"\xff{")],
    "too deep": [schema_record(b"[" * 200_000)],
    "no columns": [schema_record({"stream": "cv", "columns": []})],
    "a column twice": [schema_record({"stream": "cv", "columns": SOUND_SCHEMA["columns"] * 2})],
    "an unknown kind": [schema_record(column(kind="O"))],
    "a kind that is no text": [schema_record(column(kind=["f8"]))],
    "an unknown key": [schema_record(column(__class__="os.system"))],
    "meanings of nothing": [schema_record(column(meanings=[["a"]]))],
    "a stream twice": [schema_record(SOUND_SCHEMA, 0), schema_record(SOUND_SCHEMA, 1)],
    "half a row": [schema_record(SOUND_SCHEMA), encode(Kind.ROWS, 0, 20, b"12345")],
    "a head that is no table": [encode(Kind.HEAD, 0, 1, b"[1]")],
}


@pytest.mark.parametrize("what", JOURNALS)
def test_a_whole_record_that_says_what_ours_never_say_is_damage_and_not_a_torn_tail(victim, what):
    folder = victim()
    (segment,) = (folder / "journal").glob("*.log")
    segment.write_bytes(HEAD + b"".join(JOURNALS[what]))
    for act in (read_all, recover):
        with pytest.raises(StoreCorrupt, match=r"says what none of ours says.*accept-damage"):
            act(folder)
    assert segment.exists()
    recover(folder, accept_damage=True)
    assert read_all(folder) == {"cv": 20}
    assert len(list((folder / "journal").glob("*.damaged"))) == 1


def test_a_journal_that_begins_behind_the_committed_rows_is_said_once_and_soon(victim):
    folder = victim()
    (segment,) = (folder / "journal").glob("*.log")
    row = encode(Kind.ROWS, 0, 2**64 - 1, bytes(CV.row_struct.size))
    segment.write_bytes(HEAD + schema_record(SOUND_SCHEMA, first=2**64 - 1) + row)
    for act in (read_all, recover):
        with pytest.raises(StoreCorrupt, match=r"20.*journal.*18446744073709551615"):
            act(folder)


def test_files_in_the_journal_that_only_look_like_segments_are_left_alone(victim):
    folder = victim()
    strange = [folder / "journal" / name for name in ("1.log", "0000000000001.log", "\u0663.log", "00000000000x.log")]
    for path in strange:
        path.write_bytes(b"not ours")
    recover(folder)
    assert read_all(folder) == {"cv": 23}
    assert all(path.read_bytes() == b"not ours" for path in strange)


@pytest.mark.parametrize(
    "record",
    [b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b'{"\xff":1}', b"{}}", b'{"a":' + b"9" * 5000 + b"}"],
    ids=range(4),
)
def test_a_whole_line_of_the_run_log_that_is_no_record_is_damage(victim, record):
    folder = victim()
    body = b'"durable":0,"record":' + record
    with (folder / "run.log").open("ab") as file:
        file.write(b'{"crc32c":"%08x",%s}\n' % (google_crc32c.value(body), body))
    with pytest.raises(StoreCorrupt, match=r"run\.log: line 4 is no record"):
        RunLog.read(folder)


def test_a_line_that_claims_more_durable_lines_than_can_be_counted_is_torn(victim):
    folder = victim()
    body = b'"durable":' + b"9" * 5000 + b',"record":{}'
    with (folder / "run.log").open("ab") as file:
        file.write(b'{"crc32c":"%08x",%s}\n' % (google_crc32c.value(body), body))
    assert [record["kind"] for record in RunLog.read(folder)] == ["run", "start"]


# -- chunks --------------------------------------------------------------------------------------


def chunk_of(compressor, values):
    from numcodecs.blosc import Blosc

    return bytes(Blosc(cname=compressor, clevel=1).encode(values))


CHUNKS = {
    "another codec": chunk_of("lz4", np.zeros(8)),
    "another kind": chunk_of("zstd", np.zeros(16, "f4")),
    "more rows": chunk_of("zstd", np.zeros(9)),
    "a bomb": chunk_of("zstd", np.zeros(1 << 20)),
    "nothing": b"",
    "a pickle": pickle.dumps(np.zeros(8)),
}


@pytest.mark.parametrize("what", CHUNKS)
def test_a_chunk_that_is_not_packed_in_our_way_is_not_unpacked(victim, what):
    folder = victim()
    (folder / "data.zarr/cv/time/c/0").write_bytes(CHUNKS[what])
    with pytest.raises(StoreCorrupt, match=r"not a chunk of 8 values of kind f8|bytes; Luggin writes at most 80"):
        read_all(folder)


# -- names at write time -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "schema", [lambda name: Schema(name, (TIME,)), lambda name: Schema("cv", (TIME, Column(name, "V")))]
)
def test_a_name_that_could_not_be_read_back_everywhere_is_never_written(
    tmp_path, still_clock, quick_disk, schema, name
):
    with StoreWriter.create(tmp_path / "run", {}, host_clock=still_clock, disk=quick_disk) as writer:
        made = schema(name)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(StoreError, match="cannot be stored: a name begins with a-z"):
            writer.append(Frame(made, 0.0, rows=[(1.0,) * len(made.columns)]))
        assert writer.failure is None
        assert sorted(tmp_path.rglob("*")) == before
    assert open_store(tmp_path / "run").streams == ()


def test_a_column_twice_is_never_written(tmp_path, still_clock, quick_disk):
    with StoreWriter.create(tmp_path / "run", {}, host_clock=still_clock, disk=quick_disk) as writer:
        with pytest.raises(StoreError, match="'cv' has two columns 'time'"):
            writer.append(Frame(Schema("cv", (TIME, TIME)), 0.0, rows=[(1.0, 2.0)]))


# -- anything ------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1, 40),
        st.integers(),
        st.floats(),
        st.sampled_from(NAMES),
        st.text(max_size=8),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "cv", "time"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(data, place=()):
    yield place
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from _paths(value, (*place, key))


def _put(data, place, value):
    for part in place[:-1]:
        data = data[part]
    data[place[-1]] = value


@settings(
    deadline=None, derandomize=True, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_commit_file_with_anything_anywhere_is_read_rightly_or_refused(sound, scratch_copy, data):
    folder = scratch_copy()
    root = json.loads((sound / "data.zarr/zarr.json").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from([p for p in _paths(root) if p]))
        _put(root, place, data.draw(_JSON))
    (folder / "data.zarr/zarr.json").write_text(json.dumps(root))
    try:
        found = read_all(folder)
    except (StoreError, RunFolderError):
        return
    assert set(found) <= {"cv"}
    assert found.get("cv", 23) == 23


@settings(
    deadline=None, derandomize=True, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(part=st.sampled_from(["journal/*.log", "run.log", "data.zarr/cv/time/c/0"]), data=st.data())
def test_damaged_bytes_anywhere_are_cut_off_or_refused(sound, scratch_copy, part, data):
    folder = scratch_copy()
    (file,) = sound.glob(part)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(content)))
        content[begin : begin + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    (folder / file.relative_to(sound)).write_bytes(content)
    try:
        records, found = RunLog.read(folder), read_all(folder)
    except (StoreError, RunFolderError):
        return
    assert all(isinstance(record, dict) for record in records)
    assert 20 <= found["cv"] <= 23
