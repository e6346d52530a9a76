"""The demo's import, and the sample file that the documentation names."""

import svcs

from backend.core.access import system_actor
from backend.core.demo import WORKSPACE_KEY, demo_id
from backend.house import House
from backend.identity.seed import seed_people
from backend.integrations.documents import ImportJob, ImportStatus
from backend.integrations.seed import SAMPLE, seed_imports
from tests.crew import Crew
from tests.integrations.importing import begun, done, names


async def test_the_demo_holds_an_import_that_waits_to_be_started(house: House) -> None:
    workspace_id = demo_id("workspace", WORKSPACE_KEY)
    async with svcs.Container(house.registry) as services:
        await seed_people(services, workspace_id)
        for _ in range(2):  # a seeding that was killed is repeated
            await seed_imports(services, workspace_id)
    (job,) = await house.store.unit_of_work(system_actor(workspace_id)).find(ImportJob)
    assert (job.status, job.rows.total, job.match_by) == (ImportStatus.MAPPED, 6, "email")
    assert job.owner_id == demo_id("user", "rep@demo.example")
    assert all(one.field for one in job.mapping)


async def test_the_sample_shows_a_row_that_is_refused_and_one_that_is_there(crew: Crew) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    job = await begun(crew.rep, text, matchBy="email", onMatch="SKIP")
    ended = await done(crew, crew.rep, "importStart", job["id"])
    rows = ended["rows"]
    assert (rows["total"], rows["created"], rows["skipped"], rows["failed"]) == (6, 4, 1, 1)
    assert [(one["line"], one["field"]) for one in ended["errors"]["nodes"]] == [(6, "email")]
    assert await names(crew.rep) == ["Amélie Caron", "Magnus Lindqvist", "沈若溪", "郭子涵"]
