"""An EC301 on its simulated twin in virtual time, for tests of the driver."""

import pytest

from luggin.capabilities import Technique
from luggin.testing import Subject

DUMMY = {"kind": "resistor", "resistance": "10 kohm"}
TCP = {"address": "TCPIP0::ec301::1680::SOCKET"}


@pytest.fixture
def on_twin():
    """Opens a rig (driver, twin, clock) for settings of the driver and rules of the twin."""

    def opened(settings=None, cell=DUMMY, **rules):
        return Subject("srs.ec301", settings or {}, twin=TCP).rig(cell, options=rules)

    return opened


@pytest.fixture
def sweep():
    """A voltammogram of 4 s."""
    return Technique(
        "cv",
        {"begin": 0.0, "vertices": (0.5, -0.5), "end": 0.0, "rate": 0.5, "step": 0.01, "cycles": 1, "quiet": 0.0,
         "current_range": 1e-4},
    )  # fmt: skip
