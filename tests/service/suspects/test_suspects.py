"""Labels that look wrong: handed in by machines, looked at by somebody else than decided, once, and told where they cannot be."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of
from tests.service.steps import Body, assert_error, claim, decided, query, report, rewrite, value

BUNDLE = "b" * 64


@pytest.fixture
async def ml(app: FastAPI, keys: dict[str, str]) -> httpx.AsyncClient:
    caller = client_of(app)
    caller.headers.update(bearer(keys["ml"]))
    return caller


def line(decision: str, quality: float = 0.1, suggested: str = "benign", **fields: object) -> Body:
    return {"id": f"decision:{decision}", "quality": quality, "suggested_area": suggested, **fields}


async def hand_in(ml: httpx.AsyncClient, *lines: Body) -> Body:
    answer = await ml.post("/v1/labels/suspects", json={"bundle": BUNDLE, "suspects": list(lines)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def decision(platform: httpx.AsyncClient, person: httpx.AsyncClient, subject: str = "post-1") -> str:
    await report(platform, subject)
    return str((await decided(person, await claim(person)))["decision_id"])


async def waiting(person: httpx.AsyncClient) -> list[str]:
    answer = await person.get("/v1/labels/suspects")
    assert answer.status_code == 200, answer.text
    assert answer.json()["waiting"] == len(answer.json()["suspects"])
    return [one["decision_id"] for one in answer.json()["suspects"]]


async def resolve(person: httpx.AsyncClient, made: str, outcome: str = "label_wrong") -> httpx.Response:
    return await person.post(f"/v1/labels/suspects/{made}/resolve", json={"outcome": outcome})


async def test_the_most_doubtful_come_first_to_everybody_but_who_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    first, second = [await decision(platform, reviewer, f"post-{n}") for n in range(2)]
    own = await decision(platform, colleague, "post-2")
    told = await hand_in(
        ml, line(first, 0.4), line(second, 0.05, "spam", issue=True, area="harassment"), line(own, 0.01)
    )
    assert told == {"stored": 3, "unknown": [], "not_standing": [], "settled": []}
    assert await waiting(colleague) == [second, first]
    assert await waiting(reviewer) == [own]
    [shown, _] = (await colleague.get("/v1/labels/suspects")).json()["suspects"]
    assert (shown["text"], shown["policy_area"], shown["suggested_area"]) == ("what post-1 says", "harassment", "spam")
    assert (shown["quality"], shown["actions"], shown["severity"]) == (0.05, ["remove"], 2)


async def test_nobody_is_named(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    text = (await colleague.get("/v1/labels/suspects")).text
    assert made in text
    for person in query(database, "SELECT id, username FROM principals"):
        assert all(str(one) not in text for one in person)


async def test_what_cannot_be_kept_is_told_back_and_the_rest_is_kept(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    app: FastAPI,
    database: str,
) -> None:
    good, settled = [await decision(platform, reviewer, f"post-{n}") for n in range(2)]
    await hand_in(ml, line(settled))
    assert (await resolve(colleague, settled, "label_stands")).status_code == 200
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    fresh = await decision(platform, reviewer, "post-2")
    undone = await decision(platform, reviewer, "post-3")
    assert (await reviewer.post(f"/v1/decisions/{undone}/undo")).status_code == 200
    stranger = str(uuid4())
    told = await hand_in(ml, *(line(one) for one in (good, settled, fresh, undone, stranger)))
    assert (told["stored"], told["unknown"], told["settled"]) == (1, [stranger], [settled])
    assert set(told["not_standing"]) == {fresh, undone}
    assert query(database, "SELECT decision_id FROM label_suspects WHERE resolved_at IS NULL") == [(UUID(good),)]


async def test_handed_in_again_the_newer_finding_counts(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made, 0.3))
    await hand_in(ml, line(made, 0.2, "spam"))
    assert query(database, "SELECT quality, suggested_area FROM label_suspects") == [(0.2, "spam")]
    assert (await resolve(colleague, made)).status_code == 200
    assert (await hand_in(ml, line(made, 0.1)))["settled"] == [made]
    assert value(database, "SELECT outcome FROM label_suspects") == "label_wrong"


@pytest.mark.parametrize("hidden", ["sample = true", "special = 'legal_order'"])
async def test_what_is_never_exported_is_unknown_to_a_machine(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient, database: str, hidden: str
) -> None:
    made = await decision(platform, reviewer)
    rewrite(database, f"UPDATE cases SET {hidden}")
    assert (await hand_in(ml, line(made)))["unknown"] == [made]


async def test_cases_of_a_restricted_queue_are_shown_and_judged_by_its_members_alone(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    rewrite(database, "UPDATE cases SET queue = 'few'")
    assert await waiting(colleague) == []
    assert_error(await resolve(colleague, made), 404, "not_found")
    assert (await hand_in(ml, line(made)))["unknown"] == [made]
    member = (
        "INSERT INTO queue_members (queue, principal_id) SELECT 'few', id FROM principals WHERE role = 'specialist'"
    )
    query(database, member)
    assert await waiting(colleague) == [made]


async def test_a_label_is_judged_once_even_by_two_at_a_time(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    answers = await asyncio.gather(*(resolve(colleague, made, one) for one in ("label_wrong", "label_stands") * 3))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 5
    [won] = [one for one in answers if one.status_code == 200]
    assert value(database, "SELECT outcome FROM label_suspects") == won.json()["outcome"]
    events = query(database, "SELECT data ->> 'outcome', case_id IS NOT NULL FROM events WHERE kind = 'label.resolved'")
    assert events == [(won.json()["outcome"], True)]
    assert_error(await resolve(colleague, made), 409, "suspect_settled")
    assert await waiting(colleague) == []


async def test_nobody_judges_their_own_label(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient, database: str
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    assert_error(await resolve(reviewer, made), 409, "own_label")
    assert_error(await resolve(reviewer, str(uuid4())), 404, "not_found")
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'label.resolved'") == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"suggested_area": "weather"}, "unknown_label"),
        ({"quality": 1.5}, "invalid_request"),
        ({"id": "r1"}, "invalid_request"),
        ({"id": "decision:1"}, "invalid_request"),
        ({"who": "x"}, "invalid_request"),
    ],
)
async def test_a_line_that_cannot_be_read_refuses_the_whole(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
    change: Body,
    code: str,
) -> None:
    made = await decision(platform, reviewer)
    body = {"bundle": BUNDLE, "suspects": [line(made), {**line(str(uuid4())), **change}]}
    assert_error(await ml.post("/v1/labels/suspects", json=body), 422, code)
    assert value(database, "SELECT count(*) FROM label_suspects") == 0


async def test_a_label_named_twice_and_too_many_are_refused(ml: httpx.AsyncClient) -> None:
    one = line(str(uuid4()))
    for lines in ([one, one], [line(str(uuid4())) for _ in range(1_001)], []):
        answer = await ml.post("/v1/labels/suspects", json={"bundle": BUNDLE, "suspects": lines})
        assert_error(answer, 422, "invalid_request")


async def test_what_was_found_wrong_is_exported_no_more(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    wrong, stands = [await decision(platform, reviewer, f"post-{n}") for n in range(2)]
    await hand_in(ml, line(wrong), line(stands))
    assert (await ml.get("/v1/labels")).text.count('"decision:') == 2
    assert (await resolve(colleague, wrong)).status_code == 200
    assert (await resolve(colleague, stands, "label_stands")).status_code == 200
    left = (await ml.get("/v1/labels")).text
    assert f'"decision:{stands}"' in left
    assert f'"decision:{wrong}"' not in left
