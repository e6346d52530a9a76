"""Put an answer together from verified quotations, framed in the asker's language; pure."""

from collections.abc import Sequence

from assistant.citations import Quotation
from assistant.decide import Verdict
from assistant.documents import OFFERING, URGENT, Decision, Reason
from assistant.own_records import OwnFacts, write_facts
from assistant.served import Served, shown_together, weakest
from assistant.several import asking_in
from assistant.spans import is_listed
from assistant.understand import Intent, Understood
from assistant.wording import say
from assistant.yes_or_no import heading_of, says_yes_or_no
from knowledge.text import Language, language_of_locale, normalise

LONGEST_HEADING = 200  # characters of a question that an answer stands under

_ANSWERS = (Reason.FOUND_IN_ARTICLE, Reason.CHOSEN_BY_ASKER)
_HANDED_OVER = {
    Reason.DANGER: "danger",
    Reason.GOODS_IN_DANGER: "goods_in_danger",
    Reason.HUMAN_FIRST: "human_first",
    Reason.ARTICLES_DISAGREE: "disagree",
    Reason.KNOWLEDGE_NOT_READY: "not_ready",
    Reason.NONE_CHOSEN: "none_chosen",
}
_WAITED_FOR = (Intent.GREETING, Intent.FINE)  # that have a sentence of their own for who waits
# Where it would be out of place: danger has one thing to say first, a person speaks for themselves.
_WITHOUT_REGRET = (Reason.DANGER, Reason.PERSON_ANSWERS, Reason.SMALL_TALK)
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
        return _compose_found(verdict, facts, draft, language)
    if facts is not None and verdict.reason in (Reason.FOUND_IN_RECORDS, Reason.NO_SUCH_RECORD):
        return write_facts(facts, language)
    match verdict.reason:
        case Reason.SMALL_TALK:
            return compose_small_talk(understood, waits=waits, when=when)
        case Reason.TWO_CANDIDATES | Reason.NEAR_CANDIDATES:
            return compose_choice(verdict, language)
        case Reason.ASKED_TO_REPHRASE:
            return say("rephrase_unhelped" if understood.is_unhelped else "rephrase", language)
        case Reason.PERSON_ANSWERS:
            return say("person_answers", language)
    if understood.is_unhelped and ticket_number and not waits:
        return say("unhelped_ticket", language, number=ticket_number, when=when)
    return compose_hand_over(verdict, language, ticket_number=ticket_number, waits=waits, when=when)


def with_regret(text: str, verdict: Verdict, understood: Understood, *, is_told_who_waits: bool) -> str:
    """Return what is said with an apology before it to who is angry, or was not helped.

    ``is_told_who_waits``: the text tells who waits for a person already where the question is; to others who
    were not helped it says itself that we are sorry.
    """
    if verdict.reason in _WITHOUT_REGRET or (understood.is_unhelped and not is_told_who_waits):
        return text
    is_regretted = understood.is_upset or understood.is_unhelped
    return f"{say('sorry', understood.language)}\n\n{text}" if is_regretted else text


def compose_several(
    parts: Sequence[Served], language: Language, *, ticket_number: str, waits: bool, when: str
) -> str:
    """Return what is said to several questions: each answer under its question, then what is open, once.

    What is to choose from stands last, as it does where one question was asked.
    """
    answered = [part for part in parts if not part.is_open and not _is_to_be_asked_again(part)]
    again = [part for part in parts if _is_to_be_asked_again(part)]
    choices = [part for part in parts if part.verdict.reason in OFFERING]
    unsure = [part for part in parts if part.is_open and part not in choices]
    said = [_under(group, _compose_part(group[0], language)) for group in shown_together(answered)]
    if again:
        said.append("\n".join([say("ask_again", language), *(f"- {_asked(part)}" for part in again)]))
    if unsure:
        verdict = weakest(unsure).verdict
        to_people = compose_hand_over(
            verdict,
            language,
            ticket_number=ticket_number,
            waits=waits,
            when=when,
            several=len(unsure) > 1,
        )
        said.append(_under(unsure, to_people))
    said += [_under([part], compose_choice(part.verdict, language)) for part in choices]
    return "\n\n".join(said)


def _is_to_be_asked_again(part: Served) -> bool:
    return part.verdict.reason is Reason.ASKED_TO_REPHRASE


def _compose_part(part: Served, language: Language) -> str:
    if part.facts is not None and part.verdict.reason not in _ANSWERS:
        return write_facts(part.facts, language)
    return _compose_found(part.verdict, part.facts, part.text_of_draft, language)


def _compose_found(verdict: Verdict, facts: OwnFacts | None, draft: str, language: Language) -> str:
    """Say what an article has, and below it what is known besides."""
    if draft:
        said = compose_draft(draft, verdict.quotations[0], language)
    else:
        said = compose_answer(verdict.quotations, language)
    return f"{said}\n\n{write_facts(facts, language)}" if facts is not None else said


def _under(parts: Sequence[Served], text: str) -> str:
    """Put what is said under the questions that it is said to.

    They are the asker's words, and marked as quoted. An article's heading that says the same is left out.
    """
    asked = [f"> **{_asked(part)}**" for part in parts]
    above, _, below = text.partition("\n\n")
    if below and _bare(above) == _bare(asked[-1]):
        text = below
    return "\n\n".join(["\n>\n".join(asked), text])


def _bare(line: str) -> str:
    return normalise(line).strip(">*?!. ")


def _asked(part: Served) -> str:
    """Return a question in one line, as asked but for what would be read as marks around it."""
    line = " ".join(asking_in(part.question).replace("*", "").replace("`", "").split())
    return line if len(line) <= LONGEST_HEADING else f"{line[: LONGEST_HEADING - 1]}…"


def compose_answer(quotations: Sequence[Quotation], language: Language) -> str:
    """Show the quotations of one article as they stand, with their source; say so when it is foreign."""
    hit = quotations[0].hit
    theirs = language_of_locale(hit.locale)
    source = say("source", language, title=hit.title)
    text = "\n\n".join(headed(one, always=len(quotations) > 1) for one in quotations)
    if theirs == language:
        return f"{text}\n\n{source}"
    quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    return f"{say(f'foreign_{theirs}', language)}\n\n{quoted}\n\n{source}"


def headed(quotation: Quotation, *, always: bool = False) -> str:
    """Put its heading over a passage that says yes or no, or is a list that nothing leads to: under another
    question it would say another thing. What may not be returned reads as what may."""
    heading = heading_of(quotation)
    needs_it = says_yes_or_no(quotation) or is_listed(quotation.text)
    if not heading or not (always or needs_it):
        return quotation.text
    return f"**{heading}**\n\n{quotation.text}"


def compose_draft(draft: str, quotation: Quotation, language: Language) -> str:
    """Show what the language model made of the quotation, with the source."""
    return f"{draft}\n\n{say('source', language, title=quotation.hit.title)}"


def compose_choice(verdict: Verdict, language: Language) -> str:
    """Ask which article is meant, if any, and say of each that is in the other language that it is."""
    quotations = verdict.quotations
    sure_of_two = verdict.reason is Reason.TWO_CANDIDATES
    asked = "which" if sure_of_two else "is_it_one" if len(quotations) > 1 else "is_it_this"
    names = [f"{number}. {_titled(quotation, language)}" for number, quotation in enumerate(quotations, 1)]
    return "\n".join([say(asked, language), *names])


def _titled(quotation: Quotation, language: Language) -> str:
    theirs = language_of_locale(quotation.hit.locale)
    if theirs == language:
        return quotation.hit.title
    return say(f"titled_{theirs}", language, title=quotation.hit.title)


def compose_small_talk(understood: Understood, *, waits: bool, when: str) -> str:
    """Answer a greeting, thanks or a goodbye in kind; say truly that no person answers.

    Who waits for a person is told that one comes, not asked what they would like to know.
    """
    if understood.wishes_language:
        return say("language", understood.language)
    if waits and understood.intent in _WAITED_FOR:
        return say(f"{understood.intent}_waiting", understood.language, when=when)
    return say(understood.intent.value, understood.language)


def compose_hand_over(
    verdict: Verdict,
    language: Language,
    *,
    ticket_number: str,
    waits: bool,
    when: str,
    several: bool = False,
) -> str:
    """Say that people take over and when, naming the ticket; without one what there is to do.

    ``several``: questions, of one message.
    """
    usual = "handed_off" if verdict.decision is Decision.HANDED_OFF else "abstained"
    usual = f"{usual}_several" if several and verdict.decision is Decision.ABSTAINED else usual
    key = _HANDED_OVER.get(verdict.reason, usual)
    if ticket_number and waits and verdict.reason not in URGENT:
        return say("waiting_ticket", language, number=ticket_number, when=when)
    if ticket_number:
        return say(f"{key}_ticket", language, number=ticket_number, when=when)
    return say(key if verdict.reason in _WITHOUT_TICKET else usual, language)
