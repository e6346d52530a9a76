"""Draw the app's icons, and take the pictures of the documentation, with a real Chromium.

    python -m examples.rep_app.pictures icons
    python -m examples.rep_app.pictures screens http://127.0.0.1:8000

The second wants a fresh demo house that serves the app (`make app`), in which it changes a deal. Nothing runs
this but a person: pictures change when the app does.
"""

import asyncio
import shutil
import sys
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page, async_playwright

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=zh-CN"]
PHONE = {"width": 390, "height": 844}
REP, COLLEAGUE, PASSWORD = "rep@demo.example", "manager@demo.example", "rapport-demo"
DEAL = "江南鲜达 120 台冷藏车车载记录仪"


async def draw_icons(browser: Browser) -> None:
    """Draw the PNG icons from the SVG, corners filled: phones cut their own."""
    drawing = (HERE / "public" / "icon.svg").read_text().replace('rx="112" ', "")
    for size in (192, 512):
        page = await browser.new_page(viewport={"width": size, "height": size})
        await page.set_content(f"<style>body{{margin:0}}svg{{display:block;width:{size}px}}</style>{drawing}")
        await page.screenshot(path=HERE / "public" / f"icon-{size}.png")


async def take_pictures(browser: Browser, address: str) -> None:
    """Take a Chinese day in the light and an English evening in the dark, a lost change in both."""
    for locale, light in (("zh-CN", "light"), ("en-GB", "dark")):
        context = await browser.new_context(
            viewport=PHONE, device_scale_factor=1.25, has_touch=True, is_mobile=True, locale=locale,
            color_scheme=light, timezone_id="Asia/Shanghai",
        )  # fmt: skip
        page = await context.new_page()
        await page.goto(f"{address}/app/")
        await page.fill("#email", REP)
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]")
        await page.locator(".list li").nth(7).wait_for()
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        suffix = f"{locale[:2]}-{light}"
        await _keep(page, f"customers-{suffix}")
        await page.get_by_text("苏州江南鲜达供应链有限公司").click()
        await page.locator(".timeline").wait_for()
        await _keep(page, f"customer-{suffix}")
        await page.click('nav a[href="#/tasks"]')
        await _keep(page, f"tasks-{suffix}")
        await page.click('nav a[href="#/deals"]')
        await page.locator(".stages button").nth(2).click()
        await _keep(page, f"deals-{suffix}")
        await _lose_a_change(page, address, "190000" if light == "light" else "195000")
        await _keep(page, f"conflict-{suffix}")
        await page.locator(".conflict .quiet").click()
        await page.locator(".conflicts .empty").wait_for()
        await context.close()


async def _lose_a_change(page: Page, address: str, amount: str) -> None:
    """Change the amount of a deal without a network, while the manager changes it on the server."""
    await page.get_by_text(DEAL).click()
    await page.context.set_offline(True)
    await page.fill("#amount", amount)
    await page.click("form.panel button[type=submit]")
    async with httpx.AsyncClient(base_url=address) as http:
        token = (await http.post("/auth/sign-in", json={"email": COLLEAGUE, "password": PASSWORD})).json()
        headers = {"Authorization": f"Bearer {token['accessToken']}"}
        change = "mutation($i: OpportunityUpdateInput!) { opportunityUpdate(input: $i) { __typename } }"
        id = page.url.rpartition("/")[2]
        variables = {"i": {"id": id, "amount": str(int(amount) - 7500)}}
        answer = await http.post("/graphql", json={"query": change, "variables": variables}, headers=headers)
        answer.raise_for_status()
    await page.context.set_offline(False)
    await page.locator(".badge b").wait_for()
    await page.click('nav a[href="#/more"]')
    await page.locator(".conflict").wait_for()
    await page.locator('[data-state="upToDate"]').wait_for()


async def _keep(page: Page, name: str) -> None:
    await page.locator("#toast").wait_for(state="hidden")
    await page.wait_for_timeout(600)  # until sheets and swipes have come to rest
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"rep-app-{name}.png")


async def main(what: str, address: str = "http://127.0.0.1:8000") -> None:
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        await (draw_icons(browser) if what == "icons" else take_pictures(browser, address))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
