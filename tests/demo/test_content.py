"""The demo workspace is sound: references resolve, languages pair up, answers stand where we say."""

import re
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

DEMO = Path(__file__).parents[2] / "examples" / "demo"
STAGES = {"qualification", "discovery", "proposal", "negotiation", "won", "lost"}
RECORD_FILES = [
    "accounts",
    "contacts",
    "leads",
    "opportunities",
    "quotes",
    "tasks",
    "activities",
    "tickets",
    "contracts",
    "payments",
    "products",
]

Row = dict[str, Any]


class Article(NamedTuple):
    front: Row
    body: str


def read_rows(name: str) -> list[Row]:
    rows: list[Row] = yaml.safe_load((DEMO / f"{name}.yaml").read_text("utf-8"))[name]
    return rows


def read_article(path: Path) -> Article:
    opening, front, body = path.read_text("utf-8").split("---\n", 2)
    assert opening == "", f"{path.name} does not start with front matter"
    return Article(yaml.safe_load(front), body)


COMPANY: Row = yaml.safe_load((DEMO / "company.yaml").read_text("utf-8"))
RECORDS = {name: read_rows(name) for name in RECORD_FILES}
ARTICLES = {path.stem: read_article(path) for path in sorted((DEMO / "articles").glob("*.md"))}
QUESTIONS = read_rows("questions")
USERS = {user["email"]: user for user in COMPANY["users"]}
ACCOUNTS = {row["key"]: row for row in RECORDS["accounts"]}
CONTACTS = {row["key"]: row for row in RECORDS["contacts"]}
OPPORTUNITIES = {row["key"]: row for row in RECORDS["opportunities"]}
CONTRACTS = {row["key"]: row for row in RECORDS["contracts"]}


def test_the_sign_ins_are_the_documented_six_and_the_customer_is_a_contact() -> None:
    assert {email: user["role"] for email, user in USERS.items()} == {
        "admin@demo.example": "admin",
        "manager@demo.example": "manager",
        "rep@demo.example": "rep",
        "rep2@demo.example": "rep",
        "agent@demo.example": "agent",
        "customer@demo.example": "customer",
    }
    teams = {team["key"] for team in COMPANY["teams"]}
    assert all(set(user["teams"]) <= teams for user in USERS.values())
    customer = USERS["customer@demo.example"]
    assert CONTACTS[customer["contact"]]["email"] == customer["email"]


def test_counts() -> None:
    counts = {name: len(rows) for name, rows in RECORDS.items()}
    assert counts == {
        "accounts": 24,
        "contacts": 45,
        "leads": 12,
        "opportunities": 27,
        "quotes": 5,
        "tasks": 21,
        "activities": 64,
        "tickets": 19,
        "contracts": 9,
        "payments": 12,
        "products": 9,
    }
    assert Counter(row["billing_address"]["country"] == "CN" for row in ACCOUNTS.values()) == {
        True: 12,
        False: 12,
    }
    assert Counter(front["visibility"] for front, _ in ARTICLES.values()) == {
        "public": 48,
        "customers": 8,
        "internal": 4,
    }


def test_what_is_promised_is_in_order_by_calendars_that_there_are() -> None:
    agreements = yaml.safe_load((DEMO / "agreements.yaml").read_text("utf-8"))
    calendars = {row["key"]: row for row in agreements["calendars"]}
    policies = agreements["policies"]
    assert {row["calendar_id"] for row in policies} <= calendars.keys()
    assert [row["order"] for row in policies] == sorted({row["order"] for row in policies})
    for calendar in calendars.values():
        worked = {day["date"] for day in calendar["make_up_days"]}
        assert all(day.weekday() >= 5 for day in worked)
        assert all(day["date"].weekday() < 5 for day in calendar["holidays"])


@pytest.mark.parametrize("name", [name for name in RECORD_FILES if name != "products"])
def test_keys_are_unique_and_well_formed(name: str) -> None:
    keys = [row["key"] for row in RECORDS[name]]
    assert len(set(keys)) == len(keys)
    assert [key for key in keys if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key)] == []


def test_every_record_has_all_fields_of_its_kind() -> None:
    optional = {
        "lost_reason",
        "converted",
        "first_responded_days_ago",
        "completed_days_ago",
        "duration_minutes",
        "resolved_days_ago",
        "csat",
        "termination_reason",
    }
    for name, rows in RECORDS.items():
        wanted = set().union(*rows) - optional
        assert {row.get("key", name): wanted - set(row) for row in rows if wanted - set(row)} == {}


def test_every_reference_resolves() -> None:
    teams = {team["key"] for team in COMPANY["teams"]}
    for name, rows in RECORDS.items():
        for row in rows:
            where = f"{name} {row.get('key', row.get('sku'))}"
            for field in ("owner", "assignee"):
                assert row.get(field) is None or row[field] in USERS, where
            assert row.get("team") is None or row["team"] in teams, where
            assert row.get("account") is None or row["account"] in ACCOUNTS, where
            assert row.get("opportunity") is None or row["opportunity"] in OPPORTUNITIES, where
            assert row.get("contract") is None or row["contract"] in CONTRACTS, where
            person = row.get("contact") or row.get("requester")
            if person is not None:
                assert CONTACTS[person]["account"] == row["account"], where
            if row.get("opportunity") is not None and name != "quotes":  # which have their deal's
                assert OPPORTUNITIES[row["opportunity"]]["account"] == row["account"], where
            for target, reference in row.get("converted", {}).items():
                assert (
                    reference
                    in {"account": ACCOUNTS, "contact": CONTACTS, "opportunity": OPPORTUNITIES}[target]
                )


def test_reps_own_what_belongs_to_their_accounts() -> None:
    for row in [*CONTACTS.values(), *OPPORTUNITIES.values(), *CONTRACTS.values()]:
        assert row["owner"] == ACCOUNTS[row["account"]]["owner"] or row["owner"] == "manager@demo.example", (
            row["key"]
        )
    owners = Counter(row["owner"] for row in ACCOUNTS.values())
    assert owners == {"rep@demo.example": 11, "rep2@demo.example": 10, "manager@demo.example": 3}


def test_addresses_cannot_reach_anybody() -> None:
    for row in [*ACCOUNTS.values(), *CONTACTS.values(), *RECORDS["leads"]]:
        assert row["email"].endswith(".example"), row["key"]
        assert re.fullmatch(r"\+[1-9]\d{7,14}", row["phone"]), row["key"]
    emails = [row["email"] for row in CONTACTS.values()]
    assert len(set(emails)) == len(emails)


def test_deals_move_forward_in_time_and_end_where_they_stand() -> None:
    for key, deal in OPPORTUNITIES.items():
        history = [(step["stage"], step["days_ago"]) for step in deal["stage_history"]]
        assert {stage for stage, _ in history} <= STAGES, key
        assert all(earlier > later for (_, earlier), (_, later) in pairwise(history)), key
        assert history[0] == ("qualification", deal["created_days_ago"]), key
        assert history[-1][0] == deal["stage"], key
        assert deal["created_days_ago"] <= ACCOUNTS[deal["account"]]["created_days_ago"], key
        assert re.fullmatch(r"\d+\.\d\d", deal["amount"]), key
        assert Decimal(deal["amount"]) > 0, key
        closed = deal["stage"] in {"won", "lost"}
        assert (
            (deal["expected_close_in_days"] == -history[-1][1])
            if closed
            else deal["expected_close_in_days"] > 0
        ), key
        assert (deal["loss_reason"] is not None) == (deal["stage"] == "lost"), key
    assert Counter(deal["stage"] for deal in OPPORTUNITIES.values()) == {
        "qualification": 2,
        "discovery": 4,
        "proposal": 4,
        "negotiation": 3,
        "won": 9,
        "lost": 5,
    }


def test_contracts_are_signed_before_today_and_payments_are_not_overpaid() -> None:
    for key, contract in CONTRACTS.items():
        signed, end = contract["signed_days_ago"], contract["end_in_days"]
        assert signed is None or -contract["start_in_days"] <= signed, key
        assert signed is None or 1 <= signed <= ACCOUNTS[contract["account"]]["created_days_ago"], key
        assert end is None or contract["start_in_days"] <= end, key
        assert re.fullmatch(r"\d+\.\d\d", contract["value"]), key
        planned = [row["amount"] for row in RECORDS["payments"] if row["contract"] == key]
        assert sum(map(Decimal, planned)) <= Decimal(contract["value"]), key
    for row in RECORDS["payments"]:
        assert row["owner"] == CONTRACTS[row["contract"]]["owner"], row["key"]
        came_in = [Decimal(receipt["amount"]) for receipt in row["received"]]
        assert all(amount > 0 for amount in came_in), row["key"]
        assert sum(came_in) <= Decimal(row["amount"]), row["key"]
        assert all(receipt["days_ago"] >= 1 for receipt in row["received"]), row["key"]


def test_what_happened_lies_in_the_past() -> None:
    for row in RECORDS["activities"]:
        assert 1 <= row["days_ago"] <= ACCOUNTS[row["account"]]["created_days_ago"], row["key"]
        assert re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", row["at"]), row["key"]
        assert ("duration_minutes" in row) == (row["type"] in {"call", "meeting", "visit"}), row["key"]
    for ticket in RECORDS["tickets"]:
        moments = [(-message["days_ago"], message["at"]) for message in ticket["messages"]]
        assert moments == sorted(set(moments)), ticket["key"]
        assert ticket["messages"][0]["from"] == "customer", ticket["key"]
        assert ticket["messages"][0]["days_ago"] == ticket["days_ago"], ticket["key"]
        assert min(message["days_ago"] for message in ticket["messages"]) >= 1, ticket["key"]
        assert ("resolved_days_ago" in ticket) == (ticket["status"] in {"resolved", "closed"}), ticket["key"]
    for task in RECORDS["tasks"]:
        assert ("completed_days_ago" in task) == (task["status"] == "done"), task["key"]
        assert task["created_days_ago"] >= max(1, -task["due_in_days"]), task["key"]


def test_resolved_tickets_hold_an_agent_answer() -> None:
    resolved = [ticket for ticket in RECORDS["tickets"] if ticket["status"] in {"resolved", "closed"}]
    assert len(resolved) == 12
    for ticket in resolved:
        assert any(
            message["from"] == "agent" and len(message["body"]) >= 60 for message in ticket["messages"]
        )
        assert ticket["assignee"] == "agent@demo.example"


def test_words_are_in_the_language_of_the_person() -> None:
    for row in [*RECORDS["activities"], *RECORDS["tickets"]]:
        person = CONTACTS[row.get("contact") or row["requester"]]
        text = row.get("summary") or row["description"]
        written_in = "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"
        # The manager writes English notes and meets the partners in English.
        if row.get("owner") != "manager@demo.example":
            assert written_in == person["language"], row["key"]


def test_articles_pair_up_across_languages() -> None:
    assert len(ARTICLES) == 60
    groups: dict[str, set[str]] = {}
    for key, (front, _) in ARTICLES.items():
        assert set(front) == {
            "key",
            "locale",
            "locale_group",
            "title",
            "visibility",
            "category",
            "tags",
            "version_note",
        }, key
        assert key == front["key"] == f"{front['locale_group']}-{front['locale']}"
        groups.setdefault(front["locale_group"], set()).add(front["locale"])
    assert Counter(frozenset(locales) for locales in groups.values()) == {
        frozenset({"en", "zh"}): 26,
        frozenset({"en"}): 4,
        frozenset({"zh"}): 4,
    }


@pytest.mark.parametrize("group", sorted({front["locale_group"] for front, _ in ARTICLES.values()}))
def test_both_languages_of_an_article_say_the_same(group: str) -> None:
    both = [ARTICLES[key] for locale in ("en", "zh") if (key := f"{group}-{locale}") in ARTICLES]
    for front, body in both:
        written = re.findall(r"[\u4e00-\u9fff]" if front["locale"] == "zh" else r"[A-Za-z0-9]+", body)
        assert 120 <= len(written) <= 500, f"{front['key']} has {len(written)} words"
        assert body.count("\n## ") >= 3, front["key"]
    if len(both) == 2:
        english, chinese = both
        assert english.front["visibility"] == chinese.front["visibility"]
        assert english.front["category"] == chinese.front["category"]
        assert english.body.count("\n## ") == chinese.body.count("\n## ")
        # Every figure in a table stands in the other language too, row by row.
        assert _table_figures(english.body) == _table_figures(chinese.body)


def _table_figures(body: str) -> list[list[str]]:
    rows = [line for line in body.splitlines() if line.startswith("|")]
    # A figure joined to a letter is part of a name (HL-30, AES-256) or of a word (4G).
    return [sorted(re.findall(r"(?<![\w.,-])\d+(?:[,.]\d+)*(?![A-Za-z\d])", row)) for row in rows]


def test_price_articles_agree_with_the_price_list() -> None:
    devices = [product for product in RECORDS["products"] if product["kind"] == "device"]
    plans = [product for product in RECORDS["products"] if product["kind"] == "plan"]
    # Enterprise has no list price.
    assert [len(devices), len(plans)] == [5, 3]
    for locale in ("en", "zh"):
        for product in devices:
            prices = [f"{int(product['prices'][currency]):,}" for currency in ("CNY", "EUR", "USD")]
            row = f"| {product['name'][locale]} | {' | '.join(prices)} |"
            assert row in ARTICLES[f"device-prices-{locale}"].body
        table = ARTICLES[f"plans-{locale}"].body
        for currency, label in (("CNY", "人民币"), ("EUR", "欧元"), ("USD", "美元")):
            head = f"Price {currency}" if locale == "en" else label
            assert f"| {head} | {' | '.join(plan['prices'][currency] for plan in plans)} |" in table


def test_quotes_are_of_deals_under_way_at_the_prices_of_the_list_in_the_customers_language() -> None:
    for quote in RECORDS["quotes"]:
        deal = OPPORTUNITIES[quote["opportunity"]]
        language = CONTACTS[deal["contact"]]["language"]
        prices = {one["name"][language]: one["prices"][deal["currency"]] for one in RECORDS["products"]}
        assert deal["stage"] in {"proposal", "negotiation"}, quote["key"]
        for line in quote["lines"]:
            assert line["unit_price"] == prices[line["name"]], quote["key"]
    assert Counter(quote["status"] for quote in RECORDS["quotes"]) == {
        "sent": 2,
        "in_review": 1,
        "approved": 1,
        "draft": 1,
    }


def test_quoted_answers_stand_in_their_articles() -> None:
    texts = [question["text"] for question in QUESTIONS]
    assert len(set(texts)) == len(texts)
    for question in QUESTIONS:
        readable = {"public", "customers"} | ({"internal"} if question.get("asker") == "agent" else set())
        for key in [question["article"], *question.get("also", [])]:
            if key is None:
                assert question["must_contain"] is None, question["text"]
                continue
            assert question["must_contain"] in ARTICLES[key].body, question["text"]
            assert ARTICLES[key].front["visibility"] in readable, question["text"]


def test_questions_cover_both_languages_refusals_and_crossings() -> None:
    unanswerable = Counter(question["locale"] for question in QUESTIONS if question["article"] is None)
    assert unanswerable == {"en": 9, "zh": 8}
    crossings = Counter(
        (question["locale"], ARTICLES[question["article"]].front["locale"])
        for question in QUESTIONS
        if question["article"] is not None
    )
    assert crossings == {("en", "en"): 16, ("zh", "zh"): 15, ("en", "zh"): 3, ("zh", "en"): 3}
