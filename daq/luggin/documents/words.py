"""Small words for messages about files."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def did_you_mean(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str:
    """``Did you mean `rate`?`` for the candidate nearest to a misspelt word, or an empty string."""
    names = list(dict.fromkeys(candidates))
    plain = {_plain(name): name for name in names}
    nearest = difflib.get_close_matches(_plain(word[:80]), list(plain), 1, cutoff)
    return f"Did you mean `{plain[nearest[0]]}`?" if nearest else ""


def toml_value(value: object) -> str:
    """A plain value as TOML writes it, in one line.

    >>> toml_value({"between": ["-2 V", "1 V"], "on": True})
    '{between = ["-2 V", "1 V"], on = true}'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but JSON lets DEL pass
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(str(key))} = {toml_value(item)}" for key, item in value.items()) + "}"
    return str(value)


def _toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


def shown(value: object) -> str:
    """A value from a file, short enough for a message."""
    text = toml_value(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(word: str) -> str:
    return word.lower().replace("_", "-").replace(" ", "-")
