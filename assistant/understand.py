"""Understand what a message wants before anything is looked up; pure.

Danger to people and to goods, the wish for a human and questions about the asker's own records are told by
short lists of phrases: rules on purpose, because a promise to fetch a person must never hang on a score.
`small_talk` has those of what asks nothing.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from assistant.goods_in_danger import are_goods_in_danger
from assistant.hours_asked import HoursAsked, hours_asked
from assistant.people_needed import is_in_danger, wishes_for_person
from assistant.question_words import ASKS_ZH
from assistant.small_talk import SmallTalk, is_upset, small_talk, wished_language
from knowledge.text import Language, guess_language, normalise, tokens


class Intent(StrEnum):
    QUESTION = "question"
    GREETING = "greeting"
    THANKS = "thanks"
    FINE = "fine"  # that is all, or goodbye
    WHO_ANSWERS = "who_answers"  # a machine or a person
    WISH_FOR_HUMAN = "wish_for_human"
    DANGER = "danger"
    GOODS_IN_DANGER = "goods_in_danger"
    OPENING_HOURS = "opening_hours"
    OWN_TICKETS = "own_tickets"
    OWN_CONTRACTS = "own_contracts"
    OWN_PAYMENTS = "own_payments"


@dataclass(frozen=True)
class Understood:
    """``language`` is the one the asker writes; answers are framed in it.

    ``tickets``, ``contracts`` and ``payments`` are numbers named.
    ``wants_settled``: of payments, those that came in, too.
    ``hours``: what is asked of them; an intent only where a workspace has set some (`in_context`).
    ``is_unhelped`` when the message says no more than that the answer missed, ``is_upset`` when it is angry,
    ``wishes_language`` when it asks for one.
    """

    intent: Intent
    language: Language
    tickets: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    wants_settled: bool = False
    is_unhelped: bool = False
    is_upset: bool = False
    wishes_language: bool = False
    hours: HoursAsked | None = None


_SMALL_TALK = {
    SmallTalk.GREETING: Intent.GREETING,
    SmallTalk.THANKS: Intent.THANKS,
    SmallTalk.FINE: Intent.FINE,
    SmallTalk.WHO_ANSWERS: Intent.WHO_ANSWERS,
}
LONGEST_OF_RECORDS = 240  # characters: what somebody wants of their own records is said in fewer
_TICKET_NUMBER = re.compile(r"\bt-\d{1,9}\b", re.ASCII)
_OWN_TICKETS_EN = re.compile(
    r"\b(my|our)( \w+){0,2} (tickets?|support cases?|support requests?|open cases?|open requests?"
    r"|complaints?)\b"
    r"|\b(ticket|case|request)s? (do )?(i|we)( have)? (open|opened|filed|sent|submitted|raised|reported)\b"
    r"|\b(do|have) (i|we) (have )?(any )?(open )?tickets?\b"
    r"|\b(status|update|updates|progress|news) (of|on|about|for|regarding|with) (my"
    r"|our) (\w+ )?(issue|problem"
    r"|request|case|report|complaint)\b|\b(my|our) (issue|problem|request|case|report)( \w+){0,2} (status"
    r"|progress|update)\b|\bany (update|updates|news|progress) (on|about|with|regarding) (my|our)\b"
    r"|\b(my|our) ?工单"
)
_OWN_TICKETS_ZH = re.compile(
    r"(我|我们)的?(上次|昨天|之前)?(提交?|报|开|发)?的?(那个|这个|所有)?(未结|未完成|没处理完)?的?工单"
    r"|工单.{0,6}(进度|进展|状态|到哪|处理(得|到|好|完|了)|解决了|有人(看|处理|回)|有回复|回复了)"
    r"|(我|我们)(之前|上次|昨天|前天|上周|前几天|刚才|刚刚)?(报|提|提交|反映|反馈|投诉|申请"
    r"|申报)过?的(那个|这个|那些)?"
    r"(问题|事情?|故障|单子|报修).{0,8}(处理|进度|进展|到哪|怎么样|解决|回复|结果|有人|消息)"
    r"|(上个?月|上周|昨天|前天|上次|之前|前几天|那天)(的?那个|报修|提交?|申请)?.{0,6}的?(单子?|工单|申请|报修|投诉)(了)?"
    r"(有|到|现在)?.{0,4}(处理|进度|进展|怎么样|解决|回复|结果|消息|人(管|理|看|回))"
    r"|(上个?月|上周|昨天|前天|上次|之前|前几天|那天)(报修|报|提|提交|反映|反馈|投诉)过?的.{0,8}(处理|进度|进展|到哪|怎么样|解决|回复|结果|有人|消息)"
)
_CONTRACT_NUMBER = re.compile(r"\bc-\d{6,9}\b", re.ASCII)
_PAYMENT_NUMBER = re.compile(r"\bp-\d{6,9}\b", re.ASCII)
# Of contracts and payments articles speak, too: only where somebody's own one stands, or when, is looked up.
_OWN_CONTRACTS_EN = re.compile(
    r"\b(my|our)( \w+){0,2} (contracts?|agreements?)\b|\b(do|have) (i|we) (have )?(\w+ ){0,2}contracts?\b"
    r"|\bcontracts? (do )?(i|we) have\b|\b(my|our) ?(合同|合约|协议)"
    r"|\bthe (\w+ ){0,2}(contract|agreement)( is| was|'s)?( \w+)? (over|due|end|ends|ending|up"
    r"|expires?|expired"
    r"|expiring|run(s|ning)? out|still in force|still valid|renewed)\b"
    r"|\bthe (\w+ ){0,2}(contract|agreement) when (is|does|will) it\b"
)
_WHERE_IT_STANDS_EN = re.compile(
    r"\b(when|until|till|how long|status|ends?|ending|expires?|expired|expiring|runs? out|start(s|ed)?"
    r"|renewal|renewed|in force|valid|show|list|which|do (i|we) have|have (i|we)|(i|we) have)\b"
)
_OWN_CONTRACTS_ZH = re.compile(
    r"(我|我们|我司|我公司|我们公司)(现在|目前|这边|名下)?(的|有|都有|签的?|跟你们|和你们|跟贵司"
    r"|和贵司).{0,8}(合同|合约|协议)"
    r"|(合同|合约|协议)(什么时候|何时|哪天|几号|多久|还有多久|还剩多久|快要?|是不是)+(到期|过期|结束"
    r"|终止|续签)"
    r"|(合同|合约|协议)(快要?|已经?)?(到期|过期|生效|续签|签)(了)?(吗|没|没有|吧)|(合同|合约"
    r"|协议).{0,8}还(剩|有)几天"
)
_WHERE_IT_STANDS_ZH = re.compile(
    r"到期|过期|有效期|期限|什么时候|何时|哪天|几号|多久|状态|生效|还剩|签了|续签|哪些|哪几|几份"
    r"|几个|多少个|多少份|列出|看看|看一下|查"
)
_OWN_PAYMENTS_EN = re.compile(
    r"\b(my|our)( \w+){0,2} (payments?|instal?lments?)\b.{0,60}"
    r"\b(due|overdue|outstanding|open|status|received|arrived?|late)\b"
    r"|\b(when|show|list|which)\b.{0,40}\b(my|our)( \w+){0,2} (payments?|instal?lments?)\b"
    r"|\b(how much|what|anything|something) (do |that )?(i|we) (still )?owe\b|\bdo (i|we) (still )?owe\b"
    r"|\b(my|our)( \w+){0,2} (payments?|transfers?|wire|money)( has| have)?( \w+)? (arrived?|received|come"
    r"|came|go|gone|went|get|got)( there| in| through)?\b"
    r"|\b(my|our|the) (last|latest|previous|recent) (payment|instal?lment|transfer)\b"
    r"|\b(have|did|has) (you|u|my|our)( \w+){0,2} (receive|received|get|got|arrived?)( \w+){0,2} ?(payment"
    r"|transfer|money)?\b.{0,20}\b(my|our) (payment|transfer|money)\b"
)
_OWN_PAYMENTS_ZH = re.compile(
    r"(我|我们|我司|我公司)的?.{0,8}(付款|尾款|货款|款项|首付款|质保金|服务费|应付款).{0,10}"
    r"(多少|什么时候|何时|哪天|几号|到期|逾期|状态|收到|到账|付清|结清|欠)"
    r"|(收到|到账).{0,4}(我|我们|我司)的.{0,6}(付款|尾款|货款|款项)"
    r"|(我|我们|我司|我公司)(现在|目前)?(还)?(欠|差)(你们|贵司)?.{0,4}(多少|钱|款)"
    r"|(我|我们|我司|我公司)(还)?有(哪些|多少|没有)?.{0,4}(没付|未付|待付|逾期).{0,4}(款|钱)"
    r"|(我|我们|我司|我公司)?还?有(哪些|什么|多少|几笔).{0,3}(款项?|钱|账).{0,3}(没|未|待)(付|结|清|给|交)"
    r"|(上次|上一?笔|最近(的)?(一次|一笔)|最后一笔)(的)?(付款|付钱|付的款|打款|转账|汇款|款项?)"
    r"|(尾款|质保金|余款|首付款|进度款)(是|要|该)?(什么时候|何时|哪天|几号|还差|还有多少|多少|到期|逾期)"
)
_CAME_IN = re.compile(
    r"\b(last|latest|previous|recent|received?|arrived?|paid|come|came|gone?|went|got)\b"
    r"|上次|上一?笔|最近|最后一笔|收到|到账|已付|付过|付清|结清了"
)
_WORD = re.compile(r"[^\W_]+")
WORDS_OF_A_QUESTION = 4
_ASKS = re.compile(
    r"[?？]|^(how|what|when|where|which|who|whose|why|can|could|may|is|are|do|does|did|will|would|should|must"
    r"|have|has)\b"
    rf"|{ASKS_ZH}|呢$|(?<![十好])几(?![十百千万])|可以.{{0,8}}不"
)
_ASKS_HOW_EN = re.compile(r"\b(how (do|can|to|does|should)|where (do|can) (i|we)|can (i|we))\b")
_ASKS_HOW_ZH = re.compile(r"怎么(提交?|开|建|关|写|填|申请|取消)|如何|在哪里?(提|开|看)")


def understand(text: str) -> Understood:
    """Tell what ``text`` wants and in which language it is written, or wishes to be answered."""
    folded = normalise(text)
    plain = plain_of(folded)
    talk, language = small_talk(folded), wished_language(folded)
    tickets = _named(_TICKET_NUMBER, folded)
    contracts, payments = _named(_CONTRACT_NUMBER, folded), _named(_PAYMENT_NUMBER, folded)
    if talk is not None and talk in _SMALL_TALK:
        intent = _SMALL_TALK[talk]
    elif language:
        intent = Intent.GREETING
    else:
        intent = _intent(plain, folded, tickets=tickets, contracts=contracts, payments=payments)
    return Understood(
        intent,
        language or guess_language(text),
        tickets=tickets,
        contracts=contracts,
        payments=payments,
        wants_settled=bool(_CAME_IN.search(plain)),
        is_unhelped=talk is SmallTalk.UNHELPED,
        is_upset=is_upset(folded),
        wishes_language=bool(language),
        hours=hours_asked(plain),
    )


def plain_of(folded: str) -> str:
    """Return a folded text as one line of words, without the marks between them."""
    return re.sub(r"\s+", " ", re.sub(r"[,.!?;~，。！？；、～…]+", " ", folded)).strip()


def _named(number: re.Pattern[str], folded: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.group().upper() for match in number.finditer(folded)))


def _intent(
    plain: str,
    folded: str,
    *,
    tickets: tuple[str, ...],
    contracts: tuple[str, ...],
    payments: tuple[str, ...],
) -> Intent:
    if is_in_danger(plain):
        return Intent.DANGER
    if are_goods_in_danger(folded):
        return Intent.GOODS_IN_DANGER
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
