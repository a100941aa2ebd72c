"""What tests of lines share, wherever they are: a small SCPI instrument, simulated and over TCP."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "sim_instruments" / "ports"))

from scpi_echo import EchoMaker, OneClient, ScpiEcho, Served, echo_table

from luggin_sim.bench import Lab, Station
from luggin_sim.dialects import DIALECTS
from luggin_sim.ports.messages import MessageWire


@pytest.fixture
def echo_lab():
    """Makes a laboratory with one echo, ``smu``, at a VISA name: the laboratory and its instrument."""
    opened = []

    def make(clock, address="GPIB0::18::INSTR", delay=0.0):
        echo = ScpiEcho(delay)
        opened.append(Lab({"smu": Station(MessageWire(echo), None, address)}, clock))
        return opened[-1], echo

    yield make
    for lab in opened:
        lab.close()


@pytest.fixture
def peer():
    """An instrument's end of a TCP connection, played by hand."""
    end = OneClient()
    yield end
    end.close()


@pytest.fixture
def serve_echoes(monkeypatch):
    """Starts ``luggin sim`` with an echo behind each of these VISA names, called smu0, smu1 ..."""
    monkeypatch.setitem(DIALECTS, "test.echo", EchoMaker())
    running = []

    def start(*addresses, speed=1.0, log_folder=None, **options):
        tables = {f"smu{n}": echo_table(address, **options) for n, address in enumerate(addresses)}
        running.append(Served(tables, speed, log_folder))
        return running[-1]

    yield start
    for server in running:
        server.close()
