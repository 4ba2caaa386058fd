"""Rules of the policy library: drafts, publishing, confirming, and what is in force."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.guidelines.reading import Guideline
from labeling.taxonomy import Taxonomy
from service import events
from service.errors.decisions import UnknownLabelError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.errors.rules import PolicyFixedError, PolicyUnreadError
from service.ids import new_id
from service.policies import store
from service.policies.changes import LISTED_LINES, MOST_LINES, changed_lines
from service.policies.replay import Asked, Judge, drawn_from, looked_at, summed_up
from service.policies.schemas import (
    DRAFTS,
    LISTED,
    DiffLine,
    DraftChangeIn,
    Example,
    ImportedGuidelinesOut,
    PoliciesOut,
    PolicyDraftIn,
    PolicySummary,
    PolicyText,
    PolicyVersionOut,
    PolicyVersionsOut,
    PublishIn,
    ReplayOut,
    UnreadOut,
)
from service.security import Capability, Principal

JUDGED_BY_MOST = 1_000
FIRST_DIGEST = "The first version: the guideline that comes with the product."


async def library(connection: AsyncConnection, person: UUID, taxonomy: Taxonomy) -> PoliciesOut:
    """What is in force in the order of the taxonomy, and what comes in the order of its coming."""
    place = {area: number for number, area in enumerate(taxonomy.area_ids)}
    found = [_summary(row) for row in await store.current(connection, person)]
    # What a former taxonomy knew stays readable at the end.
    in_force = sorted(
        (one for one in found if one.state == "in_force"), key=lambda one: (place.get(one.area, len(place)), one.area)
    )
    covered = {one.area for one in in_force}
    return PoliciesOut(
        in_force=in_force,
        coming=[one for one in found if one.state == "coming"],
        without=[area for area in taxonomy.area_ids if area not in covered],
    )


async def judged_by(connection: AsyncConnection, person: UUID) -> list[PolicySummary]:
    """Versions that a quality plan can be about: those that came into force, and drafts, by area, the newest first."""
    rows = await store.judged_by(connection, person, limit=JUDGED_BY_MOST)
    return sorted(map(_summary, rows), key=lambda one: (one.area, -one.number))


async def versions(connection: AsyncConnection, area: str, reader: Principal, taxonomy: Taxonomy) -> PolicyVersionsOut:
    """Versions of an area with what changed in each; drafts and replays for managers alone. Raises NotFoundError."""
    manages = Capability.POLICIES_MANAGE in reader.capabilities
    rows = await store.versions(connection, area, person=reader.id, drafts=manages, limit=LISTED)
    if not rows and area not in taxonomy.area_ids:
        raise NotFoundError(f"there is no policy area {area!r}; the areas are {', '.join(taxonomy.area_ids)}")
    replayed = await _replays(connection, [row.id for row in rows]) if manages else {}
    shown = await _shown(rows, manages=manages, replayed=replayed, listed=True)
    return PolicyVersionsOut(area=area, name=area_name(area, taxonomy), versions=shown)


async def open_draft(connection: AsyncConnection, policy_id: UUID, *, area: str, person: UUID) -> PolicyVersionOut:
    """A draft of an area with its replays. Raises NotFoundError, also where it was published or withdrawn."""
    row = await store.one(connection, policy_id, person=person)
    if row is None or row.area != area or row.state != "draft":
        raise NotFoundError("there is no such draft: it was published or withdrawn; look at the versions of the area")
    [shown] = await _shown([row], manages=True, replayed=await _replays(connection, [policy_id]))
    return shown


async def text_in_force(connection: AsyncConnection, area: str) -> PolicyText | None:
    """What reviewers go by in this area now; None where nothing is in force."""
    row = await store.in_force(connection, area)
    return PolicyText(area=area, **row._mapping) if row else None


async def draft(
    connection: AsyncConnection, area: str, body: PolicyDraftIn, *, actor: UUID, taxonomy: Taxonomy
) -> PolicyVersionOut:
    """Begin a version. Raises UnknownLabelError, InvalidRequestError."""
    if area not in taxonomy.area_ids:
        raise UnknownLabelError(f"{area!r} is no policy area; known: {', '.join(taxonomy.area_ids)}")
    await store.one_after_the_other(connection)
    if await store.open_drafts(connection, area) >= DRAFTS:
        raise InvalidRequestError(f"{area} has {DRAFTS} open drafts; publish or withdraw one of them first")
    now = await store.in_force(connection, area)
    values = body.model_dump()
    for field in ("title", "body", "examples"):
        if values[field] is None:
            values[field] = getattr(now, field, None)
    missing = [field for field in ("title", "body") if values[field] is None]
    if missing:
        raise InvalidRequestError(f"{', '.join(missing)}: needed, as nothing is in force for {area} to begin from")
    values |= {"id": new_id(), "area": area, "made_by": actor, "examples": _json(values["examples"] or [])}
    await store.add_draft(connection, values)
    return await _changed(connection, values["id"], "policy.drafted", actor=actor)


async def change(connection: AsyncConnection, policy_id: UUID, body: DraftChangeIn, *, actor: UUID) -> PolicyVersionOut:
    """Change a draft. Raises NotFoundError, PolicyFixedError: re-reviews of an open plan go by one and the same text."""
    values = body.model_dump() | {"id": policy_id}
    if values["examples"] is not None:
        values["examples"] = _json(values["examples"])
    await store.lock(connection, policy_id)
    if plan := await store.asked_about(connection, values):
        raise PolicyFixedError(
            f"the plan “{plan}” asks for re-reviews under this draft: title, text and examples stay while it is open; "
            "close the plan and draw another one then, or begin another draft"
        )
    if not await store.change_draft(connection, values):
        raise _fixed(await _one(connection, policy_id, person=actor), "changed")
    return await _changed(connection, policy_id, "policy.edited", actor=actor)


async def publish(connection: AsyncConnection, policy_id: UUID, body: PublishIn, *, actor: UUID) -> PolicyVersionOut:
    """Publish a draft, now or for later. Raises NotFoundError, PolicyFixedError, InvalidRequestError."""
    if not await store.publish(connection, policy_id, actor=actor, effective_at=body.effective_at):
        row = await _one(connection, policy_id, person=actor)
        if row.state != "draft":
            raise _fixed(row, "published")
        if not row.digest:
            raise InvalidRequestError("digest: say what changes for those who apply it, then publish")
        raise InvalidRequestError("effective_at: that moment has passed; leave it out to publish now")
    return await _changed(connection, policy_id, "policy.published", actor=actor)


async def withdraw(connection: AsyncConnection, policy_id: UUID, *, actor: UUID) -> PolicyVersionOut:
    """Take back a draft, or what is published and not in force yet, and close the plans that ask about it.

    Raises NotFoundError, PolicyFixedError.
    """
    if not await store.withdraw(connection, policy_id):
        raise _fixed(await _one(connection, policy_id, person=actor), "withdrawn")
    for plan in await store.close_plans(connection, policy_id):
        await events.record(connection, "qa.plan_closed", actor=actor, data={"plan": str(plan)})
    return await _changed(connection, policy_id, "policy.withdrawn", actor=actor)


async def acknowledge(connection: AsyncConnection, policy_id: UUID, *, person: UUID) -> UnreadOut:
    """Confirm that a published version was read; what is still unread. Raises NotFoundError."""
    row = await _one(connection, policy_id, person=person)
    if row.published_at is None or row.state == "withdrawn":
        raise _missing(policy_id)
    await store.acknowledge(connection, policy_id, person=person)
    return await unread(connection, person)


async def unread(connection: AsyncConnection, person: UUID) -> UnreadOut:
    """What this person has to read and confirm before the next case."""
    return UnreadOut(unread=[_summary(row) for row in await store.unread(connection, person)])


async def require_read(connection: AsyncConnection, person: UUID) -> None:
    """Raises PolicyUnreadError, naming what is unread, where something is."""
    waiting = await store.unread(connection, person)
    if waiting:
        names = "; ".join(f"“{row.title}” (/policies/{row.area})" for row in waiting)
        raise PolicyUnreadError(
            f"read and confirm what is new before the next case: {names}. What you hold you can finish"
        )


async def import_guidelines(
    connection: AsyncConnection, guidelines: Iterable[Guideline], *, actor: UUID | None
) -> ImportedGuidelinesOut:
    """Publish guidelines as version 1 of every area that has no version at all, without asking anybody to confirm."""
    await store.one_after_the_other(connection)
    imported = 0
    for one in guidelines:
        examples = [Example.model_validate(example).model_dump() for example in one.examples]
        values = {
            "id": new_id(),
            "area": one.area,
            "title": one.title,
            "body": one.body,
            "examples": _json(examples),
            "digest": FIRST_DIGEST,
            "owner": "Policy",
            "reason": "Guidelines of the product, to begin from",
            "made_by": actor,
        }
        if await store.add_first(connection, values):
            imported += 1
            data = {"policy": str(values["id"]), "area": one.area, "number": 1}
            await events.record(connection, "policy.published", actor=actor, data=data)
    return ImportedGuidelinesOut(imported=imported)


async def area_of(connection: AsyncConnection, policy_id: UUID) -> str:
    """The area of a version. Raises NotFoundError."""
    row = await store.one(connection, policy_id, person=None)
    if row is None:
        raise NotFoundError(f"there is no policy version {policy_id}")
    return str(row.area)


async def replay(
    connection: AsyncConnection,
    policy_id: UUID,
    asked: Asked,
    *,
    taxonomy: Taxonomy,
    asked_by: UUID | None,
) -> ReplayOut:
    """Look at the last decisions that a version could flip, and store what was found. Raises NotFoundError."""
    area = await area_of(connection, policy_id)
    judge = asked.judge
    rows = await store.decisions(
        connection, area=area, benign=taxonomy.benign_id, limit=asked.decisions, texts=judge is not None
    )
    plan = await store.plan(connection, policy_id, area=area, benign=taxonomy.benign_id)
    within, why_not = drawn_from(plan, rows)
    reviews = {row.decision_id: row for row in await store.reviews(connection, plan.id)} if plan and not why_not else {}
    said = await _judged(judge, rows)
    looked = [
        looked_at(row, area, model, reviews.get(row.id) if framed else None, in_frame=framed)
        for row, model, framed in zip(rows, said, within, strict=True)
    ]
    named = area_name(area, taxonomy)
    result = summed_up(looked, area=named, bundle=judge.bundle if judge else None, why_not=why_not)
    if rows:
        result = result.model_copy(update={"since": rows[-1].decided_at, "until": rows[0].decided_at})
    replay_id = new_id()
    asked_at = await store.add_replay(
        connection, replay_id, policy_id, asked_by=asked_by, result=result.model_dump(mode="json")
    )
    data = {"policy": str(policy_id), "replay": str(replay_id), "decisions": len(rows)}
    await events.record(connection, "policy.replayed", actor=asked_by, data=data)
    return ReplayOut(id=replay_id, asked_at=asked_at, decisions=len(rows), result=result)


def area_name(area: str, taxonomy: Taxonomy) -> str:
    """The name of an area; the id where the taxonomy knows it no longer."""
    return next((one.name for one in taxonomy.areas if one.id == area), area)


async def _changed(connection: AsyncConnection, policy_id: UUID, kind: str, *, actor: UUID) -> PolicyVersionOut:
    row = await _one(connection, policy_id, person=actor)
    data = {"policy": str(policy_id), "area": row.area, "number": row.number}
    await events.record(connection, kind, actor=actor, data=data)
    [shown] = await _shown([row], manages=True, replayed={})
    return shown


async def _one(connection: AsyncConnection, policy_id: UUID, *, person: UUID) -> Row[Any]:
    row = await store.one(connection, policy_id, person=person)
    if row is None:
        raise _missing(policy_id)
    return row


async def _judged(judge: Judge | None, rows: Sequence[Row[Any]]) -> list[bool | None]:
    """What the model says of each text; None without a model, and where there is no text."""
    if judge is None:
        return [None] * len(rows)
    places = [place for place, row in enumerate(rows) if row.text.strip()]
    texts, languages = [rows[place].text for place in places], [rows[place].language for place in places]
    found = await to_thread.run_sync(judge.breaks, texts, languages)
    said: list[bool | None] = [None] * len(rows)
    for place, breaks in zip(places, found, strict=True):
        said[place] = breaks
    return said


async def _replays(connection: AsyncConnection, policies: Sequence[UUID]) -> dict[UUID, list[ReplayOut]]:
    found: dict[UUID, list[ReplayOut]] = {}
    for row in await store.replays(connection, policies):
        one = ReplayOut(id=row.id, asked_at=row.asked_at, decisions=row.decisions, result=row.result)
        found.setdefault(row.policy_id, []).append(one)
    return found


def _summary(row: Row[Any]) -> PolicySummary:
    return PolicySummary.model_validate(row, from_attributes=True)


async def _shown(
    rows: Sequence[Row[Any]], *, manages: bool, replayed: Mapping[UUID, Sequence[ReplayOut]], listed: bool = False
) -> list[PolicyVersionOut]:
    # Texts can be long and versions many.
    differences = await to_thread.run_sync(partial(_differences, rows, listed=listed))
    return [
        PolicyVersionOut(
            **{name: getattr(row, name) for name in PolicySummary.model_fields},
            body=row.body,
            examples=row.examples,
            reason=row.reason if manages else None,
            diff=difference,
            confirmed_by=row.confirmed_by if manages else None,
            replays=list(replayed.get(row.id, ())),
        )
        for row, difference in zip(rows, differences, strict=True)
    ]


def _differences(rows: Sequence[Row[Any]], *, listed: bool) -> list[list[DiffLine]]:
    return [_difference(row, LISTED_LINES if listed and row.state != "in_force" else MOST_LINES) for row in rows]


def _difference(row: Row[Any], most: int) -> list[DiffLine]:
    if row.body_before is None:
        return []
    return [DiffLine(sign=sign, text=line) for sign, line in changed_lines(row.body_before, row.body, most=most)]


def _json(values: object) -> str:
    return json.dumps(values, ensure_ascii=False)


def _missing(policy_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no policy version {policy_id}")


def _fixed(row: Row[Any], what: str) -> PolicyFixedError:
    state = {"in_force": "in force", "coming": "published", "replaced": "replaced by a later one"}.get(
        row.state, row.state
    )
    return PolicyFixedError(
        f"version {row.number} of {row.area} is {state} and cannot be {what}; begin a new draft to change the policy"
    )
