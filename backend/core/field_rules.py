"""Field rules: how much of each field an actor sees and may change; and the veil over what it does not.

A hidden field is as if it did not exist: its value is the kind's default, wherever the record is shown,
searched or handed to the assistant. A masked one shows just enough to recognise it. What a kind cannot
be without (fields without a default, and those it names in ``always_shown``) cannot be hidden.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from backend.core.personal import PersonalClass, mask
from backend.core.records import ENVELOPE, OPEN, Record, Veil

Fields = Mapping[str, "FieldAccess"]


class FieldAccess(StrEnum):
    """How much of one field a role gives; each includes those before it."""

    HIDDEN = "hidden"
    MASKED = "masked"
    READ = "read"
    EDIT = "edit"


SIGHT = {FieldAccess.HIDDEN: 0, FieldAccess.MASKED: 1, FieldAccess.READ: 2, FieldAccess.EDIT: 3}


def hideable_fields(record: type[Record]) -> frozenset[str]:
    """Return the fields of a kind that a rule may hide: those that it can be shown without.

    Rules are for what people work with, the shareable kinds; the house's own have none.
    """
    if not record.shareable:
        return frozenset()
    named = {name for name, one in record.model_fields.items() if not one.is_required()}
    return frozenset(named - ENVELOPE - record.always_shown - {"owner_id", "team_ids", "revision_id"})


@dataclass(frozen=True)
class Mask:
    """The fields of one kind that an actor does not see, sees masked, or sees and may not change."""

    hidden: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, record: type[Record], fields: Fields, others: FieldAccess) -> "Mask":
        """Compile a role's field rules for ``record``."""
        if not fields and others is FieldAccess.EDIT:
            return CLEAR
        hideable = hideable_fields(record)
        editable = record.editable_fields()
        given = {name: fields.get(name, others) for name in hideable | editable}
        return cls(
            hidden=frozenset(
                name for name, one in given.items() if one is FieldAccess.HIDDEN and name in hideable
            ),
            masked=frozenset(
                name for name, one in given.items() if one is FieldAccess.MASKED and name in hideable
            ),
            locked=frozenset(
                name for name, one in given.items() if one is not FieldAccess.EDIT and name in editable
            ),
        )

    @property
    def unseen(self) -> frozenset[str]:
        """Return the fields that may not be compared, sorted by or searched."""
        return self.hidden | self.masked

    @property
    def signature(self) -> str:
        """Return a short text that changes when what is seen changes; empty when all is. It names nothing."""
        if not self.unseen:
            return ""
        seen = ",".join((*sorted(self.hidden), "|", *sorted(self.masked)))
        return hashlib.sha256(seen.encode()).hexdigest()[:16]


CLEAR = Mask()


def merge_fields(roles: Sequence[tuple[Fields, FieldAccess]]) -> tuple[dict[str, FieldAccess], FieldAccess]:
    """Return the most permissive of several roles' field rules."""
    if not roles:
        return {}, FieldAccess.EDIT
    others = max((other for _, other in roles), key=SIGHT.__getitem__)
    names = {name for fields, _ in roles for name in fields}
    merged = {
        name: max((fields.get(name, other) for fields, other in roles), key=SIGHT.__getitem__)
        for name in names
    }
    return merged, others


def veil(record: Record, rules: Mask) -> None:
    """Put the veil over ``record``, in place: it then says nothing that ``rules`` keep back."""
    if not rules.unseen or record.veil is not OPEN:
        return
    state, blank = record.__dict__, set(rules.hidden)
    for name in rules.masked:
        value, personal = state[name], record.personal.get(name)
        is_text = isinstance(value, str) and not isinstance(value, Enum)
        is_texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if is_text or (personal is not None and is_texts):
            state[name] = mask(value, personal or PersonalClass.TEXT)
        else:
            blank.add(name)  # numbers, choices, dates, lines have no mask: nothing of them is shown
    for name in blank:
        state[name] = type(record).model_fields[name].get_default(call_default_factory=True)
    record.veil = Veil(rules.hidden, rules.masked, frozenset(blank))
