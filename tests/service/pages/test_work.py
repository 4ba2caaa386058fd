"""The page of one's own work: empty, full, and what the console says of it."""

import re
from datetime import UTC, datetime, timedelta

import httpx

from service.pages.work import Meter, meter
from tests.conftest import bearer
from tests.service.pages.test_pages import HOSTILE, add_report, assert_is_safe_page, claim


async def shown(client: httpx.AsyncClient, path: str, key: str) -> str:
    answer = await client.get(path, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


async def test_with_nothing_to_do_every_part_says_so(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    text = await shown(client, "/work", keys["reviewer"])
    for words in (
        "Nothing is in your hands.",
        "runs out by then.",
        "Nothing is kept back or handed to you.",
        "You have decided nothing yet.",
        "You have confirmed every policy in force.",
        "Nothing new: no check came to something else",
        "No break is due.",
    ):
        assert words in text
    assert 'data-testid="waiting"' not in await shown(client, "/console", keys["reviewer"])
    # Whoever reviews nothing has no work here.
    assert (await client.get("/work", headers=bearer(keys["ml"]))).status_code == 403
    answer = await client.get("/work")
    assert answer.headers["location"] == "/sign-in?next=%2Fwork"
    assert 'data-next="/work"' in (await client.get(answer.headers["location"])).text


async def test_what_is_held_kept_back_due_asked_and_decided_is_there_and_stays_text(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    hostile = " ".join(HOSTILE[:2])
    for _ in range(4):
        await add_report(client, keys)
    mine, lead = bearer(keys["reviewer"]), bearer(keys["lead"])

    async def post(address: str, claimed: dict[str, object], **body: object) -> httpx.Response:
        case, lease = claimed["case"], claimed["lease"]
        assert isinstance(case, dict)
        assert isinstance(lease, dict)
        body = {"lease_token": lease["token"], **body}
        answer = await client.post(f"/v1/cases/{case['id']}/{address}", json=body, headers=mine)
        assert answer.status_code in {200, 201}, answer.text
        return answer

    decision = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": ""}
    decided = await claim(client, keys)
    await post("decisions", decided, **decision)
    kept = await claim(client, keys)
    await post("hold", kept, reason=hostile, minutes=60)
    asked = await claim(client, keys)
    await post("second-opinion", asked, question=hostile, proposal=decision)
    held = await claim(client, keys)
    for case, minutes in ((held, -5), (kept, 90)):
        due_at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        clock = {"kind": "legal", "basis": hostile, "due_at": due_at}
        address = f"/v1/cases/{case['case']['id']}/clocks"
        assert (await client.post(address, json=clock, headers=lead)).status_code == 201

    text = await shown(client, "/work", keys["reviewer"])
    for one in (kept, asked, held, decided):
        assert f'href="/cases/{one["case"]["id"]}"' in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;alert(1)") == 4
    assert "overdue" in text
    assert "glance-bad" in text
    assert "nobody has answered yet" in text
    assert "Bullying and harassment, severity 2" in text
    console = await shown(client, "/console", keys["reviewer"])
    assert "2 clocks of what is with you run out within 4 hours." in console
    assert "A case is kept back for you." in console
    # What is kept back stands in one place.
    assert "Take up again" not in console


async def test_pinned_searches_stand_there_with_what_is_new_and_are_asked_by_their_id(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    assert 'data-testid="pinned"' not in await shown(client, "/work", keys["reviewer"])
    await add_report(client, keys)
    body = {"name": "<i>Mine</i>", "query": "kind:post secretword OR says", "pinned": True}
    made = (await client.post("/v1/views", json=body, headers=bearer(keys["reviewer"]))).json()
    text = await shown(client, "/work", keys["reviewer"])
    [pinned] = re.findall(r'<nav class="row" aria-labelledby="pinned-title".*?</nav>', text, re.DOTALL)
    assert f'href="/search?view={made["id"]}"' in pinned
    assert "&lt;i&gt;Mine&lt;/i&gt;" in pinned
    assert "secretword" not in text
    # What is asked for again every few seconds searches nothing.
    again = await client.get("/work", headers=bearer(keys["reviewer"]) | {"Triage-Background": "true"})
    assert 'data-testid="pinned"' not in again.text


def test_a_meter_says_how_much_of_a_limit_is_used() -> None:
    assert meter(3600, 240, 90) == Meter(used="1 h", most="4 h", share=25.0, mark=37.5)
    # Less than a second is nothing, the least that is something can be seen, and a bar ends where the limit is.
    assert [meter(seconds, 120, 60).share for seconds in (0.4, 2, 9_000)] == [0.0, 1.0, 100.0]
