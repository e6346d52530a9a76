"""From kept pointers back to records: each reader gets those that are theirs to read, and no others."""

from collections.abc import Iterable, Sequence

from assistant.advice.documents import Pointer
from assistant.advice.subjects import Reference, refer
from backend.core.records import REGISTRY, Record
from backend.core.unit_of_work import UnitOfWork

AT_ONCE = 500  # ids in one query


async def readable_pointers(uow: UnitOfWork, pointers: Iterable[Pointer]) -> dict[str, Record]:
    """Return the records that the actor may read, by id, in one query for each kind (and 500 ids)."""
    ids: dict[str, set[str]] = {}
    for one in pointers:
        ids.setdefault(one.kind, set()).add(one.id)
    found: dict[str, Record] = {}
    for kind, wanted in ids.items():
        some = sorted(wanted)
        for start in range(0, len(some), AT_ONCE):
            part = await uow.find(REGISTRY[kind], {"_id": {"$in": some[start : start + AT_ONCE]}})
            found |= {record.id: record for record in part}
    return found


def sees_fields(uow: UnitOfWork, names: Iterable[str]) -> bool:
    """Tell whether the actor sees every one of ``kind.field`` in clear, and reads each kind at all."""
    for name in names:
        kind, _, field = name.partition(".")
        if field in uow.actor.mask(kind).unseen or not uow.may(kind, "read"):
            return False
    return True


def references(pointers: Sequence[Pointer], readable: dict[str, Record]) -> list[Reference]:
    """Return the readable ones as people call them, in order."""
    return [refer(readable[one.id]) for one in pointers if one.id in readable]
