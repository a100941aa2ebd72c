"""Real servers on this computer: one for web hooks and one for mail, each as well or badly behaved as a test says."""

from __future__ import annotations

import http.server
import io
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from luggin.platform import process_id
from luggin.store import RunLog

HEADER = {
    "kind": "run",
    "time": 0.0,
    "title": "Re4Mo2 in CH3CN",
    "sample": {"id": "re4mo2-4"},
    "simulated": False,
    "speed": 1,
    "bench": {"path": None},
}


class WebServer(http.server.ThreadingHTTPServer):
    """Answers each POST with the next of ``answers`` (200 when there is none left) and keeps what came.

    An answer is a status, ``"hang"`` (no answer until the server is closed) or ``"hang up"``.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, answers=(), certificate=None) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.answers, self.came = list(answers), []
        self.closing = threading.Event()
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server_address[1]}/hook/tok3n"

    @property
    def messages(self):
        return [json.loads(body) for _, body in self.came]

    def handle_error(self, request, client_address) -> None:
        """A client that does not trust us, or hangs up, is what some tests are about."""


class _Post(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answers.pop(0) if self.server.answers else 200
        self.server.came.append((self.headers, body))
        if answer == "hang":
            self.server.closing.wait()
        elif answer != "hang up":
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", f"{self.server.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *arguments) -> None:
        """Nothing on standard error."""


class MailServer(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as `smtplib` needs. ``replies`` maps a command to the reply instead of the usual one.

    A reply ``"hang"`` is none until the server is closed, ``"hang up"`` ends the connection.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, replies=None, certificate=None, starttls=False, tls=False) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.replies, self.letters, self.commands = dict(replies or {}), [], []
        self.closing = threading.Event()
        self.context = None
        self.starttls, self.tls = starttls, tls
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.port = self.server_address[1]

    def handle_error(self, request, client_address) -> None:
        """As above."""


class _Talk(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.encrypted, self.lines = self.server.tls, io.BytesIO()
        if self.server.tls:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.lines = self.request.makefile("rb")
        self.say("CONNECT", "220 ready")
        while line := self.lines.readline():
            words = line.decode().strip()
            command = words.split(" ")[0].upper()
            self.server.commands.append((words, self.encrypted))
            if command == "EHLO":
                offers = ["250-AUTH PLAIN"] + (["250-STARTTLS"] if self.server.starttls else [])
                self.say(command, "250-here\r\n" + "\r\n".join([*offers, "250 8BITMIME"]))
            elif command == "STARTTLS":
                self.say(command, "220 go on")
                self.request = self.server.context.wrap_socket(self.request, server_side=True)
                self.encrypted = True
                self.lines.close()
                self.lines = self.request.makefile("rb")
            elif command == "DATA":
                self.say(command, "354 go on")
                letter = b""
                while (line := self.lines.readline()) != b".\r\n":
                    letter += line
                self.server.letters.append(letter.decode())
                self.say("END", "250 taken")
            elif command == "QUIT":
                self.say(command, "221 bye")
                return
            else:
                self.say(
                    words if words in self.server.replies else command, "235 yes" if command == "AUTH" else "250 ok"
                )

    def finish(self) -> None:
        """The server closes the plain socket; the encrypted one is ours."""
        self.lines.close()
        self.request.close()

    def say(self, command, usual) -> None:
        reply = self.server.replies.get(command, usual)
        reply = reply.pop(0) if isinstance(reply, list) and reply else usual if isinstance(reply, list) else reply
        if reply == "hang":
            self.server.closing.wait()
        elif reply == "hang up":
            raise ConnectionAbortedError
        else:
            self.request.sendall(reply.encode() + b"\r\n")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))


@pytest.fixture
def served():
    """Starts a server of a class above."""
    running = []

    def start(server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web(served):
    return lambda *answers, **more: served(WebServer(answers, **more))


@pytest.fixture
def mail(served):
    return lambda replies=None, **more: served(MailServer(replies, **more))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody trusts by itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so there is no certificate")
    place = tmp_path_factory.mktemp("certificate")
    wanted = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    files = ["-out", place / "cert.pem", "-keyout", place / "key.pem"]
    subprocess.run(["openssl", *wanted.split(), *files], check=True, capture_output=True)
    return place / "cert.pem", place / "key.pem"


@pytest.fixture
def nobody() -> int:
    """A port of this computer at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def run_log(tmp_path):
    """Makes a run folder with these records behind header and session."""

    def make(*records, name="20260314T101502Z_re4mo2-4_3f2a", **header):
        folder = tmp_path / name
        folder.mkdir()
        with RunLog.create(folder) as log:
            log.append({**HEADER, **header})
            utc = "2026-03-14T10:00:00+00:00"
            log.append({"kind": "session", "time": 0.0, "reason": "start", "utc": utc, "pid": process_id()})
            for record in records:
                log.append(record)
        return folder

    return make


@pytest.fixture
def trip():
    """Makes records of trips."""
    return lambda time=30.0, words="current is 132 uA": {"kind": "event", "what": "trip", "time": time, "words": words}


@pytest.fixture
def finish():
    """Makes the record of an end."""

    def make(outcome="completed", error=None, time=60.0):
        said = error and {"type": "LimitTripped", "message": error}
        return {"kind": "finish", "time": time, "outcome": outcome, "error": said}

    return make
