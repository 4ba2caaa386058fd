"""Managing people: finding them, their roles, passwords for one sign-in, and what a closed account leaves behind."""

import asyncio

import httpx
import pytest

from service.people import workflow
from tests.conftest import bearer
from tests.service.steps import assert_error, claim, query, report, value

OWN = "a pass phrase of my own"


async def test_people_are_found_by_name_vendor_role_and_state(admin: httpx.AsyncClient) -> None:
    await admin.post("/v1/people", json={"username": "zoe", "role": "reviewer"})
    await admin.patch("/v1/people/zoe", json={"vendor": "Acme Review", "site": "Lisbon"})
    await admin.delete("/v1/people/test-ml")

    async def names(**asked: str) -> list[str]:
        return [one["username"] for one in (await admin.get("/v1/people", params=asked)).json()["people"]]

    assert await names(search="ZOE") == await names(search="lisbon") == await names(search="acme r") == ["zoe"]
    assert await names(role="reviewer") == ["test-reviewer", "zoe"]
    assert await names(active="false") == ["test-ml"]
    assert await names(search="%") == []
    assert_error(await admin.get("/v1/people", params={"role": "owner"}), 422, "invalid_request")


async def test_people_come_in_pages(admin: httpx.AsyncClient) -> None:
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await admin.get("/v1/people", params={"limit": "4", **after})).json()
        seen += [one["username"] for one in page["people"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 7


async def test_a_role_is_changed_on_record_and_ends_what_it_may_no_longer_hold(
    admin: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await report(platform)
    case = (await claim(reviewer))["case"]["id"]
    await lead.post("/v1/queues", json={"name": "few", "title": "Few", "restricted": True})
    await lead.put("/v1/queues/few/members/test-reviewer")
    answer = await admin.put("/v1/people/test-reviewer/role", json={"role": "ml"})
    assert answer.json()["role"] == "ml"
    assert (await reviewer.get("/v1/me")).json()["role"] == "ml"
    assert (await claim(colleague))["case"]["id"] == case
    [(actor, data)] = query(database, "SELECT actor, data FROM events WHERE kind = 'person.role_changed'")
    assert actor == value(database, "SELECT id FROM principals WHERE username = 'test-admin'")
    assert (data["before"], data["role"], data["left_queues"]) == ("reviewer", "ml", ["few"])
    again = await admin.put("/v1/people/test-reviewer/role", json={"role": "ml"})
    assert "already" in assert_error(again, 422, "invalid_request")
    assert_error(await admin.put("/v1/people/nobody/role", json={"role": "ml"}), 404, "not_found")


async def test_the_last_who_manages_people_stays(admin: httpx.AsyncClient, database: str) -> None:
    assert_error(await admin.delete("/v1/people/test-admin"), 409, "last_admin")
    assert_error(await admin.put("/v1/people/test-admin/role", json={"role": "lead"}), 409, "last_admin")
    await admin.post("/v1/people", json={"username": "second", "role": "admin"})
    # Two who leave at once: one of them has to stay.
    answers = await asyncio.gather(
        admin.delete("/v1/people/second"), admin.put("/v1/people/test-admin/role", json={"role": "lead"})
    )
    assert sum(answer.status_code < 300 for answer in answers) == 1
    assert value(database, "SELECT count(*) FROM principals WHERE active AND role = 'admin'") == 1


async def test_a_closed_account_gives_its_cases_back_at_once(
    admin: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    database: str,
) -> None:
    await report(platform)
    case = (await claim(reviewer))["case"]["id"]
    await admin.delete("/v1/people/test-reviewer")
    assert (await claim(colleague))["case"]["id"] == case
    assert value(database, "SELECT outcome FROM leases WHERE ended_at IS NOT NULL") == "released"
    [(actor, of)] = query(database, "SELECT actor, case_id FROM events WHERE kind = 'lease.taken_back'")
    assert (actor, str(of)) == (value(database, "SELECT id FROM principals WHERE username = 'test-admin'"), case)
    assert value(database, "SELECT data ->> 'returned_cases' FROM events WHERE kind = 'person.closed'") == "1"
    assert (
        value(
            database,
            "SELECT count(*) FROM api_keys k JOIN principals p ON p.id = k.principal_id"
            " WHERE NOT p.active AND k.revoked_at IS NULL",
        )
        == 0
    )


async def sign_in(client: httpx.AsyncClient, username: str, password: str, **more: str) -> httpx.Response:
    return await client.post("/v1/session", json={"username": username, "password": password, **more})


@pytest.fixture
async def once(admin: httpx.AsyncClient, cheap_passwords: None) -> str:
    """The one-time password of a new reviewer, ada."""
    body = {"username": "ada", "role": "reviewer", "one_time_password": True}
    made = await admin.post("/v1/people", json=body)
    assert (made.status_code, made.json()["api_key"], made.headers["cache-control"]) == (201, None, "no-store")
    return str(made.json()["one_time_password"])


async def test_a_one_time_password_opens_nothing_until_another_is_chosen(
    client: httpx.AsyncClient, once: str, database: str
) -> None:
    assert_error(await sign_in(client, "ada", once), 409, "new_password_needed")
    assert_error(await sign_in(client, "ada", once, new_password=once), 422, "invalid_request")
    assert_error(await sign_in(client, "ada", once, new_password="short"), 422, "invalid_request")
    assert value(database, "SELECT count(*) FROM sessions") == 0
    assert (await sign_in(client, "ada", once, new_password=OWN)).status_code == 204
    assert_error(await sign_in(client, "ada", once, new_password="another pass phrase"), 401, "not_signed_in")
    assert (await sign_in(client, "ada", OWN)).status_code == 204
    # To be asked for a password of one's own is no failed sign-in.
    assert value(database, "SELECT count(*) FROM sign_in_failures") == 2
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'person.password_changed'") == 1


async def test_a_one_time_password_does_not_last(client: httpx.AsyncClient, once: str, database: str) -> None:
    query(database, "UPDATE principals SET password_expires_at = now() WHERE username = 'ada'")
    assert_error(await sign_in(client, "ada", once, new_password=OWN), 401, "not_signed_in")


async def test_a_reset_password_signs_out_everywhere(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, once: str, database: str
) -> None:
    await sign_in(client, "ada", once, new_password=OWN)
    assert (await client.get("/v1/me")).status_code == 200
    answer = await admin.post("/v1/people/ada/password")
    assert answer.headers["cache-control"] == "no-store"
    assert_error(await client.get("/v1/me"), 401, "not_signed_in")
    assert_error(await sign_in(client, "ada", OWN), 401, "not_signed_in")
    assert (await sign_in(client, "ada", answer.json()["one_time_password"], new_password=OWN)).status_code == 204
    stored = "".join(str(row) for row in query(database, "SELECT data FROM events"))
    assert answer.json()["one_time_password"] not in stored


async def test_a_password_that_is_reset_while_it_is_checked_opens_nothing(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, once: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(client, "ada", once, new_password=OWN)
    client.cookies.clear()
    verify = workflow._verify

    def slowly(password: str, known: str | None) -> bool:
        query(database, "UPDATE principals SET password_hash = 'another' WHERE username = 'ada'")
        return verify(password, known)

    monkeypatch.setattr(workflow, "_verify", slowly)
    assert_error(await sign_in(client, "ada", OWN), 401, "not_signed_in")
    assert value(database, "SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == 0


async def test_a_password_that_stays_is_not_replaced_in_silence(client: httpx.AsyncClient, once: str) -> None:
    await sign_in(client, "ada", once, new_password=OWN)
    refused = await sign_in(client, "ada", OWN, new_password="another pass phrase")
    assert "only a one-time password" in assert_error(refused, 422, "invalid_request")
    assert (await sign_in(client, "ada", OWN)).status_code == 204


async def test_a_machine_has_no_password_to_reset(admin: httpx.AsyncClient, keys: dict[str, str]) -> None:
    assert_error(await admin.post("/v1/people/test-platform/password"), 422, "invalid_request")
    assert_error(await admin.post("/v1/people/nobody/password"), 404, "not_found")
    both = {"username": "ada", "role": "reviewer", "password": OWN, "one_time_password": True}
    assert_error(await admin.post("/v1/people", json=both, headers=bearer(keys["admin"])), 422, "invalid_request")


async def test_a_role_that_two_change_at_once_is_told_as_it_was(admin: httpx.AsyncClient, database: str) -> None:
    answers = await asyncio.gather(
        *(admin.put("/v1/people/test-reviewer/role", json={"role": role}) for role in ("ml", "ml", "lead"))
    )
    changes = query(database, "SELECT data FROM events WHERE kind = 'person.role_changed' ORDER BY id")
    told = [(data["before"], data["role"]) for (data,) in changes]
    assert [before for before, _ in told] == ["reviewer", *(role for _, role in told[:-1])]
    assert all(before != role for before, role in told)
    assert len(told) == sum(answer.status_code == 200 for answer in answers)
