"""Which line a name means."""

from __future__ import annotations

import pytest

from luggin.clock import VirtualClock
from luggin.errors import NoInstrument
from luggin.transport import opening


@pytest.fixture
def opens(monkeypatch):
    """What would be opened, instead of opening it: kind of line and settings."""

    def recorder(kind):
        return lambda resource, clock, **settings: (kind, resource, settings)

    monkeypatch.delenv("LUGGIN_VISA", raising=False)
    for kind in ("Serial", "Socket", "Visa"):
        monkeypatch.setattr(opening, f"{kind}Transport", recorder(kind))
    return lambda resource, **settings: opening.open_line(resource, VirtualClock(), **settings)


@pytest.mark.parametrize("name", ["/dev/ttyACM0", "COM5", "loop://", "GPIB", "tcp-box", "/dev/USB0"])
def test_other_names_are_serial_ports(opens, name):
    assert opens(name, baudrate=9600) == ("Serial", name, {"url": None, "baudrate": 9600})


def test_a_simulated_serial_port(opens):
    assert opens("sim://cell", url="sim://lab7/cell") == ("Serial", "sim://cell", {"url": "sim://lab7/cell"})


@pytest.mark.parametrize(
    ("url", "library", "name"),
    [
        ("visa://lab7@luggin/GPIB0::18::INSTR", "lab7@luggin", "GPIB0::18::INSTR"),
        ("visa://@ivi/TCPIP::10.0.0.7::INSTR", "@ivi", "TCPIP::10.0.0.7::INSTR"),
        ("visa:///usr/lib/librsvisa.so/USB::0x5E6::0x2450::1::INSTR", "/usr/lib/librsvisa.so", None),
        ("visa://@py/ASRL/dev/ttyUSB0::INSTR", "@py", "ASRL/dev/ttyUSB0::INSTR"),
        ("visa://@luggin/TCPIP0::smu::5025::SOCKET", "@luggin", "TCPIP0::smu::5025::SOCKET"),
    ],
)
def test_a_visa_address_says_library_and_name(opens, url, library, name):
    name = name or url.removeprefix(f"visa://{library}/")
    for resource, settings in ((url, {}), ("sim://smu", {"url": url})):
        kind, opened, given = opens(resource, timeout=5.0, **settings)
        assert (kind, opened) == ("Visa", resource)
        assert given == {"library": library, "name": name, "timeout": 5.0}


def test_a_visa_address_without_a_visa_name_is_refused(opens):
    with pytest.raises(NoInstrument, match=r"sim://smu: 'visa://lab/smu' is not visa://LIBRARY/NAME"):
        opens("sim://smu", url="visa://lab/smu")


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("TCPIP0::192.168.0.7::5025::SOCKET", "192.168.0.7", 5025),
        ("tcpip::smu.lab::05025::socket", "smu.lab", 5025),
        ("TCPIP0::[fe80::1]::5025::SOCKET", "fe80::1", 5025),
    ],
)
def test_sockets_are_ours(opens, name, host, port):
    assert opens(name, baudrate=9600, xonxoff=True, timeout=1.0) == (
        "Socket",
        name,
        {"host": host, "port": port, "timeout": 1.0},
    )


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("ASRL/dev/ttyUSB0::INSTR", "/dev/ttyUSB0"),
        ("ASRL5::INSTR", "COM5"),
        ("asrl12", None),
        ("ASRLCOM7::INSTR", "COM7"),
        ("ASRLsim://cell::INSTR", "sim://cell"),
    ],
)
def test_serial_ports_with_a_visa_name_are_ours(opens, name, port):
    expected = ("Serial", name, {"url": port, "baudrate": 9600})
    assert opens(name, baudrate=9600) == (expected if port else ("Serial", name, {"url": None, "baudrate": 9600}))


@pytest.mark.parametrize(
    "name",
    [
        "GPIB0::18::INSTR",
        "gpib::3",
        "USB0::0x05E6::0x2450::04012345::INSTR",
        "TCPIP0::10.0.0.7::INSTR",
        "TCPIP::h::hislip0",
    ],
)
def test_everything_else_goes_through_the_visa_library(opens, name):
    assert opens(name) == ("Visa", name, {"library": "@py", "name": name})


@pytest.mark.parametrize("name", ["TCPIP0::h::5025::SOCKET", "ASRL5::INSTR", "GPIB0::18::INSTR"])
def test_a_makers_library_gets_every_visa_name(opens, monkeypatch, name):
    settings = {"library": "@ivi", "name": name, "baudrate": 9600}
    assert opens(name, library="@ivi", baudrate=9600) == ("Visa", name, settings)
    monkeypatch.setenv("LUGGIN_VISA", "/opt/libvisa.so")
    assert opens(name) == ("Visa", name, {"library": "/opt/libvisa.so", "name": name})
