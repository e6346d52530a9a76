"""Who is mentioned in a text. Pure.

``@[name](user:<id>)``: Markdown's link form, which apps already write for people chosen from a list; the
name is for who reads the text elsewhere.
"""

import re

MENTION = re.compile(r"@\[([^\[\]\n]{1,100})\]\(user:([0-9a-fA-F-]{36})\)")
MOST = 50  # people in one text; whoever wants to reach more writes to a team
LONGEST_EXCERPT = 80


def mentioned_in(text: str) -> list[str]:
    """Return the ids of the people whom ``text`` mentions, each once, in order, up to ``MOST``."""
    return list(dict.fromkeys(id.lower() for _, id in MENTION.findall(text)))[:MOST]


def excerpt(text: str) -> str:
    """Return the beginning of ``text`` on one line, mentions as plain names."""
    line = " ".join(MENTION.sub(r"@\1", text[:2_000]).split())
    return line if len(line) <= LONGEST_EXCERPT else f"{line[: LONGEST_EXCERPT - 1]}…"
