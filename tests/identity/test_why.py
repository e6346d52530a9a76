"""Why somebody sees a record: each grant by name, and never another verdict than the compiler's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from backend.core.access import Actor, Level, Stamps, grant
from backend.core.ids import new_id
from backend.core.records import Record, Share, ShareAccess, register
from backend.core.sharing import Policy, Rule, ending_shares, followed_acl, own_acl, reaches
from backend.crm.documents import Account, Attachment, Task
from backend.identity.explain import Via, allowed_actions, missing, reasons
from backend.identity.policies import held_stamps, opened
from backend.service.documents import Conversation, Message, MessageDirection
from tests.crew import Crew, Person
from tests.identity.seeing import make_account, make_rule, mutate, share
from tests.identity.test_roles import give, level, make_role

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PEOPLE, TEAMS = ("ann", "bo", "cy"), ("east", "west")
register(Account, Task, Conversation, Message, Attachment)  # as the house does, for what needs no house
GRANTEES = ("u:ann", "u:bo", "t:east", "t:west", "r:rep")

WHY = """query($kind: String!, $id: ID!, $user: ID!) { whyVisible(kind: $kind, id: $id, userId: $user) {
    visible level actions { action allowed } missing hiddenFields maskedFields
    grants { via name detail gives share { until reason } through { via name gives } } } }"""


async def why(asker: Person, id: str, of: Person, kind: str = "account") -> dict[str, Any]:
    found = await asker.ask(WHY, kind=kind, id=id, user=of.user_id)
    return cast("dict[str, Any]", found["whyVisible"])


def named(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return sorted((one["via"], one["name"], "+".join(one["gives"])) for one in found["grants"])


# ── the verdict is the compiler's ────────────────────────────────────────────────────────────────

levels = st.sampled_from(list(Level))
rules = st.builds(
    lambda number, grantees, edits, owners, territory: Rule(
        id=f"r{number}",
        name=f"Rule {number}",
        stamp=f"g:r{number}.1",
        grantees=frozenset(grantees),
        edits=edits,
        tests={kind: lambda _: True for kind in ("account", "conversation")},
        owned_by=frozenset(owners) if owners is not None else None,
        is_territory=territory,
    ),
    st.integers(0, 2),
    st.sets(st.sampled_from(GRANTEES)),
    st.booleans(),
    st.none() | st.sets(st.sampled_from(PEOPLE)),
    st.booleans(),
)
shares = st.builds(
    Share,
    to=st.sampled_from(GRANTEES),
    access=st.sampled_from(list(ShareAccess)),
    until=st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)]),
)
policies = st.builds(
    lambda rules, openness: Policy(
        version=1,
        rules=list({rule.id: rule for rule in rules}.values()),
        openness=openness,
        shared_with=dict.fromkeys(GRANTEES, frozenset({"account", "conversation"})),
    ),
    st.lists(rules, max_size=3),
    st.dictionaries(st.sampled_from(["account", "conversation"]), st.sampled_from(["read", "edit"])),
)


@st.composite
def actors(draw: st.DrawFn, policy: Policy) -> Actor:
    user, teams = draw(st.sampled_from(PEOPLE)), draw(st.sets(st.sampled_from(TEAMS)))
    contact = draw(st.sampled_from([None, None, "c1"]))
    names = [] if contact else [f"u:{user}", *(f"t:{team}" for team in teams), "r:rep"]
    kinds = ("account", "task", "conversation", "message", "attachment")
    grants = {kind: grant(read=draw(levels), update=draw(levels), delete=draw(levels)) for kind in kinds}
    return Actor(
        workspace_id="w1",
        user_id=user,
        roles=("rep",),
        grants=grants,
        team_ids=tuple(sorted(teams)),
        subordinate_ids=tuple(draw(st.sets(st.sampled_from(PEOPLE)))),
        contact_id=contact,
        audiences=("public",),
        stamps=held_stamps(policy, names),
        openness={} if contact else opened(policy, grants),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Actor, Record, Record | None, Policy]:
    """A record, by itself or behind a parent, written now or two days ago: shares may be over since."""
    policy, written = draw(policies), NOW - timedelta(days=draw(st.sampled_from([0, 2])))
    common: dict[str, Any] = {"workspace_id": draw(st.sampled_from(["w1", "w1", "w1", "w2"]))}
    standing = {
        "owner_id": draw(st.none() | st.sampled_from(PEOPLE)),
        "shares": draw(st.lists(shares, max_size=3, unique_by=lambda one: one.to)),
    }
    team = draw(st.sampled_from(TEAMS))
    about = {"contact_id": "c1", "account_owner_id": None, "assignee_id": draw(st.sampled_from(PEOPLE))}
    account = Account.model_construct(id="a1", team_ids=[team], **standing, **common)
    conversation = Conversation.model_construct(id="v1", team_id=team, **about, **standing, **common)
    task = Task.model_construct(id="t1", assignee_id=about["assignee_id"], **standing, **common)
    for one in (account, conversation, task):
        one.acl = own_acl(one, policy, written)
    internal = MessageDirection(draw(st.sampled_from(["internal", "outbound"])))
    message = Message.model_construct(id="m1", conversation_id="v1", direction=internal, **common)
    file = Attachment.model_construct(id="f1", target_kind="account", target_id="a1", **common)
    record, parent = draw(
        st.sampled_from(
            [(account, None), (task, None), (conversation, None), (message, conversation), (file, account)]
        )
    )
    if parent is not None:
        record.acl, record.shares = followed_acl(record, parent), ending_shares(parent)
    return draw(actors(policy)), record, parent, policy


@given(cases())
def test_a_reason_is_found_exactly_when_the_compiler_allows(
    case: tuple[Actor, Record, Record | None, Policy],
) -> None:
    actor, record, parent, policy = case
    found = reasons(actor, record, parent, policy, NOW)
    reads = reaches(actor, "read", record, NOW)
    assert any(ShareAccess.READ in one.gives for one in found) == reads
    assert any(ShareAccess.EDIT in one.gives for one in found) == reaches(actor, "update", record, NOW)
    assert bool(missing(actor, record, NOW)) is not reads
    allowed = allowed_actions(actor, record, NOW, ("read", "update", "delete"))
    assert ("read" in allowed) == reads
    assert reads or not allowed
    for one in found:
        assert (one.share is not None) == (one.via is Via.SHARE)
        assert (one.rule is not None) == (one.via in (Via.RULE, Via.TERRITORY))
        assert (one.through is not None) == (one.via is Via.PARENT)


def test_a_stamp_without_its_rule_is_no_reason() -> None:
    actor = Actor(workspace_id="w1", user_id="ann", grants={"account": grant(read=Level.OWN)})
    record = Account.model_construct(id="a1", workspace_id="w1", acl=["w", "g:r0.1"], shares=[])
    assert reasons(actor, record, None, Policy(version=1), NOW) == []
    holder = replace(actor, stamps={"account": Stamps(read=frozenset({"g:r0.1"}))})
    assert [one.via for one in reasons(holder, record, None, Policy(version=1), NOW)] == [Via.RULE]


# ── over GraphQL ─────────────────────────────────────────────────────────────────────────────────


async def test_every_grant_that_holds_is_named(crew: Crew) -> None:
    account = await make_account(crew.rep, "Acme", teamIds=[crew.teams["east"]])
    alone = await make_account(crew.rep, "Alone")
    west = [f"t:{crew.teams['west']}"]
    await make_rule(crew, name="East for west", ownedBy=[f"u:{crew.rep.user_id}"], shareWith=west)
    territory = {
        "name": "China",
        "memberIds": [crew.stranger.user_id],
        "rules": [{"objectKind": "account"}],
        "access": "EDIT",
    }
    await mutate(crew.admin, "territoryCreate", territory, "... on Territory { id }")
    await crew.house.relay.settle()
    await share(crew.rep, account, {"userId": crew.stranger.user_id}, reason="Holiday")
    assert named(await why(crew.admin, account, crew.rep)) == [
        ("OWNER", "Rep", "READ+EDIT"),
        ("TEAM", "east", "READ+EDIT"),
    ]
    found = await why(crew.admin, account, crew.stranger)
    assert named(found) == [
        ("RULE", "East for west", "READ"),
        ("SHARE", "Stranger", "READ"),
        ("TERRITORY", "China", "READ+EDIT"),
    ]
    assert (found["visible"], found["level"], found["missing"]) == (True, "TEAM", [])
    (given_share,) = [one for one in found["grants"] if one["via"] == "SHARE"]
    assert given_share["share"] == {"until": None, "reason": "Holiday"}
    assert given_share["detail"] == "Rep shared it with Stranger."
    assert {one["action"]: one["allowed"] for one in found["actions"]} == {
        "READ": True,
        "UPDATE": True,
        "DELETE": False,
        "EXPORT": False,
        "ASSIGN": False,
        "APPROVE": False,
    }
    assert named(await why(crew.admin, account, crew.manager)) == [
        ("MANAGER", "Rep", "READ+EDIT"),
        ("ROLE", "account", "READ+EDIT"),
        ("RULE", "East for west", "READ"),
        ("TEAM", "east", "READ+EDIT"),
    ]
    assert named(await why(crew.admin, alone, crew.agent)) == [("ROLE", "account", "READ")]


async def test_what_is_missing_is_said_and_defaults_are_named(crew: Crew) -> None:
    account = await make_account(crew.rep)
    found = await why(crew.admin, account, crew.stranger)
    assert (found["visible"], found["grants"]) == (False, [])
    assert not any(one["allowed"] for one in found["actions"])
    assert found["missing"][0] == "They neither own it nor are named by it as its assignee or otherwise."
    assert len(found["missing"]) == 3
    nothing = await why(crew.admin, account, crew.customer)
    assert nothing["missing"] == ["No role of theirs (customer) has a level to read account records."]
    opened = {"kind": "account", "openness": "READ"}
    await mutate(crew.admin, "sharingDefaultsSet", opened, "... on SharingDefault { kind }")
    found = await why(crew.admin, account, crew.stranger)
    assert (found["visible"], named(found)) == (True, [("DEFAULT", "account", "READ")])
    suspend = "mutation($input: PersonInput!) { userSuspend(input: $input) { __typename } }"
    await crew.admin.ask(suspend, input={"id": crew.stranger.user_id})
    found = await why(crew.admin, account, crew.stranger)
    assert (found["visible"], found["grants"]) == (False, [])
    assert found["missing"] == ["They are suspended: they cannot sign in at all."]


async def test_a_message_is_seen_by_what_shows_its_conversation(crew: Crew) -> None:
    opened = await crew.agent.do("conversationCreate", {"contactId": crew.contact_id, "subject": "Lift"})
    said = await crew.agent.do("messageCreate", {"conversationId": opened["id"], "body": "It stands still."})
    await share(crew.manager, opened["id"], {"teamId": crew.teams["west"]}, kind="conversation")
    found = await why(crew.admin, said["id"], crew.stranger, kind="message")
    (only,) = found["grants"]
    assert (only["via"], only["name"]) == ("PARENT", f"conversation:{opened['id']}")
    assert only["through"]["via"] == "SHARE"
    assert only["through"]["name"] == "west"
    mine = await why(crew.admin, opened["id"], crew.customer, kind="conversation")
    assert [one["via"] for one in mine["grants"]] == ["CUSTOMER"]


async def test_hidden_and_masked_fields_are_named(crew: Crew) -> None:
    account = await make_account(crew.rep)
    fields = [
        {"kind": "account", "field": "annualRevenue", "access": "HIDDEN"},
        {"kind": "account", "field": "phone", "access": "MASKED"},
    ]
    await make_role(crew.admin, "caller", levels=level("account", read="ALL"), fields=fields)
    await give(crew, "stranger", "caller")
    found = await why(crew.admin, account, crew.stranger)
    assert (found["hiddenFields"], found["maskedFields"]) == (["annualRevenue"], ["phone"])
    assert (found["level"], named(found)) == ("ALL", [("ROLE", "account", "READ")])


async def test_only_admins_ask_about_others_and_nobody_about_what_they_do_not_see(crew: Crew) -> None:
    account = await make_account(crew.rep)
    assert (await why(crew.rep, account, crew.rep))["visible"] is True
    refusals = {
        "FORBIDDEN": [(crew.rep, crew.colleague, account), (crew.manager, crew.rep, account)],
        "NOT_FOUND": [
            (crew.stranger, crew.stranger, account),
            (crew.customer, crew.customer, account),
            (crew.admin, crew.rep, new_id()),
        ],
    }
    for code, asked in refusals.items():
        for asker, of, id in asked:
            answer = await asker.post(WHY, kind="account", id=id, user=of.user_id)
            assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
            assert answer["data"] is None
    answer = await crew.admin.post(WHY, kind="account", id=account, user=new_id())
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
