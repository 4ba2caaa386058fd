"""The page of a case: what its holder may do, what is like it, when it is due; and all that people wrote stays text."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.leases.workflow import Lease
from service.pages.case import ahead, hold_minutes
from service.similar.prints import TextPrints
from tests.conftest import bearer
from tests.service.holds.verbs import hand_over, hold, take
from tests.service.pages.test_pages import HOSTILE, assert_is_safe_page
from tests.service.routing.steps import make_queue, rule, save
from tests.service.similar.conftest import spread
from tests.service.steps import Body, claim, decided, query, report

HARMLESS = HOSTILE[0]
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


async def shown(person: httpx.AsyncClient, case_id: str) -> str:
    answer = await person.get(f"/cases/{case_id}")
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


def of(claimed: Body) -> str:
    return str(claimed["case"]["id"])


async def test_who_holds_the_case_can_put_it_aside(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    page = await shown(reviewer, of(claimed))
    assert re.findall(r'data-aside="([^"]+)"', page) == ["hold", "hand-over", "opinion", "skip"]
    for dialog in ("hold", "hand-over", "opinion", "skip"):
        assert f'id="{dialog}-dialog"' in page
    assert 'value="upset"' in page
    assert "recorded nowhere" in page


async def test_who_only_reads_cannot(colleague: httpx.AsyncClient, claimed: Body) -> None:
    page = await shown(colleague, of(claimed))
    assert "data-aside" not in page
    assert "<dialog" not in page.replace('<dialog id="keys"', "")


async def test_actions_that_cannot_be_taken_are_off_with_their_reason_in_sight(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform, author=None)
    page = await shown(reviewer, of(await claim(reviewer)))
    chip = re.search(r'<input [^>]*value="suspend_account"[^>]*>', page)
    assert chip
    assert " disabled " in chip.group(0)
    [refused] = re.findall(r'<ul id="actions-refused"[^>]*>(.*?)</ul>', page)
    assert refused.startswith("<li>Suspend the account, Disable the account: No author is known")
    assert 'value="remove"' in page
    assert not re.search(r'value="remove"[^>]* disabled', page)


async def test_what_a_queue_hides_says_so(
    client: httpx.AsyncClient, keys: dict[str, str], platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    client.headers.update(bearer(keys["lead"]))
    await make_queue(client, "mild", hidden_actions=["disable_account"])
    await save(client, rule("All posts", "mild", kinds=["post"]))
    await report(platform)
    answer = await reviewer.post("/v1/queues/mild/claim")
    page = await shown(reviewer, of(answer.json()))
    assert "Disable the account: Not offered in this queue to your role." in page


async def test_a_case_kept_back_is_offered_to_whom_it_waits_for_and_to_nobody_else(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    assert (await hold(reviewer, claimed, reason=HARMLESS)).status_code == 200
    own = await shown(reviewer, of(claimed))
    assert 'data-testid="kept-back"' in own
    assert "Take up again" in own
    assert ESCAPED in own
    other = await shown(colleague, of(claimed))
    assert "Take up again" not in other
    assert ESCAPED not in other
    await take(reviewer, claimed)
    again = await shown(reviewer, of(claimed))
    assert "You held this case back" in again
    assert ESCAPED in again


async def test_a_note_reaches_the_colleague_and_stays_text(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    assert (await hand_over(reviewer, claimed, note=HARMLESS)).status_code == 200
    await take(colleague, claimed)
    page = await shown(colleague, of(claimed))
    assert "Handed over to you with a note" in page
    assert ESCAPED in page
    assert "test-reviewer" not in page
    assert ESCAPED not in await shown(reviewer, of(claimed))


async def test_a_question_is_shown_without_the_proposal(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    proposal = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": "my own view"}
    body = {"lease_token": claimed["lease"]["token"], "question": HARMLESS, "proposal": proposal}
    assert (await reviewer.post(f"/v1/cases/{of(claimed)}/second-opinion", json=body)).status_code == 201
    assert "You asked for a second opinion on this case" in await shown(reviewer, of(claimed))
    await take(colleague, claimed)
    page = await shown(colleague, of(claimed))
    assert ESCAPED in page
    assert "my own view" not in page
    # One question waits at a time, so no other one is offered.
    assert 'data-aside="opinion"' not in page


async def test_a_deadline_is_shown_with_what_it_rests_on(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body
) -> None:
    assert 'data-testid="due"' not in await shown(reviewer, of(claimed))
    clock = {"kind": "legal", "basis": HARMLESS, "due_at": "2199-01-01T00:00:00+00:00"}
    assert (await platform.post(f"/v1/cases/{of(claimed)}/clocks", json=clock)).status_code == 201
    page = await shown(reviewer, of(claimed))
    assert "Legally due" in page
    assert 'data-until="2199-01-01T00:00:00+00:00"' in page
    assert f"The deadline rests on: {ESCAPED}" in page


async def test_a_case_drawn_at_random_says_so(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    assert "Drawn at random" not in await shown(reviewer, of(claimed))
    query(database, "UPDATE leases SET lane = 'random', propensity = 0.5")
    assert "Drawn at random" in await shown(reviewer, of(claimed))


async def test_similar_cases_and_who_may_decide_them_together(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    await report(platform, "alone", text="Something else entirely, about a swimming hall that opens at seven.")
    cases = await spread(platform, 8)
    while await TextPrints(app.state.engine).step():
        pass
    first = (await reviewer.post(f"/v1/cases/{cases[0]}/claim")).json()
    await decided(reviewer, first, policy_area="spam", severity=1)
    for person, bulk in ((reviewer, False), (colleague, True)):
        own = (await person.post(f"/v1/cases/{cases[1]}/claim")).json()
        page = await shown(person, cases[1])
        assert "1 of 8 similar" in page
        assert "1 decided" in page
        assert "3 more" in page
        assert f'<a href="/cases/{cases[0]}">Remove</a>' in page
        assert ('id="cluster-open"' in page) == bulk
        assert ('id="cluster-dialog"' in page) == bulk
        await person.post(f"/v1/cases/{cases[1]}/lease/release", json={"lease_token": own["lease"]["token"]})
    reading = await shown(colleague, cases[1])
    assert 'id="cluster-open"' not in reading
    assert "1 of 8 similar" in reading


async def test_a_case_that_was_given_up_says_so(
    reviewer: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    case_id = str((await report(platform))["case_id"])
    query(database, "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'r1'")
    page = await shown(reviewer, case_id)
    assert "it was given up openly" in page
    assert 'id="claim-again"' not in page


async def test_the_case_fetched_ahead_is_in_no_list_and_known_to_the_one_in_hand(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body
) -> None:
    await report(platform, "post-2")
    assert "data-fetch" in await shown(reviewer, of(claimed))
    fetched = (await reviewer.post("/v1/queues/default/claim", json={"prefetch": True})).json()
    page = await shown(reviewer, of(claimed))
    assert "data-fetch" not in page
    assert f'data-next="{of(fetched)}"' in page
    console = (await reviewer.get("/console")).text
    assert of(claimed) in console
    assert f'href="/cases/{of(fetched)}"' not in console
    assert "data-unopened" in await shown(reviewer, of(fetched))


async def test_what_people_wrote_stays_text_on_the_page_of_ones_work(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    assert (await hold(reviewer, claimed, reason=HARMLESS)).status_code == 200
    await report(platform, "post-2")
    asked = await claim(reviewer)
    proposal = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": HARMLESS}
    body = {"lease_token": asked["lease"]["token"], "question": HARMLESS, "proposal": proposal}
    assert (await reviewer.post(f"/v1/cases/{of(asked)}/second-opinion", json=body)).status_code == 201
    await decided(colleague, await claim(colleague), note=HARMLESS)
    await report(platform, "post-3")
    given = await hand_over(colleague, await claim(colleague), to="test-reviewer", note=HARMLESS)
    assert given.status_code == 200, given.text
    answer = await reviewer.get("/work")
    assert_is_safe_page(answer)
    # Two reasons, the question, the answer and the proposal: no undo window runs here.
    assert answer.text.count(ESCAPED) == 5
    assert "test-specialist" not in answer.text
    assert "agreed" in answer.text


def lease(case_id: UUID, *, prefetched: bool = False) -> Lease:
    return Lease(uuid4(), case_id, uuid4(), datetime(2026, 11, 29, tzinfo=UTC), prefetched)


def test_nothing_is_fetched_for_who_has_begun_more_than_one() -> None:
    own, other = uuid4(), uuid4()
    assert ahead([lease(own)], own).fetch
    both = ahead([lease(own), lease(other)], own)
    assert (both.fetch, both.fetched) == (False, None)
    unopened = lease(other, prefetched=True)
    assert ahead([lease(own), unopened], own).fetched == unopened
    assert not ahead([lease(own), unopened], own).fetch
    assert ahead([lease(own), lease(uuid4()), unopened], own).fetched is None


@pytest.mark.parametrize(("hours", "offered"), [(24, [15, 60, 240, 480, 1440]), (4, [15, 60, 240]), (1, [15, 60])])
def test_a_case_is_held_no_longer_than_the_setting_allows(hours: int, offered: list[int]) -> None:
    assert hold_minutes(hours) == offered
