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
    FOUND_IN_RECORDS = "found_in_records"  # the asker's own
    CHOSEN_BY_ASKER = "chosen_by_asker"  # which of the articles asked about before
    TWO_CANDIDATES = "two_candidates"
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
    HUMAN_FIRST = "human_first"  # the workspace wants it so while people are there
    PERSON_ANSWERS = "person_answers"  # somebody of ours is in the conversation already


class Mode(StrEnum):
    """How a text was made: quoted from articles, a fixed sentence around the asker's own records or around
    nothing, or said by a language model and checked against the quotes.
    """

    EXTRACTIVE = "extractive"
    TEMPLATE = "template"
    GENERATED = "generated"


class Evidence(Part):
    """A passage that was looked at; ``cited`` when the answer shows its quote.

    ``start`` and ``end`` place the quote in the body of that version of the article.
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


class RecordFact(Part):
    """What was read off a record of the asker's own, in the version it had; ``quote`` stands in the text."""

    kind: str
    record_id: str
    version: int
    quote: str


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
    """One turn of the assistant. Its readers are its conversation's; of one asked by ours, ours alone."""

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
        "review": PersonalClass.TEXT,
    }

    def principals(self) -> list[str]:
        return []

    def inherited(self, acl: Sequence[str]) -> list[str]:
        return [one for one in acl if not (self.for_staff and one.startswith("c:"))]

    class Settings:
        name = "answers"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("conversation_id", 1)])]
