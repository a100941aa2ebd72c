"""Runs that are killed, beside a simulated instrument that survives them and knows what it sent.

The instrument is ``luggin sim`` in a process of its own. Its log is the oracle: the bytes that
left it, decoded here by a second reading of the manual that shares nothing with the driver.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np

from luggin.clock import RealClock
from luggin.store import open_store

#: Lab seconds per second. The shortest deadline of the driver (2 s) is 80 ms of the computer's time.
SPEED = 25.0

BENCH = """
[instruments.cell]
driver = "palmsens.methodscript"
resource = "sim://cell"
settings = {model = "emstat4-hr", silence = "600 s"}      # a server that is stopped for a moment is not dead

[simulated.cell]
dialect = "palmsens.methodscript"
model = "emstat4-hr"
latency = "1 ms"
options = {commands_while_running = "answered"}           # the other rule: test_taking_over.py

[simulated.cell.cell]
kind = "redox"
area = "0.0707 cm2"
concentration = "0.5 mM"
diffusion_coefficient = "1e-5 cm2/s"
couples = [{half_wave_potential = "-0.476 V"}]
solution_resistance = "200 ohm"
double_layer_capacitance = "2 uF"
current_noise = "47 nA"
seed = 3
"""

SAMPLE = """
[sample]
id = "killed"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""

_PATIENCE = 30.0
_LEFT_ALONE = 4.0
_POLL = 0.002
_FIELD = re.compile(r"([a-j][a-j])([0-9A-F]{7})([afpnum kMGTPEi])")
_POWERS = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, " ": 0, "i": 0} | {
    prefix: 3 * power for power, prefix in enumerate("kMGTPE", 1)
}


def wait_for(condition, what):
    """Look again and again until ``condition()`` is true; gives back what it gave."""
    clock = RealClock()
    until = clock.now() + _PATIENCE
    while not (found := condition()):
        assert clock.now() < until, f"{what} did not come within {_PATIENCE:g} s"
        clock.sleep(_POLL)
    return found


def decoded(package):
    """The values of a package: 7 digits, less 2**27, times the power of ten that the letter means."""
    fields = _FIELD.findall(package)
    return tuple(float(Decimal(int(digits, 16) - (1 << 27)).scaleb(_POWERS[power])) for _, digits, power in fields)


@dataclass
class Execution:
    """One script that measured: the client (counted from 1) that sent it, and the rows that went out."""

    client: int
    rows: list = field(default_factory=list)


class SentRows:
    """Reads the log of the simulated instrument as it grows."""

    def __init__(self, path):
        self._path, self._offset, self._partial, self._answer = path, 0, b"", ""
        self._clients = 0
        self.executions = []

    def advance(self):
        """Take in what is new."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        self._offset += len(new)
        *lines, self._partial = (self._partial + new).split(b"\n")
        for line in lines:
            chunk = json.loads(line)
            if chunk["dir"] != "!":  # a fault, which is told beside what was delivered
                take = self._asked if chunk["dir"] == ">" else self._answered
                take(chunk["data"])
        return self

    def _asked(self, text):
        if text == "t\n":
            self._clients += 1
        elif text.startswith("e\n") and "timer_start" in text:
            self.executions.append(Execution(self._clients))

    def _answered(self, text):
        *lines, self._answer = (self._answer + text).split("\n")
        for line in lines:
            if line.startswith("Peb"):  # eb is the time, which only scripts of techniques send
                self.executions[-1].rows.append(decoded(line))

    @property
    def rows(self):
        """How many rows have been sent, by all scripts."""
        return sum(len(execution.rows) for execution in self.executions)


class Oracle:
    """``luggin sim`` in a process of its own: it lives on when a run dies, and logs what it sent."""

    def __init__(self, folder, bench=BENCH, speed=SPEED):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.speed = folder, speed
        self.bench = folder / "live.toml"
        (folder / "bench.toml").write_text(bench, encoding="utf-8")
        command = [sys.executable, "-m", "luggin", "sim", str(folder / "bench.toml"), "--speed", f"{speed:g}"]
        command += ["--log", str(folder / "log"), "--write-bench", str(self.bench), "--json"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(folder)
        )
        self.said = _one_object(self._process)
        self.sent = SentRows(Path(self.said["logs"]["cell"]))

    def ask(self, question):
        """One question to the control port."""
        address = self.said["control"]
        with socket.create_connection((address["host"], address["port"]), timeout=_PATIENCE) as connection:
            connection.sendall(json.dumps({"ask": question}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                return json.loads(answers.readline())

    def cell_is_on(self):
        """True while the cell circuit is closed."""
        return self.ask("status")["cells"]["cell"]["on"]

    @contextlib.contextmanager
    def frozen(self):
        """Within the block the instrument stands still: it sends nothing, and its time does not matter."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        _, errors = self._process.communicate(timeout=_PATIENCE)
        assert self._process.returncode == 0, errors


def _one_object(process):
    """The JSON object that a server announces itself with; its output goes on behind it."""
    text = ""
    while True:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        text += line
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(text)


def environment(folder):
    """The environment of commands under test: a home of their own, and warnings are errors."""
    return {**os.environ, "LUGGIN_HOME": str(folder / "home"), "PYTHONWARNINGS": "error"}


class Command:
    """A ``luggin`` command in a process of its own."""

    def __init__(self, *arguments, cwd):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "luggin", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=environment(Path(cwd)),
        )

    @property
    def is_alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As ``kill -9``: nothing of the process runs after this."""
        self.process.kill()
        self.process.communicate(timeout=_PATIENCE)

    def end(self):
        """Wait for the end: exit code, standard output, standard error."""
        out, errors = self.process.communicate(timeout=2 * _PATIENCE)
        return self.process.returncode, out, errors


def luggin(*arguments, cwd):
    """Run a command to its end: exit code, standard output, standard error."""
    return Command(*arguments, cwd=cwd).end()


def stored_rows(folder):
    """All measured rows of a run, by (step, attempt): the columns that came over the wire, in the order of arrival."""
    store = open_store(folder)
    groups = {}
    for stream in store.streams:
        table = store.array(stream)
        measured = [n for n in ("instrument_time", "potential", "current") if n in table.dtype.names]
        if "instrument_time" not in measured:
            continue  # the run's own events, which no instrument sent
        for key in dict.fromkeys(zip(table["step"].tolist(), table["attempt"].tolist(), strict=True)):
            chosen = table[(table["step"] == key[0]) & (table["attempt"] == key[1])]
            groups[key] = (float(chosen["time"][0]), [tuple(row) for row in chosen[measured].tolist()])
    return {key: rows for key, (_, rows) in sorted(groups.items(), key=lambda item: item[1][0])}


def shown_by_xarray(folder):
    """The measured rows that plain xarray shows, without any recovery; all columns of a stream have one length."""
    import warnings

    import xarray

    rows = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xarray.open_datatree(folder / "data.zarr", engine="zarr") as tree:
            for name, group in tree.children.items():
                lengths = {variable.shape for variable in group.to_dataset().load().variables.values()}
                assert len(lengths) == 1, (name, lengths)
                if "instrument_time" not in group:
                    continue
                rows[name] = lengths.pop()[0]
                assert not np.isnan(group["instrument_time"].values).any(), f"{name}: rows that nobody sent"
    return rows


@dataclass(frozen=True)
class Kill:
    """What was left by a run that was killed: rows of this run.

    Attributes:
        folder: of the run.
        sent_in_time: rows that had left the instrument some time before the kill.
        seen: rows that another process saw in the run folder before the kill.
        stored: rows that are in the run folder after it.
        sent: rows that the instrument had noted as sent at the kill.
    """

    folder: Path
    sent_in_time: int
    seen: int
    stored: int
    sent: int


def kill_run(oracle, command, folder, executions, rows, *, late=0.1, caught_up=False, resumes=False, hangs=False):
    """Kill a run when ``rows`` of its rows have been sent, and say what is left.

    Args:
        oracle: the instrument.
        command: the run.
        folder: its folder.
        executions: how many scripts the instrument had run before this command.
        rows: so many rows are sent to this command before the kill.
        late: rows sent this long before the kill (host s) count as sent in time.
        caught_up: stop the instrument first, and kill when the run has stored all that was sent.
        resumes: the command resumes a run; rows that were stored before it are not counted.
        hangs: it is not killed but stopped (SIGSTOP), and its guardian has to kill it.
    """
    clock = RealClock()
    history = [(clock.now(), 0)]
    kept = sum(map(len, stored_rows(folder).values())) if resumes else 0

    def sent():
        count = sum(len(e.rows) for e in oracle.sent.advance().executions[executions:])
        history.append((clock.now(), count))
        return count

    def enough():
        assert command.is_alive, command.end()
        return sent() >= rows

    def seen():
        return sum(map(len, stored_rows(folder).values())) - kept if (folder / "journal").is_dir() else 0

    wait_for(enough, f"row {rows}")
    with oracle.frozen() if caught_up else contextlib.nullcontext():
        if caught_up:
            wait_for(lambda: seen() >= sent(), "storing of all rows that were sent")
        seen_before = seen()
        if hangs:
            command.signal(signal.SIGSTOP)
        else:
            command.kill()
        killed = clock.now()
        sent_before = sent()
    if hangs:
        # Where no cell can be on, a guardian leaves a silent runner alone.
        wait_for(lambda: not command.is_alive or clock.now() > killed + _LEFT_ALONE, "end of the runner that hung")
        assert not command.is_alive or not oracle.cell_is_on()
        command.kill()
    in_time = max(count for when, count in history if when <= killed - late or count == 0)
    return Kill(folder, in_time, seen_before, seen(), sent_before)


def check_against(oracle, folder, executions):
    """Every row of a run is one that the instrument sent, in order; none is missing in the middle.

    Returns the executions of this run that the store has rows of.
    """
    groups = list(stored_rows(folder).items())
    sent = [e for e in oracle.sent.advance().executions[executions:] if e.rows]
    matched = []
    for key, rows in groups:
        # A script whose first row was not stored any more leaves no group.
        while sent and rows[0] != sent[0].rows[0]:
            skipped = sent.pop(0)
            assert not sent or sent[0].client > skipped.client, f"{len(skipped.rows)} rows of a script are missing"
        assert sent, f"step {key[0]}, attempt {key[1]}: {rows[0]} was never sent"
        execution = sent.pop(0)
        assert rows == execution.rows[: len(rows)], f"step {key[0]}, attempt {key[1]}"
        matched.append((key, rows, execution))
    return matched
