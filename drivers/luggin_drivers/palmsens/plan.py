"""From techniques to one script: PGStat mode, ranges, bandwidth, measurement loops, and what to expect.

Pure: nothing in here talks to an instrument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luggin import units
from luggin.capabilities import Capabilities, Realised, Technique
from luggin.errors import LimitError, NotSupported, UsageError
from luggin.instrument.pulses import PULSED
from luggin.records import Flag, Schema
from luggin_drivers.palmsens import pulses, script, spectra
from luggin_drivers.palmsens.capabilities import SCHEMAS
from luggin_drivers.palmsens.parameters import Rounded, check_and_round
from luggin_drivers.palmsens.settings import Settings
from luggin_drivers.palmsens.tables import APPLIED_POTENTIAL, CURRENT, MEASURED_POTENTIAL, TIME, Mode

# Control bandwidth in the maker's example scripts: about six times the rate of points.
_BANDWIDTH_PER_POINT_RATE = 6.0
_SMALLEST_BANDWIDTH = 1.0
# A quiet time is watched at least once a second, however slow the scan behind it.
_LONGEST_QUIET_INTERVAL = 1.0
# A row comes milliseconds after its point was taken.
_SHORTEST_LATENCY = 0.1


@dataclass(frozen=True)
class Loop:
    """One measurement loop of a script: how to read its packages.

    ``cycle`` is the cycle of its first rows (0: quiet time), None where the stream has no cycles.
    ``missing`` columns of the stream, behind those that are sent, have no values in this loop. ``spectrum`` says
    which frequency is to come when: how long one takes differs too much for a look at the time.
    """

    part: int
    schema: Schema
    types: tuple[str, ...]
    interval: float
    flags: int = 0
    cycle: int | None = None
    missing: int = 0
    lines: tuple[str, ...] = ()
    spectrum: spectra.Spectrum | None = None


@dataclass(frozen=True)
class Plan:
    """A script that is ready to be sent, and what will come back."""

    realised: Realised
    loops: tuple[Loop, ...]
    lines: tuple[str, ...]

    @property
    def bytes(self) -> bytes:
        """What is sent."""
        return script.load_and_run(self.lines)


def make_plan(techniques: Sequence[Technique], settings: Settings, capabilities: Capabilities) -> Plan:
    """One script for all techniques.

    Raises:
        LimitError, NotSupported, UsageError: it cannot be done; the message says what can.
    """
    if not techniques:
        raise UsageError("there is no technique to prepare")
    parts = [check_and_round(t, capabilities, settings) for t in techniques]
    if len(parts) > 1 and any(p.name == "eis" for p in parts):
        raise NotSupported("eis needs another bandwidth than sweeps, so it cannot be part of a chain")
    if len(parts) > 1 and any(p.name == "ocp" for p in parts):
        raise NotSupported(
            f"the {capabilities.model} measures the open-circuit potential only with the cell off, so ocp cannot "
            "be part of a chain. Put it in front, as a step of its own."
        )
    mode = _choose_mode(parts, settings)
    notes = [n for p in parts for n in p.notes]
    bandwidth = _bandwidth(parts, mode, settings, notes)
    loops: list[Loop] = []
    lines = _preamble(parts, mode, bandwidth, settings)
    ranged: tuple[float, float] | None = None
    for number, part in enumerate(parts):
        own = _loops(number, part, settings)
        loops += own
        if part.name != "ocp":
            wanted = _ranges(part, mode)
            if wanted != ranged:
                lines += _ranging(*wanted)
                ranged = wanted
        if number == 0:
            lines += _switch_cell(part)
        lines.append("timer_start")
        lines += [line for loop in own for line in loop.lines]
    lines += script.finished()
    durations = tuple(_duration(p) for p in parts)
    realised = Realised(
        techniques=tuple(p.technique for p in parts),
        schemas=tuple(SCHEMAS[p.name] for p in parts),
        durations=durations,
        rows=tuple(_rows(p) for p in parts),
        latency=max(_SHORTEST_LATENCY, *(loop.interval for loop in loops)),
        expected_flags=_expected_flags(parts),
        notes=tuple(notes),
    )
    return Plan(realised, tuple(loops), tuple(lines))


def _choose_mode(parts: Sequence[Rounded], settings: Settings) -> Mode:
    """The first mode (in the model's order) whose potentials, span and speed fit all techniques."""
    model = settings.table
    numbers = model.automatic_modes if settings.mode is None else (settings.mode,)
    potentials = [e for p in parts for e in p.potentials]
    fastest = max(p.edges_per_second for p in parts)
    reasons = []
    for mode in (model.mode(n) for n in numbers):
        reason = _misfit(mode, potentials, fastest)
        if reason is None:
            return mode
        reasons.append(f"mode {mode.number} ({mode.title}): {reason}")
    what = parts[0].name if len(parts) == 1 else "chain"
    raise LimitError(
        f"{what}: does not fit the {model.title}: {'; '.join(reasons)} (MethodSCRIPT manual, appendix B). "
        "Narrow the potentials, take fewer points per second, or use an instrument with a wider window."
    )


def _misfit(mode: Mode, potentials: Sequence[float], points_per_second: float) -> str | None:
    if potentials:
        low, high = min(potentials), max(potentials)
        if low < mode.low or high > mode.high:
            outside = low if low < mode.low else high
            return f"{units.show(outside, 'V')} is outside {units.show(mode.low, 'V')} ... {units.show(mode.high, 'V')}"
        if mode.window is not None and high - low > mode.window * (1 + 1e-9):
            return f"a span of {units.show(high - low, 'V')} is more than {units.show(mode.window, 'V')}"
    if mode.max_bandwidth is not None and points_per_second > mode.max_bandwidth:
        return f"{points_per_second:.4g} points per second are more than its bandwidth of {mode.max_bandwidth:g} Hz"
    return None


def _bandwidth(parts: Sequence[Rounded], mode: Mode, settings: Settings, notes: list[str]) -> float:
    """Control bandwidth (Hz): as set, or six times the rate of points, never above the mode's."""
    wanted = settings.max_bandwidth
    if parts[0].name == "eis":
        wanted = spectra.BANDWIDTH
    if wanted is None:
        points = max(p.edges_per_second for p in parts)
        wanted = max(_SMALLEST_BANDWIDTH, float(round(_BANDWIDTH_PER_POINT_RATE * points)))
    if mode.max_bandwidth is not None and wanted > mode.max_bandwidth:
        notes.append(
            f"bandwidth: {wanted:g} Hz asked for, mode {mode.number} ({mode.title}) allows {mode.max_bandwidth:g} Hz"
        )
        wanted = mode.max_bandwidth
    return script.nearest(wanted)


def _preamble(parts: Sequence[Rounded], mode: Mode, bandwidth: float, settings: Settings) -> list[str]:
    open_circuit = parts[0].name == "ocp"
    lines = script.declare("t", "p") if open_circuit else script.declare("t", "p", "c")
    if any(p.name == "swv" for p in parts):
        lines += script.declare("f", "r")
    elif any(p.name == "eis" for p in parts):
        lines += script.declare(*spectra.SENT)
    lines += [
        script.command("set_pgstat_chan", settings.channel),
        script.command("set_pgstat_mode", mode.number),
        script.command("set_max_bandwidth", bandwidth),
    ]
    if not open_circuit:
        potentials = [e for p in parts for e in p.potentials]
        lines.append(script.command("set_range_minmax", APPLIED_POTENTIAL, min(potentials), max(potentials)))
    return lines


def _switch_cell(first: Rounded) -> list[str]:
    if first.name == "ocp":
        return ["cell_off"]
    return [script.command("set_e", first.potentials[0]), "cell_on"]


def _ranges(part: Rounded, mode: Mode) -> tuple[float, float]:
    """Smallest and largest current range (A): all of the mode, or the one that covers what must be measurable."""
    ranges = sorted(mode.current_ranges)
    largest = part["current_range"]
    if largest is None:
        return ranges[0], ranges[-1]
    if not 0 < largest <= ranges[-1] * (1 + 1e-9):
        raise LimitError(
            f"{part.name}.current_range = {units.show(largest, 'A')}; ranges of mode {mode.number} ({mode.title}) are "
            f"{', '.join(units.show(r, 'A') for r in ranges)}: ask for less, or leave it out for autoranging"
        )
    chosen = next(r for r in ranges if r >= largest * (1 - 1e-9))
    return chosen, chosen


def _ranging(low: float, high: float) -> list[str]:
    """Start in the largest range, so that the first points overload nothing; equal ends fix the range."""
    return [script.command("set_range", CURRENT, high), script.command("set_autoranging", CURRENT, low, high)]


def _loops(number: int, part: Rounded, settings: Settings) -> list[Loop]:
    """The measurement loops of one technique, quiet time first."""
    schema, interval = SCHEMAS[part.name], part.interval
    if part.name == "ocp":
        head = script.command("meas_loop_ocp", "p", part["dt"], part["duration"])
        return [
            Loop(
                number,
                schema,
                (TIME, MEASURED_POTENTIAL),
                interval,
                lines=tuple(script.measurement_loop(head, ["p"])),
            )
        ]

    if part.name == "eis":
        parameters = part.technique.parameters
        lines = script.measurement_loop(spectra.head(parameters, settings.eis_amplitude), spectra.SENT)
        return [
            Loop(number, schema, spectra.TYPES, interval, lines=tuple(lines), spectrum=spectra.spectrum(parameters))
        ]

    def loop(head: str, every: float = interval, flags: int = 0, cycle: int | None = None) -> Loop:
        types = (TIME, APPLIED_POTENTIAL, CURRENT)
        lines = tuple(script.measurement_loop(head, ["p", "c"]))
        missing = len(pulses.variables(part.name)[1]) - len(types) if part.name in PULSED else 0
        return Loop(number, schema, types, every, flags, cycle if part.name == "cv" else None, missing, lines)

    loops = []
    if part["quiet"] > 0:
        every = _quiet_interval(part)
        head = script.command("meas_loop_ca", "p", "c", part.potentials[0], every, part["quiet"])
        loops.append(loop(head, every, Flag.QUIET_TIME.value, 0))
    if part.name in PULSED:
        sent, types = pulses.variables(part.name)
        lines = script.measurement_loop(pulses.head(part.name, part.technique.parameters), sent)
        return [*loops, Loop(number, schema, types, interval, lines=tuple(lines))]
    if part.name == "ca":
        loops.append(loop(script.command("meas_loop_ca", "p", "c", part["potential"], part["dt"], part["duration"])))
        return loops
    begin, end, sweep = part["begin"], part["end"], (part["step"], part["rate"])
    linear = script.command("meas_loop_lsv", "p", "c", begin, end, *sweep)
    if part.name == "lsv":
        return [*loops, loop(linear)]
    head = script.command("meas_loop_cv", "p", "c", begin, *_turns(part), *sweep)
    cycles = part["cycles"]
    loops.append(loop(f"{head} nscans({cycles})" if cycles > 1 else head, cycle=1))
    if end != begin:
        loops.append(loop(linear, cycle=cycles))
    return loops


def _turns(part: Rounded) -> tuple[float, float]:
    """The vertices as the instrument takes them: a first vertex at begin would be a scan without a step."""
    first, second = part["vertices"]
    return (second, part["begin"]) if first == part["begin"] else (first, second)


def _quiet_interval(part: Rounded) -> float:
    """Time between two points of the quiet time (s): as behind it, but never longer than a second."""
    return script.nearest(min(part.interval, _LONGEST_QUIET_INTERVAL, part["quiet"]))


def _path(part: Rounded) -> float:
    """Length of the way of the potential, all cycles (V)."""
    if part.name == "lsv":
        return float(abs(part["end"] - part["begin"]))
    begin, (first, second) = part["begin"], part["vertices"]
    cycle = abs(first - begin) + abs(second - first) + abs(begin - second)
    return float(part["cycles"] * cycle + abs(part["end"] - begin))


def _duration(part: Rounded) -> float:
    if part.name == "ocp":
        return float(part["duration"])
    if part.name == "eis":
        return spectra.duration(part.technique.parameters)
    if part.name in PULSED:
        active = pulses.rows(part.technique.parameters) * part.interval
    else:
        active = part["duration"] if part.name == "ca" else _path(part) / part["rate"]
    return float(active + part["quiet"])


def _rows(part: Rounded) -> int:
    """About how many rows; the manual does not say whether turning points are sampled once or twice."""
    swept = part.name in ("cv", "lsv")
    points: float
    if part.name == "eis":
        return int(part["points"])
    if part.name in PULSED:
        points = pulses.rows(part.technique.parameters)
    else:
        points = _path(part) / part["step"] + 1 if swept else part["duration"] / part["dt"]
    if part.name != "ocp" and part["quiet"] > 0:
        points += part["quiet"] / _quiet_interval(part)
    return round(points)


def _expected_flags(parts: Sequence[Rounded]) -> int:
    """Underload is normal in a fixed range; range changes and warnings belong to autoranging."""
    flags = Flag.UNDERLOAD
    closed = [p for p in parts if p.name != "ocp"]
    if any(p["current_range"] is None for p in closed):
        flags |= Flag.RANGE_CHANGED | Flag.OVERLOAD_WARNING
    if any(p.quiet > 0 for p in closed):
        flags |= Flag.QUIET_TIME
    return flags.value
