"""What the codes in records are called in a profile, in Chinese and English; pure."""

from knowledge.text import Language

_CALLED: dict[str, tuple[str, str]] = {
    # how a customer was spoken to: types of activities and channels of conversations
    "call": ("call", "通话"),
    "meeting": ("meeting", "会议"),
    "email": ("email", "邮件"),
    "visit": ("visit", "拜访"),
    "note": ("note", "备注"),
    "message": ("message", "消息"),
    "other": ("other", "其他"),
    "phone": ("phone", "电话"),
    "webchat": ("web chat", "网页聊天"),
    "wechat": ("WeChat", "微信"),
    "whatsapp": ("WhatsApp", "WhatsApp"),
    "sms": ("SMS", "短信"),
    "api": ("API", "API"),
    # where an account stands
    "prospect": ("prospect", "潜在客户"),
    "customer": ("customer", "客户"),
    "dormant": ("dormant", "沉睡客户"),
    "churned": ("churned", "已流失"),
    "won_back": ("won back", "已赢回"),
    # how they sound
    "better": ("better", "好转"),
    "worse": ("worse", "变差"),
    "steady": ("steady", "平稳"),
    # who decides
    "decisionMaker": ("decision maker", "决策人"),
    "evaluator": ("evaluator", "评估人"),
    "influencer": ("influencer", "影响者"),
    "champion": ("champion", "支持者"),
    "user": ("user", "使用者"),
    # what they speak
    "zh": ("Chinese", "中文"),
    "en": ("English", "英文"),
}


def called(code: str, language: Language) -> str:
    """Return what a code is called in ``language``; what people typed themselves stays as it is."""
    english, chinese = _CALLED.get(code, (code, code))
    return chinese if language == "zh" else english
