"""One working day, told against a running Rapport: run it, read it, copy from it.

    make up                                        # in one shell
    .venv/bin/python -m examples.working_day       # in another

The phones are real RxDB clients in Node; everything else is plain HTTP. The test
``tests/e2e/test_a_working_day.py`` plays the same steps and checks every fact.
"""

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from mobile_sync.rxdb_schemas import rxdb_schemas
from tests.phones.rxdb_phone import RxdbPhone

PASSWORD = "rapport-demo"
ON_THE_PHONE = ("account", "contact", "opportunity", "task", "ticket")

Json = dict[str, Any]


@dataclass
class Desk:
    """Somebody's signed-in GraphQL client."""

    http: httpx.AsyncClient
    token: str
    user_id: str

    async def ask(self, query: str, **variables: Any) -> Json:
        answer = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        body = answer.json()
        if body.get("errors"):
            raise RuntimeError(body["errors"])
        data: Json = body["data"]
        return data


@dataclass
class WorkingDay:
    """The day's people and what they leave to each other."""

    base: str
    http: httpx.AsyncClient
    people: dict[str, Desk] = field(default_factory=dict)

    async def sign_in(self, who: str) -> Desk:
        """Sign in with the demo's password."""
        if who not in self.people:
            body = {"email": f"{who}@demo.example", "password": PASSWORD}
            answer = await self.http.post("/auth/sign-in", json=body)
            answer.raise_for_status()
            found = answer.json()
            self.people[who] = Desk(self.http, found["accessToken"], found["user"]["id"])
        return self.people[who]

    @contextlib.asynccontextmanager
    async def phone(self, who: str, name: str) -> AsyncIterator[RxdbPhone]:
        """Give ``who`` a phone that has pulled all it may see."""
        import main

        collections = [one for module in main.MODULES for one in module.synced if one.name in ON_THE_PHONE]
        token = (await self.sign_in(who)).token
        url = f"{self.base}/graphql"
        async with RxdbPhone(url, schemas=rxdb_schemas(collections), token=token, name=name) as phone:
            await phone.start()
            yield phone

    # ── 1. a rep's phone ─────────────────────────────────────────────────────────────────────────

    async def count_rows(self, phone: RxdbPhone) -> dict[str, int]:
        """Return how many rows of each collection the phone holds."""
        return {name: await phone.count(name) for name in ON_THE_PHONE}

    # ── 2. offline, and back ─────────────────────────────────────────────────────────────────────

    async def edit_on_both_sides(self, phone: RxdbPhone, tablet: RxdbPhone) -> Json:
        """Offline the rep changes an amount and adds a task, while the manager moves the deal's stage."""
        deals = await phone.dump("opportunity")
        deal = next(row for row in deals if row["stage"] == "proposal")
        task_id = str(uuid.uuid4())
        await phone.pause()
        await phone.patch("opportunity", deal["id"], {"amount": "123456.78"})
        await phone.insert(
            "task", {"id": task_id, "title": "带样机去现场 Bring the sample", "opportunityId": deal["id"]}
        )
        manager = await self.sign_in("manager")
        moved = await manager.ask(
            """mutation($id: ID!) { opportunityUpdate(input: {id: $id, stage: "negotiation"}) {
                __typename ... on Opportunity { id stage version } ... on Error { message } } }""",
            id=deal["id"],
        )
        assert moved["opportunityUpdate"]["__typename"] == "Opportunity", moved
        await phone.resume()
        await phone.in_sync()
        both = {"amount": "123456.78", "stage": "negotiation"}
        return {
            "deal": deal,
            "task": task_id,
            "on_phone": await phone.wait_for("opportunity", deal["id"], **both),
            "on_tablet": await tablet.wait_for("opportunity", deal["id"], **both),
            "task_on_tablet": await tablet.wait_for("task", task_id),
        }

    # ── 3. a ticket reaches its agent ────────────────────────────────────────────────────────────

    async def register_device(self, who: str, registration: str) -> Json:
        """Let pushes reach the device of ``who``."""
        desk = await self.sign_in(who)
        found = await desk.ask(
            """mutation($i: DeviceRegisterInput!) { deviceRegister(input: $i) {
                __typename ... on Device { id } ... on Error { message } } }""",
            i={"kind": "TOKEN", "value": registration, "platform": "ANDROID", "mutationId": registration},
        )
        device: Json = found["deviceRegister"]
        return device

    async def assign_a_ticket(self) -> Json:
        """The manager assigns an open ticket to the agent; return the ticket."""
        manager, agent = await self.sign_in("manager"), await self.sign_in("agent")
        open_tickets = await manager.ask(
            """{ tickets(first: 50, filter: {status: {in: [NEW, OPEN]}}) {
                nodes { id number subject assigneeId version } } }"""
        )
        ticket = next(row for row in open_tickets["tickets"]["nodes"] if row["assigneeId"] != agent.user_id)
        done = await manager.ask(
            """mutation($i: TicketAssignInput!) { ticketAssign(input: $i) {
                __typename ... on Ticket { id number subject assigneeId } ... on Error { message } } }""",
            i={
                "id": ticket["id"],
                "assigneeId": agent.user_id,
                "expectedVersion": ticket["version"],
                "mutationId": f"assign {ticket['id']}",
            },
        )
        assigned: Json = done["ticketAssign"]
        return assigned

    async def inbox_line_about(self, who: str, subject_id: str) -> Json:
        """Return the inbox line about a record as soon as it is there."""
        desk = await self.sign_in(who)
        async with asyncio.timeout(15):
            while True:
                found = await desk.ask(
                    "{ unreadCount notifications(first: 20) { nodes { id type subjectId title body } } }"
                )
                for line in found["notifications"]["nodes"]:
                    if line["subjectId"] == subject_id:
                        return {**line, "unread": found["unreadCount"]}
                await asyncio.sleep(0.1)

    # ── 4. a customer asks ───────────────────────────────────────────────────────────────────────

    async def start_conversation(self) -> str:
        """Open a chat as the demo's customer."""
        customer = await self.sign_in("customer")
        found = await customer.ask("mutation { startConversation(input: {channel: WEBCHAT}) { id } }")
        conversation_id: str = found["startConversation"]["id"]
        return conversation_id

    async def ask_the_bot(self, conversation_id: str, text: str) -> Json:
        """Ask, and return the answer."""
        customer = await self.sign_in("customer")
        found = await customer.ask(
            """mutation($i: AskInput!) { ask(input: $i) { text decision confidence reason
                citations { quote article { id title version } } ticket { id number } } }""",
            i={"conversationId": conversation_id, "text": text, "mutationId": str(uuid.uuid4())},
        )
        answer: Json = found["ask"]
        return answer

    # ── 5. the agent takes over ──────────────────────────────────────────────────────────────────

    async def open_ticket(self, ticket_id: str) -> Json:
        """Open a ticket as the agent: its words, suggested replies, the customer, what to do next."""
        agent = await self.sign_in("agent")
        ticket = (
            await agent.ask(
                "query($id: ID!) { ticket(id: $id) { id number subject status contactId conversationId } }",
                id=ticket_id,
            )
        )["ticket"]
        rest = await agent.ask(
            """query($ticket: ID!, $contact: ID!, $conversation: ID!) {
                conversation(id: $conversation) {
                    messages(first: 50) { nodes { direction authorKind body } } }
                suggestReplies(ticketId: $ticket, first: 3) {
                    text confidence citations { quote article { id title version } } }
                customerProfile(id: $contact) { facts { label value at evidence { kind id title } } }
                nextBestActions(subjectId: $ticket, first: 3) {
                    action value probability score reasons factors { name weight evidence } } }""",
            ticket=ticket["id"],
            contact=ticket["contactId"],
            conversation=ticket["conversationId"],
        )
        return {"ticket": ticket, **rest}


ANSWERABLE = {
    "en": "Which firewall ports have to be open for the gateway?",
    "zh": "三点校准一支多少钱？",
}
UNANSWERABLE = "Do you sponsor the Suzhou marathon next spring?"


async def play(base: str) -> None:
    """Play the day and say what happens."""
    async with httpx.AsyncClient(base_url=base, timeout=60) as http:
        day = WorkingDay(base, http)
        print("1. A rep signs in on a phone and a tablet.")
        async with day.phone("rep", "phone") as phone, day.phone("rep", "tablet") as tablet:
            print("   the phone holds", await day.count_rows(phone))
            print("2. On the train the rep changes an amount and adds a task; the manager moves the stage.")
            edited = await day.edit_on_both_sides(phone, tablet)
            print(f"   both survive on both: {edited['on_tablet']['amount']}, {edited['on_tablet']['stage']}")
        print("3. The manager assigns a ticket to the agent.")
        ticket = await day.assign_a_ticket()
        line = await day.inbox_line_about("agent", ticket["id"])
        print(f"   {ticket['number']} → inbox: {line['title']}")
        print("4. A customer asks.")
        conversation_id = await day.start_conversation()
        for text in ANSWERABLE.values():
            answer = await day.ask_the_bot(conversation_id, text)
            print(f"   {text}\n     {answer['decision']}: {answer['text']}")
            for citation in answer["citations"]:
                article = citation["article"]
                print(f"     “{citation['quote']}” — {article['title']}, version {article['version']}")
        unknown = await day.ask_the_bot(conversation_id, UNANSWERABLE)
        print(f"   {UNANSWERABLE}\n     {unknown['decision']}: {unknown['text']}")
        print("5. The agent opens the ticket that came of it.")
        opened = await day.open_ticket(unknown["ticket"]["id"])
        for reply in opened["suggestReplies"]:
            print(f"   suggested ({reply['confidence']:.2f}): {reply['text'][:100]}")
        for fact in opened["customerProfile"]["facts"][:5]:
            print(f"   known: {fact['label']}: {fact['value']}")
        for action in opened["nextBestActions"]:
            print(f"   next: {action['action']} ({action['score']:.2f}): {action['reasons'][0]}")


if __name__ == "__main__":
    asyncio.run(play(os.environ.get("RAPPORT_URL", "http://127.0.0.1:8000")))
