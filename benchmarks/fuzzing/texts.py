"""Texts that people write: protocols, benches, quantities."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from pathlib import Path

from fuzzing.mutation import NUMBERS, TEXTS
from fuzzing.parser import Parser, require

from luggin import plugins as plugin_manager
from luggin import units
from luggin.bench import load_bench
from luggin.documents import load_toml, load_yaml, toml_value
from luggin.errors import UsageError
from luggin.steps import Vocabulary, load_protocol
from luggin.steps.quantities import PotentialSpec, Quantity, parse_potential
from luggin_sim.bench import stations

# YAML 1.1 knows more ends of line than TOML does.
_LINE_ENDS = re.compile("[\n\r\x85\u2028\u2029]")
EXAMPLES = Path(__file__).parents[2] / "examples"

_SAMPLE = {
    "id": "x",
    "wiring": "three-electrode",
    "working": {"material": "glassy carbon", "diameter": "3.0(1) mm"},
    "counter": {"material": "Pt wire"},
    "reference": {"electrode": "Ag/AgCl", "fill": "3.5 M KCl"},
}


def _words(text: str) -> list[str]:
    return text.split()


_KEYS = _words(
    """do id role label on duration dt begin vertices end rate step cycles quiet potential current steps times values
    var every establishes title bench sample limits monitors analyses column between for then use text fields format
    until rest_before working diameter couples near"""
)
_STEPS = _words("ocp cv lsv ca cp rest prompt note chain repeat for_each")
_UNITS = _words("V mV s ms min h A mA uA nA mV/s V/s Hz ohm kohm uF degC K mm cm2 mM percent C Ah m3 1 %")
_BENCH_WORDS = _words(
    """driver resource settings model dialect latency baud address options cell kind area couples seed noise redox
    resistor resistance leak concentration sim://cell GPIB0::18::INSTR starts_as staircase"""
)


# -- from the grammar ----------------------------------------------------------------------------


def _quantity(chance: random.Random) -> str:
    number = chance.choice(
        ("1", "25", "-1.7", "0", "0.2", "1e3", "12.00(5)", ".5", "3.", "1e-3", "-0", "1e300", "1e-320")
    )
    if chance.random() < 0.1:
        number = chance.choice(NUMBERS).decode()
    unit = "".join(chance.choice(_UNITS) + chance.choice(("", "2", "-1", "^3")) for _ in range(1))
    for _ in range(chance.randrange(3) if chance.random() < 0.2 else 0):
        unit += chance.choice(("/", " ", "*", " / ")) + chance.choice(_UNITS)
    zero = chance.choice(("",) * 12 + (" vs ref", " vs ocp", " vs previous", " vs. ref", " vs x"))
    return number + chance.choice((" ", "", "  ")) + unit + zero


def _value(chance: random.Random, depth: int) -> object:
    kind = chance.randrange(12)
    if kind < 5:
        return _quantity(chance)
    if kind == 5:
        return chance.choice((0, 1, -1, 3, 1.5, True, False, 10**6, -(10**18), math.inf, 2**70))
    if kind == 6:
        return chance.choice(("a", "", "$x", "$", "${x}", "cell", "3 rows", "10 s", "stop", "\u2028", "Ω", "a" * 300))
    if depth > 3:
        return "x"
    if kind < 9:
        return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind < 11:
        return {chance.choice(_KEYS): _value(chance, depth + 1) for _ in range(chance.randrange(4))}
    return _step(chance, depth + 1)


def _step(chance: random.Random, depth: int = 0) -> dict[str, object]:
    do = chance.choice(_STEPS)
    right: dict[str, object] = {"do": do, "duration": "1 s"}
    if do in ("cv", "lsv"):
        right |= {"begin": "0 V vs ref", "rate": "25 mV/s", "step": "1 mV"}
        right |= {"vertices": ["-1 V", "0.2 V"]} if do == "cv" else {"end": "1 V"}
        del right["duration"]
    elif do in ("ca", "cp"):
        right |= {"potential": "0.1 V vs ref"} if do == "ca" else {"current": "1 uA"}
    elif do in ("repeat", "chain", "for_each"):
        right = {
            "do": do,
            "steps": [_step(chance, depth + 1) for _ in range(1 + chance.randrange(2))] if depth < 3 else [],
        }
        right |= {"times": chance.choice((1, 3, 10**9))} if do == "repeat" else {}
        right |= {"var": "x", "values": [_value(chance, 4) for _ in range(3)]} if do == "for_each" else {}
    elif do in ("prompt", "note"):
        right = {"do": do, "text": "look"}
    for _ in range(chance.randrange(3) if chance.random() < 0.5 else 0):
        right[chance.choice(_KEYS)] = _value(chance, depth + 1)
    return right


def _protocol(chance: random.Random) -> dict[str, object]:
    data: dict[str, object] = {"title": "t", "sample": _SAMPLE}
    data["limits"] = [
        {"column": "potential", "between": ["-2 V", "1 V"]},
        {"column": "current", "between": [_quantity(chance) if chance.random() < 0.2 else "-1 A", "1 A"]},
    ]
    data["steps"] = [_step(chance) for _ in range(1 + chance.randrange(3))]
    if chance.random() < 0.2:
        data[chance.choice(_KEYS)] = _value(chance, 0)
    return data


def _as_toml(chance: random.Random) -> bytes:
    return "\n".join(f"{key} = {toml_value(value)}" for key, value in _protocol(chance).items()).encode(
        errors="replace"
    )


def _as_yaml(chance: random.Random) -> bytes:
    return "\n".join(
        f"{key}: {toml_value(value).replace(' = ', ': ')}" for key, value in _protocol(chance).items()
    ).encode(errors="replace")


# -- what is required of the answers -------------------------------------------------------------


def _check_numbers(value: object, depth: int = 0) -> None:
    """Every quantity of a protocol that was accepted is a finite number."""
    if isinstance(value, Quantity):
        require(math.isfinite(value), f"{value.written} was read as {float(value)}")
    elif isinstance(value, PotentialSpec):
        require(math.isfinite(value.value), f"{value.written} was read as {value.value}")
    elif isinstance(value, list | tuple) and depth < 30:
        for item in value:
            _check_numbers(item, depth + 1)
    elif hasattr(type(value), "model_fields") and depth < 30:
        for name in type(value).model_fields:
            _check_numbers(getattr(value, name), depth + 1)


def _protocol_parser(name: str, seeds: list[bytes], grow: Callable[[random.Random], bytes], suffix: str) -> Parser:
    installed = plugin_manager.load()
    words = Vocabulary(installed.step_types(), {n: a.parameters for n, a in installed.analyses().items()})

    def parse(data: bytes) -> None:
        protocol = load_protocol(text=data, vocabulary=words, name=f"p.{suffix}").protocol
        _check_numbers(protocol.steps)
        _check_numbers(protocol.limits)
        # What is kept with the run must be read the same way when the run is taken up again.
        for step in protocol.steps:
            require(step.fingerprint() != "", "a step without a fingerprint")

    pieces = [word.encode() for word in (*_KEYS, *_STEPS, *_UNITS)]
    return Parser(name, seeds, parse, (UsageError,), pieces, grow)


def toml_protocols() -> Parser:
    seeds = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.toml"))]
    return _protocol_parser("protocol (TOML)", seeds, _as_toml, "toml")


def yaml_protocols() -> Parser:
    chance = random.Random(7)
    seeds = [_as_yaml(chance) for _ in range(5)]
    block = (
        b"title: CV\nsteps:\n  - do: ocp\n    duration: 60 s\n  - {do: rest, duration: 1 h}\n"
        b"limits:\n  - column: potential\n    between: [-1 V, 1 V]\nsample:\n  id: x\n  wiring: three-electrode\n"
        b"  working: {material: Pt}\n  counter: {material: Pt}\n  reference: {electrode: Ag/AgCl}\n"
    )
    return _protocol_parser("protocol (YAML)", [*seeds, block, block], _as_yaml, "yaml")


def benches() -> Parser:
    seeds = [path.read_bytes() for path in sorted((EXAMPLES / "benches").glob("*.toml"))]
    drivers = list(plugin_manager.load().drivers())

    def parse(data: bytes) -> None:
        bench = load_bench(text=data, drivers=drivers)
        stations(bench.simulated_tables)

    words = [word.encode() for word in _BENCH_WORDS]
    return Parser("bench (TOML, simulated tables)", seeds, parse, (UsageError,), words)


def documents() -> Parser:
    """The two languages below protocols and benches: the scanner's lines must belong to keys of the data."""
    seeds = [b'a = 1\n[b]\nc = "d"\n[[e]]\nf = {g = [1, 2, {h = true}]}\n', b"a: 1\nb:\n  - c: d\n    e: [1, 2]\n"]

    def parse(data: bytes) -> None:
        load = load_yaml if data[:1] in b"abc-" else load_toml
        document = load(data, "x")
        require(isinstance(document.data, dict), "no table")
        last = len(_LINE_ENDS.findall(document.text)) + 1
        for path, line in document.lines.items():
            require(1 <= line <= last, f"{path} on line {line}")

    return Parser("documents (TOML, YAML)", seeds, parse, (UsageError,), TEXTS)


def quantities() -> Parser:
    seeds = [b"25 mV/s", b"12.00(5) mm", b"25(1) degC", b"1e-3 mol/cm3", b"-1.7 V vs ref", b"100 kohm", b"5 percent"]
    kinds = ("V", "V/s", "s", "A", "K", "degC", "ohm", "mm", "cm2", "1", "mol/cm3", "percent")

    def parse(data: bytes) -> None:
        text = data.decode("utf-8", errors="replace")
        potential = parse_potential(text) if len(data) % 3 == 0 else None
        if potential is not None:
            require(math.isfinite(potential.value), "a potential that is no finite number")
            return
        # Asked for in some unit, or in the one in which it was written.
        unit = kinds[len(data) % len(kinds)] if len(data) % 2 else units.measure(text).unit or "1"
        value, u = units.parse_with_uncertainty(text, unit)
        require(math.isfinite(value) and math.isfinite(u) and u >= 0, f"{value} +- {u}")
        units.show(value, unit)
        units.rounded(value, u)

    pieces = [word.encode() for word in (*_UNITS, " ", "/", "(5)", " vs ", "ref", "e3")]
    return Parser("quantities", seeds, parse, (UsageError,), pieces, lambda chance: _quantity(chance).encode())
