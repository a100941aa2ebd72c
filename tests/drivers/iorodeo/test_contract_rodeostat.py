"""Every Rodeostat that can open the cell passes the contract, with older firmware and inverted currents too."""

from __future__ import annotations

from typing import ClassVar

from luggin.testing import DriverContract

DRIVER = "iorodeo.rodeostat"


class TestMicroAmp(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "microamp"}


class TestTenMilliAmp(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "10-milliamp", "current_range": "100 uA", "polarity": "inverted"}
    twin: ClassVar = {"options": {"polarity": "inverted"}}


class TestTwentyFourMilliAmp(DriverContract):
    """With the oldest manners of the firmware, and all that the converters do to a reading."""

    driver = DRIVER
    settings: ClassVar = {"model": "24-milliamp", "current_range": "100 uA"}
    twin: ClassVar = {
        "options": {
            "version": "FW0.0.7",
            "after_test": "zero",
            "tells_overload": False,
            "adc_counts": 4095,
            "dac": "nearest",
        }
    }


class TestNanoAmpOnAMultiplexer(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "nanoamp-0.1", "multiplexer": 3}
    twin: ClassVar = {"options": {"multiplexer": True}}


class TestMicroAmpOnAMultiplexer(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "microamp-0.1", "multiplexer": 1}
    twin: ClassVar = {"options": {"multiplexer": True}}


class TestEightVolts(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "24-milliamp-0.1-8v", "multiplexer": 7, "current_range": "100 uA"}
    twin: ClassVar = {"options": {"multiplexer": True}}
