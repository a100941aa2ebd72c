"""Files: the parts of a run folder, and measurements of other programs."""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
from fuzzing.mutation import NUMBERS
from fuzzing.parser import Parser, require

from luggin.errors import RunFolderError, StoreError, UsageError
from luggin.platform import Disk
from luggin.records import CURRENT, FLAGS, POTENTIAL, TIME, Frame, Schema
from luggin.results import Table
from luggin.store import RunLog, StoreWriter, open_store
from luggin.store.chunks import decode_chunk
from luggin.store.framing import Kind, encode
from luggin.store.layout import RunFolder
from luggin.store.scan import JournalScan
from luggin_plugins.readers.ec_lab import read_ec_lab
from luggin_plugins.readers.gamry import read_gamry

CV = Schema("cv", (TIME, POTENTIAL, CURRENT, FLAGS))
_MOST_ROWS = 1 << 20
_CHUNK_ROWS = 8


class _Still:
    def now(self) -> float:
        return 0.0


class _Quick(Disk):
    def sync(self, fd: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        pass


@functools.cache
def _workshop(process: int) -> Path:
    """A folder in memory for the files of this process."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="luggin-fuzz-", dir=memory if memory.is_dir() else None))


def workshop() -> Path:
    """`_workshop` of the process that asks: a child does not write into its parent's files."""
    return _workshop(os.getpid())


def clean_up() -> None:
    """Remove the files of this process."""
    shutil.rmtree(workshop(), ignore_errors=True)


def _run(folder: Path, close: bool) -> Path:
    """A small run, closed (all published) or not (half of it in the journal)."""
    writer = StoreWriter.create(folder, {"title": "t", "status": "running"}, host_clock=_Still(), disk=_Quick(),
                                chunk_rows=_CHUNK_ROWS, sync_interval=3600.0, publish_interval=3600.0)  # fmt: skip
    for k in range(12):
        writer.append(Frame(CV, 0.0, rows=[(k, 0.1, -1e-6, 0)] * 2))
        if k == 5 and not close:
            writer.sync_now()
            writer.publish(wait=True)
    if close:
        writer.close()
    else:
        writer.sync_now()
        writer.append(Frame(CV, 0.0, rows=[(99, 0.1, -1e-6, 0)]))
        writer.abandon()
    return folder


@functools.cache
def _victim(process: int, seed: Path) -> Path:
    """A copy of a run for this process. A child copies: it may not write a run, whose threads stayed in its parent."""
    return shutil.copytree(seed, workshop() / "victim")


def _look(folder: Path) -> None:
    """What somebody does who opens a run: every stream, every row; in bounds."""
    run = open_store(folder)
    for stream in run.streams:
        rows = run.rows(stream)
        require(rows <= _MOST_ROWS, f"{rows} rows of {stream} in a folder of a few kilobytes")
        require(len(run.array(stream)) == rows, "another number of rows than was said")
        for name in run.schema(stream).names:
            require(len(run.column(stream, name)) == rows, "a column of another length")


_STORE_ERRORS = (StoreError, RunFolderError)


# -- root document -------------------------------------------------------------------------------

_NAMES = [
    "..",
    "../x",
    "/etc/passwd",
    "a/b",
    "a\0b",
    "con",
    "",
    "cv",
    "time",
    "x" * 300,
    "Ω",
    ".",
    "row",
    "a b",
    "c",
    "zarr.json",
]
_ODD = [
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, 1e300, float("nan"), float("inf"), "", "x", [], {}, [[]], {"a": 1}),
    *("16", "object", "|O", "pickle", "<U8", "float64"),
]


def _twisted(chance: random.Random, data: object) -> object:
    """A JSON document with some of its parts renamed, exchanged, doubled or gone."""
    if chance.random() < 0.03:
        return chance.choice(_ODD)
    if isinstance(data, dict):
        twisted = {}
        for key, value in data.items():
            roll = chance.random()
            if roll < 0.02:
                continue
            twisted[chance.choice(_NAMES) if roll < 0.05 else key] = _twisted(chance, value)
        return twisted
    if isinstance(data, list):
        items = [_twisted(chance, item) for item in data]
        return items * 2 if chance.random() < 0.02 else items
    if isinstance(data, str) and chance.random() < 0.03:
        return chance.choice(_NAMES)
    if isinstance(data, int) and chance.random() < 0.1:
        return chance.choice([data + 1, data - 1, data * 8, data * 2**20, -data])
    return data


def root_documents() -> Parser:
    sound = _run(workshop() / "seed-root", close=True)
    seed = (sound / "data.zarr/zarr.json").read_bytes()
    document = json.loads(seed)

    def grow(chance: random.Random) -> bytes:
        if chance.random() < 0.01:
            return b"[" * 100_000
        return json.dumps(_twisted(chance, document)).encode(errors="replace")

    def parse(data: bytes) -> None:
        folder = _victim(os.getpid(), sound)
        (folder / "data.zarr/zarr.json").write_bytes(data)
        _look(folder)

    words = [json.dumps(odd).encode() for odd in _ODD] + [b'"' + name.encode() + b'"' for name in _NAMES]
    return Parser("store metadata (root zarr.json)", [seed], parse, _STORE_ERRORS, words, grow)


def chunks() -> Parser:
    folder = _run(workshop() / "seed-chunk", close=True)
    seeds = [(folder / f"data.zarr/cv/{name}/c/0").read_bytes() for name in CV.names]

    def parse(data: bytes) -> None:
        file = workshop() / "chunk"
        file.write_bytes(data)
        values = decode_chunk(file, "f8" if len(data) % 2 else "u4", _CHUNK_ROWS)
        require(len(values) == _CHUNK_ROWS, "another number of values")

    return Parser("store chunks", seeds, parse, _STORE_ERRORS)


# -- journal and run.log -------------------------------------------------------------------------


def journals() -> Parser:
    folder = _run(workshop() / "seed-journal", close=False)
    seed = next((folder / "journal").glob("*.log")).read_bytes()
    schema = CV.to_json()

    def grow(chance: random.Random) -> bytes:
        """Records that are whole (their CRC is right), in any order and with any content."""
        records = []
        for _ in range(1 + chance.randrange(6)):
            kind = chance.choice(list(Kind))
            stream, first = chance.choice((0, 0, 0, 1, 65535)), chance.choice((0, 0, 0, 1, 2, 24, 2**40, 2**64 - 1))
            if kind == Kind.HEAD:
                payload = json.dumps(_twisted(chance, {"format": 1})).encode()
            elif kind == Kind.SCHEMA:
                payload = json.dumps(_twisted(chance, schema)).encode(errors="replace")
                if chance.random() < 0.02:
                    payload = b"[" * 50_000
            elif kind == Kind.ROWS:
                payload = chance.randbytes(CV.row_struct.size * chance.randrange(3) + chance.choice((0, 0, 0, 5)))
            else:
                payload = chance.choice((b"\0" * 16, b"\xff" * 16, b"", chance.randbytes(17)))
            records.append(encode(kind, stream, first, payload))
        if chance.random() < 0.7:
            records[:0] = [
                encode(Kind.HEAD, 0, 1, b'{"format": 1}'),
                encode(Kind.SCHEMA, 0, 0, json.dumps(schema).encode()),
            ]
        return b"".join(records)

    def parse(data: bytes) -> None:
        file = workshop() / "scanned/journal/000000000001.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        for strict in (True, False):
            seen = []
            scan = JournalScan(RunFolder(workshop() / "scanned"), lambda _s, _f, p: seen.append(len(p)), strict)  # noqa: B023
            scan.advance()
            require(sum(seen) <= len(data), "more bytes of rows than the file has")
            for stream in scan.streams.values():
                require(stream.rows - stream.first <= len(data), "more rows than bytes")

    return Parser(
        "journal segments", [seed, seed[: len(seed) // 2]], parse, _STORE_ERRORS, (b"LGJN\x01", b"LGJN\x01\x04"), grow
    )


def run_logs() -> Parser:
    sound = _run(workshop() / "seed-log", close=False)
    with RunLog.create(sound, disk=_Quick()) as log:
        log.append({"kind": "run", "time": 0.0, "title": "t"})
        for k in range(3):
            log.append({"kind": "start", "path": str(k), "step": k})
            log.append({"kind": "end", "path": str(k), "parts": [{"rows": 3}], "values": {"ocp": -0.1}}, sync=True)
    seed = (sound / "run.log").read_bytes()
    records = [json.loads(line)["record"] for line in seed.splitlines()]

    def line(body: bytes) -> bytes:
        return b'{"crc32c":"%08x",%s}\n' % (google_crc32c.value(body), body)

    def grow(chance: random.Random) -> bytes:
        lines = []
        for number, record in enumerate(records):
            text = json.dumps(_twisted(chance, record), separators=(",", ":")).encode(errors="replace")
            if chance.random() < 0.02:
                text = chance.choice(
                    (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b'{"a":NaN}', b'{"\xff":1}', b"{}", b"{\\}")
                )
            durable = (
                chance.choice(NUMBERS)
                if chance.random() < 0.05
                else str(chance.choice((0, number, number, 99))).encode()
            )
            lines.append(line(b'"durable":' + durable + b',"record":' + text))
        return b"".join(lines)

    def parse(data: bytes) -> None:
        folder = _victim(os.getpid(), sound)
        (folder / "run.log").write_bytes(data)
        for record in RunLog.read(folder):
            require(isinstance(record, dict), "a record that is no table")

    return Parser("run.log", [seed], parse, _STORE_ERRORS, (b'"crc32c":"', b'"durable":', b'"record":{'), grow)


# -- other programs' files -----------------------------------------------------------------------

_DTA = (
    "EXPLAIN\nTAG\tCV\nTITLE\tLABEL\tCyclic Voltammetry\tTest &Identifier\nNOTES\tNOTES\t2\t&Notes...\n\ta\n\tb\n"
    "VINIT\tPOTEN\t1.00000E-001\tF\tInitial &E (V)\nVLIMIT1\tPOTEN\t-1.00000E-001\tF\tScan Limit &1 (V)\n"
    "VLIMIT2\tPOTEN\t1.00000E-001\tF\tScan Limit &2 (V)\nVFINAL\tPOTEN\t1.00000E-001\tF\tFinal &E (V)\n"
    "SCANRATE\tQUANT\t5.00000E+001\t&Scan Rate (mV/s)\nSTEPSIZE\tQUANT\t2.00000E+000\tSt&ep Size (mV)\n"
    "CYCLES\tIQUANT\t2\tC&ycles (#)\nAREA\tQUANT\t1.00000E+000\tElectrode &Area (cm^2)\n"
    "CONVENTION\tIQUANT\t1\tCurrent\n"
)
_DTA_NAMES = "\tPt\tT\tVf\tIm\tVu\tSig\tAch\tIERange\tOver\n\t#\ts\tV vs. Ref.\tA\tV\tV\tV\t#\tbits\n"


def _dta(chance: random.Random) -> bytes:
    curves = ""
    for number in range(1, 2 + chance.randrange(2)):
        points = chance.randrange(1, 6)
        announced = chance.choice(("", f"\t{points}", f"\t{points + 1}"))
        curves += f"CURVE{number}\tTABLE{announced}\n" + _DTA_NAMES
        for k in range(points):
            curves += f"\t{k}\t{0.04 * k:.2f}\t{0.1 - 0.002 * k:.5E}\t{-1e-6 * k:.5E}\t0\t0\t0\t10\t...........\n"
    return (_DTA + curves).replace("\n", chance.choice(("\n", "\r\n"))).encode()


def _mpt(chance: random.Random) -> bytes:
    points = chance.randrange(1, 6)
    technique = chance.choice(("Cyclic Voltammetry", "Open Circuit Voltage", "Linear Sweep Voltammetry"))
    loops = ["Number of loops : 1", f"Loop 0 from point number 0 to {points - 1}"] if chance.random() < 0.3 else []
    settings = ["Ei (V)              0.000", "vs.                 Ref"]
    settings += ["dE/dt               100.000", "dE/dt unit          mV/s"]
    header = ["", technique, "", "Electrode surface area : 0.001 cm²", *settings, *loops, ""]
    names = "mode\tox/red\terror\ttime/s\tcontrol/V\tEwe/V\t<I>/mA\tcycle number\t"
    rows = [
        f"2\t0\t0\t{0.5 + 0.01 * k:.6E}\t{-1e-3 * k:.6E}\t{-1e-3 * k:.6E}\t{-2e-3 * k:.6E}\t1.0E+00"
        for k in range(points)
    ]
    text = "\r\n".join(["EC-Lab ASCII FILE", f"Nb header lines : {len(header) + 3}", *header, names, *rows, ""])
    return (text.replace(".", ",") if chance.random() < 0.1 else text).encode("cp1252")


def _foreign(
    name: str, grow: Callable[[random.Random], bytes], read: Callable[[Path], tuple[Table, ...]], file: str
) -> Parser:
    def parse(data: bytes) -> None:
        path = workshop() / file
        path.write_bytes(data)
        for table in read(path):
            require(len(table) <= len(data), "more points than bytes")
            for column in table.columns.values():
                require(len(column) == len(table), "columns of unequal length")
                require(bool(np.isfinite(column).all()), "a reading that is no finite number")
            for key in ("begin", "end", "rate", "step"):
                require(np.isfinite(table.parameters.get(key, 0.0)), f"{key} is no finite number")

    words = (
        b"\t",
        b"TABLE",
        b"CURVE1",
        b"QUANT",
        b"V",
        b"mA",
        b"time/s",
        b"Ref",
        b"Nb header lines : ",
        b"Loop 0 from point number ",
    )
    return Parser(name, [grow(random.Random(k)) for k in range(12)], parse, (UsageError,), words, grow)


def gamry_files() -> Parser:
    return _foreign("Gamry DTA", _dta, read_gamry, "scan.DTA")


def ec_lab_files() -> Parser:
    return _foreign("EC-Lab mpt", _mpt, read_ec_lab, "scan.mpt")
