"""Retention: what was kept long enough is erased by rule; a preview says first what that would be.

A record goes with what belongs to it: a ticket with its conversation, messages, tasks and files. What is
under legal hold, itself or by the contact or record that it belongs to, stays as it is.
Source: GDPR article 5(1)(e); PIPL articles 19 and 47.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import svcs

from backend.core.access import Actor, system_actor
from backend.core.errors import NotFound
from backend.core.fields import Fields, new_record, set_fields
from backend.core.ids import derived_id
from backend.core.records import REGISTRY, Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Attachment, Contact
from backend.crm.privacy.documents import Erasure, RetentionAction, RetentionRule
from backend.crm.privacy.erasures import run_erasure
from backend.crm.privacy.holds import hold_of
from backend.crm.privacy.pseudonyms import Eraser, erase_texts, eraser_for, pseudonymise
from backend.crm.privacy.relations import find_with_children, ties_of
from backend.crm.privacy.retention_rules import check_rule, condition_of

PAGE = 100
BATCH = 100  # records in one commit
MOST_A_RUN = 2_000  # the rest comes with the next tick: other jobs wait meanwhile
EVERY = timedelta(hours=23)  # a day, less what ticks may drift
SHOWN = 20


async def create_retention_rule(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> RetentionRule:
    """Create a rule, asleep unless ``active`` is set: look at its preview first."""
    rule = await new_record(uow, RetentionRule, fields, id=id)
    check_rule(rule)
    uow.save(rule)
    return rule


async def update_retention_rule(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> RetentionRule:
    """Change a rule."""
    rule = await uow.access(RetentionRule, id, action="update", expected_version=expected_version)
    set_fields(rule, fields)
    check_rule(rule)
    uow.save(rule)
    return rule


async def delete_retention_rule(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> RetentionRule:
    """Delete a rule; what it did stays done."""
    rule = await uow.access(RetentionRule, id, action="delete", expected_version=expected_version)
    uow.delete(rule)
    return rule


@dataclass(kw_only=True)
class Preview:
    """What a rule would do now: how many records, how many it may not touch, and the first ids."""

    count: int = 0
    held: int = 0
    ids: list[str] = field(default_factory=list)


async def preview_retention(store: Store, actor: Actor, rule_id: str) -> Preview:
    """Return what a rule of the actor would do now, and change nothing."""
    rule = await store.unit_of_work(actor).access(RetentionRule, rule_id)
    found = Preview()
    async for record in _due(store, rule):
        if await _is_held(store, record):
            found.held += 1
        elif await _affected(store, rule, record):
            found.count += 1
            found.ids += [record.id] if len(found.ids) < SHOWN else []
    return found


async def apply_due_rules(services: svcs.Container) -> None:
    """Apply each active rule that was not applied today."""
    store = await services.aget(Store)
    now = store.clock.now()
    for workspace_id in await store.workspace_ids():
        for rule in await store.unit_of_work(system_actor(workspace_id)).find(
            RetentionRule, {"active": True}
        ):
            if rule.last_run_at is None or rule.last_run_at <= now - EVERY:
                await apply_rule(store, rule)


async def apply_rule(store: Store, rule: RetentionRule, *, most: int = MOST_A_RUN) -> int:
    """Do what a rule says to up to ``most`` records; return to how many. It is noted in the audit."""
    done = 0
    async for record in _due(store, rule):
        if done >= most:
            break
        if not await _is_held(store, record) and (keys := await _affected(store, rule, record)):
            await _retire(store, rule, record, keys)
            done += 1
    is_whole = done < most

    async def note(uow: UnitOfWork) -> None:
        try:
            noted = await uow.access(RetentionRule, rule.id, action="update")
        except NotFound:
            return  # deleted meanwhile
        noted.last_count, noted.last_run_at = done, uow.at if is_whole else noted.last_run_at
        uow.save(noted)
        uow.note("retention.applied", kind=rule.kind, id=rule.id, details={"records": done})

    await store.write(system_actor(rule.workspace_id), note)
    return done


async def _due(store: Store, rule: RetentionRule) -> AsyncIterator[Record]:
    """Yield what was kept long enough, by id."""
    after, where = "", condition_of(rule, store.clock.now())
    while True:
        house = store.unit_of_work(system_actor(rule.workspace_id))
        beyond: Mapping[str, Any] = {"_id": {"$gt": after}} if after else {}
        page = await house.find(
            REGISTRY[rule.object_kind], {**beyond, **where}, sort=[("_id", 1)], limit=PAGE
        )
        for record in page:
            yield record
        if len(page) < PAGE:
            return
        after = page[-1].id


async def _is_held(store: Store, record: Record) -> bool:
    """Tell whether a legal hold keeps ``record``: its own, its contact's, or that of what it belongs to."""
    if hold_of(record):
        return True
    unit = store.unit_of_work(system_actor(record.workspace_id))
    above = [(Contact.kind, getattr(record, record.about_person))] if record.about_person else []
    for target, id_field in ties_of(type(record)):
        kind = str(getattr(record, target[1:])) if target.startswith("@") else target
        above.append((kind, getattr(record, id_field)))
    for kind, id in above:
        if id and kind in REGISTRY and (kind, id) != (record.kind, record.id):
            parent = await unit.find_one(REGISTRY[kind], {"_id": id})
            if parent is not None and await _is_held(store, parent):
                return True
    return False


async def _affected(store: Store, rule: RetentionRule, record: Record) -> list[tuple[str, str]]:
    """Return what a rule would change of a record and of what belongs to it; empty when it is done."""
    if isinstance(record, Contact):
        return [] if record.erased_at else [(record.kind, record.id)]
    house = store.unit_of_work(system_actor(rule.workspace_id))
    eraser, found = await _eraser(house, record), []

    async def find(kind: type[Record], where: Mapping[str, Any], /, **how: Any) -> list[Record]:
        return list(await house.find(kind, where, **how))

    async for page in find_with_children(find, record):
        found += [(one.kind, one.id) for one in page if _would_change(rule, one, eraser)]
    return found


def _would_change(rule: RetentionRule, record: Record, eraser: Eraser) -> bool:
    match rule.action:
        case RetentionAction.ERASE_TEXT:
            return erase_texts(record)
        case RetentionAction.PSEUDONYMISE:
            return pseudonymise(record, eraser)
    return True


async def _eraser(uow: UnitOfWork, record: Record) -> Eraser:
    """Return what takes the person of ``record`` out of it."""
    id = getattr(record, record.about_person) if record.about_person else None
    contact = await uow.find_one(Contact, {"_id": id}) if id else None
    return eraser_for(contact.id if contact else record.id, [contact, record] if contact else [record])


async def _retire(store: Store, rule: RetentionRule, record: Record, keys: Sequence[tuple[str, str]]) -> None:
    house = system_actor(rule.workspace_id)
    if isinstance(record, Contact):
        await _erase_person(store, house, rule, record)
        return
    eraser = await _eraser(store.unit_of_work(house), record)
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]

        async def retire(uow: UnitOfWork, batch: Sequence[tuple[str, str]] = batch) -> None:
            for kind, id in batch:
                await _retire_one(uow, rule.action, kind, id, eraser)

        await store.write(house, retire)


async def _retire_one(uow: UnitOfWork, action: RetentionAction, kind: str, id: str, eraser: Eraser) -> None:
    try:
        record = await uow.access(REGISTRY[kind], id, action="update")
    except NotFound:
        return  # deleted meanwhile
    if action is RetentionAction.ERASE_TEXT:
        erase_texts(record)
    else:
        pseudonymise(record, eraser)
    if action is RetentionAction.DELETE or isinstance(record, Attachment):
        uow.delete(record)  # without its words: a tombstone stays
    else:
        uow.save(record)


async def _erase_person(store: Store, house: Actor, rule: RetentionRule, contact: Contact) -> None:
    """Erase a whole person, as if they had asked."""
    id = derived_id("erasure", rule.workspace_id, contact.id)

    async def begin(uow: UnitOfWork) -> None:
        if not await uow.is_taken(Erasure, id):
            uow.save(Erasure(id=id, contact_id=contact.id, reason=f"retention rule {rule.id}"))

    await store.write(house, begin)
    await run_erasure(store, rule.workspace_id, id)
