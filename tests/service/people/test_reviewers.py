"""What reviewers may be given: languages and skills, set by admins, and consents, which they give themselves."""

from typing import Any

import httpx
import pytest

from tests.conftest import bearer
from tests.service.steps import assert_error, value


@pytest.fixture
def admin(client: httpx.AsyncClient, keys: dict[str, str]) -> httpx.AsyncClient:
    client.headers.update(bearer(keys["admin"]))
    return client


async def test_what_is_left_out_stays(admin: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str) -> None:
    me = (await reviewer.get("/v1/me")).json()
    assert (me["languages"], me["skills"], me["consents"]) == (None, [], None)
    path = "/v1/people/test-reviewer"
    changed = (await admin.patch(path, json={"languages": ["pt-BR", "ar"], "skills": ["ads", "ads"]})).json()
    assert changed == {
        "username": "test-reviewer", "role": "reviewer", "languages": ["pt", "ar"], "skills": ["ads"], "consents": None,
        "vendor": None, "site": None, "started_on": None, "hourly_cost": None,
    }  # fmt: skip
    changed = (await admin.patch(path, json={"languages": None, "consents": ["graphic_violence"]})).json()
    assert (changed["languages"], changed["skills"], changed["consents"]) == (None, ["ads"], ["graphic_violence"])
    assert (await admin.patch(path, json={})).json() == changed
    assert (await reviewer.get("/v1/me")).json()["consents"] == ["graphic_violence"]
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'person.changed'") == 3


async def test_a_person_says_themselves_what_they_agree_to_see(reviewer: httpx.AsyncClient) -> None:
    answer = await reviewer.put("/v1/me/consents", json={"consents": []})
    assert answer.json()["consents"] == []
    assert (await reviewer.put("/v1/me/consents", json={"consents": None})).json()["consents"] is None
    assert_error(await reviewer.put("/v1/me/consents", json={}), 422, "invalid_request")
    assert_error(await reviewer.put("/v1/me/consents", json={"consents": [], "skills": ["x"]}), 422, "invalid_request")


async def test_nobody_agrees_for_somebody_else(admin: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    path = "/v1/people/test-reviewer"
    assert (await admin.patch(path, json={"consents": ["self_harm", "graphic_violence"]})).status_code == 200
    for more in (["self_harm", "child_safety"], ["child_safety"], None):
        refused = await admin.patch(path, json={"consents": more, "skills": ["ads"]})
        assert_error(refused, 422, "invalid_request")
        assert "PUT /v1/me/consents" in refused.json()["detail"]
    assert (await admin.patch(path, json={"consents": ["self_harm"]})).json()["skills"] == []
    own = await reviewer.put("/v1/me/consents", json={"consents": ["child_safety"]})
    assert own.json()["consents"] == ["child_safety"]
    mine = await admin.patch("/v1/people/test-admin", json={"consents": []})
    assert mine.json()["consents"] == []
    assert (await admin.patch("/v1/people/test-admin", json={"consents": ["self_harm"]})).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"languages": ["english please"]}, "invalid_request"),
        ({"languages": ["x"]}, "invalid_request"),
        ({"skills": ["Two Words"]}, "invalid_request"),
        ({"skills": None}, "invalid_request"),
        ({"skills": [f"s{number}" for number in range(51)]}, "invalid_request"),
        ({"consents": ["weather"]}, "unknown_label"),
        ({"role": "admin"}, "invalid_request"),
        ({"vendor": " "}, "invalid_request"),
        ({"vendor": "x" * 81}, "invalid_request"),
        ({"site": "two\nlines"}, "invalid_request"),
        ({"started_on": "soon"}, "invalid_request"),
        ({"hourly_cost": -1}, "invalid_request"),
        ({"hourly_cost": 1.005}, "invalid_request"),
        ({"hourly_cost": "123456789.00"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_is_refused(admin: httpx.AsyncClient, body: dict[str, Any], code: str) -> None:
    assert_error(await admin.patch("/v1/people/test-reviewer", json=body), 422, code)


async def test_nobody_of_that_name_is_told(admin: httpx.AsyncClient) -> None:
    assert_error(await admin.patch("/v1/people/nobody", json={"skills": []}), 404, "not_found")


async def test_vendor_site_and_cost_are_read_back_by_those_who_manage_people_alone(
    admin: httpx.AsyncClient, reviewer: httpx.AsyncClient, keys: dict[str, str], database: str
) -> None:
    path = "/v1/people/test-reviewer"
    work = {"vendor": " North desk ", "site": "Oslo", "started_on": "2026-03-01", "hourly_cost": 31.5}
    changed = (await admin.patch(path, json=work)).json()
    assert {name: changed[name] for name in work} == {**work, "vendor": "North desk", "hourly_cost": "31.50"}
    assert (await admin.patch(path, json={"site": None})).json() == {**changed, "site": None}
    assert (await admin.get(path)).json() == {**changed, "site": None}
    for role in keys.keys() - {"admin"}:
        assert_error(await reviewer.get(path, headers=bearer(keys[role])), 403, "forbidden")
    for mine in (await reviewer.get("/v1/me"), await reviewer.put("/v1/me/consents", json={"consents": None})):
        assert "hourly_cost" not in mine.text
    # What was set is in no event, only that something was.
    assert (
        value(database, "SELECT string_agg(data::text, '') FROM events WHERE kind = 'person.changed'").count("31.5")
        == 0
    )
    assert_error(await admin.get("/v1/people/nobody"), 404, "not_found")
