"""Trusted documents: the operations that an app was built with, sent by the digest of their text.

A manifest is a JSON object from ``sha256:<hex>`` to the document, one file for each version of an app, as
graphql-codegen and Relay write them. A document counts as trusted by its text, however it was sent.
Source: the persisted-documents appendix of GraphQL over HTTP.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import orjson

from backend.core.access import Actor
from backend.core.errors import CRMError, Unavailable

Mode = Literal["off", "prefer", "required"]
PREFIX = "sha256:"
UNKNOWN = "# a document of an id that no manifest holds\n{ __typename }"
"""Stands in the query's place until it is refused where every query is checked."""


class UnknownDocument(CRMError):
    """No manifest holds a document of this id."""

    code = "UNKNOWN_DOCUMENT"
    http_status = 404

    def __init__(self) -> None:
        super().__init__(
            "No trusted document has this id: the app is newer than the manifests of the server, or the id "
            "is mistyped. Send the whole query, or have the app's manifest installed."
        )


class UntrustedDocument(CRMError):
    """This server takes trusted documents only."""

    code = "UNTRUSTED_DOCUMENT"
    http_status = 403

    def __init__(self) -> None:
        super().__init__(
            "This server takes only documents that its apps were built with: send `documentId`, "
            "or use an API key, which may ask freely."
        )


def document_id(text: str) -> str:
    """Return the id of a document: ``sha256:`` and the hex digest of its UTF-8 text."""
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


class TrustedDocuments:
    """The documents of all manifests, and how strict this server is about them."""

    def __init__(self, mode: Mode = "off", documents: Mapping[str, str] | None = None) -> None:
        self.mode = mode
        self._by_id = dict(documents or {})
        self._texts = frozenset(self._by_id.values())

    def trust(self, texts: Iterable[str]) -> None:
        """Take the documents of the house's own pages as well."""
        self._by_id |= {document_id(text): text for text in texts}
        self._texts = frozenset(self._by_id.values())

    def expand(self, body: object) -> object:
        """Return a request's body with the text in place of its ``documentId``; any other as it is.

        ``check`` refuses an unknown id, over a socket as over HTTP.
        """
        if self.mode == "off" or not isinstance(body, dict):
            return body
        if isinstance(body.get("payload"), dict):  # a message of graphql-transport-ws
            return {**body, "payload": self.expand(body["payload"])}
        id = body.get("documentId")
        if not isinstance(id, str):
            return body
        return {**body, "query": self._by_id.get(id) or body.get("query") or UNKNOWN}

    def check(self, text: str, caller: Actor | None) -> None:
        """Raise UnknownDocument or UntrustedDocument unless ``caller`` may run this document."""
        if text == UNKNOWN:
            raise UnknownDocument
        if self.mode == "required" and text not in self._texts and not may_ask_freely(caller):
            raise UntrustedDocument


def may_ask_freely(caller: Actor | None) -> bool:
    """Say whether ``caller`` may send documents of its own to a server that takes trusted ones: API keys."""
    return caller is not None and bool(caller.api_key_id)


def read_manifests(mode: Mode, folder: Path | None) -> TrustedDocuments:
    """Return the documents of every ``*.json`` in ``folder``.

    Raise Unavailable when one cannot be read, or an id is not the digest of its text: a server that
    started without the documents of its apps would answer none of them.
    """
    if mode == "off":
        return TrustedDocuments()
    if folder is None or not folder.is_dir():
        raise Unavailable(
            f"RAPPORT_TRUSTED_DOCUMENTS is {mode}, but RAPPORT_TRUSTED_DOCUMENTS_DIR ({folder}) is no "
            "folder: name the one with the manifests, or turn trusted documents off."
        )
    documents: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        documents |= _read_manifest(path)
    return TrustedDocuments(mode, documents)


def _read_manifest(path: Path) -> dict[str, str]:
    try:
        found = orjson.loads(path.read_bytes())
        wrong = [id for id, text in found.items() if document_id(text) != id]
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise Unavailable(
            f'The manifest {path} is not a JSON object of documents by id ({{"sha256:…": "…"}}): {error}'
        ) from None
    if wrong:
        raise Unavailable(
            f"The manifest {path} names documents by ids that are not their SHA-256: {', '.join(wrong[:3])}; "
            "write it anew."
        )
    return dict(found)
