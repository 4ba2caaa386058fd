"""Logs and metrics tell what happens, and never what was said or who said it."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
import structlog
from fastapi import FastAPI

from service.observe import trace
from tests.service.steps import claim, decided, query, report

CONTENT = "words that were reported"
NOTE = "words of the reporter"


@pytest.fixture
def broken_intake(database: str) -> Iterator[None]:
    """Every report fails, and the failure quotes it."""
    query(database, "ALTER TABLE reports ADD CONSTRAINT planted CHECK (note = 'never')")
    yield
    query(database, "ALTER TABLE reports DROP CONSTRAINT planted")


async def test_a_failure_is_logged_without_what_was_sent(
    broken_intake: None, platform: httpx.AsyncClient, log: io.StringIO
) -> None:
    body = {
        "channel": "user",
        "reason": "spam",
        "note": NOTE,
        "subject": {"id": "post-1", "kind": "post", "text": CONTENT},
    }
    answer = await platform.post("/v1/reports", json=body)
    assert answer.status_code == 500
    entry = json.loads(log.getvalue())
    assert (entry["event"], entry["route"]) == ("request.failed", "/v1/reports")
    assert "take_in" in entry["trace"], "where it failed is in the log"
    for text in (answer.text, log.getvalue()):
        assert CONTENT not in text
        assert NOTE not in text


async def test_nothing_of_a_whole_case_is_in_the_log(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, log: io.StringIO, keys: dict[str, str]
) -> None:
    await report(platform, text=CONTENT, author={"id": "author-77"})
    await decided(reviewer, await claim(reviewer), note=NOTE)
    await platform.post("/v1/score", json={"texts": [CONTENT]})
    await platform.post("/v1/reports", json={"subject": {"text": CONTENT}})
    for secret in (CONTENT, NOTE, "author-77", "test-reviewer", *keys.values()):
        assert secret not in log.getvalue()


def test_a_trace_tells_places_and_types_of_the_whole_chain() -> None:
    try:
        try:
            raise KeyError("inner secret")
        except KeyError as error:
            raise RuntimeError("outer secret") from error
    except RuntimeError as error:
        told = trace(error)
    assert "RuntimeError" in told
    assert "KeyError" in told
    assert "test_a_trace_tells" in told
    assert 'raise KeyError("inner' in told, "the source line is not a value"
    assert "KeyError: " not in told


def test_libraries_log_errors_without_their_messages() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(handler)
    value = CONTENT
    try:
        raise ValueError(value)
    except ValueError:
        logger.exception("Exception in ASGI application")
    finally:
        logger.removeHandler(handler)
    assert "ValueError" in written.getvalue()
    assert CONTENT not in written.getvalue()


def test_logs_are_json_lines_on_standard_error() -> None:
    program = (
        "import structlog; from service.observe import configure_logs as c; c(); structlog.get_logger().info('a', b=1)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    entry = json.loads(done.stderr)
    assert (entry["event"], entry["level"], entry["b"]) == ("a", "info", 1)
    assert entry["timestamp"].endswith("Z")


async def test_metrics_count_by_address_template(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    case = (await report(platform))["case_id"]
    await reviewer.get(f"/v1/cases/{case}")
    await client.get("/nowhere/at/all/4711")
    text = (await client.get("/metrics")).text
    assert 'triage_http_requests_total{method="POST",route="/v1/reports",status="201"}' in text
    assert 'route="/v1/cases/{case_id}"' in text
    assert 'route="unmatched",status="404"' in text
    assert "triage_http_request_seconds_bucket" in text


async def test_metrics_hold_no_identities(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    database: str,
) -> None:
    case = (await report(platform, text=CONTENT))["case_id"]
    await decided(reviewer, await claim(reviewer))
    await client.request("BREWXYZZY", "/v1/me")
    await client.get("/v1/cases/xyzzy")
    text = (await client.get("/metrics")).text
    people = [str(one) for row in query(database, "SELECT id, username FROM principals") for one in row]
    for secret in (case, CONTENT, "post-1", "xyzzy", "XYZZY", *people, *keys.values()):
        assert secret not in text


def test_the_log_has_no_place_for_rich_tracebacks() -> None:
    processors = structlog.get_config()["processors"]
    assert structlog.processors.format_exc_info not in processors
