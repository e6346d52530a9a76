"""What may be done with a policy of promised times, and which one holds for a ticket."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from backend.core.condition_types import with_stored_names
from backend.core.conditions import compile_condition
from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.service.business_calendars import calendar_of
from backend.service.documents import Ticket
from backend.service.events import AgreementChanged
from backend.service.sla_documents import BusinessCalendar, SlaPolicy
from backend.service.sla_rules import WAITING, Terms

log = structlog.get_logger()

BETWEEN = 10  # from one policy's order to the next one's: room to put another there


async def create_sla_policy(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> SlaPolicy:
    """Create a policy: after all others unless ``order`` says where."""
    filled = _named(fields)
    if filled.get("order") is None:
        others = await uow.find(SlaPolicy, sort=[("order", -1)], limit=1)
        filled["order"] = others[0].order + BETWEEN if others else BETWEEN
    policy = await new_record(uow, SlaPolicy, filled, id=id)
    await _check(uow, policy)
    uow.save(policy)
    uow.save(policy, AgreementChanged())
    return policy


async def update_sla_policy(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> SlaPolicy:
    """Change a policy. The clocks of open tickets follow, from their start on, with their pauses."""
    policy = await uow.access(SlaPolicy, id, action="update", expected_version=expected_version)
    set_fields(policy, _named(fields))
    await _check(uow, policy)
    uow.save(policy)
    uow.save(policy, AgreementChanged())
    return policy


async def delete_sla_policy(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> SlaPolicy:
    """Delete a policy; the open clocks that it started go to the next one that holds, or end."""
    policy = await uow.access(SlaPolicy, id, action="delete", expected_version=expected_version)
    uow.delete(policy)
    uow.save(policy, AgreementChanged())
    return policy


async def terms_for(uow: UnitOfWork, ticket: Ticket) -> Terms | None:
    """Return what is promised for a ticket, whoever acts: by the first policy in order that holds for it."""
    house = uow.as_house()
    for policy in in_order(await house.find(SlaPolicy, {"is_active": True})):
        if _holds(policy, ticket):
            return Terms(
                policy_id=policy.id,
                policy_version=policy.version,
                calendar=await calendar_of(house, policy.calendar_id),
                minutes=policy.minutes_for(ticket.priority),
                paused_in=frozenset(policy.paused_statuses),
            )
    return None


def in_order(policies: Sequence[SlaPolicy]) -> list[SlaPolicy]:
    """Return policies as they are asked: two made at once with one order, the older first."""
    return sorted(policies, key=lambda policy: (policy.order, policy.created_at, policy.id))


def problem_of(policy: SlaPolicy) -> str:
    """Return why a stored policy cannot be followed any more (a field is gone); empty when it can."""
    try:
        compile_condition(Ticket, policy.condition)
    except InvalidInput as error:
        return str(error)
    return ""


def _holds(policy: SlaPolicy, ticket: Ticket) -> bool:
    try:
        return compile_condition(Ticket, policy.condition)(ticket)
    except InvalidInput as error:  # a field that it names may have gone since it was written
        log.warning("sla.policy_unsound", policy_id=policy.id, problem=str(error))
        return False


def _named(fields: Fields) -> dict[str, Any]:
    """Return input with the fields of its condition named as stored."""
    found = dict(fields)
    condition: Mapping[str, Any] | None = found.get("condition")
    return found | {"condition": with_stored_names(condition)} if "condition" in found else found


async def _check(uow: UnitOfWork, policy: SlaPolicy) -> None:
    compile_condition(Ticket, policy.condition)
    named = [(one.metric, one.priority) for one in policy.targets]
    for metric, priority in named:
        if named.count((metric, priority)) > 1:
            which = f"{metric} of {priority}" if priority else f"{metric} of all priorities"
            raise InvalidInput(FieldError("targets", f"speak of {which} more than once; keep one of them"))
    if wrong := sorted(set(policy.paused_statuses) - set(WAITING)):
        raise InvalidInput(
            FieldError(
                "paused_statuses",
                f"hold {', '.join(wrong)}, in which we are at work or done; choose of {', '.join(WAITING)}",
            )
        )
    if policy.calendar_id is not None and not await uow.find_one(
        BusinessCalendar, {"_id": policy.calendar_id}
    ):
        raise InvalidInput(
            FieldError("calendar_id", "is no calendar of this workspace; take one from `businessCalendars`")
        )
    taken = await uow.find_one(SlaPolicy, {"order": policy.order, "_id": {"$ne": policy.id}})
    if taken is not None:
        raise InvalidInput(
            FieldError(
                "order", f"is that of {taken.name!r}; choose another, so that it is clear who is first"
            )
        )
