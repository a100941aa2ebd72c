"""Protocol files: read, validate, and report all mistakes together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from luggin.documents import Document, KeyPath, did_you_mean, load_document, read_document
from luggin.errors import Problem, ProtocolError, UsageError
from luggin.steps.base import MistakenRecord
from luggin.steps.building import MAXIMUM_STEPS, Builder, Scope, TooManySteps
from luggin.steps.limits import Limit
from luggin.steps.protocol import FORMAT, Protocol
from luggin.steps.sample import Sample
from luggin.steps.setpoints import check_setpoints, contradictions
from luggin.steps.vocabulary import Vocabulary
from luggin.steps.wording import Mistake, mistakes_of, problems, readable


@dataclass(frozen=True)
class LoadedProtocol:
    """A valid protocol with the text it was read from. ``path`` is None if it came as text."""

    protocol: Protocol
    document: Document
    path: Path | None = None

    @property
    def text(self) -> str:
        """The text of the file."""
        return self.document.text

    @property
    def sha256(self) -> str:
        """The digest of the text, hexadecimal."""
        return self.document.sha256


def load_protocol(
    path: Path | str | None = None,
    vocabulary: Vocabulary | None = None,
    *,
    text: str | bytes | None = None,
    name: str = "protocol",
) -> LoadedProtocol:
    """Read a protocol from a file, or from ``text``, which is called ``name`` in messages.

    A name that ends in ``.yaml`` or ``.yml`` says that it is YAML; all else is TOML.

    Raises:
        ProtocolError: with all mistakes of the file.
    """
    if (path is None) == (text is None):
        raise UsageError("load_protocol needs either the path of a protocol file or its text")
    document = load_document(text, name) if text is not None else read_document(Path(str(path)))
    protocol = _protocol(document, vocabulary or Vocabulary())
    return LoadedProtocol(protocol, document, None if path is None else Path(path))


def parse_sample(data: Mapping[str, Any]) -> dict[str, Any]:
    """A sample from Python, checked as the ``[sample]`` table of a file; plain data as they were written.

    Raises:
        UsageError: with all mistakes.
    """
    return Sample(**data).to_json()


def parse_limits(data: Sequence[Mapping[str, Any]]) -> tuple[Limit, ...]:
    """Limits from Python, checked as the ``limits`` of a file.

    Raises:
        UsageError: with all mistakes.
    """
    limits: list[Limit] = []
    mistakes: list[Mistake] = []
    for position, entry in enumerate(data):
        try:
            limits.append(Limit.model_validate(dict(entry)))
        except ValidationError as error:
            mistakes += [mistake.under(position) for mistake in mistakes_of(error, Limit)]
    mistakes += contradictions(limits)
    if mistakes:
        raise MistakenRecord("limits", mistakes)
    return tuple(limits)


def _protocol(document: Document, vocabulary: Vocabulary) -> Protocol:
    _refuse_newer_format(document)
    builder = Builder(vocabulary)
    rest: dict[str, Any] = {key: value for key, value in document.data.items() if key != "steps"}
    if "steps" in document.data:
        try:
            steps = builder.steps(document.data["steps"], ("steps",), Scope())
        except TooManySteps:
            message = f"with all for_each written out, this protocol has more than {MAXIMUM_STEPS} steps."
            builder.mistakes.append(Mistake(("steps",), message, "Use repeat, or a Python script."))
            steps = [None]
        rest["steps"] = tuple(step for step in steps if step is not None)
    mistakes = builder.mistakes + _repeated_ids(document.data) + _wrong_analyses(document.data, vocabulary)
    steps_are_wrong = any(mistake.place[:1] == ("steps",) for mistake in mistakes)
    try:
        protocol = Protocol.model_validate(rest)
    except ValidationError as error:
        of_protocol = mistakes_of(error, Protocol)
        mistakes += [m for m in of_protocol if not (steps_are_wrong and m.place[:1] == ("steps",))]
    else:
        mistakes += check_setpoints(protocol)
        if not mistakes:
            return protocol
    raise ProtocolError(document.name, problems(mistakes, document))


def _refuse_newer_format(document: Document) -> None:
    number = document.data.get("format", FORMAT)
    if isinstance(number, int) and not isinstance(number, bool) and number > FORMAT:
        message = f"this file has format {number}; this version of Luggin reads formats up to {FORMAT}."
        hint = "Update Luggin."
        raise ProtocolError(document.name, [Problem(message, "format", document.line(("format",)), hint)])


def _raw_steps(data: object, place: KeyPath) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """All tables that should be steps, as they stand in the file."""
    if not isinstance(data, list):
        return
    for position, item in enumerate(data):
        if isinstance(item, Mapping):
            yield (*place, position), item
            yield from _raw_steps(item.get("steps"), (*place, position, "steps"))


def _repeated_ids(data: Mapping[str, Any]) -> list[Mistake]:
    """An id stands once in a file: an analysis that is pointed at it must know what it gets."""
    first: dict[str, KeyPath] = {}
    found = []
    for place, step in _raw_steps(data.get("steps"), ("steps",)):
        name = step.get("id")
        if not isinstance(name, str) or name.startswith("$"):
            continue
        if name in first:
            message = f"the id `{name}` is taken by {readable(first[name])} already."
            found.append(Mistake((*place, "id"), message, "Give each step an id of its own; `role` may repeat."))
        first.setdefault(name, place)
    return found


def _wrong_analyses(data: Mapping[str, Any], vocabulary: Vocabulary) -> list[Mistake]:
    """Analyses that do not exist, options that they do not have, and ids that no step has."""
    entries = data.get("analyses")
    found: list[Mistake] = []
    ids = [s["id"] for _, s in _raw_steps(data.get("steps"), ("steps",)) if isinstance(s.get("id"), str)]
    computed = any(name.startswith("$") for name in ids)
    for position, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, Mapping):
            continue
        place: KeyPath = ("analyses", position)
        on = entry.get("on", [])
        for name in [on] if isinstance(on, str) else on if isinstance(on, list) else []:
            if isinstance(name, str) and name not in ids and not computed:
                has = f"Ids in this protocol are {', '.join(dict.fromkeys(ids))}." if ids else "No step has an id."
                found.append(Mistake((*place, "on"), f"no step has the id `{name}`.", did_you_mean(name, ids) or has))
        found += [mistake.under(*place) for mistake in _wrong_options(entry, vocabulary)]
    return found


def _wrong_options(entry: Mapping[str, Any], vocabulary: Vocabulary) -> list[Mistake]:
    use, known = entry.get("use"), vocabulary.analyses
    if known is None or not isinstance(use, str):
        return []
    if use not in known:
        available = f"Available are {', '.join(sorted(known))}." if known else "No analyses are installed."
        return [Mistake(("use",), f"there is no analysis `{use[:80]}`.", did_you_mean(use, known) or available)]
    options_model = known[use]
    if options_model is None:
        return []
    model = options_model()
    try:
        model.model_validate({key: value for key, value in entry.items() if key not in ("use", "on")})
    except ValidationError as error:
        return mistakes_of(error, model)
    return []
