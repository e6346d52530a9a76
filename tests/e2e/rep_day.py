"""A rep's day: what there is before it begins, and what the tests do again and again."""

import asyncio
from typing import Any

from playwright.async_api import expect

from backend.identity.people import set_password
from tests.crew import Crew, Person
from tests.e2e.phone_browser import Phone

PASSWORD = "a long pass phrase 密码"
REVOKE = "mutation($id: ID!, $wipe: Boolean!) { sessionRevoke(id: $id, wipe: $wipe) { __typename } }"
SESSIONS = "{ sessions { id platform } }"


class Day:
    """What the rep has before the day begins: a customer, a deal, and a password."""

    account_id: str
    deal_id: str

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.emails: dict[str, str] = {}

    async def begin(self) -> "Day":
        await self.give_password("rep")
        while not (await self.crew.rep.ask("{ pipelines { nodes { id } } }"))["pipelines"]["nodes"]:
            await asyncio.sleep(0.02)  # a new workspace is given its pipeline by a listener
        east = {"teamIds": [self.crew.teams["east"]]}
        account = {"name": "苏州江南鲜达", "tier": "A", "phone": "+8651200001102", **east}
        self.account_id = (await self.crew.rep.do("accountCreate", account))["id"]
        deal: dict[str, Any] = {
            "name": "Fleet of 120",
            "amount": "177600.00",
            "currency": "CNY",
            "stage": "proposal",
        }
        deal |= {"accountId": self.account_id, **east}
        self.deal_id = (await self.crew.rep.do("opportunityCreate", deal))["id"]
        return self

    async def give_password(self, name: str) -> None:
        user = await self.crew.user(name)
        await set_password(user, PASSWORD)
        self.emails[name] = user.email

    async def deal(self) -> dict[str, Any]:
        query = "query($id: ID!) { opportunity(id: $id) { amount stage nextStep } }"
        found: dict[str, Any] = (await self.crew.manager.ask(query, id=self.deal_id))["opportunity"]
        return found

    async def sign_in(self, phone: Phone, name: str = "rep") -> None:
        await phone.sign_in(self.emails[name], PASSWORD)
        await expect(phone.page.locator(".list li")).to_have_count(1)
        await phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")


async def edit_amount(phone: Phone, day: Day, amount: str) -> None:
    await phone.page.goto(f"{phone.server.address}/app/#/deal/{day.deal_id}")
    await phone.page.fill("#amount", amount)
    await phone.page.click("form.panel button[type=submit]")


async def session_of(person: Person) -> str:
    """Return the id of the session that the browser began."""
    sessions = (await person.ask(SESSIONS))["sessions"]
    return next(str(one["id"]) for one in sessions if one["platform"] == "web")
