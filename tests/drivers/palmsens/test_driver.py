"""What the bench sees: registration, settings, line settings, and an object without surprises."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import luggin_drivers
from luggin.capabilities import MeasuringInstrument
from luggin.errors import UnitError, UsageError
from luggin_drivers.palmsens import PalmSensMethodScript
from luggin_drivers.palmsens.settings import read_settings


def test_the_driver_is_found_by_its_hook():
    driver = next(d for d in luggin_drivers.luggin_drivers() if d.id == "palmsens.methodscript")
    assert driver.id == "palmsens.methodscript"
    assert set(driver.models) == {"emstat-pico", "sensit", "emstat4-lr", "emstat4-hr"}
    assert driver.models["emstat4-hr"] == "EmStat4 HR"


def test_discovery_and_use_load_no_numpy():
    program = (
        "import sys, luggin_drivers\n"
        "driver = luggin_drivers.luggin_drivers()[0]\n"
        "driver.offline({'model': 'emstat-pico'}).capabilities\n"
        "print([m for m in ('numpy', 'scipy', 'pydantic', 'zarr', 'matplotlib', 'serial') if m in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_path())
    assert answer.stdout == "[]\n"


def _path():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"model": "emstat-pico"}, {"baudrate": 230400, "xonxoff": True, "rtscts": False, "ignore": b"\x11\x13"}),
        ({"model": "emstat4-lr"}, {"baudrate": 921600, "xonxoff": False, "rtscts": False, "ignore": b""}),
        (
            {"model": "emstat4-hr", "baudrate": 230400, "rtscts": True},
            {"baudrate": 230400, "xonxoff": False, "rtscts": True, "ignore": b""},
        ),
    ],
)
def test_line_settings(settings, expected):
    assert PalmSensMethodScript().line_settings(settings) == {**expected, "terminator": b"\n"}


def test_making_a_driver_sends_nothing_and_closing_neither(dialogue):
    with dialogue([]) as instrument:
        assert isinstance(instrument, MeasuringInstrument)
        assert instrument.capabilities.model == "EmStat4 HR"
        instrument.close()
        assert instrument.transport.closed
        assert instrument.transport.written == []


def test_misspelt_attributes_raise(dialogue):
    with dialogue([]) as instrument:
        with pytest.raises(AttributeError):
            instrument.max_bandwith = 60
        with pytest.raises(AttributeError):
            instrument.serial_numbr.read()
        with pytest.raises(AttributeError, match="cannot be assigned"):
            instrument.serial_number = "1"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs the setting 'model': one of emstat-pico"),
        ({"model": "emstat4-hz"}, "Did you mean 'emstat4-hr'"),
        ({"model": 4}, "known are emstat-pico"),
        ({"model": "emstat-pico", "max_bandwith": "1 Hz"}, "did you mean 'max_bandwidth'"),
        ({"model": "emstat-pico", "colour": "red"}, "known are model, channel"),
        ({"model": "emstat-pico", "mode": 7}, "a whole number from 2 to 4"),
        ({"model": "emstat-pico", "mode": True}, "a whole number"),
        ({"model": "emstat-pico", "channel": -1}, "a whole number from 0 to 15"),
        ({"model": "emstat-pico", "max_bandwidth": 60}, 'a quantity from "10 mHz" to "200 kHz"'),
        ({"model": "emstat-pico", "max_bandwidth": "1 MHz"}, "not allowed"),
        ({"model": "emstat-pico", "loop_exit": "z"}, '"abort" or "Y"'),
        ({"model": "emstat-pico", "rtscts": 1}, "true or false"),
        ({"model": "emstat-pico", "silence": "0 s"}, "not allowed"),
    ],
)
def test_settings_that_are_wrong(settings, words):
    for use in (PalmSensMethodScript().offline, PalmSensMethodScript().line_settings):
        with pytest.raises(UsageError, match=words):
            use(settings)


def test_a_setting_in_the_wrong_unit():
    with pytest.raises(UnitError):
        read_settings({"model": "emstat-pico", "max_rate": "1 V"})


def test_settings_are_read_with_their_units():
    read = read_settings({"model": "emstat-pico", "max_rate": "500 mV/s", "silence": "2 s", "max_line_rate": "50 Hz"})
    assert (read.max_rate, read.silence, read.line_rate) == (0.5, 2.0, 50.0)
    assert read_settings({"model": "emstat-pico"}).line_rate == 200.0
