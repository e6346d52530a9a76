"""The real model, made once a session, and the public knowledge bases where they are at hand."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import svcs

from backend.core.settings import Settings
from backend.house import House
from knowledge.embedding import Embedder
from knowledge.model_files import prepare_default_model
from knowledge.search import KnowledgeBase


@pytest.fixture(scope="session")
def models_folder(settings: Settings) -> Path:
    """The house's own folder, in which two threads made the model at the same moment."""
    parent = settings.data_dir / "models"
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(prepare_default_model, [parent, parent])
    assert first == second
    return parent


@pytest.fixture(scope="session")
async def knowledge(house: House, models_folder: Path) -> KnowledgeBase:
    """The house's knowledge base, its model loaded: the one load of the session."""
    async with svcs.Container(house.registry) as services:
        found = await services.aget(KnowledgeBase)
    await found.embedder.wait_until_ready()
    return found


@pytest.fixture(scope="session")
def embedder(knowledge: KnowledgeBase) -> Embedder:
    return knowledge.embedder


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of public sets, which are never committed; skips when it is not there."""
    places = [Path(os.environ[name]) for name in ("RAPPORT_EVAL_DATA",) if os.environ.get(name)]
    places.append(Path(__file__).parents[3] / "shared" / "data")
    for place in places:
        if (place / "tidb_faq_zh" / "corpus.jsonl.gz").is_file():
            return place
    pytest.skip(f"public data sets not found in {places[0]}; set RAPPORT_EVAL_DATA (see docs/evaluation.md)")
