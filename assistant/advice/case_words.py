"""What in an answer was true of one case alone: its numbers, and what was done for it; pure.

Sent to the next customer, "I have refunded INV-2291" would be a lie. What is cut is shown as `SOMEBODY`, so
that an agent sees where the answer was about somebody else's case.
"""

import re
from collections.abc import Collection

from assistant.advice.readdressing import SOMEBODY
from knowledge.sentences import split_sentences
from knowledge.text import tokens

SHORTEST = 4  # tokens: an answer of fewer says nothing by itself

_STANDARDS = "ISO|EN|IEC|DIN|BS|IP|GB|JJF|JJG|RFC|CE|UN|ASTM|USP|FDA|CFR|HTTP|SHA|TLS|AES|UTF"
_CODE = re.compile(
    rf"(?<![A-Za-z0-9])(?!(?:{_STANDARDS})-?\d)[A-Za-z]{{1,6}}\d{{0,3}}-?(?:\d[\d-]*){{1,3}}(?![A-Za-z0-9])"
)
_NUMBER = re.compile(r"(?<![A-Za-z0-9.,])\d[\d-]*\d(?![A-Za-z0-9])")
_ADDRESS = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
FEWEST_DIGITS = 3  # of a code: a model (HL-30) has fewer
FEWEST_SAID = 4  # of a plain number that the customer wrote

_DONE = (
    r"(?!(?:need|feed|exceed|succeed|proceed|speed|seed)\b)"
    r"(?:\w+ed|sent|made|put|set|done|did|found|begun|began|given|gave|written|wrote|taken|took|told|paid|got)\b"
)
_SOON = r"(?:\s+(?:just|now|already|also|since|therefore))?\s+"
_DEED = re.compile(
    rf"\b(?:I|we)(?:['’]ve|\s+have)?{_SOON}{_DONE}"
    rf"|\b(?:has|have)\s+(?:just\s+|now\s+|already\s+)?been{_SOON}{_DONE}"
    r"|\b(?:was|were)\s+(?:sent|shipped|posted|booked|(?:re(?:issu|plac|fund|new|paired|pair|stor|set|mov)|correct"
    r"|cancell?|credit|register|merg|chang|adjust)ed)\b"
    r"|我已|已(?:经)?(?:为|给|帮|替|将|把|按|向|从|在后台|通过|重新|安排|更正|更换|合并|完成|处理|解决|修复|恢复|发出|发送"
    r"|寄出|退款|登记|报名|开通|关闭|升级|补)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[，；;]|, ")
_CONDITION = re.compile(
    r"\s*(?:once|when|if|after|as soon as|until|unless|如果|当|若|一旦|等)\b", re.IGNORECASE
)
_REPORT = re.compile(
    r"\s*(?:done|fixed|sorted|completed|all set)\b|\s*(?:已(?:经)?|都)?(?:搞定|办好|弄好)", re.IGNORECASE
)


def without_case(text: str, *, said: str, matter: str, domains: Collection[str] = ()) -> tuple[str, float]:
    """Return an answer without what was of its own case, and the share of its letters that is left.

    ``said`` is what that customer wrote, ``matter`` what is asked now: numbers in it stay. ``domains`` are
    those of that customer's addresses. Nothing where all of it is a report of what was done.
    """
    if _REPORT.match(text):
        return "", 0.0
    found, place, gone = "", 0, 0
    for one in split_sentences(text):
        kept = _before_deed(one.text)
        gone += len(one.text) - len(kept)
        found += text[place : one.start] + kept + (SOMEBODY if kept != one.text else "")
        place = one.end
    found += text[place:]
    found = re.sub(rf"{SOMEBODY}(?:\s*{SOMEBODY})+", SOMEBODY, found).strip()
    if gone and len(tokens(found)) < SHORTEST:
        return "", 0.0
    return _without_numbers(found, said, matter, frozenset(domains)), 1 - gone / len(text)


def _before_deed(sentence: str) -> str:
    """Return the clauses of a sentence before the first that says what was done; all where none does."""
    deed = _DEED.search(sentence)
    if deed is None or _CONDITION.match(sentence):
        return sentence
    clauses = [match.end() for match in _CLAUSE_END.finditer(sentence, 0, deed.start())]
    return sentence[: clauses[-1]] if clauses else ""


def _without_numbers(text: str, said: str, matter: str, domains: frozenset[str]) -> str:
    """Cover codes with three digits and more, and the numbers and addresses that were the customer's."""
    asked, theirs = matter.casefold(), set(_NUMBER.findall(said))

    def cover(match: re.Match[str]) -> str:
        code = match.group()
        few = sum(letter.isdigit() for letter in code) < FEWEST_DIGITS
        return code if few or code.casefold() in asked else SOMEBODY

    def cover_number(match: re.Match[str]) -> str:
        number = match.group()
        few = sum(letter.isdigit() for letter in number) < FEWEST_SAID
        return SOMEBODY if number in theirs and not few and number not in asked else number

    covered = _ADDRESS.sub(lambda match: SOMEBODY if match[1].casefold() in domains else match[0], text)
    return _NUMBER.sub(cover_number, _CODE.sub(cover, covered))
