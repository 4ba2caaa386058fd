"""What is preserved is not removed by anything; longer takes one person, shorter two, and time alone ends nothing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.media.leftovers.workflow import sweep
from service.restricted.preservations.bases import BASES
from service.restricted.preservations.workflow import tell_endings
from service.samples.load import remove_samples
from service.settings import Settings
from tests.service.banks.conftest import upload
from tests.service.escalations.steps import opened
from tests.service.media.console import stored_files
from tests.service.media.pictures import jpeg, scene
from tests.service.steps import Body, assert_error, query, report, rewrite, value


def later(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def preserved(person: httpx.AsyncClient, record: UUID, days: float = 365, **fields: object) -> Body:
    body = {"basis": BASES[0].text, "until": later(days), "reason": "Reported to NCMEC", **fields}
    answer = await person.post(f"/v1/escalations/{record}/preservations", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["preservations"][0])


def passed(database: str, preservation: str) -> None:
    rewrite(
        database,
        "UPDATE preservations SET starts_at = now() - interval '9 days', until = now() - interval '1 day' WHERE id = %s",
        preservation,
    )


async def test_longer_takes_one_person_and_shorter_two(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, second: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    record = await opened(app, database)
    one = await preserved(colleague, record)
    path = f"/v1/escalations/{record}/preservations/{one['id']}"
    longer = (await colleague.post(f"{path}/end", json={"until": later(500), "reason": "Asked to"})).json()
    assert longer["until"] > one["until"]
    for until in (later(30), None):
        waits = (await colleague.post(f"{path}/end", json={"until": until, "reason": "Not needed"})).json()
        assert (waits["until"], waits["state"]) == (longer["until"], "kept")
        assert_error(
            await second.post(f"{path}/end", json={"until": later(40), "reason": "Mine"}), 409, "change_waiting"
        )
        assert_error(await colleague.post(f"{path}/confirm"), 409, "second_person_needed")
        assert (await colleague.post(f"{path}/decline")).json()["until"] == longer["until"]
    await colleague.post(f"{path}/end", json={"until": later(30), "reason": "Not needed"})
    shorter = (await second.post(f"{path}/confirm")).json()
    assert shorter["until"] < one["until"]
    assert_error(await second.post(f"{path}/confirm"), 409, "change_settled")
    # Nor does the database let anybody, once it was longer again neither to what was confirmed before.
    confirmed = shorter["until"]
    await colleague.post(f"{path}/end", json={"until": later(90), "reason": "Asked to again"})
    for change in (f"until = '{confirmed}'", "until = now() + interval '1 day'", "ended_at = now()"):
        with pytest.raises(psycopg.errors.RaiseException, match="two people"):
            query(database, f"UPDATE preservations SET {change}")
    with pytest.raises(psycopg.errors.RaiseException, match="never removed"):
        query(database, "DELETE FROM preservations")
    await colleague.post(f"{path}/end", json={"until": None, "reason": "The case is closed"})
    assert (await lead.post(f"{path}/confirm")).json()["state"] == "ended"
    assert_error(await lead.post(f"{path}/end", json={"until": later(9), "reason": "Again"}), 409, "change_settled")


async def test_what_is_set_belongs_to_the_record(
    app: FastAPI, platform: httpx.AsyncClient, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    inside, outside = (await report(platform, "inside")), (await report(platform, "outside"))
    record = await opened(app, database, cases=[inside["case_id"]])
    path = f"/v1/escalations/{record}/preservations"
    body = {"basis": "Order 7", "until": later(90), "reason": "Ordered", "scope": "case"}
    assert (await colleague.post(path, json={**body, "target": inside["case_id"]})).status_code == 201
    for refused in (
        {**body, "target": outside["case_id"]},
        {**body, "target": str(uuid4())},
        body,
        {**body, "scope": "record", "target": inside["case_id"]},
        {**body, "target": inside["case_id"], "until": later(-1)},
        {**body, "target": inside["case_id"], "until": later(4000)},
    ):
        assert_error(await colleague.post(path, json=refused), 422, "invalid_request")
    hidden = await opened(app, database, confidentiality="restricted", path="child_safety")
    assert_error(await lead.get(f"/v1/escalations/{hidden}/preservations"), 404, "not_found")


@pytest.mark.parametrize("scope", ["record", "case", "evidence", "subject", "media"])
async def test_no_clearing_job_removes_what_is_preserved(
    app: FastAPI,
    settings: Settings,
    platform: httpx.AsyncClient,
    database: str,
    colleague: httpx.AsyncClient,
    second: httpx.AsyncClient,
    scope: str,
) -> None:
    media = [await upload(platform, jpeg(scene(*size))) for size in ((40, 30), (50, 30))]
    kept, gone = [await report(platform, f"post-{number}", media=[one]) for number, one in enumerate(media)]
    query(database, "UPDATE media SET sample = true")
    for table in ("subjects", "cases"):
        query(database, f"UPDATE {table} SET sample = true")
    record = await opened(app, database, cases=[kept["case_id"]])
    [(case, evidence, subject)] = query(
        database, "SELECT id, evidence_id, subject_id FROM cases WHERE id = %s", kept["case_id"]
    )
    targets = {"case": case, "evidence": evidence, "subject": subject, "media": media[0]}
    one = await preserved(colleague, record, scope=scope, target=str(targets[scope]) if scope in targets else None)
    files = set(stored_files(settings))
    for table in ("cases", "media", "evidence", "subjects", "reports", "evidence_media"):
        with pytest.raises((psycopg.errors.RaiseException, psycopg.errors.IntegrityError)):
            query(database, f"DELETE FROM {table}")
    with pytest.raises(psycopg.errors.RaiseException, match="is preserved"):
        query(database, "UPDATE evidence SET text = ''")
    await remove_samples(settings, database)
    left = {
        table: value(database, f"SELECT count(*) FROM {table}") for table in ("cases", "subjects", "evidence", "media")
    }
    assert left == {"cases": 1, "subjects": 1, "evidence": 1, "media": 1}
    assert value(database, "SELECT count(*) FROM cases WHERE id = %s", gone["case_id"]) == 0
    assert set(stored_files(settings)) < files
    # A medium that lets its files go, as one that is rendered anew, leaves them where they are.
    before = set(stored_files(settings))
    query(database, "DELETE FROM media_derivatives")
    query(database, "UPDATE media SET uploaded_as = 'elsewhere', stored_as = NULL, status = 'pending'")
    assert await sweep(app.state.engine, app.state.storage) == 0
    assert set(stored_files(settings)) == before
    # Time alone ends nothing; one person may end what has passed, and only then is it cleared.
    passed(database, one["id"])
    assert await sweep(app.state.engine, app.state.storage) == 0
    path = f"/v1/escalations/{record}/preservations/{one['id']}"
    ended = await second.post(f"{path}/end", json={"until": None, "reason": "Its time is over"})
    assert ended.json()["state"] == "ended"
    assert await sweep(app.state.engine, app.state.storage) > 0


async def test_an_end_is_told_ahead_once_and_does_nothing(
    app: FastAPI, database: str, colleague: httpx.AsyncClient
) -> None:
    record = await opened(app, database)
    far = await preserved(colleague, record, 90)
    near = await preserved(colleague, record, 10)
    assert [await tell_endings(app.state.engine) for _ in range(2)] == [1, 0]
    told = "SELECT data ->> 'preservation' FROM events WHERE kind = 'preservation.ending' ORDER BY id"
    assert query(database, told) == [(near["id"],)]
    passed(database, far["id"])
    assert [await tell_endings(app.state.engine) for _ in range(2)] == [1, 0]
    shown = (await colleague.get(f"/v1/escalations/{record}/preservations")).json()["preservations"]
    assert {one["id"]: (one["state"], one["ended_at"]) for one in shown} == {
        far["id"]: ("passed", None),
        near["id"]: ("ending", None),
    }
