"""The native pull: one cursor for all collections, whole commits, a reason where a phone must start again."""

import gzip
import hashlib
from typing import Any

import orjson
import pytest
import svcs

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account, Contact
from backend.identity.sign_in import TokenPolicy
from mobile_sync.places import MARK_BITS, write_number
from tests.crew import Crew, Person
from tests.mobile_sync.native_wire import WRITTEN, NativePhone
from tests.mobile_sync.test_pull import make_account, move_to_teams


async def make_contact(person: Person, name: str, **fields: Any) -> str:
    made = await person.do("contactCreate", {"id": new_id(), "fullName": name, **fields})
    assert made["__typename"] == "Contact"
    return str(made["id"])


async def test_one_cursor_brings_all_collections_parents_first(crew: Crew) -> None:
    account = await make_account(crew.rep, "苏州江南鲜达", annualRevenue="10.50")
    contact = await make_contact(crew.rep, "王芳", accountId=account)
    await crew.rep.do("accountDelete", {"id": await make_account(crew.rep, "Gone")})
    await make_account(crew.stranger, "West's", teamIds=[crew.teams["west"]])
    phone = NativePhone(crew.rep)
    page = await phone.pull_once()
    assert [(line["c"], line["id"]) for line in page["changes"]] == [
        ("account", account),
        ("contact", contact),
    ]
    line = page["changes"][0]
    assert (line["d"]["name"], line["d"]["annualRevenue"], line["d"]["tier"]) == (
        "苏州江南鲜达",
        "10.50",
        "",
    )
    assert not {"id", "version", "_deleted"} & line["d"].keys()
    assert line["v"] < page["changes"][1]["v"] <= int(page["watermark"])
    assert (page["hasMore"], page["resync"]) == (False, None)
    again = await phone.pull_once()
    assert (again["changes"], again["cursor"]) == ([], page["cursor"])
    assert len(again["cursor"]) < 64


async def test_changes_deletions_and_what_goes_out_of_sight(crew: Crew) -> None:
    east, west = [crew.teams["east"]], [crew.teams["west"]]
    kept, gone, moved = [
        await make_account(crew.colleague, name, teamIds=east) for name in ("Kept", "Gone", "Moved")
    ]
    phone = NativePhone(crew.rep)
    await phone.pull()
    await crew.colleague.do("accountUpdate", {"id": kept, "tier": "A"})
    await crew.colleague.do("accountDelete", {"id": gone})
    await crew.manager.do("accountUpdate", {"id": moved, "teamIds": west})
    changes = await phone.pull()
    assert {(line["id"], line.get("x")) for line in changes} == {(kept, None), (gone, "del"), (moved, "out")}
    assert all("d" not in line for line in changes if "x" in line)
    assert phone.ids("account") == {kept}

    await move_to_teams(crew, "rep", ["west"])
    assert {line["id"] for line in await phone.pull()} == {kept, moved}
    assert phone.ids("account") == {moved}


async def test_a_page_is_cut_between_commits_across_collections(crew: Crew) -> None:
    phone = NativePhone(crew.rep)
    await phone.pull()
    pairs = [(new_id(), new_id()) for _ in range(4)]
    for number, (account, contact) in enumerate(pairs):

        async def both(uow: UnitOfWork, ids: tuple[str, str] = (account, contact), n: int = number) -> None:
            owner = crew.rep.user_id
            uow.save(Account(id=ids[0], name=f"Account {n}", owner_id=owner))
            uow.save(Contact(id=ids[1], full_name=f"Contact {n}", account_id=ids[0], owner_id=owner))

        await crew.house.store.write(crew.rep.actor, both)
    pages: list[dict[str, Any]] = []
    while not pages or pages[-1]["hasMore"]:
        pages.append(await phone.pull_once(limit=3))
        # Whoever stops here holds whole commits: no contact without its account.
        assert phone.ids("contact") == {c for a, c in pairs if a in phone.ids("account")}
    assert [len(page["changes"]) for page in pages] == [4, 4]


async def test_a_first_sync_goes_on_at_the_page_where_it_was_cut(crew: Crew) -> None:
    accounts = {await make_account(crew.rep, f"Account {number}") for number in range(5)}
    contacts = {await make_contact(crew.rep, f"Contact {number}") for number in range(3)}
    phone = NativePhone(crew.rep)
    assert [line["c"] for line in (await phone.pull_once(limit=2))["changes"]] == ["account"] * 2
    cursor = phone.cursor
    lost = await phone.pull_once(limit=2)
    phone.cursor = cursor  # that answer never arrived
    repeated = await phone.pull_once(limit=2)
    assert repeated["changes"] == lost["changes"]
    late = await make_account(crew.rep, "Made meanwhile")
    await crew.rep.do("accountDelete", {"id": min(accounts)})
    await phone.pull(limit=2)
    assert phone.ids("account") == (accounts | {late}) - {min(accounts)}
    assert phone.ids("contact") == contacts


async def test_a_collection_asked_for_later_is_brought_up_to_the_others(crew: Crew) -> None:
    account = await make_account(crew.rep, "Alpha")
    contact = await make_contact(crew.rep, "王芳")
    phone = NativePhone(crew.rep)
    await phone.pull(collections=["account"])
    assert (phone.ids("account"), phone.ids("contact")) == ({account}, set())
    await crew.rep.do("contactDelete", {"id": await make_contact(crew.rep, "Gone")})
    later = await make_contact(crew.rep, "Later")
    changes = await phone.pull(collections=["account", "contact"])
    assert [line["id"] for line in changes if line["c"] == "contact" and "d" in line] == [contact, later]
    # Left out for a while: nothing of it is missed.
    await crew.rep.do("contactUpdate", {"id": contact, "title": "CEO"})
    assert await phone.pull(collections=["account"]) == []
    await make_account(crew.rep, "Beta")
    await phone.pull(collections=["account"])
    (line,) = await phone.pull()
    assert (line["id"], line["d"]["title"]) == (contact, "CEO")


@pytest.mark.parametrize("spoilt", ["tampered", "foreign", "nonsense", "future", "forgotten"])
async def test_a_cursor_that_counts_no_more_says_why_and_starts_again(crew: Crew, spoilt: str) -> None:
    account = await make_account(crew.rep, "Mine")
    phone, other = NativePhone(crew.rep), NativePhone(crew.stranger)
    await phone.pull()
    await other.pull()
    assert phone.cursor is not None
    assert other.cursor is not None
    number, _, signature = phone.cursor.partition(".")
    phone.cursor = {
        "tampered": f"{int(number, 16) + (1 << 20):x}.{signature}",
        "foreign": other.cursor,
        "nonsense": "nonsense",
        "future": phone.cursor,
        "forgotten": await _unknown_cursor(crew),
    }[spoilt]
    if spoilt == "future":  # the server went back to a backup: it has not yet got as far as the phone
        await _set_back(crew)
    phone.rows[("account", "stale")] = {}
    page = await phone.pull_once()
    assert page["resync"] == ("EXPIRED" if spoilt in ("future", "forgotten") else "FOREIGN")
    assert set(phone.rows) == {("account", account)}
    assert (await phone.pull_once())["resync"] is None


async def _unknown_cursor(crew: Crew) -> str:
    """Return a sound cursor of a place that the store does not hold (any more)."""
    async with svcs.Container(crew.house.registry) as services:
        key = (await services.aget(TokenPolicy)).key
    return write_number(1 << MARK_BITS | 1, key, crew.rep.actor)


async def _set_back(crew: Crew) -> None:
    counters = crew.house.store.database["workspace_seq"]
    await counters.update_one({"_id": crew.workspace_id}, {"$inc": {"epoch": 1}})


async def test_wrong_limits_and_unknown_collections_are_refused(crew: Crew) -> None:
    for arguments, field in (
        ("limit: 0", "limit"),
        ("limit: 1001", "limit"),
        ('collections: ["nothing"]', "collections"),
    ):
        answer = await crew.rep.post(f"{{ syncPull({arguments}) {{ cursor }} }}")
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "INVALID_INPUT"
        assert error["extensions"]["fields"][0]["field"] == field


async def test_the_fast_way_gives_the_same_as_lines(crew: Crew) -> None:
    ids = [await make_account(crew.rep, f"Account {number}") for number in range(5)]
    phone = NativePhone(crew.rep)
    typed = await phone.pull_once()
    answer = await crew.rep.http.get(
        "/sync/v1/pull",
        params={"limit": 5000, "collections": ",".join(WRITTEN)},
        headers=crew.rep.headers | {"Accept-Encoding": "identity"},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    *changes, end = [orjson.loads(line) for line in answer.text.splitlines()]
    assert changes == typed["changes"]
    assert [change["id"] for change in changes] == ids
    assert end | {"serverTime": ""} == {
        "cursor": typed["cursor"],
        "hasMore": False,
        "watermark": typed["watermark"],
        "resync": None,
        "serverTime": "",
    }
    # Either way the cursor is the same; nothing new is one short line.
    idle = await crew.rep.http.get(
        "/sync/v1/pull",
        params={"cursor": typed["cursor"], "collections": ",".join(WRITTEN)},
        headers=crew.rep.headers,
    )
    assert len(idle.text.splitlines()) == 1
    assert len(idle.content) < 300
    async with crew.rep.http.stream(
        "GET",
        "/sync/v1/pull",
        params={"collections": ",".join(WRITTEN)},
        headers=crew.rep.headers | {"Accept-Encoding": "gzip"},
    ) as zipped:
        raw = b"".join([part async for part in zipped.aiter_raw()])
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw).splitlines()[:5] == answer.content.splitlines()[:5]
    assert len(raw) < len(answer.content) / 3


async def test_the_fast_way_knows_who_asks(crew: Crew) -> None:
    answer = await crew.rep.http.get("/sync/v1/pull")
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    answer = await crew.rep.http.get("/sync/v1/pull", params={"limit": 10_001}, headers=crew.rep.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")


async def test_a_digest_tells_what_a_phone_must_hold(crew: Crew) -> None:
    for number in range(3):
        await make_account(crew.rep, f"Account {number}")
    await crew.rep.do("accountDelete", {"id": await make_account(crew.rep, "Gone")})
    await make_account(crew.stranger, "West's", teamIds=[crew.teams["west"]])
    phone = NativePhone(crew.rep)
    page = await phone.pull_once()
    asked = '{ syncDigest(collection: "account") { collection count digest buckets watermark } }'
    digest = (await crew.rep.ask(asked))["syncDigest"]

    def digest_of(ids: list[str]) -> str:
        said = "".join(f"{id}:{phone.rows['account', id]['v']}\n" for id in sorted(ids))
        return hashlib.sha256(said.encode()).hexdigest()

    ids = sorted(phone.ids("account"))
    assert digest == {
        "collection": "account",
        "count": 3,
        "digest": digest_of(ids),
        "buckets": [digest_of([id for id in ids if id.endswith(end)]) for end in "0123456789abcdef"],
        "watermark": page["watermark"],
    }
    await crew.rep.do("accountUpdate", {"id": ids[0], "tier": "A"})
    after = (await crew.rep.ask(asked))["syncDigest"]
    assert after["digest"] != digest["digest"]
    changed = [at for at in range(16) if after["buckets"][at] != digest["buckets"][at]]
    assert changed == [int(ids[0][-1], 16)]


async def test_the_schema_tells_columns_and_what_somebody_sees_of_them(crew: Crew) -> None:
    asked = "{ syncSchema { version collections { name fieldSet jsonSchema } } }"
    schema = (await crew.rep.ask(asked))["syncSchema"]
    by_name = {one["name"]: one for one in schema["collections"]}
    names = list(by_name)
    assert schema["version"] == 1
    assert names.index("account") < names.index("contact") < names.index("task")
    assert "syncRejection" in by_name
    account = by_name["account"]["jsonSchema"]
    assert account["required"] == ["name"]
    assert account["properties"]["employees"] == {
        "type": ["integer", "null"],
        "minimum": -(2**31) + 1,
        "maximum": 2**31 - 1,
    }
    assert account["properties"]["updatedAt"] == {
        "type": ["string", "null"],
        "format": "date-time",
        "readOnly": True,
    }
    versions = {one["fieldSet"] for one in schema["collections"]}
    assert len(versions) == len(names)
    assert (await crew.rep.ask(asked))["syncSchema"] == schema
