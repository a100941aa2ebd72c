"""Every PalmSens model passes the contract, on its own kind of line."""

from __future__ import annotations

from typing import ClassVar

from luggin import plugins
from luggin.testing import DriverContract

DRIVER = "palmsens.methodscript"


class TestEmStatPico(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "emstat-pico"}


class TestSensit(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "sensit"}
    # A Sensit is an EmStat Pico in another housing, and may say so.
    twin: ClassVar = {"model": "emstat-pico"}


class TestEmStat4LR(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "emstat4-lr"}


class TestEmStat4HR(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "emstat4-hr"}


class TestLoopExit(DriverContract):
    """The one setting that changes how a technique is ended."""

    driver = DRIVER
    settings: ClassVar = {"model": "emstat4-hr", "loop_exit": "Y"}


def test_no_model_is_left_out():
    tested = {TestEmStatPico, TestSensit, TestEmStat4LR, TestEmStat4HR}
    assert {contract.settings["model"] for contract in tested} == set(plugins.load().driver(DRIVER).models)
