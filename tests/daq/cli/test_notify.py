"""``luggin notify``: who would be told, and a test message to them."""

from __future__ import annotations

import http.server
import json
import threading

import pytest


@pytest.fixture
def hook():
    """A web server that takes everything, or answers with the status that a test sets; the URL and what came."""

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.came, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_address[1]}/x"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


PROTOCOL = """
title = "x"
steps = [{do = "ocp", duration = "1 s", dt = "0.1 s"}]

[sample]
id = "x"
wiring = "two-electrode, blocking"
electrodes = "Pt"
"""


def complaints(caplog):
    """What is logged where people see it."""
    return [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")]


@pytest.fixture
def home(folder, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    place = folder.path / "home"
    place.mkdir()
    monkeypatch.setenv("LUGGIN_HOME", str(place))
    return place


def test_nobody_is_told_without_a_file(folder, home):
    said = folder.refused("notify")
    assert said == f"luggin: nobody would be told: there is no notify.toml in {home}"
    folder.write("bench.toml", "")
    assert folder.refused("notify", "--bench", "bench.toml").endswith(f"notify.toml in {home} or in .")
    assert "there is no bench file none.toml" in folder.refused("notify", "--bench", "none.toml")


def test_who_would_be_told_is_said_and_nothing_is_sent(folder, home, hook):
    (home / "notify.toml").write_text(f'[[webhook]]\nname = "lab chat"\nurl = "{hook.url}"\n')
    said = folder.luggin("notify")
    assert (said.code, said.out) == (0, "lab chat: would be told\n")
    assert hook.came == []


def test_a_test_message_is_sent_and_its_fate_told(folder, home, hook):
    (home / "notify.toml").write_text(f'[[webhook]]\nurl = "{hook.url}"\nevents = ["suspend"]\n')
    said = folder.luggin("notify", "--test")
    assert (said.code, said.out) == (0, "webhook 127.0.0.1: done\n")
    (message,) = hook.came
    assert message["event"] == "test"
    assert message["text"] == "Test of notifications: this is a test, nothing has happened"
    hook.status = 503
    said = folder.luggin("notify", "--test", "--json")
    assert said.code == 1
    assert said.json == {
        "test": True,
        "observers": [
            {
                "plugin": "luggin_plugins",
                "observer": "webhook 127.0.0.1",
                "what": "1 message was not delivered: 127.0.0.1 answered 503 Service Unavailable",
            }
        ],
    }
    assert len(hook.came) == 2


def test_the_file_beside_the_bench_counts_and_so_does_the_plugin_there(folder, home, hook):
    (folder.path / "lab").mkdir()
    folder.write("lab/bench.toml", "")
    folder.write("lab/notify.toml", f'[[webhook]]\nname = "lab"\nurl = "{hook.url}"\n')
    folder.write(
        "lab/luggin_bench.py",
        "import luggin\n\n\n@luggin.hookimpl\ndef luggin_observers(run):\n    def lamp():\n"
        "        raise OSError('no lamp')\n    lamp.name = 'lamp'\n    return [lamp]\n",
    )
    said = folder.luggin("notify", "--test", "--bench", "lab/bench.toml")
    assert said.code == 1
    assert sorted(said.out.splitlines()) == ["lab: done", "lamp: OSError: no lamp"]
    assert len(hook.came) == 1


def test_mistakes_of_the_file_are_told_with_their_lines(folder, home):
    (home / "notify.toml").write_text("[[webhook]]\nurl = 7\nper_hour = 0\n")
    said = folder.refused("notify")
    assert said.startswith(f"luggin: {home / 'notify.toml'}:2: webhook[1].url")
    assert f"{home / 'notify.toml'}:3: webhook[1].per_hour" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[webhook]]\nurl = "https://h/x"\nevnts = ["end"]\n', "3: webhook[1].evnts: there is no key `evnts` here."),
        ('[[webhook]]\nurl_env = "NOT_SET"\n', "2: webhook[1].url_env: the environment variable NOT_SET is not set."),
        ("[[webhook]\n", "1: "),
    ],
)
def test_a_mistake_is_the_users_and_no_traceback(folder, home, caplog, text, words):
    (home / "notify.toml").write_text(text)
    said = folder.luggin("notify", "--test", "--json")
    assert (said.code, said.json["error"]["type"]) == (2, "ProtocolError")
    assert f"{home / 'notify.toml'}:{words}" in said.errors
    assert not complaints(caplog)


def test_others_are_told_beside_a_file_with_mistakes(folder, home):
    (home / "notify.toml").write_text("[[webhook]]\nurl = 7\n")
    folder.write("bench.toml", "")
    folder.write(
        "luggin_bench.py",
        "import luggin\n\n\n@luggin.hookimpl\ndef luggin_observers(run):\n    def lamp():\n        pass\n"
        "    lamp.name = 'lamp'\n    return [lamp]\n",
    )
    said = folder.luggin("notify", "--bench", "bench.toml")
    assert (said.code, said.out) == (2, "lamp: would be told\n")
    assert "notify.toml:2: webhook[1].url" in said.errors


def test_a_server_that_refuses_is_told_without_a_traceback(folder, home, hook, caplog):
    (home / "notify.toml").write_text(f'[[webhook]]\nname = "chat"\nurl = "{hook.url}"\n')
    hook.status = 404
    said = folder.luggin("notify", "--test")
    assert (said.code, said.out) == (1, "chat: 1 message was not delivered: 127.0.0.1 answered 404 Not Found\n")
    assert complaints(caplog) == ["chat: test not delivered: 127.0.0.1 answered 404 Not Found"]
    assert not any(record.exc_info for record in caplog.records)


def test_a_simulated_run_says_that_nobody_would_be_told(folder, home, caplog):
    (home / "notify.toml").write_text("[[webhook]]\nurl = 7\n")
    folder.write("p.toml", PROTOCOL)
    said = folder.luggin("run", "p.toml", "--folder", "run", "--no-report")
    assert said.code == 0, said.errors
    (complaint,) = complaints(caplog)
    assert complaint.startswith("nobody is told what happens to this run; on real instruments it would not start.")
    assert "notify.toml:2: webhook[1].url" in complaint
