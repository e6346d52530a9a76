"""The answer as a stream: steps in order, pieces that make the stored text, and nothing before the check."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import svcs
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from assistant.answering import Answering
from assistant.documents import Answer
from assistant.steps import Step
from assistant.streaming import AnswerEvent, pieces, stream_answer
from backend.core.errors import InvalidInput, NotFound, Unauthenticated
from backend.core.ids import new_id
from backend.identity.documents import Session
from backend.service.documents import Message
from tests.assistant.conftest import Desk
from tests.crew import Person

PORTS = "Which firewall ports have to be open for the gateway?"
STREAM = """subscription($input: AskInput!) { answerStream(input: $input) {
    step delta citations { quote article { id version } }
    answer { id text decision citations { quote } } } }"""


@pytest.fixture
async def answering(desk: Desk) -> Answering:
    async with svcs.Container(desk.crew.house.registry) as services:
        return await services.aget(Answering)


async def heard(answering: Answering, person: Person, **asked: Any) -> list[AnswerEvent]:
    return [event async for event in stream_answer(answering, person.actor, **asked)]


async def test_the_pieces_are_the_stored_answer(desk: Desk, answering: Answering) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    events = await heard(answering, desk.crew.customer, conversation_id=conversation_id, text=PORTS)
    steps = [event.step for event in events]
    assert [step for step in Step if step in steps] == list(dict.fromkeys(steps)) == list(Step)
    (stored,) = await desk.find(Answer, conversation_id=conversation_id)
    assert "".join(event.delta for event in events) == stored.text
    assert steps.count(Step.TEXT) > 1
    (cited,) = [event.citations for event in events if event.step is Step.CITATIONS]
    assert [one.quote for one in cited] == [one.quote for one in stored.evidence if one.cited] != []
    last = events[-1].json()
    assert (last["step"], last["answer"]["id"], last["answer"]["decision"]) == ("DONE", stored.id, "ANSWERED")
    assert json.loads(json.dumps(last)) == last


async def test_the_same_mutation_streams_the_same_answer(desk: Desk, answering: Answering) -> None:
    conversation_id, mutation_id = await desk.start(desk.crew.customer), new_id()
    asked = {"conversation_id": conversation_id, "text": PORTS, "mutation_id": mutation_id}
    first = await heard(answering, desk.crew.customer, **asked)
    again = await heard(answering, desk.crew.customer, **asked)
    assert first[-1].json() == again[-1].json()
    assert len(await desk.find(Message, conversation_id=conversation_id)) == 2


async def test_who_goes_away_is_answered_all_the_same(desk: Desk, answering: Answering) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    stream = stream_answer(answering, desk.crew.customer.actor, conversation_id=conversation_id, text=PORTS)
    assert (await anext(stream)).step is Step.UNDERSTANDING
    await stream.aclose()
    await answering.close()
    (stored,) = await desk.find(Answer, conversation_id=conversation_id)
    assert stored.decision == "answered"


async def test_nothing_is_sent_to_a_session_that_ended_meanwhile(desk: Desk, answering: Answering) -> None:
    person = await desk.crew.sign_in_again("customer")
    conversation_id = await desk.start(person)
    stream = stream_answer(answering, person.actor, conversation_id=conversation_id, text=PORTS)
    sent = [await anext(stream)]
    session = await Session.get(person.actor.session_id)
    assert session is not None
    await session.delete()
    answering.actors.forget()
    with pytest.raises(Unauthenticated):
        sent += [event async for event in stream]
    assert {event.step for event in sent} <= {Step.UNDERSTANDING, Step.SEARCHING, Step.WRITING}


async def test_a_refusal_is_raised_and_nothing_stored(desk: Desk, answering: Answering) -> None:
    theirs = await desk.start(desk.crew.rep)
    before = await desk.newest()
    with pytest.raises(NotFound):
        await heard(answering, desk.crew.customer, conversation_id=theirs, text=PORTS)
    with pytest.raises(InvalidInput):
        await heard(answering, desk.crew.rep, conversation_id=theirs, text="…")
    assert await desk.newest() == before


@asynccontextmanager
async def socket_of(server: str, person: Person) -> AsyncIterator[ClientConnection]:
    url = server.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": person.headers}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        yield socket


async def test_graphql_clients_hear_the_stream_over_their_socket(desk: Desk, server: str) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    found: list[dict[str, Any]] = []
    async with socket_of(server, desk.crew.customer) as socket:
        asked = {"query": STREAM, "variables": {"input": {"conversationId": conversation_id, "text": PORTS}}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": asked}))
        while (message := json.loads(await socket.recv()))["type"] == "next":
            found.append(message["payload"]["data"]["answerStream"])
        assert message["type"] == "complete"
    assert "".join(event["delta"] or "" for event in found) == found[-1]["answer"]["text"]
    assert [event["step"] for event in found if event["answer"]] == ["DONE"]
    assert found[-1]["answer"]["decision"] == "ANSWERED"


@given(st.text(max_size=400))
def test_pieces_lose_and_add_nothing(text: str) -> None:
    assert "".join(pieces(text)) == text
