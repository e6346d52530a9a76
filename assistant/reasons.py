"""Reasons and labels of profiles and next actions, in Chinese and English; pure."""

from knowledge.text import Language

_TEXTS: dict[str, tuple[str, str]] = {
    # next actions
    "stalled": (
        "In this stage for {days} days; won deals usually take {usual}.",
        "在当前阶段已 {days} 天，赢单一般只需 {usual} 天。",
    ),
    "close_date_past": ("The expected closing date {date} is past.", "预计成交日 {date} 已过。"),
    "task_overdue": ("A task is overdue: {title}", "有逾期任务：{title}"),
    "next_step": ("Agreed next step: {step}", "约定的下一步：{step}"),
    "no_quote_yet": ("No proposal has been made yet.", "还没有给过方案或报价。"),
    "keep_going": ("The deal is on its way; keep it going.", "商机正在推进，保持节奏。"),
    "ticket_unanswered": ("Ticket {number} has had no answer yet.", "工单 {number} 还没有人回复。"),
    "ticket_open": ("Ticket {number} is open and waits for us.", "工单 {number} 未结，等待我方处理。"),
    "at_stake": (
        "The value is what the relation usually brings; an open ticket puts it at risk.",
        "价值按该客户通常的成交额估计，未结工单会让它面临风险。",
    ),
    "quiet": ("Bought before; nobody has spoken to them for {days} days.", "老客户，已 {days} 天没有联系。"),
    "never": ("Bought before; no contact is on record.", "老客户，没有任何联系记录。"),
    "cost": ("{hours} h at {currency} {rate} an hour", "{hours} 小时 × 每小时 {currency} {rate}"),
    "counted": ("{good} of {n} past cases", "过往 {n} 例中 {good} 例"),
    "prior": (
        "only {n} past cases, so the stage's own {value} is used (n={n})",
        "过往只有 {n} 例，采用阶段默认值 {value}（n={n}）",
    ),
    # profile: facts
    "lifecycle": ("Lifecycle", "生命周期"),
    "last_interaction": ("Last interaction", "最近一次互动"),
    "open_tickets": ("Open tickets", "未结工单"),
    "open_pipeline": ("Open pipeline ({currency})", "在谈商机（{currency}）"),
    "won_value": ("Won so far ({currency})", "累计成交（{currency}）"),
    "preferred_channel": ("Preferred channel", "偏好渠道"),
    "language": ("Language", "语言"),
    "topics": ("Topics", "关注话题"),
    "key_people": ("Key people", "关键联系人"),
    # profile: scores
    "recency_days": ("Days since the last interaction", "距最近一次互动的天数"),
    "frequency": ("Deals won", "成交次数"),
    "monetary": ("Value won ({currency})", "成交金额（{currency}）"),
    "rank": ("better than or equal to {good} of {n} customers", "不低于 {n} 位客户中的 {good} 位"),
    "alone": ("not enough customers to compare (n={n})", "可比客户太少（n={n}）"),
    # profile: risks
    "no_contact": (
        "No contact for {days} days; usual is every {usual} days.",
        "已 {days} 天没有联系，通常每 {usual} 天一次。",
    ),
    "no_contact_yet": ("No contact is on record.", "没有任何联系记录。"),
    "overdue_tasks": ("{count} tasks of ours are overdue.", "我方有 {count} 个任务逾期。"),
    "open_incidents": ("{count} incidents are open.", "有 {count} 个故障工单未结。"),
    "low_satisfaction": ("Rated a ticket {csat} of 5.", "对工单的评分为 {csat} 分（满分 5）。"),
}


def explain(key: str, language: Language, **values: object) -> str:
    """Return the text ``key`` in ``language`` with its blanks filled."""
    english, chinese = _TEXTS[key]
    return (chinese if language == "zh" else english).format(**values)
