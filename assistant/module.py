"""The assistant room's page."""

from datetime import timedelta

import svcs

from assistant.answering import Answering
from assistant.calibration_runs import CalibrationRun, recalibrate_all
from assistant.chat.graphql import ChatMutation, ChatQuery, ChatSubscription
from assistant.chat.http import router as chat_router
from assistant.chat.page import chat_documents
from assistant.chat.page import router as page_router
from assistant.chat.seed import seed_chat_key
from assistant.chat.switchboard import Switchboard
from assistant.documents import Answer
from assistant.graphql import AssistantMutation, AssistantQuery, AssistantSubscription
from assistant.model_budget import ModelUsage
from assistant.policy import AssistantPolicy
from assistant.writer import Writer
from backend.core.access import Level, grant
from backend.core.jobs import Job
from backend.core.module import Module
from backend.core.settings import Settings
from backend.core.store import Store
from backend.identity.actors import Actors
from knowledge.search import KnowledgeBase

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
READ = grant(read=ALL)
LOOK_EVERY = timedelta(hours=1)  # what is due is decided by the last run


def _provide(registry: svcs.Registry) -> None:
    """Give the house what answers, and the open chats; it stands on the knowledge room."""
    with svcs.Container(registry) as services:
        store, actors, knowledge = services.get(Store, Actors, KnowledgeBase)
        settings = services.get(Settings)
    writer = Writer.of(settings)
    answering = Answering(store=store, knowledge=knowledge, actors=actors, writer=writer)
    registry.register_value(Answering, answering, on_registry_close=answering.close)
    switchboard = Switchboard(store, actors)
    registry.register_value(Switchboard, switchboard, on_registry_close=switchboard.close)


module = Module(
    name="assistant",
    documents=(Answer, AssistantPolicy, CalibrationRun, ModelUsage),
    queries=(AssistantQuery, ChatQuery),
    mutations=(AssistantMutation, ChatMutation),
    subscriptions=(AssistantSubscription, ChatSubscription),
    routes=(chat_router, page_router),
    trusted_documents=chat_documents,
    seed=seed_chat_key,
    roles={
        "manager": {
            "answer": grant(read=ALL, create=ALL),
            "assistant_policy": READ,
            "calibration_run": READ,
            "model_usage": READ,
        },
        "rep": {"answer": grant(read=TEAM, create=OWN), "assistant_policy": READ},
        "agent": {"answer": grant(read=ALL, create=ALL), "assistant_policy": READ},
        "customer": {"answer": grant(read=OWN, create=OWN)},
        "visitor": {"answer": grant(read=OWN, create=OWN)},
    },
    token_scopes={"knowledge": frozenset({"answer"})},
    provide=_provide,
    jobs=(Job(name="assistant.recalibrate", every=LOOK_EVERY, run=recalibrate_all),),
)
