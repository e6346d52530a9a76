"""The export of one person over HTTP, by a signed link."""

from typing import Annotated

import svcs
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from backend.core.access import Actor
from backend.core.services import services
from backend.core.store import Store
from backend.crm.attachment_files import AttachmentFiles
from backend.crm.privacy.export_links import ExportLink, read_link
from backend.crm.privacy.exports import check_export, exporter, zip_of_person
from backend.identity.actors import Actors
from backend.identity.sign_in import TokenPolicy

router = APIRouter(prefix="/privacy", tags=["privacy"])
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@router.get("/export/{id}", response_class=StreamingResponse)
async def export_person(
    id: str,
    token: Annotated[str, Query(max_length=2_000)],
    services: Annotated[svcs.Container, Depends(services)],
) -> StreamingResponse:
    """Send everything about a person as a zip, to whom the link was made for."""
    store, files, policy = await services.aget(Store, AttachmentFiles, TokenPolicy)
    link = read_link(token, id, policy.key, now=store.clock.now())
    actor = exporter(await _holder(await services.aget(Actors), link), link.contact_id)
    await store.write(actor, lambda uow: check_export(uow, link.contact_id, noted_as="person.exported"))
    disposition = f'attachment; filename="person-{link.contact_id}.zip"'
    return StreamingResponse(
        zip_of_person(store, files, actor, link.contact_id),
        media_type="application/zip",
        headers=HEADERS | {"Content-Disposition": disposition},
    )


async def _holder(actors: Actors, link: ExportLink) -> Actor:
    """Return who asked for the link, as of now; raise Unauthenticated when nobody any more."""
    if link.session_id:
        return await actors.of_session(link.workspace_id, link.user_id, session_id=link.session_id)
    return await actors.of_user(link.workspace_id, link.user_id)
