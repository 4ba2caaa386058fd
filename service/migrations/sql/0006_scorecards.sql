-- Scorecards: what is measured of decisions, as plain views that analysts can query. Each column says what it means; docs/sql-views.md
-- is made from those words. People are ids alone, and what they earn is nowhere. Sample cases, cases of special routes and of
-- restricted queues are left out, as they are of the exports.

CREATE INDEX decisions_decided ON decisions (decided_at);

-- The rule of service.opinions.workflow.same_judgement, for views: area and actions alike, severities at most one step apart.
-- tests/service/scorecards/test_views.py asks both about every pair.
CREATE FUNCTION same_judgement(one jsonb, other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT one ->> 'policy_area' = other ->> 'policy_area'
       AND abs((one ->> 'severity')::integer - (other ->> 'severity')::integer) <= 1
       AND one -> 'actions' @> (other -> 'actions') AND other -> 'actions' @> (one -> 'actions')
$$;
-- A primary subtag of BCP 47, as the queues know it; 'und' where nobody said.
CREATE FUNCTION language_group(tag text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(nullif(lower(split_part(tag, '-', 1)), ''), 'und')
$$;

CREATE VIEW counted_cases AS
SELECT c.id AS case_id, c.subject_id, c.evidence_id, c.status, c.opened_at, c.deadline,
       coalesce(c.lease_holder, c.held_for) AS person
-- A join and no EXISTS: of that the planner thinks that it leaves nothing, and then reads every table once for each decision.
FROM cases c LEFT JOIN queues q ON q.name = c.queue
WHERE NOT c.sample AND c.special IS NULL AND q.restricted IS NOT TRUE;

CREATE VIEW counted_decisions AS
SELECT d.id AS decision_id, d.case_id, d.evidence_id, d.decided_by AS person, p.vendor, p.site,
       language_group(e.language) AS language, d.policy_area AS area, d.policy_id, v.area || ' v' || v.number AS policy,
       d.basis, d.severity, d.actions, d.decided_at, date_trunc('month', d.decided_at AT TIME ZONE 'UTC')::date AS month,
       u.undone_at
FROM decisions d JOIN counted_cases c ON c.case_id = d.case_id JOIN evidence e ON e.id = d.evidence_id
JOIN principals p ON p.id = d.decided_by LEFT JOIN policy_versions v ON v.id = d.policy_id
LEFT JOIN decision_undos u ON u.decision_id = d.id;

-- What was drawn of a stratum and how much of it is answered. Some strata wait longer than others, such as a language that few read:
-- what is answered of a stratum stands for all of it, and for nothing else. Of a plan of two reviews that was closed early some
-- is answered once: those say nothing of how far two agree.
CREATE VIEW plan_strata AS
SELECT i.plan_id, i.stratum, count(*) AS drawn, count(*) FILTER (WHERE i.state IN ('settled', 'disputed')) AS answered,
       count(*) FILTER (WHERE i.state IN ('settled', 'disputed') AND (
           SELECT count(*) FROM qa_reviews w WHERE w.item_id = i.id AND w.answered_at IS NOT NULL) >= 2) AS answered_twice
FROM qa_items i WHERE i.decision_id IS NOT NULL GROUP BY i.plan_id, i.stratum;

-- Disputed checks are here with nothing known of them yet: agreement settles at once and disagreement waits, so that every
-- share without them would flatter. What was asked under a draft is no check: see the replay.
CREATE VIEW quality_checks AS
SELECT i.id AS check_id, i.plan_id, q.kind AS plan_kind, i.stratum, c.decision_id, c.case_id, c.person, c.vendor, c.site,
       c.language, c.area, c.policy_id, c.policy, c.basis, c.decided_at, c.month, s.settled_at, s.by AS settled_by,
       i.chance, t.drawn / (t.answered * i.chance) AS weight, CASE WHEN s.id IS NOT NULL THEN s.error IS NULL END AS correct, s.error, r.reviews,
       same_judgement(r.answers -> 0, r.answers -> 1) AS experts_agree,
       CASE WHEN r.reviews >= 2 THEN t.drawn / (t.answered_twice * i.chance) END AS experts_weight
FROM qa_items i JOIN qa_plans q ON q.id = i.plan_id JOIN counted_decisions c ON c.decision_id = i.decision_id
-- An outer join, though there is always one: where nobody asks for a weight it is not made.
LEFT JOIN plan_strata t ON t.plan_id = i.plan_id AND t.stratum = i.stratum
LEFT JOIN qa_settlements s ON s.item_id = i.id AND i.state = 'settled'
    AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = s.id)
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews, jsonb_agg(w.answer ORDER BY w.answered_at, w.token) AS answers
    FROM qa_reviews w WHERE w.item_id = i.id AND w.answered_at IS NOT NULL
) AS r
WHERE i.state IN ('settled', 'disputed') AND NOT q.draft;

CREATE VIEW handling_times AS
SELECT c.decision_id, c.case_id, c.person, c.vendor, c.site, c.language, c.area, c.policy_id, c.policy, c.basis,
       c.decided_at, c.month, c.undone_at IS NOT NULL AS undone, began.at AS waiting_since, work.first_claim,
       extract(epoch FROM work.first_claim - began.at)::float8 AS wait_seconds, work.touch_seconds, work.own_touch_seconds,
       extract(epoch FROM c.decided_at - began.at)::float8 AS total_seconds
FROM counted_decisions c JOIN cases k ON k.id = c.case_id
-- A case that was decided, and the decision taken back, begins to wait anew.
CROSS JOIN LATERAL (
    SELECT greatest(k.opened_at, max(u.undone_at)) AS at
    FROM decisions d JOIN decision_undos u ON u.decision_id = d.id
    WHERE d.case_id = c.case_id AND d.id <> c.decision_id AND u.undone_at <= c.decided_at
) AS began
CROSS JOIN LATERAL (
    SELECT min(held.begun) AS first_claim,
           coalesce(sum(held.seconds) FILTER (WHERE held.outcome <> 'lapsed'), 0) AS touch_seconds,
           coalesce(sum(held.seconds) FILTER (WHERE held.outcome <> 'lapsed' AND held.holder = c.person), 0)
               AS own_touch_seconds
    FROM (
        SELECT l.holder, l.outcome, coalesce(opened.at, l.granted_at) AS begun,
               extract(epoch FROM l.ended_at - coalesce(opened.at, l.granted_at))::float8 AS seconds
        FROM leases l
        -- What was fetched ahead is looked at from when it was opened.
        CROSS JOIN LATERAL (
            SELECT min(e.at) AS at FROM events e
            WHERE e.case_id = l.case_id AND e.kind = 'lease.opened' AND e.actor = l.holder
              AND e.at BETWEEN l.granted_at AND l.ended_at
        ) AS opened
        WHERE l.case_id = c.case_id AND l.granted_at >= began.at AND l.ended_at <= c.decided_at
          AND l.outcome <> 'unopened'
    ) AS held
) AS work;

CREATE VIEW escalation_facts AS
SELECT o.id AS escalation_id, 'second_opinion' AS kind, o.case_id, o.asked_by AS person, p.vendor, p.site,
       language_group(e.language) AS language, o.proposal ->> 'policy_area' AS area, d.policy_id,
       v.area || ' v' || v.number AS policy, o.asked_at AS at, o.decision_id,
       CASE WHEN d.undo_until <= now() THEN NOT o.agreed END AS was_right
FROM second_opinions o JOIN counted_cases c ON c.case_id = o.case_id JOIN evidence e ON e.id = c.evidence_id
JOIN principals p ON p.id = o.asked_by LEFT JOIN decisions d ON d.id = o.decision_id
LEFT JOIN policy_versions v ON v.id = d.policy_id
WHERE o.withdrawn_at IS NULL
UNION ALL
SELECT l.token, 'hand_over', l.case_id, l.holder, p.vendor, p.site, language_group(e.language), d.policy_area, d.policy_id,
       v.area || ' v' || v.number, l.ended_at, d.id,
       CASE WHEN d.undo_until <= now() THEN
           NOT EXISTS (SELECT FROM leases o WHERE o.case_id = l.case_id AND o.granted_at >= l.ended_at
                       AND o.ended_at <= d.decided_at
                       AND o.outcome IN ('released', 'lapsed', 'skipped', 'handed_over', 'second_opinion'))
           AND NOT EXISTS (SELECT FROM events r WHERE r.case_id = l.case_id AND r.kind = 'case.returned'
                           AND r.at BETWEEN l.ended_at AND d.decided_at)
       END
FROM leases l JOIN counted_cases c ON c.case_id = l.case_id JOIN evidence e ON e.id = l.evidence_id
JOIN principals p ON p.id = l.holder
LEFT JOIN LATERAL (
    SELECT m.* FROM decisions m WHERE m.case_id = l.case_id AND m.decided_at >= l.ended_at
      AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = m.id)
    ORDER BY m.decided_at, m.id LIMIT 1
) AS d ON true
LEFT JOIN policy_versions v ON v.id = d.policy_id
WHERE l.outcome = 'handed_over';

CREATE VIEW decision_facts AS
SELECT c.decision_id, c.case_id, c.person, c.vendor, c.site, c.language, c.area, c.policy_id, c.policy, c.basis,
       c.decided_at AS at, c.month, c.undone_at IS NOT NULL AS undone, due.at AS due_at, c.decided_at <= due.at AS deadline_met,
       wrong.how IS NOT NULL AS overturned, wrong.how AS overturned_by, asked.number > 0 AS escalated,
       asked.was_right AS escalation_right
FROM counted_decisions c JOIN cases k ON k.id = c.case_id
-- The nearest clock that ran when it was decided; a decision that was taken back kept no deadline and missed none.
CROSS JOIN LATERAL (
    SELECT min(t.due_at) AS at FROM clocks t
    WHERE c.undone_at IS NULL AND t.case_id = c.case_id AND t.set_at <= c.decided_at
      AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = t.id AND later.set_at <= c.decided_at)
) AS due
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN EXISTS (SELECT FROM quality_checks q WHERE q.decision_id = c.decision_id AND NOT q.correct)
        THEN 'quality_check'
        WHEN EXISTS (
            SELECT FROM cases alike JOIN decisions o ON o.case_id = alike.id
            WHERE alike.subject_id = k.subject_id AND o.evidence_id = c.evidence_id AND o.basis = 'second_opinion'
              AND o.decided_at > c.decided_at AND o.undo_until <= now()
              AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = o.id)
              AND NOT same_judgement(
                  jsonb_build_object('policy_area', c.area, 'severity', c.severity, 'actions', c.actions),
                  jsonb_build_object('policy_area', o.policy_area, 'severity', o.severity, 'actions', o.actions)))
        THEN 'second_opinion'
        WHEN c.undone_at IS NOT NULL THEN 'undo'
    END AS how
) AS wrong
CROSS JOIN LATERAL (
    SELECT count(*) AS number, bool_and(f.was_right) AS was_right FROM escalation_facts f
    WHERE f.case_id = c.case_id AND f.decision_id = c.decision_id
) AS asked
UNION ALL
SELECT NULL, c.case_id, c.person, p.vendor, p.site, language_group(e.language), e.score ->> 'primary_area', NULL, NULL, NULL,
       c.deadline, date_trunc('month', c.deadline AT TIME ZONE 'UTC')::date, false, c.deadline, false, false, NULL, false, NULL
FROM counted_cases c JOIN evidence e ON e.id = c.evidence_id LEFT JOIN principals p ON p.id = c.person
WHERE c.status <> 'decided' AND c.deadline <= now();

CREATE VIEW exposure_seconds AS
SELECT x.principal_id AS person, p.vendor, p.site, day::date AS day,
       CASE WHEN c.case_id IS NOT NULL THEN language_group(e.language) END AS language,
       CASE WHEN c.case_id IS NOT NULL THEN d.policy_area END AS area,
       CASE WHEN c.case_id IS NOT NULL THEN v.area || ' v' || v.number END AS policy,
       sum(extract(epoch FROM least(x.until, day + interval '1 day') - greatest(x.since, day)))::float8 AS seconds,
       count(*) FILTER (WHERE x.since >= day) AS reveals
FROM (
    SELECT principal_id, case_id, lease_token, at AT TIME ZONE 'UTC' AS since,
           least(expires_at, now()) AT TIME ZONE 'UTC' AS until
    FROM exposures
) AS x
CROSS JOIN LATERAL generate_series(date_trunc('day', x.since), x.until, interval '1 day') AS day
JOIN principals p ON p.id = x.principal_id JOIN cases k ON k.id = x.case_id AND NOT k.sample
LEFT JOIN counted_cases c ON c.case_id = x.case_id JOIN evidence e ON e.id = k.evidence_id
LEFT JOIN decisions d ON d.lease_token = x.lease_token LEFT JOIN policy_versions v ON v.id = d.policy_id
WHERE x.until > x.since
GROUP BY 1, 2, 3, 4, 5, 6, 7;

COMMENT ON VIEW counted_cases IS 'Cases that any figure counts: one row for each, without sample cases, special routes and restricted queues.';
COMMENT ON COLUMN counted_cases.case_id IS 'the case';
COMMENT ON COLUMN counted_cases.subject_id IS 'the content or account that it is about';
COMMENT ON COLUMN counted_cases.evidence_id IS 'the version of the content that it shows';
COMMENT ON COLUMN counted_cases.status IS 'open, leased, held, shed or decided';
COMMENT ON COLUMN counted_cases.opened_at IS 'when its first report came in';
COMMENT ON COLUMN counted_cases.deadline IS
    'the nearest clock that runs, legal or contractual; null where none does';
COMMENT ON COLUMN counted_cases.person IS 'who has it in hand or keeps it back; null where nobody does';

COMMENT ON VIEW counted_decisions IS 'One row for each decision on a counted case, taken-back ones too.';
COMMENT ON COLUMN counted_decisions.decision_id IS 'the decision';
COMMENT ON COLUMN counted_decisions.case_id IS 'its case';
COMMENT ON COLUMN counted_decisions.evidence_id IS 'the version of the content that was decided on';
COMMENT ON COLUMN counted_decisions.person IS 'who decided';
COMMENT ON COLUMN counted_decisions.vendor IS 'the person''s vendor as it is set now; null where none is set';
COMMENT ON COLUMN counted_decisions.site IS 'the person''s site as it is set now; null where none is set';
COMMENT ON COLUMN counted_decisions.language IS
    'primary language of the content as it was captured; und where nobody said';
COMMENT ON COLUMN counted_decisions.area IS 'the policy area that the decision names, or benign';
COMMENT ON COLUMN counted_decisions.policy_id IS
    'the policy version in force for the area when the decision was made; null where the library had none';
COMMENT ON COLUMN counted_decisions.policy IS 'that version in words: area and number';
COMMENT ON COLUMN counted_decisions.basis IS
    'review: looked at; second_opinion: looked at without knowing the first answer; cluster: carried over from one that was looked at';
COMMENT ON COLUMN counted_decisions.severity IS '0 to 4, as decided';
COMMENT ON COLUMN counted_decisions.actions IS 'as decided';
COMMENT ON COLUMN counted_decisions.decided_at IS 'when';
COMMENT ON COLUMN counted_decisions.month IS 'first day of the month of the decision, UTC';
COMMENT ON COLUMN counted_decisions.undone_at IS 'when it was taken back within its undo window; null where it stands';

COMMENT ON VIEW plan_strata IS 'One row for each stratum that a quality plan drew from: how far it is. A plan without strata has one, named all. Golden items are not counted.';
COMMENT ON COLUMN plan_strata.plan_id IS 'the plan';
COMMENT ON COLUMN plan_strata.stratum IS 'the stratum';
COMMENT ON COLUMN plan_strata.drawn IS 'decisions that were drawn of it';
COMMENT ON COLUMN plan_strata.answered IS 'how many of these are settled or disputed; the others wait, or fell away when the plan was closed';
COMMENT ON COLUMN plan_strata.answered_twice IS 'how many of the answered ones have two blind answers or more';

COMMENT ON VIEW quality_checks IS 'One row for each settled or disputed check of a decision. Golden items are not here: they say something about those who check; nor are re-reviews under a draft.';
COMMENT ON COLUMN quality_checks.check_id IS 'the item of the plan';
COMMENT ON COLUMN quality_checks.plan_id IS 'the plan that drew it';
COMMENT ON COLUMN quality_checks.plan_kind IS 'random, stratified, doubt or policy';
COMMENT ON COLUMN quality_checks.stratum IS 'the stratum it was drawn from';
COMMENT ON COLUMN quality_checks.decision_id IS 'the decision that was checked';
COMMENT ON COLUMN quality_checks.case_id IS 'its case';
COMMENT ON COLUMN quality_checks.person IS 'who made the decision';
COMMENT ON COLUMN quality_checks.vendor IS 'the person''s vendor as it is set now; null where none is set';
COMMENT ON COLUMN quality_checks.site IS 'the person''s site as it is set now; null where none is set';
COMMENT ON COLUMN quality_checks.language IS
    'primary language of the content as it was captured; und where nobody said';
COMMENT ON COLUMN quality_checks.area IS 'the policy area that the decision named, or benign';
COMMENT ON COLUMN quality_checks.policy_id IS
    'the policy version in force for the area when the decision was made; null where the library had none';
COMMENT ON COLUMN quality_checks.policy IS 'that version in words: area and number';
COMMENT ON COLUMN quality_checks.basis IS
    'review: looked at; second_opinion: looked at without knowing the first answer; cluster: carried over from one that was looked at';
COMMENT ON COLUMN quality_checks.decided_at IS 'when the decision was made';
COMMENT ON COLUMN quality_checks.month IS 'first day of the month of the decision, UTC';
COMMENT ON COLUMN quality_checks.settled_at IS 'when the answer that holds was found; null while it is disputed';
COMMENT ON COLUMN quality_checks.settled_by IS
    'agreement, adjudication or dispute: how that answer was found; null while it is disputed';
COMMENT ON COLUMN quality_checks.chance IS 'the chance that the plan had to draw this decision';
COMMENT ON COLUMN quality_checks.weight IS
    'for how many decisions this one stands: 1 / chance, times what was drawn of its stratum for each that is answered';
COMMENT ON COLUMN quality_checks.correct IS
    'whether the decision says what holds in the end: area and actions alike, severities at most one step apart; null while it is disputed: a share has to allow for either';
COMMENT ON COLUMN quality_checks.error IS
    'false_positive, false_negative, wrong_area, wrong_severity or wrong_action, the gravest; null where correct, and while it is disputed';
COMMENT ON COLUMN quality_checks.reviews IS 'blind answers that were given';
COMMENT ON COLUMN quality_checks.experts_agree IS
    'whether the first two blind answers say the same, by the same rule as correct; null where there were fewer';
COMMENT ON COLUMN quality_checks.experts_weight IS
    'for how many decisions experts_agree stands: 1 / chance, times what was drawn of its stratum for each that is answered twice; null where experts_agree is';

COMMENT ON VIEW handling_times IS 'One row for each decision: how long its case waited, and how long people had it in hand.';
COMMENT ON COLUMN handling_times.decision_id IS 'the decision';
COMMENT ON COLUMN handling_times.case_id IS 'its case';
COMMENT ON COLUMN handling_times.person IS 'who decided';
COMMENT ON COLUMN handling_times.vendor IS 'the person''s vendor as it is set now; null where none is set';
COMMENT ON COLUMN handling_times.site IS 'the person''s site as it is set now; null where none is set';
COMMENT ON COLUMN handling_times.language IS
    'primary language of the content as it was captured; und where nobody said';
COMMENT ON COLUMN handling_times.area IS 'the policy area that the decision names, or benign';
COMMENT ON COLUMN handling_times.policy_id IS
    'the policy version in force for the area when the decision was made; null where the library had none';
COMMENT ON COLUMN handling_times.policy IS 'that version in words: area and number';
COMMENT ON COLUMN handling_times.basis IS
    'review: looked at; second_opinion: looked at without knowing the first answer; cluster: carried over from one that was looked at';
COMMENT ON COLUMN handling_times.decided_at IS 'when';
COMMENT ON COLUMN handling_times.month IS 'first day of the month of the decision, UTC';
COMMENT ON COLUMN handling_times.undone IS 'whether it was taken back';
COMMENT ON COLUMN handling_times.waiting_since IS
    'when the case began to wait: its first report or, after an undo, that undo';
COMMENT ON COLUMN handling_times.first_claim IS
    'when somebody first had it in hand since; a case fetched ahead counts from when it was opened';
COMMENT ON COLUMN handling_times.wait_seconds IS 'from waiting_since to first_claim';
COMMENT ON COLUMN handling_times.touch_seconds IS
    'how long the case was in hand since, over everybody who had it; time on hold, back in the queue, and leases that lapsed do not count';
COMMENT ON COLUMN handling_times.own_touch_seconds IS 'the part of touch_seconds of the person who decided';
COMMENT ON COLUMN handling_times.total_seconds IS 'from waiting_since to decided_at';

COMMENT ON VIEW escalation_facts IS 'One row for each escalation: a second opinion that was asked for and not withdrawn, or a case handed to a colleague.';
COMMENT ON COLUMN escalation_facts.escalation_id IS 'the question, or the lease that ended with the hand-over';
COMMENT ON COLUMN escalation_facts.kind IS 'second_opinion or hand_over';
COMMENT ON COLUMN escalation_facts.case_id IS 'the case';
COMMENT ON COLUMN escalation_facts.person IS 'who escalated';
COMMENT ON COLUMN escalation_facts.vendor IS 'the person''s vendor as it is set now; null where none is set';
COMMENT ON COLUMN escalation_facts.site IS 'the person''s site as it is set now; null where none is set';
COMMENT ON COLUMN escalation_facts.language IS
    'primary language of the content as it was captured; und where nobody said';
COMMENT ON COLUMN escalation_facts.area IS
    'what the person would have decided, of a second opinion; what was decided, of a hand-over';
COMMENT ON COLUMN escalation_facts.policy_id IS
    'the policy version of the decision that followed; null while there is none';
COMMENT ON COLUMN escalation_facts.policy IS 'that version in words: area and number';
COMMENT ON COLUMN escalation_facts.at IS 'when it was escalated';
COMMENT ON COLUMN escalation_facts.decision_id IS 'the decision that followed and stands; null while there is none';
COMMENT ON COLUMN escalation_facts.was_right IS
    'second opinion: the answer differs from what the person would have decided. Hand-over: whoever got the case decided it, before it went back to the queue or on to others. Null until that decision can no longer be taken back';

COMMENT ON VIEW decision_facts IS 'One row for each decision, and one without decision_id for each undecided case beyond its deadline.';
COMMENT ON COLUMN decision_facts.decision_id IS 'the decision; null for a case that is overdue and undecided';
COMMENT ON COLUMN decision_facts.case_id IS 'the case';
COMMENT ON COLUMN decision_facts.person IS
    'who decided; of an undecided case, who has it in hand or keeps it back, null where nobody does';
COMMENT ON COLUMN decision_facts.vendor IS 'the person''s vendor as it is set now; null where none is set';
COMMENT ON COLUMN decision_facts.site IS 'the person''s site as it is set now; null where none is set';
COMMENT ON COLUMN decision_facts.language IS
    'primary language of the content as it was captured; und where nobody said';
COMMENT ON COLUMN decision_facts.area IS
    'the policy area that the decision names, or benign; of an undecided case the model''s, null where there is no score';
COMMENT ON COLUMN decision_facts.policy_id IS
    'the policy version in force for the area when the decision was made; null where the library had none';
COMMENT ON COLUMN decision_facts.policy IS 'that version in words: area and number';
COMMENT ON COLUMN decision_facts.basis IS
    'review: looked at; second_opinion: looked at without knowing the first answer; cluster: carried over from one that was looked at';
COMMENT ON COLUMN decision_facts.at IS 'when it was decided; of an undecided case, when it was due';
COMMENT ON COLUMN decision_facts.month IS 'first day of the month of at, UTC';
COMMENT ON COLUMN decision_facts.undone IS 'whether the decision was taken back';
COMMENT ON COLUMN decision_facts.due_at IS
    'the nearest clock, legal or contractual, that ran when it was decided; null where none did or the decision was taken back';
COMMENT ON COLUMN decision_facts.deadline_met IS
    'decided at or before due_at; false for an undecided case; null without due_at';
COMMENT ON COLUMN decision_facts.overturned IS 'whether the decision is known to be wrong: see overturned_by';
COMMENT ON COLUMN decision_facts.overturned_by IS
    'quality_check: a settled check found it wrong; else second_opinion: a later one on the same content that stands says otherwise; else undo: it was taken back';
COMMENT ON COLUMN decision_facts.escalated IS 'whether the case had been escalated before this decision';
COMMENT ON COLUMN decision_facts.escalation_right IS
    'whether each of those escalations was right, as in escalation_facts; null where that is not known or there was none';

COMMENT ON VIEW exposure_seconds IS 'How long originals were open to each person: one row for each person, day, language, area and policy version. Restricted cases count, without language, area and policy.';
COMMENT ON COLUMN exposure_seconds.person IS 'who looked';
COMMENT ON COLUMN exposure_seconds.vendor IS 'the person''s vendor as it is set now; null where none is set';
COMMENT ON COLUMN exposure_seconds.site IS 'the person''s site as it is set now; null where none is set';
COMMENT ON COLUMN exposure_seconds.day IS 'the day, UTC; what lasts beyond midnight is split';
COMMENT ON COLUMN exposure_seconds.language IS
    'primary language of the content as it was captured; und where nobody said; null for restricted cases';
COMMENT ON COLUMN exposure_seconds.area IS
    'what was decided under the same lease; null where nothing was, or the case is restricted';
COMMENT ON COLUMN exposure_seconds.policy IS 'policy version of that decision in words: area and number';
COMMENT ON COLUMN exposure_seconds.seconds IS
    'for how long originals were open; two pictures at once count twice, as they do for the cap of a claim';
COMMENT ON COLUMN exposure_seconds.reveals IS 'how many originals were opened that day';
