"""Words of Taiwan are read as the articles have them, where the articles lack them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.demo import FOLDER
from knowledge.markdown_files import read_markdown_folder
from knowledge.regional_words import read_as_here
from knowledge.text import normalise

TEXT = normalise("\n".join(one.body for one in read_markdown_folder(FOLDER / "articles")))


@pytest.mark.parametrize(
    ("question", "read"),
    [
        # 资料 stands in the articles, too (个人资料): it stays
        ("感測器可以匯出資料嗎", "传感器可以导出资料吗"),
        ("手機登入不了", "手机登录不了"),
        ("簡訊收不到", "短信收不到"),
        # the articles say 离线, as Taiwan does; the dictionary alone would make it 脱机
        ("閘道器離線怎麼辦", "网关离线怎么办"),
        # nothing to read otherwise: as it was typed
        ("退貨的運費誰出？", "退貨的運費誰出？"),
        # the articles know neither word
        ("滑鼠壞了", "滑鼠壞了"),
    ],
)
def test_a_word_that_the_articles_lack_is_read_as_theirs(question: str, read: str) -> None:
    assert read_as_here(question, lambda word: word in TEXT) == read


@given(st.text(alphabet="感測器登入資料離線abc ？", max_size=20))
def test_of_articles_that_hold_nothing_nothing_is_read(question: str) -> None:
    assert read_as_here(question, lambda word: False) == question
