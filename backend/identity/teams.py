"""Operations on teams."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Team, User

LONGEST_NAME = 300


async def create_team(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Team:
    """Create a team. Raise InvalidInput for an empty name."""
    team = await new_record(uow, Team, fields, id=id)
    _check_name(team)
    uow.save(team)
    return team


async def update_team(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Team:
    """Change a team."""
    team = await uow.access(Team, id, action="update", expected_version=expected_version)
    set_fields(team, fields)
    _check_name(team)
    uow.save(team)
    return team


async def delete_team(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Team:
    """Delete a team that nobody is in any more. Raise InvalidInput while somebody is."""
    team = await uow.access(Team, id, action="delete", expected_version=expected_version)
    if await uow.find_one(User, {"team_ids": id}) is not None:
        raise InvalidInput(FieldError("id", "is a team with people in it; move them to other teams first"))
    uow.delete(team)
    return team


def _check_name(team: Team) -> None:
    if not team.name.strip() or len(team.name) > LONGEST_NAME:
        raise InvalidInput(FieldError("name", f"must have 1 to {LONGEST_NAME} characters"))
