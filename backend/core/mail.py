"""Sending e-mail: one message to one address, over SMTP.

Sources: RFC 5321 (SMTP), RFC 8314 (smtps: TLS from the start), RFC 3834 (Auto-Submitted).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from backend.core.clock import Clock
from backend.core.errors import Unavailable
from backend.core.settings import Settings

PATIENCE_SECONDS = 20.0  # with a mail server, for each of its answers
KEPT_SECONDS = 30.0  # Source: RFC 5321, 4.5.3.2.7: servers wait for five minutes; many wait for less
TRY_AGAIN_AFTER = timedelta(minutes=1)
PORTS = {"smtp": 587, "smtps": 465}
FOR_GOOD = 500  # replies from here on are refusals that another try does not change


class MailRefused(Exception):
    """The mail server will not take this message, now or later; the message is the server's reply code."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One message, as plain text and as HTML."""

    to: str
    subject: str
    text: str = field(repr=False)  # it may hold a secret link
    html: str = field(repr=False)
    message_id: str = ""
    """The same in every try, so that mailboxes show one of two; empty: made when it leaves."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Mailer(Protocol):
    """Hand a message over for delivery."""

    async def send(self, mail: Mail) -> None:
        """Return when it was taken. Raise MailRefused when it never will be, Unavailable otherwise."""
        ...

    async def close(self) -> None:
        """Let go of connections that were kept; another mail opens a new one."""
        ...


class SmtpMailer:
    """Send over ``smtp[s]://[user:password@]host[:port]``.

    ``smtps`` speaks TLS from the start; ``smtp`` turns to TLS where the server offers it, and insists on it
    before a password leaves for another machine. Up to ``keeps`` connections stay open for half a minute, for
    who sends many.
    """

    def __init__(self, url: str, sender: str, clock: Clock, *, keeps: int = 0) -> None:
        parts = urlsplit(url)
        assert parts.scheme in PORTS, "the settings check it"
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls = parts.scheme == "smtps"
        self._sender, self._clock = sender, clock
        self._keeps = keeps
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []

    async def send(self, mail: Mail) -> None:
        """Hand ``mail`` to the server; see ``Mailer.send``."""
        try:
            await self._hand_over(self._message(mail))
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            if all(code >= FOR_GOOD for code in codes):
                raise MailRefused(str(codes[0])) from None
            raise _away(f"reply {codes[0]}") from None
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
            if error.code >= FOR_GOOD:
                raise MailRefused(str(error.code)) from None
            raise _away(f"reply {error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _away(type(error).__name__) from None

    async def close(self) -> None:
        """Close what is kept open."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _hand_over(self, message: EmailMessage) -> None:
        client = await self._kept() or await self._connected()
        try:
            await client.send_message(message)
        except aiosmtplib.SMTPResponseException:  # it answered: the connection is as good as before
            await self._keep(client)
            raise
        except BaseException:
            client.close()
            raise
        await self._keep(client)

    async def _connected(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._tls,
            start_tls=self._starts_tls(),
            timeout=PATIENCE_SECONDS,
        )
        await client.connect()
        return client

    async def _kept(self) -> aiosmtplib.SMTP | None:
        """Return an open connection that still answers; None when there is none."""
        while self._idle:
            since, client = self._idle.pop()
            try:
                if time.monotonic() - since < KEPT_SECONDS:
                    await client.noop()
                    return client
            except (aiosmtplib.SMTPException, OSError):
                pass  # the server has hung up meanwhile, which it may
            client.close()
        return None

    async def _keep(self, client: aiosmtplib.SMTP) -> None:
        if len(self._idle) < self._keeps:
            try:
                await client.rset()
            except (aiosmtplib.SMTPException, OSError):
                client.close()
            else:
                self._idle.append((time.monotonic(), client))
            return
        try:
            await client.quit()
        except (aiosmtplib.SMTPException, OSError):
            client.close()

    def _starts_tls(self) -> bool | None:
        """True: insist; None: where offered; False: it is TLS already."""
        if self._tls:
            return False
        return True if self._user and not _is_this_machine(self._host) else None

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = mail.message_id or make_msgid(domain=domain_of(self._sender))
        message["Auto-Submitted"] = "auto-generated"  # nobody's out-of-office reply is wanted
        for name, value in mail.headers.items():
            message[name] = value
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def domain_of(sender: str) -> str:
    """Return the domain in ``Rapport <no-reply@company.example>``."""
    return parseaddr(sender)[1].rpartition("@")[2]


def choose_mailer(settings: Settings, clock: Clock, *, keeps: int = 0) -> Mailer | None:
    """Return the mailer of the settings; None when no mail server is set."""
    url = settings.smtp_url.get_secret_value()
    return SmtpMailer(url, settings.mail_from, clock, keeps=keeps) if url else None


def no_mail_server() -> Unavailable:
    """Return the refusal of what cannot be done without mail."""
    return Unavailable(
        "This server sends no e-mail: no mail server is set (RAPPORT_SMTP_URL). Ask an admin.",
        retry_after=timedelta(hours=1),
    )


def _away(reason: str) -> Unavailable:
    return Unavailable(f"The mail server did not take the message ({reason}).", retry_after=TRY_AGAIN_AFTER)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
