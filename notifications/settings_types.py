"""What people, teams and the workspace want to be told, as GraphQL types and inputs."""

from typing import Annotated, Any, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Conflict, Forbidden, InvalidInput, NotFound
from notifications import documents
from notifications.channel_types import NotificationChannel
from notifications.choosing import Handling

strawberry.enum(
    Handling, name="NotificationHandling", description="Not at all, at once, or with others in a digest."
)


@strawberry.type(description="By the clock on your wall, HH:MM; an end before the start is on the next day.")
class QuietHours:
    start: str
    end: str


@strawberry.type(description="What is to be done with a type (`*`: any) on a channel.")
class NotificationChoice:
    type: str
    channel: NotificationChannel
    handling: Handling


@strawberry.type(
    description="At most so many of a type (`*`: any) in so many minutes; more are gathered into one."
)
class NotificationThrottle:
    type: str
    most: int
    minutes: int


@strawberry.type(description="How long before its date (of alerts: after) a reminder of a type comes.")
class NotificationAhead:
    type: str
    minutes: int


@strawberry.interface(
    description="What somebody has said about being told. What is not said is left to the next: "
    "a person's word goes before their team's, a team's before the workspace's."
)
class NotificationRules:
    version: int
    quiet_hours: QuietHours | None
    is_never_quiet: bool = strawberry.field(description="There are no quiet hours, whatever others have set.")
    digest_at: list[str] = strawberry.field(
        description="When digests leave, HH:MM by the clock on the reader's wall."
    )
    choices: list[NotificationChoice]
    throttles: list[NotificationThrottle]
    ahead: list[NotificationAhead]
    is_private: bool | None = strawberry.field(
        description="What leaves the house says that there is something, and not what."
    )


@strawberry.type(description="What you want to be told, and when. Muted types still reach the inbox.")
class NotificationPreferences(NotificationRules):
    muted_types: list[str]

    @classmethod
    def of(cls, record: documents.NotificationPreference) -> Self:
        return cls(**_said(record), muted_types=record.muted_types)


@strawberry.type(description="What the workspace, or a team of it, wants its people to be told.")
class NotificationPolicy(NotificationRules):
    team_id: strawberry.ID | None

    @classmethod
    def of(cls, record: documents.NotificationPolicy) -> Self:
        return cls(**_said(record), team_id=strawberry.ID(record.team_id) if record.team_id else None)


def _said(record: documents.TellingRules) -> dict[str, Any]:
    quiet = record.quiet_hours
    return {
        "version": record.version,
        "quiet_hours": QuietHours(start=quiet.start, end=quiet.end) if quiet else None,
        "is_never_quiet": record.is_never_quiet,
        "digest_at": record.digest_at,
        "choices": [
            NotificationChoice(type=one.type, channel=one.channel, handling=one.handling)
            for one in record.choices
        ],
        "throttles": [
            NotificationThrottle(type=one.type, most=one.most, minutes=one.minutes)
            for one in record.throttles
        ],
        "ahead": [NotificationAhead(type=one.type, minutes=one.minutes) for one in record.ahead],
        "is_private": record.is_private,
    }


@strawberry.type(description="What is done with a type on a channel, and by whose word.")
class NotificationRuling:
    channel: NotificationChannel
    handling: Handling
    rule: str = strawberry.field(description="`user`, `team:<id>`, `workspace`, or `usual`.")


@strawberry.type(description="A type of notification, and what is done with it for you.")
class NotificationKind:
    key: str
    is_critical: bool = strawberry.field(description="It waits neither for quiet hours nor for a digest.")
    fields: list[str] = strawberry.field(description="What its templates may name.")
    rulings: list[NotificationRuling]


@strawberry.input(description="By the clock on your wall, HH:MM; an end before the start is on the next day.")
class QuietHoursInput:
    start: str
    end: str


@strawberry.input(description="What is to be done with a type (`*`: any) on a channel.")
class NotificationChoiceInput:
    type: str
    channel: NotificationChannel
    handling: Handling


@strawberry.input(description="At most so many of a type (`*`: any) in so many minutes.")
class NotificationThrottleInput:
    type: str
    most: int
    minutes: int


@strawberry.input(description="How long before its date (of alerts: after) a reminder of a type comes.")
class NotificationAheadInput:
    type: str
    minutes: int


@strawberry.input(
    description="What is left out stays; lists replace the ones before. `quietHours: null` says nothing of "
    "them any more, `isNeverQuiet` that there are none."
)
class NotificationPreferencesSetInput:
    quiet_hours: QuietHoursInput | None = UNSET
    is_never_quiet: bool | None = UNSET
    digest_at: list[str] | None = UNSET
    choices: list[NotificationChoiceInput] | None = UNSET
    throttles: list[NotificationThrottleInput] | None = UNSET
    ahead: list[NotificationAheadInput] | None = UNSET
    is_private: bool | None = UNSET
    muted_types: list[str] | None = UNSET
    mutation_id: str | None = UNSET


@strawberry.input(description="As for preferences; without `teamId` it holds for the whole workspace.")
class NotificationPolicySetInput:
    team_id: strawberry.ID | None = UNSET
    quiet_hours: QuietHoursInput | None = UNSET
    is_never_quiet: bool | None = UNSET
    digest_at: list[str] | None = UNSET
    choices: list[NotificationChoiceInput] | None = UNSET
    throttles: list[NotificationThrottleInput] | None = UNSET
    ahead: list[NotificationAheadInput] | None = UNSET
    is_private: bool | None = UNSET
    mutation_id: str | None = UNSET


NotificationPreferencesResult = Annotated[
    NotificationPreferences | InvalidInput | NotFound | Forbidden | Conflict,
    strawberry.union("NotificationPreferencesResult"),
]
NotificationPolicyResult = Annotated[
    NotificationPolicy | InvalidInput | NotFound | Forbidden | Conflict,
    strawberry.union("NotificationPolicyResult"),
]
