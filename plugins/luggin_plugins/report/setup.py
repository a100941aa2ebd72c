"""On what it was measured: the cell with its electrodes, what was not stated about it, and the instruments."""

from __future__ import annotations

from luggin_plugins.report.assumptions import assumed, assumption_words
from luggin_plugins.report.gathering import Instrument, Material
from luggin_plugins.report.markup import Html, bullets, element, join, pairs, section
from luggin_plugins.report.wording import described, short

_POLARITY = {
    "iupac": "IUPAC (anodic current positive), as in this report",
    "us": "the opposite of IUPAC; the driver turns it round",
    "unknown": "not known",
}
_FIRST = ("id", "wiring", "working", "counter", "reference", "electrodes")
_ELECTRODES = ("working", "counter", "reference")


def sample_section(material: Material) -> Html:
    """The cell: sample, wiring, electrodes, and what the experimenter did not state."""
    sample = material.archive.header.get("sample", {})
    if not sample:
        return section("Sample and wiring", element("p", "The run has no description of its sample."), id_="sample")
    names = [*(k for k in _FIRST if k in sample), *(k for k in sample if k not in (*_FIRST, "assumed"))]
    rows = [(_field(name), described(sample[name])) for name in names]
    listed = assumed(sample)
    if not listed:
        return section("Sample and wiring", pairs(rows), id_="sample")
    return section(
        "Sample and wiring",
        pairs(rows),
        element("p", element("b", "Assumptions"), " (the experimenter does not know or does not say):"),
        bullets(assumption_words(sample, text) for text in listed),
        id_="sample",
    )


def _field(name: str) -> str:
    return f"{name} electrode" if name in _ELECTRODES else short(name.replace("_", " "), 60)


def instruments_section(material: Material) -> Html:
    """Who answered on each line, and what its driver was tested on."""
    if not material.instruments:
        return section("Instruments", element("p", "No instrument is recorded."), id_="instruments")
    return section("Instruments", *(_instrument(i, material) for i in material.instruments), id_="instruments")


def _instrument(instrument: Instrument, material: Material) -> Html:
    identity = instrument.identity
    simulated = material.archive.simulated
    driver = " ".join(filter(None, [instrument.driver, instrument.driver_title and f"({instrument.driver_title})"]))
    rows: list[tuple[object, object]] = [
        (name, short(identity.get(key) or "not given"))
        for name, key in (("maker", "maker"), ("model", "model"), ("serial number", "serial"), ("firmware", "firmware"))
    ]
    if simulated:
        rows.insert(0, ("kind", element("b", "SIMULATED; it says of itself what stands below")))
    rows += [
        ("role, resource", short(f"{instrument.role}, {instrument.resource or 'not known'}")),
        ("driver", short(driver or "not known")),
        ("driver tested", short(instrument.tested)),
        ("its sign of the current", _POLARITY.get(instrument.polarity, short(instrument.polarity))),
        ("said when asked who it is", element("code", short(repr(identity.get("raw", ""))))),
        ("at the end", _made_safe(instrument.role, material)),
    ]
    parts: list[object] = [element("h3", _title(instrument, material)), pairs(rows)]
    if instrument.unconfirmed:
        parts.append(element("p", "Not documented by the maker, so the driver rests on an assumption:"))
        parts.append(bullets(short(text) for text in instrument.unconfirmed))
    return element("div", *parts)


def _title(instrument: Instrument, material: Material) -> Html:
    name = short(" ".join(str(instrument.identity.get(k) or "") for k in ("maker", "model")))
    if not instrument.since:
        return join([name or instrument.role])
    return join([name or instrument.role, " (since ", material.times.show(instrument.since), ")"])


def _made_safe(role: str, material: Material) -> str:
    finish = material.archive.finish
    if finish.get("kind") != "finish":
        return "not recorded: the run has no end"
    verified = finish.get("made_safe", {}).get(role)
    return f"cell open: {short(verified)}" if verified else "not verified: LOOK AT THE CELL"
