"""Whatever people, the platform and the clock do in whatever order: no report is lost, no case is in two hands, every open
case is reached, and the order is the one that is told.

`make machine STEPS=20000` runs it longer than the suite does.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from service.holds.workflow import return_due
from service.leases.workflow import return_lapsed
from service.shedding import store as shedding
from tests.service.conftest import Accounts, empty
from tests.service.machine.invariants import appended, check, check_returned
from tests.service.machine.world import REVIEWERS, Held, World
from tests.service.steps import Body, query, report_body

pytestmark = pytest.mark.long

STEPS = int(os.environ.get("MACHINE_STEPS", "1200"))
STEPS_OF_A_RUN = 50
# Hypothesis ends some runs early, so runs are added, a few at a time, until there were steps enough.
RUNS_AT_ONCE = 10
SUBJECTS = st.sampled_from(["post-1", "post-2", "post-3", "post-4", "post-5"])
REASONS = st.sampled_from(["harassment", "spam", "fraud_scams", "self_harm"])
VIEWS = st.sampled_from([0.0, 3.0, 120.0, 90_000.0])
TEXTS = st.sampled_from(["as it was", "as it was", "edited"])
PERSON = st.sampled_from(REVIEWERS)
PICK = st.integers(0, 1000)
STALE = {"lease_stale", "content_changed"}
_ORDER = """
    SELECT c.id::text FROM cases c
    WHERE c.queue = 'default' AND {which}
      AND NOT EXISTS (SELECT FROM skips k JOIN principals p ON p.id = k.principal_id
                      WHERE k.case_id = c.id AND p.username = %s AND k.until > now())
    ORDER BY CASE WHEN c.start_by > now() THEN 3 WHEN c.deadline IS NULL THEN 2 ELSE 1 END,
             CASE WHEN c.start_by <= now() THEN c.start_by END, c.rank_value DESC, c.id LIMIT 1
"""
_OPEN = _ORDER.format(which="c.status = 'open'")
# Where nothing is open, what is kept back beyond its time is given back and handed out at once.
_DUE = _ORDER.format(which="c.status = 'held' AND least(c.held_until, c.start_by) <= now()")


class QueueMachine(RuleBasedStateMachine):
    """Reports, leases, holds, decisions, clocks, sheds and time in any order."""

    steps = 0

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        world.begin()
        self.before = appended(self.world)

    @initialize(subject=SUBJECTS)
    def begin(self, subject: str) -> None:
        self.report(subject, "harassment", 120.0, "as it was", "r1")

    @invariant()
    def always_true(self) -> None:
        type(self).steps += 1
        check(self.world)
        now = appended(self.world)
        assert all(old <= new for old, new in zip(self.before, now, strict=True)), "rows that may only grow have shrunk"
        self.before = now

    @rule(subject=SUBJECTS, reason=REASONS, views=VIEWS, text=TEXTS, reporter=st.sampled_from(["r1", "r2", "r3", "r4"]))
    def report(self, subject: str, reason: str, views: float, text: str, reporter: str) -> None:
        body = report_body(subject, reason=reason, views_per_hour=views, text=f"{subject} {text}")
        self._report(body | {"reporter": {"id": reporter}})

    @rule(subject=SUBJECTS, hours=st.sampled_from([-1.0, 0.2, 5.0, 200.0]))
    def report_with_a_deadline(self, subject: str, hours: float) -> None:
        due = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        self._report(report_body(subject) | {"deadline": {"kind": "legal", "basis": "an order", "due_at": due}})

    def _report(self, body: Body) -> None:
        answer = self.world.call("platform", "POST", "/v1/reports", body)
        assert answer.status_code == 201, answer.text
        self.world.ledger.accepted[answer.json()["report_id"]] = body["subject"]["id"]

    @rule(subject=SUBJECTS, views=VIEWS)
    def hear_of_views(self, subject: str, views: float) -> None:
        body = {"updates": [{"id": subject, "kind": "post", "views_per_hour": views}]}
        assert self.world.call("platform", "POST", "/v1/subjects/views", body).status_code == 200

    @rule()
    def score(self) -> None:
        self.world.score()

    @rule(person=PERSON)
    def claim(self, person: str) -> None:
        first = self.world.rows(_OPEN, f"test-{person}") or self.world.rows(_DUE, f"test-{person}")
        answer = self.world.call(person, "POST", "/v1/queues/default/claim")
        if not first:
            assert answer.status_code == 204, "what was handed out was not to be had"
            return
        assert answer.status_code == 200, "something waits, and nobody got it"
        assert answer.json()["case"]["id"] == first[0][0], "another case than the first of the order was handed out"
        self._handed(person, answer)

    @rule(person=PERSON, pick=PICK)
    def claim_by_name(self, person: str, pick: int) -> None:
        cases = self.world.rows("SELECT id::text FROM cases ORDER BY id")
        answer = self.world.call(person, "POST", f"/v1/cases/{cases[pick % len(cases)][0]}/claim")
        assert answer.status_code in {200, 409}, answer.text
        if answer.status_code == 200:
            self._handed(person, answer)

    def _handed(self, person: str, answer: httpx.Response) -> None:
        told = answer.json()
        held = Held(person, told["case"]["id"], told["lease"]["token"])
        assert held.token not in {one.token for one in self.world.ledger.leases}
        self.world.ledger.leases.append(held)

    def _lease(self, pick: int) -> tuple[Held, bool] | None:
        """Any lease there ever was, the live ones more often, and whether it is live."""
        every = self.world.ledger.leases
        if not every:
            return None
        live = {
            str(token)
            for (token,) in self.world.rows(
                "SELECT lease_token FROM cases WHERE status = 'leased' AND lease_expires_at > now()"
            )
        }
        alive = [one for one in every if one.token in live]
        chosen = alive if alive and pick % 4 else every
        held = chosen[pick % len(chosen)]
        return held, held.token in live

    def _with_lease(self, pick: int, verb: str, **fields: Any) -> httpx.Response | None:
        """Use a lease; a dead one must be refused as stale, and a live one must not."""
        found = self._lease(pick)
        if found is None:
            return None
        held, live = found
        body = {"lease_token": held.token, **fields}
        answer = self.world.call(held.person, "POST", f"/v1/cases/{held.case}/{verb}", body)
        if live:
            assert answer.status_code < 300 or answer.json()["error"] != "lease_stale", answer.text
        else:
            assert (answer.status_code, answer.json()["error"]) == (409, "lease_stale"), answer.text
        return answer if live else None

    @rule(pick=PICK)
    def renew(self, pick: int) -> None:
        self._with_lease(pick, "lease/renew")

    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        self._with_lease(pick, "lease/release")

    @rule(pick=PICK, minutes=st.sampled_from([1, 30, 600]))
    def hold(self, pick: int, minutes: int) -> None:
        self._with_lease(pick, "hold", reason="waiting for an answer", minutes=minutes)

    @rule(pick=PICK, to=PERSON)
    def hand_over(self, pick: int, to: str) -> None:
        self._with_lease(pick, "hand-over", to=f"test-{to}", note="you know this area")

    @rule(pick=PICK, reason=st.sampled_from(["upset", "language", "other"]))
    def skip(self, pick: int, reason: str) -> None:
        self._with_lease(pick, "skip", reason=reason)

    @rule(pick=PICK)
    def ask_for_a_second_opinion(self, pick: int) -> None:
        proposal = {"actions": ["warn"], "policy_area": "harassment", "severity": 1, "note": "mild"}
        self._with_lease(pick, "second-opinion", question="Is this one about the area at all?", proposal=proposal)

    @rule(pick=PICK, action=st.sampled_from(["remove", "no_violation", "warn"]))
    def decide(self, pick: int, action: str) -> None:
        area, severity = ("benign", 0) if action == "no_violation" else ("harassment", 2)
        fields = {"actions": [action], "policy_area": area, "severity": severity, "note": ""}
        found = self._lease(pick)
        if found is None:
            return
        held, live = found
        body = {"lease_token": held.token, **fields}
        answer = self.world.call(held.person, "POST", f"/v1/cases/{held.case}/decisions", body)
        if live and answer.status_code == 409:
            # The content was edited meanwhile: it has been shown now, and the next attempt counts.
            assert answer.json()["error"] == "content_changed", answer.text
            answer = self.world.call(held.person, "POST", f"/v1/cases/{held.case}/decisions", body)
        if live:
            assert answer.status_code == 201, answer.text
            self.world.ledger.decisions.append((answer.json()["decision_id"], held.person, held.case))
        else:
            assert answer.status_code == 409, answer.text
            assert answer.json()["error"] in STALE
            kept = self.world.rows("SELECT body ->> 'severity' FROM drafts WHERE case_id = %s", held.case)
            assert (str(severity),) in kept, "what came too late was not kept as a draft"

    @rule(pick=PICK)
    def undo(self, pick: int) -> None:
        every = self.world.ledger.decisions
        if not every:
            return
        decision, person, _ = every[pick % len(every)]
        answer = self.world.call(person, "POST", f"/v1/decisions/{decision}/undo")
        if decision in self.world.ledger.undone:
            assert (answer.status_code, answer.json()["error"]) == (409, "undo_expired")
        else:
            assert answer.status_code == 200, answer.text
            self.world.ledger.undone.append(decision)

    @rule(pick=PICK, hours=st.sampled_from([-2.0, 0.3, 40.0]), kind=st.sampled_from(["legal", "contract"]))
    def set_a_clock(self, pick: int, hours: float, kind: str) -> None:
        cases = self.world.rows("SELECT id::text, status FROM cases ORDER BY id")
        case, status = cases[pick % len(cases)]
        due = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        body = {"kind": kind, "basis": "a contract", "due_at": due}
        answer = self.world.call("lead", "POST", f"/v1/cases/{case}/clocks", body)
        assert (answer.status_code == 201) == (status != "decided"), answer.text
        if answer.status_code == 201:
            self.world.ledger.clocks.append((case, answer.json()["clock"]["id"]))

    @rule(pick=PICK, hours=st.sampled_from([0.1, 300.0]))
    def replace_a_clock(self, pick: int, hours: float) -> None:
        every = self.world.ledger.clocks
        if not every:
            return
        case, clock = every[pick % len(every)]
        due = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        body = {"kind": "legal", "basis": "another order", "due_at": due, "replaces": clock, "reason": "a new order"}
        answer = self.world.call("lead", "POST", f"/v1/cases/{case}/clocks", body)
        assert answer.status_code in {201, 409, 422}, answer.text
        if answer.status_code == 201:
            every.append((case, answer.json()["clock"]["id"]))

    @rule(pick=PICK)
    def give_up(self, pick: int) -> None:
        cases = self.world.rows("SELECT id FROM cases WHERE status = 'open' AND deadline IS NULL ORDER BY id")
        if cases:
            self.world.do(self._shed(cases[pick % len(cases)][0]))

    async def _shed(self, case: UUID) -> None:
        async with self.world.app.state.engine.begin() as connection:
            await shedding.shed(connection, [case], under="test", load=1.5)

    @rule()
    def take_back(self) -> None:
        given_up = self.world.rows("SELECT count(*) FROM cases WHERE status = 'shed'")[0][0]
        answer = self.world.call("lead", "POST", "/v1/shed/restore", {"queue": "default"})
        assert answer.status_code == (200 if given_up else 404), answer.text

    @rule()
    def leases_run_out(self) -> None:
        query(self.world.database, "UPDATE cases SET lease_expires_at = now() - interval '1 s' WHERE status = 'leased'")
        self._housekeep()

    @rule()
    def holds_run_out(self) -> None:
        query(self.world.database, "UPDATE cases SET held_until = now() - interval '1 s' WHERE status = 'held'")
        self._housekeep()

    @rule(pick=PICK)
    def a_latest_start_comes(self, pick: int) -> None:
        """Time passes for one case, as far as the guard is concerned: what it says of itself changes with it."""
        cases = self.world.rows("SELECT id FROM cases WHERE status <> 'decided' ORDER BY id")
        if cases:
            query(
                self.world.database,
                "UPDATE cases SET start_by = least(start_by, now() - interval '1 minute'),"
                " held_until = CASE WHEN status = 'held' THEN now() - interval '1 s' END WHERE id = %s",
                cases[pick % len(cases)][0],
            )
            self._housekeep()

    def _housekeep(self) -> None:
        self.world.do(self._return())
        check_returned(self.world)

    async def _return(self) -> None:
        async with self.world.app.state.engine.begin() as connection:
            await return_lapsed(connection)
            await return_due(connection)

    def teardown(self) -> None:
        """Whatever happened: once nobody holds anything, one who has skipped nothing is given every case that is open."""
        self.leases_run_out()
        self.holds_run_out()
        self.take_back()
        waiting = {str(case) for (case,) in self.world.rows("SELECT id FROM cases WHERE status = 'open'")}
        undecided = self.world.rows("SELECT count(*) FROM cases WHERE status <> 'decided'")[0][0]
        assert len(waiting) == undecided, "a case is undecided and does not wait"
        reached = set()
        while (answer := self.world.call("lead", "POST", "/v1/queues/default/claim")).status_code == 200:
            reached.add(answer.json()["case"]["id"])
        assert reached == waiting, "an open case that next never reaches"
        check(self.world)


def test_any_order_of_steps_keeps_what_must_always_be_true(
    shared_database: str, accounts: Accounts, tmp_path: Path
) -> None:
    QueueMachine.steps = 0
    world = World(shared_database, accounts, tmp_path)
    try:
        while QueueMachine.steps < STEPS:
            run_state_machine_as_test(
                # A factory is what the function documents; its annotation names the class alone.
                lambda: QueueMachine(world),  # type: ignore[arg-type]
                settings=settings(
                    max_examples=RUNS_AT_ONCE,
                    stateful_step_count=STEPS_OF_A_RUN,
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        world.close()
        empty(shared_database)
