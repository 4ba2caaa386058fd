"""What tests of crises do again and again: draft, approve, let time pass, and rank what waits anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service.cases.workflow import rerank
from service.ranking.workflow import Reranking
from tests.service.steps import Body, query

HARASSMENT = {"areas": [{"area": "harassment", "factor": 4.0}]}


def until(hours: float = 2.0) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def crisis_body(**spec: Any) -> Body:
    return {
        "name": "Riots in Aville",
        "reason": "Pile-ons follow the news.",
        "until": until(),
        "spec": spec or HARASSMENT,
    }


async def drafted(owner: httpx.AsyncClient, **spec: Any) -> Body:
    answer = await owner.post("/v1/crises", json=crisis_body(**spec))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def begun(owner: httpx.AsyncClient, second: httpx.AsyncClient, **spec: Any) -> Body:
    """Draft a crisis and have somebody else approve it."""
    draft = await drafted(owner, **spec)
    return await act(second, draft, "approve", revision=draft["revision"])


async def act(person: httpx.AsyncClient, crisis: Body, verb: str, **body: Any) -> Body:
    """Do something with a crisis; that has to work."""
    answer = await person.post(f"/v1/crises/{crisis['id']}/{verb}", json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())


def pass_time(database: str, crisis: Body, **interval: float) -> None:
    """Let time pass for one crisis: its own moments move back, nothing else does."""
    span = timedelta(**interval)
    query(
        database,
        "UPDATE crises SET drafted_at = drafted_at - %s, until = until - %s, began_at = began_at - %s,"
        " approved_at = approved_at - %s, extended_at = extended_at - %s WHERE id = %s",
        *(span,) * 5,
        crisis["id"],
    )


class Order:
    """The worker's part that moves what waits to the order at work."""

    def __init__(self, engine: AsyncEngine, taxonomy: Taxonomy, config: RankConfig) -> None:
        async def again(connection: Any, cases: Any) -> None:
            await rerank(connection, cases, taxonomy=taxonomy, config=config)

        self._reranking = Reranking(engine, again, taxonomy=taxonomy, config=config)

    async def follow(self) -> int:
        """Move all that is to be moved; returns how many cases that were."""
        moved = 0
        while step := await self._reranking.step():
            moved += step
        return moved


def standing(database: str) -> dict[str, tuple[Any, ...]]:
    """By case, what an overlay could have left behind: value, parts, guard, queue and reason."""
    rows = query(
        database,
        "SELECT id::text, rank_value, rank, start_by, deadline, queue, route_reason, ranked_under FROM cases ORDER BY id",
    )
    return {row[0]: row[1:] for row in rows}
