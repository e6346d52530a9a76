"""The service room's page."""

from dataclasses import replace
from datetime import timedelta

import svcs

from backend.core.access import Level, grant
from backend.core.events import RecordUpdated
from backend.core.field_rules import FieldAccess
from backend.core.jobs import Job
from backend.core.module import Module
from backend.service.account_owners import on_record_changed
from backend.service.alerts import TELLING
from backend.service.documents import Conversation, Message, Ticket
from backend.service.events import AgreementChanged, ConversationOpened, TicketCreated
from backend.service.graphql import MUTATIONS, QUERIES
from backend.service.seed import seed_service
from backend.service.sla_clocks import on_agreement_changed, watch_clocks
from backend.service.sla_documents import BusinessCalendar, SlaPolicy
from backend.service.synced import CONVERSATIONS, MESSAGES, TICKETS

LOOK_AT_CLOCKS = timedelta(seconds=30)

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, export=ALL, assign=ALL)
ANSWERED = grant(read=ALL, create=ALL, update=ALL, assign=ALL)
FOLLOWED = grant(read=TEAM, create=OWN, update=OWN)
# The operations keep a customer's writes to what their words bring about: a reopened ticket, a hand-off.
SPOKEN = grant(read=OWN, create=OWN, update=OWN)
# What we promise ourselves is for us to see; what a customer is promised stands in their contract.
OURS = ("sla", "sla_policy_id", "sla_policy_version", "sla_due_at", "sla_next_at")
ASKED = replace(SPOKEN, fields=dict.fromkeys(OURS, FieldAccess.HIDDEN))
KNOWN = grant(read=ALL)
AGREED = {"sla_policy": KNOWN, "business_calendar": KNOWN}
SET_UP = {"sla_policy": MANAGED, "business_calendar": MANAGED}


async def watch(services: svcs.Container) -> None:
    """Note what has come near or is over."""
    await watch_clocks(services)


module = Module(
    name="service",
    documents=(Conversation, Message, Ticket, BusinessCalendar, SlaPolicy),
    queries=QUERIES,
    mutations=MUTATIONS,
    listens={
        "service.account_owner": (on_record_changed, (ConversationOpened, TicketCreated, RecordUpdated)),
        "service.agreement": (on_agreement_changed, (AgreementChanged,)),
    },
    jobs=(Job(name="service.clocks", every=LOOK_AT_CLOCKS, run=watch),),
    roles={
        "manager": {"ticket": MANAGED, "conversation": MANAGED, "message": MANAGED} | SET_UP,
        "rep": {"ticket": FOLLOWED, "conversation": FOLLOWED, "message": FOLLOWED} | AGREED,
        "agent": {"ticket": ANSWERED, "conversation": ANSWERED, "message": ANSWERED} | AGREED,
        "customer": {
            "ticket": ASKED,
            "conversation": SPOKEN,
            "message": grant(read=OWN, create=OWN),
        },
        # Of a web site: the conversation was opened for them, and there is no second one.
        "visitor": {
            "ticket": ASKED,
            "conversation": grant(read=OWN, update=OWN),
            "message": grant(read=OWN, create=OWN),
        },
    },
    telling=TELLING,
    synced=(TICKETS, CONVERSATIONS, MESSAGES),
    seed=seed_service,
)
