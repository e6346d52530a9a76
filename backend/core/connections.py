"""Relay connections: pages by keyset, stable while records come and go.

Source: GraphQL Cursor Connections Specification.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import strawberry
from bson import Decimal128, json_util

from backend.core.errors import FieldError, InvalidInput
from backend.core.filters import compile_filter, fields_named, refuse_unseen
from backend.core.graphql import Info
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork

N = TypeVar("N")
R = TypeVar("R", bound=Record)
MOST = 100


@strawberry.enum
class Direction(Enum):
    ASC = "asc"
    DESC = "desc"


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge(Generic[N]):
    node: N
    place: strawberry.Private[Callable[[], str]]

    @strawberry.field
    def cursor(self) -> str:
        return self.place()  # made only for who asks: a page needs one, its last


@strawberry.type(
    description="A page of records; ask for `totalCount` only when you show it: it costs a count."
)
class Connection(Generic[N]):
    edges: list[Edge[N]]
    page_info: PageInfo
    record: strawberry.Private[type[Record]]
    where: strawberry.Private[Mapping[str, Any]]

    @strawberry.field
    def nodes(self) -> list[N]:
        return [edge.node for edge in self.edges]

    @strawberry.field(metadata={"cost": 20})  # it walks all that the caller may see
    async def total_count(self, info: Info) -> int | None:
        return await info.context.uow.count(self.record, self.where)


async def page(
    uow: UnitOfWork,
    record: type[R],
    wrap: Callable[[R], N],
    *,
    where: Mapping[str, Any],
    order: Sequence[tuple[str, Direction]],
    first: int,
    after: str | None,
) -> Connection[N]:
    """Return the ``first`` (1–100) records after the cursor, in ``order`` and then by id.

    Raise InvalidInput for a page size out of range and for a cursor that does not fit the order.
    """
    if not 1 <= first <= MOST:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST}; ask for further pages with `after`"))
    if not where and not order:
        return await _latest(uow, record, wrap, first=first, after=after)
    sort = [(name, -1 if direction is Direction.DESC else 1) for name, direction in order]
    sort.append(("_id", -1 if sort and sort[-1][1] < 0 else 1))
    start = _after(after, sort) if after else {}
    both = {"$and": [where, start]} if where and start else {**where, **start}
    found = await uow.find(record, both, sort=sort, limit=first + 1)
    edges = [Edge(node=wrap(item), place=partial(_cursor, item, sort)) for item in found[:first]]
    info = PageInfo(has_next_page=len(found) > first, end_cursor=edges[-1].place() if edges else None)
    return Connection(edges=edges, page_info=info, record=record, where=where)


async def _latest(
    uow: UnitOfWork, record: type[R], wrap: Callable[[R], N], *, first: int, after: str | None
) -> Connection[N]:
    """Return the default order, latest change first: by version, which the feed index holds in order."""
    order = [("version", -1), ("_id", -1)]
    below = _values(after, order) if after else None
    found = await uow.latest(record, most=first + 1, below=(below[0], below[1]) if below else None)
    edges = [Edge(node=wrap(item), place=partial(_cursor, item, order)) for item in found[:first]]
    info = PageInfo(has_next_page=len(found) > first, end_cursor=edges[-1].place() if edges else None)
    return Connection(edges=edges, page_info=info, record=record, where={})


def _cursor(record: Record, sort: Sequence[tuple[str, int]]) -> str:
    values = [record.id if name == "_id" else _stored(getattr(record, name)) for name, _ in sort]
    text = json.dumps([[name for name, _ in sort], values], default=json_util.default, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(cursor: str, sort: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Return the filter of what comes after ``cursor``: null sorts before every value."""
    values = _values(cursor, sort)
    choices: list[dict[str, Any]] = []
    for position, (name, direction) in enumerate(sort):
        equal = {n: v for (n, _), v in zip(sort[:position], values, strict=False)}
        choices += [{**equal, **beyond} for beyond in _beyond(name, values[position], direction)]
    return choices[0] if len(choices) == 1 else {"$or": choices}


def _values(cursor: str, sort: Sequence[tuple[str, int]]) -> list[Any]:
    """Return the sort values in a cursor; raise InvalidInput when it is not one of this order."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        names, values = json.loads(text, object_hook=lambda found: json_util.object_hook(found, _JSON))
        if names != [name for name, _ in sort] or len(values) != len(sort):
            raise ValueError(names)
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError):
        raise InvalidInput(
            FieldError(
                "after", "is not a cursor of this list and order; take `pageInfo.endCursor` of its last page"
            )
        ) from None
    return list(values)


def _beyond(name: str, value: Any, direction: int) -> list[dict[str, Any]]:
    if direction > 0:
        return [{name: {"$ne": None}}] if value is None else [{name: {"$gt": value}}]
    return [] if value is None else [{name: {"$lt": value}}, {name: None}]


_JSON = json_util.JSONOptions(tz_aware=True, tzinfo=UTC)


def _stored(value: Any) -> Any:
    if isinstance(value, Decimal):
        return Decimal128(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)  # as Beanie stores dates
    return value if isinstance(value, datetime | str | int | float | bool | None) else str(value)


class Order(Protocol):
    """An ``orderBy`` entry of any kind: a field, by an enum of document field names, and a direction."""

    @property
    def field(self) -> Enum: ...
    @property
    def direction(self) -> Direction: ...


async def listed(
    info: Info,
    record: type[R],
    wrap: Callable[[R], N],
    *,
    filter: object,
    order_by: Sequence[Order] | None,
    first: int,
    after: str | None,
    usual_order: Sequence[tuple[str, Direction]] = (),
) -> Connection[N]:
    """Return the page that a list field was asked for.

    Without ``orderBy``, what a filter finds comes in ``usual_order`` (else by id); without either, the
    latest change comes first. Raise UnknownField for a field that the caller does not see.
    """
    where = compile_filter(filter)
    order = [(str(one.field.value), one.direction) for one in order_by or []]
    unseen = info.context.actor.mask(record.kind).unseen
    if unseen:
        refuse_unseen(unseen, filter, fields_named(filter) | {name for name, _ in order})
    if where and not order:
        order = list(usual_order)
    return await page(info.context.uow, record, wrap, where=where, order=order, first=first, after=after)
