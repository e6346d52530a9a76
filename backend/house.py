"""The house: its rooms' contributions joined to one running whole, with or without a web edge."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
import svcs
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from backend.core.access import HOUSE, Grant
from backend.core.clock import Clock, SystemClock
from backend.core.database_client import make_client
from backend.core.demo import WORKSPACE_KEY, demo_id
from backend.core.embedded_database import EmbeddedDatabase, check_deployment, run_embedded_database
from backend.core.expiring import delete_expired
from backend.core.ids import new_id
from backend.core.jobs import Job, schedule_jobs
from backend.core.ledger import SEQUENCES
from backend.core.module import Listener, Module
from backend.core.origin import Origin, coming_from
from backend.core.records import register
from backend.core.relay import Delivery, Relay, Subscription
from backend.core.settings import Settings, read_secret_key
from backend.core.store import Store
from backend.identity.actors import Actors
from backend.identity.sign_in import TokenPolicy

log = structlog.get_logger()

SEEDS = "seeds"


@dataclass(kw_only=True)
class House:
    """A house that stands: what the web edge, the command line and tests work with."""

    settings: Settings
    modules: Sequence[Module]
    registry: svcs.Registry
    store: Store
    relay: Relay
    owner: str
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


def built_in_roles(modules: Sequence[Module]) -> dict[str, dict[str, Grant]]:
    """Return what each built-in role may do, put together from the rooms' pages."""
    roles: dict[str, dict[str, Grant]] = {}
    for module in modules:
        for key, grants in module.roles.items():
            roles.setdefault(key, {}).update(grants)
    return roles


def kinds_by_scope(modules: Sequence[Module]) -> dict[str, frozenset[str]]:
    """Return which kinds stand under each scope of access tokens, put together from the rooms' pages."""
    records = [record for module in modules for record in module.documents]
    found = {
        "sync": frozenset(one.record.kind for module in modules for one in module.synced),
        "admin": frozenset(record.kind for record in records if record.shapes_access),
    }
    for module in modules:
        for scope, kinds in module.token_scopes.items():
            found[scope] = found.get(scope, frozenset()) | kinds
    return found


@contextlib.asynccontextmanager
async def open_house(
    modules: Sequence[Module], settings: Settings, *, clock: Clock | None = None, working: bool | None = None
) -> AsyncIterator[House]:
    """Start everything, in order; stop it in reverse.

    ``working`` runs relay and jobs in this process; by default the setting ``processes`` decides.
    """
    async with contextlib.AsyncExitStack() as stack:
        uri = settings.mongodb_uri.get_secret_value()
        if not uri:
            uri = (await stack.enter_async_context(_embedded(settings))).uri
        client = make_client(uri)
        stack.push_async_callback(client.close)
        await check_deployment(client)
        key = read_secret_key(settings)
        store = Store(client, settings.database_name, clock or SystemClock(), secret=key)
        stack.push_async_callback(store.close)
        house = await _furnish(modules, settings, store, key)
        await stack.enter_async_context(house.registry)
        await stack.enter_async_context(_running(house, "bell", house.store.bell.watch()))
        await stack.enter_async_context(_running(house, "presence", house.store.presence.watch()))
        if settings.processes != "web" if working is None else working:
            await stack.enter_async_context(_working(house))
        yield house


def _embedded(settings: Settings) -> contextlib.AbstractAsyncContextManager[EmbeddedDatabase]:
    return run_embedded_database(
        settings.data_dir, port=settings.database_port, sync_on_commit=settings.database_sync
    )


async def _furnish(modules: Sequence[Module], settings: Settings, store: Store, key: str) -> House:
    documents = [record for module in modules for record in module.documents]
    register(*documents)
    await store.keyring.open(settings)
    await store.open(documents, [other for module in modules for other in module.other_documents])
    registry = svcs.Registry()
    registry.register_value(Settings, settings)
    registry.register_value(Store, store, ping=_ping)
    registry.register_value(Actors, Actors(store, key, built_in_roles(modules), kinds_by_scope(modules)))
    registry.register_value(
        TokenPolicy,
        TokenPolicy(key=key, access=settings.access_token_life, refresh=settings.refresh_token_life),
    )
    for module in modules:
        if module.provide is not None:
            module.provide(registry)
    owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
    relay = Relay(store, _subscriptions(modules, registry), owner)
    return House(settings=settings, modules=modules, registry=registry, store=store, relay=relay, owner=owner)


async def _ping(store: Store) -> None:
    await store.client.admin.command("ping")


def _subscriptions(modules: Sequence[Module], registry: svcs.Registry) -> list[Subscription]:
    return [
        Subscription(name=name, events=frozenset(events), listener=_in_container(listener, registry))
        for module in modules
        for name, (listener, events) in module.listens.items()
    ]


def _in_container(listener: Listener, registry: svcs.Registry) -> Callable[[Delivery], Awaitable[None]]:
    async def listen(delivery: Delivery) -> None:
        person = delivery.entry.actor_id  # what follows from a change is done on behalf of who made it
        with coming_from(Origin(on_behalf_of="" if person == HOUSE else person)):
            async with svcs.Container(registry) as services:
                await listener(delivery, services)

    return listen


async def _expire(services: svcs.Container) -> None:
    store = await services.aget(Store)
    if deleted := await delete_expired(store.database):
        log.info("house.expired", documents=deleted)


EXPIRY = Job(name="house.expiry", every=timedelta(minutes=1), run=_expire)


@contextlib.asynccontextmanager
async def _working(house: House) -> AsyncIterator[None]:
    """Run relay and jobs until the house closes."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    jobs = [EXPIRY, *(job for module in house.modules for job in module.jobs)]
    schedule_jobs(scheduler, jobs, house.store, house.registry, house.owner)
    scheduler.start()
    try:
        async with _running(house, "relay", house.relay.run()):
            yield
    finally:
        scheduler.shutdown(wait=False)
        await house.relay.stop()


@contextlib.asynccontextmanager
async def _running(house: House, name: str, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run ``work`` while the block lasts; health shows when it ends before."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report_end)
    house.tasks.add(task)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        house.tasks.discard(task)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("house.task_died", task=task.get_name(), exc_info=error)


async def seed_demo(house: House) -> bool:
    """Fill the demo workspace, room by room, by the rooms' own operations; False when there is one already.

    Each room is done once and noted, and its writes carry mutation ids: a seeding that was killed is
    finished by the next.
    """
    done = house.store.database[SEEDS]
    workspace_id = demo_id("workspace", WORKSPACE_KEY)
    if await done.find_one({"_id": "complete"}) or await _holds_other(house.store, workspace_id):
        return False
    for module in house.modules:
        if module.seed is not None and not await done.find_one({"_id": module.name}):
            async with svcs.Container(house.registry) as services:
                await module.seed(services, workspace_id)
            await done.insert_one({"_id": module.name})
    await done.insert_one({"_id": "complete"})
    return True


async def _holds_other(store: Store, workspace_id: str) -> bool:
    known = store.database[SEQUENCES].find({"_id": {"$nin": [workspace_id, "-"]}}).limit(1)
    return bool(await known.to_list())
