"""Calibration: made of what was disputed, agreed on, ended with guidance, taken along without names."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

from tests.service.quality.verbs import ALLOWED, RIGHT, make_golden, restrict, settled_otherwise
from tests.service.steps import Body, assert_error, query

HOSTILE = "# not a heading | <b>nor</b> bold"


def session_body(**fields: object) -> Body:
    now = datetime.now(UTC)
    since, until = (now - timedelta(days=7)).isoformat(), (now + timedelta(minutes=1)).isoformat()
    return {"title": "Week 48", "since": since, "until": until, **fields}


async def begun(lead: httpx.AsyncClient) -> Body:
    answer = await lead.post("/v1/qa/calibrations", json=session_body())
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_from_dispute_to_pack_and_golden_item(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    session = await begun(lead)
    [item] = session["contents"]
    assert item["settled"] == ALLOWED
    assert len(item["answers"]) == 2
    assert_error(await make_golden(lead, item, calibration_id=session["id"]), 409, "check_settled")
    path = f"/v1/qa/calibrations/{session['id']}"
    agreed = {**RIGHT, "severity": 3, "note": HOSTILE}
    assert (await lead.put(f"{path}/items/{item['item_id']}", json=agreed)).status_code == 204
    assert_error(await lead.put(f"{path}/items/{uuid4()}", json=agreed), 404, "not_found")
    golden = await make_golden(lead, item, calibration_id=session["id"])
    assert golden.json()["answer"] == {**RIGHT, "severity": 3}
    assert (await lead.post(f"{path}/close", json={"guidance": "Quotes stay."})).status_code == 204
    assert_error(await lead.put(f"{path}/items/{item['item_id']}", json=agreed), 409, "check_settled")
    assert_error(await lead.post(f"{path}/close", json={"guidance": "Again."}), 409, "check_settled")
    pack = (await lead.get(f"{path}/pack")).json()
    assert pack["guidance"] == "Quotes stay."
    assert [one["level"] for one in pack["severities"]] == [0, 1, 2, 3, 4]
    assert [area["id"] for area in pack["areas"]] == ["harassment"]
    answer = await lead.get(f"{path}/pack?format=markdown")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    # What people wrote stands in a code block inside a quote: it formats nothing.
    assert f">     {HOSTILE}\n" in answer.text
    assert [line for line in answer.text.splitlines() if line.startswith("# ")] == ["# Week 48"]
    for [name, person] in query(database, "SELECT username, id FROM principals"):
        assert name not in answer.text
        assert str(person) not in answer.text + str(pack)
    assert (await lead.get("/v1/qa/calibrations")).json()["sessions"][0]["agreed"] == 1


async def test_nothing_disputed_is_no_session(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, checker: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    early = session_body(until=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    assert_error(await lead.post("/v1/qa/calibrations", json=early), 422, "invalid_request")
    assert (await lead.get("/v1/qa/calibrations")).json()["sessions"] == []
    assert_error(await lead.get(f"/v1/qa/calibrations/{uuid4()}"), 404, "not_found")


async def test_content_of_restricted_queues_is_in_no_pack(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    session = await begun(lead)
    restrict(database)
    assert (await lead.get(f"/v1/qa/calibrations/{session['id']}/pack")).json()["items"] == []
    assert_error(await lead.post("/v1/qa/calibrations", json=session_body()), 422, "invalid_request")
