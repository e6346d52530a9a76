"""The chat where networks, servers and browsers misbehave: nothing is lost or said twice, and it is told."""

import json

import pytest
from playwright.async_api import Browser, Route, expect

from tests.e2e.chat_browser import (
    DESK,
    WARRANTY,
    Front,
    HeldBack,
    Silent,
    chat_page,
    unreached,
    visitor_browser,
)
from tests.e2e.rep_day import PASSWORD

FULL = """Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }"""


FORBIDDEN = """for (const name of ['localStorage', 'sessionStorage'])
    Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError') }});
LockManager.prototype.request = async () => { throw new DOMException('no', 'SecurityError') };"""


OLD_FRAMEWORK = "Array.prototype.toJSON = function () { return `[${this.map(JSON.stringify).join(', ')}]` }"


FROZEN = """for (const one of [Object, Array, Function, Error, EventTarget, Node, Element, HTMLElement, Map])
    Object.freeze(one.prototype);"""


async def test_what_is_written_offline_is_sent_once_and_in_order(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        asked = 0

        async def lose_the_answer(route: Route) -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                await route.continue_()
                return
            await route.fetch()  # the server hears it, and answers into the void
            await route.abort("connectionreset")

        await chat.page.route("**/assistant/ask", lose_the_answer)
        await chat.say(WARRANTY)
        await expect(chat[".source"]).to_be_visible()
        await chat.all_sent()
        assert asked == 2
        id = await chat.conversation_id()
        assert await front.said(id) == [WARRANTY]

        await visitor.set_offline(True)
        await front.server.stop()
        await chat.say("I would like to talk to a person")
        await chat.say("It is urgent")
        await expect(chat[".notice"]).to_contain_text("No connection.")
        await expect(chat[".waiting .meta"]).to_have_text(["Waiting to be sent"] * 2)
        assert await front.said(id) == [WARRANTY]
        await front.server.start()
        await visitor.set_offline(False)
        await expect(chat[".waiting"]).to_have_count(0)
        await expect(chat[".notice"]).to_be_hidden()
        assert await front.said(id) == [WARRANTY, "I would like to talk to a person", "It is urgent"]


async def test_a_server_that_falls_silent_is_told_and_asked_again(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("Hello")
        await expect(chat[".waiting"]).to_have_count(0)
        await chat.stop_clock()
        silent = Silent()
        await chat.page.route("**/assistant/ask", silent)
        await chat.say(WARRANTY)
        await expect(chat[".dots"]).to_be_visible()
        await silent.begun.wait()
        await chat.page.clock.run_for(46_000)
        await expect(chat[".notice"]).to_contain_text("No connection.")
        await chat.page.clock.run_for(16_000)
        await expect(chat[".source"]).to_be_visible()
        await expect(chat[".notice"]).to_be_hidden()
        assert await front.said(await chat.conversation_id()) == ["Hello", WARRANTY]


@pytest.mark.parametrize(
    "script", [FULL, FORBIDDEN, OLD_FRAMEWORK, FROZEN], ids=["full", "forbidden", "old-framework", "frozen"]
)
async def test_a_page_whose_storage_or_prototypes_are_odd_has_a_chat_all_the_same(
    browser: Browser, front: Front, script: str
) -> None:
    async with visitor_browser(browser, viewport=DESK) as visitor:
        await visitor.add_init_script(script)
        async with chat_page(visitor, front.site.address) as chat:
            await chat.open()
            await chat.say(WARRANTY)
            await expect(chat[".message.bot .source"]).to_be_visible()
            await chat.say("I would like to talk to a person")
            await expect(chat[".state"]).to_have_text("Waiting for a person")
            await expect(chat[".message.customer .bubble"]).to_have_text(
                [WARRANTY, "I would like to talk to a person"]
            )
            await expect(chat[".waiting"]).to_have_count(0)


@pytest.mark.parametrize(
    ("path", "words"),
    [("**/graphql", "chat(conversationId"), ("**/assistant/visitors", "")],
    ids=["reading", "coming-in"],
)
async def test_a_request_that_is_never_answered_is_made_again(
    browser: Browser, front: Front, path: str, words: str
) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.stop_clock()
        silent = Silent(words)
        await chat.page.route(path, silent)
        await chat.say("Hello")
        await silent.begun.wait()
        await chat.page.clock.run_for(31_000)
        await expect(chat[".notice"]).to_contain_text("No connection.")
        await chat.page.clock.run_for(2_000)
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        await expect(chat[".waiting"]).to_have_count(0)
        await expect(chat[".notice"]).to_be_hidden()
        assert await front.said(await chat.conversation_id()) == ["Hello"]


async def test_a_line_that_does_not_open_is_opened_again(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.stop_clock()
        silent = Silent()
        await chat.page.route("**/events", silent)
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        await silent.begun.wait()
        await chat.page.clock.run_for(12_100)
        await chat.settle()
        async with chat.page.expect_response("**/events"):
            await chat.page.clock.run_for(2_000)
        await front.answer(await chat.conversation_id(), "Hello, I am here.")
        await expect(chat[".message.agent .bubble"]).to_have_text("Hello, I am here.")


@pytest.mark.parametrize("body", ["<h1>Sign in to the hotel</h1>", 'data: {"step":"WRITING"}\n\ndata: {"st'])
async def test_what_something_on_the_way_answers_is_no_answer(
    browser: Browser, front: Front, body: str
) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        asked: list[str] = []

        async def answer_instead(route: Route) -> None:
            path = route.request.url.rsplit("/", 1)[-1]
            asked.append(path)
            if asked.count(path) > 1:
                await route.continue_()
                return
            await route.fulfill(status=200, content_type="text/html", body=body)

        await chat.page.route("**/assistant/visitors", answer_instead)
        await chat.page.route("**/assistant/ask", answer_instead)
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        await expect(chat[".waiting"]).to_have_count(0)
        assert asked == ["visitors", "visitors", "ask", "ask"]
        assert await front.said(await chat.conversation_id()) == ["Hello"]


async def test_a_thumb_for_a_person_is_kept_through_a_reload_without_a_network(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("I would like to talk to a person")
        await expect(chat[".state"]).to_have_text("Waiting for a person")
        await expect(chat[".waiting"]).to_have_count(0)
        id = await chat.conversation_id()
        for path in ("**/assistant/**", "**/graphql"):
            await chat.page.route(path, unreached)
        await chat.page.reload()
        await chat.open()
        await expect(chat[".notice"]).to_contain_text("No connection.")
        await chat.say("👍")
        await expect(chat[".waiting .meta"]).to_have_text("Waiting to be sent")
        await chat.page.unroute_all(behavior="wait")
        await chat.catch_up()
        await expect(chat[".message.customer"]).to_have_count(2)
        await expect(chat[".waiting"]).to_have_count(0)
        assert await front.said(id) == ["I would like to talk to a person", "👍"]


async def test_a_line_that_is_refused_is_not_asked_for_before_its_time(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.stop_clock()
        asked = 0

        async def refuse(route: Route) -> None:
            nonlocal asked
            asked += 1
            error = {"message": "too many", "code": "RATE_LIMITED", "retryAfter": 30}
            await route.fulfill(status=429, json=error, headers={"Access-Control-Allow-Origin": "*"})

        await chat.page.route("**/events", refuse)
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        for _ in range(28):
            await chat.settle()
            await chat.page.clock.run_for(1_000)
        await chat.settle()
        assert asked == 1
        async with chat.page.expect_response("**/events"):
            await chat.page.clock.run_for(3_000)


async def test_a_line_that_never_holds_is_asked_for_less_and_less(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.stop_clock()
        asked = 0

        async def refuse(route: Route) -> None:
            nonlocal asked
            asked += 1
            await route.fulfill(status=503, headers={"Access-Control-Allow-Origin": "*"})

        await chat.page.route("**/events", refuse)
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        for _ in range(60):
            await chat.settle()
            await chat.page.clock.run_for(1_000)
        await chat.settle()
        assert 5 <= asked <= 10
        await chat.page.unroute_all(behavior="wait")
        async with chat.page.expect_response("**/events"):
            await chat.page.clock.run_for(20_000)
        await front.answer(await chat.conversation_id(), "Hello, I am here.")
        await expect(chat[".message.agent .bubble"]).to_have_text("Hello, I am here.")


async def test_a_message_that_cannot_be_sent_yet_keeps_no_answer_away(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("I would like to talk to a person")
        await expect(chat[".state"]).to_have_text("Waiting for a person")

        async def refuse(route: Route) -> None:
            error = {"message": "too many", "code": "RATE_LIMITED", "retryAfter": 60}
            await route.fulfill(status=429, json=error, headers={"Access-Control-Allow-Origin": "*"})

        await chat.page.route("**/assistant/ask", refuse)
        await chat.say("When will somebody come?")
        await expect(chat[".notice"]).to_contain_text("trying again")
        await front.answer(await chat.conversation_id(), "Hello, I am here.")
        await expect(chat[".message.agent .bubble"]).to_have_text("Hello, I am here.")
        await expect(chat[".waiting .meta"]).to_have_text("Waiting to be sent")


async def test_what_arrived_though_its_answer_did_not_is_shown_once(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        await expect(chat[".waiting"]).to_have_count(0)
        answers = HeldBack()
        await chat.page.route("**/assistant/ask", answers)
        await chat.say(WARRANTY)
        await answers.made.wait()
        await chat.page.reload()
        await chat.open()
        await expect(chat[".message.bot .meta"]).to_have_count(2)
        await expect(chat[".message.customer .bubble"]).to_have_text(["Hello", WARRANTY])
        answers.wanted.set()
        await chat.page.unroute_all(behavior="wait")
        await chat.catch_up()
        await expect(chat[".message.customer .bubble"]).to_have_text(["Hello", WARRANTY])
        assert await front.said(await chat.conversation_id()) == ["Hello", WARRANTY]
        held = "Object.entries(localStorage).find(([name]) => name.endsWith(':outbox'))[1]"
        assert await chat.page.evaluate(held) == "[]"


async def test_a_session_that_is_over_is_left(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        held = json.dumps({"refreshToken": "of long ago"})
        await chat.page.evaluate(f"localStorage.setItem('rapport-chat:{front.key}', '{held}')")
        await chat.page.reload()
        await expect(chat[".notice"]).to_contain_text("Your earlier conversation has ended")
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        assert await front.said(await chat.conversation_id()) == ["Hello"]


async def test_who_signs_in_without_a_network_is_told_so(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await chat.page.route("**/auth/**", unreached)
        await chat.page.get_by_role("button", name="Options").click()
        await chat.page.get_by_role("button", name="Sign in").click()
        await chat["#email"].fill("somebody@test.example")
        await chat["#password"].fill(PASSWORD)
        await chat["#password"].press("Enter")
        await expect(chat[".error"]).to_have_text("No connection. Please try again.")
