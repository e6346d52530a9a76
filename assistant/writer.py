"""A language model behind an OpenAI-compatible address, asked to say found facts in a few words.

It may be away, slow, garbled or wrong: every way in which it fails is an ``Unavailable`` with the cause, and
after some failures in a row it is left alone for a while. What it writes is nobody's answer yet: see
`assistant.claims`. Source of the protocol: OpenAI's chat completions, as llama.cpp and vLLM serve it.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx
import stamina
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from backend.core.errors import Unavailable
from backend.core.settings import Settings

MOST_BYTES = 200_000  # of one answer; ours are some hundred
MOST_TOKENS = 320  # that a draft may have
FAILURES_IN_A_ROW = 5
LEFT_ALONE_SECONDS = 30.0
CIRCUIT = "language model"


@dataclass(frozen=True)
class Written:
    """What the model wrote, and how many tokens it read and wrote."""

    text: str
    model: str
    tokens: int


class Writer:
    """One language model. ``close`` it with the house."""

    def __init__(self, client: httpx.AsyncClient, *, model: str, seconds: float) -> None:
        self._client, self.model, self._seconds = client, model, seconds
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=FAILURES_IN_A_ROW, default_ttl=LEFT_ALONE_SECONDS
        )

    @classmethod
    def of(cls, settings: Settings) -> "Writer | None":
        """Return the model that the settings name; None when they name none."""
        if not settings.llm_url:
            return None
        key = settings.llm_key.get_secret_value()
        client = httpx.AsyncClient(
            base_url=settings.llm_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=settings.llm_seconds,
            trust_env=False,
        )
        return cls(client, model=settings.llm_model, seconds=settings.llm_seconds)

    async def write(self, system: str, user: str) -> Written:
        """Return what the model makes of two messages; raise Unavailable when that is nothing usable."""
        breaker = await self._breakers.get_breaker(CIRCUIT)
        try:
            async with breaker:
                return await self._in_time(system, user)
        except OpenedState:
            raise Unavailable(
                "The language model failed several times; it is left alone for a while."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"The language model does not answer: {type(error).__name__}.") from error

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _in_time(self, system: str, user: str) -> Written:
        try:
            async with asyncio.timeout(self._seconds):
                async for attempt in stamina.retry_context(
                    on=httpx.ConnectError, attempts=2, wait_initial=0.05
                ):
                    with attempt:
                        return await self._once(system, user)
        except TimeoutError:
            raise Unavailable(f"The language model took longer than {self._seconds:g} s.") from None
        raise AssertionError("a retry ends with an answer or an error")

    async def _once(self, system: str, user: str) -> Written:
        asked = {
            "model": self.model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            "temperature": 0,
            "seed": 1,
            "max_tokens": MOST_TOKENS,
            "stream": False,
        }
        async with self._client.stream("POST", "chat/completions", json=asked) as answer:
            if answer.status_code != 200:
                raise Unavailable(f"The language model answered {answer.status_code}.")
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise Unavailable(f"The language model answered more than {MOST_BYTES} bytes.")
        return _read(body, self.model)


def _read(body: bytes, model: str) -> Written:
    try:
        answer: dict[str, Any] = json.loads(body)
        choice = answer["choices"][0]
        text = choice["message"]["content"]
        tokens = answer.get("usage", {}).get("total_tokens", 0)
        if not isinstance(text, str) or not isinstance(tokens, int):
            raise TypeError
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unavailable("The language model's answer cannot be read.") from error
    if choice.get("finish_reason") == "length":
        raise Unavailable("The language model did not come to an end.")
    return Written(text.strip(), f"{model or answer.get('model', 'unnamed')}", tokens)
