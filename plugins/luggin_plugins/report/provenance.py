"""Where everything is and what made it: versions, texts, digests, and what the report had to do without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from luggin.observing.states import STILL_DELIVERING, faults_of
from luggin_plugins.report.gathering import Material
from luggin_plugins.report.markup import Html, bullets, clean, details, element, join, pairs, section, table
from luggin_plugins.report.wording import counted, described, plural, short

LONGEST_TEXT = 60_000
"""Characters of a protocol or bench that are printed; ``run.log`` has all of them."""

MOST_DIGESTS = 100


def provenance_section(material: Material) -> Html:
    """Software, protocol, bench, digests and the place of the run."""
    archive = material.archive
    software = archive.header.get("software", {})
    rows: list[tuple[object, object]] = [
        ("run", element("code", clean(archive.folder.resolve()))),
        ("software", ", ".join(f"{short(n, 40)} {short(v, 40)}" for n, v in software.items()) or "not recorded"),
        ("report", join([_writer(), ", written ", material.times.moment(material.written)])),
        ("time", _kind_of_time(archive.header)),
    ]
    notes = archive.header.get("notes")
    if notes:
        rows.append(("notes", described(notes)))
    if busy := [_whose(fault) for fault in _observer_faults(material) if fault.get("what") == STILL_DELIVERING]:
        rows.append(("observers", f"{', '.join(busy)}: still busy when this was written; see observers.json"))
    protocols = [archive.header.get("protocol", {}), *_changed(material)]
    texts = [_text("Protocol" if k == 0 else "Protocol, as changed on resuming", p) for k, p in enumerate(protocols)]
    bench = archive.header.get("bench", {})
    texts.append(_text("Bench", {"name": bench.get("path") or "built-in simulated bench", **bench}))
    return section("Provenance", pairs(rows), *texts, _digests(material), id_="provenance")


def _writer() -> str:
    import matplotlib

    from luggin.versions import software

    return f"Luggin {software()['luggin']}, matplotlib {matplotlib.__version__}"


def _kind_of_time(header: Mapping[str, Any]) -> str:
    if header.get("virtual"):
        return "virtual: times are those of the simulated experiment, which took a moment"
    speed = header.get("speed")
    return f"{speed:g} times as fast as real" if isinstance(speed, int | float) and speed != 1 else "real"


def _changed(material: Material) -> Iterator[Mapping[str, Any]]:
    return (r.get("protocol", {}) for r in material.archive.records if r.get("kind") == "protocol")


def _text(what: str, source: Mapping[str, Any]) -> Html:
    text, name = str(source.get("text", "")), short(source.get("name", ""), 200)
    arguments = " ".join(map(str, source.get("arguments", ())))
    cut = f"\n… {counted(len(text) - LONGEST_TEXT)} further characters: see run.log" if len(text) > LONGEST_TEXT else ""
    summary = f"{what}{f': {name}' if name else ''}{f' {short(arguments)}' if arguments else ''}"
    return details(summary, element("pre", clean(text[:LONGEST_TEXT]) + cut))


def _digests(material: Material) -> Html:
    """SHA-256 of what went in."""
    header = material.archive.header
    rows: list[tuple[object, object]] = [
        ("protocol", _code(header.get("protocol", {}).get("sha256", ""))),
        *(("protocol, as changed", _code(p.get("sha256", ""))) for p in _changed(material)),
        ("bench", _code(header.get("bench", {}).get("sha256", ""))),
    ]
    for answer in material.answers:
        for used in answer.result.get("inputs", ()):
            said = f"rows of {short(used.get('source', ''), 160)} ({plural(int(used.get('rows', 0)), 'row')})"
            rows.append((said, _code(used.get("sha256", ""))))
    body = list(dict.fromkeys(rows))
    more = len(body) - MOST_DIGESTS
    shown: list[Sequence[object]] = list(body[:MOST_DIGESTS])
    if more > 0:
        shown.append([f"… {plural(more, 'further digest')}: see the results folder"])
    return details("SHA-256 digests", table(["of", "SHA-256"], shown, "digests"))


def _code(text: object) -> Html:
    return element("code", short(text, 80))


def footer(material: Material) -> Html:
    """What failed in the report, in analyses, and in plugins and observers of the run, or that nothing did."""
    failed: list[object] = [join([element("b", short(f.what)), ": ", short(f.why, 1000)]) for f in material.failures]
    failed += [short(described(e), 600) for e in material.archive.events if _names_plugin(e)]
    failed += [_fault(f"plugin {short(f.get('plugin', ''), 80)}", f) for f in _plugin_faults(material)]
    failed += [_fault(_whose(f), f) for f in _observer_faults(material) if f.get("what") != STILL_DELIVERING]
    if not failed:
        return element(
            "footer", element("p", "Nothing failed: every analysis was asked, every row read, every figure drawn.")
        )
    return element("footer", element("h2", "What failed"), bullets(failed))


def _fault(who: str, fault: Mapping[str, Any]) -> Html:
    return join([element("b", who), ": ", short(fault.get("what", ""), 1000)])


def _plugin_faults(material: Material) -> list[Mapping[str, Any]]:
    """Plugins that failed to add to what is known of the run."""
    return [fault for r in material.archive.records if r.get("kind") == "plugins" for fault in r.get("faults", ())]


def _observer_faults(material: Material) -> list[dict[str, str]]:
    return faults_of(material.archive.folder, material.archive.records)


def _whose(fault: Mapping[str, Any]) -> str:
    """An observer by its name and its plugin, as far as they are known."""
    observer, plugin = short(fault.get("observer", ""), 80), short(fault.get("plugin", ""), 80)
    who = f"observer {observer}" if observer else "observers"
    return f"{who} of {plugin}" if plugin else who


def _names_plugin(event: Mapping[str, Any]) -> bool:
    return "plugin" in event or "plugin" in str(event.get("what", ""))
