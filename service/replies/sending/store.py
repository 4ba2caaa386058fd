"""SQL of what goes out: each row is the job itself, taken by one worker at a time."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD = text("""
    INSERT INTO reply_deliveries (id, escalation_id, reply_id, message_id, sender, recipients, subject, body, language, mail_id,
                                  automatic, state, last_error, deliver_after, sent_by)
    VALUES (:id, :escalation_id, :reply_id, :message_id, :sender, :recipients, :subject, :body, :language, :mail_id,
            :automatic, :state, :last_error, now() + make_interval(secs => :seconds), :sent_by)
    ON CONFLICT (message_id) DO NOTHING RETURNING deliver_after
""")
# Whoever dies with it in hand leaves a time limit behind, after which the next one takes it. Whatever sender it was written for, it
# goes by the one that is set up now.
_TAKE = text("""
    UPDATE reply_deliveries d SET state = 'sending', sender = :sender, taken_by = :token,
        taken_until = now() + make_interval(secs => :seconds)
    FROM escalations e
    WHERE e.id = d.escalation_id AND d.id = (
        SELECT id FROM reply_deliveries
        WHERE state IN ('pending', 'sending') AND deliver_after <= now() AND coalesce(taken_until < now(), true)
        ORDER BY deliver_after, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING d.id, d.escalation_id, d.reply_id, d.message_id, d.sender, d.recipients, d.accepted, d.subject, d.body, d.language,
              d.mail_id, d.automatic, d.attempts, d.sent_by, d.created_at, e.number, e.source, e.requester
""")
_NAME_MESSAGE = text("UPDATE reply_deliveries SET message_id = :message WHERE id = :id")
_TRIED = text("""
    WITH noted AS (INSERT INTO reply_attempts (delivery_id, error) VALUES (:id, :error))
    UPDATE reply_deliveries SET
        attempts = attempts + 1, last_error = :error, taken_by = NULL, taken_until = NULL,
        accepted = accepted || CAST(:accepted AS text[]), state = :state,
        deliver_after = CASE WHEN :state = 'pending' THEN now() + make_interval(secs => :seconds) ELSE deliver_after END,
        delivered_at = CASE WHEN :state = 'delivered' THEN now() END
    WHERE id = :id AND state = 'sending' AND taken_by = :token RETURNING id
""")
_CANCEL = text("""
    UPDATE reply_deliveries SET state = 'cancelled'
    WHERE reply_id = :reply AND state = 'pending' AND message_id IS NULL RETURNING id
""")
_AGAIN = text("""
    UPDATE reply_deliveries SET state = 'pending', attempts = 0, deliver_after = now()
    WHERE id = :id AND state = 'failed' RETURNING id
""")
_FIELDS = """
    d.id, d.escalation_id, d.reply_id, d.message_id, d.sender, d.recipients, d.accepted, d.subject, d.automatic, d.state, d.attempts,
    d.last_error AS error, d.deliver_after, d.created_at, d.delivered_at
"""
_ONE = text(f"SELECT {_FIELDS}, d.body, d.language FROM reply_deliveries d WHERE id = :id")  # noqa: S608 - constants
_OF = text(f"SELECT {_FIELDS} FROM reply_deliveries d WHERE escalation_id = :id ORDER BY created_at, id")  # noqa: S608
_FAILED = text(f"""
    SELECT {_FIELDS}, e.number, e.title FROM reply_deliveries d JOIN escalations e ON e.id = d.escalation_id
    WHERE d.state = 'failed' AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY d.created_at, d.id LIMIT :limit
""")  # noqa: S608 - constants
# Older ones stay unsent: what was written while nothing could be sent must not go out in a heap weeks later.
_AUTOMATIC = text("""
    SELECT m.id, m.escalation_id, m.kind, m.body, m.language, m.written_by, e.source, e.requester
    FROM escalation_messages m JOIN escalations e ON e.id = m.escalation_id
    WHERE m.direction = 'outbound' AND m.kind IN ('receipt', 'question') AND m.written_at > now() - interval '1 day'
      AND (:without_address OR strpos(coalesce(e.requester ->> 'email', ''), '@') > 0)
      AND NOT EXISTS (SELECT FROM reply_deliveries d WHERE d.message_id = m.id)
    ORDER BY m.written_at, m.id LIMIT :limit FOR UPDATE OF m SKIP LOCKED
""")
# The one that is named first: what a mail answers directly stands before what that one answered.
_RECORD_OF = text("""
    SELECT escalation_id FROM reply_deliveries WHERE mail_id = ANY(CAST(:ids AS text[]))
    ORDER BY array_position(CAST(:ids AS text[]), mail_id) LIMIT 1
""")


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> Any:
    """Add what goes out `seconds` from now; returns when, or None where that message has a delivery already."""
    empty = {"reply_id": None, "message_id": None, "state": "pending", "last_error": None, "seconds": 0}
    return (await connection.execute(_ADD, empty | dict(values))).scalar_one_or_none()


async def take(connection: AsyncConnection, *, token: UUID, sender: str, seconds: float) -> Row[Any] | None:
    """What is due longest, for so many seconds nobody else's; None where nothing is due."""
    values = {"token": token, "sender": sender, "seconds": seconds}
    return (await connection.execute(_TAKE, values)).one_or_none()


async def name_message(connection: AsyncConnection, delivery: UUID, *, message: UUID) -> None:
    """Note under which message of the record a letter is kept."""
    await connection.execute(_NAME_MESSAGE, {"id": delivery, "message": message})


async def tried(connection: AsyncConnection, delivery: UUID, values: Mapping[str, Any]) -> bool:
    """Note an attempt: `token`, `error`, `accepted`, the `state` that follows and in how many `seconds` to try again.

    False where somebody else has taken it meanwhile.
    """
    return (await connection.execute(_TRIED, {"id": delivery, **values})).one_or_none() is not None


async def cancel(connection: AsyncConnection, reply: UUID) -> bool:
    """Take back what nobody has begun to send; False where it is too late."""
    return (await connection.execute(_CANCEL, {"reply": reply})).one_or_none() is not None


async def again(connection: AsyncConnection, delivery: UUID) -> bool:
    """Make what was given up wait again; False where it was not given up."""
    return (await connection.execute(_AGAIN, {"id": delivery})).one_or_none() is not None


async def delivery(connection: AsyncConnection, delivery: UUID) -> Row[Any] | None:
    """One delivery with its text."""
    return (await connection.execute(_ONE, {"id": delivery})).one_or_none()


async def deliveries(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """Everything that goes or went out for a record, oldest first."""
    return (await connection.execute(_OF, {"id": escalation})).all()


async def failed(
    connection: AsyncConnection, *, viewer: UUID, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """What was given up of records that this person may see, oldest first."""
    values = {"viewer": viewer, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_FAILED, values)).all()


async def automatic(connection: AsyncConnection, *, without_address: bool, limit: int) -> Sequence[Row[Any]]:
    """Receipts and questions of the last day that nothing was done about, locked; with `without_address` those too."""
    return (await connection.execute(_AUTOMATIC, {"without_address": without_address, "limit": limit})).all()


async def record_of(connection: AsyncConnection, mail_ids: Sequence[str]) -> UUID | None:
    """The record that one of these Message-IDs is of; None for any other."""
    return (await connection.execute(_RECORD_OF, {"ids": list(mail_ids)})).scalar_one_or_none()
