"""Every Keithley model passes the contract, over GPIB, over a socket, and on a serial line."""

from __future__ import annotations

from typing import ClassVar

from luggin import plugins
from luggin.testing import DriverContract

DRIVER = "keithley.2450"


class Test2450(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "2450"}
    twin: ClassVar = {"address": "GPIB0::18::INSTR"}


class Test2460(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "2460"}
    twin: ClassVar = {"address": "TCPIP0::smu.lab::5025::SOCKET"}


class Test2461(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "2461", "off_mode": "common", "readback": False}


def test_no_model_is_left_out():
    tested = {Test2450, Test2460, Test2461}
    assert {contract.settings["model"] for contract in tested} == set(plugins.load().driver(DRIVER).models)
