"""What advice stores: recommendations, profiles, macros, drafts of articles, and what became of replies.

Values, ids and choices rather than words: sentences are made when they are read, in the reader's language and
of what the reader may see. What words there are name whose they are, so that they are erased with the person.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints
from pymongo import IndexModel

from backend.core.clock import Moment
from backend.core.ids import Reference
from backend.core.personal import PersonalClass
from backend.core.records import Part, Record

LONGEST_REPLY = 10_000  # characters
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REPLY, pattern=r"\S")]
Line = Annotated[str, StringConstraints(max_length=300)]


# ── macros ───────────────────────────────────────────────────────────────────────────────────────


class MacroStatus(StrEnum):
    """Only an approved macro is suggested."""

    DRAFT = "draft"
    APPROVED = "approved"
    RETIRED = "retired"


class Macro(Record):
    """A reply text that the house has approved, in one language."""

    kind: ClassVar[str] = "macro"
    server_owned: ClassVar[frozenset[str]] = frozenset({"status", "approved_by", "approved_at"})

    title: Title
    body: Words
    locale: Locale = "en"
    category: Line = ""
    status: MacroStatus = MacroStatus.DRAFT
    approved_by: str | None = None
    approved_at: datetime | None = None

    class Settings:
        name = "macros"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("status", 1)])]


# ── suggested replies ────────────────────────────────────────────────────────────────────────────


class ReplySource(StrEnum):
    """What a suggested reply is taken from."""

    TICKET = "ticket"
    MACRO = "macro"
    ARTICLE = "article"


class ReplyVerdict(StrEnum):
    """What an agent made of a suggested reply."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


class ReplyOutcome(Record):
    """What one agent made of one suggestion for one ticket. ``kept`` of its words were sent, 0 to 1."""

    kind: ClassVar[str] = "reply_outcome"
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (("ticket", "ticket_id"),)

    ticket_id: Reference
    source: ReplySource
    source_id: Reference
    verdict: ReplyVerdict
    kept: float = Field(ge=0, le=1)
    message_id: Reference | None = None

    class Settings:
        name = "reply_outcomes"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("source_id", 1)]),
            IndexModel([("workspace_id", 1), ("ticket_id", 1)]),
        ]


# ── drafts of articles ───────────────────────────────────────────────────────────────────────────


class FaqState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DISMISSED = "dismissed"


class FaqSuggestion(Record):
    """Something that several customers asked and no article answers, with the best answer that was given.

    ``question`` is the middlemost of ``message_ids``, as ``question_message_id`` in ``conversation_id`` has
    it; ``answer`` was given in ``answered_in_id``: with the person of either the words are erased.
    """

    kind: ClassVar[str] = "faq_suggestion"
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "question": PersonalClass.TEXT,
        "answer": PersonalClass.TEXT,
    }
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (
        ("conversation", "conversation_id"),
        ("conversation", "answered_in_id"),
    )

    question: str
    answer: str = ""
    locale: str = "en"
    message_ids: list[str] = Field(default_factory=list)
    question_message_id: str
    conversation_id: str
    answered_in_id: str | None = None
    answer_message_id: str | None = None
    asked: int = Field(ge=0)
    people: int = Field(ge=0)
    best_article: float = Field(default=0.0, ge=0, le=1)
    state: FaqState = FaqState.OPEN
    article_id: str | None = None
    dismissed_because: str = Field(default="", max_length=500)
    decided_by: str | None = None
    decided_at: datetime | None = None

    class Settings:
        name = "faq_suggestions"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("state", 1)]),
            IndexModel([("workspace_id", 1), ("conversation_id", 1)]),
            IndexModel([("workspace_id", 1), ("answered_in_id", 1)]),
        ]


# ── recommendations ──────────────────────────────────────────────────────────────────────────────


class RecommendationState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    EXPIRED = "expired"


class SkipReason(StrEnum):
    """Why a recommendation was not taken; the list is fixed, because it is learned from."""

    NOT_RELEVANT = "not_relevant"
    TOO_COSTLY = "too_costly"
    WRONG_TIME = "wrong_time"
    ALREADY_DONE = "already_done"
    CUSTOMER_DECLINED = "customer_declined"


class Outcome(StrEnum):
    """What came of an accepted recommendation."""

    DONE = "done"
    WON = "won"
    LOST = "lost"
    RESOLVED = "resolved"
    PAID = "paid"
    RENEWED = "renewed"
    DROPPED = "dropped"


class Pointer(Part):
    """A record by kind and id."""

    kind: str
    id: str


class ScorePart(Part):
    """A factor of a score, in money; ``evidence`` and ``values`` make the sentence that says why."""

    name: str
    weight: Decimal
    evidence: str
    values: dict[str, str] = Field(default_factory=dict)


class Recommendation(Record):
    """Something that one person was advised to do, what it was worth then, and what became of it.

    ``rests_on`` names the fields (``kind.field``) that its numbers were made from: who does not see them
    all, or not the record it is about, is not shown it.
    """

    kind: ClassVar[str] = "recommendation"
    about_person: ClassVar[str | None] = "contact_id"
    about_records: ClassVar[tuple[tuple[str, str], ...]] = (
        ("opportunity", "about_id"),
        ("ticket", "about_id"),
        ("contact", "about_id"),
    )
    personal: ClassVar[Mapping[str, PersonalClass]] = {"note": PersonalClass.TEXT}
    readers_are: ClassVar[tuple[str, ...]] = ("u:",)

    action: str
    about_kind: str
    about_id: str
    subject_id: str
    account_id: str | None = None
    contact_id: str | None = None
    thing: str = ""
    value: Decimal
    currency: str
    probability: Decimal
    low: Decimal
    high: Decimal
    n: int
    cost: Decimal
    factors: list[ScorePart]
    similar_cases: list[Pointer] = Field(default_factory=list)
    rests_on: list[str] = Field(default_factory=list)
    state: RecommendationState = RecommendationState.PROPOSED
    expires_at: Moment
    snoozed_until: Moment | None = None
    decided_at: datetime | None = None
    skip_reason: SkipReason | None = None
    note: str = Field(default="", max_length=500)
    task_id: str | None = None
    outcome: Outcome | None = None
    outcome_at: datetime | None = None

    @property
    def score(self) -> Decimal:
        return sum((factor.weight for factor in self.factors), Decimal(0))

    def principals(self) -> list[str]:
        return [f"u:{self.owner_id}"] if self.owner_id else []

    class Settings:
        name = "recommendations"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("owner_id", 1), ("state", 1)]),
            IndexModel([("workspace_id", 1), ("state", 1), ("decided_at", -1)]),
            IndexModel([("workspace_id", 1), ("about_id", 1)]),
            IndexModel([("workspace_id", 1), ("task_id", 1)]),
            IndexModel([("workspace_id", 1), ("contact_id", 1)]),
        ]


# ── customer profiles ────────────────────────────────────────────────────────────────────────────


class ProfileFact(Part):
    """One thing known of a customer. ``value`` is a number or a choice, never a sentence or a name.

    ``evidence`` are all the records that it rests on, ``rests_on`` the fields of them (``kind.field``);
    ``since`` is the number of the profile's version in which it first had this value.
    """

    key: str
    value: str
    unit: str = ""
    at: datetime | None = None
    since: int = 1
    evidence: list[Pointer] = Field(default_factory=list)
    rests_on: list[str] = Field(default_factory=list)


class ProfileVersion(Part):
    """What a profile said before it was computed anew: the facts that changed or went."""

    number: int
    until: datetime
    facts: list[ProfileFact]


class CustomerProfile(Record):
    """What is known of one customer, computed by the house from every record about them.

    Nobody is shown it as it is: each reader gets the facts all of whose evidence is theirs to read.
    """

    kind: ClassVar[str] = "customer_profile"
    about_person: ClassVar[str | None] = "contact_id"
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "facts": PersonalClass.TEXT,
        "history": PersonalClass.TEXT,
    }

    subject_kind: str
    subject_id: str
    contact_id: str | None = None
    account_id: str | None = None
    number: int = 1
    computed_at: datetime
    facts: list[ProfileFact] = Field(default_factory=list)
    history: list[ProfileVersion] = Field(default_factory=list)

    class Settings:
        name = "customer_profiles"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("subject_id", 1)]),
            IndexModel([("workspace_id", 1), ("contact_id", 1)]),
        ]
