"""Setting a record's fields from input, with every refusal named by field."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from backend.core.errors import Conflict, FieldError, InvalidInput
from backend.core.ids import checked_id
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork

R = TypeVar("R", bound=Record)
Fields = Mapping[str, Any]


async def new_record(uow: UnitOfWork, record: type[R], fields: Fields, *, id: str | None = None) -> R:
    """Return a new record with ``fields``; the owner is the actor, and the teams are the
    actor's where a kind is shared with them, unless the input names others.

    ``id`` may be a UUID that the client made offline. Raise InvalidInput for an unknown or wrong field,
    Conflict when the id is taken.
    """
    _refuse_server_owned(record, fields)
    _refuse_locked(record, fields, uow.actor.mask(record.kind).locked)
    values: dict[str, Any] = {"owner_id": uow.actor.user_id}
    if record.shared_with_team:
        values["team_ids"] = list(uow.actor.team_ids)
    values |= fields
    if id is not None:
        values["id"] = checked_id(id)
        if await uow.is_taken(record, values["id"]):
            raise Conflict(
                f"A {record.kind} with id {values['id']} exists already; make a new UUID, or update it.",
                current_version=0,
            )
    try:
        made: R = record.model_validate(values)
    except ValidationError as error:
        raise invalid_input(error) from None
    return made


def set_fields(record: Record, fields: Fields) -> None:
    """Set ``fields`` on ``record``, all or none. Raise InvalidInput for an unknown or wrong field."""
    _refuse_server_owned(type(record), fields)
    _refuse_locked(type(record), fields, record.locked)
    try:
        checked = type(record).model_validate(record.model_dump() | dict(fields))
    except ValidationError as error:
        raise invalid_input(error) from None
    for name in fields:
        setattr(record, name, getattr(checked, name))


def _refuse_locked(record: type[Record], fields: Fields, locked: Collection[str]) -> None:
    wrong = [name for name in fields if name in locked]
    if wrong:
        raise InvalidInput(
            *(
                FieldError(name, "is not yours to change; leave it out, or ask an admin of the workspace")
                for name in wrong
            )
        )


def invalid_input(error: ValidationError) -> InvalidInput:
    """Return pydantic's findings as ours."""
    return InvalidInput(
        *(
            FieldError(".".join(str(part) for part in found["loc"]) or "input", _sentence(found["msg"]))
            for found in error.errors(include_url=False)
        )
    )


def _sentence(message: str) -> str:
    return f"is not right: {message[:1].lower()}{message[1:]}"


def _refuse_server_owned(record: type[Record], fields: Fields) -> None:
    editable = record.editable_fields()
    wrong = [name for name in fields if name not in editable]
    if wrong:
        raise InvalidInput(
            *(FieldError(name, f"cannot be set on a {record.kind}; leave it out") for name in wrong)
        )
