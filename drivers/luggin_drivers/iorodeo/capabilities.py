"""The capabilities of a board with its settings, and the columns of its streams."""

from __future__ import annotations

from luggin.capabilities import Capabilities, Range, TechniqueCapability
from luggin.records import CURRENT, CURRENT_RANGE, CYCLE, FLAGS, INSTRUMENT_TIME, Column, Schema
from luggin_drivers.iorodeo.settings import Settings
from luggin_drivers.iorodeo.tables import SAMPLE_PERIOD

_SET = Column(
    "potential", "V", "f8", "potential of the working electrode against the reference, as its converter gives it"
)

CV = Schema("cv", (INSTRUMENT_TIME, _SET, CURRENT, CYCLE, CURRENT_RANGE, FLAGS))
LSV = Schema("lsv", (INSTRUMENT_TIME, _SET, CURRENT, CURRENT_RANGE, FLAGS))
CA = Schema("ca", (INSTRUMENT_TIME, _SET, CURRENT, CURRENT_RANGE, FLAGS))
SCHEMAS = {"cv": CV, "lsv": LSV, "ca": CA}

UNCONFIRMED = (
    "Polarity of the current: the firmware's text does not say which sign an oxidation has; the setting polarity says "
    "it, and a real board is refused without it.",
    "How the converter of the potential rounds: the board is asked before each test, with the cell open.",
    "Scan rates above 0.1 V/s: the board filters its current with two stages of 200 Hz, so that it lags 1.6 ms behind.",
    "How long a test may last: the longest one is not known.",
    "That all three electrodes are disconnected when the board says so: it reads the pins of its switches.",
    "Open-circuit potentials: getRefVolt measures the reference input, but its sign and its range are not "
    "documented, so there is no ocp.",
)
NO_SWITCH = (
    "Hardware 0.1 cannot open the cell by itself and is refused, unless the cell hangs on a multiplexer (setting "
    "multiplexer). That one is there, and with which key its channels are enabled (muxChannel), is not confirmed."
)

_MAXIMUM_CYCLES = 10_000
_LONGEST = 7 * 86_400.0
_FIRMWARE = "firmware, samplePeriod"
_FILTER = "conservative: the filter of the current lags 1.6 ms"


def capabilities(settings: Settings) -> Capabilities:
    """What this board can do with these settings."""
    model = settings.table
    rate = Range(1e-4, 1.0, "V/s", False, _FILTER)
    step = Range(1e-5, 0.1, "V", False, "conservative")
    dt = Range(*SAMPLE_PERIOD, "s", source=_FIRMWARE)
    duration = Range(SAMPLE_PERIOD[0], _LONGEST, "s", False, "conservative")
    quiet = Range(0.0, _LONGEST, "s", False, "conservative")
    sweep = {"rate": rate, "step": step, "quiet": quiet}
    ranges = tuple(model.current_ranges.values())
    return Capabilities(
        model=model.title,
        techniques={
            "cv": TechniqueCapability(
                "native", CV, {**sweep, "cycles": Range(1, _MAXIMUM_CYCLES, "1", False, "conservative")}
            ),
            "lsv": TechniqueCapability("native", LSV, sweep),
            "ca": TechniqueCapability("native", CA, {"duration": duration, "dt": dt, "quiet": quiet}),
        },
        potential=Range(
            -model.largest_potential, model.largest_potential, "V", source="firmware, highest potential range"
        ),
        current=Range(-ranges[-1], ranges[-1], "A", source="firmware, highest current range"),
        current_ranges=ranges,
        chain=False,
        polarity={None: "unknown", "iupac": "iupac", "inverted": "us"}[settings.polarity],  # type: ignore[arg-type]
        enforced={},
        abort="stopTest: the board ends the test and disconnects the electrodes"
        if settings.can_open
        else "stopTest: the board ends the test; the cell stays connected",
        abort_latency=1.0,
        unconfirmed=UNCONFIRMED if model.has_switches else (NO_SWITCH, *UNCONFIRMED),
    )
