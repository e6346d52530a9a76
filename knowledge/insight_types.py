"""The state of the index, a search explained, and what to mend, as GraphQL types."""

from enum import Enum
from typing import Self

import strawberry

from knowledge import insight, library
from knowledge.article_types import Article
from knowledge.review import Finding

KnowledgeFinding = strawberry.enum(
    Finding,
    name="KnowledgeFinding",
    description="NUMBERS: the same matter with other numbers. OPPOSITE: one says what the other denies. "
    "TRANSLATION: translations of one article with other numbers. NEAR_DUPLICATE: the same words twice.",
)


@strawberry.enum(description="ZH or EN: what a text or a question is taken for.")
class TextLanguage(Enum):
    ZH = "zh"
    EN = "en"


@strawberry.type(description="How far the workspace's index is.")
class KnowledgeIndexProgress:
    articles: int = strawberry.field(description="Published articles.")
    passages: int
    embedded: int = strawberry.field(description="Passages that are searched by meaning, too.")
    passages_per_second: float = strawberry.field(description="While it last embedded; 0 before that.")
    seconds_left: float | None = strawberry.field(description="At that pace; null while nothing tells.")
    version: int = strawberry.field(description="The commit through which articles are found.")
    is_whole: bool
    failure: str = strawberry.field(description="Why the last work on it failed; empty when it did not.")
    damaged_snapshots: int = strawberry.field(
        description="Files of the index that were damaged and made again since this process started."
    )

    @classmethod
    def of(cls, found: library.Progress) -> Self:
        return cls(
            articles=found.articles,
            passages=found.passages,
            embedded=found.embedded,
            passages_per_second=found.passages_per_second,
            seconds_left=found.seconds_left,
            version=found.version,
            is_whole=found.is_whole,
            failure=found.failure,
            damaged_snapshots=found.damaged,
        )


@strawberry.type(description="A passage that a search met, and what its score is made of.")
class KnowledgeReason:
    article: Article
    passage: str
    language: TextLanguage
    same_language: bool
    readable: bool = strawberry.field(
        description="False: the filter keeps it from them before anything is ranked."
    )
    translated: bool = strawberry.field(
        description="True: it stands back for its translation into the question's language."
    )
    score: float = strawberry.field(description="What orders the hits: `fused` and `freshness`.")
    fused: float = strawberry.field(description="Mean of z-scores: meaning, words, title, tokens.")
    dense: float = strawberry.field(description="Cosine of passage and question; counts within a language.")
    centred: float = strawberry.field(description="The same without the languages' places; counts across.")
    lexical: float = strawberry.field(description="BM25 of the question's words.")
    coverage: float = strawberry.field(description="Share of the question's words that it holds, 0 to 1.")
    title: float = strawberry.field(description="z-score of the title's cosine.")
    tokens: float = strawberry.field(
        description="Mean cosine of the nearest token to each of the question's."
    )
    freshness: float = strawberry.field(description="What age and the end of validity take: 0 or less.")


@strawberry.type(description="A search explained, passage by passage, for one person.")
class WhyFound:
    language: TextLanguage
    words: list[str] = strawberry.field(description="What of the question is looked for by words.")
    degraded: bool
    texts: int = strawberry.field(description="Published articles in the index.")
    readable: int = strawberry.field(description="Those that the filter leaves to them.")
    reasons: list[KnowledgeReason]


@strawberry.type(description="Two articles that repeat or contradict one another, with the words that do.")
class KnowledgePair:
    finding: Finding
    left: Article
    right: Article
    left_quote: str
    right_quote: str
    similarity: float


@strawberry.type(description="What a person should read again: contradictions first.")
class KnowledgeReview:
    passages: int = strawberry.field(description="How many were compared.")
    pairs: list[KnowledgePair]


def reason_of(found: insight.Found, article: Article) -> KnowledgeReason:
    """Wrap one passage of an explained search."""
    hit = found.hit
    return KnowledgeReason(
        article=article,
        passage=found.text,
        language=TextLanguage(found.language),
        same_language=hit.same_language,
        readable=found.readable,
        translated=found.translated,
        score=hit.score,
        fused=hit.score - hit.freshness,
        dense=hit.dense,
        centred=hit.centred,
        lexical=hit.lexical,
        coverage=hit.coverage,
        title=hit.title,
        tokens=hit.tokens,
        freshness=hit.freshness,
    )
