"""The rep's app in a real browser: a working day with and without a network, coming and going."""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.phone_browser import AppServer, Phone, phone
from tests.e2e.rep_day import PASSWORD, REVOKE, SESSIONS, Day, edit_amount, session_of

KEPT = """async () => { const found = [];
    for (const name of await caches.keys()) found.push(...await (await caches.open(name)).keys());
    return found.map(({url}) => new URL(url).pathname).sort() }"""

# ------------------------------------------------------------------------------------------ offline and back


async def test_a_day_without_a_network_reaches_the_server_and_the_colleague(
    browser: Browser, app_server: AppServer, day: Day, built: Path
) -> None:
    await day.give_password("colleague")
    async with phone(browser, app_server) as rep, phone(browser, app_server) as colleague:
        await day.sign_in(rep)
        await day.sign_in(colleague, "colleague")
        refresh_token = await rep.page.evaluate("JSON.parse(localStorage['rapport.session']).refreshToken")

        files = {path.name for path in built.iterdir()} - {"index.html", "sw.js"}
        assert await rep.page.evaluate(KEPT) == sorted({"/app/", *(f"/app/{name}" for name in files)})

        await rep.vanish()
        # The access token runs out while there is nobody to renew it: the app does not mind.
        await rep.page.evaluate("""() => { const key = 'rapport.session';
            localStorage[key] = JSON.stringify({...JSON.parse(localStorage[key]), renewAt: 0}) }""")
        await rep.page.reload()
        await expect(rep.page.locator(".list strong")).to_have_text("苏州江南鲜达")
        await rep.page.fill("#search", "江南")
        await expect(rep.page.locator(".list li")).to_have_count(1)
        await rep.page.fill("#search", "nobody")
        await expect(rep.page.locator(".empty")).to_have_text("Nothing matches “nobody”.")

        await rep.go("tasks")
        await rep.page.click(".action button")
        await rep.page.fill("#task-title", "Send two delivery dates")
        await rep.page.click("dialog button[type=submit]")
        await expect(rep.page.locator("[data-group=undated] strong")).to_have_text("Send two delivery dates")
        await edit_amount(rep, day, "182,000.50")
        await expect(rep.page.locator(".sum")).to_have_text("¥182,000.50")
        await rep.page.goto(f"{app_server.address}/app/#/customer/{day.account_id}")
        await rep.page.click(".head button")
        await rep.page.fill("#note-text", "They want it in two batches.")
        await rep.page.click("dialog button[type=submit]")
        await expect(rep.page.locator(".timeline p")).to_have_text("They want it in two batches.")
        await rep.go("more")
        await expect(rep.page.locator(".chip")).to_have_text("3 waiting")
        waiting = rep.page.locator(".pending small")
        await expect(waiting).to_have_text(["Deal", "Task", "Note"])
        assert (await day.deal())["amount"] == "177600.00"

        await rep.page.reload()  # what waits outlives the page
        await expect(rep.page.locator(".chip")).to_have_text("3 waiting")
        await rep.come_back()
        await rep.up_to_date()

        assert (await day.deal())["amount"] == "182000.50"
        data = await day.crew.manager.ask(
            "{ tasks { nodes { title status } } activities { nodes { summary } } }"
        )
        assert data == {
            "tasks": {"nodes": [{"title": "Send two delivery dates", "status": "TODO"}]},
            "activities": {"nodes": [{"summary": "They want it in two batches."}]},
        }
        renewed = await rep.page.evaluate("JSON.parse(localStorage['rapport.session']).refreshToken")
        assert renewed != refresh_token
        await colleague.page.goto(f"{app_server.address}/app/#/deal/{day.deal_id}")
        await expect(colleague.page.locator(".sum")).to_have_text("¥182,000.50")


async def test_somebody_elses_change_stands_and_mine_is_offered_again(
    browser: Browser, app_server: AppServer, day: Day
) -> None:
    async with phone(browser, app_server) as rep:
        await day.sign_in(rep)
        await rep.vanish()
        await edit_amount(rep, day, "300000")
        changed = {"id": day.deal_id, "amount": "200000", "nextStep": "Call on Friday"}
        assert (await day.crew.colleague.do("opportunityUpdate", changed))["__typename"] == "Opportunity"
        await rep.come_back()
        await expect(rep.page.locator(".badge b")).to_have_text("1")
        await expect(rep.page.locator(".sum")).to_have_text("¥200,000")

        await rep.go("more")
        card = rep.page.locator(".conflict")
        await expect(card.locator("h3")).to_have_text("Deal · Fleet of 120")
        await expect(card.locator("dd")).to_have_text(["yours¥300,000", "kept¥200,000"])
        await card.get_by_role("button", name="Apply mine again").click()
        await expect(rep.page.locator(".conflicts .empty")).to_have_text("Nothing was lost.")
        await rep.up_to_date()
        assert await day.deal() == {
            "amount": "300000",
            "stage": "proposal",
            "nextStep": "Call on Friday",
        }


async def test_a_deal_moves_along_the_stages_and_is_lost_for_a_reason(
    browser: Browser, app_server: AppServer, day: Day
) -> None:
    async with phone(browser, app_server) as rep:
        await day.sign_in(rep)
        await rep.go("deals")
        names = rep.page.locator(".stages button")
        await expect(names).to_have_text(
            ["Qualification0", "Discovery0", "Proposal1", "Negotiation0", "Won0", "Lost0"]
        )
        await names.nth(2).click()
        await rep.page.locator(".card").click()
        await rep.page.select_option("#stage", "lost")
        await rep.page.click("form.panel button[type=submit]")
        await expect(rep.page.locator("#deal-error")).to_have_text("Losing needs a reason.")
        await rep.page.fill("#amount", "lots")
        await rep.page.click("form.panel button[type=submit]")
        await expect(rep.page.locator("#deal-error")).to_have_text("Write an amount such as 1250000.50.")
        assert (await day.deal())["stage"] == "proposal"

        await rep.page.fill("#amount", "")
        await rep.page.select_option("#lossReason", "competitor")
        await rep.page.click("form.panel button[type=submit]")
        await rep.go("deals")
        await expect(names.nth(5)).to_have_text("Lost1")
        await rep.up_to_date()
        assert await day.deal() == {"amount": None, "stage": "lost", "nextStep": ""}


async def test_a_reply_is_written_on_the_train_and_reaches_the_conversation(
    browser: Browser, app_server: AppServer, day: Day
) -> None:
    talk = await day.crew.rep.do("conversationCreate", {"channel": "WECHAT", "subject": "Gateway"})
    said = {"conversationId": talk["id"], "direction": "INBOUND", "body": "The gateway drops at night."}
    assert (await day.crew.rep.do("messageCreate", said))["__typename"] == "Message"
    about = {"subject": "Gateway drops", "accountId": day.account_id, "conversationId": talk["id"]}
    opened = await day.crew.rep.do("ticketCreate", about, "id number")
    async with phone(browser, app_server) as rep:
        await day.sign_in(rep)
        await rep.go("tickets")
        await rep.page.click(".list a")
        await expect(rep.page.locator("h1")).to_have_text(opened["number"])
        words = rep.page.locator(".said p")
        await expect(words).to_have_text(["The gateway drops at night."])
        await rep.vanish()
        await rep.page.fill("#reply", "Use the wired port.")
        await rep.page.click(".reply button")
        await expect(words).to_have_text(["The gateway drops at night.", "Use the wired port."])
        await expect(rep.page.locator(".ours small")).to_have_text("We · waits to be sent")
        await rep.come_back()
        await rep.up_to_date()
    query = """query($id: ID!) { messages(filter: {conversationId: {eq: $id}}) {
        nodes { body direction authorId } } }"""
    messages = (await day.crew.rep.ask(query, id=talk["id"]))["messages"]["nodes"]
    sent = {"body": "Use the wired port.", "direction": "OUTBOUND", "authorId": day.crew.rep.user_id}
    assert sent in messages
    assert len(messages) == 2


# ------------------------------------------------------------------------------------------ coming and going


async def test_a_sign_in_that_fails_says_why(browser: Browser, app_server: AppServer, day: Day) -> None:
    async with phone(browser, app_server) as rep:
        error = rep.page.locator("#sign-in-error")
        await rep.page.click("button[type=submit]")
        await expect(error).to_have_text("Fill in e-mail and password.")
        await rep.page.get_by_role("button", name="中文").click()
        await rep.page.click("button[type=submit]")
        await expect(error).to_have_text("请填写邮箱和密码。")
        await rep.page.get_by_role("button", name="English").click()
        await app_server.stop()
        await rep.sign_in(day.emails["rep"], PASSWORD)
        await expect(error).to_have_text(
            "The server cannot be reached. Signing in needs a network; try again."
        )
        await app_server.start()
        await rep.sign_in(day.emails["rep"], "wrong")
        await expect(error).to_contain_text("E-mail or password is wrong.")
        assert await rep.page.evaluate("localStorage.getItem('rapport.session')") is None


async def test_the_end_of_a_session_leaves_the_work_here_until_its_owner_is_back(
    browser: Browser, app_server: AppServer, day: Day
) -> None:
    await day.give_password("stranger")
    async with phone(browser, app_server) as rep:
        await day.sign_in(rep)
        await rep.vanish()
        await edit_amount(rep, day, "190000")
        id = await session_of(day.crew.rep)
        await day.crew.rep.ask(REVOKE, id=id, wipe=False)
        await rep.come_back()
        await expect(rep.page.locator(".notice")).to_contain_text("Your session has ended.")
        assert (await day.deal())["amount"] == "177600.00"

        await rep.page.reload()
        await rep.page.click(".notice button")
        assert await rep.page.input_value("#email") == day.emails["rep"]
        await rep.sign_in(day.emails["rep"], PASSWORD)
        await rep.up_to_date()
        assert (await day.deal())["amount"] == "190000"

        # The next to sign in is somebody else: nothing of the rep stays.
        await day.crew.rep.ask(REVOKE, id=await session_of(day.crew.rep), wipe=False)
        await rep.page.evaluate("dispatchEvent(new Event('online'))")
        await rep.page.click(".notice button")
        rep.page.once("dialog", lambda dialog: dialog.accept())
        await rep.sign_in(day.emails["stranger"], PASSWORD)
        await expect(rep.page.locator(".empty")).to_have_text("No customers yet.")
        names = await rep.page.evaluate("indexedDB.databases().then((all) => all.map(({name}) => name))")
        assert {day.crew.stranger.user_id in name for name in names} == {True}


async def test_an_order_to_wipe_erases_everything(browser: Browser, app_server: AppServer, day: Day) -> None:
    async with phone(browser, app_server) as rep:
        await day.sign_in(rep)
        assert await held(rep) > 0
        await day.crew.rep.ask(REVOKE, id=await session_of(day.crew.rep), wipe=True)
        await rep.page.evaluate("dispatchEvent(new Event('online'))")
        await expect(rep.page.locator("#sign-in-error")).to_have_text(
            "This device was told to forget everything, and did."
        )
        assert await held(rep) == 0
        assert await rep.page.evaluate("Object.keys(localStorage)") == []
        await rep.page.reload()
        await expect(rep.page.locator("#email")).to_be_visible()


async def test_signing_out_warns_of_what_waits_and_erases_the_rest(
    browser: Browser, app_server: AppServer, day: Day
) -> None:
    async with phone(browser, app_server) as rep:
        await day.sign_in(rep)
        await rep.vanish()
        await edit_amount(rep, day, "190000")
        await rep.go("more")
        await expect(rep.page.locator(".pending li")).to_have_count(1)
        await rep.page.click(".settings .danger")
        await expect(rep.page.locator("dialog .error")).to_contain_text("1 changes have not been sent.")
        await rep.page.click("dialog .quiet")
        await rep.come_back()
        await rep.up_to_date()
        await rep.page.click(".settings .danger")
        await rep.page.click("dialog .danger")
        await expect(rep.page.locator("#email")).to_be_visible()
        assert await held(rep) == 0
        assert [one["platform"] for one in (await day.crew.rep.ask(SESSIONS))["sessions"]] == [""]


async def held(phone: Phone) -> int:
    """Return how many databases with records the phone holds."""
    count: int = await phone.page.evaluate(
        "indexedDB.databases().then((all) => all.filter(({name}) => name.includes('rapport-')).length)"
    )
    return count
