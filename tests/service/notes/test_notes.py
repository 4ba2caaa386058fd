"""Notes on cases: for colleagues, never changed, masked like any text, and kept from who must judge alone."""

import re

import httpx
import psycopg
import pytest

from service.notes.workflow import MOST
from tests.service.holds.verbs import take
from tests.service.steps import Body, query

WORD = "whore"


async def notes(person: httpx.AsyncClient, claimed: Body) -> list[tuple[str, bool]]:
    answer = await person.get(f"/v1/cases/{claimed['case']['id']}/notes")
    assert answer.status_code == 200, answer.text
    return [(one["body"], one["mine"]) for one in answer.json()["notes"]]


async def note(person: httpx.AsyncClient, claimed: Body, body: str) -> httpx.Response:
    return await person.post(f"/v1/cases/{claimed['case']['id']}/notes", json={"body": body})


async def test_a_note_is_read_by_colleagues_without_its_author(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    assert (await note(reviewer, claimed, " the team in Madrid knows them ")).status_code == 201
    assert await notes(reviewer, claimed) == [("the team in Madrid knows them", True)]
    assert await notes(colleague, claimed) == [("the team in Madrid knows them", False)]
    [(data,)] = query(database, "SELECT data::text FROM events WHERE kind = 'case.noted'")
    assert "Madrid" not in data
    with pytest.raises(psycopg.errors.RestrictViolation):
        query(database, "UPDATE case_notes SET body = 'something else' RETURNING id")


async def test_nothing_and_too_much_are_refused(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    for body in ("", "   ", "x" * 2_001, "\0"):
        assert (await note(reviewer, claimed, body)).status_code == 422, body
    written = """
        INSERT INTO case_notes (id, case_id, written_by, body)
        SELECT gen_random_uuid(), %s, id, 'one of many' FROM principals, generate_series(1, %s)
        WHERE username = 'test-reviewer' RETURNING id
    """
    query(database, written, claimed["case"]["id"], MOST)
    refused = await note(reviewer, claimed, "one too many")
    assert refused.status_code == 422
    assert str(MOST) in refused.json()["detail"]


async def test_who_gives_a_second_opinion_reads_no_note_of_who_asked(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    await note(reviewer, claimed, "clearly harassment, I would remove it")
    proposal = {"actions": ["remove"], "policy_area": "harassment", "severity": 2, "note": ""}
    body = {"lease_token": claimed["lease"]["token"], "question": "sure?", "proposal": proposal}
    assert (await reviewer.post(f"/v1/cases/{claimed['case']['id']}/second-opinion", json=body)).status_code == 201
    await take(colleague, claimed)
    assert await notes(colleague, claimed) == []
    assert len(await notes(reviewer, claimed)) == 1
    assert "clearly harassment" not in (await colleague.get(f"/cases/{claimed['case']['id']}")).text


async def test_a_masked_word_of_a_note_is_shown_on_request(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    await note(reviewer, claimed, f"calls him a {WORD} every day")
    page = (await reviewer.get(f"/cases/{claimed['case']['id']}")).text
    assert "calls him a" in page
    assert WORD not in page
    [of] = re.findall(r'data-of="([0-9a-f]{16})"', page)
    shown = await reviewer.get(f"/v1/cases/{claimed['case']['id']}/spans/{of}")
    assert shown.json() == {"words": [WORD]}
