"""Every Rodeostat that can open the cell passes the contract."""

from __future__ import annotations

from typing import ClassVar

from luggin.testing import DriverContract

DRIVER = "iorodeo.rodeostat"


class TestMicroAmp(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "microamp", "current_range": "100 uA"}
