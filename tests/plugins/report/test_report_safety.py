"""A report is opened by a browser, and what stands in it comes from files and instruments: nothing gets through."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from luggin.analysis import open_run
from luggin.results import Curve, FigureSpec, Marker
from luggin_plugins.report.figures import draw_spec

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
HOSTILE = EVIL + "'\"&]]>-->$\\frac$\u202e\x00\x1b[31m\ud800😀"
LOADS = ("src", "srcset", "href", "xlink:href", "action", "data", "poster", "background", "formaction")


@pytest.fixture(scope="module")
def hostile_page(completed, page_of):
    """Everything that somebody else writes is hostile."""
    archive = open_run(completed.folder)
    archive.header = json.loads(json.dumps(archive.header))
    archive.header |= {"title": HOSTILE, "notes": {HOSTILE: HOSTILE}}
    archive.header["sample"] |= {
        "id": HOSTILE,
        HOSTILE: [HOSTILE],
        "assumed": [HOSTILE],
        "working": {"material": HOSTILE, HOSTILE: HOSTILE},
        "reference": {"electrode": HOSTILE},
    }
    archive.header["protocol"] |= {"text": HOSTILE, "name": HOSTILE}
    archive.header["analyses"] = [{"use": HOSTILE}, *archive.header["analyses"]]
    archive.header["limits"][0] |= {"column": HOSTILE, "unit": HOSTILE}
    archive.header["software"] = {HOSTILE: HOSTILE}
    archive.finish = {**archive.finish, "outcome": HOSTILE, "error": {"type": HOSTILE, "message": HOSTILE}}
    archive.sessions[0] = {
        **archive.sessions[0],
        "instruments": {"cell": dict.fromkeys(("maker", "model", "serial", "firmware", "raw"), HOSTILE)},
    }
    archive.events.append({"kind": "event", "time": 1.0, "what": HOSTILE, "plugin": HOSTILE})
    archive.events.append({"kind": "event", "time": 1.0, "what": "trip", "words": HOSTILE})
    return page_of(archive)


def test_markup_from_outside_is_only_ever_text(hostile_page):
    page = "html head meta title style body main header section footer h1 h2 h3 p b i ul li span div"
    text = "table thead tbody tr th td time data sup sub code pre details summary figure figcaption"
    picture = "svg g path defs clippath rect use text"
    allowed = set(f"{page} {text} {picture}".split())
    assert {tag for tag, _ in hostile_page.tags} <= allowed
    assert not any(name.startswith("on") for _, attributes in hostile_page.tags for name in attributes)
    assert "alert(1)" in hostile_page.text


def test_control_characters_and_turned_text_are_replaced(hostile_page):
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", hostile_page.html)
    assert "\ufffd" in hostile_page.text
    hostile_page.html.encode("utf-8")


@pytest.mark.parametrize("which", ["completed_page", "hostile_page"])
def test_nothing_is_loaded_from_anywhere(which, request):
    page = request.getfixturevalue(which)
    links = [(t, n, v) for t, attributes in page.tags for n, v in attributes.items() if n in LOADS]
    assert links
    assert all(str(value).startswith("#") for _, _, value in links)
    everything = " ".join([*page.styles, *(str(v) for _, a in page.tags for v in a.values())])
    assert re.findall(r"url\((?!#)", everything) == []
    assert "@import" not in everything
    assert {tag for tag, _ in page.tags} & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "img",
        "base",
        "form",
    } == set()


def test_pictures_are_well_formed_and_their_references_meet(completed_page):
    names: list[str] = []
    for picture in completed_page.pictures:
        root = ElementTree.fromstring(picture)
        own = [node.attrib["id"] for node in root.iter() if "id" in node.attrib]
        wanted = set(re.findall(r"""(?:url\(#|href="#)([^")]+)""", picture))
        assert wanted
        assert wanted <= set(own)
        names += own
        assert not [node for node in root.iter() if node.tag.endswith(("metadata", "style", "script"))]
    assert len(names) == len(set(names))


def test_hostile_labels_do_not_break_a_picture():
    x = np.linspace(0.0, 1.0, 50)
    spec = FigureSpec(
        HOSTILE,
        HOSTILE,
        HOSTILE,
        "V",
        HOSTILE,
        (Curve(x, x, HOSTILE), Curve(x, -x, HOSTILE)),
        (Marker(0.5, None, HOSTILE),),
    )
    root = ElementTree.fromstring(draw_spec(spec, "f1").svg)
    assert root.attrib["aria-label"].startswith("<script>alert(1)</script>")
    assert {node.tag.rpartition("}")[2] for node in root.iter()} <= {
        "svg",
        "g",
        "path",
        "defs",
        "clipPath",
        "rect",
        "use",
        "text",
    }


@pytest.mark.parametrize(
    "values", [[], [np.nan], [1.0], [np.inf, 1.0], [np.nan] * 9, [0.0] * 9, [1e300, -1e300, 1e-300]]
)
def test_curves_that_are_no_curves_are_drawn(values):
    y = np.array(values, np.float64)
    spec = FigureSpec("t", "potential", "current", "V", "A", (Curve(np.arange(len(y), dtype=np.float64), y),))
    ElementTree.fromstring(draw_spec(spec, "f1").svg)


def test_report_stays_small(completed, completed_page, page_of):
    assert len(completed_page.html) < 300_000
    archive = open_run(completed.folder)
    archive.header = {**archive.header, "protocol": {**archive.header["protocol"], "text": "x" * 1_000_000}}
    page = page_of(archive)
    assert len(page.html) < 400_000
    assert "further characters: see run.log" in page.text


def test_curve_of_a_hundred_thousand_noisy_points_stays_small():
    rng = np.random.default_rng(5)
    x = np.concatenate([np.linspace(0, -1.7, 50_000), np.linspace(-1.7, 0, 50_000)])
    spec = FigureSpec("t", "potential", "current", "V", "A", (Curve(x, 1e-6 * rng.standard_normal(len(x))),))
    assert len(draw_spec(spec, "f1").svg) < 120_000
