"""While somebody has a check in hand, no address tells them what was decided, nor that others have answered."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of
from tests.service.media.pictures import jpeg
from tests.service.quality.verbs import (
    ALLOWED,
    OTHER,
    adjudicate,
    checked,
    decide_together,
    decided_case,
    disputed,
    gets,
    let_lapse,
    make_golden,
    plan,
    say,
    settled_otherwise,
    take,
)
from tests.service.steps import Body, claim, decided, query, report, value

SECRET = "zanzibar"
# An area and an action that nothing else in the test names.
DECIDED: Body = {
    "actions": ["age_restrict"],
    "policy_area": "intellectual_property",
    "severity": 4,
    "note": f"I say {SECRET}",
}
# Exports are of everything for those who may export; they are no part of reviewing.
EXPORTS = {"/v1/labels", "/v1/log"}


def addresses(app: FastAPI, ids: dict[str, str]) -> Iterator[str]:
    """Every address that can be read, pages included, filled with ids of the content in question."""
    paths = {path for path, methods in app.openapi()["paths"].items() if "get" in methods}
    pages = {
        getattr(route, "path", "")
        for part in app.routes
        for route in getattr(getattr(part, "original_router", None), "routes", [part])
        if "GET" in (getattr(route, "methods", None) or ())
    }
    for path in sorted((paths | pages) - EXPORTS):
        filled = path.replace("{author_id:path}", ids["author_id"])
        for name, one in ids.items():
            filled = filled.replace(f"{{{name}}}", one)
        yield filled


async def read(app: FastAPI, person: httpx.AsyncClient, ids: dict[str, str]) -> dict[str, str]:
    found = {}
    for address in addresses(app, ids):
        answer = await person.get(address)
        assert answer.status_code < 500, (address, answer.text)
        found[address] = answer.text + str(answer.headers)
    return found


def traces(found: dict[str, str], *words: str) -> list[str]:
    return [where for where, text in found.items() if any(word in text for word in words)]


@pytest.fixture
def ids() -> dict[str, str]:
    names = ("opinion_id", "message", "media_id", "cluster_id", "plan_id", "session_id", "queue")
    return {name: str(uuid4()) for name in names} | {"author_id": "a1"}


@pytest.mark.parametrize("role", ["reviewer", "specialist", "lead"])
async def test_the_decision_is_nowhere_until_the_check_is_answered(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    ids: dict[str, str],
    role: str,
    database: str,
) -> None:
    made = await decided_case(platform, checker, "post-1", **DECIDED)
    suspect = "INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area) VALUES (%s, 'b', 0.1, 'spam')"
    query(database, suspect, made["decision_id"])
    await decided_case(platform, checker, "post-2", author={"id": "a2"}, text="what post-1 says")
    ids["case_id"] = made["case"]["id"]
    ids["plan_id"] = (await plan(manager, scope={"areas": ["intellectual_property"]}))["id"]
    async with client_of(app) as person:
        person.headers.update(bearer(keys[role]))
        # Before, and after, it is told.
        case = f"/v1/cases/{ids['case_id']}"
        assert SECRET in (await person.get(case)).text
        check = await take(person)
        assert SECRET not in str(check)
        assert not {"case_id", "decided_at", "golden", "score", "views_per_hour", "reporter"} & set(everywhere(check))
        found = await read(app, person, ids)
        assert "what post-1 says" in found[f"/v1/cases/{ids['case_id']}"]
        assert not traces(found, SECRET, made["decision_id"])
        assert case_of(found, ids)["decisions"] == []
        strikes = (await person.get("/v1/authors/a1/strikes")).json()
        assert (strikes["standing"]["count"], strikes["hidden"], strikes["strikes"]) == (0, 0, [])
        assert (await say(person, check, **ALLOWED)).status_code == 200
        assert SECRET in (await person.get(case)).text


def everywhere(value: Any) -> Iterator[str]:
    """Every key in an answer."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from everywhere(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everywhere(inner)


def case_of(found: dict[str, str], ids: dict[str, str]) -> Body:
    text = found[f"/v1/cases/{ids['case_id']}"]
    return dict(json.JSONDecoder().raw_decode(text)[0])


async def test_it_stays_hidden_after_a_lapse_and_not_after_it_is_given_back(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decided_case(platform, reviewer, "post-1", **DECIDED)
    await plan(lead, reviews=2)
    await take(checker)
    check = await take(third)
    let_lapse(database)
    case = f"/v1/cases/{made['case']['id']}"
    for person in (checker, third):
        assert SECRET not in (await person.get(case)).text
    # Whoever has nothing to do with it reads it as ever.
    assert SECRET in (await lead.get(case)).text
    assert (await third.post(f"/v1/qa/reviews/{check['token']}/release")).status_code == 204
    assert SECRET in (await third.get(case)).text
    assert SECRET not in (await checker.get(case)).text


async def test_what_was_decided_for_a_whole_cluster_is_hidden_on_each_of_its_cases(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    made = [await decided_case(platform, reviewer, f"post-{number}", **DECIDED) for number in range(2)]
    cluster = decide_together(database, made)
    await plan(lead, size=1)
    await take(checker)
    for one in made:
        assert SECRET not in (await checker.get(f"/v1/cases/{one['case']['id']}")).text
    assert (await checker.get(f"/v1/clusters/{cluster}")).status_code == 404


async def test_nothing_tells_whether_others_have_answered(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead, reviews=2)
    first = await take(checker)
    before = comparable(await take(third))
    assert (await say(checker, first, **OTHER)).status_code == 200
    assert comparable(await take(third)) == before
    # Agreeing and disagreeing are answered alike, and no event of the case tells of checks.
    said = [await say(third, await take(third))]
    assert set(said[0].json()) == {"answered_at"}
    assert not query(database, "SELECT FROM events WHERE kind LIKE 'qa.%%' AND case_id IS NOT NULL")


def comparable(check: Body) -> Body:
    return {key: shown for key, shown in check.items() if key != "server_now"}


async def test_golden_items_look_like_any_other_and_what_they_hold_is_hidden(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    await checked(checker, **OTHER)
    [item] = await disputed(colleague)
    assert (await adjudicate(colleague, item, **OTHER, note=SECRET)).status_code == 201
    golden = await make_golden(lead, item, rationale=SECRET)
    assert golden.status_code == 201, golden.text
    await decided_case(platform, reviewer, "post-2", **OTHER)
    await plan(lead, "second", golden_share=0.5, scope={"areas": ["spam"]})
    seen = [await take(third)]
    assert (await say(third, seen[0])).status_code == 200
    seen.append(await take(third))
    assert {check["subject"]["text"] for check in seen} == {"what post-1 says", "what post-2 says"}
    assert sorted(everywhere(seen[0])) == sorted(everywhere(seen[1]))
    assert SECRET not in str(seen)
    # Who made it, checked or settled it would know: nobody of them is handed it.
    for person in (lead, checker, colleague):
        assert await gets(person) != "post-1"
    assert value(database, "SELECT count(*) FROM golden_items") == 1


async def test_nothing_that_is_shown_of_content_tells_how_old_it_is(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    """Golden items are older than what is drawn with them: a date, or an id that holds one, would give them away."""
    files = {"file": ("holiday.jpg", jpeg(), "image/jpeg")}
    picture = (await platform.post("/v1/media", files=files)).json()["media_id"]
    # Many platforms count their ids up.
    await report(platform, "1329001234567890", text="what somebody says", media=[picture])
    held = await claim(reviewer)
    await decided(reviewer, held)
    await plan(lead)
    check = await take(checker)
    # What the check itself is: its token, and until when.
    own = {check["token"], check["expires_at"], check["server_now"]}
    assert check["media"]
    assert {one for one in values(check) if is_dated(one)} == own
    assert "1329001234567890" not in str(check)
    page = (await checker.get("/qa/review")).text
    told = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d[T ][\d:.]+", page))
    times = {one for one in told if not is_id(one)}
    assert {one for one in told if is_id(one) and is_dated(one)} == {check["token"]}
    assert all(one >= check["server_now"][:19] for one in times)
    assert "1329001234567890" not in page


def values(value: Any) -> Iterator[str]:
    """Every text in an answer, and the ids within addresses."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from values(inner)
    elif isinstance(value, str):
        yield from re.split(r"[/?]", value)


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def is_dated(text: str) -> bool:
    """Whether it is a date, or an id that begins with one (versions 1, 6 and 7 of RFC 9562)."""
    if is_id(text):
        return UUID(text).version in {1, 6, 7}
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


async def test_golden_items_are_of_the_areas_and_languages_of_their_plan(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    """Anything else would be known at once by who checks nothing but spam, or nothing but Portuguese."""
    item = await settled_otherwise(platform, reviewer, checker, lead)
    golden = await lead.post("/v1/qa/golden", json={"item_id": item["item_id"], "rationale": SECRET})
    assert golden.status_code == 201, golden.text
    made = await decided_case(platform, reviewer, "post-2", **OTHER, language="pt")
    policy = uuid4()
    query(
        database,
        "INSERT INTO policy_versions (id, area, number, title, body, digest, owner, reason, effective_at, published_by, published_at)"
        " SELECT %s, 'spam', 1, 't', 'b', 'd', 'o', 'r', now() - interval '1 day', id, now() FROM principals LIMIT 1",
        policy,
    )
    for scope, available in (
        ({}, 1),
        # What it was decided as, or what is right.
        ({"areas": ["harassment", "spam"]}, 1),
        ({"areas": ["benign"]}, 1),
        ({"areas": ["spam"]}, 0),
        ({"languages": ["en", "pt"]}, 1),
        ({"languages": ["pt"]}, 0),
    ):
        body = {"kind": "random", "size": 5, "scope": scope}
        shown = (await lead.post("/v1/qa/plans/preview", json=body)).json()
        assert shown["golden_available"] == available, scope
    shown = (
        await lead.post("/v1/qa/plans/preview", json={"kind": "policy", "size": 5, "policy_id": str(policy)})
    ).json()
    assert (shown["population"], shown["golden_available"]) == (1, 0)
    await plan(lead, "second", golden_share=0.5, scope={"languages": ["pt"]})
    [(case,)] = query(
        database, "SELECT case_id FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id WHERE p.name = 'second'"
    )
    assert str(case) == made["case"]["id"]
