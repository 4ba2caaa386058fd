"""What is decided with a cluster has statements of its own, which say that nobody looked at the others."""

import httpx

from tests.service.similar.conftest import Settle, spread
from tests.service.similar.test_cluster import made, preview, take
from tests.service.steps import query


async def test_each_case_of_a_cluster_has_a_statement_that_says_how_it_was_decided(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    seed, *others = await spread(platform, 3)
    await settle()
    held = await take(colleague, seed)
    done = await made(colleague, held, await preview(colleague, seed), policy_area="fraud_scams")
    assert set(done["cases"]) == {seed, *others}
    told = {
        str(case): (puid, alike, automated)
        for case, puid, alike, automated in query(
            database, "SELECT case_id, puid, told ->> 'alike', automated_decision FROM statements"
        )
    }
    assert set(told) == set(done["cases"])
    assert len({puid for puid, _, _ in told.values()}) == len(told)
    assert {told[one][1:] for one in others} == {("true", "AUTOMATED_DECISION_PARTIALLY")}
    assert told[seed][1] == "false"
