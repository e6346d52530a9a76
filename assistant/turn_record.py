"""What a turn leaves: question, answer and, where people take over, the ticket, in one commit."""

from dataclasses import dataclass

from assistant.citations import Quotation
from assistant.compose import compose_text
from assistant.confidence import load_calibration
from assistant.decide import Verdict
from assistant.documents import Answer, Decision, Evidence, Mode, Reason
from assistant.drafting import Draft
from assistant.own_records import OwnFacts
from assistant.policy import AssistantPolicy
from assistant.understand import Understood
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
from knowledge.search import Hit, SearchResult

LONGEST_SUBJECT = 120  # characters of the question that a ticket's heading shows
TITLES_SHOWN = 3
QUESTIONS_SHOWN = 3
LONGEST_QUESTION_SHOWN = 2_000


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Everything about a turn that was worked out before anything is written."""

    answer_id: str
    conversation_id: str
    question: str
    asked_as: str
    understood: Understood
    policy: AssistantPolicy
    verdict: Verdict
    found: tuple[SearchResult, ...]
    facts: OwnFacts | None
    draft: Draft | None
    adjustment: str
    asked_before: tuple[str, ...]
    latency_ms: int

    @property
    def text_of_draft(self) -> str:
        """Return what the language model wrote if it may be shown, else nothing."""
        return self.draft.text if self.draft is not None else ""


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
    uow.note("assistant.answered", kind=Answer.kind, id=answer.id, details=details)


async def _hand_over(
    uow: UnitOfWork, conversation: Conversation, turn: Turn, *, private: bool
) -> Ticket | None:
    """Give an unanswered question to people; staff who ask about a customer's matter are those people."""
    verdict = turn.verdict
    if verdict.decision not in (Decision.ABSTAINED, Decision.HANDED_OFF):
        return None
    if verdict.reason is Reason.PERSON_ANSWERS or (private and conversation.contact_id is not None):
        return None
    return await hand_off_to_ticket(
        uow,
        conversation.id,
        reason=verdict.reason,
        subject=_subject(turn.question),
        summary=_summary(turn),
        priority=TicketPriority.URGENT if verdict.reason is Reason.DANGER else None,
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
    verdict = turn.verdict
    answer = await new_record(
        uow,
        Answer,
        {
            "conversation_id": conversation.id,
            "question": turn.question,
            "asked_as": turn.asked_as,
            "language": turn.understood.language,
            "intent": turn.understood.intent,
            "text": _text(uow, turn, ticket, waits=waits),
            "mode": _mode(turn),
            "decision": verdict.decision,
            "reason": verdict.reason,
            "confidence": verdict.confidence,
            "raw_confidence": verdict.raw,
            "threshold": verdict.threshold,
            "evidence": _evidence(turn),
            "records": list(turn.facts.facts) if turn.facts is not None else [],
            "draft_refused": turn.draft.refused if turn.draft is not None else "",
            "model_ids": _model_ids(turn),
            "latency_ms": turn.latency_ms,
        },
        id=turn.answer_id,
    )
    answer.ticket_id = ticket.id if ticket else None
    answer.ticket_number = ticket.number if ticket else ""
    answer.for_staff = private
    return answer


def _mode(turn: Turn) -> Mode:
    if turn.text_of_draft:
        return Mode.GENERATED
    return Mode.EXTRACTIVE if turn.verdict.quotations else Mode.TEMPLATE


def _model_ids(turn: Turn) -> list[str]:
    models = dict.fromkeys(result.model for result in turn.found if result.model)
    learned = [load_calibration().name, *([turn.adjustment] if turn.adjustment else [])]
    written = [turn.draft.model] if turn.draft is not None and turn.draft.model else []
    return [*models, *learned, *written] if turn.found else []


def _text(uow: UnitOfWork, turn: Turn, ticket: Ticket | None, *, waits: bool) -> str:
    hours = turn.policy.opening_hours
    return compose_text(
        turn.verdict,
        turn.understood,
        facts=turn.facts,
        draft=turn.text_of_draft,
        ticket_number=ticket.number if ticket else "",
        waits=waits,
        when=say_when(
            turn.understood.language, opens=hours.opens_next(uow.at), is_open=hours.is_open(uow.at)
        ),
    )


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
    language, verdict = turn.understood.language, turn.verdict
    hits = [hit for result in turn.found for hit in result.hits if hit.visibility != Visibility.INTERNAL]
    titles = list(dict.fromkeys(hit.title for hit in hits))[:TITLES_SHOWN]
    question = turn.question[:LONGEST_QUESTION_SHOWN]
    why = say(f"because_{verdict.reason}", language)
    lines = [question, "", say("summary_reason", language, reason=why)]
    if turn.asked_before:
        before = " / ".join(_subject(one) for one in turn.asked_before[-QUESTIONS_SHOWN:])
        lines.append(say("summary_before", language, questions=before))
    if turn.found:
        tried = "; ".join(titles)
        lines.append(
            say("summary_tried", language, titles=tried) if tried else say("summary_nothing", language)
        )
        shown = {"confidence": f"{verdict.confidence:.2f}", "threshold": f"{verdict.threshold:.2f}"}
        lines.append(say("summary_confidence", language, **shown))
    return "\n".join(lines)
