"""Two real RxDB phones against the house: what each types arrives, what others change reaches it."""

import pytest
import svcs

from backend.core.ids import new_id
from backend.crm.synced import ACCOUNTS
from backend.identity.actors import Actors
from backend.identity.documents import Session
from mobile_sync.rejections import REJECTIONS
from mobile_sync.rxdb_schemas import rxdb_schemas
from tests.crew import Crew
from tests.mobile_sync.test_pull import make_account
from tests.phones.rxdb_phone import RxdbPhone

pytestmark = pytest.mark.phone

SCHEMAS = rxdb_schemas([ACCOUNTS, REJECTIONS])


async def test_two_phones_work_on_one_account_and_nothing_is_lost(crew: Crew, server: str) -> None:
    id = await make_account(crew.rep, "苏州江南鲜达", teamIds=[crew.teams["east"]])
    await make_account(crew.stranger, "Hidden", teamIds=[crew.teams["west"]])
    address = f"{server}/graphql"
    async with (
        RxdbPhone(address, schemas=SCHEMAS, token=crew.rep.token, name="rep") as rep,
        RxdbPhone(address, schemas=SCHEMAS, token=crew.colleague.token, name="colleague") as colleague,
    ):
        await rep.start()
        await colleague.start()
        assert [row["id"] for row in await rep.dump("account")] == [id]

        # The rep is on the train; a colleague moves the same account on.
        await rep.pause()
        await rep.patch("account", id, {"annualRevenue": "250000"})
        typed = new_id()
        await rep.insert("account", {"id": typed, "name": "Typed on the train"})
        poison = new_id()
        await rep.insert("account", {"id": poison, "name": "Wrong", "employees": -3})
        await colleague.patch("account", id, {"type": "customer"})
        await colleague.in_sync()

        await rep.resume()
        await rep.in_sync()
        both = {"annualRevenue": "250000", "type": "customer"}
        await rep.wait_for("account", id, **both)
        await colleague.wait_for("account", id, **both)
        assert (await rep.wait_for("account", typed, type="prospect"))["name"] == "Typed on the train"

        # The wrong one is taken back and explained; the queue is empty and new edits go through.
        while await rep.get("account", poison) is not None:
            await rep.in_sync()
        while not (kept := await rep.dump("syncRejection")):
            await rep.count("account")
        assert [(row["recordId"], row["reason"]) for row in kept] == [(poison, "invalid_input")]
        assert await colleague.dump("syncRejection") == []

        # A record that leaves the team leaves the colleague's phone through the stream.
        moved = await crew.manager.do("accountUpdate", {"id": id, "teamIds": [crew.teams["west"]]})
        assert moved["__typename"] == "Account"
        while await colleague.get("account", id) is not None:
            await colleague.count("account")
        await rep.patch("account", id, {"tier": "A"})
        await rep.in_sync()
        assert (await crew.manager.ask("query($id: ID!) { account(id: $id) { tier } }", id=id)) == {
            "account": {"tier": "A"}
        }
        assert await colleague.errors() == []
        assert {error["code"] for error in await rep.errors()} <= {"RC_PULL", "RC_PUSH"}  # while offline


async def test_a_stream_ends_with_its_session(crew: Crew, server: str) -> None:
    id = await make_account(crew.rep, "Seen")
    async with RxdbPhone(f"{server}/graphql", schemas=SCHEMAS, token=crew.rep.token) as phone:
        await phone.start()
        await crew.rep.do("accountUpdate", {"id": id, "tier": "A"})
        await phone.wait_for("account", id, tier="A")

        assert crew.rep.actor.session_id
        session = await Session.get(crew.rep.actor.session_id)
        assert session is not None
        session.revoked_at = crew.house.store.clock.now()
        await session.save()
        async with svcs.Container(crew.house.registry) as services:
            (await services.aget(Actors)).forget(session.id)
        await crew.manager.do("accountUpdate", {"id": id, "tier": "B"})
        await phone.resync()
        while not (errors := await phone.errors()):
            await phone.count("account")
        assert "This session has ended" in errors[0]["message"]
        held = await phone.get("account", id)
        assert held is not None
        assert held["tier"] == "A"
