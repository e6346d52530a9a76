"""The robots of chat rooms: 企业微信, 钉钉, 飞书, Slack. Pure.

Each is a webhook that a person makes in the chat and pastes here. Their addresses are secrets by themselves;
钉钉 and 飞书 sign, if their owner set a secret. All but Slack answer 200 also when they refuse.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import httpx

from notifications.channels.webhook_messages import (
    Answer,
    SignedRequest,
    WebhookMessage,
    verdict_by_code,
    verdict_by_status,
)
from notifications.fitting import fitted
from notifications.gateways import Outcome, Verdict

JSON = {"Content-Type": "application/json; charset=utf-8"}
A_MINUTE = timedelta(minutes=1)
LATER = timedelta(seconds=10)
SECRET_MEND = "The robot refused the signature; set the secret that its page shows, and look at the clock."


class WeCom:
    """企业微信群机器人. Its key is in the address; it has no signature.

    Source: developer.work.weixin.qq.com/document/path/91770 (text ≤ 2,048 bytes, 20 messages a minute); its
    list of global return codes, path/90313 (-1, 45009, 45033, 93000, 93004, 93008).
    """

    TEXT_BYTES = 2_048
    FORGET = frozenset({93000, 93004, 93008})  # the key is wrong, the robot or its group is gone
    RETRY = {-1: LATER, 45009: A_MINUTE, 45033: LATER}  # busy, too many a minute, too many at once

    def request(self, message: WebhookMessage, *, at: datetime) -> SignedRequest:
        """Return the message as text."""
        content = fitted(message.text, self.TEXT_BYTES)
        return _post(message.address, {"msgtype": "text", "text": {"content": content}})

    def verdict(self, answer: Answer, *, at: datetime) -> Verdict:
        """Return what ``errcode`` means."""
        code = answer.fields.get("errcode")
        return verdict_by_code(answer, code, at=at, forget=self.FORGET, retry=self.RETRY)


class DingTalk:
    """钉钉自定义机器人, signed by HMAC-SHA256 over time and secret, in the address.

    Source: open.dingtalk.com, "自定义机器人安全设置" (the signature counts for an hour) and "自定义机器人
    接入" (20 messages a minute; who sends more is held for ten) with its list of codes: -1, 310000, 400013,
    400101, 400102, 400106, 410100. Not in it, but answered by the service: 130101 ("send too fast, exceed 20
    times per minute"), 300001 and of late 300005 ("token is not exist"; github.com/timonwong/
    prometheus-webhook-dingtalk, issues 91 and 226).
    """

    TEXT_BYTES = 20_000
    FORGET = frozenset({300001, 300005, 400101, 400013, 400102, 400106})  # no such token, group gone, off
    RETRY = {-1: LATER, 410100: 10 * A_MINUTE, 130101: 10 * A_MINUTE}
    NOT_SIGNED = 310000  # also: a word that must be in the text is not, or the sender is not listed

    def request(self, message: WebhookMessage, *, at: datetime) -> SignedRequest:
        """Return the message as text, signed when there is a secret."""
        url = message.address
        if message.secret:
            timestamp = str(int(at.timestamp() * 1_000))
            covered = f"{timestamp}\n{message.secret}".encode()
            sign = _hmac(message.secret.encode(), covered)
            url = str(httpx.URL(url).copy_merge_params({"timestamp": timestamp, "sign": sign}))
        content = fitted(message.text, self.TEXT_BYTES)
        return _post(url, {"msgtype": "text", "text": {"content": content}, "msgUuid": message.key})

    def verdict(self, answer: Answer, *, at: datetime) -> Verdict:
        """Return what ``errcode`` means."""
        code = answer.fields.get("errcode")
        if code == self.NOT_SIGNED:
            return _unsigned(f"CODE_{code}", answer)
        return verdict_by_code(answer, code, at=at, forget=self.FORGET, retry=self.RETRY)


class Feishu:
    """飞书自定义机器人, signed by HMAC-SHA256 of nothing under time and secret, in the body.

    Source: open.feishu.cn, "自定义机器人使用指南" (20 kB; 100 messages a minute, 5 a second; the signature
    counts for an hour; 9499 for a body that it cannot read, 11232 for too many, 19021, 19022, 19024). Not in
    it, but answered by the service: 19001 ("incoming webhook access token invalid"), and with status 400 also
    9499 for too many ("too many request"; github.com/ccfos/nightingale, issue 1437).
    """

    TEXT_BYTES = 18_000
    FORGET = frozenset({19001})  # the token in the address is unknown
    RETRY = {11232: A_MINUTE}
    CROWDED = {9499: A_MINUTE}
    """With these words only: else it is a message that can never be read."""
    CROWDED_WORDS = "too many request"
    NOT_SIGNED = frozenset({19021, 19022, 19024})  # the signature, the sender, a word that must be in it

    def request(self, message: WebhookMessage, *, at: datetime) -> SignedRequest:
        """Return the message as text, signed when there is a secret."""
        body: dict[str, Any] = {
            "msg_type": "text",
            "content": {"text": fitted(message.text, self.TEXT_BYTES)},
        }
        if message.secret:
            timestamp = str(int(at.timestamp()))
            key = f"{timestamp}\n{message.secret}".encode()
            body = {"timestamp": timestamp, "sign": _hmac(key, b""), **body}
        return _post(message.address, body)

    def verdict(self, answer: Answer, *, at: datetime) -> Verdict:
        """Return what ``code`` means; older robots call it ``StatusCode``."""
        code = answer.fields.get("code", answer.fields.get("StatusCode"))
        if code in self.NOT_SIGNED:
            return _unsigned(f"CODE_{code}", answer)
        if answer.status == 400 and isinstance(code, int):  # some refusals come so, with the same codes
            answer = Answer(status=200, headers=answer.headers, text=answer.text, fields=answer.fields)
        is_crowded = self.CROWDED_WORDS in answer.text.lower()
        retry = {**self.RETRY, **(self.CROWDED if is_crowded else {})}
        return verdict_by_code(answer, code, at=at, forget=self.FORGET, retry=retry)


class Slack:
    """Slack's incoming webhook. Its address is the secret; there is no signature.

    Source: docs.slack.dev, "Sending messages using incoming webhooks" (errors; one message a second), "Rate
    limits" (429 with Retry-After), and api.slack.com/changelog/2016-05-17 (their statuses). Not in them, but
    answered: ``no_active_hooks`` with 404, for a webhook that was switched off.
    """

    TEXT_BYTES = 12_000  # Slack cuts text off at 40,000 characters, and folds it long before
    GONE = frozenset(
        {"no_service", "no_service_id", "no_team", "team_disabled", "invalid_token", "channel_not_found"}
        | {"channel_is_archived", "user_not_found", "no_active_hooks"}
    )

    def request(self, message: WebhookMessage, *, at: datetime) -> SignedRequest:
        """Return the message, the title in bold; what Slack reads as markup is written out."""
        title, body = (_plain(fitted(part, self.TEXT_BYTES)) for part in (message.title, message.body))
        text = "\n".join(part for part in (f"*{title}*" if title else "", body) if part)
        return _post(message.address, {"text": text})

    def verdict(self, answer: Answer, *, at: datetime) -> Verdict:
        """Return what the status and the word in the body mean."""
        word = answer.text.strip()
        if answer.status != 200 and word in self.GONE:
            return Verdict(outcome=Outcome.FORGET, reason=word.upper(), detail=answer.text)
        if answer.status == 200 and word != "ok":
            return Verdict(outcome=Outcome.RETRY, reason="UNKNOWN", detail=answer.text)
        return verdict_by_status(answer, at=at)


def _post(url: str, body: Any) -> SignedRequest:
    return SignedRequest(url=url, body=json.dumps(body, ensure_ascii=False).encode(), headers=JSON)


def _hmac(key: bytes, covered: bytes) -> str:
    return base64.b64encode(hmac.new(key, covered, hashlib.sha256).digest()).decode()


def _plain(text: str) -> str:
    """Return ``text`` so that Slack shows it as it is. Source: docs.slack.dev, "Formatting message text"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unsigned(reason: str, answer: Answer) -> Verdict:
    return Verdict(outcome=Outcome.FAILED, reason=reason, detail=answer.text, mend=SECRET_MEND)
