"""The bytes of attachments over HTTP, by signed links: tus 1.0.0 to send them, ranges to fetch them.

Sources: tus resumable upload protocol 1.0.0 (core and expiration); RFC 9110 §13 (conditional requests)
and §14 (ranges); RFC 6266 and RFC 8187 (file names).
"""

from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import Annotated
from urllib.parse import quote

import svcs
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from backend.core.access import Actor
from backend.core.byte_ranges import ByteRange, Unsatisfiable, read_range
from backend.core.errors import CRMError, Unauthenticated
from backend.core.ids import checked_id
from backend.core.services import services
from backend.core.store import Store
from backend.core.uploads import UploadRules
from backend.crm.attachment_files import AttachmentFiles, AttachmentUpload
from backend.crm.attachment_links import FileLink, FileLinks, Purpose
from backend.crm.attachment_uploads import Uploads
from backend.crm.attachments import download_attachment, open_ready
from backend.crm.documents import Attachment
from backend.identity.actors import Actors

TUS = "1.0.0"
OFFSETS = "application/offset+octet-stream"
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
}
"""On every download: whatever it is, no browser may run it here, guess at it, or show it without asking."""


class UnsupportedTus(CRMError):
    """The client speaks another version of tus, or none."""

    code = "TUS_VERSION"
    http_status = 412


class WrongMediaType(CRMError):
    """The body is not declared as what the protocol sends."""

    code = "WRONG_MEDIA_TYPE"
    http_status = 415


class WrongHeader(CRMError):
    """A header that the protocol needs is missing or unreadable."""

    code = "WRONG_HEADER"
    http_status = 400


class _TusRoute(APIRoute):
    """Name the protocol's version in every answer, refusals included, as tus demands."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Tus-Resumable"] = TUS
            await send(message)

        await super().handle(scope, receive, answer)


router = APIRouter(prefix="/files", tags=["files"])
tus = APIRouter(prefix="/files", tags=["files"], route_class=_TusRoute)

Services = Annotated[svcs.Container, Depends(services)]
Token = Annotated[str, Query(max_length=2_000, description="As the link has it.")]


@router.options("/{id}", include_in_schema=False)
async def describe(id: str, services: Services) -> Response:
    """Say what of tus is spoken here."""
    most = (await services.aget(UploadRules)).max_bytes
    speaks = {"Tus-Resumable": TUS, "Tus-Version": TUS, "Tus-Extension": "expiration"}
    return Response(status_code=204, headers={**speaks, "Tus-Max-Size": str(most)})


@tus.patch("/{id}", status_code=204)
async def append(id: str, request: Request, services: Services, token: Token = "") -> Response:
    """Add bytes to an upload where it stands (`Upload-Offset`); the last ones finish it."""
    _check_tus(request)
    if request.headers.get("content-type") != OFFSETS:
        raise WrongMediaType(f"Send the bytes as Content-Type: {OFFSETS}.")
    uploads, actor, upload = await _standing(services, await _link(services, token, id))
    return await _receive(uploads, actor, upload, _offset(request), request)


@tus.put("/{id}", status_code=204)
async def send_whole(id: str, request: Request, services: Services, token: Token = "") -> Response:
    """Send a file in one piece; what had come of it before is dropped. For clients without tus."""
    uploads, actor, upload = await _standing(services, await _link(services, token, id))
    if upload.offset:
        upload = await uploads.restart(upload, actor)
    return await _receive(uploads, actor, upload, 0, request)


@tus.head("/{id}")
async def stand(id: str, request: Request, services: Services, token: Token = "") -> Response:
    """Say how far an upload is; with a link for downloading, what GET would say."""
    link = await _link(services, token, id)
    if link.purpose is Purpose.DOWNLOAD:
        return await _answer(link, request, services)
    _check_tus(request)
    uploads, actor, upload = await _standing(services, link)
    if upload.is_whole:
        await uploads.finish(actor, upload)
    return Response(status_code=200, headers=_progress(upload))


@router.get("/{id}", response_class=Response)
async def fetch(id: str, request: Request, services: Services, token: Token = "") -> Response:
    """Download a file, or a range of it, by a link from `attachmentUrl`."""
    return await _answer(await _link(services, token, id), request, services)


async def _link(services: svcs.Container, token: str, id: str) -> FileLink:
    links, store = await services.aget(FileLinks, Store)
    return links.read(token, checked_id(id), now=store.clock.now())


async def _holder(services: svcs.Container, link: FileLink, purpose: Purpose) -> Actor:
    """Return who asked for the link, as of now; raise Unauthenticated when nobody any more."""
    if link.purpose is not purpose:
        raise Unauthenticated(f"This link is for {link.purpose}, not for {purpose}; ask for the other one.")
    actors = await services.aget(Actors)
    if link.session_id:
        return await actors.of_session(link.workspace_id, link.user_id, session_id=link.session_id)
    return await actors.of_user(link.workspace_id, link.user_id)


async def _receive(
    uploads: Uploads, actor: Actor, upload: AttachmentUpload, offset: int, request: Request
) -> Response:
    await uploads.receive(upload, offset, _until_gone(request))
    if upload.is_whole:
        await uploads.finish(actor, upload)
    return Response(status_code=204, headers=_progress(upload))


async def _until_gone(request: Request) -> AsyncIterator[bytes]:
    """Yield the body until it ends or the sender goes: what came is kept, and resumed from."""
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        return


async def _standing(services: svcs.Container, link: FileLink) -> tuple[Uploads, Actor, AttachmentUpload]:
    actor, uploads = await _holder(services, link, Purpose.UPLOAD), await services.aget(Uploads)
    return uploads, actor, await uploads.standing(actor, link.attachment_id)


async def _answer(link: FileLink, request: Request, services: svcs.Container) -> Response:
    actor, id = await _holder(services, link, Purpose.DOWNLOAD), link.attachment_id
    store, files = await services.aget(Store, AttachmentFiles)
    attachment = await open_ready(store.unit_of_work(actor), id)
    headers = _headers(attachment)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        part = _part(request, attachment, headers["ETag"])
    except Unsatisfiable:
        return Response(status_code=416, headers=SAFE | {"Content-Range": f"bytes */{attachment.size}"})
    wanted = part or ByteRange(0, attachment.size)
    headers["Content-Length"] = str(len(wanted))
    if part:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{attachment.size}"
    if request.method == "HEAD":
        return Response(status_code=200, headers=headers)
    if wanted.start == 0:  # what goes on from a broken download is the same download
        await store.write(actor, lambda uow: download_attachment(uow, id))
    body = files.read(id, wanted.start, wanted.end)
    return StreamingResponse(body, status_code=206 if part else 200, headers=headers)


def _part(request: Request, attachment: Attachment, etag: str) -> ByteRange | None:
    if request.method == "HEAD" or request.headers.get("if-range", etag) != etag:
        return None
    return read_range(request.headers.get("range"), attachment.size)


def _headers(attachment: Attachment) -> dict[str, str]:
    plain = "".join(one if one.isascii() and one not in '"\\%' else "_" for one in attachment.name)
    name = f"filename=\"{plain}\"; filename*=UTF-8''{quote(attachment.name, safe='')}"
    shown = {"Content-Type": attachment.content_type, "Content-Disposition": f"attachment; {name}"}
    return SAFE | shown | {"ETag": f'"{attachment.sha256}"'}


def _progress(upload: AttachmentUpload) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.size),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }


def _check_tus(request: Request) -> None:
    if request.headers.get("tus-resumable") != TUS:
        raise UnsupportedTus(f"Only tus {TUS} is spoken here: send Tus-Resumable: {TUS}.")


def _offset(request: Request) -> int:
    given = request.headers.get("upload-offset", "")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise WrongHeader("Send Upload-Offset: the number of bytes that have arrived, as HEAD says it.")
    return int(given)
