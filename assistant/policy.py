"""How a workspace wants to be answered for: set by its admins, obeyed by every turn."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from backend.core.errors import Forbidden
from backend.core.fields import Fields, new_record, set_fields
from backend.core.ids import derived_id
from backend.core.records import Part, Record
from backend.core.unit_of_work import UnitOfWork
from backend.service.calendar import Span, minutes_of, put_together


class AnswerMode(StrEnum):
    """``strict``: published text in the asker's own language, word for word; ``extractive``: word for word,
    also from the other language; ``generated``: a language model says the same facts in its words.
    """

    STRICT = "strict"
    EXTRACTIVE = "extractive"
    GENERATED = "generated"


class OpenSpan(Part):
    """People are there on ``weekday`` (1 is Monday) from ``opens`` to ``closes``, as 09:00 and 18:00."""

    weekday: int = Field(ge=1, le=7)
    opens: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    closes: str = Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")

    @model_validator(mode="after")
    def refuse_backward_spans(self) -> Self:
        """Refuse a span that ends before it begins; over midnight it is two."""
        if self.closes <= self.opens:
            raise ValueError("closes must be later than opens; write hours over midnight as two spans")
        return self


class AssistantPolicy(Record):
    """One a workspace. ``monthly_tokens`` is what the language model may read and write in a month."""

    kind: ClassVar[str] = "assistant_policy"
    always_shown: ClassVar[frozenset[str]] = frozenset({"mode"})

    mode: AnswerMode = AnswerMode.EXTRACTIVE
    human_first: bool = False
    time_zone: str = "UTC"
    hours: list[OpenSpan] = Field(default_factory=list, max_length=50)
    closed_on: list[date] = Field(default_factory=list, max_length=400)
    monthly_tokens: int = Field(default=1_000_000, ge=0, le=10_000_000_000)

    @field_validator("time_zone")
    @classmethod
    def refuse_unknown_zones(cls, value: str) -> str:
        """Refuse what is no time zone of the IANA list."""
        if value not in available_timezones():
            raise ValueError("is no time zone; write one such as Asia/Shanghai or Europe/Amsterdam")
        return value

    @property
    def week(self) -> tuple[tuple[Span, ...], ...]:
        """Return the hours of each day from Monday on, as a calendar holds them."""
        return tuple(
            put_together(
                Span(minutes_of(one.opens), minutes_of(one.closes))
                for one in self.hours
                if one.weekday == weekday
            )
            for weekday in range(1, 8)
        )

    class Settings:
        name = "assistant_policies"


def policy_id(workspace_id: str) -> str:
    """Return the id of a workspace's policy."""
    return derived_id("assistant_policy", workspace_id)


async def find_policy(uow: UnitOfWork) -> AssistantPolicy:
    """Return the workspace's policy, whoever asks; the usual one, at version 0, when none is set."""
    id = policy_id(uow.actor.workspace_id)
    found = await uow.as_house().find_one(AssistantPolicy, {"_id": id})
    return found or AssistantPolicy(id=id)


async def show_policy(uow: UnitOfWork) -> AssistantPolicy:
    """Return the policy to somebody who may read it; raise Forbidden to others."""
    if not uow.may(AssistantPolicy.kind, "read"):
        raise Forbidden("read", AssistantPolicy.kind)
    return await find_policy(uow)


async def set_policy(
    uow: UnitOfWork, fields: Fields, *, expected_version: int | None = None
) -> AssistantPolicy:
    """Set what is given of the policy; raise Forbidden unless the actor may, InvalidInput by field."""
    id = policy_id(uow.actor.workspace_id)
    if not uow.may(AssistantPolicy.kind, "update"):
        raise Forbidden("update", AssistantPolicy.kind)
    if await uow.is_taken(AssistantPolicy, id):
        policy = await uow.access(AssistantPolicy, id, action="update", expected_version=expected_version)
        set_fields(policy, fields)
    else:
        policy = await new_record(uow, AssistantPolicy, fields, id=id)
        policy.owner_id = None
    uow.save(policy)
    return policy
