"""Asking why somebody sees a record: who may ask, and the names of what the answer holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.core.access import ACTIONS, Action, Actor, Level
from backend.core.errors import FieldError, Forbidden, InvalidInput, Unauthenticated
from backend.core.field_rules import CLEAR, Mask
from backend.core.records import REGISTRY, Record
from backend.core.sharing import parent_of, reaches
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.documents import Role, Team, User
from backend.identity.explain import Reason, allowed_actions, missing, reasons

RECORD_ACTIONS: tuple[Action, ...] = tuple(action for action in ACTIONS if action != "create")


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Whether and why somebody sees a record; ``names`` are of the people and teams in its reasons."""

    visible: bool
    level: Level = Level.NONE
    allowed: frozenset[Action] = frozenset()
    reasons: list[Reason] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    mask: Mask = CLEAR
    names: dict[str, str] = field(default_factory=dict)


async def why_visible(
    uow: UnitOfWork, store: Store, actors: Actors, kind: str, id: str, user_id: str
) -> Explanation:
    """Explain to an admin, or to somebody about themselves, why a person sees a record or does not.

    Raise Forbidden for others, NotFound for a record or a person that the one who asks does not see: nobody
    learns here that a record exists.
    """
    record = await uow.access(_kind(kind), id)
    _check_may_ask(uow.actor, kind, user_id)
    await uow.access(User, user_id)
    try:
        subject = await actors.of_user(uow.actor.workspace_id, user_id)
    except Unauthenticated:
        return Explanation(visible=False, missing=["They are suspended: they cannot sign in at all."])
    parent = await _parent(store, record)
    policy = await store.policies.of(uow.actor.workspace_id)
    found = reasons(subject, record, parent, policy, uow.at)
    return Explanation(
        visible=reaches(subject, "read", record, uow.at),
        level=subject.level(kind, "read"),
        allowed=frozenset(allowed_actions(subject, record, uow.at, RECORD_ACTIONS)),
        reasons=found,
        missing=missing(subject, record, uow.at),
        mask=subject.mask(kind),
        names=await _names(uow, found),
    )


def _kind(kind: str) -> type[Record]:
    record = REGISTRY.get(kind)
    if record is None:
        raise InvalidInput(FieldError("kind", f"is {kind!r}, which is no kind of record"))
    return record


def _check_may_ask(actor: Actor, kind: str, user_id: str) -> None:
    is_admin = actor.grant(Role.kind).level("read") is Level.ALL
    if actor.is_customer or not (is_admin or user_id == actor.user_id):
        raise Forbidden("ask who sees", kind)


async def _parent(store: Store, record: Record) -> Record | None:
    followed = parent_of(record)
    found = await store.reader.get(*followed) if followed else None
    return found if found is not None and found.workspace_id == record.workspace_id else None


async def _names(uow: UnitOfWork, found: Iterable[Reason]) -> dict[str, str]:
    """Return the names of people and teams by principal, as far as the one who asks sees them."""
    inner = [reason.through or reason for reason in found]
    subjects = {reason.subject for reason in inner}
    subjects |= {f"u:{reason.share.by}" for reason in inner if reason.share is not None and reason.share.by}
    ids = {sort: [one[2:] for one in sorted(subjects) if one.startswith(f"{sort}:")] for sort in "ut"}
    people = await uow.find(User, {"_id": {"$in": ids["u"]}}) if ids["u"] else []
    teams = await uow.find(Team, {"_id": {"$in": ids["t"]}}) if ids["t"] else []
    return {f"u:{one.id}": one.name for one in people} | {f"t:{one.id}": one.name for one in teams}
