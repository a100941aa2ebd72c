"""The command table: what is sent for what, as text. Pure.

Pages are those of the 2450 Reference Manual 2450-901-01.
"""

from __future__ import annotations

from collections.abc import Sequence

from luggin_drivers.keithley.settings import Settings
from luggin_drivers.keithley.tables import BUFFER, ELEMENTS, LONGEST_LIST_COMMAND

ABORT = "ABOR"
OUTPUT_OFF = "OUTP OFF"
OUTPUT_ON = "OUTP ON"
OUTPUT = "OUTP?"
START = "INIT"
STATE = "TRIG:STAT?"
CLEAR = f'TRAC:CLE "{BUFFER}"'
COUNT = f'TRAC:ACT? "{BUFFER}"'
READ = f'READ? "{BUFFER}", {ELEMENTS}'
#: Measure now, whatever is sourced and whether the output is on or off. Chooses what is measured (p. 6-3 on).
MEASURE_VOLTAGE = f'MEAS:VOLT? "{BUFFER}", READ'
MEASURE_CURRENT = f'MEAS:CURR? "{BUFFER}", READ'
#: The mode of the output when off in which its relay opens, in its short form.
RELAY_OPENS = "HIMP"
CURRENT_LIMIT = "SOUR:VOLT:ILIM?"
POTENTIAL_LIMIT = "SOUR:CURR:VLIM?"


def number(value: float) -> str:
    """As the instrument takes it: nine digits, more than any range resolves."""
    return f"{value + 0.0:.9g}"


def on_off(value: bool) -> str:
    """A switch."""
    return "ON" if value else "OFF"


def off_mode(settings: Settings) -> list[str]:
    """The relay opens when the output is off (p. 2-84); any other mode would force 0 V on the cell or drain it."""
    return [f"{header} {RELAY_OPENS}" for header in off_mode_headers(settings)]


def off_mode_headers(settings: Settings) -> tuple[str, ...]:
    """The command for the mode of the output when it is off; one, or one for each source."""
    return ("OUTP:SMOD",) if settings.off_mode == "common" else ("OUTP:VOLT:SMOD", "OUTP:CURR:SMOD")


def potential_source(
    settings: Settings, potential_range: float, current_limit: float, current_range: float | None, nplc: float
) -> list[str]:
    """A potential source with the current limited and measured; the output is off."""
    measure = "SENS:CURR:RANG:AUTO ON" if current_range is None else f"SENS:CURR:RANG {number(current_range)}"
    return [
        *_opened(settings),
        "SOUR:FUNC VOLT",
        'SENS:FUNC "CURR"',
        f"SENS:CURR:RSEN {on_off(settings.sense == '4-wire')}",
        level("VOLT", 0.0),
        f"SOUR:VOLT:RANG {number(potential_range)}",
        measure,
        f"SOUR:VOLT:ILIM {number(current_limit)}",
        f"SOUR:VOLT:READ:BACK {on_off(settings.readback)}",
        "SOUR:VOLT:DEL:AUTO OFF",
        "SOUR:VOLT:DEL 0",
        integration("CURR", nplc),
        "SENS:CURR:AZER OFF",
        "SENS:AZER:ONCE",
    ]


def current_source(settings: Settings, current_range: float, potential_limit: float, nplc: float) -> list[str]:
    """A current source with the potential limited and measured; the output is off."""
    return [
        *_opened(settings),
        "SOUR:FUNC CURR",
        'SENS:FUNC "VOLT"',
        f"SENS:VOLT:RSEN {on_off(settings.sense == '4-wire')}",
        level("CURR", 0.0),
        f"SOUR:CURR:RANG {number(current_range)}",
        "SENS:VOLT:RANG:AUTO ON",
        f"SOUR:CURR:VLIM {number(potential_limit)}",
        f"SOUR:CURR:READ:BACK {on_off(settings.readback)}",
        "SOUR:CURR:DEL:AUTO OFF",
        "SOUR:CURR:DEL 0",
        integration("VOLT", nplc),
        "SENS:VOLT:AZER OFF",
        "SENS:AZER:ONCE",
    ]


def _opened(settings: Settings) -> list[str]:
    """What every source begins with: the relay opens, and the cell hangs on the terminals of the bench file.

    Behind it the level may go to 0 without the cell seeing that. It has to: a range that does not hold the level
    which was left behind is refused (-222).
    """
    terminals = "FRON" if settings.terminals == "front" else "REAR"
    return [*off_mode(settings), OUTPUT_OFF, f"ROUT:TERM {terminals}"]


def integration(measured: str, nplc: float) -> str:
    """Integration time in power line cycles."""
    return f"SENS:{measured}:NPLC {nplc:.4g}"


def level(sourced: str, value: float) -> str:
    """The level of a source, ``VOLT`` or ``CURR``."""
    return f"SOUR:{sourced} {number(value)}"


def list_sweep(levels: Sequence[float], delay: float) -> list[str]:
    """A list of levels (V), at most 100 in each command, and the sweep over it, once, into the buffer.

    The sweep goes on where the current is limited: the readings say so.
    """
    chunks = [levels[i : i + LONGEST_LIST_COMMAND] for i in range(0, len(levels), LONGEST_LIST_COMMAND)]
    headers = ["SOUR:LIST:VOLT"] + ["SOUR:LIST:VOLT:APP"] * (len(chunks) - 1)
    lists = [
        f"{header} {','.join(number(value) for value in chunk)}" for header, chunk in zip(headers, chunks, strict=True)
    ]
    return [*lists, f'SOUR:SWE:VOLT:LIST 1, {number(delay)}, 1, OFF, "{BUFFER}"']


def readings(first: int, last: int) -> str:
    """Ask for readings of the buffer by their numbers, from 1."""
    return f'TRAC:DATA? {first}, {last}, "{BUFFER}", {ELEMENTS}'
