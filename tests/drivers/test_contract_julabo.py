"""Every Julabo model passes the contract: as it comes, on an RS485 line, and stopped or tempered on exit."""

from __future__ import annotations

from typing import ClassVar

from luggin import plugins
from luggin.testing import DriverContract

DRIVER = "julabo.circulator"


class TestCF31(DriverContract):
    """One that runs again after a power failure, at the set point of its memory."""

    driver = DRIVER
    settings: ClassVar = {"model": "cf31"}
    twin: ClassVar = {"options": {"started": True}}


class TestCF41(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "cf41", "control": "external", "on_exit": "stop"}


class TestFP50MH(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "fp50-mh", "on_exit": "25 degC"}


class TestFP50HE(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "fp50-he"}
    twin: ClassVar = {"options": {"terminator": "LF", "xon": True}}


class TestFPW55(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "fpw55", "address": 32}


class TestOther(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "other"}


def test_no_model_is_left_out():
    tested = {TestCF31, TestCF41, TestFP50MH, TestFP50HE, TestFPW55, TestOther}
    assert {contract.settings["model"] for contract in tested} == set(plugins.load().driver(DRIVER).models)
