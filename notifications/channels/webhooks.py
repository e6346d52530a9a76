"""The gateway of webhooks: one signed POST a message, to checked addresses only."""

import asyncio
import json
from collections.abc import Mapping, Sequence

import httpx

from backend.core.clock import Clock
from backend.core.errors import CRMError
from backend.core.outbound import AddressRefused, AnswerTooLarge, OutboundRules, outbound_client
from backend.core.settings import Settings
from notifications.channels.chat_robots import DingTalk, Feishu, Slack, WeCom
from notifications.channels.documents import EndpointProvider
from notifications.channels.own_servers import Sms, Standard
from notifications.channels.webhook_messages import LONGEST_DETAIL, Answer, WebhookAdapter, WebhookMessage
from notifications.gateways import Outcome, Verdict

SECONDS = 10.0
MOST_BYTES = 64_000  # an answer is a few words
MOST_AT_ONCE = 8


def adapters_of(settings: Settings) -> dict[str, WebhookAdapter]:
    """Return the adapters that this deployment has: that of text messages needs a provider."""
    adapters: dict[str, WebhookAdapter] = {
        EndpointProvider.WECOM.value: WeCom(),
        EndpointProvider.DINGTALK.value: DingTalk(),
        EndpointProvider.FEISHU.value: Feishu(),
        EndpointProvider.SLACK.value: Slack(),
        EndpointProvider.STANDARD.value: Standard(),
    }
    if settings.sms_url:
        secret = settings.sms_secret.get_secret_value()
        adapters[EndpointProvider.SMS.value] = Sms(settings.sms_url, secret)
    return adapters


class WebhookGateway:
    """Send through the adapters, to addresses that ``rules`` admit at the moment of calling."""

    def __init__(
        self,
        adapters: Mapping[str, WebhookAdapter],
        rules: OutboundRules,
        clock: Clock,
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._adapters, self._rules, self._clock, self._seconds = adapters, rules, clock, seconds
        self._client: httpx.AsyncClient | None = None
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    def provides(self, provider: str) -> bool:
        """Tell whether messages to this provider can be sent."""
        return provider in self._adapters

    async def send(self, messages: Sequence[WebhookMessage]) -> Sequence[Verdict]:
        """Try each message once; see ``Gateway.send``."""
        return await asyncio.gather(*map(self._send, messages))

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()

    async def _send(self, message: WebhookMessage) -> Verdict:
        adapter = self._adapters.get(message.provider)
        if adapter is None:
            return Verdict(outcome=Outcome.FAILED, reason="NO_PROVIDER")
        at = self._clock.now()
        request = adapter.request(message, at=at)
        try:
            async with self._free:
                answer = await self._opened().post(request.url, content=request.body, headers=request.headers)
        except AddressRefused as error:  # it led elsewhere when it was entered
            return Verdict(outcome=Outcome.FORGET, reason=error.code, detail=str(error))
        except (CRMError, AnswerTooLarge) as error:
            return Verdict(outcome=Outcome.RETRY, reason=error.code, detail=str(error))
        except (httpx.TimeoutException, TimeoutError) as error:
            return Verdict(outcome=Outcome.RETRY, reason="DEADLINE_EXCEEDED", detail=type(error).__name__)
        except (httpx.HTTPError, OSError) as error:
            return Verdict(outcome=Outcome.RETRY, reason="UNKNOWN", detail=type(error).__name__)
        return adapter.verdict(_read(answer), at=self._clock.now())

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = outbound_client(self._rules, most_bytes=MOST_BYTES, seconds=self._seconds)
        return self._client


def _read(answer: httpx.Response) -> Answer:
    try:
        fields = json.loads(answer.content)
    except ValueError:
        fields = None
    return Answer(
        status=answer.status_code,
        headers={name.lower(): value for name, value in answer.headers.items()},
        text=answer.text[:LONGEST_DETAIL],
        fields=fields if isinstance(fields, dict) else {},
    )
