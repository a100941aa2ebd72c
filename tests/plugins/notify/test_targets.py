"""Messages over real sockets of this computer, to servers that take them, refuse them, hang or are not there."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import logging

import pytest

from luggin.clock import RealClock
from luggin.platform import host_name
from luggin_plugins.notify.messages import EVENTS
from luggin_plugins.notify.outbox import Patience
from luggin_plugins.notify.sending import NotDelivered
from luggin_plugins.notify.settings import Mail, Webhook
from luggin_plugins.notify.target import Target

QUICK = Patience(delays=(0.01, 0.02), last_delays=(0.01, 0.02), timeout=5.0)
IMPATIENT = Patience(delays=(), last_delays=(), timeout=0.1)


def tell(run, settings, patience=QUICK):
    Target(run, settings, patience=patience)()


def hook(server, **more):
    return Webhook("lab chat", url=server.url, **more)


def box(server, **more):
    common = {"security": "none", "sender": "luggin@example.org", "to": ("lab@example.org",)}
    return Mail("mail to the lab", host="127.0.0.1", port=server.port, **{**common, **more})


def letters(server):
    return [email.message_from_string(text, policy=email.policy.default) for text in server.letters]


# -- web hooks


def test_a_webhook_gets_one_object_for_each_event(web, run_log, trip, finish):
    server = web()
    run = run_log(trip(), finish("limit tripped", "current left its limits"))
    tell(run, hook(server))
    trip_said, end_said = server.messages
    assert trip_said == {
        "format": 1,
        "event": "trip",
        "text": "Re4Mo2 in CH3CN: a limit was left: current is 132 uA",
        "words": "current is 132 uA",
        "title": "Re4Mo2 in CH3CN",
        "sample": "re4mo2-4",
        "run": run.name,
        "computer": host_name(),
        "simulated": False,
        "time": 30.0,
        "utc": "2026-03-14T10:00:30+00:00",
        "step": "",
        "do": "",
        "outcome": None,
        "error": "",
        "not_sent": 0,
    }
    assert end_said["text"] == "Re4Mo2 in CH3CN: limit tripped: current left its limits"
    assert (end_said["event"], end_said["outcome"], end_said["error"]) == (
        "end",
        "limit tripped",
        "current left its limits",
    )


def test_a_webhook_is_shown_the_token_and_can_check_the_signature(web, run_log, finish):
    server = web()
    tell(run_log(finish()), hook(server, token="t0ken", secret="s3cret"))
    ((headers, body),) = server.came
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["X-Luggin-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["Content-Type"] == "application/json"


def test_only_the_events_that_are_wanted(web, run_log, trip, finish):
    server = web()
    step = {"path": "1", "step": 1, "attempt": 1}
    records = [
        {"kind": "start", "time": 1.0, "do": "cv", **step},
        trip(),
        {"kind": "end", "time": 2.0, "status": "done", **step},
        {"kind": "event", "what": "made safe", "time": 3.0},
        {"kind": "event", "what": "line lost", "time": 4.0, "words": "bath: no answer"},
    ]
    tell(run_log(*records, finish()), hook(server, events=("line_lost", "step")))
    assert [m["text"].partition(": ")[2] for m in server.messages] == [
        "step 1 (cv): done",
        "the line of an instrument broke: bath: no answer",
    ]


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_that_a_file_may_name_is_sent(web, run_log, finish, event):
    server = web()
    words = {"suspend": "suspended", "continue": "continued", "line_lost": "line lost"}
    records = {
        "start": [],
        "resume": [{"kind": "session", "time": 1.0, "reason": "resume"}],
        "step": [{"kind": "start", "path": "1", "do": "cv"}, {"kind": "end", "path": "1"}],
        "end": [],
    }.get(event, [{"kind": "event", "what": words.get(event, event), "words": "so it was"}])
    tell(run_log(*records, finish()), hook(server, events=(event,)))
    assert [m["event"] for m in server.messages] == [event]


@pytest.mark.parametrize("refused_first", [[500], [503, 429], ["hang up"], [408, "hang up"]])
def test_what_a_server_cannot_do_now_is_tried_again(web, run_log, finish, refused_first):
    server = web(*refused_first)
    tell(run_log(finish()), hook(server))
    assert len(server.came) == len(refused_first) + 1
    assert server.messages[-1]["not_sent"] == 0, "it did arrive"


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden"), (302, "302 Found")])
def test_what_a_server_will_never_take_is_not_tried_again(web, run_log, finish, status, words):
    server = web(status)
    with pytest.raises(NotDelivered, match=f"^1 message was not delivered: 127.0.0.1 answered {words}$"):
        tell(run_log(finish()), hook(server))
    assert len(server.came) == 1, "nor anywhere else"


def test_a_server_that_always_fails_is_given_up(web, run_log, trip, finish):
    server = web(*[500] * 20)
    with pytest.raises(NotDelivered, match=r"^2 messages were not delivered: 127.0.0.1 answered 500"):
        tell(run_log(trip(), finish()), hook(server))
    assert [m["event"] for m in server.messages] == ["trip", "end", "end", "end"], "the run is over: only its end"
    assert server.messages[-1]["not_sent"] == 1


def test_a_server_that_hangs_costs_its_time_and_no_more(web, run_log, finish):
    server, clock = web("hang"), RealClock()
    began = clock.now()
    with pytest.raises(NotDelivered, match="no answer in time"):
        tell(run_log(finish()), hook(server), IMPATIENT)
    assert clock.now() - began < 10.0


def test_a_server_that_is_not_there(run_log, finish, nobody):
    target = Webhook("lab chat", url=f"http://127.0.0.1:{nobody}/hook/tok3n", token="t0ken")
    with pytest.raises(NotDelivered, match="not delivered: ConnectionRefusedError") as failure:
        tell(run_log(finish()), target, IMPATIENT)
    assert "tok3n" not in str(failure.value)


def test_more_than_the_rate_ends_with_how_many_more_there_were(web, run_log, trip, finish):
    server = web()
    tell(run_log(*(trip(time=float(n)) for n in range(7)), finish()), hook(server, per_hour=2))
    assert [(m["event"], m["not_sent"]) for m in server.messages] == [("trip", 0), ("trip", 0), ("end", 5)]
    assert server.messages[-1]["text"].endswith("completed (and 5 more, which were not sent)")


def test_secrets_are_in_no_log_and_no_error(web, run_log, finish, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    server = web(500)
    target = hook(server, token="t0ken", secret="s3cret")
    monkeypatch.setattr("urllib.request.OpenerDirector.open", _tells_everything)
    with pytest.raises(NotDelivered) as failure:
        tell(run_log(finish()), target, IMPATIENT)
    for text in (str(failure.value), caplog.text, repr(target)):
        assert not [secret for secret in ("t0ken", "s3cret", "tok3n") if secret in text], text
    assert "***" in str(failure.value)


def _tells_everything(opener, request, timeout):
    raise OSError(f"cannot open {request.full_url} with {request.headers} and s3cret")


def test_an_encrypted_webhook_is_trusted_by_its_authority_only(web, run_log, finish, certificate):
    server = web(certificate=certificate)
    tell(run_log(finish()), hook(server, ca_file=str(certificate[0])))
    assert len(server.came) == 1
    with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
        tell(run_log(finish(), name="second"), hook(server))
    assert len(server.came) == 1


# -- mail


def test_a_mail_says_what_happened_to_which_run(mail, run_log, trip, finish):
    server = mail()
    run = run_log(trip(), finish(), title="Näherung\nBcc: evil@example.org")
    tell(run, box(server, to=("lab@example.org", "night@example.org")))
    told, ended = letters(server)
    assert told["Subject"] == "Luggin: Näherung Bcc: evil@example.org: a limit was left: current is 132 uA"
    assert told["Bcc"] is None
    assert (told["From"], told["To"]) == ("luggin@example.org", "lab@example.org, night@example.org")
    assert told["Auto-Submitted"] == "auto-generated"
    assert abs(told["Date"].datetime - RealClock().utc()).total_seconds() < 3600
    text = told.get_content()
    for line in (f"run        {run.name} on {host_name()}", "sample     re4mo2-4", "run time   30 s"):
        assert line in text
    assert "UTC        2026-03-14T10:00:30+00:00" in text
    assert ended["Subject"].endswith(": completed")
    recipients = [words for words, _ in server.commands if words.startswith("rcpt") or words.startswith("RCPT")]
    assert len(recipients) == 4


def test_a_password_goes_over_the_encrypted_line_only(mail, run_log, finish, certificate):
    server = mail(certificate=certificate, starttls=True)
    secure = {"security": "starttls", "user": "lab", "password": "pa55", "ca_file": str(certificate[0])}
    tell(run_log(finish()), box(server, **secure))
    assert len(server.letters) == 1
    (auth,) = [encrypted for words, encrypted in server.commands if words.upper().startswith("AUTH")]
    assert auth is True
    assert not [w for w, encrypted in server.commands if not encrypted and w.upper().startswith(("AUTH", "MAIL"))]


def test_mail_over_a_line_that_is_encrypted_from_the_start(mail, run_log, finish, certificate):
    server = mail(certificate=certificate, tls=True)
    tell(run_log(finish()), box(server, security="tls", ca_file=str(certificate[0])))
    assert len(server.letters) == 1


def test_a_mail_server_whose_certificate_nobody_vouches_for_gets_nothing(mail, run_log, finish, certificate):
    server = mail(certificate=certificate, starttls=True)
    with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
        tell(run_log(finish()), box(server, security="starttls", user="lab", password="pa55"))
    assert server.letters == []


def test_a_mail_server_that_offers_no_encryption_gets_nothing(mail, run_log, finish):
    server = mail()
    with pytest.raises(NotDelivered, match="STARTTLS"):
        tell(run_log(finish()), box(server, security="starttls", user="lab", password="pa55"))
    assert server.letters == []
    assert not [words for words, _ in server.commands if words.upper().startswith("AUTH")]


@pytest.mark.parametrize(
    ("replies", "attempts", "words"),
    [
        ({"AUTH": "535 no"}, 1, "the mail server answered 535 no"),
        ({"MAIL": "550 not you"}, 1, "the mail server answered 550 not you"),
        ({"rcpt": "550 unknown"}, 1, "lab@example.org refused: 550 unknown"),
        ({"rcpt": "450 later"}, 3, "lab@example.org refused: 450 later"),
        ({"END": "554 no room"}, 1, "the mail server answered 554 no room"),
        ({"END": "452 no room"}, 3, "the mail server answered 452 no room"),
        ({"CONNECT": "554 go away"}, 1, "the mail server answered 554 go away"),
        ({"CONNECT": "421 busy"}, 3, "the mail server answered 421 busy"),
        ({"DATA": "hang up"}, 3, "SMTPServerDisconnected"),
    ],
)
def test_what_a_mail_server_says_is_told(mail, run_log, finish, replies, attempts, words):
    server = mail({command.upper(): reply for command, reply in replies.items()})
    with pytest.raises(NotDelivered, match=words) as failure:
        tell(run_log(finish()), box(server, user="lab", password="pa55pa55"))
    assert str(failure.value).startswith("1 message was not delivered: ")
    assert "pa55" not in str(failure.value)
    if "CONNECT" not in replies:
        assert sum(w.upper().startswith("EHLO") for w, _ in server.commands) == attempts


def test_a_mail_server_that_is_busy_for_a_moment_gets_it_then(mail, run_log, finish):
    server = mail({"MAIL": ["451 later"]})
    tell(run_log(finish()), box(server))
    assert len(server.letters) == 1


def test_one_recipient_who_is_refused_is_told_though_the_others_have_it(mail, run_log, finish):
    server = mail({"RCPT": ["250 ok", "550 unknown"]})
    with pytest.raises(NotDelivered, match=r"^night@example.org refused by 127.0.0.1$"):
        tell(run_log(finish()), box(server, to=("lab@example.org", "night@example.org")))
    assert len(server.letters) == 1


@pytest.mark.parametrize("when", ["CONNECT", "EHLO", "MAIL", "DATA", "END"])
def test_a_mail_server_that_hangs_costs_its_time_and_no_more(mail, run_log, finish, when):
    server, clock = mail({when: "hang"}), RealClock()
    began = clock.now()
    with pytest.raises(NotDelivered, match="no answer in time"):
        tell(run_log(finish()), box(server), IMPATIENT)
    assert clock.now() - began < 10.0


def test_a_mail_server_that_is_not_there(run_log, finish, nobody):
    target = Mail("m", host="127.0.0.1", port=nobody, security="none", sender="a@example.org", to=("b@example.org",))
    with pytest.raises(NotDelivered, match="ConnectionRefusedError"):
        tell(run_log(finish()), target, IMPATIENT)


# -- which runs


def test_simulated_runs_are_told_to_those_who_want_them(web, run_log, finish):
    server = web()
    run = run_log(finish(), simulated=True)
    tell(run, hook(server))
    assert server.came == []
    tell(run, hook(server, simulated=True))
    assert server.messages[0]["text"] == "SIMULATED: Re4Mo2 in CH3CN: completed"


def test_a_run_whose_program_was_killed_is_told(web, run_log):
    server = web()
    gone = {"kind": "session", "time": 5.0, "reason": "resume", "pid": 0}
    tell(run_log(gone), hook(server))
    (said,) = server.messages
    assert (said["event"], said["outcome"]) == ("end", None)
    assert said["text"] == "Re4Mo2 in CH3CN: CUT OFF: its program was killed or the power went"


def test_a_test_is_sent_once_whatever_is_wanted(web, run_log, trip, finish):
    server = web(500, 500)
    run = run_log(trip(), finish(), test=True)
    with pytest.raises(NotDelivered):
        tell(run, hook(server, events=("suspend",)))
    assert len(server.came) == 1, "who tries it out wants to know now"
    assert json.loads(server.came[0][1])["event"] == "test"
