"""The chat over HTTP and GraphQL: what is shown, what is heard live, and what of that stays unseen."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import svcs

from assistant.chat.switchboard import MOST_LINES, Switchboard
from backend.core.ids import new_id
from backend.service.documents import Message
from tests.assistant.conftest import START, Desk
from tests.assistant.test_ask import PORTS, UNKNOWN
from tests.crew import Crew, Person
from tests.visitors import CHAT, Visiting, make_key, visit

TYPING = "mutation($id: ID!) { chatTyping(conversationId: $id) }"
SECONDS = 30.0


async def say(person: Person, conversation_id: str, body: str, **more: Any) -> dict[str, Any]:
    return await person.do("messageCreate", {"conversationId": conversation_id, "body": body, **more}, "id")


def events_of(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream. Source: HTML, section 9.2.6."""
    return [
        json.loads(part.removeprefix("data: ")) for part in text.split("\n\n") if part.startswith("data: ")
    ]


async def ask(
    http: httpx.AsyncClient, person: Person, conversation_id: str, text: str, mutation_id: str = ""
) -> httpx.Response:
    body = {"conversationId": conversation_id, "text": text, "mutationId": mutation_id or None}
    return await http.post("/assistant/ask", json=body, headers=person.headers, timeout=60)


class Line:
    """An open stream of a chat's events."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self._lines = answer, answer.aiter_lines()

    async def next(self, kind: str) -> dict[str, Any]:
        """Return the next event of this kind."""
        async with asyncio.timeout(SECONDS):
            async for line in self._lines:
                if line.startswith("data: ") and (event := json.loads(line[6:]))["kind"] == kind:
                    return dict(event)
        raise AssertionError("the stream has ended")

    async def end(self) -> list[str]:
        """Return what comes until the stream ends."""
        async with asyncio.timeout(SECONDS):
            return [line async for line in self._lines]


@asynccontextmanager
async def listening(server: str, person: Person, conversation_id: str) -> AsyncIterator[Line]:
    path = f"/assistant/conversations/{conversation_id}/events"
    async with (
        httpx.AsyncClient(base_url=server, timeout=SECONDS) as http,
        http.stream("GET", path, headers=person.headers) as answer,
    ):
        yield Line(answer)


@pytest.fixture
async def visitor(crew: Crew, http: httpx.AsyncClient) -> Visiting:
    return await visit(crew, http)


# ── what a chat shows ────────────────────────────────────────────────────────────────────────────


async def test_a_visitor_asks_is_handed_over_and_answered_by_name(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    key = await make_key(desk.crew)
    visitor = await visit(desk.crew, http, key["id"])
    answered = events_of((await ask(http, visitor.person, visitor.conversation_id, PORTS)).text)
    assert [one["step"] for one in answered if one["step"] != "TEXT"] == [
        "UNDERSTANDING", "SEARCHING", "WRITING", "CITATIONS", "DONE",
    ]  # fmt: skip
    whole = answered[-1]["answer"]
    assert "".join(one["delta"] for one in answered if one["step"] == "TEXT") == whole["text"]
    assert whole["citations"][0]["article"]["id"] == desk.ids["gateway-setup-en"]
    chat = await visitor.chat()
    assert chat["status"] == "ASSISTANT"
    assert [one["author"] for one in chat["messages"]] == ["CUSTOMER", "BOT"]
    assert chat["messages"][1]["answer"]["decision"] == "ANSWERED"
    assert chat["messages"][1]["answer"]["citations"][0]["article"] == {
        "id": desk.ids["gateway-setup-en"],
        "version": 1,
    }

    await ask(http, visitor.person, visitor.conversation_id, UNKNOWN)
    assert (await visitor.chat())["status"] == "WAITING"
    waiting = (
        "{ conversations(first: 100, filter: {state: {eq: WAITING_HUMAN}, channel: {eq: WEBCHAT}}) "
        "{ nodes { id } } }"
    )
    found = (await desk.crew.agent.ask(waiting))["conversations"]["nodes"]
    assert {"id": visitor.conversation_id} in found
    await say(desk.crew.agent, visitor.conversation_id, "A note", direction="INTERNAL")
    assert (await say(desk.crew.agent, visitor.conversation_id, "Not yet, sorry."))["__typename"] == "Message"
    chat = await visitor.chat()
    assert (chat["status"], chat["personName"]) == ("PERSON", "Agent")
    assert [(one["author"], one["authorName"]) for one in chat["messages"]][-2:] == [
        ("BOT", ""),
        ("AGENT", "Agent"),
    ]
    assert "A note" not in str(chat)


async def test_only_public_articles_answer_a_visitor(desk: Desk, http: httpx.AsyncClient) -> None:
    create = "mutation($input: ArticleCreateInput!) { articleCreate(input: $input) { id } }"
    for visibility in ("CUSTOMERS", "INTERNAL"):
        words = "The staff canteen in Gouda serves pea soup on Fridays at noon."
        article = {
            "title": "Where is the pea soup?",
            "body": words,
            "visibility": visibility,
            "publish": True,
        }
        await desk.crew.admin.ask(create, input=article)
    await desk.knowledge.library.settle(desk.crew.workspace_id)
    visitor = await visit(desk.crew, http)
    told = (
        await ask(
            http, visitor.person, visitor.conversation_id, "On which day is there pea soup in the canteen?"
        )
    ).text
    assert "Friday" not in told
    assert "Gouda" not in told
    assert events_of(told)[-1]["answer"]["decision"] in ("ABSTAINED", "CLARIFIED", "ANSWERED")


async def test_a_chat_is_its_customers_and_staffs_alone(crew: Crew, visitor: Visiting) -> None:
    body = await crew.customer.post(CHAT, id=visitor.conversation_id)
    assert (body["data"], body["errors"][0]["extensions"]["code"]) == ({"chat": None}, "NOT_FOUND")
    assert (await crew.agent.ask(CHAT, id=visitor.conversation_id))["chat"]["messages"] == []
    assert (await crew.stranger.post(CHAT, id=visitor.conversation_id))["data"] == {"chat": None}


async def test_only_the_latest_are_shown(
    crew: Crew, visitor: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.chat.reading.MOST_MESSAGES", 3)
    for number in range(5):
        await say(visitor.person, visitor.conversation_id, f"word {number}")
    chat = await visitor.chat()
    assert chat["hasEarlier"] is True
    assert [one["text"] for one in chat["messages"]] == ["word 2", "word 3", "word 4"]


async def test_a_taken_and_an_ended_chat_say_so(crew: Crew, visitor: Visiting) -> None:
    update = {"id": visitor.conversation_id, "state": "WAITING_HUMAN", "assigneeId": crew.agent.user_id}
    assert (await crew.agent.do("conversationUpdate", update, "id"))["__typename"] == "Conversation"
    assert {k: (await visitor.chat())[k] for k in ("status", "isAssigned", "personName")} == {
        "status": "WAITING", "isAssigned": True, "personName": "",
    }  # fmt: skip
    await crew.agent.do("conversationUpdate", {"id": visitor.conversation_id, "state": "RESOLVED"}, "id")
    assert (await visitor.chat())["status"] == "ENDED"


# ── asking ───────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_question_again_is_answered_once(desk: Desk, http: httpx.AsyncClient) -> None:
    visitor = await visit(desk.crew, http)
    first, again = [
        events_of((await ask(http, visitor.person, visitor.conversation_id, PORTS, "once")).text)[-1][
            "answer"
        ]
        for _ in range(2)
    ]
    assert first == again
    assert len((await visitor.chat())["messages"]) == 2


async def test_a_signed_in_customer_asks_with_their_own_token(desk: Desk, http: httpx.AsyncClient) -> None:
    customer = desk.crew.customer
    started = (await customer.ask(START, input={"channel": "WEBCHAT"}))["startConversation"]["id"]
    answer = await ask(http, customer, started, PORTS)
    assert events_of(answer.text)[-1]["answer"]["decision"] == "ANSWERED"
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [("", 422, "INVALID_INPUT"), ("…!?", 422, "INVALID_INPUT"), ("x" * 20_001, 422, "INVALID_INPUT"),
     ("x" * 100_001, 422, "INVALID_INPUT"), ("长" * 400_000, 413, "BODY_TOO_LARGE")],
)  # fmt: skip
async def test_what_says_nothing_or_too_much_is_refused_with_a_status(
    http: httpx.AsyncClient, visitor: Visiting, text: str, status: int, code: str
) -> None:
    answer = await ask(http, visitor.person, visitor.conversation_id, text)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await visitor.chat())["messages"] == []


async def test_nobody_asks_in_a_conversation_of_others_or_without_a_token(
    crew: Crew, http: httpx.AsyncClient, visitor: Visiting
) -> None:
    for person, code in ((crew.customer, "NOT_FOUND"), (crew.stranger, "NOT_FOUND")):
        assert (await ask(http, person, visitor.conversation_id, PORTS)).json()["code"] == code
    body = {"conversationId": visitor.conversation_id, "text": PORTS}
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}):
        answer = await http.post("/assistant/ask", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    path = f"/assistant/conversations/{visitor.conversation_id}/events"
    assert (await http.get(path)).status_code == 401
    assert (await http.get(path, headers=crew.customer.headers)).status_code == 404
    assert (await visitor.chat())["messages"] == []


async def test_questions_are_paid_for(
    http: httpx.AsyncClient, app: Any, visitor: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = app.state.budget
    caller = f"{visitor.person.actor.workspace_id}:visitors:127.0.0.1"
    now = budget._clock()
    monkeypatch.setattr(budget, "_clock", lambda: now)  # nothing comes back meanwhile
    budget.give_back(caller, -budget.size)
    refused = await ask(http, visitor.person, visitor.conversation_id, PORTS)
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) >= 1
    budget.give_back(caller, budget.size)


# ── live ─────────────────────────────────────────────────────────────────────────────────────────


async def test_what_an_agent_says_is_heard_at_once(crew: Crew, server: str, visitor: Visiting) -> None:
    async with listening(server, visitor.person, visitor.conversation_id) as line:
        first = await line.next("CHANGED")
        await say(crew.agent, visitor.conversation_id, "Hello")
        heard = await line.next("CHANGED")
        assert heard["version"] > first["version"]
        assert set(heard) == {"kind", "version", "author"}  # ids and versions, never a word
        assert (await visitor.chat())["version"] == heard["version"]


async def test_both_sides_see_each_other_type(crew: Crew, server: str, visitor: Visiting) -> None:
    async with (
        listening(server, visitor.person, visitor.conversation_id) as theirs,
        listening(server, crew.agent, visitor.conversation_id) as ours,
    ):
        await theirs.next("CHANGED")
        await ours.next("CHANGED")
        assert await crew.agent.ask(TYPING, id=visitor.conversation_id) == {"chatTyping": True}
        assert (await theirs.next("TYPING"))["author"] == "AGENT"
        await visitor.person.ask(TYPING, id=visitor.conversation_id)
        while (await ours.next("TYPING"))["author"] != "CUSTOMER":
            pass  # one's own is heard, too
        assert await Message.find({"conversation_id": visitor.conversation_id}).count() == 0
    refused = await crew.customer.post(TYPING, id=visitor.conversation_id)
    assert refused["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_line_goes_on_saying_that_it_is_open(
    crew: Crew, server: str, visitor: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "assistant.chat.switchboard.LOOK_EVERY", __import__("datetime").timedelta(milliseconds=50)
    )
    async with listening(server, visitor.person, visitor.conversation_id) as line:
        async with asyncio.timeout(SECONDS):
            async for text in line.answer.aiter_lines():
                if text == ": still here":
                    return
    raise AssertionError("nothing was heard")


async def test_who_loses_a_conversation_hears_no_more_of_it(
    crew: Crew, server: str, visitor: Visiting
) -> None:
    async with listening(server, visitor.person, visitor.conversation_id) as line:
        await line.next("CHANGED")
        taken = {"id": visitor.conversation_id, "contactId": new_id()}
        assert (await crew.agent.do("conversationUpdate", taken, "id"))["__typename"] == "Conversation"
        assert (await line.next("ERROR"))["code"] == "NOT_FOUND"
        assert [one for one in await line.end() if one] == []


async def test_a_person_has_only_so_many_open_chats(
    crew: Crew, server: str, visitor: Visiting, house: Any
) -> None:
    async with svcs.Container(house.registry) as services:
        switchboard = await services.aget(Switchboard)
    watching = [switchboard.hear(visitor.person.actor, visitor.conversation_id) for _ in range(MOST_LINES)]
    for one in watching:
        await anext(one)
    async with listening(server, visitor.person, visitor.conversation_id) as line:
        assert line.answer.status_code == 429
    for one in watching:
        await one.aclose()
    async with listening(server, visitor.person, visitor.conversation_id) as line:
        await line.next("CHANGED")
