"""Identifiers: time-ordered, so that a client may make them offline and indexes stay compact."""

import uuid
from typing import Annotated, NewType

import uuid_utils
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from backend.core.errors import FieldError, InvalidInput

WorkspaceId = NewType("WorkspaceId", str)
UserId = NewType("UserId", str)

# The fixed name space of ids derived from a name (demo records, ids made by listeners).
_NAMES = uuid.UUID("018f2d5e-7a00-7000-8000-52617070b071")


def new_id() -> str:
    """Return a new UUIDv7 as 36 lower-case characters. Source: RFC 9562 §5.7."""
    return str(uuid_utils.uuid7())


def derived_id(*parts: str) -> str:
    """Return the id that belongs to ``parts``: the same parts always give the same UUIDv5.

    A listener that may run twice derives the id of what it creates from its ledger entry.
    """
    return str(uuid.uuid5(_NAMES, "\x1f".join(parts)))


def checked_id(value: str, *, field: str = "id") -> str:
    """Return ``value`` in canonical form when it is a UUID; raise InvalidInput otherwise."""
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise InvalidInput(
            FieldError(field, "is not a UUID; send 36 characters such as 0190a8d2-… or leave it out")
        ) from None


def _reference(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise PydanticCustomError(
            "reference", "it must be the id of a record: a UUID of 36 characters, or null for none"
        ) from None


# The id of another record. Whether that record exists is not asked: phones push their collections in
# any order, so it may arrive later; who reads it needs the right to read that record.
Reference = Annotated[str, AfterValidator(_reference)]
