"""What a turn leaves: question, answer and, where people take over, the ticket, in one commit."""

from dataclasses import dataclass

from assistant.citations import Quotation
from assistant.compose import compose_several, compose_text, with_regret
from assistant.confidence import load_calibration
from assistant.decide import Verdict
from assistant.documents import URGENT, Answer, AnsweredQuestion, Decision, Evidence, Mode, Reason
from assistant.drafting import Draft
from assistant.opening_hours import OpeningHours, is_there, there_next
from assistant.served import HANDED_OVER, Served, weakest
from assistant.understand import Intent, Understood
from assistant.wording import say, say_when
from backend.core.fields import new_record
from backend.core.unit_of_work import UnitOfWork
from backend.service.conversations import set_conversation
from backend.service.documents import (
    AuthorKind,
    Conversation,
    Message,
    MessageDirection,
    Ticket,
    TicketPriority,
)
from backend.service.hand_off import hand_off_to_ticket
from backend.service.messages import ONE_TICK, add_message
from backend.service.rules import ConversationState, HandledBy
from knowledge.documents import Visibility
from knowledge.search import Hit

LONGEST_SUBJECT = 120  # characters of the question that a ticket's heading shows
TITLES_SHOWN = 3
QUESTIONS_SHOWN = 3
LONGEST_QUESTION_SHOWN = 2_000


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Everything about a turn that was worked out before anything is written."""

    conversation_id: str
    question: str
    understood: Understood
    hours: OpeningHours | None
    parts: tuple[Served, ...]
    adjustment: str
    asked_before: tuple[str, ...]
    latency_ms: int

    @property
    def has_several(self) -> bool:
        """Tell whether the message held several questions."""
        return len(self.parts) > 1

    @property
    def verdict(self) -> Verdict:
        """Return what became of the question; of several, of the one served worst."""
        return weakest(self.parts).verdict

    @property
    def intent(self) -> Intent:
        """Return what the message wants; of several questions one of the articles counts first."""
        wanted = [part.intent for part in self.parts]
        return Intent.QUESTION if Intent.QUESTION in wanted else wanted[0]

    @property
    def drafts(self) -> list[Draft]:
        """Return what a language model was asked to write."""
        return [part.draft for part in self.parts if part.draft is not None]

    @property
    def left_open(self) -> tuple[str, ...]:
        """Return the questions that people need, as asked: of "none of these", what the articles were for."""
        if not self.has_several:
            is_of_before = self.verdict.reason is Reason.NONE_CHOSEN
            return (self.parts[0].asked_as if is_of_before else self.question,)
        return tuple(part.question for part in self.parts if part.verdict.decision in HANDED_OVER)

    @property
    def served(self) -> tuple[str, ...]:
        """Return the other questions of a message with several, as far as they were looked up."""
        kept = (Decision.ANSWERED, Reason.NO_SUCH_RECORD)
        return tuple(
            part.question
            for part in self.parts
            if self.has_several and (part.verdict.decision in kept or part.verdict.reason in kept)
        )


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
    waits = conversation.state is ConversationState.WAITING_HUMAN
    ticket = await _hand_over(uow, conversation, turn, private=private)
    answer = await _answer_record(uow, conversation, turn, ticket, private=private, waits=waits)
    if turn.verdict.reason is not Reason.PERSON_ANSWERS:  # where people talk, the machine keeps quiet
        message = await _say(uow, conversation, answer, after=asked, private=private)
        answer.message_id = message.id
    if ticket is not None:
        await set_conversation(uow, conversation.id, handled_by=HandledBy.NONE)
    uow.save(answer)
    _note_answer(uow, answer)
    return answer


async def _say(
    uow: UnitOfWork, conversation: Conversation, answer: Answer, *, after: Message, private: bool
) -> Message:
    return await add_message(
        uow,
        conversation.id,
        answer.text,
        direction=MessageDirection.INTERNAL if private else MessageDirection.OUTBOUND,
        author_kind=AuthorKind.BOT,
        author_id="assistant",
        answer_id=answer.id,
        at=after.at + ONE_TICK,
    )


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
    if answer.parts:
        details["parts"] = [f"{one.decision}: {one.reason}" for one in answer.parts]
    uow.note("assistant.answered", kind=Answer.kind, id=answer.id, details=details)


async def _hand_over(
    uow: UnitOfWork, conversation: Conversation, turn: Turn, *, private: bool
) -> Ticket | None:
    """Give an unanswered question to people; staff who ask about a customer's matter are those people."""
    verdict = turn.verdict
    if verdict.decision not in HANDED_OVER:
        return None
    if verdict.reason is Reason.PERSON_ANSWERS or (private and conversation.contact_id is not None):
        return None
    return await hand_off_to_ticket(
        uow,
        conversation.id,
        reason=verdict.reason,
        subject=_subject(" ".join(turn.left_open)),
        summary=_summary(turn),
        priority=TicketPriority.URGENT if verdict.reason in URGENT else None,
    )


async def _answer_record(
    uow: UnitOfWork,
    conversation: Conversation,
    turn: Turn,
    ticket: Ticket | None,
    *,
    private: bool,
    waits: bool,
) -> Answer:
    verdict, facts = turn.verdict, [part.facts for part in turn.parts if part.facts is not None]
    answer = await new_record(
        uow,
        Answer,
        {
            "conversation_id": conversation.id,
            "question": turn.question,
            "asked_as": "" if turn.has_several else turn.parts[0].reading,
            "language": turn.understood.language,
            "intent": turn.intent,
            "text": _text(uow, turn, ticket, waits=waits),
            "mode": _mode(turn),
            "decision": verdict.decision,
            "reason": verdict.reason,
            "confidence": verdict.confidence,
            "raw_confidence": 0.0 if turn.has_several else verdict.raw,
            "threshold": verdict.threshold,
            "evidence": _evidence(turn),
            "records": [fact for one in facts for fact in one.facts],
            "parts": [_answered(part) for part in turn.parts] if turn.has_several else [],
            "draft_refused": "; ".join(dict.fromkeys(one.refused for one in turn.drafts if one.refused)),
            "model_ids": _model_ids(turn),
            "latency_ms": turn.latency_ms,
        },
    )
    answer.ticket_id = ticket.id if ticket else None
    answer.ticket_number = ticket.number if ticket else ""
    answer.for_staff = private
    return answer


def _answered(part: Served) -> AnsweredQuestion:
    return AnsweredQuestion(
        question=part.question,
        asked_as=part.reading,
        intent=part.intent,
        decision=part.verdict.decision,
        reason=part.verdict.reason,
        confidence=part.verdict.confidence,
        threshold=part.verdict.threshold,
        raw_confidence=part.verdict.raw,
    )


def _mode(turn: Turn) -> Mode:
    if any(part.text_of_draft for part in turn.parts):
        return Mode.GENERATED
    return Mode.EXTRACTIVE if any(part.verdict.quotations for part in turn.parts) else Mode.TEMPLATE


def _model_ids(turn: Turn) -> list[str]:
    found = [result for part in turn.parts for result in part.found]
    models = dict.fromkeys(result.model for result in found if result.model)
    learned = [load_calibration().name, *([turn.adjustment] if turn.adjustment else [])]
    written = dict.fromkeys(one.model for one in turn.drafts if one.model)
    return [*models, *learned, *written] if found else []


def _text(uow: UnitOfWork, turn: Turn, ticket: Ticket | None, *, waits: bool) -> str:
    language = turn.understood.language
    when = say_when(
        language,
        opens=there_next(turn.hours, uow.at),
        is_open=is_there(turn.hours, uow.at),
        is_urgent=turn.verdict.reason in URGENT,
        was_urgent=ticket is not None and ticket.priority is TicketPriority.URGENT,
    )
    number = ticket.number if ticket else ""
    if turn.has_several:
        text = compose_several(turn.parts, language, ticket_number=number, waits=waits, when=when)
    else:
        (part,) = turn.parts
        text = compose_text(
            part.verdict,
            turn.understood,
            facts=part.facts,
            draft=part.text_of_draft,
            ticket_number=number,
            waits=waits,
            when=when,
        )
    return with_regret(text, turn.verdict, turn.understood, is_told_who_waits=ticket is not None and waits)


def _evidence(turn: Turn) -> list[Evidence]:
    """Return what was cited, then what was looked at besides."""
    cited = [
        _evidence_of(q.hit, q, at) for at, part in enumerate(turn.parts) for q in part.verdict.quotations
    ]
    quoted = {quotation.hit.passage_id for part in turn.parts for quotation in part.verdict.quotations}
    others = (
        _evidence_of(hit, None, at)
        for at, part in enumerate(turn.parts)
        for result in part.found
        for hit in result.hits
        if hit.passage_id not in quoted
    )
    return [*cited, *others]


def _evidence_of(hit: Hit, quotation: Quotation | None, part: int) -> Evidence:
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
        part=part,
    )


def _subject(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def _summary(turn: Turn) -> str:
    """Say what was asked and what was tried; the customer may read it, so internal articles stay unnamed."""
    language, verdict = turn.understood.language, turn.verdict
    found = [result for part in turn.parts if part.verdict.decision in HANDED_OVER for result in part.found]
    hits = [hit for result in found for hit in result.hits if hit.visibility != Visibility.INTERNAL]
    titles = list(dict.fromkeys(hit.title for hit in hits))[:TITLES_SHOWN]
    question = "\n".join(turn.left_open)[:LONGEST_QUESTION_SHOWN]
    why = say(f"because_{verdict.reason}", language)
    lines = [question, "", say("summary_reason", language, reason=why)]
    if served := turn.served:
        lines.append(say("summary_served", language, questions=" / ".join(map(_subject, served))))
    if turn.asked_before:
        before = " / ".join(_subject(one) for one in turn.asked_before[-QUESTIONS_SHOWN:])
        lines.append(say("summary_before", language, questions=before))
    if found:
        tried = "; ".join(titles)
        lines.append(
            say("summary_tried", language, titles=tried) if tried else say("summary_nothing", language)
        )
        shown = {"confidence": f"{verdict.confidence:.2f}", "threshold": f"{verdict.threshold:.2f}"}
        lines.append(say("summary_confidence", language, **shown))
    return "\n".join(lines)
