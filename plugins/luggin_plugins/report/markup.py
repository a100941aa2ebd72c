"""Markup that is safe by construction: whatever is not `Html` is escaped when it becomes a child.

Names of samples, labels and replies of instruments come from outside and may hold anything. Only
`element`, `join` and `trusted` make `Html`.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence

_VOID = frozenset({"br", "hr", "meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def clean(text: object) -> str:
    r"""Text without what a page cannot show: control characters, lone surrogates, changes of direction.

    Each becomes U+FFFD, so that a reader sees that something stood there.

    >>> clean("a\x00b") == "a\ufffdb"
    True
    """
    return "".join(_shown(character) for character in str(text))


def _shown(character: str) -> str:
    if character in "\n\t":
        return character
    hidden = unicodedata.category(character) in ("Cc", "Cs", "Cn") or unicodedata.bidirectional(character) in (
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    )
    return "\ufffd" if hidden else character


def escaped(text: object) -> Html:
    """Any text as markup that shows exactly it."""
    return text if isinstance(text, Html) else Html(html.escape(clean(text), quote=True))


def trusted(markup: str) -> Html:
    """Markup that this package made itself (an SVG picture)."""
    return Html(markup)


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one behind the other; all but `Html` are escaped."""
    return Html(escaped(between).join(escaped(part) for part in parts))


def element(tag: str, *children: object, **attributes: str) -> Html:
    """One element. ``class_`` and ``colspan`` and the like are attributes; None children are left out.

    >>> element("p", "1 < 2", class_="note")
    '<p class="note">1 &lt; 2</p>'
    """
    said = "".join(f' {name.rstrip("_")}="{escaped(value)}"' for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{said}>")
    inside = join(child for child in children if child is not None)
    return Html(f"<{tag}{said}>{inside}</{tag}>")


def table(heads: Sequence[object], rows: Iterable[Sequence[object]], class_: str = "") -> Html:
    """A table with a line of headings. A row that is shorter than the headings has a last cell over the rest."""
    body = []
    for row in rows:
        cells = [element("td", cell) for cell in row]
        if len(row) < len(heads):
            cells[-1] = element("td", row[-1], colspan=str(len(heads) - len(row) + 1), class_="gap")
        body.append(element("tr", *cells))
    head = element("thead", element("tr", *(element("th", h, scope="col") for h in heads)))
    return element("div", element("table", head, element("tbody", *body), class_=class_), class_="wide")


def pairs(rows: Iterable[tuple[object, object]]) -> Html:
    """Names with their values."""
    body = [element("tr", element("th", name, scope="row"), element("td", value)) for name, value in rows]
    return element("div", element("table", element("tbody", *body), class_="pairs"), class_="wide")


def details(summary: object, *inside: object) -> Html:
    """Something that is folded away until somebody wants it."""
    return element("details", element("summary", summary), *inside)


def section(title: str, *inside: object, id_: str = "") -> Html:
    """A part of the page under its heading."""
    attributes = {"id": id_} if id_ else {}
    return element("section", element("h2", title), *inside, **attributes)


def bullets(items: Iterable[object]) -> Html:
    """A list."""
    return element("ul", *(element("li", item) for item in items))
