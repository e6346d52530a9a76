"""The market's trend through GraphQL: of what the asker may read, by whole months of their time zone."""

from datetime import UTC, datetime, timedelta

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.sales.documents import StageChange
from backend.sales.leads import create_lead
from backend.sales.opportunities import create_opportunity
from backend.sales.pipelines import ensure_default_pipeline
from tests.crew import Crew

TREND = """query($of: MarketMeasure!, $interest: String! = "", $currency: String! = "CNY", $ahead: Int! = 3) {
    marketTrend(of: $of, interest: $interest, currency: $currency, ahead: $ahead) {
        direction perMonth byChance n needed enoughData months { month value }
        ahead { month prediction { value low high n enoughData method explanation } } } }"""
MONTHS = 14
ZONE = UTC  # of the crew: a month ends there later than in the workspace, which is Shanghai's


def month_back(now: datetime, months: int) -> datetime:
    """Return noon of the 15th, so many months before the running one."""
    number = now.year * 12 + now.month - 1 - months
    return datetime(number // 12, number % 12 + 1, 15, 12, tzinfo=ZONE)


async def win(crew: Crew) -> None:
    """Let the rep win one deal more each month; a stranger won a great many in one."""

    async def create(uow: UnitOfWork) -> None:
        await ensure_default_pipeline(uow)
        for back in range(MONTHS, 0, -1):
            at = month_back(uow.at.astimezone(ZONE), back)
            for _ in range(MONTHS - back + 1):
                await _won(uow, at, crew.rep.user_id)
        for _ in range(30):
            await _won(uow, month_back(uow.at.astimezone(ZONE), MONTHS), crew.stranger.user_id)

    await crew.house.store.write(crew.system, create)


async def _won(uow: UnitOfWork, at: datetime, owner_id: str) -> None:
    history = [StageChange(from_stage="proposal", to_stage="won", at=at - timedelta(days=1), by="x")]
    fields = {"name": "Deal", "account_id": new_id(), "amount": "100", "stage": "won", "owner_id": owner_id}
    await create_opportunity(uow, {**fields, "closed_at": at}, id=new_id(), history=history)


async def test_wins_that_rise_are_told_with_what_may_come(crew: Crew) -> None:
    await win(crew)
    found = (await crew.rep.ask(TREND, of="WINS"))["marketTrend"]
    assert [one["value"] for one in found["months"]] == [float(n) for n in range(1, MONTHS + 1)]
    assert (found["direction"], found["perMonth"], found["n"]) == ("rising", 1.0, MONTHS)
    assert (found["enoughData"], found["needed"]) == (True, 12)
    assert [one["prediction"]["value"] for one in found["ahead"]] == [15.0, 16.0, 17.0]
    assert found["ahead"][0]["prediction"]["explanation"] == "learned from 14 cases"
    running = datetime.now(ZONE).date().replace(day=1)
    assert found["ahead"][0]["month"] == running.isoformat()
    money = (await crew.rep.ask(TREND, of="MONEY"))["marketTrend"]
    assert [one["value"] for one in money["months"]] == [100.0 * n for n in range(1, MONTHS + 1)]
    euros = (await crew.rep.ask(TREND, of="MONEY", currency="EUR"))["marketTrend"]
    assert (euros["direction"], euros["n"], euros["enoughData"]) == ("unknown", 0, False)


async def test_a_few_months_are_no_trend_and_no_number_is_made_up(crew: Crew) -> None:
    lead = {"full_name": "Ada", "interests": ["HL-30"], "owner_id": crew.rep.user_id}
    await crew.house.store.write(crew.system, lambda uow: create_lead(uow, lead))
    found = (await crew.rep.ask(TREND, of="DEMAND", interest="HL-30"))["marketTrend"]
    assert (found["direction"], found["perMonth"], found["enoughData"]) == ("unknown", None, False)
    assert [one["prediction"]["value"] for one in found["ahead"]] == [None] * 3
    assert "not enough data" in found["ahead"][0]["prediction"]["explanation"]


async def test_only_who_reads_deals_is_told_and_bad_questions_are_refused(crew: Crew) -> None:
    await win(crew)
    for person in (crew.customer, crew.agent):
        refused = await person.post(TREND, of="WINS")
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    stranger = (await crew.stranger.ask(TREND, of="WINS"))["marketTrend"]
    assert [one["value"] for one in stranger["months"]] == [30.0] + [0.0] * (MONTHS - 1)
    for more in ({"ahead": 0}, {"ahead": 7}, {"interest": "HL-30"}):
        refused = await crew.rep.post(TREND, of="WINS", **more)
        assert refused["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
