"""Whatever people write, a page is no wider than the window of a phone."""

import httpx
import pytest

from tests.conftest import bearer
from tests.journey.browsing import NARROW, chromium
from tests.service.policies.steps import drafted, published
from tests.service.quality.verbs import ALLOWED, adjudicate, checked, decided_case, disputed, plan, told
from tests.service.steps import Body

pytestmark = pytest.mark.browser

WORD = "w" * 100


async def wide_texts(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> list[str]:
    """A word as long as the form takes in everything that leads and checkers write; the addresses that show it to a lead."""
    await published(lead, title=WORD, body=f"## {WORD}\n\n- {WORD}", digest=WORD, owner=WORD, reason=WORD)
    draft = await drafted(lead, title=WORD, body=f"## {WORD * 2}", digest=WORD, examples=[example()])
    for number in range(2):
        await decided_case(platform, reviewer, f"post-{number}", text=WORD, note=WORD, author={"id": WORD})
        await checked_otherwise(checker, lead, name=f"{number}{WORD[1:]}")
    items = await disputed(lead)
    assert (await adjudicate(lead, items[0], **ALLOWED, note=WORD)).status_code == 201
    [feedback] = await told(reviewer)
    objection = {"objection": WORD}
    assert (await reviewer.post(f"/v1/qa/feedback/{feedback['id']}/dispute", json=objection)).status_code == 204
    period = {"since": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}
    session = await lead.post("/v1/qa/calibrations", json={"title": WORD, **period})
    assert session.status_code == 201, session.text
    plans = (await lead.get("/v1/qa/plans")).json()["plans"]
    return [
        "/qa",
        f"/qa/plans/{plans[0]['id']}",
        f"/qa/disputed?item={items[1]['item_id']}",
        "/qa/calibration",
        f"/qa/calibration/{session.json()['id']}",
        "/policies",
        "/policies/harassment",
        f"/policies/harassment/drafts/{draft['id']}",
    ]


def example() -> Body:
    return {"text": WORD * 2, "verdict": "violating", "severity": 2, "why": WORD}


async def checked_otherwise(checker: httpx.AsyncClient, lead: httpx.AsyncClient, *, name: str) -> None:
    await plan(lead, name, owner=WORD, reason=WORD)
    await checked(checker, **ALLOWED, note=WORD)


async def test_no_page_is_wider_than_a_phone(
    address: str,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    shown = await wide_texts(platform, reviewer, checker, lead)
    async with chromium() as browser:
        for role, addresses in (("lead", shown), ("reviewer", ["/qa/feedback", "/policies/harassment"])):
            page = await browser.new_page(base_url=address, viewport=NARROW, extra_http_headers=bearer(keys[role]))
            for one in addresses:
                answer = await page.goto(one)
                assert answer is not None
                assert answer.status == 200, one
                assert "w" * 30 in await page.locator("main").inner_html(), one
                assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], one
            await page.close()
