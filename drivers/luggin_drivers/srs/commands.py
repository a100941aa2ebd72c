"""The command table: what is sent for what, as text. Pure. Section numbers are those of the EC301 manual, rev 1.2."""

from __future__ import annotations

from collections.abc import Sequence

from luggin_drivers.srs import tables
from luggin_drivers.srs.settings import Settings
from luggin_drivers.srs.signs import to_instrument

CLEAR = "*CLS"  # ends scans too
CLEAR_INTERFACE = "ifcclr"
END_RAMP = "rampen"
FORGET_RAMP = "ramprs"
CELL_OFF, CELL_ON = "ceenab 0", "ceenab 1"
CELL_IS_ON = "cellon?"
STREAM_ON, STREAM_OFF = "getbda 1", "getbda 0"
POTENTIAL, CURRENT = "vlevel?", "ilevel?"
LAST_ERROR = "errlst?"
MEASUREMENT_STATUS = "mesr?"

POTENTIOSTAT, GALVANOSTAT = 0, 1


def plain(value: float, digits: int) -> str:
    """A real as the instrument takes it: an exponent is refused.

    >>> plain(-1.23e-05, 6)
    '-0.000012'
    """
    return f"{value + 0.0:.{digits}f}"


def hold(potential: float) -> str:
    """Hold a potential (V), in whole mV."""
    return f"setvol {round(potential / tables.HOLD_STEP)}"


def send(current: float, full_scale: float) -> str:
    """Send a current (A, oxidation positive) through the cell, as a part of the current range."""
    return f"setcur {plain(to_instrument(current / full_scale), 6)}"


def current_range(code: int | None) -> list[str]:
    """A fixed current range, or autoranging; a range cannot be chosen while it is on."""
    return ["irnaut 1"] if code is None else ["irnaut 0", f"irange {code}"]


def control(settings: Settings, mode: int, potential_range: int, averaging: int) -> list[str]:
    """Mode, converters and loop; the cell is open."""
    largest = 30.0 if settings.ce_limit is None else settings.ce_limit
    return [
        f"ecmode {mode}",
        f"eadcrg {potential_range}",
        f"eadcfl {tables.POTENTIAL_FILTERS[settings.potential_filter]}",
        f"iadcfl {tables.CURRENT_FILTERS[settings.current_filter]}",
        f"clbwth {tables.BANDWIDTHS[settings.bandwidth]}",
        f"celimv {round(largest * 1000)}",
        f"celimt {int(settings.ce_limit is not None)}",
        f"avgexp {averaging}",
    ]


def compensation(settings: Settings, mode: int) -> list[str]:
    """Compensation of iR, off for whatever it was left at; only while a potential is applied."""
    if mode != POTENTIOSTAT or settings.ir_compensation == "off":
        return []
    if settings.ir_compensation == "positive-feedback":
        return ["irtype 1", f"pfback {plain(settings.ir_resistance or 0.0, 6)}", "irenab 1"]
    return [
        "irtype 0",
        f"ciopen {round(settings.ir_open * 1e6)}",
        f"ciperd {round(settings.ir_period * 1e3)}",
        f"cicorr {plain(settings.ir_correction, 3)}",
        "irenab 1",
    ]


def ramp(points: Sequence[float], rate: float, repeats: int) -> list[str]:
    """A programme of the ramp generator: two or three points (V), one rate (V/s), how often the last two again.

    It waits nowhere. At its end the cell is opened by the instrument, so that it ends well without us too.
    """
    lines = [f"scantp {0 if repeats else 1}", "scanem 0"]
    if repeats:
        lines.append(f"rampcy {repeats}")
    lines += [f"ramppt {number} {plain(point * 1000, 1)}" for number, point in enumerate(points)]
    lines += [f"ramprt {number} {round(rate / tables.RATE_STEP)}" for number in range(len(points) - 1)]
    return lines + [f"rampdt {number} 0" for number in range(len(points))]
