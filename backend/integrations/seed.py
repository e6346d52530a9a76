"""The demo workspace's import: a file that is here and mapped, for somebody to try and start."""

import svcs

from backend.core.demo import FOLDER, demo_id
from backend.core.store import Store
from backend.crm.attachment_uploads import Uploads
from backend.identity.actors import Actors
from backend.integrations.import_files import import_bytes

SAMPLE = FOLDER.parent / "import" / "contacts.csv"
OWNER = "rep@demo.example"


async def seed_imports(services: svcs.Container, workspace_id: str) -> None:
    """Begin the import of the sample file for the demo's rep."""
    store, uploads, actors = await services.aget(Store, Uploads, Actors)
    actor = await actors.of_user(workspace_id, demo_id("user", OWNER))
    fields = {"name": SAMPLE.name, "kind": "contact", "match_by": "email", "on_match": "skip"}
    await import_bytes(
        store,
        uploads,
        actor,
        fields,
        SAMPLE.read_bytes(),
        id=demo_id("import", SAMPLE.name),
        mutation_id="seed imports",
    )
