"""``notify.toml``: who is told what, and by which way. All mistakes are reported together, with lines.

Passwords and tokens do not stand in the file: it names environment variables that have them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from luggin.documents import Document, KeyPath, did_you_mean, read_toml, shown
from luggin.errors import Problem, ProtocolError
from luggin_plugins.notify.messages import EVENTS

DEFAULT_EVENTS = ("trip", "suspend", "line_lost", "end")
_COMMON = ("name", "events", "per_hour", "simulated", "ca_file")
_WEBHOOK = ("url", "url_env", "token_env", "secret_env", *_COMMON)
_MAIL = ("host", "port", "security", "user", "password_env", "from", "to", *_COMMON)
_SECURITY = ("starttls", "tls", "none")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9.\-\[\]:]+")
_HOST = re.compile(r"[A-Za-z0-9.\-:\[\]]+")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Common:
    """What every target has.

    Attributes:
        name: by which people know it.
        events: of which it is told.
        per_hour: messages at most, besides that of the end.
        simulated: it is told of simulated runs too.
        ca_file: certificates of the authorities that are trusted; the system's if not given.
    """

    name: str
    events: tuple[str, ...] = DEFAULT_EVENTS
    per_hour: int = 20
    simulated: bool = False
    ca_file: str | None = None


@dataclass(frozen=True)
class Webhook(Common):
    """A web address that gets a JSON object by POST. ``token`` is shown to it, ``secret`` signs the object."""

    url: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen; of addresses everything behind the host."""
        parts = urlsplit(self.url)
        behind = self.url.partition(parts.netloc)[2]
        return tuple(s for s in (self.token, self.secret, self.url, behind, parts.path, parts.query) if len(s) > 1)


@dataclass(frozen=True)
class Mail(Common):
    """A mail over a server. ``password`` goes over an encrypted line only, but for this computer."""

    host: str = ""
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    to: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen."""
        return (self.password,) if self.password else ()


def load_targets(files: Sequence[Path]) -> list[Webhook | Mail]:
    """All targets of all files.

    Raises:
        ProtocolError: the first file that has mistakes, with all of them.
    """
    targets: list[Webhook | Mail] = []
    for file in files:
        reading = _Reading(read_toml(file))
        targets += reading.targets()
        if reading.problems:
            raise ProtocolError(str(file), sorted(reading.problems, key=lambda problem: problem.line or 0))
    return targets


class _Reading:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = []

    def targets(self) -> list[Webhook | Mail]:
        data = self._document.data
        self._known_keys(data, (), ("webhook", "mail"))
        found: list[Webhook | Mail] = [self._webhook(t, p) for t, p in self._tables(data, "webhook", _WEBHOOK)]
        found += [self._mail(t, p) for t, p in self._tables(data, "mail", _MAIL)]
        if not found and not self.problems:
            self._wrong((), "nobody is told anything.", "Write a table [[webhook]] or [[mail]].")
        return found

    def _tables(
        self, data: Mapping[str, Any], kind: str, keys: Sequence[str]
    ) -> list[tuple[Mapping[str, Any], KeyPath]]:
        tables = data.get(kind, [])
        if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
            self._wrong((kind,), f"this must be a table in double brackets, [[{kind}]].")
            return []
        for number, table in enumerate(tables):
            self._known_keys(table, (kind, number), keys)
        return [(table, (kind, number)) for number, table in enumerate(tables)]

    def _webhook(self, table: Mapping[str, Any], place: KeyPath) -> Webhook:
        key = "url_env" if "url_env" in table else "url"
        url = self._from_environment(table, place, "url_env") if key == "url_env" else self._text(table, place, "url")
        token = self._from_environment(table, place, "token_env")
        host = self._address(url, (*place, key))
        if not url and not self._has_problem((*place, key)):
            self._wrong(place, "`url` is missing: where the message goes.", 'Write url = "https://..." or url_env.')
        if "url" in table and "url_env" in table:
            self._wrong((*place, "url"), "there are `url` and `url_env`; one of them says where it goes.")
        if token and url.startswith("http:") and host not in _LOOPBACK:
            self._wrong((*place, "token_env"), "a token goes over an encrypted line only.", "Use an https:// address.")
        common = self._common(table, place, f"webhook {host}")
        return Webhook(**common, url=url, token=token, secret=self._from_environment(table, place, "secret_env"))

    def _address(self, url: str, place: KeyPath) -> str:
        """The host of a web address; it is a mistake if there is none. The address itself is never shown."""
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            host = ""
        if not host or parts.scheme not in ("http", "https") or not (url.isprintable() and url.isascii()) or " " in url:
            self._wrong(place, "this is not a web address.", 'Write "https://HOST/...".')
            return ""
        if parts.username or parts.password:
            self._wrong(place, "a password stands in this address.", "Use token_env.")
        return host

    def _mail(self, table: Mapping[str, Any], place: KeyPath) -> Mail:
        host = self._text(table, place, "host", "smtp.example.org")
        if host and not _HOST.fullmatch(host):
            self._wrong((*place, "host"), f"{shown(host)} is not the name of a server.")
        security = self._text(table, place, "security") or "starttls"
        if security not in _SECURITY:
            hint = did_you_mean(security, _SECURITY) or f"Allowed are {', '.join(_SECURITY)}."
            self._wrong((*place, "security"), f"{shown(security)} is no way to a mail server.", hint)
            security = "starttls"
        user, password = self._text(table, place, "user"), self._from_environment(table, place, "password_env")
        if bool(user) != bool(table.get("password_env")):
            self._wrong(place, "`user` and `password_env` belong together.", "Write both or none.")
        if password and security == "none" and host not in _LOOPBACK:
            self._wrong((*place, "security"), "a password goes over an encrypted line only.", 'Write "starttls".')
        to = table.get("to", [])
        recipients = self._texts([to] if isinstance(to, str) else to, (*place, "to"))
        if "to" not in table or to == []:
            self._wrong(place, "`to` is missing: who is told.", 'Write for example to = "lab@example.org".')
        return Mail(
            **self._common(table, place, f"mail {', '.join(recipients)}"),
            host=host,
            port=self._number(table, place, "port", _PORTS[security], 65535),
            security=security,  # type: ignore[arg-type]  # checked above
            user=user,
            password=password,
            sender=self._mailbox(self._text(table, place, "from", "luggin@example.org"), (*place, "from")),
            to=tuple(self._mailbox(address, (*place, "to")) for address in recipients),
        )

    def _mailbox(self, address: str, place: KeyPath) -> str:
        if address and not _ADDRESS.fullmatch(address):
            self._wrong(place, f"{shown(address)} is not a mail address.", 'Write "NAME@HOST".')
        return address

    def _common(self, table: Mapping[str, Any], place: KeyPath, name: str) -> dict[str, Any]:
        events = self._texts(table.get("events", list(DEFAULT_EVENTS)), (*place, "events"))
        for event in events:
            if event not in EVENTS:
                hint = did_you_mean(event, list(EVENTS)) or f"There are {', '.join(EVENTS)}."
                self._wrong((*place, "events"), f"nothing is called {shown(event)} here.", hint)
        if "events" in table and not table["events"]:
            self._wrong((*place, "events"), "no event is named, so nobody is told anything.")
        simulated = table.get("simulated", False)
        if not isinstance(simulated, bool):
            self._wrong((*place, "simulated"), f"this must be true or false; found {shown(simulated)}.")
        ca_file = self._text(table, place, "ca_file") or None
        if ca_file is not None:
            ca_file = str(Path(self._document.name).parent / ca_file)
            if not Path(ca_file).is_file():
                self._wrong((*place, "ca_file"), f"there is no file {ca_file}.")
        return {
            "name": self._text(table, place, "name") or name,
            "events": tuple(events),
            "per_hour": self._number(table, place, "per_hour", Common.per_hour, 3600),
            "simulated": simulated is True,
            "ca_file": ca_file,
        }

    def _from_environment(self, table: Mapping[str, Any], place: KeyPath, key: str) -> str:
        """What an environment variable holds whose name stands in the file."""
        name = self._text(table, place, key)
        value = os.environ.get(name, "") if name else ""
        if name and not value:
            self._wrong((*place, key), f"the environment variable {name[:80]} is not set.")
        elif not value.isprintable() or not value.isascii():
            self._wrong((*place, key), f"the environment variable {name[:80]} has characters that cannot be sent.")
            return ""
        return value

    def _number(self, table: Mapping[str, Any], place: KeyPath, key: str, otherwise: int, most: int) -> int:
        value = table.get(key, otherwise)
        if type(value) is int and 1 <= value <= most:
            return value
        self._wrong((*place, key), f"this must be a whole number from 1 to {most}; found {shown(value)}.")
        return otherwise

    def _text(self, table: Mapping[str, Any], place: KeyPath, key: str, example: str = "") -> str:
        """A text of one line; with an ``example`` it is required."""
        value = table.get(key)
        if value is None:
            if example:
                self._wrong(place, f"`{key}` is missing.", f'Write for example {key} = "{example}".')
            return ""
        if not (isinstance(value, str) and value.strip() and value.isprintable()):
            self._wrong((*place, key), "this must be a text in quotes, in one line.")
            return ""
        return value

    def _texts(self, value: object, place: KeyPath) -> list[str]:
        if isinstance(value, list) and all(isinstance(item, str) and item.isprintable() for item in value):
            return value
        self._wrong(place, f"this must be a list of texts; found {shown(value)}.")
        return []

    def _known_keys(self, table: Mapping[str, Any], place: KeyPath, known: Sequence[str]) -> None:
        for key in table:
            if key in ("password", "token", "secret"):
                self._wrong((*place, key), "secrets do not stand in this file.", f"Write {key}_env and set that.")
            elif key not in known:
                hint = did_you_mean(key, known) or f"Allowed are {', '.join(known)}."
                self._wrong((*place, key), f"there is no key `{key[:80]}` here.", hint)

    def _has_problem(self, place: KeyPath) -> bool:
        return any(problem.path == _dotted(place) for problem in self.problems)

    def _wrong(self, place: KeyPath, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, _dotted(place), self._document.line(place), hint))


def _dotted(place: KeyPath) -> str:
    """A place as people count: ``webhook[1].url``."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
