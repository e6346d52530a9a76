"""Goods that spoil while their store fails: told by what stands where in a message, not by its wording; pure.

Three things must come together: goods worth saving or a store for such; a state that it is in now (thawing,
without power, at a temperature that it must not have); and nobody who only asks in general, tells of last
month, or speaks of the battery in the sensor. Rules on purpose, as those for people in danger: whether
somebody is called at night must never hang on a score.
"""

import re

_CLAUSE = re.compile(r"[!?;~。；…\n]+|[,.:、](?!\d)")
_MINUS = re.compile(r"[−–](?=\d)")

# ── what may be lost
_GOODS = re.compile(
    r"\b(vaccines?|insulin|medicines?|medications?|drugs|pharmaceuticals?|blood|plasma|platelets|serum"
    r"|samples?"
    r"|specimens?|reagents?|biologics?|embryos?|cells|cultures|tissues?|organs?|antibod\w+|antivenom|food"
    r"|meat|beef|pork|chicken|poultry|fish|seafood|shrimps?|prawns|salmon|ice ?cream|milk|dairy|cheese"
    r"|yogh?urt|vegetables|goods|cargo|stock|everything)\b"
    r"|疫苗|胰岛素|药(?!房|店|监)|血(浆|液|清|小板|袋|制品)|样本|样品|标本|试剂|胚胎|卵子|精子|细胞|器官"
    r"|生物制[剂品]|抗体|菌[种株]|培养[物基]|海鲜|水产|肉|鱼|虾|牛奶|冰淇淋|冰激凌|食品|食材|蔬菜|水果|鲜花"
    r"|货(?=物|品|都|全|要|会|快|是|在)"
)
_STORE_EN = (
    r"(?:fridges?|refrigerators?|freezers?|cold (?:rooms?|stores?|storage|box(?:es)?|chain)|cool(?:ers?| ?box"
    r"| rooms?)|chillers?|reefers?|refrigerated \w+|incubators?|dewars?|nitrogen(?: tanks?)?|ln2|walk-?ins?)"
)
_STORE_ZH = (
    r"(?:冰箱|冷库|冷柜|冰柜|冻库|冷藏[柜车箱库室]|冷冻[柜车箱库室]|保温箱|冷链[箱车]|运输箱|周转箱|培养箱"
    r"|恒温箱|阴凉库|液氮罐?|疫苗柜|药柜|奶库|血库)"
)
# Where a store stands, or is one, that only holds what is worth saving. A fridge by itself may be anybody's.
_PROFESSIONAL = re.compile(
    r"\b(pharmac(y|ies)|hospital|clinic|lab(oratory)?|blood bank|vaccine|cold (rooms?|stores?|storage)"
    r"|reefers?|ult|ultra-?low|incubators?|dewars?|nitrogen|ln2|walk-?ins?)\b"
    r"|-[78]\d(?!\d)|血站|药房|药店|冷链车|医院|诊所|门诊|卫生[院室]|疾控|实验室|疫苗|冷库|冻库|冷藏[车库]"
    r"|冷冻[车库]|血库"
    r"|奶库|阴凉库"
    r"|培养箱|超低温|液氮"
)
_STORE = re.compile(rf"\b{_STORE_EN}\b|{_STORE_ZH}")

# ── what has failed: what is named last before the failure
_INSTRUMENT_EN = (
    r"(?:batter(?:y|ies)|sensors?|loggers?|gateways?|probes?|tags?|trackers?|devices?|displays?|screens?"
    r"|apps?"
    r"|alarms?|alerts?|notifications?|sim|printers?|dashboards?|website|portal|account|data|reports?|wi-?fi"
    r"|network|internet|router|charger|lights?|lamps?|software|firmware|connection|signal|adapt[eo]rs?|plug"
    r"|cable|cord|button|handle|h[lg]-\d+)"
)
_INSTRUMENT_ZH = (
    r"(?:记录仪|传感器|探头|网关|电池|标签|屏幕?|app|软件|系统|平台|账号|短信|报警器?|警报|打印机|信号|网络"
    r"|路由器|数据|报告|采集器|显示[屏器]|适配器|插头|h[lg]-?\d+|灯)"
)
_NAMED = re.compile(
    rf"(?P<instrument>\b{_INSTRUMENT_EN}\b|{_INSTRUMENT_ZH})|(?P<store>\b{_STORE_EN}\b|{_STORE_ZH}"
    r"|\b(?:power|electricity|compressor|cooling|refrigeration|generator|door|mains)\b"
    r"|制冷机?组?|压缩机|冷机|风机|供电|[断停]电|电源|跳闸|停机|门)"
)
# "The battery in our vaccine fridge is dead": the fridge says where, and what it is that fails stands before.
_WHERE = re.compile(
    rf"(?<![\w-])(?:in|inside|of|on|from|at|for|near|by|behind) (?:the |our |my |a |this "
    rf"|that )?(?:[\w-]+ ){{0,2}}?{_STORE_EN}\b"
)

# ── states
_SPOILS = re.compile(  # goods, or a store for what is in it
    r"\b(?:is|are|'s|'re|started|keeps?|begins?|already|now|everything|and|still) (?:all |slowly |already )?"
    r"(?:thawing|melting|defrosting(?! (?:cycle|mode|every))|spoiling|rotting|dying|going bad)\b"
    r"|\b(?:going to|will|about to) (?:spoil|thaw|melt|be (?:lost|ruined))\b"
    r"|(?:开始|都|快要?|要|全|已经|正在)(?:化冻|化掉|化了|融化|解冻|变质|保不住|毁|臭|烂|馊|坏掉?了|报废)"
    r"|化冻了|融化了|解冻了|(?:会|要|快)冻坏"
)
_WARMS = re.compile(  # a store, or a temperature that is named
    r"\b(?:is|are|'s|been|keeps?|still|and|started|getting)(?: \w+ly| still| already)?"
    r" (?:rising|climbing|going up|increasing|warming(?: up)?|getting (?:too )?(?:warm|warmer|hot)"
    r"|overheating"
    r"|heating up|out of range|(?:far |much )?too (?:warm|hot))\b"
    r"|(?:一直|不断|持续|还)在?(?:往上|往下)?(?:升|涨|上升|掉|下降)|越来越[高热]|降不下[来去]"
)
_STANDS_FAILED = re.compile(  # a store, or what it runs on
    r"(?:\b(?:is|are|'s|has been|went|remains) (?:\w+ly )?(?:dead|down(?! to)|broken|out(?! of)|off(?! by)"
    r"|failing"
    r"|empty|out of order|running out|stuck open|not (?:working|cooling|running))"
    r"|(?:\bwon't|\bdoesn't|\bcannot|\bcan't|\bisn't) (?:cool(?:ing)?|close|shut|seal|work(?:ing)?(?! with)"
    r"|start"
    r"|run(?:ning)?))\b"
    r"|\bno (?:power|electricity|cooling)\b|\bfailing\b|\b(?:almost|nearly) (?:gone|empty|out)\b"
    r"|(?<=\w )(?:dead|down|broken|out|off)$"
)
_FAILED = re.compile(  # the same, told as it happened
    r"\b(?:stopped(?: (?:work|cool|runn|freez)ing)?(?! \w+ing)|failed(?! to\b| the\b| its\b)|died"
    r"|broke(?: down)?"
    r"|tripped|gave up|quit|ran out|(?:was|been|got|somebody|someone) (?:unplugged|switched off|turned off)"
    r"|left open"
    r"|did(?:n't| not) (?:start|come on|kick in))\b|\blost (?:power|cooling|refrigeration|electricity)\b"
    r"|(?:断电|停电|没电|跳闸|停机|停|坏掉?|坏在.{1,4}|烧[坏毁]?|故障|失灵|不制冷|不冷|不转|不工作|罢工"
    r"|抛锚|漏|空|关不[上严])了"
    r"|(?:断电|停电|没电|停机|跳闸)(?:已经)?.{0,4}(?:小时|分钟|天|半天|一[夜晚])了|关不上|没了"
)
_SAID_BARELY = re.compile(r"(?:失灵|超标|超温|停机|故障|断电|停电|没电|跳闸|抛锚)$")  # where nothing is asked
_LOST_STORE = re.compile(
    rf"\b(?:dead|broken|failed|thawing|melting) (?:\w+ )?{_STORE_EN}\b(?! {_INSTRUMENT_EN})"
)
_TEMPERATURE = re.compile(rf"\btemp\w*|\bdegrees?\b|\b{_STORE_EN}\b|温|度|{_STORE_ZH}")

# ── temperatures
_VALUE = r"(?P<value>(?:minus |零下|零上|负|[-+])?\d+(?:[.,]\d+)?)"
_SHOWS = (
    r"(?:is|are|'s|been|reads?|reading|shows?|showing|says|sitting|hit|reached|currently|now|dropped|rose"
    r"|risen"
    r"|climbed"
    r"|went|gone|fell|up|down)(?: (?:at|to|already|now|about|around|over|above|up|down|nearly|almost"
    r"|currently|still))*"
)
_READINGS = (
    re.compile(
        rf"(?:\b{_SHOWS}|(?<=\w)'s|\b{_STORE_EN} (?:at|over|above)) {_VALUE}"
        r" ?(?:°|degrees?|deg)? ?(?:c(?:elsius)?\b|(?P<f>f(?:ahrenheit)?)\b|(?<=[°se]))"
    ),
    # Without a unit a number may be an hour: "the pharmacy closes at 10".
    re.compile(
        rf"\b(?:{_STORE_EN}|temp\w*|it|ours|box|they|currently(?= -| minus))(?: (?:is|are|has|have)"
        rf"|'s)?(?: {_SHOWS})? {_VALUE}"
        r"(?=$| (?:right )?now\b| already\b| and \w+ing\b| for\b| since\b)"
    ),
    re.compile(rf"\bat {_VALUE}(?= and (?:still )?\w+ing\b)"),
    re.compile(rf"(?:现在|目前|已经?|显示|[升涨掉降飙跌]到)了?(?:温度)?[是有都在到]?{_VALUE}多?[度°]"),
    re.compile(r"(?:现在|目前|已经)(?P<value>[-负]\d+)$"),
    re.compile(rf"{_VALUE}多?(?:度|°c?)多?了|[升涨掉降飙跌]到了?(?P<bare>[-负]?\d+)了"),
)
_READING_BARELY = re.compile(rf"温度[是为]?{_VALUE}多?(?:度|°c?)$")  # where nothing is asked
_BELOW_ZERO = re.compile(r"[掉降跌]到了?零下(?!\d)|\b(?:dropped|fell|gone|went) below (?:zero|freezing)\b")
_ULTRA_LOW = re.compile(r"\bult\b|ultra-?low|-[78]\d(?!\d)|超低温|深低温")
_INCUBATOR = re.compile(r"\bincubators?\b|培养箱")
_FROZEN = re.compile(
    r"\bfreezers?\b|frozen (?:food|goods|meat|fish|chicken)|ice ?cream|冷冻|冻库|冰淇淋|冰激凌"
)
_FROZEN_OR_NOT = re.compile("冰柜")  # of either sort: it stands in kitchens and in clinics
_NEVER_FROZEN = re.compile(r"\b(vaccines?|insulin|blood|medicines?|medications?)\b|疫苗|胰岛素|血|药")

# ── what makes it no emergency
_IN_GENERAL = re.compile(  # before the state, in its clause
    r"\b(how (do|can|to|does|should|long|often)|what (temperature|happens|should .* if|is the)|which (?!is"
    r"|are)|if"
    r"|when(?! (i|we) (came|got|arrived|opened|looked|checked))|in case|whether|unless|why (did|does|do)|does"
    r"|do you|did|(can|could|would)(?! (some|any|you|i|we|please))|should|(want|like) to (know|set|change"
    r"|have|use"
    r"|buy|order|configure|get|see)|(?<!over the )(?<!above the )limits?|thresholds?|set(ting)?|change"
    r"|raise|lower"
    r"|adjust|configure|calibrat\w+|reports?(?! (that|this|an?|the|our|my|it))|charts?|graphs?|history"
    r"|recommended|allowed"
    r"|(alarms?|alerts?) (me )?(at|to|above|over|from|of))\b|^(is|are) it|\bsuppose\b"
    r"|如果|假如|要是|万一|假设|怎么(?=设|样|判|知|防|避|看|查|改)|如何|什么时候|是否|会不会|多少|哪"
    r"|阈值|[上下]?限值?|设[置定成]|改成|规定|标准|要求|应该(?!是)|(?<!超[出过])范围|报告|曲线|图表|历史|校准"
)
_ASKED_OF_A_NUMBER = re.compile(r"(is|are) \d")  # "is 9 degrees too warm for a cold room"
# After it: what a device does then, or how it is set for that.
_THEN = re.compile(
    r"^.{0,8}(会不会|会|能不能|能|可以|是否).{0,6}(报警|通知|提醒|收到|记录|推送|发|短信|打电话|上传|保存)"
    r"|^(的话"
    r"|以后|之后|时|后)"
    r"|^.{0,6}怎么(设|配|导|查|看)|^.{0,20}\b(will|does|would|should) (it|the \w+|we|i) (alarm|alert|notify"
    r"|send|record|call)"
)
_PAST = re.compile(
    r"(?<!since )\b(yesterday|last (night|week|month|year|time|summer|winter)|(days?|weeks?|months?"
    r"|years?) ago"
    r"|back then|once)\b|去年|上个?(月|周|次|星期|回|季)|昨[天晚]|前(天|几天|段时间|些天)|以前|那[天次时]"
    r"|[坏断停]过"
)
_STILL = re.compile(r"\b(now|still|currently|at the moment)\b|现在|目前|还[在没是]|正在|刚|一直")
_REHEARSED = re.compile(
    r"\b(during|in|for) (the|a|our) (\w+ )?(test|drill|exercise|demo)\b(?! \w*(lab|room|fridge|freezer))"
    r"|演练|(测试|试验|演示)(时|中|期间|的时候)"
)
_OVER = re.compile(
    r"\b(is|are|'s) (back|ok|fine|normal|cold)( \w+)? (again|now|to|at)\b|\bback to (normal|\d)"
    r"|\b(came back|recovered|was (fixed|repaired))\b|恢复(了|正常)|正常了|修好了|来电了"
)
_NOT_OVER = re.compile(r"\bstill\b|还")
_ASKS = re.compile(r"\?|怎么|如何|什么|吗|多少|多久|哪|几|是否|能不能")
_WONDERS_WHY = re.compile(r"为什么|为何|怎么(?=没|不)")


def are_goods_in_danger(folded: str, before: str = "") -> bool:
    """Tell whether a folded message says that what is worth saving spoils, or will, as it is written.

    ``before`` is what was asked before, folded: "ours is at 11 now" speaks of the fridge named there.
    """
    folded = _MINUS.sub("-", folded)
    worth = f"{before}\n{folded}"
    has_goods = bool(_GOODS.search(worth))
    is_kept_for_them = bool(_STORE.search(worth) and _PROFESSIONAL.search(worth))
    if not (has_goods or is_kept_for_them) or _REHEARSED.search(folded):
        return False
    if _OVER.search(folded) and not _NOT_OVER.search(folded):
        return False
    is_past = bool(_PAST.search(folded)) and not _STILL.search(folded)
    clauses = [" ".join(one.split()) for one in _CLAUSE.split(folded)]
    if has_goods and any(_is_said_now(_LOST_STORE, one) for one in clauses):
        return True
    if any(_spoils_now(one) or (not is_past and _is_out_of_range(one, worth)) for one in clauses):
        return True
    is_told = not is_past and not _WONDERS_WHY.search(folded)
    if is_told and any(_is_said_now(_FAILED, one, of_store=True) for one in clauses):
        return True
    if not is_told or _ASKS.search(folded):
        return False
    return any(_is_said_now(_SAID_BARELY, one, of_store=True) or _reads_barely(one, worth) for one in clauses)


def _spoils_now(clause: str) -> bool:
    if _is_said_now(_SPOILS, clause) or _is_said_now(_STANDS_FAILED, clause, of_store=True):
        return True
    return bool(_TEMPERATURE.search(clause)) and _is_said_now(_WARMS, clause)


def _is_said_now(state: re.Pattern[str], clause: str, *, of_store: bool = False) -> bool:
    """Tell whether a clause says a state outright, and of no instrument: its battery's end is no emergency.

    ``of_store``: it must name a store, or what one runs on, besides.
    """
    return any(
        _is_outright(found) and _whose(found) in (("store",) if of_store else ("store", None))
        for found in state.finditer(clause)
    )


def _is_outright(found: re.Match[str]) -> bool:
    """Tell whether a state is said as it is, and not as one that might be."""
    before, after = found.string[: found.start()], found.string[found.end() :]
    if _ASKED_OF_A_NUMBER.match(found.string):
        return False
    return not _IN_GENERAL.search(before) and not _THEN.search(after)


def _whose(state: re.Match[str]) -> str | None:
    """Return what sort of thing a state is said of: what is named last before it, else within it."""
    before = _WHERE.sub(" ", state.string[: state.start()])
    named = [*_NAMED.finditer(before)] or [*_NAMED.finditer(state.group())]
    return named[-1].lastgroup if named else None


def _is_out_of_range(clause: str, worth: str) -> bool:
    """Tell whether a clause says a temperature of now that what is kept there must not have."""
    below = _BELOW_ZERO.search(clause)
    if below and not _FROZEN.search(worth):
        return _is_outright(below)
    said = [
        found
        for text in (clause, clause.replace(" ", ""))
        for one in _READINGS
        for found in one.finditer(text)
    ]
    return any(_is_outright(found) and _must_not_be(_celsius(found.groupdict()), worth) for found in said)


def _reads_barely(clause: str, worth: str) -> bool:
    found = _READING_BARELY.search(clause.replace(" ", ""))
    return found is not None and _is_outright(found) and _must_not_be(_celsius(found.groupdict()), worth)


def _celsius(said: dict[str, str | None]) -> float:
    text = (said["value"] or said.get("bare") or "").replace(",", ".").removeprefix("零上").removeprefix("+")
    value = float(re.sub(r"^(零下|负|minus )", "-", text))
    return (value - 32) / 1.8 if said.get("f") else value


def _must_not_be(celsius: float, worth: str) -> bool:
    """Tell whether a temperature does harm, with some room for doubt: usual ranges, for nothing says more."""
    if _ULTRA_LOW.search(worth):
        return celsius > -60
    if _INCUBATOR.search(worth):
        return celsius >= 40
    if _FROZEN.search(worth):
        return celsius > -10
    if _FROZEN_OR_NOT.search(worth):
        return celsius > (8 if _NEVER_FROZEN.search(worth) else -10)
    return celsius > 8 or (celsius < 0 and bool(_NEVER_FROZEN.search(worth)))
