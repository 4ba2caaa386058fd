"""The application as a whole: its described interface, and answers in one form whoever asks."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.service.steps import assert_error, claim, decide, report

# What others rely on, with the fields that must exist; more may.
INTERFACE: dict[str, tuple[int, set[str]]] = {
    "post /v1/reports": (201, {"report_id", "case_id", "case_status"}),
    "post /v1/media": (201, {"media_id", "kind", "status"}),
    "post /v1/score": (200, {"bundle", "results"}),
    "get /v1/queues": (200, {"queues"}),
    "post /v1/queues/{queue}/claim": (200, {"case", "lease"}),
    "post /v1/cases/{case_id}/lease/renew": (200, {"expires_at"}),
    "post /v1/cases/{case_id}/lease/release": (204, set()),
    "post /v1/cases/{case_id}/decisions": (201, {"decision_id", "undo_until"}),
    "get /v1/cases/{case_id}": (200, {"id", "subject", "reports", "score", "rank", "media", "decisions", "events"}),
    "get /v1/media/{media_id}/preview": (200, set()),
    "post /v1/media/{media_id}/reveal": (200, {"url", "expires_at", "exposure_id"}),
    "get /livez": (200, set()),
    "get /readyz": (200, set()),
    "get /metrics": (200, set()),
}


@pytest.fixture
def description(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def fields(description: dict[str, Any], content: dict[str, Any]) -> set[str]:
    """Names of the fields of a JSON answer, through the reference to its schema."""
    schema = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    found = description["components"]["schemas"].get(name, schema)
    return set(found.get("properties", ()))


@pytest.mark.parametrize("call", INTERFACE)
def test_the_promised_interface_is_described(description: dict[str, Any], call: str) -> None:
    method, _, path = call.partition(" ")
    status, promised = INTERFACE[call]
    responses = description["paths"][path][method]["responses"]
    assert str(status) in responses
    assert fields(description, responses[str(status)].get("content", {})) >= promised


def test_the_description_is_plain_json_and_complete(description: dict[str, Any]) -> None:
    text = json.dumps(description)
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= set(description["components"]["schemas"])
    doubled = [name for name in description["components"]["schemas"] if "__" in name]
    assert not doubled, f"two wire types have one name; give each a name of its own: {doubled}"
    assert description["info"]["title"] == "content-triage"
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), f"{method} {path}"


async def test_the_description_is_served(client: httpx.AsyncClient, description: dict[str, Any]) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == description


def test_reports_describe_every_limit(description: dict[str, Any]) -> None:
    subject = description["components"]["schemas"]["SubjectIn"]["properties"]
    assert subject["text"]["maxLength"] == 100_000
    assert subject["media"]["maxItems"] == 10
    parameters = description["paths"]["/v1/reports"]["post"]["parameters"]
    assert [one["name"].lower() for one in parameters] == ["idempotency-key"]


async def test_answers_are_what_the_description_says(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, description: dict[str, Any]
) -> None:
    filed = await report(platform)
    claimed = await claim(reviewer)
    made = (await decide(reviewer, claimed)).json()
    case = (await reviewer.get(f"/v1/cases/{filed['case_id']}")).json()
    schemas = description["components"]["schemas"]
    for body, name in (
        (filed, "ReportAccepted"),
        (claimed, "ClaimOut"),
        (claimed["case"], "CaseOut"),
        (claimed["lease"], "LeaseOut"),
        (made, "DecisionMade"),
        (case, "CaseHistoryOut"),
    ):
        assert set(body) == set(schemas[name]["properties"]), name


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*", ""])
async def test_a_machine_gets_json_whatever_it_accepts(client: httpx.AsyncClient, accept: str) -> None:
    headers = {"Accept": accept}
    assert_error(await client.get("/v1/nowhere", headers=headers), 404, "not_found")
    assert_error(await client.get("/v1/me", headers=headers), 401, "not_signed_in")


async def test_a_person_who_followed_a_wrong_link_gets_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_browser_on_another_origin_is_given_no_access(client: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    for answer in (
        await client.options("/v1/reports", headers=headers),
        await client.get("/v1/me", headers=headers),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
