"""The service room's page."""

from backend.core.access import Level, grant
from backend.core.events import RecordUpdated
from backend.core.module import Module
from backend.service.account_owners import on_record_changed
from backend.service.alerts import TELLING
from backend.service.documents import Conversation, Message, Ticket
from backend.service.events import ConversationOpened, TicketCreated
from backend.service.graphql import ServiceMutation, ServiceQuery
from backend.service.seed import seed_tickets
from backend.service.synced import CONVERSATIONS, MESSAGES, TICKETS

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, export=ALL, assign=ALL)
ANSWERED = grant(read=ALL, create=ALL, update=ALL, assign=ALL)
FOLLOWED = grant(read=TEAM, create=OWN, update=OWN)
# The operations keep a customer's writes to what their words bring about: a reopened ticket, a hand-off.
SPOKEN = grant(read=OWN, create=OWN, update=OWN)

module = Module(
    name="service",
    documents=(Conversation, Message, Ticket),
    queries=(ServiceQuery,),
    mutations=(ServiceMutation,),
    listens={
        "service.account_owner": (on_record_changed, (ConversationOpened, TicketCreated, RecordUpdated))
    },
    roles={
        "manager": {"ticket": MANAGED, "conversation": MANAGED, "message": MANAGED},
        "rep": {"ticket": FOLLOWED, "conversation": FOLLOWED, "message": FOLLOWED},
        "agent": {"ticket": ANSWERED, "conversation": ANSWERED, "message": ANSWERED},
        "customer": {
            "ticket": SPOKEN,
            "conversation": SPOKEN,
            "message": grant(read=OWN, create=OWN),
        },
        # Of a web site: the conversation was opened for them, and there is no second one.
        "visitor": {
            "ticket": SPOKEN,
            "conversation": grant(read=OWN, update=OWN),
            "message": grant(read=OWN, create=OWN),
        },
    },
    telling=TELLING,
    synced=(TICKETS, CONVERSATIONS, MESSAGES),
    seed=seed_tickets,
)
