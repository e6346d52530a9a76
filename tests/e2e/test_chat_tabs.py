"""One visitor's chat in several tabs and pages, and what is left of it when it is forgotten."""

import pytest
from playwright.async_api import Browser, expect

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


async def test_two_tabs_are_one_conversation(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as one,
        chat_page(visitor, front.site.address) as two,
    ):
        await one.open()
        await two.open()
        await one.say("Please let me talk to a person")
        await expect(one[".state"]).to_have_text("Waiting for a person")
        await expect(two[".message"]).to_have_count(2)
        await two.say("From the second tab")
        await expect(one[".message.customer:not(.waiting)"]).to_have_count(2)
        id = await one.conversation_id()
        assert await front.said(id) == ["Please let me talk to a person", "From the second tab"]
        await one.forget()
        for tab in (one, two):
            await expect(tab[".greeting"]).to_be_visible()
            await expect(tab[".message"]).to_have_count(0)
        await one.say("Hello")
        await expect(one[".message.bot"]).to_have_count(1)
        assert await one.conversation_id() != id


async def test_what_comes_late_does_not_bring_a_forgotten_conversation_back(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as one,
        chat_page(visitor, front.site.address) as two,
    ):
        await one.open()
        await two.open()
        await one.say("Hello")
        for tab in (one, two):
            await expect(tab[".message"]).to_have_count(2)
        held = [HeldBack("chat(conversationId"), HeldBack("chat(conversationId")]
        for tab, answers in zip((one, two), held, strict=True):
            await tab.page.route("**/graphql", answers)
            await tab.page.evaluate("void document.querySelector('rapport-chat').conversation.catchUp()")
            await answers.made.wait()
        under_way = [
            await tab.page.evaluate_handle(
                "({end: document.querySelector('rapport-chat').conversation.catching})"
            )
            for tab in (one, two)
        ]
        await one.forget()
        for tab in (one, two):
            await expect(tab[".greeting"]).to_be_visible()
        for tab, answers, catching in zip((one, two), held, under_way, strict=True):
            answers.wanted.set()
            await tab.page.unroute_all(behavior="wait")
            await catching.evaluate("({end}) => end")
            await expect(tab[".greeting"]).to_be_visible()
            await expect(tab[".message"]).to_have_count(0)


async def test_a_conversation_forgotten_amid_an_answer_ends_there(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("Hello")
        await expect(chat[".message.bot"]).to_have_count(1)
        id = await chat.conversation_id()
        answers = HeldBack()
        await chat.page.route("**/assistant/ask", answers)
        await chat.say(WARRANTY)
        await answers.made.wait()
        await expect(chat[".dots"]).to_be_visible()
        await chat.forget()
        await expect(chat[".greeting"]).to_be_visible()
        answers.wanted.set()
        await chat.page.unroute_all(behavior="wait")
        await chat.say("Hello again")
        await expect(chat[".message.bot"]).to_have_count(1)
        await expect(chat[".message.customer .bubble"]).to_have_text(["Hello again"])
        assert await chat.conversation_id() != id


async def test_what_waits_in_one_tab_is_not_taken_by_the_next(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as one,
    ):
        await one.open()
        await one.say("👍")
        await expect(one[".failed"]).to_contain_text("Not sent")
        await visitor.route("**/assistant/ask", unreached)
        await one.say("Hello")
        await expect(one[".waiting .bubble"]).to_have_text(["👍", "Hello"])
        async with chat_page(visitor, front.site.address) as two:
            await two.open()
            await expect(two[".notice"]).to_contain_text("No connection.")
            await one.catch_up()
            for tab in (one, two):
                await expect(tab[".waiting .bubble"]).to_have_text(["👍", "Hello"])
            await one["textarea"].fill("What I was about to write")
            await one[".failed .link"].click()
            await expect(one["textarea"]).to_have_value("👍\nWhat I was about to write")
            await expect(two[".waiting .bubble"]).to_have_text(["Hello"])
            await visitor.unroute_all(behavior="wait")
            await two.catch_up()
            for tab in (one, two):
                await expect(tab[".message.bot .meta"]).to_have_count(1)
                await expect(tab[".waiting"]).to_have_count(0)
            assert await front.said(await one.conversation_id()) == ["Hello"]


async def test_a_chat_that_is_taken_from_the_page_is_quiet_and_goes_on_where_it_is_put(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.stop_clock()
        async with chat.page.expect_response("**/events"):
            await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        await chat.page.evaluate("window.chat = document.querySelector('rapport-chat'); chat.remove()")
        await chat.page.evaluate("chat.conversation.catching")
        made: list[str] = []
        chat.page.on("request", lambda request: made.append(request.url))
        for _ in range(10):
            await chat.page.clock.run_for(10_000)
        assert made == []
        async with chat.page.expect_response("**/events"):
            await chat.page.evaluate("document.querySelector('main').append(chat)")
        await front.answer(await chat.conversation_id(), "Hello, I am here.")
        await expect(chat[".message.agent .bubble"]).to_have_text("Hello, I am here.")


async def test_an_article_does_not_lie_over_a_conversation_that_is_gone(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as one,
        chat_page(visitor, front.site.address) as two,
    ):
        await one.open()
        await one.say(WARRANTY)
        await one[".source"].click()
        await one[".quote .link"].click()
        await expect(one[".sheet h2"]).to_be_focused()
        await expect(two[".message"]).to_have_count(2)
        await two.open()
        await two.forget()
        await expect(one[".greeting"]).to_be_visible()
        await expect(one[".sheet"]).to_have_count(0)
        await expect(one["textarea"]).to_be_focused()


@pytest.mark.parametrize(
    "event", ["", "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"]
)
async def test_a_conversation_that_the_page_itself_cleared_is_left(
    browser: Browser, front: Front, event: str
) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        await expect(chat[".waiting"]).to_have_count(0)
        id = await chat.conversation_id()
        # A site that signs somebody out; or a page that comes back from the browser's cache of pages.
        await chat.page.evaluate(f"localStorage.clear(); {event}")
        if event:
            await expect(chat[".greeting"]).to_be_visible()
        await chat.say("Hello again")
        await expect(chat[".message.customer .bubble"]).to_have_text(["Hello again"])
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        new = await chat.conversation_id()
        assert (await front.said(id), await front.said(new)) == (["Hello"], ["Hello again"])
        await front.answer(new, "Hello, I am here.")
        await expect(chat[".message.agent .bubble"]).to_have_text("Hello, I am here.")


async def test_an_answer_to_the_page_before_is_news_on_the_next(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        await expect(chat[".waiting"]).to_have_count(0)
        silent = Silent()
        await chat.page.route("**/assistant/ask", silent)
        await chat.say(WARRANTY)
        await silent.begun.wait()
        await chat.page.reload()
        await expect(chat[".badge"]).to_have_text("1")
        await expect(chat[".message"]).to_have_count(4)
        assert await front.said(await chat.conversation_id()) == ["Hello", WARRANTY]
