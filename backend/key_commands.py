"""``rapport keys …``: the keys of the encrypted fields."""

from typing import Annotated

import typer
from rich.table import Column, Table

from backend.cli import CommandLine, console
from backend.core.encryption_rotation import (
    destroy_data_keys,
    key_status,
    rewrap_data_keys,
    rotate_data_key,
    workspaces_of,
)
from backend.core.errors import FieldError, InvalidInput
from backend.core.module import Module
from backend.house import open_house

commands = typer.Typer(no_args_is_help=True, help="The keys of the encrypted fields.")


@commands.command()
def rotate(
    context: typer.Context,
    workspace: Annotated[str, typer.Option(help="Its id; empty: every workspace.")] = "",
    master: Annotated[
        bool, typer.Option("--master", help="Wrap the data keys under the current master key; no more.")
    ] = False,
) -> None:
    """Give workspaces new data keys and seal everything under them; broken off, it goes on from there.

    Processes may serve meanwhile. Values from before encryption are sealed on the way.
    """
    line: CommandLine = context.obj
    if master and workspace:
        raise typer.BadParameter("--master is for the whole store: leave --workspace out")
    line.run(_rewrap(line) if master else _rotate(line, workspace))


@commands.command()
def status(context: typer.Context) -> None:
    """Show each workspace's data keys, and under which master key they are wrapped."""
    line: CommandLine = context.obj
    line.run(_status(line))


@commands.command()
def destroy(
    context: typer.Context,
    workspace: Annotated[str, typer.Option(help="The id of the workspace.")],
    confirm: Annotated[str, typer.Option(help="The same id again: there is no way back.")],
) -> None:
    """Destroy a workspace's data keys: its encrypted values can never be read again."""
    line: CommandLine = context.obj
    line.run(_destroy(line, workspace, confirm))


async def _rotate(line: CommandLine, workspace_id: str) -> None:
    async with open_house(line.modules, line.settings(), working=False) as house:
        for one in [workspace_id] if workspace_id else await workspaces_of(house.store):
            done = await rotate_data_key(house.store, one)
            console.print(f"{one}: {done.records} records sealed under data key {done.number}.")


async def _rewrap(line: CommandLine) -> None:
    async with open_house(line.modules, line.settings(), working=False) as house:
        count = await rewrap_data_keys(house.store)
        master = house.store.keyring.masters.current
        console.print(f"{count} data keys wrapped under master key {master}; no other is needed any more.")


async def _status(line: CommandLine) -> None:
    async with open_house(line.modules, line.settings(), working=False) as house:
        table = Table(Column("workspace", min_width=36, no_wrap=True), "data keys", "master key", "to do")
        for one in await key_status(house.store.database):
            states = ", ".join(f"{number} {state}" for number, state in sorted(one.states.items()))
            todo = f"rapport keys rotate --workspace {one.workspace_id}" if one.unfinished else ""
            table.add_row(one.workspace_id, states, ", ".join(sorted(one.masters)), todo)
        console.print(table)


async def _destroy(line: CommandLine, workspace_id: str, confirm: str) -> None:
    if confirm != workspace_id:
        raise InvalidInput(FieldError("confirm", "must repeat the workspace's id; nothing was destroyed"))
    async with open_house(line.modules, line.settings(), working=False) as house:
        await destroy_data_keys(house.store, workspace_id)
        console.print(f"The data keys of workspace {workspace_id} are destroyed.")


module = Module(name="keys", commands=commands)
