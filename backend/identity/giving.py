"""What somebody may hand on by a role or a rule: never more than they have themselves. Pure."""

from collections.abc import Mapping

from backend.core.access import ACTIONS, ANY_KIND, NO_GRANT, REACH, Actor, Grant, Level
from backend.core.errors import Forbidden
from backend.core.field_rules import SIGHT, hideable_fields
from backend.core.records import REGISTRY, Record, ShareAccess


def right_beyond(giver: Actor, role: Mapping[str, Grant]) -> str | None:
    """Return the first right that ``role`` gives and ``giver`` has not, in words; None when there is none.

    Who has a kind through the workspace's defaults alone cannot hand it on.
    """
    for kind, record in sorted(REGISTRY.items()):
        wanted = role.get(kind) or role.get(ANY_KIND) or NO_GRANT
        own = giver.grant(kind)
        for action in ACTIONS:
            if REACH[wanted.level(action)] > REACH[own.level(action)]:
                return f"{action} {wanted.level(action)} on {kind}"
        if wanted.level("read") is not Level.NONE:
            beyond = _field_beyond(record, own, wanted)
            if beyond:
                return beyond
    return None


def _field_beyond(record: type[Record], own: Grant, wanted: Grant) -> str | None:
    for name in sorted(hideable_fields(record) | record.editable_fields()):
        given = wanted.fields.get(name, wanted.other_fields)
        if SIGHT[given] > SIGHT[own.fields.get(name, own.other_fields)]:
            return f"{given} the field {name} of {record.kind}"
    return None


def check_may_open(giver: Actor, kind: str, access: ShareAccess) -> None:
    """Raise Forbidden unless ``giver`` has itself, of all records of ``kind``, what it opens to others."""
    own = giver.grant(kind)
    needed = (own.level("read"), own.level("update") if access is ShareAccess.EDIT else Level.ALL)
    if giver.is_customer or any(level is not Level.ALL for level in needed):
        raise Forbidden("share", kind)
