"""SQL of judging appeals: the queue, whose hands one is in, and what it came to. Who had a part in a decision gets none of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Two calls of one person at once: the second waits here, and then sees what the first was given.
_TAKE_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('appeal.claim ' || CAST(:person AS text), 0))")
_IN_HAND = text("""
    SELECT lease_token FROM appeals
    WHERE lease_holder = :person AND lease_expires_at > now() AND status = 'open' ORDER BY lease_expires_at LIMIT 1
""")
# By the hour in which it is due, and within that the gravest first. The rest makes the order one.
ORDER = "date_trunc('hour', a.due_at), a.severity DESC, a.due_at, a.id"
_FREE = "a.status = 'open' AND (a.lease_token IS NULL OR a.lease_expires_at <= now())"
_TAKE = """
    WITH next AS (
        SELECT a.id, a.lease_token FROM appeals a JOIN cases c ON c.id = a.case_id
        WHERE {which} AND {free}
          AND may_see_case(a.case_id, :person, CAST(:overseeing AS text[])) AND NOT took_part(a.decision_id, :person)
          -- Whoever is to judge it blindly for quality would learn here what was decided.
          AND NOT is_checking_decision(a.decision_id, :person)
        ORDER BY {order} LIMIT 1 FOR NO KEY UPDATE OF a SKIP LOCKED
    ), lapsed AS (
        UPDATE appeal_claims k SET ended_at = k.expires_at, outcome = 'lapsed' FROM next
        WHERE k.token = next.lease_token AND k.ended_at IS NULL
    ), taken AS (
        UPDATE appeals a SET lease_token = :token, lease_holder = :person,
               lease_expires_at = now() + make_interval(mins => :minutes)
        FROM next WHERE a.id = next.id RETURNING a.id, a.lease_expires_at
    )
    INSERT INTO appeal_claims (token, appeal_id, holder, expires_at)
    SELECT :token, id, :person, lease_expires_at FROM taken RETURNING appeal_id
"""
_CLAIM = text(
    _TAKE.format(which="c.scope_id IN (SELECT suited_scopes(:person, CAST(:mild AS boolean)))", free=_FREE, order=ORDER)
)
_CLAIM_ONE = text(_TAKE.format(which="a.id = :appeal", free=_FREE, order=ORDER))
# What else was decided on what somebody judges blindly is kept from them here as everywhere; what is or was in their own hands
# is not.
_UNSEALED = """
    (coalesce(a.lease_holder = :person AND a.lease_expires_at > now(), false) OR coalesce(a.decided_by = :person, false)
     OR NOT is_checking_decision(a.decision_id, :person))
"""
_JUDGED = text("""
    SELECT a.id AS appeal_id, a.number, a.lease_token AS token, a.lease_expires_at AS expires_at, now() AS server_now,
           a.side, a.reasons, a.language, a.filed_at, a.due_at, a.actions, a.policy_area, a.severity, a.evidence_id,
           s.kind, e.text, e.language AS text_language, e.captured_at, told_reports(a.case_id) AS reports,
           v.title AS policy_title, v.number AS policy_number, v.body AS policy_body,
           (SELECT latest.text FROM evidence latest WHERE latest.subject_id = c.subject_id
              AND latest.captured_at > e.captured_at ORDER BY latest.captured_at DESC LIMIT 1) AS text_now
    FROM appeals a JOIN cases c ON c.id = a.case_id JOIN subjects s ON s.id = c.subject_id
    JOIN evidence e ON e.id = a.evidence_id JOIN decisions d ON d.id = a.decision_id
    LEFT JOIN policy_versions v ON v.id = d.policy_id
    WHERE a.lease_token = :token AND a.lease_holder = :person AND a.lease_expires_at > now() AND a.status = 'open'
""")
_FACTS = text(f"""
    SELECT a.id, a.number, a.status, a.side, a.decision_id, a.case_id, a.actions, a.policy_area, a.severity, a.reasons, a.language,
           a.filed_at, a.due_at, a.outcome, a.reason_code, a.explanation, a.note, a.reversed, a.standing, a.taken, a.decided_at,
           a.effect_at, a.carried_out_at, a.withdrawn_at, a.reference, a.contact, a.escalation_id, g.number AS escalation,
           a.right_area, a.right_severity, a.decided_by = :person AS mine, now() AS now,
           took_part(a.decision_id, :person) AS took_part,
           a.lease_token IS NOT NULL AND a.lease_expires_at > now() AS held,
           a.lease_holder = :person AND a.lease_expires_at > now() AS in_hand
    FROM appeals a
    LEFT JOIN escalations g ON g.id = a.escalation_id AND may_see_escalation(g.id, :person, CAST(:overseeing AS text[]))
    WHERE a.id = :id AND may_see_case(a.case_id, :person, CAST(:overseeing AS text[])) AND {_UNSEALED}
""")  # noqa: S608 - put together from constants
_LOCK = text("SELECT id FROM appeals WHERE id = :id FOR NO KEY UPDATE")
_RENEW = text("""
    WITH kept AS (
        UPDATE appeals SET lease_expires_at = now() + make_interval(mins => :minutes)
        WHERE id = :id AND lease_token = :token AND lease_holder = :person AND lease_expires_at > now() AND status = 'open'
        RETURNING lease_token, lease_expires_at
    ), noted AS (
        UPDATE appeal_claims k SET expires_at = kept.lease_expires_at FROM kept WHERE k.token = kept.lease_token
    )
    SELECT lease_expires_at FROM kept
""")
_RELEASE = text("""
    WITH gone AS (
        UPDATE appeals SET lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        WHERE id = :id AND lease_token = :token AND lease_holder = :person AND status = 'open' RETURNING id
    )
    UPDATE appeal_claims k SET ended_at = now(), outcome = 'released' FROM gone
    WHERE k.token = :token AND k.ended_at IS NULL RETURNING k.appeal_id
""")
# Once more, whatever was true when it was claimed: nobody decides what they had a part in.
_DECIDE = text("""
    WITH decided AS (
        UPDATE appeals SET status = 'decided', decided_by = :person, decided_at = now(), outcome = :outcome,
               reason_code = :reason_code, explanation = :explanation, note = :note,
               reversed = CAST(:reversed AS text[]), standing = CAST(:standing AS text[]), taken = CAST(:taken AS text[]),
               right_area = :right_area, right_severity = :right_severity, taxonomy_version = :taxonomy_version,
               effect_at = now() + make_interval(secs => :undo_seconds),
               lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        WHERE id = :id AND status = 'open' AND lease_token = :token AND lease_holder = :person
          AND lease_expires_at > now() AND NOT took_part(decision_id, :person)
        RETURNING effect_at
    ), ended AS (
        UPDATE appeal_claims SET ended_at = now(), outcome = 'decided'
        WHERE token = :token AND ended_at IS NULL AND EXISTS (SELECT FROM decided)
    )
    SELECT effect_at FROM decided
""")
# Waits for whoever carries it out, and then finds it carried out.
_UNDO = text("""
    UPDATE appeals SET status = 'open', decided_by = NULL, decided_at = NULL, outcome = NULL, reason_code = NULL, explanation = NULL,
           note = '', reversed = NULL, standing = NULL, taken = NULL, right_area = NULL, right_severity = NULL,
           taxonomy_version = NULL, effect_at = NULL
    WHERE id = :id AND status = 'decided' AND decided_by = :person AND carried_out_at IS NULL AND effect_at > now()
    RETURNING id
""")
_QUEUE = text(f"""
    SELECT a.id AS appeal_id, a.number, a.side, a.policy_area, a.severity, a.actions, a.language, a.filed_at, a.due_at,
           a.lease_token IS NOT NULL AND a.lease_expires_at > now() AS taken,
           coalesce(a.lease_holder = :person AND a.lease_expires_at > now(), false) AS yours,
           NOT took_part(a.decision_id, :person) AS may_decide,
           count(*) OVER () AS total, count(*) FILTER (WHERE a.due_at <= now()) OVER () AS overdue, now() AS server_now
    FROM appeals a
    WHERE a.status = 'open' AND may_see_case(a.case_id, :person, CAST(:overseeing AS text[])) AND {_UNSEALED}
    ORDER BY {ORDER} LIMIT :limit
""")  # noqa: S608 - put together from constants
_OVERDUE = text("SELECT count(*) FROM appeals WHERE status = 'open' AND due_at <= now()")
_NOW = text("SELECT now()")
# Names of at least three letters that stand as a word of their own.
_NAMED = text("""
    SELECT username FROM principals
    WHERE length(username) >= 3
      AND lower(:said) ~ ('(^|[^[:alnum:]])' || regexp_replace(lower(username), '([^[:alnum:]])', '\\\\\\1', 'g') || '($|[^[:alnum:]])')
    ORDER BY username LIMIT 1
""")


async def take_turn(connection: AsyncConnection, person: UUID) -> None:
    """Wait for other claims of the same person."""
    await connection.execute(_TAKE_TURN, {"person": person})


async def in_hand(connection: AsyncConnection, person: UUID) -> UUID | None:
    """The token of the appeal that this person has in hand."""
    return (await connection.execute(_IN_HAND, {"person": person})).scalar_one_or_none()


async def claim(connection: AsyncConnection, values: Mapping[str, Any]) -> UUID | None:
    """Hand out the next appeal; values are person, overseeing, mild, token and minutes. None where there is none."""
    return (await connection.execute(_CLAIM, dict(values))).scalar_one_or_none()


async def claim_one(connection: AsyncConnection, values: Mapping[str, Any]) -> UUID | None:
    """Hand out one appeal by its id, `appeal`; None where somebody has it or must not."""
    return (await connection.execute(_CLAIM_ONE, dict(values))).scalar_one_or_none()


async def judged(connection: AsyncConnection, token: UUID, *, person: UUID) -> Row[Any] | None:
    """An appeal in this person's hands with what was decided on; None for a lease that is not live."""
    return (await connection.execute(_JUDGED, {"token": token, "person": person})).one_or_none()


async def facts(
    connection: AsyncConnection, appeal: UUID, *, person: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """An appeal on a case that this person may see."""
    values = {"id": appeal, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_FACTS, values)).one_or_none()


async def lock(connection: AsyncConnection, appeal: UUID) -> None:
    """Lock an appeal until the transaction ends."""
    await connection.execute(_LOCK, {"id": appeal})


async def renew(connection: AsyncConnection, appeal: UUID, *, token: UUID, person: UUID, minutes: int) -> Any | None:
    """Keep an appeal in hand; until when, or None for a lease that is not live."""
    values = {"id": appeal, "token": token, "person": person, "minutes": minutes}
    return (await connection.execute(_RENEW, values)).scalar_one_or_none()


async def release(connection: AsyncConnection, appeal: UUID, *, token: UUID, person: UUID) -> bool:
    """Give an appeal back; False for a lease that is not this person's."""
    values = {"id": appeal, "token": token, "person": person}
    return (await connection.execute(_RELEASE, values)).one_or_none() is not None


async def decide(connection: AsyncConnection, values: Mapping[str, Any]) -> Any | None:
    """Store an outcome; when it takes effect, or None where the lease is not live or the person had a part."""
    return (await connection.execute(_DECIDE, dict(values))).scalar_one_or_none()


async def undo(connection: AsyncConnection, appeal: UUID, *, person: UUID) -> bool:
    """Take an outcome back; False where it is carried out, about to be, or another's."""
    return (await connection.execute(_UNDO, {"id": appeal, "person": person})).one_or_none() is not None


async def queue(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """Open appeals that this person may see, in the order in which they are handed out."""
    values = {"person": person, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_QUEUE, values)).all()


async def named_in(connection: AsyncConnection, said: str) -> str | None:
    """A user name that stands in a text; None where there is none."""
    return (await connection.execute(_NAMED, {"said": said})).scalar_one_or_none()


async def overdue(connection: AsyncConnection) -> int:
    """How many open appeals are beyond the time they were to be decided in."""
    return int((await connection.execute(_OVERDUE)).scalar_one())


async def now(connection: AsyncConnection) -> Any:
    """The time of the database."""
    return (await connection.execute(_NOW)).scalar_one()
