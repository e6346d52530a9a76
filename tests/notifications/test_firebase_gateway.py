"""FirebaseGateway against a server that speaks FCM and Google's sign-in, over real HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.core.clock import HeldClock
from notifications.firebase import MOST_AT_ONCE, FirebaseGateway
from notifications.gateways import Outcome, PushMessage, Registration, Verdict
from tests.fakes.fake_fcm import FakeFcm, ReceivedMessage

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
async def fcm() -> AsyncIterator[FakeFcm]:
    async with FakeFcm() as served:
        yield served


@pytest.fixture
async def gateway(fcm: FakeFcm, tmp_path: Path) -> AsyncIterator[FirebaseGateway]:
    gateway = FirebaseGateway(
        fcm.service_account_file(tmp_path),
        fcm.base_url,
        http_timeout=timedelta(seconds=3),
        clock=HeldClock(NOON),
    )
    yield gateway
    await gateway.close()


def push(value: str, *, kind: Literal["fid", "token"] = "fid", **changes: Any) -> PushMessage:
    return PushMessage(
        **{
            "registration": Registration(kind=kind, value=value),
            "title": "New ticket",
            "body": "新工单",
            "collapse_key": "ticket-assigned:t1",
            "ttl": timedelta(hours=4),
            "data": {"ticketId": "t1"},
            **changes,
        }
    )


def gist(verdict: Verdict) -> tuple[Outcome, str, timedelta | None, bool]:
    return verdict.outcome, verdict.reason, verdict.retry_after, bool(verdict.mend)


async def test_every_answer_of_fcm_leads_to_its_verdict(fcm: FakeFcm, gateway: FirebaseGateway) -> None:
    table = {
        "ok-1": (Outcome.SENT, "SENT", None, False),
        "unregistered-1": (Outcome.FORGET, "UNREGISTERED", None, False),
        "mismatch-1": (Outcome.FORGET, "SENDER_ID_MISMATCH", None, True),
        "invalid-token-1": (Outcome.FORGET, "INVALID_ARGUMENT", None, False),
        "invalid-message-1": (Outcome.FAILED, "INVALID_ARGUMENT", None, False),
        "quota-1": (Outcome.RETRY, "QUOTA_EXCEEDED", timedelta(seconds=7), False),
        "quota-bare-1": (Outcome.RETRY, "QUOTA_EXCEEDED", timedelta(seconds=60), False),
        "unavailable-1": (Outcome.RETRY, "UNAVAILABLE", timedelta(seconds=3), False),
        "internal-1": (Outcome.RETRY, "INTERNAL", None, False),
        "apns-auth-1": (Outcome.ALERT, "THIRD_PARTY_AUTH_ERROR", None, True),
        "forbidden-1": (Outcome.ALERT, "PERMISSION_DENIED", None, True),
        "no-project-1": (Outcome.ALERT, "NOT_FOUND", None, True),
        "proxy-1": (Outcome.RETRY, "UNKNOWN", None, False),
        "drop-1": (Outcome.RETRY, "UNKNOWN", None, False),
        "hang-1": (Outcome.RETRY, "DEADLINE_EXCEEDED", None, False),
        "ok-2": (Outcome.SENT, "SENT", None, False),
    }
    verdicts = await gateway.send([push(registration) for registration in table])

    assert {name: gist(verdict) for name, verdict in zip(table, verdicts, strict=True)} == table
    assert {verdicts[0].provider_message_id, verdicts[-1].provider_message_id} == {
        "projects/demo-crm/messages/1",
        "projects/demo-crm/messages/2",
    }
    # Each was tried once, whatever came back: the queue decides about the next try, not the library.
    answered = [received.registration for received in fcm.received]
    assert sorted(answered) == sorted(set(table) - {"hang-1"})
    assert fcm.sign_ins == 1


async def test_an_oversized_payload_is_our_bug_and_keeps_the_registration(gateway: FirebaseGateway) -> None:
    [verdict] = await gateway.send([push("ok-1", data={"text": "长" * 1400})])
    assert gist(verdict) == (Outcome.FAILED, "INVALID_ARGUMENT", None, False)


async def test_a_message_reads_right_on_every_platform(fcm: FakeFcm, gateway: FirebaseGateway) -> None:
    await gateway.send([push("ok-fid"), push("ok-token", kind="token", collapse_key="k" * 65)])

    by_kind = {received.kind: received for received in fcm.received}
    assert by_kind["fid"] == ReceivedMessage(
        kind="fid",
        registration="ok-fid",
        status=200,
        message={
            "fid": "ok-fid",
            "data": {"ticketId": "t1"},
            "notification": {"title": "New ticket", "body": "新工单"},
            "android": {
                "priority": "high",
                "ttl": "14400s",
                "notification": {"tag": "ticket-assigned:t1"},
            },
            "apns": {
                "headers": {
                    "apns-push-type": "alert",
                    "apns-priority": "10",
                    "apns-collapse-id": "ticket-assigned:t1",
                    "apns-expiration": str(int((NOON + timedelta(hours=4)).timestamp())),
                },
                "payload": {"aps": {"sound": "default"}},
            },
            "webpush": {
                "headers": {"TTL": "14400", "Urgency": "high", "Topic": "3rKjoppl9F-ONfBQ-1SFmUllJq6cgLeB"},
                "notification": {"tag": "ticket-assigned:t1"},
            },
        },
    )
    older = by_kind["token"].message
    assert older["token"] == "ok-token"
    assert "fid" not in older
    assert len(older["apns"]["headers"]["apns-collapse-id"]) == 32  # 65 bytes are one too many for APNs


async def test_a_silent_message_shows_nothing_and_collapses(fcm: FakeFcm, gateway: FirebaseGateway) -> None:
    await gateway.send(
        [push("ok-1", title="", body="", collapse_key="sync", data={"type": "sync"}, priority="normal")]
    )
    [received] = fcm.received
    assert "notification" not in json.dumps(received.message)
    assert received.message["android"] == {"collapse_key": "sync", "priority": "normal", "ttl": "14400s"}
    assert received.message["apns"]["headers"]["apns-push-type"] == "background"
    assert received.message["apns"]["headers"]["apns-priority"] == "5"
    assert received.message["apns"]["payload"] == {"aps": {"content-available": 1}}


async def test_a_large_batch_keeps_a_hundred_sockets_at_most(fcm: FakeFcm, tmp_path: Path) -> None:
    fcm.latency_seconds = 0.05  # long enough for a hundred to be open at once
    gateway = FirebaseGateway(fcm.service_account_file(tmp_path), fcm.base_url)
    pushes = [push(f"ok-{number}") for number in range(250)]
    first, second = await asyncio.gather(gateway.send(pushes[:150]), gateway.send(pushes[150:]))
    await gateway.close()

    verdicts = [*first, *second]
    assert {verdict.outcome for verdict in verdicts} == {Outcome.SENT}
    assert len({verdict.provider_message_id for verdict in verdicts}) == len(fcm.received) == 250
    assert 1 < fcm.most_at_once <= MOST_AT_ONCE == 100
    assert fcm.most_connections <= MOST_AT_ONCE
    assert fcm.sign_ins == 1


async def test_an_access_token_is_renewed_ahead_of_its_end_beside_the_sending(
    fcm: FakeFcm, gateway: FirebaseGateway
) -> None:
    fcm.access_token_seconds = 200  # google-auth counts a token as stale 225 s before its end
    [first] = await gateway.send([push("ok-1")])
    fcm.access_token_seconds = 3600
    fcm.hold_sign_ins.clear()
    [second] = await gateway.send([push("ok-2")])  # would wait for ever if it waited for the new token
    assert (first.outcome, second.outcome, fcm.sign_ins) == (Outcome.SENT, Outcome.SENT, 1)
    fcm.hold_sign_ins.set()
    async with asyncio.timeout(20):
        while fcm.sign_ins < 2:
            await asyncio.sleep(0.01)
    [third] = await gateway.send([push("ok-3")])
    assert (third.outcome, fcm.sign_ins) == (Outcome.SENT, 2)


async def test_what_the_library_will_not_write_fails_alone(gateway: FirebaseGateway) -> None:
    lost = PushMessage.__new__(PushMessage)  # past the checks of the class, as a bug of ours would
    for name in PushMessage.__slots__:
        object.__setattr__(lost, name, getattr(push("ok-2"), name))
    object.__setattr__(lost, "data", {"count": 3})
    verdicts = await gateway.send([push("ok-1"), lost, push("portal-1"), push("ok-3")])
    assert [gist(verdict)[:2] for verdict in verdicts] == [
        (Outcome.SENT, "SENT"),
        (Outcome.FAILED, "UNWRITABLE"),
        (Outcome.RETRY, "UNKNOWN"),
        (Outcome.SENT, "SENT"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        (400, '{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'),
        (200, "<html>a captive portal</html>"),
    ],
)
async def test_without_sign_in_all_are_tried_again_later(
    fcm: FakeFcm, gateway: FirebaseGateway, answer: tuple[int, str]
) -> None:
    fcm.sign_in_answer = answer
    verdicts = await gateway.send([push("ok-1"), push("unregistered-1")])
    assert [gist(verdict) for verdict in verdicts] == [(Outcome.RETRY, "SIGN_IN_FAILED", None, False)] * 2
    assert fcm.received == []

    fcm.sign_in_answer = None
    verdicts = await gateway.send([push("ok-1"), push("unregistered-1")])
    assert [verdict.outcome for verdict in verdicts] == [Outcome.SENT, Outcome.FORGET]


async def test_a_sign_in_with_another_key_is_refused(fcm: FakeFcm, tmp_path: Path) -> None:
    path = fcm.service_account_file(tmp_path)
    another_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_text(json.dumps({**json.loads(path.read_text()), "private_key": another_key.decode()}))
    gateway = FirebaseGateway(path, fcm.base_url)
    [verdict] = await gateway.send([push("ok-1")])
    await gateway.close()
    assert gist(verdict) == (Outcome.RETRY, "SIGN_IN_FAILED", None, False)
    assert "Signature verification failed" in verdict.detail
    assert fcm.received == []


async def test_a_revoked_access_token_is_replaced(fcm: FakeFcm, gateway: FirebaseGateway) -> None:
    assert [verdict.outcome for verdict in await gateway.send([push("ok-1")])] == [Outcome.SENT]
    fcm.forget_access_tokens()
    [verdict] = await gateway.send([push("ok-2")])
    assert gist(verdict) == (Outcome.RETRY, "UNAUTHENTICATED", None, False)
    assert [verdict.outcome for verdict in await gateway.send([push("ok-2")])] == [Outcome.SENT]
    assert [received.registration for received in fcm.received] == ["ok-1", "ok-2"]
    assert fcm.sign_ins == 2


async def test_an_answer_that_is_not_fcms_is_of_unknown_outcome(gateway: FirebaseGateway) -> None:
    [verdict] = await gateway.send([push("portal-1")])
    assert gist(verdict) == (Outcome.RETRY, "UNKNOWN", None, False)


async def test_an_answer_without_end_ends_the_try(fcm: FakeFcm, tmp_path: Path) -> None:
    """Each byte comes in time, the whole never does: the try ends before the delivery's lease."""
    gateway = FirebaseGateway(
        fcm.service_account_file(tmp_path), fcm.base_url, http_timeout=timedelta(seconds=2)
    )
    verdicts = await gateway.send([push("drip-1"), push("ok-1")])
    await gateway.close()
    assert [gist(verdict) for verdict in verdicts] == [
        (Outcome.RETRY, "DEADLINE_EXCEEDED", None, False),
        (Outcome.SENT, "SENT", None, False),
    ]


async def test_nobody_listening_is_a_reason_to_try_again(fcm: FakeFcm, tmp_path: Path) -> None:
    gateway = FirebaseGateway(fcm.service_account_file(tmp_path), "http://127.0.0.1:1")
    [verdict] = await gateway.send([push("ok-1")])
    await gateway.close()
    assert gist(verdict) == (Outcome.RETRY, "UNAVAILABLE", None, False)


async def test_unreadable_credentials_alert_the_operator_until_they_are_mended(
    fcm: FakeFcm, tmp_path: Path
) -> None:
    path = tmp_path / "service-account.json"
    gateway = FirebaseGateway(path, fcm.base_url)
    [missing] = await gateway.send([push("ok-1")])
    path.write_text('{"type": "authorized_user"}')
    [wrong] = await gateway.send([push("ok-1")])
    assert gist(missing) == gist(wrong) == (Outcome.ALERT, "CREDENTIALS_UNREADABLE", None, True)
    assert str(path) in missing.mend

    fcm.service_account_file(tmp_path)
    [verdict] = await gateway.send([push("ok-1")])
    await gateway.close()
    assert verdict.outcome is Outcome.SENT


async def test_sending_nothing_touches_nothing(tmp_path: Path) -> None:
    started = time.monotonic()
    gateway = FirebaseGateway(tmp_path / "absent.json")
    assert await gateway.send([]) == []
    await gateway.close()
    assert time.monotonic() - started < 1
