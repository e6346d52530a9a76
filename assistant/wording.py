"""The assistant's own sentences, in Chinese and English; pure. They claim nothing about the articles."""

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
    "greeting": {
        "en": "Hello! What would you like to know? Ask in your own words.",
        "zh": "您好！请直接说您想了解什么。",
    },
    "thanks": {
        "en": "You are welcome. Is there anything else you would like to know?",
        "zh": "不客气。还有别的问题吗？",
    },
    "abstained_ticket": {
        "en": "I have no sure answer to this, so I would rather not guess. "
        "I have passed the whole conversation to our team as ticket {number}; a person will answer you here.",
        "zh": "这个问题我没有把握，不想乱猜。我已把完整对话转给同事，工单号 {number}，会有人在这里回复您。",
    },
    "abstained": {
        "en": "No article that you may read answers this surely enough.",
        "zh": "您能看到的文章里没有足够可靠的答案。",
    },
    "handed_off_ticket": {
        "en": "Of course. I have passed the whole conversation to our team as ticket {number}; "
        "a person will answer you here.",
        "zh": "好的，我已把完整对话转给人工客服，工单号 {number}，会有同事在这里回复您。",
    },
    "handed_off": {
        "en": "You are staff and this conversation has a customer: assign it, or write to them yourself.",
        "zh": "您是内部同事，且这个对话已有客户：请直接指派或自己回复客户。",
    },
}


def say(key: str, language: Language, **values: str) -> str:
    """Return the sentence ``key`` in ``language`` with its blanks filled."""
    return _TEXTS[key][language].format(**values)
