"""Taking a person out of texts: exact cases, and laws over whatever people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.ids import new_id
from backend.crm.documents import Account, Address, Contact, Task
from backend.crm.privacy.pseudonyms import ERASED_TEXT, Eraser, eraser_for, pseudonym_of, pseudonymise
from backend.identity.documents import User
from tests.crew import Crew

pytestmark = pytest.mark.usefixtures("house")  # documents are bound to a database when they are made


def lin() -> Contact:
    return Contact(
        id="0190a8d2-0000-7000-8000-000000000001",
        full_name="Lin Yue",
        given_name="Yue",
        family_name="Lin",
        email="lin.yue@person.example",
        phone="+8613800138000",
    )


async def test_a_person_is_found_however_they_are_written(crew: Crew) -> None:
    eraser = eraser_for("x", [lin()])
    gone = eraser.pseudonym
    for text, wanted in (
        ("Call Lin Yue today", f"Call {gone} today"),
        ("YUE LIN, lin  yue", f"{gone}, {gone}"),
        ("Lin's order", f"{gone}'s order"),
        ("write to LIN.YUE@person.example.", f"write to {gone}."),
        ("138 0013 8000 or +86 138-0013-8000", f"{gone} or {gone}"),
        ("Linear growth, Merlin", "Linear growth, Merlin"),
        ("order 13800138000123", "order 13800138000123"),
    ):
        assert eraser.cut(text) == wanted
    chinese = eraser_for("x", [Contact(full_name="林悦", given_name="悦", family_name="林")])
    assert chinese.cut("请给林悦打电话，森林里很愉悦") == f"请给{gone}打电话，森林里很愉悦"


async def test_each_class_of_field_and_what_stays(crew: Crew) -> None:
    contact = lin()
    contact.address, contact.description = Address(street="Elm 5", country="DE"), "likes tea"
    contact.external_ids, contact.ext = {"erp": "77"}, {"birthday": "1 May"}
    eraser = eraser_for(contact.id, [contact])
    assert pseudonymise(contact, eraser)
    assert (contact.full_name, contact.given_name, contact.email, contact.phone) == (
        pseudonym_of(contact.id),
        "",
        "",
        "",
    )
    assert (contact.address, contact.description) == (Address(), ERASED_TEXT)
    assert (contact.external_ids, contact.ext) == ({}, {})
    assert not pseudonymise(contact, eraser)
    user = User(email="lin.yue@portal.example", name="Lin Yue", contact_id=contact.id)
    pseudonymise(user, eraser)
    assert (user.email, user.name) == (f"{user.id}@erased.invalid", pseudonym_of(contact.id))
    account = Account(name="Acme", description="Lin Yue buys here", annual_revenue="12.50", employees=3)
    pseudonymise(account, eraser)
    assert (account.description, account.name) == (f"{eraser.pseudonym} buys here", "Acme")
    assert (str(account.annual_revenue), account.employees) == ("12.50", 3)


@given(words=st.text(max_size=200), about=st.text(max_size=200))
def test_erasing_twice_is_erasing_once_and_nothing_of_the_words_is_left(words: str, about: str) -> None:
    task = Task(title=words or "-", description=about, contact_id=new_id())
    eraser = Eraser(pseudonym_of("x"), None)
    pseudonymise(task, eraser)
    assert task.title == ERASED_TEXT
    assert task.description == (ERASED_TEXT if about else "")
    once = task.stored()
    assert not pseudonymise(task, eraser)
    assert task.stored() == once


@given(before=st.text(max_size=40), after=st.text(max_size=40))
def test_no_text_keeps_an_address(before: str, after: str) -> None:
    eraser = eraser_for("x", [lin()])
    assert "lin.yue@person.example" not in eraser.cut(f"{before} lin.yue@person.example {after}")
    assert eraser.cut(eraser.cut(before)) == eraser.cut(before)
