"""Sample escalations: one of several sources and states each, opened and worked on as people would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.closing import Closing
from service.escalations.schemas import FactsIn, MessageIn, MoveIn, NewEscalation
from service.escalations.workflow import add_message, open_escalation
from service.handling.workflow import change, move
from service.sla import workflow as sla

Step = MoveIn | MessageIn | FactsIn


def _take(note: str = "") -> MoveIn:
    return MoveIn(verb="take", note=note)


# What it is opened with, how long ago it came (minutes), and what was done with it since.
SAMPLES: tuple[tuple[dict[str, Any], int, tuple[Step, ...]], ...] = (
    (
        {
            "source": "regulator",
            "trigger": "removal_order",
            "title": "Removal order 2026/0117: two posts, within one hour",
            "summary": "The authority orders that two posts be removed in all member states. The order names the addresses "
            "and states its grounds.",
            "fields": {
                "order_number": "2026/0117",
                "issuing_authority": "Example Authority",
                "legal_basis": "2021/784 Art. 3",
            },
            "jurisdiction": "DE",
            "policy_area": "dangerous_organizations",
            "severity": 3,
            "requester": {
                "organisation": "Example Authority",
                "email": "orders@authority.example",
                "reference": "2026/0117",
            },
        },
        12,
        (),
    ),
    (
        {
            "source": "press",
            "trigger": "press_query",
            "title": "A newspaper asks why posts about a strike were removed",
            "summary": "They have screenshots of four removals within an hour, print tomorrow, and ask for a statement by 17:00.",
            "policy_area": "misinformation",
            "severity": 2,
            "high_profile": True,
            "requester": {"name": "Robin Reader", "organisation": "The Daily", "email": "robin@daily.example"},
        },
        20,
        (
            _take(),
            MessageIn(
                body="Two of the four were removed by a rule that has been changed since. The other two look right."
            ),
            MessageIn(direction="inbound", body="Could we also have a number: how many posts in all?"),
            MessageIn(
                kind="handover", body="Statement is being drafted. They expect a call before 17:00, whatever it says."
            ),
        ),
    ),
    (
        {
            "source": "advertiser",
            "trigger": "blocked_account",
            "title": "Ad account blocked since Friday, campaign starts Monday",
            "summary": "They say that nothing was changed and nobody told them why.",
            "policy_area": "advertising",
            "severity": 1,
            "requester": {"name": "Kim Buyer", "organisation": "Bright Shoes", "email": "kim@shoes.example"},
            "assets": [{"kind": "ad_account", "id": "act-204417"}, {"kind": "business", "id": "biz-8812"}],
        },
        200,
        (_take(), MoveIn(verb="ask", note="Which domain do the ads lead to, and who pays for them?")),
    ),
    (
        {
            "source": "trusted_flagger",
            "trigger": "dsa_notice",
            "title": "Forty accounts that sell counterfeit medicine",
            "summary": "A list of accounts with one post each. The flagger asks for the whole network to be looked at.",
            "jurisdiction": "EU",
            "policy_area": "restricted_goods",
            "severity": 2,
            "requester": {"organisation": "Safe Pharmacies", "email": "notices@pharmacies.example"},
        },
        100,
        (
            _take(),
            MoveIn(verb="wait", waiting_for="consult", note="Legal says whether the shop behind them may be named."),
        ),
    ),
    (
        {
            "source": "employee",
            "trigger": "enforcement_complaint",
            "title": "Satire account suspended: is this ours to judge?",
            "summary": "A colleague thinks that the account makes fun of a politician and harasses nobody.",
            "policy_area": "harassment",
            "severity": 1,
        },
        55,
        (FactsIn(grey_area=True),),
    ),
    (
        {
            "source": "partner",
            "trigger": "enforcement_complaint",
            "title": "Museum page lost its reach over a statue",
            "summary": "The partner asks why pictures of a marble statue count as adult content.",
            "policy_area": "adult_sexual_content",
            "severity": 1,
            "requester": {"organisation": "City Museum", "email": "desk@museum.example"},
            "assets": [{"kind": "page", "id": "page-museum"}],
        },
        2900,
        (
            _take(),
            FactsIn(grey_area=True),
            MoveIn(
                verb="resolve",
                resolution="decision_reversed",
                note="Art and education are excepted: the page has its reach again, and the rule for statues is mended.",
            ),
        ),
    ),
)


# Nothing of what is done with samples changes who sees them.
AS_OPENED = Closing(lambda *_: ("normal", None), may_open=False)


async def add_escalations(connection: AsyncConnection, *, specialist: UUID, cases: Sequence[UUID]) -> int:
    """Open the samples in the name of this person; the first of them name these cases. Returns how many."""
    now = datetime.now(UTC)
    for number, (body, minutes, steps) in enumerate(SAMPLES):
        received = now - timedelta(minutes=minutes)
        named = list(cases[number : number + 1])
        new = NewEscalation.model_validate({"language": "en", "received_at": received, "cases": named, **body})
        record = await open_escalation(connection, new, opened_by=specialist)
        await sla.start(connection, record, actor=specialist)
        for step in steps:
            await _do(connection, record, step, person=specialist)
    return len(SAMPLES)


async def _do(connection: AsyncConnection, record: UUID, step: Step, *, person: UUID) -> None:
    match step:
        case MoveIn():
            await move(connection, record, step, person=person)
        case FactsIn():
            await change(connection, record, step, person=person, closing=AS_OPENED)
        case MessageIn():
            await add_message(connection, record, step, person=person)
