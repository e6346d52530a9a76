"""Everything that is about one person, across all kinds that the house knows.

Kinds declare it: ``about_person`` names the contact; what follows a record, or is tied to it by
``about_records``, is about the same person. So a new kind takes part without a word here.
"""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import Any, Protocol

from backend.core.personal import PersonalClass
from backend.core.records import REGISTRY, Record
from backend.crm.documents import Contact

PAGE = 500
FEW = 20  # look-ups that cost no more than one scan


class Find(Protocol):
    """``uow.find`` and its like."""

    def __call__(
        self,
        record: type[Record],
        where: Mapping[str, Any],
        /,
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
    ) -> Awaitable[list[Record]]: ...


Condition = tuple[type[Record], dict[str, Any]]


def ties_of(record: type[Record]) -> tuple[tuple[str, str], ...]:
    """Return by what records of a kind belong to others: (kind or @field with it, field with the id)."""
    return (*record.about_records, *((record.follows,) if record.follows else ()))


def find_about(find: Find, contact_id: str) -> AsyncIterator[list[Record]]:
    """Yield everything about a person in pages of one kind each, the contact first, nothing twice."""
    return _walk(find, [*_named_in(Contact, contact_id), *_named_in_others(contact_id)])


def find_themselves(find: Find, contact_id: str) -> AsyncIterator[list[Record]]:
    """Yield the records that are the person, by which all else is recognised: contact, leads, users."""
    kinds = [kind for kind in REGISTRY.values() if is_a_person(kind)]
    return _walk(find, [one for kind in kinds for one in _named_in(kind, contact_id)], deep=False)


def is_a_person(record: type[Record]) -> bool:
    """Tell whether records of a kind say who somebody is."""
    return record.about_person is not None and PersonalClass.NAME in record.personal.values()


def find_with_children(find: Find, record: Record) -> AsyncIterator[list[Record]]:
    """Yield ``record`` and everything that belongs to it, in pages."""
    return _walk(find, [(type(record), {"_id": record.id})])


def _named_in_others(contact_id: str) -> list[Condition]:
    return [one for kind in REGISTRY.values() if kind is not Contact for one in _named_in(kind, contact_id)]


def _named_in(record: type[Record], contact_id: str) -> list[Condition]:
    if record.about_person is None:
        return []
    return [(record, {"_id" if record.about_person == "id" else record.about_person: contact_id})]


async def _walk(find: Find, wanted: list[Condition], *, deep: bool = True) -> AsyncIterator[list[Record]]:
    """Yield what is ``wanted``, then (``deep``) what belongs to it, until nothing new is found."""
    seen: set[tuple[str, str]] = set()
    while wanted:
        fresh: dict[str, list[str]] = {}
        for kind, where in wanted:
            async for found in _pages(find, kind, where):
                new = [one for one in found if (one.kind, one.id) not in seen]
                seen.update((one.kind, one.id) for one in new)
                fresh.setdefault(kind.kind, []).extend(one.id for one in new)
                if new:
                    yield new
        wanted = _conditions(fresh) if deep else []


def _conditions(parents: Mapping[str, list[str]]) -> list[Condition]:
    """Return the filters of what belongs to ``parents`` (ids by kind)."""
    found: list[Condition] = []
    for record in REGISTRY.values():
        for target, field in ties_of(record):
            for kind, ids in parents.items():
                if target.startswith("@"):
                    names: list[dict[str, Any]] = [{target[1:]: name} for name in {kind, _camel(kind)}]
                else:
                    names = [{}] if target == kind else []
                found += [
                    (record, {**also, field: some}) for also in names for some in _asked(record, field, ids)
                ]
    return found


def _asked(record: type[Record], field: str, ids: Sequence[str]) -> list[Any]:
    """Return conditions on ``field``: a few ids one by one where an index answers, else all in a scan."""
    indexed = any(field in index.index.document["key"] for index in record.get_settings().indexes or ())
    if indexed and len(ids) <= FEW:
        return list(ids)
    return [{"$in": list(ids[start : start + PAGE])} for start in range(0, len(ids), PAGE)]


async def _pages(find: Find, record: type[Record], where: Mapping[str, Any]) -> AsyncIterator[list[Record]]:
    after: dict[str, Any] = {}
    while True:
        page = await find(record, {**after, **where}, sort=[("_id", 1)], limit=PAGE)
        if page:
            yield page
        if len(page) < PAGE or where.get("_id"):
            return
        after = {"_id": {"$gt": page[-1].id}}


def _camel(name: str) -> str:
    """Return the name under which phones know a kind."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
