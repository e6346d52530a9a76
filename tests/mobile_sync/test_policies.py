"""What becomes of columns that two people changed at once, by their declared policies, in each protocol."""

import orjson
import pytest

from backend.core.ids import new_id
from backend.core.sync import SyncedCollection
from backend.crm.synced import ACCOUNTS, CONTACTS
from backend.sales.synced import LEADS, OPPORTUNITIES
from tests.crew import Crew
from tests.mobile_sync.test_native_push import rejections
from tests.mobile_sync.three_phones import PROTOCOLS, AnyPhone, OneWatermelonPhone

Protocol = type[AnyPhone]
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


async def two_phones(
    crew: Crew, protocol: Protocol, collection: SyncedCollection, **values: object
) -> tuple[str, AnyPhone, AnyPhone]:
    """Return a record and two phones, of the rep and of the colleague, that hold it."""
    id, teams = new_id(), [crew.teams["east"]]
    made = await crew.rep.do(f"{collection.name}Create", {"id": id, "teamIds": teams, **values})
    assert "version" in made, made
    phones = protocol(crew.rep, collection), protocol(crew.colleague, collection)
    for phone in phones:
        await phone.pull()
        assert id in phone.held()
    return id, *phones


@every_protocol
async def test_both_additions_to_a_text_and_to_a_list_stay(crew: Crew, protocol: Protocol) -> None:
    start = {"name": "Acme", "description": "Met at the fair.\n", "aliases": ["A", "B"]}
    id, one, other = await two_phones(crew, protocol, ACCOUNTS, **start)
    await one.change(id, description="Met at the fair.\nWants samples.", aliases='["A","B","C"]')
    await other.change(id, description="Met at the fair.\n电话已回。", aliases='["B","D"]')
    for phone in (one, other):
        await phone.pull()
        held = phone.held()[id]
        assert held["description"] == "Met at the fair.\nWants samples.\n电话已回。"
        # A WatermelonDB phone cannot say what it had: what it lacks may be what it has not heard of.
        kept = '["A","B","C","D"]' if protocol is OneWatermelonPhone else '["B","C","D"]'
        assert held["aliases"] == kept
    assert await rejections(crew, "colleague") == []


@every_protocol
async def test_points_are_added_up_where_the_phone_can_say_what_it_had(
    crew: Crew, protocol: Protocol
) -> None:
    start = {"fullName": "王芳", "company": "Acme", "score": 10}
    id, one, other = await two_phones(crew, protocol, LEADS, **start)
    await one.change(id, score=15)
    await other.change(id, score=30)
    await one.pull()
    if protocol is OneWatermelonPhone:
        assert one.held()[id]["score"] == 15
        (kept,) = await rejections(crew, "colleague")
        assert kept["lost"] == '{"score":30}'
    else:
        assert one.held()[id]["score"] == 35
        assert await rejections(crew, "colleague") == []


@every_protocol
async def test_a_sum_that_a_rule_forbids_is_refused(crew: Crew, protocol: Protocol) -> None:
    start = {"fullName": "王芳", "company": "Acme", "score": 60}
    id, one, other = await two_phones(crew, protocol, LEADS, **start)
    await one.change(id, score=90)
    await other.change(id, score=95)
    await other.pull()
    assert other.held()[id]["score"] == 90
    (kept,) = await rejections(crew, "colleague")
    assert orjson.loads(kept["lost"]) == {"score": 95}


@every_protocol
async def test_who_asked_not_to_be_called_is_not_called(crew: Crew, protocol: Protocol) -> None:
    id, one, other = await two_phones(crew, protocol, CONTACTS, fullName="王芳")
    await one.change(id, doNotCall=True)
    await other.change(id, title="Buyer")
    await one.pull()
    assert (one.held()[id]["doNotCall"], one.held()[id]["title"]) == (True, "Buyer")


@every_protocol
async def test_a_workspaces_own_fields_travel_and_are_merged_key_by_key(
    crew: Crew, protocol: Protocol
) -> None:
    id, one, other = await two_phones(crew, protocol, ACCOUNTS, name="Acme")
    await one.change(id, ext='{"cold_chain": true, "route": "3"}')
    await other.change(id, ext='{"route":"7","trucks":2}')
    await one.pull()
    assert one.held()[id]["ext"] == '{"cold_chain":true,"route":"3","trucks":2}'
    (kept,) = await rejections(crew, "colleague")
    assert orjson.loads(orjson.loads(kept["lost"])["ext"]) == {"route": "7"}
    # A key that is taken out is gone; what is no object of plain values is refused.
    await one.change(id, ext='{"cold_chain":true,"route":"3"}')
    await other.pull()
    assert other.held()[id]["ext"] == '{"cold_chain":true,"route":"3"}'
    await other.change(id, ext='{"nested":{"a":1}}')
    await other.pull()
    assert other.held()[id]["ext"] == '{"cold_chain":true,"route":"3"}'
    assert {row["reason"] for row in await rejections(crew, "colleague")} == {"conflict", "invalid_input"}


@every_protocol
async def test_what_others_have_edited_is_not_deleted(crew: Crew, protocol: Protocol) -> None:
    id, one, other = await two_phones(crew, protocol, OPPORTUNITIES, name="Cold store")
    await other.change(id, nextStep="Send the offer")
    await one.delete(id)
    await one.pull()
    assert one.held()[id]["nextStep"] == "Send the offer"
    (kept,) = await rejections(crew, "rep")
    assert (kept["recordId"], kept["reason"], kept["lost"]) == (id, "conflict", "{}")
    assert "nextStep" in kept["message"]
    # Who has seen the edit and deletes it all the same means it.
    await one.delete(id)
    await other.pull()
    assert id not in other.held()


@every_protocol
async def test_of_other_kinds_a_deletion_beats_an_edit(crew: Crew, protocol: Protocol) -> None:
    id, one, other = await two_phones(crew, protocol, ACCOUNTS, name="Acme")
    await other.change(id, tier="A")
    await one.delete(id)
    await other.pull()
    assert id not in other.held()
    assert await rejections(crew, "rep") == []
