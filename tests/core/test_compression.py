"""Which coding a caller is given, and that it can be read."""

import gzip

import brotli
import orjson
import pytest
from backports import zstd

from backend.core.compression import SMALLEST, chosen_coding
from tests.crew import Crew
from tests.mobile_sync.test_pull import make_account

WORDS = "asks about renewal pricing and delivery terms next quarter please follow up with legal"
READ = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("zstd;q=0.5, br;q=0.8, gzip;q=0.8", "br"),
        ("zstd;q=0, *", "br"),
        ("*;q=0", None),
        ("*", "zstd"),
        ("gzip;q=0, identity", None),
        ("br ; q=0.001", "br"),
        ("gzip;q=much", None),
        (",,;q=1,", None),
        ("gzip;level=9", "gzip"),
    ],
)
def test_the_coding_that_is_liked_best(accepted: str, coding: str | None) -> None:
    assert chosen_coding(accepted) == coding


async def test_a_pull_of_records_of_380_bytes_takes_70_bytes_for_each(crew: Crew) -> None:
    path = "/sync/v1/pull?collections=account"
    words = WORDS.split()
    for n in range(120):
        said = " ".join(words[(n * k) % len(words)] for k in range(1, 5))
        fields = {"email": f"office{n}@company.example", "industry": words[n % 7], "description": said}
        await make_account(crew.rep, f"{words[n % 13].title()} GmbH {n}", **fields)
    plain = await crew.rep.http.get(path, headers=crew.rep.headers | {"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    rows = plain.content.splitlines()[:-1]
    assert len(rows) == 120
    assert sum(map(len, rows)) / len(rows) >= 380

    for coding, decompress in READ.items():
        headers = crew.rep.headers | {"Accept-Encoding": coding}
        async with crew.rep.http.stream("GET", path, headers=headers) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])

        assert answer.headers["content-encoding"] == coding
        assert answer.headers["vary"] == "Accept-Encoding"
        assert decompress(raw).splitlines()[:-1] == rows
        assert len(raw) / len(rows) <= 70


async def test_graphql_answers_are_compressed_when_they_are_large(crew: Crew) -> None:
    await make_account(crew.rep, "A")
    queries = {"{ __typename }": False, "{ syncSchema { collections { name jsonSchema } } }": True}
    for query, is_large in queries.items():
        headers = crew.rep.headers | {"Accept-Encoding": "br"}
        async with crew.rep.http.stream("POST", "/graphql", json={"query": query}, headers=headers) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert ("content-encoding" in answer.headers) is is_large
        body = brotli.decompress(raw) if is_large else raw
        assert (len(body) >= SMALLEST) is is_large
        assert "errors" not in orjson.loads(body)
        assert int(answer.headers["content-length"]) == len(raw)
