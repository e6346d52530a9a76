"""The command line: ``rapport up``, ``serve``, ``worker``, ``seed``, ``schema`` and what the rooms add."""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import structlog
import svcs
import typer
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from backend.app import create_app
from backend.core.audit_reading import AuditReader
from backend.core.demo import PASSWORD, WORKSPACE_KEY, demo_id, load
from backend.core.errors import CRMError, FieldError, InvalidInput, Unavailable
from backend.core.interpreter import prepare_to_serve
from backend.core.module import Module
from backend.core.settings import Settings
from backend.core.web_app import WEB_APP
from backend.graphql_edge import build_schema
from backend.house import House, open_house, seed_demo
from backend.integrations.documents import OnMatch
from backend.integrations.import_command import FileImport, import_path

console = Console()

SOCKETS_CLOSED_WITHIN_SECONDS = 3  # phones with an open stream would keep us from stopping for ever


@dataclass(frozen=True)
class CommandLine:
    """What every command is given as ``ctx.obj``: the rooms, and the settings once they are read."""

    modules: Sequence[Module]

    def settings(self, **overrides: Any) -> Settings:
        """Read the settings; leave with a plain sentence when one is wrong."""
        try:
            settings = Settings(**overrides)
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False):
                name = str(found["loc"][0]).upper() if found["loc"] else "setting"
                console.print(f"[red]{name}[/red]: {found['msg']}")
            raise typer.Exit(2) from None
        configure_logs(settings)
        return settings

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a command; an expected refusal ends it with its sentence, not with a stack trace."""
        try:
            if sys.platform == "win32":
                asyncio.run(coroutine)
            else:
                import uvloop  # not on Windows

                uvloop.run(coroutine)
        except CRMError as error:
            console.print(f"[red]{error}[/red]", soft_wrap=True)
            raise typer.Exit(1) from None


def make_command_line(modules: Sequence[Module]) -> typer.Typer:
    """Return the command line of a house with these rooms."""
    cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @cli.callback()
    def rapport(context: typer.Context) -> None:
        """Rapport: a CRM whose phones work offline and whose assistant shows its sources."""
        context.obj = CommandLine(modules)

    cli.command()(up)
    cli.command()(serve)
    cli.command()(worker)
    cli.command()(seed)
    cli.command()(schema)
    cli.command()(verify_audit)
    cli.command("import")(import_file)
    for module in modules:
        if module.commands is not None:
            cli.add_typer(module.commands, name=module.name)
    return cli


def up(context: typer.Context) -> None:
    """Start everything, with a demo workspace when the store is empty, and say where it is."""
    line: CommandLine = context.obj
    settings = line.settings()
    line.run(_serve(line, settings, with_demo=settings.demo))


def serve(context: typer.Context) -> None:
    """Serve: what a container runs. It seeds the demo only when RAPPORT_DEMO asks for it by name."""
    line: CommandLine = context.obj
    settings = line.settings()
    line.run(_serve(line, settings, with_demo=settings.demo and "demo" in settings.model_fields_set))


def worker(context: typer.Context) -> None:
    """Run relay, jobs and deliveries only; any number of these may run."""
    line: CommandLine = context.obj
    line.run(_work(line, line.settings(processes="worker")))


def seed(context: typer.Context) -> None:
    """Seed the demo workspace if the store is empty, then leave."""
    line: CommandLine = context.obj

    async def run() -> None:
        async with open_house(line.modules, line.settings(), working=False) as house:
            console.print("Seeded." if await seed_demo(house) else "The store holds a workspace: left alone.")

    line.run(run())


def schema(context: typer.Context) -> None:
    """Print the GraphQL schema (docs/schema.graphql)."""
    sys.stdout.write(build_schema(context.obj.modules).as_str() + "\n")


def verify_audit(
    context: typer.Context,
    workspace: Annotated[str, typer.Option(help="Its id; empty: all workspaces.")] = "",
    expect: Annotated[
        str, typer.Option(help="A head that you stored elsewhere: the chain must still hold it.")
    ] = "",
) -> None:
    """Check the audit trail; leave with 1 when an entry was changed, removed, moved or cut off."""
    line: CommandLine = context.obj
    line.run(_verify_audit(line, workspace, expect))


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV file whose first line names the columns.")],
    kind: Annotated[str, typer.Option(help="What its rows are: account, contact, lead, opportunity.")],
    mapping: Annotated[
        list[str] | None, typer.Option(help="column=field, as often as needed; `column=` leaves it out.")
    ] = None,
    match_by: Annotated[str, typer.Option(help="The field to compare with what is there: email …")] = "",
    on_match: Annotated[OnMatch | None, typer.Option(help="What to do with a row that is there.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
    ] = False,
    person: Annotated[
        str,
        typer.Option("--for", help="The e-mail address of whose rights count, and whose the records are."),
    ] = "",
    workspace: Annotated[str, typer.Option(help="Its id; empty: the demo workspace.")] = "",
) -> None:
    """Import a CSV file; leave with 1 when a row could not be taken."""
    line: CommandLine = context.obj
    asked = FileImport(
        path=file,
        kind=kind,
        workspace_id=workspace or demo_id("workspace", WORKSPACE_KEY),
        person=person,
        mapping=mapping or (),
        match_by=match_by,
        on_match=on_match,
        dry_run=dry_run,
    )
    line.run(_import_file(line, asked))


async def _import_file(line: CommandLine, asked: FileImport) -> None:
    def say(sentence: str) -> None:
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)

    async with (
        open_house(line.modules, line.settings(), working=False) as house,
        svcs.Container(house.registry) as services,
    ):
        is_whole = await import_path(services, asked, say)
    if not is_whole:
        raise typer.Exit(1)


async def _verify_audit(line: CommandLine, workspace: str, expect: str) -> None:
    async with open_house(line.modules, line.settings(), working=False) as house:
        reader = AuditReader(house.store.database)
        known = await reader.workspaces()
        chosen = [workspace] if workspace else known
        if (workspace and workspace not in known) or (expect and len(chosen) != 1):
            raise InvalidInput(FieldError("workspace", f"must be one of: {', '.join(known) or 'none yet'}"))
        checks = {one: await reader.check(one, expect=expect) for one in chosen}
    for one, check in checks.items():
        counted = f"{check.entries} entries, {check.first} to {check.last}, head {check.head}"
        broken = check.broken
        said = f"[red]{broken.kind.value}[/red] at {broken.seq}: {broken.message}" if broken else "ok"
        console.print(f"{one}: {counted}: {said}", soft_wrap=True, highlight=False)
    if any(check.broken for check in checks.values()):
        raise typer.Exit(1)


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us: it would end the process before the house is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how ``app`` is served: HTTPS from TLS 1.2 on when ``settings`` name a certificate, else HTTP.

    Raise Unavailable for a certificate without its key, and for a pair that cannot be read.
    """
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=settings.body_bytes,
        proxy_headers=False,  # the app reads them itself, from the proxies that the settings name
        server_header=False,
        timeout_graceful_shutdown=SOCKETS_CLOSED_WITHIN_SECONDS,
        ssl_context_factory=_tls_factory(settings),
    )


def _tls_factory(settings: Settings) -> Callable[..., ssl.SSLContext] | None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise Unavailable(
            "HTTPS needs both RAPPORT_TLS_CERTIFICATE and RAPPORT_TLS_KEY: name the other, too, or neither."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise Unavailable(
            f"Cannot serve HTTPS with {certificate} and {key}: {error}. Name PEM files that belong together."
        ) from None
    return lambda *_: context


async def _serve(line: CommandLine, settings: Settings, *, with_demo: bool) -> None:
    listening = _listen(settings)
    async with open_house(line.modules, settings) as house:
        prepare_to_serve()
        if with_demo and await seed_demo(house):
            console.print("The store was empty: seeded the demo workspace.")
        app = create_app(house)
        config = server_config(app, settings)
        server = _Server(config)
        _on_signal(lambda: setattr(server, "should_exit", True))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        host, port = listening.getsockname()[:2]
        scheme = "https" if config.is_ssl else "http"
        _say_where(f"{scheme}://{host}:{port}", house, with_demo=with_demo)  # the socket takes calls already
        await serving


async def _work(line: CommandLine, settings: Settings) -> None:
    async with open_house(line.modules, settings, working=True):
        prepare_to_serve()
        stop = asyncio.Event()
        _on_signal(stop.set)
        console.print("Working. Stop with Ctrl-C.")
        await stop.wait()


def _on_signal(stop: Any) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _listen(settings: Settings) -> socket.socket:
    """Take the port first: a taken one must be said before anything is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Another program may have "
            "the port; stop it, or choose another with RAPPORT_PORT."
        ) from None
    listening.listen(1024)
    return listening


def _say_where(base: str, house: House, *, with_demo: bool) -> None:
    console.print(f"\n[bold]Rapport[/bold] is at [bold]{base}[/bold]")
    paths = {"GraphQL": "/graphql", "chat": "/chat", "health": "/healthz", "metrics": "/metrics"}
    for what, path in paths.items():
        console.print(f"  {what:8} {base}{path}")
    if house.settings.app_dir is not None:
        console.print(f"  {'app':8} {base}{WEB_APP}/")
    if with_demo:
        table = Table(
            "sign in as", "who", "role", title=f"Demo sign-ins, password: {PASSWORD}", title_justify="left"
        )
        for person in load("company")["users"]:
            table.add_row(person["email"], person["name"], person["role"])
        console.print(table)
    if house.settings.google_application_credentials is None:
        console.print(
            "  No GOOGLE_APPLICATION_CREDENTIALS: pushes are logged, not sent; the in-app inbox works."
        )
    console.print("  Stop with Ctrl-C.")


def configure_logs(settings: Settings) -> None:
    """Log structured events, as lines for people or as JSON."""
    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(level=max(level, logging.WARNING), format="%(levelname)s %(name)s %(message)s")
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        # Without the values of variables: they hold records, and make thousands of lines of one failure.
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([structlog.processors.format_exc_info] if settings.log_format == "json" else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
