"""What people say that asks nothing of the articles: told by short lists of phrases, clause by clause; pure.

A message is small talk when each of its clauses is: "谢谢你，不用了", "ok thanks, sorry for the late hour".
A clause too many in these lists leaves a question unanswered, so each is matched whole: as it is listed, or
as the core of a kind with words around it that carry nothing.
"""

import re
from enum import StrEnum

from knowledge.text import Language


class SmallTalk(StrEnum):
    """Kinds of clauses; of several in one message the first of `PRECEDENCE` decides what is said."""

    GREETING = "greeting"  # also: that there is a question, without it
    THANKS = "thanks"
    FINE = "fine"  # that is all, never mind, or goodbye
    WHO_ANSWERS = "who_answers"  # a machine or a person, and what it can do
    UNHELPED = "unhelped"  # the answer missed what was asked, or was not understood


PRECEDENCE = (
    SmallTalk.UNHELPED,
    SmallTalk.WHO_ANSWERS,
    SmallTalk.THANKS,
    SmallTalk.FINE,
    SmallTalk.GREETING,
)

# Who types Chinese on a phone parts clauses by a space: the language has no other use for one.
SPACE_ZH = r"(?<=[\u4e00-\u9fff])[ \u3000]+(?=[\u4e00-\u9fff])"
_CLAUSE = re.compile(rf"[,.!?;:~，。！？；：、～…\n]+|{SPACE_ZH}")
_LEAD = (
    r"(?:(?:ok(?:ay)?|well|so|oh|actually|hmm+|um+|uh+|yeah|alright|and|but|哦|噢|嗯+|唉|哎|呃|那|那就) ?)*"
)
_TAIL = (
    r"(?: ?(?:please|pls|then|now|anyway|really|again|ok(?:ay)?|bye"
    r"|了|啦|啊|呀|呢|哦|噢|吧|哈|嘛|哟|好的?|再见))*"
)

_GREETING = (
    r"(?:hello+|hi+|hiya|hey+|yo|halo|greetings|good (?:morning|afternoon|evening|day)|morning|evening"
    r"|你好|您好|早上好|上午好|中午好|下午好|晚上好|早安|早|在吗|在么|在不在|人在不在|人在吗|亲|哈喽"
    r"|哈啰|嗨|喂)"
    r"(?: (?:there|everyone|all|team|again))?"
    r"|(?:can|could|may) i ask (?:you )?(?:something|a (?:quick )?question)"
    r"|(?:(?:i|we) (?:have|got|have got)|i've got|there is) (?:a|an|one|this|another|some|a few|a quick"
    r"|a little)"
    r" (?:\w+ )?(?:questions?|problems?|issues?|things?)(?: (?:for|with) you)?"
    r"|(?:just )?(?:a )?quick question"
    r"|(?:please )?help(?: me| us)?|(?:i|we) need (?:some |your )?help|(?:can|could) you help(?: me| us)?"
    r"|(?:我|我们)?(?:想|要|来)?(?:请问|问|咨询|请教)(?:一?下|你|您|你们|一?个|点)*(?:问题|事情?|东西)?"
    r"|(?:我|我们)?(?:这边|这里|现在)?(?:有|遇到)(?:了)?(?:一?个|点|几个|一些|件)?(?:小|急)?(?:事情?"
    r"|问题|疑问)"
    r"(?:想|要)?(?:请问|问|咨询|请教|麻烦|解决)?(?:一?下|你|您|你们)*"
    r"|(?:请|能|可以)?帮(?:我|我们)?(?:一?个)?忙|(?:请)?帮帮(?:我|我们)|能帮(?:我|我们)(?:一?下)?吗"
)
_THANKS = (
    r"(?:(?:great|perfect|cool|nice|got it|i see|好的?|太好了|明白了?|知道了|了解了?|收到|行) ?)*"
    r"(?:(?:many |a thousand )?(?:thanks|thank you|thank u|thx|tks|ty|tysm|cheers)|much appreciated"
    r"|(?:i )?(?:really )?appreciate (?:it|that|your help)"
    r"|谢谢|多谢|感谢|谢了|非常感谢|十分感谢|万分感谢|谢啦|3q)"
    r"(?: ?(?:a lot|a million|a bunch|so much|very much|much|in advance|again"
    r"|for (?:your|the|all(?: the| your)?) (?:quick )?(?:help|answer|reply|time|patience|support)"
    r"|你|您|你们|了|帮助|帮忙|回复|解答|的|哈|啦))*"
    r"|(?:you(?:'ve| have)? (?:been|were|are)|that was|this was|it was|that is|that's) (?:\w+ )?"
    r"(?:helpful|a (?:great |big )?help|kind)|that (?:really )?help(?:s|ed)(?: a lot| me)?"
    r"|辛苦(?:你|您|了)*|麻烦(?:你|您)?了|打扰(?:你|您|了)*|(?:你|您)?帮(?:了)?(?:我)?大忙(?:了)?"
    r"|(?:i'm |i am )?sorry (?:for|about) (?:the |my |all the |this )?\w+(?: (?:hour|you|it|message"
    r"|messages))?"
    r"|不好意思"
)
_FINE = (
    r"(?:ok(?:ay)?|okie|okk+|k+|all ?right|fine|good|great|perfect|cool|nice|got it|i see|understood|noted"
    r"|that'?s (?:all|it|great|fine|ok(?:ay)?|good|everything)(?: for (?:now|today|me))?"
    r"|(?:it|this) is (?:ok(?:ay)?|fine|good)|it'?s (?:ok(?:ay)?|fine|all good|good)|all good|no worries"
    r"|no problem|no more questions|nothing else|nothing more|(?:good ?)?bye(?: bye)?|good ?night|see you"
    r"|(?:have a )?(?:nice|good|great) (?:night|weekend)|have a (?:nice|good|great) (?:day|evening)|(?:nice"
    r"|great) (?:day|evening)|take care"
    r"|never ?mind|nvm|nm|forget (?:it|about it|that)|(?:please )?(?:do not|don'?t) (?:bother|worry)"
    r"(?: about it)?|no need(?: any ?more)?|not needed(?: any ?more)?"
    r"|(?:i )?(?:do not|don'?t) (?:need|want) (?:(?:a|an|the|any) )?(?:(?:real |live )?(?:person"
    r"|human|agent"
    r"|operator|ticket|help)|(?:it|that|this|you))(?: any ?more)?"
    r"|(?:it|that|this) (?:works|worked|is solved|is fixed|is sorted)(?: now)?|solved(?: it)?|fixed(?: it)?"
    r"|problem solved|sorted"
    r"|好的?|嗯+|行|可以|知道了|明白了?|了解了?|清楚了|懂了|收到|没(?:有)?(?:别的|其他|什么)?(?:问题"
    r"|事)了?|没事|没有了"
    r"|太好了|太棒了|没关系|不要紧|再见|拜拜|回头见|回见|晚安|先这样|就这样|暂时这样|没啥(?:事|问题)?"
    r"|算了|当我没(?:说|问)|不用了|不必了|不需要了|不问了|不麻烦(?:你|您)?了|(?:已经)?(?:解决|搞定"
    r"|弄好|处理好)了|好了"
    r"|(?:先|暂时|现在)?(?:不用|不要|别|不需要|不必|无需)(?:再|给我|帮我)*(?:转|找|叫|接)?(?:人工"
    r"|客服|真人|活人)(?:客服)?(?:了)?)"
)
_WHO_ANSWERS = (
    r"(?:hey |hi |hello )?(?:(?:are|r) (?:you|u)|is this|am i (?:talking|speaking|chatting|writing)"
    r" (?:to|with))(?: even| actually| really| just)?(?: an?| the| some)*"
    r" (?:real |actual |live )*(?:bot|robot|chat ?bot|human(?: being)?|person|machine|computer|ai|agent"
    r"|some(?:one|body)|real)"
    r"(?: real)?(?: or (?:an? )?(?:real |actual )?(?:bot|robot|human|person|machine|ai|computer))?"
    r"(?: here| please)?"
    r"|(?:who|what) are you|who am i (?:talking|speaking|chatting) (?:to|with)|are you (?:even )?real"
    r"|what can (?:you|u) (?:do|help(?: me)?(?: with)?|answer)(?: for me)?|what do you (?:do|know)"
    r"|what can i ask(?: you)?(?: about)?|how (?:can|do) you help(?: me)?"
    r"|(?:请问)?(?:到底)?是不是(?:机器人|真人|人工|ai)(?:啊|呀|呢|吗)?"
    r"|(?:请问)?(?:你|您|你们)(?:到底|究竟)?是(?:不是)?(?:一?个)?(?:机器人|真人|活人|人工|人工客服"
    r"|人工智能|ai|智能助手|人"
    r"|机器|谁|什么)"
    r"(?:还是(?:一?个)?(?:机器人|真人|人工|人|ai|机器))?(?:吗|嘛|么|啊|呀|呢|在回复)?"
    r"|(?:我)?(?:是)?在?(?:跟|和|同)(?:机器人?|真人|人|谁|ai)(?:聊天|说话|对话|聊|在聊)(?:吗|嘛|么|呢)?"
    r"|(?:你|您|你们)(?:都)?(?:能|会|可以)(?:帮我)?(?:做|干|回答|解决|帮)(?:些)?(?:什么|啥"
    r"|哪些)(?:问题|事情?)?"
    r"|(?:你|您)会(?:什么|啥)|(?:我)?(?:可以|能)问(?:你|您)?(?:些)?(?:什么|啥|哪些)(?:问题)?"
)
_UNHELPED = (
    r"(?:no )?(?:that|this|it)(?:'?s| is| was)(?: still| really| just)? not"
    r" (?:what i(?:'m| am| was)? ?(?:asked|ask|asking|meant|mean|wanted|want|needed|need"
    r"|said)(?: for| about)?"
    r"|my question|it|right|correct|true|helpful|helping|(?:the|an) answer)"
    r"|not what i (?:asked|meant|wanted|needed)(?: for| about)?|not (?:very )?helpful|no help(?: at all)?"
    r"|(?:you|u) (?:did not|didn'?t|do not|don'?t|still don'?t)(?: even)? (?:answer|understand|get"
    r"|read|listen)"
    r"(?: (?:my|the|to|me|it|what i \w+|question))*"
    r"|(?:you|u)(?:'re| are) (?:not|no) (?:answering|helping|help|listening|understanding)(?: (?:me|my|the"
    r"|question|at all|any))*"
    r"|(?:this|that|it)(?: (?:does not|doesn'?t|did not|didn'?t)) help(?: me)?(?: at all)?"
    r"|(?:did not|didn'?t|does not|doesn'?t) help(?: me)?(?: at all)?"
    r"|(?:(?:this|that|you|your (?:answer|bot))(?:'?s|'?re| is| are| was)(?: so| totally| completely| just"
    r"| all)? )?(?:useless|unhelpful|wrong|nonsense|rubbish|garbage|crap|bullshit|stupid|pointless)(?: bot"
    r"| answer| thing| chat ?bot)?"
    r"|(?:stupid|dumb|useless|bad) (?:ro)?bot|thanks for nothing|wrong (?:answer|one|article)"
    r"|(?:you|u) (?:just )?(?:keep|kept) (?:\w+ )?(?:sending|saying|telling|repeating|giving"
    r"|showing)(?: \w+)*"
    r"|same (?:answer|thing|text|crap)(?: again| as before)?"
    r"|huh|what do you mean(?: by (?:that|this))?|what(?:'s| is) (?:that|this) supposed to mean"
    r"|(?:i )?(?:do not|don'?t|did not|didn'?t) (?:understand|get) (?:it|this|that|you|your answer)"
    r"|i (?:do not|don'?t) understand|(?:that|this) makes no sense"
    r"|(?:你|您|你们)?(?:完全|根本|都|在)?(?:是)?(?:答非所问|牛头不对马嘴|文不对题|所答非所问)"
    r"|(?:这|那)?(?:个)?(?:根本|完全|都|也|并)*不是(?:这|那)(?:个|样)(?:意思|问题|答案)?(?:的)?"
    r"|(?:这|那)?(?:个)?(?:根本|完全|都|也|并)*不是我(?:想|所)?(?:要|问|说|指)(?:的)?(?:答案|东西"
    r"|意思|问题|内容)?"
    r"|(?:你|您|你们)?(?:根本|完全|还是|都|也)*没(?:有)?(?:看|听|弄|搞|读)?(?:懂"
    r"|明白)(?:我)?(?:的)?(?:问题|意思|话"
    r"|在(?:问|说)(?:什么|啥))?"
    r"|(?:你|您|你们)?(?:根本|完全|还是|都|也)*没(?:有)?(?:回答|解决|答到|帮到)(?:我)?(?:的)?(?:问题)?"
    r"|(?:根本|完全|一点|还是|都|也|说了)*没(?:有)?(?:什么|啥)?(?:用|用处|帮助)"
    r"|(?:真的?|根本)?(?:一点|半点|什么|啥)(?:用处?|帮助)(?:都|也)没(?:有)?|(?:净|全|都)?(?:是|说)?废话"
    r"|(?:什么)?(?:破|垃圾|智障|傻|弱智)(?:机器人|客服|回答|助手|玩意)|(?:你|您)?(?:说|答"
    r"|回答)?(?:的)?(?:不对|错了)"
    r"|(?:这|你|那|这话|你说的?)?(?:这)?(?:是)?什么意思|(?:你|您)?(?:在|到底在)?说(?:的)?(?:什么"
    r"|啥)(?:鬼|东西)?"
    r"|(?:我)?(?:还是|完全|都)*(?:看|听)?(?:不懂|不明白|没懂|没明白)|(?:又|还|老|总|怎么又"
    r"|怎么还)是(?:这(?:句|个|段)|一样)"
    r"(?:的)?(?:话|回答|答案)?"
)
_KINDS = tuple(
    (kind, re.compile(f"{_LEAD}(?:{phrases}){_TAIL}"))
    for kind, phrases in (
        (SmallTalk.UNHELPED, _UNHELPED),
        (SmallTalk.WHO_ANSWERS, _WHO_ANSWERS),
        (SmallTalk.THANKS, _THANKS),
        (SmallTalk.FINE, _FINE),
        (SmallTalk.GREETING, _GREETING),
    )
)
# A clause that has the core of a kind, and besides it only words that carry nothing, is of that kind: what
# people say around a thank-you is endless, what may stand around a question is not in these sets.
_EMPTY_EN = frozenset(
    """
    a an the and but so ok okay oh well very much really all of to for at on in it its it's this that that's
    is are was were be been i i'm im me my you your u we us just too still again now then today please pls
    a lot lots bunch million mate man guys guy buddy dude sir madam team everyone folks friend dear great good
    super big huge total totally complete completely absolute absolutely whatever anyway help helping answer
    answers reply replies time bot found figured out solved fixed sorted
    """.split()  # noqa: SIM905  prose reads better here
)
_EMPTY_ZH = frozenset(
    "太真很好非常十分万了啦哈啊呀吧呢嘛的你您们大家都亲我那就先去也要该还是这个在跟和与根本完全净"
    "回答案复话问说忙帮助睡觉"
)
_CORES = (
    (
        SmallTalk.FINE,
        re.compile(
            r"\bno,? (?:thanks|thank you)\b|\b(?:bye+|goodbye|goodnight|nvm|nevermind|never mind|forget it)\b"
            r"|再见|拜拜|晚安|算了|算啦|不用了|没事了|睡了|先这样|就这样|不聊了|不说了|不问了"
            r"|早点(?:休息|睡)|\b(?:ha){2,}h?\b|[哈呵嘿嘻]{2,}"
        ),
    ),
    (
        SmallTalk.THANKS,
        re.compile(
            r"\b(?:thanks|thank(?: you| u)?|thx|tks|ty|tysm|cheers|appreciated?|grateful)\b"
            r"|谢谢|多谢|感谢|感激|谢啦|谢了|帮大忙"
        ),
    ),
    (
        SmallTalk.UNHELPED,
        re.compile(
            r"\b(?:useless|unhelpful|nonsense|rubbish|garbage|crap|bullshit|pointless|mak(?:es?|ing)"
            r" (?:no|zero|little) sense)\b"
            r"|\bnot what (?:i|i'm|im)(?: am| was)? (?:asked|asking|ask|looking|after|want(?:ed)?|need(?:ed)?"
            r"|mean(?:t)?|said)\b"
            r"|答非所问|(?:回答|答案|说的|话).{0,6}(?:有关系吗|有什么关系|不相关|不沾边|对不上)"
            r"|不是我(?:想|要|想要)?(?:问|要|说|找)的|(?:胡|乱|瞎)(?:说|答|扯|讲|回)(?:什么|啥)?"
            r"|没说到点(?:子)?上"
            r"|说了半天|没用|没帮助"
        ),
    ),
)
_IN_ENGLISH, _IN_CHINESE = r"(?:english|英文|英语)", r"(?:chinese|mandarin|中文|汉语|普通话|国语)"
_WISH_FOR_LANGUAGE = (
    r"(?:(?:can|could|do|would|will|please|pls) ?)?(?:(?:you|u) )?(?:please |pls )?"
    r"(?:(?:answer|reply|respond|speak|talk|write|say (?:it|that)|explain)(?: (?:me|it|that|this"
    r"|to me))? )?"
    r"(?:in )?{language}(?: (?:please|pls|only))?"
    r"|(?:请|麻烦)?(?:你|您)?(?:能不能|可不可以|能|可以|会)?(?:请)?(?:用|说|讲|换成?|切换到?|以)?{language}"
    r"(?:来)?(?:回答|回复|说|讲|跟我说|解释)?(?:我)?(?:一下|吗|么|可以吗|好吗|吧|谢谢)*"
)
_LANGUAGES: tuple[tuple[Language, re.Pattern[str]], ...] = (
    ("en", re.compile(_WISH_FOR_LANGUAGE.format(language=_IN_ENGLISH))),
    ("zh", re.compile(_WISH_FOR_LANGUAGE.format(language=_IN_CHINESE))),
)
_UPSET = re.compile(
    r"[!！]{3,}|\b(ridiculous|unacceptable|outrageous|disgusting|terrible|horrible|awful|worst"
    r"|furious|fed up"
    r"|sick of|(is|what|such) a joke|disgrace|pissed|angry|wtf|scam)\b"
    r"|气死|气人|生气|愤怒|过分|离谱|太差|坑人|骗子|骗人|忍不了|受够|烦死|恶心|什么破|破东西"
    r"|垃圾(?!邮|箱|桶|信)|失望|无语|不像话|扯淡"
)


def clauses(folded: str) -> list[str]:
    """Return the clauses of a folded message, without the marks between them."""
    return [one for part in _CLAUSE.split(folded) if (one := " ".join(part.split()))]


def kind_of(clause: str) -> SmallTalk | None:
    """Return which small talk a folded clause is; None when it is none."""
    known = next((kind for kind, pattern in _KINDS if pattern.fullmatch(clause)), None)
    return known or next(
        (kind for kind, core in _CORES if core.search(clause) and _is_all(clause, core)), None
    )


def _is_all(clause: str, core: re.Pattern[str]) -> bool:
    """Tell whether a clause says nothing besides ``core``."""
    rest = core.sub(" ", clause)
    return all(word in _EMPTY_EN or _EMPTY_ZH.issuperset(word) for word in rest.split())


def small_talk(folded: str) -> SmallTalk | None:
    """Return what a folded message is when it is small talk as a whole; None when a clause says more."""
    parts = clauses(folded)
    kinds = {kind_of(part) for part in parts} if parts else {None}
    if None in kinds:
        return kind_of(" ".join(parts))
    return next(kind for kind in PRECEDENCE if kind in kinds)


def wished_language(folded: str) -> Language | None:
    """Return the language that a folded message asks to be answered in, when it asks nothing else."""
    plain = " ".join(part for part in clauses(folded) if kind_of(part) is None)
    return next((language for language, pattern in _LANGUAGES if pattern.fullmatch(plain)), None)


def is_upset(folded: str) -> bool:
    """Tell whether who wrote a folded message is angry or at the end of their patience."""
    return bool(_UPSET.search(folded))
