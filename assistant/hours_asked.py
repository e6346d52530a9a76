"""Who asks when people are there, and of which days; pure.

A message asks for the hours when it consists of nothing but the words of such a question: who (you, support,
anybody), being there (open, available, 上班), when. "How do I open a ticket" and "电池能工作多长时间" have a
word that is none of these, and are looked up like any other.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MOST_DAYS = 14  # told one by one
_WEEKDAYS = (
    ("monday", "mon", "一"), ("tuesday", "tue", "二"), ("wednesday", "wed", "三"), ("thursday", "thu", "四"),
    ("friday", "fri", "五"), ("saturday", "sat", "六"), ("sunday", "sun", "[日天]"),
)  # fmt: skip
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
# Days that people call by name. Those without a date move each year: only a calendar that names them knows.
_HOLIDAYS: tuple[tuple[str, tuple[int, int] | None, str], ...] = (
    (r"christmas eve|平安夜", (12, 24), "christmas eve|平安夜"),
    (r"boxing day", (12, 26), "boxing"),
    (r"christmas(?: day)?|xmas|圣诞节?", (12, 25), "christmas|圣诞"),
    (r"new year'?s eve|跨年", (12, 31), "new year's eve"),
    (
        r"chinese new year|lunar new year|spring festival|春节|过年|除夕|大年(?:初.|三十)",
        None,
        "spring|春节|除夕",
    ),
    (r"new year(?:'?s)?(?: day)?|元旦", (1, 1), "new year|元旦"),
    (r"labou?r day|may day|五一|劳动节", (5, 1), "labour|劳动|五一"),
    (r"national day|golden week|国庆节?|十一", (10, 1), "national|国庆"),
    (r"清明节?", None, "清明"),
    (r"端午节?|dragon boat(?: festival)?", None, "端午|dragon"),
    (r"中秋节?|mid-?autumn(?: festival)?", None, "中秋|autumn"),
    (r"easter(?: (?:sunday|monday))?|good friday", None, "easter|good friday"),
    (r"thanksgiving(?: day)?", None, "thanksgiving"),
)
_HOLIDAY = "|".join(pattern for pattern, _, _ in _HOLIDAYS)
_WEEKDAY_EN = "|".join(rf"{name}s?|{short}(?!\w)" for name, short, _ in _WEEKDAYS)
_MONTH = "|".join(rf"{name}|{name[:3]}(?!\w)" for name in _MONTHS)
_DATE = (
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})"
    rf"|(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?"
    r"|(?P<month3>\d{1,2})月(?P<day3>\d{1,2})[日号]"
)
_NOW = (
    r"right now|now|currently|at the moment|(?:this|so) late"
    r"|at this (?:hour|time)(?: of (?:the )?(?:day|night))?"
    r"|现在|目前|这会儿?|此刻|这么(?:晚|早)|大(?:半夜|晚上|清早)|这个?(?:时候|时间|点儿?|钟点)"
)
_TODAY = r"today|tonight|this (?:morning|afternoon|evening)|今天|今晚|今日"
_TOMORROW = r"tomorrow|明天|明早|明晚|明日"
_AFTER_TOMORROW = r"the day after tomorrow|后天"
_WEEKEND = r"weekends?|周末|双休日?"
_WEEKDAY_ZH = r"(?:周|星期|礼拜)[一二三四五六日天]"
_DAY = (
    rf"{_NOW}|{_AFTER_TOMORROW}|{_TODAY}|{_TOMORROW}|{_WEEKEND}|\b(?:{_WEEKDAY_EN})|{_WEEKDAY_ZH}"
    rf"|{_HOLIDAY}|{_DATE}"
)
_HOUR = (
    r"\b(?:in the )?(?:mornings?|afternoons?|evenings?|nights?|noon|midnight)\b"
    r"|\b\d{1,2}(?:[:.]\d\d)? ?(?:am|pm|o'clock)\b"
    r"|(?:早上|上午|中午|下午|晚上|夜里|夜间|半夜|凌晨|通宵)|[\d一二三四五六七八九十两]{1,3}点半?"
    r"|(?:public |bank )?holidays|weekdays|节假日|假期|工作日"
)
_WHEN = (
    r"\bwhen\b|\bwhat (?:time|days|hours)\b|\b(?:until|till|how late)\b|几点|什么时[候间]|何时|啥时候"
    r"|哪几?天|多久"
)
_WHO_EN = (
    r"(?:you(?: guys)?|your (?:team|support|office|people|staff|agents|service)|(?:customer "
    r"|tech(?:nical)? )?"
    r"(?:support|service)|the (?:team|office|support|hotline|helpdesk)|any(?:one|body)|some(?:one|body)"
    r"|people"
    r"|(?:a |an |any |real |live )*(?:human|person|agent|colleague)s?|staff|no ?body)"
)
_THERE_EN = (
    r"(?:open(?:s|ed)?|closed?|closes|closing|available|there|here|around|online|working|works?|on duty|back"
    r"|staffed)"
)
_REACH_EN = r"(?:reach|call|contact|phone|speak (?:to|with)|talk (?:to|with)|chat with|get hold of)"
_WHO_ZH = r"(?:你们|您们|贵公司|客服|人工|真人|工作人员|同事|技术支持|售后|公司|有人|人)"
_CORE = re.compile(
    rf"\b(?:opening|office|business|working|service|support|closing|your) (?:hours|times)\b|^hours$"
    rf"|\b24 ?/ ?7\b"
    rf"|\baround the clock\b|\b(?:are|is|will|do|does|be) {_WHO_EN}(?: (?:be|still|also|even))* {_THERE_EN}\b"
    rf"|\b{_WHO_EN} (?:is |are |be |still )*{_THERE_EN}\b|\b{_THERE_EN} {_WHO_EN}\b|\b{_REACH_EN} {_WHO_EN}\b"
    rf"|\bwill {_WHO_EN} (?:be|answer|reply|respond|come|get back|look at)\b"
    r"|[上下]班|[开关]门|营业|(?:工作|服务|客服|在线|上班|人工)时间|放假|休息|值班|24 ?小时|全天"
    rf"|{_WHO_ZH}.{{0,6}}(?:在线|在岗|在|上班|接待)|[有找]到?(?:得到)?(?:人工|真人|客服|人)"
)
# Around these, words that carry nothing of their own.
_EMPTY_EN = frozenset(
    """
    up a an the at on in for to of from by after before between and or are is do does did will would can
    could be been being i we me it us your my what which time times hours hour day days week zone
    timezone also even usually normally still exactly again then so ok please pls hi hello hey thanks
    there here long late early this next coming every each all over during until till when how that
    yours mine tell start starts finish usual get back call answer
    """.split()  # noqa: SIM905  prose reads better here
)
_EMPTY_ZH = frozenset(
    "请问你您好们的是在有没不会能可以要得到从吗嘛么呢呀啊吧哦了还都也那和跟或者一般通常平时哪个里找联系打电话给我时间区期点钟几谁间"
)
_FRAME = re.compile(
    rf"{_DAY}|{_HOUR}|{_WHEN}|\b{_WHO_EN}\b|\b{_THERE_EN}\b|\b{_REACH_EN}\b|\b24 ?/ ?7\b|\baround the clock\b"
    r"|\b(?:opening|office|business|working|service|support|closing|answer|reply|respond|come|look at)\b"
    r"|[上下]班|[开关]门|营业|工作时间|服务时间|在线|在岗|接待|放假|休息|值班|24 ?小时|全天|期间|以后|之前"
    r"|之后"
    rf"|{_WHO_ZH}|有没有|是不是|会不会|什么|打电话"
)
_WANTS_TO_TALK = re.compile(rf"\b{_REACH_EN}\b")


@dataclass(frozen=True)
class HoursAsked:
    """``days`` as they were said, in order; none: the hours in general.

    ``is_of_now``: whether somebody is there. ``is_range``: from the first of two days to the second.
    """

    days: tuple[str, ...] = ()
    is_of_now: bool = False
    is_range: bool = False


@dataclass(frozen=True)
class DaysMeant:
    """The dates that are asked for.

    ``unentered``: holidays, as they were said, for which the calendar has no hours of its own.
    """

    dates: tuple[date, ...]
    unentered: tuple[str, ...] = ()


def hours_asked(plain: str, *, follows_hours: bool = False) -> HoursAsked | None:
    """Return what a folded message asks of the hours; None when it asks anything else, or more.

    ``follows_hours``: the hours were asked for just before, and a day alone ("and on Sunday?") is enough.
    """
    said = [match.group() for match in re.finditer(_DAY, plain)]
    is_timed = bool(said or re.search(_HOUR, plain) or re.search(_WHEN, plain))
    core = _CORE.search(plain) or _CORE.search(plain.replace(" ", ""))
    if not (core or (follows_hours and (is_timed or "time" in plain))) or not _is_all(plain):
        return None
    is_of_now = any(re.fullmatch(_NOW, one) for one in said)
    if core and not is_timed and not re.search(r"open|close|hours|24|clock|班|门|营业|时间|放假|全天", plain):
        return None  # "is anybody there?" wants somebody, not the hours
    if _WANTS_TO_TALK.search(plain) and not re.search(_WHEN, plain) and (is_of_now or not said):
        return None  # so does "can I talk to somebody now?"
    days = tuple(one for one in said if not re.fullmatch(_NOW, one))
    is_range = len(days) == 2 and bool(re.search(r"\bbetween\b|到|至", plain))
    return HoursAsked(days, is_of_now=is_of_now and not days, is_range=is_range)


def _is_all(plain: str) -> bool:
    rest = _FRAME.sub(" ", plain)
    return all(word in _EMPTY_EN or _EMPTY_ZH.issuperset(word) or word == "'s" for word in rest.split())


def days_meant(
    asked: HoursAsked, today: date, *, names: Sequence[tuple[date, str]], entered: Collection[date]
) -> DaysMeant:
    """Return the dates, from ``today`` on, of the days that were said.

    ``names`` are a calendar's own, ``entered`` the dates that it has hours of their own for.
    """
    found: list[date] = []
    unentered: list[str] = []
    for said in asked.days:
        dates = _dates_of(said, today, names)
        found += dates
        if re.fullmatch(_HOLIDAY, said) and not any(day in entered for day in dates):
            unentered.append(said)
    if asked.is_range and len(asked.days) == 2 and len(found) >= 2:
        first, last = min(found), max(found)
        found = [first + timedelta(days=n) for n in range(min((last - first).days + 1, MOST_DAYS))]
    return DaysMeant(tuple(sorted(set(found)))[:MOST_DAYS], tuple(unentered))


def _dates_of(said: str, today: date, names: Sequence[tuple[date, str]]) -> list[date]:
    if re.fullmatch(_TODAY, said):
        return [today]
    if re.fullmatch(_AFTER_TOMORROW, said):
        return [today + timedelta(days=2)]
    if re.fullmatch(_TOMORROW, said):
        return [today + timedelta(days=1)]
    if re.fullmatch(_WEEKEND, said):
        return [_next_weekday(today, 5), _next_weekday(today, 6)]
    for place, (name, short, chinese) in enumerate(_WEEKDAYS):
        if re.fullmatch(rf"{name}s?|{short}|(?:周|星期|礼拜){chinese}", said):
            return [_next_weekday(today, place)]
    for pattern, fixed, called in _HOLIDAYS:
        if re.fullmatch(pattern, said):
            known = [day for day, name in names if day >= today and re.search(called, name.casefold())]
            if known:  # of one year
                return [day for day in known if day - known[0] < timedelta(days=30)]
            return [_next_date(today, *fixed)] if fixed else []
    exact = re.fullmatch(_DATE, said)
    return _exact(exact, today) if exact else []


def _exact(found: re.Match[str], today: date) -> list[date]:
    month = found["month"] or found["month2"]
    number = (
        next(n for n, name in enumerate(_MONTHS, 1) if name.startswith(month[:3]))
        if month
        else int(found["month3"])
    )
    try:
        return [_next_date(today, number, int(found["day"] or found["day2"] or found["day3"]))]
    except ValueError:  # the 31st of June is no day
        return []


def _next_weekday(today: date, weekday: int) -> date:
    return today + timedelta(days=(weekday - today.weekday()) % 7)


def _next_date(today: date, month: int, day: int) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)
