"""Time lines of who may see what: granted, revoked, given again, overlapping, moved; in one pull each."""

import pytest

from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from tests.crew import Crew
from tests.identity.seeing import make_account, share, unshare
from tests.mobile_sync.test_native_push import rejections
from tests.mobile_sync.three_phones import PROTOCOLS, AnyPhone

Protocol = type[AnyPhone]
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


async def put_in_teams(crew: Crew, name: str, *teams: str) -> None:
    async def put(uow: UnitOfWork) -> None:
        user = await uow.access(User, crew.people[name].user_id, action="update")
        user.team_ids = [crew.teams[team] for team in teams]
        uow.save(user)

    await crew.house.store.write(crew.system, put)


@every_protocol
async def test_granted_revoked_and_granted_again(crew: Crew, protocol: Protocol) -> None:
    id = await make_account(crew.admin)
    await make_account(crew.admin, "Never shown")
    phone, to = protocol(crew.rep), {"userId": crew.rep.user_id}
    await phone.pull()
    assert phone.held().keys() == set()
    for _ in range(3):
        await share(crew.admin, id, to)
        assert await phone.pull() == [id]
        assert phone.held().keys() == {id}
        await unshare(crew.admin, id, to)
        assert await phone.pull() == [id]
        assert phone.held().keys() == set()
        assert await phone.pull() == []
    # Between two pulls it came and went: there is nothing to see of it.
    await share(crew.admin, id, to)
    await unshare(crew.admin, id, to)
    await phone.pull()
    assert phone.held().keys() == set()


@every_protocol
async def test_what_is_seen_for_two_reasons_stays_until_both_are_gone(crew: Crew, protocol: Protocol) -> None:
    id = await make_account(crew.admin, teamIds=[crew.teams["east"]])
    to = {"userId": crew.rep.user_id}
    await share(crew.admin, id, to)
    phone = protocol(crew.rep)
    assert await phone.pull() == [id]
    await crew.admin.do("accountUpdate", {"id": id, "teamIds": []})
    await phone.pull()
    assert phone.held().keys() == {id}
    await unshare(crew.admin, id, to)
    assert await phone.pull() == [id]
    assert phone.held().keys() == set()
    # The other way round, with the team: the person leaves it, and the share still holds.
    await crew.admin.do("accountUpdate", {"id": id, "teamIds": [crew.teams["east"]]})
    await share(crew.admin, id, to)
    await phone.pull()
    await put_in_teams(crew, "rep")
    await phone.pull()
    assert phone.held().keys() == {id}
    await unshare(crew.admin, id, to)
    await phone.pull()
    assert phone.held().keys() == set()


@every_protocol
async def test_a_person_moves_out_in_and_on_and_pays_for_what_moves_alone(
    crew: Crew, protocol: Protocol
) -> None:
    mine = await make_account(crew.rep, "Mine")
    east = {await make_account(crew.admin, teamIds=[crew.teams["east"]]) for _ in range(3)}
    west = {await make_account(crew.admin, teamIds=[crew.teams["west"]]) for _ in range(2)}
    phone = protocol(crew.rep)
    await phone.pull()
    assert phone.held().keys() == {mine, *east}
    await put_in_teams(crew, "rep", "west")
    assert set(await phone.pull()) == {*east, *west}
    assert phone.held().keys() == {mine, *west}
    await put_in_teams(crew, "rep", "east", "west")
    assert set(await phone.pull()) == east
    assert phone.held().keys() == {mine, *east, *west}
    await put_in_teams(crew, "rep")
    assert set(await phone.pull()) == {*east, *west}
    assert phone.held().keys() == {mine}
    # Out, changed and deleted there, and back: the phone holds what is there now.
    changed, deleted, same = sorted(east)
    await crew.admin.do("accountUpdate", {"id": changed, "tier": "A"})
    await crew.admin.do("accountDelete", {"id": deleted})
    await put_in_teams(crew, "rep", "east")
    await phone.pull()
    assert phone.held().keys() == {mine, changed, same}
    assert phone.held()[changed]["tier"] == "A"


@every_protocol
async def test_an_offline_edit_of_a_revoked_record_is_told_and_shows_nothing(
    crew: Crew, protocol: Protocol
) -> None:
    id = await make_account(crew.admin, teamIds=[crew.teams["east"]], tier="B")
    phone = protocol(crew.rep)
    await phone.pull()
    await crew.admin.do("accountUpdate", {"id": id, "teamIds": [], "phone": "+8651212345678"})
    await phone.change(id, tier="C")
    await phone.pull()
    assert phone.held().keys() == set()
    (kept,) = await rejections(crew, "rep")
    assert (kept["recordId"], kept["reason"], kept["lost"]) == (id, "not_found", '{"tier":"C"}')
    assert "8651212345678" not in str(kept)
    account = await crew.admin.ask("query($id: ID!) { account(id: $id) { tier } }", id=id)
    assert account["account"]["tier"] == "B"
