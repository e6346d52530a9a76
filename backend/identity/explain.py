"""Why somebody sees a record: every grant that holds, by name; pure.

Follows the acl, as the compiler does: a reason to read is found exactly when ``reaches`` says that the
record may be read (a test holds the two equal).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backend.core.access import EVERYONE, Action, Actor, Level
from backend.core.records import Record, Share, ShareAccess
from backend.core.sharing import Policy, Rule, live_acl, parent_of, reaches

GIVES: Mapping[Action, ShareAccess] = {"read": ShareAccess.READ, "update": ShareAccess.EDIT}


class Via(StrEnum):
    """By what somebody reaches a record."""

    ROLE = "role"
    DEFAULT = "default"
    OWNER = "owner"
    ASSIGNEE_OR_OTHER = "assignee_or_other"
    TEAM = "team"
    MANAGER = "manager"
    SHARE = "share"
    RULE = "rule"
    TERRITORY = "territory"
    PARENT = "parent"
    CUSTOMER = "customer"
    AUDIENCE = "audience"


@dataclass(kw_only=True)
class Reason:
    """One grant that holds: ``subject`` names what gives it (a principal, or a parent as ``kind:id``)."""

    via: Via
    subject: str
    gives: list[ShareAccess] = field(default_factory=list)
    share: Share | None = None
    rule: Rule | None = None
    through: "Reason | None" = None  # of a parent: why that is reached


def reasons(
    actor: Actor, record: Record, parent: Record | None, policy: Policy, now: datetime
) -> list[Reason]:
    """Return every grant by which ``actor`` reads or edits ``record``; ``parent`` is the one it follows."""
    found: dict[tuple[Via, str, str], Reason] = {}
    for action, access in GIVES.items():
        for reason in _reasons(actor, action, record, parent, policy, now):
            through = reason.through.subject if reason.through else ""
            known = found.setdefault((reason.via, reason.subject, through), reason)
            if access not in known.gives:
                known.gives.append(access)
    return list(found.values())


def _reasons(
    actor: Actor, action: Action, record: Record, parent: Record | None, policy: Policy, now: datetime
) -> Iterator[Reason]:
    kind = record.kind
    if record.workspace_id != actor.workspace_id or actor.level(kind, action) is Level.NONE:
        return
    if actor.level(kind, action) is Level.ALL:
        yield _of_level(actor, kind, action)
    own = record.principals()
    for entry in sorted(actor.principals(kind, action).intersection(live_acl(record, now))):
        if parent is None or entry in own:
            yield _of_entry(actor, entry, record, policy)
        else:
            yield _of_parent(actor, action, entry, parent, policy)


def _of_level(actor: Actor, kind: str, action: Action) -> Reason:
    by_role = actor.grant(kind).level(action) is Level.ALL
    return Reason(via=Via.ROLE if by_role else Via.DEFAULT, subject=kind)


def _of_parent(actor: Actor, action: Action, entry: str, parent: Record, policy: Policy) -> Reason:
    """Name a grant that comes from the parent; what may follow any kind has it behind the parent's kind."""
    entry = entry.removeprefix(f"{parent.kind}/")
    if entry == EVERYONE:
        through = _of_level(actor, parent.kind, "read" if action == "read" else "update")
    else:
        through = _of_entry(actor, entry, parent, policy)
    return Reason(via=Via.PARENT, subject=f"{parent.kind}:{parent.id}", through=through)


def _of_entry(actor: Actor, entry: str, record: Record, policy: Policy) -> Reason:
    """Name the grant behind one entry of the acl that this actor may use."""
    sort, _, id = entry.partition(":")
    match sort:
        case "u" if id != actor.user_id:
            return Reason(via=Via.MANAGER, subject=entry)
        case "u":
            is_owner = record.owner_id == actor.user_id
            return Reason(via=Via.OWNER if is_owner else Via.ASSIGNEE_OR_OTHER, subject=entry)
        case "t":
            return Reason(via=Via.TEAM, subject=entry)
        case "c":
            return Reason(via=Via.CUSTOMER, subject=entry)
        case "p":
            return Reason(via=Via.AUDIENCE, subject=entry)
        case "s" | "e":
            share = next((one for one in record.shares if one.to == id), None)
            return Reason(via=Via.SHARE, subject=id, share=share)
        case _:
            rule = next((one for one in policy.rules if one.stamp == entry), None)
            in_territory = rule is not None and rule.is_territory
            return Reason(via=Via.TERRITORY if in_territory else Via.RULE, subject=entry, rule=rule)


def missing(actor: Actor, record: Record, now: datetime) -> list[str]:
    """Return in sentences what it would take to see ``record``; nothing when it is seen."""
    if reaches(actor, "read", record, now):
        return []
    kind, roles = record.kind, ", ".join(actor.roles) or "none"
    level = actor.level(kind, "read")
    if level is Level.NONE:
        return [f"No role of theirs ({roles}) has a level to read {kind} records."]
    wants = ["They neither own it nor are named by it as its assignee or otherwise."]
    if level is Level.OWN:
        wants.append(f"Their roles ({roles}) reach what is their own, not what is their teams'.")
    else:
        wants.append(f"None of its teams is theirs, as far as their roles ({roles}) reach: {level}.")
    if actor.is_customer:
        return [f"It concerns another customer, or its audience is not customers: {kind} {record.id}."]
    if parent_of(record) is not None:
        return [*wants, "What it follows is not visible to them either."]
    return [*wants, "No share, sharing rule or territory that holds for it names them; its kind is private."]


def allowed_actions(actor: Actor, record: Record, now: datetime, actions: Sequence[Action]) -> list[Action]:
    """Return what ``actor`` may do with ``record``: nothing without reading it."""
    if not reaches(actor, "read", record, now):
        return []
    return [action for action in actions if reaches(actor, action, record, now)]
