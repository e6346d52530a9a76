"""The identity room's GraphQL face, a file for each thing."""

from typing import Any

from backend.identity.graphql.audit import AuditQuery
from backend.identity.graphql.chat_keys import ChatKeyMutation, ChatKeyQuery
from backend.identity.graphql.explain import ExplainQuery
from backend.identity.graphql.people import PeopleMutation, PeopleQuery
from backend.identity.graphql.providers import ProviderMutation, ProviderQuery
from backend.identity.graphql.record_shares import RecordShareMutation, RecordShareQuery
from backend.identity.graphql.reveal import RevealMutation
from backend.identity.graphql.roles import RoleMutation, RoleQuery
from backend.identity.graphql.second_factor import SecondFactorMutation, SecondFactorQuery
from backend.identity.graphql.sessions import SessionMutation, SessionQuery
from backend.identity.graphql.sharing import SharingMutation, SharingQuery
from backend.identity.graphql.tokens import TokenMutation, TokenQuery

QUERIES: tuple[type[Any], ...] = (
    AuditQuery,
    ChatKeyQuery,
    ExplainQuery,
    PeopleQuery,
    ProviderQuery,
    RecordShareQuery,
    RoleQuery,
    SecondFactorQuery,
    SessionQuery,
    SharingQuery,
    TokenQuery,
)
MUTATIONS: tuple[type[Any], ...] = (
    ChatKeyMutation,
    PeopleMutation,
    ProviderMutation,
    RecordShareMutation,
    RevealMutation,
    RoleMutation,
    SecondFactorMutation,
    SessionMutation,
    SharingMutation,
    TokenMutation,
)
