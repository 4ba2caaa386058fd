"""Decisions out: as labelled rows for training and evaluation, and as a log for replays and estimates."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.pseudonyms import pseudonym
from labeling.records import LabelledText
from labeling.taxonomy import Taxonomy
from service.exports import store
from service.exports.policies import Library, Version
from service.labels import violates

# The platform's own decisions on its own content; training configurations name the licences that they admit.
OWN_LICENCE = "own"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What holds of a decided text and who says so: since when, by which version of the policy and of the taxonomy.

    `person` is None for what a check settled otherwise, which is nobody's own label.
    """

    policy_area: str
    severity: int
    broken: bool
    by: Literal["decision", "correction", "qa", "appeal"]
    person: UUID | None
    at: datetime
    policy: Version | None
    taxonomy_version: str


async def labelled_texts(
    connection: AsyncConnection, taxonomy: Taxonomy, *, secret: str
) -> AsyncIterator[LabelledText]:
    """Every standing decision as a labelled row; who decided and about whom are pseudonyms by the secret of the installation.

    A decision names one area and says nothing of the others, so only that one counts as annotated; a benign decision
    means that the reviewer found none of those that there were. Where quality assurance found a decision wrong, what it
    settled is the label, and where somebody looked again at a label that a model doubted, what they corrected it to.
    """
    key = _pseudonym_key(secret)
    now, versions = await store.policies(connection)
    library = Library([Version(**one._mapping) for one in versions])
    named = await store.areas_by_taxonomy(connection)
    async for row in store.labels(connection):
        judged = _judged(row, library, taxonomy)
        annotated = _looked_for(judged, taxonomy, named)
        stale = [area for area in annotated if library.stale(area, made_by=judged.policy, made_at=judged.at, now=now)]
        yield LabelledText(
            id=f"decision:{row.id}",
            text=row.text,
            policy_areas=(judged.policy_area,) if judged.broken else (),
            annotated_areas=annotated,
            # What breaks no rule has no severity, whatever the form held.
            severity=judged.severity if judged.broken else 0,
            source="decisions",
            lang=row.language or "und",
            licence=OWN_LICENCE,
            label_quality=_label_quality(row, judged),
            extra={
                "taxonomy_version": judged.taxonomy_version,
                # What was decided with a cluster was not looked at by itself: such labels are not independent of each other.
                "basis": judged.by if judged.by in {"correction", "appeal"} else row.basis,
                "lane": row.lane,
                "propensity": row.propensity,
                "sampling_weight": sampling_weight(row.lane, row.propensity, row.random_share),
                "decided_at": _hour(row.decided_at),
                "subject": pseudonym(key, "subject", str(row.subject_id)),
                "annotator": judged.person and pseudonym(key, "annotator", str(judged.person)),
                "label_by": judged.by,
                "correction": {"at": _hour(judged.at), "doubted_by": row.doubted_by}
                if judged.by == "correction"
                else None,
                "policy": judged.policy
                and {"id": str(judged.policy.id), "area": judged.policy.area, "number": judged.policy.number},
                "stale": bool(stale),
                "stale_areas": stale,
                **_quality(row),
            },
        )


def _judged(row: Any, library: Library, taxonomy: Taxonomy) -> _Judged:
    """What an appeal came to, what a check settled in the decision's place, what it was corrected to, or the decision.

    A check that agrees confirms the decision by the policy at that time.
    """
    if row.appeal_outcome is not None:
        return _Judged(
            policy_area=row.appeal_area,
            severity=row.appeal_severity,
            broken=row.appeal_area != taxonomy.benign_id,
            by="appeal",
            person=row.appeal_by,
            at=row.appeal_at,
            policy=library.in_force(row.appeal_area, row.appeal_at),
            taxonomy_version=row.appeal_taxonomy,
        )
    if row.error is not None:
        said = row.answer
        return _Judged(
            policy_area=said["policy_area"],
            severity=said["severity"],
            broken=violates(said["actions"], taxonomy),
            by="qa",
            person=None,
            at=row.settled_at,
            policy=library.in_force(said["policy_area"], row.settled_at),
            taxonomy_version=row.taxonomy_version,
        )
    if row.right_area is not None:
        return _Judged(
            policy_area=row.right_area,
            severity=row.right_severity,
            broken=row.right_area != taxonomy.benign_id,
            by="correction",
            person=row.corrected_by,
            at=row.corrected_at,
            policy=library.in_force(row.right_area, row.corrected_at),
            taxonomy_version=row.corrected_by_taxonomy,
        )
    confirmed = row.qa_by is not None
    return _Judged(
        policy_area=row.policy_area,
        severity=row.severity,
        broken=violates(row.actions, taxonomy),
        by="decision",
        person=row.decided_by,
        at=row.settled_at if confirmed else row.decided_at,
        policy=library.in_force(row.policy_area, row.settled_at) if confirmed else library.by_id(row.policy_id),
        taxonomy_version=row.taxonomy_version,
    )


def _looked_for(judged: _Judged, taxonomy: Taxonomy, named: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The areas that a label speaks of: the one that it names, of a benign one all that there were.

    Of another version of the taxonomy only what decisions named under it is known to have been there.
    """
    if judged.policy_area != taxonomy.benign_id:
        return (judged.policy_area,)
    if judged.taxonomy_version == taxonomy.version:
        return taxonomy.area_ids
    there = named.get(judged.taxonomy_version, ())
    return tuple(area for area in taxonomy.area_ids if area in there)


def _label_quality(row: Any, judged: _Judged) -> str:
    """Gold where somebody else looked as well: a check, or a look at a label in doubt; weak where nobody looked at this content."""
    if row.qa_by is not None or judged.by in {"correction", "appeal"} or row.kept:
        return "gold"
    return "weak" if row.basis == "cluster" else "silver"


def _quality(row: Any) -> dict[str, Any]:
    """The checks of the decision by all plans, and the settled one that counts; a plan's own chances are its weights."""
    if row.qa_by is None:
        return {"qa": None, "checks": row.checks, "confidence": None}
    return {
        "qa": {
            "by": row.qa_by,
            "error": row.error,
            "plan": str(row.plan_id),
            "kind": row.kind,
            "reviews": row.reviews,
            "settled_at": _hour(row.settled_at),
            "objected": row.objected,
        },
        "checks": row.checks,
        # Of the people who checked, that of the least sure; they were sure of something else than what it was corrected to.
        "confidence": row.confidence if row.right_area is None else None,
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
    async for row in store.log(connection):
        decision = row.decided_at and {
            "policy_area": row.policy_area,
            "severity": row.severity,
            "violating": violates(row.actions, taxonomy),
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


def _hour(at: datetime) -> str:
    """The hour of a moment, which is all that a model or a split needs.

    It hides no moment of a decision: the row's id, a UUID of version 7, holds that to the millisecond (docs/labels.md).
    """
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0).isoformat()


def _moment(at: Any) -> str | None:
    return at.astimezone(UTC).isoformat() if isinstance(at, datetime) else None
