"""Which documents are not bound to the open store: a test that binds them elsewhere breaks all after it."""

from backend.core.records import REGISTRY
from backend.core.store import Store


def strays(store: Store) -> list[str]:
    """Return the names of the document classes whose collection is not in the store's database."""
    return sorted(
        document.__name__
        for document in (*REGISTRY.values(), *store.others)
        if document.get_settings().pymongo_collection.database is not store.database
    )
