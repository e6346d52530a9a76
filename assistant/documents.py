"""What the assistant stores: every answer with what it rests on."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.personal import PersonalClass
from backend.core.records import Part, Record


class Decision(StrEnum):
    ANSWERED = "answered"
    CLARIFIED = "clarified"
    ABSTAINED = "abstained"
    HANDED_OFF = "handed_off"


class Reason(StrEnum):
    """Why it was decided so; the list is fixed, so that hand-offs can be counted."""

    FOUND_IN_ARTICLE = "found_in_article"
    TWO_CANDIDATES = "two_candidates"
    SMALL_TALK = "small_talk"
    NOTHING_FOUND = "nothing_found"
    KNOWLEDGE_NOT_READY = "knowledge_not_ready"
    LOW_CONFIDENCE = "low_confidence"
    ARTICLE_EXPIRED = "article_expired"
    QUOTE_NOT_VERIFIED = "quote_not_verified"
    CUSTOMER_ASKED_FOR_HUMAN = "customer_asked_for_human"


class Mode(StrEnum):
    """How a text was made: quoted from articles, or a fixed sentence that claims nothing about them."""

    EXTRACTIVE = "extractive"
    TEMPLATE = "template"


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


class Answer(Record):
    """One turn of the assistant. Its readers are its conversation's; of one asked by ours, ours alone."""

    kind: ClassVar[str] = "answer"

    conversation_id: str
    question: str
    language: str
    intent: str
    text: str
    mode: Mode
    decision: Decision
    reason: Reason
    confidence: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    evidence: list[Evidence] = Field(default_factory=list)
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
        "text": PersonalClass.TEXT,
    }

    def principals(self) -> list[str]:
        return []

    def inherited(self, acl: Sequence[str]) -> list[str]:
        return [one for one in acl if not (self.for_staff and one.startswith("c:"))]

    class Settings:
        name = "answers"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("conversation_id", 1)])]
