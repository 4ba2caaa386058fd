"""Nobody is handed a check whose answer the product has shown them, or shows them meanwhile."""

import httpx
import pytest

from service.quality.reviews import store, workflow
from tests.service.quality.verbs import (
    ALLOWED,
    OTHER,
    adjudicate,
    checked,
    decide_together,
    decided_case,
    disputed,
    gets,
    make_golden,
    objects,
    plan,
    say,
    settled_otherwise,
    take,
    told,
)
from tests.service.steps import assert_error, query

# The golden item that `settled_otherwise` leads to is of the second.
SPAM_OR_NOTHING = {"scope": {"areas": ["spam", "benign"]}}


async def test_not_whoever_judged_its_label_or_made_the_plan(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decided_case(platform, reviewer, "post-1")
    suspect = "INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area) VALUES (%s, 'b', 0.1, 'spam')"
    query(database, suspect, made["decision_id"])
    resolved = await checker.post(
        f"/v1/labels/suspects/{made['decision_id']}/resolve", json={"outcome": "label_stands"}
    )
    assert resolved.status_code == 200, resolved.text
    await plan(lead, reviews=2)
    assert await gets(checker) is None
    assert await gets(lead) is None
    assert await gets(third) == "post-1"
    assert await gets(manager) == "post-1"


async def test_not_whoever_reads_what_golden_items_and_calibrations_hold(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    database: str,
) -> None:
    item = await settled_otherwise(platform, reviewer, checker, lead)
    assert (await make_golden(lead, item)).status_code == 201
    await decided_case(platform, reviewer, "post-2", **OTHER)
    await plan(lead, "second", golden_share=0.5, reviews=2, **SPAM_OR_NOTHING)
    query(database, "UPDATE qa_items SET place = 0 WHERE golden_id IS NOT NULL")
    # A manager reads the answer in the list of golden items.
    assert await gets(manager) == "post-2"
    assert await gets(third) == "post-1"
    # The same content as a plain item of another plan is no different.
    await plan(lead, "third", reviews=2, scope={"areas": ["harassment"]})
    assert (await say(manager, await take(manager))).status_code == 200
    assert await gets(manager) is None


async def test_not_whoever_reads_a_calibration(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    period = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    assert (await lead.post("/v1/qa/calibrations", json={"title": "Week", **period})).status_code == 201
    await plan(lead, "second")
    assert await gets(manager) is None
    assert await gets(third) == "post-1"


async def test_not_whoever_decided_for_the_same_cluster_and_its_answers_are_hidden_as_well(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    database: str,
) -> None:
    made = [await decided_case(platform, reviewer, f"post-{number}") for number in range(2)]
    decide_together(database, made)
    await plan(lead, reviews=2)
    query(database, "UPDATE qa_items SET place = 0 WHERE case_id = %s", made[0]["case"]["id"])
    await checked(checker, **ALLOWED)
    # What holds for the one is what was decided for the other.
    assert await gets(checker) is None
    await checked(third, **ALLOWED)
    [item] = await disputed(colleague)
    assert item["subject"]["text"] == "what post-0 says"
    assert not {"views_per_hour", "reporter"} & {*item["subject"], *item["reports"][0]}
    assert await gets(manager) == "post-1"
    assert await disputed(manager) == []
    await adjudicate(colleague, item, **ALLOWED)
    assert (await make_golden(manager, item)).status_code == 409
    assert (await make_golden(lead, item)).status_code == 201
    assert (await manager.get("/v1/qa/golden")).json()["golden"] == []
    period = {"title": "Week", "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    assert len((await lead.get("/v1/qa/golden")).json()["golden"]) == 1
    assert_error(await manager.post("/v1/qa/calibrations", json=period), 422, "invalid_request")
    session = (await lead.post("/v1/qa/calibrations", json=period)).json()
    assert len(session["contents"]) == 1
    assert (await manager.get(f"/v1/qa/calibrations/{session['id']}")).json()["contents"] == []
    [one] = await told(reviewer)
    assert (await objects(reviewer, one)).status_code == 204
    assert [len((await person.get("/v1/qa/objections")).json()["objections"]) for person in (manager, lead)] == [0, 1]


async def test_not_whoever_was_shown_a_dispute_or_an_objection(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    await checked(checker, **ALLOWED)
    # The specialist reads all answers, by the call or by the page, and leaves them to somebody else.
    page = await colleague.get("/qa/disputed")
    assert "what post-1 says" in page.text
    await plan(lead, "second", reviews=3)
    assert await gets(colleague) is None
    # Having read does not keep anybody from settling it.
    [item] = await disputed(colleague)
    # Who has read nothing of it checks it; the decision is hidden from them from here on.
    check = await take(manager)
    assert await disputed(manager) == []
    assert (await colleague.post(f"/v1/qa/items/{item['item_id']}/adjudicate", json=ALLOWED)).status_code == 201
    assert (await say(manager, check)).status_code == 200
    [told] = (await reviewer.get("/v1/qa/feedback")).json()["feedback"]
    objected = await reviewer.post(f"/v1/qa/feedback/{told['id']}/dispute", json={"objection": "it is no quote"})
    assert objected.status_code == 204
    assert await gets(third) == "post-1"


async def test_not_whoever_was_shown_an_objection_alone(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    [told] = (await reviewer.get("/v1/qa/feedback")).json()["feedback"]
    await reviewer.post(f"/v1/qa/feedback/{told['id']}/dispute", json={"objection": "it is no quote"})
    assert len((await colleague.get("/v1/qa/objections")).json()["objections"]) == 1
    await plan(lead, "second")
    assert await gets(colleague) is None
    assert await gets(manager) == "post-1"


async def test_not_whoever_was_shown_its_label_in_doubt(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    made = [await decided_case(platform, reviewer, f"post-{number}") for number in range(2)]
    suspect = "INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area) VALUES (%s, 'b', %s, 'spam')"
    for place, one in enumerate(made):
        query(database, suspect, one["decision_id"], 0.1 + place / 10)
    # The page shows one of the two, and the other one can still be judged blindly.
    assert "what post-0 says" in (await checker.get("/qa/suspects")).text
    await plan(lead, reviews=2)
    query(database, "UPDATE qa_items SET place = 0 WHERE case_id = %s", made[0]["case"]["id"])
    assert await gets(checker) == "post-1"
    assert await gets(third) == "post-0"


async def test_the_record_of_a_reporter_leaves_out_what_is_being_checked(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    before = (await lead.get("/v1/reporters/r1")).json()
    assert before["outcomes"] == {"upheld": 1, "dismissed": 0}
    assert before["tally"] == {"upheld": 1, "dismissed": 0}
    await plan(manager)
    check = await take(lead)
    during = (await lead.get("/v1/reporters/r1")).json()
    nothing = {"upheld": 0, "dismissed": 0}
    assert (during["outcomes"], during["tally"], during["tally_as_of"]) == (nothing, nothing, None)
    assert during["likelihood_ratio"] == 1
    assert (await manager.get("/v1/reporters/r1")).json() == before
    assert (await say(lead, check)).status_code == 200
    assert (await lead.get("/v1/reporters/r1")).json() == before


async def test_the_first_items_being_known_does_not_hide_the_others(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "LOOKED_AT_FIRST", 1)
    monkeypatch.setattr(workflow, "COUNTED_DISPUTED", 1)
    own = await decided_case(platform, checker, "post-1")
    for number in (2, 3):
        await decided_case(platform, reviewer, f"post-{number}")
    await plan(lead)
    query(database, "UPDATE qa_items SET place = 0 WHERE case_id = %s", own["case"]["id"])
    for _ in range(2):
        await checked(checker, **OTHER)
    assert await gets(checker) is None
    # Counting stops at a limit; what is shown is not more than what is counted.
    assert (await colleague.get("/v1/qa/disputed")).json()["total"] == 1
