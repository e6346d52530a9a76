"""Understand what a message wants before anything is looked up; pure.

Small talk, danger, the wish for a human and questions about the asker's own tickets are told by short lists
of phrases: rules on purpose, because a promise to fetch a person must never hang on a score.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from knowledge.text import Language, guess_language, normalise, tokens


class Intent(StrEnum):
    QUESTION = "question"
    GREETING = "greeting"
    THANKS = "thanks"
    WISH_FOR_HUMAN = "wish_for_human"
    DANGER = "danger"
    OWN_TICKETS = "own_tickets"


@dataclass(frozen=True)
class Understood:
    """``language`` is the one the asker writes; answers are framed in it. ``tickets`` are numbers named.

    ``is_vague`` when the message holds too little to look anything up.
    """

    intent: Intent
    language: Language
    tickets: tuple[str, ...] = ()
    is_vague: bool = False


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
_HOW_TO = re.compile(r"(how|why|when|what|where|怎么|为什么|如何)")
_DANGER = re.compile(
    r"\b(on fire|caught fire|is burning|smoke (is )?(coming|rising)|explod(ed|ing)|electric shock"
    r"|electrocuted"
    r"|kill (myself|me|him|her|them)|suicide|(someone|somebody|he|she|i) (is|am|was|got) (hurt|injured"
    r"|bleeding|unconscious)|(bitten|burned|burnt) (his|her|my) (hand|skin|face))\b"
    r"|着火了|起火|冒烟|爆炸|触电|自杀|不想活|受伤了|烧伤|昏迷|流血"
)
_TICKET_NUMBER = re.compile(r"\bt-\d{1,9}\b", re.ASCII)
_OWN_TICKETS_EN = re.compile(
    r"\b(my|our)( \w+){0,2} (tickets?|support cases?|support requests?|open cases?|open requests?"
    r"|complaints?)\b"
    r"|\b(ticket|case|request)s? (do )?(i|we)( have)? (open|opened|filed|sent|submitted|raised|reported)\b"
    r"|\b(do|have) (i|we) (have )?(any )?(open )?tickets?\b"
)
_OWN_TICKETS_ZH = re.compile(
    r"(我|我们)的?(上次|昨天|之前)?(提交?|报|开|发)?的?(那个|这个|所有)?(未结|未完成|没处理完)?的?工单"
    r"|工单.{0,6}(进度|进展|状态|到哪|处理(得|到|好|完|了)|解决了|有人(看|处理|回))"
)
_ASKS_HOW_EN = re.compile(r"\b(how (do|can|to|does|should)|where (do|can) (i|we)|can (i|we))\b")
_ASKS_HOW_ZH = re.compile(r"怎么(提交?|开|建|关|写|填|申请|取消)|如何|在哪里?(提|开|看)")


def understand(text: str) -> Understood:
    """Tell what ``text`` wants and in which language it is written."""
    language = guess_language(text)
    folded = normalise(text)
    plain = re.sub(r"\s+", " ", re.sub(r"[,.!?;~，。！？；、～…]+", " ", folded)).strip()
    named = tuple(dict.fromkeys(match.group().upper() for match in _TICKET_NUMBER.finditer(folded)))
    return Understood(_intent(plain, named), language, named, is_vague(text))


def _intent(plain: str, named: tuple[str, ...]) -> Intent:
    if _GREETING.fullmatch(plain):
        return Intent.GREETING
    if _THANKS.fullmatch(plain):
        return Intent.THANKS
    if _DANGER.search(plain):
        return Intent.DANGER
    if len(plain) <= _LONGEST_WISH and _wishes_for_human(plain):
        return Intent.WISH_FOR_HUMAN
    if named or (len(plain) <= 2 * _LONGEST_WISH and _asks_for_own_tickets(plain)):
        return Intent.OWN_TICKETS
    return Intent.QUESTION


def _wishes_for_human(plain: str) -> bool:
    if _HOW_TO.match(plain):
        return False
    english = _WISH_EN.search(plain)
    if english is not None and (len(english.group()) > 16 or english.group() == plain):
        return True
    chinese = _WISH_ZH.search(plain.replace(" ", ""))
    return chinese is not None and len(plain) <= 3 * len(chinese.group()) + 8


def _asks_for_own_tickets(plain: str) -> bool:
    if _OWN_TICKETS_EN.search(plain):
        return not _ASKS_HOW_EN.search(plain)
    return bool(_OWN_TICKETS_ZH.search(plain.replace(" ", ""))) and not _ASKS_HOW_ZH.search(plain)


def is_vague(text: str) -> bool:
    """Tell whether a message holds too little to look up: one word, or up to three Chinese characters."""
    words = set(tokens(text))
    characters = [word for word in words if len(word) == 1 and not word.isascii()]
    if characters:
        return len(characters) <= 3 and len(words) <= 5
    return len(words) <= 1
