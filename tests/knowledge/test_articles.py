"""Articles over GraphQL: drafts, publication, versions, refusals."""

from typing import Any

from backend.core.ids import new_id
from knowledge.documents import Article, ArticleVersion, content_hash
from tests.crew import Crew, Person

FIELDS = "id version revision title status visibility locale"
CREATE = f"mutation($input: ArticleCreateInput!) {{ articleCreate(input: $input) {{ {FIELDS} }} }}"


async def create(person: Person, **fields: Any) -> dict[str, Any]:
    data = {"title": "Refunds", "body": "You have **30 days**.", **fields}
    made: dict[str, Any] = (await person.ask(CREATE, input=data))["articleCreate"]
    return made


async def code_of(person: Person, query: str, **variables: Any) -> tuple[Any, list[str]]:
    answer = await person.post(query, **variables)
    return answer["data"], [error["extensions"]["code"] for error in answer.get("errors", ())]


async def test_an_article_goes_from_draft_to_its_second_published_text(crew: Crew) -> None:
    made = await create(crew.agent, locale="en-GB", changeNote="first words")
    assert made == {
        "id": made["id"],
        "version": 1,
        "revision": made["revision"],
        "title": "Refunds",
        "status": "DRAFT",
        "visibility": "INTERNAL",
        "locale": "en-GB",
    }
    shown = {"id": made["id"], "publish": True, "visibility": "PUBLIC"}
    published = await crew.agent.do("articleUpdate", shown, FIELDS)
    assert (published["status"], published["version"]) == ("PUBLISHED", 1)
    change = {"id": made["id"], "body": "You have 60 days.", "expectedVersion": published["revision"]}
    changed = await crew.agent.do("articleUpdate", change | {"changeNote": "longer"}, FIELDS)
    assert (changed["version"], changed["status"]) == (2, "PUBLISHED")
    assert changed["revision"] > published["revision"] > made["revision"]
    same = await crew.agent.do("articleUpdate", {"id": made["id"], "body": "You have 60 days."}, FIELDS)
    assert same == changed
    asked = """query($id: ID!) {
        article(id: $id) { version body versions { number body changeNote contentHash } } }"""
    assert (await crew.agent.ask(asked, id=made["id"]))["article"] == {
        "version": 2,
        "body": "You have 60 days.",
        "versions": [
            {
                "number": number,
                "body": body,
                "changeNote": note,
                "contentHash": content_hash("Refunds", body),
            }
            for number, body, note in (
                (2, "You have 60 days.", "longer"),
                (1, "You have **30 days**.", "first words"),
            )
        ],
    }
    # The customer reads the article, not what it used to say.
    assert (await crew.customer.ask(asked, id=made["id"]))["article"]["versions"] == []


async def test_a_stale_revision_changes_nothing(crew: Crew) -> None:
    made = await create(crew.agent)
    changed = await crew.agent.do("articleUpdate", {"id": made["id"], "title": "Returns"}, FIELDS)
    stale = {"id": made["id"], "title": "Mine", "expectedVersion": made["revision"]}
    refused = await crew.agent.do("articleUpdate", stale, FIELDS)
    assert (refused["code"], refused["currentVersion"]) == ("CONFLICT", changed["revision"])
    gone = await crew.manager.do("articleDelete", {"id": made["id"], "expectedVersion": made["revision"]})
    assert gone["code"] == "CONFLICT"
    article = await crew.house.store.reader.get(Article, made["id"])
    assert article is not None
    assert (article.title, article.version_number, article.deleted_at) == ("Returns", 2, None)


async def test_drafts_are_read_by_their_owner_their_team_and_managers(crew: Crew) -> None:
    made = await create(crew.agent)
    query = "query($id: ID!) { article(id: $id) { id } }"
    for name in ("rep", "customer"):
        assert await code_of(crew.people[name], query, id=made["id"]) == ({"article": None}, ["NOT_FOUND"])
    for name in ("agent", "manager", "admin"):
        assert await crew.people[name].ask(query, id=made["id"]) == {"article": {"id": made["id"]}}


async def test_who_may_not_write_gets_an_error_and_nothing_is_written(crew: Crew) -> None:
    id = new_id()
    data = {"id": id, "title": "Mine", "body": "x", "publish": True, "visibility": "PUBLIC"}
    for name in ("customer", "rep"):
        assert await code_of(crew.people[name], CREATE, input=data) == (None, ["FORBIDDEN"])
    assert await crew.house.store.reader.get(Article, id) is None
    made = await create(crew.agent, publish=True, visibility="PUBLIC")
    for name in ("customer", "rep"):
        refused = await crew.people[name].do("articleUpdate", {"id": made["id"], "title": "Mine"}, FIELDS)
        assert refused["code"] == "FORBIDDEN"
    assert (await crew.agent.do("articleDelete", {"id": made["id"]}))["code"] == "FORBIDDEN"
    article = await crew.house.store.reader.get(Article, made["id"])
    assert article is not None
    assert (article.title, article.deleted_at) == ("Refunds", None)


async def test_wrong_input_is_named_by_field(crew: Crew) -> None:
    wrong = {"title": " ", "body": " \n", "locale": "English!", "publish": True}
    answer = await crew.agent.post(CREATE, input=wrong)
    [error] = answer["errors"]
    assert (answer["data"], error["extensions"]["code"]) == (None, "INVALID_INPUT")
    assert [found["field"] for found in error["extensions"]["fields"]] == ["title", "body", "locale"]
    long = {"title": "a", "body": "b", "changeNote": "x" * 501}
    assert await code_of(crew.agent, CREATE, input=long) == (None, ["INVALID_INPUT"])
    assert await crew.house.store.unit_of_work(crew.system).count(Article) == 0
    assert await crew.house.store.unit_of_work(crew.system).count(ArticleVersion) == 0


async def test_the_same_creation_twice_is_one_article(crew: Crew) -> None:
    first = await create(crew.agent, mutationId="m1", publish=True)
    assert await create(crew.agent, mutationId="m1", publish=True) == first
    assert await crew.house.store.unit_of_work(crew.system).count(ArticleVersion) == 1
