"""Understand what a message wants before anything is looked up; pure.

Small talk and the wish for a human are told by short lists of phrases, and only when the message says little
else: rules on purpose, because a promise to fetch a person must never hang on a score.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from knowledge.text import Language, guess_language, normalise


class Intent(StrEnum):
    QUESTION = "question"
    GREETING = "greeting"
    THANKS = "thanks"
    WISH_FOR_HUMAN = "wish_for_human"


@dataclass(frozen=True)
class Understood:
    """``language`` is the one the asker writes; answers are framed in it."""

    intent: Intent
    language: Language


_GREETING = re.compile(
    r"(hello|hi|hey|good (morning|afternoon|evening)|你好|您好|早上好|下午好|晚上好|在吗|哈喽|嗨)"
    r"( there| everyone| all|啊|呀)?"
)
_THANKS = re.compile(
    r"(ok |okay |great |好的 ?|好 ?|太好了 ?)?"
    r"(thanks|thank you|thx|many thanks|cheers|谢谢|多谢|感谢|谢了|非常感谢)"
    r"( a lot| so much| very much| for your help|你|您|你们|啦|了)*"
)
_PERSON_EN = r"(human|(real |live |actual )?(person|agent|human)|somebody|someone|(support )?representative)"
_WISH_EN = re.compile(
    r"(i( would|'d)? (want|like|need)|can i|could i|may i|let me|please|i wish)\b.{0,20}\b"
    rf"(talk|speak|chat|be connected|be transferred)( to| with) (a |an |your )?{_PERSON_EN}"
    rf"|(talk|speak|chat|connect me|transfer me|put me through)( to| with) (a |an |your )?{_PERSON_EN}"
    rf"|(get|give|find) me (a |an )?{_PERSON_EN}|{_PERSON_EN}( please)?"
)
_WISH_ZH = re.compile(
    r"(转|接|找|要|叫|换|联系|切换到?)(到|一?下|一?个)?"
    r"(人工(?=$|客服|坐席|服务|吧|聊|沟通|谢|处理)(客服|坐席|服务)?|真人(客服)?|活人|客服(人员)?(?!电话|热线|时间|邮箱))"
    r"|^(请|麻烦)?人工(客服|服务|坐席)?(吧|谢谢)?$"
    r"|不(想|要)(跟|和|同)机器人"
)
_LONGEST_WISH = 120  # characters: in a longer message the person is more likely part of a question


def understand(text: str) -> Understood:
    """Tell what ``text`` wants and in which language it is written."""
    language = guess_language(text)
    plain = re.sub(r"\s+", " ", re.sub(r"[,.!?;~，。！？；、～…]+", " ", normalise(text))).strip()
    if _GREETING.fullmatch(plain):
        return Understood(Intent.GREETING, language)
    if _THANKS.fullmatch(plain):
        return Understood(Intent.THANKS, language)
    if len(plain) <= _LONGEST_WISH and _wishes_for_human(plain):
        return Understood(Intent.WISH_FOR_HUMAN, language)
    return Understood(Intent.QUESTION, language)


def _wishes_for_human(plain: str) -> bool:
    if re.match(r"(how|why|when|what|where|怎么|为什么|如何)", plain):
        return False
    english = _WISH_EN.search(plain)
    if english is not None and (len(english.group()) > 16 or english.group() == plain):
        return True
    chinese = _WISH_ZH.search(plain.replace(" ", ""))
    return chinese is not None and len(plain) <= 3 * len(chinese.group()) + 8
