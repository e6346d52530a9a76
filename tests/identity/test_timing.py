"""No timing oracle on e-mail addresses: an unknown one is given the same work as a known one.

Work is counted, not clocked: hashes verified, and commands sent to the database about addresses.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pwdlib import PasswordHash
from pymongo import AsyncMongoClient

from backend.core.ids import new_id
from backend.house import House
from backend.identity.credentials import set_password
from backend.identity.documents import Credential, SignInTries
from tests.counting import Commands
from tests.crew import Crew

ADDRESSES = (Credential, SignInTries)


class Work:
    """What a request gave the server to do."""

    def __init__(self, commands: Commands) -> None:
        self.commands, self.hashes = commands, 0

    def take(self) -> tuple[int, dict[str, int]]:
        taken = (self.hashes, self.commands.take())
        self.hashes = 0
        return taken


@pytest.fixture
async def work(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Work]:
    """Count the commands about addresses and the hashes, which are made all the same."""
    commands = Commands()
    address = await house.store.client.address
    assert address is not None
    client: AsyncMongoClient[Any] = AsyncMongoClient(
        *address, event_listeners=[commands], directConnection=True, tz_aware=True
    )
    for document in ADDRESSES:
        name = document.get_collection_name()
        counting = client[house.settings.database_name].get_collection(
            name, codec_options=house.store.database.codec_options
        )
        monkeypatch.setattr(document.get_settings(), "pymongo_collection", counting)
    counted, verify = Work(commands), PasswordHash.verify

    def counting_verify(self: PasswordHash, password: str | bytes, hash: str | bytes) -> bool:
        counted.hashes += 1
        return verify(self, password, hash)

    monkeypatch.setattr(PasswordHash, "verify", counting_verify)
    try:
        yield counted
    finally:
        await house.store.notes()
        await client.close()


async def asked(house: House, http: httpx.AsyncClient, work: Work, path: str, body: Any) -> tuple[Any, ...]:
    await house.store.notes()
    work.take()
    answer = await http.post(path, json=body)
    await house.store.notes()
    said = {name: value for name, value in answer.json().items() if name != "requestId"}
    return (answer.status_code, said, *work.take())


async def test_a_wrong_password_is_the_same_work_for_known_and_unknown_addresses(
    crew: Crew, house: House, http: httpx.AsyncClient, work: Work
) -> None:
    user = await crew.user("rep")
    await set_password(user, "a long pass phrase")
    emails = (user.email, f"nobody-{new_id()}@test.example")
    body = {"email": f"first-{new_id()}@test.example", "password": "wrong"}
    await http.post("/auth/sign-in", json=body)  # the first of a network begins its count
    known, unknown = [
        await asked(house, http, work, "/auth/sign-in", {"email": email, "password": "wrong"})
        for email in emails
    ]
    assert known == unknown
    status, said, hashes, commands = known
    assert (status, said["code"], hashes) == (401, "UNAUTHENTICATED", 1)
    assert commands["find credentials"] >= 1


async def test_a_locked_address_and_an_unknown_one_are_refused_alike(
    crew: Crew, house: House, http: httpx.AsyncClient, work: Work
) -> None:
    user = await crew.user("rep")
    await set_password(user, "a long pass phrase")
    answers = []
    for email in (user.email, f"nobody-{new_id()}@test.example"):
        for _ in range(8):
            await http.post("/auth/sign-in", json={"email": email, "password": "wrong"})
            await SignInTries.get_pymongo_collection().delete_many({"_id": {"$regex": "^network:"}})
        answers.append(
            await asked(
                house, http, work, "/auth/sign-in", {"email": email, "password": "a long pass phrase"}
            )
        )
    (status, known, *known_work), (_, unknown, *unknown_work) = answers
    assert (status, known["code"]) == (429, "RATE_LIMITED")
    assert (known["message"], known_work) == (unknown["message"], unknown_work)
    assert known_work[0] == 0
