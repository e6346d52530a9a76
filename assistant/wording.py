"""The assistant's own sentences, in Chinese and English; pure. They claim nothing about the articles."""

from datetime import datetime

from knowledge.text import Language

_TEXTS: dict[str, dict[Language, str]] = {
    "source": {"en": "Source: “{title}”", "zh": "来源：《{title}》"},
    "foreign_en": {
        "en": "Source: “{title}”",
        "zh": "这个问题只有英文文章，原文如下：",
    },
    "foreign_zh": {
        "en": "The article on this is in Chinese. In its own words:",
        "zh": "来源：《{title}》",
    },
    "which": {
        "en": "I found two articles that may be meant. Which one is it?",
        "zh": "有两篇文章可能与您的问题有关，您指的是哪一个？",
    },
    "is_it_one": {
        "en": "I am not sure that I understood you. Is it in one of these? If not, say “none”, and a person "
        "answers.",
        "zh": "我不太确定您的意思。是下面的哪一个吗？如果都不是，请回复“都不是”，我会转给同事。",
    },
    "is_it_this": {
        "en": "I am not sure that I understood you. Is it in this one? If not, say “no”, and a person "
        "answers.",
        "zh": "我不太确定您的意思。是下面这篇吗？如果不是，请回复“不是”，我会转给同事。",
    },
    "titled_en": {"en": "{title}", "zh": "{title}（英文）"},
    "titled_zh": {"en": "{title} (in Chinese)", "zh": "{title}"},
    "rephrase": {
        "en": "I am not sure what you would like to know. Could you tell me a little more: which product or "
        "function is it about, and what about it?",
        "zh": "我还不太明白您的问题，能说得再具体一点吗？比如是哪个产品或功能、遇到了什么情况。",
    },
    "rephrase_unhelped": {
        "en": "I am sorry, that was not what you needed. Tell me in other words what you would like to know, "
        "or write “talk to a person”.",
        "zh": "抱歉，没有答到您想问的。您可以换个说法再问一次，或者说“转人工”。",
    },
    "sorry": {"en": "I am sorry for the trouble.", "zh": "很抱歉给您添麻烦了。"},
    "language": {
        "en": "I answer in the language that you write in: please ask in English.",
        "zh": "您用什么语言提问，我就用什么语言回答，请直接用中文提问。",
    },
    "greeting": {
        "en": "Hello! What would you like to know? Ask in your own words.",
        "zh": "您好！请直接说您想了解什么。",
    },
    "thanks": {
        "en": "You are welcome. Is there anything else you would like to know?",
        "zh": "不客气。还有别的问题吗？",
    },
    "fine": {
        "en": "All right. If there is anything else, ask me here at any time.",
        "zh": "好的。还有问题的话，随时在这里问我。",
    },
    "greeting_waiting": {
        "en": "I am here. What you wrote before is with our team; {when} You can go on asking me until then.",
        "zh": "我在。您之前写的已转给同事，{when}在此之前您可以继续问我。",
    },
    "fine_waiting": {
        "en": "All right. What you wrote stays with our team, who see this message, too. "
        "If there is anything else, ask me here at any time.",
        "zh": "好的。您之前写的仍在同事那里，这条消息他们也能看到。还有问题的话，随时在这里问我。",
    },
    "who_answers": {
        "en": "I am a program, not a person. I answer from our help articles and say where it stands. "
        "If you would like a person of our team, write “talk to a person”.",
        "zh": "我是智能助手，不是真人。我根据帮助文章回答，并注明出处。如需真人客服，请说“转人工”。",
    },
    "abstained_ticket": {
        "en": "I have no sure answer to this, so I would rather not guess. "
        "I have passed the whole conversation to our team as ticket {number}; {when}",
        "zh": "这个问题我没有把握，不想乱猜。我已把完整对话转给同事，工单号 {number}，{when}",
    },
    "unhelped_ticket": {
        "en": "I am sorry that I could not help. "
        "I have passed the whole conversation to our team as ticket {number}; {when}",
        "zh": "抱歉没能帮上您。我已把完整对话转给同事，工单号 {number}，{when}",
    },
    "abstained": {
        "en": "No article that you may read answers this surely enough.",
        "zh": "您能看到的文章里没有足够可靠的答案。",
    },
    "abstained_several_ticket": {
        "en": "I have no sure answer to these, so I would rather not guess. "
        "I have passed the whole conversation to our team as ticket {number}; {when}",
        "zh": "这几个问题我没有把握，不想乱猜。我已把完整对话转给同事，工单号 {number}，{when}",
    },
    "abstained_several": {
        "en": "No article that you may read answers these surely enough.",
        "zh": "您能看到的文章里没有足够可靠的答案。",
    },
    "ask_again": {
        "en": "Please ask me again, one at a time:",
        "zh": "请把下面的问题逐个再问我一次：",
    },
    "waiting_ticket": {
        "en": "Our team has this with ticket {number}, as all that you write here; {when}",
        "zh": "已补充到工单 {number}，您在这里写的同事都能看到，{when}",
    },
    "disagree_ticket": {
        "en": "Our articles say different things about this, so I will not choose between them. "
        "I have passed the question to our team as ticket {number}; {when}",
        "zh": "关于这个问题，我们的文章说法不一致，我不替您选。我已把问题转给同事，工单号 {number}，{when}",
    },
    "none_chosen_ticket": {
        "en": "Then I have passed your question to our team as ticket {number}; {when}",
        "zh": "好的，我已把您的问题转给同事，工单号 {number}，{when}",
    },
    "not_ready_ticket": {
        "en": "Our articles are being indexed anew. Until that is done I find them by their words alone, "
        "which is not sure enough to answer from. "
        "I have passed your question to our team as ticket {number}; {when}",
        "zh": "文章索引正在重建，目前我只能按字词查找，不足以据此回答。"
        "我已把问题转给同事，工单号 {number}，{when}",
    },
    "not_ready": {
        "en": "The articles are being indexed anew. Until that is done they are found by their words alone, "
        "which is not sure enough to answer from: ask again in some minutes.",
        "zh": "文章索引正在重建，目前只能按字词查找，不足以据此回答，请几分钟后再问。",
    },
    "handed_off_ticket": {
        "en": "Of course. I have passed the whole conversation to our team as ticket {number}; {when}",
        "zh": "好的，我已把完整对话转给人工客服，工单号 {number}，{when}",
    },
    "human_first_ticket": {
        "en": "Thank you. Your question has gone to our team as ticket {number}; {when}",
        "zh": "谢谢，您的问题已转给同事，工单号 {number}，{when}",
    },
    "danger_ticket": {
        "en": "If anybody is in danger, leave the place and call the emergency services first. "
        "I have passed this to our team at once as urgent ticket {number}; {when}",
        "zh": "如果有人身危险，请先离开现场并拨打急救或消防电话。"
        "我已立即把情况作为紧急工单 {number} 转给同事，{when}",
    },
    "danger": {
        "en": "If anybody is in danger, call the emergency services first.",
        "zh": "如果有人身危险，请先拨打急救或消防电话。",
    },
    "goods_in_danger_ticket": {
        "en": "This cannot wait: I have passed it to our team at once as urgent ticket {number}; {when} "
        "Until then keep the door closed, and if you can, move the goods to where their temperature is held. "
        "Throw nothing away before somebody responsible has judged it.",
        "zh": "这件事等不得：我已立即转给同事，紧急工单 {number}，{when}"
        "在此之前请关好门；条件允许的话，把物品移到温度合格的设备里。能否继续使用请由负责人判断，先不要丢弃。",
    },
    "handed_off": {
        "en": "You are staff and this conversation has a customer: assign it, or write to them yourself.",
        "zh": "您是内部同事，且这个对话已有客户：请直接指派或自己回复客户。",
    },
    "person_answers": {
        "en": "A colleague of ours is in this conversation and has your message.",
        "zh": "我们的同事已在这个对话里，能看到您的消息。",
    },
    "there_now": {"en": "a person will answer you here.", "zh": "会有同事在这里回复您。"},
    "there_from": {
        "en": "our team is there from {day} {time} ({zone}) and will answer you here.",
        "zh": "同事将于 {day} {time}（{zone}）上班后在这里回复您。",
    },
    "told_before": {
        "en": "they are told now, by night as well; their hours begin on {day} {time} ({zone}).",
        "zh": "现在就会通知他们（不分昼夜）；他们 {day} {time}（{zone}）起上班。",
    },
    "told_already": {
        "en": "they have it as urgent; their hours begin on {day} {time} ({zone}).",
        "zh": "他们已按紧急工单收到；{day} {time}（{zone}）起上班。",
    },
    "ticket": {
        "en": "{number} “{subject}”: {status}, opened {opened}",
        "zh": "{number}“{subject}”：{status}，{opened} 提交",
    },
    "your_tickets": {"en": "Your open tickets:", "zh": "您未结的工单："},
    "visitors_tickets": {
        "en": "There is no open ticket from this chat. You are not signed in, so I see nothing else of "
        "yours: sign in to ask about your tickets, or write “talk to a person”.",
        "zh": "这个对话里没有未结的工单。您还没有登录，其他工单我看不到：请登录后再问，或者说“转人工”。",
    },
    "visitors_contracts": {
        "en": "You are not signed in, so I see no contracts of yours: "
        "sign in to ask about them, or write “talk to a person”.",
        "zh": "您还没有登录，我看不到您的合同：请登录后再问，或者说“转人工”。",
    },
    "visitors_payments": {
        "en": "You are not signed in, so I see no payments of yours: "
        "sign in to ask about them, or write “talk to a person”.",
        "zh": "您还没有登录，我看不到您的款项：请登录后再问，或者说“转人工”。",
    },
    "no_open_tickets": {"en": "You have no open ticket.", "zh": "您没有未结的工单。"},
    "no_such_tickets": {
        "en": "I find no {numbers} among your tickets.",
        "zh": "您的工单里没有 {numbers}。",
    },
    "contract": {
        "en": "{number} “{name}”: {status}, {start} to {end}",
        "zh": "{number}“{name}”：{status}，{start} 至 {end}",
    },
    "endless": {"en": "until it is terminated", "zh": "无固定期限"},
    "your_contracts": {"en": "Your contracts in force:", "zh": "您有效的合同："},
    "no_open_contracts": {"en": "You have no contract in force.", "zh": "您没有有效的合同。"},
    "no_such_contracts": {
        "en": "I find no {numbers} among your contracts.",
        "zh": "您的合同里没有 {numbers}。",
    },
    "contract_signed": {"en": "signed, not begun yet", "zh": "已签署，尚未生效"},
    "contract_active": {"en": "in force", "zh": "生效中"},
    "contract_expiring": {"en": "in force, ending soon", "zh": "生效中，即将到期"},
    "contract_expired": {"en": "expired", "zh": "已到期"},
    "contract_renewed": {"en": "renewed by a later one", "zh": "已续签"},
    "contract_terminated": {"en": "terminated", "zh": "已终止"},
    "payment": {
        "en": "{number} “{name}”: {open} of {amount} {currency} still open, due {due}, {status}",
        "zh": "{number}“{name}”：{amount} {currency}，尚余 {open}，应付日 {due}，{status}",
    },
    "payment_in_part": {
        "en": "{number} “{name}”: {open} of {amount} {currency} still open, due {due}, {status}, "
        "latest receipt {day}",
        "zh": "{number}“{name}”：{amount} {currency}，尚余 {open}，应付日 {due}，{status}，最近到账 {day}",
    },
    "payment_paid_fact": {
        "en": "{number} “{name}”: {amount} {currency}, paid in full on {day}",
        "zh": "{number}“{name}”：{amount} {currency}，{day} 已付清",
    },
    "your_payments": {"en": "Your open payments:", "zh": "您未付清的款项："},
    "your_latest_payments": {
        "en": "Your payments, those received last first:",
        "zh": "您的款项，最近到账的在前：",
    },
    "no_open_payments": {"en": "You have no open payment.", "zh": "您没有未付清的款项。"},
    "no_such_payments": {
        "en": "I find no {numbers} among your payments.",
        "zh": "您的款项里没有 {numbers}。",
    },
    "payment_planned": {"en": "not due yet", "zh": "未到期"},
    "payment_due": {"en": "due today", "zh": "今天到期"},
    "payment_partial": {"en": "paid in part", "zh": "已付部分"},
    "payment_overdue": {"en": "overdue", "zh": "已逾期"},
    "payment_cancelled": {"en": "nothing is owed any more", "zh": "已取消"},
    "status_new": {"en": "received, nobody has answered yet", "zh": "已收到，还没有人回复"},
    "status_open": {"en": "being worked on", "zh": "处理中"},
    "status_pending_customer": {"en": "waiting for your answer", "zh": "等待您的回复"},
    "status_on_hold": {"en": "on hold", "zh": "暂缓"},
    "status_resolved": {"en": "resolved", "zh": "已解决"},
    "status_closed": {"en": "closed", "zh": "已关闭"},
    # when people are there
    "hours_open_until_today": {
        "en": "Our team is there now, until {time} ({zone}).",
        "zh": "现在有同事在，到 {time}（{zone}）为止。",
    },
    "hours_open_until": {
        "en": "Our team is there now, until {weekday} {day} {time} ({zone}).",
        "zh": "现在有同事在，到{weekday}（{day}）{time}（{zone}）为止。",
    },
    "hours_always_open": {
        "en": "Our team is there now, around the clock.",
        "zh": "现在有同事在，我们全天都有人。",
    },
    "hours_closed_until": {
        "en": "Nobody of our team is there now; next from {weekday} {day} {time} ({zone}).",
        "zh": "现在没有同事在，{weekday}（{day}）{time}（{zone}）起有人。",
    },
    "hours_closed": {"en": "Nobody of our team is there now.", "zh": "现在没有同事在。"},
    "hours_leave_it": {
        "en": "Ask me at any time. For an answer by a person write “talk to a person”: they find it here.",
        "zh": "您随时可以问我；如需同事回复，请说“转人工”，他们会在这里看到。",
    },
    "hours_zone": {"en": "Our hours, in {zone} time:", "zh": "我们的工作时间（{zone} 时区）："},
    "hours_of_day": {"en": "{weekday} {day}{name}: {times}", "zh": "{day} {weekday}{name}：{times}"},
    "hours_of_days": {"en": "{days}: {times}", "zh": "{days}：{times}"},
    "hours_from_to": {"en": "{first} to {last}", "zh": "{first}至{last}"},
    "hours_none": {"en": "nobody is there", "zh": "没有人"},
    "hours_all_day": {"en": "around the clock", "zh": "全天"},
    "hours_and": {"en": " and ", "zh": "、"},
    "hours_unentered": {
        "en": "No hours of its own are entered for “{day}”: what stands here is the usual week.",
        "zh": "“{day}”还没有单独录入安排，以上是平时的时间。",
    },
    "weekday_0": {"en": "Monday", "zh": "周一"},
    "weekday_1": {"en": "Tuesday", "zh": "周二"},
    "weekday_2": {"en": "Wednesday", "zh": "周三"},
    "weekday_3": {"en": "Thursday", "zh": "周四"},
    "weekday_4": {"en": "Friday", "zh": "周五"},
    "weekday_5": {"en": "Saturday", "zh": "周六"},
    "weekday_6": {"en": "Sunday", "zh": "周日"},
    # what the agent reads
    "summary_reason": {"en": "Why it came to you: {reason}", "zh": "转交原因：{reason}"},
    "because_low_confidence": {"en": "no article answers it surely enough", "zh": "没有足够可靠的文章"},
    "because_none_chosen": {
        "en": "the customer meant none of the articles offered",
        "zh": "客户表示列出的文章都不是想问的",
    },
    "because_nothing_found": {"en": "no article was found", "zh": "没有找到文章"},
    "because_articles_disagree": {"en": "our articles contradict each other", "zh": "文章说法不一致"},
    "because_article_expired": {"en": "the article on it is out of date", "zh": "相关文章已过有效期"},
    "because_quote_not_verified": {
        "en": "the quotation does not stand in the article any more",
        "zh": "引文与文章现有内容不符",
    },
    "because_knowledge_not_ready": {"en": "the articles were being indexed", "zh": "文章索引正在重建"},
    "because_customer_asked_for_human": {"en": "the customer asked for a person", "zh": "客户要求人工服务"},
    "because_human_first": {"en": "people answer first at this hour", "zh": "当前时段由人工优先答复"},
    "because_danger": {"en": "somebody may be in danger", "zh": "可能有人身危险"},
    "summary_served": {
        "en": "Asked in the same message, and served: {questions}",
        "zh": "同一条消息里已答复的：{questions}",
    },
    "because_goods_in_danger": {
        "en": "goods may be spoiling at this moment",
        "zh": "物品可能正在受损",
    },
    "summary_before": {"en": "Asked before: {questions}", "zh": "此前问过：{questions}"},
    "summary_tried": {"en": "Articles looked at: {titles}", "zh": "已查阅的文章：{titles}"},
    "summary_nothing": {"en": "No article was found.", "zh": "没有找到相关文章。"},
    "summary_confidence": {
        "en": "Confidence {confidence}, {threshold} is needed.",
        "zh": "置信度 {confidence}，需要达到 {threshold}。",
    },
}


def say(key: str, language: Language, **values: str) -> str:
    """Return the sentence ``key`` in ``language`` with its blanks filled."""
    return _TEXTS[key][language].format(**values)


def say_when(
    language: Language,
    *,
    opens: datetime | None,
    is_open: bool,
    is_urgent: bool = False,
    was_urgent: bool = False,
) -> str:
    """Say when a person answers; no time is promised that is not known.

    ``is_urgent``: they are told outside their hours, too, which is not to say that they come; ``was_urgent``:
    what was written before has reached them so.
    """
    if is_open or opens is None:
        return say("there_now", language)
    return say(
        "told_before" if is_urgent else "told_already" if was_urgent else "there_from",
        language,
        day=opens.date().isoformat(),
        time=opens.strftime("%H:%M"),
        zone=str(opens.tzinfo),
    )
