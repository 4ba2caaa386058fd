"""Decisions out: as labelled rows for training and evaluation, and as a log for replays and estimates."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.pseudonyms import pseudonym
from labeling.records import LabelledText
from labeling.taxonomy import Taxonomy
from service.exports import store
from service.exports.policies import Library, Version

# The platform's own decisions on its own content; training configurations name the licences that they admit.
OWN_LICENCE = "own"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What holds of a decided text, when that was settled, and by which version of the policy."""

    policy_area: str
    severity: int
    actions: Sequence[str]
    at: datetime
    policy: Version | None
    overturned: bool


async def labelled_texts(
    connection: AsyncConnection, taxonomy: Taxonomy, *, secret: str
) -> AsyncIterator[LabelledText]:
    """Every standing decision as a labelled row; who decided and about whom are pseudonyms by the secret of the installation.

    A decision names one area and says nothing of the others, so only that one counts as annotated; a benign decision
    means that the reviewer found none of them. Where quality assurance found a decision wrong, what it settled is the label.
    """
    harmless = _harmless(taxonomy)
    key = _pseudonym_key(secret)
    now, versions = await store.policies(connection)
    library = Library([Version(**one._mapping) for one in versions])
    async for row in store.labels(connection):
        judged = _judged(row, library)
        benign = judged.policy_area == taxonomy.benign_id
        broken = _violating(judged.actions, harmless)
        annotated = taxonomy.area_ids if benign else (judged.policy_area,)
        stale = [area for area in annotated if library.stale(area, made_by=judged.policy, made_at=judged.at, now=now)]
        yield LabelledText(
            id=f"decision:{row.id}",
            text=row.text,
            policy_areas=(judged.policy_area,) if broken else (),
            annotated_areas=annotated,
            # What breaks no rule has no severity, whatever the form held.
            severity=judged.severity if broken else 0,
            source="decisions",
            lang=row.language or "und",
            licence=OWN_LICENCE,
            label_quality="gold",
            # What was decided with a cluster was not looked at by itself: such labels are not independent of each other.
            extra={
                "taxonomy_version": row.taxonomy_version,
                "basis": row.basis,
                "lane": row.lane,
                "propensity": row.propensity,
                "sampling_weight": sampling_weight(row.lane, row.propensity, row.random_share),
                "decided_at": _moment(row.decided_at),
                "subject": pseudonym(key, "subject", str(row.subject_id)),
                # What was settled otherwise is nobody's own label.
                "annotator": None if judged.overturned else pseudonym(key, "annotator", str(row.decided_by)),
                "label_by": "qa" if judged.overturned else "decision",
                "policy": judged.policy
                and {"id": str(judged.policy.id), "area": judged.policy.area, "number": judged.policy.number},
                "stale": bool(stale),
                "stale_areas": stale,
                **_quality(row),
            },
        )


def _judged(row: Any, library: Library) -> _Judged:
    """The decision, or what a check settled in its place. A check that agrees confirms it by the policy at that time."""
    checked, overturned = row.qa_by is not None, row.error is not None
    area = row.answer["policy_area"] if overturned else row.policy_area
    return _Judged(
        policy_area=area,
        severity=row.answer["severity"] if overturned else row.severity,
        actions=row.answer["actions"] if overturned else row.actions,
        at=row.settled_at if checked else row.decided_at,
        policy=library.in_force(area, row.settled_at) if checked else library.by_id(row.policy_id),
        overturned=overturned,
    )


def _quality(row: Any) -> dict[str, Any]:
    """What is known of the label's quality: nothing before a check is settled. `qa_weight` is the inverse of its chance."""
    if row.qa_by is None:
        return {"qa": None, "qa_weight": None, "confidence": None}
    return {
        "qa": {
            "by": row.qa_by,
            "error": row.error,
            "plan": str(row.plan_id),
            "kind": row.kind,
            "reviews": row.reviews,
            "settled_at": _moment(row.settled_at),
            "objected": row.objected,
        },
        "qa_weight": 1 / row.chance,
        # Of the people who checked, that of the least sure.
        "confidence": row.confidence,
    }


def _pseudonym_key(secret: str) -> bytes:
    """A key of its own for pseudonyms, so that they say nothing of what else the secret signs."""
    return hmac.new(secret.encode(), b"pseudonyms of exports", hashlib.sha256).digest()


def sampling_weight(lane: str, propensity: float, random_share: float) -> float:
    """The inverse of the chance that the claim went to this lane and there to this case.

    Of the random share that is the share times the propensity. The order hands out the first case for certain, whenever the
    lottery is not asked; deadlines and named cases do not ask it. That a drawn case may have been the first of the order as
    well is left aside: nobody ranks the queue for a claim that is drawn.
    """
    if lane == "random":
        chance = random_share * propensity
    elif lane in ("ranked", "bound"):
        chance = 1 - random_share
    else:
        chance = 1.0
    return 1 / chance if chance > 0 else 1.0


async def decision_log(connection: AsyncConnection, taxonomy: Taxonomy) -> AsyncIterator[str]:
    """Every case as one JSON line: what was known, when and by which chance it was handed out, what was decided.

    A decision that can still be undone is none yet. Pseudonymous: neither staff nor reporters nor content are in it.
    """
    harmless = _harmless(taxonomy)
    async for row in store.log(connection):
        decision = row.decided_at and {
            "policy_area": row.policy_area,
            "severity": row.severity,
            "violating": _violating(row.actions, harmless),
            "decided_at": _moment(row.decided_at),
            "basis": row.basis,
        }
        values = {
            "case_id": str(row.case_id),
            "queue": row.queue,
            # Pools of claims are lists of these.
            "scope": {
                "id": row.scope_id,
                "language": row.language,
                "high_exposure": row.high_exposure,
                "consent_area": row.consent_area,
            },
            "opened_at": _moment(row.opened_at),
            "status": row.status,
            "shed_at": _moment(row.shed_at),
            "parts": row.parts,
            "parts_at": _moment(row.parts_at),
            "score": row.score,
            "views_per_hour": row.views_per_hour,
            "deadline": _moment(row.deadline),
            "pictures": row.pictures,
            "claims": row.claims,
            "decision": decision,
        }
        yield json.dumps(values) + "\n"


def _harmless(taxonomy: Taxonomy) -> frozenset[str]:
    return frozenset(action.id for action in taxonomy.actions if not action.enforces)


def _violating(actions: Sequence[str], harmless: Collection[str]) -> bool:
    """Whether a rule was broken: an action that has left the taxonomy since did enforce; the one that does not cannot."""
    return any(action not in harmless for action in actions)


def _moment(at: Any) -> str | None:
    return at.astimezone(UTC).isoformat() if isinstance(at, datetime) else None
