"""The public page: for whoever has the address, without account or script, and silent about everything else."""

import io

import httpx
import pytest
from fastapi import FastAPI

from service.appeals.filing import workflow
from service.pages.pace import Pace
from tests.service.appeals.steps import decision_days_ago, restricted
from tests.service.steps import Body, assert_error, value

SAID = {"reasons": "It was a joke <b>between</b> friends", "contact": "ana@mail.example"}


async def link(platform: httpx.AsyncClient, decision: str, **body: str) -> str:
    answer = await platform.post(f"/v1/decisions/{decision}/appeal-link", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["path"])


@pytest.fixture(autouse=True)
def _often(app: FastAPI) -> None:
    app.state.appeal_pace = Pace(each=1_000, most=1_000)


async def test_somebody_without_an_account_appeals_and_gets_a_receipt(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient, database: str, log: io.StringIO
) -> None:
    made = await restricted(platform, reviewer, note="inside only", severity=3)
    path = await link(platform, made["decision_id"])
    page = await client.get(path, headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "harassment" in page.text.lower()
    assert "The content is taken down." in page.text
    for secret in ("test-reviewer", "inside only", "please look", ">r1<", made["case"]["id"], "what post-1 says"):
        assert secret not in page.text
    assert "<script" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    wrong = await client.post(path, data={"reasons": " ", "contact": "nowhere"})
    assert wrong.status_code == 422
    assert 'value="nowhere"' in wrong.text
    long = await client.post(path, data={"reasons": "ñ" * 10_001})
    assert long.status_code == 422
    assert value(database, "SELECT count(*) FROM appeals") == 0
    sent = await client.post(path, data=SAID)
    assert sent.status_code == 201
    assert "A-1" in sent.text
    assert (await client.post(path, data=SAID)).text == sent.text, "loaded anew, it is the same receipt"
    assert value(database, "SELECT count(*) FROM appeals") == 1
    assert value(database, "SELECT via || contact FROM appeals") == "linkana@mail.example"
    token = path.rsplit("/", 1)[1]
    assert token not in log.getvalue()
    assert token not in str(value(database, "SELECT jsonb_agg(to_jsonb(e)) FROM events e"))
    assert token not in str(value(database, "SELECT jsonb_agg(to_jsonb(l)) FROM appeal_links l"))


async def test_what_goes_wrong_here_tells_no_log_the_address(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    client: httpx.AsyncClient,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = await link(platform, (await restricted(platform, reviewer))["decision_id"])

    async def breaks(*_values: object, **_named: object) -> None:
        raise RuntimeError(path)

    monkeypatch.setattr(workflow, "opened", breaks)
    assert (await client.get(path)).status_code == 500
    assert "/appeal/{token}" in log.getvalue()
    assert path.rsplit("/", 1)[1] not in log.getvalue()


async def test_unknown_used_late_and_undone_addresses_look_the_same(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    used = await link(platform, (await restricted(platform, reviewer, "p-1"))["decision_id"])
    assert (await client.post(used, data=SAID)).status_code == 201
    made = await restricted(platform, reviewer, "p-2")
    late = await link(platform, made["decision_id"])
    decision_days_ago(database, made["decision_id"], "8 months")
    paths = (f"/appeal/{'x' * 43}", "/appeal/%00%ff", used, late)
    answers = [await client.get(path) for path in paths]
    answers += [await client.post(path, data={"reasons": "Other words"}) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    spanish = await client.get(f"{used}?speak=es")
    assert 'lang="es"' in spanish.text


async def test_a_reporter_is_told_nothing_of_the_author(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    nothing: Body = {"actions": ["no_violation"], "policy_area": "benign", "severity": 0}
    made = await restricted(platform, reviewer, fields={"author": {"id": "the-author"}}, **nothing)
    path = await link(platform, made["decision_id"], side="reporter", report_id=made["case"]["reports"][0]["id"])
    page = await client.get(path)
    assert page.status_code == 200
    assert "the-author" not in page.text
    assert (await client.post(path, data=SAID)).status_code == 201
    assert value(database, "SELECT side || appellant FROM appeals") == "reporterr1"


async def test_it_answers_so_often_and_no_more_whatever_is_asked(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    path = await link(platform, (await restricted(platform, reviewer))["decision_id"])
    app.state.appeal_pace = Pace(each=2, most=10)
    assert [(await client.get("/appeal/nothing")).status_code for _ in range(3)] == [404, 404, 429]
    refused = await client.get(path)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    app.state.appeal_pace = Pace(each=10, most=10)
    big = await client.post(
        path, content=b"reasons=" + b"x" * 300_000, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert big.status_code == 400
    assert_error(await platform.post("/v1/decisions/nonsense/appeal-link", json={}), 422, "invalid_request")
