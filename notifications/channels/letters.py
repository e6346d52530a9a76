"""One notification as an e-mail."""

import hashlib
import html as html_module
from dataclasses import dataclass, field

from backend.core.mail import Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMessage:
    """One letter. ``html`` is the inside of its body; empty: made from the text.

    ``key`` is the same in every try, and so is the Message-ID that is made of it: mailboxes show one of two.
    Letters with the same ``thread`` lie together. One click on ``unsubscribe`` ends letters of the type.
    """

    key: str
    thread: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    language: str = "en"
    unsubscribe: str = field(default="", repr=False)

    def mail(self, domain: str) -> Mail:
        """Return it as the mailer takes it.

        Sources: RFC 2369 and RFC 8058 (List-Unsubscribe), RFC 5322, 3.6.4 (identification).
        """
        thread = hashlib.sha256(self.thread.encode()).hexdigest()[:32]
        headers = {"References": f"<{thread}@{domain}>"}
        if self.unsubscribe:
            headers |= {
                "List-Unsubscribe": f"<{self.unsubscribe}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        return Mail(
            to=self.to,
            subject=" ".join(self.subject.split()),
            text=self.text,
            html=self._page(),
            message_id=f"<{self.key}@{domain}>",
            headers=headers,
        )

    def _page(self) -> str:
        inside = self.html or "".join(
            f"<p>{html_module.escape(line)}</p>" for line in self.text.splitlines() if line.strip()
        )
        language = html_module.escape(self.language, quote=True)
        return (
            f'<!doctype html>\n<html lang="{language}"><meta charset="utf-8"><body>{inside}</body></html>\n'
        )
