"""A workspace's own words, over GraphQL."""

import strawberry

from backend.core.graphql import Info, given
from notifications import documents, templates
from notifications.template_types import (
    NotificationPreview,
    NotificationPreviewResult,
    NotificationTemplate,
    NotificationTemplateResult,
    NotificationTemplateSetInput,
    UsualNotificationTemplate,
    UsualNotificationTemplateResult,
)


@strawberry.type
class TemplateQuery:
    @strawberry.field(description="The workspace's own words for notifications: for admins.")
    async def notification_templates(self, info: Info) -> list[NotificationTemplate]:
        found = await info.context.uow.find(
            documents.NotificationTemplate, sort=[("type", 1), ("locale", 1)], limit=100
        )
        return [NotificationTemplate.of(one) for one in found]

    @strawberry.field(description="The house's own templates of a type in a language: for admins.")
    async def usual_notification_template(
        self, info: Info, type: str, locale: str
    ) -> UsualNotificationTemplateResult:
        found = templates.usual_template(info.context.uow, type, locale)
        return UsualNotificationTemplate(fields=found.fields, **found.parts)

    @strawberry.field(
        description="How the parts given, and the workspace's own for the others, would be read: for admins."
    )
    async def notification_preview(
        self,
        info: Info,
        type: str,
        locale: str,
        title: str = "",
        body: str = "",
        subject: str = "",
        text: str = "",
        html: str = "",
    ) -> NotificationPreviewResult:
        parts = {"title": title, "body": body, "subject": subject, "text": text, "html": html}
        return NotificationPreview.of(await templates.preview_template(info.context.uow, type, locale, parts))


@strawberry.type
class TemplateMutation:
    @strawberry.mutation(description="Set the workspace's own words for a type in a language: for admins.")
    async def notification_template_set(
        self, info: Info, input: NotificationTemplateSetInput
    ) -> NotificationTemplateResult:
        parts = given(input)
        type, locale = parts.pop("type"), parts.pop("locale")
        return NotificationTemplate.of(
            await info.context.write(
                lambda uow: templates.set_template(uow, type, locale, parts),
                mutation_id=input.mutation_id or None,
            )
        )
