"""What a GraphQL operation may cost, how its errors look, and its metrics."""

import time
from collections.abc import Iterator
from functools import lru_cache

import structlog
from graphql import ASTValidationRule, GraphQLError, parse, validate
from graphql.language import DocumentNode, OperationDefinitionNode
from pymongo.errors import PyMongoError
from strawberry.extensions import SchemaExtension, max_aliases, query_depth_limiter
from strawberry.schema.base import BaseSchema

from backend.core.errors import CRMError, Unavailable
from backend.core.metrics import GRAPHQL_SECONDS
from backend.core.sequencer import is_transient

log = structlog.get_logger()

DEEPEST = 12
MOST_ALIASES = 30
MOST_TOKENS = 2_000


# Made once: rules made anew for each request would never meet their validated document in the cache.
_RULES: tuple[type[ASTValidationRule], ...] = (
    query_depth_limiter.create_validator(DEEPEST, None),
    max_aliases.create_validator(MOST_ALIASES),
)


class HouseRules(SchemaExtension):
    """Limit, parse and validate an operation (each text once), and time it.

    One extension for what Strawberry has five for: each costs every request its own turn.
    """

    def on_operation(self) -> Iterator[None]:
        start = time.perf_counter()
        self.execution_context.parse_options["max_tokens"] = MOST_TOKENS
        yield
        document = self.execution_context.graphql_document
        definitions = document.definitions if document else ()
        operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        kind = operations[0].operation.value if operations else "invalid"
        GRAPHQL_SECONDS.labels(kind).observe(time.perf_counter() - start)

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.graphql_document = _parsed(context.query or "", MOST_TOKENS)
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        assert document is not None
        context.pre_execution_errors = list(_validated(context.schema, document, context.validation_rules))
        yield


@lru_cache(maxsize=256)
def _parsed(query: str, max_tokens: int) -> DocumentNode:
    return parse(query, max_tokens=max_tokens)


@lru_cache(maxsize=256)
def _validated(
    schema: BaseSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...]
) -> tuple[GraphQLError, ...]:
    return tuple(validate(schema._schema, document, (*rules, *_RULES)))  # type: ignore[attr-defined]


EXTENSIONS = (HouseRules,)


def describe_errors(errors: list[GraphQLError], request_id: str) -> None:
    """Give each top-level error its ``extensions.code``; mask a bug, and log it with the request id."""
    for error in errors:
        cause = error.original_error
        if isinstance(cause, PyMongoError) and is_transient(cause):
            cause = Unavailable("The database does not answer at the moment; nothing was changed. Try again.")
            error.message = str(cause)
        if isinstance(cause, CRMError):
            error.extensions = {**cause.extensions(), "requestId": request_id}
        elif cause is None or isinstance(cause, GraphQLError):
            error.extensions = {"code": "BAD_QUERY", **(error.extensions or {}), "requestId": request_id}
        else:
            log.error("graphql.bug", request_id=request_id, path=error.path, exc_info=cause)
            error.message = f"Something went wrong on our side. Tell support this number: {request_id}"
            error.extensions = {"code": "INTERNAL", "requestId": request_id}
