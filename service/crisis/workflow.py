"""Rules of crises: drafted by one person, put to work by another, over by the clock, and reviewed afterwards.

Nothing here makes a crisis end. Order, routing, shedding and queues ask `crises_at_work` in the statements that use it, so
that a crisis is over at its end whether or not any process runs; the worker moves what waits once it sees another key.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.overlay import Overlays
from models.rank import RankConfig
from service import events
from service.cases.workflow import ranked_by
from service.crisis import store
from service.crisis.notices.workflow import tell
from service.crisis.schemas import (
    ALONE_HOURS,
    AT_WORK_MOST,
    MOST_DAYS,
    AloneIn,
    ApproveIn,
    CrisesOut,
    CrisisChangeIn,
    CrisisEndIn,
    CrisisIn,
    CrisisOut,
    CrisisPreviewOut,
    CrisisWholeOut,
    ExtendIn,
    GuidanceOut,
    GuidancesOut,
    HoldingStatement,
    MomentOut,
    NowOut,
    NumbersOut,
    ReviewIn,
    ReviewOut,
    SpecIn,
    VolumeOut,
)
from service.errors.access import ForbiddenError
from service.errors.crisis import CrisisChangedError, CrisisStateError, SecondPersonError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.errors.rules import RoutingConflictError
from service.ids import new_id
from service.replies.placeholders import faults
from service.replies.workflow import in_force
from service.routing import workflow as routing
from service.routing.rules import RuleSet
from service.routing.schemas import RuleIn
from service.routing.urgent import AtWork, read, under
from service.security import Principal
from service.tuning.workflow import front

LISTED = 200
SHOWN = 2 * AT_WORK_MOST
PREVIEW_TOP, PREVIEW_HOURS = 50, 24

log = structlog.get_logger()


async def now(connection: AsyncConnection, *, reviews: bool) -> list[NowOut]:
    """What the banner of the pages shows: crises at work and, with `reviews`, those that wait for their review."""
    return [NowOut(**row._mapping) for row in await store.now(connection, reviews=reviews, most=SHOWN)]


async def crises(connection: AsyncConnection) -> CrisesOut:
    """All of them, those at work first."""
    return CrisesOut(crises=[_out(row) for row in await store.crises(connection, most=LISTED)])


async def crisis(connection: AsyncConnection, crisis_id: UUID) -> CrisisWholeOut:
    """One with its timeline and what was said of it. Raises NotFoundError."""
    row = await _row(connection, crisis_id)
    return CrisisWholeOut(
        **_out(row).model_dump(),
        moments=[MomentOut(**one._mapping) for one in await store.moments(connection, crisis_id)],
        written=[ReviewOut(**one._mapping) for one in await store.reviews(connection, crisis_id)],
    )


async def draft(connection: AsyncConnection, body: CrisisIn, *, actor: UUID, taxonomy: Taxonomy) -> CrisisWholeOut:
    """Keep a draft of a crisis. Raises InvalidRequestError."""
    require_end(body.until)
    await require_useful(connection, body.spec, taxonomy)
    values = {"name": body.name, "reason": body.reason, "until": body.until}
    return await keep(connection, values, body.spec.model_dump(mode="json"), actor=actor)


async def keep(
    connection: AsyncConnection, values: dict[str, Any], spec: dict[str, Any], *, actor: UUID, plan: str | None = None
) -> CrisisWholeOut:
    """Keep a draft whose content was checked; `plan` names the continuity plan that it puts to work."""
    crisis_id, kind = new_id(), "crisis" if plan is None else "continuity"
    await store.add(connection, spec=spec, id=crisis_id, kind=kind, plan=plan, owner=actor, **values)
    await _note(connection, crisis_id, "crisis.drafted", actor=actor, reason=values["reason"])
    return await crisis(connection, crisis_id)


async def change(
    connection: AsyncConnection, crisis_id: UUID, body: CrisisChangeIn, *, actor: UUID, taxonomy: Taxonomy
) -> CrisisWholeOut:
    """Another text of one's own draft. Raises ForbiddenError, CrisisStateError, CrisisChangedError."""
    row = await _row(connection, crisis_id, lock=True)
    _require_state(row, "draft")
    if row.owner_id != actor:
        raise ForbiddenError(f"the draft is {row.owner}'s: who changes it owns it, and could approve it no more")
    if row.kind == "continuity":
        raise InvalidRequestError("spec: this draft is of a continuity plan; change the plan and put it to work anew")
    _require_revision(row, body.revision)
    require_end(body.until)
    await require_useful(connection, body.spec, taxonomy)
    spec = body.spec.model_dump(mode="json")
    await store.change(connection, spec=spec, id=crisis_id, name=body.name, reason=body.reason, until=body.until)
    await _note(connection, crisis_id, "crisis.changed", actor=actor, reason=body.reason)
    return await crisis(connection, crisis_id)


async def approve(
    connection: AsyncConnection, crisis_id: UUID, body: ApproveIn, *, actor: UUID, jobs: App
) -> CrisisWholeOut:
    """As the second person: put a draft to work, or let one that began alone go on until its own end.

    Raises SecondPersonError, CrisisStateError, CrisisChangedError.
    """
    row = await _row(connection, crisis_id, lock=True)
    _require_state(row, "draft", "at_work")
    if row.owner_id == actor:
        raise SecondPersonError("you own this crisis: somebody else has to approve it, or begin it alone for 4 hours")
    if row.approved:
        raise CrisisStateError("this crisis is approved already; to let it last longer, extend it with a reason")
    _require_revision(row, body.revision)
    if row.state == "draft":
        await _require_room(connection, row)
    await store.approve(connection, crisis_id, actor=actor)
    kind = "crisis.begun" if row.state == "draft" else "crisis.approved"
    await _announce(connection, jobs, crisis_id, kind, actor=actor)
    return await crisis(connection, crisis_id)


async def begin_alone(
    connection: AsyncConnection, crisis_id: UUID, body: AloneIn, *, actor: UUID, jobs: App
) -> CrisisWholeOut:
    """Put one's own draft to work without a second person: it ends four hours later unless one approves it."""
    row = await _row(connection, crisis_id, lock=True)
    _require_state(row, "draft")
    if row.owner_id != actor:
        raise InvalidRequestError("you are not its owner, so you are the second person: approve it instead")
    _require_revision(row, body.revision)
    await _require_room(connection, row)
    await store.begin(connection, crisis_id)
    await _announce(connection, jobs, crisis_id, "crisis.begun_alone", actor=actor, reason=body.reason)
    log.warning(
        "crisis.begun_alone", crisis=str(crisis_id), hours=ALONE_HOURS, mend="a second person approves or ends it"
    )
    return await crisis(connection, crisis_id)


async def extend(
    connection: AsyncConnection, crisis_id: UUID, body: ExtendIn, *, actor: UUID, jobs: App
) -> CrisisWholeOut:
    """A later end of an approved crisis, with a reason. Raises CrisisStateError, InvalidRequestError."""
    row = await _row(connection, crisis_id, lock=True)
    _require_state(row, "at_work")
    if not row.approved:
        raise CrisisStateError(
            "one person alone began this crisis: somebody else has to approve it before it can last longer"
        )
    require_end(body.until)
    if body.until <= row.ends_at:
        raise InvalidRequestError(
            f"until: it ends at {row.ends_at:%Y-%m-%d %H:%M} UTC already; give a later end, or end it"
        )
    await store.extend(connection, crisis_id, body.until)
    await _announce(connection, jobs, crisis_id, "crisis.extended", actor=actor, reason=body.reason)
    return await crisis(connection, crisis_id)


async def end(
    connection: AsyncConnection, crisis_id: UUID, body: CrisisEndIn, *, actor: UUID, jobs: App
) -> CrisisWholeOut:
    """End it before its time. Raises CrisisStateError."""
    _require_state(await _row(connection, crisis_id, lock=True), "at_work")
    await store.end(connection, crisis_id)
    await _announce(connection, jobs, crisis_id, "crisis.ended", actor=actor, reason=body.reason)
    return await crisis(connection, crisis_id)


async def review(connection: AsyncConnection, crisis_id: UUID, body: ReviewIn, *, actor: UUID) -> CrisisWholeOut:
    """Say what is to be said of a crisis that is over; it can be added to, never changed."""
    _require_state(await _row(connection, crisis_id, lock=True), "ended", "reviewed")
    names = sorted({one.owner for one in body.actions})
    if unknown := sorted(set(names) - await store.known(connection, names)):
        raise InvalidRequestError(f"actions: nobody here is called {', '.join(unknown)}")
    texts = {"happened": body.happened, "worked": body.worked, "decisions": body.decisions}
    actions = [one.model_dump(mode="json") for one in body.actions]
    await store.add_review(connection, crisis_id, actor=actor, actions=actions, **texts)
    await _note(connection, crisis_id, "crisis.reviewed", actor=actor)
    return await crisis(connection, crisis_id)


async def numbers(connection: AsyncConnection, crisis_id: UUID) -> NumbersOut:
    """Reports during the crisis against as long a time before. Raises NotFoundError, CrisisStateError for a draft."""
    row = await _row(connection, crisis_id)
    _require_state(row, "at_work", "ended", "reviewed")
    rows = await store.volume(connection, crisis_id)
    hours = (min(row.ends_at, datetime.now(UTC)) - row.began_at).total_seconds() / 3600
    areas = [VolumeOut(area=one.area, before=one.before, during=one.during) for one in rows]
    return NumbersOut(sql=store.VOLUME.format(id=crisis_id), hours=hours, areas=areas)


@dataclass(frozen=True, slots=True)
class Previewing:
    """Who previews, by which order, and how it is known that they have gone."""

    viewer: Principal
    taxonomy: Taxonomy
    config: RankConfig
    gone: Callable[[], Awaitable[bool]]


async def preview(connection: AsyncConnection, crisis_id: UUID, queue: str, by: Previewing) -> CrisisPreviewOut:
    """What a crisis would change if it began now, beside those at work. Nothing is changed. Raises NotFoundError."""
    row = await _row(connection, crisis_id)
    if queue not in {one.name for one in await routing.visible_queues(connection, by.viewer)}:
        raise NotFoundError(f"there is no queue {queue!r}")
    now = await routing.active(connection)
    then = under(now, added(now, row), queues=await routing.open_queues(connection))
    ranker = partial(ranked_by, taxonomy=by.taxonomy, config=by.config, overlays=then.overlays)
    tally, _more = await routing.tried(connection, now, then, hours=PREVIEW_HOURS, gone=by.gone)
    return CrisisPreviewOut(
        front=await front(connection, queue, ranker, top=PREVIEW_TOP),
        hours=PREVIEW_HOURS,
        cases=tally.cases,
        moved=sum(one.cases for one in tally.moved()),
        moves=tally.moved()[:20],
    )


def added(now: RuleSet, row: Row[Any]) -> AtWork:
    """The crises at work with one more, which begins last and so goes first."""
    new = read("preview", [{"id": row.id, "name": row.name, "until": row.ends_at, "spec": row.spec}])
    others = tuple(one for one in now.overlays.crises if one.id != str(row.id))
    overlays = Overlays("preview", (*new.overlays.crises, *others))
    # The first in a mapping is what began last.
    return AtWork(overlays, (*new.urgent, *now.urgent), {**new.instead, **now.instead, **new.instead})


async def guidance(connection: AsyncConnection, person: UUID) -> GuidancesOut:
    """What holds at the desk now."""
    return GuidancesOut(
        guidance=[
            GuidanceOut(
                crisis=row.crisis,
                revision=row.revision,
                name=row.name,
                until=row.until,
                about=row.spec.get("about", []),
                markets=row.spec.get("markets", []),
                languages=row.spec.get("languages", []),
                guidance=row.spec.get("guidance", ""),
                statements=row.spec.get("statements", []),
                read=row.read,
            )
            for row in await store.guidance(connection, person)
        ]
    )


async def confirm_read(connection: AsyncConnection, crisis_id: UUID, *, person: UUID) -> None:
    """Confirm that one has read the note of a crisis at work. Raises NotFoundError, CrisisStateError."""
    _require_state(await _row(connection, crisis_id), "at_work")
    if await store.confirm_read(connection, crisis_id, person):
        await events.record(connection, "crisis.read", actor=person, data={"crisis": str(crisis_id)})


async def note_ends(engine: AsyncEngine, jobs: App) -> int:
    """Write to the log and tell which crises the clock has ended, and ask for the reviews that are missing, once a day."""
    async with engine.begin() as connection:
        expired, unreviewed = await store.expired(connection), await store.unreviewed(connection)
        for crisis_id in expired:
            await _announce(connection, jobs, crisis_id, "crisis.expired", actor=None)
        for crisis_id in unreviewed:
            await _note(connection, crisis_id, "crisis.review_asked", actor=None)
    return len(expired) + len(unreviewed)


async def require_useful(connection: AsyncConnection, spec: SpecIn, taxonomy: Taxonomy) -> None:
    """Refuse areas that the taxonomy does not have, statements that cannot be said, and rules that lead to where nobody could take a case.

    Raises InvalidRequestError, UnknownLabelError, RoutingConflictError.
    """
    named = {*spec.about, *(one.area for one in spec.areas), *(one.area for one in spec.statements if one.area)}
    if unknown := sorted(named - set(taxonomy.label_ids)):
        raise InvalidRequestError(f"spec: the taxonomy has no area {', '.join(unknown)}")
    if spec.statements:
        templates = await in_force(connection)
        for one in spec.statements:
            _require_sayable(one, templates)
    await require_taken(connection, spec.rules, taxonomy)


def _require_sayable(one: HoldingStatement, templates: Collection[UUID]) -> None:
    """Refuse a holding statement that no reply could be begun with. Raises InvalidRequestError."""
    if one.template is None:
        if wrong := faults(one.text):
            raise InvalidRequestError(f"statements: {'; '.join(wrong)}")
    elif one.template not in templates:
        raise InvalidRequestError(
            f"statements: there is no template {one.template} in force; GET /v1/replies/templates lists those"
        )


async def require_taken(connection: AsyncConnection, rules: Sequence[RuleIn], taxonomy: Taxonomy) -> None:
    """Refuse rules that lead to where nobody could take a case. Raises UnknownLabelError, RoutingConflictError."""
    found = await routing.findings(connection, rules, taxonomy)
    if errors := [one.text for one in found if one.kind == "error"]:
        raise RoutingConflictError(" ".join(errors))


async def _row(connection: AsyncConnection, crisis_id: UUID, *, lock: bool = False) -> Row[Any]:
    row = await store.crisis(connection, crisis_id, lock=lock)
    if row is None:
        raise NotFoundError(f"there is no crisis {crisis_id}")
    return row


async def _note(
    connection: AsyncConnection,
    crisis_id: UUID,
    kind: str,
    *,
    actor: UUID | None,
    reason: str = "",
    told: bool = False,
) -> None:
    """A line of its own timeline, and one of the log of events: there without what people wrote."""
    name = kind.removeprefix("crisis.")
    await store.add_moment(connection, crisis_id, kind=name, actor=actor, reason=reason, told=told)
    await events.record(connection, kind, actor=actor, data={"crisis": str(crisis_id)})


async def _announce(
    connection: AsyncConnection, jobs: App, crisis_id: UUID, kind: str, *, actor: UUID | None, reason: str = ""
) -> None:
    """The same for what everybody who leads is told, on their pages and by webhook: the kinds of notices.schemas.Told."""
    await _note(connection, crisis_id, kind, actor=actor, reason=reason, told=True)
    await tell(connection, jobs, crisis_id, kind)


def _require_state(row: Row[Any], *states: str) -> None:
    if row.state not in states:
        raise CrisisStateError(
            f"this crisis is {row.state.replace('_', ' ')}; that is done while it is {' or '.join(states)}"
        )


def _require_revision(row: Row[Any], revision: int) -> None:
    if row.revision != revision:
        raise CrisisChangedError(
            f"this draft is at revision {row.revision} by now, not {revision}; look at it again first"
        )


def require_end(until: datetime) -> None:
    """Refuse an end that is over, or more than 14 days ahead. Raises InvalidRequestError."""
    at = datetime.now(UTC)
    if until <= at:
        raise InvalidRequestError("until: the end is over already; give one that is still to come")
    if until > at + timedelta(days=MOST_DAYS):
        raise InvalidRequestError(f"until: a crisis lasts at most {MOST_DAYS} days; it can be extended with a reason")


async def _require_room(connection: AsyncConnection, row: Row[Any]) -> None:
    """Refuse to begin what would be over at once, or what would be one too many."""
    require_end(row.until)
    if len(await store.now(connection, reviews=False, most=AT_WORK_MOST)) >= AT_WORK_MOST:
        raise CrisisStateError(f"{AT_WORK_MOST} crises are at work already; end one of them first")


def _out(row: Row[Any]) -> CrisisOut:
    return CrisisOut(**row._mapping)
