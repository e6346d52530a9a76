"""An answer that was given before is sent again without what was true of its own case alone."""

import pytest

from assistant.advice.case_words import without_case
from assistant.advice.similar_tickets import LEAST_LIKELY
from tests.assistant.conftest import Desk
from tests.assistant.test_advice import file_ticket
from tests.assistant.test_reply_learning import SIMILAR


@pytest.mark.parametrize(
    ("text", "sendable"),
    [
        (
            "I have attached the certificate for HL-88213. You find it under Documents in the cloud.",
            "… You find it under Documents in the cloud.",
        ),
        (
            "The label takes your address. I corrected it. Change it under Settings.",
            "The label takes your address. … Change it under Settings.",
        ),
        (
            "标签地址取自账户资料，我已经为您更正。您也可以在设置里修改。",
            "标签地址取自账户资料，…您也可以在设置里修改。",
        ),
        # Nothing is left of a mere report.
        ("Done. Both accounts are one now.", ""),
        ("Invoice INV-2291 was reissued with PO 4500-771.", ""),
        ("发票INV-3302已按PO-9911重开并发送到您的邮箱。", ""),
        # The customer's own numbers and addresses go; what is true for everybody stays.
        (
            "Write to support@hanlu.example or ida@lo.example about order SO-20391 of 88213301.",
            "Write to support@hanlu.example or … about order … of ….",
        ),
        ("Open port 8883; EN-12830 and ISO-17025 apply to HL-30.",) * 2,
        ("Once the order has been released only logistics can reprint it.",) * 2,
        ("We need three photos. We offer HL-10 and HL-50.",) * 2,
    ],
)
def test_an_answer_is_sent_again_without_what_was_of_its_own_case(text: str, sendable: str) -> None:
    found, kept = without_case(text, said="My order 88213301", matter="Labels", domains={"lo.example"})
    assert found == sendable
    assert 0 <= kept <= 1
    assert (kept == 0) is (sendable == "")


def test_a_number_that_is_asked_about_now_stays() -> None:
    text = "Error E-1042 means that the battery is empty: change it."
    assert without_case(text, said="", matter="error e-1042 on my probe") == (text, 1.0)
    assert without_case(text, said="", matter="battery")[0].startswith("Error … means")


async def test_an_answer_is_suggested_again_without_what_was_done_for_that_customer(desk: Desk) -> None:
    answer = (
        "Hello there, the drawer of the kiln sticks when it is cold: warm it for a minute. "
        "I have sent you the grease, order SO-20391.\n\nBest regards,\nA. Person"
    )
    words = "The drawer of our kiln sticks every morning."
    for other in ("Invoice title", "Password forgotten", "Parking place"):  # beside which it is the likest
        await file_ticket(desk, other, f"{other}: please help.", answer="We are on it.")
    old = await file_ticket(desk, "Kiln drawer sticks", words, answer=answer)
    new = await file_ticket(desk, "Kiln drawer sticks", "The drawer of our kiln sticks.")
    query = "query($id: ID!) { suggestReplies(ticketId: $id) { text sourceId citations { quote } } }"
    found = (await desk.crew.agent.ask(query, id=new))["suggestReplies"]
    (reply,) = [one for one in found if one["sourceId"] == old]
    assert reply["citations"][0]["quote"] == answer
    assert "warm it for a minute. …" in reply["text"]
    assert not any(word in reply["text"] for word in ("SO-20391", "grease", "Person", "regards"))


async def test_a_ticket_that_is_surely_about_something_else_is_not_similar(desk: Desk) -> None:
    await file_ticket(desk, "Paint peels", "The paint of the lid peels off.", answer="We send a lid.")
    new = await file_ticket(desk, "Parliament", "Which parties sit in the parliament of Iceland this year?")
    found = (await desk.crew.agent.ask(SIMILAR, id=new))["similarTickets"]
    assert [one["probability"] for one in found if one["probability"] < LEAST_LIKELY] == []
