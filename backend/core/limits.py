"""What a GraphQL operation may be and may cost, how its errors look, and its metrics."""

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import structlog
from graphql import ASTValidationRule, GraphQLError, parse, validate
from graphql.language import DocumentNode
from pymongo.errors import PyMongoError
from strawberry.extensions import SchemaExtension, max_aliases, query_depth_limiter
from strawberry.schema.base import BaseSchema

from backend.core.cost import Plan, Price, make_plans
from backend.core.cost_budget import REFUSAL, CostBudget, spender
from backend.core.errors import CRMError, Unauthenticated, Unavailable, UnknownField
from backend.core.graphql import Context
from backend.core.metrics import GRAPHQL_SECONDS
from backend.core.sequencer import is_transient
from backend.core.settings import Settings
from backend.core.trusted_documents import TrustedDocuments, read_manifests
from backend.core.web_hygiene import BodyTooLarge

log = structlog.get_logger()

DEEPEST = 12
MOST_ALIASES = 30
MOST_TOKENS = 2_000


# Made once: rules made anew for each request would never meet their validated document in the cache.
_RULES: tuple[type[ASTValidationRule], ...] = (
    query_depth_limiter.create_validator(DEEPEST, None),
    max_aliases.create_validator(MOST_ALIASES),
)

USUAL_LIMIT, USUAL_SIZE, USUAL_RESTORE = 6_000, 50_000, 1_000


@dataclass(frozen=True, kw_only=True)
class EdgeRules:
    """What this server allows at its GraphQL edge.

    The usual sizes: a push of 500 rows (5,000 points) is the dearest operation that a phone needs; a first
    sync of 10,000 records in pulls of 1,000 takes 10,020 points, a fifth of a full bucket; what comes back
    in a minute (60,000) is six such syncs, or a hundred written records a second for ever.
    """

    budget: CostBudget = field(
        default_factory=lambda: CostBudget(limit=USUAL_LIMIT, size=USUAL_SIZE, restore=USUAL_RESTORE)
    )
    documents: TrustedDocuments = field(default_factory=TrustedDocuments)
    introspection: Literal["anyone", "signed_in", "off"] = "signed_in"
    body_bytes: int = 1_000_000

    @classmethod
    def of(cls, settings: Settings) -> "EdgeRules":
        """Return the rules that ``settings`` ask for; raise Unavailable for manifests that are none."""
        return cls(
            budget=CostBudget(
                limit=settings.cost_limit, size=settings.cost_bucket, restore=settings.cost_restore
            ),
            documents=read_manifests(settings.trusted_documents, settings.trusted_documents_dir),
            introspection=settings.introspection,
            body_bytes=settings.body_bytes,
        )

    def shows_schema_to(self, context: Context) -> bool:
        """Say whether this caller may learn what the schema holds."""
        if self.introspection == "signed_in":
            return context.caller is not None
        return self.introspection == "anyone"


class HouseRules(SchemaExtension):
    """Limit, parse, validate and charge an operation, and time it.

    One extension for what Strawberry has five for: each costs every request its own turn. A text is parsed,
    checked and planned once.
    """

    def __init__(self, rules: EdgeRules) -> None:
        self._rules = rules
        self._price: Price | None = None
        self._cost: dict[str, int] | None = None

    def on_operation(self) -> Iterator[None]:
        start = time.perf_counter()
        self.execution_context.parse_options["max_tokens"] = MOST_TOKENS
        yield
        document = self.execution_context.graphql_document
        kind = _kind(document) if document else "invalid"
        GRAPHQL_SECONDS.labels(kind).observe(time.perf_counter() - start)

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        with contextlib.suppress(GraphQLError):  # the schema parses again, and tells what is wrong
            context.graphql_document = _parsed(context.query or "", MOST_TOKENS)
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        try:
            context.pre_execution_errors = list(self._errors(context.context))
        except CRMError as error:
            context.pre_execution_errors = [GraphQLError(str(error), original_error=error)]
        yield

    def _errors(self, asked: object) -> Sequence[GraphQLError]:
        """Return what is wrong with the document, else charge its cost; raise what stands against it."""
        context, document = self.execution_context, self.execution_context.graphql_document
        assert document is not None
        if not isinstance(asked, Context):  # the house asks itself: nothing is charged, all is shown
            return _checked(context.schema, document, context.validation_rules, False).errors
        self._rules.budget.check(self._caller(asked), 1)
        self._rules.documents.check(context.query or "", asked.caller)
        hides = not self._rules.shows_schema_to(asked)
        checked = _checked(context.schema, document, context.validation_rules, hides)
        if not checked.errors:
            self._admit(checked.plans.get(context.operation_name) or checked.plans[None], asked)
        return checked.errors

    def get_results(self) -> dict[str, Any]:
        """Tell what the operation cost; once, also where a subscription answers many times."""
        context = self.execution_context
        if not isinstance(context.context, Context):
            return {}
        if self._cost is not None:
            return {}
        budget, caller = self._rules.budget, self._caller(context.context)
        if self._price is None:
            self._cost = self._told(REFUSAL, REFUSAL, budget.give_back(caller, -REFUSAL))
        else:
            requested = self._price.requested
            actual = self._price.actual(getattr(context.result, "data", None))
            self._cost = self._told(requested, actual, budget.give_back(caller, requested - actual))
        return {"cost": self._cost}

    def _admit(self, plan: Plan, context: Context) -> None:
        """Take the operation's cost from the caller's budget; raise what stands against running it."""
        if plan.introspects and not self._rules.shows_schema_to(context):
            raise Unauthenticated("Sign in to ask for the schema; this server does not show it to everybody.")
        if _body_bytes(context) > self._rules.body_bytes and not plan.is_bulk:
            raise BodyTooLarge(self._rules.body_bytes)
        price = plan.price(self.execution_context.variables or {})
        self._rules.budget.take(self._caller(context), price.requested)
        self._price = price

    def _told(self, requested: int, actual: int, available: int) -> dict[str, int]:
        restore = self._rules.budget.restore
        return {
            "requested": requested,
            "actual": actual,
            "available": max(0, available),
            "restoreRate": restore,
        }

    @staticmethod
    def _caller(context: Context) -> str:
        client = context.request.client
        return spender(context.caller, client.host if client else "")


def _body_bytes(context: Context) -> int:
    body = context.request.scope.get("state", {}).get("body")
    return int(body.bytes) if body is not None else 0  # a socket's messages are measured one by one


def _kind(document: DocumentNode) -> str:
    for one in document.definitions:
        if one.kind == "operation_definition":
            return str(one.operation.value)  # type: ignore[attr-defined]
    return "invalid"


@lru_cache(maxsize=256)
def _parsed(query: str, max_tokens: int) -> DocumentNode:
    return parse(query, max_tokens=max_tokens)


@dataclass(frozen=True)
class _Checked:
    """What is known of a document: what is wrong with it, else the plan of each of its operations."""

    errors: tuple[GraphQLError, ...]
    plans: Mapping[str | None, Plan]


@lru_cache(maxsize=256)
def _checked(
    schema: BaseSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...], hides: bool
) -> _Checked:
    core = schema._schema  # type: ignore[attr-defined]
    errors = tuple(validate(core, document, (*rules, *_RULES), hide_suggestions=hides))
    return _Checked(errors, {} if errors else make_plans(core, document))


# How the library says that an input has a field too many; it repeats the whole input after that.
_UNKNOWN_FIELD = re.compile(
    r"Expected value of type '(\w+)' not to include unknown field '(\w+)'.*", re.DOTALL
)


def unknown_field(found: re.Match[str]) -> str:
    """Return the words for an unknown field; the same say that a field is not the caller's to compare."""
    return str(UnknownField(type_name=found[1], field=found[2]))


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
            error.message = _UNKNOWN_FIELD.sub(unknown_field, error.message)
            error.extensions = {"code": "BAD_QUERY", **(error.extensions or {}), "requestId": request_id}
        else:
            log.error("graphql.bug", request_id=request_id, path=error.path, exc_info=cause)
            error.message = f"Something went wrong on our side. Tell support this number: {request_id}"
            error.extensions = {"code": "INTERNAL", "requestId": request_id}
