"""Handing out: every statement once, at most a hundred at a time, and the same batch again until it is answered for."""

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import __main__ as command
from service.ids import new_id
from service.statements.transparency import BATCH
from tests.service.statements.steps import WHOLE
from tests.service.steps import Body, assert_error, claim, connected, decided, query, report, value

EXPORT, CONFIRM = "/v1/statements/export", "/v1/statements/export/confirm"


@pytest.fixture
async def one(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> Body:
    """A decided case; its statement is ready at once."""
    await report(platform)
    claimed = await claim(reviewer)
    await decided(reviewer, claimed)
    return claimed


def more(database: str, count: int) -> list[str]:
    """Further statements like the first; their puids. Each is of a decision of its own, as far as the index can tell."""
    puids = [f"ct-{new_id()}" for _ in range(count)]
    payloads = [json.dumps(WHOLE | {"puid": puid}) for puid in puids]
    with connected(database) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = 'replica'")
        connection.execute(
            "INSERT INTO statements (id, decision_id, case_id, puid, policy_area, payload, told, language, notice, ready_at)"
            " SELECT gen_random_uuid(), gen_random_uuid(), s.case_id, one.puid, s.policy_area, one.payload::jsonb, s.told, 'en', '',"
            " now() FROM (SELECT * FROM statements ORDER BY number LIMIT 1) s, unnest(%s::text[], %s::text[]) AS one (puid, payload)",
            [puids, payloads],
        )
    return puids


async def export(lead: httpx.AsyncClient, after: int = 0) -> Any:
    answer = await lead.get(EXPORT, params={"after": after})
    assert answer.status_code in (200, 204), answer.text
    return answer.json() if answer.content else None


def puids_of(batch: Body) -> list[str]:
    return [one["puid"] for one in batch["statements"]]


async def confirm(lead: httpx.AsyncClient, batch: int, **said: Any) -> httpx.Response:
    return await lead.post(CONFIRM, json={"batch": batch, **said})


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
async def test_batches_are_disjoint_complete_small_and_the_same_on_retry(
    lead: httpx.AsyncClient, one: Body, database: str, seed: int
) -> None:
    chance = random.Random(seed)
    query(database, "UPDATE statements SET state = 'made', batch = NULL, published_at = NULL, refused_message = NULL")
    query(database, "DELETE FROM statement_batches")
    query(database, "DELETE FROM statements WHERE number > (SELECT min(number) FROM statements)")
    expected = {value(database, "SELECT puid FROM statements"), *more(database, chance.randrange(1, 230))}
    taken: list[str] = []
    refused: set[str] = set()
    waiting: set[str] = set()
    for _ in range(40):
        batch = await export(lead)
        if batch is None:
            break
        members = puids_of(batch)
        assert 1 <= len(members) <= BATCH
        assert len(set(members)) == len(members)
        assert not set(members) & (set(taken) | refused)
        # Whoever asks again, while more is made meanwhile, is given the same.
        waiting |= set(more(database, chance.randrange(0, 5)))
        assert await export(lead) == batch
        bad = chance.sample(members, chance.randrange(0, min(3, len(members)) + 1)) if chance.random() < 0.5 else []
        said = {"refused": [{"puid": puid, "message": "The field is invalid."} for puid in bad]} if bad else {}
        done = (await confirm(lead, batch["batch"], **said)).json()
        assert done == (await confirm(lead, batch["batch"], **said)).json(), "the same answer twice is one"
        if bad:
            refused |= set(bad)
            assert (done["published"], done["refused"], done["again"]) == (0, len(bad), len(members) - len(bad))
        else:
            taken += members
            assert done["published"] == len(members)
    assert len(taken) == len(set(taken))
    assert set(taken) | refused == expected | waiting
    assert {puid for (puid,) in query(database, "SELECT puid FROM statements WHERE state = 'published'")} == set(taken)


async def test_two_at_once_share_what_is_ready(lead: httpx.AsyncClient, one: Body, database: str) -> None:
    expected = {value(database, "SELECT puid FROM statements"), *more(database, 149)}
    first, second = await asyncio.gather(export(lead, 10**6), export(lead, 10**6))
    both = [*puids_of(first), *puids_of(second)]
    assert max(first["count"], second["count"]) <= BATCH
    assert (len(both), set(both)) == (len(expected), expected)


async def test_a_refused_one_is_mended_and_goes_out_under_its_puid(
    lead: httpx.AsyncClient, reviewer: httpx.AsyncClient, one: Body
) -> None:
    batch = await export(lead)
    [puid] = puids_of(batch)
    said = [{"puid": puid, "message": "The content date is invalid."}]
    assert (await confirm(lead, batch["batch"], refused=said)).json()["refused"] == 1
    assert await export(lead) is None
    [line] = (await lead.get("/v1/statements", params={"state": "refused"})).json()["statements"]
    assert line["refused_message"] == "The content date is invalid."
    address = f"/v1/statements/{line['id']}/mend"
    assert_error(await lead.post(address, json={"decision_facts": "Ask @ana"}), 422, "personal_data")
    assert_error(await lead.post(address, json={"content_date": "2031-01-01"}), 422, "statement_incomplete")
    mended = await lead.post(address, json={"content_date": "2026-11-02", "decision_facts": "It is an insult."})
    assert mended.status_code == 200, mended.text
    assert "It is an insult." in mended.json()["notice"]
    again = await export(lead)
    assert [(one["puid"], one["content_date"]) for one in again["statements"]] == [(puid, "2026-11-02")]
    assert_error(await lead.post(address, json={}), 409, "statement_settled")
    assert_error(await reviewer.get(EXPORT), 403, "forbidden")


async def test_answers_that_do_not_fit_are_refused(lead: httpx.AsyncClient, one: Body, database: str) -> None:
    more(database, 1)
    batch = await export(lead)
    first, second = puids_of(batch)
    refusal = {"puid": first, "message": "no"}
    assert_error(await confirm(lead, batch["batch"] + 9), 404, "not_found")
    assert_error(await confirm(lead, batch["batch"], refused=[{"puid": "x", "message": "no"}]), 422, "invalid_request")
    assert_error(await confirm(lead, batch["batch"], refused=[refusal], known=[first]), 422, "invalid_request")
    assert_error(await confirm(lead, batch["batch"], refused=[refusal, refusal]), 422, "invalid_request")
    # A post whose answer was lost: the database has one of them already, so it took none of the others.
    done = (await confirm(lead, batch["batch"], known=[first])).json()
    assert (done["published"], done["again"]) == (1, 1)
    assert_error(await confirm(lead, batch["batch"]), 409, "statement_settled")
    assert puids_of(await export(lead)) == [second]


async def test_what_can_be_undone_and_samples_are_not_handed_out(
    lead: httpx.AsyncClient, one: Body, database: str
) -> None:
    query(database, "UPDATE statements SET ready_at = now() + interval '1 minute'")
    assert await export(lead) is None
    query(database, "UPDATE statements SET ready_at = now()")
    query(database, "UPDATE cases SET sample = true")
    assert await export(lead) is None
    assert (await lead.get("/v1/statements/counts")).json()["counts"] == []


async def test_figures_are_counted_by_code(lead: httpx.AsyncClient, one: Body, database: str) -> None:
    more(database, 2)
    query(
        database,
        "UPDATE statements SET state = 'withdrawn', withdrawn_at = now() WHERE number = (SELECT max(number) FROM statements)",
    )
    counts = (await lead.get("/v1/statements/counts")).json()["counts"]
    told = {(one["field"], one["code"]): one["count"] for one in counts}
    assert told["state", "ready"] == 2
    assert told["state", "withdrawn"] == 1
    assert told["category", "STATEMENT_CATEGORY_CYBER_VIOLENCE"] == 2
    assert sum(number for (field, _), number in told.items() if field == "automated_decision") == 2
    table = (await lead.get("/v1/statements/counts.csv")).text.splitlines()
    assert table[0] == "field,code,statements"
    assert "state,ready,2" in table


async def test_the_command_writes_the_same_files_until_they_are_confirmed(
    app: FastAPI,
    one: Body,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more(database, 120)
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["service", "statements", *arguments])
        assert command.main() == 0
        return capsys.readouterr().out

    out = tmp_path / "batches"
    told = await asyncio.to_thread(run, "--out", str(out))
    assert told.startswith("121 statements in 2 batches")
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(out.iterdir())}
    assert [len(json.loads(text)["statements"]) for text in files.values()] == [100, 21]
    await asyncio.to_thread(run, "--out", str(out))
    assert {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()} == files
    number = str(value(database, "SELECT min(number) FROM statement_batches"))
    assert "100 statements" in await asyncio.to_thread(run, "--confirm", number)
    assert value(database, "SELECT count(*) FROM statements WHERE state = 'published'") == 100
