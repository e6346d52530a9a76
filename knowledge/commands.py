"""``rapport knowledge …``: what can be done with the knowledge base from the command line."""

from pathlib import Path
from typing import Annotated

import svcs
import typer

from backend.cli import CommandLine, console
from backend.core.access import system_actor
from backend.core.demo import WORKSPACE_KEY, demo_id
from backend.core.errors import FieldError, InvalidInput
from backend.core.store import Store
from backend.house import open_house
from knowledge.import_knowledge import import_knowledge
from knowledge.search import KnowledgeBase

commands = typer.Typer(no_args_is_help=True, help="The knowledge base.")


@commands.callback()
def knowledge() -> None:
    """Keep the knowledge base."""


@commands.command("import")
def import_base(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder of Markdown files, or one with a corpus.jsonl.gz.")],
    workspace: Annotated[str, typer.Option(help="Its id; empty: the demo workspace.")] = "",
) -> None:
    """Import articles, publish them, and index them: repeat it to bring in what changed."""
    line: CommandLine = context.obj
    line.run(_import(line, path.resolve(), workspace or demo_id("workspace", WORKSPACE_KEY)))


async def _import(line: CommandLine, path: Path, workspace_id: str) -> None:
    async with open_house(line.modules, line.settings(), working=False) as house:
        async with svcs.Container(house.registry) as services:
            store, knowledge = await services.aget(Store, KnowledgeBase)
        if not await store.reader.newest_version(workspace_id):
            raise InvalidInput(
                FieldError("workspace", f"{workspace_id} does not exist; run `rapport seed`, or name another")
            )
        done = await import_knowledge(store, system_actor(workspace_id), path)
        console.print(
            f"{done.created} articles created, {done.updated} changed, {done.unchanged} unchanged, "
            f"{done.deleted_here} deleted here and left so. Indexing …"
        )
        edition = await knowledge.library.settle(workspace_id)
        console.print(f"{len(edition.passages)} passages of {len(edition.articles)} articles can be found.")
