"""Roles of a workspace's own: what they give and hide, who may make them, and when they count."""

from typing import Any

from backend.core.access import REACH, Level, grant
from backend.core.events import RecordUpdated
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Role, User
from backend.identity.policies import RoleBook
from tests.crew import Crew, Person
from tests.identity.seeing import accounts_of, make_account, mutate, phone_of

ROLES = """{ roles { id key name builtIn levels { kind action level } fields { kind field access }
    otherFields { kind access } } }"""
SHOWN = "id version key name builtIn"
ACCOUNTS = "{ accounts { nodes { id phone email annualRevenue hiddenFields maskedFields } } }"


def level(kind: str, **actions: str) -> list[dict[str, str]]:
    return [{"kind": kind, "action": action.upper(), "level": reach} for action, reach in actions.items()]


async def make_role(person: Person, key: str, **fields: Any) -> dict[str, Any]:
    return await person.do("roleCreate", {"key": key, "name": key.title(), **fields}, SHOWN)


async def give(crew: Crew, name: str, *keys: str) -> None:
    """Give somebody roles, whatever they had; as the house: who may do so has its own tests."""

    async def change(uow: UnitOfWork) -> None:
        user = await uow.access(User, crew.people[name].user_id, action="update")
        user.role_keys = list(keys)
        uow.save(user, RecordUpdated(fields=("role_keys",)))

    await crew.house.store.write(crew.system, change)


async def stored_roles(crew: Crew) -> dict[str, Role]:
    return {role.key: role for role in await crew.house.store.reader.find(crew.system, Role, {})}


async def test_a_role_counts_from_the_next_request_of_who_has_it(crew: Crew) -> None:
    account = await make_account(crew.rep)
    made = await make_role(crew.admin, "auditor", levels=level("account", read="ALL"))
    assert (made["__typename"], made["key"], made["builtIn"]) == ("Role", "auditor", False)
    assert await accounts_of(crew.agent) == {account}  # agents read all accounts
    assert await accounts_of(crew.stranger) == set()
    await give(crew, "stranger", "auditor")
    assert await accounts_of(crew.stranger) == {account}  # with the token that they had
    refused = await crew.stranger.do("accountUpdate", {"id": account, "name": "No"})
    assert refused["__typename"] == "Forbidden"
    levels = level("account", read="ALL", update="ALL")
    await crew.admin.do("roleUpdate", {"id": made["id"], "levels": levels}, SHOWN)
    changed = await crew.stranger.do("accountUpdate", {"id": account, "name": "Yes"})
    assert changed["__typename"] == "Account"
    await crew.admin.do("roleUpdate", {"id": made["id"], "levels": level("account", read="OWN")}, SHOWN)
    assert await accounts_of(crew.stranger) == set()


async def test_hidden_and_masked_fields_are_so_in_lists_and_on_phones(crew: Crew) -> None:
    private = {"phone": "13812345678", "email": "wang@acme.example", "annualRevenue": "5000"}
    account = await make_account(crew.rep, **private)
    await make_role(
        crew.admin,
        "caller",
        levels=level("account", read="ALL", update="ALL"),
        fields=[
            {"kind": "account", "field": "phone", "access": "MASKED"},
            {"kind": "account", "field": "annualRevenue", "access": "HIDDEN"},
            {"kind": "account", "field": "name", "access": "READ"},
        ],
    )
    await give(crew, "stranger", "caller")
    (seen,) = (await crew.stranger.ask(ACCOUNTS))["accounts"]["nodes"]
    assert seen == {
        "id": account,
        "phone": "+86****78",
        "email": "wang@acme.example",
        "annualRevenue": None,
        "hiddenFields": ["annualRevenue"],
        "maskedFields": ["phone"],
    }
    phone = phone_of(crew.stranger)
    (row,) = await phone.pull()
    assert row["phone"] == "+86****78"
    assert "13812345678" not in str(row)
    assert "5000" not in str(row)
    refused = await crew.stranger.do("accountUpdate", {"id": account, "name": "No", "phone": "1"})
    assert refused["__typename"] == "InvalidInput"
    changed = await crew.stranger.do("accountUpdate", {"id": account, "email": "li@acme.example"})
    assert changed["__typename"] == "Account"
    (seen,) = (await crew.rep.ask(ACCOUNTS))["accounts"]["nodes"]
    assert (seen["phone"], seen["email"], seen["annualRevenue"]) == (
        "+8613812345678",
        "li@acme.example",
        "5000",
    )


async def test_an_allow_list_shows_what_it_names_alone(crew: Crew) -> None:
    await make_account(crew.rep, phone="13812345678", email="wang@acme.example", annualRevenue="5000")
    await make_role(
        crew.admin,
        "narrow",
        levels=level("account", read="ALL"),
        fields=[{"kind": "account", "field": "email", "access": "READ"}],
        otherFields=[{"kind": "account", "access": "HIDDEN"}],
    )
    await give(crew, "stranger", "narrow")
    (seen,) = (await crew.stranger.ask(ACCOUNTS))["accounts"]["nodes"]
    assert (seen["email"], seen["phone"], seen["annualRevenue"]) == ("wang@acme.example", None, None)
    assert "email" not in seen["hiddenFields"]
    assert {"phone", "annualRevenue", "taxId", "billingAddress"} <= set(seen["hiddenFields"])


async def test_field_rules_of_one_kind_leave_the_levels_of_any_kind(crew: Crew) -> None:
    await make_account(crew.rep, phone="13812345678")
    fields = [{"kind": "account", "field": "phone", "access": "HIDDEN"}]
    await make_role(crew.admin, "reader", levels=level("*", read="ALL"), fields=fields)
    await give(crew, "stranger", "reader")
    (seen,) = (await crew.stranger.ask(ACCOUNTS))["accounts"]["nodes"]
    assert (seen["phone"], seen["hiddenFields"]) == (None, ["phone"])


async def test_roles_are_listed_with_the_built_in_ones_for_who_may_read_them(crew: Crew) -> None:
    await make_role(
        crew.admin,
        "auditor",
        levels=level("account", read="ALL", export="TEAM"),
        fields=[{"kind": "contact", "field": "otherEmails", "access": "MASKED"}],
    )
    own, *built_in = (await crew.admin.ask(ROLES))["roles"]
    assert own | {"id": ""} == {
        "id": "",
        "key": "auditor",
        "name": "Auditor",
        "builtIn": False,
        "levels": level("account", read="ALL", export="TEAM"),
        "fields": [{"kind": "contact", "field": "otherEmails", "access": "MASKED"}],
        "otherFields": [],
    }
    assert [(one["key"], one["builtIn"]) for one in built_in] == [
        (key, True) for key in ("admin", "agent", "customer", "manager", "rep")
    ]
    admin, manager = built_in[0], built_in[3]
    assert level("*", export="ALL")[0] in admin["levels"]
    assert level("opportunity", approve="SUBORDINATES")[0] in manager["levels"]
    assert await crew.rep.ask(ROLES) == {"roles": []}
    assert await crew.customer.ask(ROLES) == {"roles": []}


async def test_wrong_roles_are_refused_and_nothing_is_stored(crew: Crew) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"key": "Sales Lead"}, "key"),
        ({"key": "rep"}, "key"),
        ({"levels": level("spaceship", read="ALL")}, "levels.0.kind"),
        ({"fields": [{"kind": "account", "field": "colour", "access": "READ"}]}, "fields.0.field"),
        ({"fields": [{"kind": "account", "field": "name", "access": "HIDDEN"}]}, "fields.0.field"),
        ({"fields": [{"kind": "account", "field": "workspaceId", "access": "HIDDEN"}]}, "fields.0.field"),
        ({"fields": [{"kind": "*", "field": "phone", "access": "HIDDEN"}]}, "fields.0.kind"),
        ({"otherFields": [{"kind": "spaceship", "access": "HIDDEN"}]}, "otherFields.0.kind"),
    ]
    for changed, field in wrong:
        refused = await mutate(crew.admin, "roleCreate", {"key": "fine", "name": "Fine", **changed}, "")
        assert refused["__typename"] == "InvalidInput", changed
        assert [one["field"] for one in refused["fields"]] == [field]
    for person in (crew.manager, crew.rep, crew.customer):
        assert (await mutate(person, "roleCreate", {"key": "fine", "name": "Fine"}, ""))[
            "code"
        ] == "FORBIDDEN"
    assert await stored_roles(crew) == {}


async def test_nobody_gives_rights_or_fields_that_they_have_not(crew: Crew) -> None:
    own = level("role", read="ALL", create="ALL", update="ALL", delete="ALL")
    own += level("account", read="TEAM", update="OWN")
    made = await make_role(
        crew.admin,
        "lead",
        levels=own,
        fields=[{"kind": "account", "field": "phone", "access": "MASKED"}],
    )
    strong = await make_role(crew.admin, "strong", levels=level("account", read="ALL"))
    await give(crew, "stranger", "lead")
    masked = [{"kind": "account", "field": "phone", "access": "MASKED"}]
    for wanted in (
        {"levels": level("account", read="ALL"), "fields": masked},
        {"levels": level("account", read="OWN", delete="OWN"), "fields": masked},
        {"levels": level("*", read="OWN")},
        {"levels": level("account", read="OWN")},  # its fields would all be in clear
    ):
        refused = await mutate(crew.stranger, "roleCreate", {"key": "more", "name": "More", **wanted}, "")
        assert refused["__typename"] == "InvalidInput", wanted
        assert [one["field"] for one in refused["fields"]] == ["levels"]
    for id in (made["id"], strong["id"]):
        levels = own + level("account", read="ALL")
        refused = await mutate(crew.stranger, "roleUpdate", {"id": id, "levels": levels}, "")
        assert refused["__typename"] == "InvalidInput"
    refused = await mutate(crew.stranger, "roleUpdate", {"id": strong["id"], "levels": []}, "")
    assert refused["__typename"] == "InvalidInput"  # nor do they take away what they could not give
    assert set(await stored_roles(crew)) == {"lead", "strong"}
    less = await make_role(crew.stranger, "less", levels=level("account", read="OWN"), fields=masked)
    assert less["__typename"] == "Role"


async def test_a_role_that_people_have_or_rules_name_stays(crew: Crew) -> None:
    made = await make_role(crew.admin, "scout", levels=level("account", read="OWN"))
    await give(crew, "stranger", "rep", "scout")
    gone = await crew.admin.do("roleDelete", {"id": made["id"]})
    assert (gone["__typename"], gone["code"]) == ("InvalidInput", "INVALID_INPUT")
    await give(crew, "stranger", "rep")
    rule = {"name": "For scouts", "objectKind": "account", "shareWith": ["r:scout"]}
    ruled = await mutate(crew.admin, "sharingRuleCreate", rule, "... on SharingRule { id }")
    gone = await crew.admin.do("roleDelete", {"id": made["id"]})
    assert gone["__typename"] == "InvalidInput"
    assert "For scouts" in gone["message"]
    assert set(await stored_roles(crew)) == {"scout"}
    await crew.admin.do("sharingRuleDelete", {"id": ruled["id"]})
    assert (await crew.admin.do("roleDelete", {"id": made["id"]}))["__typename"] == "Deleted"
    assert await stored_roles(crew) == {}


async def test_built_in_roles_cannot_be_changed(crew: Crew) -> None:
    refused = await mutate(crew.admin, "roleUpdate", {"id": "rep", "levels": []}, "")
    assert refused["__typename"] == "NotFound"
    assert (await crew.admin.do("roleDelete", {"id": "admin"}))["__typename"] == "NotFound"


def test_any_kind_does_not_open_what_concerns_its_owner_alone() -> None:
    mine = grant(read=Level.OWN, update=Level.OWN)
    built_in = {"admin": {"*": grant(read=Level.ALL, update=Level.ALL), "notification": mine}}
    book = RoleBook(built_in, {"super": {"*": grant(read=Level.ALL, delete=Level.ALL)}})
    found = book.get("super")
    assert found is not None
    assert found["*"].level("read") is Level.ALL
    assert found["notification"].level("read") is Level.OWN
    assert REACH[found["notification"].level("delete")] == 0
    assert book.get("nobody") is None


async def test_a_role_that_says_little_has_what_nobody_can_work_without(crew: Crew) -> None:
    tickets = level("ticket", read="OWN", create="OWN", update="OWN")
    await make_role(crew.admin, "helper", levels=tickets)
    await give(crew, "stranger", "helper")
    about = "{ me { id } workspace { name } teams { nodes { name } } notifications { nodes { id } } }"
    found = await crew.stranger.ask(about)
    assert (found["me"]["id"], found["workspace"]["name"]) == (crew.stranger.user_id, "Test")
    assert {team["name"] for team in found["teams"]["nodes"]} == {"east", "west", "support"}
    made = await crew.stranger.do("ticketCreate", {"subject": "The lift stands still"}, "number")
    assert made["__typename"] == "Ticket", made
    assert await crew.stranger.ask("{ accounts { nodes { id } } }") == {"accounts": {"nodes": []}}
