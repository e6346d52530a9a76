"""Devices: where somebody's pushes go."""

from dataclasses import replace
from datetime import timedelta

import svcs

from backend.core import relay
from backend.core.access import Actor, Level, grant, system_actor
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.events import DomainEvent, RecordUpdated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.events import SessionEnded
from notifications.documents import Device
from notifications.events import DeviceTaken

_ANY_DEVICE = grant(read=Level.ALL, create=Level.ALL, update=Level.ALL)


def registrar_for(actor: Actor) -> Actor:
    """Return ``actor`` with the right to take over any device of the workspace, to register one with.

    Whoever holds a registration's value holds the device; its former owner's record is not theirs to see.
    Raise Forbidden when the actor's roles allow no device at all.
    """
    if actor.level(Device.kind, "create") is Level.NONE:
        raise Forbidden("create", Device.kind)
    return replace(actor, grants={**actor.grants, Device.kind: _ANY_DEVICE})


async def register_device(uow: UnitOfWork, fields: Fields) -> Device:
    """Let the actor's session be reached on a device; the actor is a ``registrar_for`` somebody.

    The last sign-in that registers a device has it; what the session had registered before is dropped.
    """
    if not fields.get("value"):
        raise InvalidInput(FieldError("value", "is empty; send the registration that the push SDK reports"))
    workspace_id, mine = uow.actor.workspace_id, {"owner_id": uow.actor.user_id}
    id = derived_id("device", workspace_id, fields["registration_kind"], fields["value"])
    for former in await uow.find(Device, mine | {"session_id": uow.actor.session_id}):
        if former.id != id:
            await drop_device(uow, former.id, reason="replaced")
    events: list[DomainEvent] = []
    if await uow.is_taken(Device, id):
        device = await uow.access(Device, id, action="update")
        events = _taken(device, uow.actor.user_id)
        set_fields(device, {**fields, **mine})
    else:
        device = await new_record(uow, Device, fields, id=id)
    device.session_id, device.registered_at = uow.actor.session_id, uow.at
    device.dropped_at, device.dropped_reason = None, ""
    uow.save(device, *events)
    return device


def _taken(device: Device, user_id: str) -> list[DomainEvent]:
    """Return what is to be announced when ``user_id`` registers a device that may be another's."""
    if not device.is_reachable or device.owner_id in (None, user_id):
        return []
    taken = DeviceTaken(former_owner_id=device.owner_id, platform=device.platform.value)
    return [RecordUpdated(fields=("owner_id",)), taken]


async def drop_device(uow: UnitOfWork, id: str, *, reason: str, only_of_session: str | None = None) -> Device:
    """Forget how to reach a device, until it registers again.

    With ``only_of_session`` nothing happens when another sign-in has it by now.
    """
    device = await uow.access(Device, id, action="update")
    if device.is_reachable and only_of_session in (None, device.session_id):
        device.value, device.dropped_at, device.dropped_reason = "", uow.at, reason
        uow.save(device)
    return device


async def on_session_ended(handed: relay.Delivery, services: svcs.Container) -> None:
    """Forget how to reach the devices of a sign-in that has ended. Handed over twice, it does so once."""
    assert isinstance(handed.event, SessionEnded)
    ended = handed.event

    async def drop(uow: UnitOfWork) -> None:
        for device in await uow.find(Device, {"owner_id": ended.user_id, "session_id": ended.session_id}):
            await drop_device(uow, device.id, reason="session_ended", only_of_session=ended.session_id)

    store = await services.aget(Store)
    await store.write(system_actor(handed.entry.workspace_id), drop)


TOKENS_LIVE = timedelta(days=270)
"""Source: FCM, "Manage registration tokens": what has not been seen for so long reaches nobody."""

AT_ONCE = 100


async def drop_stale_devices(services: svcs.Container) -> None:
    """Forget how to reach devices that have not registered for longer than vendors keep them."""
    store = await services.aget(Store)
    stale = {"registered_at": {"$lt": store.clock.now() - TOKENS_LIVE}, "value": {"$ne": ""}}

    async def drop(uow: UnitOfWork) -> int:
        found = await uow.find(Device, stale, limit=AT_ONCE)
        for device in found:
            await drop_device(uow, device.id, reason="stale")
        return len(found)

    for workspace_id in await store.workspace_ids():
        while await store.write(system_actor(workspace_id), drop) == AT_ONCE:
            continue
