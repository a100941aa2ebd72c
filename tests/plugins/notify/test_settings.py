"""``notify.toml``: what it says, and all its mistakes at once with their lines."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from luggin.errors import LugginError, ProtocolError
from luggin_plugins.notify import observers, refusal
from luggin_plugins.notify.settings import Mail, Webhook, load_targets

GOOD = """
[[webhook]]
url = "https://chat.example.org/hooks/abc"
secret_env = "HOOK_SECRET"

[[mail]]
name = "the night shift"
host = "smtp.example.org"
user = "lab"
password_env = "MAIL_PASSWORD"
from = "luggin@example.org"
to = "lab@example.org"
events = ["trip", "end", "gap"]
per_hour = 5
simulated = true
"""


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    monkeypatch.setenv("MAIL_PASSWORD", "pa55")
    monkeypatch.setenv("HOOK_URL", "https://chat.example.org/hooks/from-the-environment")
    monkeypatch.setenv("TWO_LINES", "a\nb")
    monkeypatch.delenv("NOT_SET", raising=False)


@pytest.fixture
def load(tmp_path):
    def write(text, name="notify.toml"):
        path = tmp_path / name
        path.write_text(text)
        return load_targets([path])

    return write


def test_what_a_file_says(load):
    hook, mail = load(GOOD)
    assert hook == Webhook("webhook chat.example.org", url="https://chat.example.org/hooks/abc", secret="s3cret")
    assert hook.events == ("trip", "suspend", "line_lost", "end")
    assert mail == Mail(
        "the night shift",
        events=("trip", "end", "gap"),
        per_hour=5,
        simulated=True,
        host="smtp.example.org",
        port=587,
        security="starttls",
        user="lab",
        password="pa55",
        sender="luggin@example.org",
        to=("lab@example.org",),
    )


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_the_security(load, security, port):
    text = f'[[mail]]\nhost="h"\nsecurity="{security}"\nfrom="a@b.org"\nto=["c@d.org", "e@f.org"]\n'
    (mail,) = load(text)
    assert (mail.port, mail.to) == (port, ("c@d.org", "e@f.org"))
    assert load(text + "port = 2525")[0].port == 2525


def test_an_address_that_is_a_secret_comes_from_the_environment(load):
    (hook,) = load('[[webhook]]\nurl_env = "HOOK_URL"')
    assert hook.url.endswith("from-the-environment")


def test_no_secret_is_shown(load):
    shown = repr(load(GOOD))
    assert not [secret for secret in ("s3cret", "pa55", "hooks/abc") if secret in shown]


def test_all_mistakes_are_told_at_once_with_their_lines(load, tmp_path):
    text = """[[webhook]]
url = "ftp://example.org"
events = ["tripp"]
per_hour = 0

[[webhook]]
secret = "s3cret"

[[mail]]
host = "smtp example"
securty = "tls"
user = "lab"
from = "nobody"
simulated = "yes"
"""
    with pytest.raises(ProtocolError) as mistakes:
        load(text)
    file = tmp_path / "notify.toml"
    assert str(mistakes.value).splitlines() == [
        f'{file}:2: webhook[1].url: this is not a web address. Write "https://HOST/...".',
        f'{file}:3: webhook[1].events: nothing is called "tripp" here. Did you mean `trip`?',
        f"{file}:4: webhook[1].per_hour: this must be a whole number from 1 to 3600; found 0.",
        f'{file}:6: webhook[2]: `url` is missing: where the message goes. Write url = "https://..." or url_env.',
        f"{file}:7: webhook[2].secret: secrets do not stand in this file. Write secret_env and set that.",
        f"{file}:9: mail[1]: `user` and `password_env` belong together. Write both or none.",
        f'{file}:9: mail[1]: `to` is missing: who is told. Write for example to = "lab@example.org".',
        f'{file}:10: mail[1].host: "smtp example" is not the name of a server.',
        f"{file}:11: mail[1].securty: there is no key `securty` here. Did you mean `security`?",
        f'{file}:13: mail[1].from: "nobody" is not a mail address. Write "NAME@HOST".',
        f'{file}:14: mail[1].simulated: this must be true or false; found "yes".',
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nobody is told anything"),
        ("[webhook]\nurl = 'https://a.org'", r"a table in double brackets, \[\[webhook\]\]"),
        ("[[webhooks]]\nurl = 'https://a.org'", "there is no key `webhooks` here"),
        ("[[webhook]]\nurl_env = 'NOT_SET'", "the environment variable NOT_SET is not set"),
        ("[[webhook]]\nurl='https://a.org'\ntoken_env = 'TWO_LINES'", "has characters that cannot be sent"),
        ("[[webhook]]\nurl='https://a.org'\nurl_env = 'HOOK_URL'", "there are `url` and `url_env`"),
        ("[[webhook]]\nurl='https://me:pw@a.org/x'", "a password stands in this address"),
        ("[[webhook]]\nurl='https://a.org:port/x'", "not a web address"),
        ("[[webhook]]\nurl='https:///x'", "not a web address"),
        ("[[webhook]]\nurl='https://a.org/ x'", "not a web address"),
        ("[[webhook]]\nurl='http://a.org'\ntoken_env='HOOK_SECRET'", "a token goes over an encrypted line only"),
        ("[[webhook]]\nurl='https://a.org'\nevents = []", "no event is named"),
        ("[[webhook]]\nurl='https://a.org'\nevents = 'trip'", "must be a list of texts"),
        ("[[webhook]]\nurl='https://a.org'\nca_file = 'none.pem'", "there is no file .*none.pem"),
        ("[[webhook]]\nurl='https://a.org'\nname = 7", "must be a text in quotes"),
        (
            "[[mail]]\nhost='h.org'\nsecurity='none'\nuser='u'\npassword_env='MAIL_PASSWORD'\nfrom='a@b.c'\nto='a@b.c'",
            "a password goes over an encrypted line only",
        ),
        ("[[mail]]\nhost='h'\nsecurity='ssl'\nfrom='a@b.c'\nto='a@b.c'", '"ssl" is no way to a mail server'),
        ("[[mail]]\nhost='h'\nfrom='a@b.c'\nto=['a@b.c', 'b c@d.e']", '"b c@d.e" is not a mail address'),
        ("[[mail]]\nhost='h'\nport=true\nfrom='a@b.c'\nto='a@b.c'", "whole number from 1 to 65535; found true"),
        ("not toml", "this is not TOML"),
    ],
)
def test_a_mistake_is_told_in_words(load, text, words):
    with pytest.raises(ProtocolError, match=words):
        load(text)


def test_a_token_may_go_to_this_computer_in_plain(load):
    (hook,) = load("[[webhook]]\nurl='http://127.0.0.1:8080/x'\ntoken_env='HOOK_SECRET'")
    assert hook.token == "s3cret"


@settings(deadline=None, derandomize=True, max_examples=300, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(["url", "url_env", "token_env", "events", "host", "to", "from", "port", "security", "x"]),
        st.one_of(
            st.text(max_size=12).filter(lambda t: "'" not in t and "\n" not in t and t.isprintable()),
            st.integers(-3, 99999),
            st.booleans(),
            st.lists(st.sampled_from(["trip", "end", "a@b.c"]), max_size=3),
        ),
    ),
    st.sampled_from(["webhook", "mail"]),
)
def test_whatever_stands_there_is_a_target_or_a_mistake(load, table, kind):
    def value(v):
        return f"'{v}'" if isinstance(v, str) else str(v).lower() if isinstance(v, bool) else str(v)

    text = f"[[{kind}]]\n" + "".join(f"{key} = {value(v)}\n" for key, v in table.items())
    said = ""
    try:
        (target,) = load(text)
        said = f"notify.toml has {target.name}" if target.name else ""
    except LugginError as mistake:
        said = str(mistake)
    assert "notify.toml" in said


# -- a run


def test_a_run_whose_alarm_has_mistakes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    bench = tmp_path / "lab" / "bench.toml"
    bench.parent.mkdir()
    assert refusal(bench, simulated=False) is None
    (bench.parent / "notify.toml").write_text(GOOD)
    assert refusal(bench, simulated=False) is None
    (bench.parent / "notify.toml").write_text("[[webhook]]\nurl = 7\n")
    said = refusal(bench, simulated=False)
    assert said is not None
    assert said.startswith("nobody would be told what happens to it.\n")
    assert f"{bench.parent / 'notify.toml'}:2: webhook[1].url" in said
    assert refusal(None, simulated=False) is None, "the user's own file is not there"


def test_the_hooks_of_the_distribution_ask_for_it(tmp_path, monkeypatch):
    import luggin_plugins
    from luggin.plugins import load as load_plugins

    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path))
    plugins = load_plugins(discover=False, modules=[luggin_plugins])
    (source,) = plugins.observers()
    assert source.configured_by == "notify.toml"
    plan = {"simulated": False, "bench": None}
    plugins.check_run(lambda: plan, {})
    (tmp_path / "notify.toml").write_text("[[webhook]]\n")
    with pytest.raises(LugginError, match=r"(?s)plugin 'luggin_plugins' refuses this run: nobody .*`url` is missing"):
        plugins.check_run(lambda: plan, {})
    plugins.check_run(lambda: {**plan, "simulated": True}, {})


def test_each_target_of_the_user_and_of_the_bench_is_an_observer(run_log, tmp_path, monkeypatch):
    monkeypatch.setenv("LUGGIN_HOME", str(tmp_path / "home"))
    bench = tmp_path / "lab" / "bench.toml"
    for folder, text in ((tmp_path / "home", GOOD), (bench.parent, "[[webhook]]\nurl = 'https://lab.example.org'")):
        folder.mkdir()
        (folder / "notify.toml").write_text(text)
    names = [target.name for target in observers(run_log(bench={"path": str(bench)}))]
    assert names == ["webhook chat.example.org", "the night shift", "webhook lab.example.org"]
