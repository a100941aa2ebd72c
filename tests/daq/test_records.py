"""Columns, schemas and frames: both views of a frame say the same."""

from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin import records
from luggin.records import CURRENT, CYCLE, FLAGS, INSTRUMENT_TIME, POTENTIAL, TIME, Column, Flag, Frame, Schema

SCHEMA = Schema("cv", (INSTRUMENT_TIME, POTENTIAL, CYCLE, FLAGS))
ROWS = [(0.5, -0.1, 1, 0), (1.0, 0.25, 2, 16)]


def test_a_kind_that_cannot_be_stored_is_refused():
    with pytest.raises(ValueError, match="column 'charge' has kind 'f16'; known are f8, f4, i4, u4, i8"):
        Column("charge", "C", "f16")


def test_a_schema_knows_its_names_and_places():
    assert SCHEMA.names == ("instrument_time", "potential", "cycle", "flags")
    assert SCHEMA.index("cycle") == 2
    with pytest.raises(KeyError, match="stream 'cv' has no column 'voltage'; it has instrument_time, potential"):
        SCHEMA.index("voltage")


def test_a_row_is_packed_little_endian_without_gaps_and_alike_in_both_views():
    assert SCHEMA.row_struct.format == "<ddiI"
    assert SCHEMA.row_struct.size == SCHEMA.dtype.itemsize == 24
    packed = b"".join(SCHEMA.row_struct.pack(*row) for row in ROWS)
    assert packed == Frame(SCHEMA, 1.0, rows=ROWS).array().tobytes()
    assert packed[:8] == struct.pack("<d", 0.5)


def test_every_kind_has_one_size_in_both_views():
    schema = Schema("all", tuple(Column(kind, "1", kind) for kind in ("f8", "f4", "i4", "u4", "i8")))
    assert schema.row_struct.size == schema.dtype.itemsize == 28


def test_a_schema_is_extended_behind_and_stays_what_it_was():
    longer = SCHEMA.extended(CURRENT)
    assert longer.names == (*SCHEMA.names, "current")
    assert longer.stream == "cv"
    assert "current" not in SCHEMA.names


def test_a_schema_comes_back_from_plain_data():
    schema = Schema(
        "events", (TIME, Column("code", "1", "i4", "what happened", meanings=((1, "started"), (2, "trip"))))
    )
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_a_schema_written_before_columns_had_meanings_is_read():
    data = SCHEMA.to_json()
    for column in data["columns"]:
        column.pop("meanings", None)
    assert Schema.from_json(data) == SCHEMA


def test_flags_are_single_bits_that_fit_their_column():
    assert [int(flag) for flag in Flag] == [1 << bit for bit in range(len(Flag))]
    assert sum(Flag) < 1 << 32
    assert FLAGS.kind == "u4"


@pytest.mark.parametrize("make", [list, tuple], ids=["list of rows", "tuple of rows"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_frames_give_arrays(make, count):
    frame = Frame(SCHEMA, 3.0, rows=make(ROWS[:count]), part=1)
    assert len(frame) == count
    assert not frame.is_block
    assert list(frame.rows()) == ROWS[:count]
    assert frame.array().dtype == SCHEMA.dtype
    assert frame.array().tolist() == ROWS[:count]
    assert frame.column("potential").tolist() == [row[1] for row in ROWS[:count]]
    assert (frame.part, frame.received) == (1, 3.0)
    assert not frame.is_block, "looking at the array does not make it a block"


def test_blocks_give_rows():
    block = Frame(SCHEMA, 3.0, array=np.array(ROWS, dtype=SCHEMA.dtype))
    assert block.is_block
    assert len(block) == 2
    assert list(block.rows()) == ROWS
    assert all(type(value) in (float, int) for row in block.rows() for value in row)


numbers = st.floats(allow_nan=False, width=64)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(numbers, numbers, st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1)), max_size=20))
def test_both_views_are_the_same_numbers(rows):
    short = Frame(SCHEMA, 0.0, rows=rows)
    block = Frame(SCHEMA, 0.0, array=short.array())
    assert list(block.rows()) == list(short.rows()) == rows


def test_a_reading_that_is_not_a_number_stays_one_in_both_views():
    short = Frame(SCHEMA, 0.0, rows=[(0.0, math.nan, 1, 0)])
    assert math.isnan(short.column("potential")[0])
    assert math.isnan(next(iter(Frame(SCHEMA, 0.0, array=short.array()).rows()))[1])


def test_the_columns_of_the_program_have_names_of_their_own_and_units():
    columns = [value for value in vars(records).values() if isinstance(value, Column)]
    assert len({column.name for column in columns}) == len(columns) >= 12
    assert all(column.unit and column.long_name for column in columns)
