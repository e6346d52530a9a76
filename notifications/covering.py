"""Lines of the inbox whose subject their recipient may not see any more: their words are covered.

A line keeps the words of its moment, a customer's name among them. So whoever reads it is looked up afresh
against its subject, as a push is before it leaves (``checking.py``), over GraphQL and on phones alike. When
access returns, so do the words.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backend.core.errors import NotFound
from backend.core.records import REGISTRY
from backend.core.unit_of_work import UnitOfWork
from notifications.checking import hides_its_heading
from notifications.wording import Wording, private_wording


class Line(Protocol):
    """What is shown of a line."""

    @property
    def subject_kind(self) -> str: ...

    @property
    def subject_id(self) -> str: ...

    def cover(self, wording: Wording) -> None:
        """Show ``wording`` in place of its words."""


async def cover(uow: UnitOfWork, lines: Sequence[Line]) -> None:
    """Give neutral words to those of ``lines`` whose subject the actor may not read, or not call by its name.

    ``lines`` are what is shown, never the records themselves. Subjects of one kind are looked up together.
    """
    subjects = {(line.subject_kind, line.subject_id) for line in lines if line.subject_kind}
    ordered = sorted(subjects)
    answers = await asyncio.gather(*(may_be_named(uow, kind, id) for kind, id in ordered))
    seen = dict(zip(ordered, answers, strict=True))
    wording = private_wording(uow.actor.locale)
    for line in lines:
        if not seen.get((line.subject_kind, line.subject_id), True):
            line.cover(wording)


async def cover_rows(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Do the same to lines as phones hold them: by column."""
    await cover(uow, [_Row(row) for row in rows])


@dataclass(frozen=True)
class _Row:
    """A line as a phone holds it."""

    columns: dict[str, Any]

    @property
    def subject_kind(self) -> str:
        return str(self.columns["subject_kind"])

    @property
    def subject_id(self) -> str:
        return str(self.columns["subject_id"])

    def cover(self, wording: Wording) -> None:
        self.columns.update(title=wording.title, body=wording.body)


async def may_be_named(uow: UnitOfWork, kind: str, id: str) -> bool:
    """Tell whether the actor may read a record, and all that a line calls it by."""
    record = REGISTRY.get(kind)
    if record is None:
        return False
    try:
        return not hides_its_heading(await uow.access(record, id))
    except NotFound:
        return False
