"""The capabilities of a model with its settings, and the columns of its streams."""

from __future__ import annotations

from luggin.capabilities import Capabilities, Range, TechniqueCapability
from luggin.records import APPLIED_POTENTIAL, CURRENT, CYCLE, FLAGS, INSTRUMENT_TIME, POTENTIAL, Schema
from luggin_drivers.keithley.settings import Settings

CV = Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, CYCLE, APPLIED_POTENTIAL, FLAGS))
LSV = Schema("lsv", (INSTRUMENT_TIME, POTENTIAL, CURRENT, APPLIED_POTENTIAL, FLAGS))
SCHEMAS = {"cv": CV, "lsv": LSV}

UNCONFIRMED = (
    "The shortest time between two points of a list sweep (setting min_interval) and what a point takes beside its "
    "integration (setting point_overhead): from the maker's scripts, for another way of stepping. The realised rate is "
    "measured and told.",
    "What one step over the line takes (setting step_overhead).",
    "Whether the output stays on behind a list sweep: it is asked for, and switched on again if it is off; the gap is "
    "recorded with its length and with whether the cell was held or open.",
    "Whether the mode of the output when off is one for both sources or one for each (setting off_mode).",
    "Whether a sweep clears the buffer by itself: it is cleared before each one, and times between sweeps come from "
    "the host's clock.",
    "Bits of the source status: from the 2450 manual (p. 8-29), taken for the 2460 and 2461 too. The measure status, "
    "which differs between the models, is not used.",
    "Readings voltage and current (MEAS:VOLT?, MEAS:CURR?): that they leave the output as it is, and what they say "
    "while it is off with its relay open.",
    "The reading 9.9e37 for an overflow: SCPI's convention.",
    "The text of the answers to *IDN? and SYST:ERR?.",
    "Ranges and what goes together: the tables of the maker's electrochemistry scripts. The 200 V range is not used.",
    "Polarity: with W on HI and sense HI, reference on sense LO and counter on LO, positive current is oxidation at W; "
    "derived from the circuit, not measured.",
)

_MAXIMUM_CYCLES = 10_000
_LONGEST_QUIET = 86_400.0
_SMALLEST_STEP = 10e-6
_SLOWEST, _FASTEST = 1e-7, 3.5


def capabilities(settings: Settings) -> Capabilities:
    """What this model can do natively with these settings; the host-stepped engine adds the rest."""
    model = settings.table
    largest = model.potential_ranges[-1]
    step = Range(_SMALLEST_STEP, 2 * largest, "V", False, "not documented, conservative")
    rate = Range(_SLOWEST, _FASTEST, "V/s", False, "the maker's own voltammetry goes to 3.5 V/s")
    quiet = Range(0.0, _LONGEST_QUIET, "s", False, "conservative")
    sweep = {"rate": rate, "step": step, "quiet": quiet}
    return Capabilities(
        model=model.title,
        techniques={
            "cv": TechniqueCapability(
                "native",
                CV,
                {**sweep, "cycles": Range(1, _MAXIMUM_CYCLES, "1", False, "conservative")},
                latency=1.0,
                gapless=False,
            ),
            "lsv": TechniqueCapability("native", LSV, sweep, latency=1.0, gapless=False),
        },
        potential=Range(-largest, largest, "V", source="ranges used for cells"),
        current=Range(
            -model.largest_current, model.largest_current, "A", source="tables of the maker's electrochemistry scripts"
        ),
        current_ranges=model.current_ranges,
        chain=True,
        polarity="iupac",
        enforced={
            "current": "a potential source clamps it (compliance); the cell is not opened",
            "potential": "a current source clamps it (compliance); the cell is not opened",
        },
        abort="ABOR and OUTP OFF between two polls: the relay opens; readings until then are still fetched",
        abort_latency=2 * settings.poll + 0.5,
        unconfirmed=UNCONFIRMED,
    )
