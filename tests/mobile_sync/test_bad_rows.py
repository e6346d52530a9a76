"""Bad rows, in each protocol: each gets its verdict, and the rest of the batch lands."""

import math
from typing import Any

import httpx
import pytest

from backend.core.errors import InvalidInput
from backend.core.ids import new_id
from backend.crm.documents import Account, Task
from backend.crm.synced import ACCOUNTS, TASKS
from backend.house import House
from backend.sales.synced import PIPELINES
from mobile_sync.rows import fields_of, filled
from tests.crew import Crew
from tests.mobile_sync.test_native_push import rejections
from tests.mobile_sync.three_phones import PROTOCOLS, AnyPhone, OneNativePhone, RxdbPhone

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
BAD: dict[str, dict[str, Any]] = {
    "empty": {"name": ""},
    "no text": {"name": 5},
    "a list": {"name": ["Acme"]},
    "an object": {"name": {"a": 1}},
    "half a character": {"name": "\ud800"},
    "half a character in own fields": {"name": "x", "ext": '{"a":"\\ud800"}'},
    "5 MB": {"name": "x", "description": "1" * 5_000_000},
    "words for a number": {"name": "x", "employees": "a dozen"},
    "yes for a number": {"name": "x", "employees": True},
    "half a person": {"name": "x", "employees": 0.5},
    "too many people": {"name": "x", "employees": 2**70},
    "no decimal": {"name": "x", "annualRevenue": "much"},
    "no number at all": {"name": "x", "annualRevenue": "NaN"},
    "no list": {"name": "x", "aliases": "A, B"},
    "a list of numbers": {"name": "x", "aliases": "[1]"},
    "no object": {"name": "x", "ext": "[]"},
    "a number that no phone holds": {"name": "x", "ext": '{"a":9007199254740993}'},
    "a key that no store holds": {"name": "x", "ext": '{"a\\u0000b":1}'},
    "no such choice": {"name": "x", "lifecycle": "immortal"},
}


@every_protocol
async def test_a_batch_of_bad_values_is_refused_value_by_value(crew: Crew, protocol: type[AnyPhone]) -> None:
    phone, good, other = protocol(crew.rep), new_id(), new_id()
    ids = {name: new_id() for name in BAD}
    rows = [(ids[name], values) for name, values in BAD.items()]
    await phone.create((good, {"name": "Good"}), *rows, (other, {"name": "😀 שלום 繁體"}))
    stored = crew.house.store.reader
    there = {name for name, id in ids.items() if await stored.get(Account, id) is not None}
    assert there == set()
    for id, name in ((good, "Good"), (other, "😀 שלום 繁體")):
        account = await stored.get(Account, id)
        assert account is not None
        assert account.name == name
    found = {row["recordId"]: row for row in await rejections(crew, "rep")}
    assert found.keys() == set(ids.values())
    assert {row["reason"] for row in found.values()} == {"invalid_input"}
    assert all(len(row["message"]) < 500 and len(row["lost"]) < 25_000 for row in found.values())
    await phone.pull()
    assert phone.held().keys() == {good, other}


@every_protocol
async def test_another_workspaces_records_are_as_if_they_were_not(
    crew: Crew, house: House, http: httpx.AsyncClient, protocol: type[AnyPhone]
) -> None:
    others = await Crew.hire(house, http)
    foreign, good = new_id(), new_id()
    await others.admin.do("accountCreate", {"id": foreign, "name": "Theirs"})
    phone = protocol(crew.admin)
    await phone.create((foreign, {"name": "Taken"}), (good, {"name": "Good"}))
    await phone.pull()
    assert phone.held().keys() == {good}
    account = await house.store.reader.get(Account, foreign)
    assert account is not None
    assert (account.name, account.workspace_id) == ("Theirs", others.workspace_id)
    (kept,) = await rejections(crew, "admin")
    assert (kept["recordId"], "Theirs" in str(kept)) == (foreign, False)


@every_protocol
async def test_what_phones_only_read_they_cannot_write(crew: Crew, protocol: type[AnyPhone]) -> None:
    await crew.settle()
    phone = protocol(crew.admin, PIPELINES)
    await phone.pull()
    (pipeline,) = phone.held()
    before = dict(phone.held()[pipeline])
    await phone.create((new_id(), {}))
    await phone.delete(pipeline)
    await phone.pull()
    assert phone.held() == {pipeline: before}
    assert [row["reason"] for row in await rejections(crew, "admin")] == ["forbidden", "forbidden"]


@every_protocol
async def test_a_clock_that_is_off_by_years_decides_nothing(crew: Crew, protocol: type[AnyPhone]) -> None:
    phone, id = protocol(crew.rep, TASKS), new_id()
    wrong = "2199-01-01T00:00:00.000Z" if protocol is not PROTOCOLS[2] else 7_226_582_400_000
    # The phone's own idea of when it wrote is not taken; a time that its person chose is.
    await phone.create((id, {"title": "Call", "dueAt": wrong} | _clock(protocol, wrong)))
    await crew.rep.do("taskUpdate", {"id": id, "priority": "HIGH"})
    await phone.pull()
    await phone.change(id, title="Call again")
    await phone.pull()
    held = phone.held()[id]
    assert (held["title"], held["priority"]) == ("Call again", "high")
    task = await crew.house.store.reader.get(Task, id)
    assert task is not None
    assert task.due_at is not None
    assert task.updated_at is not None
    assert task.created_at is not None
    assert task.due_at.year == 2199
    assert task.updated_at.year == task.created_at.year == crew.house.store.clock.now().year


def _clock(protocol: type[AnyPhone], wrong: Any) -> dict[str, Any]:
    """Return what phones of a protocol say of themselves about times."""
    if protocol is RxdbPhone:
        return {"updatedAt": wrong}
    return {} if protocol is OneNativePhone else {"createdAt": wrong, "updatedAt": wrong}


async def test_an_rxdb_push_beyond_its_limit_is_refused_whole_and_changes_nothing(crew: Crew) -> None:
    phone = RxdbPhone(crew.rep).wire
    rows = [phone.insert(new_id(), name="x") for _ in range(501)]
    query = "mutation($r: [AccountInputPushRow!]) { pushAccount(accountPushRow: $r) { id } }"
    for count, code in ((501, "INVALID_INPUT"), (10_000, "COST_LIMIT")):
        answer = await crew.rep.post(query, r=[rows[number % len(rows)] for number in range(count)])
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == code, error
    assert await phone.pull() == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="whole number"):
        fields_of(ACCOUNTS, filled(ACCOUNTS, {"employees": value}))
