"""What people, teams and the workspace want to be told, over GraphQL."""

from typing import Any

import strawberry

from backend.core.graphql import Info, given
from notifications import preferences
from notifications.catalogue import CATALOGUE, NotificationType
from notifications.choosing import Wishes
from notifications.documents import NotificationChannel
from notifications.settings_types import (
    NotificationKind,
    NotificationPolicy,
    NotificationPolicyResult,
    NotificationPolicySetInput,
    NotificationPreferences,
    NotificationPreferencesResult,
    NotificationPreferencesSetInput,
    NotificationRuling,
)

LISTS = ("digest_at", "choices", "throttles", "ahead", "muted_types")


@strawberry.type
class SettingsQuery:
    @strawberry.field(description="What you want to be told, and when.")
    async def notification_preferences(self, info: Info) -> NotificationPreferences:
        uow = info.context.uow
        return NotificationPreferences.of(await preferences.preferences_of(uow, uow.actor.user_id))

    @strawberry.field(
        description="What the workspace, or the team named, wants its people to be told: for people of ours."
    )
    async def notification_policy(
        self, info: Info, team_id: strawberry.ID | None = None
    ) -> NotificationPolicyResult:
        return NotificationPolicy.of(await preferences.policy_of(info.context.uow, team_id or ""))

    @strawberry.field(description="All types of notifications, and what is done with each for you.")
    async def notification_types(self, info: Info) -> list[NotificationKind]:
        wishes = await preferences.own_wishes(info.context.uow)
        return [
            NotificationKind(
                key=type.key,
                is_critical=type.critical,
                fields=list(type.fields),
                rulings=[_ruling(wishes, type, channel) for channel in NotificationChannel],
            )
            for type in CATALOGUE.values()
        ]


@strawberry.type
class SettingsMutation:
    @strawberry.mutation(description="Set what you want to be told, and when.")
    async def notification_preferences_set(
        self, info: Info, input: NotificationPreferencesSetInput
    ) -> NotificationPreferencesResult:
        return NotificationPreferences.of(
            await info.context.write(
                lambda uow: preferences.set_preferences(uow, _fields(input)),
                mutation_id=input.mutation_id or None,
            )
        )

    @strawberry.mutation(
        description="Set what the workspace, or a team, wants its people to be told: for admins, and for "
        "managers of that team."
    )
    async def notification_policy_set(
        self, info: Info, input: NotificationPolicySetInput
    ) -> NotificationPolicyResult:
        fields = _fields(input)
        team_id = str(fields.pop("team_id", None) or "")
        return NotificationPolicy.of(
            await info.context.write(
                lambda uow: preferences.set_policy(uow, team_id, fields),
                mutation_id=input.mutation_id or None,
            )
        )


def _ruling(wishes: Wishes, type: NotificationType, channel: NotificationChannel) -> NotificationRuling:
    ruling = wishes.ruling(type, channel.value)
    return NotificationRuling(channel=channel, handling=ruling.handling, rule=ruling.rule)


def _fields(input: Any) -> dict[str, Any]:
    """Return what was given; null for a list is an empty one, null for a yes or no is no."""
    fields = given(input)
    empty: dict[str, Any] = {name: [] for name in LISTS if name in fields and fields[name] is None}
    if fields.get("is_never_quiet", False) is None:
        empty["is_never_quiet"] = False
    return fields | empty
