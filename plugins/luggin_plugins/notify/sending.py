"""One message to one server, once. Everything that can go wrong comes out as `NotDelivered`, without secrets."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import smtplib
import ssl
import urllib.error
import urllib.request
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from urllib.parse import urlsplit

from luggin.errors import LugginError
from luggin.platform import host_name
from luggin_plugins.notify.messages import Message
from luggin_plugins.notify.settings import Mail, Webhook

_LATER = (408, 425, 429)


class NotDelivered(LugginError):
    """A message did not arrive. ``for_good``: a second attempt would end the same way."""

    def __init__(self, message: str, *, for_good: bool = False) -> None:
        super().__init__(message)
        self.for_good = for_good


def send(target: Webhook | Mail, message: Message, not_sent: int, utc: datetime, timeout: float) -> str:
    """Send a message; ``timeout`` (s) is for each wait. Gives what was wrong though it arrived, or nothing.

    Raises:
        NotDelivered: it did not arrive.
    """
    try:
        if isinstance(target, Webhook):
            _post(target, message.payload(not_sent), timeout)
            return ""
        return _mail(target, message, not_sent, utc, timeout)
    except NotDelivered as failure:
        raise NotDelivered(redacted(str(failure), target), for_good=failure.for_good) from None
    except (OSError, http.client.HTTPException, smtplib.SMTPException, ValueError) as error:
        raise NotDelivered(redacted(_words(error), target), for_good=_is_for_good(error)) from None


def redacted(text: str, target: Webhook | Mail) -> str:
    """A text without the secrets of a target."""
    for secret in sorted(target.secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


# -- webhooks


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A message, and its token, go where the file says and nowhere else."""

    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        """No second request."""
        return None


def _post(target: Webhook, body: bytes, timeout: float) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "luggin"}
    if target.token:
        headers["Authorization"] = f"Bearer {target.token}"
    if target.secret:
        signature = hmac.new(target.secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Luggin-Signature"] = f"sha256={signature}"
    https = urllib.request.HTTPSHandler(context=_context(target))
    opener = urllib.request.build_opener(_NoRedirect, https)
    request = urllib.request.Request(target.url, body, headers, method="POST")
    try:
        opener.open(request, timeout=timeout).close()
    except urllib.error.HTTPError as answer:
        with answer:
            host = urlsplit(target.url).hostname
            for_good = answer.code < 500 and answer.code not in _LATER
            raise NotDelivered(f"{host} answered {answer.code} {answer.reason}", for_good=for_good) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, OSError):
            raise error.reason from None
        raise


# -- mail


def _mail(target: Mail, message: Message, not_sent: int, utc: datetime, timeout: float) -> str:
    letter = EmailMessage()
    letter["From"], letter["To"] = target.sender, ", ".join(target.to)
    letter["Subject"] = f"Luggin: {message.subject()}"
    letter["Date"] = format_datetime(utc)
    letter["Message-ID"] = make_msgid(domain=target.sender.rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice comes back
    letter.set_content(message.text(not_sent))
    with _server(target, timeout) as server:
        if target.user:
            server.login(target.user, target.password)
        refused = server.send_message(letter)
    return f"{', '.join(refused)} refused by {target.host}" if refused else ""


def _server(target: Mail, timeout: float) -> smtplib.SMTP:
    # Without a name of our own smtplib asks the name service, which has its own idea of time.
    if target.security == "tls":
        return smtplib.SMTP_SSL(target.host, target.port, host_name(), timeout=timeout, context=_context(target))
    server = smtplib.SMTP(target.host, target.port, host_name(), timeout=timeout)
    if target.security == "starttls":
        try:
            server.starttls(context=_context(target))
        except BaseException:
            server.close()
            raise
    return server


# -- both


def _context(target: Webhook | Mail) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=target.ca_file)


def _is_for_good(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
        return True
    return isinstance(error, ValueError) and not isinstance(error, OSError)


def _words(error: Exception) -> str:
    """What went wrong, for people."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{to} refused: {code} {_said(said)}" for to, (code, said) in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answered {error.smtp_code} {_said(error.smtp_error)}"
    # smtplib takes an answer that does not come in time for the end of the connection.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "no answer in time"
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _said(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
