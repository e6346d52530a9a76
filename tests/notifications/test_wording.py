"""What people read."""

import pytest
from jinja2 import UndefinedError

from notifications.catalogue import WORDED
from notifications.wording import LONGEST_TITLE, Wording, sample_words, word


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
