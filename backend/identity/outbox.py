"""The outbox: mails that are due, sent at least once, whatever dies in between.

A row waits in the store until a mail server has taken its mail. Whoever sends takes a row by moving its
time ahead: when that process dies, the row comes due again. The link in a mail is made as it leaves.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog
import svcs
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend.core.errors import Unavailable
from backend.core.ids import derived_id, new_id
from backend.core.mail import Mail, Mailer, MailRefused, choose_mailer, no_mail_server
from backend.core.relay import Delivery
from backend.core.settings import Settings
from backend.core.store import Store
from backend.identity.credentials import find_credential
from backend.identity.documents import User, Workspace
from backend.identity.letters import language_of, word_letter
from backend.identity.mail_documents import MailDue, Purpose
from backend.identity.one_time_tokens import COUNTS_FOR, issue_token

log = structlog.get_logger()

HELD_FOR = timedelta(minutes=2)  # longer than a mail server may take for one message
LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Where mails wait, and what sends them; ``mailer`` is None when no mail server is set."""

    store: Store
    mailer: Mailer | None
    public_url: str  # what links begin with, without a slash at the end

    @property
    def is_ready(self) -> bool:
        """Tell whether anything would ever be sent."""
        return self.mailer is not None

    async def ask_for_reset(self, address: str) -> None:
        """Put a reset for an address in; nothing tells here whether anybody signs in with it.

        Raise Unavailable when no mail server is set.
        """
        if not self.is_ready:
            raise no_mail_server()
        times = self._times(Purpose.RESET)
        await self._put(MailDue(id=new_id(), purpose=Purpose.RESET, address=address, **times))

    async def put_invitation(self, id: str, user: User, *, inviter_id: str) -> None:
        """Put an invitation in, once for each ``id``."""
        due = MailDue(
            id=id,
            purpose=Purpose.INVITATION,
            workspace_id=user.workspace_id,
            user_id=user.id,
            inviter_id=inviter_id,
            **self._times(Purpose.INVITATION),
        )
        await self._put(due)

    async def link(self, purpose: Purpose, user: User) -> str:
        """Return a new link for ``user``; its secret is kept nowhere."""
        secret = await issue_token(purpose, user.workspace_id, user.id, now=self.store.clock.now())
        return f"{self.public_url}/auth/{purpose}?lang={language_of(user.locale)}#token={secret}"

    async def send_due(self) -> int:
        """Send until nothing is due; return how many were taken by the mail server."""
        sent = 0
        while self.mailer is not None and (due := await self._take()) is not None:
            sent += await self._send(self.mailer, due)
        return sent

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _times(self, purpose: Purpose) -> dict[str, object]:
        now = self.store.clock.now()
        return {"due_at": now, "expires_at": now + COUNTS_FOR[purpose]}

    async def _put(self, due: MailDue) -> None:
        try:
            await due.insert()
        except DuplicateKeyError:  # the relay handed the same entry over again
            log.info("mail.known", mail_id=due.id)

    async def _take(self) -> MailDue | None:
        now = self.store.clock.now()
        row = await MailDue.get_pymongo_collection().find_one_and_update(
            {"due_at": {"$lte": now}},
            {"$set": {"due_at": now + HELD_FOR}, "$inc": {"tries": 1}},
            sort=[("due_at", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return MailDue.model_validate(row) if row else None

    async def _send(self, mailer: Mailer, due: MailDue) -> bool:
        user = await self._recipient(due)
        if user is None or due.expires_at <= self.store.clock.now():
            await self._settle(due)
            return False
        try:
            await mailer.send(await self._worded(due, user))
        except MailRefused as refused:
            log.warning("mail.refused", mail_id=due.id, user_id=user.id, reason=str(refused))
        except Unavailable as away:
            log.warning("mail.waits", mail_id=due.id, tries=due.tries, error=str(away))
            await self._put_off(due, min(away.retry_after * 2 ** (due.tries - 1), LONGEST_PAUSE))
            return False
        else:
            await self._settle(due)
            return True
        await self._settle(due)
        return False

    async def _recipient(self, due: MailDue) -> User | None:
        """Return who is to get it; None when there is nobody, or it is not wanted any more."""
        credential = await find_credential(due.address) if due.purpose is Purpose.RESET else None
        user_id = credential.user_id if credential else due.user_id
        user = await self.store.reader.get(User, user_id) if user_id else None
        if user is None or user.deleted_at or not user.is_active:
            return None
        has_password = due.purpose is Purpose.INVITATION and await find_credential(user.email) is not None
        return None if has_password else user

    async def _worded(self, due: MailDue, user: User) -> Mail:
        workspace = await self.store.reader.get(Workspace, user.workspace_id)
        inviter = await self.store.reader.get(User, due.inviter_id) if due.inviter_id else None
        words = {
            "name": user.name,
            "workspace": workspace.name if workspace else "",
            "inviter": inviter.name if inviter else "",
        }
        letter = word_letter(due.purpose, user.locale, await self.link(due.purpose, user), words)
        return Mail(to=user.email, subject=letter.subject, text=letter.text, html=letter.html)

    async def _settle(self, due: MailDue) -> None:
        # Only as we hold it: once our time is over, the row is somebody else's.
        await MailDue.get_pymongo_collection().delete_one({"_id": due.id, "tries": due.tries})

    async def _put_off(self, due: MailDue, pause: timedelta) -> None:
        await MailDue.get_pymongo_collection().update_one(
            {"_id": due.id, "tries": due.tries}, {"$set": {"due_at": self.store.clock.now() + pause}}
        )


def provide_outbox(registry: svcs.Registry) -> None:
    """Register this process's outbox. It opens no connection before something is due."""
    settings, store = svcs.Container(registry).get(Settings, Store)
    mailer = choose_mailer(settings, store.clock)
    registry.register_value(Outbox, Outbox(store=store, mailer=mailer, public_url=settings.links_begin_with))


async def send_due_mail(services: svcs.Container) -> None:
    """Send what is due (a job)."""
    await (await services.aget(Outbox)).send_due()


async def on_user_invited(handed: Delivery, services: svcs.Container) -> None:
    """Put an invitation in the outbox. Handed over twice, it does so once."""
    outbox = await services.aget(Outbox)
    user = await outbox.store.reader.get(User, handed.entry.record_id)
    if outbox.is_ready and user is not None:
        id = derived_id("invitation", handed.entry.key)
        await outbox.put_invitation(id, user, inviter_id=handed.entry.actor_id)
