"""A workspace's own words: checked when they are saved, shown before, and never a reason to go untold."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from jinja2 import TemplateError

from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.fields import Fields
from backend.core.ids import derived_id
from backend.core.unit_of_work import UnitOfWork
from notifications.catalogue import WORDED, FieldSort
from notifications.documents import NotificationTemplate
from notifications.preferences import zone_of_name
from notifications.template_rules import TemplateRefused, check_template
from notifications.wording import (
    LANGUAGES,
    LETTER_FIELDS,
    PARTS,
    Letter,
    TooLong,
    Wording,
    language_of,
    letter,
    longest_words,
    plain_values,
    refusal_text,
    render,
    sample_words,
    usual_source,
    word,
)

EXAMPLE_LINK = "https://crm.example/app/"


def template_id(workspace_id: str, type_key: str, language: str) -> str:
    """Return the id of a workspace's own words for a type in a language."""
    return derived_id("notification_template", workspace_id, type_key, language)


async def own_template(uow: UnitOfWork, type_key: str, locale: str) -> Mapping[str, str]:
    """Return the workspace's own templates of a type in the language of ``locale``, by part."""
    id = template_id(uow.actor.workspace_id, type_key, language_of(locale))
    found = await uow.as_house().look_up(NotificationTemplate, id)
    return found.parts if found else {}


async def set_template(uow: UnitOfWork, type_key: str, language: str, parts: Fields) -> NotificationTemplate:
    """Set parts of the workspace's own words; a blank part is the usual one again.

    Raise InvalidInput, by part, for what names no field, could loop or swell without end, or would bring a
    script into somebody's mail.
    """
    if not uow.may(NotificationTemplate.kind, "update"):
        raise Forbidden("update", NotificationTemplate.kind)
    given = {name: (parts[name] or "").strip("\r\n") for name in PARTS if name in parts}
    check_own(type_key, language, given, locale=uow.actor.locale)
    id = template_id(uow.actor.workspace_id, type_key, language)
    if await uow.is_taken(NotificationTemplate, id):
        template = await uow.access(NotificationTemplate, id, action="update")
    else:
        template = NotificationTemplate(id=id, type=type_key, locale=language)
    for name, source in given.items():
        setattr(template, name, source)
    uow.save(template)
    return template


def check_own(type_key: str, language: str, parts: Mapping[str, str], *, locale: str = "en") -> None:
    """Raise InvalidInput unless ``parts`` may be a workspace's own words for a type in a language.

    What is wrong with a part is said in the language of ``locale``: whoever writes it reads that.
    """
    if type_key not in WORDED:
        known = ", ".join(sorted(WORDED))
        raise InvalidInput(FieldError("type", f"{type_key!r} is no type of notification; these are: {known}"))
    if language not in LANGUAGES:
        raise InvalidInput(FieldError("locale", f"{language!r} is none of {', '.join(LANGUAGES)}"))
    refused: list[FieldError] = []
    for part, source in parts.items():
        try:
            _check_part(type_key, language, part, source)
        except TemplateRefused as error:
            refused.append(FieldError(part, refusal_text(error, locale)))
    if refused:
        raise InvalidInput(*refused)


def fields_of(type_key: str, part: str) -> Mapping[str, FieldSort]:
    """Return what a part of a type's words may name."""
    own = WORDED[type_key].fields
    return own if part in ("title", "body") else {**LETTER_FIELDS, **own}


def _check_part(type_key: str, language: str, part: str, source: str) -> None:
    fields = fields_of(type_key, part)
    check_template(source, fields, part=part)
    for words in (sample_words(type_key, language), longest_words(type_key), _empty(type_key)):
        values = plain_values(type_key, words, language, ZoneInfo("UTC"))
        letters = {name: EXAMPLE_LINK for name in LETTER_FIELDS if name in fields}
        try:
            render(source, letters | values, part=part)
        except TooLong:
            raise TemplateRefused("swells") from None
        except (TemplateError, TypeError, ValueError) as error:
            raise TemplateRefused("unfilled", error=error) from None


def _empty(type_key: str) -> dict[str, object]:
    blank: Mapping[FieldSort, object] = {
        FieldSort.TEXT: "",
        FieldSort.CHOICE: "",
        FieldSort.NUMBER: 0,
        FieldSort.LINES: [],
    }
    sample = sample_words(type_key, "en")
    return {name: blank.get(sort, sample[name]) for name, sort in WORDED[type_key].fields.items()}


@dataclass(frozen=True)
class Preview:
    """What a recipient would read, filled with made-up values."""

    wording: Wording
    letter: Letter


async def preview_template(
    uow: UnitOfWork, type_key: str, language: str, parts: Mapping[str, str]
) -> Preview:
    """Show how ``parts``, the workspace's own where they are silent, would be read; nothing is saved."""
    if not uow.may(NotificationTemplate.kind, "update"):
        raise Forbidden("update", NotificationTemplate.kind)
    check_own(type_key, language, parts, locale=uow.actor.locale)
    own = {**await own_template(uow, type_key, language), **{name: one for name, one in parts.items() if one}}
    words, zone = sample_words(type_key, language), zone_of_name(uow.actor.time_zone)
    wording = word(type_key, language, words, zone=zone, own=own)
    return Preview(wording, letter(type_key, language, words, wording, link=EXAMPLE_LINK, zone=zone, own=own))


@dataclass(frozen=True)
class UsualTemplate:
    """The house's own templates of a type, by part, and what they may name."""

    fields: list[str]
    parts: Mapping[str, str]


def usual_template(uow: UnitOfWork, type_key: str, language: str) -> UsualTemplate:
    """Return the house's own templates, to begin from."""
    if not uow.may(NotificationTemplate.kind, "update"):
        raise Forbidden("update", NotificationTemplate.kind)
    check_own(type_key, language, {})
    parts = {part: usual_source(type_key, part, language) for part in PARTS}
    return UsualTemplate(sorted({*LETTER_FIELDS, *WORDED[type_key].fields}), parts)
