"""Territories: parts of the market, in a tree; whoever works in one reaches what lies in it and below."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.identity.events import StampsMoved
from backend.identity.giving import check_may_open
from backend.identity.grantees import active_staff
from backend.identity.sharing_checks import check_condition, with_conditions_named
from backend.identity.sharing_documents import Territory, TerritoryRule

DEEPEST = 20  # territories above one another


async def create_territory(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Territory:
    """Create a territory. Raise Forbidden for a kind that the actor may not open to others."""
    territory = await new_record(uow, Territory, with_conditions_named(fields), id=id)
    await _check(uow, territory, members=set())
    uow.save(territory)
    _announce(uow, territory, territory.rules)
    return territory


async def update_territory(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Territory:
    """Change a territory. Who works in it, and where it lies in the tree, counts at once."""
    territory = await uow.access(Territory, id, action="update", expected_version=expected_version)
    before, members = list(territory.rules), set(territory.member_ids)
    _check_may_open(uow, territory)
    set_fields(territory, with_conditions_named(fields))
    await _check(uow, territory, members=members)
    moved = territory.rules != before
    territory.revision += int(moved)
    uow.save(territory)
    if moved:
        _announce(uow, territory, [*before, *territory.rules])
    return territory


async def delete_territory(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Territory:
    """Delete a territory with none below it; what it opened closes at once."""
    territory = await uow.access(Territory, id, action="delete", expected_version=expected_version)
    below = await uow.find_one(Territory, {"parent_id": territory.id})
    if below is not None:
        raise InvalidInput(
            FieldError("id", f"lies above {below.name!r}; move that elsewhere, or delete it first")
        )
    uow.delete(territory)
    _announce(uow, territory, territory.rules)
    return territory


def _announce(uow: UnitOfWork, territory: Territory, rules: list[TerritoryRule]) -> None:
    kinds = tuple(sorted({rule.object_kind for rule in rules}))
    if kinds:
        uow.save(territory, StampsMoved(kinds=kinds))


async def _check(uow: UnitOfWork, territory: Territory, *, members: set[str]) -> None:
    """Check all of a territory; ``members`` that it had before may have left meanwhile."""
    for number, rule in enumerate(territory.rules):
        check_condition(rule.object_kind, rule.condition, place=f"rules.{number}.")
    _check_may_open(uow, territory)
    new = set(territory.member_ids) - members
    for id in sorted(new - await active_staff(uow, new)):
        raise InvalidInput(
            FieldError("member_ids", f"names {id!r}: nobody active of yours; choose one of `users`")
        )
    await _check_place(uow, territory)


def _check_may_open(uow: UnitOfWork, territory: Territory) -> None:
    for kind in sorted({rule.object_kind for rule in territory.rules}):
        check_may_open(uow.actor, kind, territory.access)


async def _check_place(uow: UnitOfWork, territory: Territory) -> None:
    """Raise InvalidInput when the territory would lie above itself, or too deep."""
    above, deep = territory.parent_id, 0
    while above is not None:
        deep += 1
        if above == territory.id or deep > DEEPEST:
            cause = (
                "lies below this very territory" if above == territory.id else f"lies {DEEPEST} deep already"
            )
            raise InvalidInput(FieldError("parent_id", f"{cause}; choose another"))
        parent = await uow.find_one(Territory, {"_id": above})
        if parent is None:
            raise InvalidInput(
                FieldError("parent_id", f"is {above!r}, which is no territory; choose another")
            )
        above = parent.parent_id
