"""Rules of labels that look wrong: a model names them, somebody else than decided looks again, and what is wrong teaches nobody."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors import NotFoundError, OwnLabelError, SuspectSettledError, UnknownLabelError
from service.routing.workflow import OVERSEEING
from service.suspects import store
from service.suspects.schemas import ResolutionIn, ResolvedOut, SuspectOut, SuspectsIn, SuspectsOut, UploadedOut


async def add(connection: AsyncConnection, body: SuspectsIn, *, taxonomy: Taxonomy, actor: UUID) -> UploadedOut:
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
    return UploadedOut(stored=stored, **{name: became[name] for name in ("unknown", "not_standing", "settled")})


async def waiting(connection: AsyncConnection, *, person: UUID, limit: int) -> SuspectsOut:
    """What this person may look at again."""
    rows, number = await store.waiting(connection, person=person, overseeing=OVERSEEING, limit=limit)
    return SuspectsOut(suspects=[SuspectOut(**row._mapping) for row in rows], waiting=number)


async def resolve(connection: AsyncConnection, decision_id: UUID, body: ResolutionIn, *, person: UUID) -> ResolvedOut:
    """Say whether a label holds. Raises NotFoundError, OwnLabelError, SuspectSettledError."""
    row = await store.resolve(connection, decision_id, outcome=body.outcome, person=person, overseeing=OVERSEEING)
    if row is None:
        raise await _why_not(connection, decision_id, person=person)
    data = {"decision": str(decision_id), "outcome": body.outcome}
    await events.record(connection, "label.resolved", case_id=row.case_id, actor=person, data=data)
    return ResolvedOut(decision_id=decision_id, outcome=body.outcome, resolved_at=row.resolved_at)


async def _why_not(
    connection: AsyncConnection, decision_id: UUID, *, person: UUID
) -> NotFoundError | OwnLabelError | SuspectSettledError:
    state = await store.state(connection, decision_id, person=person, overseeing=OVERSEEING)
    if state is None:
        return NotFoundError(f"no label of a decision {decision_id} is in doubt")
    if state.own:
        return OwnLabelError("this label is of your own decision: somebody else has to look at it")
    return SuspectSettledError("somebody has looked at this label before; what was found holds")
