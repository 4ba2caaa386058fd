"""Whatever was decided: deciding and undoing leaves strikes, second opinions and what is to be sent as they were."""

import asyncio
from random import Random
from typing import Any

import httpx
import pytest

from labeling.taxonomy import Taxonomy
from service.settings import Settings
from tests.service.steps import Body, assert_error, claim, decide, decided, query, report, value

# Everything that counts, is waited for or will be sent; what is merely on record (decisions, events) is not in it.
STATE = {
    "cases": "SELECT id, status, decided_at, lease_token, queue FROM cases ORDER BY id",
    "standing strikes": "SELECT author_id, sum(weight), count(*) FROM strikes WHERE reversed_at IS NULL GROUP BY 1",
    "opinions": "SELECT * FROM second_opinions ORDER BY id",
    "passed over": "SELECT principal_id, case_id, until::text FROM skips ORDER BY 1, 2",
    "to be sent": "SELECT id, state FROM outbox WHERE state NOT IN ('cancelled') ORDER BY id",
    "drafts": "SELECT * FROM drafts ORDER BY 1, 2",
}


STANDING_AND_ENFORCING = """
    SELECT id FROM decisions d WHERE actions <> '{no_violation}'
    AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id) ORDER BY id
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_seconds": 60})


def state(database: str) -> dict[str, list[tuple[Any, ...]]]:
    return {name: query(database, statement) for name, statement in STATE.items()}


def anything(random: Random, taxonomy: Taxonomy) -> Body:
    """A judgement that the service accepts."""
    area = random.choice(taxonomy.label_ids)
    harmless = taxonomy.harmless_action.id
    if area == taxonomy.benign_id or random.random() < 0.2:
        return {"actions": [harmless], "policy_area": area, "severity": random.randrange(5)}
    enforcing = [action.id for action in taxonomy.actions if action.enforces]
    while True:
        actions = random.sample(enforcing, random.randint(1, 3))
        if taxonomy.contradiction(actions) is None:
            return {"actions": actions, "policy_area": area, "severity": random.randrange(5)}


async def undo(person: httpx.AsyncClient, made: Body) -> httpx.Response:
    return await person.post(f"/v1/decisions/{made['decision_id']}/undo")


@pytest.mark.parametrize("seed", range(4))
async def test_deciding_and_undoing_changes_nothing_that_counts(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    taxonomy: Taxonomy,
    database: str,
    seed: int,
) -> None:
    random = Random(seed)
    for address in ("https://one.test/", "https://two.test/"):
        await platform.post("/v1/webhooks", json={"url": address})
    for number in range(8):
        await report(platform, f"post-{number}", author={"id": f"a{number % 3}"})
        held = await claim(reviewer)
        if random.random() < 0.5:
            body = {
                "question": "what now?",
                "proposal": anything(random, taxonomy),
                "lease_token": held["lease"]["token"],
            }
            answer = await reviewer.post(f"/v1/cases/{held['case']['id']}/second-opinion", json=body)
            assert answer.status_code == 201, answer.text
        else:
            await reviewer.post(
                f"/v1/cases/{held['case']['id']}/lease/release", json={"lease_token": held["lease"]["token"]}
            )
        before = state(database)
        for _ in range(random.randint(1, 3)):
            made = await decided(colleague, await claim(colleague), **anything(random, taxonomy))
            assert state(database) != before
            assert (await undo(colleague, made)).status_code == 200
            assert state(database) == before
        await decided(colleague, await claim(colleague), **anything(random, taxonomy))
    standing = query(database, "SELECT decision_id FROM strikes WHERE reversed_at IS NULL ORDER BY 1")
    assert standing == query(database, STANDING_AND_ENFORCING)


@pytest.mark.parametrize("round_", range(3))
async def test_undo_and_the_sending_of_the_message_never_both_happen(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, database: str, round_: int
) -> None:
    await platform.post("/v1/webhooks", json={"url": "https://platform.test/hook"})
    made = await decided(reviewer, claimed)

    def begin() -> list[tuple[Any, ...]]:
        return query(database, "UPDATE outbox SET state = 'sending' WHERE state = 'pending' RETURNING id")

    first, second = asyncio.to_thread(begin), undo(reviewer, made)
    if round_ % 2:
        answer, sent = await asyncio.gather(second, first)
    else:
        sent, answer = await asyncio.gather(first, second)
    taken_back = value(database, "SELECT count(*) FROM decision_undos") == 1
    assert (answer.status_code == 200) == taken_back == (not sent)
    assert (value(database, "SELECT reversed_at FROM strikes") is not None) == taken_back
    assert value(database, "SELECT status FROM cases") == ("open" if taken_back else "decided")


async def test_an_undo_that_comes_too_late_takes_nothing_back(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await platform.post("/v1/webhooks", json={"url": "https://platform.test/hook"})
    made = await decided(reviewer, claimed)
    query(database, "UPDATE outbox SET state = 'sending'")
    before = state(database)
    assert_error(await undo(reviewer, made), 409, "undo_expired")
    assert state(database) == before


async def test_a_decision_that_is_refused_late_leaves_no_strike(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    before = state(database)
    answers = await asyncio.gather(*(decide(reviewer, claimed) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert value(database, "SELECT count(*) FROM strikes") == 1
    assert state(database)["opinions"] == before["opinions"]
