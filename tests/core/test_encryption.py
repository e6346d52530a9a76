"""Sealed values, master keys and blind filters, without a store."""

import base64
import os
import stat
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from backend.core.encryption import BLIND, Cipher, blind_fields, data_key_of, is_sealed
from backend.core.encryption_filters import blind_filter, names_sealed_fields, refuse_sealed_order
from backend.core.encryption_keys import (
    MasterKeys,
    generate_master_key,
    master_of,
    parse_master_keys,
    read_master_keys,
)
from backend.core.errors import CannotOpen, InvalidInput
from backend.core.personal import PersonalClass
from backend.core.records import Record
from backend.core.settings import Settings
from backend.core.store import CODECS


class Passport(Record):
    """A kind of this test alone."""

    kind: ClassVar[str] = "passport"
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "number": PersonalClass.ID_NUMBER,
        "email": PersonalClass.EMAIL,
        "phones": PersonalClass.PHONE,
        "notes": PersonalClass.TEXT,
        "name": PersonalClass.NAME,
    }
    encrypted: ClassVar[frozenset[str]] = frozenset({"number", "email", "phones", "notes"})


INDEX_KEY, KEY = os.urandom(32), os.urandom(32)


def cipher(workspace_id: str = "w1", *, holds_clear: bool = False, **keys: bytes) -> Cipher:
    found = {int(name[1:]): key for name, key in keys.items()} or {1: KEY}
    return Cipher(workspace_id, found, INDEX_KEY, CODECS, holds_clear=holds_clear)


def body(**fields: Any) -> dict[str, Any]:
    return {"_id": "p1", "workspace_id": "w1", "version": 3, "name": "林悦", **fields}


# What MongoDB stores and gives back unchanged: times in milliseconds, integers of 64 bits.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
STORED = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary(max_size=20)
    | st.integers(0, 4_000_000_000_000).map(
        lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS.filter(lambda k: "\0" not in k), inner),
    max_leaves=8,
)


@given(value=STORED)
def test_whatever_is_sealed_opens_as_it_was(value: Any) -> None:
    given = body(notes=value)
    sealed = cipher().seal(Passport, given)
    assert cipher().open(Passport, sealed) == given
    assert given == body(notes=value)  # the clear body is the caller's: it is left alone
    assert sealed["name"] == "林悦"
    assert is_sealed(sealed["notes"]) or not value or isinstance(value, dict | list | str)


def test_decimals_open_as_the_store_would_give_them() -> None:
    sealed = cipher().seal(Passport, body(notes={"fee": Decimal128("12.50")}))
    assert cipher().open(Passport, sealed)["notes"] == {"fee": Decimal("12.50")}


def test_a_sealed_value_says_its_key_and_nothing_else() -> None:
    clear = body(number="E12345678", email="lin@hanlu.example", phones=["+8613800138000", ""], notes="")
    first, second = (
        cipher(k1=os.urandom(32), k2=KEY).seal(Passport, clear),
        cipher(k2=KEY).seal(Passport, clear),
    )
    assert first["number"].startswith("enc:1:2:")
    assert data_key_of(first["number"]) == 2
    raw = base64.urlsafe_b64decode(first["number"].split(":")[3])
    assert len(raw) == 12 + len(b"\x14\0\0\0\x02\0\x0a\0\0\0E12345678\0\0") + 16
    assert first["number"] != second["number"]  # a new nonce each time
    assert first["notes"] == ""  # what is empty says nothing
    assert not {"E12345678", "lin@hanlu.example", "13800138000"} & {
        part for value in first.values() for part in str(value).split()
    }
    assert first[BLIND] == second[BLIND]
    assert first[BLIND]["phones"][1] == ""
    assert {len(first[BLIND]["number"]), len(first[BLIND]["email"]), len(first[BLIND]["phones"][0])} == {22}
    assert first[BLIND].keys() == blind_fields(Passport) == {"number", "email", "phones"}


def cut(text: str) -> str:
    return text[:-8]


def flip(text: str) -> str:
    return text[:-5] + ("A" if text[-5] != "A" else "B") + text[-4:]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda sealed: {"_id": "p2"}, "email of passport p2"),
        (lambda sealed: {"number": sealed["email"]}, "number of passport p1"),
        (lambda sealed: {"email": cut(sealed["email"])}, "email of passport p1"),
        (lambda sealed: {"email": flip(sealed["email"])}, "email of passport p1"),
        (lambda sealed: {"email": "enc:1:1:%%%"}, "email of passport p1"),
    ],
    ids=["to another record", "to another field", "cut short", "a bit changed", "no base64"],
)
def test_a_moved_or_changed_value_does_not_open(
    change: Callable[[dict[str, Any]], dict[str, Any]], field: str
) -> None:
    sealed = cipher().seal(Passport, body(email="lin@hanlu.example"))
    with pytest.raises(CannotOpen, match=f"^{field} is sealed under data key 1 of workspace w1 and does"):
        cipher().open(Passport, sealed | change(sealed))


def test_another_workspace_or_key_opens_nothing() -> None:
    sealed = cipher().seal(Passport, body(email="lin@hanlu.example"))
    for stranger in (cipher("w2"), cipher(k1=os.urandom(32))):
        with pytest.raises(CannotOpen, match="does not open: it was changed, or moved here"):
            stranger.open(Passport, sealed)
    with pytest.raises(CannotOpen, match="data key 1 of workspace w1, which does not exist or was destroyed"):
        cipher(k2=KEY).open(Passport, sealed)


def test_blind_indexes_meet_in_one_field_of_one_workspace_only() -> None:
    here, there = cipher(), cipher("w2")
    blind = here.blind(Passport, "email", "lin@hanlu.example")
    assert here.blind(Passport, "email", " Lin@HANLU.example ") == blind
    assert here.blind(Passport, "number", "lin@hanlu.example") != blind
    assert there.blind(Passport, "email", "lin@hanlu.example") != blind
    phones = here.blind(Passport, "phones", ["+86 138-0013-8000", "+8613800138000"])
    assert phones[0] == phones[1]


def test_what_is_clear_or_under_an_old_key_is_not_current() -> None:
    old, new = cipher(k1=KEY), cipher(k1=KEY, k2=os.urandom(32))
    clear = body(number="E1", notes="")
    assert not new.is_current(Passport, clear)
    assert not new.is_current(Passport, old.seal(Passport, clear))
    assert new.is_current(Passport, new.seal(Passport, clear))
    assert not new.is_current(Passport, body(notes=""))  # without its blind indexes nobody finds it


# ── filters ──────────────────────────────────────────────────────────────────────────────────────


def test_conditions_on_sealed_fields_ask_the_blind_index() -> None:
    keys = cipher()
    lin, wei = keys.blind(Passport, "email", "lin@x.example"), keys.blind(Passport, "email", "wei@x.example")
    phone = keys.blind(Passport, "phones", "+8613800138000")

    def blinded(where: Mapping[str, Any]) -> dict[str, Any]:
        assert names_sealed_fields(Passport, where)
        return blind_filter(keys, Passport, where)

    assert blinded({"email": "lin@x.example", "name": "林"}) == {"blind.email": {"$eq": lin}, "name": "林"}
    assert blinded({"email": {"$in": ["lin@x.example", "wei@x.example"]}}) == {
        "blind.email": {"$in": [lin, wei]}
    }
    assert blinded({"phones": {"$ne": "+86 13800138000"}}) == {"blind.phones": {"$ne": phone}}
    assert blinded({"email": {"$nin": ["lin@x.example"]}}) == {"blind.email": {"$nin": [lin]}}
    assert blinded({"email": {"$eq": None}}) == {"email": {"$eq": None}}
    assert blinded({"notes": None}) == {"notes": {"$eq": None}}
    assert blinded({"email": {"$eq": ""}}) == {"blind.email": {"$eq": ""}}
    assert blinded({"$and": [{"name": "a"}, {"$nor": [{"email": "lin@x.example"}]}]}) == {
        "$and": [{"name": "a"}, {"$nor": [{"blind.email": {"$eq": lin}}]}]
    }
    assert blinded({"email": {"$ne": "lin@x.example", "$nin": ["wei@x.example"]}}) == {
        "blind.email": {"$ne": lin},
        "$and": [{"blind.email": {"$nin": [wei]}}],
    }
    assert not names_sealed_fields(Passport, {"name": "林", "$or": [{"version": 1}]})


def test_while_clear_values_remain_both_forms_are_asked_for() -> None:
    keys = cipher(holds_clear=True)
    lin = keys.blind(Passport, "email", "lin@x.example")
    assert blind_filter(keys, Passport, {"email": " LIN@x.example"}) == {
        "$or": [{"blind.email": {"$eq": lin}}, {"email": {"$eq": "lin@x.example"}}]
    }
    assert blind_filter(keys, Passport, {"email": {"$nin": ["lin@x.example"]}}) == {
        "blind.email": {"$nin": [lin]},
        "email": {"$nin": ["lin@x.example"]},
    }


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"email": {"$regex": "lin", "$options": "i"}}, "email is stored encrypted and can only be compared"),
        ({"email": {"$gt": "a"}}, "email is stored encrypted and can only be compared as a whole"),
        ({"$or": [{"email": {"$not": {"$eq": "a"}}}]}, "email is stored encrypted and can only be compared"),
        ({"email": {"$in": [None]}}, "email is stored encrypted and can only be compared as a whole"),
        ({"notes": "a"}, "notes is stored encrypted and cannot be searched; leave it out"),
        ({"notes.city": "a"}, "notes is stored encrypted and cannot be searched; leave it out"),
    ],
)
def test_what_needs_the_text_itself_is_refused(where: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{says}"):
        blind_filter(cipher(), Passport, where)


def test_there_is_no_order_of_sealed_fields() -> None:
    refuse_sealed_order(Passport, [("name", 1), ("version", -1)])
    with pytest.raises(
        InvalidInput, match=r"^email is stored encrypted and has no order; sort by a name or a time"
    ):
        refuse_sealed_order(Passport, [("name", 1), ("email", 1)])


# ── master keys ──────────────────────────────────────────────────────────────────────────────────


def written(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_wrapped_key_opens_under_its_master_and_its_name_alone() -> None:
    old, new = os.urandom(32), os.urandom(32)
    wrapped = MasterKeys({"2025": old}).wrap(KEY, "w1|1")
    assert wrapped.startswith("kek:1:2025:")
    assert master_of(wrapped) == "2025"
    both = parse_master_keys(f"2026:{written(new)},\n 2025:{written(old)}\n", "RAPPORT_ENCRYPTION_KEYS")
    assert both.current == "2026"
    assert both.unwrap(wrapped, "w1|1") == KEY
    assert both.wrap(KEY, "w1|1").startswith("kek:1:2026:")
    with pytest.raises(
        CannotOpen, match=r"Data key w1\|1 is wrapped under master key '2025', which this process"
    ):
        MasterKeys({"2026": new}).unwrap(wrapped, "w1|1")
    for masters, name in ((MasterKeys({"2025": new}), "w1|1"), (both, "w2|1")):
        with pytest.raises(CannotOpen, match="Master key '2025' does not open data key"):
            masters.unwrap(wrapped, name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no key; write at least one as id:base64"),
        ("c2VjcmV0", "must hold keys as id:base64, each id once; number 1 is not so"),
        pytest.param(
            f"a:{written(KEY)},a:{written(KEY)}", "each id once; number 2 is not so", id="the same id twice"
        ),
        ("a b:c2VjcmV0", "each id once; number 1 is not so"),
        (
            "a:c2VjcmV0",
            "must hold 32 bytes in base64 for each key; key 'a' is not so: make one with `openssl",
        ),
        ("a:c2VjcmV0*", "must hold 32 bytes in base64 for each key; key 'a' is not so"),
    ],
)
def test_a_wrong_key_is_refused_and_not_repeated(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_master_keys(text, "RAPPORT_ENCRYPTION_KEYS")
    assert says in str(refusal.value)
    assert "c2Vj" not in str(refusal.value)
    assert written(KEY) not in str(refusal.value)


def test_the_generated_key_is_one_for_all_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", encryption_keys=SecretStr(""))
    assert read_master_keys(settings) is None
    with ThreadPoolExecutor(8) as starters:
        list(starters.map(lambda _: generate_master_key(settings.data_dir), range(16)))
    (path,) = settings.data_dir.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("encryption.keys", 0o600)
    assert len(path.read_text().splitlines()) == 1
    masters = read_master_keys(settings)
    assert masters is not None
    assert masters.current == path.read_text().partition(":")[0]


def test_keys_of_the_environment_go_before_the_file_s(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"file:{written(KEY)}\n")
    settings = Settings(data_dir=tmp_path, encryption_key_file=file, encryption_keys=SecretStr(""))
    assert read_master_keys(settings).current == "file"  # type: ignore[union-attr]
    given = Settings(encryption_key_file=file, encryption_keys=SecretStr(f"given:{written(KEY)}"))
    assert read_master_keys(given).current == "given"  # type: ignore[union-attr]
    assert written(KEY) not in repr(given)
    with pytest.raises(InvalidInput, match=r"^RAPPORT_ENCRYPTION_KEY_FILE names .*gone, which is not there"):
        read_master_keys(Settings(encryption_key_file=tmp_path / "gone", encryption_keys=SecretStr("")))
