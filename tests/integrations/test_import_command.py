"""``rapport import``: what it says, what it leaves, what it refuses. (Its process: ``test_import_runs``.)"""

from pathlib import Path
from typing import Any

import pytest
import svcs

from backend.core.errors import InvalidInput
from backend.integrations.documents import OnMatch
from backend.integrations.import_command import FileImport, import_path
from tests.crew import Crew
from tests.crm.filing import NOTHING, bytes_kept
from tests.integrations.importing import names

PEOPLE = "姓名,邮箱,爱好\n林悦,lin@anhe.example,茶\n韩国栋,none,酒\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_bytes(PEOPLE.encode("gb18030"))
    return path


async def said(crew: Crew, file: Path, **asked: Any) -> tuple[bool, list[str]]:
    """Import ``file`` as the command does; return whether all is in, and what was said."""
    sentences: list[str] = []
    wanted = FileImport(path=file, workspace_id=crew.workspace_id, **{"kind": "contact", **asked})
    async with svcs.Container(crew.house.registry) as services:
        is_whole = await import_path(services, wanted, sentences.append)
    await crew.house.relay.settle()
    return is_whole, sentences


async def test_a_dry_run_says_what_would_happen_and_leaves_nothing(crew: Crew, file: Path) -> None:
    assert await said(crew, file, dry_run=True) == (
        False,
        [
            "姓名 → full_name",
            "邮箱 → email",
            "爱好 → left out",
            "line 3: failed: email is not an e-mail address; write it as name@company.example",
            "Nothing was imported. 2 rows: 1 created, 0 updated, 0 skipped, 1 failed, 0 with a remark.",
        ],
    )
    assert await names(crew.admin) == []
    assert (await crew.admin.ask("{ importJobs { nodes { id } } }"))["importJobs"]["nodes"] == []
    assert await bytes_kept(crew) == NOTHING


async def test_it_imports_for_a_person_or_for_nobody(crew: Crew, file: Path) -> None:
    email = (await crew.user("rep")).email
    is_whole, sentences = await said(crew, file, person=email.upper(), mapping=["爱好=description"])
    assert not is_whole
    assert sentences[2] == "爱好 → description"
    assert sentences[-1].endswith(
        ": partial. 2 rows: 1 created, 0 updated, 0 skipped, 1 failed, 0 with a remark."
    )
    file.write_text("姓名,邮箱\n林悦,lin@anhe.example\n新人,new@anhe.example\n")
    is_whole, _ = await said(crew, file, match_by="email", on_match=OnMatch.SKIP)
    assert is_whole
    found = (await crew.admin.ask("{ contacts { nodes { fullName description ownerId } } }"))["contacts"]
    assert sorted((one["fullName"], one["description"], one["ownerId"]) for one in found["nodes"][1:]) == [
        ("林悦", "茶", crew.rep.user_id)
    ]
    assert found["nodes"][0] == {"fullName": "新人", "description": "", "ownerId": None}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"path": Path("/nowhere/people.csv")}, "file"),
        ({"kind": "ticket"}, "kind"),
        ({"mapping": ["description"]}, "mapping"),
        ({"mapping": ["Phone=phone"]}, "mapping"),
        ({"person": "nobody@test.example"}, "for"),
        ({"workspace_id": "0190a8d2-7a00-7000-8000-000000000001"}, "workspace"),
        ({"on_match": OnMatch.UPDATE}, "match_by"),
    ],
)
async def test_what_is_wrong_is_said_before_anything_is_written(
    crew: Crew, file: Path, asked: dict[str, Any], field: str
) -> None:
    wanted: dict[str, Any] = {"path": file, "workspace_id": crew.workspace_id, "kind": "contact"}
    with pytest.raises(InvalidInput) as refused:
        async with svcs.Container(crew.house.registry) as services:
            await import_path(services, FileImport(**(wanted | asked)), lambda _: None)
    assert refused.value.errors[0].field == field
    assert await names(crew.admin) == []
    assert await bytes_kept(crew) == NOTHING


async def test_a_file_of_a_hundred_megabytes_is_refused_before_it_is_read(crew: Crew, file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(100 * 1024 * 1024)
    with pytest.raises(InvalidInput, match="has 104857600 bytes, more than"):
        await said(crew, file)
    assert await bytes_kept(crew) == NOTHING
