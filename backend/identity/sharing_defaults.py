"""How open each kind of record is, to every role of ours that has it at all."""

from backend.core.errors import Forbidden
from backend.core.ids import derived_id
from backend.core.records import REGISTRY, ShareAccess
from backend.core.unit_of_work import UnitOfWork
from backend.identity.giving import check_may_open
from backend.identity.sharing_checks import shareable_kind
from backend.identity.sharing_documents import Openness, SharingDefaults

GIVES = {Openness.READ: ShareAccess.READ, Openness.EDIT: ShareAccess.EDIT}


def defaults_id(workspace_id: str) -> str:
    """Return the id of a workspace's one record of defaults."""
    return derived_id(workspace_id, "sharing_defaults")


async def set_sharing_default(uow: UnitOfWork, kind: str, openness: Openness) -> SharingDefaults:
    """Open ``kind`` to everybody of ours, or close it; it counts at once.

    Raise Forbidden when the actor has not itself, of the whole kind, what the default gives or gave.
    """
    shareable_kind(kind, field="kind")
    id = defaults_id(uow.actor.workspace_id)
    if await uow.is_taken(SharingDefaults, id):
        defaults = await uow.access(SharingDefaults, id, action="update")
    elif uow.may(SharingDefaults.kind, "update"):
        defaults = SharingDefaults(id=id, owner_id=uow.actor.user_id)
    else:
        raise Forbidden("update", SharingDefaults.kind)
    for given in {openness, defaults.openness.get(kind, Openness.PRIVATE)} - {Openness.PRIVATE}:
        check_may_open(uow.actor, kind, GIVES[given])
    defaults.openness = {**defaults.openness, kind: openness}
    uow.save(defaults)
    return defaults


async def openness_of_kinds(uow: UnitOfWork) -> dict[str, Openness]:
    """Return how open each kind is that can be shared, by kind; nothing for who may not read the defaults."""
    if not uow.may(SharingDefaults.kind, "read"):
        return {}
    found = await uow.find_one(SharingDefaults, {"_id": defaults_id(uow.actor.workspace_id)})
    known = found.openness if found else {}
    kinds = sorted(kind for kind, record in REGISTRY.items() if record.shareable)
    return {kind: known.get(kind, Openness.PRIVATE) for kind in kinds}
