"""The customer chat, as a visitor has it: in a real Chromium, on a page that is not ours."""

import re
from collections.abc import Iterator

from playwright.async_api import Browser, expect

from tests.e2e.chat_browser import (
    CALIBRATION,
    DESK,
    HOSTILE,
    OFFERED,
    TYPING,
    UNKNOWN,
    WARRANTY,
    ChatPage,
    Front,
    HeldBack,
    chat_page,
    visitor_browser,
)

UNCLEAR = (
    "退货",
    "你们的探头保修多久",
    "寄回去要多久",
    "保修和返修是一回事吗",
    "东西坏了谁来负责",
    "寄过去之后多久能收到",
)  # a word of a title; near to two articles


TAKE_KEYS = """for (const kind of ['keydown', 'keypress', 'keyup']) addEventListener(kind, (event) => {
    if (event.target.matches('input, textarea')) return;
    event.preventDefault();
    window.taken = true;
})"""


async def test_from_a_question_to_a_person_and_back_after_a_reload(browser: Browser, front: Front) -> None:
    front.site.css = HOSTILE
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await expect(chat[".greeting"]).to_have_text("Hello! How can we help?")
        look = (
            "(one) => (({textTransform, direction, letterSpacing, visibility}) => [textTransform, direction, "
        )
        look += "letterSpacing, visibility])(getComputedStyle(one))"
        assert await chat[".greeting"].evaluate(look) == ["none", "ltr", "-0.345px", "visible"]
        async with chat.page.expect_response("**/events"):  # who types is told to those alone who listen
            await chat.say(WARRANTY)
        await expect(chat[".message.bot .bubble td"].filter(has_text="24 months")).to_be_visible()
        await expect(chat[".quote"]).to_be_hidden()
        await chat[".source"].click()
        await expect(chat[".quote-foot span"]).to_have_text("Version 1")
        await expect(chat[".quote td"].filter(has_text="24 months")).to_be_visible()
        await chat[".quote .link"].click()
        await expect(chat[".sheet h2"]).to_be_focused()
        await expect(chat[".sheet tbody .quoted"].first).to_contain_text("HL-30")
        await chat[".sheet-head .plain"].click()
        await expect(chat[".quote .link"]).to_be_focused()
        async with chat.page.expect_response(lambda one: "answerRate" in (one.request.post_data or "")):
            await chat[".thumb.yes"].click()
        await expect(chat[".thanks"]).to_have_text("Thank you!")

        await chat[".person"].click()
        await expect(chat[".state"]).to_have_text("Waiting for a person")
        id = await chat.conversation_id()
        assert await front.said(id) == [WARRANTY, "I would like to talk to a person, please."]
        await front.crew.agent.ask(TYPING, id=id)
        await expect(chat[".typing"]).to_be_visible()
        await front.answer(id, "Hello, I am here.")
        await expect(chat[".message.agent .bubble"]).to_have_text("Hello, I am here.")
        await expect(chat[".between"]).to_have_text("Agent has joined the conversation")
        await expect(chat[".state"]).to_have_text("Agent answers you")
        await expect(chat[".typing"]).to_have_count(0)
        await chat.say("Good to meet you 👋")
        await expect(chat[".message.customer"]).to_have_count(3)
        await expect(chat[".waiting"]).to_have_count(0)

        await chat.page.reload()
        await expect(chat[".panel"]).to_be_hidden()
        await expect(chat[".message"]).to_have_count(6)
        await expect(chat[".state"]).to_have_text("Agent answers you")
        await expect(chat[".thumb.yes"]).to_have_attribute("aria-pressed", "true")
        await front.answer(id, "Anything else?")
        await expect(chat[".badge"]).to_have_text("1")
        assert (await front.said(id))[-1] == "Good to meet you 👋"


async def test_a_question_without_an_answer_reaches_a_person_in_chinese(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, locale="zh-CN") as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        assert await chat.page.evaluate("document.documentElement.lang") == "zh-CN"
        await expect(chat[".greeting"]).to_have_text("您好！有什么可以帮您？")
        assert await chat.faults() == []
        await chat.say(CALIBRATION)
        await expect(chat[".message.bot .bubble td"].filter(has_text="260")).to_be_visible()
        await expect(chat[".source-title"]).to_contain_text("校准")
        await chat[".source"].click()
        assert await chat.faults() == []
        await chat[".quote .link"].click()
        await expect(chat[".sheet"]).to_be_visible()
        assert await chat.faults() == []
        await chat.page.keyboard.press("Escape")
        await chat.say("你们的探头能接 Modbus 楼宇自控系统吗？")
        await expect(chat[".state"]).to_have_text("正在等待人工客服")
        await expect(chat[".message.bot"].last).to_contain_text("工单号")
        await front.answer(await chat.conversation_id(), "您好，暂时不能。")
        await expect(chat[".message.agent .bubble"]).to_have_text("您好，暂时不能。")
        assert await chat.faults() == []


async def test_one_of_a_few_articles_is_picked_by_a_tap_or_none_of_them(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, locale="zh-CN") as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        unclear = iter(UNCLEAR)
        asked = await _say_until_offered(chat, unclear, 0)
        await expect(chat[".choice.none"]).to_have_text("都不是")
        assert await chat[".choice"].count() in (3, 4)
        assert await chat[".message.bot"].last.locator(".bubble li").count() == 0  # named once, as buttons
        assert await chat.faults() == []
        title = await chat[".choice"].first.inner_text()
        await chat[".choice"].first.click()
        await expect(chat[".message.customer .bubble"].last).to_have_text(title)
        await expect(chat[".message.bot .meta"]).to_have_count(asked + 1)
        await expect(chat[".message.bot"].last.locator(".source-title")).to_have_text(title)
        await expect(chat[".state"]).to_have_text("智能助手 · 即时回答")
        await expect(chat[".choice.none"]).to_be_hidden()  # it would be said of the answer
        await _say_until_offered(chat, unclear, asked + 1)
        await chat[".choice.none"].last.click()
        await expect(chat[".message.customer .bubble"].last).to_have_text("都不是")
        await expect(chat[".state"]).to_have_text("正在等待人工客服")


async def test_several_questions_are_answered_each_with_its_source_and_the_open_one_is_picked(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, locale="en-GB") as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await chat.say(f"{WARRANTY} {OFFERED} How long can I return something?")
        answer = chat[".message.bot"].last
        await expect(answer.locator(".meta")).to_have_count(1)
        # Each answer under its question with its source, then what is open, its articles as buttons alone.
        bold = answer.locator(".bubble blockquote strong")
        await expect(bold.first).to_have_text(WARRANTY)
        await expect(answer.locator(".bubble")).to_contain_text(
            "Source: “Warranty: how long and what is covered”"
        )
        await expect(answer.locator(".bubble")).to_contain_text("Source: “Returns and refunds”")
        await expect(bold.last).to_have_text(OFFERED)
        await expect(answer.locator(".bubble p").last).to_have_text(
            "I found two articles that may be meant. Which one is it?"
        )
        await expect(answer.locator(".choice")).to_have_count(3)
        titles = await answer.locator(".source-title").all_inner_texts()
        assert titles == ["Warranty: how long and what is covered", "Returns and refunds"]
        assert await chat.faults() == []
        title = await answer.locator(".choice").first.inner_text()
        await answer.locator(".choice").first.click()
        await expect(chat[".message.bot .meta"]).to_have_count(2)
        await expect(chat[".message.bot"].last.locator(".source-title")).to_have_text(title)
        # Of two open ones people get both, and what was answered can still be opened at its source.
        await chat.say(f"{UNKNOWN} How long is the warranty? Who won the football match yesterday?")
        await expect(chat[".state"]).to_have_text("Waiting for a person")
        last = chat[".message.bot"].last
        await expect(last.locator(".source-title")).to_have_text("Warranty: how long and what is covered")
        await expect(last.locator(".choice")).to_have_count(0)


async def _say_until_offered(chat: ChatPage, texts: Iterator[str], before: int) -> int:
    """Say one text after another until articles are offered; return how many were said with those before."""
    for asked, text in enumerate(texts, before + 1):
        await chat.say(text)
        await expect(chat[".message.bot .meta"]).to_have_count(asked)
        if await chat[".choice.none"].last.is_visible():
            return asked
    raise AssertionError("nothing was offered")


async def test_a_table_of_four_columns_fits_a_phone(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, locale="zh-CN") as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await chat.say("电池能用多久")
        table = chat[".message.bot .bubble .table"]
        await expect(table.locator("th, thead td")).to_have_count(4)
        assert await table.evaluate("(one) => one.scrollWidth <= one.clientWidth")


async def test_everything_works_by_keyboard_and_the_focus_comes_back(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,  # at a phone's width, where the chat is all there is
        chat_page(visitor, front.site.address) as chat,
    ):
        keys = chat.page.keyboard
        await expect(chat[".launcher"]).to_have_attribute("aria-expanded", "false")
        await keys.press("Tab")
        await keys.press("Tab")
        await expect(chat[".launcher"]).to_be_focused()
        await keys.press("Enter")
        await expect(chat["textarea"]).to_be_focused()
        await expect(chat[".panel"]).to_have_attribute("aria-modal", "true")
        await keys.type("How long is the warranty")
        await keys.press("Shift+Enter")
        await keys.type("on an HL-30 Probe?")
        await keys.press("Enter")
        await expect(chat[".source"]).to_be_visible()
        for _ in range(20):  # back from the field to the source, over whatever lies between
            await keys.press("Shift+Tab")
            if await chat[".source"].evaluate("(one) => one === one.getRootNode().activeElement"):
                break
        await expect(chat[".source"]).to_be_focused()
        await keys.press("Enter")
        await expect(chat[".source"]).to_have_attribute("aria-expanded", "true")
        await keys.press("Tab")
        for _ in range(4):
            if await chat[".quote .link"].evaluate("(one) => one === one.getRootNode().activeElement"):
                break
            await keys.press("Tab")
        await keys.press("Enter")
        await expect(chat[".sheet h2"]).to_be_focused()
        await keys.press("Escape")
        await expect(chat[".quote .link"]).to_be_focused()
        for _ in range(30):  # the focus goes round: it never leaves for the page below
            await keys.press("Tab")
            assert await chat.page.evaluate("document.activeElement.localName") == "rapport-chat"
        await keys.press("Escape")
        await expect(chat[".panel"]).to_be_hidden()
        await expect(chat[".launcher"]).to_be_focused()


async def test_a_screen_reader_is_told_names_states_and_what_is_new(browser: Browser, front: Front) -> None:
    front.site.attributes = 'data-lang="zh"'
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        page = chat.page
        await expect(chat[".launcher"]).to_have_accessible_name("打开咨询窗口")
        await chat.open()
        dialog = page.get_by_role("dialog", name="在线咨询")
        await expect(dialog).to_be_visible()
        await expect(chat[".panel"]).to_have_attribute("lang", "zh-CN")  # the page around it is English
        await expect(dialog.get_by_role("textbox")).to_be_focused()
        for part in ("textarea", ".send", ".header .plain >> nth=0", ".header .plain >> nth=1"):
            await expect(chat[part]).to_have_accessible_name(re.compile(r"[\u4e00-\u9fff]"))
        log = dialog.get_by_role("log", name="对话内容")
        await expect(log).to_have_attribute("aria-live", "polite")
        await expect(log).to_have_attribute("aria-relevant", "additions")

        async with chat.page.expect_response("**/events"):
            await chat.say(CALIBRATION)
        await expect(chat[".source"]).to_have_attribute("aria-expanded", "false")
        await expect(chat["[aria-busy=true]"]).to_have_count(
            0
        )  # while it is being written nothing is read out
        # Who said it stands in the log as text, though the eye has it from the side and the colour.
        assert await log.get_by_text("260").count() >= 1
        whose = await chat[".message .who"].all_text_contents()
        assert len(whose) == 2
        assert all(name.strip() for name in whose)
        await dialog.get_by_role("button", name="转人工客服").click()
        await expect(chat[".state"]).to_have_text("正在等待人工客服")
        await expect(chat[".state"]).to_have_attribute("role", "status")
        id = await chat.conversation_id()
        await front.crew.agent.ask(TYPING, id=id)
        await expect(log.get_by_text("正在输入…")).to_be_visible()
        await chat["textarea"].press("Escape")
        await front.answer(id, "您好。")
        await expect(chat[".launcher"]).to_have_accessible_name("打开咨询窗口, 1 条新消息")


HARMFUL = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "[x](javascript:document.title='owned') `</code><svg onload=document.title='owned'>`",
    '| <b onmouseover=alert(1)>a</b> | **<i>b</i>** |\n|---|---|\n| "><script>owned()</script> | c |',
    "مرحبا، كيف الحال؟ " + "\u202e" + "abc",
    "👩‍👩‍👧‍👦 繁體字與简体字",
    "W" * 3_000,
]


async def test_words_stay_words(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, viewport={"width": 320, "height": 568}) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat.say("talk to a person")
        await expect(chat[".state"]).to_have_text("Waiting for a person")
        id = await chat.conversation_id()
        for text in HARMFUL:
            await front.answer(id, text)
        await expect(chat[".message.agent"]).to_have_count(len(HARMFUL))
        shown = await chat[".message.agent .bubble p"].evaluate_all(
            "(all) => all.map((one) => one.textContent)"
        )
        assert shown == HARMFUL
        for text in HARMFUL[:3]:
            await chat.say(text)
        await expect(chat[".message.customer"]).to_have_count(4)
        await expect(chat[".waiting"]).to_have_count(0)
        assert await front.said(id) == ["talk to a person", *HARMFUL[:3]]
        strange = "img, script, svg[onload], i:not(.three i), b, a[href^=javascript]"
        assert await chat[".list"].evaluate(f"(one) => one.querySelectorAll('{strange}').length") == 0
        assert await chat.page.title() == "Shop"
        assert await chat[".message.agent .bubble p"].nth(4).get_attribute("dir") == "auto"
        for part in (".panel", ".log", ".bubble >> nth=7"):
            assert await chat[part].evaluate("(one) => one.scrollWidth <= innerWidth"), part
        assert await chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await chat.faults() == []


async def test_a_page_with_shortcuts_of_its_own_takes_no_letters_from_who_types(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        # Shortcuts, unless somebody types in a field, as many sites have: of a shadow tree they see its host.
        await chat.page.evaluate(TAKE_KEYS)
        await chat.open()
        await chat.page.keyboard.type("hello /k")
        await expect(chat["textarea"]).to_have_value("hello /k")
        assert await chat.page.evaluate("window.taken ?? false") is False
        await chat.page.keyboard.press("Escape")
        await expect(chat[".panel"]).to_be_hidden()


async def test_what_is_typed_survives_a_reload_and_is_gone_when_sent(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.open()
        await chat["textarea"].fill("My gateway has been red since")
        await chat.page.reload()
        await chat.open()
        await expect(chat["textarea"]).to_have_value("My gateway has been red since")
        await expect(chat[".send"]).to_be_enabled()
        await chat.say("Hello")
        await expect(chat[".message.bot"]).to_have_count(1)
        await chat.page.reload()
        await chat.open()
        await expect(chat["textarea"]).to_have_value("")
        await chat["textarea"].fill("what somebody else should not see")
        await chat.forget()
        await chat.page.reload()
        await chat.open()
        await expect(chat["textarea"]).to_have_value("")


async def test_a_thumb_says_nothing_to_look_up_and_reaches_people(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, locale="zh-CN") as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await chat.say("你好")
        await expect(chat[".message.bot"]).to_have_count(1)
        await chat.say("👍")
        await expect(chat[".failed"]).to_contain_text("未发送: 请用文字写下您想问的。")
        await chat[".failed .link"].click()
        await expect(chat["textarea"]).to_have_value("👍")
        await chat.say("转人工")
        await expect(chat[".message.bot"]).to_have_count(2)
        await chat.say("👍")
        await expect(chat[".message.customer"]).to_have_count(3)
        await expect(chat[".waiting"]).to_have_count(0)
        assert await front.said(await chat.conversation_id()) == ["你好", "转人工", "👍"]


async def test_a_page_at_400_percent_leaves_room_to_read(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, viewport={"width": 320, "height": 256}) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await chat.say(WARRANTY)
        await expect(chat[".thumb.yes"]).to_be_visible()
        await expect(chat[".person"]).to_be_visible()
        assert await chat[".log"].evaluate("(one) => one.clientHeight") >= 110
        assert await chat.page.evaluate("document.documentElement.scrollWidth") == 320


async def test_a_thumb_stays_pressed_though_what_was_read_before_it_comes_after(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await chat.say(WARRANTY)
        await expect(chat[".thumb.yes"]).to_be_visible()
        answers = HeldBack("chat(conversationId")
        await chat.page.route("**/graphql", answers)
        await chat.page.evaluate("void document.querySelector('rapport-chat').conversation.catchUp()")
        await answers.made.wait()
        async with chat.page.expect_response(lambda one: "answerRate" in (one.request.post_data or "")):
            await chat[".thumb.yes"].click()
        answers.wanted.set()
        await chat.page.unroute_all(behavior="wait")
        await chat.page.evaluate("document.querySelector('rapport-chat').conversation.catching")
        await expect(chat[".thumb.yes"]).to_have_attribute("aria-pressed", "true")


async def test_what_a_tint_says_is_said_by_a_line_where_colours_are_forced(
    browser: Browser, front: Front
) -> None:
    async with (
        visitor_browser(browser, forced_colors="active") as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await chat.say(WARRANTY)
        await chat[".thumb.yes"].click()
        await expect(chat[".thumb.yes"]).to_have_css("border-top-width", "2px")
        await expect(chat[".thumb.no"]).to_have_css("border-top-width", "0px")
        await chat[".source"].click()
        await chat[".quote .link"].click()
        await expect(chat[".sheet .quoted"].first).to_have_css("outline-width", "2px")


async def test_who_wants_less_motion_sees_light_turn_dark_at_once(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        deep = chat[".title"]
        light = await deep.evaluate("(one) => getComputedStyle(one).color")
        await chat.page.emulate_media(color_scheme="dark")
        dark, moving = await deep.evaluate(
            "(one) => [getComputedStyle(one).color, one.getRootNode().getAnimations().length]"
        )
        assert (light, dark, moving) == ("rgb(24, 33, 29)", "rgb(230, 236, 232)", 0)


async def test_a_page_dresses_the_chat_and_hears_of_it(browser: Browser, front: Front) -> None:
    front.site.css = (
        "rapport-chat { --rapport-accent: #7a1fa2; } rapport-chat::part(launcher) { width: 80px; }"
    )
    look = 'data-lang="zh" data-theme="dark" data-position="left" data-heading="店铺"'
    front.site.attributes = f'{look} data-suggestions="多久发货？|When?"'
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        await chat.page.evaluate(
            "addEventListener('rapport-message', (event) => { window.heard = event.detail })"
        )
        ground = "(one) => getComputedStyle(one).backgroundColor"
        assert await chat[".launcher"].evaluate(ground) == "rgb(122, 31, 162)"
        box = await chat[".launcher"].bounding_box()
        assert box is not None
        assert (box["x"], box["width"]) == (20, 80)
        await chat.open()
        await expect(chat[".title"]).to_have_text("店铺")
        await expect(chat[".suggestion"]).to_have_text(["多久发货？"])
        assert await chat[".panel"].evaluate("(one) => getComputedStyle(one).colorScheme") == "dark"
        await chat.page.evaluate("document.querySelector('rapport-chat').ask('你好')")
        await expect(chat[".message.bot .meta"]).to_have_count(1)
        assert (await chat.page.evaluate("window.heard"))["author"] == "BOT"
        await chat.page.evaluate("document.querySelector('rapport-chat').close()")
        await expect(chat[".panel"]).to_be_hidden()


async def test_a_chat_that_is_closed_says_so(browser: Browser, front: Front) -> None:
    update = """mutation($input: ChatKeyUpdateInput!) { chatKeyUpdate(input: $input) { __typename } }"""
    await front.crew.admin.ask(
        update, input={"id": front.key, "origins": [front.site.address], "isActive": False}
    )
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, f"{front.server.address}/chat?key={front.key}") as chat,
    ):
        await expect(chat[".notice"]).to_contain_text("This chat has no key")
        await expect(chat["textarea"]).to_be_hidden()


async def test_the_focus_is_not_lost_to_the_page(browser: Browser, front: Front) -> None:
    async with (
        visitor_browser(browser, viewport=DESK) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        keys, options = chat.page.keyboard, chat.page.get_by_role("button", name="Options")
        await chat.open()
        await chat.say(WARRANTY)
        await expect(chat[".source"]).to_be_visible()
        await options.focus()
        await keys.press("Enter")
        await expect(chat[".menu button"]).to_be_focused()
        await keys.press("Escape")
        await expect(options).to_be_focused()

        await chat[".source"].click()
        await chat[".quote .link"].click()
        await expect(chat[".sheet h2"]).to_be_focused()
        take = "(one) => (one.focus(), one.matches(':focus'))"
        assert await chat[".header button >> nth=0"].evaluate(take) is False  # it lies under the sheet
        await chat[".launcher"].click()
        await expect(chat[".panel"]).to_be_hidden()
        await chat[".launcher"].click()
        await expect(chat[".sheet h2"]).to_be_focused()
        await keys.press("Escape")
        await expect(chat[".quote .link"]).to_be_focused()

        await chat["textarea"].focus()
        await keys.type("Where is")
        await keys.press("ArrowLeft")
        await chat.page.evaluate("document.querySelector('rapport-chat').setAttribute('heading', 'Help')")
        await expect(chat[".title"]).to_have_text("Help")
        await keys.type("x")
        await expect(chat["textarea"]).to_have_value("Where ixs")

        await chat.page.get_by_role("link", name="Cart").focus()
        await chat.page.evaluate("document.querySelector('rapport-chat').close()")
        await expect(chat[".panel"]).to_be_hidden()
        await expect(chat.page.get_by_role("link", name="Cart")).to_be_focused()

        await chat.open()
        await options.focus()
        await keys.press("Enter")
        await keys.press("Enter")
        await expect(chat[".greeting"]).to_be_visible()
        await expect(chat["textarea"]).to_have_value("")
        await expect(options).to_be_focused()


async def test_a_script_says_where_its_server_is(browser: Browser, front: Front) -> None:
    front.site.attributes = f'data-server="{front.server.address.replace("127.0.0.1", "localhost")}"'
    async with (
        visitor_browser(browser) as visitor,
        chat_page(visitor, front.site.address) as chat,
    ):
        assert await chat.page.evaluate(
            "document.querySelector('rapport-chat').connection.server"
        ) == front.server.address.replace("127.0.0.1", "localhost")
