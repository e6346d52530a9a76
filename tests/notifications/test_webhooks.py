"""Chat robots, own servers and text messages against receivers that verify what their vendors document."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import svcs

from backend.core.clock import SystemClock
from backend.core.errors import Unavailable
from backend.core.outbound import OutboundRules
from backend.house import House
from notifications.channels.chat_robots import DingTalk, Feishu, Slack, WeCom
from notifications.channels.documents import NotificationEndpoint
from notifications.channels.own_servers import Sms, Standard
from notifications.channels.webhook_messages import WebhookAdapter, WebhookMessage
from notifications.channels.webhooks import WebhookGateway
from notifications.gateways import Outcome, Verdict
from tests.crew import Crew
from tests.fakes.fake_webhooks import FakeWebhooks, webhook_receivers
from tests.notifications.test_web_push import LOOPBACK

MINUTE = timedelta(minutes=1)
LATER = timedelta(seconds=10)
QUERIES = {"wecom": "?key=the-key", "dingtalk": "?access_token=the-token"}


@pytest.fixture
async def receivers() -> AsyncIterator[FakeWebhooks]:
    async with webhook_receivers() as fake:
        yield fake


def adapters(receivers: FakeWebhooks, sms: str = "ok") -> dict[str, WebhookAdapter]:
    return {
        "wecom": WeCom(),
        "dingtalk": DingTalk(),
        "feishu": Feishu(),
        "slack": Slack(),
        "standard": Standard(),
        "sms": Sms(receivers.url("sms", sms), receivers.secret),
    }


@asynccontextmanager
async def gateway_to(
    receivers: FakeWebhooks, *, sms: str = "ok", rules: OutboundRules = LOOPBACK
) -> AsyncIterator[WebhookGateway]:
    gateway = WebhookGateway(adapters(receivers, sms), rules, SystemClock(), seconds=5)
    yield gateway
    await gateway.close()


def message(receivers: FakeWebhooks, vendor: str, name: str = "ok", **changes: Any) -> WebhookMessage:
    address = "+8613800138000" if vendor == "sms" else receivers.url(vendor, name) + QUERIES.get(vendor, "")
    return WebhookMessage(
        **{
            "provider": vendor,
            "key": "delivery-1",
            "address": address,
            "secret": receivers.secret,
            "title": "新工单：传感器离线",
            "body": "Manager assigned it to you. <b>&</b>",
            "data": {"type": "ticket_assigned", "notificationId": "n1"},
            **changes,
        }
    )


def gist(verdict: Verdict) -> tuple[Outcome, str, timedelta | None, bool]:
    return verdict.outcome, verdict.reason, verdict.retry_after, bool(verdict.mend)


TEXT = "新工单：传感器离线\nManager assigned it to you. <b>&</b>"


async def test_each_vendor_takes_what_is_signed_its_way(receivers: FakeWebhooks) -> None:
    async with gateway_to(receivers) as gateway:
        verdicts = await gateway.send([message(receivers, vendor) for vendor in adapters(receivers)])
    assert [gist(verdict) for verdict in verdicts] == [(Outcome.SENT, "SENT", None, False)] * 6
    got = {received.vendor: received for received in receivers.received}
    assert got["wecom"].body == {"msgtype": "text", "text": {"content": TEXT}}
    assert got["dingtalk"].body == {"msgtype": "text", "text": {"content": TEXT}, "msgUuid": "delivery-1"}
    assert got["feishu"].body["content"] == {"text": TEXT}
    assert got["slack"].body == {
        "text": "*新工单：传感器离线*\nManager assigned it to you. &lt;b&gt;&amp;&lt;/b&gt;"
    }
    assert got["standard"].body["type"] == "notification.ticket_assigned"
    assert got["standard"].body["data"]["notificationId"] == "n1"
    assert got["standard"].headers["webhook-id"] == got["sms"].headers["webhook-id"] == "delivery-1"
    assert got["sms"].body == {"to": "+8613800138000", "text": TEXT, "reference": "delivery-1"}


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ("dingtalk", (Outcome.FAILED, "CODE_310000", None, True)),
        ("feishu", (Outcome.FAILED, "CODE_19021", None, True)),
        ("standard", (Outcome.FAILED, "HTTP_401", None, True)),
        ("sms", (Outcome.ALERT, "HTTP_401", None, True)),
    ],
)
async def test_a_wrong_secret_or_a_wrong_clock_is_refused_and_said(
    receivers: FakeWebhooks, vendor: str, expected: tuple[Outcome, str, None, bool]
) -> None:
    async with gateway_to(receivers) as gateway:
        receivers.secret += "-changed"
        stale = message(receivers, vendor, secret="SEC000111222")
        [verdict] = await gateway.send([stale])
        receivers.secret = "SEC000111222"
        receivers.clock_ahead = 4_000
        [late] = await gateway.send([stale])
    assert gist(verdict) == gist(late) == expected
    assert receivers.received == []


Gist = tuple[Outcome, str, timedelta | None, bool]
SAME_FOR_ALL: dict[str, Gist] = {
    "status-429": (Outcome.RETRY, "HTTP_429", timedelta(seconds=7), False),
    "status-503": (Outcome.RETRY, "HTTP_503", timedelta(seconds=7), False),
    "status-302": (Outcome.FAILED, "HTTP_302", None, False),
    "drop": (Outcome.RETRY, "UNKNOWN", None, False),
}
CODES: dict[str, dict[str, Gist]] = {
    "wecom": {
        "code-93000": (Outcome.FORGET, "CODE_93000", None, False),
        "code-93004": (Outcome.FORGET, "CODE_93004", None, False),
        "code-93008": (Outcome.FORGET, "CODE_93008", None, False),
        "code-45009": (Outcome.RETRY, "CODE_45009", MINUTE, False),
        "code-45033": (Outcome.RETRY, "CODE_45033", LATER, False),
        "code--1": (Outcome.RETRY, "CODE_-1", LATER, False),
        "code-40058": (Outcome.FAILED, "CODE_40058", None, False),
        "page": (Outcome.RETRY, "UNKNOWN", None, False),
    },
    "dingtalk": {
        "code-300001": (Outcome.FORGET, "CODE_300001", None, False),
        "code-300005": (Outcome.FORGET, "CODE_300005", None, False),
        "code-400013": (Outcome.FORGET, "CODE_400013", None, False),
        "code-400101": (Outcome.FORGET, "CODE_400101", None, False),
        "code-400102": (Outcome.FORGET, "CODE_400102", None, False),
        "code-400106": (Outcome.FORGET, "CODE_400106", None, False),
        "code-130101": (Outcome.RETRY, "CODE_130101", 10 * MINUTE, False),
        "code--1": (Outcome.RETRY, "CODE_-1", LATER, False),
        "code-430101": (Outcome.FAILED, "CODE_430101", None, False),  # a link that it holds for unsafe
        "code-410100": (Outcome.RETRY, "CODE_410100", 10 * MINUTE, False),
        "code-310000": (Outcome.FAILED, "CODE_310000", None, True),
        "code-40035": (Outcome.FAILED, "CODE_40035", None, False),
        "page": (Outcome.RETRY, "UNKNOWN", None, False),
    },
    "feishu": {
        "code-19001": (Outcome.FORGET, "CODE_19001", None, False),
        "code-11232": (Outcome.RETRY, "CODE_11232", MINUTE, False),
        "code-9499=too many request": (Outcome.RETRY, "CODE_9499", MINUTE, False),
        "code-9499=Bad Request": (Outcome.FAILED, "CODE_9499", None, False),
        "code-19022": (Outcome.FAILED, "CODE_19022", None, True),
        "code-19024": (Outcome.FAILED, "CODE_19024", None, True),
        "code-19002": (Outcome.FAILED, "CODE_19002", None, False),
        "page": (Outcome.RETRY, "UNKNOWN", None, False),
    },
    "slack": {
        "word-404-no_service": (Outcome.FORGET, "NO_SERVICE", None, False),
        "word-404-no_active_hooks": (Outcome.FORGET, "NO_ACTIVE_HOOKS", None, False),
        "word-404-channel_not_found": (Outcome.FORGET, "CHANNEL_NOT_FOUND", None, False),
        "word-403-invalid_token": (Outcome.FORGET, "INVALID_TOKEN", None, False),
        "word-400-user_not_found": (Outcome.FORGET, "USER_NOT_FOUND", None, False),
        "word-410-channel_is_archived": (Outcome.FORGET, "CHANNEL_IS_ARCHIVED", None, False),
        "word-400-invalid_payload": (Outcome.FAILED, "HTTP_400", None, False),
        "word-403-action_prohibited": (Outcome.FAILED, "HTTP_403", None, True),
        "word-500-rollup_error": (Outcome.RETRY, "HTTP_500", None, False),
        "page": (Outcome.RETRY, "UNKNOWN", None, False),
    },
    "standard": {
        "status-410": (Outcome.FORGET, "HTTP_410", None, False),
        "status-422": (Outcome.FAILED, "HTTP_422", None, False),
        "hang": (Outcome.RETRY, "DEADLINE_EXCEEDED", None, False),
    },
}


@pytest.mark.parametrize("vendor", CODES)
async def test_every_answer_leads_to_its_verdict(receivers: FakeWebhooks, vendor: str) -> None:
    table = CODES[vendor] | SAME_FOR_ALL
    async with gateway_to(receivers) as gateway:
        verdicts = await gateway.send([message(receivers, vendor, name) for name in table])
    assert {name: gist(verdict) for name, verdict in zip(table, verdicts, strict=True)} == table


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("reason-422-invalid_number", (Outcome.FORGET, "INVALID_NUMBER", None, False)),
        ("reason-400-unsubscribed", (Outcome.FORGET, "UNSUBSCRIBED", None, False)),
        ("reason-402-payment", (Outcome.ALERT, "NO_CREDIT", None, True)),
        ("status-404", (Outcome.ALERT, "HTTP_404", None, True)),  # our setting, not the number
        ("status-429", (Outcome.RETRY, "HTTP_429", timedelta(seconds=7), False)),
        ("status-500", (Outcome.RETRY, "HTTP_500", timedelta(seconds=7), False)),
        ("reason-400-no_text", (Outcome.FAILED, "HTTP_400", None, False)),
    ],
)
async def test_every_answer_about_a_text_message_leads_to_its_verdict(
    receivers: FakeWebhooks, answer: str, expected: tuple[Outcome, str, timedelta | None, bool]
) -> None:
    async with gateway_to(receivers, sms=answer) as gateway:
        [verdict] = await gateway.send([message(receivers, "sms")])
    assert gist(verdict) == expected


async def test_what_is_too_long_is_cut_where_a_reader_sees_no_harm(receivers: FakeWebhooks) -> None:
    family = "👩‍👩‍👧‍👦"
    async with gateway_to(receivers) as gateway:
        long = [message(receivers, vendor, title="", body=family * 3_000) for vendor in adapters(receivers)]
        verdicts = await gateway.send(long)
    assert {verdict.outcome for verdict in verdicts} == {Outcome.SENT}
    [content] = [one.body["text"]["content"] for one in receivers.received if one.vendor == "wecom"]
    assert re.fullmatch(f"({family})+…", content)
    assert 2_048 - len(family.encode()) <= len(content.encode()) <= 2_048


async def test_an_address_in_a_private_network_is_never_called(receivers: FakeWebhooks) -> None:
    async with gateway_to(receivers, rules=OutboundRules()) as gateway:
        [verdict] = await gateway.send([message(receivers, "slack")])
    assert (verdict.outcome, verdict.reason) == (Outcome.FORGET, "ADDRESS_REFUSED")
    assert receivers.received == []


# ── over GraphQL ─────────────────────────────────────────────────────────────────────────────────

FIELDS = "id version provider label host isReachable confirmedAt droppedReason"
CREATE = f"""mutation($input: NotificationEndpointCreateInput!) {{
    notificationEndpointCreate(input: $input) {{
    __typename ... on NotificationEndpoint {{ {FIELDS} }} ... on Error {{ code message }} }} }}"""
CONFIRM = f"""mutation($input: NotificationEndpointConfirmInput!) {{
    notificationEndpointConfirm(input: $input) {{
    __typename ... on NotificationEndpoint {{ {FIELDS} }} ... on Error {{ code message }} }} }}"""
DELETE = """mutation($input: DeleteInput!) { notificationEndpointDelete(input: $input) {
    __typename ... on Error { code } } }"""
MINE = f"{{ notificationEndpoints {{ nodes {{ {FIELDS} }} }} }}"


@asynccontextmanager
async def webhooks_in_place(house: House, gateway: WebhookGateway) -> AsyncIterator[None]:
    async with svcs.Container(house.registry) as services:
        own = await services.aget(WebhookGateway)
    house.registry.register_value(WebhookGateway, gateway)
    try:
        yield
    finally:
        house.registry.register_value(WebhookGateway, own)


async def test_a_robot_is_ones_own_and_its_address_is_a_secret(crew: Crew, receivers: FakeWebhooks) -> None:
    address = receivers.url("feishu", "ok")
    told = {"provider": "FEISHU", "address": address, "secret": "SEC1", "label": "东区群"}
    made = (await crew.rep.ask(CREATE, input=told))["notificationEndpointCreate"]
    assert (made["__typename"], made["host"], made["label"]) == (
        "NotificationEndpoint",
        "127.0.0.1",
        "东区群",
    )
    assert made["isReachable"] is True
    [mine] = (await crew.rep.ask(MINE))["notificationEndpoints"]["nodes"]
    assert mine["id"] == made["id"]
    for other in (crew.manager, crew.admin, crew.colleague):  # nobody else's, admins included
        assert (await other.ask(MINE))["notificationEndpoints"]["nodes"] == []
        refused = (await other.ask(DELETE, input={"id": made["id"]}))["notificationEndpointDelete"]
        assert refused == {"__typename": "NotFound", "code": "NOT_FOUND"}
    stored = await crew.house.store.database["notification_endpoints"].find_one({"_id": made["id"]})
    assert stored is not None
    assert stored["address"].startswith("enc:")
    assert stored["secret"].startswith("enc:")

    gone = (await crew.rep.ask(DELETE, input={"id": made["id"]}))["notificationEndpointDelete"]
    assert gone == {"__typename": "Deleted"}
    assert (await crew.rep.ask(MINE))["notificationEndpoints"]["nodes"] == []
    stored = await crew.house.store.database["notification_endpoints"].find_one({"_id": made["id"]})
    assert stored is not None
    assert (stored["address"], stored["secret"]) == ("", "")


@pytest.mark.parametrize(
    "told",
    [
        {"provider": "SLACK", "address": ""},
        {"provider": "SLACK", "address": "no address"},
        {"provider": "SLACK", "address": "http://10.1.2.3/hook"},
        {"provider": "DINGTALK", "address": "http://1.1.1.1/robot"},  # unencrypted through the internet
        {"provider": "WECOM", "address": "https://1.1.1.1/" + "x" * 3_000},
        {"provider": "STANDARD", "address": "https://1.1.1.1/hook"},  # without what signs
    ],
)
async def test_an_endpoint_that_cannot_be_called_is_refused(crew: Crew, told: dict[str, str]) -> None:
    refused = (await crew.rep.ask(CREATE, input=told))["notificationEndpointCreate"]
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert (await crew.rep.ask(MINE))["notificationEndpoints"]["nodes"] == []


async def test_a_number_is_told_nothing_before_its_owner_confirms_it(
    crew: Crew, house: House, receivers: FakeWebhooks
) -> None:
    told = {"provider": "SMS", "address": "+86 138 0013 8000"}
    async with gateway_to(receivers) as gateway, webhooks_in_place(house, gateway):
        made = (await crew.rep.ask(CREATE, input=told))["notificationEndpointCreate"]
        assert (made["isReachable"], made["host"]) == (False, "")
        [sent] = receivers.received
        assert sent.body["to"] == "+8613800138000"
        [code] = re.findall(r"\d{6}", sent.body["text"])
        wrong = "000000" if code != "000000" else "111111"
        refused = await crew.rep.ask(CONFIRM, input={"id": made["id"], "code": wrong})
        assert refused["notificationEndpointConfirm"]["code"] == "INVALID_INPUT"
        stranger = await crew.colleague.ask(CONFIRM, input={"id": made["id"], "code": code})
        assert stranger["notificationEndpointConfirm"]["code"] == "NOT_FOUND"
        opened = await crew.rep.ask(CONFIRM, input={"id": made["id"], "code": f" {code} "})
        assert opened["notificationEndpointConfirm"]["isReachable"] is True


async def test_after_five_guesses_no_code_opens_a_number(
    crew: Crew, house: House, receivers: FakeWebhooks
) -> None:
    told = {"provider": "SMS", "address": "+8613800138000"}
    async with gateway_to(receivers) as gateway, webhooks_in_place(house, gateway):
        made = (await crew.agent.ask(CREATE, input=told))["notificationEndpointCreate"]
        [code] = re.findall(r"\d{6}", receivers.received[0].body["text"])
        wrong = "000000" if code != "000000" else "111111"
        for guess in [wrong] * 5 + [code]:
            answer = await crew.agent.ask(CONFIRM, input={"id": made["id"], "code": guess})
            assert answer["notificationEndpointConfirm"]["code"] == "INVALID_INPUT"
        for _ in range(4):  # five codes a day, with the first
            await crew.agent.ask(CREATE, input=told)
        over = await crew.agent.post(CREATE, input=told)
    assert over["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert len(receivers.received) == 5


async def test_without_a_provider_no_number_is_taken(crew: Crew) -> None:
    told = {"provider": "SMS", "address": "+8613800138000"}
    refused = await crew.rep.post(CREATE, input=told)
    assert refused["errors"][0]["extensions"]["code"] == Unavailable.code
    uow = crew.house.store.unit_of_work(crew.rep.actor)
    assert await uow.find(NotificationEndpoint) == []


async def test_a_refusal_says_nothing_of_anybody_elses_endpoint(
    crew: Crew, house: House, receivers: FakeWebhooks
) -> None:
    """Whatever is tried on another's is answered as for one that there never was; so is its own address."""
    address = receivers.url("feishu", "ok")
    told = {"provider": "FEISHU", "address": address, "secret": "SEC-of-the-rep", "label": "东区群"}
    number = {"provider": "SMS", "address": "+86 138 0013 8000", "label": "my number"}
    async with gateway_to(receivers) as gateway, webhooks_in_place(house, gateway):
        robot = (await crew.rep.ask(CREATE, input=told))["notificationEndpointCreate"]["id"]
        phone = (await crew.rep.ask(CREATE, input=number))["notificationEndpointCreate"]["id"]
        [code] = re.findall(r"\d{6}", receivers.received[-1].body["text"])
        before = (await crew.rep.ask(MINE))["notificationEndpoints"]["nodes"]
        nobodys = "0190a000-0000-7000-8000-000000000000"
        of_the_rep = ("127.0.0.1", "SEC-of-the-rep", "东区群", "13800138000", "my number", "Rep")
        says = "... on Error { code message }"
        tries = [
            ("notificationEndpointDelete", "DeleteInput", {}),
            ("notificationEndpointDelete", "DeleteInput", {"expectedVersion": 1}),
            ("notificationEndpointConfirm", "NotificationEndpointConfirmInput", {"code": code}),
            ("notificationEndpointConfirm", "NotificationEndpointConfirmInput", {"code": "1"}),
        ]
        for person in (crew.colleague, crew.admin, crew.customer):
            for field, type_name, also in tries:
                query = f"mutation($input: {type_name}!) {{ {field}(input: $input) {{ __typename {says} }} }}"
                plain = set()
                for id in (robot, phone, nobodys):
                    answer = await person.post(query, input={"id": id, **also})
                    del answer["extensions"]  # what it cost
                    plain.add(str(answer).replace(id, "ID"))
                assert len(plain) == 1, plain
                assert not [one for one in of_the_rep if one in str(plain)]
        # The same address or number may be another's as well: nobody hears that it is taken.
        for one in (told | {"secret": "mine", "label": "mine"}, number | {"label": "mine"}):
            made = (await crew.colleague.ask(CREATE, input=one))["notificationEndpointCreate"]
            assert (made["__typename"], made["label"]) == ("NotificationEndpoint", "mine")
        # An id that is another's is refused without a word of whose it is.
        mine = {"id": robot, "secret": "mine", "label": "mine"}
        taken = await crew.colleague.post(CREATE, input=told | mine)
        assert not [one for one in (*of_the_rep, crew.rep.user_id) if one in str(taken)]
        refused = taken["data"]["notificationEndpointCreate"]
        assert refused["__typename"] in ("Conflict", "InvalidInput")
    assert (await crew.rep.ask(MINE))["notificationEndpoints"]["nodes"] == before
