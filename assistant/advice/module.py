"""The page of advice to agents and reps."""

from datetime import timedelta

import svcs

from assistant.advice.documents import CustomerProfile, FaqSuggestion, Macro, Recommendation, ReplyOutcome
from assistant.advice.due_profiles import DueProfile, on_customer_changed, run_due_profiles
from assistant.advice.erased_people import on_person_erased
from assistant.advice.faq_mining import mine_everywhere
from assistant.advice.graphql import MUTATIONS, QUERIES
from assistant.advice.recommendations import on_matter_ended, tend_recommendations
from assistant.advice.text_rows import TextRows
from backend.core.access import Level, grant
from backend.core.events import RecordCreated, RecordDeleted, RecordUpdated
from backend.core.jobs import Job
from backend.core.module import Module
from backend.crm.events import ActivityLogged, PersonErased
from backend.sales.events import (
    ContractStatusChanged,
    LeadConverted,
    OpportunityStageChanged,
    PaymentReceived,
)
from backend.service.events import MessageReceived, TicketCreated, TicketStatusChanged
from knowledge.search import KnowledgeBase

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
ADVISED = grant(read=OWN, create=OWN, update=OWN)
JUDGED = grant(read=OWN, create=OWN, update=OWN)
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, approve=ALL)
WRITTEN = grant(read=ALL, create=OWN, update=OWN, delete=OWN)
DECIDED = grant(read=ALL, create=ALL, update=ALL)
ABOUT_CUSTOMERS = (
    *(RecordCreated, RecordUpdated, RecordDeleted, ActivityLogged, LeadConverted),
    *(OpportunityStageChanged, TicketCreated, TicketStatusChanged, MessageReceived),
)

ENDS = (
    *(OpportunityStageChanged, TicketStatusChanged, PaymentReceived, ContractStatusChanged),
    RecordUpdated,
)


def _provide(registry: svcs.Registry) -> None:
    """Give the house the memory of tickets' rows; it stands on the knowledge room's embedder."""
    with svcs.Container(registry) as services:
        knowledge = services.get(KnowledgeBase)
    registry.register_value(TextRows, TextRows(knowledge.embedder))


module = Module(
    name="advice",
    documents=(Macro, ReplyOutcome, FaqSuggestion, Recommendation, CustomerProfile),
    other_documents=(DueProfile,),
    queries=QUERIES,
    mutations=MUTATIONS,
    listens={
        "advice.profiles": (on_customer_changed, ABOUT_CUSTOMERS),
        "advice.outcomes": (on_matter_ended, ENDS),
        "advice.person_erased": (on_person_erased, (PersonErased,)),
    },
    jobs=(
        Job(name="advice.profiles", every=timedelta(seconds=30), run=run_due_profiles),
        Job(name="advice.recommendations", every=timedelta(minutes=10), run=tend_recommendations),
        Job(name="advice.questions", every=timedelta(hours=6), run=mine_everywhere),
    ),
    roles={
        "manager": {
            "macro": MANAGED,
            "recommendation": ADVISED,
            "reply_outcome": JUDGED,
            "faq_suggestion": DECIDED,
        },
        "rep": {"macro": grant(read=ALL), "recommendation": ADVISED, "reply_outcome": JUDGED},
        "agent": {
            "macro": WRITTEN,
            "recommendation": ADVISED,
            "reply_outcome": JUDGED,
            "faq_suggestion": DECIDED,
        },
    },
    token_scopes={"knowledge": frozenset({"macro", "faq_suggestion"})},
    provide=_provide,
)
