"""The whole GraphQL schema, built once a process: each takes a quarter of a second."""

from functools import cache

from graphql import GraphQLSchema

import main
from backend.graphql_edge import build_schema


@cache
def whole_schema() -> GraphQLSchema:
    """Return the schema of all rooms, for tests that read it and change nothing in it."""
    schema: GraphQLSchema = build_schema(main.MODULES)._schema
    return schema
