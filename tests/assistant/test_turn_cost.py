"""What a turn asks of the database, and what its listeners do: the guard against reading things twice."""

from functools import partial

import pytest
import svcs

from assistant import answering
from assistant.answering import Answering
from assistant.policy import AnswerMode, set_policy
from backend.core.store import Store
from tests.assistant.conftest import Desk
from tests.counting import counted_reads
from tests.crew import Crew

QUESTION = "How long do I have to return something?"


async def test_a_turn_reads_each_thing_once_and_its_listeners_no_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = desk.crew
    # On a slow machine settings would be read again meanwhile: those read from now on are believed.
    monkeypatch.setattr(answering, "BELIEVED_SECONDS", 3_600)
    async with svcs.Container(crew.house.registry) as services:
        (await services.aget(Answering))._believed.clear()
    conversation = await desk.start(crew.customer)
    await desk.ask(crew.customer, QUESTION, conversation_id=conversation)
    await crew.house.relay.settle()
    async with counted_reads(crew.house) as commands:
        commands.take()
        said = await desk.ask(crew.customer, f"{QUESTION} (2)", conversation_id=conversation)
        assert said["decision"] == "ANSWERED"
        sent = commands.take()
        # The conversation as the asker sees it, and as it is written to; what was found, with their rights.
        assert sent == {"find conversations": 2, "aggregate answers": 1, "find articles": 1}
        await crew.house.relay.settle()
        assert "find messages" not in commands.take()


async def test_what_this_process_sets_is_obeyed_at_once_and_what_another_sets_soon(
    desk: Desk, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = crew.house.store
    elsewhere = Store(store.client, crew.house.settings.database_name, store.clock)
    async with svcs.Container(crew.house.registry) as services:
        turns = await services.aget(Answering)

    async def mode() -> AnswerMode:
        return (await turns.in_force(store.unit_of_work(crew.customer.actor))).policy.mode

    async def set_mode(by: Store, mode: AnswerMode) -> None:
        await by.write(crew.system, partial(set_policy, fields={"mode": mode}))

    monkeypatch.setattr(answering, "BELIEVED_SECONDS", 3_600)
    assert await mode() is AnswerMode.EXTRACTIVE
    await set_mode(store, AnswerMode.STRICT)
    assert await mode() is AnswerMode.STRICT
    await set_mode(elsewhere, AnswerMode.EXTRACTIVE)
    assert await mode() is AnswerMode.STRICT, "it is believed for an hour here"
    monkeypatch.setattr(answering, "BELIEVED_SECONDS", 0)
    await set_mode(store, AnswerMode.GENERATED)
    assert await mode() is AnswerMode.GENERATED
    await set_mode(elsewhere, AnswerMode.STRICT)
    assert await mode() is AnswerMode.STRICT
