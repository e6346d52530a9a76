"""The identity room's GraphQL face, a file for each thing."""

from typing import Any

from backend.identity.graphql.people import PeopleQuery

QUERIES: tuple[type[Any], ...] = (PeopleQuery,)
MUTATIONS: tuple[type[Any], ...] = ()
