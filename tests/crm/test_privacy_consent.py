"""Consent: the rule as properties, and the promised interface over GraphQL."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.crm.consent import (
    Basis,
    Consent,
    ConsentChannel,
    ConsentReason,
    Permission,
    Purpose,
    may_contact,
    with_withdrawn,
)
from tests.crew import Crew, Person

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONSENTS = "contactId version consents { purpose channel basis at source textVersion withdrawnAt }"
OWN = "{ myConsents { contactId consents { purpose channel withdrawnAt } } }"
ALLOWED = """query($id: ID!, $purpose: ConsentPurpose!, $channel: ConsentChannel!) {
    contactPermission(contactId: $id, purpose: $purpose, channel: $channel) { allowed reason } }"""


@dataclass(kw_only=True)
class Somebody:
    """What the rule looks at of a contact."""

    consents: list[Consent] = field(default_factory=list)
    do_not_call: bool = False
    erased_at: datetime | None = None


async def say(person: Person, mutation: str, **fields: Any) -> dict[str, Any]:
    type_name = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = f"""mutation($input: {type_name}!) {{ {mutation}(input: $input) {{ __typename
        ... on ContactConsents {{ {CONSENTS} }} ... on Error {{ code message }} }} }}"""
    found: dict[str, Any] = (await person.ask(query, input=fields))[mutation]
    return found


async def permission(person: Person, id: str, purpose: str, channel: str) -> tuple[bool, str]:
    found = (await person.ask(ALLOWED, id=id, purpose=purpose, channel=channel))["contactPermission"]
    return found["allowed"], found["reason"]


events = st.lists(
    st.tuples(st.booleans(), st.sampled_from(Purpose), st.sampled_from(ConsentChannel)), max_size=12
)


def told(said: list[tuple[bool, Purpose, ConsentChannel]]) -> list[list[Consent]]:
    """Return the history after each thing said, an hour apart."""
    histories: list[list[Consent]] = [[]]
    for hour, (gives, purpose, channel) in enumerate(said):
        at, last = START + hour * HOUR, histories[-1]
        entry = Consent(purpose=purpose, channel=channel, at=at)
        histories.append([*last, entry] if gives else with_withdrawn(last, purpose, channel, at))
    return histories


@given(said=events, purpose=st.sampled_from(Purpose), channel=st.sampled_from(ConsentChannel))
def test_the_last_word_about_a_channel_or_about_all_counts(
    said: list[tuple[bool, Purpose, ConsentChannel]], purpose: Purpose, channel: ConsentChannel
) -> None:
    words = [gives for gives, p, c in said if p is purpose and c in (channel, ConsentChannel.ANY)]
    wanted = words[-1] if words else purpose is Purpose.SERVICE
    found = may_contact(Somebody(consents=told(said)[-1]), purpose, channel, START + len(said) * HOUR)
    assert found.allowed is wanted


@given(said=events)
def test_the_history_only_grows_and_what_was_allowed_then_stays_known(
    said: list[tuple[bool, Purpose, ConsentChannel]],
) -> None:
    histories = told(said)
    for hour, (earlier, later) in enumerate(itertools.pairwise(histories)):
        kept = [one.model_copy(update={"withdrawn_at": None}) for one in earlier]
        assert [one.model_copy(update={"withdrawn_at": None}) for one in later[: len(earlier)]] == kept
        before = START + hour * HOUR - HOUR / 2
        for purpose in Purpose:
            for channel in ConsentChannel:
                then = may_contact(Somebody(consents=earlier), purpose, channel, before)
                assert may_contact(Somebody(consents=later), purpose, channel, before) == then


def test_calls_an_erased_person_and_a_legal_obligation() -> None:
    law = Consent(purpose=Purpose.SERVICE, basis=Basis.LEGAL_OBLIGATION, at=START)
    objected = with_withdrawn([law], Purpose.SERVICE, ConsentChannel.EMAIL, START + HOUR)
    now, service, phone = START + 2 * HOUR, Purpose.SERVICE, ConsentChannel.PHONE
    assert may_contact(Somebody(do_not_call=True), service, phone, now) == Permission(
        False, ConsentReason.DO_NOT_CALL
    )
    assert may_contact(Somebody(do_not_call=True), service, ConsentChannel.SMS, now) == Permission(
        True, ConsentReason.CONTRACT
    )
    assert may_contact(Somebody(consents=objected), service, ConsentChannel.EMAIL, now) == Permission(
        True, ConsentReason.LEGAL_OBLIGATION
    )
    erased = Somebody(consents=objected, erased_at=START)
    assert may_contact(erased, service, ConsentChannel.EMAIL, now) == Permission(False, ConsentReason.ERASED)


async def test_an_agent_records_what_a_contact_says_and_changes_nothing_else(crew: Crew) -> None:
    made = await crew.rep.do("contactCreate", {"fullName": "林悦"})
    id = made["id"]
    assert await permission(crew.agent, id, "MARKETING", "EMAIL") == (False, "NOT_GIVEN")
    assert await permission(crew.agent, id, "SERVICE", "EMAIL") == (True, "CONTRACT")
    agreed = await say(
        crew.agent,
        "consentGive",
        contactId=id,
        purpose="MARKETING",
        channel="EMAIL",
        source="call of 3 May",
        textVersion="2026-05",
    )
    [entry] = agreed["consents"]
    assert entry == {
        "purpose": "MARKETING",
        "channel": "EMAIL",
        "basis": "CONSENT",
        "at": entry["at"],
        "source": "call of 3 May",
        "textVersion": "2026-05",
        "withdrawnAt": None,
    }
    assert await permission(crew.agent, id, "MARKETING", "EMAIL") == (True, "GIVEN")
    assert await permission(crew.agent, id, "MARKETING", "SMS") == (False, "NOT_GIVEN")
    ended = await say(crew.agent, "consentWithdraw", contactId=id, purpose="MARKETING")
    # What was given is ended; that every other channel is closed, too, is said by an entry of its own.
    assert [(one["channel"], one["withdrawnAt"] is not None) for one in ended["consents"]] == [
        ("EMAIL", True),
        ("ANY", True),
    ]
    assert await permission(crew.agent, id, "MARKETING", "EMAIL") == (False, "WITHDRAWN")
    again = await say(crew.agent, "consentWithdraw", contactId=id, purpose="MARKETING")
    assert again == ended
    assert (await crew.agent.do("contactUpdate", {"id": id, "fullName": "X"}))["code"] == "FORBIDDEN"


async def test_customers_speak_for_themselves_alone(crew: Crew) -> None:
    own = await crew.rep.do("contactCreate", {"id": crew.contact_id, "fullName": "Lin Yue"})
    other = await crew.rep.do("contactCreate", {"fullName": "Gao Zhiyuan"}, "id version")
    given = await say(crew.customer, "consentGive", purpose="MARKETING", channel="SMS")
    assert (given["contactId"], given["consents"][0]["source"]) == (own["id"], "portal")
    assert (await crew.customer.ask(OWN))["myConsents"] == {
        "contactId": own["id"],
        "consents": [{"purpose": "MARKETING", "channel": "SMS", "withdrawnAt": None}],
    }
    refused = await say(crew.customer, "consentGive", contactId=other["id"], purpose="MARKETING")
    assert refused["code"] == "FORBIDDEN"
    refused = await say(crew.customer, "consentGive", purpose="SERVICE", basis="LEGAL_OBLIGATION")
    assert refused["message"] == "basis is yours to give as consent only; leave it out"
    unseen = await say(crew.stranger, "consentWithdraw", contactId=other["id"], purpose="SERVICE")
    assert unseen["code"] == "NOT_FOUND"
    kept = "query($id: ID!) { contact(id: $id) { version } }"
    assert await crew.rep.ask(kept, id=other["id"]) == {"contact": {"version": other["version"]}}
    assert (await crew.agent.ask(OWN))["myConsents"] is None
    body = await crew.customer.post("query($id: ID!) { contact(id: $id) { id } }", id=own["id"])
    assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"
