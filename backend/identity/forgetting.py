"""Forgetting how a person signed in: what of them lies outside records, in whichever room.

Credentials, sessions, tokens and queues are no records; each names its person by ``user_id``, mail that is
still to leave by its address.
"""

from typing import Any

from backend.core.store import Store
from backend.identity.documents import User
from backend.identity.sign_in import folded
from backend.identity.tries import unlock_address

ADDRESSES = ("email", "address", "to", "recipient")  # what a document that is no record may call one


async def forget_sign_in(store: Store, user: User) -> int:
    """Delete everything that is no record and belongs to ``user``; return how much. Repeatable.

    ``user`` still has the address that they signed in with.
    """
    gone = 0
    for document in store.others:
        for where in _of_user(document, user):
            done = await document.get_pymongo_collection().delete_many(where)
            gone += done.deleted_count
    await unlock_address(folded(user.email))
    return gone


def _of_user(document: type[Any], user: User) -> list[dict[str, str]]:
    names = document.model_fields
    owned = [{"user_id": user.id}] if "user_id" in names else []
    return owned + [{name: folded(user.email)} for name in ADDRESSES if name in names]
