"""Everyday sentences that show where a language lies in an encoder's space.

An encoder puts all passages of one language near one another. Taking that place away lets a question find its
answer in the other language; a base with few passages borrows the place from these sentences.
"""

from knowledge.text import Language

EVERYDAY: dict[Language, tuple[str, ...]] = {
    "en": (
        "How do I reset my password?",
        "Our office is open from nine to five on weekdays.",
        "The invoice is due within thirty days.",
        "What is the weather like in the mountains?",
        "She bought two books and a cup of tea.",
        "The new engine uses less fuel than the old one.",
        "Please send me the report before Friday.",
        "Where can I find the nearest hospital?",
        "The meeting was moved to Tuesday afternoon.",
        "Water boils at a lower temperature on high ground.",
        "You can return the goods within two weeks.",
        "How much does shipping to Canada cost?",
        "The committee approved the budget last year.",
        "Plants need light, water and air to grow.",
        "He has worked as a teacher for twenty years.",
        "Can I pay by bank transfer?",
    ),
    "zh": (
        "怎样重置我的密码？",
        "我们的办公时间是工作日九点到五点。",
        "发票应在三十天内付款。",
        "山区的天气怎么样？",
        "她买了两本书和一杯茶。",
        "新发动机比旧的更省油。",
        "请在星期五之前把报告发给我。",
        "最近的医院在哪里？",
        "会议改到了星期二下午。",
        "在高原上水的沸点较低。",
        "您可以在两周内退货。",
        "寄到加拿大的运费是多少？",
        "委员会去年批准了预算。",
        "植物生长需要光、水和空气。",
        "他当了二十年老师。",
        "可以用银行转账付款吗？",
    ),
}
