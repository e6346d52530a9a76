"""Put an answer together from verified quotations, framed in the asker's language; pure."""

from collections.abc import Sequence

from assistant.citations import Quotation
from assistant.documents import Decision
from assistant.understand import Intent
from assistant.wording import say
from knowledge.text import Language, language_of_locale


def compose_answer(quotation: Quotation, language: Language) -> str:
    """Show the quotation as it stands, with its source; say so when it is in the other language."""
    theirs = language_of_locale(quotation.hit.locale)
    source = say("source", language, title=quotation.hit.title)
    if theirs == language:
        return f"{quotation.text}\n\n{source}"
    quoted = "\n".join(f"> {line}".rstrip() for line in quotation.text.splitlines())
    return f"{say(f'foreign_{theirs}', language)}\n\n{quoted}\n\n{source}"


def compose_choice(quotations: Sequence[Quotation], language: Language) -> str:
    """Ask which of two articles is meant."""
    names = [f"{number}. {quotation.hit.title}" for number, quotation in enumerate(quotations, 1)]
    return "\n".join([say("which", language), *names])


def compose_small_talk(intent: Intent, language: Language) -> str:
    """Answer a greeting or thanks with the question that is still open: what to look up."""
    return say("greeting" if intent is Intent.GREETING else "thanks", language)


def compose_hand_over(decision: Decision, language: Language, *, ticket_number: str) -> str:
    """Say that people take over, naming the ticket that was made; without one say what there is to do."""
    key = "handed_off" if decision is Decision.HANDED_OFF else "abstained"
    if ticket_number:
        return say(f"{key}_ticket", language, number=ticket_number)
    return say(key, language)
