"""The identity room's GraphQL face, a file for each thing."""

from typing import Any

from backend.identity.graphql.audit import AuditQuery
from backend.identity.graphql.people import PeopleQuery
from backend.identity.graphql.second_factor import SecondFactorMutation, SecondFactorQuery
from backend.identity.graphql.sessions import SessionMutation, SessionQuery
from backend.identity.graphql.tokens import TokenMutation, TokenQuery

QUERIES: tuple[type[Any], ...] = (AuditQuery, PeopleQuery, SessionQuery, SecondFactorQuery, TokenQuery)
MUTATIONS: tuple[type[Any], ...] = (SessionMutation, SecondFactorMutation, TokenMutation)
