"""The assistant's policy, its nightly learning and its model's use, as GraphQL types and inputs."""

from datetime import date, datetime
from typing import Any, Self

import strawberry

from assistant import calibration_runs, model_budget, policy
from assistant.policy import AnswerMode

strawberry.enum(
    AnswerMode,
    description="STRICT: word for word, in the asker's language only. EXTRACTIVE: word for word, also from "
    "the other language. GENERATED: a language model says the same facts, checked against them.",
)


@strawberry.type(description="People are there on `weekday` (1 is Monday) from `opens` to `closes`, HH:MM.")
class OpenSpan:
    weekday: int
    opens: str
    closes: str


@strawberry.input(description="`closes` may be 24:00; hours over midnight are two spans.")
class OpenSpanInput:
    weekday: int
    opens: str
    closes: str


@strawberry.type(description="How questions are answered in a workspace. Version 0: nobody has set it yet.")
class AssistantPolicy:
    version: int
    mode: AnswerMode
    human_first: bool = strawberry.field(description="While people are there, they answer first.")
    time_zone: str
    hours: list[OpenSpan] = strawberry.field(
        description="When people are there; none: by the default working calendar."
    )
    closed_on: list[date]
    monthly_tokens: int = strawberry.field(description="What the language model may read and write a month.")

    @classmethod
    def of(cls, record: policy.AssistantPolicy) -> Self:
        spans = [OpenSpan(weekday=o.weekday, opens=o.opens, closes=o.closes) for o in record.hours]
        return cls(
            version=record.version,
            mode=record.mode,
            human_first=record.human_first,
            time_zone=record.time_zone,
            hours=spans,
            closed_on=list(record.closed_on),
            monthly_tokens=record.monthly_tokens,
        )


@strawberry.input(description="What to change of the policy; what is left out stays.")
class AssistantPolicySetInput:
    mode: AnswerMode | None = strawberry.UNSET
    human_first: bool | None = strawberry.UNSET
    time_zone: str | None = strawberry.UNSET
    hours: list[OpenSpanInput] | None = strawberry.UNSET
    closed_on: list[date] | None = strawberry.UNSET
    monthly_tokens: int | None = strawberry.UNSET
    mutation_id: str | None = strawberry.UNSET
    expected_version: int | None = strawberry.UNSET


def policy_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without those given as null: null sets nothing here."""
    return {name: value for name, value in fields.items() if value is not None}


@strawberry.type(description="Log loss, Brier score and expected calibration error.")
class CalibrationFigures:
    log_loss: float
    brier: float
    ece: float


@strawberry.type(description="One night's try to learn from feedback.")
class CalibrationRun:
    id: strawberry.ID
    at: datetime
    calibration: str = strawberry.field(
        description="The learned calibration that it adjusts: of answers judged by another it learns nothing."
    )
    rows: int = strawberry.field(description="Answers of which somebody said something.")
    wrong: int
    kept: bool = strawberry.field(description="Whether it was better on answers it had not seen.")
    why: str
    before: CalibrationFigures | None
    after: CalibrationFigures | None
    drift: float | None = strawberry.field(
        description="Population stability index of confidences, the newer half against the older."
    )
    drifted: bool

    @classmethod
    def of(cls, record: calibration_runs.CalibrationRun) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            at=record.at,
            calibration=record.calibration,
            rows=record.rows,
            wrong=record.wrong,
            kept=record.kept,
            why=record.why,
            before=_figures(record.before),
            after=_figures(record.after),
            drift=record.drift,
            drifted=record.drifted,
        )


def _figures(found: dict[str, float]) -> CalibrationFigures | None:
    return CalibrationFigures(**found) if found else None


@strawberry.type(description="What the language model was used for in one month (UTC).")
class ModelUsage:
    month: str
    tokens: int
    calls: int
    drafts_refused: int = strawberry.field(description="Drafts that claimed what their source does not say.")
    failures: int

    @classmethod
    def of(cls, record: model_budget.ModelUsage) -> Self:
        return cls(
            month=record.month,
            tokens=record.tokens,
            calls=record.calls,
            drafts_refused=record.drafts_refused,
            failures=record.failures,
        )
