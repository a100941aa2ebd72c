"""TOML text as data with lines: whatever the text, it gives data or words."""

import math
import tomllib
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.documents import MAXIMUM_BYTES, Document, did_you_mean, load_toml, read_toml, shown, toml_value
from luggin.errors import ProtocolError

QUIET = settings(deadline=None, derandomize=True, max_examples=300)

TOO_DEEP = ": tables and arrays are nested more than 20 deep. Deep loops are easier to read as a Python script."

PROTOCOL = '''\
title = "CV"          # line 1
limits = [
  {column = "potential", between = ["-2 V", "1 V"]},

  # a comment with [brackets] and "quotes
  {column = "current",  between = ["-1 mA", "1 mA"]},
]
steps = [
  {do = "for_each", values = ["a ] b", 'c } d'], steps = [
    {do = "cv", "rate" = "25 mV/s", sub.deep = {x = 1, y = [[1, 2],
      [3]]}},
    {do = "ocp"}]},
]
text = """
[not.a.table]
rate = "x" \\
   """ # still a comment
literal = \'\'\'
[[nor.this]]\'\'\'
when = 1979-05-27 07:32:00

[sample]
id = "x"
working = {material = "glassy carbon"}
[sample.counter]
material = "Pt"
[[analyses]]
use = "one"
[[analyses]]
use = "two"
  [[analyses.couples]]
  label = "first"
  [[analyses.couples]]
  label = "second"
[analyses.options]
deep = true
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("title",), 1),
        (("limits",), 2),
        (("limits", 0, "between", 1), 3),
        (("limits", 1), 6),
        (("limits", 1, "column"), 6),
        (("steps",), 8),
        (("steps", 0, "do"), 9),
        (("steps", 0, "values", 1), 9),
        (("steps", 0, "steps"), 9),
        (("steps", 0, "steps", 0, "rate"), 10),
        (("steps", 0, "steps", 0, "sub", "deep", "y"), 10),
        (("steps", 0, "steps", 0, "sub", "deep", "y", 1, 0), 11),
        (("steps", 0, "steps", 1, "do"), 12),
        (("text",), 14),
        (("literal",), 18),
        (("when",), 20),
        (("sample",), 22),
        (("sample", "working", "material"), 24),
        (("sample", "counter"), 25),
        (("sample", "counter", "material"), 26),
        (("analyses", 0, "use"), 28),
        (("analyses", 1), 29),
        (("analyses", 1, "couples", 1, "label"), 34),
        (("analyses", 1, "options", "deep"), 36),
    ],
)
def test_every_key_has_its_line(path, line):
    assert load_toml(PROTOCOL, "p.toml").line(path) == line


def test_a_key_that_is_not_there_has_the_line_of_what_encloses_it():
    document = load_toml(PROTOCOL, "p.toml")
    assert document.line(("steps", 0, "steps", 1, "duration")) == 12
    assert document.line(("sample", "wiring")) == 22
    assert document.line(("nothing", "at", "all")) == 1


def test_windows_line_ends_and_byte_order_mark_change_nothing():
    document = load_toml(b"\xef\xbb\xbf" + PROTOCOL.replace("\n", "\r\n").encode(), "p.toml")
    plain = load_toml(PROTOCOL, "p.toml")
    assert document.data == plain.data
    assert document.lines == plain.lines
    assert document.sha256 == plain.sha256


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a = 1\nrate = 25 mV/s",
            "f.toml:2: this is not TOML: expected newline or end of document after a statement. "
            'A quantity stands in quotes: "25 mV/s".',
        ),
        ("a = 1\n\na = 2", "f.toml:3: this is not TOML: the same key stands here a second time."),
        ("a = {b = 1, b = 2}", "f.toml:1: this is not TOML: the same key stands here a second time."),
        ("[a]\n[a]", "f.toml:2: this is not TOML: this table stands here a second time."),
        ('a = "\\q"', "f.toml:1: this is not TOML: a backslash in this text has no meaning; write it twice."),
        (
            'a = 1\nsteps = [{do = "cv",\nrate = "1 V/s"}]',
            "f.toml:2: this is not TOML: invalid initial character for a key part. "
            "A table in braces, { ... }, stays on one line; arrays, [ ... ], may span lines.",
        ),
        ('a = "b\nc = 1', "f.toml:1: this is not TOML: illegal character '\\n'."),
        ("a = [1,\n2", "f.toml:2: this is not TOML: unclosed array."),
        ("a = 1\nb = \0", "f.toml:2: the file holds a NUL character: it is not text."),
        ("a = 1\n\ud800", "f.toml:2: the text is not valid Unicode."),
        (b"a = 1\nb = '\xe9'", "f.toml:2: the file is not UTF-8. Save it again with the encoding UTF-8."),
        ("a = 1".encode("utf-16"), "f.toml: the file is UTF-16, not UTF-8. Save it again with the encoding UTF-8."),
        ("a = " + "1" * 5000, "f.toml: a number in this file has more digits than can be read."),
        ("a = 1\nb = {c = [1, 9223372036854775808]}", "f.toml:2: a whole number here has more than 64 bits."),
        ("a = 0x" + "F" * 5000, "f.toml:1: a whole number here has more than 64 bits."),
        (
            "a = 1\nb = " + "[" * 30 + "]" * 30,
            "f.toml:2" + TOO_DEEP,
        ),
        (
            "a = 1\nb = " + "{x = " * 3000 + "1" + "}" * 3000,
            "f.toml:2" + TOO_DEEP,
        ),
        (
            "a." * 100_000 + "a = 1",
            "f.toml:1" + TOO_DEEP,
        ),
        ("#" * (MAXIMUM_BYTES + 1), "f.toml: the file is larger than 1 MiB; it was not read."),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text, message):
    with pytest.raises(ProtocolError) as refused:
        load_toml(text, "f.toml")
    assert str(refused.value) == message


def test_twenty_levels_are_allowed():
    assert load_toml("a = " + "[" * 19 + "]" * 19, "f.toml").data["a"]


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ProtocolError, match=r"nothing\.toml: there is no such file"):
        read_toml(tmp_path / "nothing.toml")
    with pytest.raises(ProtocolError, match="the file cannot be read: "):
        read_toml(tmp_path)
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (MAXIMUM_BYTES + 1))
    with pytest.raises(ProtocolError, match="larger than 1 MiB"):
        read_toml(large)


def test_a_file_is_named_in_its_messages(tmp_path):
    (tmp_path / "p.toml").write_text("title = ", encoding="utf-8")
    with pytest.raises(ProtocolError) as refused:
        read_toml(tmp_path / "p.toml")
    assert str(refused.value) == f"{tmp_path / 'p.toml'}:1: this is not TOML: invalid value."


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("duraton", "Did you mean `duration`?"),
        ("Rate", "Did you mean `rate`?"),
        ("half waves", "Did you mean `half-waves`?"),
        ("rest_befor", "Did you mean `rest_before`?"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_did_you_mean(word, sentence):
    assert did_you_mean(word, ["duration", "rate", "half-waves", "rest_before"]) == sentence


def test_long_values_are_shown_short():
    assert shown("x" * 100) == '"' + "x" * 56 + "..."
    assert shown(["-2 V", 1, True, 0.5, {"a b": date(2024, 5, 1)}]) == '["-2 V", 1, true, 0.5, {"a b" = 2024-05-01}]'


# --- properties ---------------------------------------------------------------------------------

_keys = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
_scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_keys, inner, max_size=3)),
    max_leaves=8,
)
_documents = st.dictionaries(_keys, _values, max_size=4)


def read_or_refused(text):
    try:
        return load_toml(text, "f.toml")
    except ProtocolError as error:
        return error


def paths_of(data, path=()):
    """All paths of parsed data, as the locator should have them."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from paths_of(value, (*path, key))


@QUIET
@given(_documents)
def test_what_is_written_as_toml_is_read_back_with_all_paths(data):
    text = "".join(
        f"\n# {index}\n{toml_value({key: value})[1:-1]}\n" for index, (key, value) in enumerate(data.items())
    )
    document = load_toml(text, "f.toml")
    assert document.data == data
    assert set(document.lines) == set(paths_of(data))
    for index, key in enumerate(data):
        assert document.line((key,)) == 3 + 3 * index


_FRAGMENTS = (
    "a", "b.c", '"q\\u00e9"', "'l'", " = ", "\n", "1", '"s"', "'''x\n'''", '"""y\n"""', "[", "]", "[[", "]]", "{", "}",
    ",", "# c", "true", "1979-05-27", "[a]\n", "[[b]]\n", "[[b.c]]\n", "a = 1\n", "{a = 1, b.c = [1,\n 2]}", "\\", ".",
)  # fmt: skip


@QUIET
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=25).map("".join))
def test_pieces_of_toml_give_data_with_the_same_paths_or_a_protocol_error(text):
    read = read_or_refused(text)
    if isinstance(read, Document):
        assert set(read.lines) == set(paths_of(read.data))
        assert all(1 <= line <= text.count("\n") + 1 for line in read.lines.values())
    else:
        assert str(read).startswith("f.toml:")
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)


@QUIET
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_any_text_gives_data_or_a_protocol_error(text):
    read = read_or_refused(text)
    assert isinstance(read.data, dict) if isinstance(read, Document) else read.problems


def test_infinite_numbers_are_toml_too():
    assert load_toml(f"a = {toml_value(math.inf)}", "f.toml").data == {"a": math.inf}
