"""The service room's GraphQL face, a file for each matter."""

from backend.service.graphql.agreements import AgreementMutation, AgreementQuery
from backend.service.graphql.conversations import ConversationMutation, ConversationQuery
from backend.service.graphql.tickets import TicketMutation, TicketQuery

QUERIES = (TicketQuery, ConversationQuery, AgreementQuery)
MUTATIONS = (TicketMutation, ConversationMutation, AgreementMutation)
