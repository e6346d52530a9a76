"""What may be done with a macro: written by whom it concerns, approved by whom the role lets."""

from assistant.advice.documents import Macro, MacroStatus
from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork


async def create_macro(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Macro:
    """Create a draft; without a locale it is in the actor's language."""
    macro = await new_record(uow, Macro, {"locale": uow.actor.locale, **fields}, id=id)
    uow.save(macro)
    return macro


async def update_macro(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Macro:
    """Change a macro. Other words are a draft again: what was approved were the ones before."""
    macro = await uow.access(Macro, id, action="update", expected_version=expected_version)
    before = (macro.title, macro.body, macro.locale)
    set_fields(macro, fields)
    if (macro.title, macro.body, macro.locale) != before and macro.status is MacroStatus.APPROVED:
        macro.status, macro.approved_by, macro.approved_at = MacroStatus.DRAFT, None, None
    uow.save(macro)
    return macro


async def approve_macro(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Macro:
    """Let a macro be suggested. Raise Forbidden for a role that may not approve macros."""
    await uow.access(Macro, id, action="approve", expected_version=expected_version)
    (macro,) = await uow.entailed(Macro, {"_id": id})
    if macro.status is not MacroStatus.APPROVED:
        macro.status, macro.approved_by, macro.approved_at = (
            MacroStatus.APPROVED,
            uow.actor.user_id,
            uow.at,
        )
        uow.entail(macro)
    return macro


async def retire_macro(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Macro:
    """Suggest a macro no more. Raise InvalidInput for one that was never approved."""
    macro = await uow.access(Macro, id, action="update", expected_version=expected_version)
    if macro.status is MacroStatus.DRAFT:
        raise InvalidInput(FieldError("id", "is a draft, which nobody is suggested; delete it instead"))
    macro.status = MacroStatus.RETIRED
    uow.save(macro)
    return macro


async def delete_macro(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Macro:
    """Delete a macro."""
    macro = await uow.access(Macro, id, action="delete", expected_version=expected_version)
    uow.delete(macro)
    return macro
