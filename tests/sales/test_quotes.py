"""Quotes over GraphQL: the promised interface, what the server computes, and the way to an end."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
import svcs

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.sales import quotes
from backend.sales.pipelines import default_pipeline_id
from backend.sales.quote_documents import Quote
from backend.sales.quotes import expire_due_quotes
from backend.sales.synced import QUOTES
from tests.crew import Crew, Person
from tests.mobile_sync.wire import WirePhone

FIELDS = """id version number revision status name currency opportunityId accountId contactId
    netTotal taxTotal grossTotal validUntil expiresAt terms sentAt closedAt declineReason
    lines { name description quantity unitPrice discountPercent taxPercent net }"""
ONE = f"query($id: ID!) {{ quote(id: $id) {{ {FIELDS} }} }}"
LINE = {"name": "HL-30", "quantity": "3", "unitPrice": "19.99", "taxPercent": "13"}


async def draft(crew: Crew, **fields: Any) -> dict[str, Any]:
    """Return a new quote of the rep's that could be sent."""
    await crew.settle()
    data = {"name": "冷库监测", "lines": [LINE], "validUntil": "2999-01-31", "accountId": crew.contact_id}
    made = await crew.rep.do("quoteCreate", data | fields, FIELDS)
    assert made.pop("__typename") == "Quote", made
    return made


async def move(person: Person, mutation: str, id: str, **more: Any) -> dict[str, Any]:
    """Run ``quoteSend`` and its like."""
    inputs = {"quoteSubmit": "QuoteSubmitInput", "quoteDecline": "QuoteDeclineInput"}
    query = f"""mutation($input: {inputs.get(mutation, "QuoteMoveInput")}!) {{ {mutation}(input: $input) {{
        __typename ... on Quote {{ {FIELDS} }} ... on Error {{ code message }}
        ... on InvalidInput {{ fields {{ field message }} }} ... on Conflict {{ currentVersion }}
        {"... on ApprovalRequired { request }" if mutation == "quoteSend" else ""} }} }}"""
    found: dict[str, Any] = (await person.ask(query, input={"id": id, **more}))[mutation]
    return found


async def test_a_quote_is_drafted_with_a_number_and_the_servers_amounts(crew: Crew) -> None:
    made = await draft(crew)
    assert made == {
        "id": made["id"],
        "version": made["version"],
        "number": "Q-000001",
        "revision": 1,
        "status": "DRAFT",
        "name": "冷库监测",
        "currency": "CNY",
        "opportunityId": None,
        "accountId": crew.contact_id,
        "contactId": None,
        "netTotal": "59.97",
        "taxTotal": "7.80",
        "grossTotal": "67.77",
        "validUntil": "2999-01-31",
        "expiresAt": "2999-01-31T16:00:00+00:00",  # midnight in Shanghai
        "terms": "",
        "sentAt": None,
        "closedAt": None,
        "declineReason": "",
        "lines": [
            {
                "name": "HL-30",
                "description": "",
                "quantity": "3",
                "unitPrice": "19.99",
                "discountPercent": "0",
                "taxPercent": "13",
                "net": "59.97",
            }
        ],
    }
    assert await crew.rep.ask(ONE, id=made["id"]) == {"quote": made}
    assert (await draft(crew))["number"] == "Q-000002"


async def test_a_quote_is_updated_listed_and_deleted(crew: Crew) -> None:
    made, other = await draft(crew, terms="30 天"), await draft(crew, lines=[])
    changed = await crew.rep.do(
        "quoteUpdate",
        {"id": made["id"], "lines": [LINE, {"name": "安装 🔧", "unitPrice": "500"}], "currency": "JPY"},
        FIELDS,
    )
    assert (changed["netTotal"], changed["taxTotal"], changed["grossTotal"]) == ("560", "8", "568")
    assert [line["net"] for line in changed["lines"]] == ["60", "500"]
    assert (changed["status"], changed["revision"], changed["terms"]) == ("DRAFT", 1, "30 天")
    listed = await crew.rep.ask(
        """{ quotes(filter: {status: {eq: DRAFT}, grossTotal: {gte: "0"}, validUntil: {lte: "2999-01-31"}},
            orderBy: [{field: GROSS_TOTAL, direction: DESC}]) {
            nodes { id account { id } opportunity { id } } } }"""
    )
    nothing = {"account": None, "opportunity": None}  # the account has not come yet
    assert listed["quotes"]["nodes"] == [{"id": made["id"], **nothing}, {"id": other["id"], **nothing}]
    assert (await crew.rep.do("quoteDelete", {"id": made["id"]}))["__typename"] == "Deleted"
    assert (await crew.rep.post(ONE, id=made["id"]))["data"] == {"quote": None}


async def test_pages_by_the_last_day_go_on_where_the_one_before_ended(crew: Crew) -> None:
    days = ["2998-12-31", None, "2999-01-01", "2998-12-31", "2998-12-30"]
    made = [(await draft(crew, validUntil=day))["id"] for day in days]
    query = """query($after: String) { quotes(first: 2, after: $after, orderBy: [{field: VALID_UNTIL}]) {
        nodes { id validUntil } pageInfo { endCursor hasNextPage } } }"""
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {}
    after = None
    for _ in range(3):
        page = (await crew.rep.ask(query, after=after))["quotes"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert [one["validUntil"] for one in found] == [None, *sorted(day for day in days if day)]
    assert {one["id"] for one in found} == set(made)


async def test_a_quote_of_a_deal_begins_with_what_the_deal_says(crew: Crew) -> None:
    await crew.settle()
    account = await crew.rep.do("accountCreate", {"name": "清源生物"})
    contact = await crew.rep.do("contactCreate", {"fullName": "林悦"})
    ids = {"accountId": account["id"], "contactId": contact["id"]}
    deal = await crew.rep.do(
        "opportunityCreate", {"name": "二期", "amount": "386000.5", "currency": "EUR", **ids}
    )
    of_deal = {"opportunityId": deal["id"]}
    made = await crew.rep.do(
        "quoteCreate", of_deal, f"{FIELDS} opportunity {{ name }} contact {{ fullName }}"
    )
    assert made == {
        **made,
        **of_deal,
        **ids,
        "name": "二期",
        "currency": "EUR",
        "netTotal": "386000.50",
        "grossTotal": "386000.50",
        "opportunity": {"name": "二期"},
        "contact": {"fullName": "林悦"},
    }
    [line] = made["lines"]
    assert (line["name"], line["quantity"], line["net"]) == ("二期", "1", "386000.50")
    said: dict[str, Any] = {"name": "Other", "currency": "USD", "accountId": None, "lines": []}
    other = await crew.rep.do("quoteCreate", of_deal | said, FIELDS)
    assert {**other, **said} == other
    assert other["contactId"] == contact["id"]
    # Somebody who does not see the deal learns nothing of it.
    blind = await crew.stranger.do("quoteCreate", of_deal, FIELDS)
    assert (blind["name"], blind["accountId"], blind["lines"], blind["currency"]) == ("", None, [], "CNY")


LONG = [{"name": "A", "unitPrice": "1"}] * 201


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lines": [{"name": " ", "unitPrice": "1"}]}, "lines.0.name is not right: string should have at"),
        ({"lines": [{"name": "A", "unitPrice": "-1"}]}, "lines.0.unit_price is not right: input should be"),
        ({"lines": [{"name": "A", "unitPrice": "NaN"}]}, "lines.0.unit_price is not right: input should be"),
        ({"lines": [{**LINE, "quantity": "0"}]}, "lines.0.quantity is not right: input should be greater"),
        ({"lines": [LINE, {**LINE, "quantity": "1.00001"}]}, "lines.1.quantity is not right: decimal input"),
        ({"lines": [{**LINE, "discountPercent": "100.1"}]}, "lines.0.discount_percent is not right: input"),
        ({"lines": [{**LINE, "taxPercent": "-1"}]}, "lines.0.tax_percent is not right: input should be"),
        ({"lines": LONG}, "lines is not right: list should have at most 200 items"),
        ({"lines": None}, "lines is not right: input should be a valid list"),
        (
            {"lines": [{"name": "A", "unitPrice": "9" * 20, "quantity": "2"}]},
            "lines come to more than can be kept; check quantity and price",
        ),
        ({"currency": "yuan"}, "currency is not right: string should match pattern '^[A-Z]{3}$'"),
        ({"accountId": "acme"}, "account_id is not right: it must be the id of a record: a UUID"),
        ({"validUntil": "0001-01-01"}, "valid_until is not right: input should be greater than or equal"),
        ({"terms": "长" * 20_001}, "terms is not right: string should have at most 20000 characters"),
        ({"name": "长" * 301}, "name is not right: string should have at most 300 characters"),
    ],
)
async def test_a_refused_change_says_why_and_changes_nothing(
    crew: Crew, fields: dict[str, Any], message: str
) -> None:
    made = await draft(crew)
    refused = await crew.rep.do("quoteUpdate", {"id": made["id"], **fields})
    assert refused["__typename"] == "InvalidInput"
    assert refused["message"].startswith(message)
    assert await crew.rep.ask(ONE, id=made["id"]) == {"quote": made}
    refused = await crew.rep.do("quoteCreate", fields)
    assert refused["message"].startswith(message)
    assert (await draft(crew))["number"] == "Q-000002"  # and no number is lost


@pytest.mark.parametrize("field", ["number", "status", "revision", "grossTotal", "sentAt", "expiresAt"])
async def test_what_is_the_servers_is_no_input_at_all(crew: Crew, field: str) -> None:
    query = f"""mutation {{ quoteCreate(input: {{{field}: null}}) {{ __typename }} }}"""
    [error] = (await crew.rep.post(query))["errors"]
    assert f"Field '{field}' is not defined by type 'QuoteCreateInput'" in error["message"]


# ── the way to an end ────────────────────────────────────────────────────────────────────────────


async def test_a_quote_is_sent_accepted_and_stays(crew: Crew) -> None:
    made = await draft(crew)
    sent = await move(crew.rep, "quoteSend", made["id"])
    assert (sent["status"], sent["revision"], sent["closedAt"]) == ("SENT", 1, None)
    assert sent["sentAt"] is not None
    accepted = await move(crew.colleague, "quoteAccept", made["id"])  # of the same team
    assert accepted["status"] == "ACCEPTED"
    assert accepted["closedAt"] is not None
    stands = await crew.rep.ask(ONE, id=made["id"])
    for refused in (
        await crew.rep.do("quoteUpdate", {"id": made["id"], "lines": []}),
        await crew.rep.do("quoteDelete", {"id": made["id"]}),
        *[await move(crew.rep, one, made["id"]) for one in ("quoteSend", "quoteDecline", "quoteSubmit")],
    ):
        assert refused["__typename"] == "InvalidInput", refused
    assert await crew.rep.ask(ONE, id=made["id"]) == stands
    # Whose it is may still change: that is no part of the offer.
    given = await crew.rep.do("quoteUpdate", {"id": made["id"], "ownerId": crew.colleague.user_id}, FIELDS)
    assert (given["status"], given["revision"]) == ("ACCEPTED", 1)


async def test_an_edit_of_what_was_sent_is_a_new_revision_in_draft(crew: Crew) -> None:
    made = await draft(crew)
    for revision, end in ((1, None), (2, "quoteDecline")):
        await move(crew.rep, "quoteSend", made["id"])
        if end:
            declined = await move(crew.rep, end, made["id"], reason=" 太贵 ")
            assert (declined["status"], declined["declineReason"]) == ("DECLINED", "太贵")
        same = await crew.rep.do("quoteUpdate", {"id": made["id"], "name": made["name"]}, FIELDS)
        assert (same["status"] == "DRAFT", same["revision"]) == (False, revision)
        price = {"lines": [{"name": "HL-30", "unitPrice": str(revision)}]}
        edited = await crew.rep.do("quoteUpdate", {"id": made["id"], **price}, FIELDS)
        assert (edited["status"], edited["revision"]) == ("DRAFT", revision + 1)
        assert (edited["sentAt"], edited["closedAt"], edited["declineReason"]) == (None, None, "")
        assert (edited["netTotal"], edited["number"]) == (f"{revision}.00", made["number"])


async def test_an_incomplete_quote_is_not_sent_and_says_all_that_it_lacks(crew: Crew) -> None:
    made = await draft(crew, lines=[], accountId=None, validUntil=None)
    for mutation in ("quoteSend", "quoteSubmit"):
        refused = await move(crew.rep, mutation, made["id"])
        assert [one["field"] for one in refused["fields"]] == ["lines", "accountId", "validUntil"]
    late = await draft(crew, validUntil="2026-01-31")
    refused = await move(crew.rep, "quoteSend", late["id"])
    assert refused["message"] == "valid_until is over since 2026-01-31; choose a later day"
    for one in (made, late):
        assert await crew.rep.ask(ONE, id=one["id"]) == {"quote": one}


async def test_a_large_discount_needs_an_approval_and_the_pipeline_says_how_large(crew: Crew) -> None:
    cheap = [{**LINE, "discountPercent": "25"}]
    made = await draft(crew, lines=cheap)
    refused = await move(crew.rep, "quoteSend", made["id"])
    assert refused == {
        "__typename": "ApprovalRequired",
        "code": "APPROVAL_REQUIRED",
        "message": "A discount of 25 % is above the limit of 20 %; ask for approval with `quoteSubmit`, or "
        "lower it.",
        "request": None,
    }
    assert await crew.rep.ask(ONE, id=made["id"]) == {"quote": made}
    pipeline = default_pipeline_id(crew.workspace_id)
    change = {"id": pipeline, "discountLimit": "25"}
    assert (await crew.rep.do("pipelineUpdate", change))["__typename"] == "Forbidden"
    for limit in ("-1", "101"):
        refused = await crew.manager.do("pipelineUpdate", change | {"discountLimit": limit})
        assert refused["__typename"] == "InvalidInput"
    changed = await crew.manager.do("pipelineUpdate", change, "discountLimit")
    assert changed["discountLimit"] == "25"
    assert (await move(crew.rep, "quoteSend", made["id"]))["status"] == "SENT"


async def test_the_limit_is_that_of_the_deals_pipeline_whoever_sees_the_deal(crew: Crew) -> None:
    stages = [
        {"key": key, "name": {"en": key}, "order": place, "type": type, "probability": 10}
        for place, (key, type) in enumerate((("a", "OPEN"), ("b", "WON"), ("c", "LOST")))
    ]
    strict = {"name": {"en": "Strict"}, "stages": stages, "discountLimit": "0"}
    pipeline = await crew.manager.do("pipelineCreate", strict)
    deal = await crew.manager.do("opportunityCreate", {"name": "Theirs", "pipelineId": pipeline["id"]})
    made = await draft(crew, opportunityId=deal["id"], lines=[{**LINE, "discountPercent": "1"}])
    refused = await move(crew.rep, "quoteSend", made["id"])
    assert refused["message"].startswith("A discount of 1 % is above the limit of 0 %")


async def backdate(crew: Crew, quote: dict[str, Any]) -> None:
    """Let a quote's last day be over."""

    async def set_back(uow: UnitOfWork) -> None:
        record = await uow.access(Quote, quote["id"], action="update")
        record.expires_at = uow.at - timedelta(seconds=1)
        uow.save(record)

    await crew.house.store.write(crew.system, set_back)


async def test_a_sent_quote_expires_when_its_last_day_is_over_once(crew: Crew) -> None:
    over, holds, unsent = await draft(crew), await draft(crew), await draft(crew)
    for one in (over, holds):
        await move(crew.rep, "quoteSend", one["id"])
    for one in (over, unsent):
        await backdate(crew, one)
    refused = await move(crew.rep, "quoteAccept", over["id"])
    assert refused["__typename"] == "InvalidInput"  # whether or not the job has been there
    async with svcs.Container(crew.house.registry) as services:
        await expire_due_quotes(services)
        found = (await crew.rep.ask(ONE, id=over["id"]))["quote"]
        await expire_due_quotes(services)
    assert found["status"] == "EXPIRED"
    assert found["closedAt"] is not None
    assert (await crew.rep.ask(ONE, id=over["id"]))["quote"] == found
    for one, status in ((holds, "SENT"), (unsent, "DRAFT")):
        assert (await crew.rep.ask(ONE, id=one["id"]))["quote"]["status"] == status
    # A later day is a new offer.
    later = await crew.rep.do("quoteUpdate", {"id": over["id"], "validUntil": "2999-02-01"}, FIELDS)
    assert (later["status"], later["revision"]) == ("DRAFT", 2)


async def test_all_that_is_over_expires_however_many(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotes, "AT_ONCE", 2)
    made = [await draft(crew) for _ in range(5)]
    for one in made:
        await move(crew.rep, "quoteSend", one["id"])
        await backdate(crew, one)
    async with svcs.Container(crew.house.registry) as services:
        await expire_due_quotes(services)
    found = (await crew.rep.ask("{ quotes { nodes { status } } }"))["quotes"]["nodes"]
    assert [one["status"] for one in found] == ["EXPIRED"] * 5


async def test_of_two_answers_at_once_one_counts(crew: Crew) -> None:
    made = await draft(crew)
    await move(crew.rep, "quoteSend", made["id"])
    answers = await asyncio.gather(
        move(crew.rep, "quoteAccept", made["id"]), move(crew.colleague, "quoteDecline", made["id"])
    )
    assert sorted(one["__typename"] for one in answers) == ["InvalidInput", "Quote"]


async def test_numbers_are_distinct_without_a_gap_when_many_draft_at_once(crew: Crew) -> None:
    await crew.settle()
    made = await asyncio.gather(
        *(person.do("quoteCreate", {}, "number") for person in (crew.rep, crew.colleague, crew.manager) * 4)
    )
    assert sorted(one["number"] for one in made) == [f"Q-{count:06d}" for count in range(1, 13)]


async def test_a_repeat_changes_nothing_and_an_old_version_is_a_conflict(crew: Crew) -> None:
    made = await draft(crew)
    once = {"mutationId": "send-1", "expectedVersion": made["version"]}
    sent = await move(crew.rep, "quoteSend", made["id"], **once)
    assert await move(crew.rep, "quoteSend", made["id"], **once) == sent
    late = await move(crew.rep, "quoteDecline", made["id"], expectedVersion=made["version"])
    assert (late["__typename"], late["currentVersion"]) == ("Conflict", sent["version"])


async def test_others_do_not_see_a_quote_and_cannot_move_it(crew: Crew) -> None:
    made = await draft(crew)
    for person in (crew.stranger, crew.agent, crew.customer):
        assert (await person.post(ONE, id=made["id"]))["data"] == {"quote": None}
        for mutation in ("quoteSend", "quoteAccept", "quoteDecline", "quoteSubmit"):
            assert (await move(person, mutation, made["id"]))["__typename"] == "NotFound"
        assert (await person.do("quoteDelete", {"id": made["id"]}))["__typename"] == "NotFound"
    assert (await crew.colleague.do("quoteDelete", {"id": made["id"]}))["__typename"] == "Forbidden"
    assert (await crew.agent.do("quoteCreate", {}))["__typename"] == "Forbidden"
    assert await crew.rep.ask(ONE, id=made["id"]) == {"quote": made}


# ── phones ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_phone_drafts_a_quote_and_the_server_counts(crew: Crew) -> None:
    await crew.settle()
    phone, id = WirePhone(crew.rep, QUOTES), new_id()
    lines = [{"name": "HL-30", "quantity": 3, "unit_price": "19.99", "tax_percent": "13", "net": "1"}]
    values = {"name": "路上", "lines": json.dumps(lines), "validUntil": "2999-01-31", "grossTotal": "1"}
    [told] = await phone.push(phone.insert(id, **values, status="accepted", number="Q-000099"))
    assert told == {
        **told,
        "id": id,
        "number": "Q-000001",
        "status": "draft",
        "netTotal": "59.97",
        "grossTotal": "67.77",
        "validUntil": "2999-01-31",
    }
    [line] = json.loads(told["lines"])
    assert line == {
        "name": "HL-30",
        "description": "",
        "quantity": "3",
        "unit_price": "19.99",
        "discount_percent": "0",
        "tax_percent": "13",
        "net": "59.97",
    }
    await phone.pull()
    assert phone.rows[id]["lines"] == told["lines"]
    await phone.push(phone.edit(id, status="sent", grossTotal="5", terms="现款"))
    found = (await crew.rep.ask(ONE, id=id))["quote"]
    assert (found["status"], found["grossTotal"], found["terms"]) == ("DRAFT", "67.77", "现款")


@pytest.mark.parametrize(
    "lines",
    ["HL-30", "{}", "[1]", '[{"name": {"zh": "A"}}]', "null", "[" * 200 + "]" * 200, "[{}]" + " " * 100_000],
)
async def test_a_phones_lines_of_another_form_are_refused_and_it_is_told_the_record(
    crew: Crew, lines: str
) -> None:
    made = await draft(crew)
    phone = WirePhone(crew.rep, QUOTES)
    await phone.pull()
    [told] = await phone.push(phone.edit(made["id"], lines=lines))
    assert told == phone.rows[made["id"]]
    assert await crew.rep.ask(ONE, id=made["id"]) == {"quote": made}
