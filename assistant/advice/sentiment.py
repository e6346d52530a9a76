"""How a customer's words sound, by the words themselves, in Chinese and English; pure.

A short list that anybody can check, with negations and emoji: coarse, and never more than a trend over
several messages. Source: the idea is that of Hutto and Gilbert 2014 (VADER), without its weights.
"""

import re
from collections.abc import Sequence
from functools import cache
from statistics import fmean

from knowledge.text import normalise

LEAST_MESSAGES = 4  # fewer have no trend
CLEARLY = 0.25  # a difference of means that is more than chance words

_GOOD_EN = """
    thanks thank great good excellent perfect helpful quick quickly fast friendly happy glad love wonderful
    amazing appreciate appreciated awesome nice pleased satisfied solved works resolved impressed recommend
"""
_BAD_EN = """
    bad terrible awful horrible slow broken angry annoyed annoying disappointed disappointing frustrated
    frustrating useless unacceptable complaint complain refund cancel wrong worse worst fail failed fails
    failing error errors problem problems never late delay delayed delays unhappy ridiculous lost waste
    rude poor urgent stuck down offline
"""
_GOOD_ZH = (
    "谢谢 感谢 很好 不错 满意 太好了 非常好 给力 专业 及时 迅速 顺利 解决了 好用 赞 喜欢 推荐 辛苦了 棒"
)
_BAD_ZH = (
    "失望 生气 愤怒 投诉 退款 退货 太慢 很慢 太差 很差 垃圾 故障 坏了 错误 不行 不满 糟糕 催 着急 "
    "没人 没有人 拖延 延误 骗 崩溃 无法 不能 问题 取消 掉线 报错 麻烦"
)
_NOT_EN = frozenset(
    {"not", "no", "never", "cannot", "without", "hardly", "isn't", "wasn't", "don't", "didn't"}
)
_NOT_ZH = ("不", "没", "没有", "别", "无")
_GOOD_SIGNS, _BAD_SIGNS = "😀😃😄😊🙂👍🎉❤🙏😍", "😡😠😞😢😭👎😤🙁☹"

_GOOD, _BAD = frozenset(_GOOD_EN.split()), frozenset(_BAD_EN.split())
_WORD = re.compile(r"[a-z']+")


@cache
def _chinese_marks() -> dict[str, int]:
    """Return each Chinese word's mark. Not made at import: ``normalise`` makes a large table first."""
    good, bad = (map(normalise, words.split()) for words in (_GOOD_ZH, _BAD_ZH))
    return dict.fromkeys(good, 1) | dict.fromkeys(bad, -1)


@cache
def _chinese_word() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, _chinese_marks()), key=len, reverse=True)))


def mood(text: str) -> float:
    """Return how a text sounds, −1 to 1; 0 where no word on the list is in it."""
    folded = normalise(text)
    marks = [*_english(folded), *_chinese(folded)]
    marks += [1] * sum(folded.count(sign) for sign in _GOOD_SIGNS)
    marks += [-1] * sum(folded.count(sign) for sign in _BAD_SIGNS)
    return sum(marks) / (len(marks) + 1) if marks else 0.0


def _english(folded: str) -> list[int]:
    words = _WORD.findall(folded)
    found = []
    for place, word in enumerate(words):
        mark = (word in _GOOD) - (word in _BAD)
        if mark:
            denied = not _NOT_EN.isdisjoint(words[max(0, place - 3) : place])
            found.append(-mark if denied and mark > 0 else mark)
    return found


def _chinese(folded: str) -> list[int]:
    found = []
    for match in _chinese_word().finditer(folded):
        mark, before = _chinese_marks()[match[0]], folded[max(0, match.start() - 2) : match.start()]
        found.append(-mark if mark > 0 and before.endswith(_NOT_ZH) else mark)
    return found


def trend(moods: Sequence[float]) -> str | None:
    """Return ``better``, ``worse`` or ``steady``, the newer half against the older; None of too few."""
    if len(moods) < LEAST_MESSAGES:
        return None
    half = len(moods) // 2
    change = fmean(moods[half:]) - fmean(moods[:half])
    return "better" if change > CLEARLY else "worse" if change < -CLEARLY else "steady"
