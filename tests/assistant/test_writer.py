"""The language model: a real small one that lies, peers that speak badly, budget, what it never gets."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import svcs

from assistant.answering import Answering
from assistant.documents import Answer, Mode
from assistant.model_budget import ModelUsage
from assistant.steps import Step
from assistant.streaming import stream_answer
from assistant.writer import FAILURES_IN_A_ROW, Writer
from backend.core.errors import Unavailable
from backend.core.settings import Settings
from tests.assistant.conftest import Desk
from tests.assistant.language_models import (
    badly_spoken,
    body_of,
    http,
    larger_weights,
    serving,
    small_weights,
)
from tests.assistant.test_policy import set_policy

USAGES = "{ modelUsages { month tokens calls draftsRefused failures } }"
ASKED = [
    "Which firewall ports have to be open for the gateway?",
    "How long can I return something?",
    "How do I invite somebody?",
    "How long is the warranty?",
    "Where do I download invoices?",
    "防火墙要放行哪些端口？",
]


def writer_of(url: str, *, seconds: float = 60.0) -> Writer:
    writer = Writer.of(Settings(llm_url=url, llm_model="local", llm_seconds=seconds))
    assert writer is not None
    return writer


@pytest.fixture
async def generated(desk: Desk) -> AsyncIterator[Answering]:
    """The house's answering, in a workspace whose answers may be generated; the test sets ``writer``."""
    async with svcs.Container(desk.crew.house.registry) as services:
        answering = await services.aget(Answering)
    await set_policy(desk.crew, mode="GENERATED", monthlyTokens=1_000_000)
    yield replace(answering, writer=None)
    await set_policy(desk.crew, mode="EXTRACTIVE")


async def asked(desk: Desk, answering: Answering, text: str) -> Answer:
    conversation_id = await desk.start(desk.crew.customer)
    stream = stream_answer(answering, desk.crew.customer.actor, conversation_id=conversation_id, text=text)
    events = [event async for event in stream]
    answer = events[-1].answer
    assert answer is not None
    assert "".join(event.delta for event in events if event.step is Step.TEXT) == answer.text
    return answer


async def usage(desk: Desk) -> dict[str, Any]:
    found = (await desk.crew.admin.ask(USAGES))["modelUsages"]
    return found[0] if found else {"tokens": 0, "calls": 0, "draftsRefused": 0, "failures": 0}


@pytest.fixture(scope="module")
def lying_model() -> Iterator[str]:
    with serving(small_weights()) as url:
        yield url


async def test_a_real_model_that_lies_is_caught(desk: Desk, generated: Answering, lying_model: str) -> None:
    """Whatever it writes, what is shown claims no number that the cited words do not have."""
    writer = writer_of(lying_model)
    answering, before = replace(generated, writer=writer), await usage(desk)
    refused = 0
    for text in ASKED:
        answer = await asked(desk, answering, text)
        cited = " ".join(one.quote for one in answer.evidence if one.cited)
        said = answer.text.rsplit("\n\n", 1)[0]
        if answer.decision != "answered":
            continue
        assert answer.draft_refused == "" or answer.mode is Mode.EXTRACTIVE
        if answer.mode is Mode.EXTRACTIVE:
            refused += 1
            assert cited in said
        assert set(re.findall(r"\d+", said)) <= set(re.findall(r"\d+", cited))
    spent = await usage(desk)
    assert refused >= 2  # it lies: were all its drafts good, this test would prove nothing
    unusable = spent["draftsRefused"] - before["draftsRefused"] + spent["failures"] - before["failures"]
    assert unusable == refused
    assert spent["calls"] - before["calls"] >= refused
    assert spent["tokens"] > before["tokens"]
    await writer.close()


@pytest.mark.llm
async def test_a_larger_model_writes_answers_that_pass(desk: Desk, generated: Answering) -> None:
    with serving(larger_weights()) as url:
        writer = writer_of(url, seconds=120)
        answers = [await asked(desk, replace(generated, writer=writer), text) for text in ASKED]
        await writer.close()
    written = [one for one in answers if one.mode is Mode.GENERATED]
    assert written
    for one in written:
        cited = " ".join(e.quote for e in one.evidence if e.cited)
        said = one.text.rsplit("\n\n", 1)[0]
        assert set(re.findall(r"\d+", said)) <= set(re.findall(r"\d+", cited))


def completion(text: str, **more: Any) -> bytes:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | more
    return http(json.dumps({"choices": [choice], "usage": {"total_tokens": 90}}).encode())


async def sent(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    for part in parts:
        writer.write(part)
        await writer.drain()


GARBAGE = {
    "no json": http(b"\xff\xfe{garbage"),
    "no choices": http(b'{"choices": []}'),
    "another shape": http(b'[1, 2, "three"]'),
    "null content": http(b'{"choices": [{"message": {"content": null}}]}'),
    "an error": http(b'{"error": "overloaded"}', "503 Service Unavailable"),
    "a page": http(b"<html>login</html>"),
    "cut short": http(b'{"choices": [', length=4_000),
    "not http": b"\x00\x01\x02 SSH-2.0-nonsense\r\n",
    "nothing": b"",
    "cut off by length": completion("The gateway needs TCP 8883", finish_reason="length"),
    "too much": http(b" " * 300_000),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_falls_back_to_the_articles_own_words(
    desk: Desk, generated: Answering, name: str
) -> None:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await sent(writer, GARBAGE[name])

    before = await usage(desk)
    async with badly_spoken(reply) as url:
        writer = writer_of(url)
        answer = await asked(desk, replace(generated, writer=writer), ASKED[0])
        await writer.close()
    assert (answer.decision, answer.mode) == ("answered", Mode.EXTRACTIVE)
    assert "TCP 8883" in answer.text
    assert answer.draft_refused.startswith("The language model")
    spent = await usage(desk)
    assert (spent["failures"], spent["tokens"]) == (before["failures"] + 1, before["tokens"])


async def test_an_endless_and_a_silent_stream_end_in_time(desk: Desk, generated: Answering) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await sent(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await sent(writer, b"1\r\n \r\n")
            await asyncio.sleep(0.02)

    async def silence(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    for reply in (drip, silence):
        async with badly_spoken(reply) as url:
            writer = writer_of(url, seconds=0.5)
            answer = await asked(desk, replace(generated, writer=writer), ASKED[0])
            await writer.close()
        assert answer.mode is Mode.EXTRACTIVE
        assert "took longer than 0.5 s" in answer.draft_refused or "ReadTimeout" in answer.draft_refused


async def test_what_fails_again_and_again_is_left_alone() -> None:
    heard = 0

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        await sent(writer, GARBAGE["an error"])

    async with badly_spoken(reply) as url:
        writer = writer_of(url)
        await fail_until_left_alone(writer)
        await writer.close()
    assert heard == FAILURES_IN_A_ROW


async def fail_until_left_alone(writer: Writer) -> None:
    """Ask a model that answers 503 as often as it takes not to be asked any more."""
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(Unavailable, match="503"):
            await writer.write("system", "user")
    with pytest.raises(Unavailable, match="left alone"):
        await writer.write("system", "user")


async def test_after_a_while_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.writer.LEFT_ALONE_SECONDS", 0.3)
    answers = [GARBAGE["an error"]] * FAILURES_IN_A_ROW + [completion("TCP 8883")] * 2

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await body_of(reader)
        await sent(writer, answers.pop(0))

    async with badly_spoken(reply) as url:
        writer = writer_of(url)
        await fail_until_left_alone(writer)
        await asyncio.sleep(0.4)
        for _ in range(2):
            assert (await writer.write("system", "user")).text == "TCP 8883"
        await writer.close()
    assert answers == []


async def test_what_the_customer_and_their_company_are_called_is_not_sent(
    desk: Desk, generated: Answering
) -> None:
    """Even where a name is a word like any other: it is covered in the question, and found in the article."""
    agent, sent_out = desk.crew.agent, []
    account = await desk.crew.manager.do("accountCreate", {"name": "Firewall"})
    fields = {"fullName": "Gateway Noor", "givenName": "Gateway", "familyName": "Noor"}
    contact = await desk.crew.manager.do("contactCreate", fields)
    about = {"contactId": contact["id"], "accountId": account["id"]}
    talk = await agent.do("conversationCreate", about)

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent_out.append((await body_of(reader)).decode())
        await sent(writer, completion("The firewall must open only outbound TCP 8883, TCP 443 and UDP 123."))

    async with badly_spoken(reply) as url:
        writer = writer_of(url)
        answering = replace(generated, writer=writer)
        stream = stream_answer(answering, agent.actor, conversation_id=talk["id"], text=ASKED[0])
        answer = [event async for event in stream][-1].answer
        await writer.close()
    assert answer is not None
    assert (answer.question, answer.decision, answer.draft_refused) == (ASKED[0], "answered", "")
    assert answer.mode is Mode.GENERATED
    (body,) = sent_out
    assert "Which [NAME] ports have to be open for the [NAME]?" in body


async def test_a_good_draft_is_shown_and_a_lie_by_the_same_peer_is_not(
    desk: Desk, generated: Answering
) -> None:
    said = ["The firewall must open only outbound TCP 8883, TCP 443 and UDP 123."]
    bodies: list[dict[str, Any]] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(json.loads(await body_of(reader)))
        await sent(writer, completion(said[0]))

    async with badly_spoken(reply) as url:
        writer = writer_of(url)
        answering = replace(generated, writer=writer)
        question = f"{ASKED[0]} kim@example.com, +47 912 34 567"
        good = await asked(desk, answering, question)
        said[0] = "The firewall must open TCP 8884, and we will refund you."
        lie = await asked(desk, answering, ASKED[0])
        await writer.close()
    assert (good.mode, good.text.splitlines()[0]) == (
        Mode.GENERATED,
        "The firewall must open only outbound TCP 8883, TCP 443 and UDP 123.",
    )
    assert [one.cited for one in good.evidence][:1] == [True]
    assert good.model_ids[-1] == "local"
    assert (lie.mode, lie.draft_refused) == (Mode.EXTRACTIVE, "number 8884")
    sent_out = json.dumps(bodies[0])
    assert "kim@example.com" not in sent_out
    assert "912 34 567" not in sent_out
    assert "[EMAIL]" in sent_out


async def test_of_several_questions_each_draft_is_checked_by_itself(desk: Desk, generated: Answering) -> None:
    """What is true of one question's article is a lie under the other."""
    draft = "The firewall must open only outbound TCP 8883, TCP 443 and UDP 123."

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await body_of(reader)
        await sent(writer, completion(draft))

    async with badly_spoken(reply) as url:
        writer = writer_of(url)
        answer = await asked(desk, replace(generated, writer=writer), f"{ASKED[0]} {ASKED[1]}")
        await writer.close()
    first, second = answer.text.split(f"> **{ASKED[1]}**")
    assert first.startswith(f"> **{ASKED[0]}**\n\n{draft}\n\nSource: ")
    assert draft not in second
    assert "30 days from delivery" in second
    assert (answer.mode, answer.draft_refused.split()[0]) == (Mode.GENERATED, "number")


async def test_the_months_budget_is_not_passed_even_by_questions_at_once(
    desk: Desk, generated: Answering
) -> None:
    heard, refused = 0, asyncio.Event()

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        await refused.wait()  # what was taken for this call is taken until it ends
        await sent(writer, completion("TCP 8883"))

    spent = await usage(desk)
    await set_policy(desk.crew, monthlyTokens=spent["tokens"] + 900)  # room for one call of some 600
    async with badly_spoken(reply) as url:
        writer = writer_of(url, seconds=60)
        answering = replace(generated, writer=writer)
        asking = [asyncio.create_task(asked(desk, answering, ASKED[0])) for _ in range(4)]
        while sum(one.done() for one in asking) < 3:
            await asyncio.wait([one for one in asking if not one.done()], return_when=asyncio.FIRST_COMPLETED)
        refused.set()
        answers = await asyncio.gather(*asking)
        await writer.close()
    assert sum(one.draft_refused == "the month's tokens are spent" for one in answers) == 3
    assert heard == 1
    assert {one.decision for one in answers} == {"answered"}
    (kept,) = await desk.find(ModelUsage)
    assert kept.tokens <= spent["tokens"] + 900


async def test_what_is_not_answered_is_never_written_about(desk: Desk, generated: Answering) -> None:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("nobody asks the model")

    async with badly_spoken(reply) as url:
        writer = writer_of(url)
        for text in ("你好！", "I want to talk to a human", "Who is the managing director of Hanlu?"):
            answer = await asked(desk, replace(generated, writer=writer), text)
            assert answer.mode is Mode.TEMPLATE
        await writer.close()


@pytest.mark.parametrize("url", ["ftp://models.example", "models.example/v1", "http://", "http://x:0/v1"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a language model"):
        Settings(llm_url=url)


async def test_no_address_no_writer() -> None:
    assert Writer.of(Settings()) is None
    assert httpx.URL("http://127.0.0.1/v1/").join("chat/completions").path == "/v1/chat/completions"
