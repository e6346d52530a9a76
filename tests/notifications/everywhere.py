"""Somebody who is reached over every channel there is, and what each of them was told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import svcs

from backend.core.clock import SystemClock
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.identity.documents import User
from backend.identity.sign_in import TokenPolicy
from notifications.catalogue import TASK_ASSIGNED
from notifications.channels.documents import NotificationEndpoint
from notifications.channels.unsubscribing import MailLinks
from notifications.channels.vapid import VapidKey, generate_private_key
from notifications.channels.web_push import WebPushGateway
from notifications.documents import DeliverySort, Notification, NotificationChannel
from notifications.inbox import notify
from notifications.outlets import mail_outlet, webhook_outlet
from notifications.sending import DeliveryWorker, push_outlet
from tests.crew import Crew, Person
from tests.fakes.fake_push_service import FakePushService, push_service
from tests.fakes.fake_webhooks import FakeWebhooks, webhook_receivers
from tests.fakes.mail_server import MailServer, mail_server
from tests.notifications.pushing import PostOffice, make_worker, register, second_sign_in
from tests.notifications.test_mail_channel import BEGIN
from tests.notifications.test_mail_channel import gateway_to as mail_gateway_to
from tests.notifications.test_planning import prefer
from tests.notifications.test_web_push import CONTACT, LOOPBACK
from tests.notifications.test_webhooks import QUERIES
from tests.notifications.test_webhooks import gateway_to as webhook_gateway_to

ROBOTS = ("wecom", "dingtalk", "feishu", "slack", "standard")
LEAVING = ("EMAIL", "PUSH", "WEB_PUSH", "WEBHOOK")
SUBSCRIBE = """mutation($input: WebPushSubscribeInput!) { webPushSubscribe(input: $input) { __typename } }"""
CREATE = """mutation($input: NotificationEndpointCreateInput!) { notificationEndpointCreate(input: $input) {
    __typename } }"""
NUMBER = "+8613800138000"


@dataclass
class Everywhere:
    """The rep: signed in on a phone, a tablet and in a browser; with a mailbox, five robots and a number."""

    crew: Crew
    post: PostOffice
    worker: DeliveryWorker
    phone: str
    tablet: str
    browser: FakePushService
    mail: MailServer
    receivers: FakeWebhooks
    address: str

    @property
    def person(self) -> Person:
        return self.crew.rep

    @classmethod
    @asynccontextmanager
    async def reached(cls, crew: Crew, post: PostOffice, house: House) -> AsyncIterator["Everywhere"]:
        async with svcs.Container(house.registry) as services:
            links = MailLinks((await services.aget(TokenPolicy)).key, BEGIN)
        key = VapidKey(generate_private_key(), CONTACT)
        async with (
            push_service() as browser,
            mail_server() as mail,
            webhook_receivers() as receivers,
            mail_gateway_to(house, mail.url) as mails,
            webhook_gateway_to(receivers) as webhooks,
        ):
            browser.application_key = key.public
            web_push = WebPushGateway(key, LOOPBACK, SystemClock(), seconds=5)
            outlets = {
                NotificationChannel.PUSH: push_outlet(post.gateway),
                NotificationChannel.WEB_PUSH: push_outlet(web_push),
                NotificationChannel.EMAIL: mail_outlet(mails, links),
                NotificationChannel.WEBHOOK: webhook_outlet(webhooks),
            }
            worker = await make_worker(house, outlets, clock=post.clock)
            phone, tablet = f"ok-phone-{new_id()}", f"ok-tablet-{new_id()}"
            (user,) = await house.store.unit_of_work(crew.system).find(User, {"_id": crew.rep.user_id})
            here = cls(crew, post, worker, phone, tablet, browser, mail, receivers, user.email)
            await here._sign_up()
            yield here
            await web_push.close()

    async def _sign_up(self) -> None:
        await register(self.person, self.phone)
        await register(await second_sign_in(self.crew, "rep"), self.tablet)
        in_browser = await second_sign_in(self.crew, "rep")
        told = {**self.browser.subscription("ok-browser"), "appVersion": "1.0"}
        assert (await in_browser.ask(SUBSCRIBE, input=told))["webPushSubscribe"]["__typename"] == "Device"
        for robot in ROBOTS:
            address = self.receivers.url(robot, "ok") + QUERIES.get(robot, "")
            told = {"provider": robot.upper(), "address": address, "secret": self.receivers.secret}
            made = (await self.person.ask(CREATE, input=told))["notificationEndpointCreate"]
            assert made["__typename"] == "NotificationEndpoint"

        async def confirmed(uow: UnitOfWork) -> None:
            number = NotificationEndpoint(provider="sms", address=NUMBER, confirmed_at=uow.at)
            number.owner_id = self.person.user_id
            uow.save(number)

        await self.crew.house.store.write(self.crew.system, confirmed)
        at_once = [{"type": "*", "channel": one, "handling": "AT_ONCE"} for one in LEAVING]
        assert await prefer(self.person, choices=at_once) == "NotificationPreferences"

    async def speak(self, locale: str) -> None:
        """Let the rep read another language."""

        async def change(uow: UnitOfWork) -> None:
            user = await uow.access(User, self.person.user_id, action="update")
            user.locale = locale
            uow.save(user)

        await self.crew.house.store.write(self.crew.system, change)

    async def raised(self, subject: str) -> Notification:
        """Tell the rep of a task that is theirs now."""
        words = {"subject": subject, "by": "Lindqvist"}

        async def write(uow: UnitOfWork) -> Notification | None:
            return await notify(
                uow, TASK_ASSIGNED, recipient_id=self.person.user_id, key=new_id(), words=words
            )

        made = await self.crew.house.store.write(self.crew.system, write)
        assert made is not None
        return made

    async def send(self) -> dict[str, list[Any]]:
        """Plan and send all that is due; return what each receiver was told since the last time.

        Left out is what only wakes a phone to sync: the house decides by its own clock when to.
        """
        await self.post.plan()
        await self.worker.work()
        found: dict[str, list[Any]] = {
            "phone": self._told(self.phone),
            "tablet": self._told(self.tablet),
            "browser": [one.plain for one in self.browser.received],
            "mail": [],
            **{vendor: [] for vendor in (*ROBOTS, "sms")},
        }
        while not self.mail.arrived.empty():
            address, letter = self.mail.arrived.get_nowait()
            if address != self.address:
                continue  # to somebody of an earlier test: the house has one queue
            parts = [letter.get_body((form,)) for form in ("plain", "html")]
            texts = [part.get_content() for part in parts if part is not None]
            found["mail"].append({"subject": str(letter["Subject"]), "texts": texts, "raw": str(letter)})
        for received in self.receivers.received:
            found[received.vendor].append(received.body)
        self.post.fcm.received.clear()
        self.browser.received.clear()
        self.receivers.received.clear()
        return found

    def _told(self, value: str) -> list[dict[str, Any]]:
        messages = (one.message for one in self.post.received(value))
        return [one for one in messages if one["data"]["type"] != DeliverySort.SYNC.value]
