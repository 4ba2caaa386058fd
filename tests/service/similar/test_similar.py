"""What is similar to a case: counted, with earlier decisions in front, and only what the caller may see."""

import httpx
import pytest

from tests.service.media.pictures import draw, jpeg, scene
from tests.service.similar.conftest import OTHER, TEXT, Settle, spread
from tests.service.steps import Body, assert_error, claim, decided, query, report, rewrite, value


async def similar(person: httpx.AsyncClient, case_id: str) -> Body:
    answer = await person.get(f"/v1/cases/{case_id}/similar")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def upload(platform: httpx.AsyncClient, data: bytes) -> str:
    answer = await platform.post("/v1/media", files={"file": ("a.jpg", data, "image/jpeg")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["media_id"])


async def test_copies_of_a_text_are_counted_and_other_texts_are_not(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    cases = await spread(platform, 4)
    await report(platform, "other", text=OTHER)
    await settle()
    found = await similar(reviewer, cases[0])
    assert (found["count"], found["decided"], found["waiting"]) == (4, 0, False)
    assert {one["case_id"] for one in found["cases"]} == set(cases[1:])
    assert {(one["kind"], one["distance"], one["status"], one["decided"]) for one in found["cases"]} == {
        ("text", 0, "open", None)
    }


async def test_the_decided_come_first_with_what_was_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    await spread(platform, 1)
    await decided(reviewer, await claim(reviewer), severity=3)
    [own, *_] = await spread(platform, 25, first=2)
    await settle()
    found = await similar(reviewer, own)
    assert (found["count"], found["decided"], len(found["cases"])) == (26, 1, 20)
    first = found["cases"][0]
    assert first["status"] == "decided"
    assert (first["decided"]["actions"], first["decided"]["severity"]) == (["remove"], 3)
    assert "decided_by" not in first["decided"]


async def test_a_decision_that_was_taken_back_is_not_shown(
    app: object, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    [earlier] = await spread(platform, 1)
    made = await decided(reviewer, await claim(reviewer))
    [own] = await spread(platform, 1, first=2)
    await settle()
    rewrite(database, "UPDATE decisions SET undo_until = now() + interval '1 hour'")
    assert (await reviewer.post(f"/v1/decisions/{made['decision_id']}/undo")).status_code == 200
    [one] = (await similar(reviewer, own))["cases"]
    assert (one["case_id"], one["status"], one["decided"]) == (earlier, "open", None)


async def test_short_texts_are_never_similar(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    made = await report(platform, "short-1", text="ok")
    await report(platform, "short-2", text="ok!")
    await settle()
    assert await similar(reviewer, made["case_id"]) == {
        "count": 1,
        "decided": 0,
        "counted_up_to": 10_000,
        "waiting": False,
        "cases": [],
    }


async def test_until_a_worker_has_looked_the_answer_says_so(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    [own, _] = await spread(platform, 2)
    assert (await similar(reviewer, own))["waiting"]
    await settle()
    assert not (await similar(reviewer, own))["waiting"]


async def test_an_edited_case_is_no_longer_similar(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    [own, _] = await spread(platform, 2)
    await settle()
    await report(platform, "copy-2", text=OTHER)
    await settle()
    assert (await similar(reviewer, own))["count"] == 1


async def test_the_same_picture_at_another_size_is_similar(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle
) -> None:
    pictures = [
        jpeg(scene(800, 600)),
        jpeg(scene(400, 300), Q=60),
        jpeg(draw(inside='<circle cx="90" cy="90" r="80" fill="#0a0"/><rect x="200" width="60" height="300"/>')),
    ]
    cases = []
    for number, picture in enumerate(pictures):
        media = await upload(platform, picture)
        cases.append((await report(platform, f"picture-{number}", text=f"look {number}", media=[media]))["case_id"])
    await settle()
    [one] = (await similar(reviewer, cases[0]))["cases"]
    assert (one["case_id"], one["kind"]) == (cases[1], "image")
    assert 0 <= one["distance"] <= 31


async def test_plain_pictures_are_not_similar(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    cases = []
    for number, ground in enumerate(("#fff", "#eee")):
        media = await upload(platform, jpeg(draw(background=ground)))
        cases.append((await report(platform, f"plain-{number}", text="", media=[media]))["case_id"])
    await settle()
    assert value(database, "SELECT max(pdq_quality) FROM media") < 50
    assert (await similar(reviewer, cases[0]))["count"] == 1


async def test_cases_of_a_restricted_queue_are_there_for_its_members_alone(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, settle: Settle, database: str
) -> None:
    [own, hidden] = await spread(platform, 2)
    await settle()
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('closed-room', 'Closed', true)")
    query(database, "UPDATE cases SET queue = 'closed-room' WHERE id = %s", hidden)
    assert (await similar(reviewer, own))["count"] == 1
    assert_error(await reviewer.get(f"/v1/cases/{hidden}/similar"), 404, "not_found")
    query(
        database,
        "INSERT INTO queue_members (queue, principal_id) SELECT 'closed-room', id FROM principals WHERE username = %s",
        "test-reviewer",
    )
    assert (await similar(reviewer, own))["count"] == 2


@pytest.mark.parametrize("role", ["platform", "ml", "admin"])
async def test_those_who_do_not_read_cases_are_refused(
    role: str, keys: dict[str, str], client: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    made = await report(platform, text=TEXT)
    answer = await client.get(f"/v1/cases/{made['case_id']}/similar", headers={"Authorization": f"Bearer {keys[role]}"})
    assert_error(answer, 403, "forbidden")
