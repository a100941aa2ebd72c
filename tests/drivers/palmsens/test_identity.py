"""Who answers on the line: the right model, another one, a bootloader, something else, nothing."""

from __future__ import annotations

import pytest

from luggin.errors import BadReply, NoInstrument, ReplyTimeout

RESYNC = b"\nZ\n"


def said(banner: bytes):
    return [(b"t\n", banner), (b"v\n", b"v0108\n"), (b"i\n", b"iES4HR20B0001\n")]


def test_emstat4(dialogue):
    with dialogue(said(b"tes4_hr1300#Sep 30 2025 12:00:00\nR*\n")) as instrument:
        identity = instrument.identify()
    assert identity.maker == "PalmSens"
    assert identity.model == "EmStat4 HR"
    assert identity.serial == "ES4HR20B0001"
    assert identity.firmware == "1300 Sep 30 2025 12:00:00 R, MethodSCRIPT 0108"
    assert identity.raw == "tes4_hr1300#Sep 30 2025 12:00:00\nR*"


def test_pico_with_flow_control_bytes_in_the_stream(dialogue):
    banner = b"te\x13spico1600#Sep 30 2025\x11 12:00:00\nR*\n"
    with dialogue(said(banner), model="emstat-pico") as instrument:
        assert instrument.identify().firmware.startswith("1600 Sep 30")


def test_answer_in_one_line(dialogue):
    with dialogue(said(b"tes4_hr1300 R*\n")) as instrument:
        assert instrument.identify().firmware == "1300 R, MethodSCRIPT 0108"


def test_another_model_is_named(dialogue):
    with dialogue(said(b"tes4_lr1300#\nR*\n")) as instrument:
        with pytest.raises(NoInstrument, match=r"bench file says EmStat4 HR, but EmStat4 LR .*emstat4-lr"):
            instrument.identify()


def test_unknown_family_is_named(dialogue):
    with dialogue(said(b"tnexus11300#\nR*\n")) as instrument:
        with pytest.raises(NoInstrument, match="nexus1"):
            instrument.identify()


def test_bootloader_is_refused(dialogue):
    with dialogue([(b"t\n", b"tespbl_1000#\nR*\n"), *said(b"")[1:]]) as instrument:
        with pytest.raises(NoInstrument, match="bootloader"):
            instrument.identify()


def test_something_else_is_shown(dialogue):
    answers = [(b"t\n", b"ERROR 12\n"), (RESYNC, b"Z!0006\n"), (b"t\n", b"ERROR 12\n")]
    with dialogue(answers) as instrument:
        with pytest.raises(NoInstrument, match="ERROR 12"):
            instrument.identify()


def test_something_that_never_answers_an_abort_is_shown_too(dialogue):
    with dialogue([(b"t\n", b"*IDN?\n"), (RESYNC, b"\n")]) as instrument:
        with pytest.raises(NoInstrument, match="IDN"):
            instrument.identify()


def test_nothing(dialogue):
    with dialogue([(b"t\n", b""), (RESYNC, b"")]) as instrument:
        with pytest.raises(NoInstrument, match="did not answer"):
            instrument.identify()


def test_running_script_is_ended_first(dialogue):
    row = b"Peb8000064m;da8000000u;ba8000000p,10,218\n"
    answers = [(b"t\n", row), (RESYNC, row + b"Z\n" + row + b"*\n\n"), *said(b"tes4_hr1300#\nR*\n")]
    with dialogue(answers) as instrument:
        assert instrument.identify().serial == "ES4HR20B0001"


def test_banner_without_end(dialogue):
    with dialogue([(b"t\n", b"tes4_hr1300#\nA\nB\nC\nD\n")]) as instrument:
        with pytest.raises(BadReply, match="does not end"):
            instrument.identify()


def test_readings(dialogue):
    with dialogue([(b"v\n", b"v0108\n"), (b"i\n", b"x\n"), (b"v\n", b"v!0003\n")]) as instrument:
        assert instrument.methodscript_version.read() == "0108"
        with pytest.raises(BadReply) as refusal:
            instrument.serial_number.read()
        assert refusal.value.raw == b"x"
        with pytest.raises(BadReply):
            instrument.methodscript_version.read()


def test_silence_of_a_reading_is_a_timeout(dialogue):
    with dialogue([(b"v\n", b""), (RESYNC, b"")]) as instrument:
        with pytest.raises(ReplyTimeout):
            instrument.methodscript_version.read()


def test_late_answer_never_passes_for_the_next_one(dialogue):
    # The answer to v comes 2.5 s late, behind the timeout of 2 s: it is read away before v is asked again.
    late = [(2.5, b"v0108\n")]
    with dialogue([(b"v\n", late), (RESYNC, b"Z!0006\n"), (b"v\n", b"v0109\n")]) as instrument:
        assert instrument.methodscript_version.read() == "0109"
        assert not instrument.transport.suspect
