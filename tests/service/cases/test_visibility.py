"""A case that is not somebody's to see is told from one that does not exist by no call."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of
from tests.service.steps import Body, decision_body, query, report, row_counts, value

DUE: Body = {"kind": "legal", "basis": "DSA Art. 16", "due_at": "2030-01-01T00:00:00+00:00"}
LEASE: Body = {"lease": {"token": str(uuid4())}}
PROPOSAL: Body = {key: one for key, one in decision_body(LEASE).items() if key != "lease_token"}
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("GET", "/why", None),
    ("GET", "/actions", None),
    ("GET", "/hints", None),
    ("GET", f"/spans/{'0' * 16}", None),
    ("GET", "/clocks", None),
    ("POST", "/clocks", DUE),
    ("GET", "/skips", None),
    ("GET", "/similar", None),
    ("POST", "/cluster/preview", {}),
    ("POST", "/cluster/decide", decision_body(LEASE, preview_token="x")),
    ("POST", "/second-opinion", {"lease_token": str(uuid4()), "question": "well?", "proposal": PROPOSAL}),
    ("POST", "/decisions", decision_body(LEASE)),
    ("POST", "/claim", None),
]


@pytest.fixture
async def hidden(platform: httpx.AsyncClient, database: str) -> str:
    """A case of a queue that nobody is in, which was kept back for the lead once and no longer is."""
    case_id = str((await report(platform))["case_id"])
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    query(
        database,
        "UPDATE cases SET queue = 'few', held_for = (SELECT id FROM principals WHERE role = 'lead'), held_as = 'hold'",
    )
    return case_id


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
async def test_it_is_answered_like_one_that_does_not_exist(
    app: FastAPI, keys: dict[str, str], hidden: str, database: str, method: str, path: str, body: Any
) -> None:
    before, unknown = row_counts(database), str(uuid4())
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        answers = [await lead.request(method, f"/v1/cases/{one}{path}", json=body) for one in (hidden, unknown)]
    assert answers[0].text.replace(hidden, unknown) == answers[1].text
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].status_code in ({409} if body and "lease_token" in body else {404})
    assert row_counts(database) == before


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("UPDATE cases SET status = 'held', held_until = now() + interval '1 hour'", True),
        ("UPDATE cases SET lease_holder = held_for, held_for = NULL, held_as = NULL", True),
        ("INSERT INTO queue_members (queue, principal_id) SELECT 'few', held_for FROM cases", True),
        ("UPDATE queues SET restricted = false WHERE name = 'few'", True),
        ("UPDATE cases SET status = 'decided', decided_at = now()", False),
    ],
    ids=["kept back for them", "in their hands", "named in the queue", "queue for everybody", "decided since"],
)
async def test_one_rule_says_who_sees_it(
    app: FastAPI, keys: dict[str, str], hidden: str, database: str, change: str, seen: bool
) -> None:
    query(database, change)
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        for path in ("", "/why", "/actions", "/clocks", "/skips", "/similar"):
            assert (await lead.get(f"/v1/cases/{hidden}{path}")).status_code == (200 if seen else 404), path
    person = value(database, "SELECT id FROM principals WHERE role = 'reviewer'")
    # Of a queue for few nobody else sees anything, whatever they oversee.
    assert value(database, "SELECT may_see_case(%s, %s, '{reviewer,lead}')", hidden, person) is change.startswith(
        "UPDATE queues"
    )
