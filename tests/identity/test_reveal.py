"""Reveals: masked personal data in clear, with a reason, in the audit trail, and not without end."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from backend.core.unit_of_work import UnitOfWork
from backend.identity.sharing_documents import RevealCount
from tests.crew import Crew, Person
from tests.identity.seeing import REFUSAL, make_account
from tests.identity.test_roles import give, level, make_role

REASON = "The customer asked me to call back."
AUDIT = """query($id: ID!) { auditEvents(filter: {recordId: $id, action: "personal_data.revealed"}) {
    nodes { actorId kind recordId action details } } }"""


async def reveal(person: Person, id: str, *fields: str, reason: str = REASON, kind: str = "contact") -> Any:
    query = f"""mutation($input: RevealInput!) {{ reveal(input: $input) {{ __typename
        ... on RevealedFields {{ fields {{ name values }} }} {REFUSAL}
        ... on RateLimited {{ retryAfter }} }} }}"""
    input = {"kind": kind, "id": id, "fields": list(fields), "reason": reason}
    return (await person.ask(query, input=input))["reveal"]


async def make_contact(crew: Crew) -> str:
    made = await crew.rep.do(
        "contactCreate",
        {
            "fullName": "王芳",
            "email": "wang@acme.example",
            "otherEmails": ["fang@home.example", "w@x.example"],
            "phone": "+8613812345678",
            "address": {"city": "苏州", "country": "CN"},
            "language": "zh",
        },
    )
    assert made["__typename"] == "Contact", made
    return str(made["id"])


async def let_mask(crew: Crew) -> None:
    """Give the stranger a role under which contacts are masked, but for the e-mail, which is hidden."""
    masked = [
        {"kind": "contact", "field": field, "access": "MASKED"}
        for field in ("phone", "otherEmails", "address", "language")
    ]
    hidden = [{"kind": "contact", "field": "email", "access": "HIDDEN"}]
    await make_role(crew.admin, "caller", levels=level("contact", read="ALL"), fields=masked + hidden)
    await give(crew, "stranger", "caller")


async def count_of(crew: Crew) -> list[RevealCount]:
    return await crew.house.store.reader.find(crew.system, RevealCount, {})


async def audited(crew: Crew, id: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await crew.admin.ask(AUDIT, id=id))["auditEvents"]["nodes"]
    return nodes


async def test_masked_fields_are_shown_in_clear_and_that_is_noted_without_values(crew: Crew) -> None:
    contact = await make_contact(crew)
    await let_mask(crew)
    listed = await crew.stranger.ask("{ contacts { nodes { phone otherEmails maskedFields } } }")
    (seen,) = listed["contacts"]["nodes"]
    assert seen["phone"] == "+86****78"
    assert seen["otherEmails"] == ["f****@home.example", "w****@x.example"]
    shown = await reveal(crew.stranger, contact, "phone", "otherEmails", "address")
    assert shown == {
        "__typename": "RevealedFields",
        "fields": [
            {"name": "phone", "values": ["+8613812345678"]},
            {"name": "otherEmails", "values": ["fang@home.example", "w@x.example"]},
            {"name": "address", "values": ["city: 苏州", "country: CN"]},
        ],
    }
    (noted,) = await audited(crew, contact)
    assert (noted["actorId"], noted["kind"]) == (crew.stranger.user_id, "contact")
    assert json.loads(noted["details"]) == {"fields": ["phone", "other_emails", "address"], "reason": REASON}
    assert "13812345678" not in str(noted)


async def test_what_is_hidden_is_as_unknown_as_what_does_not_exist(crew: Crew) -> None:
    contact = await make_contact(crew)
    await let_mask(crew)
    refusals = [await reveal(crew.stranger, contact, field) for field in ("email", "colour", "language")]
    for refused, name in zip(refusals, ("email", "colour", "language"), strict=True):
        assert refused["__typename"] == "InvalidInput"
        assert refused["message"].replace(name, "…") == refusals[0]["message"].replace("email", "…")
        assert "wang" not in refused["message"]
    assert (await reveal(crew.stranger, contact))["fields"][0]["field"] == "fields"
    assert (await reveal(crew.stranger, contact, "phone", reason=" too short "))["fields"][0] == {
        "field": "reason",
        "message": "must say in 10 to 200 characters what it is for",
    }
    assert (await reveal(crew.rep, contact, "phone"))["__typename"] == "InvalidInput"  # clear already
    assert await audited(crew, contact) == []
    assert await count_of(crew) == []


async def test_who_may_not_read_a_record_has_nothing_revealed(crew: Crew) -> None:
    contact = await make_contact(crew)
    account = await make_account(crew.rep, phone="+8613812345678")
    await let_mask(crew)
    assert (await reveal(crew.stranger, account, "phone", kind="account"))["__typename"] == "NotFound"
    assert (await reveal(crew.customer, contact, "phone"))["__typename"] == "NotFound"
    assert (await reveal(crew.stranger, contact, "phone", kind="spaceship"))["__typename"] == "InvalidInput"
    assert await count_of(crew) == []


async def test_thirty_an_hour_and_no_more_even_at_once(crew: Crew) -> None:
    contact = await make_contact(crew)
    await let_mask(crew)
    await reveal(crew.stranger, contact, "phone")
    (count,) = await count_of(crew)
    started = count.at[0]

    async def fill(uow: UnitOfWork) -> None:
        (count,) = await uow.entailed(RevealCount, {})
        count.at = [started] * 28
        uow.entail(count)

    await crew.house.store.write(crew.system, fill)
    answers = await asyncio.gather(*(reveal(crew.stranger, contact, "phone") for _ in range(5)))
    assert sorted(one["__typename"] for one in answers) == ["RateLimited"] * 3 + ["RevealedFields"] * 2
    limited = next(one for one in answers if one["__typename"] == "RateLimited")
    assert 3_500 < limited["retryAfter"] <= 3_600
    assert len(await audited(crew, contact)) == 3

    async def an_hour_later(uow: UnitOfWork) -> None:
        (count,) = await uow.entailed(RevealCount, {})
        count.at = [at - timedelta(hours=1) for at in count.at]
        uow.entail(count)

    await crew.house.store.write(crew.system, an_hour_later)
    assert (await reveal(crew.stranger, contact, "phone"))["__typename"] == "RevealedFields"
    assert len((await count_of(crew))[0].at) == 1
