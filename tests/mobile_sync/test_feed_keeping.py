"""The feed is kept for 400 days, begins anew after a restore, and is audited."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.core.feed_audit import audit_feed
from backend.core.feed_keeping import TOMBSTONE_LIFE, purge_workspace
from backend.core.ids import new_id
from backend.core.ledger import DEPARTURES, LEDGER, SEQUENCES
from backend.core.sync import SyncedCollection, shown
from backend.crm.documents import Account, Contact
from backend.crm.synced import ACCOUNTS
from mobile_sync.feed import pull_feed
from tests.crew import Crew, Refused
from tests.identity.seeing import share, unshare
from tests.mobile_sync.test_pull import make_account
from tests.mobile_sync.three_phones import PROTOCOLS, AnyPhone, OneNativePhone, OneWatermelonPhone, RxdbPhone

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


async def purge(crew: Crew, *, days: float = 0.0) -> int:
    """Let the job run twice, ``days`` after the life of a tombstone; return how many it removed."""
    store = crew.house.store
    now = store.clock.now() + TOMBSTONE_LIFE + timedelta(days=days)
    await purge_workspace(store, crew.workspace_id, (Account, Contact), now=now)
    return await purge_workspace(store, crew.workspace_id, (Account, Contact), now=now)


async def starts_again(phone: AnyPhone) -> None:
    """Pull with a cursor that counts no more, as the phone's protocol demands."""
    if isinstance(phone, RxdbPhone):
        with pytest.raises(Refused, match="CHECKPOINT_EXPIRED"):
            await phone.pull()
        phone.wire.cursor = None
        phone.wire.rows.clear()
        await phone.pull()
    elif isinstance(phone, OneNativePhone):
        page = await phone.wire.pull_once(collections=["account"])
        assert page["resync"] == "EXPIRED"
    elif isinstance(phone, OneWatermelonPhone):
        assert (await phone.wire.pull_once())["experimentalStrategy"] == "replacement"


@every_protocol
async def test_a_phone_that_was_away_too_long_starts_again_and_holds_nothing_that_is_gone(
    crew: Crew, protocol: type[AnyPhone]
) -> None:
    await crew.settle()
    gone, kept = await make_account(crew.rep, "Gone"), await make_account(crew.rep, "Kept")
    away, here = protocol(crew.rep), protocol(crew.rep)
    for phone in (away, here):
        await phone.pull()
    await crew.rep.do("accountDelete", {"id": gone})
    await here.pull()
    await purge(crew)
    assert await crew.house.store.reader.get(Account, gone) is None
    assert await crew.house.store.reader.get(Account, kept) is not None
    await starts_again(away)
    assert away.held().keys() == {kept}
    # Who was here since the deletion goes on as if nothing had been.
    later = await make_account(crew.rep, "Later")
    assert await here.pull() == [later]
    assert here.held().keys() == {kept, later}
    assert await audit_feed(crew.house.store, crew.workspace_id) == []


@every_protocol
async def test_after_a_restore_every_phone_starts_again(crew: Crew, protocol: type[AnyPhone]) -> None:
    id = await make_account(crew.rep, "In the backup")
    phone = protocol(crew.rep)
    await phone.pull()
    # What ``rapport mobile_sync restored`` does, of this workspace alone: others are tested meanwhile.
    store = crew.house.store
    await store.database[SEQUENCES].update_one({"_id": crew.workspace_id}, {"$inc": {"epoch": 1}})
    await starts_again(phone)
    assert phone.held().keys() == {id}
    other = await make_account(crew.rep, "After")
    assert await phone.pull() == [other]


async def test_younger_tombstones_and_what_is_alive_stay(crew: Crew) -> None:
    to = {"userId": crew.rep.user_id}
    gone, left = await make_account(crew.admin, "Gone"), await make_account(crew.admin, "Left")
    await share(crew.admin, left, to)
    await unshare(crew.admin, left, to)
    await crew.admin.do("accountDelete", {"id": gone})
    store = crew.house.store
    departures = {"workspace_id": crew.workspace_id}
    assert await store.database[DEPARTURES].count_documents(departures) > 0
    await purge(crew, days=-1)
    assert await store.reader.get(Account, gone) is not None
    assert await store.database[DEPARTURES].count_documents(departures) > 0
    row = await store.database[SEQUENCES].find_one({"_id": crew.workspace_id})
    assert row is not None
    assert row["min_seq"] == 0
    # The first run says from where on the feed is whole, the second removes what is before.
    await purge_workspace(store, crew.workspace_id, (Account,), now=store.clock.now() + TOMBSTONE_LIFE)
    assert await store.reader.get(Account, gone) is not None
    await purge_workspace(store, crew.workspace_id, (Account,), now=store.clock.now() + TOMBSTONE_LIFE)
    assert await store.reader.get(Account, gone) is None
    assert await store.reader.get(Account, left) is not None
    assert await store.database[DEPARTURES].count_documents(departures) == 0
    assert await audit_feed(store, crew.workspace_id) == []


async def test_a_collection_with_other_columns_is_sent_again_and_no_other(crew: Crew) -> None:
    account, contact = await make_account(crew.rep, "Alpha"), new_id()
    await crew.rep.do("contactCreate", {"id": contact, "fullName": "王芳"})
    reader = crew.house.store.reader
    contacts = SyncedCollection(
        name="contact",
        record=Contact,
        fields=(shown("full_name"),),
        create=ACCOUNTS.create,
        update=ACCOUNTS.update,
        delete=ACCOUNTS.delete,
    )
    before = (ACCOUNTS, contacts)
    page = await pull_feed(reader, crew.rep.actor, before, None, limit=100)
    assert {change.id for change in page.changes} == {account, contact}
    same = await pull_feed(reader, crew.rep.actor, before, page.place, limit=100)
    assert same.changes == []
    after = (ACCOUNTS, replace(contacts, fields=(*contacts.fields, shown("title"))))
    page = await pull_feed(reader, crew.rep.actor, after, page.place, limit=100)
    assert [change.id for change in page.changes] == [contact]
    page = await pull_feed(reader, crew.rep.actor, after, page.place, limit=100)
    assert page.changes == []


@pytest.mark.tampers
@pytest.mark.parametrize("damage", ["around", "unlisted", "behind", "in and out"])
async def test_the_auditor_sees_what_was_written_around_the_one_write_path(crew: Crew, damage: str) -> None:
    id, store = await make_account(crew.rep, "Alpha"), crew.house.store
    assert await audit_feed(store, crew.workspace_id) == []
    accounts, mine = Account.get_pymongo_collection(), {"workspace_id": crew.workspace_id}
    if damage == "around":
        await accounts.update_one({"_id": id}, {"$inc": {"version": 1}})
    elif damage == "unlisted":
        await store.database[LEDGER].delete_many({**mine, "commits.entries.id": id})
    elif damage == "behind":
        await accounts.delete_one({"_id": id})
    else:
        left = {"kind": "account", "record_id": id, "scope": f"u:{crew.rep.user_id}", "seq": 1}
        await store.database[DEPARTURES].insert_one({"_id": new_id(), **mine, **left})
    assert any(id in said for said in await audit_feed(store, crew.workspace_id))
