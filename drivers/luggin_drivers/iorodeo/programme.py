"""Which potential a test has at which time, as the firmware computes it: what each sample is compared with.

A board that was switched off and on between being set up and being started runs another test than the one that
was meant, and says so by nothing but its potentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Samples and programme differ by less than this (V): numbers of 32 bits, and a shift in whole microseconds.
LARGEST_DEVIATION = 1e-4


def potential_at(test: str, parameters: Mapping[str, Any], time: int) -> float:
    """The potential (V) of a test at a time (ms) since its start.

    >>> potential_at("cyclic", {"quietTime": 0, "amplitude": 0.4, "offset": 0.1, "period": 1000, "shift": 0.25}, 250)
    0.5
    """
    after = time - parameters["quietTime"]
    if after < 0:
        return float(parameters["quietValue"])
    if test == "constant":
        return float(parameters["value"])
    if test == "linearSweep":
        start, final = parameters["startValue"], parameters["finalValue"]
        return float(start + (final - start) * after / parameters["duration"])
    place = (after / parameters["period"] + parameters["shift"]) % 1.0
    height = 2.0 * min(place, 1.0 - place)
    return float(parameters["offset"] + parameters["amplitude"] * (2.0 * height - 1.0))
