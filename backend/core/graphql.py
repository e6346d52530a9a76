"""What every room's GraphQL stands on: the context, the typed errors, the input conventions."""

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias, TypeVar, cast

import strawberry
import svcs
from starlette.requests import HTTPConnection
from strawberry.dataloader import DataLoader
from strawberry.types.field import StrawberryField

from backend.core import errors
from backend.core.access import Actor
from backend.core.records import OPEN, Record
from backend.core.store import Operation, Store
from backend.core.unit_of_work import UnitOfWork

T = TypeVar("T")
K = TypeVar("K")
R = TypeVar("R", bound=Record)


@dataclass
class Context:
    """What a resolver may reach: who asks, the store, the services, the loaders of this request."""

    services: svcs.Container
    store: Store
    caller: Actor | None
    request_id: str
    request: HTTPConnection  # the HTTP request, or the WebSocket
    connection_params: dict[str, Any] | None = None  # what a WebSocket said when it opened
    _loaders: dict[object, DataLoader[Any, Any]] = field(default_factory=dict)
    _reading: UnitOfWork | None = None

    @property
    def actor(self) -> Actor:
        """Return who is signed in; raise Unauthenticated when nobody is."""
        if self.caller is None:
            raise errors.Unauthenticated(
                "Nobody is signed in: send `Authorization: Bearer <accessToken>` from POST /auth/sign-in."
            )
        return self.caller

    @property
    def uow(self) -> UnitOfWork:
        """Return this request's unit for reading. Writes go through ``write``."""
        if self._reading is None:
            self._reading = self.store.unit_of_work(self.actor)
        return self._reading

    async def write(self, operation: Operation[T], *, mutation_id: str | None = None, purpose: str = "") -> T:
        """Run a business operation and commit it; see ``Store.write``."""
        return await self.store.write(self.actor, operation, mutation_id=mutation_id, purpose=purpose)

    def loader(self, load: Callable[[list[K]], Awaitable[Sequence[T | BaseException]]]) -> DataLoader[K, T]:
        """Return this request's loader for ``load``, made on first use."""
        if load not in self._loaders:
            self._loaders[load] = DataLoader(load_fn=load)
        return cast("DataLoader[K, T]", self._loaders[load])

    async def related(self, record: type[R], id: str | None) -> R | None:
        """Return a related record, batched with its siblings; None when absent or not visible."""
        if id is None:
            return None
        if record not in self._loaders:

            async def load(ids: list[str]) -> Sequence[Record | None]:
                found = await self.store.reader.get_many(self.actor, record, ids)
                return [found.get(one) for one in ids]

            self._loaders[record] = DataLoader(load_fn=load)
        return cast("R | None", await self._loaders[record].load(id))


Info: TypeAlias = strawberry.Info[Context, None]


# ── typed errors ─────────────────────────────────────────────────────────────────────────────────


@strawberry.interface(
    description="An expected refusal: `code` is for programs, `message` says cause and mend."
)
class Error:
    message: str
    code: str


@strawberry.type(description="One input field and what is wrong with it.")
class InvalidField:
    field: str
    message: str


@strawberry.type(description="The input breaks a rule; nothing was changed.")
class InvalidInput(Error):
    fields: list[InvalidField]


@strawberry.type(description="No such record is visible to you.")
class NotFound(Error):
    id: strawberry.ID


@strawberry.type(description="You may see it, but your role does not allow this.")
class Forbidden(Error):
    pass


@strawberry.type(description="Somebody changed the record since the version you sent; nothing was changed.")
class Conflict(Error):
    current_version: int
    fields: list[str]


@strawberry.type(description="Records like this one exist already.")
class DuplicateFound(Error):
    candidates: list[strawberry.ID]


@strawberry.type(
    description="Somebody must approve it first: `request` is the approval that it waits for, null when none "
    "is asked for yet."
)
class ApprovalRequired(Error):
    request: strawberry.ID | None


@strawberry.type(description="Too many tries; try again after `retryAfter` seconds.")
class RateLimited(Error):
    retry_after: float


class _InvalidInput(strawberry.ExceptionHandler[errors.InvalidInput, InvalidInput]):
    def handle(self, exception: errors.InvalidInput, *, field: StrawberryField, info: Info) -> InvalidInput:
        found = [InvalidField(field=_camel(e.field), message=e.message) for e in exception.errors]
        return InvalidInput(message=str(exception), code=exception.code, fields=found)


class _NotFound(strawberry.ExceptionHandler[errors.NotFound, NotFound]):
    def handle(self, exception: errors.NotFound, *, field: StrawberryField, info: Info) -> NotFound:
        return NotFound(message=str(exception), code=exception.code, id=strawberry.ID(exception.id))


class _Forbidden(strawberry.ExceptionHandler[errors.Forbidden, Forbidden]):
    def handle(self, exception: errors.Forbidden, *, field: StrawberryField, info: Info) -> Forbidden:
        return Forbidden(message=str(exception), code=exception.code)


class _Conflict(strawberry.ExceptionHandler[errors.Conflict, Conflict]):
    def handle(self, exception: errors.Conflict, *, field: StrawberryField, info: Info) -> Conflict:
        return Conflict(
            message=str(exception),
            code=exception.code,
            current_version=exception.current_version,
            fields=[_camel(name) for name in exception.fields],
        )


class _DuplicateFound(strawberry.ExceptionHandler[errors.DuplicateFound, DuplicateFound]):
    def handle(
        self, exception: errors.DuplicateFound, *, field: StrawberryField, info: Info
    ) -> DuplicateFound:
        candidates = [strawberry.ID(id) for id in exception.candidates]
        return DuplicateFound(message=str(exception), code=exception.code, candidates=candidates)


class _ApprovalRequired(strawberry.ExceptionHandler[errors.ApprovalRequired, ApprovalRequired]):
    def handle(
        self, exception: errors.ApprovalRequired, *, field: StrawberryField, info: Info
    ) -> ApprovalRequired:
        request = strawberry.ID(exception.request) if exception.request else None
        return ApprovalRequired(message=str(exception), code=exception.code, request=request)


class _RateLimited(strawberry.ExceptionHandler[errors.RateLimited, RateLimited]):
    def handle(self, exception: errors.RateLimited, *, field: StrawberryField, info: Info) -> RateLimited:
        seconds = exception.retry_after.total_seconds()
        return RateLimited(message=str(exception), code=exception.code, retry_after=seconds)


EXCEPTION_HANDLERS = (
    _InvalidInput(),
    _NotFound(),
    _Forbidden(),
    _Conflict(),
    _DuplicateFound(),
    _ApprovalRequired(),
    _RateLimited(),
)


# ── inputs and outputs ───────────────────────────────────────────────────────────────────────────

CONTROL = frozenset({"id", "mutation_id", "expected_version"})


def given(data: Any) -> dict[str, Any]:
    """Return the fields that the caller set in a Strawberry input, plain, without the control fields."""
    return {name: value for name, value in _plain(data).items() if name not in CONTROL}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {name: _plain(inner) for name, inner in pairs if inner is not strawberry.UNSET}
    if isinstance(value, Enum):
        return value.value
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


@strawberry.type
class Shown:
    hidden_fields: list[str] = strawberry.field(
        description="The fields that your role does not show you: they are null here."
    )
    masked_fields: list[str] = strawberry.field(
        description="The fields of which you see only a part; `reveal` shows them, with a reason."
    )


def shared_fields(record: Record, target: type[Any], **shaped: object) -> Mapping[str, Any]:
    """Return what a GraphQL type takes from ``record`` under the same name (private fields excepted).

    ``shaped`` are fields whose GraphQL form is another than the record's. What is hidden from the caller
    is null, and named in ``hidden_fields``.
    """
    state = record.__dict__  # Beanie's own attribute access looks for lazily parsed fields each time
    names = _FIELD_NAMES.get(target)
    if names is None:
        names = _FIELD_NAMES[target] = tuple(field.name for field in dataclasses.fields(target) if field.init)
    found = {name: state[name] for name in names if name in state} | shaped
    veil = record.veil
    found |= {name: () for name in ("hidden_fields", "masked_fields") if name in names}
    if veil is not OPEN:
        found |= dict.fromkeys(veil.blank.intersection(names))
        found |= {"hidden_fields": _camels(veil.hidden), "masked_fields": _camels(veil.masked)}
    computed = (name for name in names if name not in found and hasattr(record, name))
    return found | {name: getattr(record, name) for name in computed}


def _camels(names: Iterable[str]) -> list[str]:
    return sorted(_camel(name) for name in names)


_FIELD_NAMES: dict[type[Any], tuple[str, ...]] = {}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def version_of(data: Any) -> int | None:
    """Return the input's ``expected_version`` when the caller gave one."""
    return data.expected_version if data.expected_version is not strawberry.UNSET else None


@strawberry.input(description="Which record to delete; `expectedVersion` refuses when somebody changed it.")
class DeleteInput:
    id: strawberry.ID
    mutation_id: str | None = strawberry.UNSET
    expected_version: int | None = strawberry.UNSET


@strawberry.type(description="The record is deleted; phones receive a tombstone.")
class Deleted:
    id: strawberry.ID
    version: int

    @classmethod
    def of(cls, record: Record) -> "Deleted":
        return cls(id=strawberry.ID(record.id), version=record.version)
