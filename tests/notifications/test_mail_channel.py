"""Notifications by e-mail, against a real SMTP server on loopback."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import svcs

from backend.core.ids import new_id
from backend.core.mail import SmtpMailer
from backend.house import House
from backend.identity.sign_in import TokenPolicy
from notifications.channels.letters import MailMessage
from notifications.channels.mail import MailGateway
from notifications.channels.unsubscribing import MailLinks
from notifications.delivery import deliveries_of
from notifications.documents import NotificationChannel
from notifications.gateways import Outcome, Verdict
from notifications.inbox import notify_as_a_test
from notifications.outlets import mail_outlet
from tests.crew import Crew
from tests.fakes.mail_server import MailServer, mail_server
from tests.notifications.pushing import make_worker, worker_in_place

BEGIN = "http://rapport.test"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as served:
        yield served


@asynccontextmanager
async def gateway_to(house: House, url: str) -> AsyncIterator[MailGateway]:
    mailer = SmtpMailer(url, "Rapport <no-reply@crm.example>", house.store.clock, keeps=2)
    gateway = MailGateway(mailer, "crm.example")
    yield gateway
    await gateway.close()


def letter(**changes: Any) -> MailMessage:
    return MailMessage(
        **{
            "key": "d1",
            "thread": "ticket_assigned:t1",
            "to": "lin@test.example",
            "subject": "新工单：\r\nBcc: all@test.example",
            "text": "经理把工单分配给了您。 <script>",
            "unsubscribe": f"{BEGIN}/notifications/unsubscribe?token=x",
            **changes,
        }
    )


def gist(verdict: Verdict) -> tuple[Outcome, str, timedelta | None]:
    return verdict.outcome, verdict.reason, verdict.retry_after


async def test_a_letter_reads_as_text_and_as_a_page_and_is_the_same_in_every_try(
    house: House, server: MailServer
) -> None:
    async with gateway_to(house, server.url) as gateway:
        verdicts = [*await gateway.send([letter()]), *await gateway.send([letter()])]
        (to, first), (_, second) = await server.next(), await server.next()
    assert [gist(verdict) for verdict in verdicts] == [(Outcome.SENT, "SENT", None)] * 2
    assert to == "lin@test.example"
    assert (
        first["Message-ID"] == second["Message-ID"] == "<d1@crm.example>" == verdicts[0].provider_message_id
    )
    assert first["Subject"] == "新工单： Bcc: all@test.example"  # no header of its own
    assert first["Bcc"] is None
    assert first["List-Unsubscribe"] == f"<{BEGIN}/notifications/unsubscribe?token=x>"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, page = first.get_body(("plain",)), first.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert plain.get_content().strip() == "经理把工单分配给了您。 <script>"
    assert "经理把工单分配给了您。 &lt;script&gt;" in page.get_content()
    assert server.connections == 1  # one after the other goes over one connection


async def test_every_answer_of_a_mail_server_leads_to_its_verdict(house: House, server: MailServer) -> None:
    a_minute = timedelta(minutes=1)
    async with gateway_to(house, server.url) as gateway:
        server.replies += ["451 try later", "550 no such mailbox", "552 full for ever"]
        verdicts = [(await gateway.send([letter(key=f"d{number}")]))[0] for number in range(4)]
        assert [gist(verdict) for verdict in verdicts] == [
            (Outcome.RETRY, "SMTP_AWAY", a_minute),
            (Outcome.FAILED, "SMTP_550", None),
            (Outcome.FAILED, "SMTP_552", None),
            (Outcome.SENT, "SENT", None),
        ]
    async with gateway_to(house, "smtp://127.0.0.1:1") as gateway:
        [away] = await gateway.send([letter()])
    assert gist(away) == (Outcome.RETRY, "SMTP_AWAY", a_minute)
    [none] = await MailGateway(None, "crm.example").send([letter()])
    assert gist(none) == (Outcome.FAILED, "NO_MAIL_SERVER", None)


async def test_a_server_that_hung_up_meanwhile_gets_a_new_connection(
    house: House, server: MailServer
) -> None:
    mailer = SmtpMailer(server.url, "no-reply@crm.example", house.store.clock, keeps=1)
    gateway = MailGateway(mailer, "crm.example")
    await gateway.send([letter()])
    mailer._idle[0][1].close()
    [verdict] = await gateway.send([letter()])
    await gateway.close()
    assert verdict.outcome is Outcome.SENT
    assert server.connections == 2


async def test_a_notification_leaves_by_mail_until_one_click_ends_it(
    crew: Crew, house: House, server: MailServer, http: httpx.AsyncClient
) -> None:
    async with svcs.Container(house.registry) as services:
        links = MailLinks((await services.aget(TokenPolicy)).key, BEGIN)
    choose = """mutation { notificationPreferencesSet(input: { choices: [
        { type: "test", channel: EMAIL, handling: AT_ONCE }] }) { __typename } }"""
    assert (await crew.rep.ask(choose))["notificationPreferencesSet"][
        "__typename"
    ] == "NotificationPreferences"
    async with gateway_to(house, server.url) as gateway:
        outlets = {NotificationChannel.EMAIL: mail_outlet(gateway, links)}
        worker = await make_worker(house, outlets, clock=house.store.clock)
        async with worker_in_place(house, worker):
            raised = await raise_test(crew, house)
            await house.relay.settle()
            await worker.work()
            rep = (await crew.user("rep")).email  # the queue may hold what other tests left for others
            _, mail = await server.next(to=rep)
            link = str(mail["List-Unsubscribe"]).strip("<>").replace("\r\n ", "")
            path = link.removeprefix(BEGIN)
            asked = await http.get(path)
            assert (asked.status_code, "form" in asked.text) == (200, True)
            assert (await http.post(path, data={"List-Unsubscribe": "One-Click"})).status_code == 200
            assert (await http.post(path)).status_code == 200  # twice is once
            later = await raise_test(crew, house)
            await house.relay.settle()
            await worker.work()
    assert await _mails(raised) == [("sent", "")]
    assert await _mails(later) == [("dropped", "preference")]
    assert server.left(to=rep) == 0


async def test_a_link_that_was_not_made_here_ends_nothing(http: httpx.AsyncClient) -> None:
    strangers = MailLinks("another key, as long as a key has to be", BEGIN).make("w", "u", "test")
    for path in (strangers.removeprefix(BEGIN), "/notifications/unsubscribe?token=nonsense"):
        assert (await http.get(path)).status_code == 401
        assert (await http.post(path)).status_code == 401
    assert re.fullmatch(r"http://rapport\.test/notifications/unsubscribe\?token=[\w.-]+", strangers)


async def _mails(notification_id: str) -> list[tuple[str, str]]:
    rows = await deliveries_of(notification_id)
    return [(row.state.value, row.reason) for row in rows if row.channel is NotificationChannel.EMAIL]


async def raise_test(crew: Crew, house: House) -> str:
    """Raise a test notification for the rep; return its id."""
    key = new_id()
    return (await house.store.write(crew.rep.actor, lambda uow: notify_as_a_test(uow, key))).id
