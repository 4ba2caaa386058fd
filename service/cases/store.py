"""SQL of cases: reading one whole, and keeping its rank true."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.cases.placing import Placed
from service.db import Question, fetch, fetch_one, fetch_together

_COLUMNS = """
    SELECT c.id, c.status, c.queue, c.opened_at, c.report_count, c.lapses, c.rank_value, c.rank, c.evidence_id,
           c.views_per_hour AS live_views, c.deadline, c.special, c.route_reason,
           s.external_id, s.kind, s.market, s.author_id, s.created_at, s.views_per_hour,
           e.text, e.language, e.score, e.score_state, e.bundle, e.scored_at, now() AS now,
           (SELECT count(*) FROM evidence_media m WHERE m.evidence_id = c.evidence_id) AS pictures,
           (SELECT count(*) FROM exposures x WHERE x.case_id = c.id AND x.principal_id = :viewer) AS revealed,
           (SELECT d.body FROM drafts d WHERE d.case_id = c.id AND d.principal_id = :viewer) AS draft,
           (SELECT jsonb_build_object('question', o.question, 'asked_at', o.asked_at) FROM second_opinions o
            WHERE o.case_id = c.id AND o.answered_at IS NULL AND o.withdrawn_at IS NULL) AS second_opinion,
           (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.received_at)
            FROM (SELECT id, channel, reason, note, reporter_id, received_at FROM reports
                  WHERE case_id = c.id ORDER BY received_at DESC LIMIT 100) AS r) AS reports
    FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
"""
_CASE = text(f"""{_COLUMNS}
    WHERE c.id = :case_id AND may_see_case(c.id, :viewer, CAST(:overseeing AS text[]))
""")
# Whoever has the lease may see its case, whatever else is true.
_CASE_OF_LEASE = text(f"""{_COLUMNS} JOIN leases l ON l.case_id = c.id
    WHERE l.token = :token AND l.holder = :viewer AND c.lease_token = :token
""")
_VISIBLE = text("SELECT id FROM cases WHERE id = :case_id AND may_see_case(id, :viewer, CAST(:overseeing AS text[]))")
_REPORT_GROUPS = text("""
    SELECT reason, channel, count(*) AS count, min(received_at) AS first_at, max(received_at) AS last_at
    FROM reports WHERE case_id = :case_id GROUP BY reason, channel ORDER BY count(*) DESC, max(received_at) DESC, reason, channel
""")
_DECISIONS = text("""
    SELECT d.id, d.actions, d.policy_area, d.severity, d.note, d.taxonomy_version, d.bundle, d.decided_at,
           d.undo_until, u.undone_at, v.number AS policy,
           CASE WHEN l.outcome = 'label_wrong' THEN
               jsonb_build_object('policy_area', l.right_area, 'severity', l.right_severity, 'note', l.note) END AS corrected
    FROM decisions d LEFT JOIN decision_undos u ON u.decision_id = d.id
    LEFT JOIN policy_versions v ON v.id = d.policy_id LEFT JOIN label_suspects l ON l.decision_id = d.id
    WHERE d.case_id = :case_id AND NOT is_kept_back(d.id, :viewer) ORDER BY d.decided_at
""")
# That something was decided and undone is told; what it was is kept back as the decision is.
_EVENTS = text("""
    WITH kept_back AS MATERIALIZED (
        SELECT CAST(id AS text) AS id FROM decisions WHERE case_id = :case_id AND is_kept_back(id, :viewer)
    )
    SELECT at, kind,
           CASE WHEN data ->> 'decision' IN (SELECT id FROM kept_back) THEN CAST('{}' AS jsonb) ELSE data END AS data
    FROM events WHERE case_id = :case_id ORDER BY events.id DESC LIMIT 500
""")
# First the lock, then, in a statement of its own, the reading: only so does the reading see what the last holder of
# the lock wrote to the other tables.
_LOCK = text(
    "SELECT id FROM cases WHERE evidence_id = ANY(CAST(:evidence AS uuid[])) AND status <> 'decided'"
    " ORDER BY id FOR NO KEY UPDATE"
)
# Of the reporters of one reason the best known hundred: the further ones count next to nothing. All who are unknown are one
# of them, so that somebody with a bad history takes nothing away from what strangers say.
_RANK_INPUTS = text("""
    SELECT c.id, c.evidence_id, c.report_count, c.queue, c.special, c.flags, e.score, e.score_state, e.language,
           s.views_per_hour, s.kind, s.market, array_agg(DISTINCT r.channel) AS channels,
           (SELECT jsonb_agg(media_facts(p)) FROM evidence_media m JOIN media p ON p.id = m.media_id
            WHERE m.evidence_id = e.id) AS media,
           (SELECT jsonb_agg(t.score) FROM evidence_media m JOIN media_texts t ON t.media_id = m.media_id
            WHERE m.evidence_id = e.id AND t.score IS NOT NULL) AS read_scores,
           (SELECT min(k.due_at) FROM clocks k WHERE k.case_id = c.id
             AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = k.id)
             AND NOT EXISTS (SELECT FROM clock_ends o WHERE o.clock_id = k.id)) AS deadline,
           (SELECT jsonb_object_agg(known.reason, known.tallies) FROM (
                SELECT one.reason, jsonb_agg(jsonb_build_array(one.upheld, one.dismissed)) AS tallies FROM (
                    SELECT told.reason, coalesce(p.upheld, 0) AS upheld, coalesce(p.dismissed, 0) AS dismissed,
                           row_number() OVER (PARTITION BY told.reason ORDER BY p.id IS NULL DESC, p.upheld DESC) AS place
                    FROM reports told LEFT JOIN reporters p ON p.id = told.reporter_id
                    WHERE told.case_id = c.id GROUP BY told.reason, p.id
                ) AS one WHERE one.place <= 100 GROUP BY one.reason
            ) AS known) AS tallies,
           array_agg(DISTINCT r.reason) AS reasons, min(r.received_at) AS received_at
    FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
    JOIN reports r ON r.case_id = c.id
    WHERE c.id = ANY(CAST(:cases AS uuid[]))
    GROUP BY c.id, e.id, s.id
""")
_CASES_OF = text("""
    SELECT DISTINCT ON (evidence_id) evidence_id, id FROM cases
    WHERE evidence_id = ANY(CAST(:evidence AS uuid[]))
    ORDER BY evidence_id, status <> 'decided' DESC, opened_at DESC
""")
# Scopes that are new are added in one order by everybody: two who add the same ones wait for each other in turn.
_ADD_SCOPES = text("""
    INSERT INTO case_scopes (queue, language, high_exposure, consent_area)
    SELECT DISTINCT new.queue, new.language, new.high_exposure, new.consent_area
    FROM unnest(CAST(:queue AS text[]), CAST(:language AS text[]), CAST(:high_exposure AS boolean[]),
                CAST(:consent_area AS text[])) AS new (queue, language, high_exposure, consent_area)
    WHERE NOT EXISTS (
        SELECT FROM case_scopes s WHERE s.queue = new.queue AND s.language = new.language
          AND s.high_exposure = new.high_exposure AND s.consent_area = new.consent_area
    )
    ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING RETURNING id
""")
_SET_RANKS = text("""
    UPDATE cases SET rank_value = new.value, rank_base = new.base, rank = CAST(new.parts AS jsonb),
           ranked_under = new.under, views_per_hour = new.views, deadline = new.deadline, start_by = new.start_by,
           queue = new.queue, routed_by = new.routed_by, route_reason = new.route_reason, scope_id = case_scope(new.queue, new.language, new.high_exposure, new.consent_area)
    FROM unnest(CAST(:id AS uuid[]), CAST(:value AS float8[]), CAST(:base AS float8[]), CAST(:parts AS text[]),
                CAST(:under AS text[]), CAST(:views AS float8[]), CAST(:deadline AS timestamptz[]),
                CAST(:start_by AS timestamptz[]), CAST(:queue AS text[]), CAST(:routed_by AS integer[]),
                CAST(:route_reason AS text[]), CAST(:language AS text[]), CAST(:high_exposure AS boolean[]),
                CAST(:consent_area AS text[]))
         AS new (id, value, base, parts, under, views, deadline, start_by, queue, routed_by, route_reason, language,
                 high_exposure, consent_area)
    WHERE cases.id = new.id
    RETURNING cases.id
""")
_SAVE_DRAFT = text("""
    INSERT INTO drafts (case_id, principal_id, body)
    SELECT case_id, holder, CAST(:body AS jsonb) FROM leases
    WHERE token = :token AND case_id = :case_id AND holder = :holder
    ON CONFLICT (case_id, principal_id) DO UPDATE SET body = EXCLUDED.body, saved_at = now()
    RETURNING case_id
""")
_LOCK_SUBJECT = text(
    "SELECT s.id FROM subjects s JOIN cases c ON c.subject_id = s.id WHERE c.id = :case_id FOR NO KEY UPDATE OF s"
)
# Locked, so that nobody decides that case while reports are moved into it.
_NEWER = text("SELECT id FROM cases WHERE subject_id = :subject AND status <> 'decided' FOR NO KEY UPDATE")
_REOPEN = text("UPDATE cases SET status = 'open', decided_at = NULL WHERE id = :case_id AND status = 'decided'")
_MOVE_REPORTS = text("UPDATE reports SET case_id = :new WHERE case_id = :old")
# What the reports had brought to the case goes with them. A clock is never changed, so the same one starts there.
_CARRY_OVER = text("""
    WITH carried AS (
        INSERT INTO clocks (id, case_id, kind, basis, due_at, set_by, set_at, reason)
        SELECT gen_random_uuid(), :new, kind, basis, due_at, set_by, set_at, reason FROM clocks AS k
        WHERE case_id = :old AND NOT EXISTS (SELECT FROM clocks AS later WHERE later.replaces = k.id)
          AND NOT EXISTS (SELECT FROM clock_ends o WHERE o.clock_id = k.id)
    ), logged AS (
        INSERT INTO events (kind, case_id, data)
        SELECT 'case.unshed', id, jsonb_build_object('because', 'undo') FROM cases WHERE id = :new AND status = 'shed'
        RETURNING case_id
    )
    UPDATE cases SET
        flags = (SELECT coalesce(array_agg(DISTINCT one ORDER BY one), '{}') FROM unnest(cases.flags || old.flags) AS one),
        special = (CAST(:special_routes AS text[]))[least(
            array_position(CAST(:special_routes AS text[]), cases.special),
            array_position(CAST(:special_routes AS text[]), old.special))],
        status = CASE cases.status WHEN 'shed' THEN 'open' ELSE cases.status END, shed_at = NULL, shed_under = NULL
    FROM cases AS old WHERE cases.id = :new AND old.id = :old
    RETURNING EXISTS (SELECT FROM logged) AS unshed
""")
_RECOUNT = text(
    "UPDATE cases SET report_count = (SELECT count(*) FROM reports WHERE case_id = :case_id) WHERE id = :case_id"
)

_REPORTED = text("""
    SELECT c.id, s.external_id AS subject_id, s.kind AS subject_kind,
           (SELECT coalesce(jsonb_agg(r.id ORDER BY r.received_at), '[]') FROM reports r WHERE r.case_id = c.id) AS reports
    FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.id = ANY(CAST(:cases AS uuid[])) ORDER BY c.id
""")


def question_of_lease(token: UUID, *, viewer: UUID) -> Question:
    """Asks for the case of a lease, the columns being those of `case_row`."""
    return _CASE_OF_LEASE, {"token": token, "viewer": viewer}


async def case_row(
    connection: AsyncConnection, case_id: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Any | None:
    """One case with subject, evidence, newest reports and the viewer's draft; None when it is not theirs to see."""
    values = {"case_id": case_id, "viewer": viewer, "overseeing": list(overseeing)}
    return await fetch_one(connection, _CASE, values)


async def is_visible(connection: AsyncConnection, case_id: UUID, *, viewer: UUID, overseeing: Sequence[str]) -> bool:
    """Whether there is such a case and it is this person's to see."""
    values = {"case_id": case_id, "viewer": viewer, "overseeing": list(overseeing)}
    return await fetch_one(connection, _VISIBLE, values) is not None


async def report_groups(connection: AsyncConnection, case_id: UUID) -> Sequence[Row[Any]]:
    """Reports of a case by reason and channel, the most frequent first."""
    return (await connection.execute(_REPORT_GROUPS, {"case_id": case_id})).all()


async def decisions(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> Sequence[Row[Any]]:
    """Decisions of a case, oldest first, without those that a second opinion keeps from this person."""
    return (await connection.execute(_DECISIONS, {"case_id": case_id, "viewer": viewer})).all()


async def events(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> Sequence[Row[Any]]:
    """The newest 500 events of a case, newest first; those of decisions that are kept from this person without data."""
    return (await connection.execute(_EVENTS, {"case_id": case_id, "viewer": viewer})).all()


async def lock_by_evidence(connection: AsyncConnection, evidence: Sequence[UUID]) -> list[UUID]:
    """Lock the open cases of these evidence rows, in one order for all callers, and return their ids."""
    return [row.id for row in await fetch(connection, _LOCK, {"evidence": list(evidence)})]


async def rank_inputs(connection: AsyncConnection, cases: Sequence[UUID]) -> list[Any]:
    """What the rank of each case is made of."""
    return await fetch(connection, _RANK_INPUTS, {"cases": list(cases)})


async def cases_of(connection: AsyncConnection, evidence: Sequence[UUID]) -> Sequence[Row[Any]]:
    """(evidence_id, id) of the case that each evidence belongs to: the undecided one, else the newest."""
    return (await connection.execute(_CASES_OF, {"evidence": list(evidence)})).all()


async def set_ranks(connection: AsyncConnection, places: Sequence[Placed]) -> None:
    """Store new ranks and places."""
    names = [one.name for one in fields(Placed)]
    columns = {name: [getattr(place, name) for place in places] for name in names}
    await fetch_together(connection, (_ADD_SCOPES, columns), (_SET_RANKS, columns))


async def save_draft(connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID, body: str) -> bool:
    """Keep a draft for whoever holds or held that lease; False when they never did."""
    values = {"case_id": case_id, "token": token, "holder": holder, "body": body}
    return (await connection.execute(_SAVE_DRAFT, values)).one_or_none() is not None


async def lock_subject(connection: AsyncConnection, case_id: UUID) -> UUID | None:
    """Lock the subject of a case, which holds off new reports about it; returns its id."""
    return (await connection.execute(_LOCK_SUBJECT, {"case_id": case_id})).scalar_one_or_none()


async def open_case_of(connection: AsyncConnection, subject: UUID) -> UUID | None:
    """The subject's open case, locked, if there is one."""
    return (await connection.execute(_NEWER, {"subject": subject})).scalar_one_or_none()


async def reopen(connection: AsyncConnection, case_id: UUID) -> None:
    """Put a decided case back into its queue."""
    await connection.execute(_REOPEN, {"case_id": case_id})


async def move_reports(connection: AsyncConnection, *, old: UUID, new: UUID, special_routes: Sequence[str]) -> bool:
    """Give one case's reports to another with deadlines, flags and special route, and count both anew.

    Of two special routes the one that is named first counts. A case that was shed returns to its queue: True says so.
    """
    await connection.execute(_MOVE_REPORTS, {"old": old, "new": new})
    values = {"old": old, "new": new, "special_routes": list(special_routes)}
    unshed: bool = (await connection.execute(_CARRY_OVER, values)).scalar_one()
    for case_id in (old, new):
        await connection.execute(_RECOUNT, {"case_id": case_id})
    return unshed


async def reported(connection: AsyncConnection, cases: Sequence[UUID]) -> Sequence[Row[Any]]:
    """(id, subject_id, subject_kind, reports) of these cases: what the platform knows them by."""
    return (await connection.execute(_REPORTED, {"cases": list(cases)})).all()
