"""Rules of labels that look wrong: a model names them, somebody else than decided looks again and says what holds."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.decisions import UnknownLabelError
from service.errors.quality import OwnLabelError, SuspectSettledError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.labels import check_area, violates
from service.media.levels import Rules as BlurRules
from service.opinions.schemas import Label
from service.quality.reviews.schemas import ContentOut
from service.quality.reviews.workflow import content_of
from service.quality.settling.workflow import remember_look
from service.routing.workflow import OVERSEEING
from service.suspects import store
from service.suspects.schemas import (
    ResolvedOut,
    SuspectOut,
    SuspectResolutionIn,
    SuspectsIn,
    SuspectsOut,
    UploadedSuspectsOut,
)

COUNTED = 500


async def add(connection: AsyncConnection, body: SuspectsIn, *, taxonomy: Taxonomy, actor: UUID) -> UploadedSuspectsOut:
    """Keep what a model found; what cannot be kept is told back. Raises UnknownLabelError."""
    strange = sorted({one.suggested_area for one in body.suspects} - set(taxonomy.label_ids))
    if strange:
        raise UnknownLabelError(
            f"suggested_area: {strange[0]!r} not in the taxonomy; known: {', '.join(taxonomy.label_ids)}"
        )
    given = [(one.decision_id, one.quality, one.suggested_area) for one in body.suspects]
    became: dict[str, list[UUID]] = defaultdict(list)
    for row in await store.add(connection, body.bundle, given):
        became[row.became].append(row.id)
    stored = len(became.pop("stored", ()))
    if stored:
        await events.record(connection, "labels.suspected", actor=actor, data={"bundle": body.bundle, "labels": stored})
    return UploadedSuspectsOut(stored=stored, **{name: became[name] for name in ("unknown", "not_standing", "settled")})


async def waiting(
    connection: AsyncConnection, *, person: UUID, limit: int, after: UUID | None, mild: bool
) -> SuspectsOut:
    """What this person may look at again, behind `after` in the order: from now on they check none of it blindly.

    Nothing of high exposure where they are given milder content for now (`mild`).
    """
    reader = store.Reader(person, OVERSEEING, mild)
    rows = await store.waiting(connection, reader, limit=limit, after=after)
    number = await store.count(connection, reader, most=COUNTED)
    await remember_look(connection, [row.case_id for row in rows], person=person)
    return SuspectsOut(suspects=[SuspectOut(**row._mapping) for row in rows], waiting=number)


async def content(connection: AsyncConnection, decision_id: UUID, *, viewer: UUID, blur: BlurRules) -> ContentOut:
    """The content of a suspect, as whoever checks is shown it. Raises NotFoundError when it is not the viewer's to judge."""
    row = await store.content(connection, decision_id, person=viewer, overseeing=OVERSEEING)
    if row is None:
        raise NotFoundError(f"there is no label in doubt {decision_id} here")
    return ContentOut(**await content_of(connection, row, viewer, blur))


async def resolve(
    connection: AsyncConnection, decision_id: UUID, body: SuspectResolutionIn, *, person: UUID, taxonomy: Taxonomy
) -> ResolvedOut:
    """Say whether a label holds, and what does instead. Raises NotFoundError, OwnLabelError, SuspectSettledError or a 422."""
    label = body.label
    if label is not None:
        check_area(label.policy_area, taxonomy)
        if label.policy_area == taxonomy.benign_id and label.severity:
            raise InvalidRequestError("severity: benign content has severity 0; name the area that was broken")
    values = {
        "outcome": body.outcome,
        "policy_area": label and label.policy_area,
        "severity": label and label.severity,
        "note": label and label.note,
        "taxonomy_version": label and taxonomy.version,
    }
    row = await store.resolve(connection, decision_id, values, person=person, overseeing=OVERSEEING)
    if row is None:
        raise await _why_not(connection, decision_id, person=person)
    if label is not None and _says(row, label, taxonomy):
        raise InvalidRequestError("label: the label in doubt says just that; answer label_stands if it holds")
    data: dict[str, Any] = {"decision": str(decision_id), "outcome": body.outcome}
    if label is not None:
        data |= label.model_dump(include={"policy_area", "severity"})
    await events.record(connection, "label.resolved", case_id=row.case_id, actor=person, data=data)
    return ResolvedOut(decision_id=decision_id, outcome=body.outcome, label=label, resolved_at=row.resolved_at)


def _says(decision: Row[Any], label: Label, taxonomy: Taxonomy) -> bool:
    """Whether a decision makes this very label. What breaks no rule has no severity, whatever the form held."""
    if decision.policy_area != label.policy_area:
        return False
    benign = label.policy_area == taxonomy.benign_id
    return benign or (violates(decision.actions, taxonomy) and bool(decision.severity == label.severity))


async def _why_not(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID
) -> NotFoundError | OwnLabelError | SuspectSettledError:
    own = await store.is_own(connection, decision_id, person=person, overseeing=OVERSEEING)
    if own is None:
        return NotFoundError(f"no label of a decision {decision_id} is in doubt, or not any more")
    if own:
        return OwnLabelError("this label is of your own decision: somebody else has to look at it")
    return SuspectSettledError(
        "somebody has looked at this label before, here or in a check, or it is not yours to judge: a check of it waits, it is in a "
        "language that you do not read, or it shows what you opted out of"
    )
