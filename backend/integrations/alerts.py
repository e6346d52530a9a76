"""What people are told about imports."""

from collections.abc import Mapping, Sequence

from backend.core.access import HOUSE
from backend.core.alerts import Alert, Telling
from backend.core.unit_of_work import UnitOfWork
from backend.integrations.documents import ImportJob
from backend.integrations.events import ImportFinished


async def _who_started_it(uow: UnitOfWork, event: ImportFinished, job: ImportJob) -> Sequence[str]:
    return [] if job.started_by == HOUSE else [job.started_by]


def _figures(event: ImportFinished, job: ImportJob) -> Mapping[str, int]:
    return {"done": event.done, "failed": event.failed}


TELLING = Telling(
    alerts=(
        Alert(
            type="import_finished",
            event=ImportFinished,
            about=ImportJob,
            tells=_who_started_it,
            words=_figures,
        ),
    )
)
