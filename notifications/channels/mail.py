"""The gateway of e-mail, on the house's own mailer."""

import asyncio
from collections.abc import Sequence

from backend.core.errors import Unavailable
from backend.core.mail import Mailer, MailRefused
from notifications.channels.letters import MailMessage
from notifications.gateways import Outcome, Verdict

MOST_AT_ONCE = 4


class MailGateway:
    """Send letters; ``mailer`` is None when no mail server is set. ``domain`` is that of the sender."""

    def __init__(self, mailer: Mailer | None, domain: str) -> None:
        self._mailer, self._domain = mailer, domain
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def is_ready(self) -> bool:
        """Tell whether anything would ever be sent."""
        return self._mailer is not None

    async def send(self, messages: Sequence[MailMessage]) -> Sequence[Verdict]:
        """Try each letter once; see ``Gateway.send``."""
        return await asyncio.gather(*map(self._send, messages))

    async def close(self) -> None:
        """Let go of the connections that were kept."""
        if self._mailer is not None:
            await self._mailer.close()

    async def _send(self, message: MailMessage) -> Verdict:
        if self._mailer is None:
            return Verdict(outcome=Outcome.FAILED, reason="NO_MAIL_SERVER")
        mail = message.mail(self._domain)
        try:
            async with self._free:
                await self._mailer.send(mail)
        except MailRefused as refused:
            return Verdict(outcome=Outcome.FAILED, reason=f"SMTP_{refused}", detail="bounced")
        except Unavailable as away:
            return Verdict(
                outcome=Outcome.RETRY, reason="SMTP_AWAY", detail=str(away), retry_after=away.retry_after
            )
        return Verdict(outcome=Outcome.SENT, reason="SENT", provider_message_id=mail.message_id)
