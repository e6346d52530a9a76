"""The chat's files: the script that anybody may embed, and our own page that is made of it.

The script is put together from its modules when it is first asked for: one file, no build step, and nothing
that a strict policy of the page that embeds it forbids.
"""

import asyncio
import gzip
import hashlib
import html
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from backend.core.errors import NotFound
from backend.identity.chat_keys import open_at_own_page

router = APIRouter(tags=["chat"])

READ = ["GET", "HEAD"]
WEB = Path(__file__).parent / "web"
MODULES = (
    *("words", "dom", "text", "memory", "connection", "conversation"),
    *("message_view", "panels", "element", "boot"),
)
"""The script's modules, each after what it imports. No two of them name the same thing."""

IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE | re.DOTALL)
DOCUMENT = re.compile(r"^const [A-Z]+ = (['`])((?:query|mutation|\{).*?)\1;$", re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export ", re.MULTILINE)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What our own page may do: run its one script and call this server. Source: CSP Level 3."""

FOR_EVERYBODY = {
    "Access-Control-Allow-Origin": "*",  # lets a page check the script's integrity
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
}
SHORT_LIFE = "public, max-age=300, stale-while-revalidate=86400"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """A file as it is served: plain and gzipped, under a tag of its content."""

    plain: bytes
    zipped: bytes
    version: str


@cache
def widget() -> Asset:
    """Return the script, put together from its modules. Reads files: call it off the event loop."""
    style = re.sub(r"\n\s*", "\n", (WEB / "style.css").read_text(encoding="utf-8"))
    parts = [
        "const SCRIPT = document.currentScript;\nconst SCRIPT_URL = SCRIPT?.src;\n",
        f"const STYLE = {json.dumps(style, ensure_ascii=False)};\n",
    ]
    for name in MODULES:
        source = (WEB / f"{name}.js").read_text(encoding="utf-8")
        parts.append(EXPORT.sub("", IMPORT.sub("", source)))
    plain = f"(() => {{\n'use strict';\n{''.join(parts)}}})();\n".encode()
    return Asset(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:16])


def chat_documents() -> list[str]:
    """Return the GraphQL that the chat sends, as it stands in its source: constants without blanks."""
    source = (WEB / "conversation.js").read_text(encoding="utf-8")
    return [found[1] for found in DOCUMENT.findall(source)]


@router.api_route("/widget.js", methods=READ, include_in_schema=False)
async def newest(request: Request) -> Response:
    """Return the script, for five minutes: pages that embed it get the newest."""
    return _served(request, await asyncio.to_thread(widget), SHORT_LIFE)


@router.api_route("/widget/{version}.js", methods=READ, include_in_schema=False)
async def pinned(version: str, request: Request) -> Response:
    """Return this very version of the script, for ever, for pages that check its integrity."""
    asset = await asyncio.to_thread(widget)
    if version != asset.version:
        raise NotFound("version of the widget", version[:40])
    return _served(request, asset, FOR_EVER)


@router.api_route("/chat", methods=READ, include_in_schema=False)
async def page(key: str = "") -> Response:
    """Return the chat as a page: of the key named, or of the only one that there is."""
    known = await open_at_own_page(key)
    attributes = ""
    if known is not None:
        about = {"key": known.id, "heading": known.name, "suggestions": "|".join(known.suggestions)}
        attributes = "".join(f' {name}="{html.escape(text)}"' for name, text in about.items() if text)
    text = (await asyncio.to_thread((WEB / "page.html").read_text, "utf-8")).replace(
        "{attributes}", attributes
    )
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return Response(text, media_type="text/html", headers=headers)


@router.api_route("/chat/page.css", methods=READ, include_in_schema=False)
async def page_style() -> Response:
    """Return what our page has beside the chat: a ground."""
    text = await asyncio.to_thread((WEB / "page.css").read_text, "utf-8")
    return Response(text, media_type="text/css", headers={"Cache-Control": SHORT_LIFE})


def _served(request: Request, asset: Asset, life: str) -> Response:
    """Answer with the file in the form that the browser takes. Source: RFC 9110, 8.8.3 and 13.1.2."""
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{asset.version}{"-gzip" if zipped else ""}"'
    headers = {**FOR_EVERYBODY, "ETag": tag, "Cache-Control": life, "X-Version": asset.version}
    if tag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.zipped if zipped else asset.plain, media_type="text/javascript", headers=headers)
