"""The capabilities of an EC301 with its settings, and the columns of its streams."""

from __future__ import annotations

from luggin.capabilities import Capabilities, Range, TechniqueCapability
from luggin.records import CURRENT, CURRENT_RANGE, CYCLE, FLAGS, INSTRUMENT_TIME, POTENTIAL, Schema
from luggin_drivers.srs.settings import Settings
from luggin_drivers.srs.tables import (
    CURRENT_RANGES,
    FASTEST,
    LARGEST_CURRENT,
    LARGEST_POTENTIAL,
    MOST_REPEATS,
    POINT_STEP,
    SLOWEST,
    TITLE,
)

_MEASURED = (INSTRUMENT_TIME, POTENTIAL, CURRENT, CURRENT_RANGE, FLAGS)
SCHEMAS = {
    "cv": Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, CYCLE, CURRENT_RANGE, FLAGS)),
    "lsv": Schema("lsv", _MEASURED),
    "ca": Schema("ca", _MEASURED),
    "cp": Schema("cp", _MEASURED),
    "ocp": Schema("ocp", (INSTRUMENT_TIME, POTENTIAL, FLAGS)),
}

UNCONFIRMED = (
    "The TCP port (1680) and the line feed that ends commands: from a third party's program, not from the manual.",
    "How packets of the binary stream are checked (setting checksum): found out from the first packets, while the cell "
    "is open; if none of the usual ways fits, they are not checked, and the record of the step says so.",
    "The order of the last eight bytes of a packet's header, and that a frame is state, synchronous converter, "
    "current, potential: from a third party's program.",
    "That frames say the current range by the codes of irange.",
    "The shortest time between two rows (settings min_interval, poll_interval): conservative.",
    "How fast commands may follow one another (setting command_pause): rapid bursts were reported to stop the unit.",
    "Questions while the binary stream runs: none is asked, because a third party was told not to.",
    "The rate of the way back of repeated scans: both rates are set to the same.",
    "Where the loop stays after rampen: the next potential is set directly behind it.",
    "That the cell opens by itself behind a scan with scanem 0; it is opened and read back in any case.",
    "What the frames say while the ramp generator waits (ramp running or not): its waiting times are not used.",
    "The unit of pfback: ohm. Effects of iR compensation on the stability of the cell are for the user to judge.",
    "That reading *ESR? clears it, and the meaning of error codes other than 114.",
    "The largest delay of the ramp generator, and infinite and timed holds (rampst 2, 3): not used.",
    "The text of the answer to *IDN?.",
)

_MOST_CYCLES = MOST_REPEATS
_LONGEST = 30 * 86_400.0
_LONGEST_INTERVAL = 3600.0
_LARGEST_STEP = 0.1


def capabilities(settings: Settings) -> Capabilities:
    """What an EC301 can do with these settings."""
    conservative = "not documented, conservative"
    fastest = settings.fastest
    setting = "min_interval" if settings.data == "stream" else "poll_interval"
    dt = Range(fastest, _LONGEST_INTERVAL, "s", False, f"{conservative}; setting {setting}")
    duration = Range(fastest, _LONGEST, "s", False, conservative)
    quiet = Range(0.0, _LONGEST, "s", False, conservative)
    sweep = {
        "rate": Range(SLOWEST, min(FASTEST, _LARGEST_STEP / fastest), "V/s", False, f"largest step, setting {setting}"),
        "step": Range(POINT_STEP, _LARGEST_STEP, "V", False, "resolution of scans (manual), and conservative"),
        "quiet": quiet,
    }
    cycles = Range(1, _MOST_CYCLES, "1", source="manual, rampcy")
    held = {"duration": duration, "dt": dt}
    return Capabilities(
        model=TITLE,
        techniques={
            "cv": TechniqueCapability("native", SCHEMAS["cv"], {**sweep, "cycles": cycles}, latency=1.0),
            "lsv": TechniqueCapability("native", SCHEMAS["lsv"], sweep, latency=1.0),
            "ca": TechniqueCapability("native", SCHEMAS["ca"], {**held, "quiet": quiet}, latency=1.0),
            "cp": TechniqueCapability("native", SCHEMAS["cp"], held, latency=1.0),
            "ocp": TechniqueCapability("native", SCHEMAS["ocp"], held, latency=1.0, cell_open=True),
        },
        potential=Range(-LARGEST_POTENTIAL, LARGEST_POTENTIAL, "V", source="manual, setvol"),
        current=Range(-LARGEST_CURRENT, LARGEST_CURRENT, "A", source="manual, irange 1"),
        current_ranges=tuple(sorted(CURRENT_RANGES.values())),
        chain=True,
        polarity="us",
        enforced={},
        abort="rampen and ceenab 0 between two packets or polls, and cellon? read back; rows until then are kept",
        abort_latency=1.0,
        unconfirmed=UNCONFIRMED,
    )
