"""The knowledge room's page."""

from collections.abc import Mapping

import svcs

from backend.core.access import Level, grant
from backend.core.module import Module
from backend.core.relay import Delivery
from backend.core.settings import Settings
from backend.core.store import Store
from knowledge.commands import commands
from knowledge.documents import Article, ArticleVersion
from knowledge.embedding import Embedder
from knowledge.events import ArticleChanged, ArticlePublished, ArticleRemoved
from knowledge.graphql import ArticleMutation, ArticleQuery, KnowledgeInsightQuery
from knowledge.library import Library
from knowledge.search import KnowledgeBase
from knowledge.seed import seed_articles
from knowledge.synced import ARTICLES

ALL, TEAM, OWN = Level.ALL, Level.TEAM, Level.OWN
MANAGED = grant(read=ALL, create=ALL, update=ALL, delete=ALL, assign=ALL)
READ_AS_AUDIENCE = grant(read=OWN)
# Below ALL an actor reaches what its audiences read: an agent may mend any published article, and drafts of
# the own team; for the same reason nobody below ALL may delete.
WRITTEN = grant(read=TEAM, create=OWN, update=TEAM)


def _provide(registry: svcs.Registry) -> None:
    """Give the house its knowledge base; it is closed with the house."""
    with svcs.Container(registry) as services:
        settings, store = services.get(Settings, Store)
    embedder = Embedder(models_folder=settings.data_dir / "models", model=settings.embedding_model)
    snapshots = settings.data_dir / "knowledge"
    if snapshots.is_dir():
        embedder.start_loading()  # questions will come: the model is there before the first
    knowledge = KnowledgeBase(Library(store, embedder, snapshots), embedder)
    registry.register_value(
        KnowledgeBase, knowledge, ping=KnowledgeBase.check, on_registry_close=knowledge.close
    )


async def _on_article(delivery: Delivery, services: svcs.Container) -> None:
    """Begin to index what changed; whoever asks next would do it, too."""
    knowledge = await services.aget(KnowledgeBase)
    knowledge.library.notice(delivery.entry.workspace_id)


async def _status(services: svcs.Container) -> Mapping[str, str]:
    return {"knowledge": (await services.aget(KnowledgeBase)).state}


module = Module(
    name="knowledge",
    documents=(Article, ArticleVersion),
    queries=(ArticleQuery, KnowledgeInsightQuery),
    mutations=(ArticleMutation,),
    listens={"knowledge.index": (_on_article, (ArticlePublished, ArticleChanged, ArticleRemoved))},
    roles={
        "manager": {"article": MANAGED, "article_version": MANAGED},
        "agent": {"article": WRITTEN, "article_version": grant(read=OWN, create=OWN)},
        "rep": {"article": READ_AS_AUDIENCE},
        "customer": {"article": READ_AS_AUDIENCE},
        "visitor": {"article": READ_AS_AUDIENCE},
    },
    token_scopes={"knowledge": frozenset({"article", "article_version"})},
    provide=_provide,
    commands=commands,
    synced=(ARTICLES,),
    seed=seed_articles,
    status=_status,
)
