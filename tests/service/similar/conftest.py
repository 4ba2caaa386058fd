"""Many reports of nearly the same text, with fingerprints and scores as the workers leave them."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from service.similar.prints import TextPrints
from tests.service.steps import query, report

TEXT = "Cheap followers for every account, delivered tonight, only at the stall behind the old station."
OTHER = "The swimming hall at the station opens at seven and closes when the last bus has left the town."
SCORE = """
    UPDATE evidence SET score_state = 'scored', bundle = 'b', scored_at = now(), score = CAST(
        '{"areas": {"spam": 0.8, "harassment": 0.1}, "severity": [0.1, 0.8, 0.1, 0, 0], "primary_area": "spam",
          "unassessed": []}' AS jsonb)
    WHERE score IS NULL
"""

Settle = Callable[[], Awaitable[None]]


@pytest.fixture
def settle(app: FastAPI, database: str) -> Settle:
    """Do what the workers do for what came in: fingerprints, and one score for every text."""

    async def done() -> None:
        prints = TextPrints(app.state.engine)
        while await prints.step():
            pass
        query(database, SCORE)

    return done


async def spread(platform: httpx.AsyncClient, count: int, *, first: int = 1, text: str = TEXT) -> list[str]:
    """Report a text under so many subjects, each copy with an ending of its own; returns the cases."""
    cases = []
    for number in range(first, first + count):
        made = await report(platform, f"copy-{number}", text=f"{text} https://shop.example/{number} \U0001f525")
        cases.append(str(made["case_id"]))
    return cases
