"""The rep's app: pages that anybody can read and touch, and the way they are served."""

import json
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

import main
from backend.core.settings import Settings
from mobile_sync.rxdb_schemas import rxdb_schemas
from tests.e2e.phone_browser import AppServer, Phone, phone
from tests.e2e.rep_day import Day

LOOK = (Path(__file__).parent / "look_at_page.js").read_text()

# ------------------------------------------------------------------------------------------ for everybody


async def faults(phone: Phone) -> list[str]:
    """Return what is wrong with the page that the phone shows, in the light and in the dark."""
    found: list[str] = []
    for light in ("dark", "light"):
        await phone.page.emulate_media(color_scheme=light)
        found += [f"{light}: {one}" for one in await phone.page.evaluate(LOOK)]
    return found


async def test_every_screen_can_be_read_and_touched(
    browser: Browser, app_server: AppServer, day: Day
) -> None:
    await day.crew.rep.do("taskCreate", {"title": "Call back", "accountId": day.account_id})
    async with phone(browser, app_server, locale="zh-CN") as rep:
        assert await faults(rep) == []
        await day.sign_in(rep)
        assert await rep.page.evaluate("document.documentElement.lang") == "zh-CN"
        for screen in ("customers", "deals", "tasks", "tickets", "more"):
            await rep.go(screen)
            await expect(rep.page.locator(f"main[data-screen={screen}] > *").first).to_be_visible()
            assert (screen, await faults(rep)) == (screen, [])
        for address in (f"customer/{day.account_id}", f"deal/{day.deal_id}"):
            await rep.page.goto(f"{app_server.address}/app/#/{address}")
            await expect(rep.page.locator(".head")).to_be_visible()
            assert (address, await faults(rep)) == (address, [])


async def test_language_and_light_are_chosen_and_stay(
    browser: Browser, app_server: AppServer, day: Day
) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    async with phone(browser, app_server, color_scheme="light") as rep:
        await day.sign_in(rep)
        await rep.go("more")
        await rep.page.get_by_text("中文").click()
        await expect(rep.page.locator("h1")).to_have_text("同步与设置")
        assert await rep.page.evaluate(ground) == "rgb(244, 246, 243)"
        await rep.page.get_by_text("深色").click()
        assert await rep.page.evaluate(ground) == "rgb(15, 21, 19)"
        await rep.page.reload()
        await expect(rep.page.locator("h1")).to_have_text("同步与设置")
        assert await rep.page.evaluate(ground) == "rgb(15, 21, 19)"


# ------------------------------------------------------------------------------------------ as it is served


async def test_the_app_is_served_under_a_policy_of_its_own(
    app_server: AppServer, http: httpx.AsyncClient
) -> None:
    async with httpx.AsyncClient(base_url=app_server.address) as client:
        page, manifest = await client.get("/app/"), await client.get("/app/manifest.webmanifest")
        assert (page.status_code, manifest.json()["display"]) == (200, "standalone")
        assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        for icon in manifest.json()["icons"]:
            assert (await client.get(f"/app/{icon['src']}")).headers["content-type"] == icon["type"]
        assert (await client.get("/app/../main.py")).status_code == 404
        assert (await client.get("/app/..%2f..%2fmain.py")).status_code == 404
    assert (await http.get("/app/")).status_code == 404  # a house without the setting has no app


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"app_dir[\s\S]*build the app first"):
        Settings(app_dir=tmp_path)


def test_the_app_asks_for_no_column_that_the_server_has_not(repository: Path) -> None:
    collections = [one for module in main.MODULES for one in module.synced]
    ours = rxdb_schemas(collections)
    asked = json.loads((repository / "examples/rep_app/src/schemas.json").read_text())
    for kind, schema in asked.items():
        assert schema["properties"].items() <= ours[kind]["properties"].items(), kind
        assert schema["required"] == ours[kind]["required"], kind
