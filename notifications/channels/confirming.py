"""The code by which somebody shows that a number is theirs."""

from backend.core.errors import Unavailable
from notifications.channels.documents import NotificationEndpoint
from notifications.channels.webhook_messages import WebhookMessage
from notifications.channels.webhooks import WebhookGateway
from notifications.gateways import Outcome

TEXTS = {
    "zh": "您的 Rapport 验证码是 {code}，10 分钟内有效。如非本人操作，请忽略。",
    "en": "Your Rapport code is {code}. It counts for 10 minutes. If you did not ask for it, ignore this.",
}


async def send_code(
    gateway: WebhookGateway, endpoint: NotificationEndpoint, code: str, *, locale: str
) -> None:
    """Send a code to a number, once. Raise Unavailable when the provider does not take it."""
    text = TEXTS.get(locale[:2], TEXTS["en"]).format(code=code)
    message = WebhookMessage(
        provider=endpoint.provider.value, key=f"{endpoint.id}:code", address=endpoint.address, body=text
    )
    [verdict] = await gateway.send([message])
    if verdict.outcome is not Outcome.SENT:
        raise Unavailable(
            f"The code could not be sent ({verdict.reason}); check the number, remove it and add it again."
        )
