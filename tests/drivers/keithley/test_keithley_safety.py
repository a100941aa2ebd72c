"""Off means open: the exchanges that make it so, and what happens when it cannot be verified."""

import re

import pytest

from luggin.errors import LineLost, UnsafeState

BEFORE = [(b"ABOR\n", b""), (b"OUTP:SMOD HIMP\n", b""), (b"OUTP OFF\n", b"")]
OFF, OPEN = (b"OUTP?\n", b"0\n"), (b"OUTP:SMOD?\n", b"HIMP\n")


def test_the_relay_is_set_to_open_before_the_output_goes_off_and_both_are_read_back(dialogue):
    with dialogue([*BEFORE, OFF, OPEN]) as unit:
        assert (
            unit.make_safe() == "OUTP OFF was sent, and output and its mode were read back: 0, HIMP (off, relay open)"
        )


def test_the_guardian_gets_the_same_exchanges(dialogue):
    with dialogue([]) as unit:
        exchanges = unit.safe_dialogue()
    assert [exchange.send for exchange in exchanges] == [sent for sent, _ in [*BEFORE, OFF, OPEN]]
    assert [exchange.verifies for exchange in exchanges] == [False, False, False, True, True]
    assert all(not exchange.expect for exchange in exchanges[:3])
    off, mode = (exchange.expect for exchange in exchanges[3:])
    assert [bool(re.search(off, answer)) for answer in ("0\n", "+0\r\n", "1\n", "10\n", "0.5\n", "")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert [bool(re.search(mode, answer)) for answer in ("HIMP\n", "HIMPEDANCE\n", "NORM\n", "ZERO\n")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_mode_for_each_source_where_the_bench_says_so(dialogue):
    said = [
        (b"ABOR\n", b""),
        (b"OUTP:VOLT:SMOD HIMP\n", b""),
        (b"OUTP:CURR:SMOD HIMP\n", b""),
        (b"OUTP OFF\n", b""),
        (b"OUTP?\n", b"0\n"),
        (b"OUTP:VOLT:SMOD?\n", b"HIMP\n"),
        (b"OUTP:CURR:SMOD?\n", b"HIMP\n"),
    ]
    with dialogue(said, off_mode="by-function") as unit:
        unit.make_safe()


def test_a_second_attempt_may_bring_the_line_in_step(dialogue):
    with dialogue([*BEFORE, (b"OUTP?\n", b""), *BEFORE, OFF, OPEN]) as unit:
        assert "read back: 0, HIMP" in unit.make_safe()
        assert not unit.transport.suspect


@pytest.mark.parametrize(
    ("exchanges", "words"),
    [
        ([(b"OUTP?\n", b"1\n")], r"b'OUTP?\n' was answered with b'1\n'"),
        ([OFF, (b"OUTP:SMOD?\n", b"NORM\n")], r"b'OUTP:SMOD?\n' was answered with b'NORM\n'"),
        ([(b"OUTP?\n", b"")], "not answered within 2 s"),
    ],
)
def test_what_cannot_be_verified_is_told_to_a_person(dialogue, exchanges, words):
    with dialogue([*BEFORE, *exchanges] * 2) as unit, pytest.raises(UnsafeState) as unsafe:
        unit.make_safe()
    assert words in str(unsafe.value)
    assert "Switch the instrument off or unplug the cell" in str(unsafe.value)


def test_a_broken_line_passes_through(dialogue):
    with dialogue([]) as unit:

        def broken(data):
            raise LineLost("unplugged")

        unit.transport._write = broken
        with pytest.raises(LineLost):
            unit.make_safe()


def test_a_late_answer_does_not_pass_for_the_read_back(dialogue):
    with dialogue([*BEFORE, OFF, OPEN]) as unit:
        unit.transport._coming = b"0\n"  # somebody's answer from before
        unit.transport.suspect = True
        unit.make_safe()
        assert unit.transport.statistics()["buffered"] == 0
