"""A picture of matplotlib as it stands in the page: small, searchable, and in the colours of the page."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_LONG_NUMBER = re.compile(r"(\d+\.\d{2})\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")

INK, FAINT, PAPER = "#1c2733", "#c9d1d9", "#fefefe"
BLUE, RED, GREEN = "#1f5fa8", "#b3402a", "#2b7a4b"
COLOURS = {INK: "ink", FAINT: "faint", PAPER: "paper", BLUE: "blue", RED: "red", GREEN: "green"}
"""Colours of a figure and the variables of the page's style that replace them (dark screens)."""


def settings() -> dict[Any, Any]:
    """How matplotlib draws while a figure is made: text stays text, equal figures are equal bytes."""
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "luggin",
        "font.family": "sans-serif",
        "font.size": 9.0,
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "axes.linewidth": 0.8,
        "lines.linewidth": 1.1,
        "xtick.direction": "in",
        "ytick.direction": "in",
        "axes.unicode_minus": True,
        "axes.formatter.useoffset": False,
        "axes.formatter.use_mathtext": False,
        "text.parse_math": False,
        "text.usetex": False,
    }


def picture(figure: Figure, name: str, title: str) -> str:
    """The figure as an ``<svg>`` element.

    Args:
        figure: what to draw.
        name: a word that no other figure of the page has; references within the picture begin with it.
        title: said to those who cannot see the picture.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Text stays text, so the reader's font draws it: what matplotlib's own font lacks does not matter.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(buffer.getvalue())
    _prune(root)
    wanted = _references(root)
    for node in root.iter():
        _tidy(node, name, wanted)
    root.set("role", "img")
    root.set("aria-label", title)
    del root.attrib["width"], root.attrib["height"]
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return ElementTree.tostring(root, encoding="unicode")


def _prune(root: ElementTree.Element) -> None:
    """Take out metadata, and the style sheet that would reach the rest of the page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)


def _references(root: ElementTree.Element) -> set[str]:
    """Names that something in the picture refers to."""
    names: set[str] = set()
    for node in root.iter():
        names.update(m for value in node.attrib.values() for m in _REFERENCE.findall(value))
        names.add(node.get(_LINK, "#")[1:])
    return names


def _tidy(node: ElementTree.Element, name: str, wanted: set[str]) -> None:
    own = node.attrib.pop("id", None)
    if own in wanted:
        node.set("id", f"{name}-{own}")
    link = node.attrib.pop(_LINK, None)
    if link is not None:
        node.set("href", f"#{name}-{link[1:]}")
    for key, value in list(node.attrib.items()):
        if key == "d":
            node.set(key, _LONG_NUMBER.sub(r"\1", value))
        elif key == "style":
            node.set(key, _coloured(value))
        elif "url(#" in value:
            node.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _coloured(style: str) -> str:
    for colour, variable in COLOURS.items():
        style = style.replace(colour, f"var(--{variable}, {colour})")
    return style
