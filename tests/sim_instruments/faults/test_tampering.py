"""What faults do to the bytes of a reply."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from luggin_sim.faults.tampering import dropped, garbled, interleaved, truncated

REPLY = b"PdaAF08000u;baAFAF080p,10,212\n"
replies = st.binary(min_size=0, max_size=60)
seeds = st.integers(0, 2**32)
quickly = settings(deadline=None, derandomize=True, max_examples=200)


def differing(one, other):
    return [index for index, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]


def is_within(part, whole):
    """True if the bytes of ``part`` stand in ``whole`` in the same order, with or without others between."""
    rest = iter(whole)
    return all(byte in rest for byte in part)


def test_a_lost_reply_is_nothing():
    assert dropped(REPLY, None, Random(1)) == b""
    assert dropped(b"R*\n", 3, Random(1)) == b""


@quickly
@given(replies, st.integers(1, 20), seeds)
def test_lost_bytes_are_so_many_in_a_row(reply, count, seed):
    left = dropped(reply, count, Random(seed))
    assert len(left) == max(0, len(reply) - count)
    assert left in [reply[:k] + reply[k + count :] for k in range(len(reply) + 1)]


@quickly
@given(replies, st.integers(1, 20), seeds)
def test_changed_bytes_are_so_many_and_cannot_be_taken_for_text(reply, count, seed):
    changed = garbled(reply, count, Random(seed), inserted=False)
    places = differing(reply, changed)
    assert len(places) == min(count, sum(byte not in b"\r\n" for byte in reply))
    assert all(changed[place] >= 0x80 and reply[place] not in b"\r\n" for place in places)


@quickly
@given(replies, st.integers(1, 20), seeds)
def test_inserted_bytes_leave_the_reply_whole_between_them(reply, count, seed):
    longer = garbled(reply, count, Random(seed), inserted=True)
    assert len(longer) == len(reply) + count
    assert is_within(reply, longer)
    assert sum(byte >= 0x80 for byte in longer) - sum(byte >= 0x80 for byte in reply) == count


@quickly
@given(replies, st.none() | st.integers(0, 80), seeds)
def test_a_cut_reply_is_a_true_beginning(reply, keep, seed):
    cut = truncated(reply, keep, Random(seed))
    assert reply.startswith(cut)
    assert len(cut) < max(1, len(reply))
    if keep is not None and keep < len(reply):
        assert len(cut) == keep


@quickly
@given(replies, replies, seeds)
def test_mixed_replies_have_all_bytes_of_both_in_order(one, other, seed):
    mixed = interleaved(one, other, Random(seed))
    assert sorted(mixed) == sorted(one + other)
    assert is_within(one, mixed)
    assert is_within(other, mixed)


def test_two_longer_replies_are_really_mixed():
    assert interleaved(b"aaaaaaaaaa", b"bbbbbbbbbb", Random(3)) not in (b"a" * 10 + b"b" * 10, b"b" * 10 + b"a" * 10)


def test_the_same_seed_does_the_same():
    for act in (
        lambda random: dropped(REPLY, 4, random),
        lambda random: garbled(REPLY, 4, random, inserted=False),
        lambda random: garbled(REPLY, 4, random, inserted=True),
        lambda random: truncated(REPLY, None, random),
        lambda random: interleaved(REPLY, REPLY.swapcase(), random),
    ):
        assert act(Random(5)) == act(Random(5))
        assert len({act(Random(seed)) for seed in range(20)}) > 5
