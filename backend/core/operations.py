"""The shape of the three operations that nearly every kind has.

GraphQL mutations and phones run the same ones (``mutations``, ``sync``).
"""

from typing import Protocol, TypeVar

from backend.core.fields import Fields
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork

R_co = TypeVar("R_co", bound=Record, covariant=True)


class CreateOperation(Protocol[R_co]):
    """``create_account`` and its like."""

    async def __call__(self, uow: UnitOfWork, fields: Fields, /, *, id: str | None = None) -> R_co: ...


class UpdateOperation(Protocol[R_co]):
    """``update_account`` and its like."""

    async def __call__(
        self, uow: UnitOfWork, id: str, fields: Fields, /, *, expected_version: int | None = None
    ) -> R_co: ...


class DeleteOperation(Protocol[R_co]):
    """``delete_account`` and its like."""

    async def __call__(self, uow: UnitOfWork, id: str, /, *, expected_version: int | None = None) -> R_co: ...
