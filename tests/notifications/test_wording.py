"""What people read."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import notifications
from notifications.catalogue import WORDED
from notifications.wording import LANGUAGES, LONGEST_TITLE, Wording, reason_texts, sample_words, word


@pytest.mark.parametrize("locale", ["en", "zh", "zh-Hans-CN"])
@pytest.mark.parametrize("type_key", WORDED)
def test_every_type_has_words_in_every_language(type_key: str, locale: str) -> None:
    wording = word(type_key, locale, sample_words(type_key, locale))
    assert wording.title
    assert wording.body
    is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in wording.title + wording.body)
    assert is_chinese == locale.startswith("zh")


def test_words_are_filled_in_and_never_run() -> None:
    assert word("ticket_assigned", "zh", {"subject": "{{ 7 * 7 }}\n<b>", "by": "李雷"}) == Wording(
        title="新工单：{{ 7 * 7 }} <b>", body="李雷将它分配给了您。"
    )
    assert word("ticket_assigned", "fr", {"subject": "A", "by": ""}) == Wording(
        title="Ticket for you: A", body="It was assigned to you."
    )
    assert len(word("ticket_assigned", "en", {"subject": "长" * 300, "by": ""}).title) == LONGEST_TITLE
    with pytest.raises(UndefinedError, match="subject"):
        word("ticket_assigned", "en", {})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_log_has_words_for_every_reason_that_the_room_gives(language: str) -> None:
    """Read off the source, so that a new reason is not forgotten."""
    said = re.compile(r'(?:Withdrawn\(|reason=|otherwise=)"([a-z_]+)"')
    room = Path(notifications.__file__).parent
    given = {code for path in room.rglob("*.py") for code in said.findall(path.read_text(encoding="utf-8"))}
    of_devices = {"removed", "replaced", "stale"}  # why a device was dropped: no delivery's reason
    assert given - of_devices - reason_texts(language).keys() == set()
    for text in reason_texts(language).values():
        text.format(until="09:00", by="x", code="Y", tries=1)
