"""Opening the cell, byte by byte; and who is not believed."""

import pytest

from luggin.errors import InstrumentFault, UnsafeState, UsageError
from luggin.testing import ScriptedLine, dialogue
from luggin.transport.dialogue import perform
from luggin_drivers.srs import SrsEc301

IDN = b"Stanford_Research_Systems,EC301,s/n012345,ver1.15\n"
OPENING = [(b"rampen\n", b""), (b"ceenab 0\n", b""), (b"getbda 0\n", b""), (b"ifcclr\n", b"")]


def test_the_cell_is_opened_and_its_real_state_read_back():
    with dialogue(SrsEc301(), [*OPENING, (b"*IDN?\n", IDN), (b"cellon?\n", b"0\n")]) as ec301:
        assert "cellon? answered 0" in ec301.make_safe()


def test_a_zero_in_the_rest_of_the_stream_is_no_open_cell():
    rest = b"\x1f\x10\n0\n\r\n0\n\x00\x00"
    asked = [*OPENING, (b"*IDN?\n", rest + IDN), (b"cellon?\n", b"1\n")]
    with dialogue(SrsEc301(), [*asked, *asked]) as ec301, pytest.raises(UnsafeState, match="cell switch on the panel"):
        ec301.make_safe()


def test_a_second_attempt_is_made_when_the_first_has_only_brought_the_line_in_step():
    first = [*OPENING, (b"*IDN?\n", IDN), (b"cellon?\n", b"7\n")]
    with dialogue(SrsEc301(), [*first, *OPENING, (b"*IDN?\n", IDN), (b"cellon?\n", b"0\n")]) as ec301:
        assert "0" in ec301.make_safe()


def test_the_guardians_copy_works_in_the_midst_of_the_stream(on_twin, sweep):
    with on_twin() as rig:
        rig.instrument.prepare([sweep])
        frames = rig.instrument.frames()
        next(frames)
        assert rig.cell_is_on
        perform(rig.line, rig.device.safe_dialogue(), rig.clock)
        assert not rig.cell_is_on
        frames.close()


def test_a_panel_switch_that_is_off_is_told_before_there_are_rows(on_twin, sweep):
    with on_twin(panel_switch="off") as rig:
        recording = rig.run([sweep])
        assert isinstance(recording.error, InstrumentFault)
        assert "cell switch on the panel" in str(recording.error)
        assert recording.rows == []


def test_a_stream_is_not_for_gpib():
    line = ScriptedLine([])
    line.resource = "GPIB0::8::INSTR"
    with pytest.raises(UsageError, match='data = "poll"'):
        SrsEc301().create(line, line.clock, "cell", {})
    assert SrsEc301().create(line, line.clock, "cell", {"data": "poll"}).name == "cell"
