"""Legal holds: what must be kept for a claim, whatever a person asks or a rule says."""

from backend.core.access import Level
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.records import REGISTRY, Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.privacy.documents import HOLD


async def set_legal_hold(uow: UnitOfWork, kind: str, id: str, reason: str) -> Record:
    """Put a record under hold, or release it with an empty ``reason``.

    Raise InvalidInput for a kind that cannot be held, Forbidden unless the actor may delete all of it.
    """
    record = REGISTRY.get(kind)
    if record is None or HOLD not in record.model_fields:
        kinds = ", ".join(sorted(name for name, one in REGISTRY.items() if HOLD in one.model_fields))
        raise InvalidInput(FieldError("kind", f"cannot be held; choose one of {kinds}"))
    held = await uow.access(record, id, action="update")
    if uow.actor.level(kind, "delete") is not Level.ALL:
        raise Forbidden("hold", kind)
    setattr(held, HOLD, reason.strip())
    uow.save(held)
    uow.note("legal_hold.set" if reason.strip() else "legal_hold.released", kind=kind, id=id)
    return held


def hold_of(record: Record) -> str:
    """Return why ``record`` itself must be kept; empty when nothing keeps it."""
    return str(getattr(record, HOLD, ""))
