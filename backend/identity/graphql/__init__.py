"""The identity room's GraphQL face, a file for each thing."""

from typing import Any

from backend.identity.graphql.people import PeopleQuery
from backend.identity.graphql.sessions import SessionMutation, SessionQuery

QUERIES: tuple[type[Any], ...] = (PeopleQuery, SessionQuery)
MUTATIONS: tuple[type[Any], ...] = (SessionMutation,)
