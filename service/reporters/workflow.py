"""Rules of reporters: what came of somebody's reports is remembered, fades, and is taken back with the decision.

    tally = sum over outcomes of 2 ^ -((newest outcome - outcome) / 180 days)      upheld and dismissed, each

Measured from the newest outcome and not from now, the tally is a function of the outcomes alone: an undo leaves exactly
what there was before, and nobody's record changes by mere silence.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from models.trust import Tally, Trust, interval, likelihood_ratio, trusted
from service.errors.requests import NotFoundError
from service.reporters import store
from service.reporters.schemas import InfluenceOut, ReporterOut, ReporterOutcomesOut

# After so long an outcome counts half: people change, and so do policies.
HALF_LIFE_DAYS = 180
# Beyond so many outcomes a reporter is as well known as they can be; older ones are no longer summed.
OUTCOMES = 1_000


async def judge(connection: AsyncConnection, decisions: Sequence[UUID], *, taxonomy: Taxonomy) -> None:
    """Remember what these decisions make of the reports of their cases, in the caller's transaction.

    A reporter was right when the decision enforced, in the area they named if they named one of the taxonomy; wrong
    when it found no violation. Give all decisions of a transaction at once: their reporters are locked in one order.
    """
    enforcing = [action.id for action in taxonomy.actions if action.enforces]
    await _add_up(connection, await store.judge(connection, decisions, enforcing=enforcing, areas=taxonomy.area_ids))


async def unjudge(connection: AsyncConnection, decisions: Sequence[UUID]) -> bool:
    """Take back what `judge` remembered of these decisions; False when there was nothing.

    Cases before reporters, as when they are judged: the caller has locked the cases, and ranks them anew.
    """
    reporters = await store.forget(connection, decisions)
    await _add_up(connection, reporters)
    return bool(reporters)


async def correct(
    connection: AsyncConnection, decision: UUID, *, enforced: bool, policy_area: str, taxonomy: Taxonomy
) -> None:
    """Judge the reports of a decision anew, by what an appeal came to. Reporters are locked in one order, as always."""
    reporters = await store.correct(
        connection, decision, enforced=enforced, policy_area=policy_area, areas=taxonomy.area_ids
    )
    await _add_up(connection, reporters)


async def reporter(connection: AsyncConnection, reporter_id: str, *, viewer: UUID, config: RankConfig) -> ReporterOut:
    """What one reporter reported, what came of it, and what it does to a rank. Raises NotFoundError.

    Without what the viewer has to judge blindly at the moment.
    """
    row = await store.reporter(
        connection, reporter_id, viewer=viewer, half_life=HALF_LIFE_DAYS * 86_400.0, most=OUTCOMES
    )
    if row is None:
        raise NotFoundError(f"nobody with the id {reporter_id!r} has reported anything")
    trust = Trust(config.reporter_precision, config.reporter_strength, config.reporter_cap)
    tally = Tally(row.upheld, row.dismissed)
    ratio = likelihood_ratio(tally, trust)
    influence = InfluenceOut(
        assessed=trusted(config.reason_trust, ratio),
        unassessed=trusted(config.reason_trust_unassessed, ratio),
        stranger_assessed=config.reason_trust,
        stranger_unassessed=config.reason_trust_unassessed,
    )
    return ReporterOut(
        id=reporter_id,
        reports=row.reports,
        cases=row.cases,
        first_report_at=row.first_at,
        last_report_at=row.last_at,
        outcomes=ReporterOutcomesOut(upheld=row.upheld_outcomes, dismissed=row.dismissed_outcomes),
        tally=ReporterOutcomesOut(upheld=tally.upheld, dismissed=tally.dismissed),
        tally_as_of=row.updated_at,
        likelihood_ratio=ratio,
        likelihood_ratio_interval=interval(tally, trust),
        cap=trust.cap,
        influence=influence,
        words=_words(row, ratio, trust.cap),
    )


def _words(row: Row[Any], ratio: float, cap: float) -> list[str]:
    known = row.upheld_outcomes + row.dismissed_outcomes
    if not known:
        return ["Nothing they reported has been decided so far: their word counts as a stranger's."]
    history = f"Of {known} judged cases, reports were upheld in {row.upheld_outcomes}."
    if ratio >= cap or ratio <= 1 / cap:
        return [history, f"Their word counts {ratio:.2f} times a stranger's, which is the limit."]
    return [history, f"Their word counts {ratio:.2f} times a stranger's."]


async def _add_up(connection: AsyncConnection, reporters: Sequence[str]) -> None:
    if reporters:
        await store.add_up(connection, reporters, half_life=HALF_LIFE_DAYS * 86_400.0, most=OUTCOMES)
