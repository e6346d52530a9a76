"""A turn as a stream of events, the same for GraphQL subscriptions and server-sent events.

    answering = await services.aget(Answering)
    async for event in stream_answer(answering, actor, conversation_id=…, text=…, mutation_id=…):
        event.step, event.json()

First what is being done (UNDERSTANDING, SEARCHING, WRITING), then the answer in pieces (TEXT: together they
are exactly the stored text), its CITATIONS, and DONE with the whole answer. Nothing of an answer leaves
before it is checked and stored, so a piece never has to be taken back; right before the first piece the
rights of who listens are looked up again. Refusals are raised as ``ask`` raises them.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any

from assistant.answering import Answering
from assistant.documents import Answer, Evidence
from assistant.steps import Step
from assistant.turn import ask
from backend.core.access import Actor

PIECE = 24  # characters that a piece of text has at least, to the end of the word


@dataclass(frozen=True, kw_only=True)
class AnswerEvent:
    """One event: ``delta`` with TEXT, ``citations`` with CITATIONS, ``answer`` with DONE, else nothing."""

    step: Step
    delta: str = ""
    citations: tuple[Evidence, ...] = ()
    answer: Answer | None = None

    def json(self) -> dict[str, Any]:
        """Return the event as JSON clients read it: names as in GraphQL."""
        found: dict[str, Any] = {"step": self.step.name}
        if self.step is Step.TEXT:
            found["delta"] = self.delta
        if self.step is Step.CITATIONS:
            found["citations"] = [_citation(one) for one in self.citations]
        if self.answer is not None:
            found["answer"] = _answer(self.answer)
        return found


async def stream_answer(
    answering: Answering,
    actor: Actor,
    *,
    conversation_id: str,
    text: str,
    mutation_id: str | None = None,
) -> AsyncGenerator[AnswerEvent, None]:
    """Ask and yield the turn's events; a listener who goes away does not stop the turn.

    The same ``mutation_id`` again streams the first answer and stores nothing. Raise what ``ask`` raises,
    Unauthenticated when the session ended meanwhile and NotFound when the conversation is no longer theirs.
    """
    steps: asyncio.Queue[Step | None] = asyncio.Queue()
    turn = answering.begin(
        ask(
            answering,
            actor,
            conversation_id=conversation_id,
            text=text,
            mutation_id=mutation_id,
            notice=steps.put_nowait,
        )
    )
    turn.add_done_callback(lambda _: steps.put_nowait(None))
    while (step := await steps.get()) is not None:
        yield AnswerEvent(step=step)
    answer = await turn
    actor = await answering.actors.renewed(actor)
    await answering.store.unit_of_work(actor).access(Answer, answer.id)
    for piece in pieces(answer.text):
        yield AnswerEvent(step=Step.TEXT, delta=piece)
    yield AnswerEvent(step=Step.CITATIONS, citations=tuple(one for one in answer.evidence if one.cited))
    yield AnswerEvent(step=Step.DONE, answer=answer)


def pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces that end after a word or Chinese character; joined they are the text."""
    start = 0
    for match in re.finditer(r"\s+|(?<=[\u3000-\u9fff\uff00-\uffef])", text):
        if match.end() - start >= PIECE:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _citation(evidence: Evidence) -> dict[str, Any]:
    article = {
        "id": evidence.article_id,
        "version": evidence.article_version,
        "title": evidence.title,
        "locale": evidence.locale,
    }
    return {"article": article, "quote": evidence.quote}


def _answer(answer: Answer) -> dict[str, Any]:
    ticket = {"id": answer.ticket_id, "number": answer.ticket_number} if answer.ticket_id else None
    return {
        "id": answer.id,
        "messageId": answer.message_id,
        "text": answer.text,
        "decision": answer.decision.name,
        "confidence": answer.confidence,
        "reason": answer.reason.name,
        "citations": [_citation(one) for one in answer.evidence if one.cited],
        "parts": [_part(answer, number) for number in range(len(answer.parts))],
        "ticket": ticket,
        "locale": answer.language,
    }


def _part(answer: Answer, number: int) -> dict[str, Any]:
    part = answer.parts[number]
    return {
        "question": part.question,
        "decision": part.decision.name,
        "reason": part.reason.name,
        "confidence": part.confidence,
        "citations": [_citation(one) for one in answer.evidence if one.cited and one.part == number],
    }
