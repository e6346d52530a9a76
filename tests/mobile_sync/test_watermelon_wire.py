"""WatermelonDB's two routes on the wire: bad input, starting again, repeats, and few writes."""

import asyncio
import gzip
from typing import Any

import httpx
import orjson
import pytest

from backend.core.ids import new_id
from backend.crm.documents import Account
from mobile_sync.documents import SyncPlace
from tests.crew import Crew, Person
from tests.mobile_sync.test_native_push import rejections
from tests.mobile_sync.test_pull import make_account


async def sent(person: Person, path: str, **body: Any) -> httpx.Response:
    return await person.http.post(f"/sync/watermelon/{path}", json=body, headers=person.headers)


async def pull(person: Person, last: int | None = None, **body: Any) -> dict[str, Any]:
    answer = await sent(person, "pull", lastPulledAt=last, schemaVersion=1, migration=None, **body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def push(person: Person, last: int, **accounts: Any) -> dict[str, Any]:
    changes = {"created": [], "updated": [], "deleted": []} | accounts
    answer = await sent(person, "push", lastPulledAt=last, changes={"accounts": changes})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def created(**values: Any) -> dict[str, Any]:
    return {"id": new_id(), "_status": "created", "_changed": "", "tier": "", "employees": None, **values}


async def test_an_answer_has_the_form_that_the_client_takes(crew: Crew) -> None:
    id = await make_account(crew.rep, "Alpha", employees=3)
    await crew.rep.do("accountDelete", {"id": await make_account(crew.rep, "Gone")})
    first = await pull(crew.rep)
    assert set(first) == {"changes", "timestamp", "hasMore"}
    assert isinstance(first["timestamp"], int)
    assert 0 < first["timestamp"] < 2**53
    table = first["changes"]["accounts"]
    assert (table["created"], table["deleted"]) == ([], [])
    (raw,) = table["updated"]
    assert (raw["id"], raw["name"], raw["employees"]) == (id, "Alpha", 3)
    assert not {"_status", "_changed", "deleted"} & raw.keys()
    assert isinstance(raw["updated_at"], int)
    idle = await pull(crew.rep, first["timestamp"])
    assert idle == {"changes": {}, "timestamp": first["timestamp"], "hasMore": False}


async def test_a_usual_pull_writes_nothing(crew: Crew) -> None:
    last = (await pull(crew.rep))["timestamp"]
    stored = await SyncPlace.find({"workspace_id": crew.workspace_id}).count()
    for number in range(3):
        await make_account(crew.rep, f"Account {number}")
        found = await pull(crew.rep, last)
        assert len(found["changes"]["accounts"]["updated"]) == 1
        assert found["timestamp"] > last
        last = found["timestamp"]
    assert await SyncPlace.find({"workspace_id": crew.workspace_id}).count() == stored


@pytest.mark.parametrize("spoilt", ["foreign", "unknown", "future"])
async def test_a_number_that_counts_no_more_replaces_everything(crew: Crew, spoilt: str) -> None:
    ids = {await make_account(crew.rep, f"Account {number}") for number in range(3)}
    await crew.rep.do("accountDelete", {"id": await make_account(crew.rep, "Gone")})
    last = (await pull(crew.rep))["timestamp"]
    number = {
        "foreign": (await pull(crew.stranger))["timestamp"],
        "unknown": 12_345,
        "future": last + (1 << 20) * 1_000,
    }[spoilt]
    answer = await pull(crew.rep, number, limit=2)
    assert (answer["experimentalStrategy"], answer["hasMore"]) == ("replacement", False)
    assert {raw["id"] for raw in answer["changes"]["accounts"]["updated"]} == ids
    # Every table is named: what is not in it goes from the phone.
    assert answer["changes"]["contacts"] == {"created": [], "updated": [], "deleted": []}
    assert await pull(crew.rep, answer["timestamp"]) == {
        "changes": {},
        "timestamp": answer["timestamp"],
        "hasMore": False,
    }
    refused = await sent(crew.rep, "push", lastPulledAt=12_345, changes={})
    assert (refused.status_code, refused.json()["code"]) == (410, "CHECKPOINT_EXPIRED")


async def test_five_equal_pushes_at_once_are_one_effect(crew: Crew) -> None:
    last = (await pull(crew.rep))["timestamp"]
    good, poison = created(name="Once"), created(name="Wrong", employees=-3)
    answers = await asyncio.gather(*(push(crew.rep, last, created=[good, poison]) for _ in range(5)))
    assert answers == [{}] * 5
    found = await pull(crew.rep, last)
    assert [raw["name"] for raw in found["changes"]["accounts"]["updated"]] == ["Once"]
    assert found["changes"]["accounts"]["deleted"] == [poison["id"]]
    account = await crew.house.store.reader.get(Account, good["id"])
    assert account is not None
    assert account.field_versions == {}
    assert len(await rejections(crew, "rep")) == 1


async def test_refusals_are_told_with_the_record_as_it_is_until_it_is_heard(crew: Crew) -> None:
    id = await make_account(crew.colleague, "Team's", teamIds=[crew.teams["east"]])
    last = (await pull(crew.rep))["timestamp"]
    for _ in range(2):  # the phone never heard of the first: its second tells as much
        assert await push(crew.rep, last, deleted=[id]) == {}
        found = await pull(crew.rep, last)
        (raw,) = found["changes"]["accounts"]["updated"]
        assert (raw["id"], raw["name"]) == (id, "Team's")
        (note,) = found["changes"]["sync_rejections"]["updated"]
        assert (note["record_id"], note["reason"]) == (id, "forbidden")
        last = found["timestamp"]
    assert (await pull(crew.rep, last))["changes"] == {}
    assert len(await rejections(crew, "rep")) == 1


async def test_bad_values_are_refused_row_by_row(crew: Crew) -> None:
    last = (await pull(crew.rep))["timestamp"]
    good = created(name="Good")
    bad = [
        created(name="x", employees="a dozen"),
        created(name="x", description="1" * 1_000_000),
        created(name=["x"]),
        created(name="x") | {"id": "rNd0mWatermelonX"},
    ]
    assert await push(crew.rep, last, created=[*bad, good]) == {}
    found = await pull(crew.rep, last)
    assert [raw["id"] for raw in found["changes"]["accounts"]["updated"]] == [good["id"]]
    assert set(found["changes"]["accounts"]["deleted"]) == {raw["id"] for raw in bad}
    assert {one["reason"] for one in await rejections(crew, "rep")} == {"invalid_input"}


async def test_tables_that_are_not_synced_are_left_alone_and_no_rows_are_refused_whole(crew: Crew) -> None:
    last = (await pull(crew.rep))["timestamp"]
    own = {"drafts": {"created": [{"id": "a"}], "updated": [], "deleted": ["b"]}}
    answer = await sent(crew.rep, "push", lastPulledAt=last, changes=own)
    assert (answer.status_code, answer.json()) == (200, {})
    nameless = {"accounts": {"created": [{"name": "x"}], "updated": [], "deleted": []}}
    answer = await sent(crew.rep, "push", lastPulledAt=last, changes=nameless)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
    assert "rows without an id" in answer.json()["message"]
    assert (await sent(crew.rep, "pull", lastPulledAt=-1)).status_code == 422
    nobody = await crew.rep.http.post("/sync/watermelon/pull", json={})
    assert (nobody.status_code, nobody.json()["code"]) == (401, "UNAUTHENTICATED")


async def test_what_is_too_much_for_one_push_stays_on_the_phone(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mobile_sync.watermelon.MOST_EDITS", 3)
    last = (await pull(crew.rep))["timestamp"]
    rows = [created(name=f"Account {number}") for number in range(5)]
    answer = await push(crew.rep, last, created=rows)
    assert answer == {"experimentalRejectedIds": {"accounts": [raw["id"] for raw in rows[3:]]}}
    assert await push(crew.rep, last, created=rows[3:]) == {}
    found = await pull(crew.rep, last)
    assert {raw["id"] for raw in found["changes"]["accounts"]["updated"]} == {raw["id"] for raw in rows}


async def test_a_large_answer_is_zipped_for_who_takes_it(crew: Crew) -> None:
    for number in range(5):
        await make_account(crew.rep, f"Account {number}")
    headers = crew.rep.headers | {"Accept-Encoding": "gzip"}
    async with crew.rep.http.stream("POST", "/sync/watermelon/pull", json={}, headers=headers) as zipped:
        raw = b"".join([part async for part in zipped.aiter_raw()])
    assert zipped.headers["content-encoding"] == "gzip"
    assert len(orjson.loads(gzip.decompress(raw))["changes"]["accounts"]["updated"]) == 5
    headers["Accept-Encoding"] = "gzip;q=0, identity"
    plain = await crew.rep.http.post("/sync/watermelon/pull", json={}, headers=headers)
    assert "content-encoding" not in plain.headers
