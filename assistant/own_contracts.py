"""What the asker's own contracts say, and what is still to be paid for them: with the asker's rights alone.

A customer is told of what was signed with them, never of a draft; our own notes are no part of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from assistant.documents import RecordFact
from assistant.own_records import OwnFacts
from assistant.understand import Understood
from assistant.wording import say
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.sales.contract_documents import Contract, Payment
from backend.sales.contract_rules import DATED, LIVE, ContractStatus
from backend.sales.payment_rules import PaymentStatus
from backend.service.documents import Conversation
from knowledge.text import Language

MOST_FACTS = 5
MOST_RECEIVED = 2
MOST_PAYMENTS = 500  # of one customer, of which the latest are chosen
MOST_CONTRACTS = 100  # of one customer: whose payments are looked at
SHOWN = frozenset({"number", "name", "status", "start", "end"})
SIGNED = [status.value for status in (*sorted(DATED), ContractStatus.TERMINATED)]
SETTLED = [PaymentStatus.PAID.value, PaymentStatus.CANCELLED.value]


async def look_up_contracts(uow: UnitOfWork, conversation: Conversation, understood: Understood) -> OwnFacts:
    """Return the contracts named, or else those in force: a customer's own; for staff the conversation's."""
    where = _whose(uow, conversation) | {"status": {"$in": SIGNED}}
    if understood.contracts:
        named = {"number": {"$in": list(understood.contracts)}}
        found = await uow.find(Contract, where | named, sort=[("number", 1)])
    else:
        running = {"status": {"$in": sorted(LIVE)}}
        found = await uow.find(Contract, where | running, sort=[("end", 1)], limit=MOST_FACTS)
    found = [contract for contract in found if _is_shown(contract)]
    facts = tuple(_contract_fact(one, understood.language) for one in found[:MOST_FACTS])
    missing = _missing(understood.contracts, found)
    return OwnFacts(facts, missing, "contracts", to_visitor=uow.actor.is_visitor)


async def look_up_payments(uow: UnitOfWork, conversation: Conversation, understood: Understood) -> OwnFacts:
    """Return the payments named, or else the open ones, of the contracts that the asker may be told of.

    Who asks what came in is shown first what did, latest first.
    """
    where = _whose(uow, conversation) | {"status": {"$in": SIGNED}}
    contracts = await uow.find(Contract, where, sort=[("number", -1)], limit=MOST_CONTRACTS)
    of_theirs: dict[str, Any] = {"contract_id": {"$in": [contract.id for contract in contracts]}}
    latest: list[Payment] = []
    if not contracts:
        found = []
    elif understood.payments:
        named = {"number": {"$in": list(understood.payments)}}
        found = await uow.find(Payment, of_theirs | named, sort=[("number", 1)])
    else:
        still_open = {"status": {"$nin": SETTLED}}
        found = await uow.find(Payment, of_theirs | still_open, sort=[("due", 1)], limit=MOST_FACTS)
        if understood.wants_settled:
            latest = await _latest_received(uow, of_theirs)
    known = {one.id for one in latest}
    shown = [*latest, *(one for one in found if one.id not in known)]
    zone = ZoneInfo(uow.actor.time_zone)
    facts = tuple(_payment_fact(one, understood.language, zone) for one in shown[:MOST_FACTS])
    about = "latest_payments" if latest else "payments"
    missing = _missing(understood.payments, found)
    return OwnFacts(facts, missing, about, to_visitor=uow.actor.is_visitor)


async def _latest_received(uow: UnitOfWork, of_theirs: dict[str, Any]) -> list[Payment]:
    """Return the payments for which money came in last."""
    came_in = await uow.find(Payment, of_theirs | {"received_total": {"$gt": 0}}, limit=MOST_PAYMENTS)
    return sorted(came_in, key=_last_receipt, reverse=True)[:MOST_RECEIVED]


def _last_receipt(payment: Payment) -> datetime:
    return max(receipt.at for receipt in payment.received)


def _whose(uow: UnitOfWork, conversation: Conversation) -> dict[str, Any]:
    """Say whose contracts are meant; the unit's own predicate holds besides, whatever stands here."""
    if uow.actor.is_customer:
        return {"contact_id": uow.actor.contact_id}
    if conversation.contact_id is not None:
        return {"contact_id": conversation.contact_id}
    return {"owner_id": uow.actor.user_id}


def _missing(numbers: Sequence[str], found: Sequence[Contract | Payment]) -> tuple[str, ...]:
    known = {one.number for one in found}
    return tuple(number for number in numbers if number not in known)


def _is_shown(record: Record) -> bool:
    """Tell whether the asker's role shows all that would be said: half a fact would be a wrong one."""
    return SHOWN.isdisjoint(record.veil.hidden | record.veil.masked)


def _contract_fact(contract: Contract, language: Language) -> RecordFact:
    quote = say(
        "contract",
        language,
        number=contract.number,
        name=_line(contract.name),
        status=say(f"contract_{contract.status}", language),
        start=str(contract.start),
        end=contract.end.isoformat() if contract.end else say("endless", language),
    )
    return _fact(contract, quote)


def _payment_fact(payment: Payment, language: Language, zone: ZoneInfo) -> RecordFact:
    values = {
        "number": payment.number,
        "name": _line(payment.name),
        "amount": f"{payment.amount:f}",
        "currency": payment.currency,
    }
    if payment.received:
        values["day"] = _last_receipt(payment).astimezone(zone).date().isoformat()
    if payment.status is PaymentStatus.PAID:
        return _fact(payment, say("payment_paid_fact", language, **values))
    values |= {
        "open": f"{payment.amount - payment.received_total:f}",
        "due": payment.due.isoformat(),
        "status": say(f"payment_{payment.status}", language),
    }
    key = "payment_in_part" if payment.received else "payment"
    return _fact(payment, say(key, language, **values))


def _fact(record: Record, quote: str) -> RecordFact:
    return RecordFact(kind=record.kind, record_id=record.id, version=record.version, quote=quote)


def _line(text: str) -> str:
    return " ".join(text.split())
