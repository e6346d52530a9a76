"""A workspace's own words: shown before, checked when they are saved, and never the end of a notification."""

import ast
import inspect
from string import Formatter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from notifications import template_rules, templates
from notifications.catalogue import WORDED
from notifications.documents import NotificationTemplate
from notifications.template_rules import ATTRIBUTES, LONGEST, TAGS
from notifications.templates import check_own, fields_of
from notifications.wording import LANGUAGES, PARTS, _texts, cleaned, letter, sample_words, word
from tests.crew import Crew, Person
from tests.notifications.pushing import PostOffice
from tests.notifications.test_planning import raised

SAVE = """mutation($input: NotificationTemplateSetInput!) { notificationTemplateSet(input: $input) {
    __typename ... on Error { code } ... on InvalidInput { fields { field message } }
    ... on NotificationTemplate { type locale title body html } } }"""
PREVIEW = """query($type: String!, $locale: String!, $title: String, $html: String) {
    notificationPreview(type: $type, locale: $locale, title: $title, html: $html) {
        __typename ... on Error { code } ... on InvalidInput { fields { field message } }
        ... on NotificationPreview { title body subject text html } } }"""


async def save(person: Person, **input: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await person.ask(SAVE, input=input))["notificationTemplateSet"]
    return answer


async def test_own_words_are_shown_saved_used_and_given_up(crew: Crew, post: PostOffice) -> None:
    own = {"type": "message_received", "locale": "en", "title": "{{ subject|upper }} has news"}
    shown = (await crew.admin.ask(PREVIEW, **own))["notificationPreview"]
    assert shown["title"] == "SENSOR OFFLINE IN WAREHOUSE 3 has news"
    assert shown["body"] == "Open the conversation to read and answer."
    assert shown["subject"] == shown["title"]
    assert "https://crm.example/app/" in shown["text"]
    assert (await raised(crew)).title == "Customer replied: Battery"  # nothing was saved

    assert (await save(crew.admin, **own))["__typename"] == "NotificationTemplate"
    told = await raised(crew)
    assert (told.title, told.body) == ("BATTERY has news", "Open the conversation to read and answer.")
    listed = await crew.admin.ask("{ notificationTemplates { type locale title } }")
    assert listed["notificationTemplates"] == [own]

    await save(crew.admin, **{**own, "title": ""})
    assert (await raised(crew)).title == "Customer replied: Battery"


@pytest.mark.parametrize(
    ("part", "source", "says"),
    [
        ("title", "{{ customer }}", "names customer, which is no field here; these are: subject"),
        ("body", "{% for i in range(1000000000) %}x{% endfor %}", "loops over what could be without end"),
        ("body", "{% for a in subject %}{{ a }}{% endfor %}", "loops over what could be without end"),
        ("body", "{{ 'x' * 1000000000 }}", "uses mul"),
        ("body", "{{ subject|center(1000000000) }}", "uses the filter center"),
        ("body", "{{ subject.__class__.__mro__ }}", "looks into a value for"),
        ("body", "{{ ''['__class__'] }}", "uses […]"),
        ("body", "{% include 'secrets' %}", "uses include"),
        ("body", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "uses macro,"),
        ("body", "{% if subject %}", "is no template, line 1"),
        ("body", "{% if subject %}" * 200 + "{% endif %}" * 200, "has 5400 characters and may have 2000"),
        ("text", "{% if subject %}" * 200 + "{% endif %}" * 200, "nests too deeply"),
        ("text", "{{ subject }}" * 700, "writes more than may be sent"),
        ("html", "<p>Hi</p><script>alert(1)</script>", "has a <script>"),
        ("html", "<p onclick='alert(1)'>Hi</p>", "has the attribute onclick"),
        ("html", "<a href='javascript:alert(1)'>x</a>", "links to something else"),
        ("html", "{% if subject %}<img src=x onerror=alert(1)>{% endif %}", "has a <img>"),
        ("html", "<!--[if mso]><p>x</p><![endif]-->", "has a comment"),
        ("html", "<svg/onload=alert(1)>", "has a <svg>"),
    ],
)
async def test_a_template_that_could_do_harm_is_refused_and_nothing_is_saved(
    crew: Crew, part: str, source: str, says: str
) -> None:
    refused = await save(crew.admin, type="message_received", locale="en", **{part: source})
    assert refused["__typename"] == "InvalidInput"
    [field] = refused["fields"]
    assert field["field"] == part
    assert says in field["message"]
    assert await NotificationTemplate.find({"workspace_id": crew.workspace_id}).to_list() == []
    if part in ("title", "html"):
        shown = await crew.admin.ask(PREVIEW, type="message_received", locale="en", **{part: source})
        assert shown["notificationPreview"]["__typename"] == "InvalidInput"


SAYS = {
    "{{ customer }}": (
        "(line 1) names customer, which is no field here; these are: subject",
        "（第 1 行）写了 customer，这里没有这个字段；可用的有：subject",
    ),
    "{{ subject }}\n{% for i in range(1000000000) %}x{% endfor %}": (
        "(line 2) loops over what could be without end; there is nothing to walk through",
        "（第 2 行）的循环可能没有尽头；这里没有可以遍历的字段",
    ),
    "{{ subject()|upper }}": (
        "(line 1) uses (…), which templates here do not have",
        "（第 1 行）用了 (…)，这里的模板没有它",
    ),
    "<p>Hi</p><script>alert(1)</script>": (
        f"has a <script>; letters here have: {', '.join(sorted(TAGS))}",
        f"含有 <script>；信件里可用的有：{', '.join(sorted(TAGS))}",
    ),
    "<p onclick='alert(1)'>Hi</p>": (
        f"has the attribute onclick; letters here have: {', '.join(sorted(ATTRIBUTES))}",
        f"含有属性 onclick；信件里可用的有：{', '.join(sorted(ATTRIBUTES))}",
    ),
    "<a href='javascript:alert(1)'>x</a>": (
        "links to something else than https:, http: or mailto:",
        "链接到了 https:、http:、mailto: 以外的地址",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_refusal_is_said_in_the_language_of_who_wrote_the_template(crew: Crew, language: str) -> None:
    """Whatever language the template is in: one who writes for English readers may read Chinese."""

    async def speak(uow: UnitOfWork) -> None:
        user = await uow.access(User, crew.admin.user_id, action="update")
        user.locale = language
        uow.save(user)

    await crew.house.store.write(crew.system, speak)
    for source, said in SAYS.items():
        part = "html" if "<" in source else "body"
        for locale in LANGUAGES:
            refused = await save(crew.admin, type="message_received", locale=locale, **{part: source})
            assert refused["fields"] == [{"field": part, "message": said[language == "zh"]}]
    shown = await crew.admin.ask(PREVIEW, type="message_received", locale="en", title="{{ customer }}")
    assert shown["notificationPreview"]["fields"] == [
        {"field": "title", "message": SAYS["{{ customer }}"][language == "zh"]}
    ]
    assert await NotificationTemplate.find({"workspace_id": crew.workspace_id}).to_list() == []


def test_every_refusal_has_words_in_both_languages_with_the_same_places() -> None:
    raised: set[str] = set()
    for room in (template_rules, templates):
        for node in ast.walk(ast.parse(inspect.getsource(room))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "TemplateRefused":
                [code] = node.args
                raised |= {str(code.value)} if isinstance(code, ast.Constant) else {"endless", "endless_here"}
    in_english, in_chinese = (_texts(language)["refusals"] for language in ("en", "zh"))
    assert raised == set(in_english) == set(in_chinese)
    for one in raised:
        places = [
            {name for _, name, _, _ in Formatter().parse(texts[one]) if name}
            for texts in (in_english, in_chinese)
        ]
        assert places[0] == places[1], one


async def test_templates_are_for_admins_and_of_types_and_languages_that_there_are(crew: Crew) -> None:
    own = {"type": "message_received", "locale": "en", "title": "x"}
    for person in (crew.manager, crew.rep, crew.agent, crew.customer):
        assert (await save(person, **own))["code"] == "FORBIDDEN"
        assert (await person.ask(PREVIEW, **own))["notificationPreview"]["code"] == "FORBIDDEN"
        assert (await person.ask("{ notificationTemplates { id } }"))["notificationTemplates"] == []
    for wrong, field in (({"type": "typo"}, "type"), ({"locale": "xx"}, "locale")):
        refused = await save(crew.admin, **{**own, **wrong})
        assert [one["field"] for one in refused["fields"]] == [field]
    usual = """{ usualNotificationTemplate(type: "task_due", locale: "zh") {
        ... on UsualNotificationTemplate { fields title } } }"""
    assert (await crew.admin.ask(usual))["usualNotificationTemplate"] == {
        "fields": ["at", "body", "button", "footer", "link", "subject", "title"],
        "title": "任务到期：{{ subject }}",
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("type_key", WORDED)
def test_our_own_templates_keep_to_the_rules_that_hold_for_others(type_key: str, language: str) -> None:
    words = sample_words(type_key, language)
    assert set(words) == set(WORDED[type_key].fields)
    wording = word(type_key, language, words)
    written = letter(type_key, language, words, wording, link="https://x.example/app/?a=1&b=2")
    assert wording.title in written.text
    assert "https://x.example/app/?a=1&b=2" in written.text
    assert 'href="https://x.example/app/?a=1&amp;b=2"' in written.html


def test_values_are_never_markup_and_never_templates() -> None:
    sly = {"subject": "<script>alert(1)</script>{{ 7 * 7 }}", "by": '"><img src=x onerror=1>'}
    wording = word("ticket_assigned", "en", sly)
    html = letter("ticket_assigned", "en", sly, wording, link="javascript:alert(1)").html
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }}" in html
    assert "javascript:" not in html
    own = {"html": "<p title='{{ by }}'>{{ subject }}</p>"}
    assert "<img" not in letter("ticket_assigned", "en", sly, wording, link="", own=own).html


def test_what_breaks_when_it_is_filled_is_the_usual_after_all() -> None:
    """A condition that no sample met, and words that were erased meanwhile."""
    own = {"title": "{% if subject == 'A' %}{{ subject > 1 }}{% endif %}"}
    assert word("message_received", "en", {"subject": "A"}, own=own).title == "Customer replied: A"
    wording = word("message_received", "en", {"subject": "A"})
    erased = letter(
        "message_received", "en", {}, wording, link="https://x.example", own={"text": "{{ subject }}"}
    )
    assert "Customer replied: A" in erased.text


pieces = st.sampled_from(
    [
        *("{{ subject }}", "{{ by }}", "{{ nope }}", "{% if by %}", "{% else %}", "{% endif %}"),
        *("{% for a in subject %}", "{% endfor %}", "{{ a }}", "{{ loop.index }}", "{{ subject|upper }}"),
        *("{#", "#}", "{%", "}}", "<b>", "</b>", "<script>", "<a href='{{ subject }}'>", "{{ 'x' ~ by }}"),
        *("{{ subject|truncate(9) }}", "{{ subject|replace('a', 'aa') }}", "{{ range(9**9)|join }}"),
        *("{{ by[0] }}", "{{ 1 + 1 }}", "长"),
    ]
)


def refusal(parts: dict[str, str]) -> InvalidInput | None:
    try:
        check_own("ticket_assigned", "en", parts)
    except InvalidInput as refused:
        return refused
    return None


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(pieces | st.text(max_size=8), max_size=14), part=st.sampled_from(PARTS))
def test_whatever_is_written_it_is_refused_or_it_is_short_and_harmless(parts: list[str], part: str) -> None:
    source = "".join(parts)
    if refused := refusal({part: source}):
        assert [one.field for one in refused.errors] == [part]
        return
    assert len(source) <= LONGEST[part]
    words = {"subject": "<script>x</script>", "by": "javascript:alert(1)"}
    wording = word("ticket_assigned", "en", words, own={part: source})
    written = letter("ticket_assigned", "en", words, wording, link="https://x.example", own={part: source})
    assert len(wording.title) <= 120
    assert max(len(written.text), len(written.html)) < 200_000
    assert "<script" not in written.html.lower()
    assert 'href="javascript' not in written.html.lower()
    assert written.html == cleaned(written.html)
    assert set(fields_of("ticket_assigned", "title")) == {"subject", "by"}
