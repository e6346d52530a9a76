"""Who is in danger and who asks for a person: told by short lists of phrases; pure.

Rules on purpose: whether people come must never hang on a score. A phrase too many costs an urgent ticket,
one too few may cost more, so the lists are wide where somebody may be hurt.
"""

import re

LONGEST_WISH = 120  # characters: in a longer message the person is more likely part of a question

# ── danger
_SOMEBODY_EN = (
    r"(i|we|he|she|they|some(one|body)|child|kid|baby|son|daughter|man|woman|person|people"
    r"|colleagues?|co-?workers?|workers?|employees?|drivers?|technicians?)"
)
_PLACE_EN = (
    r"(cold|freez\w+|store|stores|storage|chamber|container|room|lift|elevator|truck|vehicle|warehouse)"
)
_LIMB_EN = r"(hands?|fingers?|arms?|skin|face|eyes?|legs?|foot|feet|head)"
_DANGER_EN = (
    r"\b(on fire|(catch|catches|caught|catching) fire|is burning|in(to)? flames|burst into fire|flames? (are"
    r"|is|coming)"
    r"|(is|are|was|were|started|starts|keeps?|began|and|still) smoking|smoke (is |was |still )?(coming|rising"
    r"|pouring"
    r"|from|out of|in|inside)\b(?! (alarm|detector|test))|there('s| is| was) (a lot of |some |black "
    r"|white )?smoke"
    r"|smell(s|ing|ed|t)?( \w+){0,2} (burn(ing|t|ed)|scorched|smoke|gas|ammonia)|burn(ing|t) (smell|odou?r)"
    r"|spark(s|ed)? (are |were )?(coming|from|out|fly\w*)|(is|are|was|started|keeps?) sparking"
    r"|(there (was|is) an?|a small|a big) explosion|explod(ed|ing)|blew up"
    r"|electric(al)? shock|electrocuted|(gave|gives) (me|him|her|us|some(one|body)) (a|an) (\w+ )?shock"
    r"|got (a|an) (\w+ )?shock (from|off|when)"
    r"|(batter(y|ies)|cells?)( \w+){0,3} (swollen|swelled|bulging|bulged|melting|melted|burst)"
    r"|(swollen|bulging|burst|melted) (batter(y|ies)|cells?)|(charger|adapt[eo]r|plug|cable|socket) (has "
    r"|is )?melted"
    r"|kill (myself|me|him|her|them)|suicid(e|al)|want to die|(end|ending|take|taking) my (own )?life)\b"
    rf"|\b{_SOMEBODY_EN} (is|am|are|was|were|got|has been|have been|fell)( \w+)? (hurt|injured|bleeding"
    r"|unconscious"
    r"|burned|burnt|poisoned|trapped|choking|not breathing)\b"
    rf"|\b{_SOMEBODY_EN} (has |have )?(collapsed|fainted|passed out)\b"
    rf"|\b(trapped|locked|stuck) (in|inside) (the|a|our|my|your) (\w+ )?{_PLACE_EN}\b"
    r"|\b(can('t|not)|unable to) breathe\b|\b(stopped|not) breathing\b"
    rf"|\b{_SOMEBODY_EN}( has| have| just| accidentally| may have)* (swallowed|drank|drunk|ingested|inhaled"
    r"|breathed in)\b"
    rf"|\b(bitten|burned|burnt|scalded|froze|cut|crushed) (his|her|my|their) {_LIMB_EN}\b"
    rf"|\b(my|his|her|their) {_LIMB_EN} (is|are|was|were|got|has been)"
    r" (\w+ )?(hurt|burned|burnt|bleeding|cut|frozen|frostbitten|scalded)\b"
    r"|\b(in|into) (my|his|her|their|someone's) eyes?\b"
)
_SOMEBODY_ZH = r"(人|我|他|她|们|同事|员工|师傅|司机|孩子|小孩|宝宝|工人)"
_DANGER_ZH = (
    r"冒(着|了|出|黑|白|浓|大|很多)*烟|(着|起|失)火了?|火苗|明火|烧(起来|着了)|冒火"
    r"|(烧焦|焦糊|焦|糊|烧糊|烧|煳)(了)?的?(味|臭|气味)|(打|冒|有|出|迸)(了|着|出)?(电)?火(花|星)"
    r"|爆炸|(电池|电芯).{0,8}(鼓包|鼓起|膨胀|爆|炸|漏液)|炸(了|开)"
    r"|触电|漏电|电击|被?电(了一下|到了|着了|麻了?)|被.{0,6}电(到|麻|了一下)"
    r"|(受|重|轻)(了)?伤|(?<!不)(晕|昏)(倒|过去|迷)|休克|(没有?|停止|无)(了)?呼吸|喘不(过|上)气|流血|出血不止"
    rf"|(被|{_SOMEBODY_ZH})(困|锁|关)在.{{0,6}}(库|柜|车|间|屋|房|梯)|(困|锁|关)在.{{0,8}}出不(去|来)"
    r"|(误|不小心|孩子|小孩|宝宝|有人|他|她|我)(喝|吞|服|吃|吸)(了|入|下|进)"
    r"|(溅|喷|进)(到|进|入)?了?.{0,4}眼(睛|里)?|(烫|烧|灼|炸|砸|割|冻|压|夹)伤"
    r"|自杀|不想活|想死|轻生|结束(自己的?)?生命|救命|(?<!电脑)(?<!系统)(?<!手机)(?<!文件)(?<!软件)中毒"
)
_DANGER = re.compile(f"{_DANGER_EN}|{_DANGER_ZH}")
_LEAK = re.compile(
    r"\b(gas|ammonia|refrigerant|chemical|coolant)( is| are| was)? (leak(s|ing|ed|age)?|smell|escaping)\b"
    r"|\b(leak(s|ing|age)?|smell) of (gas|ammonia|refrigerant)\b|\bammonia (in|inside)\b"
    r"|(氨气?|煤气|燃气|天然气|制冷剂|冷媒|气体|化学品)(在)?(泄漏|泄露|漏了|外泄|漏$)|漏(氨|煤气|燃气|制冷剂)"
)
# Who asks what a device can do about it, or how to keep it from happening, is in none.
_ASKS_ABOUT_DANGER = re.compile(
    r"\b(detect\w*|sensors?|measur\w+|monitor\w*|avoid\w*|prevent\w*|protect\w*|certified|resist\w*|risk of"
    r"|does (it|the \w+)|how (do|can|to) (i |we )?(keep|stop))\b"
    r"|检测|探测|监测|监控|传感|预警|避免|防止|预防|防爆|防触电|漏电保护|会不会|能不能|是否|怎么防"
)

# ── the wish for a person
_A = r"(a |an |any |some |your |the |one of (your|the) |another )?"
_PERSON = (
    r"((real |live |actual |human |customer |technical |tech |support |service )*"
    r"(human( being)?s?|person|agents?|operator|advis[eo]r|representative|rep|manager|supervisor|consultant"
    r"|colleagues?"
    r"|staff|team|support|customer (service|support|care))|some(one|body)( real| else| human)?|any(one"
    r"|body)( real)?)"
)
_TALK = r"(talk|speak|chat|talking|speaking)( directly)? (to|with)"
_WISH_EN = re.compile(
    rf"\b{_TALK} {_A}{_PERSON}\b|\bcan (i|we) (get|have) {_A}(real |live |human )*(human|person"
    r"|agent)( please)?$"
    r"|\b(connect|transfer|put|hand|forward|pass|escalate) (me|us|this|it)? ?(through |over |on )?(to"
    rf"|with) {_A}{_PERSON}\b"
    rf"|\b(get|give|find|send|fetch|bring) me {_A}{_PERSON}\b"
    rf"|\b(want|need|prefer|like|request) {_A}((real|live|actual|human) )+({_PERSON})\b|\b(want|need|like) (a"
    r"|an) "
    r"(person|human|agent|operator|representative)\b|\bneed human\b"
    rf"|\b(is|are) there {_A}(real |live |human )?(any(one|body)|some(one|body)|person|humans?|agents?"
    r"|people)\b"
    r"( there| here| around| online| available| i can (talk|speak|chat) to| to (talk|speak) to)*$"
    r"|^(is |are )?(any(one|body)|any (human|person|agent)s?)( real)? (there|here|around|online|available)\b"
    r"|^(any(one|body)|some(one|body))$"
    r"|\b((don't|do not|not|never|no longer|rather not|won't)( \w+){0,2} (want|wish|like|going)?( to)?( talk"
    r"| speak| chat)?"
    r"( to| with)?|no more|stop|enough of|hate)( (a|the|this|your|an|stupid))* (ro)?bots?\b"
    rf"|\b(have|let|ask|can|could|get|would) {_A}{_PERSON}( please)? (to )?(call|phone|ring|contact|reply to"
    r"|get back to"
    r"|answer|take over|write to)( me| us| this)?\b"
    r"|\b(can|could) (one of )?you (please )?(call|phone|ring) me( back)?( please)?$"
    r"|^(please )?(call|phone|ring) me( back)?( please| now| today)?$|\bcontact (a|an|your) (agent|human"
    r"|representative)\b"
    r"|^(can|could) (some(one|body)|any(one|body)|a (real )?(person|human)) (please )?help( me"
    r"| us)?( please)?$"
    r"|\b(want|like|need|wish|'d like) to (make an? |file an? |lodge an? )?(formal )?complain(t)?\b"
)
_ONLY_A_PERSON = re.compile(
    r"(stop bot |bot )?(please )?(a )?((real |live |human )*(person|agent|human|operator|representative)"
    r"|human support"
    r"|live (chat|support))( (please|now|with (an? )?(agent|person|human)))*"
)
_WHOM_ZH = r"(真人|活人|人工|客服|工作人员|专人|人员?)"
_LEADS_ZH = (
    r"那么?|请问?|麻烦|你们?|您|能不能|可不可以|可以|能|会|安排|今天|明天|后天|早上|上午|中午|下午"
    r"|晚上|现在|马上|尽快"
)
_WISH_ZH = re.compile(
    r"(转|接|找|要|叫|换|联系|切换到?|接通)(到|给|一?下|一?个)?(你们的?)?"
    r"(人工(?=$|客服|坐席|服务|吧|聊|沟通|谢|处理|帮|支持|介入|[!！])(客服|坐席|服务)?|真人(客服)?|活人"
    r"|客服(人员)?(?!电话|热线|时间|邮箱))"
    r"|^(请|麻烦|在线|真人)*(人工|真人|在线客服|人工客服|客服)(客服|服务|坐席)?[!！]*(吧|谢谢|在线)?[!！]*$"
    rf"|^(请问|你好|您好|现在|hello|hi|hey|喂|哈喽|嗨|在吗|到底)*(有没有|有"
    rf"|还有)?{_WHOM_ZH}(客服)?(还)?(在|在线|上班|能帮(我|忙|助)?|可以帮(我"
    r"|忙|助)?)?(吗|嘛|么|呢)$"
    r"|^(请问|那么?|到底)*有没有(真人|活人|人工|人)(客服)?$"
    r"|^(到底|现在|请问)*有(没有)?人(管|理|处理|回复?|负责|搭理)(一?下|我|我们|啊|呀|吗|嘛|么|呢)*$"
    rf"|(想|要|需要|希望|让我|能|可以)(和|跟|与|同)(你们的?|贵公司的?)?{_WHOM_ZH}(客服)?(聊|说|谈|讲|沟通"
    r"|对话|交流|通话)"
    r"|(找|换|叫|派|来)(一?个|一?位)(真|活)?人(来|跟我|和我|帮我|给我|吧|了|$)|^(我)?(要|想|得)找(真"
    r"|活)?人(吧|了)?$"
    r"|(叫|找|让|换|喊|请|要|把我转给|转给)(你们|你们的|一?个|一?位)?(经理|主管|领导|负责人|老板|工作人员"
    r"|同事|专人)(?!接收|收|看)"
    r"(来|打电话|联系|回电|跟我|给我|和我|回复|处理|$)"
    r"|(让|请|叫|安排|麻烦).{0,8}(打(个)?电话给|联系|回电)(给)?我"
    rf"|^({_LEADS_ZH})*给我(回|打)(一?个)?电话(可以|行|好)?(吗|么|吧|呢|不)?$"
    r"|让(真|活)?人(工)?来"
    r"|(不要|不想|别|不)(让|跟|和|同|要|再)*(机器人?|智能助手|自动回复)"
    r"|(需要|想要|咨询|要求|申请|需)(真人|人工)(帮助|服务|客服|支持|介入)?(?=$|帮|处理|介入|吧|谢)"
    r"|^(我|我们)?(要|想|来)?投诉(你们)?[!！]*$|^(我|我们)(要|想)投诉(?!的)"
)
_LEFT_ALONE = re.compile(
    r"\b(nobody|no ?one|no-one|none of you) (is |has )?(answer\w*|repl\w+|respond\w*|help\w*|car\w+)"
    r"( to| about)? (me|us|the phone|my calls?)\b"
    r"|(?<!when )\b(is|will) (any(one|body)|some(one|body)) (going to |gonna )?"
    r"(answer|reply|respond|help|com(e|ing)(?= (soon|now|today|tonight)|$)|get back to (me|us)"
    r"|look at (it|this|my (ticket|question|message|problem|issue)))\b"
    r"|(谁|有人)(会|来|能)(来)?(联系|回复|处理)(我|我们)?(吗|呢|啊)?$"
    r"|(还|都|一直|怎么|就)没(有)?人(来|应)(一?下|我|我们|啊|呀|呢|了)*$"
    r"|(没有?|都没|就没)人(理|管|回复?|搭理|答复)(一?下|我|我们|你|吗|啊|呀|呢)*$"
)
# Right before a wish these turn it round: "I do not | need an agent", "先别 | 转人工".
_REFUSED = re.compile(
    r"\b(don'?t|do not|no|needn'?t|rather not)( (need|want|wish|have))?( (for|to|me|be))* ?$"
    r"|((?<!要)不|别|甭|无需|不必|没必要|不用|不要|不想|不需要)(再|先|急着|给我|帮我|替我)*$"
)
_HOW_TO = re.compile(r"(how|why|when|what|where|which|who|am i|are you)\b|怎么|为什么|如何|谁|哪")
_ASKED_WHETHER = re.compile(r"\b(do|does|must|should|will|did) (i|we|the|a|an|it|somebody|someone)\b.{0,20}")


def is_in_danger(plain: str) -> bool:
    """Tell whether a folded message speaks of somebody in danger, or of what puts people in danger."""
    if _LEAK.search(plain) or _DANGER.search(plain):
        return not _ASKS_ABOUT_DANGER.search(plain)
    return False


def wishes_for_person(plain: str) -> bool:
    """Tell whether a folded message asks for a person of ours."""
    joined = plain.replace(" ", "")
    if len(plain) > LONGEST_WISH:
        return False
    if _LEFT_ALONE.search(plain) or _LEFT_ALONE.search(joined):
        return True
    if _HOW_TO.match(plain):
        return False
    if _ONLY_A_PERSON.fullmatch(plain):
        return True
    english = _WISH_EN.search(plain)
    if english is not None and not _ASKED_WHETHER.match(plain) and not _is_refused(english):
        return True
    chinese = _WISH_ZH.search(joined)
    return chinese is not None and len(joined) <= 3 * len(chinese.group()) + 8 and not _is_refused(chinese)


def _is_refused(wish: re.Match[str]) -> bool:
    return bool(_REFUSED.search(wish.string[: wish.start()]))
