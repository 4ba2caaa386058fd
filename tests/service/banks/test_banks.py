"""What a bank is, who may do what with it, and what goes in and out by hand."""

import httpx
from fastapi import FastAPI

from service.banks.workflow import likeness
from tests.conftest import bearer
from tests.service.banks.conftest import Settle, a_picture, another, make_bank, upload
from tests.service.media.pictures import draw, jpeg
from tests.service.steps import assert_error, claim, decided, query, report, value

HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"


async def test_a_bank_is_made_changed_and_disabled_and_every_change_is_kept(lead: httpx.AsyncClient) -> None:
    made = await make_bank(lead, match_share=0)
    address = f"/v1/banks/{made['id']}"
    raised = (await lead.patch(address, json={"match_share": 0.25, "note": "ten days without a false match"})).json()
    assert_error(await lead.patch(address, json={"active": False}), 422, "invalid_request")
    off = (await lead.patch(address, json={"active": False, "note": "the list is out of date"})).json()
    again = (await lead.patch(address, json={"active": True})).json()
    same = (await lead.patch(address, json={"level": 4})).json()

    assert (raised["match_share"], raised["purpose"], raised["level"]) == (0.25, "tests", 4)
    assert (off["active"], off["disabled_note"], again["disabled_note"]) == (False, "the list is out of date", None)
    assert [(one["changed"], one["note"]) for one in same["changes"][:3]] == [
        ({"active": [False, True]}, ""),
        ({"active": [True, False]}, "the list is out of date"),
        ({"match_share": [0.0, 0.25]}, "ten days without a false match"),
    ]
    assert {one["made_by"] for one in same["changes"]} == {"test-lead"}
    assert len(same["changes"]) == 4


async def test_banks_are_refused_that_could_not_work(lead: httpx.AsyncClient, database: str) -> None:
    body = {"name": "One", "purpose": "tests", "owner": "T&S", "policy_area": "harassment"}
    await make_bank(lead, "One")
    assert_error(await lead.post("/v1/banks", json=body), 409, "name_taken")
    assert_error(await lead.post("/v1/banks", json=body | {"policy_area": "weather"}), 422, "unknown_label")
    for wrong in ({"level": 1}, {"distance": 32}, {"match_share": 1.1}, {"name": ""}, {"distance": "31"}):
        assert_error(await lead.post("/v1/banks", json=body | wrong), 422, "invalid_request")
    query(
        database,
        "INSERT INTO hash_banks (id, name, purpose, owner, policy_area)"
        " SELECT gen_random_uuid(), 'n' || n, 'p', 'o', 'spam' FROM generate_series(2, 200) AS n",
    )
    assert "200" in assert_error(await lead.post("/v1/banks", json=body | {"name": "Two"}), 422, "invalid_request")
    missing = "/v1/banks/00000000-0000-7000-8000-000000000000"
    assert_error(await lead.get(missing), 404, "not_found")
    assert_error(await lead.patch(missing, json={"level": 3}), 404, "not_found")
    assert_error(await lead.get(f"{missing}/hashes"), 404, "not_found")
    assert_error(await lead.get(f"{missing}/export"), 404, "not_found")


async def test_a_hash_goes_in_once_and_comes_out_with_a_note(lead: httpx.AsyncClient, database: str) -> None:
    address = f"/v1/banks/{(await make_bank(lead))['id']}/hashes"
    first = (await lead.post(address, json={"pdq": HASH, "note": "seen in a test"})).json()
    again = (await lead.post(address, json={"pdq": HASH.upper(), "confirmed": False})).json()
    assert_error(await lead.post(address, json={"pdq": HASH[1:]}), 422, "invalid_request")
    assert "empty picture" in assert_error(await lead.post(address, json={"pdq": "0" * 64}), 422, "invalid_request")
    assert first["added"]
    assert again == {"hash_id": first["hash_id"], "added": False}

    assert (await lead.post(f"{address}/{first['hash_id']}/remove", json={"note": "a mistake"})).status_code == 204
    gone = await lead.post(f"{address}/{first['hash_id']}/remove", json={"note": "a mistake"})
    assert_error(gone, 404, "not_found")
    back = (await lead.post(address, json={"pdq": HASH})).json()
    listed = (await lead.get(address)).json()
    assert [(one["id"], one["pdq"], one["removed_note"]) for one in listed["hashes"]] == [
        (back["hash_id"], HASH, None),
        (first["hash_id"], HASH, "a mistake"),
    ]
    assert listed["before"] is None
    assert (await lead.get(address, params={"before": back["hash_id"]})).json()["hashes"] == listed["hashes"][1:]
    kinds = [kind for (kind,) in query(database, "SELECT kind FROM events WHERE kind LIKE 'bank.%%' ORDER BY id")]
    assert kinds == ["bank.created", "bank.hash_added", "bank.hash_removed", "bank.hash_added"]


async def test_reviewers_see_banks_and_no_hashes(
    lead: httpx.AsyncClient, reviewer: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    made = await make_bank(lead)
    assert [one["name"] for one in (await reviewer.get("/v1/banks")).json()["banks"]] == ["Known drawings"]
    assert_error(await reviewer.get(f"/v1/banks/{made['id']}/hashes"), 403, "forbidden")
    assert_error(await reviewer.get(f"/v1/banks/{made['id']}/export"), 403, "forbidden")
    assert_error(await platform.get("/v1/banks"), 403, "forbidden")


async def test_the_picture_of_a_decided_case_goes_into_a_bank_of_its_area(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    media, plain = await upload(platform, a_picture()), await upload(platform, jpeg(draw()))
    elsewhere = await upload(platform, another())
    await report(platform, media=[media, plain])
    decision = (await decided(reviewer, await claim(reviewer)))["decision_id"]
    bank, other = (await make_bank(lead))["id"], (await make_bank(lead, "Spam", policy_area="spam"))["id"]

    body = {"decision_id": decision, "media_id": media, "note": "sent to many"}
    assert_error(await reviewer.post(f"/v1/banks/{bank}/decided", json=body), 403, "forbidden")
    added = await colleague.post(f"/v1/banks/{bank}/decided", json=body)
    assert added.status_code == 201
    wrong_area = await colleague.post(f"/v1/banks/{other}/decided", json=body)
    assert "harassment" in assert_error(wrong_area, 409, "not_bankable")
    empty = await colleague.post(f"/v1/banks/{bank}/decided", json=body | {"media_id": plain})
    assert "too little" in assert_error(empty, 409, "not_bankable")
    not_shown = await colleague.post(f"/v1/banks/{bank}/decided", json=body | {"media_id": elsewhere})
    assert_error(not_shown, 404, "not_found")
    assert value(database, "SELECT CAST(pdq AS text) FROM bank_hashes") == value(
        database, "SELECT CAST(pdq AS text) FROM media WHERE id = %s", media
    )
    query(database, "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions")
    undone = await colleague.post(f"/v1/banks/{bank}/decided", json=body)
    assert "undone" in assert_error(undone, 409, "not_bankable")


async def test_a_decision_that_may_still_be_undone_waits(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    media = await upload(platform, a_picture())
    await report(platform, media=[media])
    decision = (await decided(reviewer, await claim(reviewer)))["decision_id"]
    bank = (await make_bank(lead))["id"]
    answer = await lead.post(f"/v1/banks/{bank}/decided", json={"decision_id": decision, "media_id": media})
    assert "can still be undone" in assert_error(answer, 409, "not_bankable")


async def test_precision_counts_decisions_made_after_the_match_and_says_nothing_of_few(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    media = await upload(platform, a_picture())
    bank = (await make_bank(lead))["id"]
    bits = value(database, "SELECT CAST(pdq AS text) FROM media")
    await lead.post(f"/v1/banks/{bank}/hashes", json={"pdq": f"{int(bits, 2):064x}"})
    await settle()
    await report(platform, "one", media=[media])
    await decided(reviewer, await claim(reviewer))
    await report(platform, "two", media=[media])
    await decided(reviewer, await claim(reviewer), policy_area="spam")
    few = (await lead.get(f"/v1/banks/{bank}")).json()
    assert (few["hashes"], few["waiting"], few["acting"], few["counted"]) == (1, 0, 1, 0)
    assert few["precision"] == {"n": 2, "value": None, "low": None, "high": None}

    # Thirty more of the same, as one case each would be.
    query(
        database,
        """
        WITH d AS (SELECT * FROM decisions WHERE policy_area = 'harassment'),
        l AS (INSERT INTO leases SELECT (jsonb_populate_record(NULL::leases, to_jsonb(l) || jsonb_build_object('token', gen_random_uuid()))).*
              FROM leases l JOIN d ON d.lease_token = l.token, generate_series(1, 30) RETURNING token)
        INSERT INTO decisions SELECT (jsonb_populate_record(NULL::decisions, to_jsonb(d) || jsonb_build_object('id', l.token, 'lease_token', l.token))).*
        FROM d, l
        """,
    )
    many = (await lead.get("/v1/banks")).json()["banks"][0]["precision"]
    assert many["n"] == 32
    assert many["low"] < many["value"] == 31 / 32 < many["high"]


def test_distances_have_words() -> None:
    assert [likeness(one) for one in (0, 1, 10, 11, 31)] == [
        "the same picture",
        "nearly the same picture",
        "nearly the same picture",
        "a changed copy of it, or a similar picture",
        "a changed copy of it, or a similar picture",
    ]


async def test_a_machine_without_a_role_for_it_makes_no_bank(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    body = {"name": "One", "purpose": "tests", "owner": "T&S", "policy_area": "harassment"}
    assert_error(await client.post("/v1/banks", json=body, headers=bearer(keys["ml"])), 403, "forbidden")
