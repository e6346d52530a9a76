"""A workspace's own words, as GraphQL types and inputs."""

from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Conflict, Forbidden, InvalidInput, NotFound, shared_fields
from notifications import documents, templates


@strawberry.type(
    description="The workspace's own words for a type in a language (zh, en). A blank part is the usual one."
)
class NotificationTemplate:
    id: strawberry.ID
    version: int
    type: str
    locale: str
    title: str
    body: str
    subject: str
    text: str
    html: str

    @classmethod
    def of(cls, record: documents.NotificationTemplate) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.type(description="The house's own templates of a type, to begin from, and what they may name.")
class UsualNotificationTemplate:
    fields: list[str]
    title: str
    body: str
    subject: str
    text: str
    html: str


@strawberry.type(description="What somebody would read, filled with made-up values.")
class NotificationPreview:
    title: str
    body: str
    subject: str
    text: str
    html: str

    @classmethod
    def of(cls, preview: templates.Preview) -> Self:
        letter = preview.letter
        return cls(
            title=preview.wording.title,
            body=preview.wording.body,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
        )


@strawberry.input(
    description="Jinja templates over the fields of the type: conditions, a few filters, `for` over lines. "
    "What is left out stays; a blank part is the usual one again."
)
class NotificationTemplateSetInput:
    type: str
    locale: str
    title: str | None = UNSET
    body: str | None = UNSET
    subject: str | None = UNSET
    text: str | None = UNSET
    html: str | None = UNSET
    mutation_id: str | None = UNSET


NotificationTemplateResult = Annotated[
    NotificationTemplate | InvalidInput | NotFound | Forbidden | Conflict,
    strawberry.union("NotificationTemplateResult"),
]
NotificationPreviewResult = Annotated[
    NotificationPreview | InvalidInput | Forbidden, strawberry.union("NotificationPreviewResult")
]
UsualNotificationTemplateResult = Annotated[
    UsualNotificationTemplate | InvalidInput | Forbidden, strawberry.union("UsualNotificationTemplateResult")
]
