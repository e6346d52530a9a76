"""What the assistant stores: every answer with what it rests on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.personal import PersonalClass
from backend.core.records import Part, Record
from backend.service.rules import LONGEST_MESSAGE


class Decision(StrEnum):
    ANSWERED = "answered"
    CLARIFIED = "clarified"
    ABSTAINED = "abstained"
    HANDED_OFF = "handed_off"


class Reason(StrEnum):
    """Why it was decided so; the list is fixed, so that hand-offs can be counted."""

    FOUND_IN_ARTICLE = "found_in_article"
    FOUND_IN_RECORDS = "found_in_records"  # the asker's own, or the workspace's hours
    CHOSEN_BY_ASKER = "chosen_by_asker"  # which of the articles asked about before
    TWO_CANDIDATES = "two_candidates"  # one of them very likely
    NEAR_CANDIDATES = "near_candidates"  # up to three, of which one may be meant
    NONE_CHOSEN = "none_chosen"  # of the articles asked about before
    ASKED_TO_REPHRASE = "asked_to_rephrase"
    SMALL_TALK = "small_talk"
    NOTHING_FOUND = "nothing_found"
    NO_SUCH_RECORD = "no_such_record"  # among the asker's own
    KNOWLEDGE_NOT_READY = "knowledge_not_ready"
    LOW_CONFIDENCE = "low_confidence"
    ARTICLES_DISAGREE = "articles_disagree"
    ARTICLE_EXPIRED = "article_expired"
    QUOTE_NOT_VERIFIED = "quote_not_verified"
    CUSTOMER_ASKED_FOR_HUMAN = "customer_asked_for_human"
    DANGER = "danger"  # to people: nothing a machine should answer
    GOODS_IN_DANGER = "goods_in_danger"  # what spoils while it is written: people are due at once
    HUMAN_FIRST = "human_first"  # the workspace wants it so while people are there
    PERSON_ANSWERS = "person_answers"  # somebody of ours is in the conversation already


URGENT = frozenset({Reason.DANGER, Reason.GOODS_IN_DANGER})
"""Reasons of calling people at once, by night as by day."""

OFFERING = frozenset({Reason.TWO_CANDIDATES, Reason.NEAR_CANDIDATES})
"""Reasons of asking back which of the cited articles is meant."""


class Mode(StrEnum):
    """How a text was made: quoted from articles, a fixed sentence around the asker's own records or around
    nothing, or said by a language model and checked against the quotes.
    """

    EXTRACTIVE = "extractive"
    TEMPLATE = "template"
    GENERATED = "generated"


class Evidence(Part):
    """A passage that was looked at; ``cited`` when the answer shows its quote.

    ``start`` and ``end`` place the quote in the body of that version of the article; ``part`` is the place
    of the question that it was found for among the answer's ``parts``.
    """

    article_id: str
    article_version: int
    title: str
    locale: str
    quote: str
    start: int
    end: int
    score: float
    dense: float
    lexical: float
    cited: bool = False
    part: int = 0


class RecordFact(Part):
    """What was read off a record of the asker's own, in the version it had; ``quote`` stands in the text."""

    kind: str
    record_id: str
    version: int
    quote: str


class AnsweredQuestion(Part):
    """One of several questions of a message, as decided by itself: the fields are those of `Answer`."""

    question: str
    asked_as: str = ""
    intent: str
    decision: Decision
    reason: Reason
    confidence: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    raw_confidence: float = Field(default=0.0, ge=0, le=1)


class Feedback(Part):
    """What the asker thought of an answer: the last word counts."""

    helpful: bool
    by: str
    at: datetime


class Review(Part):
    """What one of ours found: right or wrong, and the text it should have been."""

    right: bool
    text: str = Field(default="", max_length=LONGEST_MESSAGE)
    by: str
    at: datetime


class Answer(Record):
    """One turn of the assistant. Its readers are its conversation's; of one asked by ours, ours alone.

    Of a message with several questions ``parts`` has each; ``decision``, ``reason``, ``confidence`` and
    ``threshold`` are those of the one served worst, and ``raw_confidence`` is 0: what is said of such an
    answer teaches nothing about one confidence.
    """

    kind: ClassVar[str] = "answer"

    conversation_id: str
    question: str
    asked_as: str = ""  # completed from the turns before it where it leaned on them, slips of the pen mended
    language: str
    intent: str
    text: str
    mode: Mode
    decision: Decision
    reason: Reason
    confidence: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    raw_confidence: float = Field(default=0.0, ge=0, le=1)  # before the workspace's own calibration
    evidence: list[Evidence] = Field(default_factory=list)
    records: list[RecordFact] = Field(default_factory=list)
    parts: list[AnsweredQuestion] = Field(default_factory=list)  # none where there was one question
    feedback: Feedback | None = None
    review: Review | None = None
    draft_refused: str = ""  # why the language model's draft was not used, if there was one
    model_ids: list[str] = Field(default_factory=list)
    latency_ms: int = 0
    ticket_id: str | None = None
    ticket_number: str = ""
    message_id: str | None = None
    for_staff: bool = False

    readers_are: ClassVar[tuple[str, ...]] = ("u:", "t:", "c:")

    follows: ClassVar[tuple[str, str] | None] = ("conversation", "conversation_id")
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "question": PersonalClass.TEXT,
        "asked_as": PersonalClass.TEXT,
        "text": PersonalClass.TEXT,
        "records": PersonalClass.TEXT,
        "parts": PersonalClass.TEXT,
        "review": PersonalClass.TEXT,
    }

    def principals(self) -> list[str]:
        return []

    def inherited(self, acl: Sequence[str]) -> list[str]:
        return [one for one in acl if not (self.for_staff and one.startswith("c:"))]

    class Settings:
        name = "answers"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("conversation_id", 1)])]
