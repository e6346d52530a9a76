"""What a room hands to the house: one frozen page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import svcs
import typer
from fastapi import APIRouter

from backend.core.access import Grant
from backend.core.alerts import NOTHING_TOLD, Telling
from backend.core.events import DomainEvent
from backend.core.jobs import Job
from backend.core.records import Record
from backend.core.relay import Delivery
from backend.core.settings import Settings
from backend.core.sync import SyncedCollection

Listener = Callable[[Delivery, svcs.Container], Awaitable[None]]
Seed = Callable[[svcs.Container, str], Awaitable[None]]
Status = Callable[[svcs.Container], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Module:
    """One room's contribution.

    ``listens`` maps a lasting listener name to the listener and its events; ``roles`` what each built-in
    role may do with the kinds of this room; ``seed`` fills a demo workspace (its id is given) by the
    room's own operations; ``telling`` says what people are told about its records; ``status`` says in
    ``/healthz`` how the room is, failures aside;
    ``token_scopes`` puts kinds under the scopes of access tokens (``sync``, ``knowledge``, ``admin``);
    ``provide`` registers services; ``commands`` become ``rapport <room> …``; ``larger_bodies`` tells the
    paths, with all below them, whose bodies may be larger than the setting ``body_bytes``, and how large;
    ``trusted_documents`` the GraphQL that this room's own pages send, which is always taken.
    """

    name: str
    documents: Sequence[type[Record]] = ()
    other_documents: Sequence[type[Any]] = ()
    queries: Sequence[type] = ()
    mutations: Sequence[type] = ()
    subscriptions: Sequence[type] = ()
    types: Sequence[type] = ()
    routes: Sequence[APIRouter] = ()
    listens: Mapping[str, tuple[Listener, Sequence[type[DomainEvent]]]] = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    roles: Mapping[str, Mapping[str, Grant]] = field(default_factory=dict)
    synced: Sequence[SyncedCollection] = ()
    telling: Telling = NOTHING_TOLD
    token_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    provide: Callable[[svcs.Registry], None] | None = None
    seed: Seed | None = None
    status: Status | None = None
    commands: typer.Typer | None = None
    larger_bodies: Callable[[Settings], Mapping[str, int]] | None = None
    trusted_documents: Callable[[], Sequence[str]] | None = None
