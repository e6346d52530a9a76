"""What people, teams and the workspace want to be told, and when."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from backend.core.access import Level
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.ids import derived_id
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Team, User
from notifications.catalogue import CATALOGUE, Pace
from notifications.choosing import ANY_TYPE, Handling, Layer, Wishes, in_order
from notifications.documents import (
    NotificationChannel,
    NotificationPolicy,
    NotificationPreference,
    TellingRules,
)
from notifications.rules import QuietHours

log = structlog.get_logger(__name__)


def preference_id(workspace_id: str, user_id: str) -> str:
    """Return the id of a person's preferences."""
    return derived_id("notification_preference", workspace_id, user_id)


def policy_id(workspace_id: str, team_id: str = "") -> str:
    """Return the id of what a workspace, or one of its teams, has said."""
    return derived_id("notification_policy", workspace_id, team_id)


async def preferences_of(uow: UnitOfWork, user_id: str) -> NotificationPreference:
    """Return a person's preferences; the usual ones, at version 0, when they have set none."""
    id = preference_id(uow.actor.workspace_id, user_id)
    found = await uow.find_one(NotificationPreference, {"_id": id})
    return found or NotificationPreference(id=id, owner_id=user_id)


async def policy_of(uow: UnitOfWork, team_id: str = "") -> NotificationPolicy:
    """Return what the workspace, or a team, has said; nothing, at version 0, when it has said nothing.

    Raise Forbidden when the actor may not read any policy: customers have no business with it.
    """
    if not uow.may(NotificationPolicy.kind, "read"):
        raise Forbidden("read", NotificationPolicy.kind)
    id = policy_id(uow.actor.workspace_id, team_id)
    found = await uow.find_one(NotificationPolicy, {"_id": id})
    return found or NotificationPolicy(id=id, team_id=team_id)


async def set_preferences(uow: UnitOfWork, fields: Fields) -> NotificationPreference:
    """Set the actor's own preferences."""
    _check(fields)
    id = preference_id(uow.actor.workspace_id, uow.actor.user_id)
    if await uow.is_taken(NotificationPreference, id):
        preference = await uow.access(NotificationPreference, id, action="update")
        set_fields(preference, fields)
    else:
        preference = await new_record(uow, NotificationPreference, fields, id=id)
    uow.save(preference)
    return preference


async def set_policy(uow: UnitOfWork, team_id: str, fields: Fields) -> NotificationPolicy:
    """Set what the workspace, or with ``team_id`` a team, wants its people to be told.

    For a team its managers may, for the workspace who may change every policy.
    """
    _check_may_set(uow, team_id)
    if team_id:
        await uow.access(Team, team_id)
    _check(fields)
    id = policy_id(uow.actor.workspace_id, team_id)
    if await uow.is_taken(NotificationPolicy, id):
        policy = await uow.access(NotificationPolicy, id, action="update")
        set_fields(policy, fields)
    else:
        policy = await new_record(uow, NotificationPolicy, fields, id=id)
        policy.owner_id, policy.team_id = None, team_id
        policy.team_ids = [team_id] if team_id else []
    uow.save(policy)
    return policy


def _check_may_set(uow: UnitOfWork, team_id: str) -> None:
    level = uow.actor.level(NotificationPolicy.kind, "update")
    if level is not Level.ALL and (level is Level.NONE or team_id not in uow.actor.team_ids):
        raise Forbidden("update", NotificationPolicy.kind)


def _check(fields: Fields) -> None:
    """Raise InvalidInput for what names no type, says the same thing twice, or cannot be done."""
    choices: list[Mapping[str, Any]] = list(fields.get("choices") or ())
    _check_types("muted_types", fields.get("muted_types") or ())
    _check_types("choices", [one["type"] for one in choices if one["type"] != ANY_TYPE])
    throttled = [one["type"] for one in fields.get("throttles") or ()]
    _check_types("throttles", [one for one in throttled if one != ANY_TYPE])
    _check_once("throttles", throttled)
    ahead = [one["type"] for one in fields.get("ahead") or ()]
    _check_types("ahead", ahead)
    _check_once("ahead", ahead)
    _check_once("choices", [f"{one['type']} on {one['channel']}" for one in choices])
    for one in choices:
        if (one["channel"], one["handling"]) == (NotificationChannel.IN_APP, Handling.DIGEST):
            raise InvalidInput(
                FieldError("choices", "gather for the inbox, where each has its line; choose at_once or off")
            )
    if fields.get("quiet_hours") and fields.get("is_never_quiet"):
        raise InvalidInput(
            FieldError("is_never_quiet", "contradicts the quiet hours beside it; send one of the two")
        )


def _check_types(field: str, types: Collection[str]) -> None:
    unknown = sorted(set(types) - CATALOGUE.keys())
    if unknown:
        known = ", ".join(sorted(CATALOGUE))
        raise InvalidInput(
            FieldError(field, f"names {', '.join(unknown)}, which is no type; these are: {known}")
        )


def _check_once(field: str, said: list[str]) -> None:
    twice = sorted({one for one in said if said.count(one) > 1})
    if twice:
        raise InvalidInput(FieldError(field, f"decides {', '.join(twice)} more than once; say it once"))


# ── all layers of one person ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Recipient:
    """Somebody who may be told something, and all that holds for them."""

    user: User
    wishes: Wishes


async def recipient_of(uow: UnitOfWork, user_id: str) -> Recipient | None:
    """Return a person with what they, their teams and the workspace want; None for nobody active."""
    house_uow = uow.as_house()
    user = await house_uow.find_one(User, {"_id": user_id})
    if user is None or not user.is_active or user.is_service:
        return None
    return Recipient(user, await wishes_of(uow, user))


async def own_wishes(uow: UnitOfWork) -> Wishes:
    """Return what holds for the actor."""
    house_uow = uow.as_house()
    user = await house_uow.find_one(User, {"_id": uow.actor.user_id})
    return await wishes_of(uow, user) if user is not None else in_order(None, (), None)


async def wishes_of(uow: UnitOfWork, user: User) -> Wishes:
    """Return what holds for a person, read as the house: the unit may be the person's own."""
    house_uow, workspace_id = uow.as_house(), uow.actor.workspace_id
    ids = {policy_id(workspace_id, team): team for team in ("", *user.team_ids)}
    person, *policies = await asyncio.gather(
        house_uow.look_up(NotificationPreference, preference_id(workspace_id, user.id)),
        *(house_uow.look_up(NotificationPolicy, id) for id in ids),
    )
    said = {one.id: one for one in policies if one is not None}
    teams = [_layer(said[id], f"team:{team}") for id, team in ids.items() if team and id in said]
    workspace = said.get(policy_id(workspace_id))
    return in_order(
        _layer(person, "user") if person else None,
        teams,
        _layer(workspace, "workspace") if workspace else None,
    )


def _layer(said: TellingRules, name: str) -> Layer:
    return Layer(
        name=name,
        handling={(one.type, one.channel.value): one.handling for one in said.choices},
        muted=frozenset(said.muted_types if isinstance(said, NotificationPreference) else ()),
        quiet_hours=QuietHours(*said.quiet_hours.times) if said.quiet_hours else None,
        is_never_quiet=said.is_never_quiet,
        digest_at=tuple(time.fromisoformat(one) for one in said.digest_at),
        paces={one.type: Pace(one.most, timedelta(minutes=one.minutes)) for one in said.throttles},
        is_private=said.is_private,
        ahead={one.type: timedelta(minutes=one.minutes) for one in said.ahead},
    )


def zone_of(user: User) -> ZoneInfo:
    """Return the time zone of somebody's wall; UTC, and a warning, for one that nobody knows."""
    return zone_of_name(user.time_zone)


def zone_of_name(name: str) -> ZoneInfo:
    """Return the time zone called ``name``; UTC, and a warning, for one that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning(
            "time_zone_unknown",
            time_zone=name,
            mend="quiet hours are taken in UTC; set the user's time zone to an IANA name: Asia/Shanghai",
        )
        return ZoneInfo("UTC")
