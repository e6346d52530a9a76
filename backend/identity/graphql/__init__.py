"""The identity room's GraphQL face, a file for each thing."""

from typing import Any

from backend.identity.graphql.audit import AuditQuery
from backend.identity.graphql.people import PeopleQuery
from backend.identity.graphql.sessions import SessionMutation, SessionQuery

QUERIES: tuple[type[Any], ...] = (AuditQuery, PeopleQuery, SessionQuery)
MUTATIONS: tuple[type[Any], ...] = (SessionMutation,)
