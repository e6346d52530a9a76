"""Passages that say yes or no, which to another question would say another thing; pure."""

import re
from collections.abc import Sequence

from assistant.citations import Quotation
from assistant.question_words import names_of
from knowledge.text import normalise

_SAYS_SO = re.compile(
    r"(yes|no|not|never|only)\b|(不?(会|可以|能|是|要|需要|行|保|必)|没?有|没有|否|对)[，。,.；;：:！!]",
    re.IGNORECASE,
)
_ASKS_WHETHER = re.compile(
    r"^(?:can|could|may|do|does|did|is|are|was|were|will|would|should|must|has|have)\b"
    r"|[吗么]\??$|能否|是否|可否|([^\W_])[不没]\1"
)


def heading_of(quotation: Quotation) -> str:
    """Return the heading that a quotation stands under; "" for none."""
    return quotation.heading or next(reversed(quotation.hit.heading_path), "")


def says_yes_or_no(quotation: Quotation) -> bool:
    """Tell whether what is quoted says yes or no to its heading: by how it begins, or by what that asks.

    "Once, free of charge." under "Can you deliver in two batches?" is a yes, too.
    """
    asks_whether = _ASKS_WHETHER.search(normalise(heading_of(quotation)).strip())
    return bool(_SAYS_SO.match(quotation.text) or asks_whether)


def with_what_is_named(
    question: str, quotations: Sequence[Quotation], beside: Sequence[Quotation]
) -> tuple[Quotation, ...]:
    """Return ``quotations``; before a yes or no to something else the place ``beside`` it that is meant.

    "能开专票吗？" comes nearest to "能开纸质发票吗？", and that no is none to it: its heading names nothing
    that was asked for, and another place has the 专票. Where none has, nothing tells that another was meant.
    """
    best, asked = quotations[0], names_of(question)
    if not says_yes_or_no(best) or not asked.isdisjoint(names_of(heading_of(best))):
        return tuple(quotations)
    lacking = asked - _held(best)
    apart = [one for one in (*quotations[1:], *beside) if one.end <= best.start or best.end <= one.start]
    named = max(apart, key=lambda one: len(lacking & _held(one)), default=best)
    if not lacking & _held(named):
        return tuple(quotations)
    return (named, *(one for one in quotations if one is not named))


def _held(quotation: Quotation) -> set[str]:
    return names_of("\n".join([heading_of(quotation), quotation.text]))
