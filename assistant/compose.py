"""Put an answer together from verified quotations, framed in the asker's language; pure."""

from collections.abc import Sequence

from assistant.citations import Quotation
from assistant.decide import Verdict
from assistant.documents import Decision, Reason
from assistant.own_records import OwnFacts, write_facts
from assistant.understand import Intent, Understood
from assistant.wording import say
from knowledge.text import Language, language_of_locale

_ANSWERS = (Reason.FOUND_IN_ARTICLE, Reason.CHOSEN_BY_ASKER)
_HANDED_OVER = {
    Reason.DANGER: "danger",
    Reason.HUMAN_FIRST: "human_first",
    Reason.ARTICLES_DISAGREE: "disagree",
    Reason.KNOWLEDGE_NOT_READY: "not_ready",
}
_WITHOUT_TICKET = (Reason.DANGER, Reason.KNOWLEDGE_NOT_READY)  # that have a sentence of their own for staff


def compose_text(
    verdict: Verdict,
    understood: Understood,
    *,
    facts: OwnFacts | None,
    draft: str,
    ticket_number: str,
    waits: bool,
    when: str,
) -> str:
    """Return what is said: ``draft`` instead of the quotation where it passed the check of its claims.

    ``waits``: the conversation was with people before this turn, so nothing is promised a second time.
    """
    language = understood.language
    if verdict.reason in _ANSWERS:
        quotation = verdict.quotations[0]
        return compose_draft(draft, quotation, language) if draft else compose_answer(quotation, language)
    if facts is not None and verdict.reason in (Reason.FOUND_IN_RECORDS, Reason.NO_SUCH_RECORD):
        return write_facts(facts, language)
    match verdict.reason:
        case Reason.SMALL_TALK:
            return compose_small_talk(understood.intent, language)
        case Reason.TWO_CANDIDATES:
            return compose_choice(verdict.quotations, language)
        case Reason.ASKED_TO_REPHRASE:
            return say("rephrase", language)
        case Reason.PERSON_ANSWERS:
            return say("person_answers", language)
    return compose_hand_over(verdict, language, ticket_number=ticket_number, waits=waits, when=when)


def compose_answer(quotation: Quotation, language: Language) -> str:
    """Show the quotation as it stands, with its source; say so when it is in the other language."""
    theirs = language_of_locale(quotation.hit.locale)
    source = say("source", language, title=quotation.hit.title)
    if theirs == language:
        return f"{quotation.text}\n\n{source}"
    quoted = "\n".join(f"> {line}".rstrip() for line in quotation.text.splitlines())
    return f"{say(f'foreign_{theirs}', language)}\n\n{quoted}\n\n{source}"


def compose_draft(draft: str, quotation: Quotation, language: Language) -> str:
    """Show what the language model made of the quotation, with the source."""
    return f"{draft}\n\n{say('source', language, title=quotation.hit.title)}"


def compose_choice(quotations: Sequence[Quotation], language: Language) -> str:
    """Ask which of two articles is meant, and say of each that is in the other language that it is."""
    names = [f"{number}. {_titled(quotation, language)}" for number, quotation in enumerate(quotations, 1)]
    return "\n".join([say("which", language), *names])


def _titled(quotation: Quotation, language: Language) -> str:
    theirs = language_of_locale(quotation.hit.locale)
    if theirs == language:
        return quotation.hit.title
    return say(f"titled_{theirs}", language, title=quotation.hit.title)


def compose_small_talk(intent: Intent, language: Language) -> str:
    """Answer a greeting, thanks or a goodbye in kind; say truly that no person answers."""
    return say(intent.value, language)


def compose_hand_over(
    verdict: Verdict, language: Language, *, ticket_number: str, waits: bool, when: str
) -> str:
    """Say that people take over and when, naming the ticket; without one what there is to do."""
    usual = "handed_off" if verdict.decision is Decision.HANDED_OFF else "abstained"
    key = _HANDED_OVER.get(verdict.reason, usual)
    if ticket_number and waits and verdict.reason is not Reason.DANGER:
        return say("waiting_ticket", language, number=ticket_number, when=when)
    if ticket_number:
        return say(f"{key}_ticket", language, number=ticket_number, when=when)
    return say(key if verdict.reason in _WITHOUT_TICKET else usual, language)
