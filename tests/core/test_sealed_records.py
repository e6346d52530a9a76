"""Sealed fields in the store: what it holds, what people and phones get, what can be searched."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from backend.core.encryption import is_sealed
from backend.core.encryption_keyring import DATA_KEYS, Keyring
from backend.core.errors import CannotOpen
from backend.core.ids import new_id
from backend.core.settings import Settings
from backend.core.store import CODECS, Store
from backend.crm.contacts import update_contact
from backend.crm.documents import Contact
from backend.crm.synced import CONTACTS
from backend.house import House
from mobile_sync.documents import SyncRejection
from tests.crew import Crew
from tests.mobile_sync.wire import WirePhone

FOUND = "query($filter: ContactFilter) { contacts(filter: $filter) { nodes { fullName } } }"


async def make_contact(crew: Crew, name: str, **fields: Any) -> str:
    made = await crew.rep.do("contactCreate", {"id": new_id(), "fullName": name, **fields})
    assert made["__typename"] == "Contact", made
    return str(made["id"])


async def stored(house: House, id: str) -> dict[str, Any]:
    body: dict[str, Any] | None = await house.store.database["contacts"].find_one({"_id": id})
    assert body is not None
    return body


async def names(crew: Crew, **condition: Any) -> set[str]:
    answer = await crew.rep.ask(FOUND, filter=condition)
    return {node["fullName"] for node in answer["contacts"]["nodes"]}


async def test_the_store_holds_sealed_values_and_people_get_clear_ones(house: House, crew: Crew) -> None:
    address = {"street": "Pingjiang Lu 12", "city": "苏州", "country": "CN"}
    id = await make_contact(
        crew,
        "林悦",
        email="Lin@hanlu.example",
        phone="+86 138 0013 8000",
        otherEmails=["yue@hanlu.example"],
        address=address,
    )
    body = await stored(house, id)
    assert {name for name, value in body.items() if is_sealed(value)} == {
        "email",
        "phone",
        "other_emails",
        "address",
    }
    assert (body["full_name"], body["other_phones"]) == ("林悦", [])
    assert body["blind"].keys() == {"email", "phone", "other_emails", "other_phones"}
    one = await crew.rep.ask(
        "query($id: ID!) { contact(id: $id) { email phone otherEmails address { street city } } }", id=id
    )
    assert one["contact"] == {
        "email": "lin@hanlu.example",
        "phone": "+8613800138000",
        "otherEmails": ["yue@hanlu.example"],
        "address": {"street": "Pingjiang Lu 12", "city": "苏州"},
    }
    phone = WirePhone(crew.rep, CONTACTS)
    (row,) = [row for row in await phone.pull() if row["id"] == id]
    assert (row["email"], row["phone"]) == ("lin@hanlu.example", "+8613800138000")
    await phone.push(phone.edit(id, email="lin.yue@hanlu.example"))
    assert await names(crew, email={"eq": "lin.yue@hanlu.example"}) == {"林悦"}
    changed = await stored(house, id)
    assert list(changed["field_versions"]) == ["email"]  # what is sealed anew has not changed


async def test_sealed_fields_are_found_by_their_exact_value(crew: Crew) -> None:
    await make_contact(crew, "Lin", email="lin@hanlu.example", phone="+8613800138000")
    await make_contact(crew, "Wei", email="wei@hanlu.example")
    await make_contact(crew, "Nobody")
    assert await names(crew, email={"eq": "LIN@hanlu.example"}) == {"Lin"}
    assert await names(crew, phone={"eq": "+86 138-0013-8000"}) == {"Lin"}
    assert await names(crew, email={"in": ["lin@hanlu.example", "wei@hanlu.example"]}) == {"Lin", "Wei"}
    assert await names(crew, email={"ne": "lin@hanlu.example"}) == {"Wei", "Nobody"}
    assert await names(crew, email={"notIn": ["lin@hanlu.example", ""]}) == {"Wei"}
    assert await names(crew, email={"eq": ""}) == {"Nobody"}
    assert await names(crew, email={"isNull": True}) == set()
    assert await names(crew, email={"isNull": False}) == {"Lin", "Wei", "Nobody"}
    either = [{"email": {"eq": "wei@hanlu.example"}}, {"phone": {"eq": "+8613800138000"}}]
    assert await names(crew, **{"or": either}) == {"Lin", "Wei"}
    assert await names(crew, **{"not": either[0], "fullName": {"startsWith": "l"}}) == {"Lin"}
    counted = "query($filter: ContactFilter) { contacts(filter: $filter) { totalCount } }"
    answer = await crew.rep.ask(counted, filter={"email": {"eq": "lin@hanlu.example"}})
    assert answer == {"contacts": {"totalCount": 1}}


@pytest.mark.parametrize("operator", ["contains", "startsWith"])
async def test_a_part_of_a_sealed_value_cannot_be_searched(crew: Crew, operator: str) -> None:
    answer = await crew.rep.post(FOUND, filter={"email": {operator: "lin"}})
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["message"] == (
        "email is stored encrypted and can only be compared as a whole (eq, ne, in, notIn, isNull); search "
        "for the exact value, or on a phone, which holds its records in the clear"
    )


async def test_the_search_by_e_mail_uses_its_index(house: House, crew: Crew) -> None:
    indexes = await house.store.database["contacts"].index_information()
    assert [("workspace_id", 1), ("blind.email", 1)] in [
        [(name, int(way)) for name, way in index["key"]] for index in indexes.values()
    ]
    await make_contact(crew, "Lin", email="lin@hanlu.example")
    found = await house.store.unit_of_work(crew.rep.actor).find(Contact, {"email": "lin@hanlu.example"})
    assert [contact.email for contact in found] == ["lin@hanlu.example"]


async def test_nothing_else_holds_a_personal_value(
    house: House, crew: Crew, capfd: pytest.CaptureFixture[str]
) -> None:
    """A busy story, then every document of every collection is searched for them."""
    mark = new_id().replace("-", "")
    digits = "139" + str(int(mark[-9:], 16)).zfill(8)[:8]
    email, number = f"{mark}@hanlu.example", f"+86{digits}"
    said: list[Any] = []
    id = await make_contact(crew, "Lin", email=email, phone=number, teamIds=[crew.teams["east"]])
    said.append(await crew.rep.do("contactUpdate", {"id": id, "phone": f"+1{digits}"}))
    said.append(await crew.rep.do("contactUpdate", {"id": id, "email": f"{mark} at hanlu"}))
    said.append(await crew.rep.post(FOUND, filter={"email": {"contains": mark}}))
    lead = await crew.rep.do(
        "leadCreate", {"id": new_id(), "fullName": "Wei", "email": email, "phone": number, "company": "Hanlu"}
    )
    convert = "mutation($i: LeadConvertInput!) { leadConvert(input: $i) { __typename } }"
    said.append(await crew.rep.ask(convert, i={"id": lead["id"], "mutationId": new_id()}))
    phones = WirePhone(crew.rep, CONTACTS), WirePhone(crew.colleague, CONTACTS)
    for phone in phones:
        await phone.pull()
    edits = [phone.edit(id, email=f"{n}.{email}") for n, phone in enumerate(phones)]
    for phone, edit in zip(phones, edits, strict=True):
        await phone.push(edit)  # the second loses
    (lost,) = await house.store.database["sync_rejections"].find({"record_id": id}).to_list()
    assert is_sealed(lost["lost"])
    rejection = await house.store.reader.get(SyncRejection, lost["_id"])
    assert rejection is not None
    assert f"1.{email}" in rejection.lost
    said.append(await crew.rep.do("contactDelete", {"id": id}))

    seen = 0
    for name in await house.store.database.list_collection_names():
        async for row in house.store.database[name].find({}):
            text = repr(row)
            seen += row.get("workspace_id") == crew.workspace_id
            assert mark not in text, f"{name} {row['_id']}"
            assert digits not in text, f"{name} {row['_id']}"
    assert seen > 15
    printed = "".join(capfd.readouterr()) + repr(said)
    assert mark not in printed
    assert digits not in printed


async def test_first_writers_of_two_processes_agree_on_the_keys(house: House, crew: Crew) -> None:
    others = [await other_process(house) for _ in range(4)]
    ciphers = await asyncio.gather(*(store.keyring.ready(crew.workspace_id) for store in others))
    clear = {"_id": "c", "workspace_id": crew.workspace_id, "email": "lin@hanlu.example"}
    sealed = ciphers[0].seal(Contact, clear)
    assert [cipher.open(Contact, sealed) for cipher in ciphers] == [clear] * 4
    assert await house.store.database[DATA_KEYS].count_documents({"workspace_id": crew.workspace_id}) == 2


async def test_a_process_with_another_master_key_says_so_and_opens_nothing(
    house: House, crew: Crew, settings: Settings
) -> None:
    id = await make_contact(crew, "Lin", email="lin@hanlu.example")
    keyring = Keyring(house.store.database, house.store.clock, CODECS)
    for elsewhere in (
        Settings(data_dir=settings.data_dir / "elsewhere", encryption_keys=SecretStr("")),
        Settings(encryption_keys=SecretStr("other:" + "A" * 43 + "=")),
    ):
        with pytest.raises(
            CannotOpen, match=r"^The store holds values sealed under master key '.*', which this"
        ):
            await keyring.open(elsewhere)
        assert not (settings.data_dir / "elsewhere").exists()  # no key is made that would open nothing
    with pytest.raises(CannotOpen, match="has taken no master keys"):
        await keyring.open_bodies(Contact, [await stored(house, id)])


async def test_a_value_of_another_record_is_refused_and_the_record_not_shown(
    house: House, crew: Crew
) -> None:
    lin = await make_contact(crew, "Lin", email="lin@hanlu.example")
    wei = await make_contact(crew, "Wei", email="wei@hanlu.example")
    taken = (await stored(house, lin))["email"]
    await house.store.database["contacts"].update_one({"_id": wei}, {"$set": {"email": taken}})
    answer = await crew.rep.post("query($id: ID!) { contact(id: $id) { fullName email } }", id=wei)
    assert answer["data"] is None or answer["data"] == {"contact": None}
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "CANNOT_OPEN"
    assert error["message"].startswith(f"email of contact {wei} is sealed under data key 1 of workspace")
    before = await stored(house, wei)
    with pytest.raises(CannotOpen):
        await house.store.write(
            crew.rep.actor,
            lambda uow: update_contact(uow, wei, {"full_name": "Wei Wu"}, expected_version=None),
        )
    assert await stored(house, wei) == before


async def other_process(house: House) -> Store:
    """Return a second store on the same database, as a second process would have it."""
    store = Store(house.store.client, house.settings.database_name, house.store.clock)
    await store.keyring.open(house.settings)
    return store
