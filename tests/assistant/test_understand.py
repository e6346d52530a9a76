"""What a message wants, by its words."""

import pytest

from assistant.understand import Intent, is_question, is_vague, understand
from backend.core.demo import load


@pytest.mark.parametrize(
    ("text", "intent", "language"),
    [
        ("Hello!", Intent.GREETING, "en"),
        ("您好，", Intent.GREETING, "zh"),
        ("Thanks a lot", Intent.THANKS, "en"),
        ("好的，谢谢您", Intent.THANKS, "zh"),
        ("Can I speak to a real person please?", Intent.WISH_FOR_HUMAN, "en"),
        ("Please connect me with an agent, this is not working", Intent.WISH_FOR_HUMAN, "en"),
        ("转人工", Intent.WISH_FOR_HUMAN, "zh"),
        ("我不想和机器人说话，转人工客服", Intent.WISH_FOR_HUMAN, "zh"),
        # about people, yet questions
        ("Can I give a person access to one site only?", Intent.QUESTION, "en"),
        ("How do I talk to a person?", Intent.QUESTION, "en"),
        ("人工校准多少钱？", Intent.QUESTION, "zh"),
        ("今年春节期间客服放几天假？", Intent.QUESTION, "zh"),
        ("Hello, how much is an HL-30?", Intent.QUESTION, "en"),
        ("上次那个退货的单子有进展没", Intent.OWN_TICKETS, "zh"),
        ("昨天的报修有人看吗", Intent.OWN_TICKETS, "zh"),
        ("上次的单子可以改地址吗", Intent.QUESTION, "zh"),
    ],
)
def test_a_message_is_understood(text: str, intent: Intent, language: str) -> None:
    found = understand(text)
    assert (found.intent, found.language) == (intent, language)


@pytest.mark.parametrize(
    ("text", "intent", "language"),
    [
        ("When does our service contract end?", Intent.OWN_CONTRACTS, "en"),
        ("Which contracts do we have with you?", Intent.OWN_CONTRACTS, "en"),
        ("Is c-000002 still in force", Intent.OWN_CONTRACTS, "en"),
        ("我们的云平台合同什么时候到期？", Intent.OWN_CONTRACTS, "zh"),
        ("我司和你们签的合同有哪些", Intent.OWN_CONTRACTS, "zh"),
        ("How much do we still owe you?", Intent.OWN_PAYMENTS, "en"),
        ("Is our second payment overdue?", Intent.OWN_PAYMENTS, "en"),
        ("Has P-000005 arrived?", Intent.OWN_PAYMENTS, "en"),
        ("我们的尾款什么时候到期？", Intent.OWN_PAYMENTS, "zh"),
        ("我们还欠你们多少钱", Intent.OWN_PAYMENTS, "zh"),
        ("合同什么时候到期", Intent.OWN_CONTRACTS, "zh"),
        ("我的合約什麼時候到期", Intent.OWN_CONTRACTS, "zh"),
        ("我们公司跟你们签了几个合同", Intent.OWN_CONTRACTS, "zh"),
        ("the service agreement, when is it over?", Intent.OWN_CONTRACTS, "en"),
        ("上次付款是哪天", Intent.OWN_PAYMENTS, "zh"),
        ("我们还有哪些款没结清？", Intent.OWN_PAYMENTS, "zh"),
        ("质保金什么时候付", Intent.OWN_PAYMENTS, "zh"),
        ("Have you received our payment?", Intent.OWN_PAYMENTS, "en"),
        ("我之前报的那个问题处理到哪了？？", Intent.OWN_TICKETS, "zh"),
        ("any news on my problem?", Intent.OWN_TICKETS, "en"),
        ("上个月报修的那个怎么样了", Intent.OWN_TICKETS, "zh"),
        ("did my last transfer arrive", Intent.OWN_PAYMENTS, "en"),
        ("我名下有哪些合同", Intent.OWN_CONTRACTS, "zh"),
        # about contracts and payments, yet for the articles
        ("Does our contract cover recalibration?", Intent.QUESTION, "en"),
        ("How do I cancel my contract?", Intent.QUESTION, "en"),
        ("How can I change my payment method?", Intent.QUESTION, "en"),
        ("Is my payment data safe?", Intent.QUESTION, "en"),
        ("What are your payment terms?", Intent.QUESTION, "en"),
        ("When does a contract end?", Intent.QUESTION, "en"),
        ("合同到期后数据会保留多久？", Intent.QUESTION, "zh"),
        ("我们怎么付款？", Intent.QUESTION, "zh"),
        ("支持哪些付款方式？", Intent.QUESTION, "zh"),
        ("探头 P-100 的精度是多少？", Intent.QUESTION, "zh"),
    ],
)
def test_own_contracts_and_payments_are_told_from_questions_about_them(
    text: str, intent: Intent, language: str
) -> None:
    found = understand(text)
    assert (found.intent, found.language) == (intent, language)


@pytest.mark.parametrize(
    ("text", "vague"),
    [
        ("order", True),
        ("my order", True),
        ("Where is my order?", False),
        ("which plans are there", False),
        ("退货", True),
        ("怎么退货", False),
    ],
)
def test_a_whole_question_is_not_vague_for_having_one_noun(text: str, vague: bool) -> None:
    assert is_vague(text) is vague


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Where is my order", True),
        ("and for the HL-10?", True),
        ("怎么退货", True),
        ("能寄到加拿大吗", True),
        ("the serial number is 12345", False),
        ("序列号是 12345", False),
        ("hall 3", False),
        ("一台车装完要多长时间", True),
        ("数据会不会丢", True),
        ("有十几台冷藏车", False),
    ],
)
def test_a_question_is_told_from_what_is_only_told(text: str, asks: bool) -> None:
    assert is_question(text) is asks


def test_no_question_of_the_demo_is_taken_for_one_about_own_contracts() -> None:
    texts = [str(row["text"]) for row in load("questions")["questions"]]
    assert len(texts) > 50
    own = {Intent.OWN_CONTRACTS, Intent.OWN_PAYMENTS}
    assert [text for text in texts if understand(text).intent in own] == []
