"""Contracts over GraphQL: drafted, signed, renewed and ended; and what a new day does to them."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import svcs

from backend.core.clock import end_of_day
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Workspace
from backend.sales import contracts
from backend.sales.approval_documents import Approval
from backend.sales.contract_documents import Contract
from backend.sales.day_changes import follow_the_day
from tests.crew import Crew, Person
from tests.notifications.test_occasions import lines
from tests.sales.test_approvals import decide, requests, withdraw

FIELDS = """id version number name type status value currency start end autoRenew noticeDays parties
    description signedAt endsAt renewsId renewedById terminatedAt terminationReason voidReason"""
ONE = f"query($id: ID!) {{ contract(id: $id) {{ {FIELDS} }} }}"
HOME = ZoneInfo("Asia/Shanghai")  # of every crew's workspace
DAY = timedelta(days=1)


def today() -> date:
    return datetime.now(HOME).date()


def day(offset: int) -> str:
    return (today() + offset * DAY).isoformat()


async def begin_day(crew: Crew, offset: int) -> int:
    """Let the job come a minute after midnight of a day from now; return how much moved."""
    now = end_of_day(today() + (offset - 1) * DAY, HOME) + timedelta(minutes=1)
    async with svcs.Container(crew.house.registry) as services:
        return await follow_the_day(services, now=now)


async def drafted(crew: Crew, person: Person | None = None, **fields: Any) -> dict[str, Any]:
    data = {
        "name": "二期冷库年度维保",
        "accountId": new_id(),
        "value": "386000.50",
        "start": day(-10),
        "end": day(100),
        "teamIds": [crew.teams["east"]],
        **fields,
    }
    made = await (person or crew.rep).do("contractCreate", data, FIELDS)
    assert made.pop("__typename") == "Contract", made
    return made


async def signed(crew: Crew, **fields: Any) -> dict[str, Any]:
    made = await drafted(crew, **fields)
    found = await crew.rep.do("contractSign", {"id": made["id"]}, FIELDS)
    assert found.pop("__typename") == "Contract", found
    return found


async def read(crew: Crew, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await crew.rep.ask(ONE, id=id))["contract"]
    return found


async def test_a_contract_is_drafted_read_changed_listed_and_deleted(crew: Crew) -> None:
    await crew.settle()
    account = await crew.rep.do("accountCreate", {"name": "清源生物"})
    deal = await crew.rep.do("opportunityCreate", {"name": "二期", "accountId": account["id"]})
    contract_id = new_id()
    made = await drafted(
        crew,
        id=contract_id,
        accountId=account["id"],
        opportunityId=deal["id"],
        type="SERVICE",
        start="2027-01-01",
        end="2027-12-31",
        noticeDays=60,
        parties=["瀚路科技", "清源生物 🧊"],
    )
    assert made == {
        "id": contract_id,
        "version": made["version"],
        "number": "C-000001",
        "name": "二期冷库年度维保",
        "type": "SERVICE",
        "status": "DRAFT",
        "value": "386000.50",
        "currency": "CNY",
        "start": "2027-01-01",
        "end": "2027-12-31",
        "autoRenew": False,
        "noticeDays": 60,
        "parties": ["瀚路科技", "清源生物 🧊"],
        "description": "",
        "signedAt": None,
        "endsAt": "2027-12-31T16:00:00+00:00",
        "renewsId": None,
        "renewedById": None,
        "terminatedAt": None,
        "terminationReason": "",
        "voidReason": "",
    }
    changed = await crew.rep.do("contractUpdate", {"id": contract_id, "value": "400000"}, "value number")
    assert (changed["value"], changed["number"]) == ("400000", "C-000001")
    listed = await crew.rep.ask(
        """query($account: ID!) { contracts(
            filter: {accountId: {eq: $account}, status: {eq: DRAFT}, end: {lte: "2027-12-31"},
                     value: {gt: "399999"}, number: {startsWith: "C-"}},
            orderBy: [{field: END, direction: DESC}]
        ) { totalCount nodes { number account { name } opportunity { name } contact { id } } } }""",
        account=account["id"],
    )
    assert listed["contracts"] == {
        "totalCount": 1,
        "nodes": [
            {
                "number": "C-000001",
                "account": {"name": "清源生物"},
                "opportunity": {"name": "二期"},
                "contact": None,
            }
        ],
    }
    assert (await crew.rep.do("contractDelete", {"id": contract_id}))["__typename"] == "Deleted"
    assert (await crew.rep.post(ONE, id=contract_id))["data"] == {"contract": None}
    assert (await drafted(crew))["number"] == "C-000002"  # a number is given once


async def test_lists_in_the_order_of_a_day_turn_pages(crew: Crew) -> None:
    ends = ["2027-03-01", "2027-01-01", None, "2027-02-01", "2027-01-01"]
    for end in ends:
        await drafted(crew, end=end, start="2026-01-01")
    query = """query($after: String) { contracts(
        orderBy: [{field: END, direction: %s}], first: 2, after: $after
    ) { nodes { end } pageInfo { hasNextPage endCursor } } }"""
    for direction, wanted in (("ASC", False), ("DESC", True)):
        found, after, more = [], None, True
        while more:
            page = (await crew.rep.ask(query % direction, after=after))["contracts"]
            found += [node["end"] for node in page["nodes"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert found == sorted(ends, key=lambda end: end or "", reverse=wanted)


@pytest.mark.parametrize("value", ["1e9999", "9" * 40, "0." + "3" * 40])
async def test_a_list_is_not_filtered_by_a_number_that_nobody_stores(crew: Crew, value: str) -> None:
    query = "query($v: Decimal!) { contracts(filter: {value: {between: [1, $v]}}) { totalCount } }"
    [error] = (await crew.rep.post(query, v=value))["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["message"] == "value is compared to a number of more than 34 digits; round it"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"start": "2027-01-02", "end": "2027-01-01"},
            "end is 2027-01-01, before the start on 2027-01-02; it is the last day of the contract",
        ),
        (
            {"end": None, "autoRenew": True},
            "auto_renew needs an `end` to renew at; without one the contract runs on anyway",
        ),
        ({"value": "-0.01"}, "value is not right: input should be greater than or equal to 0"),
        (
            {"value": "1" * 21},
            "value is not right: decimal input should have no more than 20 digits in total",
        ),
        ({"currency": "元"}, "currency is not right: string should match pattern '^[A-Z]{3}$'"),
        ({"name": " \t"}, "name is not right: string should have at least 1 character"),
        ({"noticeDays": -1}, "notice_days is not right: input should be greater than or equal to 0"),
        (
            {"end": "9999-12-31"},
            "end is not right: input should be less than or equal to 2999-12-31",
        ),
        (
            {"parties": ["x"] * 21},
            "parties is not right: list should have at most 20 items after validation, not 21",
        ),
        ({"accountId": "acme"}, "account_id is not right: it must be the id of a record"),
    ],
)
async def test_a_refused_change_says_why_and_changes_nothing(
    crew: Crew, change: dict[str, Any], message: str
) -> None:
    made = await drafted(crew)
    refused = await crew.rep.do("contractUpdate", {"id": made["id"], **change})
    assert refused["__typename"] == "InvalidInput"
    assert refused["message"].startswith(message)
    assert await read(crew, made["id"]) == made
    fresh = await crew.rep.do("contractCreate", {"name": "New", "start": day(0), "end": day(9), **change})
    assert fresh["__typename"] == "InvalidInput"
    assert (await drafted(crew))["number"] == "C-000002"  # what was refused has used no number


async def test_two_who_draft_at_once_get_two_numbers(crew: Crew) -> None:
    made = await asyncio.gather(*(drafted(crew, person) for person in (crew.rep, crew.colleague) * 4))
    assert sorted(one["number"] for one in made) == [f"C-{count:06d}" for count in range(1, 9)]


# ── signing ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        (1, 100, "SIGNED"),
        (0, 100, "ACTIVE"),
        (-400, None, "ACTIVE"),
        (-400, 30, "EXPIRING"),
        (0, 0, "EXPIRING"),
        (-400, -1, "EXPIRED"),
    ],
)
async def test_a_signed_contract_stands_at_once_where_its_days_are(
    crew: Crew, start: int, end: int | None, status: str
) -> None:
    found = await signed(crew, start=day(start), end=None if end is None else day(end))
    assert found["status"] == status
    assert datetime.fromisoformat(found["signedAt"]).tzinfo is not None


async def test_signing_needs_an_account_a_start_and_a_time_that_has_come(crew: Crew) -> None:
    bare = await crew.rep.do("contractCreate", {"name": "Bare"}, FIELDS)
    bare.pop("__typename")
    refused = await crew.rep.do("contractSign", {"id": bare["id"]})
    assert refused["message"] == (
        "account_id is needed before a contract is signed; set it first; "
        "start is needed before a contract is signed; set it first"
    )
    assert await read(crew, bare["id"]) == bare
    made = await drafted(crew)
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    refused = await crew.rep.do("contractSign", {"id": made["id"], "signedAt": ahead})
    assert refused["message"] == "signed_at lies ahead; sign the contract when it is signed"
    refused = await crew.rep.do("contractSign", {"id": made["id"], "signedAt": "2026-01-02T03:04:05"})
    assert refused["message"] == "signed_at is not right: input should have timezone info"
    assert await read(crew, made["id"]) == made
    back = "2026-01-02T03:04:05+08:00"
    found = await crew.rep.do("contractSign", {"id": made["id"], "signedAt": back}, "signedAt")
    assert found["signedAt"] == "2026-01-01T19:04:05+00:00"


async def test_a_contract_is_signed_once_and_a_repeat_of_the_same_request_is_harmless(crew: Crew) -> None:
    made = await drafted(crew)
    first, again = [
        await crew.rep.do("contractSign", {"id": made["id"], "mutationId": "sign-1"}, FIELDS)
        for _ in range(2)
    ]
    assert first == again
    refused = await crew.rep.do("contractSign", {"id": made["id"]})
    assert refused["message"].startswith(
        "status is active and cannot become signed; what may follow is expired"
    )
    assert await read(crew, made["id"]) == {key: one for key, one in first.items() if key != "__typename"}


@pytest.mark.parametrize(
    "change",
    [
        {"value": "1"},
        {"currency": "EUR"},
        {"start": "2026-01-01"},
        {"end": "2030-01-01"},
        {"noticeDays": 5},
        {"type": "LEASE"},
        {"parties": ["Somebody else"]},
        {"accountId": "0190a8d2-0000-7000-8000-000000000000"},
    ],
)
async def test_what_was_signed_stays_as_it_was(crew: Crew, change: dict[str, Any]) -> None:
    found = await signed(crew)
    refused = await crew.rep.do("contractUpdate", {"id": found["id"], "description": "Note", **change})
    assert refused["__typename"] == "InvalidInput"
    assert refused["message"].endswith(
        " is part of C-000001 as it was signed and stays so; agree on it in the contract that follows "
        "(`contractRenew`), or terminate this one"
    )
    assert await read(crew, found["id"]) == found


async def test_notes_owner_and_renewing_itself_may_change_after_signature(crew: Crew) -> None:
    found = await signed(crew)
    free = {"description": "Ask for Ms Lin", "autoRenew": True, "name": "Cold store", "value": found["value"]}
    changed = await crew.rep.do(
        "contractUpdate", {"id": found["id"], "ownerId": crew.colleague.user_id, **free}, FIELDS + " ownerId"
    )
    assert changed.pop("__typename") == "Contract"
    assert changed.pop("ownerId") == crew.colleague.user_id
    assert changed == found | free | {"version": changed["version"]}


async def test_only_what_is_not_signed_is_deleted(crew: Crew) -> None:
    found = await signed(crew)
    refused = await crew.manager.do("contractDelete", {"id": found["id"]})
    assert refused["message"] == "id is C-000001, which is active; only what is not signed can be deleted"
    assert await read(crew, found["id"]) == found


# ── approval ─────────────────────────────────────────────────────────────────────────────────────


async def submitted(crew: Crew, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a contract of the rep's that is before its approvers, and its request."""
    made = await drafted(crew, **fields)
    asked = await crew.rep.do("contractSubmit", {"id": made["id"], "note": "Please"}, FIELDS)
    assert asked.pop("__typename") == "Contract", asked
    assert asked["status"] == "IN_APPROVAL"
    [request] = await requests(crew.rep, made["id"])
    return asked, request


async def test_a_contract_is_approved_by_the_manager_and_then_signed(crew: Crew) -> None:
    made, request = await submitted(crew)
    query = "query($id: ID!) { approval(id: $id) { contract { number value } quote { id } } }"
    asked = (await crew.manager.ask(query, id=request["id"]))["approval"]
    assert asked == {"contract": {"number": "C-000001", "value": "386000.50"}, "quote": None}
    await crew.house.relay.settle()
    refused = await crew.rep.do("contractSign", {"id": made["id"]})
    assert refused["message"].startswith("status is in_approval and cannot become signed; ")
    assert (await decide(crew.rep, request, "APPROVED"))["__typename"] == "Forbidden"
    assert await read(crew, made["id"]) == made
    assert (await decide(crew.manager, request, "APPROVED"))["status"] == "APPROVED"
    assert (await read(crew, made["id"]))["status"] == "APPROVED"
    done = await crew.rep.do("contractSign", {"id": made["id"]}, "status")
    assert done["status"] == "ACTIVE"
    await crew.house.relay.settle()
    assert await lines(crew.manager, "approval_requested") == [
        ("approval_requested", f"Your approval is asked for: {made['number']}")
    ]
    assert [type for type, _ in await lines(crew.rep, "approval_decided")] == ["approval_decided"]
    assert await lines(crew.stranger) == []


@pytest.mark.parametrize("end", ["REJECTED", "WITHDRAWN", "CHANGED", "CHANGED LATER"])
async def test_what_is_not_approved_as_it_stands_is_a_draft_again(crew: Crew, end: str) -> None:
    made, request = await submitted(crew)
    if end == "REJECTED":
        await decide(crew.manager, request, "REJECTED")
    elif end == "WITHDRAWN":
        await withdraw(crew.rep, request)
    else:
        if end == "CHANGED LATER":
            await decide(crew.manager, request, "APPROVED")
        note = await crew.rep.do("contractUpdate", {"id": made["id"], "description": "Ours"}, "status")
        assert note["status"] == ("APPROVED" if end == "CHANGED LATER" else "IN_APPROVAL")  # no term of it
        await crew.rep.do("contractUpdate", {"id": made["id"], "value": "1"})
        assert (await decide(crew.manager, request, "APPROVED"))["__typename"] == "InvalidInput"
    assert (await read(crew, made["id"]))["status"] == "DRAFT"
    [request] = await requests(crew.rep, made["id"])
    wanted = {"CHANGED": "WITHDRAWN", "CHANGED LATER": "APPROVED"}.get(end, end)
    assert request["status"] == wanted
    again = await crew.rep.do("contractSubmit", {"id": made["id"]}, "status")
    assert again["status"] == "IN_APPROVAL"


async def test_what_lacks_its_account_is_not_put_before_anybody(crew: Crew) -> None:
    made = await drafted(crew, accountId=None)
    refused = await crew.rep.do("contractSubmit", {"id": made["id"]})
    assert refused["message"] == "account_id is needed before a contract is signed; set it first"
    assert await read(crew, made["id"]) == made
    assert await requests(crew.rep, made["id"]) == []


@pytest.mark.parametrize("verb", ["Delete", "Void"])
async def test_a_contract_that_goes_takes_its_request_back(crew: Crew, verb: str) -> None:
    made, request = await submitted(crew)
    data = {"id": made["id"]} | ({} if verb == "Delete" else {"reason": "Wrong customer"})
    assert (await crew.rep.do(f"contract{verb}", data))["__typename"] in ("Deleted", "Contract")
    approval = await crew.house.store.reader.get(Approval, request["id"])
    assert approval is not None
    assert approval.status.value == "withdrawn"


# ── its days ─────────────────────────────────────────────────────────────────────────────────────


async def test_days_move_a_contract_once_each_and_only_when_they_begin(crew: Crew) -> None:
    found = await signed(crew, start=day(2), end=day(40), noticeDays=10)
    seen = []
    for offset in (1, 2, 29, 30, 40, 41, 42):
        moved = [await begin_day(crew, offset) for _ in range(2)]
        one = await read(crew, found["id"])
        seen.append((offset, one["status"]))
        assert moved[1] == 0
    assert seen == [
        (1, "SIGNED"),
        (2, "ACTIVE"),
        (29, "ACTIVE"),
        (30, "EXPIRING"),
        (40, "EXPIRING"),
        (41, "EXPIRED"),
        (42, "EXPIRED"),
    ]
    history = await crew.house.store.reader.get(Contract, found["id"])
    assert history is not None
    assert history.moves_at is None


async def test_a_day_that_nobody_saw_begin_is_made_up_for(crew: Crew) -> None:
    found = await signed(crew, start=day(2), end=day(40))
    await begin_day(crew, 400)
    assert (await read(crew, found["id"]))["status"] == "EXPIRED"


async def test_a_contract_ends_with_the_day_of_its_workspace(crew: Crew) -> None:
    found = await signed(crew, start=day(-400), end=day(5))
    over = end_of_day(today() + 5 * DAY, HOME)
    assert datetime.fromisoformat(found["endsAt"]) == over
    async with svcs.Container(crew.house.registry) as services:
        await follow_the_day(services, now=over - timedelta(milliseconds=1))
        assert (await read(crew, found["id"]))["status"] == "EXPIRING"
        await follow_the_day(services, now=over)
    assert (await read(crew, found["id"]))["status"] == "EXPIRED"


async def test_the_days_of_another_workspace_end_on_its_own_clocks(crew: Crew) -> None:
    async def move(uow: UnitOfWork) -> None:
        workspace = await uow.access(Workspace, crew.workspace_id, action="update")
        workspace.time_zone = "America/New_York"
        uow.save(workspace)

    await crew.house.store.write(crew.system, move)
    made = await drafted(crew, start="2026-01-01", end="2026-03-08")  # 23 hours long there
    assert made["endsAt"] == "2026-03-09T04:00:00+00:00"


async def test_one_that_cannot_move_holds_up_no_other(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = [await signed(crew, start=day(2), end=day(40)) for _ in range(2)]
    honest = contracts.follow_days

    async def failing(uow: UnitOfWork, id: str, *, now: datetime) -> Contract:
        if id == bad["id"]:
            raise RuntimeError("a record that cannot be read")
        return await honest(uow, id, now=now)

    monkeypatch.setattr(contracts, "follow_days", failing)
    await begin_day(crew, 2)
    assert [(await read(crew, one["id"]))["status"] for one in (bad, good)] == ["SIGNED", "ACTIVE"]
    monkeypatch.undo()
    await begin_day(crew, 2)
    assert (await read(crew, bad["id"]))["status"] == "ACTIVE"


async def test_drafts_and_ended_contracts_are_not_moved_by_days(crew: Crew) -> None:
    draft, ended = await drafted(crew), await signed(crew)
    await crew.rep.do("contractTerminate", {"id": ended["id"], "reason": "Customer moved"})
    await begin_day(crew, 500)
    assert (await read(crew, draft["id"]))["status"] == "DRAFT"
    assert (await read(crew, ended["id"]))["status"] == "TERMINATED"


# ── renewing ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_renewal_drafts_what_follows_and_links_both_once(crew: Crew) -> None:
    found = await signed(crew, start=day(-10), end=day(9), description="Ours", parties=["A", "B"])
    renewals = await asyncio.gather(
        *(crew.rep.do("contractRenew", {"id": found["id"], "value": "400"}, FIELDS) for _ in range(3))
    )
    [after] = {one["id"]: one for one in renewals}.values()
    same = {key: found[key] for key in ("name", "type", "currency", "autoRenew", "noticeDays", "parties")}
    assert after == {
        "__typename": "Contract",
        "id": after["id"],
        "version": after["version"],
        "number": "C-000002",
        **same,
        "status": "DRAFT",
        "value": "400",
        "start": day(10),
        "end": day(29),
        "description": "",
        "signedAt": None,
        "endsAt": end_of_day(today() + 29 * DAY, HOME).isoformat(),
        "renewsId": found["id"],
        "renewedById": None,
        "terminatedAt": None,
        "terminationReason": "",
        "voidReason": "",
    }
    before = await read(crew, found["id"])
    assert (before["renewedById"], before["status"]) == (after["id"], "EXPIRING")  # in force to its last day
    await begin_day(crew, 10)
    assert (await read(crew, found["id"]))["status"] == "RENEWED"


async def test_an_expired_contract_may_be_renewed_late(crew: Crew) -> None:
    found = await signed(crew, start=day(-20), end=day(-1))
    after = await crew.rep.do("contractRenew", {"id": found["id"]}, FIELDS)
    assert (after["start"], after["end"]) == (day(0), day(19))
    assert (await read(crew, found["id"]))["status"] == "RENEWED"


async def test_a_renewal_given_up_lets_the_contract_be_renewed_again(crew: Crew) -> None:
    found = await signed(crew, start=day(-20), end=day(-1))
    for verb, also in (("Delete", {}), ("Void", {"reason": "Wrong customer"})):
        after = await crew.rep.do("contractRenew", {"id": found["id"]})
        assert (await read(crew, found["id"]))["status"] == "RENEWED"
        done = await crew.rep.do(f"contract{verb}", {"id": after["id"], **also})
        assert done["__typename"] in ("Deleted", "Contract")
        now = await read(crew, found["id"])
        assert (now["status"], now["renewedById"]) == ("EXPIRED", None)


@pytest.mark.parametrize(
    ("fields", "ended", "message"),
    [
        ({"end": None}, None, "id is C-000001, which has no end; it runs on until it is terminated"),
        ({}, "Void", "id is C-000001, which is void; draft a new contract (`contractCreate`)"),
        ({}, "Terminate", "id is C-000001, which is terminated; draft a new contract (`contractCreate`)"),
    ],
)
async def test_what_has_nothing_to_follow_is_not_renewed(
    crew: Crew, fields: dict[str, Any], ended: str | None, message: str
) -> None:
    found = await signed(crew, **fields)
    if ended:
        await crew.rep.do(f"contract{ended}", {"id": found["id"], "reason": "Over"})
    refused = await crew.rep.do("contractRenew", {"id": found["id"]})
    assert refused["message"] == message
    draft = await drafted(crew)
    assert draft["number"] == "C-000002"
    refused = await crew.rep.do("contractRenew", {"id": draft["id"]})
    assert refused["message"].startswith("id is C-000002, which is draft; ")
    refused = await crew.rep.do("contractRenew", {"id": (await signed(crew))["id"], "end": day(0)})
    assert "before the start on" in refused["message"]


async def test_a_contract_that_renews_itself_is_followed_by_signed_ones(crew: Crew) -> None:
    found = await signed(crew, start=day(-11), end=day(9), autoRenew=True)
    await begin_day(crew, 10)
    first = await read(crew, found["id"])
    assert first["status"] == "RENEWED"
    second = await read(crew, first["renewedById"])
    assert (second["status"], second["start"], second["end"]) == ("EXPIRING", day(10), day(30))
    assert second["signedAt"] == first["endsAt"]
    assert second["renewsId"] == found["id"]
    assert await begin_day(crew, 10) == 0
    # The house was away for two terms: it catches up, a term a round.
    for _ in range(3):
        await begin_day(crew, 75)
    third = await read(crew, (await read(crew, second["id"]))["renewedById"])
    fourth = await read(crew, third["renewedById"])
    assert [one["status"] for one in (third, fourth)] == ["RENEWED", "RENEWED"]
    last = await read(crew, fourth["renewedById"])
    assert (last["status"], last["start"], last["end"]) == ("EXPIRING", day(73), day(93))
    assert last["number"] == "C-000005"
    assert last["renewedById"] is None


async def test_two_that_see_the_day_begin_at_once_renew_once(crew: Crew) -> None:
    found = await signed(crew, start=day(-11), end=day(9), autoRenew=True)
    await asyncio.gather(*(begin_day(crew, 10) for _ in range(3)))
    query = "query($id: ID!) { contracts(filter: {renewsId: {eq: $id}}) { nodes { number status } } }"
    after = (await crew.rep.ask(query, id=found["id"]))["contracts"]["nodes"]
    assert after == [{"number": "C-000002", "status": "EXPIRING"}]


async def test_a_draft_that_follows_keeps_a_contract_from_renewing_itself_twice(crew: Crew) -> None:
    found = await signed(crew, start=day(-20), end=day(9), autoRenew=True)
    after = await crew.rep.do("contractRenew", {"id": found["id"]})
    await begin_day(crew, 10)
    now = await read(crew, found["id"])
    assert (now["status"], now["renewedById"]) == ("RENEWED", after["id"])
    assert (await read(crew, after["id"]))["status"] == "DRAFT"


# ── ending ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("verb", "kept"), [("Terminate", "terminationReason"), ("Void", "voidReason")])
async def test_a_contract_is_ended_with_a_reason_and_for_good(crew: Crew, verb: str, kept: str) -> None:
    found = await signed(crew)
    for reason in ("", " \n"):
        refused = await crew.rep.do(f"contract{verb}", {"id": found["id"], "reason": reason})
        assert refused["message"].startswith("reason is needed; say why, such as ")
    long = await crew.rep.do(f"contract{verb}", {"id": found["id"], "reason": "长" * 501})
    assert long["__typename"] == "InvalidInput"
    assert await read(crew, found["id"]) == found
    done = await crew.rep.do(f"contract{verb}", {"id": found["id"], "reason": " 客户停业 🏚 "}, FIELDS)
    assert done[kept] == "客户停业 🏚"
    for again in ("Terminate", "Void", "Sign"):
        data = {"id": found["id"]} | ({} if again == "Sign" else {"reason": "Once more"})
        refused = await crew.rep.do(f"contract{again}", data)
        assert "what may follow is nothing: it stays as it is" in refused["message"]
    done.pop("__typename")
    assert await read(crew, found["id"]) == done


async def test_a_draft_is_voided_but_not_terminated(crew: Crew) -> None:
    made = await drafted(crew)
    refused = await crew.rep.do("contractTerminate", {"id": made["id"], "reason": "No"})
    assert refused["message"].startswith("status is draft and cannot become terminated; ")
    assert await read(crew, made["id"]) == made
    assert (await crew.rep.do("contractVoid", {"id": made["id"], "reason": "No"}))["__typename"] == "Contract"


# ── rights ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_stranger_does_not_see_it_an_agent_only_reads_and_nothing_changes(crew: Crew) -> None:
    found = await signed(crew)
    calls = {
        "Update": {"description": "Mine"},
        "Delete": {},
        "Sign": {},
        "Renew": {},
        "Terminate": {"reason": "No"},
        "Void": {"reason": "No"},
    }
    for person, refusal in (
        (crew.stranger, "NotFound"),
        (crew.agent, "Forbidden"),
        (crew.customer, "NotFound"),
    ):
        for verb, also in calls.items():
            answer = await person.do(f"contract{verb}", {"id": found["id"], **also})
            assert answer["__typename"] == refusal, (verb, answer)
    refused = await crew.agent.do("contractCreate", {"name": "Mine"})
    assert refused["__typename"] == "Forbidden"
    assert (await crew.agent.ask(ONE, id=found["id"]))["contract"] == found
    assert await read(crew, found["id"]) == found
    changed = await crew.colleague.do("contractUpdate", {"id": found["id"], "description": "Ours"})
    assert changed["__typename"] == "Contract"  # on the same team


async def test_a_stale_version_is_a_conflict_for_every_deed(crew: Crew) -> None:
    found = await signed(crew)
    old = {"id": found["id"], "expectedVersion": found["version"] - 1}
    for verb, also in (("Update", {"name": "x"}), ("Renew", {}), ("Terminate", {"reason": "No"})):
        answer = await crew.rep.do(f"contract{verb}", old | also)
        assert answer["__typename"] == "Conflict"
    assert await read(crew, found["id"]) == found


async def test_a_customer_reads_their_contract_once_it_is_signed_without_our_notes(crew: Crew) -> None:
    mine: dict[str, Any] = {"contactId": crew.contact_id, "description": "Squeeze them"}
    made = await drafted(crew, **mine)
    query = f"{{ contracts {{ totalCount nodes {{ {FIELDS} hiddenFields opportunityId }} }} }}"
    assert (await crew.customer.ask(query))["contracts"]["totalCount"] == 0
    await drafted(crew)  # nobody's they know
    await crew.rep.do("contractSign", {"id": made["id"]})
    [seen] = (await crew.customer.ask(query))["contracts"]["nodes"]
    assert (seen["number"], seen["value"], seen["status"]) == ("C-000001", "386000.50", "ACTIVE")
    assert (seen["description"], seen["opportunityId"]) == (None, None)
    assert {"description", "opportunityId", "voidReason"} <= set(seen["hiddenFields"])
    await crew.rep.do("contractVoid", {"id": made["id"], "reason": "Squeezed too much"})
    assert (await crew.customer.ask(query))["contracts"]["totalCount"] == 0
