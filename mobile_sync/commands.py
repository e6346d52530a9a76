"""``rapport mobile_sync …``: what an app needs when it is built."""

from collections.abc import Sequence

import orjson
import typer

from backend.core.sync import SyncedCollection
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

    return commands
