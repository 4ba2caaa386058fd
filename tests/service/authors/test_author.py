"""What is known of an author: decisions on their other cases, for those who may see them, and not a word of content."""

import httpx

from tests.service.routing.steps import make_queue, rule, save
from tests.service.steps import Body, claim, decided, report


async def about(person: httpx.AsyncClient, case_id: str) -> Body:
    answer = await person.get(f"/v1/cases/{case_id}/author")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_other_cases_of_the_author_come_with_what_was_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform, "first", text="secret words of the first")
    first = await claim(reviewer)
    await decided(reviewer, first, policy_area="spam", severity=1)
    waiting = await report(platform, "second")
    own = await report(platform, "third")
    await report(platform, "elsewhere", author={"id": "somebody else"})
    found = await about(reviewer, own["case_id"])
    assert (found["author_id"], found["count"], found["decided"]) == ("a1", 2, 1)
    assert found["standing"]["count"] == 1
    earlier, other = found["cases"]
    assert earlier["case_id"] == first["case"]["id"]
    assert (earlier["decided"]["policy_area"], earlier["decided"]["severity"]) == ("spam", 1)
    assert (other["case_id"], other["status"], other["decided"]) == (waiting["case_id"], "open", None)
    assert "secret" not in str(found)


async def test_cases_of_queues_that_are_not_the_callers_are_left_out(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    await make_queue(lead, "closed", restricted=True)
    assert (await lead.put("/v1/queues/closed/members/test-specialist")).status_code < 300
    await save(lead, rule("Ads", "closed", kinds=["ad"]))
    await report(platform, "an ad", kind="ad")
    own = await report(platform, "a post")
    assert (await about(reviewer, own["case_id"]))["count"] == 0
    assert (await about(colleague, own["case_id"]))["count"] == 1


async def test_nobody_known_is_nobody(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    case = await report(platform, author=None)
    found = await about(reviewer, case["case_id"])
    assert (found["author_id"], found["standing"], found["cases"]) == (None, None, [])
