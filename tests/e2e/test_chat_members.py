"""The chat of a customer who is signed in: by our page, or by the page that it stands in."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, expect

from backend.house import House
from backend.identity.people import set_password
from tests.crew import Crew
from tests.e2e.chat_browser import (
    DESK,
    WARRANTY,
    Front,
    HeldBack,
    chat_page,
    front_of,
    unreached,
    visitor_browser,
)
from tests.e2e.rep_day import PASSWORD


@pytest.fixture
async def members(house: House, http: httpx.AsyncClient, app: FastAPI) -> AsyncIterator[Front]:
    """A front whose customer has said nothing yet."""
    async with front_of(await Crew.hire(house, http), app) as front:
        yield front


def _signed_in(token: str) -> str:
    """Return the script of a page that says who is signed in."""
    return f"""window.token = {json.dumps(token)};
        addEventListener('DOMContentLoaded', () => {{
            const chat = document.querySelector('rapport-chat');
            chat.tokenSource = async () => (await window.until, window.token);
        }})"""


async def test_the_page_of_a_signed_in_customer_keeps_what_waits_for_them_alone(
    browser: Browser, members: Front
) -> None:
    customer, other = members.crew.customer, members.crew.stranger
    async with visitor_browser(browser, viewport=DESK) as visitor:
        await visitor.add_init_script(_signed_in(customer.token))
        async with chat_page(visitor, members.site.address) as chat:
            await chat.open()
            await chat.say("Hello")
            await expect(chat[".message.bot .meta"]).to_have_count(1)
            id = await chat.conversation_id()
            await chat.page.route("**/assistant/ask", unreached)
            await chat.say("How do I reset it?")
            await expect(chat[".waiting .meta"]).to_have_text("Waiting to be sent")
            await chat["textarea"].fill("and one more")
            await chat.page.reload()
            await chat.open()
            await expect(chat[".waiting .bubble"]).to_have_text("How do I reset it?")
            await expect(chat[".message.bot .meta"]).to_have_count(1)
            await expect(chat["textarea"]).to_have_value("and one more")
            assert await members.said(id) == ["Hello"]
        await visitor.add_init_script(_signed_in(other.token))
        async with chat_page(visitor, members.site.address) as chat:
            await chat.open()
            await expect(chat[".greeting"]).to_be_visible()
            await expect(chat[".message"]).to_have_count(0)
            assert await members.said(id) == ["Hello"]


async def test_the_page_of_a_signed_in_customer_may_be_open_twice(browser: Browser, members: Front) -> None:
    async with visitor_browser(browser, viewport=DESK) as visitor:
        await visitor.add_init_script(_signed_in(members.crew.customer.token))
        async with chat_page(visitor, members.site.address) as one:
            await one.open()
            await one.say("Hello")
            await expect(one[".message.bot .meta"]).to_have_count(1)
            await expect(one[".waiting"]).to_have_count(0)
            await one["textarea"].press("Escape")
            async with chat_page(visitor, members.site.address) as two:
                await expect(two[".message"]).to_have_count(2)
                await expect(two[".badge"]).to_be_hidden()
                await two.open()
                await two.say("Hello again")
                await expect(two[".message.bot .meta"]).to_have_count(2)
                await expect(one[".message.bot .meta"]).to_have_count(2)
                await expect(one[".badge"]).to_have_text("1")


async def test_a_page_that_cannot_get_its_token_is_waited_for(browser: Browser, members: Front) -> None:
    async with visitor_browser(browser, viewport=DESK) as visitor:
        await visitor.add_init_script(_signed_in(members.crew.customer.token))
        async with chat_page(visitor, members.site.address) as chat:
            await chat.open()
            await chat.page.evaluate("""{ window.until = Promise.reject(new TypeError('Failed to fetch'));
                window.until.catch(() => {}) }""")
            await chat.say("Hello")
            await expect(chat[".notice"]).to_contain_text("No connection.")
            await expect(chat[".waiting .meta"]).to_have_text("Waiting to be sent")
            await chat.page.evaluate("window.until = null")
            await chat.catch_up()
            await expect(chat[".message.bot .meta"]).to_have_count(1)
            await expect(chat[".notice"]).to_be_hidden()


async def test_a_page_that_says_that_nobody_is_signed_in_leaves_the_visitor_alone(
    browser: Browser, members: Front
) -> None:
    nobody = "document.querySelector('rapport-chat').tokenSource = null"
    async with visitor_browser(browser, viewport=DESK) as visitor:
        await visitor.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ {nobody} }})")
        async with chat_page(visitor, members.site.address) as chat:
            await chat.open()
            await chat.say("Hello")
            await expect(chat[".message.bot .meta"]).to_have_count(1)
            await expect(chat[".waiting"]).to_have_count(0)
            await chat.page.reload()
            await expect(chat[".message.customer"]).to_have_count(1)
            await expect(chat[".badge"]).to_be_hidden()
            # Who was signed in and is not any more leaves nothing behind.
            source = f"async () => '{members.crew.customer.token}'"
            await chat.page.evaluate(f"document.querySelector('rapport-chat').tokenSource = {source}")
            await chat.open()
            await chat.say("Hello again")
            await expect(chat[".message.bot .meta"]).to_have_count(1)
            await chat["textarea"].fill("and one more")
            await chat.page.evaluate(nobody)
            await expect(chat[".message"]).to_have_count(0)
            await expect(chat["textarea"]).to_have_value("")
            assert await chat.page.evaluate("Object.values(localStorage).join('')") == ""


async def test_what_the_page_says_before_the_script_has_come_counts(browser: Browser, members: Front) -> None:
    members.site.key = ""
    customer = members.crew.customer
    put_early = f"""() => {{
        const early = document.implementation.createHTMLDocument('').createElement('rapport-chat');
        early.setAttribute('key', '{members.key}');
        early.tokenSource = async () => '{customer.token}';
        document.body.append(early);
    }}"""
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, members.site.address) as chat,
    ):
        await chat.page.evaluate(put_early)
        await chat.open()
        await chat.say("Hello")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        mine = await customer.ask("{ conversations(first: 50) { nodes { id } } }")
        assert mine["conversations"]["nodes"] == [{"id": await chat.conversation_id()}]


async def test_who_is_known_late_is_not_told_that_all_of_it_is_new(browser: Browser, members: Front) -> None:
    token = members.crew.customer.token
    async with visitor_browser(browser, viewport=DESK) as elsewhere:
        await elsewhere.add_init_script(_signed_in(token))
        async with chat_page(elsewhere, members.site.address) as chat:
            await chat.open()
            await chat.say("Hello")
            await expect(chat[".message.bot .meta"]).to_have_count(1)
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, members.site.address) as chat,
    ):
        await chat.open()
        await chat.say("A visitor's words")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        coming_in, reading = HeldBack(), HeldBack("chat(conversationId")
        await chat.page.route("**/assistant/visitors", coming_in)
        await chat.page.route("**/graphql", reading)
        await chat.page.reload()
        await coming_in.made.wait()
        source = f"document.querySelector('rapport-chat').tokenSource = async () => '{token}'"
        await chat.page.evaluate(source)
        await reading.made.wait()
        async with chat.page.expect_response("**/assistant/visitors") as came_in:
            coming_in.wanted.set()
        await (await came_in.value).finished()
        await chat.page.evaluate("null")  # what came late has been heard now
        reading.wanted.set()
        await expect(chat[".message.customer .bubble"]).to_have_text("Hello")
        await expect(chat[".badge"]).to_be_hidden()


async def test_who_signs_in_or_out_does_so_in_all_tabs(browser: Browser, members: Front) -> None:
    user = await members.crew.user("customer")
    await set_password(user, PASSWORD)
    page = f"{members.server.address}/chat?key={members.key}"
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, page) as one,
        chat_page(visitor, page) as two,
    ):
        await one.say("A visitor's words")
        for tab in (one, two):
            await expect(tab[".message.bot .meta"]).to_have_count(1)
        visited = await one.conversation_id()
        await one.page.get_by_role("button", name="Options").click()
        await one.page.get_by_role("button", name="Sign in").click()
        await one["#email"].fill(user.email)
        await one["#password"].fill(PASSWORD)
        await one["#password"].press("Enter")
        await expect(one[".sheet"]).to_have_count(0)
        for tab in (one, two):
            await expect(tab[".message"]).to_have_count(0)
        await one.say("Hello")
        for tab in (one, two):
            await expect(tab[".message.customer .bubble"]).to_have_text("Hello")
            await expect(tab[".message.bot .meta"]).to_have_count(1)
        id = await one.conversation_id()
        await two.say("Hello again")
        for tab in (one, two):
            await expect(tab[".message.bot .meta"]).to_have_count(2)
        said = (await members.said(visited), await members.said(id))
        assert said == (["A visitor's words"], ["Hello", "Hello again"])
        await two.page.get_by_role("button", name="Options").click()
        await two.page.get_by_role("button", name="Sign out").click()
        for tab in (one, two):
            await expect(tab[".greeting"]).to_be_visible()
            await expect(tab[".message"]).to_have_count(0)
        await one.say("Somebody else")
        await expect(one[".message.bot .meta"]).to_have_count(1)
        assert await members.said(id) == ["Hello", "Hello again"]


async def test_a_customer_signs_in_on_our_page_and_out_again(browser: Browser, front: Front) -> None:
    user = await front.crew.user("customer")
    await set_password(user, PASSWORD)
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        options = chat.page.get_by_role("button", name="Options")
        await options.click()
        await chat.page.get_by_role("button", name="Sign in").click()
        await chat["#email"].fill(user.email)
        await chat["#password"].fill("wrong")
        await chat[".primary"].click()
        await expect(chat[".error"]).to_have_text("E-mail or password is wrong.")
        assert await chat.faults() == []
        await chat["#password"].fill(PASSWORD)
        await chat["#password"].press("Enter")
        await expect(chat[".sheet"]).to_have_count(0)
        await chat.say(WARRANTY)
        await expect(chat[".source"]).to_be_visible()
        id = await chat.conversation_id()
        mine = await front.crew.customer.ask("{ conversations(first: 50) { nodes { id } } }")
        assert {"id": id} in mine["conversations"]["nodes"]
        await chat.page.reload()
        await expect(chat[".message"]).to_have_count(2)
        await options.click()
        await chat.page.get_by_role("button", name="Sign out").click()
        await expect(chat[".message"]).to_have_count(0)
        assert (
            await chat.page.evaluate("Object.values(localStorage).join('').includes('refreshToken')") is False
        )
