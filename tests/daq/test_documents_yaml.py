"""YAML text as data with lines: it says what TOML says, and whatever the text, it gives data or words."""

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luggin.documents import MAXIMUM_BYTES, is_yaml, load_document, load_toml, load_yaml, read_document, read_yaml
from luggin.errors import ProtocolError
from luggin.steps import load_protocol

QUIET = settings(deadline=None, derandomize=True, max_examples=300)

TOML = """
title = "Two waves"
limits = [
  {column = "potential", between = ["-2 V", "1 V"]},
  {column = "current", between = ["-100 uA", "100 uA"], for = "3 rows"},
]
steps = [
  {do = "ocp", id = "rest", duration = "60 s", dt = "0.5 s"},
  {do = "for_each", var = "v", values = ["50 mV/s", "1 V/s"], steps = [
    {do = "cv", id = "rates", begin = "0 V vs ref", vertices = ["-1.7 V", "0.2 V"], rate = "$v", step = "1 mV",\
 cycles = 2}]},
]
analyses = [{use = "cv.half-waves", on = "rates", couples = [{label = "4-/5-", near = "-0.48 V"}]}]
[on]
pc_lost = "stop"
[sample]
id = "re4mo2-4"
wiring = "three-electrode"
working = {material = "glassy carbon", diameter = "3.0(1) mm"}
counter = {material = "Pt wire"}
reference = {electrode = "Ag/AgCl", fill = "3.5 M KCl"}
"""

YAML = """\
title: Two waves            # line 1
limits:
  - {column: potential, between: [-2 V, 1 V]}
  - column: current
    between: ["-100 uA", '100 uA']
    for: 3 rows
steps:
  - {do: ocp, id: rest, duration: 60 s, dt: 0.5 s}
  - do: for_each
    var: v
    values: [50 mV/s, 1 V/s]
    steps:
      - do: cv
        id: rates
        begin: 0 V vs ref
        vertices:
          - -1.7 V
          - 0.2 V
        rate: $v
        step: 1 mV
        cycles: 2
analyses:
  - use: cv.half-waves
    on: rates
    couples: [{label: 4-/5-, near: -0.48 V}]
on:
  pc_lost: stop
sample:
  id: re4mo2-4
  wiring: three-electrode
  working: {material: glassy carbon, diameter: 3.0(1) mm}
  counter: {material: Pt wire}
  reference:
    electrode: Ag/AgCl
    fill: 3.5 M KCl
"""


def refused(text, name="p.yaml"):
    with pytest.raises(ProtocolError) as caught:
        load_yaml(text, name)
    return str(caught.value)


def test_it_says_what_toml_says():
    yaml, toml = load_yaml(YAML, "p.yaml"), load_toml(TOML, "p.toml")
    assert yaml.data == toml.data
    assert (yaml.language, toml.language) == ("yaml", "toml")
    assert set(yaml.lines) == set(toml.lines)


def test_equal_protocols_have_equal_fingerprints():
    yaml = load_protocol(text=YAML, name="p.yaml").protocol
    toml = load_protocol(text=TOML, name="p.toml").protocol
    assert yaml == toml
    done = [(e.path, e.step.fingerprint()) for e in yaml.walk()]
    assert done == [(e.path, e.step.fingerprint()) for e in toml.walk()]
    assert len(done) == 3


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("title",), 1),
        (("limits",), 2),
        (("limits", 0, "between", 1), 3),
        (("limits", 1), 4),
        (("limits", 1, "for"), 6),
        (("steps", 0, "duration"), 8),
        (("steps", 1), 9),
        (("steps", 1, "values", 1), 11),
        (("steps", 1, "steps", 0), 13),
        (("steps", 1, "steps", 0, "vertices", 1), 18),
        (("steps", 1, "steps", 0, "quiet"), 13),
        (("analyses", 0, "couples", 0, "near"), 25),
        (("on", "pc_lost"), 27),
        (("sample", "reference", "fill"), 35),
        (("nothing",), 1),
    ],
)
def test_every_key_has_its_line(path, line):
    assert load_yaml(YAML, "p.yaml").line(path) == line


def test_mistakes_of_a_protocol_have_their_lines():
    wrong = (
        YAML.replace("duration: 60 s", "duration: 60 V").replace("use: cv", "uses: cv").replace("rate: $v", "rat: $v")
    )
    with pytest.raises(ProtocolError) as caught:
        load_protocol(text=wrong, name="p.yaml")
    lines = sorted(problem.line for problem in caught.value.problems)
    assert {8, 19, 23} <= set(lines)
    assert "p.yaml:8: steps[1].duration:" in str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("2026-11-20", "2026-11-20"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("=", "="),
        ("25 mV/s", "25 mV/s"),
        ("-0.48 V", "-0.48 V"),
        ("$v", "$v"),
        ("inf", "inf"),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-2.5E-3", -0.0025),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ('"true"', "true"),
        ("'12'", "12"),
        ('""', ""),
        ('"a\\tb"', "a\tb"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        (">\n  one\n  line\n", "one line\n"),
    ],
)
def test_what_a_word_means(written, value):
    found = load_yaml(f"a: {written}", "p.yaml").data["a"]
    assert found == value
    assert type(found) is type(value)


def test_no_number_is_no_number():
    assert math.isnan(load_yaml("a: .nan", "p.yaml").data["a"])


@pytest.mark.parametrize("key", ["on", "off", "yes", "no", "true", "1", "1.5", "1:30", "null", "~", "010"])
def test_keys_are_words_whatever_they_look_like(key):
    assert load_yaml(f"{key}: x", "p.yaml").data == {key: "x"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}", "\ufeff"])
def test_an_empty_text_says_nothing(text):
    assert load_yaml(text, "p.yaml").data == {}


ZERO = 'versions of YAML read different numbers. Write "?" in quotes if it is a name, or the number without the zero.'
REPEATED = " Write it out, or use `for_each`."
NO_VALUE = ' Leave it out, or write "" for an empty text.'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: !!python/object/apply:os.system [ls]",
            "2: `!!python/object/apply:os.system` is a tag; a protocol has none. Leave it out.",
        ),
        ("a: !!str 1", "1: `!!str` is a tag; a protocol has none. Leave it out."),
        ("a: !mine {b: 1}", "1: `!mine` is a tag; a protocol has none. Leave it out."),
        ("a: ! 1", "1: `!` is a tag; a protocol has none. Leave it out."),
        ("a: &x 1\nb: 2", f"1: `&x` names a part of the file to be repeated.{REPEATED}"),
        ("a: 1\nb: *x", f"2: `*x` repeats another part of the file.{REPEATED}"),
        ("a:\n  <<: {b: 1}", f"2: `<<` merges another table into this one.{REPEATED}"),
        ("a: 1\nb: 2\na: 3", "3: the key `a` stands here a second time. First on line 1."),
        ("a: {b: 1, 'b': 2}", "1: the key `b` stands here a second time. First on line 1."),
        ("a:\nb: 1", f"1: `a` has no value.{NO_VALUE}"),
        ("a: ~", f"1: `a` has no value (~).{NO_VALUE}"),
        ("a: [1, null]", f"1: here is no value (null).{NO_VALUE}"),
        ("a:\n- 1\n-\n", f"3: here is no value.{NO_VALUE}"),
        (
            "a: 010",
            f"1: 010 begins with a zero: {ZERO.replace('?', '010')}",
        ),
        (
            "id: 007",
            f"1: 007 begins with a zero: {ZERO.replace('?', '007')}",
        ),
        ("- a", "1: this file is no table of keys. It begins for example with `title: ...`."),
        ("title", "1: this file is no table of keys. It begins for example with `title: ...`."),
        ("a: 1\n---\nb: 2", "2: a second document begins here. Put each protocol into a file of its own."),
        ("? [a]\n: b", "1: a key is a word, not a list or table."),
        ("?\n: b", '1: a key is missing before the colon. A text with ": " in it stands in quotes.'),
        (
            "title: CV: first",
            '1: this is not YAML: mapping values are not allowed here. A text with ": " in it stands in quotes.',
        ),
        (
            "a:\n\tb: 1",
            "2: this is not YAML: while scanning for the next token, found character '\\t' that cannot start any "
            "token. Indent with blanks; YAML allows no tabs there.",
        ),
        (
            "a: 1\nrate\nb: 2",
            "3: this is not YAML: while scanning a simple key, could not find expected ':'. "
            "A key is followed by a colon and a blank: `rate: 25 mV/s`.",
        ),
        ("a: [1, 2\nb: 3", "2: this is not YAML: while parsing a flow sequence, expected ',' or ']', but got ':'."),
        ('a: "\\ud800"', '1: half a character (a surrogate) is escaped here. Write "\\U0001F600" for U+1F600.'),
        ("a: 1\nb: \x07", "2: the character U+0007 cannot stand in YAML."),
        ("a: " + "9" * 5000, "1: a number in this file has more digits than can be read."),
        ("a: 1\nb: -9223372036854775809", "2: a whole number here has more than 64 bits."),
        ("a: 0x" + "F" * 5000, "1: a whole number here has more than 64 bits."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, message):
    assert refused(text) == f"p.yaml:{message}"


def test_escapes_beyond_all_characters_are_refused():
    assert refused('a: 1\nb: "\\UFFFFFFFF"').startswith("p.yaml:2: this is not YAML: ")


def test_a_billion_laughs_are_refused_at_the_first():
    bomb = "a: &a [lol, lol]\n" + "".join(
        f"{y}: &{y} [*{x}, *{x}, *{x}]\n" for x, y in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert refused(bomb).startswith("p.yaml:1: `&a` names")


@pytest.mark.parametrize("level", ["[", "{a: ", "- ", "? ", "\n"])
def test_deep_nesting_is_refused(level):
    deep = "".join(f"{' ' * n}a:\n" for n in range(40)) if level == "\n" else "a:\n  " + level * 3000
    message = refused(deep)
    assert "nested more than 20 deep" in message or "a key is a word" in message


def test_twenty_levels_are_read():
    assert load_yaml("[" * 0 + "a: " + "[" * 19 + "]" * 19, "p.yaml").data["a"] is not None
    assert "nested more than 20 deep" in refused("a: " + "[" * 21 + "]" * 21)


def test_large_binary_and_foreign_texts_are_refused(tmp_path):
    assert "larger than 1 MiB" in refused("#" * (MAXIMUM_BYTES + 1))
    assert "not UTF-8" in refused(b"a: \xff")
    assert "UTF-16" in refused("a: 1".encode("utf-16"))
    assert "NUL" in refused("a: \0")
    with pytest.raises(ProtocolError, match="there is no such file"):
        read_yaml(tmp_path / "missing.yaml")


def test_the_name_of_a_file_says_its_language(tmp_path):
    path = tmp_path / "p.YML"
    path.write_bytes(b"\xef\xbb\xbfa: on\r\nb: 2\r\n")
    document = read_document(path)
    assert document.data == {"a": "on", "b": 2}
    assert document.line(("b",)) == 2
    assert document.sha256 == load_document("a: on\nb: 2\n", "x.yaml").sha256
    assert load_document("a = 1", "p.toml").data == {"a": 1}
    assert load_document("a = 1", "protocol").language == "toml"
    assert is_yaml("dir.toml/p.yaml")
    assert not is_yaml("p.yaml.toml")


def test_yaml_is_imported_when_a_file_is_yaml():
    code = (
        "import sys; from luggin.documents import load_toml, load_yaml\n"
        "load_toml('a = 1', 'p'); assert 'yaml' not in sys.modules\n"
        "load_yaml('a: 1', 'p'); assert 'yaml' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(10**12), 10**12),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=12),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=12,
)


def loaded(load, text):
    """What the text gives, or the error with its words."""
    try:
        return load(text)
    except ProtocolError as error:
        return error


@QUIET
@given(st.dictionaries(st.text(max_size=8), values, max_size=4))
def test_json_is_yaml(data):
    found = loaded(lambda text: load_yaml(text, "p.yaml"), json.dumps(data).replace("\x7f", "\\u007f"))
    if any(c > "\uffff" for c in json.dumps(data, ensure_ascii=False)):
        assert "surrogate" in str(found)  # JSON writes characters above U+FFFF as two halves
    else:
        assert found.data == data


@QUIET
@given(st.one_of(st.text(), st.text(alphabet="ab: -[]{}\n#'\"&*!|>%@`\t?,~0123.", max_size=60), st.binary(max_size=60)))
def test_any_text_gives_a_document_or_words(text):
    found = loaded(lambda text: load_yaml(text, "p.yaml"), text)
    if isinstance(found, ProtocolError):
        assert all(problem.message for problem in found.problems)
    else:
        assert all(isinstance(key, str) for key in found.data)
        assert set(found.lines.values()) <= set(range(1, found.text.count("\n") + 2))


@settings(QUIET, max_examples=100)
@given(st.data())
def test_a_damaged_protocol_gives_a_protocol_or_words(data):
    start = data.draw(st.integers(0, len(YAML)))
    stop = data.draw(st.integers(start, min(len(YAML), start + 20)))
    text = YAML[:start] + data.draw(st.text(alphabet="ab: -[]{}\n#'\"&*!|0", max_size=8)) + YAML[stop:]
    found = loaded(lambda text: load_protocol(text=text, name="p.yaml"), text)
    assert found.problems if isinstance(found, ProtocolError) else found.protocol.steps
