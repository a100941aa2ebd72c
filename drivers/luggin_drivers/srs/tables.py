"""The tables of the EC301 manual (rev 1.2, 12/2017): ranges, codes, status bits. Nothing in here computes."""

from __future__ import annotations

from collections.abc import Mapping

from luggin.records import Flag

TITLE = "SRS EC301"

#: ``irange``: full scales (A) by their codes. The boosters (11 to 13) are not used.
CURRENT_RANGES: Mapping[int, float] = {code: float(f"1e{1 - code}") for code in range(1, 11)}
#: ``eadcrg``: largest potential (V) by code.
POTENTIAL_RANGES: Mapping[int, float] = {0: 2.0, 1: 5.0, 2: 15.0}
#: ``clbwth``: bandwidth of the control loop.
BANDWIDTHS: Mapping[str, int] = {"1 MHz": 0, "100 kHz": 1, "10 kHz": 2, "1 kHz": 3, "100 Hz": 4, "10 Hz": 5}
#: ``eadcfl`` and ``iadcfl``; the two number their filters differently.
POTENTIAL_FILTERS: Mapping[str, int] = {"none": 0, "10 Hz": 1, "10 kHz": 2}
CURRENT_FILTERS: Mapping[str, int] = {"10 Hz": 0, "none": 1, "10 kHz": 2}

LARGEST_POTENTIAL = 15.0
LARGEST_CURRENT = 1.0
#: ``setvol`` takes whole mV, ``ramppt`` mV with a resolution of 0.2 mV, ``ramprt`` units of 0.1 mV/s,
#: ``rampdt`` units of 0.1 ms.
HOLD_STEP, POINT_STEP, RATE_STEP = 1e-3, 2e-4, 1e-4
#: ``setcur`` takes a part of the current range, which this driver writes with six decimals.
FRACTION_STEP = 1e-6
SLOWEST, FASTEST = 1e-4, 1e4
MOST_REPEATS = 254

#: A frame of the data stream is the average of 2^n samples, each so long (s).
SAMPLE_PERIOD = 4e-6
LARGEST_AVERAGING = 8

# Fast state of a frame (table 4).
CELL_OPEN, COMPLIANCE, RAMP_RUNNING = 1 << 0, 1 << 3, 1 << 11
RANGE_SHIFT, RANGE_MASK = 4, 0xF
AVERAGING_SHIFT, AVERAGING_MASK = 15, 0xF

#: Overload record in the footer of a packet (table 5).
OVERLOAD_RECORD: Mapping[int, Flag] = {1 << 2: Flag.POTENTIAL_OVERLOAD, 1 << 3: Flag.CURRENT_OVERLOAD}
#: ``MESR?``: reading it clears it.
MEASUREMENT_STATUS: Mapping[int, Flag] = {
    1: Flag.COMPLIANCE,
    2: Flag.POTENTIAL_OVERLOAD,
    4: Flag.CURRENT_OVERLOAD,
    128: Flag.COMPLIANCE,
}
#: ``errlst?``: the codes that the manual explains.
ERRORS: Mapping[int, str] = {114: "Bad remote command"}

#: ``ramppg?``: what a programme of the ramp generator lacks.
PROGRAMME_BITS: Mapping[int, str] = {
    1: "delay 0",
    2: "delay 1",
    4: "point 0",
    8: "point 1",
    16: "point 2",
    32: "rate 0",
    64: "rate 1",
}
CYCLIC, LINEAR = 0, 1
