"""Which column fills which field: proposed by the names of columns, checked when somebody says it. Pure."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from backend.core.errors import FieldError, InvalidInput
from backend.core.field_names import shown_name, stored_name
from backend.integrations.importable import HEADINGS, Importable

Mapped = Mapping[str, str | None]
"""Fields by column; None: the column is left out."""


def propose_mapping(
    importable: Importable, columns: Sequence[str], *, locked: Collection[str] = ()
) -> dict[str, str | None]:
    """Return for each column the field that its name tells, each field once, the first column first.

    ``locked`` fields, which are not the actor's to set, are left out.
    """
    names = _names(importable)
    found: dict[str, str | None] = {}
    for column in filter(None, columns):
        field = names.get(_folded(column))
        found[column] = None if field in locked or field in found.values() else field
    return found


def changed_mapping(
    importable: Importable,
    columns: Sequence[str],
    before: Mapped,
    given: Iterable[tuple[str, str | None]],
    *,
    locked: Collection[str] = (),
) -> dict[str, str | None]:
    """Return ``before`` with what is ``given`` changed in it; fields may be written as clients write them.

    A field that another column filled so far goes over to the column that is given. Raise InvalidInput for a
    column that is not in the file, a field that cannot be imported or is ``locked``, and one given twice.
    """
    after, taken = dict(before), set[str]()
    for column, written in given:
        if column not in columns or not column:
            there = ", ".join(filter(None, columns))
            raise _wrong(f"names the column {column!r}, which the file does not have; it has: {there}")
        field = _known_field(importable, written, locked) if written else None
        if field in taken:
            raise _wrong(f"fills {shown_name(field or '')} from two columns; choose one of them")
        if field:
            taken.add(field)
            after |= {one: None for one, held in after.items() if held == field}
        after[column] = field
    return after


def check_key(importable: Importable, mapped: Mapped, key: str, *, unseen: Collection[str] = ()) -> None:
    """Raise InvalidInput unless rows can be compared with records by ``key``."""
    if key not in importable.keys:
        there = ", ".join(map(shown_name, importable.keys))
        raise InvalidInput(FieldError("match_by", f"must be one of {there} for a {importable.kind}"))
    if key not in mapped.values():
        raise InvalidInput(
            FieldError(
                "match_by", f"is {shown_name(key)}, which no column fills; map one to it, or name another"
            )
        )
    if key in unseen:
        raise InvalidInput(FieldError("match_by", "is a field that you do not see in full; name another"))


def _known_field(importable: Importable, written: str, locked: Collection[str]) -> str:
    field = stored_name(written)
    if field not in importable.fields:
        there = ", ".join(sorted(map(shown_name, importable.fields)))
        raise _wrong(
            f"names {written}, which an import cannot set on a {importable.kind}; it can set: {there}"
        )
    if field in locked:
        raise _wrong(f"names {written}, which is not yours to change; leave it out, or ask an admin")
    return field


def _names(importable: Importable) -> dict[str, str]:
    """Return the fields of a kind by every name of a column that tells them."""
    found = {_folded(field): field for field in importable.fields}
    for headings in (importable.headings, HEADINGS):
        for field, names in headings.items():
            if field in importable.fields:
                for name in names:
                    found.setdefault(_folded(name), field)
    return found


def _folded(name: str) -> str:
    """Return a column's name without what people write differently: width, case, spaces, signs."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(FieldError("mapping", message))
