"""Real WatermelonDB phones against the house: offline, losing answers, losing sight of records."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from backend.core.ids import new_id
from backend.crm.documents import Account
from backend.crm.synced import ACCOUNTS, CONTACTS
from mobile_sync.rejections import REJECTIONS
from mobile_sync.watermelon_rows import watermelon_tables
from tests.crew import Crew
from tests.mobile_sync.test_pull import make_account, move_to_teams
from tests.phones.node_phone import PhoneError
from tests.phones.watermelon_phone import WatermelonPhone

pytestmark = pytest.mark.phone

TABLES = watermelon_tables([ACCOUNTS, CONTACTS, REJECTIONS])

Phones = Callable[..., Awaitable[WatermelonPhone]]


@pytest.fixture
async def phones(crew: Crew, server: str) -> AsyncIterator[Phones]:
    """Switch on phones of people by name."""
    async with AsyncExitStack() as stack:

        async def switch_on(name: str, tables: list[dict[str, object]] | None = None) -> WatermelonPhone:
            phone = WatermelonPhone(
                f"{server}/sync/watermelon",
                tables=tables or TABLES,
                token=crew.people[name].token,
                name=name,
            )
            return await stack.enter_async_context(phone)

        yield switch_on


async def stored(crew: Crew, id: str) -> Account:
    account = await crew.house.store.reader.get(Account, id)
    assert account is not None
    return account


async def test_two_phones_work_offline_and_nothing_is_lost(crew: Crew, phones: Phones) -> None:
    east = [crew.teams["east"]]
    id = await make_account(crew.rep, "苏州江南鲜达", teamIds=east, annualRevenue="10.50", employees=12)
    await make_account(crew.stranger, "Hidden", teamIds=[crew.teams["west"]])
    rep, colleague = await phones("rep"), await phones("colleague")
    await rep.sync()
    await colleague.sync()
    (raw,) = (await rep.dump("accounts")).values()
    assert (raw["id"], raw["name"], raw["annual_revenue"]) == (id, "苏州江南鲜达", "10.50")
    assert (raw["employees"], raw["tier"], raw["_status"]) == (12, "", "synced")
    assert raw["updated_at"] == int((await _updated_at(crew, id)) * 1000)

    # Both are offline: different columns of one account, a new account with its contact, a wrong one.
    await rep.update("accounts", id, annual_revenue="250000")
    typed = await rep.create("accounts", name="Typed on the train")
    person = await rep.create("contacts", full_name="王芳", account_id=typed)
    poison = await rep.create("accounts", name="Wrong", employees=-3)
    await colleague.update("accounts", id, type="customer")
    await colleague.sync()
    (round_,) = await rep.sync()
    assert (round_["pushed"], round_["rejected"]) == (4, {})
    assert not await rep.unsynced()

    await rep.sync()
    await colleague.sync()
    for phone in (rep, colleague):
        held = (await phone.dump("accounts"))[id]
        assert (held["annual_revenue"], held["type"]) == ("250000", "customer")
    # What the house added to the new one has arrived; the wrong one is taken back and explained.
    accounts = await rep.dump("accounts")
    assert set(accounts) == {id, typed}
    assert (accounts[typed]["type"], accounts[typed]["owner_id"]) == ("prospect", crew.rep.user_id)
    assert (await rep.dump("contacts"))[person]["account_id"] == typed
    (kept,) = (await rep.dump("sync_rejections")).values()
    assert (kept["record_id"], kept["reason"]) == (poison, "invalid_input")
    assert await colleague.dump("sync_rejections") == {}

    # Its author has read it: it goes for good. A deletion wins over an edit made elsewhere.
    await rep.remove("sync_rejections", kept["id"])
    await rep.remove("accounts", id)
    await colleague.update("accounts", id, tier="A")
    await rep.sync()
    await colleague.sync()
    await colleague.sync()
    assert set(await colleague.dump("accounts")) == {typed}
    assert (await stored(crew, id)).deleted_at is not None
    assert await rep.dump("sync_rejections") == {}


async def _updated_at(crew: Crew, id: str) -> float:
    at = (await stored(crew, id)).updated_at
    assert at is not None
    return at.timestamp()


async def test_of_two_edits_of_one_column_the_loser_is_kept_and_shown(crew: Crew, phones: Phones) -> None:
    id = await make_account(crew.rep, "Alpha", teamIds=[crew.teams["east"]])
    rep = await phones("rep")
    await rep.sync()
    await crew.colleague.do("accountUpdate", {"id": id, "name": "Beta"})
    await rep.update("accounts", id, name="Gamma", industry="food")
    await rep.sync()
    await rep.sync()
    held = (await rep.dump("accounts"))[id]
    assert (held["name"], held["industry"], held["_status"]) == ("Beta", "food", "synced")
    (kept,) = (await rep.dump("sync_rejections")).values()
    assert (kept["record_id"], kept["reason"], kept["lost"]) == (id, "conflict", '{"name":"Gamma"}')
    account = await stored(crew, id)
    assert (account.name, account.industry) == ("Beta", "food")


async def test_an_app_without_the_resolver_writes_over_what_it_has_pulled(crew: Crew, phones: Phones) -> None:
    id = await make_account(crew.rep, "Alpha", teamIds=[crew.teams["east"]])
    rep = await phones("rep")
    await rep.sync()
    await crew.colleague.do("accountUpdate", {"id": id, "name": "Beta"})
    await rep.update("accounts", id, name="Gamma")
    await rep.sync(keepsVersions=False)
    assert (await stored(crew, id)).name == "Gamma"


async def test_what_leaves_sight_leaves_the_phone_and_comes_back(crew: Crew, phones: Phones) -> None:
    mine = await make_account(crew.rep, "Mine", teamIds=[])
    eastern = await make_account(crew.colleague, "East", teamIds=[crew.teams["east"]])
    western = await make_account(crew.stranger, "West", teamIds=[crew.teams["west"]])
    rep = await phones("rep")
    await rep.sync()
    assert set(await rep.dump("accounts")) == {mine, eastern}

    # An edit of a record that was revoked meanwhile: it goes from the phone, and the edit is explained.
    await rep.update("accounts", eastern, tier="A")
    await move_to_teams(crew, "rep", ["west"])
    (round_,) = await rep.sync()
    assert set(await rep.dump("accounts")) == {mine, western}
    assert round_["pulled"] == 2  # one gone, one come; what did not change hands does not travel again
    assert (await stored(crew, eastern)).tier == ""
    await move_to_teams(crew, "rep", ["east"])
    await rep.sync()
    assert set(await rep.dump("accounts")) == {mine, eastern}

    await crew.manager.do("accountUpdate", {"id": eastern, "teamIds": [crew.teams["west"]]})
    await rep.sync()
    assert set(await rep.dump("accounts")) == {mine}


async def test_lost_answers_and_a_kill_between_pages_repeat_nothing(crew: Crew, phones: Phones) -> None:
    await crew.settle()
    ids = {await make_account(crew.rep, f"Account {number}") for number in range(6)}
    rep = await phones("rep")
    first = await rep.sync_once(limit=3)
    assert (first["pulled"], first["hasMore"]) == (3, True)
    await rep.lose(pull=1)
    with pytest.raises(PhoneError, match="the answer was lost"):
        await rep.sync_once(limit=3)
    rounds = await rep.sync(limit=3)
    assert [round_["pulled"] for round_ in rounds] == [3, 1]  # the pipeline is one of them
    assert set(await rep.dump("accounts")) == ids

    # The answer to a push is lost: the phone pushes again, and there is one effect.
    made = await rep.create("accounts", name="Once")
    edited = min(ids)
    await rep.update("accounts", edited, tier="B")
    poison = await rep.create("accounts", name="Wrong", employees=-3)
    await rep.lose(push=1)
    with pytest.raises(PhoneError, match="the answer was lost"):
        await rep.sync()
    version = (await stored(crew, edited)).version
    assert await rep.unsynced()
    await rep.sync()
    await rep.sync()
    assert not await rep.unsynced()
    assert (await stored(crew, edited)).version == version
    accounts = await rep.dump("accounts")
    assert set(accounts) == {*ids, made}  # the refused one is gone, whenever its refusal was heard
    assert accounts[edited]["tier"] == "B"
    (kept,) = (await rep.dump("sync_rejections")).values()
    assert kept["record_id"] == poison


async def test_an_app_with_more_tables_and_columns_gets_them_whole(crew: Crew, phones: Phones) -> None:
    account = await make_account(crew.rep, "Alpha", tier="A")
    contact = new_id()
    await crew.rep.do("contactCreate", {"id": contact, "fullName": "王芳"})
    full = {table["name"]: table for table in TABLES}
    names = ("version", "name")
    old = {"name": "accounts", "columns": [c for c in full["accounts"]["columns"] if c["name"] in names]}
    tier = next(column for column in full["accounts"]["columns"] if column["name"] == "tier")
    rep = await phones("rep", tables=[old])
    await rep.sync()
    assert "tier" not in (await rep.dump("accounts"))[account]

    new = {"name": "accounts", "columns": [*old["columns"], tier]}
    steps = [
        {"type": "add_columns", "table": "accounts", "columns": [tier]},
        {"type": "create_table", **full["contacts"]},
    ]
    await rep.open([new, full["contacts"]], version=2, steps=steps)
    await rep.sync(migrationsEnabledAtVersion=1)
    assert (await rep.dump("accounts"))[account]["tier"] == "A"
    assert set(await rep.dump("contacts")) == {contact}
    (round_,) = await rep.sync(migrationsEnabledAtVersion=1)
    assert round_["pulled"] == 0
