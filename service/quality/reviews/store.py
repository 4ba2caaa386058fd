"""SQL of blind reviews: handing out items, answers, and what waits for a third person."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Of how many waiting items it is asked whether somebody may have them, before it is asked of all.
LOOKED_AT_FIRST = 300
# How many are kept in mind until it is one's turn: people who look at the same moment find the same.
FOUND_AHEAD = 4
# One after the other: how many have an item is counted in another table than the one that would be locked, so a row lock
# alone would let two claims count the same.
_TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('qa.claim', 0))")
# Whoever has a check in hand gets the same again: one at a time, and a page that is loaded anew loses nothing.
_IN_HAND = text("""
    SELECT r.token FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id
    WHERE r.reviewer = :person AND r.answered_at IS NULL AND r.released_at IS NULL AND r.expires_at > now()
      AND i.state = 'waiting'
    ORDER BY r.claimed_at LIMIT 1
""")
# Nobody who could know what was decided on this content, or what is right: who decided on it, in this case, another one, or for
# the same cluster; asked about it; judged its label or an appeal; checked or settled it; made a golden item or a calibration of it, or may
# read those of others (`manages`); was told; or, where a check is handed out (`blind`), was shown it with a dispute, an objection or
# a label in doubt: whoever settles is to read all that.
KNOWS = """CASE WHEN EXISTS (
        SELECT FROM (
            SELECT same.id FROM cases same WHERE same.subject_id = c.subject_id
            UNION
            SELECT together.case_id FROM cases same JOIN decisions d ON d.case_id = same.id
            JOIN decisions together ON together.cluster_id = d.cluster_id WHERE same.subject_id = c.subject_id
        ) AS alike WHERE (
            EXISTS (SELECT FROM decisions d WHERE d.case_id = alike.id AND (d.decided_by = :person
                      OR EXISTS (SELECT FROM label_suspects l WHERE l.decision_id = d.id AND l.resolved_by = :person)))
            OR EXISTS (SELECT FROM second_opinions o WHERE o.case_id = alike.id AND :person IN (o.asked_by, o.answered_by))
            OR (CAST(:blind AS boolean) AND EXISTS (SELECT FROM qa_looks k WHERE k.case_id = alike.id AND k.person = :person))
            OR EXISTS (SELECT FROM appeals p WHERE p.case_id = alike.id AND :person IN (p.decided_by, p.lease_holder))
            OR EXISTS (SELECT FROM golden_items g WHERE g.case_id = alike.id
                         AND (g.made_by = :person OR CAST(:manages AS boolean)))
            OR EXISTS (
                SELECT FROM qa_items other WHERE other.case_id = alike.id AND (
                    EXISTS (SELECT FROM qa_reviews a WHERE a.item_id = other.id AND a.reviewer = :person
                              AND (a.answered_at IS NOT NULL OR a.released_at IS NOT NULL))
                    OR EXISTS (SELECT FROM qa_settlements k WHERE k.item_id = other.id AND (k.settled_by = :person
                         OR EXISTS (SELECT FROM qa_feedback f WHERE f.settlement_id = k.id
                                      AND :person IN (f.person, f.resolved_by))))
                    OR EXISTS (SELECT FROM calibration_items m JOIN calibration_sessions s ON s.id = m.session_id
                               WHERE m.item_id = other.id AND (s.made_by = :person OR CAST(:manages AS boolean))))))
        ) THEN true ELSE false END"""
# A lapsed claim frees its place; its owner may take it up again, and has not been shown the decision meanwhile. Who made the
# plan chose what it is about. The limit and the CASE of KNOWS keep the planner from asking all that of every item.
_FREE = f"""
    SELECT c.item_id FROM (
        SELECT i.id AS item_id, i.place, c.id, c.subject_id
        FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id JOIN cases c ON c.id = i.case_id
        WHERE {{which}} AND i.state = 'waiting' AND p.closed_at IS NULL AND p.made_by <> :person
          AND p.reviews > (SELECT count(*) FROM qa_reviews r WHERE r.item_id = i.id AND r.reviewer <> :person
                             AND (r.answered_at IS NOT NULL OR (r.released_at IS NULL AND r.expires_at > now())))
          AND NOT EXISTS (SELECT FROM qa_reviews r WHERE r.item_id = i.id AND r.reviewer = :person
                            AND (r.answered_at IS NOT NULL OR r.released_at IS NOT NULL))
          AND c.scope_id IN (SELECT suited_scopes(:person, CAST(:mild AS boolean)))
        ORDER BY i.place, i.id LIMIT CAST(:first AS bigint)
    ) AS c
    WHERE may_see_case(c.id, :person, CAST(:overseeing AS text[]))
      AND NOT {KNOWS}
    ORDER BY c.place, c.item_id LIMIT :most
"""  # noqa: S608 - put together from constants
_LOOK = text(_FREE.format(which="true"))
_CLAIM = text(f"""
    INSERT INTO qa_reviews (token, item_id, reviewer, expires_at, high_exposure, working_since, shift_since)
    SELECT :token, next.item_id, :person, now() + make_interval(mins => :minutes), s.high_exposure, w.working_since, w.shift_since
    FROM ({_FREE.format(which="i.id = ANY (CAST(:items AS uuid[]))")}) AS next
    JOIN qa_items i ON i.id = next.item_id JOIN cases k ON k.id = i.case_id JOIN case_scopes s ON s.id = k.scope_id
    CROSS JOIN LATERAL work_of(:person, :break_seconds) w
    ON CONFLICT (item_id, reviewer) DO UPDATE
        SET token = excluded.token, claimed_at = now(), expires_at = excluded.expires_at,
            high_exposure = excluded.high_exposure, working_since = excluded.working_since, shift_since = excluded.shift_since
        WHERE qa_reviews.answered_at IS NULL AND qa_reviews.released_at IS NULL
    RETURNING item_id
""")  # noqa: S608 - put together from constants
# No views, which fall once content is removed. No date and no id that holds one: golden items are older than what is drawn with
# them.
_CONTENT = """
    SELECT {columns}, i.id AS item_id, i.evidence_id, c.id AS case_id, s.kind, s.author_id, e.text, e.language, e.score,
           now() AS now, v.title AS policy_title, v.body AS policy_body, v.examples AS policy_examples,
           told_reports(c.id) AS reports
    FROM {source} JOIN qa_plans p ON p.id = i.plan_id LEFT JOIN policy_versions v ON v.id = p.policy_id AND p.draft
    JOIN cases c ON c.id = i.case_id JOIN subjects s ON s.id = c.subject_id
    JOIN evidence e ON e.id = i.evidence_id
"""
_CHECK = text(
    _CONTENT.format(columns="r.token, r.expires_at", source="qa_reviews r JOIN qa_items i ON i.id = r.item_id")
    + " WHERE r.token = :token AND r.reviewer = :person"
)
# The item first, for everybody: who answers and who closes the plan wait for each other.
_LOCK = text("""
    SELECT i.id FROM qa_items i
    WHERE i.id = (SELECT r.item_id FROM qa_reviews r WHERE r.token = :token AND r.reviewer = :person)
    FOR NO KEY UPDATE
""")
_ANSWER = text("""
    UPDATE qa_reviews r SET answer = CAST(:answer AS jsonb), answered_at = now() FROM qa_items i
    WHERE r.token = :token AND r.reviewer = :person AND r.answered_at IS NULL AND r.released_at IS NULL
      AND r.expires_at > now() AND i.id = r.item_id AND i.state = 'waiting'
    RETURNING r.item_id, r.answered_at
""")
_RELEASE = text("""
    UPDATE qa_reviews SET released_at = now()
    WHERE token = :token AND reviewer = :person AND answered_at IS NULL AND released_at IS NULL
    RETURNING item_id
""")
_MAY_SETTLE = f"""
    i.state = 'disputed' AND may_see_case(c.id, :person, CAST(:overseeing AS text[])) AND NOT {KNOWS}
    AND NOT is_checking_case(c.id, :person) AND c.scope_id IN (SELECT suited_scopes(:person, CAST(:mild AS boolean)))
"""
# Counted up to a limit only: to know whether somebody may settle an item takes more than to count it.
_DISPUTED = text(
    f"""
    WITH mine AS (
        SELECT i.id FROM qa_items i JOIN cases c ON c.id = i.case_id WHERE {_MAY_SETTLE} ORDER BY i.place, i.id LIMIT :most
    )"""  # noqa: S608 - put together from constants
    + _CONTENT.format(columns="(SELECT count(*) FROM mine) AS total", source="mine JOIN qa_items i ON i.id = mine.id")
    + " ORDER BY i.place, i.id LIMIT :limit"
)
_SETTLING = {"manages": False, "blind": False}
# What somebody has before their eyes already is not taken from them.
_SHOWN = {**_SETTLING, "mild": False}
_LOCK_DISPUTED = text(f"""
    SELECT i.id FROM qa_items i JOIN cases c ON c.id = i.case_id
    WHERE i.id = :item_id AND {_MAY_SETTLE} FOR NO KEY UPDATE OF i
""")  # noqa: S608 - put together from constants
_IS_MINE = text("""
    SELECT EXISTS (
        SELECT FROM qa_items i JOIN cases c ON c.id = i.case_id
        WHERE i.id = :item_id AND may_see_case(c.id, :person, CAST(:overseeing AS text[])))
""")
_ERROR = text("SELECT error FROM qa_settlements WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Seeker:
    """Somebody who wants a check: whether they manage quality, the roles that see more than their queues, and whether they are
    given nothing of high exposure for now.
    """

    person: UUID
    manages: bool
    overseeing: Sequence[str]
    mild: bool

    def values(self) -> dict[str, Any]:
        """As parameters."""
        return {
            "person": self.person,
            "manages": self.manages,
            "overseeing": list(self.overseeing),
            "mild": self.mild,
            "blind": True,
        }


@dataclass(frozen=True, slots=True)
class Terms:
    """For how many minutes a check is handed out, and after how long a pause work on it begins anew."""

    minutes: int
    break_seconds: float


async def take_turn(connection: AsyncConnection) -> None:
    """Wait until nobody else is being handed a check; until the transaction ends."""
    await connection.execute(_TAKE_TURN)


async def in_hand(connection: AsyncConnection, person: UUID) -> UUID | None:
    """The token of the check that this person has begun."""
    return (await connection.execute(_IN_HAND, {"person": person})).scalar_one_or_none()


async def look(connection: AsyncConnection, seeker: Seeker) -> list[UUID]:
    """The first few items that this person may have, or nothing where there is none."""
    for first in (LOOKED_AT_FIRST, None):
        values = seeker.values() | {"first": first, "most": FOUND_AHEAD}
        found = list((await connection.execute(_LOOK, values)).scalars())
        if found:
            return found
    return []


async def claim(
    connection: AsyncConnection, seeker: Seeker, items: Sequence[UUID], *, token: UUID, terms: Terms
) -> UUID | None:
    """Hand out the first of these items that this person still may have; which one, or None. After `take_turn`."""
    given = {
        "token": token,
        "minutes": terms.minutes,
        "break_seconds": terms.break_seconds,
        "items": list(items),
        "first": None,
        "most": 1,
    }
    return (await connection.execute(_CLAIM, seeker.values() | given)).scalar_one_or_none()


async def check(connection: AsyncConnection, token: UUID, *, person: UUID) -> Row[Any]:
    """What is shown of a check in hand."""
    return (await connection.execute(_CHECK, {"token": token, "person": person})).one()


async def lock(connection: AsyncConnection, token: UUID, *, person: UUID) -> bool:
    """Lock the item of a person's check; False where there is none."""
    return (await connection.execute(_LOCK, {"token": token, "person": person})).one_or_none() is not None


async def answer(
    connection: AsyncConnection, token: UUID, *, person: UUID, answer: Mapping[str, Any]
) -> Row[Any] | None:
    """Store a live check's answer: (item_id, answered_at), or None where it is not live. After `lock`."""
    values = {"token": token, "person": person, "answer": json.dumps(dict(answer), ensure_ascii=False)}
    return (await connection.execute(_ANSWER, values)).one_or_none()


async def release(connection: AsyncConnection, token: UUID, *, person: UUID) -> UUID | None:
    """Give a check back; its item, or None where it is not this person's or over."""
    return (await connection.execute(_RELEASE, {"token": token, "person": person})).scalar_one_or_none()


async def disputed(connection: AsyncConnection, seeker: Seeker, *, limit: int, most: int) -> Sequence[Row[Any]]:
    """Disputed items that this person may settle, with `total`, which counts up to `most`."""
    values = {**seeker.values(), "limit": limit, "most": most, **_SETTLING}
    return (await connection.execute(_DISPUTED, values)).all()


async def lock_disputed(connection: AsyncConnection, item: UUID, *, person: UUID, overseeing: Sequence[str]) -> bool:
    """Lock a disputed item that this person may settle; False where it is none."""
    values = {"item_id": item, "person": person, "overseeing": list(overseeing), **_SHOWN}
    return (await connection.execute(_LOCK_DISPUTED, values)).one_or_none() is not None


async def is_seen(connection: AsyncConnection, item: UUID, *, person: UUID, overseeing: Sequence[str]) -> bool:
    """Whether there is such an item, of a case that this person may see."""
    values = {"item_id": item, "person": person, "overseeing": list(overseeing)}
    return bool((await connection.execute(_IS_MINE, values)).scalar_one())


async def error(connection: AsyncConnection, settlement: UUID) -> str | None:
    """What a settlement found wrong with the decision."""
    found: str | None = (await connection.execute(_ERROR, {"id": settlement})).scalar_one()
    return found
