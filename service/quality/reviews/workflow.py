"""Rules of blind reviews: one item at a time, judged without knowing what was decided; a third person settles the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.cases.schemas import PersonRef
from service.errors.cases import LeaseStaleError
from service.errors.quality import CheckSettledError
from service.errors.requests import NotFoundError
from service.exposure.limits import Limits
from service.exposure.workflow import milder_only
from service.ids import new_id
from service.labels import check_labels
from service.media.levels import Rules as BlurRules
from service.media.viewing.workflow import media_of
from service.policies.workflow import require_read
from service.quality.reviews import store
from service.quality.reviews.schemas import (
    ActionChoice,
    AdjudicationIn,
    AnsweredOut,
    AreaChoice,
    BlindCheckOut,
    CheckedReportOut,
    CheckedSubjectOut,
    DisputedItemOut,
    DisputedOut,
    DraftPolicyOut,
    NeutralAnswerOut,
    RubricOut,
    SettledOut,
    SeverityChoice,
)
from service.quality.settling import workflow as settling
from service.quality.settling.schemas import BlindAnswerIn
from service.quality.settling.workflow import SettleRules, Verdict
from service.routing.workflow import OVERSEEING
from service.security import Capability, Principal

SHOWN_DISPUTED = 20
COUNTED_DISPUTED = 500


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what checks are handed out: for how many minutes, and what nobody is given too much of."""

    minutes: int
    limits: Limits


async def claim(
    connection: AsyncConnection, *, caller: Principal, terms: Terms, blur: BlurRules
) -> BlindCheckOut | None:
    """The check that the caller has in hand, else the next one; None where there is nothing for them.

    Who is given milder cases for now is given milder checks.

    Raises PolicyUnreadError where it would be a new one.
    """
    person = caller.id
    token = await store.in_hand(connection, person)
    if token is None:
        await require_read(connection, person)
        token = await _next(connection, caller, terms)
    if token is None:
        return None
    return await _shown(connection, await store.check(connection, token, person=person), person, blur)


async def _next(connection: AsyncConnection, caller: Principal, terms: Terms) -> UUID | None:
    mild = await milder_only(connection, caller.id, terms.limits)
    # Whoever manages quality reads what golden items hold and calibrations agree on.
    seeker = store.Seeker(caller.id, Capability.QA_MANAGE in caller.capabilities, OVERSEEING, mild)
    # To look takes as long as there is little to find; nobody waits for anybody who looks.
    found = await store.look(connection, seeker)
    if not found:
        return None
    await store.take_turn(connection)
    # By now the same person may have been handed one by another call, or others those that were found.
    in_hand = await store.in_hand(connection, caller.id)
    if in_hand is not None:
        return in_hand
    token, given = new_id(), store.Terms(terms.minutes, terms.limits.break_seconds)
    item = await store.claim(connection, seeker, found, token=token, terms=given)
    if item is None:
        found = await store.look(connection, seeker)
        item = await store.claim(connection, seeker, found, token=token, terms=given)
    if item is None:
        return None
    await _record(connection, "qa.claimed", item, caller.id)
    return token


async def in_hand(connection: AsyncConnection, *, person: UUID, blur: BlurRules) -> BlindCheckOut | None:
    """The check that this person has in hand, without taking any."""
    token = await store.in_hand(connection, person)
    if token is None:
        return None
    return await _shown(connection, await store.check(connection, token, person=person), person, blur)


async def answer(
    connection: AsyncConnection, token: UUID, body: BlindAnswerIn, *, person: UUID, rules: SettleRules
) -> AnsweredOut:
    """Store a blind answer, and settle its item where it was the last one. Raises LeaseStaleError or a 422."""
    check_labels(body.actions, body.policy_area, rules.taxonomy)
    if not await store.lock(connection, token, person=person):
        raise _stale()
    row = await store.answer(connection, token, person=person, answer=body.model_dump(mode="json"))
    if row is None:
        raise _stale()
    await _record(connection, "qa.answered", row.item_id, person)
    await settling.after_answer(connection, row.item_id, rules=rules)
    return AnsweredOut(answered_at=row.answered_at)


async def release(connection: AsyncConnection, token: UUID, *, person: UUID) -> None:
    """Give a check back: it goes to somebody else and does not come again. Raises LeaseStaleError."""
    item = await store.release(connection, token, person=person)
    if item is None:
        raise _stale()
    await _record(connection, "qa.released", item, person)


async def disputed(
    connection: AsyncConnection, *, person: UUID, blur: BlurRules, secret: str, limits: Limits
) -> DisputedOut:
    """What this person may settle, with all answers in the order that the secret gives them.

    From now on they check none of it blindly. Nothing of high exposure while they are given milder content.
    """
    seeker = store.Seeker(person, False, OVERSEEING, await milder_only(connection, person, limits))
    rows = await store.disputed(connection, seeker, limit=SHOWN_DISPUTED, most=COUNTED_DISPUTED)
    await settling.remember_look(connection, [row.case_id for row in rows], person=person)
    items = [
        DisputedItemOut(
            **await content_of(connection, row, person, blur),
            item_id=row.item_id,
            # Confidence is left out: the decision has none, and would be known by that.
            answers=[
                _said(settling.neutral_name(place), one)
                for place, one in enumerate(await settling.answers_to(connection, row.item_id, secret=secret))
            ],
        )
        for row in rows
    ]
    return DisputedOut(total=rows[0].total if rows else 0, items=items, rubric=rubric(blur.taxonomy))


async def adjudicate(
    connection: AsyncConnection, item: UUID, body: AdjudicationIn, *, person: UUID, rules: SettleRules
) -> SettledOut:
    """Say what holds for a disputed item. Raises NotFoundError, CheckSettledError or a 422."""
    check_labels(body.actions, body.policy_area, rules.taxonomy)
    if not await store.lock_disputed(connection, item, person=person, overseeing=OVERSEEING):
        if not await store.is_seen(connection, item, person=person, overseeing=OVERSEEING):
            raise NotFoundError(f"there is no check {item}")
        raise CheckSettledError(
            "this check is not yours to settle: it is not disputed (any more), you decided, checked or settled this content, do not "
            "read its language, or opted out of what it shows"
        )
    verdict = Verdict(body, "adjudication", settled_by=person, note=body.note)
    settlement = await settling.settle(connection, item, verdict, rules=rules)
    return SettledOut(settlement_id=settlement, error=await store.error(connection, settlement))


def rubric(taxonomy: Taxonomy) -> RubricOut:
    """What answers are made of."""
    benign = AreaChoice(id=taxonomy.benign_id, name=taxonomy.benign_name, description="", floor=0)
    areas = [
        AreaChoice(id=area.id, name=area.name, description=area.description, floor=area.floor)
        for area in taxonomy.areas
    ]
    return RubricOut(
        taxonomy_version=taxonomy.version,
        areas=[*areas, benign],
        severities=[SeverityChoice(level=one.level, name=one.name, anchor=one.anchor) for one in taxonomy.severities],
        actions=[
            ActionChoice(
                id=one.id,
                name=one.name,
                description=one.description,
                enforces=one.enforces,
                excludes=list(one.excludes),
            )
            for one in taxonomy.actions
        ],
    )


async def _shown(connection: AsyncConnection, row: Row[Any], person: UUID, blur: BlurRules) -> BlindCheckOut:
    return BlindCheckOut(
        **await content_of(connection, row, person, blur),
        token=row.token,
        expires_at=row.expires_at,
        server_now=row.now,
        rubric=rubric(blur.taxonomy),
    )


def _said(name: str, answer: Mapping[str, Any]) -> NeutralAnswerOut:
    return NeutralAnswerOut(name=name, **{key: answer[key] for key in ("policy_area", "severity", "actions", "note")})


async def content_of(connection: AsyncConnection, row: Row[Any], viewer: UUID, blur: BlurRules) -> dict[str, Any]:
    """The fields of ContentOut, of a row with evidence, subject, reports and the draft to judge by."""
    reports: Sequence[Mapping[str, Any]] = row.reports
    return {
        "subject": CheckedSubjectOut(
            kind=row.kind,
            text=row.text,
            language=row.language,
            author=PersonRef(id=row.author_id) if row.author_id else None,
        ),
        "reports": [CheckedReportOut(**report) for report in reports],
        "media": await media_of(connection, row.evidence_id, viewer=viewer, rules=blur),
        "policy": None
        if row.policy_title is None
        else DraftPolicyOut(title=row.policy_title, body=row.policy_body, examples=row.policy_examples),
    }


async def _record(connection: AsyncConnection, kind: str, item: UUID, person: UUID) -> None:
    # Not among the events of the case: everybody who sees the case reads those, and would know that it is being checked.
    await events.record(connection, kind, actor=person, data={"item": str(item)})


def _stale() -> LeaseStaleError:
    return LeaseStaleError("this check is not in your hands any more: claim the next one")
