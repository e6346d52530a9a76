"""Payments over GraphQL: planned, received in pieces, taken back; and what a new day does to them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.core.clock import end_of_day
from backend.core.ids import new_id
from backend.sales.synced import CONTRACTS, PAYMENTS
from tests.crew import Crew, Person
from tests.mobile_sync.wire import WirePhone
from tests.sales.test_contracts import DAY, HOME, begin_day, day, drafted, signed, today

FIELDS = """id version number name contractId accountId due amount currency receivedTotal openAmount status
    received { amount method note by } overdueAt paidAt ownerId"""
ONE = f"query($id: ID!) {{ payment(id: $id) {{ {FIELDS} }} }}"


async def planned(
    crew: Crew, contract: dict[str, Any], person: Person | None = None, **fields: Any
) -> dict[str, Any]:
    data = {"contractId": contract["id"], "due": day(10), "amount": "90.00", "name": "首付款", **fields}
    made = await (person or crew.rep).do("paymentCreate", data, FIELDS)
    assert made.pop("__typename") == "Payment", made
    return made


async def receive(crew: Crew, id: str, amount: str, **more: Any) -> dict[str, Any]:
    return await crew.rep.do("paymentReceive", {"id": id, "amount": amount, **more}, FIELDS)


async def read(crew: Crew, id: str, person: Person | None = None) -> dict[str, Any]:
    found: dict[str, Any] = (await (person or crew.rep).ask(ONE, id=id))["payment"]
    return found


async def test_a_payment_is_planned_read_changed_listed_and_deleted(crew: Crew) -> None:
    account = await crew.rep.do("accountCreate", {"name": "清源生物"})
    contract = await signed(crew, accountId=account["id"], currency="USD")
    payment_id = new_id()
    made = await planned(crew, contract, id=payment_id)
    assert made == {
        "id": payment_id,
        "version": made["version"],
        "number": "P-000001",
        "name": "首付款",
        "contractId": contract["id"],
        "accountId": account["id"],
        "due": day(10),
        "amount": "90.00",
        "currency": "USD",
        "receivedTotal": "0",
        "openAmount": "90.00",
        "status": "PLANNED",
        "received": [],
        "overdueAt": end_of_day(today() + 10 * DAY, HOME).isoformat(),
        "paidAt": None,
        "ownerId": crew.rep.user_id,
    }
    assert await read(crew, payment_id) == made
    changed = await crew.rep.do("paymentUpdate", {"id": payment_id, "due": day(0)}, "status due")
    assert (changed["status"], changed["due"]) == ("DUE", day(0))
    listed = await crew.rep.ask(
        """query($account: ID!, $due: Date!) { payments(
            filter: {accountId: {eq: $account}, due: {lte: $due}, status: {in: [DUE, OVERDUE]}},
            orderBy: [{field: DUE}]
        ) { totalCount nodes { number contract { number } account { name } } } }""",
        account=account["id"],
        due=day(0),
    )
    assert listed["payments"] == {
        "totalCount": 1,
        "nodes": [
            {"number": "P-000001", "contract": {"number": "C-000001"}, "account": {"name": "清源生物"}}
        ],
    }
    assert (await crew.rep.do("paymentDelete", {"id": payment_id}))["__typename"] == "Deleted"
    assert (await crew.rep.post(ONE, id=payment_id))["data"] == {"payment": None}


async def test_money_comes_in_by_pieces_until_all_is_paid(crew: Crew) -> None:
    made = await planned(crew, await signed(crew), amount="100.10")
    part = await receive(crew, made["id"], "40.05", method="ALIPAY", note="水单 118 🧾")
    assert (part["status"], part["receivedTotal"], part["openAmount"]) == ("PARTIAL", "40.05", "60.05")
    assert part["received"] == [
        {"amount": "40.05", "method": "ALIPAY", "note": "水单 118 🧾", "by": crew.rep.user_id}
    ]
    at = "2026-01-02T03:04:05+08:00"
    paid = await receive(crew, made["id"], "60.05", at=at)
    assert (paid["status"], paid["receivedTotal"], paid["openAmount"]) == ("PAID", "100.10", "0.00")
    assert [one["method"] for one in paid["received"]] == ["ALIPAY", "BANK_TRANSFER"]
    assert paid["paidAt"] is not None
    await begin_day(crew, 30)
    assert (await read(crew, made["id"]))["status"] == "PAID"


@pytest.mark.parametrize(
    ("receipt", "message"),
    [
        ({"amount": "0"}, "amount is not right: input should be greater than 0"),
        ({"amount": "-1"}, "amount is not right: input should be greater than 0"),
        (
            {"amount": "50.01"},
            (
                "amount is more than the 50.00 CNY still open; raise the planned amount first, "
                "or plan a payment of its own for the rest"
            ),
        ),
        ({"amount": "1" * 21}, "amount is not right: decimal input should have no more than 20 digits"),
        ({"amount": "1", "at": "2026-01-02T03:04:05"}, "at is not right: input should have timezone info"),
        ({"amount": "1", "at": "2999-01-02T03:04:05Z"}, "at lies ahead; note money when it is there"),
        ({"amount": "1", "note": "长" * 501}, "note is not right: string should have at most 500 characters"),
    ],
)
async def test_a_refused_receipt_says_why_and_changes_nothing(
    crew: Crew, receipt: dict[str, Any], message: str
) -> None:
    made = await planned(crew, await signed(crew))
    before = await receive(crew, made["id"], "40")
    before.pop("__typename")
    refused = await crew.rep.do("paymentReceive", {"id": made["id"], **receipt})
    assert refused["__typename"] == "InvalidInput"
    assert refused["message"].startswith(message)
    assert await read(crew, made["id"]) == before


async def test_the_same_request_twice_is_money_once_and_many_at_once_never_too_much(crew: Crew) -> None:
    made = await planned(crew, await signed(crew), amount="100")
    for _ in range(2):
        once = await receive(crew, made["id"], "10", mutationId="receipt-118")
        assert once["receivedTotal"] == "10"
    answers = await asyncio.gather(*(receive(crew, made["id"], "40") for _ in range(4)))
    assert sorted(one["__typename"] for one in answers) == ["InvalidInput"] * 2 + ["Payment"] * 2
    assert (await read(crew, made["id"]))["receivedTotal"] == "90"


async def test_a_receipt_noted_by_mistake_is_taken_back(crew: Crew) -> None:
    made = await planned(crew, await signed(crew))
    paid = await crew.rep.do("paymentReceive", {"id": made["id"], "amount": "90"}, "status received { id }")
    assert paid["status"] == "PAID"
    gone = {"id": made["id"], "receiptId": paid["received"][0]["id"]}
    back = await crew.rep.do("paymentTakeBack", gone, FIELDS)
    assert (back["status"], back["receivedTotal"], back["received"], back["paidAt"]) == (
        "PLANNED",
        "0",
        [],
        None,
    )
    refused = await crew.rep.do("paymentTakeBack", gone)
    assert refused["message"] == "receipt_id is none of P-000001; take one from its `received`"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": "39.99"}, "amount is less than the 40 that came in already"),
        ({"amount": "0"}, "amount is not right: input should be greater than 0"),
        ({"currency": "EUR"}, "currency stays CNY, in which money came in; plan another payment"),
        ({"due": "0001-01-01"}, "due is not right: input should be greater than or equal to 1900-01-01"),
        ({"due": None}, "due is not right"),
    ],
)
async def test_a_plan_is_not_changed_against_what_came_in(
    crew: Crew, change: dict[str, Any], message: str
) -> None:
    made = await planned(crew, await signed(crew))
    await receive(crew, made["id"], "40")
    before = await read(crew, made["id"])
    refused = await crew.rep.do("paymentUpdate", {"id": made["id"], **change})
    assert refused["__typename"] == "InvalidInput"
    assert refused["message"].startswith(message)
    refused = await crew.rep.do("paymentDelete", {"id": made["id"]})
    assert refused["message"] == "id is P-000001, for which money came in; that is kept"
    assert await read(crew, made["id"]) == before


async def test_a_smaller_plan_may_be_what_came_in_and_a_larger_one_is_open_again(crew: Crew) -> None:
    made = await planned(crew, await signed(crew))
    await receive(crew, made["id"], "40")
    paid = await crew.rep.do("paymentUpdate", {"id": made["id"], "amount": "40"}, FIELDS)
    assert paid["status"] == "PAID"
    open_again = await crew.rep.do("paymentUpdate", {"id": made["id"], "amount": "40.01"}, FIELDS)
    assert (open_again["status"], open_again["paidAt"], open_again["openAmount"]) == ("PARTIAL", None, "0.01")


async def test_days_bring_a_payment_due_and_overdue(crew: Crew) -> None:
    contract = await signed(crew)
    made, part = await planned(crew, contract), await planned(crew, contract)
    await receive(crew, part["id"], "1")
    seen = []
    for offset in (9, 10, 11):
        await begin_day(crew, offset)
        assert await begin_day(crew, offset) == 0
        seen.append([(await read(crew, one["id"]))["status"] for one in (made, part)])
    assert seen == [["PLANNED", "PARTIAL"], ["DUE", "PARTIAL"], ["OVERDUE", "OVERDUE"]]


async def test_a_contract_that_is_void_is_owed_nothing_and_its_money_stays(crew: Crew) -> None:
    contract = await signed(crew)
    open_one, paid = [await planned(crew, contract) for _ in range(2)]
    await receive(crew, open_one["id"], "40")
    await receive(crew, paid["id"], "90")
    await crew.rep.do("contractVoid", {"id": contract["id"], "reason": "No authority"})
    found = [await read(crew, one["id"]) for one in (open_one, paid)]
    assert [(one["status"], one["receivedTotal"]) for one in found] == [("CANCELLED", "40"), ("PAID", "90")]
    refused = await receive(crew, open_one["id"], "1")
    assert refused["message"] == "id is P-000001 of a contract that is void; nothing is owed"
    refused = await crew.rep.do("paymentCreate", {"contractId": contract["id"], "due": day(1), "amount": "1"})
    assert refused["message"] == "contract_id names C-000001, which is void; nothing is owed"
    await begin_day(crew, 30)
    assert (await read(crew, open_one["id"]))["status"] == "CANCELLED"


async def test_a_terminated_contract_still_owes_what_was_planned(crew: Crew) -> None:
    contract = await signed(crew)
    made = await planned(crew, contract)
    await crew.rep.do("contractTerminate", {"id": contract["id"], "reason": "Moved"})
    await begin_day(crew, 30)
    assert (await read(crew, made["id"]))["status"] == "OVERDUE"


async def test_a_draft_takes_its_plan_along_unless_money_came_in(crew: Crew) -> None:
    contract = await drafted(crew)
    made, received = await planned(crew, contract), await planned(crew, contract)
    await receive(crew, received["id"], "1")
    refused = await crew.rep.do("contractDelete", {"id": contract["id"]})
    assert refused["message"] == "id is C-000001; for its P-000002 money came in, which is kept"
    assert (await read(crew, made["id"]))["status"] == "PLANNED"
    await planned(crew, contract := await drafted(crew))
    assert (await crew.rep.do("contractDelete", {"id": contract["id"]}))["__typename"] == "Deleted"
    query = "query($id: ID!) { payments(filter: {contractId: {eq: $id}}) { totalCount } }"
    assert (await crew.rep.ask(query, id=contract["id"]))["payments"]["totalCount"] == 0


async def test_payments_have_the_readers_of_their_contract_and_its_account(crew: Crew) -> None:
    contract = await drafted(crew, contactId=crew.contact_id)
    made = await planned(crew, contract, ownerId=crew.agent.user_id)
    for person in (crew.stranger, crew.customer):
        assert (await person.post(ONE, id=made["id"]))["data"] == {"payment": None}
        refused = await person.do("paymentReceive", {"id": made["id"], "amount": "1"})
        assert refused["__typename"] == "NotFound"
    assert await read(crew, made["id"], crew.colleague) == made
    account = await crew.rep.do("accountCreate", {"name": "Other"})
    await crew.rep.do("contractUpdate", {"id": contract["id"], "accountId": account["id"]})
    await crew.rep.do("contractSign", {"id": contract["id"]})
    # Signed, it is the customer's to read, and nobody's of theirs to write.
    seen = await read(crew, made["id"], crew.customer)
    assert (seen["number"], seen["accountId"]) == ("P-000001", account["id"])
    for person in (crew.customer, crew.agent):
        refused = await person.do("paymentReceive", {"id": made["id"], "amount": "1"})
        assert refused["__typename"] == "Forbidden"
    assert (await read(crew, made["id"]))["received"] == []


@pytest.mark.parametrize("contract_id", ["acme 🧊", "", "0190a8d2-0000-7000-8000-000000000000"])
async def test_a_payment_needs_a_contract_that_its_maker_sees(crew: Crew, contract_id: str) -> None:
    data = {"due": day(1), "amount": "1"}
    refused = await crew.rep.do("paymentCreate", {"contractId": contract_id, **data})
    message = "contract_id names no contract that is visible to you; take one from `contracts`"
    assert refused["message"] == message
    theirs = await drafted(crew)
    refused = await crew.stranger.do("paymentCreate", {"contractId": theirs["id"], **data})
    assert refused["message"] == message


async def test_when_it_was_paid_is_when_the_last_money_came(crew: Crew) -> None:
    made = await planned(crew, await signed(crew))
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    paid = await receive(crew, made["id"], "90.00", at=at.isoformat())
    assert datetime.fromisoformat(paid["paidAt"]) == at


async def test_a_phone_drafts_and_plans_offline_and_what_was_signed_stays(crew: Crew) -> None:
    contracts, payments = WirePhone(crew.rep, CONTRACTS), WirePhone(crew.rep, PAYMENTS)
    contract_id, payment_id = new_id(), new_id()
    draft = {
        "name": "路上谈成的合同",
        "value": "100.50",
        "start": day(-1),
        "end": day(60),
        "accountId": new_id(),
    }
    theirs = {"status": "signed", "number": "C-000099", "signedAt": "2026-01-01T00:00:00.000Z"}
    [told] = await contracts.push(contracts.insert(contract_id, **draft, **theirs))
    assert (told["number"], told["status"], told["signedAt"]) == ("C-000001", "draft", None)
    plan = {"contractId": contract_id, "due": day(5), "amount": "100.50"}
    bogus = {"receivedTotal": "100.50", "status": "paid", "received": '[{"amount":"100.50"}]'}
    [told] = await payments.push(payments.insert(payment_id, **plan, **bogus))
    assert (told["number"], told["status"], told["receivedTotal"]) == ("P-000001", "planned", "0")
    assert told["received"] == "[]"
    await crew.rep.do("contractSign", {"id": contract_id})
    await crew.rep.do("paymentReceive", {"id": payment_id, "amount": "40", "note": "水单"})
    await contracts.pull()
    await payments.pull()
    [receipt] = json.loads(payments.rows[payment_id]["received"])
    assert (receipt["amount"], receipt["method"], receipt["note"]) == ("40", "bank_transfer", "水单")
    # The server's rows come back for what it does not take.
    [told] = await contracts.push(contracts.edit(contract_id, value="1"))
    assert (told["value"], told["status"]) == ("100.50", "active")
    [told] = await payments.push(payments.edit(payment_id, contractId=new_id()))
    assert told["contractId"] == contract_id
    assert (await read(crew, payment_id))["receivedTotal"] == "40"
