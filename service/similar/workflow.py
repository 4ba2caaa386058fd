"""Rules of near-duplicates: what is similar to a case, and one decision for a whole cluster of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from models import hamming, pdq, simhash
from models.languages import primary_language
from models.rank import RankConfig
from service import events
from service.decisions import workflow as decisions
from service.decisions.schemas import DecisionIn
from service.decisions.workflow import DecisionRules
from service.errors.base import TriageError
from service.errors.decisions import PreviewStaleError, UndoExpiredError
from service.errors.requests import NotFoundError
from service.ids import new_id
from service.policies.workflow import require_read
from service.reporters.workflow import judge
from service.routing.workflow import OVERSEEING
from service.similar import store, tokens
from service.similar.schemas import (
    ClusterCase,
    ClusterCaseOut,
    ClusterDecisionIn,
    ClusterMade,
    ClusterOut,
    ClusterPreviewOut,
    ClusterUndone,
    EarlierDecision,
    LeftOut,
    NotUndone,
    Reason,
    SimilarCase,
    SimilarOut,
)
from service.similar.store import Viewer
from service.similar.tokens import Preview, Shown

# So many near pieces of evidence are looked at; of a larger cluster the count is a lower bound.
COUNTED = 10_000
# Texts looked at in one go: some hundredths of a second, for which their rows are locked.
BATCH = 200
LISTED = 20
LISTED_LEFT_OUT = 100
# A preview looks at so many times the cap, nearest first, for cases it could decide.
LOOKED_AT = 5
# What the model must not say differently of two cases that are decided as one: by probability of an area, by severity.
PROBABILITY_APART = 0.3
SEVERITY_APART = 1.0


@dataclass(frozen=True, slots=True)
class ClusterRules:
    """What a cluster decision is made under: as any decision, at most `cap` cases beside the seed, by signed preview."""

    decisions: DecisionRules
    cap: int
    key: str


async def look_at_texts(connection: AsyncConnection) -> int:
    """Make the fingerprints of a batch of texts that wait for theirs; returns how many there were."""
    rows = await store.take_texts(connection, limit=BATCH)
    if rows:
        found = await to_thread.run_sync(_fingerprints, [row.text for row in rows])
        await store.save_prints(connection, [row.id for row in rows], found)
    return len(rows)


async def unprinted(connection: AsyncConnection) -> int:
    """How many texts wait for their fingerprint."""
    return await store.waiting(connection)


async def similar(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> SimilarOut:
    """How many cases are nearly the same as this one, and the first of them. Raises NotFoundError."""
    who = Viewer(viewer, OVERSEEING)
    own = await _seed(connection, case_id, who)
    rows = await store.similar(connection, await _search(connection, own, who, simhash.RADIUS), listed=LISTED)
    return SimilarOut(
        count=1 + (rows[0].others if rows else 0),
        decided=rows[0].decided_others if rows else 0,
        counted_up_to=COUNTED,
        waiting=own.print_waits,
        cases=[
            SimilarCase(
                case_id=row.id,
                subject_kind=row.subject_kind,
                status=row.status,
                kind=row.kind,
                distance=row.distance,
                opened_at=row.opened_at,
                decided=EarlierDecision(**row.decided) if row.decided else None,
            )
            for row in rows
        ],
    )


async def preview(
    connection: AsyncConnection, case_id: UUID, *, viewer: UUID, radius: int, rules: ClusterRules
) -> ClusterPreviewOut:
    """What a decision about this case would decide as well, and what not and why. Raises NotFoundError.

    Only cases count that the caller could have taken from their queues.
    """
    own = await _seed(connection, case_id, Viewer(viewer))
    values = await _search(connection, own, Viewer(viewer), radius)
    rows = await store.undecided(connection, values, listed=LOOKED_AT * rules.cap)
    taken: list[Row[Any]] = []
    left_out: list[LeftOut] = []
    for row in rows:
        reason = _why_not(row, own) or ("above_cap" if len(taken) >= rules.cap else None)
        if reason is None:
            taken.append(row)
        else:
            left_out.append(LeftOut(case_id=row.id, reason=reason))
    counts: Counter[Reason] = Counter(one.reason for one in left_out)
    if rows:
        counts["above_cap"] += rows[0].undecided - len(rows)
        counts["decided"] += rows[0].decided
    elif others := await store.similar(connection, values, listed=1):
        counts["decided"] += others[0].decided_others
    shown = Preview(
        viewer=viewer,
        radius=radius,
        seed=Shown(own.id, own.evidence_id),
        others=tuple(Shown(row.id, row.evidence_id) for row in taken),
    )
    return ClusterPreviewOut(
        count=len(taken),
        cases=[
            ClusterCase(
                case_id=row.id,
                subject_kind=row.subject_kind,
                kind=row.kind,
                distance=row.distance,
                report_count=row.report_count,
                opened_at=row.opened_at,
            )
            for row in taken
        ],
        left_out={reason: number for reason, number in counts.items() if number},
        left_out_cases=left_out[:LISTED_LEFT_OUT],
        cap=rules.cap,
        radius=radius,
        preview_token=tokens.sign(shown, rules.key),
        expires_at=datetime.now(UTC) + timedelta(seconds=tokens.PREVIEW_SECONDS),
    )


async def decide(
    connection: AsyncConnection, case_id: UUID, body: ClusterDecisionIn, *, holder: UUID, rules: ClusterRules
) -> ClusterMade:
    """Decide the leased case and, with it, those of the preview that are still as they were shown.

    All are locked first, in one order, so what is checked stays so until the transaction ends. Raises PreviewStaleError,
    PolicyUnreadError, as it takes cases from the queue, and what `decisions.workflow.decide` raises; then nothing is decided.
    """
    await require_read(connection, holder)
    shown = tokens.read(body.preview_token, rules.key)
    if shown is None or shown.viewer != holder or shown.seed.case_id != case_id:
        raise PreviewStaleError("this preview is not yours, not of this case, or too old; make a new one")
    locked = await store.lock(connection, [case_id, *(one.case_id for one in shown.others)], Viewer(holder))
    if case_id not in locked or locked[case_id].evidence_id != shown.seed.evidence_id:
        raise PreviewStaleError("the content of this case was edited after the preview; look again and make a new one")
    cluster_id = new_id()
    decision = DecisionIn(**body.model_dump(exclude={"preview_token"}))
    under = replace(rules.decisions, cluster_id=cluster_id)
    own = await decisions.decide(connection, case_id, decision, holder=holder, rules=under)
    decided: list[UUID] = []
    skipped: list[LeftOut] = []
    for one in shown.others:
        reason = _changed(locked.get(one.case_id), one) or await _decide_one(
            connection, one, decision, holder=holder, rules=replace(under, basis="cluster")
        )
        if reason is None:
            decided.append(one.case_id)
        else:
            skipped.append(LeftOut(case_id=one.case_id, reason=reason))
    made = [one.id for one in await store.standing(connection, cluster_id)]
    await judge(connection, made, taxonomy=rules.decisions.taxonomy)
    values = {
        "id": cluster_id,
        "decided_by": holder,
        "seed_case": case_id,
        "decision_id": own.decision_id,
        "cases": 1 + len(decided),
        "previewed": len(shown.others),
        "radius": shown.radius,
        "skipped": [one.model_dump(mode="json") for one in skipped],
    }
    await store.add_cluster(connection, values)
    told = {"cluster": str(cluster_id), "cases": 1 + len(decided), "skipped": len(skipped)}
    await events.record(connection, "cluster.decided", case_id=case_id, actor=holder, data=told)
    return ClusterMade(
        cluster_id=cluster_id,
        decision_id=own.decision_id,
        cases=[case_id, *decided],
        skipped=skipped,
        undo_until=own.undo_until,
    )


async def read(connection: AsyncConnection, cluster_id: UUID, *, viewer: UUID) -> ClusterOut:
    """What was decided at once, on cases that this person may see. Raises NotFoundError."""
    who = Viewer(viewer, OVERSEEING)
    row = await store.cluster(connection, cluster_id, who)
    made = await store.decisions(connection, cluster_id, who) if row else []
    if row is None or not made:
        raise _no_cluster(cluster_id)
    return ClusterOut(
        **row._mapping,
        actions=made[0].actions,
        policy_area=made[0].policy_area,
        severity=made[0].severity,
        cases=[
            ClusterCaseOut(case_id=one.case_id, decision_id=one.decision_id, undone_at=one.undone_at) for one in made
        ],
    )


async def undo(
    connection: AsyncConnection, cluster_id: UUID, *, person: UUID, rules: DecisionRules, config: RankConfig
) -> ClusterUndone:
    """Take back every decision of a cluster that still can be: each whole or not at all.

    Raises NotFoundError when it is not this person's, UndoExpiredError when it is too late or was done before.
    """
    row = await store.cluster(connection, cluster_id, Viewer(person))
    if row is None or not row.yours:
        raise _no_cluster(cluster_id)
    seed = await store.begin_undo(connection, cluster_id, person=person)
    if seed is None:
        raise _too_late()
    reopened: dict[UUID, UUID] = {}
    standing: list[NotUndone] = []
    for one in await store.standing(connection, cluster_id):
        try:
            # Of a decision that can no longer be taken back nothing is: the savepoint undoes its undo.
            async with connection.begin_nested():
                reopened[one.id] = await decisions.undo_one(
                    connection, one.id, person=person, rules=rules, config=config
                )
        except UndoExpiredError:
            standing.append(NotUndone(case_id=one.case_id, reason="undone_before" if one.undone_at else "being_sent"))
    if not reopened:
        raise _too_late()
    await decisions.take_back_judgements(connection, reopened, taxonomy=rules.taxonomy, config=config)
    told = {"cluster": str(cluster_id), "cases": len(reopened), "not_undone": len(standing)}
    await events.record(connection, "cluster.undone", case_id=seed, actor=person, data=told)
    return ClusterUndone(reopened=list(reopened.values()), not_undone=standing)


def _fingerprints(texts: list[str]) -> list[str | None]:
    return [None if one is None else hamming.bits(one, simhash.BITS) for one in map(simhash.simhash, texts)]


async def _seed(connection: AsyncConnection, case_id: UUID, viewer: Viewer) -> Row[Any]:
    row = await store.seed(connection, case_id, viewer)
    if row is None:
        raise NotFoundError(f"there is no case {case_id}")
    return row


async def _search(connection: AsyncConnection, own: Row[Any], viewer: Viewer, radius: int) -> dict[str, Any]:
    """What finds everything near this case: by its text, and by any of its pictures that has enough in it."""
    alike: dict[UUID, int] = {}
    for picture in own.pictures:
        alike[UUID(picture["id"])] = 0
        if (picture["quality"] or 0) < pdq.LEAST_QUALITY:
            continue
        for found in await store.alike_pictures(connection, picture["pdq"], radius=pdq.RADIUS, most=COUNTED):
            alike[found.id] = min(found.distance, alike.get(found.id, found.distance))
    return store.search_values(own.simhash, radius=radius) | {
        "case_id": own.id,
        "evidence_id": own.evidence_id,
        **viewer.values(),
        "media": list(alike),
        "distances": list(alike.values()),
        "pictures": len(own.pictures),
        "most": COUNTED,
    }


def _why_not(row: Row[Any], own: Row[Any]) -> Reason | None:
    """Why a near case is not decided with the seed: where it is, or what may make it another matter."""
    checks: tuple[tuple[Reason, bool], ...] = (
        ("leased", row.status == "leased"),
        ("held", row.status == "held"),
        ("shed", row.status == "shed"),
        ("special_route", row.special is not None),
        ("other_text", not row.alike_text),
        ("other_pictures", not row.alike_pictures),
        ("other_language", primary_language(row.language) != primary_language(own.language)),
        ("not_scored", row.score is None or own.score is None),
        ("scores_far_apart", _far_apart(row.score, own.score)),
    )
    return next((reason for reason, holds in checks if holds), None)


def _far_apart(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    if one is None or other is None:
        return False
    areas = one["areas"].keys() | other["areas"].keys()
    apart = max((abs(one["areas"].get(area, 0.0) - other["areas"].get(area, 0.0)) for area in areas), default=0.0)
    return bool(apart > PROBABILITY_APART or abs(_severity(one) - _severity(other)) > SEVERITY_APART)


def _severity(score: Mapping[str, Any]) -> float:
    return float(sum(level * probability for level, probability in enumerate(score["severity"])))


def _changed(row: Row[Any] | None, shown: Shown) -> Reason | None:
    """Why a locked case is no longer what the preview showed."""
    if row is None or not row.visible:
        return "not_visible"
    if row.evidence_id != shown.evidence_id:
        return "content_changed"
    if row.special is not None:
        return "special_route"
    status: Reason = row.status
    return None if row.status == "open" else status


async def _decide_one(
    connection: AsyncConnection, shown: Shown, decision: DecisionIn, *, holder: UUID, rules: DecisionRules
) -> Reason | None:
    """Decide a locked case as any other, under a lease of its own; why not, when the case does not admit it."""
    token = new_id()
    granted = {"case_id": shown.case_id, "evidence_id": shown.evidence_id, "token": token, "holder": holder}
    try:
        async with connection.begin_nested():
            if not await store.grant(connection, **granted):
                return "content_changed"
            own = decision.model_copy(update={"lease_token": token})
            await decisions.decide(connection, shown.case_id, own, holder=holder, rules=rules)
    except TriageError:
        # Such as an action that this case's queue does not offer: the savepoint takes its lease back as well.
        return "refused"
    return None


def _no_cluster(cluster_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no cluster decision {cluster_id} here")


def _too_late() -> UndoExpiredError:
    return UndoExpiredError(
        "this cluster decision can no longer be undone: its effects are being sent, or it was undone before"
    )
