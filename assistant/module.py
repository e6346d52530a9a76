"""The assistant room's page."""

import svcs

from assistant.documents import Answer
from assistant.graphql import AssistantMutation, AssistantQuery
from backend.core.access import Level, grant
from backend.core.module import Module
from knowledge.search import KnowledgeBase
from knowledge.sentence_rows import SentenceRows

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN


def _provide(registry: svcs.Registry) -> None:
    """Give the house the memory of tickets' rows; it stands on the knowledge room's embedder."""
    with svcs.Container(registry) as services:
        knowledge = services.get(KnowledgeBase)
    registry.register_value(SentenceRows, SentenceRows(knowledge.embedder))


module = Module(
    name="assistant",
    documents=(Answer,),
    queries=(AssistantQuery,),
    mutations=(AssistantMutation,),
    roles={
        "manager": {"answer": grant(read=ALL, create=ALL)},
        "rep": {"answer": grant(read=TEAM, create=OWN)},
        "agent": {"answer": grant(read=ALL, create=ALL)},
        "customer": {"answer": grant(read=OWN, create=OWN)},
    },
    token_scopes={"knowledge": frozenset({"answer"})},
    provide=_provide,
)
