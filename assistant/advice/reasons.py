"""Reasons and labels of profiles and next actions, in Chinese and English; pure."""

from knowledge.text import Language

_TEXTS: dict[str, tuple[str, str]] = {
    # next actions
    "stalled": (
        "In this stage for {days} {days:day|days}; won deals usually take {usual}.",
        "在当前阶段已 {days} 天，赢单一般只需 {usual} 天。",
    ),
    "close_date_past": ("The expected closing date {date} is past.", "预计成交日 {date} 已过。"),
    "task_overdue": ("A task is overdue: {title}", "有逾期任务：{title}"),
    "next_step": ("Agreed next step: {step}", "约定的下一步：{step}"),
    "no_quote_yet": ("No proposal has been made yet.", "还没有给过方案或报价。"),
    "quote_sent": (
        "Quote {number} was sent {days:less than a day|a day|{days} days} ago and is not answered.",
        "报价 {number} 已发出{days:不到 1 天| 1 天| {days} 天}，客户还没有答复。",
    ),
    "quote_lies_here": ("Quote {number} is written and not sent.", "报价 {number} 已写好，还没有发出。"),
    "quote_lapsed": ("Quote {number} ran out unanswered.", "报价 {number} 已过期，客户没有答复。"),
    "quote_accepted": (
        "Quote {number} was accepted; the deal is not closed yet.",
        "客户已接受报价 {number}，商机还没有结束。",
    ),
    "payment_overdue": (
        "Payment {number} is {days} {days:day|days} overdue; {currency} {open} are open.",
        "款项 {number} 已逾期 {days} 天，尚余 {currency} {open}。",
    ),
    "contract_ends": (
        "Contract {number} ends on {end} and does not renew itself.",
        "合同 {number} 将于 {end} 到期，不会自动续签。",
    ),
    "contract_ended": (
        "Contract {number} ended on {end} and was not renewed.",
        "合同 {number} 已于 {end} 到期，还没有续签。",
    ),
    "keep_going": ("The deal is on its way; keep it going.", "商机正在推进，保持节奏。"),
    "ticket_unanswered": ("Ticket {number} has had no answer yet.", "工单 {number} 还没有人回复。"),
    "ticket_open": ("Ticket {number} is open and waits for us.", "工单 {number} 未结，等待我方处理。"),
    "at_stake": (
        "The value is what the relation usually brings; an open ticket puts it at risk.",
        "价值按该客户通常的成交额估计，未结工单会让它面临风险。",
    ),
    "quiet": ("Bought before; nobody has spoken to them for {days} days.", "老客户，已 {days} 天没有联系。"),
    "never": ("Bought before; no contact is on record.", "老客户，没有任何联系记录。"),
    "reopened_often": (
        "Ticket {number} was reopened {count} times.",
        "工单 {number} 已被重新打开 {count} 次。",
    ),
    "urgent_unanswered": (
        "Ticket {number} is pressing and has waited {hours} hours for a first answer.",
        "工单 {number} 很紧急，已等待首次回复 {hours} 小时。",
    ),
    "interested_in": (
        "Customers interested in {given} often want {thing}, too.",
        "对{given}感兴趣的客户往往也需要{thing}。",
    ),
    "cost": ("{hours} h at {currency} {rate} an hour", "{hours} 小时 × 每小时 {currency} {rate}"),
    "owed": (
        "{hours} h, owed to who waits: not counted against it",
        "{hours} 小时，客户在等待回复，不计成本",
    ),
    "counted": ("{good} of {n} past cases", "过往 {n} 例中 {good} 例"),
    "prior": (
        "only {n} past cases, so the stage's own {value} is used (n={n})",
        "过往只有 {n} 例，采用阶段默认值 {value}（n={n}）",
    ),
    "counted_level": ("{level}: {good} of {n} past cases won", "{level}：过往 {n} 例中赢单 {good} 例"),
    "goes_with": (
        "{good} of {n} customers interested in {given} wanted it, too",
        "对{given}感兴趣的 {n} 位客户中有 {good} 位也需要",
    ),
    "skipped_before": (
        "such advice was skipped as wrong {wrong} of {n} times",
        "此类建议 {n} 次中有 {wrong} 次被认为不合适而跳过",
    ),
    # titles of the tasks that accepted advice makes
    "do_call": ("Call: {about}", "致电：{about}"),
    "do_follow_up": ("Follow up: {about}", "跟进：{about}"),
    "do_send_quote": ("Send a quote: {about}", "发送报价：{about}"),
    "do_answer_ticket": ("Answer: {about}", "回复工单：{about}"),
    "do_escalate": ("Escalate: {about}", "升级处理：{about}"),
    "do_offer_product": ("Offer {thing}: {about}", "推荐{thing}：{about}"),
    "do_visit": ("Visit: {about}", "拜访：{about}"),
    "do_collect_payment": ("Collect: {about}", "催收：{about}"),
    "do_renew_contract": ("Renew the contract: {about}", "续签合同：{about}"),
    "do_renew": ("Get in touch again: {about}", "重新联系：{about}"),
    "enough": ("learned from {n} {n:case|cases}", "依据 {n} 个案例"),
    "not_enough": ("not enough data: {n} of {needed} cases", "数据不足：{n}/{needed} 个案例"),
    # profile: facts
    "lifecycle": ("Lifecycle", "生命周期"),
    "last_interaction": ("Last interaction", "最近一次互动"),
    "open_tickets": ("Open tickets", "未结工单"),
    "open_pipeline": ("Open pipeline ({currency})", "在谈商机（{currency}）"),
    "won_value": ("Won so far ({currency})", "累计成交（{currency}）"),
    "preferred_channel": ("Preferred channel", "偏好渠道"),
    "language": ("Language", "语言"),
    "topics": ("Topics", "关注话题"),
    "preferred_hour": ("Preferred hour", "偏好时段"),
    "sentiment_trend": ("How they sound lately", "近期情绪走向"),
    "interests": ("Interested in", "感兴趣的产品"),
    "key_people": ("Key people", "关键联系人"),
    # profile: scores
    "recency_days": ("Days since the last purchase", "距最近一次购买的天数"),
    "frequency": ("Deals won", "成交次数"),
    "monetary": ("Value won ({currency})", "成交金额（{currency}）"),
    "rank": (
        "better than {worse} of {n} customers{level:|, level with 1 other|, level with {level} others}",
        "优于 {n} 位客户中的 {worse} 位{level:|，与另外 1 位持平|，与另外 {level} 位持平}",
    ),
    "alone": ("not enough customers to compare (n={n})", "可比客户太少（n={n}）"),
    "lifetime_value": ("Expected in the next year ({currency})", "未来一年预计带来（{currency}）"),
    "foretold": (
        "80 % between {low} and {high}, learned from {n} customers",
        "80% 在 {low} 到 {high} 之间，依据 {n} 位客户",
    ),
    # profile: risks
    "likely_gone": (
        "Has left with a probability of {chance} %, judged by the purchases of {n} customers.",
        "流失概率 {chance}%，依据 {n} 位客户的购买记录。",
    ),
    "no_contact": (
        "No contact for {days} {days:day|days}; usual is every {usual:day|{usual} days}.",
        "已 {days} 天没有联系，通常每 {usual} 天一次。",
    ),
    "no_contact_yet": ("No contact is on record.", "没有任何联系记录。"),
    "overdue_tasks": (
        "{count} {count:task of ours is|tasks of ours are} overdue.",
        "我方有 {count} 个任务逾期。",
    ),
    "overdue_payments": (
        "{count} {count:payment is|payments are} overdue; {currency} {open} are open.",
        "有 {count} 笔款项逾期，尚余 {currency} {open}。",
    ),
    "open_incidents": ("{count} {count:incident is|incidents are} open.", "有 {count} 个故障工单未结。"),
    "low_satisfaction": ("Rated a ticket {csat} of 5.", "对工单的评分为 {csat} 分（满分 5）。"),
}


_LEVELS: dict[str, tuple[str, str]] = {
    "fast": ("faster than usual", "快于通常"),
    "usual": ("at the usual pace", "节奏正常"),
    "slow": ("slower than usual", "慢于通常"),
    "stalled": ("far slower than usual", "停滞"),
    "small": ("among the smallest third", "金额较小"),
    "middle": ("of middle size", "金额中等"),
    "large": ("among the largest third", "金额较大"),
    "named": ("a person is named", "有联系人"),
    "nobody": ("no person is named", "没有联系人"),
    "unknown": ("not known", "未知"),
}
"""What a factor's level is called; stages and sources have names of their own."""


class _Blank(str):
    """A value to be filled in. ``{n:one|more}`` chooses by number; of three, the first is for none."""

    __slots__ = ()

    def __format__(self, choices: str) -> str:
        if "|" not in choices:
            return super().__format__(choices)
        *none, one, more = choices.split("|")
        if none and self == "0":
            return none[0]
        return one if self == "1" else more


def explain(key: str, language: Language, **values: object) -> str:
    """Return the text ``key`` in ``language`` with its blanks filled."""
    english, chinese = _TEXTS[key]
    if (level := values.get("level")) in _LEVELS:
        values["level"] = _LEVELS[str(level)][language == "zh"]
    blanks = {name: _Blank(value) for name, value in values.items()}
    return (chinese if language == "zh" else english).format(**blanks)
