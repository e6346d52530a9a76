"""Sharing rules and defaults: on, off, for whom, for which records; lists, single reads and phones agree."""

from typing import Any

from backend.crm.documents import Account
from backend.identity.restamping import restamp_kind
from backend.identity.sharing_documents import SharingDefaults, SharingRule
from tests.crew import Crew
from tests.identity.seeing import (
    accounts_of,
    change_rule,
    is_hidden,
    make_account,
    make_rule,
    mutate,
    phone_of,
)
from tests.identity.test_roles import give, level, make_role

BIG = {"field": "annualRevenue", "operator": "GTE", "values": ["1000000"]}
RULES = """{ sharingRules { nodes { name objectKind ownedBy shareWith access isActive revision
    condition { field operator values any { field operator values } } } } }"""
DEFAULTS = "{ sharingDefaults { kind openness } }"


def west(crew: Crew) -> list[str]:
    return [f"t:{crew.teams['west']}"]


def east(crew: Crew) -> list[str]:
    return [f"t:{crew.teams['east']}"]


async def rule_of(crew: Crew, id: str) -> SharingRule:
    found = await crew.house.store.reader.get(SharingRule, id)
    assert found is not None
    return found


async def acl_of(crew: Crew, id: str) -> list[str]:
    found = await crew.house.store.reader.get(Account, id)
    assert found is not None
    return found.acl


async def set_default(crew: Crew, openness: str, *, kind: str = "account") -> dict[str, Any]:
    chosen = "... on SharingDefault { kind openness }"
    input = {"kind": kind, "openness": openness}
    return await mutate(crew.admin, "sharingDefaultsSet", input, chosen)


async def test_a_rule_by_condition_opens_what_meets_it_and_closes_when_it_is_off(crew: Crew) -> None:
    big = await make_account(crew.rep, "Big", annualRevenue="2000000")
    small = await make_account(crew.rep, "Small", annualRevenue="1000")
    phone = phone_of(crew.stranger)
    await phone.pull()
    rule = await make_rule(crew, condition=BIG, shareWith=west(crew))
    assert rule["revision"] == 1
    assert await accounts_of(crew.stranger) == {big}
    assert await accounts_of(crew.colleague) == set()
    await phone.pull()
    assert set(phone.rows) == {big}
    # New and changed records follow at once.
    later = await make_account(crew.rep, "Later", annualRevenue="1000000")
    await crew.rep.do("accountUpdate", {"id": small, "annualRevenue": "1000001"})
    await crew.rep.do("accountUpdate", {"id": big, "annualRevenue": "5"})
    assert await accounts_of(crew.stranger) == {later, small}
    await phone.pull()
    assert set(phone.rows) == {later, small}
    refused = await crew.stranger.do("accountUpdate", {"id": later, "name": "No"})
    assert refused["__typename"] == "Forbidden"
    # Off: closed before any record is rewritten; on again: open when the house has restamped.
    await change_rule(crew, rule["id"], settle=False, isActive=False)
    assert await accounts_of(crew.stranger) == set()
    assert await is_hidden(crew.stranger, later)
    await crew.house.relay.settle()
    assert await acl_of(crew, later) == ["w", f"u:{crew.rep.user_id}"]
    await phone.pull()
    assert phone.rows == {}
    again = await change_rule(crew, rule["id"], isActive=True)
    assert again["revision"] == 3
    assert await accounts_of(crew.stranger) == {later, small}
    await phone.pull()
    assert set(phone.rows) == {later, small}


async def test_a_kind_that_is_opened_opens_what_follows_it_to_none_who_lack_the_kind(crew: Crew) -> None:
    """The messages of conversations: who may see no conversation sees none of another's words either."""
    talk = await crew.rep.do("conversationCreate", {"subject": "Between us"})
    await crew.rep.do(
        "messageCreate", {"conversationId": talk["id"], "body": "Secret", "direction": "INTERNAL"}
    )
    await set_default(crew, "READ", kind="conversation")
    await make_role(crew.admin, "listener", levels=level("message", read="OWN"))
    await give(crew, "stranger", "listener")
    seen = "{ messages { nodes { body } } conversations { nodes { id } } }"
    assert await crew.stranger.ask(seen) == {"messages": {"nodes": []}, "conversations": {"nodes": []}}
    assert (await crew.colleague.ask(seen))["messages"]["nodes"] == [
        {"body": "Secret"}
    ]  # a rep has both kinds


async def test_a_changed_condition_closes_the_old_and_opens_the_new(crew: Crew) -> None:
    customer = await make_account(crew.rep, "Customer", type="CUSTOMER", annualRevenue="5")
    big = await make_account(crew.rep, "Big", annualRevenue="2000000")
    rule = await make_rule(crew, condition=BIG, shareWith=west(crew), access="EDIT")
    assert await accounts_of(crew.stranger) == {big}
    assert (await crew.stranger.do("accountUpdate", {"id": big, "name": "Bigger"}))["__typename"] == "Account"
    condition = {"any": [{"field": "type", "values": ["customer"]}, {"field": "name", "values": ["Nobody"]}]}
    changed = await change_rule(crew, rule["id"], settle=False, condition=condition)
    assert changed["revision"] == 2
    assert await is_hidden(crew.stranger, big)
    await crew.house.relay.settle()
    assert await accounts_of(crew.stranger) == {customer}
    (shown,) = (await crew.admin.ask(RULES))["sharingRules"]["nodes"]
    assert shown == {
        "name": "A rule",
        "objectKind": "account",
        "ownedBy": [],
        "shareWith": west(crew),
        "access": "EDIT",
        "isActive": True,
        "revision": 2,
        "condition": {
            "field": "",
            "operator": "EQ",
            "values": [],
            "any": [
                {"field": "type", "operator": "EQ", "values": ["customer"]},
                {"field": "name", "operator": "EQ", "values": ["Nobody"]},
            ],
        },
    }
    assert (await crew.rep.ask(RULES)) == {"sharingRules": {"nodes": []}}
    # Whom it is for counts at once, without a new revision and without rewriting a record.
    acl = await acl_of(crew, customer)
    changed = await change_rule(crew, rule["id"], settle=False, shareWith=[f"u:{crew.colleague.user_id}"])
    assert changed["revision"] == 2
    assert await accounts_of(crew.stranger) == set()
    assert await accounts_of(crew.colleague) == {customer}
    await crew.house.relay.settle()
    assert await acl_of(crew, customer) == acl
    gone = await crew.admin.do("sharingRuleDelete", {"id": rule["id"]})
    assert gone["__typename"] == "Deleted"
    assert await accounts_of(crew.colleague) == set()
    await crew.house.relay.settle()
    assert await acl_of(crew, customer) == ["w", f"u:{crew.rep.user_id}"]


async def test_a_rule_by_owner_follows_its_owners_from_team_to_team(crew: Crew) -> None:
    mine = await make_account(crew.rep, "Of the east")
    managed = await make_account(crew.manager, "Of east and west")
    rule = await make_rule(crew, ownedBy=east(crew), shareWith=west(crew))
    assert await accounts_of(crew.stranger) == {mine, managed}
    moved = await crew.admin.do("userUpdate", {"id": crew.rep.user_id, "teamIds": [crew.teams["support"]]})
    assert moved["__typename"] == "User"
    assert (await rule_of(crew, rule["id"])).revision == 2
    assert await is_hidden(crew.stranger, mine)
    await crew.house.relay.settle()
    assert await accounts_of(crew.stranger) == {managed}
    later = await make_account(crew.rep, "Of support")
    assert await is_hidden(crew.stranger, later)
    back = await crew.admin.do("userUpdate", {"id": crew.rep.user_id, "teamIds": [crew.teams["east"]]})
    assert back["__typename"] == "User"
    await crew.house.relay.settle()
    assert await accounts_of(crew.stranger) == {mine, managed, later}
    # Who joins the owners takes nothing from anybody; a change that no rule is about moves none.
    await crew.admin.do("userUpdate", {"id": crew.agent.user_id, "teamIds": []})
    await crew.admin.do("userUpdate", {"id": crew.manager.user_id, "teamIds": [crew.teams["east"]]})
    assert (await rule_of(crew, rule["id"])).revision == 2
    assert await accounts_of(crew.stranger) == {mine, managed, later}


async def test_who_joins_a_team_or_role_gets_what_is_shared_with_it(crew: Crew) -> None:
    account = await make_account(crew.manager, "For support")
    await make_rule(crew, ownedBy=["r:manager"], shareWith=[f"t:{crew.teams['support']}"])
    assert await is_hidden(crew.stranger, account)
    both = [crew.teams["west"], crew.teams["support"]]
    await crew.admin.do("userUpdate", {"id": crew.stranger.user_id, "teamIds": both})
    assert await accounts_of(crew.stranger) == {account}
    await crew.admin.do("userUpdate", {"id": crew.stranger.user_id, "teamIds": [crew.teams["west"]]})
    assert await is_hidden(crew.stranger, account)


async def test_restamping_twice_changes_nothing_the_second_time(crew: Crew) -> None:
    for number in range(3):
        await make_account(crew.rep, f"Big {number}", annualRevenue="2000000")
    await make_rule(crew, condition=BIG, shareWith=west(crew))
    store = crew.house.store
    await crew.house.relay.settle()  # no listener's commit comes between
    version = await store.reader.newest_version(crew.workspace_id)
    (await store.policies.of(crew.workspace_id)).stamped.clear()  # as another process would find it
    await restamp_kind(store, crew.workspace_id, "account")
    assert await store.reader.newest_version(crew.workspace_id) == version


async def test_a_walk_that_was_cut_short_goes_on(crew: Crew) -> None:
    accounts = {await make_account(crew.rep, f"Big {n}", annualRevenue="2000000") for n in range(4)}
    rule = await make_rule(crew, condition=BIG, shareWith=west(crew))
    stamp = f"g:{rule['id']}.1"
    # Two records as if the house had stopped before it came to them.
    for id in sorted(accounts)[:2]:
        await Account.get_pymongo_collection().update_one({"_id": id}, {"$pull": {"acl": stamp}})
    (await crew.house.store.policies.of(crew.workspace_id)).stamped.clear()
    assert await accounts_of(crew.stranger) == set(sorted(accounts)[2:])
    await restamp_kind(crew.house.store, crew.workspace_id, "account")
    assert await accounts_of(crew.stranger) == accounts


async def test_wrong_rules_are_refused_and_nothing_is_stored(crew: Crew) -> None:
    fine: dict[str, Any] = {"name": "R", "objectKind": "account", "shareWith": west(crew)}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"objectKind": "message"}, "objectKind"),
        ({"objectKind": "role"}, "objectKind"),
        ({"condition": {"field": "colour", "values": ["red"]}}, "condition"),
        ({"condition": {"field": "annualRevenue", "operator": "GT", "values": ["much"]}}, "condition"),
        ({"condition": {}}, "condition"),
        ({"shareWith": ["everybody"]}, "shareWith"),
        ({"shareWith": ["r:customer"]}, "shareWith"),
        ({"shareWith": [f"u:{crew.customer.user_id}"]}, "shareWith"),
        ({"shareWith": []}, "shareWith"),
        ({"ownedBy": ["t:nobody"]}, "ownedBy"),
    ]
    for changed, field in wrong:
        refused = await mutate(crew.admin, "sharingRuleCreate", {**fine, **changed}, "")
        assert refused["__typename"] == "InvalidInput", changed
        assert [one["field"] for one in refused["fields"]] == [field]
    for person in (crew.rep, crew.manager, crew.customer):
        refused = await mutate(person, "sharingRuleCreate", fine, "")
        assert refused["__typename"] == "Forbidden"
    assert (await crew.admin.ask(RULES)) == {"sharingRules": {"nodes": []}}


async def test_defaults_open_and_close_a_kind_at_once(crew: Crew) -> None:
    account = await make_account(crew.rep)
    phone = phone_of(crew.stranger)
    await phone.pull()
    assert await set_default(crew, "READ") == {
        "__typename": "SharingDefault",
        "kind": "account",
        "openness": "READ",
    }
    assert await accounts_of(crew.stranger) == {account}
    await phone.pull()
    assert set(phone.rows) == {account}
    refused = await crew.stranger.do("accountUpdate", {"id": account, "name": "No"})
    assert refused["__typename"] == "Forbidden"
    await set_default(crew, "EDIT")
    changed = await crew.stranger.do("accountUpdate", {"id": account, "name": "Ours"})
    assert changed["__typename"] == "Account"
    assert (await crew.stranger.do("accountDelete", {"id": account}))["__typename"] == "Forbidden"
    assert await accounts_of(crew.customer) == set()
    found = {row["kind"]: row["openness"] for row in (await crew.admin.ask(DEFAULTS))["sharingDefaults"]}
    assert found["account"] == "EDIT"
    assert set(found.values()) == {"EDIT", "PRIVATE"}
    assert {"contact", "lead", "opportunity", "ticket", "conversation", "task", "activity"} < found.keys()
    await set_default(crew, "PRIVATE")
    assert await accounts_of(crew.stranger) == set()
    await phone.pull()
    assert phone.rows == {}


async def test_defaults_are_the_admins(crew: Crew) -> None:
    account = await make_account(crew.rep)
    for person in (crew.manager, crew.rep, crew.customer):
        input = {"kind": "account", "openness": "READ"}
        assert (await mutate(person, "sharingDefaultsSet", input, ""))["__typename"] == "Forbidden"
        assert await person.ask(DEFAULTS) == {"sharingDefaults": []}
    assert (await set_default(crew, "READ", kind="message"))["fields"][0]["field"] == "kind"
    assert await is_hidden(crew.stranger, account)
    assert await crew.house.store.reader.count(crew.system, SharingDefaults, {}) == 0


async def test_a_conversation_kind_opens_with_its_messages(crew: Crew) -> None:
    opened = await crew.agent.do("conversationCreate", {"contactId": crew.contact_id, "subject": "Lift"})
    await crew.agent.do("messageCreate", {"conversationId": opened["id"], "body": "It stands still."})
    listed = "{ conversations { nodes { id messages { nodes { body } } } } }"
    assert (await crew.stranger.ask(listed))["conversations"]["nodes"] == []
    await set_default(crew, "READ", kind="conversation")
    (seen,) = (await crew.stranger.ask(listed))["conversations"]["nodes"]
    assert [one["body"] for one in seen["messages"]["nodes"]] == ["It stands still."]
    await set_default(crew, "PRIVATE", kind="conversation")
    assert (await crew.stranger.ask(listed))["conversations"]["nodes"] == []


async def test_who_administers_sharing_opens_no_more_than_they_see(crew: Crew) -> None:
    account = await make_account(crew.rep)
    kinds = ("sharing_rule", "territory", "sharing_defaults")
    everything = [
        one for kind in kinds for one in level(kind, read="ALL", create="ALL", update="ALL", delete="ALL")
    ]
    await make_role(crew.admin, "sharer", levels=everything + level("account", read="TEAM", update="TEAM"))
    rule = await make_rule(crew, shareWith=[f"t:{crew.teams['support']}"])
    await give(crew, "stranger", "sharer")
    me, everybody = [f"u:{crew.stranger.user_id}"], [{"objectKind": "account"}]
    for field, input in (
        ("sharingRuleCreate", {"name": "Mine", "objectKind": "account", "shareWith": me}),
        ("sharingRuleUpdate", {"id": rule["id"], "shareWith": me}),
        ("territoryCreate", {"name": "Mine", "rules": everybody, "memberIds": [crew.stranger.user_id]}),
        ("sharingDefaultsSet", {"kind": "account", "openness": "READ"}),
    ):
        assert (await mutate(crew.stranger, field, input, ""))["__typename"] == "Forbidden", field
    assert await is_hidden(crew.stranger, account)
    await make_role(crew.admin, "overseer", levels=everything + level("account", read="ALL"))
    await give(crew, "stranger", "overseer")
    opened = {"kind": "account", "openness": "READ"}
    assert (await mutate(crew.stranger, "sharingDefaultsSet", opened, ""))["__typename"] == "SharingDefault"
    opened["openness"] = "EDIT"
    assert (await mutate(crew.stranger, "sharingDefaultsSet", opened, ""))["__typename"] == "Forbidden"


async def test_a_rule_whose_field_has_gone_opens_nothing_and_says_so(crew: Crew) -> None:
    """An upgrade may take a field away: the workspace goes on, and the rule closes rather than opens."""
    big = await make_account(crew.rep, "Big", annualRevenue="2000000")
    rule = await make_rule(crew, condition=BIG, shareWith=west(crew))
    other = await make_rule(crew, ownedBy=[f"u:{crew.rep.user_id}"], shareWith=[f"u:{crew.agent.user_id}"])
    assert await accounts_of(crew.stranger) == {big}
    gone = {"$set": {"condition.field": "yearly_revenue"}}
    await SharingRule.get_pymongo_collection().update_one({"_id": rule["id"]}, gone)
    await change_rule(crew, other["id"], name="The policy is read again")
    assert await accounts_of(crew.stranger) == set()
    assert await is_hidden(crew.stranger, big)
    assert big in await accounts_of(crew.agent), "the other rules hold"
    later = await make_account(crew.rep, "Later", annualRevenue="3000000")
    assert later not in await accounts_of(crew.stranger)
    shown = (await crew.admin.ask("{ sharingRules { nodes { id problem } } }"))["sharingRules"]["nodes"]
    assert {one["id"]: one["problem"] for one in shown} == {
        rule["id"]: "condition names 'yearly_revenue', which no account has; see the kind's filter for "
        "its fields",
        other["id"]: "",
    }
    mended = await change_rule(crew, rule["id"], condition=BIG)
    assert mended["revision"] == 2
    assert await accounts_of(crew.stranger) == {big, later}
