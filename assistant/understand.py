"""Understand what a message wants before anything is looked up; pure.

Small talk, danger, the wish for a human and questions about the asker's own records are told by short lists
of phrases: rules on purpose, because a promise to fetch a person must never hang on a score.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from assistant.people_needed import is_in_danger, wishes_for_person
from knowledge.text import Language, guess_language, normalise, tokens


class Intent(StrEnum):
    QUESTION = "question"
    GREETING = "greeting"
    THANKS = "thanks"
    FINE = "fine"  # that is all, or goodbye
    WHO_ANSWERS = "who_answers"  # a machine or a person
    WISH_FOR_HUMAN = "wish_for_human"
    DANGER = "danger"
    OWN_TICKETS = "own_tickets"
    OWN_CONTRACTS = "own_contracts"
    OWN_PAYMENTS = "own_payments"


@dataclass(frozen=True)
class Understood:
    """``language`` is the one the asker writes; answers are framed in it.

    ``tickets``, ``contracts`` and ``payments`` are numbers named.
    ``is_vague`` when the message holds too little to look anything up.
    """

    intent: Intent
    language: Language
    tickets: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    is_vague: bool = False


_GREETING = re.compile(
    r"(hello|hi|hey|good (morning|afternoon|evening)|你好|您好|早上好|下午好|晚上好|在吗|哈喽|嗨)"
    r"( there| everyone| all|啊|呀)?"
)
_THANKS = re.compile(
    r"(ok |okay |great |got it |i see |好的 ?|好 ?|太好了 ?|明白了? ?|知道了 ?|了解了? ?|收到 ?)?"
    r"(thanks|thank you|thx|many thanks|cheers|谢谢|多谢|感谢|谢了|非常感谢)"
    r"( a lot| so much| very much| for your help|你|您|你们|啦|了)*"
)
_FINE = re.compile(
    r"(ok(ay)?|all ?right|fine|good|great|perfect|cool|got it|i see|understood|noted|that'?s (all|it|great"
    r"|fine)"
    r"|no more questions|nothing else|(good ?)?bye( bye)?|see you|have a (nice|good) day"
    r"|好的?|嗯+|行|知道了|明白了?|了解了?|清楚了|收到|没(有)?(别的|其他)?问题了?|没事了|没有了|再见|拜拜"
    r"|回头见)"
    r"( (ok|okay|then|bye|great|好的?|了|啦|再见))*(啦|了|呢|哦|噢|吧)?"
)
_WHO_ANSWERS = re.compile(
    r"(hey |hi |hello )?((are|r) (you|u)|is this|am i (talking|speaking|chatting|writing) (to|with))( an?"
    r"| the| some)*"
    r" (real |actual |live )*(bot|robot|chat ?bot|human( being)?|person|machine|computer|ai|agent|some(one"
    r"|body)|real)"
    r"( real)?( or (an? )?(real |actual )?(bot|robot|human|person|machine|ai|computer))?( here| please)?"
    r"|(who|what) are you|who am i (talking|speaking|chatting) (to|with)|are you real"
    r"|(请问)?(你|您|你们)(到底)?是(不是)?(一?个)?(机器人|真人|活人|人工|人工客服|人工智能|ai|智能助手|人"
    r"|机器|谁|什么)"
    r"(还是(一?个)?(机器人|真人|人工|人|ai|机器))?(吗|嘛|么|啊|呀|呢|在回复)?"
    r"|(我)?(是)?在?(跟|和|同)(机器人?|真人|人|谁|ai)(聊天|说话|对话|聊|在聊)(吗|嘛|么|呢)?"
)
LONGEST_OF_RECORDS = 240  # characters: what somebody wants of their own records is said in fewer
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
_CONTRACT_NUMBER = re.compile(r"\bc-\d{6,9}\b", re.ASCII)
_PAYMENT_NUMBER = re.compile(r"\bp-\d{6,9}\b", re.ASCII)
# Of contracts and payments articles speak, too: only where somebody's own one stands, or when, is looked up.
_OWN_CONTRACTS_EN = re.compile(
    r"\b(my|our)( \w+){0,2} (contracts?|agreements?)\b|\b(do|have) (i|we) (have )?(\w+ ){0,2}contracts?\b"
    r"|\bcontracts? (do )?(i|we) have\b"
)
_WHERE_IT_STANDS_EN = re.compile(
    r"\b(when|until|till|how long|status|ends?|ending|expires?|expired|expiring|runs? out|start(s|ed)?"
    r"|renewal|renewed|in force|valid|show|list|which|do (i|we) have|have (i|we)|(i|we) have)\b"
)
_OWN_CONTRACTS_ZH = re.compile(
    r"(我|我们|我司|我公司|我们公司)(现在|目前|这边)?(的|有|都有|签的?|跟你们|和你们).{0,8}合同"
)
_WHERE_IT_STANDS_ZH = re.compile(
    r"到期|过期|有效期|期限|什么时候|何时|哪天|几号|多久|状态|生效|哪些|哪几|几份|列出|看看|看一下|查"
)
_OWN_PAYMENTS_EN = re.compile(
    r"\b(my|our)( \w+){0,2} (payments?|instal?lments?)\b.{0,60}"
    r"\b(due|overdue|outstanding|open|status|received|arrived?|late)\b"
    r"|\b(when|show|list|which)\b.{0,40}\b(my|our)( \w+){0,2} (payments?|instal?lments?)\b"
    r"|\b(how much|what|anything|something) (do |that )?(i|we) (still )?owe\b|\bdo (i|we) (still )?owe\b"
)
_OWN_PAYMENTS_ZH = re.compile(
    r"(我|我们|我司|我公司)的?.{0,8}(付款|尾款|货款|款项|首付款|质保金|服务费|应付款).{0,10}"
    r"(多少|什么时候|何时|哪天|几号|到期|逾期|状态|收到|到账|付清|结清|欠)"
    r"|(收到|到账).{0,4}(我|我们|我司)的.{0,6}(付款|尾款|货款|款项)"
    r"|(我|我们|我司|我公司)(现在|目前)?(还)?(欠|差)(你们|贵司)?.{0,4}(多少|钱|款)"
    r"|(我|我们|我司|我公司)(还)?有(哪些|多少|没有)?.{0,4}(没付|未付|待付|逾期).{0,4}(款|钱)"
)
_WORD = re.compile(r"[^\W_]+")
WORDS_OF_A_QUESTION = 4
_ASKS = re.compile(
    r"[?？]|^(how|what|when|where|which|who|whose|why|can|could|may|is|are|do|does|did|will|would|should|must"
    r"|have|has)\b"
    r"|吗|呢$|怎么|怎样|什么|哪|多少|多久|几|如何|能不能|可不可以|可以.{0,8}不|是否|是不是|有没有|为什么|为何"
)
_ASKS_HOW_EN = re.compile(r"\b(how (do|can|to|does|should)|where (do|can) (i|we)|can (i|we))\b")
_ASKS_HOW_ZH = re.compile(r"怎么(提交?|开|建|关|写|填|申请|取消)|如何|在哪里?(提|开|看)")


def understand(text: str) -> Understood:
    """Tell what ``text`` wants and in which language it is written."""
    language = guess_language(text)
    folded = normalise(text)
    plain = re.sub(r"\s+", " ", re.sub(r"[,.!?;~，。！？；、～…]+", " ", folded)).strip()
    tickets = _named(_TICKET_NUMBER, folded)
    contracts, payments = _named(_CONTRACT_NUMBER, folded), _named(_PAYMENT_NUMBER, folded)
    return Understood(
        _intent(plain, tickets=tickets, contracts=contracts, payments=payments),
        language,
        tickets=tickets,
        contracts=contracts,
        payments=payments,
        is_vague=is_vague(text),
    )


def _named(number: re.Pattern[str], folded: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.group().upper() for match in number.finditer(folded)))


def _intent(
    plain: str, *, tickets: tuple[str, ...], contracts: tuple[str, ...], payments: tuple[str, ...]
) -> Intent:
    if _GREETING.fullmatch(plain):
        return Intent.GREETING
    if _THANKS.fullmatch(plain):
        return Intent.THANKS
    if _FINE.fullmatch(plain):
        return Intent.FINE
    if _WHO_ANSWERS.fullmatch(plain):
        return Intent.WHO_ANSWERS
    if is_in_danger(plain):
        return Intent.DANGER
    if wishes_for_person(plain):
        return Intent.WISH_FOR_HUMAN
    is_short = len(plain) <= LONGEST_OF_RECORDS
    if tickets or (is_short and _asks_for_own(plain, _OWN_TICKETS_EN, _OWN_TICKETS_ZH)):
        return Intent.OWN_TICKETS
    if payments or (is_short and _asks_for_own(plain, _OWN_PAYMENTS_EN, _OWN_PAYMENTS_ZH)):
        return Intent.OWN_PAYMENTS
    if contracts or (is_short and _asks_for_own_contracts(plain)):
        return Intent.OWN_CONTRACTS
    return Intent.QUESTION


def _asks_for_own(plain: str, english: re.Pattern[str], chinese: re.Pattern[str]) -> bool:
    if english.search(plain):
        return not _ASKS_HOW_EN.search(plain)
    return bool(chinese.search(plain.replace(" ", ""))) and not _ASKS_HOW_ZH.search(plain)


def _asks_for_own_contracts(plain: str) -> bool:
    is_theirs = _asks_for_own(plain, _OWN_CONTRACTS_EN, _OWN_CONTRACTS_ZH)
    return is_theirs and bool(_WHERE_IT_STANDS_EN.search(plain) or _WHERE_IT_STANDS_ZH.search(plain))


def is_vague(text: str) -> bool:
    """Tell whether a message holds too little to look up: one word, or up to three Chinese characters.

    One word among the smallest ones of a whole question ("Where is my order?") is enough.
    """
    words = set(tokens(text))
    characters = [word for word in words if len(word) == 1 and not word.isascii()]
    if characters:
        return len(characters) <= 3 and len(words) <= 5
    return len(words) <= 1 and len(_WORD.findall(normalise(text))) < WORDS_OF_A_QUESTION


def is_question(text: str) -> bool:
    """Tell whether a message asks something rather than tells it, by its marks and words."""
    return bool(_ASKS.search(normalise(text).strip()))


def is_named(text: str, title: str) -> bool:
    """Tell whether a title has a word of a message; of Chinese, two of its characters together."""
    words = {word for word in tokens(text) if len(word) > 1}
    return not words.isdisjoint(tokens(title))
