"""The demo workspace's people."""

import svcs

from backend.core.access import system_actor
from backend.core.demo import PASSWORD, demo_id, load
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from backend.identity.people import create_team, create_user, create_workspace, set_password


async def seed_people(services: svcs.Container, workspace_id: str) -> None:
    """Create the demo workspace, its teams and its people, and let them sign in."""
    store = await services.aget(Store)
    company = load("company")

    async def create(uow: UnitOfWork) -> None:
        names = ("name", "currency", "time_zone")
        about = {name: company["workspace"][name] for name in names}
        await create_workspace(uow, about | {"locale": company["workspace"]["locale"][:2], "is_demo": True})
        for team in company["teams"]:
            await create_team(uow, {"name": team["name"]}, id=demo_id("team", team["key"]))
        for person in company["users"]:
            await create_user(uow, _user_fields(person), id=demo_id("user", person["email"]))

    await store.write(system_actor(workspace_id), create, mutation_id="seed people")
    for person in company["users"]:
        user = await store.reader.get(User, demo_id("user", person["email"]))
        if user is not None:
            await set_password(user, PASSWORD)


def _user_fields(person: dict[str, str]) -> dict[str, object]:
    manager, contact = person.get("manager"), person.get("contact")
    return {
        "email": person["email"],
        "name": person["name"],
        "role_keys": [person["role"]],
        "team_ids": [demo_id("team", key) for key in person.get("teams", ())],
        "manager_id": demo_id("user", manager) if manager else None,
        "contact_id": demo_id("contact", contact) if contact else None,
        "locale": person["locale"][:2],
        "time_zone": person["time_zone"],
    }
