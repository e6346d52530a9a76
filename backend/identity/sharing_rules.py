"""Sharing rules: records of certain owners, or that meet a condition, opened to others."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.identity.events import StampsMoved
from backend.identity.giving import check_may_open
from backend.identity.grantees import check_grantees
from backend.identity.policies import RoleBook
from backend.identity.sharing_checks import check_condition, with_conditions_named
from backend.identity.sharing_documents import SharingRule


async def create_sharing_rule(
    uow: UnitOfWork, fields: Fields, *, id: str | None = None, roles: RoleBook
) -> SharingRule:
    """Create a rule. It works for new records at once, for the others as the house rewrites them.

    Raise Forbidden for a kind of which the actor has not itself what the rule would give.
    """
    rule = await new_record(uow, SharingRule, with_conditions_named(fields), id=id)
    await _check(uow, rule, roles, known=())
    uow.save(rule)
    uow.save(rule, StampsMoved(kinds=(rule.object_kind,)))
    return rule


async def update_sharing_rule(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None, roles: RoleBook
) -> SharingRule:
    """Change a rule; its kind stays. Whom it is for and whether it is active counts at once."""
    rule = await uow.access(SharingRule, id, action="update", expected_version=expected_version)
    if fields.get("object_kind", rule.object_kind) != rule.object_kind:
        raise InvalidInput(FieldError("object_kind", "stays as it is; make another rule for another kind"))
    held_for, known = _held_for(rule), (*rule.share_with, *rule.owned_by)
    check_may_open(uow.actor, rule.object_kind, rule.access)
    set_fields(rule, with_conditions_named(fields))
    await _check(uow, rule, roles, known=known)
    _save(uow, rule, moved=held_for != _held_for(rule))
    return rule


async def delete_sharing_rule(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> SharingRule:
    """Delete a rule: what it gave ends at once."""
    rule = await uow.access(SharingRule, id, action="delete", expected_version=expected_version)
    uow.delete(rule)
    uow.save(rule, StampsMoved(kinds=(rule.object_kind,)))
    return rule


async def note_groups_changed(uow: UnitOfWork, before: frozenset[str], after: frozenset[str]) -> None:
    """Renew the rules over owners' records that this change of a person's groups concerns.

    Call it in the unit of work that changes a person's teams or roles, with ``groups_of`` the person before
    and after. Where the person is no longer one of the owners meant, the rule's stamps on all records end
    with this commit: nobody goes on seeing theirs; the house then stamps what the rule holds for now. Where
    they become one, the stamps stay, and the house stamps their records beside the others'.
    """
    if before == after:
        return
    for rule in await uow.entailed(SharingRule, {}):
        was, is_now = not before.isdisjoint(rule.owned_by), not after.isdisjoint(rule.owned_by)
        if rule.is_active and was != is_now:
            rule.revision += int(was)
            uow.save(rule)
            uow.save(rule, StampsMoved(kinds=(rule.object_kind,)))


def _held_for(rule: SharingRule) -> tuple[object, ...]:
    return (rule.condition, frozenset(rule.owned_by), rule.is_active)


def _save(uow: UnitOfWork, rule: SharingRule, *, moved: bool) -> None:
    rule.revision += int(moved)
    uow.save(rule)
    if moved:
        uow.save(rule, StampsMoved(kinds=(rule.object_kind,)))


async def _check(uow: UnitOfWork, rule: SharingRule, roles: RoleBook, *, known: tuple[str, ...]) -> None:
    """Check all of a rule; names that it held before may have gone meanwhile."""
    check_condition(rule.object_kind, rule.condition)
    check_may_open(uow.actor, rule.object_kind, rule.access)
    for field, names in (("share_with", rule.share_with), ("owned_by", rule.owned_by)):
        await check_grantees(uow, set(names) - set(known), roles, field=field)
