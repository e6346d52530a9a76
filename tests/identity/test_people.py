"""People and teams over GraphQL: who may invite, change and suspend whom, and that an admin remains."""

import asyncio
from typing import Any

import httpx
import pytest

from backend.core.access import ACTIONS, Level
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.identity.documents import Role, Session, Team, User, Workspace
from backend.identity.mail_documents import MailDue
from tests.crew import Crew, Person

ERRORS = """... on Error { code message } ... on InvalidInput { fields { field } }
    ... on Conflict { currentVersion }"""
USER = "id version name email roles teamIds managerId contactId isActive locale timeZone"
INVITE = f"""mutation($input: UserInviteInput!) {{ userInvite(input: $input) {{ __typename
    ... on Invitation {{ user {{ {USER} }} isMailed link }} {ERRORS} }} }}"""


async def change(person: Person, mutation: str, **input: Any) -> dict[str, Any]:
    kind = "UserUpdateInput" if mutation == "userUpdate" else "PersonInput"
    query = f"""mutation($input: {kind}!) {{ {mutation}(input: $input) {{ __typename
        ... on User {{ {USER} }} {ERRORS} }} }}"""
    found: dict[str, Any] = (await person.ask(query, input=input))[mutation]
    return found


async def invite(person: Person, **input: Any) -> dict[str, Any]:
    about = {"email": f"{new_id()}@test.example", "name": "Wang Fang", "roleKeys": ["rep"]} | input
    found: dict[str, Any] = (await person.ask(INVITE, input=about))["userInvite"]
    return found


async def stored(id: str) -> User:
    found = await User.get(id)
    assert found is not None
    return found


def refused_field(answer: dict[str, Any]) -> str:
    assert answer["__typename"] == "InvalidInput", answer
    return str(answer["fields"][0]["field"])


@pytest.fixture
async def clerk(crew: Crew) -> Person:
    """Somebody whose role keeps the people of the workspace, and may do nothing else."""
    everything = dict.fromkeys(ACTIONS, Level.ALL)

    async def make(uow: UnitOfWork) -> None:
        role = Role(key="clerk", name="Clerk", levels={"user": everything, "team": everything})
        role.levels["workspace"] = {"read": Level.ALL}
        uow.save(role)
        user = await uow.access(User, crew.colleague.user_id, action="update")
        user.role_keys = ["clerk"]
        uow.save(user)

    await crew.house.store.write(crew.system, make)
    return crew.colleague


# ── inviting ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_admin_invites_and_without_a_mail_server_gets_the_link(crew: Crew) -> None:
    address = f"Fang.{new_id()}@Test.example"
    made = await invite(
        crew.admin,
        email=f" {address} ",
        teamIds=[crew.teams["east"]],
        managerId=crew.manager.user_id,
        locale="zh",
        timeZone="Asia/Shanghai",
    )
    user = made["user"]
    assert user | {"id": "", "version": 0} == {
        "id": "",
        "version": 0,
        "name": "Wang Fang",
        "email": address.casefold(),
        "roles": ["rep"],
        "teamIds": [crew.teams["east"]],
        "managerId": crew.manager.user_id,
        "contactId": None,
        "isActive": True,
        "locale": "zh",
        "timeZone": "Asia/Shanghai",
    }
    assert made["isMailed"] is False
    assert made["link"].startswith("http://127.0.0.1:8000/auth/invitation?lang=zh#token=")
    await crew.house.relay.settle()
    assert await MailDue.find({"user_id": user["id"]}).count() == 0


async def test_who_is_invited_without_a_time_zone_lives_by_the_workspaces_clock(crew: Crew) -> None:
    workspace = await Workspace.get(crew.workspace_id)
    assert workspace is not None
    assert workspace.time_zone == "Asia/Shanghai"
    assert (await invite(crew.admin))["user"]["timeZone"] == "Asia/Shanghai"
    elsewhere = await invite(crew.admin, email=f"{new_id()}@test.example", timeZone="Europe/Lisbon")
    assert elsewhere["user"]["timeZone"] == "Europe/Lisbon"


@pytest.mark.parametrize("who", ["manager", "rep", "agent", "customer"])
async def test_nobody_else_invites(crew: Crew, who: str) -> None:
    before = await User.find({"workspace_id": crew.workspace_id}).count()
    refused = await invite(crew.people[who])
    assert (refused["__typename"], refused["code"]) == ("Forbidden", "FORBIDDEN")
    assert await User.find({"workspace_id": crew.workspace_id}).count() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", "a@b.example\r\nBcc: c@d.example"),
        ("name", "  "),
        ("roleKeys", ["emperor"]),
        ("roleKeys", []),
        ("teamIds", ["018f2d5e-7a00-7000-8000-000000000001"]),
        ("managerId", "018f2d5e-7a00-7000-8000-000000000002"),
        ("locale", "fr"),
        ("timeZone", "Moon/Tycho"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(crew: Crew, field: str, value: Any) -> None:
    before = await User.find({"workspace_id": crew.workspace_id}).count()
    assert refused_field(await invite(crew.admin, **{field: value})) == field
    assert await User.find({"workspace_id": crew.workspace_id}).count() == before


async def test_an_address_is_used_once(crew: Crew) -> None:
    made = await invite(crew.admin)
    assert refused_field(await invite(crew.admin, email=made["user"]["email"].upper())) == "email"


async def test_a_repeated_invitation_makes_one_person(crew: Crew) -> None:
    again = {"mutationId": new_id(), "email": f"{new_id()}@test.example"}
    one, two = await invite(crew.admin, **again), await invite(crew.admin, **again)
    assert one["user"]["id"] == two["user"]["id"]
    assert await User.find({"workspace_id": crew.workspace_id, "email": again["email"]}).count() == 1


async def test_a_customer_is_a_contact_and_has_the_customers_role_alone(crew: Crew) -> None:
    contact = await crew.admin.do("contactCreate", {"familyName": "Li", "givenName": "Na"})
    assert contact["__typename"] == "Contact", contact
    assert refused_field(await invite(crew.admin, roleKeys=["customer"])) == "contactId"
    for roles in (["rep"], ["customer", "admin"]):
        assert refused_field(await invite(crew.admin, roleKeys=roles, contactId=contact["id"])) == "roleKeys"
    elsewhere = "018f2d5e-7a00-7000-8000-000000000003"
    assert refused_field(await invite(crew.admin, roleKeys=["customer"], contactId=elsewhere)) == "contactId"
    made = await invite(crew.admin, roleKeys=["customer"], contactId=contact["id"])
    assert made["user"]["contactId"] == contact["id"]
    customer = made["user"]["id"]
    assert refused_field(await change(crew.admin, "userUpdate", id=customer, roleKeys=["rep"])) == "roleKeys"
    assert (await stored(customer)).role_keys == ["customer"]


# ── rights ───────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_gives_more_than_they_have(crew: Crew, clerk: Person) -> None:
    assert refused_field(await invite(clerk, roleKeys=["admin"])) == "roleKeys"
    assert refused_field(await invite(clerk, roleKeys=["rep"])) == "roleKeys"
    assert (await invite(clerk, roleKeys=["clerk"]))["__typename"] == "Invitation"
    promoted = await change(clerk, "userUpdate", id=clerk.user_id, roleKeys=["clerk", "admin"])
    assert refused_field(promoted) == "roleKeys"
    assert (await stored(clerk.user_id)).role_keys == ["clerk"]


async def test_nobody_takes_from_those_who_have_more(crew: Crew, clerk: Person) -> None:
    demoted = await change(clerk, "userUpdate", id=crew.admin.user_id, roleKeys=["clerk"])
    assert refused_field(demoted) == "roleKeys"
    assert refused_field(await change(clerk, "userSuspend", id=crew.admin.user_id)) == "roleKeys"
    admin = await stored(crew.admin.user_id)
    assert (admin.role_keys, admin.is_active) == (["admin"], True)


async def test_nobody_widens_what_they_see_by_a_team_or_by_people_below_them(
    crew: Crew, clerk: Person
) -> None:
    teams = [crew.teams["east"], crew.teams["west"]]
    assert refused_field(await change(clerk, "userUpdate", id=clerk.user_id, teamIds=teams)) == "teamIds"
    below = await change(clerk, "userUpdate", id=crew.stranger.user_id, managerId=clerk.user_id)
    assert refused_field(below) == "managerId"
    assert (await stored(crew.stranger.user_id)).manager_id == crew.manager.user_id
    left = await change(clerk, "userUpdate", id=clerk.user_id, teamIds=[])
    assert left["teamIds"] == []


@pytest.mark.parametrize("who", ["manager", "rep", "customer"])
async def test_without_the_right_nobody_is_changed(crew: Crew, who: str) -> None:
    person = crew.people[who]
    for target in (person.user_id, crew.stranger.user_id):
        for mutation, input in (("userUpdate", {"roleKeys": ["admin"]}), ("userSuspend", {})):
            refused = await change(person, mutation, id=target, **input)
            assert refused["code"] in ("FORBIDDEN", "NOT_FOUND")
        assert (await stored(target)).is_active
    assert (await stored(person.user_id)).role_keys == [who]


async def test_a_change_counts_at_once(crew: Crew) -> None:
    assert (await change(crew.rep, "userUpdate", id=crew.agent.user_id, name="No"))["code"] == "FORBIDDEN"
    await change(crew.admin, "userUpdate", id=crew.rep.user_id, roleKeys=["rep", "admin"])
    assert (await change(crew.rep, "userUpdate", id=crew.agent.user_id, name="Yes"))["name"] == "Yes"


async def test_a_stale_change_is_a_conflict(crew: Crew) -> None:
    version = (await stored(crew.rep.user_id)).version
    done = await change(crew.admin, "userUpdate", id=crew.rep.user_id, expectedVersion=version, name="One")
    stale = await change(crew.admin, "userUpdate", id=crew.rep.user_id, expectedVersion=version, name="Two")
    assert (stale["__typename"], stale["currentVersion"]) == ("Conflict", done["version"])
    assert (await stored(crew.rep.user_id)).name == "One"


async def test_nobody_leads_themselves_by_any_way_round(crew: Crew) -> None:
    over = await change(crew.admin, "userUpdate", id=crew.manager.user_id, managerId=crew.rep.user_id)
    assert refused_field(over) == "managerId"
    self = await change(crew.admin, "userUpdate", id=crew.rep.user_id, managerId=crew.rep.user_id)
    assert refused_field(self) == "managerId"
    assert (await stored(crew.manager.user_id)).manager_id is None


async def test_a_customer_leads_nobody(crew: Crew) -> None:
    led = await change(crew.admin, "userUpdate", id=crew.rep.user_id, managerId=crew.customer.user_id)
    assert refused_field(led) == "managerId"


async def test_people_of_another_workspace_are_not_there(crew: Crew, http: httpx.AsyncClient) -> None:
    elsewhere = await Crew.hire(crew.house, http)
    for mutation in ("userUpdate", "userSuspend", "userReactivate"):
        refused = await change(elsewhere.admin, mutation, id=crew.rep.user_id)
        assert refused["code"] == "NOT_FOUND"
    assert (await stored(crew.rep.user_id)).is_active


# ── the last admin ───────────────────────────────────────────────────────────────────────────────


async def test_the_last_admin_stays(crew: Crew) -> None:
    admin = crew.admin.user_id
    assert refused_field(await change(crew.admin, "userSuspend", id=admin)) == "id"
    assert refused_field(await change(crew.admin, "userUpdate", id=admin, roleKeys=["rep"])) == "id"
    kept = await stored(admin)
    assert (kept.role_keys, kept.is_active) == (["admin"], True)
    await change(crew.admin, "userUpdate", id=crew.rep.user_id, roleKeys=["admin"])
    assert (await change(crew.admin, "userUpdate", id=admin, roleKeys=["rep"]))["roles"] == ["rep"]


async def test_a_suspended_admin_is_none_to_fall_back_on(crew: Crew) -> None:
    await change(crew.admin, "userUpdate", id=crew.rep.user_id, roleKeys=["admin"])
    assert (await change(crew.admin, "userSuspend", id=crew.rep.user_id))["isActive"] is False
    assert refused_field(await change(crew.admin, "userSuspend", id=crew.admin.user_id)) == "id"


async def test_of_two_admins_who_suspend_each_other_one_remains(crew: Crew) -> None:
    await change(crew.admin, "userUpdate", id=crew.manager.user_id, roleKeys=["admin"])
    pairs = ((crew.admin, crew.manager.user_id), (crew.manager, crew.admin.user_id))
    await asyncio.gather(
        *(
            person.post(f'mutation {{ userSuspend(input: {{id: "{id}"}}) {{ __typename }} }}')
            for person, id in pairs
        )
    )
    active = [(await stored(id)).is_active for _, id in pairs]
    assert sorted(active) == [False, True]


# ── suspension ───────────────────────────────────────────────────────────────────────────────────


async def test_an_admin_remains_also_when_the_other_is_suspended_between_two_looks(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change(crew.admin, "userUpdate", id=crew.manager.user_id, roleKeys=["admin"])
    find = UnitOfWork.find
    suspend = "mutation($id: ID!) { userSuspend(input: {id: $id}) { __typename } }"

    async def find_and_be_overtaken(uow: UnitOfWork, record: Any, *args: Any, **how: Any) -> Any:
        found = await find(uow, record, *args, **how)
        if record is User and uow.actor.user_id == crew.manager.user_id:
            monkeypatch.undo()
            await crew.admin.ask(suspend, id=crew.manager.user_id)
        return found

    monkeypatch.setattr(UnitOfWork, "find", find_and_be_overtaken)
    body = await crew.manager.post(suspend, id=crew.admin.user_id)
    assert ((body.get("data") or {}).get("userSuspend") or {}).get("__typename") != "User"
    active = [(await stored(person.user_id)).is_active for person in (crew.admin, crew.manager)]
    assert active == [True, False]


async def test_a_suspended_person_is_out_at_once_and_comes_back_by_signing_in(
    crew: Crew, house: House
) -> None:
    assert (await crew.rep.ask("{ me { id } }"))["me"]["id"] == crew.rep.user_id
    assert (await change(crew.admin, "userSuspend", id=crew.rep.user_id))["isActive"] is False
    refused = await crew.rep.post("{ me { id } }")
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    session = await Session.get(crew.rep.actor.session_id)
    assert session is not None
    assert session.revoked_reason == "suspended"
    assert (await change(crew.admin, "userReactivate", id=crew.rep.user_id))["isActive"] is True
    await house.relay.settle()
    # The old session stays ended: whoever had the phone meanwhile does not come back with it.
    assert (await crew.rep.post("{ me { id } }"))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


# ── teams ────────────────────────────────────────────────────────────────────────────────────────


async def test_an_admin_makes_renames_and_deletes_teams(crew: Crew) -> None:
    made = await crew.admin.do("teamCreate", {"name": "North"}, "id name")
    renamed = await crew.admin.do("teamUpdate", {"id": made["id"], "name": "Far North"}, "name")
    assert (made["name"], renamed["name"]) == ("North", "Far North")
    assert refused_field(await _team(crew.admin, "teamUpdate", {"id": made["id"], "name": " "})) == "name"
    assert (await crew.admin.do("teamDelete", {"id": made["id"]}))["__typename"] == "Deleted"
    names = [
        team["name"] for team in (await crew.admin.ask("{ teams { nodes { name } } }"))["teams"]["nodes"]
    ]
    assert sorted(names) == ["east", "support", "west"]


async def test_a_team_with_people_stays_and_nobody_else_touches_one(crew: Crew) -> None:
    kept = await crew.admin.do("teamDelete", {"id": crew.teams["east"]})
    assert kept["__typename"] == "InvalidInput"
    for person in (crew.manager, crew.rep, crew.customer):
        assert (await person.do("teamCreate", {"name": "Mine"}))["code"] == "FORBIDDEN"
        renamed = await person.do("teamUpdate", {"id": crew.teams["east"], "name": "Mine"})
        assert renamed["code"] in ("FORBIDDEN", "NOT_FOUND")
    team = await Team.get(crew.teams["east"])
    assert team is not None
    assert (team.name, team.deleted_at) == ("east", None)


async def _team(person: Person, mutation: str, data: dict[str, Any]) -> dict[str, Any]:
    query = f"""mutation($input: TeamUpdateInput!) {{ {mutation}(input: $input) {{ __typename
        ... on Error {{ code }} ... on InvalidInput {{ fields {{ field }} }} }} }}"""
    found: dict[str, Any] = (await person.ask(query, input=data))[mutation]
    return found
