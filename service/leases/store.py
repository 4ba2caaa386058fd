"""SQL of leases: who holds which case until when. Each statement decides by itself; nothing is read and then written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import Question, fetch, fetch_together
from service.leases.claim import Claim

# A lapsed case goes back to its old place. It stays listed however often that happens, and the count is an alert.
# What was fetched ahead and never opened goes back as well, but is nobody's lapse.
_RETURN_LAPSED = text("""
    WITH late AS MATERIALIZED (
        SELECT id AS case_id, lease_token AS token, lease_holder AS holder,
               coalesce((SELECT prefetched FROM leases WHERE token = lease_token), false) AS unopened
        FROM cases WHERE status = 'leased' AND lease_expires_at <= now()
        ORDER BY lease_expires_at LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
    ), lapsed AS (
        UPDATE cases SET status = 'open', lapses = lapses + CASE WHEN late.unopened THEN 0 ELSE 1 END,
               lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        FROM late WHERE cases.id = late.case_id
        RETURNING late.case_id, late.token, late.holder, late.unopened, cases.lapses
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = CASE WHEN lapsed.unopened THEN 'unopened' ELSE 'lapsed' END
        FROM lapsed WHERE leases.token = lapsed.token
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT CASE WHEN unopened THEN 'lease.unopened' ELSE 'lease.lapsed' END, case_id, holder,
           CASE WHEN unopened THEN '{}' ELSE jsonb_build_object('lapses', lapses) END
    FROM lapsed RETURNING case_id
""")

# What is drawn says of what: a draw keeps its pool (`column`, `value`), other claims have none.
_LEASE_NEXT = """
    WITH {next}, claimed AS (
        UPDATE cases SET status = 'leased', held_until = NULL, lease_token = :token, lease_holder = :holder,
               lease_expires_at = now() + make_interval(secs => :seconds)
        FROM next WHERE cases.id = next.id
        RETURNING cases.id, cases.evidence_id, cases.scope_id, cases.lease_expires_at, cases.rank_value, cases.rank,
                  cases.views_per_hour, next.lane, next.propensity
    ), leased AS (
        INSERT INTO leases (token, case_id, holder, evidence_id, rank_value, rank, lane, propensity, random_share,
                            high_exposure, working_since, shift_since{column})
        SELECT :token, id, :holder, evidence_id, rank_value,
               rank || jsonb_build_object('views_per_hour', greatest(
                   views_per_hour, (rank ->> 'least_views_per_hour')::float8)),
               lane, propensity, :random_share, (SELECT s.high_exposure FROM case_scopes s WHERE s.id = scope_id),
               working_since, shift_since{value}
        FROM claimed, terms
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT 'case.claimed', id, :holder, jsonb_build_object('lane', lane) FROM claimed
    )
    SELECT id, lease_expires_at, {milder} AS milder FROM claimed
"""
# Since when this person is at work, and why they are given no cases of high exposure now; the second only where there are
# such cases.
_TERMS = """
    terms AS MATERIALIZED (SELECT t.working_since, t.shift_since, t.why FROM claim_terms(
        :holder, {graphic}, :break_seconds, :day_seconds, :stretch_seconds, :in_a_row) t
    )"""
_NOT_KEPT = "(SELECT why FROM terms) IS NULL"
# Nobody is handed a case while a policy waits for them. Asked once, before anything else, of an index that mostly is empty.
_POLICIES_READ = "NOT EXISTS (SELECT FROM unread_policies(:holder))"
# The scopes that this person may have cases of: a few short lists, whose fronts are all that a claim looks at.
_ALLOWED = f"""
    fitting AS MATERIALIZED (
        SELECT s.id, s.high_exposure FROM principals p JOIN case_scopes s ON s.queue = :queue
        WHERE p.id = :holder AND may_use_queue(:queue, :holder, '{{}}') AND {_POLICIES_READ}
          AND (p.languages IS NULL OR s.language = 'und' OR s.language = ANY(p.languages))
          AND (p.consents IS NULL OR string_to_array(s.consent_area, '+') <@ p.consents)
    ), {_TERMS.format(graphic="EXISTS (SELECT FROM fitting WHERE high_exposure)")},
    allowed AS MATERIALIZED (SELECT id FROM fitting WHERE NOT high_exposure OR {_NOT_KEPT}
    )"""  # noqa: S608 - put together from constants
# Said with the case when one of high exposure waits that would have been theirs without.
_MILDER = """CASE WHEN (SELECT why FROM terms) IS NOT NULL AND any_waits(:holder, ARRAY(SELECT id FROM fitting WHERE high_exposure))
                THEN (SELECT why FROM terms) END"""
# Each list in its own index's order, without what this person has passed over.
_FRONT = """
            SELECT f.id, a.id AS scope_id, {lane} AS lane, f.key FROM allowed a CROSS JOIN LATERAL (
                SELECT c.id, {key} AS key FROM cases c
                WHERE c.scope_id = a.id AND c.status = 'open' AND {which}
                  AND NOT EXISTS (SELECT FROM skips k
                                  WHERE k.principal_id = :holder AND k.case_id = c.id AND k.until > now())
                ORDER BY {order} LIMIT {{width}}
            ) AS f"""
_LEGAL = _FRONT.format(
    lane="'legal'",
    key="extract(epoch FROM c.start_by)::float8",
    which="c.deadline IS NOT NULL AND c.start_by <= now()",
    order="c.start_by, c.id",
)
_BOUND = _FRONT.format(
    lane="'bound'",
    key="extract(epoch FROM c.start_by)::float8",
    which="c.deadline IS NULL AND c.start_by <= now()",
    order="c.start_by, c.id",
)
_RANKED = _FRONT.format(lane="'ranked'", key="-c.rank_value", which="true", order="c.rank_value DESC, c.id")
_LANES = "array_position(ARRAY['legal', 'random', 'bound', 'ranked'], lane)"
# Of the fronts the best few, and of those the first that nobody else is taking right now.
_CHOOSE = f"""
    best AS MATERIALIZED (
        SELECT id, scope_id, lane, row_number() OVER (ORDER BY {_LANES}, key, id) AS place FROM ({{fronts}}
        ) AS every ORDER BY {_LANES}, key, id LIMIT {{most}}
    ), next AS MATERIALIZED (
        -- Its scope as well: what was moved to another queue while this claim waited is not this person's any more.
        SELECT c.id, best.lane, 1.0::float8 AS propensity FROM best JOIN cases c ON c.id = best.id
        WHERE c.status = 'open' AND c.scope_id = best.scope_id {{unless}} ORDER BY best.place LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED
    )"""  # noqa: S608 - put together from constants
# While a lapsed case waits to be given back, nothing is found: that case may be the riskiest of all.
_UNLESS_LAPSED = "AND NOT EXISTS (SELECT FROM cases WHERE status = 'leased' AND lease_expires_at <= now())"


def _claim_next_sql(*, width: int, most: int, unless: str = "") -> str:
    fronts = "\n            UNION ALL".join(one.format(width=width) for one in (_LEGAL, _BOUND, _RANKED))
    choose = _CHOOSE.format(fronts=fronts, most=most, unless=unless)
    return _LEASE_NEXT.format(next=f"{_ALLOWED},{choose}", column="", value="", milder=_MILDER)


# As many as a few dozen people who claim in the same moment can take from each other.
CLAIM_NEXT_SQL = _claim_next_sql(width=16, most=32)
_CLAIM_NEXT_UNLESS_LAPSED = text(_claim_next_sql(width=16, most=32, unless=_UNLESS_LAPSED))
_CLAIM_NEXT = text(CLAIM_NEXT_SQL)
# For when others are taking all of the first few at this very moment.
_CLAIM_NEXT_WIDE = text(_claim_next_sql(width=1000, most=1000))

# The random share. Every case has a place on a circle, drawn when it was opened. From a spot on it that is drawn for
# this claim, the next WINDOW cases are as one, and one of them is drawn. A case is drawn if the spot lies in the stretch
# from its WINDOW-th neighbour before it up to itself, and then with chance 1 / WINDOW: that is its propensity, known
# exactly, near 1 / n, and independent of what the case is about. Deadlines of the law still go first.
WINDOW = 32
_AHEAD = """
            SELECT f.id, a.id AS scope_id, f.draw, f.away FROM allowed a CROSS JOIN LATERAL (
                SELECT c.id, c.draw, {away} AS away FROM cases c
                WHERE c.scope_id = a.id AND c.status = 'open' AND c.draw {side} {spot} {only}
                  AND NOT EXISTS (SELECT FROM skips k
                                  WHERE k.principal_id = :holder AND k.case_id = c.id AND k.until > now())
                ORDER BY c.draw {direction} LIMIT {limit}
            ) AS f"""
# The next WINDOW of all scopes. Up to the nearest end of the first FEW of a scope every case is known, which mostly is
# enough; else as many are looked at in every scope, and around the end of the circle only where it ends before.
FEW = 8
_NEIGHBOURS = """{name}_few AS MATERIALIZED (SELECT every.* FROM {one}({few}
        ) AS every
    ), {name}_end AS MATERIALIZED (
        SELECT coalesce(min(farthest), 'infinity') AS away FROM (
            SELECT max(away) AS farthest FROM {name}_few GROUP BY scope_id HAVING count(*) = {limit}
        ) AS full_ones
    ), {name}_known AS MATERIALIZED (
        SELECT id, scope_id, away FROM {name}_few WHERE away <= (SELECT away FROM {name}_end)
    ), {name}_all AS MATERIALIZED (
        SELECT id, scope_id, away FROM {name}_known UNION SELECT every.id, every.scope_id, every.away FROM {one}({every}
        ) AS every
    ), {name} AS MATERIALIZED (
        SELECT id, scope_id, away FROM {name}_all UNION ALL SELECT around.id, around.scope_id, around.away FROM {one}({around}
        ) AS around ORDER BY away, id LIMIT {window}
    )"""
_MORE = "AND (SELECT count(*) FROM {name}_known) < {window} AND (SELECT away FROM {name}_end) < 'infinity'"
_AROUND = "AND (SELECT count(*) FROM {name}_all) < {window}"


def _neighbours(name: str, *, spot: str, forward: bool, one: str = "") -> str:
    """The parts of a statement that find the WINDOW cases next to `spot` on the circle, as `name` (id, scope_id, away)."""
    near, far = (">=", "<") if forward else ("<", ">=")
    away = f"c.draw - {spot}" if forward else f"{spot} - c.draw"
    looks: dict[str, dict[str, Any]] = {
        "few": {"away": away, "side": near, "only": "", "limit": FEW},
        "every": {"away": away, "side": near, "only": _MORE, "limit": WINDOW},
        "around": {"away": f"{away} + 1", "side": far, "only": _AROUND, "limit": WINDOW},
    }
    rest = {"spot": spot, "direction": "" if forward else "DESC"}
    found = {
        look: _AHEAD.format(**values | rest | {"only": values["only"].format(name=name, window=WINDOW)})
        for look, values in looks.items()
    }
    return _NEIGHBOURS.format(name=name, one=one, limit=FEW, window=WINDOW, **found)


_DRAW = f"""
    urgent AS MATERIALIZED (SELECT id, scope_id, key FROM ({{legal}}
        ) AS due ORDER BY key, id LIMIT 16
    ), {_neighbours("ahead", spot=":spot", forward=True)}, near AS MATERIALIZED (
        SELECT id, scope_id, row_number() OVER (ORDER BY away, id) AS place FROM ahead
    ), size AS (SELECT count(*) AS n FROM near
    ), picked AS MATERIALIZED (
        SELECT id, scope_id, 'legal' AS lane, row_number() OVER (ORDER BY key, id) AS place FROM urgent
        UNION ALL
        -- This one or none: a neighbour of one that somebody else is taking would have had two chances.
        SELECT id, scope_id, 'random', 100 FROM near, size WHERE place = 1 + floor(:turn * n)::bigint
    ), drawn AS MATERIALIZED (
        SELECT c.id, c.draw, picked.lane FROM picked JOIN cases c ON c.id = picked.id
        WHERE c.status = 'open' AND c.scope_id = picked.scope_id {_UNLESS_LAPSED}
        ORDER BY picked.place LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED
    ), {_neighbours("behind", spot="drawn.draw", forward=False, one="drawn, LATERAL ")}, before AS (
        SELECT max(away) AS stretch FROM behind
    ), next AS MATERIALIZED (
        SELECT drawn.id, drawn.lane, CASE
            WHEN drawn.lane <> 'random' THEN 1.0
            -- Fewer than a window are all as one.
            WHEN size.n < {WINDOW} THEN 1.0 / size.n
            ELSE least(before.stretch, 1.0) / {WINDOW}
        END::float8 AS propensity
        FROM drawn, size, before
    )"""  # noqa: S608 - put together from constants
_CLAIM_DRAWN = text(
    _LEASE_NEXT.format(
        next=f"{_ALLOWED},{_DRAW.format(legal=_LEGAL.format(width=16))}",
        column=", pool",
        value=", CASE lane WHEN 'random' THEN ARRAY(SELECT id FROM allowed ORDER BY id) END",
        milder=_MILDER,
    )
)
_IS_GRAPHIC = "(SELECT s.high_exposure FROM cases c JOIN case_scopes s ON s.id = c.scope_id WHERE c.id = :case_id)"
_CLAIM_CASE = text(
    _LEASE_NEXT.format(
        next=f"""{_TERMS.format(graphic=_IS_GRAPHIC)}, next AS MATERIALIZED (
        SELECT id, 'named' AS lane, 1.0::float8 AS propensity FROM cases
        WHERE id = :case_id AND (status = 'open' OR (status = 'held' AND held_for = :holder))
          AND may_use_queue(queue, :holder, '{{}}') AND {_POLICIES_READ}
          -- Pictures come only with consent and exposure left, but for who had the case before.
          AND (held_for = :holder
               OR EXISTS (SELECT FROM leases l WHERE l.case_id = cases.id AND l.holder = :holder)
               OR EXISTS (SELECT FROM principals p JOIN case_scopes s ON s.id = cases.scope_id WHERE p.id = :holder
                          AND (p.consents IS NULL OR string_to_array(s.consent_area, '+') <@ p.consents)
                          AND (NOT s.high_exposure OR {_NOT_KEPT})))
          -- For ever is what somebody passed over who asked for a second opinion, or need not say why.
          AND NOT EXISTS (SELECT FROM skips k
                          WHERE k.principal_id = :holder AND k.case_id = cases.id AND k.until = 'infinity')
        FOR NO KEY UPDATE SKIP LOCKED
    )""",  # noqa: S608 - put together from constants
        column="",
        value="",
        milder="CAST(NULL AS text)",
    )
)

_LAPSED_CASES = text("SELECT count(*) FROM cases WHERE status <> 'decided' AND lapses > 0")
_LIVE = text("""
    SELECT id AS case_id, lease_token AS token, lease_holder AS holder, lease_expires_at AS expires_at FROM cases
    WHERE lease_token = :token AND lease_holder = :holder AND status = 'leased' AND lease_expires_at > now()
""")

_HELD_BY = text("""
    SELECT c.id AS case_id, c.lease_token AS token, c.lease_holder AS holder, c.lease_expires_at AS expires_at,
           l.prefetched
    FROM cases c JOIN leases l ON l.token = c.lease_token
    WHERE c.lease_holder = :holder AND c.status = 'leased' AND c.lease_expires_at > now() ORDER BY c.lease_expires_at
""")

# To renew what was fetched ahead is to open it. A lease at its limit stays live to its end, which does not move.
_RENEW = text("""
    WITH renewed AS (
        UPDATE cases SET lease_expires_at = least(
            now() + make_interval(secs => :seconds), leases.granted_at + make_interval(hours => :hours)
        )
        FROM leases
        WHERE cases.id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now()
          AND leases.token = :token AND lease_expires_at < leases.granted_at + make_interval(hours => :hours)
        RETURNING cases.id, lease_expires_at, leases.granted_at + make_interval(hours => :hours) AS renewable_until,
                  leases.prefetched
    ), opened AS (
        -- Work on it begins now, which may be after a break.
        UPDATE leases SET prefetched = false, opened_at = now(), working_since = w.working_since, shift_since = w.shift_since
        FROM renewed CROSS JOIN LATERAL work_of(:holder, :break_seconds) w
        WHERE leases.token = :token AND renewed.prefetched RETURNING leases.case_id
    ), kept AS (
        UPDATE leases SET renewed_at = now() FROM renewed WHERE leases.token = :token AND NOT renewed.prefetched
    ), logged AS (
        INSERT INTO events (kind, case_id, actor) SELECT 'lease.opened', case_id, :holder FROM opened
    )
    SELECT lease_expires_at AS expires_at, renewable_until, now() AS server_now FROM renewed
""")
_NOW = text("SELECT now()")
# First the lock, then, in a statement of its own, the counting: so two calls of one person come one after the other.
_ONE_AT_A_TIME = text("SELECT id FROM principals WHERE id = :person FOR NO KEY UPDATE")
_LIVE_COUNTS = text("""
    SELECT count(*) AS live, count(*) FILTER (WHERE l.prefetched) AS prefetched
    FROM cases c JOIN leases l ON l.token = c.lease_token
    WHERE c.lease_holder = :holder AND c.status = 'leased' AND c.lease_expires_at > now()
""")
_MARK_PREFETCHED = text("UPDATE leases SET prefetched = true WHERE token = :token")

_RELEASE = text("""
    WITH released AS (
        UPDATE cases SET status = 'open', lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        WHERE id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now()
        RETURNING id
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = 'released' FROM released WHERE leases.token = :token
    )
    INSERT INTO events (kind, case_id, actor) SELECT 'lease.released', id, :holder FROM released RETURNING case_id
""")


async def return_lapsed(connection: AsyncConnection) -> int:
    """Give every lapsed case back to its queue; returns how many."""
    return len(await fetch(connection, _RETURN_LAPSED))


async def lapsed_cases(connection: AsyncConnection) -> int:
    """Undecided cases that came back at least once."""
    return int((await connection.execute(_LAPSED_CASES)).scalar_one())


async def claim_next(connection: AsyncConnection, claim: Claim, then: Question) -> tuple[Any | None, Any | None]:
    """Lease the first open case that this person may have and nobody else is taking: (id, lease_expires_at, milder) or None.

    `milder` is why cases of high exposure that wait were left out, None where none were. With it comes the first row of
    what is asked `then`, in the same round trip. Lapsed cases are given back first, which takes statements of its own only
    when there are any.
    """
    values = claim.values()
    found = await _asked(connection, (_CLAIM_NEXT_UNLESS_LAPSED, values), then)
    if found[0] is None:
        await return_lapsed(connection)
        found = await _asked(connection, (_CLAIM_NEXT, values), then)
    return found if found[0] else await _asked(connection, (_CLAIM_NEXT_WIDE, values), then)


async def claim_drawn(
    connection: AsyncConnection, claim: Claim, then: Question, *, spot: float, turn: float
) -> tuple[Any | None, Any | None]:
    """Lease one of the open cases that this person may have, drawn by two numbers from 0 to below 1; None for none."""
    return await _asked(connection, (_CLAIM_DRAWN, claim.values() | {"spot": spot, "turn": turn}), then)


async def claim_case(connection: AsyncConnection, case_id: UUID, claim: Claim) -> Row[Any] | None:
    """Lease one named case, if it is open: (id, lease_expires_at) or None."""
    return (await connection.execute(_CLAIM_CASE, claim.values() | {"case_id": case_id})).one_or_none()


async def _asked(connection: AsyncConnection, claim: Question, then: Question) -> tuple[Any | None, Any | None]:
    rows, seen = await fetch_together(connection, claim, then)
    return (rows[0], next(iter(seen), None)) if rows else (None, None)


async def live(connection: AsyncConnection, *, token: UUID, holder: UUID) -> Row[Any] | None:
    """The lease, if that token is live and the holder's."""
    return (await connection.execute(_LIVE, {"token": token, "holder": holder})).one_or_none()


async def held_by(connection: AsyncConnection, holder: UUID) -> Sequence[Row[Any]]:
    """Every live lease of one person, the one that ends first in front."""
    return (await connection.execute(_HELD_BY, {"holder": holder})).all()


async def renew(
    connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID, length: tuple[int, int, float]
) -> Row[Any] | None:
    """Extend a live lease by (seconds) within (hours) of its grant, with the length of a break in seconds:
    (expires_at, renewable_until, server_now).

    None when it is not live, or has been renewed up to its limit.
    """
    seconds, hours, pause = length
    values = {
        "case_id": case_id,
        "token": token,
        "holder": holder,
        "seconds": seconds,
        "hours": hours,
        "break_seconds": pause,
    }
    return (await connection.execute(_RENEW, values)).one_or_none()


async def release(connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID) -> bool:
    """Give a case back; False when the lease is not live."""
    values = {"case_id": case_id, "token": token, "holder": holder}
    return (await connection.execute(_RELEASE, values)).one_or_none() is not None


async def server_now(connection: AsyncConnection) -> datetime:
    """The time by the clock that leases end by."""
    now: datetime = (await connection.execute(_NOW)).scalar_one()
    return now


async def one_at_a_time(connection: AsyncConnection, person: UUID) -> None:
    """Make other calls that count what this person has wait until the transaction ends."""
    await connection.execute(_ONE_AT_A_TIME, {"person": person})


async def live_counts(connection: AsyncConnection, holder: UUID) -> Row[Any]:
    """(live, prefetched): live leases of one person, and how many of them were fetched ahead and not opened."""
    return (await connection.execute(_LIVE_COUNTS, {"holder": holder})).one()


async def mark_prefetched(connection: AsyncConnection, token: UUID) -> None:
    """Note that a lease was fetched ahead."""
    await connection.execute(_MARK_PREFETCHED, {"token": token})
