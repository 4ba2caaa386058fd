"""The pages of quality: who gets which, and what people wrote stays text."""

import re
from pathlib import Path

import httpx
import pytest

from service import pages
from tests.conftest import bearer
from tests.service.quality.verbs import (
    ALLOWED,
    OTHER,
    checked,
    decided_case,
    disputed,
    plan,
    say,
    settled_otherwise,
    take,
)

TEMPLATES = Path(pages.__file__).parent / "templates"
HOSTILE = "<script>alert(1)</script>"


async def page(person: httpx.AsyncClient, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.text


async def test_each_role_has_its_pages(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    may = {
        "/qa": {"lead"},
        "/qa/review": {"reviewer", "specialist", "lead"},
        "/qa/disputed": {"specialist", "lead"},
        "/qa/suspects": {"reviewer", "specialist", "lead"},
        "/qa/objections": {"specialist", "lead"},
        "/qa/feedback": {"reviewer", "specialist", "lead"},
        "/qa/calibration": {"lead"},
    }
    for path, roles in may.items():
        for role, key in keys.items():
            answer = await client.get(path, headers=bearer(key))
            sent_on = path == "/qa" and role in {"reviewer", "specialist"}
            assert answer.status_code == (200 if role in roles else 303 if sent_on else 403), (path, role)
    for role, key in keys.items():
        console = (await client.get("/console", headers=bearer(key))).text
        assert ('href="/qa"' in console) == (role in {"reviewer", "specialist", "lead"}), role


async def test_empty_pages_say_so(lead: httpx.AsyncClient) -> None:
    assert "There is no plan yet" in await page(lead, "/qa")
    assert "<noscript>" in await page(lead, "/qa")
    assert "You have no check in hand" in await page(lead, "/qa/review")
    assert "Nothing waits for you" in await page(lead, "/qa/disputed")
    assert "none are settled yet" in await page(lead, "/qa/feedback")
    assert "There is none yet" in await page(lead, "/qa/calibration")


async def test_reading_the_desk_takes_nothing(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await decided_case(platform, reviewer, "post-1", note="zanzibar")
    await plan(lead)
    assert "You have no check in hand" in await page(checker, "/qa/review")
    check = await take(checker)
    shown = await page(checker, "/qa/review")
    assert check["token"] in shown
    assert "what post-1 says" in shown
    assert "zanzibar" not in shown


async def test_hostile_words_stay_text_on_every_page(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-1", text=HOSTILE, note=HOSTILE)
    made = await plan(lead, HOSTILE, owner=HOSTILE, reason=HOSTILE)
    check = await take(checker)
    pages = [await page(checker, "/qa/review")]
    assert (await say(checker, check, **OTHER, note=HOSTILE)).status_code == 200
    [item] = await disputed(colleague)
    pages.append(await page(colleague, f"/qa/disputed?item={item['item_id']}"))
    answer = await lead.post(f"/v1/qa/items/{item['item_id']}/adjudicate", json={**ALLOWED, "note": HOSTILE})
    assert answer.status_code == 201
    pages.append(await page(reviewer, "/qa/feedback"))
    [told] = (await reviewer.get("/v1/qa/feedback")).json()["feedback"]
    await reviewer.post(f"/v1/qa/feedback/{told['id']}/dispute", json={"objection": HOSTILE})
    pages += [await page(colleague, f"/qa/objections{query}") for query in ("", f"?feedback={told['id']}")]
    session = await lead.post(
        "/v1/qa/calibrations", json={"title": HOSTILE, "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    )
    assert session.status_code == 201, session.text
    agreed = {**OTHER, "note": HOSTILE}
    path = f"/v1/qa/calibrations/{session.json()['id']}"
    await lead.put(f"{path}/items/{item['item_id']}", json=agreed)
    body = {"item_id": item["item_id"], "rationale": HOSTILE, "calibration_id": session.json()["id"]}
    assert (await lead.post("/v1/qa/golden", json=body)).status_code == 201
    await lead.post(f"{path}/close", json={"guidance": HOSTILE})
    addresses = ("/qa", f"/qa/plans/{made['id']}", "/qa/calibration", f"/qa/calibration/{session.json()['id']}")
    pages += [await page(lead, address) for address in addresses]
    for shown in pages:
        assert HOSTILE not in shown
        assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    "name", sorted(path.name for path in TEMPLATES.glob("qa*.html") if "<form" in path.read_text())
)
def test_nothing_that_is_written_gets_into_an_address(name: str) -> None:
    # Without the script a form would be sent by the browser itself: by GET, with its fields in the address.
    text = (TEMPLATES / name).read_text()
    for form in re.findall(r"<form .*?</form>", text, re.DOTALL):
        assert 'method="post"' in form.split(">")[0]
        buttons = re.findall(r"<button [^>]*>", form)
        assert buttons
        assert all(" disabled>" in button for button in buttons)
    scripts = re.findall(r'src="{{ static }}/(qa\w*\.js)"', text)
    assert all("\nopenForms();" in (TEMPLATES.parent / "static" / script).read_text() for script in scripts)


async def test_signing_in_leads_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/qa/review")
    assert answer.headers["location"] == "/sign-in?next=%2Fqa%2Freview"
    assert 'data-next="/qa/review"' in (await client.get("/sign-in?next=/qa/review")).text


async def test_a_plan_shows_how_far_it_is(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await decided_case(platform, reviewer, "post-1")
    made = await plan(lead)
    await checked(checker)
    shown = await page(lead, f"/qa/plans/{made['id']}")
    assert "1 of 1" in shown
    assert "Not enough checks: 1 of 30." in shown


async def test_feedback_is_announced_on_every_page_until_it_is_seen(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    for person, bar, tab in ((reviewer, 1, 1), (checker, 0, 0), (lead, 0, 0)):
        shown = await page(person, "/console")
        assert shown.count('1<span class="visually-hidden"> new</span>') == bar
        shown = await page(person, "/qa/feedback")
        assert shown.count('1<span class="visually-hidden"> new</span>') == bar + tab
    [told] = (await reviewer.get("/v1/qa/feedback")).json()["feedback"]
    assert (await reviewer.post(f"/v1/qa/feedback/{told['id']}/seen")).status_code == 204
    for path in ("/console", "/qa/feedback", f"/cases/{told['case_id']}"):
        assert 'visually-hidden"> new<' not in await page(reviewer, path), path


async def test_an_objection_is_opened_when_asked_for_with_the_form_for_another_answer(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    assert "Nothing waits for you" in await page(colleague, "/qa/objections")
    [told] = (await reviewer.get("/v1/qa/feedback")).json()["feedback"]
    await reviewer.post(f"/v1/qa/feedback/{told['id']}/dispute", json={"objection": "it is no quote"})
    closed = await page(colleague, "/qa/objections")
    assert f'href="/qa/objections?feedback={told["id"]}"' in closed
    assert 'id="decision"' not in closed
    opened = await page(colleague, f"/qa/objections?feedback={told['id']}")
    assert "it is no quote" in opened
    assert 'id="decision"' in opened
    # Whoever settled it reads nothing of the objection.
    assert "it is no quote" not in await page(lead, f"/qa/objections?feedback={told['id']}")


async def test_what_answers_differ_on_is_opened_when_asked_for(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-1", text="long words of post-1 " * 20)
    await plan(lead)
    await checked(checker, **OTHER)
    [item] = await disputed(colleague)
    address = f"/qa/disputed?item={item['item_id']}"
    closed = await page(colleague, "/qa/disputed")
    assert f'href="{address}"' in closed
    assert 'data-testid="content"' not in closed
    assert 'data-testid="content"' in await page(colleague, address)
