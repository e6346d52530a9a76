"""Approvals over GraphQL: who may decide, on what they saw, once; and who hears of it."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest

from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.sales.quote_documents import Quote
from backend.sales.synced import APPROVALS
from tests.crew import Crew, Person
from tests.mobile_sync.wire import WirePhone
from tests.notifications.test_occasions import lines
from tests.sales.test_quotes import FIELDS, LINE, draft, move

CHEAP = [{**LINE, "discountPercent": "35"}]

APPROVAL = """id status number subjectKind subjectId requestedBy approverIds note snapshotHash snapshot
    decidedBy comment quote { number status }"""


async def submitted(crew: Crew, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a quote of the rep's that is in review, and its request."""
    quote = await draft(crew, **fields)
    asked = await move(crew.rep, "quoteSubmit", quote["id"], note="Please")
    assert asked["status"] == "IN_REVIEW", asked
    [request] = await requests(crew.rep, quote["id"])
    return quote, request


async def requests(person: Person, subject_id: str) -> list[dict[str, Any]]:
    query = f"""query($id: ID!) {{ approvals(filter: {{subjectId: {{eq: $id}}}},
        orderBy: [{{field: REQUESTED_AT}}]) {{ nodes {{ {APPROVAL} }} }} }}"""
    found: list[dict[str, Any]] = (await person.ask(query, id=subject_id))["approvals"]["nodes"]
    return found


async def decide(person: Person, request: dict[str, Any], decision: str, **more: Any) -> dict[str, Any]:
    query = f"""mutation($input: ApprovalDecideInput!) {{ approvalDecide(input: $input) {{ __typename
        ... on Approval {{ {APPROVAL} }} ... on Error {{ code message }}
        ... on Conflict {{ currentVersion fields }} }} }}"""
    given = {"id": request["id"], "decision": decision, "snapshotHash": request["snapshotHash"], **more}
    found: dict[str, Any] = (await person.ask(query, input=given))["approvalDecide"]
    return found


async def withdraw(person: Person, request: dict[str, Any]) -> dict[str, Any]:
    query = """mutation($id: ID!) { approvalWithdraw(input: {id: $id}) { __typename
        ... on Approval { status decidedBy } ... on Error { code message } } }"""
    found: dict[str, Any] = (await person.ask(query, id=request["id"]))["approvalWithdraw"]
    return found


async def quote_of(crew: Crew, quote: dict[str, Any]) -> dict[str, Any]:
    query = f"query($id: ID!) {{ quote(id: $id) {{ {FIELDS} }} }}"
    found: dict[str, Any] = (await crew.admin.ask(query, id=quote["id"]))["quote"]
    return found


async def unchanged(crew: Crew, quote: dict[str, Any], request: dict[str, Any]) -> bool:
    """Tell whether a quote is still in review, and its request undecided."""
    return (await quote_of(crew, quote))["status"] == "IN_REVIEW" and (
        await requests(crew.admin, quote["id"])
    ) == [request]


async def test_a_manager_approves_what_a_rep_asks_for_and_it_is_sent(crew: Crew) -> None:
    quote, request = await submitted(crew, lines=CHEAP)
    assert request == {
        **request,
        "status": "PENDING",
        "number": quote["number"],
        "subjectKind": "quote",
        "subjectId": quote["id"],
        "requestedBy": crew.rep.user_id,
        "approverIds": sorted([crew.manager.user_id, crew.admin.user_id]),
        "note": "Please",
        "quote": {"number": quote["number"], "status": "IN_REVIEW"},
        "decidedBy": None,
    }
    early = await move(crew.rep, "quoteSend", quote["id"])
    assert (early["__typename"], early["request"]) == ("ApprovalRequired", request["id"])
    done = await decide(crew.manager, request, "APPROVED", comment="好的 👍")
    by = ("APPROVED", crew.manager.user_id, "好的 👍")
    assert (done["status"], done["decidedBy"], done["comment"]) == by
    assert (await quote_of(crew, quote))["status"] == "APPROVED"
    assert (await move(crew.rep, "quoteSend", quote["id"]))["status"] == "SENT"


async def test_the_snapshot_is_what_was_asked_for_and_its_hash_can_be_checked(crew: Crew) -> None:
    quote, request = await submitted(crew)
    assert hashlib.sha256(request["snapshot"].encode()).hexdigest() == request["snapshotHash"]
    frozen = json.loads(request["snapshot"])
    assert frozen == {
        "number": quote["number"],
        "revision": 1,
        "name": "冷库监测",
        "opportunity_id": None,
        "account_id": crew.contact_id,
        "contact_id": None,
        "currency": "CNY",
        "lines": frozen["lines"],
        "net_total": "59.97",
        "tax_total": "7.8",
        "gross_total": "67.77",
        "valid_until": "2999-01-31",
        "terms": "",
    }
    # What was approved is read again as it was, also when the quote goes on.
    await decide(crew.manager, request, "APPROVED")
    await crew.rep.do("quoteUpdate", {"id": quote["id"], "terms": "Others"})
    [kept] = await requests(crew.rep, quote["id"])
    assert (kept["snapshot"], kept["status"]) == (request["snapshot"], "APPROVED")


async def test_a_rejected_quote_is_mended_and_asked_for_again(crew: Crew) -> None:
    quote, request = await submitted(crew)
    assert (await decide(crew.admin, request, "REJECTED", comment="太低"))["status"] == "REJECTED"
    assert (await quote_of(crew, quote))["status"] == "REJECTED"
    assert (await move(crew.rep, "quoteSend", quote["id"]))["__typename"] == "InvalidInput"
    mended = await crew.rep.do("quoteUpdate", {"id": quote["id"], "terms": "预付"}, FIELDS)
    assert (mended["status"], mended["revision"]) == ("DRAFT", 1)
    assert (await move(crew.rep, "quoteSubmit", quote["id"]))["status"] == "IN_REVIEW"
    first, second = await requests(crew.rep, quote["id"])
    assert (first["status"], second["status"]) == ("REJECTED", "PENDING")
    assert first["snapshotHash"] != second["snapshotHash"]
    # The decision on the first request does not count for the second.
    assert (await decide(crew.manager, first, "APPROVED"))["message"] == (
        "id is rejected already; ask for another approval"
    )
    assert (await decide(crew.manager, {**first, "id": second["id"]}, "APPROVED"))["__typename"] == "Conflict"
    assert (await decide(crew.manager, second, "APPROVED"))["status"] == "APPROVED"


async def test_who_may_not_approve_does_not_and_nothing_changes(crew: Crew) -> None:
    quote, request = await submitted(crew)
    for person, refusal in (
        (crew.rep, "Forbidden"),
        (crew.colleague, "Forbidden"),
        (crew.stranger, "NotFound"),
        (crew.agent, "NotFound"),
        (crew.customer, "NotFound"),
    ):
        assert (await decide(person, request, "APPROVED"))["__typename"] == refusal
    for person in (crew.stranger, crew.agent, crew.customer):
        assert await requests(person, quote["id"]) == []
        assert (await withdraw(person, request))["__typename"] == "NotFound"
    assert await unchanged(crew, quote, request)


async def test_nobody_decides_on_their_own_request_while_somebody_else_can(crew: Crew) -> None:
    await crew.settle()
    data = {"lines": [LINE], "validUntil": "2999-01-31", "accountId": crew.contact_id}
    quote = await crew.manager.do("quoteCreate", data)
    await move(crew.manager, "quoteSubmit", quote["id"])
    [request] = await requests(crew.manager, quote["id"])
    refused = await decide(crew.manager, request, "APPROVED")
    assert refused["message"] == ("id is a request of your own; somebody else who may approve it must decide")
    assert await unchanged(crew, quote, request)
    assert (await decide(crew.admin, request, "APPROVED"))["status"] == "APPROVED"


async def test_a_house_of_one_approves_by_itself_and_one_of_none_is_told(
    house: House, http: httpx.AsyncClient
) -> None:
    data = {"lines": [LINE], "validUntil": "2999-01-31"}
    alone = await Crew.hire(house, http, ["admin"])
    quote = await alone.admin.do("quoteCreate", data | {"accountId": alone.contact_id})
    await move(alone.admin, "quoteSubmit", quote["id"])
    [request] = await requests(alone.admin, quote["id"])
    assert (await decide(alone.admin, request, "APPROVED"))["status"] == "APPROVED"

    nobody = await Crew.hire(house, http, ["rep"])
    quote = await nobody.rep.do("quoteCreate", data | {"accountId": nobody.contact_id})
    refused = await move(nobody.rep, "quoteSubmit", quote["id"])
    assert refused["message"].startswith("id has nobody who may approve it; ask an admin for a role")
    assert await requests(nobody.rep, quote["id"]) == []


async def test_another_hash_is_a_conflict_and_never_an_approval(crew: Crew) -> None:
    quote, request = await submitted(crew)
    for wrong in ("", "0" * 64, request["snapshotHash"].upper(), "哈希"):
        refused = await decide(crew.manager, {**request, "snapshotHash": wrong}, "APPROVED")
        assert (refused["__typename"], refused["fields"]) == ("Conflict", [])
    assert await unchanged(crew, quote, request)


async def test_a_quote_that_is_another_by_now_is_not_approved(crew: Crew) -> None:
    """By whatever way it changed: here by one that knows nothing of approvals."""
    quote, request = await submitted(crew)

    async def change(uow: UnitOfWork) -> None:
        record = await uow.access(Quote, quote["id"], action="update")
        record.terms, record.gross_total = "Free of charge", record.gross_total - 60
        uow.save(record)

    await crew.house.store.write(crew.system, change)
    refused = await decide(crew.manager, request, "APPROVED")
    assert (refused["__typename"], refused["fields"]) == ("Conflict", ["grossTotal", "terms"])
    assert refused["currentVersion"] == (await quote_of(crew, quote))["version"]
    assert await unchanged(crew, quote, request)


async def test_an_edit_or_a_deletion_in_review_withdraws_the_request(crew: Crew) -> None:
    quote, request = await submitted(crew)
    edited = await crew.rep.do("quoteUpdate", {"id": quote["id"], "terms": "预付"}, FIELDS)
    assert (edited["status"], edited["revision"]) == ("DRAFT", 1)
    [ended] = await requests(crew.rep, quote["id"])
    assert (ended["status"], ended["decidedBy"]) == ("WITHDRAWN", crew.rep.user_id)
    refused = await decide(crew.manager, request, "APPROVED")
    assert refused["message"] == "id is withdrawn already; ask for another approval"
    assert (await quote_of(crew, quote))["status"] == "DRAFT"
    # What is no part of the offer leaves the request alone.
    quote, request = await submitted(crew)
    await crew.rep.do("quoteUpdate", {"id": quote["id"], "ownerId": crew.rep.user_id, "name": quote["name"]})
    assert await unchanged(crew, quote, request)
    await crew.rep.do("quoteDelete", {"id": quote["id"]})
    refused = await decide(crew.admin, request, "APPROVED")
    assert refused["message"] == "id is withdrawn already; ask for another approval"


async def test_a_request_is_taken_back_once_and_there_is_one_at_a_time(crew: Crew) -> None:
    quote, request = await submitted(crew)
    again = await move(crew.rep, "quoteSubmit", quote["id"])
    assert again["message"].startswith("status is in_review, from where a quote goes to")
    assert await withdraw(crew.colleague, request) == {
        "__typename": "Approval",
        "status": "WITHDRAWN",
        "decidedBy": crew.colleague.user_id,
    }
    assert (await withdraw(crew.rep, request))["__typename"] == "InvalidInput"
    assert (await quote_of(crew, quote))["status"] == "DRAFT"
    assert (await move(crew.rep, "quoteSubmit", quote["id"]))["status"] == "IN_REVIEW"


async def test_of_many_decisions_and_requests_at_once_one_counts(crew: Crew) -> None:
    quote = await draft(crew)
    asked = await asyncio.gather(*(move(crew.rep, "quoteSubmit", quote["id"]) for _ in range(4)))
    assert sorted(one["__typename"] for one in asked) == ["InvalidInput"] * 3 + ["Quote"]
    [request] = await requests(crew.rep, quote["id"])
    decided = await asyncio.gather(
        decide(crew.manager, request, "APPROVED"),
        decide(crew.admin, request, "REJECTED"),
        withdraw(crew.rep, request),
    )
    assert sorted(one["__typename"] for one in decided) == ["Approval", "InvalidInput", "InvalidInput"]
    [kept] = await requests(crew.rep, quote["id"])
    ends = {"APPROVED": "APPROVED", "REJECTED": "REJECTED", "WITHDRAWN": "DRAFT"}
    assert (await quote_of(crew, quote))["status"] == ends[kept["status"]]


async def test_a_repeated_decision_answers_the_same(crew: Crew) -> None:
    _, request = await submitted(crew)
    first = await decide(crew.manager, request, "APPROVED", mutationId="d-1")
    assert await decide(crew.manager, request, "APPROVED", mutationId="d-1") == first
    assert first["status"] == "APPROVED"
    long = await submitted(crew)
    refused = await decide(crew.manager, long[1], "REJECTED", comment="长" * 2_001)
    assert refused["message"] == "comment is not right: string should have at most 2000 characters"
    assert await unchanged(crew, *long)
    refused = await move(crew.rep, "quoteSubmit", (await draft(crew))["id"], note="长" * 2_001)
    assert refused["message"] == "note is not right: string should have at most 2000 characters"


ASKED = """{kind: "quote", action: READ, level: ALL}, {kind: "quote", action: APPROVE, level: ALL}"""
READING = """{kind: "approval", action: READ, level: ALL}"""
HALF_BLIND = """[{kind: "quote", field: "lines", access: HIDDEN}]"""


async def give_role(crew: Crew, levels: str, fields: str = "[]") -> None:
    """Give the agent a role of the workspace's own, and no other."""
    role = f"""mutation {{ roleCreate(input: {{
        key: "own", name: "Own", levels: [{levels}], fields: {fields}}}) {{
        __typename ... on Error {{ message }} }} }}"""
    assert (await crew.admin.ask(role))["roleCreate"] == {"__typename": "Role"}
    give = """mutation($id: ID!) { userUpdate(input: {id: $id, roleKeys: ["own"]}) { __typename
        ... on Error { message } } }"""
    assert (await crew.admin.ask(give, id=crew.agent.user_id))["userUpdate"] == {"__typename": "User"}


async def test_a_role_of_ones_own_approves_as_far_as_it_reaches(crew: Crew) -> None:
    await give_role(crew, f"{ASKED}, {READING}")
    quote, request = await submitted(crew)
    assert crew.agent.user_id in request["approverIds"]
    assert (await decide(crew.agent, request, "APPROVED"))["status"] == "APPROVED"
    assert (await quote_of(crew, quote))["status"] == "APPROVED"


async def test_who_does_not_read_requests_is_asked_for_nothing(crew: Crew) -> None:
    await give_role(crew, ASKED)
    quote, request = await submitted(crew)
    assert crew.agent.user_id not in request["approverIds"]
    assert (await decide(crew.agent, request, "APPROVED"))["__typename"] == "NotFound"
    assert await unchanged(crew, quote, request)


async def test_who_does_not_see_all_of_it_is_shown_no_hash_and_cannot_decide(crew: Crew) -> None:
    await give_role(crew, f"{ASKED}, {READING}", HALF_BLIND)
    quote, request = await submitted(crew)
    [seen] = await requests(crew.agent, quote["id"])
    assert (seen["number"], seen["snapshot"], seen["snapshotHash"]) == (quote["number"], None, None)
    phone = WirePhone(crew.agent, APPROVALS)
    await phone.pull()
    assert [row["snapshotHash"] for row in phone.rows.values()] == [None]
    assert (await decide(crew.agent, request, "APPROVED"))["__typename"] == "Forbidden"
    assert await unchanged(crew, quote, request)


async def test_of_masked_lines_nothing_is_shown(crew: Crew) -> None:
    await give_role(crew, f"{ASKED}, {READING}", HALF_BLIND.replace("HIDDEN", "MASKED"))
    quote, request = await submitted(crew)
    query = "query($id: ID!) { quote(id: $id) { maskedFields lines { name } grossTotal } }"
    seen = (await crew.agent.ask(query, id=quote["id"]))["quote"]
    assert seen == {"maskedFields": ["lines"], "lines": None, "grossTotal": quote["grossTotal"]}
    assert (await decide(crew.agent, request, "APPROVED"))["__typename"] == "Forbidden"
    assert await unchanged(crew, quote, request)


# ── telling ──────────────────────────────────────────────────────────────────────────────────────


async def test_approvers_hear_of_a_request_and_who_asked_of_the_decision(crew: Crew) -> None:
    quote, request = await submitted(crew)
    await crew.house.relay.settle()
    asked = [("approval_requested", f"Your approval is asked for: {quote['number']}")]
    for person, heard in (
        (crew.manager, asked),
        (crew.admin, asked),
        *((one, []) for one in (crew.rep, crew.colleague, crew.stranger, crew.agent)),
    ):
        assert await lines(person) == heard
    await decide(crew.manager, request, "REJECTED")
    await crew.house.relay.settle()
    assert await lines(crew.rep) == [("approval_decided", f"Decided: {quote['number']}")]
    assert [len(await lines(one)) for one in (crew.manager, crew.admin, crew.colleague)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("locale", "decision", "words"),
    [
        ("zh", "APPROVED", ("审批结果：Q-000001", "Manager：已批准")),
        ("zh", "REJECTED", ("审批结果：Q-000001", "Manager：已驳回")),
        ("en", "APPROVED", ("Decided: Q-000001", "Manager: approved")),
        ("en", "REJECTED", ("Decided: Q-000001", "Manager: rejected")),
    ],
)
async def test_the_decision_is_told_in_the_language_of_who_asked(
    crew: Crew, locale: str, decision: str, words: tuple[str, str]
) -> None:
    speak = """mutation($id: ID!, $locale: String!) { userUpdate(input: {id: $id, locale: $locale}) {
        __typename } }"""
    spoken = await crew.admin.ask(speak, id=crew.rep.user_id, locale=locale)
    assert spoken["userUpdate"]["__typename"] == "User"
    _, request = await submitted(crew)
    await decide(crew.manager, request, decision)
    await crew.house.relay.settle()
    [line] = (await crew.rep.ask("{ notifications { nodes { title body } } }"))["notifications"]["nodes"]
    assert (line["title"], line["body"]) == words


async def test_a_request_that_was_taken_back_is_nobodys_news(crew: Crew) -> None:
    quote, request = await submitted(crew)
    await withdraw(crew.rep, request)
    await crew.house.relay.settle()
    assert await lines(crew.manager, "approval_requested") == []
    assert await lines(crew.rep) == []
    assert (await quote_of(crew, quote))["status"] == "DRAFT"


# ── phones ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_phone_decides_on_what_it_saw(crew: Crew) -> None:
    quote, request = await submitted(crew)
    phone = WirePhone(crew.manager, APPROVALS)
    [row] = await phone.pull()
    assert (row["status"], row["number"], row["snapshotHash"]) == (
        "pending",
        quote["number"],
        request["snapshotHash"],
    )
    blind = await phone.push(phone.edit(row["id"], status="approved", decidedHash="0" * 64))
    assert [one["status"] for one in blind] == ["pending"]
    assert await unchanged(crew, quote, request)
    seen = {"decidedHash": row["snapshotHash"], "comment": "路上批的"}
    await phone.push(phone.edit(row["id"], status="approved", **seen))
    [kept] = await requests(crew.rep, quote["id"])
    assert (kept["status"], kept["comment"], kept["decidedBy"]) == (
        "APPROVED",
        "路上批的",
        crew.manager.user_id,
    )
    assert (await quote_of(crew, quote))["status"] == "APPROVED"


@pytest.mark.parametrize("status", ["pending", "yes", "", "APPROVED", None])
async def test_a_phones_edit_that_is_no_decision_is_refused(crew: Crew, status: str | None) -> None:
    quote, request = await submitted(crew)
    phone = WirePhone(crew.manager, APPROVALS)
    [row] = await phone.pull()
    edit = phone.edit(row["id"], status=status, decidedHash=row["snapshotHash"], comment="?")
    [told] = await phone.push(edit)
    assert (told["status"], told["comment"]) == ("pending", "")
    gone = {"newDocumentState": row | {"_deleted": True}, "assumedMasterState": row}
    assert [one["_deleted"] for one in await phone.push(gone)] == [False]
    assert await unchanged(crew, quote, request)


async def test_a_phone_takes_its_request_back_and_cannot_decide_on_it(crew: Crew) -> None:
    quote, request = await submitted(crew)
    phone = WirePhone(crew.rep, APPROVALS)
    [row] = await phone.pull()
    await phone.push(phone.edit(row["id"], status="approved", decidedHash=row["snapshotHash"]))
    assert await unchanged(crew, quote, request)
    await phone.push(phone.edit(row["id"], status="withdrawn"))
    [kept] = await requests(crew.rep, quote["id"])
    assert (kept["status"], (await quote_of(crew, quote))["status"]) == ("WITHDRAWN", "DRAFT")
