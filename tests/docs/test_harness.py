"""The tests of pages notice when a page is wrong."""

from __future__ import annotations

import pytest


def _page(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("value 0.4761 V", "value 0.4790 V"),
        ("value 0.4761 V", "value none"),
        ("one\ntwo", "one"),
        ("one", "one\ntwo"),
        ("2 rows", "3 rows"),
        ("one\n...\nthree", "one\ntwo"),
    ],
)
def test_another_output_than_the_page_shows_is_noticed(printed_agrees, shown, printed):
    with pytest.raises(pytest.fail.Exception, match="shows something else"):
        printed_agrees(shown, printed, "page")


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("value 0.4761 V", "value   0.4770 V"),
        ("one\n...\nthree", "one\ntwo\nand a half\nthree"),
        ("took ... s", "took 12 s"),
        ("in runs/20260314T101500Z_a_b_3f2a", "in runs/20991231T235959Z_other_0000"),
    ],
)
def test_what_depends_on_chance_may_differ(printed_agrees, shown, printed):
    printed_agrees(shown, printed, "page")


def test_a_command_that_fails_is_noticed(teller, tmp_path):
    page = _page(tmp_path, "<!-- test -->\n```console\n$ luggin check nothing.toml\n```\n")
    with pytest.raises(pytest.fail.Exception, match="exit code 2"):
        teller.tell(page)


def test_python_that_raises_is_noticed(teller, tmp_path):
    page = _page(tmp_path, "<!-- test -->\n```python\n1 / 0\n```\n")
    with pytest.raises(ZeroDivisionError):
        teller.tell(page)


def test_files_of_a_page_are_there_for_what_follows(teller, tmp_path):
    text = (
        "<!-- file: one.txt -->\n```text\nhello\n```\n"
        "<!-- test -->\n```python\nfrom pathlib import Path\nprint(Path('one.txt').read_text())\n```\n"
        "<!-- output -->\n```text\nhello\n```\n"
    )
    teller.tell(_page(tmp_path, text))
