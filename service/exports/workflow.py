"""Decisions out: as labelled rows for training and evaluation, and as a log for replays and estimates."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.records import LabelledText
from labeling.taxonomy import Taxonomy
from service.exports import store

# The platform's own decisions on its own content; training configurations name the licences that they admit.
OWN_LICENCE = "own"


async def labelled_texts(connection: AsyncConnection, taxonomy: Taxonomy) -> AsyncIterator[LabelledText]:
    """Every standing decision as a labelled row; who decided is left out.

    A decision names one area and says nothing of the others, so only that one counts as annotated; a benign decision
    means that the reviewer found none of them.
    """
    harmless = _harmless(taxonomy)
    async for row in store.labels(connection):
        benign = row.policy_area == taxonomy.benign_id
        broken = _violating(row.actions, harmless)
        yield LabelledText(
            id=f"decision:{row.id}",
            text=row.text,
            policy_areas=(row.policy_area,) if broken else (),
            annotated_areas=taxonomy.area_ids if benign else (row.policy_area,),
            # What breaks no rule has no severity, whatever the form held.
            severity=row.severity if broken else 0,
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
            },
        )


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
