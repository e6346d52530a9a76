"""Why somebody sees a record, as GraphQL types."""

from typing import Self

import strawberry

from backend.core.access import Level
from backend.core.field_names import shown_name
from backend.core.records import ShareAccess
from backend.identity.explain import Reason, Via
from backend.identity.record_share_types import RecordShare
from backend.identity.role_types import Action
from backend.identity.visibility import RECORD_ACTIONS, Explanation

strawberry.enum(Via, name="AccessVia", description="By what somebody reaches a record.")


@strawberry.type(description="One grant that holds.")
class AccessGrant:
    via: Via
    name: str = strawberry.field(description="Of the person, team, role, rule or territory that gives it.")
    detail: str
    gives: list[ShareAccess]
    share: RecordShare | None = strawberry.field(description="Of SHARE: who gave it, until when and why.")
    through: "AccessGrant | None" = strawberry.field(description="Of PARENT: why that record is reached.")

    @classmethod
    def of(cls, reason: Reason, names: dict[str, str]) -> Self:
        return cls(
            via=reason.via,
            name=_name(reason, names),
            detail=_detail(reason, names),
            gives=reason.gives,
            share=RecordShare.of(reason.share) if reason.share else None,
            through=cls.of(reason.through, names) if reason.through else None,
        )


def _name(reason: Reason, names: dict[str, str]) -> str:
    if reason.rule is not None:
        return reason.rule.name
    return names.get(reason.subject, reason.subject)


_SENTENCES = {
    Via.ROLE: "A role of theirs reaches all records of the kind {name}.",
    Via.DEFAULT: "The workspace's default opens the kind {name} to everybody who has it at all.",
    Via.OWNER: "They own it.",
    Via.ASSIGNEE_OR_OTHER: "It names them: as its assignee, or as the owner of the account it is about.",
    Via.TEAM: "It belongs to their team {name}, and a role of theirs reaches their teams' records.",
    Via.MANAGER: "It concerns {name}, who is below them, and a role of theirs reaches those below them.",
    Via.SHARE: "{by} shared it with {name}.",
    Via.RULE: "The sharing rule {name} holds for it and names them.",
    Via.TERRITORY: "It lies in the territory {name}, in which, or above which, they work.",
    Via.PARENT: "It follows {name}, which they reach.",
    Via.CUSTOMER: "It is this customer's own.",
    Via.AUDIENCE: "It is for an audience to which they belong: {name}.",
}


def _detail(reason: Reason, names: dict[str, str]) -> str:
    """Return the grant in a sentence."""
    by = names.get(f"u:{reason.share.by}") if reason.share else None
    return _SENTENCES[reason.via].format(name=_name(reason, names), by=by or "Somebody")


@strawberry.type(description="Whether one action is allowed on the record.")
class AccessAction:
    action: Action
    allowed: bool


@strawberry.type(description="Whether and why a person sees a record.")
class WhyVisible:
    visible: bool
    level: Level = strawberry.field(
        description="How far their roles and the defaults let them read the kind."
    )
    actions: list[AccessAction]
    grants: list[AccessGrant] = strawberry.field(description="Every grant that holds, not the first alone.")
    missing: list[str] = strawberry.field(description="What it would take, when they do not see it.")
    hidden_fields: list[str]
    masked_fields: list[str]

    @classmethod
    def of(cls, found: Explanation) -> Self:
        return cls(
            visible=found.visible,
            level=found.level,
            actions=[
                AccessAction(action=Action(action), allowed=action in found.allowed)
                for action in RECORD_ACTIONS
            ],
            grants=[AccessGrant.of(reason, found.names) for reason in found.reasons],
            missing=found.missing,
            hidden_fields=sorted(map(shown_name, found.mask.hidden)),
            masked_fields=sorted(map(shown_name, found.mask.masked)),
        )
