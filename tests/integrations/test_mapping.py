"""Which column fills which field: proposed, changed, refused."""

import pytest

from backend.core.errors import InvalidInput
from backend.integrations.importable import HEADINGS, IMPORTABLE
from backend.integrations.mapping import changed_mapping, check_key, propose_mapping

CONTACT, ACCOUNT = IMPORTABLE["contact"], IMPORTABLE["account"]
COLUMNS = ("姓名", "E-Mail", "Notes")
BEFORE = {"姓名": "full_name", "E-Mail": "email", "Notes": "description"}


def test_columns_are_told_by_their_names_in_either_language() -> None:
    assert propose_mapping(CONTACT, COLUMNS) == BEFORE
    assert propose_mapping(CONTACT, ("Full Name", "E_MAIL", "ｐｈｏｎｅ", "公司", "")) == {
        "Full Name": "full_name",
        "E_MAIL": "email",
        "ｐｈｏｎｅ": "phone",
        "公司": "account_id",
    }
    assert propose_mapping(ACCOUNT, ("公司名称", "客户名称", "favourite tea")) == {
        "公司名称": "name",
        "客户名称": None,  # each field is filled once
        "favourite tea": None,
    }


def test_every_heading_is_of_some_kinds_field() -> None:
    known = {field for one in IMPORTABLE.values() for field in one.fields}
    assert HEADINGS.keys() <= known
    for one in IMPORTABLE.values():
        assert one.headings.keys() <= one.fields.keys()
        assert set(one.keys) <= one.fields.keys()
        assert one.fields.keys() - {"external_id"} <= one.record.editable_fields()


def test_a_mapping_is_changed_column_by_column() -> None:
    assert changed_mapping(CONTACT, COLUMNS, BEFORE, [("Notes", None)]) == BEFORE | {"Notes": None}
    moved = changed_mapping(CONTACT, COLUMNS, BEFORE, [("Notes", "fullName")])
    assert moved == {"姓名": None, "E-Mail": "email", "Notes": "full_name"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([("Phone", "phone")], "names the column 'Phone', which the file does not have"),
        ([("Notes", "version")], "names version, which an import cannot set on a contact"),
        ([("Notes", "consents")], "names consents, which an import cannot set on a contact"),
        ([("Notes", "erasedAt")], "names erasedAt, which an import cannot set on a contact"),
        ([("Notes", "acl")], "names acl, which an import cannot set on a contact"),
        ([("Notes", "phone"), ("姓名", "phone")], "fills phone from two columns; choose one of them"),
        ([("Notes", "title")], "names title, which is not yours to change"),
    ],
)
def test_a_wrong_mapping_is_refused(given: list[tuple[str, str | None]], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        changed_mapping(CONTACT, COLUMNS, BEFORE, given, locked={"title"})
    (error,) = refused.value.errors
    assert error.field == "mapping"
    assert error.message.startswith(said)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("department", "must be one of email, phone, fullName, externalId for a contact"),
        ("phone", "is phone, which no column fills"),
        ("email", "is a field that you do not see in full"),
    ],
)
def test_rows_are_compared_only_by_what_is_there_and_seen(key: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_key(CONTACT, BEFORE, key, unseen={"email"})
    assert refused.value.errors[0].message.startswith(said)
    check_key(CONTACT, BEFORE, "email")
