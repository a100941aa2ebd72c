"""The EC301 passes the contract: with its data stream over a socket, and asked reading by reading over GPIB."""

from __future__ import annotations

from typing import ClassVar

from luggin import plugins
from luggin.testing import DriverContract

DRIVER = "srs.ec301"


class TestStream(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "ec301"}
    twin: ClassVar = {"address": "TCPIP0::ec301.lab::1680::SOCKET"}


class TestPolled(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "ec301", "data": "poll"}
    twin: ClassVar = {"address": "GPIB0::8::INSTR"}


def test_no_model_is_left_out():
    tested = {TestStream, TestPolled}
    assert {contract.settings["model"] for contract in tested} == set(plugins.load().driver(DRIVER).models)
