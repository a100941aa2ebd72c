"""The tables of the MethodSCRIPT manuals: models, PGStat modes, ranges, status bits, error codes.

Nothing in here computes. "Manual" means the MethodSCRIPT manual v1.8 and the communication
protocols of the EmStat Pico (V1.6) and EmStat4 (V1.3); what they do not say is marked
``confirmed=False`` and conservative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from luggin.records import Flag


@dataclass(frozen=True)
class Mode:
    """A PGStat mode: what may be applied in it (V), over which span (V), and its current ranges (A)."""

    number: int
    title: str
    low: float
    high: float
    current_ranges: tuple[float, ...]
    window: float | None = None
    max_bandwidth: float | None = None


@dataclass(frozen=True)
class Model:
    """One model of the family.

    Attributes:
        title: as its maker writes it.
        families: first six characters behind ``t`` in the answer to ``t``.
        modes: in the order of preference; the first that fits is used.
        range_index: current range (A) by the index in the metadata ``2xx`` of a reading.
        baudrate: of the serial line.
        xonxoff: software flow control, whose bytes appear within the stream.
        line_rate: most data packages per second (not documented).
    """

    title: str
    families: frozenset[str]
    modes: tuple[Mode, ...]
    range_index: Mapping[int, float]
    baudrate: int
    xonxoff: bool
    line_rate: float
    automatic_modes: tuple[int, ...] = field(default=())

    def mode(self, number: int) -> Mode:
        """The mode with this number; KeyError if the model has none."""
        for mode in self.modes:
            if mode.number == number:
                return mode
        raise KeyError(number)


# Current ranges of the EmStat Pico by metadata index; bit 0x80 marks those of the high-speed mode.
_PICO_LOW_SPEED = {
    0: 100e-9,
    1: 2e-6,
    2: 4e-6,
    3: 8e-6,
    4: 16e-6,
    5: 32e-6,
    6: 63e-6,
    7: 125e-6,
    8: 250e-6,
    9: 500e-6,
    10: 1e-3,
    11: 5e-3,
}
_PICO_HIGH_SPEED = {
    128: 100e-9,
    129: 1e-6,
    130: 6e-6,
    131: 13e-6,
    132: 25e-6,
    133: 50e-6,
    134: 100e-6,
    135: 200e-6,
    136: 1e-3,
    137: 5e-3,
}
_EMSTAT4_COMMON = {3: 1e-9, 9: 100e-9, 12: 1e-6, 15: 10e-6, 18: 100e-6, 21: 1e-3, 24: 10e-3}
_EMSTAT4_LR = {6: 10e-9, **_EMSTAT4_COMMON}
_EMSTAT4_HR = {**_EMSTAT4_COMMON, 27: 100e-3}

# Potential limits: manual, appendix B.
_PICO_MODES = (
    Mode(2, "low speed", -1.25, 2.0, tuple(_PICO_LOW_SPEED.values()), window=2.2, max_bandwidth=100.0),
    Mode(4, "max range", -1.7, 2.0, tuple(_PICO_LOW_SPEED.values()), window=2.6, max_bandwidth=100.0),
    Mode(3, "high speed", -1.7, 2.0, tuple(_PICO_HIGH_SPEED.values()), window=1.214, max_bandwidth=200e3),
)


def _emstat4_modes(volts: float, ranges: Mapping[int, float]) -> tuple[Mode, ...]:
    currents = tuple(sorted(ranges.values()))
    return tuple(
        Mode(number, title, -volts, volts, currents)
        for number, title in ((3, "high speed"), (2, "low speed"), (4, "max range"))
    )


def _pico(title: str, families: frozenset[str]) -> Model:
    return Model(
        title=title,
        families=families,
        modes=_PICO_MODES,
        range_index={**_PICO_LOW_SPEED, **_PICO_HIGH_SPEED},
        baudrate=230_400,
        xonxoff=True,
        line_rate=200.0,
        automatic_modes=(2, 4, 3),
    )


def _emstat4(title: str, families: frozenset[str], volts: float, ranges: Mapping[int, float]) -> Model:
    return Model(
        title=title,
        families=families,
        modes=_emstat4_modes(volts, ranges),
        range_index=ranges,
        baudrate=921_600,
        xonxoff=False,
        line_rate=1000.0,
        automatic_modes=(3,),
    )


MODELS: Mapping[str, Model] = {
    "emstat-pico": _pico("EmStat Pico", frozenset({"espico"})),
    "sensit": _pico("Sensit", frozenset({"senswb", "espico"})),
    "emstat4-lr": _emstat4("EmStat4 LR", frozenset({"es4_lr", "mes4lr"}), 3.0, _EMSTAT4_LR),
    "emstat4-hr": _emstat4("EmStat4 HR", frozenset({"es4_hr", "mes4hr"}), 6.0, _EMSTAT4_HR),
}

#: Family id of an instrument that waits for firmware.
BOOTLOADER = "espbl"

#: Variable types that this driver asks for.
MEASURED_POTENTIAL = "ab"
CURRENT = "ba"
APPLIED_POTENTIAL = "da"
APPLIED_FREQUENCY = "dc"
REAL_IMPEDANCE, IMAGINARY_IMPEDANCE = "cc", "cd"
TIME = "eb"

# Metadata ``1x`` of a reading: status, one hexadecimal digit (manual, "status").
_STATUS_TIMING, _STATUS_OVERLOAD, _STATUS_UNDERLOAD, _STATUS_OVERLOAD_WARNING = 1, 2, 4, 8


def status_flags(status: int, variable: str) -> int:
    """The flags of a status digit; an overload is one of potential or of current by the variable's type."""
    overload = Flag.CURRENT_OVERLOAD if variable in (CURRENT, REAL_IMPEDANCE) else Flag.POTENTIAL_OVERLOAD
    bits = (
        (_STATUS_TIMING, Flag.TIMING),
        (_STATUS_OVERLOAD, overload),
        (_STATUS_UNDERLOAD, Flag.UNDERLOAD),
        (_STATUS_OVERLOAD_WARNING, Flag.OVERLOAD_WARNING),
    )
    return sum(int(flag) for bit, flag in bits if status & bit)


#: No script runs (answer to an abort that comes too late).
NO_SCRIPT_RUNS = "0006"
#: Open-circuit measurement while the cell is on: the one way to learn that the cell is on.
CELL_IS_ON = "0014"

#: Error codes in words. Unknown codes stay errors, shown as their number.
ERRORS: Mapping[str, str] = {
    "0001": "unspecified error",
    "0002": "invalid variable type",
    "0003": "unknown command",
    "0004": "unknown register",
    "0005": "the register is read only",
    "0006": "wrong communication mode, or no script is running",
    "0007": "bad argument",
    "0008": "command too long",
    "0009": "command timed out",
    "000A": "wrong variable identifier",
    "000B": "no memory left for variables",
    "000C": "no script is loaded",
    "000D": "invalid time",
    "000E": "overflow in averaging",
    "000F": "invalid potential",
    "0010": "not a number, or infinite",
    "0011": "invalid frequency",
    "0012": "invalid amplitude",
    "0013": "invalid address of the permanent memory",
    "0014": "open-circuit potential asked for while the cell is on",
    "0015": "checksum error",
    "0016": "flash memory error",
    "0017": "flash memory error",
    "0018": "the stored settings are corrupt",
    "0019": "authentication failed",
    "001A": "calibration is wrong",
    "001B": "not supported by this instrument",
    "001C": "potential step too small or negative",
    "001D": "potential pulse too small or negative",
    "001E": "amplitude too small or negative",
    "001F": "this technique is not licensed",
    "0020": "more than one channel in high-speed or max-range mode",
    "0021": "unknown PGStat mode",
    "0022": "the channel is not set as second working electrode",
    "0023": "not allowed in this PGStat mode",
    "0024": "too many variables",
    "0025": "unknown mode of pulsed amperometric detection",
    "0026": "file error",
    "0027": "the file exists already",
    "0028": "division by zero",
    "0032": "critical overload of the cell, measurement aborted",
    "0058": "timing error in a fast measurement",
    "005A": "the requested timing is impossible",
    "0080": "the counter electrode oscillates",
    "4000": "syntax error",
    "4001": "unknown script command",
    "4002": "bad argument",
    "4003": "argument out of range",
    "4004": "unexpected character",
    "4005": "the script is too large",
    "4006": "unknown variable type",
    "4007": "undefined variable",
    "4008": "bad optional argument",
    "4009": "wrong script version",
    "400B": "measurement loops within one another",
    "400C": "not allowed here",
    "4018": "unexpected end of the script",
    "401B": "package commands out of order",
    "4026": "variable declared twice",
    "4027": "needs cell_on first",
    "4028": "needs cell_off first",
    "4029": "at least one step is needed",
    "4032": "the potential cannot be set within a loop",
    "4039": "malformed number",
    "4200": "may not be negative",
    "4202": "may not be zero",
    "4204": "must be positive",
    "4205": "out of bounds",
    "4206": "not for this instrument",
    "420B": "variable not declared",
    "7FFF": "fatal error; reset the instrument",
}
