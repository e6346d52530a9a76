"""One turn: a question is looked up with the asker's rights, decided, and stored with its answer at once."""

import time
from dataclasses import dataclass

from assistant.answering import Answering
from assistant.citations import Quotation
from assistant.compose import compose_answer, compose_choice, compose_hand_over, compose_small_talk
from assistant.confidence import load_calibration
from assistant.decide import Verdict, decide, decide_without_search, prefer
from assistant.documents import Answer, Decision, Evidence, Mode, Reason
from assistant.steps import Notice, Step, unheard
from assistant.understand import Understood, understand
from backend.core.access import Actor
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.fields import new_record
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.service.conversations import set_conversation
from backend.service.documents import AuthorKind, Conversation, MessageDirection, Ticket
from backend.service.hand_off import hand_off_to_ticket
from backend.service.messages import ONE_TICK, add_message
from backend.service.rules import LONGEST_MESSAGE, HandledBy
from knowledge.documents import Visibility
from knowledge.search import Hit, KnowledgeBase, SearchResult
from knowledge.text import Language

ARTICLES_LOOKED_AT = 8  # also for translations of what the other language answers
ARTICLES_ABROAD = 3
OTHER: dict[Language, Language] = {"zh": "en", "en": "zh"}
LONGEST_SUBJECT = 120  # characters of the question that a ticket's heading shows


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Everything about a turn that was worked out before anything is written."""

    answer_id: str
    conversation_id: str
    question: str
    understood: Understood
    verdict: Verdict
    found: tuple[SearchResult, ...]
    latency_ms: int


async def ask(
    answering: Answering,
    actor: Actor,
    *,
    conversation_id: str,
    text: str,
    mutation_id: str | None = None,
    notice: Notice = unheard,
) -> Answer:
    """Answer ``text`` in a conversation of the actor; question, answer and ticket are one commit.

    The same ``mutation_id`` again returns the first answer and stores nothing. ``notice`` is told each step
    as it begins. Raise InvalidInput for a text that is blank or too long, NotFound for a conversation that
    the actor may not see.
    """
    question = check_question(text)
    store = answering.store
    uow = store.unit_of_work(actor)
    await uow.access(Conversation, conversation_id, action="update")
    if not uow.may(Answer.kind, "create"):
        raise Forbidden("create", Answer.kind)
    turn = await _work_out(uow, answering.knowledge, conversation_id, question, notice)
    stored = await store.write(actor, lambda unit: save_turn(unit, turn), mutation_id=mutation_id)
    if not isinstance(stored, Answer):
        raise InvalidInput(
            FieldError("mutation_id", "was used for something else before; make a new one for each question")
        )
    return stored


def check_question(text: str) -> str:
    """Return the question without surrounding space; raise InvalidInput when it is blank or too long."""
    question = text.strip()
    if not any(character.isalnum() for character in question):
        raise InvalidInput(FieldError("text", "says nothing; write your question in words, then send it"))
    if len(question) > LONGEST_MESSAGE:
        raise InvalidInput(
            FieldError(
                "text",
                f"has {len(question)} characters and may have {LONGEST_MESSAGE}; ask in fewer words",
            )
        )
    return question


async def _work_out(
    uow: UnitOfWork, knowledge: KnowledgeBase, conversation_id: str, question: str, notice: Notice
) -> Turn:
    """Understand, look up and decide: everything slow, before the unit that writes."""
    started = time.perf_counter()
    notice(Step.UNDERSTANDING)
    understood = understand(question)
    found: tuple[SearchResult, ...] = ()
    verdict = decide_without_search(understood)
    if verdict is None:
        notice(Step.SEARCHING)
        await knowledge.embedder.wait_until_ready()  # its first seconds are worth a wait: words alone guess
        verdict, found = await look_up(uow, knowledge, question, understood.language)
    notice(Step.WRITING)
    return Turn(
        answer_id=new_id(),
        conversation_id=conversation_id,
        question=question,
        understood=understood,
        verdict=verdict,
        found=found,
        latency_ms=round((time.perf_counter() - started) * 1000),
    )


async def look_up(
    uow: UnitOfWork, knowledge: KnowledgeBase, question: str, language: Language
) -> tuple[Verdict, tuple[SearchResult, ...]]:
    """Search in the asker's language, and in the other one when that does not answer."""
    home = await knowledge.search(uow, question, locale=language, first=ARTICLES_LOOKED_AT)
    verdict = decide(question, home, load_calibration(), now=uow.at)
    if verdict.decision is Decision.ANSWERED:
        return verdict, (home,)
    abroad = await knowledge.search(uow, question, locale=OTHER[language], first=ARTICLES_ABROAD)
    answer = prefer(
        verdict,
        decide(question, abroad, load_calibration(), now=uow.at),
        at_home=home,
        found_abroad=abroad,
        now=uow.at,
    )
    return answer, (home, abroad)


async def save_turn(uow: UnitOfWork, turn: Turn) -> Answer:
    """Store the question, the answer and, where people take over, the ticket."""
    conversation = await uow.access(Conversation, turn.conversation_id, action="update")
    # Staff may read more than the customer: what they ask and are told stays an internal note.
    private = not uow.actor.is_customer
    asked = await add_message(
        uow,
        conversation.id,
        turn.question,
        direction=MessageDirection.INTERNAL if private else MessageDirection.INBOUND,
    )
    ticket = await _hand_over(uow, conversation, turn, private=private)
    answer = await _answer_record(uow, conversation, turn, ticket, private=private)
    message = await add_message(
        uow,
        conversation.id,
        answer.text,
        direction=MessageDirection.INTERNAL if private else MessageDirection.OUTBOUND,
        author_kind=AuthorKind.BOT,
        author_id="assistant",
        answer_id=answer.id,
        at=asked.at + ONE_TICK,
    )
    if ticket is not None:
        await set_conversation(uow, conversation.id, handled_by=HandledBy.NONE)
    answer.message_id = message.id
    uow.save(answer)
    _note_answer(uow, answer)
    return answer


def _note_answer(uow: UnitOfWork, answer: Answer) -> None:
    """Tell the audit what the machine decided and on what grounds; what was said may be erased, this not."""
    details = {
        "decision": answer.decision,
        "confidence": answer.confidence,
        "threshold": answer.threshold,
        "articles": [one.article_id for one in answer.evidence if one.cited],
        "models": answer.model_ids,
        "conversation_id": answer.conversation_id,
    }
    uow.note("assistant.answered", kind=Answer.kind, id=answer.id, details=details)


async def _hand_over(
    uow: UnitOfWork, conversation: Conversation, turn: Turn, *, private: bool
) -> Ticket | None:
    """Give an unanswered question to people; staff who ask about a customer's matter are those people."""
    if turn.verdict.decision not in (Decision.ABSTAINED, Decision.HANDED_OFF):
        return None
    if private and conversation.contact_id is not None:
        return None
    return await hand_off_to_ticket(
        uow,
        conversation.id,
        reason=turn.verdict.reason,
        subject=_subject(turn.question),
        summary=_summary(turn),
    )


async def _answer_record(
    uow: UnitOfWork, conversation: Conversation, turn: Turn, ticket: Ticket | None, *, private: bool
) -> Answer:
    verdict = turn.verdict
    answer = await new_record(
        uow,
        Answer,
        {
            "conversation_id": conversation.id,
            "question": turn.question,
            "language": turn.understood.language,
            "intent": turn.understood.intent,
            "text": _text(turn, ticket),
            "mode": Mode.EXTRACTIVE if verdict.quotations else Mode.TEMPLATE,
            "decision": verdict.decision,
            "reason": verdict.reason,
            "confidence": verdict.confidence,
            "threshold": verdict.threshold,
            "evidence": _evidence(turn),
            "model_ids": _model_ids(turn),
            "latency_ms": turn.latency_ms,
        },
        id=turn.answer_id,
    )
    answer.ticket_id = ticket.id if ticket else None
    answer.ticket_number = ticket.number if ticket else ""
    answer.for_staff = private
    return answer


def _model_ids(turn: Turn) -> list[str]:
    models = dict.fromkeys(result.model for result in turn.found if result.model)
    return [*models, load_calibration().name] if turn.found else []


def _text(turn: Turn, ticket: Ticket | None) -> str:
    verdict, language = turn.verdict, turn.understood.language
    if verdict.reason is Reason.SMALL_TALK:
        return compose_small_talk(turn.understood.intent, language)
    if verdict.decision is Decision.ANSWERED:
        return compose_answer(verdict.quotations[0], language)
    if verdict.decision is Decision.CLARIFIED:
        return compose_choice(verdict.quotations, language)
    return compose_hand_over(verdict.decision, language, ticket_number=ticket.number if ticket else "")


def _evidence(turn: Turn) -> list[Evidence]:
    """Return what was cited, then what was looked at besides."""
    cited = [_evidence_of(q.hit, q) for q in turn.verdict.quotations]
    quoted = {quotation.hit.passage_id for quotation in turn.verdict.quotations}
    others = (hit for result in turn.found for hit in result.hits if hit.passage_id not in quoted)
    return cited + [_evidence_of(hit, None) for hit in others]


def _evidence_of(hit: Hit, quotation: Quotation | None) -> Evidence:
    return Evidence(
        article_id=hit.article_id,
        article_version=hit.article_version,
        title=hit.title,
        locale=hit.locale,
        quote=quotation.text if quotation else hit.quote,
        start=quotation.start if quotation else hit.start + hit.quote_start,
        end=quotation.end if quotation else hit.start + hit.quote_end,
        score=hit.score,
        dense=hit.dense,
        lexical=hit.lexical,
        cited=quotation is not None,
    )


def _subject(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def _summary(turn: Turn) -> str:
    """Say what was asked and what was tried; the customer may read it, so internal articles stay unnamed."""
    titles = dict.fromkeys(
        hit.title for result in turn.found for hit in result.hits if hit.visibility != Visibility.INTERNAL
    )
    tried = "; ".join(list(titles)[:3]) or "–"
    verdict = turn.verdict
    return (
        f"{turn.question}\n\n{verdict.reason} · {verdict.confidence:.2f} < {verdict.threshold:.2f} · {tried}"
    )
