"""The assistant room's page."""

import svcs

from assistant.answering import Answering
from assistant.documents import Answer
from assistant.graphql import AssistantMutation, AssistantQuery, AssistantSubscription
from backend.core.access import Level, grant
from backend.core.module import Module
from backend.core.store import Store
from backend.identity.actors import Actors
from knowledge.search import KnowledgeBase
from knowledge.sentence_rows import SentenceRows

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN


def _provide(registry: svcs.Registry) -> None:
    """Give the house what answers, and the memory of tickets' rows; both stand on the knowledge room."""
    with svcs.Container(registry) as services:
        store, actors, knowledge = services.get(Store, Actors, KnowledgeBase)
    answering = Answering(store=store, knowledge=knowledge, actors=actors)
    registry.register_value(Answering, answering, on_registry_close=answering.close)
    registry.register_value(SentenceRows, SentenceRows(knowledge.embedder))


module = Module(
    name="assistant",
    documents=(Answer,),
    queries=(AssistantQuery,),
    mutations=(AssistantMutation,),
    subscriptions=(AssistantSubscription,),
    roles={
        "manager": {"answer": grant(read=ALL, create=ALL)},
        "rep": {"answer": grant(read=TEAM, create=OWN)},
        "agent": {"answer": grant(read=ALL, create=ALL)},
        "customer": {"answer": grant(read=OWN, create=OWN)},
    },
    token_scopes={"knowledge": frozenset({"answer"})},
    provide=_provide,
)
