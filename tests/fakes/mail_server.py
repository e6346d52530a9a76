"""A mail server on loopback: real SMTP, which keeps what it is given, or refuses it when told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class MailServer:
    """What arrived, and how the next messages are answered (``replies``, else taken)."""

    port: int = 0
    arrived: "asyncio.Queue[tuple[str, EmailMessage]]" = field(default_factory=asyncio.Queue)
    replies: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.replies:
            return self.replies.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.arrived.put_nowait((envelope.rcpt_tos[0], message))
        return "250 taken"

    async def next(self, *, to: str = "") -> tuple[str, EmailMessage]:
        """Return the address and the message that arrived next; with ``to``, others' are let go."""
        async with asyncio.timeout(20):
            while True:
                address, message = await self.arrived.get()
                if to in ("", address):
                    return address, message

    def left(self, *, to: str) -> int:
        """Return how many messages to somebody have arrived and were not looked at."""
        waiting = [self.arrived.get_nowait() for _ in range(self.arrived.qsize())]
        for one in waiting:
            self.arrived.put_nowait(one)
        return sum(address == to for address, _ in waiting)


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """Listen on a free port while the block lasts."""
    fake = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(fake, hostname="mail.test", loop=loop), "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        await server.wait_closed()
