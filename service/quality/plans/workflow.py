"""Rules of plans: what can be drawn from, drawing it once, closing a plan."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.decisions import UnknownLabelError
from service.errors.requests import InvalidRequestError, NameTakenError, NotFoundError
from service.ids import new_id
from service.quality import drawing
from service.quality.drawing import Drawn
from service.quality.plans import store
from service.quality.plans.results import results_of
from service.quality.plans.schemas import (
    IN_HOUSE,
    POPULATION_MOST,
    CheckPlanIn,
    CheckPlanOut,
    CheckPlansOut,
    DrawIn,
    DrawPreviewOut,
    ResultsOut,
    StratumOut,
)
from service.quality.settling import workflow as settling
from service.quality.settling.workflow import SettleRules
from service.routing.workflow import OVERSEEING

SHOWN_PLANS = 100
# The doubt about a decision whose content no model has scored.
UNSCORED_DOUBT = 0.5
GOLDEN = "golden"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a plan draws from: decisions, the stratum of each, and how the draw shares out."""

    rows: Sequence[Any]
    strata: Sequence[str]
    sizes: dict[str, int]


async def preview(connection: AsyncConnection, body: DrawIn, *, viewer: UUID, taxonomy: Taxonomy) -> DrawPreviewOut:
    """What a plan would draw. Raises InvalidRequestError, NotFoundError, UnknownLabelError."""
    await _check_policy(connection, body.policy_id)
    frame = await _frame(connection, body, viewer=viewer, taxonomy=taxonomy)
    golden = await _golden(connection, body, viewer)
    return DrawPreviewOut(
        population=len(frame.rows),
        drawn=min(body.size, len(frame.rows)),
        golden_available=len(golden),
        strata=await to_thread.run_sync(_shown_strata, frame, body),
    )


async def make(connection: AsyncConnection, body: CheckPlanIn, *, actor: UUID, taxonomy: Taxonomy) -> CheckPlanOut:
    """Draw and store a plan. Raises InvalidRequestError, NotFoundError, NameTakenError, UnknownLabelError."""
    draft = await _check_policy(connection, body.policy_id)
    if draft and body.golden_share:
        raise InvalidRequestError(
            "golden_share: golden items are right under the policy in force; leave it 0 to try out a draft"
        )
    frame = await _frame(connection, body, viewer=actor, taxonomy=taxonomy)
    if not frame.rows:
        raise InvalidRequestError("scope: no standing decision is within it; widen it, or wait until undo windows end")
    seed = secrets.randbits(62) if body.seed is None else body.seed
    rng = np.random.default_rng(seed)
    plan = new_id()
    named = body.model_dump(include={"name", "kind", "strata", "size", "reviews", "least", "golden_share", "policy_id"})
    values = named | {
        "id": plan,
        "draft": draft,
        "owner": body.owner,
        "reason": body.reason,
        "allocation": body.allocation if body.strata else None,
        "seed": seed,
        "population": len(frame.rows),
        "made_by": actor,
    }
    if not await store.add(connection, values, scope=body.scope.model_dump(mode="json", by_alias=True)):
        raise NameTakenError(f"name: there is a plan {body.name!r} already; choose another name")
    drawn = await to_thread.run_sync(draw, frame, body, rng)
    cases = {frame.rows[place].case_id for place in drawn.places}
    golden = await _golden(connection, body, actor)
    # Content that is drawn anyway would come twice, once of each kind.
    others = [item for item in golden if item.case_id not in cases]
    mixed_in = _mixed_in(others, drawn, body, rng)
    await store.add_items(connection, plan, await to_thread.run_sync(_items, frame, drawn, mixed_in, rng))
    data = {"plan": str(plan), "drawn": len(drawn.places), "population": len(frame.rows), "seed": seed}
    await events.record(connection, "qa.plan_made", actor=actor, data=data)
    return await one(connection, plan)


def draw(frame: Frame, body: DrawIn, rng: np.random.Generator) -> Drawn:
    """Which decisions of the frame are drawn, with the chance of each."""
    if body.kind == "stratified":
        return drawing.draw_strata(frame.strata, frame.sizes, rng)
    if body.kind == "doubt":
        return drawing.draw_by_doubt(_doubts(frame.rows), body.size, rng)
    return drawing.draw_evenly(len(frame.rows), body.size, rng)


async def listed(connection: AsyncConnection) -> CheckPlansOut:
    """The newest plans with their progress."""
    return CheckPlansOut(plans=[_shown(row) for row in await store.plans(connection, limit=SHOWN_PLANS)])


async def one(connection: AsyncConnection, plan: UUID) -> CheckPlanOut:
    """One plan with its progress. Raises NotFoundError."""
    row = await store.plan(connection, plan)
    if row is None:
        raise _unknown(plan)
    return _shown(row)


async def close(connection: AsyncConnection, plan: UUID, *, actor: UUID, rules: SettleRules) -> CheckPlanOut:
    """End a plan: what nobody has answered falls away, what lacks some answers is settled or disputed by those there are.

    Raises NotFoundError; closing again changes nothing.
    """
    for item in await store.begun(connection, plan):
        await settling.conclude(connection, item, rules=rules)
    if await store.close(connection, plan):
        await events.record(connection, "qa.plan_closed", actor=actor, data={"plan": str(plan)})
    return await one(connection, plan)


async def results(connection: AsyncConnection, plan: UUID, *, taxonomy: Taxonomy) -> ResultsOut:
    """What a plan found so far. Raises NotFoundError."""
    shown = await one(connection, plan)
    rows = await store.results(connection, plan, in_house=IN_HOUSE)
    strata = await store.strata(connection, plan)
    # Intervals are drawn again thousands of times.
    return await to_thread.run_sync(results_of, shown, rows, strata, taxonomy)


async def _frame(connection: AsyncConnection, body: DrawIn, *, viewer: UUID, taxonomy: Taxonomy) -> Frame:
    unknown = sorted(set(body.scope.areas) - set(taxonomy.label_ids))
    if unknown:
        raise UnknownLabelError(f"scope.areas: {', '.join(unknown)} not in the taxonomy")
    values = body.scope.model_dump() | {
        "doubt": body.kind == "doubt",
        "harmless": [taxonomy.harmless_action.id],
        "benign": taxonomy.benign_id,
        "policy_id": body.policy_id,
        "in_house": IN_HOUSE,
        "viewer": viewer,
        "overseeing": list(OVERSEEING),
        "most": POPULATION_MOST + 1,
    }
    rows = await store.frame(connection, values)
    if len(rows) > POPULATION_MOST:
        raise InvalidRequestError(
            f"scope: more than {POPULATION_MOST:,} decisions are within it; narrow it, for example by `since`"
        )
    return await to_thread.run_sync(_in_strata, rows, body)


async def _golden(connection: AsyncConnection, body: DrawIn, viewer: UUID) -> Sequence[Row[Any]]:
    scope = body.scope.model_dump(include={"areas", "languages"})
    values = scope | {"policy_id": body.policy_id, "viewer": viewer, "overseeing": list(OVERSEEING)}
    return await store.golden(connection, values)


def _in_strata(rows: Sequence[Any], body: DrawIn) -> Frame:
    strata = [stratum_of(row, body.strata) for row in rows]
    return Frame(rows, strata, _sizes(strata, body))


def stratum_of(row: Any, by: Sequence[str]) -> str:
    """The name of a decision's stratum: `en · vendor one`, or that of all decisions."""
    return " · ".join(getattr(row, name) for name in by) or drawing.ALL


def _sizes(strata: Sequence[str], body: DrawIn) -> dict[str, int]:
    counts = dict(sorted(Counter(strata).items()))
    if body.kind != "stratified":
        return {drawing.ALL: min(body.size, len(strata))} if strata else {}
    least = 1 if body.allocation == "equal" else body.least
    needed = sum(min(least, held) for held in counts.values())
    if needed > body.size:
        raise InvalidRequestError(
            f"size: {len(counts)} strata with at least {least} each need {needed}; raise the size, or lower `least` or name "
            "fewer strata"
        )
    return drawing.share_out(counts, body.size, equal=body.allocation == "equal", least=body.least)


async def _check_policy(connection: AsyncConnection, policy: UUID | None) -> bool:
    """Whether the policy is a draft."""
    if policy is None:
        return False
    found = await store.policy(connection, policy)
    if found is None:
        raise NotFoundError(f"policy_id: there is no policy version {policy}, published or a draft")
    if not (found.draft or found.effective):
        raise InvalidRequestError("policy_id: this version is not in force yet, so nothing was decided under it")
    return bool(found.draft)


def _doubts(rows: Sequence[Any]) -> list[float]:
    return [UNSCORED_DOUBT if row.doubt is None else row.doubt for row in rows]


def _shown_strata(frame: Frame, body: DrawIn) -> list[StratumOut]:
    counts = Counter(frame.strata)
    if body.kind == "doubt" and frame.rows:
        chances = drawing.chances_by_doubt(_doubts(frame.rows), body.size)
        extremes = {drawing.ALL: (float(chances.min()), float(chances.max()))}
    else:
        extremes = {name: (drawn / counts[name],) * 2 for name, drawn in frame.sizes.items()}
    return [
        StratumOut(
            stratum=name,
            population=counts[name],
            drawn=frame.sizes[name],
            least_chance=extremes[name][0],
            greatest_chance=extremes[name][1],
        )
        for name in sorted(frame.sizes)
    ]


def _mixed_in(golden: Sequence[Row[Any]], drawn: Drawn, body: CheckPlanIn, rng: np.random.Generator) -> list[Row[Any]]:
    """Golden items so that they are that share of all, as far as there are enough."""
    wanted = round(len(drawn.places) * body.golden_share / (1 - body.golden_share))
    return [golden[place] for place in rng.permutation(len(golden))[:wanted]]


def _items(
    frame: Frame, drawn: Drawn, golden: Sequence[Row[Any]], rng: np.random.Generator
) -> dict[str, Sequence[Any]]:
    rows = [frame.rows[place] for place in drawn.places]
    everything = [*rows, *golden]
    return {
        "id": [new_id() for _ in everything],
        "place": rng.random(len(everything)).tolist(),
        "case_id": [row.case_id for row in everything],
        "evidence_id": [row.evidence_id for row in everything],
        "decision_id": [row.decision_id for row in rows] + [None] * len(golden),
        "golden_id": [None] * len(rows) + [row.id for row in golden],
        "stratum": [frame.strata[place] for place in drawn.places] + [GOLDEN] * len(golden),
        "chance": drawn.chances.tolist() + [1.0] * len(golden),
    }


def _shown(row: Row[Any]) -> CheckPlanOut:
    return CheckPlanOut(**row._mapping)


def _unknown(plan: UUID) -> NotFoundError:
    return NotFoundError(f"there is no plan {plan}")
