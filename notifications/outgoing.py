"""What leaves, as each channel takes it. Pure."""

from datetime import datetime

from notifications.channels.letters import MailMessage
from notifications.channels.webhook_messages import WebhookMessage
from notifications.checking import Leaving
from notifications.fitting import fitted_push
from notifications.gateways import LONGEST_TTL, PushMessage, Registration


def push_of(leaving: Leaving, *, now: datetime) -> PushMessage:
    """Return a delivery as a push to its device, cut to what vendors take."""
    delivery, device, content = leaving.delivery, leaving.device, leaving.content
    assert device is not None
    return fitted_push(
        PushMessage(
            registration=Registration(kind=device.registration_kind.value, value=device.value),
            title=content.title,
            body=content.body,
            collapse_key=delivery.collapse_key,
            ttl=min(delivery.expires_at - now, LONGEST_TTL),
            data=content.data,
            priority=delivery.priority,
        )
    )


def mail_of(leaving: Leaving, *, unsubscribe: str) -> MailMessage:
    """Return a delivery as a letter to its recipient's address of this moment."""
    content, recipient = leaving.content, leaving.recipient
    assert recipient is not None
    letter = content.letter
    return MailMessage(
        key=leaving.delivery.id,
        thread=leaving.delivery.collapse_key,
        to=recipient.email,
        subject=letter.subject if letter else content.title,
        text=letter.text if letter else content.body,
        html=letter.html if letter else "",
        language=recipient.locale[:2],
        unsubscribe=unsubscribe,
    )


def webhook_of(leaving: Leaving) -> WebhookMessage:
    """Return a delivery as a message to its endpoint."""
    endpoint, content = leaving.endpoint, leaving.content
    assert endpoint is not None
    return WebhookMessage(
        provider=endpoint.provider.value,
        key=leaving.delivery.id,
        address=endpoint.address,
        secret=endpoint.secret,
        title=content.title,
        body=content.body,
        data=content.data,
    )
