"""Everybody at once: reports, claims, decisions, undos, lapses and scores, and afterwards every rule still holds."""

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig, RankInputs, rank, reproduce, with_live_views
from service.leases.workflow import return_lapsed
from service.scoring.workflow import ScoringLoop
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.service.scoring.doubles import Scripted, grave, harmless, loaded
from tests.service.steps import decide, query, report_body, value

SUBJECTS = 6
ROUNDS = 25

# What must never be found, whatever happened.
BROKEN_RULES = {
    "a case miscounts its reports": """
        SELECT c.id FROM cases c WHERE report_count <> (SELECT count(*) FROM reports r WHERE r.case_id = c.id)
    """,
    "a report is in a case of another subject": """
        SELECT r.id FROM reports r JOIN cases c ON c.id = r.case_id JOIN evidence e ON e.id = r.evidence_id
        WHERE c.subject_id <> e.subject_id
    """,
    "a subject has two cases that are not decided": """
        SELECT subject_id FROM cases WHERE status <> 'decided' GROUP BY subject_id HAVING count(*) > 1
    """,
    "a case shows evidence of another subject": """
        SELECT c.id FROM cases c JOIN evidence e ON e.id = c.evidence_id WHERE e.subject_id <> c.subject_id
    """,
    "a lease is live that no case knows": """
        SELECT token FROM leases l WHERE ended_at IS NULL
        AND NOT EXISTS (SELECT FROM cases c WHERE c.lease_token = l.token AND c.lease_holder = l.holder)
    """,
    "a case is leased under a lease that ended": """
        SELECT c.id FROM cases c JOIN leases l ON l.token = c.lease_token WHERE l.ended_at IS NOT NULL
    """,
    "a decided lease has no decision": """
        SELECT token FROM leases l WHERE outcome = 'decided'
        AND NOT EXISTS (SELECT FROM decisions d WHERE d.lease_token = l.token)
    """,
    "a decided case with reports has no decision that stands": """
        SELECT c.id FROM cases c WHERE status = 'decided' AND report_count > 0 AND NOT EXISTS (
            SELECT FROM decisions d LEFT JOIN decision_undos u ON u.decision_id = d.id
            WHERE d.case_id = c.id AND u.decision_id IS NULL)
    """,
    "an open case was decided and nobody took it back": """
        SELECT c.id FROM cases c JOIN decisions d ON d.case_id = c.id LEFT JOIN decision_undos u ON u.decision_id = d.id
        WHERE c.status <> 'decided' AND u.decision_id IS NULL
    """,
    "a decision has not exactly one message": """
        SELECT d.id FROM decisions d WHERE 1 <> (SELECT count(*) FROM outbox o WHERE o.decision_id = d.id)
    """,
    "a message of an undone decision will be sent, or of a standing one will not": """
        SELECT o.id FROM outbox o LEFT JOIN decision_undos u ON u.decision_id = o.decision_id
        WHERE (u.decision_id IS NULL) <> (o.state = 'pending')
    """,
    "a message does not name every report of its case": """
        SELECT o.id FROM outbox o WHERE o.state = 'pending' AND EXISTS (
            SELECT FROM decisions d JOIN reports r ON r.case_id = d.case_id WHERE d.id = o.decision_id
            AND position(r.id::text IN o.payload) = 0 AND NOT EXISTS (
                -- Reports that came after it were answered with it at once.
                SELECT FROM events late JOIN events made ON made.data ->> 'decision' = d.id::text
                WHERE late.data ->> 'report' = r.id::text AND late.kind = 'case.reported_after_decision'
                  AND made.kind = 'case.decided' AND late.id > made.id))
    """,
    "lapses are miscounted": """
        SELECT c.id FROM cases c
        WHERE lapses <> (SELECT count(*) FROM leases l WHERE l.case_id = c.id AND outcome = 'lapsed')
    """,
}


class Storm:
    """Everybody who takes part."""

    def __init__(self, app: FastAPI, database: str, people: list[httpx.AsyncClient], seed: int) -> None:
        self.app = app
        self.database = database
        self.platform, *self.reviewers = people
        self.accepted: list[str] = []
        self.surprises: list[str] = []
        self._seed = seed

    def _check(self, answer: httpx.Response, *expected: int) -> bool:
        if answer.status_code not in expected:
            self.surprises.append(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
        return answer.is_success

    async def send_reports(self, number: int) -> None:
        chance = random.Random(self._seed * 100 + number)
        for _ in range(ROUNDS):
            subject = f"post-{chance.randrange(SUBJECTS)}"
            fields = {"text": f"version {chance.randrange(2)}", "views_per_hour": chance.randrange(10_000)}
            body = report_body(subject, reason=chance.choice(["spam", "harassment", "self_harm"]), **fields)
            answer = await self.platform.post("/v1/reports", json=body)
            if self._check(answer, 201):
                self.accepted.append(answer.json()["report_id"])
            await asyncio.sleep(0)

    async def review(self, person: httpx.AsyncClient, number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)
        for _ in range(ROUNDS):
            answer = await person.post("/v1/queues/default/claim")
            if not self._check(answer, 200, 204) or answer.status_code == 204:
                continue
            claimed = answer.json()
            case, token = claimed["case"]["id"], {"lease_token": claimed["lease"]["token"]}
            match chance.randrange(5):
                case 0:
                    self._check(await person.post(f"/v1/cases/{case}/lease/release", json=token), 204, 409)
                case 1:
                    late = "UPDATE cases SET lease_expires_at = now() WHERE lease_token = %s"
                    await asyncio.to_thread(query, self.database, late, claimed["lease"]["token"])
                    self._check(await decide(person, claimed), 409)
                case _:
                    decision = await decide(person, claimed)
                    if self._check(decision, 201, 409) and chance.random() < 0.5:
                        undo = f"/v1/decisions/{decision.json()['decision_id']}/undo"
                        self._check(await person.post(undo), 200)

    async def score(self, loop: ScoringLoop) -> None:
        for _ in range(ROUNDS):
            await loop.step()
            await asyncio.sleep(0.005)

    async def keep_house(self) -> None:
        for _ in range(ROUNDS):
            async with self.app.state.engine.begin() as connection:
                await return_lapsed(connection)
            await asyncio.sleep(0.005)


@pytest.fixture
async def people(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A platform and three reviewers."""
    async with client_of(app) as one, client_of(app) as two, client_of(app) as three, client_of(app) as four:
        callers = [one, two, three, four]
        for caller, role in zip(callers, ("platform", "reviewer", "specialist", "lead"), strict=True):
            caller.headers.update(bearer(keys[role]))
        yield callers


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_rule_holds_after_a_storm(
    app: FastAPI, people: list[httpx.AsyncClient], database: str, settings: Settings, taxonomy: Taxonomy, seed: int
) -> None:
    app.state.settings = settings.model_copy(update={"undo_seconds": 60})
    assert (await people[0].post("/v1/webhooks", json={"url": "https://platform.test/"})).status_code == 201
    storm = Storm(app, database, people, seed)
    model = await loaded(Scripted(lambda text: grave(text) if "1" in text else harmless(text)))
    loop = ScoringLoop(app.state.engine, model, taxonomy=taxonomy, config=RankConfig(), settings=settings)
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(storm.send_reports(number) for number in range(3)),
            *(storm.review(person, number) for number, person in enumerate(storm.reviewers)),
            storm.score(loop),
            storm.score(loop),
            storm.keep_house(),
        )
    while await loop.step():
        pass
    async with app.state.engine.begin() as connection:
        await return_lapsed(connection)
    assert storm.surprises == []
    assert {str(one) for (one,) in query(database, "SELECT id FROM reports")} == set(storm.accepted)
    assert {rule: query(database, found) for rule, found in BROKEN_RULES.items()} == {rule: [] for rule in BROKEN_RULES}
    assert value(database, "SELECT count(*) FROM decision_undos") > 0
    assert_ranks_true(database, taxonomy)


def assert_ranks_true(database: str, taxonomy: Taxonomy) -> None:
    rows = query(
        database,
        """
        SELECT c.rank_value, c.rank, e.score, s.views_per_hour, min(r.received_at), array_agg(DISTINCT r.reason)
        FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
        JOIN reports r ON r.case_id = c.id WHERE c.status <> 'decided' GROUP BY c.id, s.id, e.id
        """,
    )
    for stored, parts, score, views, received_at, reasons in rows:
        assert stored == reproduce(with_live_views(parts, views))["value"]
        if not parts["reporters"]:
            # Else it knows what was decided on other reports of theirs, when it was ranked.
            inputs = RankInputs(score, reasons=reasons, views_per_hour=views, pictures=0, received_at=received_at)
            assert stored == rank(inputs, taxonomy, RankConfig()).value
