"""The chat's files, as they are served: small, cached, and nothing in them that a strict page forbids."""

import gzip
import hashlib
import re
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate

import assistant.chat.page as served
from backend.core.trusted_documents import TrustedDocuments, UntrustedDocument
from tests.crew import Crew
from tests.schema import whole_schema
from tests.visitors import make_key

LARGEST = 30_000  # bytes, zipped
WEB = Path(served.__file__).parent / "web"
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in sorted(WEB.glob("*.js"))}
ZIPPED = {"Accept-Encoding": "gzip"}


async def test_the_script_is_small_and_kept_for_minutes(http: httpx.AsyncClient) -> None:
    async with http.stream("GET", "/widget.js", headers=ZIPPED) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert len(raw) < LARGEST
    plain = await http.get("/widget.js", headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(raw) == plain.content
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert plain.headers["cross-origin-resource-policy"] == "cross-origin"
    assert plain.headers["access-control-allow-origin"] == "*"
    assert plain.headers["vary"] == "Accept-Encoding"
    assert plain.headers["x-content-type-options"] == "nosniff"


async def test_a_browser_that_has_the_script_gets_no_second_one(http: httpx.AsyncClient) -> None:
    for encoding in ("gzip", "identity"):
        first = await http.get("/widget.js", headers={"Accept-Encoding": encoding})
        tag = first.headers["etag"]
        assert re.fullmatch(r'"[0-9a-f]{16}(-gzip)?"', tag)  # strong: another for each form
        again = await http.get("/widget.js", headers={"Accept-Encoding": encoding, "If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        other = await http.get("/widget.js", headers={"Accept-Encoding": encoding, "If-None-Match": '"x"'})
        assert other.status_code == 200
    assert (await http.head("/widget.js")).status_code == 200


async def test_a_version_of_the_script_stays_what_it_is(http: httpx.AsyncClient) -> None:
    version = hashlib.sha256((await http.get("/widget.js")).content).hexdigest()[:16]
    pinned = await http.get(f"/widget/{version}.js")
    assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert pinned.content == (await http.get("/widget.js")).content
    for other in ("0" * 16, "x", "..%2fpage"):
        assert (await http.get(f"/widget/{other}.js")).status_code == 404


async def test_our_page_runs_its_own_files_and_nothing_else(crew: Crew, http: httpx.AsyncClient) -> None:
    key = await make_key(crew, name='A "quoted" <b>name</b>', suggestions=['"><script>alert(1)</script>'])
    page = await http.get("/chat", params={"key": key["id"]})
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert "unsafe" not in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert "<b>" not in page.text
    assert "alert(1)</script>" not in page.text
    assert f'key="{key["id"]}"' in page.text
    assert re.findall(r"<script(?! src=\"/widget.js\" defer></script>)|<style| on\w+=", page.text) == []
    assert (await http.get("/chat/page.css")).headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("key", ["01a21235-2c6d-7442-83de-1ae333b146f3", "x", '"><script>', "{'$gt': ''}"])
async def test_a_page_of_no_key_says_so(http: httpx.AsyncClient, key: str) -> None:
    page = await http.get("/chat", params={"key": key})
    assert page.status_code == 200
    assert "key=" not in page.text
    assert '<rapport-chat mode="page"></rapport-chat>' in page.text


async def test_a_key_that_is_not_for_our_page_does_not_open_it(crew: Crew, http: httpx.AsyncClient) -> None:
    key = await make_key(crew, onOwnPage=False)
    assert key["id"] not in (await http.get("/chat", params={"key": key["id"]})).text


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_no_source_parses_text_as_markup_or_code(name: str) -> None:
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|srcdoc"
    forbidden = rf"{markup}|\beval\(|new Function"
    assert re.findall(forbidden, SOURCES[name]) == []
    assert "document.cookie" not in SOURCES[name]


def test_the_modules_fit_into_one_script() -> None:
    """Put together they share one scope: no name twice, and each after what it imports."""
    assert {f"{name}.js" for name in served.MODULES} == set(SOURCES)
    names: dict[str, str] = {}
    for module in served.MODULES:
        source = SOURCES[f"{module}.js"]
        top = re.findall(r"^(?:export )?(?:async )?(?:const|let|class|function) (\w+)", source, re.MULTILINE)
        twice = {name: names[name] for name in top if name in names}
        assert twice == {}, module
        names |= dict.fromkeys(top, module)
        for imported in re.findall(r"from '\./(\w+)\.js'", source):
            before = served.MODULES[: served.MODULES.index(module)]
            assert imported in (*before, "made"), f"{module} imports {imported}, which comes later"


def test_the_chats_own_documents_are_trusted_and_fit_the_schema() -> None:
    """A server that takes trusted documents alone takes these: each word of them is the script's."""
    texts = served.chat_documents()
    assert len(texts) == len(re.findall(r"connection\.graphql\(([A-Z]+)", SOURCES["conversation.js"]))
    schema = whole_schema()
    documents = TrustedDocuments("required")
    for text in texts:
        assert text in SOURCES["conversation.js"]
        assert validate(schema, parse(text)) == []
        with pytest.raises(UntrustedDocument):
            documents.check(text, None)
    documents.trust(texts)
    for text in texts:
        documents.check(text, None)
