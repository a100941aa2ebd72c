"""The capabilities of a model with its settings, and the columns of its streams."""

from __future__ import annotations

from luggin.capabilities import Capabilities, Range, TechniqueCapability
from luggin.records import CURRENT, CURRENT_RANGE, CYCLE, FLAGS, INSTRUMENT_TIME, POTENTIAL, Column, Schema
from luggin_drivers.palmsens import pulses, spectra
from luggin_drivers.palmsens.settings import Settings

_APPLIED = Column(
    "potential", "V", "f8", "potential of the working electrode against the reference, as applied (variable da)"
)

CV = Schema("cv", (INSTRUMENT_TIME, _APPLIED, CURRENT, CYCLE, CURRENT_RANGE, FLAGS))
LSV = Schema("lsv", (INSTRUMENT_TIME, _APPLIED, CURRENT, CURRENT_RANGE, FLAGS))
CA = Schema("ca", (INSTRUMENT_TIME, _APPLIED, CURRENT, CURRENT_RANGE, FLAGS))
OCP = Schema("ocp", (INSTRUMENT_TIME, POTENTIAL, FLAGS))
SCHEMAS = {"cv": CV, "lsv": LSV, "ca": CA, "ocp": OCP, "dpv": pulses.DPV, "swv": pulses.SWV, "eis": spectra.EIS}

_NOT_DOCUMENTED = "not documented, conservative; the bench file's setting {} changes it"

UNCONFIRMED = (
    "Limits of scan rate, step and packages per second: conservative values; settings max_rate, min_step, "
    "max_line_rate.",
    "Command Y (end the running measurement loop, go on with the chain): off unless the setting loop_exit is 'Y'.",
    "Verification of the open cell: a one-point open-circuit measurement, which the instrument refuses with error "
    "0014 while the cell is on. No command reads the state of the cell.",
    "Numbers behind C at the start of a scan: may begin at 0 or 1 and be hexadecimal or decimal; cycles are counted.",
    "Whether begin and vertices are sampled once or twice, and whether the first package comes at once or after one "
    "interval: the number of rows may differ by a few.",
    "Whether * and - follow an abort, and what answers an empty line: both are tolerated.",
    "Script lines in error messages are counted from 1 behind the e.",
    "Direction of the pulses of a dpv in a scan to negative potentials: that of the scan; setting dpv_pulses.",
    "Amplitude of a spectrum: root mean square; setting eis_amplitude. Its imaginary part is Im(Z) as it comes.",
    "Limits of pulses, amplitudes and frequencies: conservative values.",
    "PGStat modes: 3 on the EmStat4; 2, 4 or 3 on the EmStat Pico by span and speed; setting mode.",
    "Potential limits of the modes come from a third party's reading of the manual (appendix B).",
)

_MAXIMUM_CYCLES = 10_000
_LONGEST = 30 * 86_400.0
_LONGEST_INTERVAL = 3600.0
_LARGEST_STEP = 0.1


def capabilities(settings: Settings) -> Capabilities:
    """What this model can do with these settings."""
    model = settings.table
    modes = model.modes if settings.mode is None else (model.mode(settings.mode),)
    usable = [m for m in modes if settings.mode is not None or m.number in model.automatic_modes]
    spans = [m.window for m in usable if m.window is not None]
    ranges = sorted({r for m in usable for r in m.current_ranges})
    undocumented = "not documented, conservative"
    rate = Range(1e-4, settings.max_rate, "V/s", False, _NOT_DOCUMENTED.format("max_rate"))
    step = Range(settings.min_step, _LARGEST_STEP, "V", False, _NOT_DOCUMENTED.format("min_step"))
    dt = Range(1 / settings.line_rate, _LONGEST_INTERVAL, "s", False, _NOT_DOCUMENTED.format("max_line_rate"))
    duration = Range(1 / settings.line_rate, _LONGEST, "s", False, undocumented)
    quiet = Range(0.0, _LONGEST, "s", False, undocumented)
    cycles = Range(1, _MAXIMUM_CYCLES, "1", False, undocumented)
    sweep = {"rate": rate, "step": step, "quiet": quiet}
    return Capabilities(
        model=model.title,
        techniques={
            "cv": TechniqueCapability("native", CV, {**sweep, "cycles": cycles}),
            "lsv": TechniqueCapability("native", LSV, sweep),
            "ca": TechniqueCapability("native", CA, {"duration": duration, "dt": dt, "quiet": quiet}),
            "ocp": TechniqueCapability("native", OCP, {"duration": duration, "dt": dt}, cell_open=True),
            **pulses.capabilities(settings, sweep, undocumented),
            **spectra.capabilities(undocumented),
        },
        potential=Range(
            min(m.low for m in usable), max(m.high for m in usable), "V", source="MethodSCRIPT manual, appendix B"
        ),
        current=Range(-ranges[-1], ranges[-1], "A", source="largest current range"),
        window=max(spans) if spans else None,
        current_ranges=tuple(ranges),
        chain=True,
        polarity="iupac",
        enforced={},
        abort="command Z: the script jumps to on_finished: and opens the cell; rows until then still arrive",
        abort_latency=1.0,
        unconfirmed=UNCONFIRMED,
    )
