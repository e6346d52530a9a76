"""Erasing a person: what identifies them goes for good, what the business counts stays.

In batches, since one person's history may be larger than one transaction. The contact, their leads and
users go last, with the note that all is done: an erasure that was interrupted still knows whom to look for,
and the job ``continue_erasures`` goes on with it. Source: GDPR articles 4(5) and 17; PIPL article 47.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import svcs

from backend.core.access import Level, system_actor
from backend.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from backend.core.events import RecordUpdated
from backend.core.ids import derived_id
from backend.core.records import REGISTRY, Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Attachment, Contact
from backend.crm.events import PersonErased
from backend.crm.privacy.documents import HOLD, Erasure, ErasureState
from backend.crm.privacy.pseudonyms import Eraser, eraser_for, pseudonymise
from backend.crm.privacy.relations import find_about, find_themselves, is_a_person
from backend.identity.documents import User
from backend.identity.forgetting import forget_sign_in

BATCH = 100  # records in one commit: others' commits wait for it
AT_ONCE = 10  # batches that the caller waits for; a job does the rest
MOST_ROUNDS = 5  # a round finds what was written while the one before ran
Key = tuple[str, str]


async def begin_erasure(uow: UnitOfWork, contact_id: str, *, reason: str, confirm: str) -> Erasure:
    """Note that a person is to be erased; asked again, return the erasure that there is.

    ``confirm`` is the contact's name or id. Raise Forbidden unless the actor may delete every contact,
    NotFound for an unknown one, InvalidInput for a wrong ``confirm``, no reason, or a legal hold.
    """
    if uow.actor.level(Contact.kind, "delete") is not Level.ALL:
        raise Forbidden("erase", Contact.kind)
    id = derived_id("erasure", uow.actor.workspace_id, contact_id)
    if await uow.is_taken(Erasure, id):
        return await uow.access(Erasure, id)
    contact = await _find_contact(uow, contact_id)
    if confirm.strip() not in (contact.full_name, contact.id):
        raise InvalidInput(FieldError("confirm", "is not this contact's name or id; nothing was erased"))
    if not reason.strip():
        raise InvalidInput(FieldError("reason", "is missing; say why, as the law asks you to be able to"))
    await _check_no_hold(uow, contact)
    clean = eraser_for(contact.id, [contact]).cut(reason.strip())
    erasure = Erasure(id=id, contact_id=contact.id, reason=clean, owner_id=uow.actor.user_id)
    uow.save(erasure)
    uow.note("person.erasure_begun", kind=Contact.kind, id=contact.id, details={"reason": clean})
    return erasure


async def run_erasure(store: Store, workspace_id: str, erasure_id: str, *, most: int = AT_ONCE) -> Erasure:
    """Erase in up to ``most`` batches; return the erasure, still RUNNING when more is left."""
    run = _Run(store, workspace_id, erasure_id)
    erasure = await run.begin()
    for _ in range(MOST_ROUNDS):
        if erasure.state is ErasureState.DONE:
            return erasure
        left = await run.unclean()
        if not left:
            return await run.finish()
        batches = [left[start : start + BATCH] for start in range(0, len(left), BATCH)]
        for batch in batches[:most]:
            await run.erase(batch)
        most -= len(batches)
        if most < 0:
            break
    return await run.current()


async def continue_erasures(services: svcs.Container) -> None:
    """Go on with erasures that were interrupted, or are too large for one request."""
    store = await services.aget(Store)
    for workspace_id in await store.workspace_ids():
        house = store.unit_of_work(system_actor(workspace_id))
        for erasure in await house.find(Erasure, {"state": ErasureState.RUNNING.value}):
            await run_erasure(store, workspace_id, erasure.id)


async def _find_contact(uow: UnitOfWork, id: str) -> Contact:
    """Return the contact, also one that was deleted: its words are still there."""
    try:
        return await uow.access(Contact, id, action="delete")
    except NotFound:
        deleted = await uow.as_house().find_deleted(Contact, {"_id": id})
        if not deleted:
            raise
        return deleted[0]


async def _check_no_hold(uow: UnitOfWork, contact: Contact) -> None:
    """Raise InvalidInput while something about the person must be kept for a legal claim."""
    unit = uow.as_house()
    for kind in REGISTRY.values():
        if HOLD in kind.model_fields and kind.about_person is not None:
            field = "_id" if kind.about_person == "id" else kind.about_person
            held = await unit.find_one(kind, {field: contact.id, HOLD: {"$gt": ""}})
            if held is not None:
                raise InvalidInput(
                    FieldError(
                        "contact_id",
                        f"is under legal hold by {kind.kind} {held.id}; release the hold, then erase",
                    )
                )


class _Run:
    """One run over one person."""

    def __init__(self, store: Store, workspace_id: str, erasure_id: str) -> None:
        self._store, self._house, self._id = store, system_actor(workspace_id), erasure_id
        self._contact_id = ""
        self._eraser = Eraser("", None)

    async def begin(self) -> Erasure:
        """Learn whom to look for, and end their access before anything else."""
        erasure = await self.current()
        self._contact_id = erasure.contact_id
        if erasure.state is ErasureState.RUNNING:
            known = await self._themselves()
            self._eraser = eraser_for(self._contact_id, known)
            users = [one.id for one in known if isinstance(one, User)]
            await self._store.write(self._house, lambda uow: _suspend(uow, users))
        return erasure

    async def current(self) -> Erasure:
        return await self._store.unit_of_work(self._house).access(Erasure, self._id)

    async def unclean(self) -> list[Key]:
        """Return what still says something of the person, the records that are the person left out."""
        return [
            (one.kind, one.id)
            async for page in find_about(self._find, self._contact_id)
            for one in page
            if not is_a_person(type(one)) and (pseudonymise(one, self._eraser) or _must_go(one))
        ]

    async def erase(self, keys: Sequence[Key]) -> None:
        """Take the person out of some records, in one commit that counts them."""

        async def erase_batch(uow: UnitOfWork) -> None:
            done = Counter({kind: 0 for kind, _ in keys})
            for key in keys:
                done[key[0]] += await self._erase(uow, key)
            await self._count(uow, done)

        await self._store.write(self._house, erase_batch)

    async def finish(self) -> Erasure:
        """Take away who they are, lock the contact, and note that all is done; sign-ins are gone before."""
        known = await self._themselves()
        for user in known:
            if isinstance(user, User):
                await forget_sign_in(self._store, user)

        async def finish_erasure(uow: UnitOfWork) -> Erasure:
            done: Counter[str] = Counter()
            for one in known:
                done[one.kind] += await self._erase(uow, (one.kind, one.id))
            erasure = await self._count(uow, done)
            erasure.state, erasure.finished_at = ErasureState.DONE, uow.at
            uow.save(erasure)
            counts = dict(erasure.counts)
            uow.note("person.erased", kind=Contact.kind, id=self._contact_id, details={"counts": counts})
            return erasure

        return await self._store.write(self._house, finish_erasure)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _themselves(self) -> list[Record]:
        pages = find_themselves(self._find, self._contact_id)
        return [one async for page in pages for one in page]

    async def _find(self, record: type[Record], where: Mapping[str, Any], /, **how: Any) -> list[Record]:
        """Return a page by id, of the living and of what was deleted: its words are still there."""
        uow = self._store.unit_of_work(self._house)
        found = [*await uow.find(record, where, **how), *await uow.find_deleted(record, where, **how)]
        # What is cut off here comes with the next page.
        return sorted(found, key=lambda one: one.id)[: how.get("limit") or None]

    async def _erase(self, uow: UnitOfWork, key: Key) -> int:
        """Stage one record without the person; return 1 if that changed it."""
        record = await _open(uow, key)
        if record is None:
            return 0
        changed = pseudonymise(record, self._eraser) or _must_go(record)
        if isinstance(record, Contact) and record.erased_at is None:
            record.erased_at, record.is_active = uow.at, False
            uow.save(record, RecordUpdated(fields=tuple(sorted(record.personal))), PersonErased())
        elif _must_go(record):
            uow.delete(record)
        else:
            uow.save(record)
        return int(changed)

    async def _count(self, uow: UnitOfWork, done: Counter[str]) -> Erasure:
        erasure = await uow.access(Erasure, self._id, action="update")
        erasure.counts = dict(sorted((Counter(erasure.counts) + done).items()))
        uow.save(erasure)
        return erasure


def _must_go(record: Record) -> bool:
    """Tell whether nothing of the record can stay: a file shows whom it is about in ways nobody can list."""
    return isinstance(record, Attachment) and record.deleted_at is None


async def _open(uow: UnitOfWork, key: Key) -> Record | None:
    """Return a record to be changed, a tombstone too; None when it is gone."""
    kind, id = REGISTRY[key[0]], key[1]
    try:
        return await uow.access(kind, id, action="update")
    except NotFound:
        deleted = await uow.find_deleted(kind, {"_id": id})
        return deleted[0] if deleted else None


async def _suspend(uow: UnitOfWork, user_ids: Sequence[str]) -> None:
    for id in user_ids:
        record = await _open(uow, (User.kind, id))
        if isinstance(record, User) and record.is_active:
            record.is_active = False
            uow.save(record)
