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
    # While the stream runs nothing can be asked: an instrument that has gone deaf is noticed at the end of the
    # technique (10 s), when it does not open the cell.
    patience = 10.0 + 2 * 2.0


class TestPolled(DriverContract):
    driver = DRIVER
    settings: ClassVar = {"model": "ec301", "data": "poll"}
    twin: ClassVar = {"address": "GPIB0::8::INSTR"}


def test_no_model_is_left_out():
    tested = {TestStream, TestPolled}
    assert {contract.settings["model"] for contract in tested} == set(plugins.load().driver(DRIVER).models)
