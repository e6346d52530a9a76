"""Web Push against a service that decrypts and verifies by the RFCs alone, over real HTTP."""

import base64
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from backend.core.clock import HeldClock, SystemClock
from backend.core.errors import InvalidInput
from backend.core.outbound import OutboundRules
from backend.core.settings import Settings
from notifications.channels.subscriptions import PushSubscription
from notifications.channels.vapid import VapidKey, generate_private_key, read_vapid_key
from notifications.channels.web_push import RECORD_BYTES, WebPushGateway, encrypted, written
from notifications.documents import Device
from notifications.gateways import Outcome, PushMessage, Registration, Verdict
from tests.crew import Crew
from tests.fakes.fake_push_service import Browser, FakePushService, push_service, unb64

LOOPBACK = OutboundRules(allow=(ip_network("127.0.0.0/8"),), ports=frozenset())
CONTACT = "mailto:ops@rapport.example"


@pytest.fixture
async def service() -> AsyncIterator[FakePushService]:
    async with push_service() as fake:
        yield fake


@pytest.fixture
async def gateway(service: FakePushService) -> AsyncIterator[WebPushGateway]:
    key = VapidKey(generate_private_key(), CONTACT)
    service.application_key = key.public
    gateway = WebPushGateway(key, LOOPBACK, SystemClock(), seconds=5)
    yield gateway
    await gateway.close()


def subscribed(service: FakePushService, name: str) -> str:
    told = service.subscription(name)
    return PushSubscription.checked(told["endpoint"], told["p256dh"], told["auth"]).value


def push(value: str, **changes: Any) -> PushMessage:
    return PushMessage(
        **{
            "registration": Registration(kind="web_push", value=value),
            "title": "新工单",
            "body": "Sensor offline 👩‍👩‍👧‍👦",
            "collapse_key": "ticket_assigned:t1",
            "ttl": timedelta(hours=4),
            "data": {"ticketId": "t1"},
            **changes,
        }
    )


def gist(verdict: Verdict) -> tuple[Outcome, str, timedelta | None, bool]:
    return verdict.outcome, verdict.reason, verdict.retry_after, bool(verdict.mend)


async def test_a_browser_reads_what_was_sent_and_the_service_knows_who(
    service: FakePushService, gateway: WebPushGateway
) -> None:
    [verdict] = await gateway.send([push(subscribed(service, "ok-1"))])
    [received] = service.received
    assert gist(verdict) == (Outcome.SENT, "SENT", None, False)
    assert verdict.provider_message_id == f"{service.base_url}/m/0"
    assert received.plain == {
        "title": "新工单",
        "body": "Sensor offline 👩‍👩‍👧‍👦",
        "tag": "ticket_assigned:t1",
        "data": {"ticketId": "t1"},
    }
    assert received.headers == {"TTL": "14400", "Urgency": "high", "Topic": received.headers["Topic"]}
    assert len(received.headers["Topic"]) == 32
    assert {name: received.claims[name] for name in ("aud", "sub")} == {
        "aud": service.base_url,
        "sub": CONTACT,
    }


async def test_every_answer_leads_to_its_verdict(service: FakePushService, gateway: WebPushGateway) -> None:
    table = {
        "ok-1": (Outcome.SENT, "SENT", None, False),
        "not-found-1": (Outcome.FORGET, "HTTP_404", None, False),
        "gone-1": (Outcome.FORGET, "HTTP_410", None, False),
        "large-1": (Outcome.FAILED, "HTTP_413", None, False),
        "busy-1": (Outcome.RETRY, "HTTP_429", timedelta(seconds=7), False),
        "busy-bare-1": (Outcome.RETRY, "HTTP_429", timedelta(seconds=60), False),
        "unavailable-1": (Outcome.RETRY, "HTTP_503", timedelta(seconds=3), False),
        "broken-1": (Outcome.RETRY, "HTTP_500", None, False),
        "moved-1": (Outcome.FAILED, "HTTP_307", None, False),
        "drop-1": (Outcome.RETRY, "UNKNOWN", None, False),
        "hang-1": (Outcome.RETRY, "DEADLINE_EXCEEDED", None, False),
        "ok-2": (Outcome.SENT, "SENT", None, False),
    }
    verdicts = await gateway.send([push(subscribed(service, name)) for name in table])
    assert {name: gist(verdict) for name, verdict in zip(table, verdicts, strict=True)} == table
    assert "ok-moved" not in {received.name for received in service.received}  # nobody is followed


async def test_a_signature_by_another_key_alerts_and_keeps_the_subscription(service: FakePushService) -> None:
    service.application_key = VapidKey(generate_private_key(), CONTACT).public
    stranger = WebPushGateway(VapidKey(generate_private_key(), CONTACT), LOOPBACK, SystemClock())
    [verdict] = await stranger.send([push(subscribed(service, "ok-1"))])
    await stranger.close()
    assert gist(verdict) == (Outcome.ALERT, "HTTP_403", None, True)
    assert service.received == []


async def test_an_endpoint_in_a_private_network_is_never_called(service: FakePushService) -> None:
    """Allowed when the browser subscribed, leading elsewhere now: the answer of a name may change."""
    gateway = WebPushGateway(VapidKey(generate_private_key(), CONTACT), OutboundRules(), SystemClock())
    port = service.base_url.rpartition(":")[2]
    inner = PushSubscription.checked(f"http://localhost:{port}/push/ok", *service.browser.keys().values())
    verdicts = await gateway.send(
        [push(inner.value), push(subscribed(service, "ok-1")), push("no such thing")]
    )
    await gateway.close()
    assert [(one.outcome, one.reason) for one in verdicts] == [
        (Outcome.FORGET, "ADDRESS_REFUSED"),
        (Outcome.FORGET, "ADDRESS_REFUSED"),
        (Outcome.FORGET, "INVALID_SUBSCRIPTION"),
    ]
    assert service.received == []


def test_the_example_of_the_rfc_reads() -> None:
    """The receiver of RFC 8291, appendix A, by which the peer of these tests is judged itself."""
    number = int.from_bytes(unb64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser(ec.derive_private_key(number, ec.SECP256R1()), unb64("BTBZMqHH6r4Tts7J_aSIgg"))
    body = unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.read(body) == b"When I grow up, I want to be a watermelon"


@given(title=st.text(max_size=3_000), body=st.text(max_size=3_000))
def test_whatever_is_said_fits_into_one_record_and_reads(title: str, body: str) -> None:
    browser = Browser()
    keys = browser.keys()
    subscription = PushSubscription.checked("https://push.example/1", keys["p256dh"], keys["auth"])
    message = push(subscription.value, title=title, body=body)
    sent = encrypted(written(message), subscription)
    assert len(sent) <= RECORD_BYTES
    assert browser.read(sent).rstrip(b" ") == written(message).rstrip(b" ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoint", "ftp://push.example/1"),
        ("endpoint", "https://push.example/" + "x" * 2_000),
        ("endpoint", ""),
        ("p256dh", "AAAA"),
        ("p256dh", base64.b64encode(b"\x04" + bytes(64)).decode()),  # a point that is not on the curve
        ("p256dh", "长"),
        ("auth", "AAAA"),
        ("auth", ""),
    ],
)
def test_what_is_no_subscription_is_refused_by_its_field(field: str, value: str) -> None:
    told = {"endpoint": "https://push.example/1", **Browser().keys(), field: value}
    with pytest.raises(InvalidInput) as refused:
        PushSubscription.checked(**told)
    assert [error.field for error in refused.value.errors] == [field]


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, mail_from="Rapport <ops@rapport.example>", demo=False)
    first, second = read_vapid_key(settings), read_vapid_key(settings)
    assert first.public == second.public
    assert len(unb64(first.public)) == 65
    path = tmp_path / "web_push.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    given = Settings(data_dir=tmp_path, web_push_key=SecretStr(path.read_text()), demo=False)
    assert read_vapid_key(given).public == first.public
    wrong = Settings(data_dir=tmp_path, web_push_key=SecretStr("bm8"), demo=False)
    with pytest.raises(InvalidInput, match="RAPPORT_WEB_PUSH_KEY"):
        read_vapid_key(wrong)


def test_a_signature_is_kept_until_it_ages_or_the_clock_jumps() -> None:
    clock = HeldClock(SystemClock().now())
    key = VapidKey(generate_private_key(), CONTACT)
    origin = "https://push.example"
    first = key.authorization(origin, now=clock.now())
    assert key.authorization(origin, now=clock.now() + timedelta(hours=10)) == first
    assert key.authorization("https://other.example", now=clock.now()) != first
    later = key.authorization(origin, now=clock.now() + timedelta(hours=11, minutes=1))
    assert later != first
    assert key.authorization(origin, now=clock.now() - timedelta(days=2)) not in (first, later)


SUBSCRIBE = """mutation($input: WebPushSubscribeInput!) { webPushSubscribe(input: $input) {
    __typename ... on Device { id platform isReachable } ... on Error { code message } } }"""


async def test_a_browser_subscribes_with_the_key_that_is_shown(crew: Crew, service: FakePushService) -> None:
    key = (await crew.rep.ask("{ webPushKey }"))["webPushKey"]
    assert len(unb64(key)) == 65
    told = {**service.subscription("ok-mine"), "appVersion": "2.0"}
    first = (await crew.rep.ask(SUBSCRIBE, input=told))["webPushSubscribe"]
    again = (await crew.rep.ask(SUBSCRIBE, input=told))["webPushSubscribe"]
    assert first == {"__typename": "Device", "id": first["id"], "platform": "WEB", "isReachable": True}
    assert again == first
    taken = (await crew.stranger.ask(SUBSCRIBE, input=told))["webPushSubscribe"]
    assert taken["id"] == first["id"]  # the last sign-in on this browser has it


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://10.0.0.1/push",
        "http://169.254.169.254/latest",
        "http://[::1]/push",
        "http://1.1.1.1/push",  # through the internet, unencrypted
        "https://user:password@1.1.1.1/push",
        "gopher://push.example",
    ],
)
async def test_an_endpoint_that_is_not_called_cannot_be_subscribed(
    crew: Crew, service: FakePushService, endpoint: str
) -> None:
    told = {**service.subscription("ok"), "endpoint": endpoint}
    answer = (await crew.rep.ask(SUBSCRIBE, input=told))["webPushSubscribe"]
    assert (answer["__typename"], answer["code"]) == ("InvalidInput", "INVALID_INPUT")
    uow = crew.house.store.unit_of_work(crew.rep.actor)
    assert await uow.find(Device) == []
    by_hand = """mutation($input: DeviceRegisterInput!) { deviceRegister(input: $input) {
        __typename ... on Error { code message } } }"""
    told = {"kind": "WEB_PUSH", "value": "{}", "platform": "WEB"}
    refused = (await crew.rep.ask(by_hand, input=told))["deviceRegister"]
    assert refused["code"] == "INVALID_INPUT"
    assert "webPushSubscribe" in refused["message"]
