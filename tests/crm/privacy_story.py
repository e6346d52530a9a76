"""A person with a history in every room, and a search for what is left of them in the whole database."""

import secrets
from dataclasses import dataclass
from typing import Any

from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from tests.crew import Crew
from tests.crm.filing import PDF, attach


@dataclass
class Story:
    """Ids of what there is about the person, and what they can be recognised by."""

    contact_id: str
    ids: dict[str, str]
    family: str
    phone: str

    @property
    def name(self) -> str:
        return f"Ottilie {self.family}"

    @property
    def email(self) -> str:
        return f"ottilie.{self.family.lower()}@person.example"

    @property
    def login(self) -> str:
        return f"{self.family.lower()}@portal.example"

    @property
    def secret(self) -> str:
        return f"Dr {self.family[::-1]} says that my blood group is AB"

    @property
    def clear(self) -> tuple[str, ...]:
        """Return what must be found nowhere afterwards."""
        number = self.phone.removeprefix("+49")
        return (self.name, self.family, self.family[::-1], self.email, self.login, number, self.spaced)

    @property
    def spaced(self) -> str:
        return f"{self.phone[3:7]} {self.phone[7:]}"


async def live(crew: Crew) -> Story:
    """Let the crew's customer be somebody, like nobody else, and have dealings with everybody."""
    letters = "".join(secrets.choice("bdfgklmnprtvwz") for _ in range(10))
    phone = f"+4915212{secrets.randbelow(900_000) + 100_000}"
    story = Story(crew.contact_id, {}, f"W{letters}", phone)
    ids = story.ids

    async def make(person: str, mutation: str, **fields: Any) -> str:
        made = await crew.people[person].do(mutation, fields)
        assert "id" in made, made
        ids.setdefault(mutation.removesuffix("Create"), made["id"])
        return str(made["id"])

    contact_id = await make(
        "manager",
        "contactCreate",
        id=crew.contact_id,
        givenName="Ottilie",
        familyName=story.family,
        fullName=story.name,
        email=story.email,
        phone=story.phone,
        otherEmails=["owl@person.example"],
        title="Head of Procurement",
        address={"street": "Elm 5", "city": "Ulm", "country": "DE"},
        description=story.secret,
        source="fair 2026",
    )
    about = {"contactId": contact_id}
    await make("manager", "taskCreate", title=f"Call {story.name}", description=story.secret, **about)
    at = "2026-05-03T09:00:00Z"
    await make(
        "manager", "activityCreate", type="CALL", at=at, subject=story.name, summary=story.secret, **about
    )
    await make(
        "manager",
        "opportunityCreate",
        name=f"500 units, {story.name}, {story.spaced}",
        amount="1200.50",
        **about,
    )
    line = {"name": "HL-30", "description": f"For {story.name}, {story.spaced}", "unitPrice": "1"}
    offer = await make(
        "manager",
        "quoteCreate",
        name=f"For {story.name}",
        terms=story.secret,
        lines=[line],
        validUntil="2999-01-31",
        **about,
    )
    submit = """mutation($input: QuoteSubmitInput!) { quoteSubmit(input: $input) { __typename } }"""
    asked = await crew.manager.ask(submit, input={"id": offer, "note": story.secret})
    assert asked["quoteSubmit"]["__typename"] == "Quote"
    contract = await make(
        "manager",
        "contractCreate",
        name=f"Care for {story.name}",
        parties=["Test", story.spaced],
        description=story.secret,
        start="2026-01-01",
        value="2400.75",
        **about,
    )
    plan = {"contractId": contract, "due": "2026-06-30", "amount": "1200.25", "name": f"From {story.name}"}
    payment = await make("manager", "paymentCreate", **plan)
    received = {"id": payment, "amount": "200.25", "note": f"by {story.name}"}
    assert (await crew.manager.do("paymentReceive", received))["__typename"] == "Payment"
    talk = await make("customer", "conversationCreate", subject=f"From {story.name}")
    await make("customer", "messageCreate", conversationId=talk, body=f"{story.secret}. {story.spaced}")
    await crew.house.relay.settle()  # who is told of a message depends on who is there when it is looked at
    await make("agent", "messageCreate", conversationId=talk, body=f"Dear {story.name}, noted.")
    await crew.house.relay.settle()
    gone = await make("customer", "messageCreate", conversationId=talk, body=f"{story.secret}, deleted")
    await crew.house.relay.settle()
    assert (await crew.manager.do("messageDelete", {"id": gone}))["__typename"] == "Deleted"
    subject = f"{story.name} asks"
    ticket = await make(
        "agent", "ticketCreate", subject=subject, description=story.secret, conversationId=talk
    )
    await crew.manager.do("ticketUpdate", {"id": ticket, "assigneeId": crew.agent.user_id})
    await crew.house.store.write(crew.system, lambda uow: _name_the_user(uow, crew, story))
    file = PDF.replace(b"%%EOF", story.secret.encode() + b"\n%%EOF")
    ids["attachment"] = (await attach(crew.manager, "contact", contact_id, file, name=f"{story.name}.pdf"))[
        "id"
    ]
    await crew.house.relay.settle()
    return story


async def _name_the_user(uow: UnitOfWork, crew: Crew, story: Story) -> None:
    user = await uow.access(User, crew.customer.user_id, action="update")
    user.name, user.email = story.name, story.login
    uow.save(user)


async def remains(crew: Crew, story: Story) -> list[str]:
    """Return each document of the whole database that still says something of the person, and what."""
    found = []
    database = crew.house.store.database
    for name in await database.list_collection_names():
        async for row in database[name].find({}):
            if row.get("workspace_id") in (None, crew.workspace_id):
                text = repr(row).lower()
                found += [f"{name} {row['_id']}: {one}" for one in story.clear if one.lower() in text]
    return found
