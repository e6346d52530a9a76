"""What a message wants, by its words."""

import pytest

from assistant.understand import Intent, understand


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
    ],
)
def test_a_message_is_understood(text: str, intent: Intent, language: str) -> None:
    found = understand(text)
    assert (found.intent, found.language) == (intent, language)
