"""Reminders of tasks, meetings, leads, deals, contracts and payments: once, to whom and when it fits."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import svcs

from backend.core import relay
from backend.core.alerts import Reminder
from backend.core.events import RecordCreated
from backend.core.ids import new_id
from backend.core.ledger import LEDGER, entries_of
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.identity.documents import User
from backend.sales.documents import Opportunity
from notifications.documents import DueDate
from notifications.due_dates import PATIENCE, try_again
from notifications.reminders import Reminders
from notifications.telling import Teller
from tests.crew import Crew, Person
from tests.notifications.test_planning import log_of, prefer

HOUR = timedelta(hours=1)
HOME = ZoneInfo("Asia/Shanghai")  # of every crew's workspace


async def settle(crew: Crew) -> None:
    await crew.house.relay.settle()


async def tell(crew: Crew, now: datetime | None = None) -> None:
    """Let the tick come, at ``now``; then let everything follow from it."""
    await settle(crew)
    async with svcs.Container(crew.house.registry) as services:
        reminders = await services.aget(Reminders)
        await reminders.tell_what_is_due(services, now=now)
    await settle(crew)


async def dates(crew: Crew, type: str = "") -> list[DueDate]:
    where: dict[str, Any] = {"workspace_id": crew.workspace_id} | ({"type": type} if type else {})
    return await DueDate.find(where).to_list()


async def lines(person: Person) -> list[tuple[str, str]]:
    found = (await person.ask("{ notifications { nodes { type title } } }"))["notifications"]["nodes"]
    return [(one["type"], one["title"]) for one in found]


def soon(**by: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**by)


async def test_a_task_is_told_when_it_comes_due_once(crew: Crew) -> None:
    due = soon(minutes=30)
    await crew.rep.do("taskCreate", {"title": "Call Chen", "dueAt": due.isoformat()})
    await settle(crew)
    [kept] = await dates(crew)
    assert (kept.type, kept.user_id, kept.date) == ("task_due", crew.rep.user_id, due)
    assert kept.due_at == due - HOUR
    for _ in range(2):
        await tell(crew)
    assert await lines(crew.rep) == [("task_due", "Task due: Call Chen")]
    assert await lines(crew.colleague) == []  # on the team, but it is not theirs to do


async def test_a_task_that_was_moved_given_away_or_done_is_not_told_to_the_wrong_one(crew: Crew) -> None:
    later = soon(hours=5)
    made = [
        await crew.rep.do("taskCreate", {"title": f"Task {place}", "dueAt": soon(minutes=30).isoformat()})
        for place in range(4)
    ]
    await settle(crew)
    # The tick comes before the listener has seen any of this.
    await crew.rep.do("taskUpdate", {"id": made[0]["id"], "dueAt": later.isoformat()})
    await crew.rep.do("taskUpdate", {"id": made[1]["id"], "assigneeId": crew.colleague.user_id})
    await crew.rep.do("taskUpdate", {"id": made[2]["id"], "status": "DONE"})
    await crew.rep.do("taskDelete", {"id": made[3]["id"]})
    async with svcs.Container(crew.house.registry) as services:
        reminders = await services.aget(Reminders)
        await reminders.tell_what_is_due(services)
    await tell(crew)
    assert await lines(crew.rep) == []
    assert sorted(await lines(crew.colleague)) == [
        ("task_assigned", "Task for you: Task 1"),
        ("task_due", "Task due: Task 1"),
    ]
    assert [one.date for one in await dates(crew) if one.due_at] == [later]
    await tell(crew, later)
    assert await lines(crew.rep) == [("task_due", "Task due: Task 0")]


async def test_what_was_due_long_ago_when_it_came_in_is_nobodys_news(crew: Crew) -> None:
    await crew.rep.do("taskCreate", {"title": "Old", "dueAt": soon(days=-40).isoformat()})
    await crew.rep.do(
        "activityCreate", {"type": "MEETING", "subject": "Was", "at": soon(minutes=-10).isoformat()}
    )
    await tell(crew)
    assert await lines(crew.rep) == []
    assert [one.due_at for one in await dates(crew)] == [None, None]


async def test_a_meeting_is_told_shortly_before_and_never_after(crew: Crew) -> None:
    for subject, at in (("Soon", soon(minutes=10)), ("Later", soon(hours=3))):
        await crew.rep.do("activityCreate", {"type": "MEETING", "subject": subject, "at": at.isoformat()})
    await crew.rep.do("activityCreate", {"type": "NOTE", "subject": "Note", "at": soon(hours=1).isoformat()})
    await tell(crew)
    assert await lines(crew.rep) == [("meeting_soon", "Meeting soon: Soon")]
    await tell(crew, soon(hours=4))  # the tick was away: it is over by now
    assert len(await lines(crew.rep)) == 1


async def test_a_lead_that_nobody_answers_is_told_to_who_owns_it(crew: Crew) -> None:
    waiting = await crew.rep.do("leadCreate", {"fullName": "Wang Fang", "company": "Far"})
    answered = await crew.rep.do("leadCreate", {"fullName": "Li Na", "company": "Near"})
    await crew.rep.do("leadUpdate", {"id": answered["id"], "firstRespondedAt": soon(minutes=0).isoformat()})
    await tell(crew)
    assert await lines(crew.rep) == []
    await tell(crew, soon(hours=4, minutes=1))
    assert await lines(crew.rep) == [("lead_unanswered", "Lead still waiting: Wang Fang")]
    assert {one.record_id for one in await dates(crew, "lead_unanswered")} == {waiting["id"]}


async def test_a_deal_that_stands_still_is_told_once_a_stage(crew: Crew) -> None:
    made = await crew.rep.do("opportunityCreate", {"name": "Cold chain", "amount": "10"})
    found = await crew.house.store.reader.get(Opportunity, made["id"])
    assert found is not None
    await tell(crew, soon(days=13))
    assert await lines(crew.rep) == []
    for days in (14, 15):
        await tell(crew, soon(days=days, minutes=1))
    assert await lines(crew.rep) == [("stage_rotting", "Deal stands still: Cold chain")]
    # Won, it stands still for good reason.
    await crew.rep.do("opportunityUpdate", {"id": made["id"], "stage": "won"})
    await settle(crew)
    assert await dates(crew, "stage_rotting") == []


async def test_everybody_says_how_long_before_and_what_waits_follows(crew: Crew) -> None:
    due = soon(hours=6)
    await crew.rep.do("taskCreate", {"title": "Call", "dueAt": due.isoformat()})
    await settle(crew)
    policy = """mutation { notificationPolicySet(input: {ahead: [{type: "task_due", minutes: 120}]}) {
        __typename } }"""
    await crew.admin.ask(policy)
    await settle(crew)
    assert [one.due_at for one in await dates(crew)] == [due - 2 * HOUR]
    await prefer(crew.rep, ahead=[{"type": "task_due", "minutes": 420}])
    await tell(crew)
    assert await lines(crew.rep) == [("task_due", "Task due: Call")]


async def test_who_may_not_read_it_any_more_is_not_told_and_the_log_says_so(crew: Crew) -> None:
    made = await crew.rep.do(
        "taskCreate",
        {"title": "Call", "dueAt": soon(minutes=5).isoformat(), "assigneeId": crew.rep.user_id},
    )
    await settle(crew)

    async def suspend(uow: UnitOfWork) -> None:
        user = await uow.access(User, crew.rep.user_id, action="update")
        user.role_keys = []
        uow.save(user)

    await crew.house.store.write(crew.system, suspend)
    await tell(crew)
    [entry] = await log_of(crew.admin, subject=made["id"])
    assert (entry["userId"], entry["reason"]) == (crew.rep.user_id, "no_permission")


async def test_a_due_date_that_cannot_be_told_holds_up_nobody_and_is_given_up(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title in ("Bad", "Good"):
        await crew.rep.do("taskCreate", {"title": title, "dueAt": soon(minutes=5).isoformat()})
    await settle(crew)
    honest = Teller.tell

    async def failing(self: Teller, occasion: Any, recipient_id: str, words: Any, **more: Any) -> bool:
        def checked(seen: Any) -> Any:
            if seen.title == "Bad":
                raise RuntimeError("a record that cannot be read")
            return words(seen)

        return await honest(self, occasion, recipient_id, checked, **more)

    monkeypatch.setattr(Teller, "tell", failing)
    await tell(crew)
    assert await lines(crew.rep) == [("task_due", "Task due: Good")]
    [bad] = [one for one in await dates(crew) if one.due_at]
    assert bad.tries == 1
    now = datetime.now(UTC)
    tries = []
    for _ in range(PATIENCE - 1):
        tries.append(await try_again(bad, now=now))
        [bad] = [one for one in await dates(crew) if one.id == bad.id]
    assert tries == [True] * (PATIENCE - 2) + [False]
    assert bad.due_at is None


async def test_handed_over_twice_a_record_is_reminded_of_once(crew: Crew) -> None:
    made = await crew.rep.do("taskCreate", {"title": "Call", "dueAt": soon(minutes=5).isoformat()})
    await tell(crew)
    rows = await crew.house.store.database[LEDGER].find({"workspace_id": crew.workspace_id}).to_list()
    entries = [e for row in rows for c in row["commits"] for e in entries_of(c, crew.workspace_id)]
    [entry] = [one for one in entries if one.event == "RecordCreated" and one.record_id == made["id"]]
    async with svcs.Container(crew.house.registry) as services:
        reminders = await services.aget(Reminders)
        await reminders.on_changed(relay.Delivery(entry, RecordCreated()), services)
    await tell(crew)
    assert await lines(crew.rep) == [("task_due", "Task due: Call")]


async def agreed(crew: Crew, **fields: Any) -> str:
    """Sign a contract that began today in the workspace, and ends in a hundred days; return its id."""
    today = datetime.now(HOME).date()
    data = {"name": "Cold store", "accountId": new_id(), "start": f"{today}", "teamIds": [crew.teams["east"]]}
    made = await crew.rep.do("contractCreate", data | {"end": f"{today + timedelta(days=100)}"} | fields)
    assert (await crew.rep.do("contractSign", {"id": made["id"]}))["__typename"] == "Contract"
    return str(made["id"])


@pytest.mark.parametrize(("fields", "days"), [({}, 30), ({"noticeDays": 60}, 60), ({"noticeDays": 0}, 0)])
async def test_a_contract_is_told_to_its_owner_as_long_before_its_end_as_it_says(
    crew: Crew, fields: dict[str, Any], days: int
) -> None:
    await agreed(crew, **fields)
    end = datetime.now(HOME).date() + timedelta(days=100)
    over = datetime.combine(end + timedelta(days=1), time(), HOME)
    minute = timedelta(minutes=1)
    await tell(crew, over - timedelta(days=days) - minute)
    assert await lines(crew.rep) == []
    for moment in (over - timedelta(days=days), over + minute) if days else (over, over + minute):
        await tell(crew, moment)
    wanted = [("contract_expiring", "Contract ends: Cold store")] if days else []  # at its end it is too late
    assert await lines(crew.rep) == wanted
    assert await lines(crew.colleague) == await lines(crew.stranger) == []


async def test_a_contract_that_was_signed_shortly_before_its_end_is_told_at_once(crew: Crew) -> None:
    end = datetime.now(HOME).date() + timedelta(days=12)
    await agreed(crew, end=f"{end}")
    await tell(crew)
    assert await lines(crew.rep) == [("contract_expiring", "Contract ends: Cold store")]


async def test_a_contract_says_its_last_day_and_who_wants_it_otherwise_is_told_otherwise(crew: Crew) -> None:
    await prefer(crew.rep, ahead=[{"type": "contract_expiring", "minutes": 90 * 24 * 60}])
    contract = await agreed(crew, noticeDays=60)
    await settle(crew)
    [date] = await dates(crew, "contract_expiring")
    assert date.due_at == date.date - timedelta(days=90)
    await prefer(crew.rep, ahead=[])  # as the contract says, again
    await settle(crew)
    [date] = await dates(crew, "contract_expiring")
    assert date.due_at == date.date - timedelta(days=60)
    await tell(crew, date.due_at)
    found = (await crew.rep.ask("{ notifications { nodes { body subjectId } } }"))["notifications"]["nodes"]
    last = date.date - timedelta(minutes=1)
    assert [one["subjectId"] for one in found] == [contract]
    assert found[0]["body"] == f"It ends {last.day} {last:%b, %H:%M}."  # on the wall of who reads it: UTC


@pytest.mark.parametrize("deed", ["Renew", "Terminate", "Void"])
async def test_a_contract_that_is_renewed_or_ended_is_not_told(crew: Crew, deed: str) -> None:
    contract = await agreed(crew)
    await settle(crew)
    assert len(await dates(crew, "contract_expiring")) == 1
    data = {"id": contract} | ({} if deed == "Renew" else {"reason": "Over"})
    done = await crew.rep.do(f"contract{deed}", data)
    assert done["__typename"] == "Contract"
    await tell(crew, soon(days=75))
    assert await lines(crew.rep) == []
    assert await dates(crew, "contract_expiring") == []  # nor the draft that follows


async def test_a_payment_overdue_is_told_to_its_owner_and_the_contracts_until_it_is_paid(crew: Crew) -> None:
    contract = await agreed(crew, ownerId=crew.manager.user_id)
    today = datetime.now(HOME).date()
    over = datetime.combine(today + timedelta(days=6), time(), HOME)
    data = {"contractId": contract, "due": f"{today + timedelta(days=5)}", "amount": "100"}
    for name, money in (("Nothing", []), ("Some", ["40"]), ("All", ["40", "60"])):
        made = await crew.rep.do("paymentCreate", data | {"name": name})
        for amount in money:
            await crew.rep.do("paymentReceive", {"id": made["id"], "amount": amount})
    await tell(crew, over - timedelta(minutes=1))
    assert await lines(crew.rep) == await lines(crew.manager) == []
    for _ in range(2):
        await tell(crew, over)
    wanted = [("payment_overdue", f"Payment overdue: {name}") for name in ("Nothing", "Some")]
    assert sorted(await lines(crew.rep)) == sorted(await lines(crew.manager)) == wanted
    for stranger in (crew.colleague, crew.stranger, crew.agent, crew.customer):
        assert await lines(stranger) == []


async def test_a_payment_that_is_paid_in_time_moved_or_void_is_not_told(crew: Crew) -> None:
    contract = await agreed(crew)
    today = datetime.now(HOME).date()
    data = {"contractId": contract, "due": f"{today + timedelta(days=5)}", "amount": "100"}
    paid, moved = [await crew.rep.do("paymentCreate", data | {"name": name}) for name in ("Paid", "Moved")]
    await settle(crew)
    assert len(await dates(crew, "payment_overdue")) == 2
    # The tick comes before the listener has seen any of this.
    await crew.rep.do("paymentReceive", {"id": paid["id"], "amount": "100"})
    later = {"due": f"{today + timedelta(days=50)}"}
    await crew.rep.do("paymentUpdate", {"id": moved["id"], **later})
    async with svcs.Container(crew.house.registry) as services:
        await (await services.aget(Reminders)).tell_what_is_due(services, now=soon(days=7))
    await settle(crew)
    assert await lines(crew.rep) == []
    assert [one.record_id for one in await dates(crew, "payment_overdue")] == [moved["id"]]
    await crew.rep.do("contractVoid", {"id": contract, "reason": "Never held"})
    await tell(crew, soon(days=52))
    assert await lines(crew.rep) == []
    assert await dates(crew, "payment_overdue") == []


async def test_a_room_adds_a_reminder_by_one_declaration(crew: Crew) -> None:
    declared = Reminder(
        type="handed_off",  # which no room reminds of
        about=Account,
        date=lambda account: account.created_at + timedelta(days=30),
        tells=lambda account: [account.owner_id],
        ahead=timedelta(days=7),
    )
    made = await crew.rep.do("accountCreate", {"name": "Far East Cold Chain"})
    reminders = Reminders([declared])
    rows = await crew.house.store.database[LEDGER].find({"workspace_id": crew.workspace_id}).to_list()
    entries = [e for row in rows for c in row["commits"] for e in entries_of(c, crew.workspace_id)]
    [entry] = [one for one in entries if one.event == "RecordCreated" and one.record_id == made["id"]]
    async with svcs.Container(crew.house.registry) as services:
        await reminders.on_changed(relay.Delivery(entry, RecordCreated()), services)
        await reminders.tell_what_is_due(services, now=soon(days=23, minutes=1))
    await settle(crew)
    assert [type for type, _ in await lines(crew.rep)] == ["handed_off"]
    with pytest.raises(ValueError, match="no type of notification is called lunch"):
        Reminders([Reminder(type="lunch", about=Account, date=lambda _: None, tells=lambda _: [])])
