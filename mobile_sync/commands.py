"""``rapport mobile_sync …``: what an app needs when it is built."""

from collections.abc import Sequence

import orjson
import typer

from backend.cli import CommandLine
from backend.core.feed_audit import audit_feed
from backend.core.feed_keeping import begin_epoch
from backend.core.sync import SyncedCollection
from backend.house import open_house
from mobile_sync.rxdb_schemas import rxdb_schemas
from mobile_sync.watermelon_rows import watermelon_tables


def make_commands(collections: Sequence[SyncedCollection]) -> typer.Typer:
    """Return the room's commands."""
    commands = typer.Typer(no_args_is_help=True, help="What phones need.")

    @commands.command()
    def schemas() -> None:
        """Print the RxDB schemas of all collections as JSON, for the app's addCollections."""
        typer.echo(orjson.dumps(rxdb_schemas(collections), option=orjson.OPT_INDENT_2))

    @commands.command()
    def tables() -> None:
        """Print the tables of a WatermelonDB app as JSON, for its tableSchema."""
        typer.echo(orjson.dumps(watermelon_tables(collections), option=orjson.OPT_INDENT_2))

    @commands.command()
    def restored(context: typer.Context) -> None:
        """Tell every phone to start again: to be run after the database came back from a backup."""
        line: CommandLine = context.obj
        line.run(_restored(line))

    @commands.command()
    def audit(context: typer.Context) -> None:
        """Check that every write is in the ledger and every record in its order; fail if one is not."""
        line: CommandLine = context.obj
        line.run(_audit(line))

    return commands


async def _restored(line: CommandLine) -> None:
    async with open_house(line.modules, line.settings(), working=False) as house:
        typer.echo(f"A new epoch has begun in {await begin_epoch(house.store)} workspaces.")


async def _audit(line: CommandLine) -> None:
    async with open_house(line.modules, line.settings(), working=False) as house:
        ids = await house.store.workspace_ids()
        wrong = [f"{id}: {said}" for id in ids for said in await audit_feed(house.store, id)]
    for said in wrong:
        typer.echo(said)
    typer.echo(f"{len(ids)} workspaces, {len(wrong)} faults.")
    if wrong:
        raise typer.Exit(1)
