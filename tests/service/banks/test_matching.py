"""Media are matched with hashes whichever came first, some matches act, and a case shows what was decided before."""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from models import hamming, pdq
from service.banks.matching import store
from service.banks.matching.workflow import Matching, match
from tests.service.banks.conftest import Settle, a_copy, a_picture, another, make_bank, upload
from tests.service.media.pictures import draw, frames_of, gif, scene
from tests.service.steps import claim, connected, decided, query, report, value

HASHES = 2_000


async def add(lead: httpx.AsyncClient, bank: str, bits: str) -> int:
    answer = await lead.post(f"/v1/banks/{bank}/hashes", json={"pdq": f"{int(bits, 2):064x}"})
    return int(answer.json()["hash_id"])


def bits_of(database: str, media: str) -> str:
    return str(value(database, "SELECT CAST(pdq AS text) FROM media WHERE id = %s", media))


def matches(database: str) -> list[tuple[Any, ...]]:
    return query(database, "SELECT CAST(media_id AS text), hash_id, distance, acts FROM bank_matches ORDER BY 1, 2")


def changed(bits: str, places: int) -> str:
    return hamming.bits(int(bits, 2) ^ ((1 << places) - 1), pdq.BITS)


async def test_a_copy_is_found_when_it_is_uploaded_after_the_hash_and_before_it(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    before, other = await upload(platform, a_picture()), await upload(platform, another())
    bank = (await make_bank(lead))["id"]
    known = await add(lead, bank, bits_of(database, before))
    assert matches(database) == []
    await settle()
    assert matches(database) == [(before, known, 0, True)]
    after = await upload(platform, a_copy())
    found = {media: (hash_id, distance, acts) for media, hash_id, distance, acts in matches(database)}
    assert found.keys() == {before, after}
    assert other not in found
    assert found[after][0] == known
    assert found[after][1] <= pdq.RADIUS


async def test_a_bank_may_want_its_matches_nearer_and_change_its_mind(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    media = await upload(platform, a_picture())
    bank = (await make_bank(lead, distance=10))["id"]
    hash_id = await add(lead, bank, changed(bits_of(database, media), 20))
    await settle()
    assert matches(database) == []
    await lead.patch(f"/v1/banks/{bank}", json={"distance": 31})
    await settle()
    assert matches(database) == [(media, hash_id, 20, True)]
    await lead.patch(f"/v1/banks/{bank}", json={"distance": 19})
    await settle()
    assert matches(database) == [(media, hash_id, 20, False)]


async def test_a_disabled_bank_and_a_removed_hash_have_no_effect_and_find_nothing(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    first = await upload(platform, a_picture())
    bank = (await make_bank(lead))["id"]
    hash_id = await add(lead, bank, bits_of(database, first))
    await settle()
    await lead.patch(f"/v1/banks/{bank}", json={"active": False, "note": "a test"})
    await settle()
    second = await upload(platform, a_copy())
    assert matches(database) == [(first, hash_id, 0, False)]
    await lead.patch(f"/v1/banks/{bank}", json={"active": True})
    await settle()
    assert {(media, acts) for media, _, _, acts in matches(database)} == {(first, True), (second, True)}
    await lead.post(f"/v1/banks/{bank}/hashes/{hash_id}/remove", json={"note": "a test"})
    await settle()
    third = await upload(platform, a_copy())
    assert {(media, acts) for media, _, _, acts in matches(database)} == {(first, False), (second, False)}
    assert third not in {first, second}


async def test_a_removed_hash_that_waits_is_passed_over(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    bank = (await make_bank(lead))["id"]
    media = await upload(platform, a_picture())
    hash_id = await add(lead, bank, bits_of(database, media))
    await lead.post(f"/v1/banks/{bank}/hashes/{hash_id}/remove", json={"note": "a test"})
    await settle()
    assert matches(database) == []
    assert value(database, "SELECT looked_for FROM hash_banks") == hash_id


async def test_of_many_media_the_share_acts_and_a_growing_share_keeps_them(database: str) -> None:
    rows = query(
        database,
        """
        SELECT bank_acts(medium, bank, 0), bank_acts(medium, bank, 0.1), bank_acts(medium, bank, 0.4), bank_acts(medium, bank, 1)
        FROM (SELECT CAST(md5('m' || n) AS uuid), CAST(md5('bank') AS uuid) FROM generate_series(1, 2000) AS n) AS x (medium, bank)
        """,
    )
    none, few, some, every = (sum(column) for column in zip(*rows, strict=True))
    assert (none, every) == (0, 2000)
    # Ten standard deviations of chance around 200 and 800.
    assert 66 < few < 334
    assert 580 < some < 1020
    assert all(later for _, earlier, later, _ in rows if earlier)


async def test_frames_of_a_video_are_matched_and_the_nearest_counts(
    app: FastAPI, platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    media = await upload(platform, another())
    chance = random.Random(5)
    known = hamming.bits(chance.getrandbits(256), pdq.BITS)
    for position, bits, quality in ((0, changed(known, 9), 90), (1000, changed(known, 3), 90), (2000, known, 40)):
        query(
            database,
            "INSERT INTO media_frames VALUES (%s, %s, CAST(%s AS bit(256)), %s)",
            media,
            position,
            bits,
            quality,
        )
    bank = (await make_bank(lead))["id"]
    await add(lead, bank, known)
    await settle()
    found = "SELECT position_ms, distance FROM bank_matches"
    assert query(database, found) == [(1000, 3)]
    query(database, "DELETE FROM bank_matches")
    async with app.state.engine.begin() as connection:
        assert await match(connection, [UUID(media)])
        assert not await match(connection, [UUID(media)])
    assert query(database, found) == [(1000, 3)]


async def test_a_known_picture_is_found_within_an_animation(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    """Also where it comes late: the first frame of an animation is its sender's choice."""
    known = await upload(platform, a_picture())
    bank = (await make_bank(lead))["id"]
    hash_id = await add(lead, bank, bits_of(database, known))
    await settle()
    frames = [draw(400, 300, inside=f'<circle cx="{at}" cy="150" r="40" fill="#080"/>') for at in (60, 180, 300)]
    moving = await upload(platform, gif(frames_of(*frames, scene(), delays=[200] * 4)))
    found = query(database, "SELECT hash_id, position_ms, acts FROM bank_matches WHERE media_id = %s", moving)
    assert found == [(hash_id, 600, True)]


async def test_of_many_hashes_of_one_bank_the_nearest_ten_are_kept(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    media = await upload(platform, a_picture())
    bits = bits_of(database, media)
    bank = (await make_bank(lead))["id"]
    for places in range(14):
        await add(lead, bank, changed(bits, places))
    copy = await upload(platform, a_picture())
    assert [distance for of, _, distance, _ in matches(database) if of == copy] == list(range(10))


async def test_whoever_adds_a_medium_holds_the_worker_back(
    matching: Matching, app: FastAPI, lead: httpx.AsyncClient, database: str
) -> None:
    """A medium added in a transaction that has not seen the hash is looked at once that transaction is over."""
    bank = (await make_bank(lead))["id"]
    await add(lead, bank, "1" * 256)
    async with app.state.engine.begin() as connection:
        await store.hold_back_the_worker(connection)
        with connected(database) as other, other.transaction(force_rollback=True):
            other.execute("SET LOCAL lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(store._WAIT.text)
    assert await matching.step() == 1


async def test_a_change_of_a_bank_reaches_what_an_upload_under_way_has_matched(
    matching: Matching, app: FastAPI, platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    """The upload saw the bank at work; the worker must not be done with the change before it sees the match."""
    media = await upload(platform, a_picture())
    bank = (await make_bank(lead))["id"]
    await add(lead, bank, bits_of(database, media))
    async with app.state.engine.begin() as connection:
        assert await match(connection, [UUID(media)])
        await lead.patch(f"/v1/banks/{bank}", json={"active": False, "note": "a test"})
        step = asyncio.create_task(matching.step())
        done, _ = await asyncio.wait({step}, timeout=0.2)
        assert not done
    assert await step
    assert [acts for *_, acts in matches(database)] == [False]


async def test_what_has_just_been_put_in_does_not_wait_behind_a_long_list(
    matching: Matching, lead: httpx.AsyncClient, database: str
) -> None:
    listed, ours = (await make_bank(lead, "A list"))["id"], (await make_bank(lead, "Ours"))["id"]
    chance = random.Random(3)
    lines = "".join(f"{chance.getrandbits(256):064x}\n" for _ in range(101))
    await lead.post(f"/v1/banks/{listed}/import", content=lines, params={"format": "text"})
    await add(lead, ours, hamming.bits(chance.getrandbits(256), pdq.BITS))
    assert await matching.step() == 1
    assert (await lead.get(f"/v1/banks/{ours}")).json()["waiting"] == 0
    assert [await matching.step(), await matching.step()] == [100, 1]


async def test_the_search_reads_the_indexes_of_all_blocks_and_nothing_else(app: FastAPI, database: str) -> None:
    chance = random.Random(7)
    query(
        database,
        "INSERT INTO hash_banks (id, name, purpose, owner, policy_area) VALUES (gen_random_uuid(), 'b', 'p', 'o', 'spam')",
    )
    bits = [hamming.bits(chance.getrandbits(256), pdq.BITS) for _ in range(HASHES)]
    query(
        database,
        "INSERT INTO bank_hashes (bank_id, pdq) SELECT b.id, CAST(bits AS bit(256)) FROM hash_banks b, unnest(CAST(%s AS text[])) AS bits",
        bits,
    )
    query(database, "VACUUM ANALYZE bank_hashes")
    async with app.state.engine.connect() as connection:
        explain = text(f"EXPLAIN {store.NEAR.text}")
        plan = "\n".join((await connection.execute(explain, store.values_of(bits[0]))).scalars())
        near = await store.near(connection, changed(bits[0], pdq.RADIUS))
        too_far = await store.near(connection, changed(bits[0], pdq.RADIUS + 1))
    assert all(f"Index Only Scan using bank_block_{place} on" in plan for place in range(16)), plan
    assert "Seq Scan" not in plan
    assert [one.distance for one in near] == [pdq.RADIUS]
    assert not too_far


async def test_a_case_shows_the_bank_and_what_was_decided_before(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    settle: Settle,
    database: str,
) -> None:
    first = await upload(platform, a_picture())
    await report(platform, "first", media=[first])
    claimed = await claim(reviewer)
    decision = (await decided(reviewer, claimed))["decision_id"]
    bank = (await make_bank(lead))["id"]
    body = {"decision_id": decision, "media_id": first, "note": "sent to many"}
    assert (await colleague.post(f"/v1/banks/{bank}/decided", json=body)).status_code == 201
    await settle()

    copy = await upload(platform, a_copy())
    case = (await report(platform, "second", media=[copy, await upload(platform, another())]))["case_id"]
    shown = (await reviewer.get(f"/v1/cases/{case}")).json()["media"]
    assert shown[1]["matches"] == []
    [found] = shown[0]["matches"]
    assert found["distance"] <= pdq.RADIUS
    assert {name: found[name] for name in ("bank", "policy_area", "level", "note", "source", "confirmed")} == {
        "bank": "Known drawings",
        "policy_area": "harassment",
        "level": 4,
        "note": "sent to many",
        "source": "a decision",
        "confirmed": True,
    }
    assert found["earlier"]["case_id"] == claimed["case"]["id"]
    assert (found["earlier"]["actions"], found["earlier"]["severity"], found["earlier"]["own"]) == (["remove"], 2, True)
    # The claim shows the same, and the decided case does not show itself.
    assert (await claim(reviewer))["case"]["media"][0]["matches"] == [found]
    own = (await reviewer.get(f"/v1/cases/{claimed['case']['id']}")).json()["media"][0]["matches"]
    assert [one["earlier"] for one in own] == [None]
    # What was undone was not decided.
    query(database, "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions")
    [again] = (await reviewer.get(f"/v1/cases/{case}")).json()["media"][0]["matches"]
    assert again["earlier"] is None


async def test_a_hash_from_elsewhere_shows_what_was_decided_on_another_copy_unless_that_case_is_hidden(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    keys: dict[str, str],
    settle: Settle,
    database: str,
) -> None:
    first = await upload(platform, a_picture())
    old = (await report(platform, "first", media=[first]))["case_id"]
    await decided(reviewer, await claim(reviewer))
    bank = (await make_bank(lead))["id"]
    await add(lead, bank, changed(bits_of(database, first), 4))
    await settle()
    case = (await report(platform, "second", media=[await upload(platform, a_copy())]))["case_id"]
    [found] = (await reviewer.get(f"/v1/cases/{case}")).json()["media"][0]["matches"]
    assert (found["earlier"]["case_id"], found["earlier"]["own"]) == (old, False)
    hidden = {"name": "closed", "title": "Closed", "restricted": True}
    assert (await lead.post("/v1/queues", json=hidden)).status_code == 201
    query(database, "UPDATE cases SET queue = 'closed' WHERE id = %s", old)
    [found] = (await reviewer.get(f"/v1/cases/{case}")).json()["media"][0]["matches"]
    assert found["earlier"] is None


async def test_matches_that_are_only_counted_are_not_shown(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, settle: Settle
) -> None:
    media = await upload(platform, a_picture())
    bank = (await make_bank(lead, match_share=0))["id"]
    await add(lead, bank, bits_of(database, media))
    await settle()
    case = (await report(platform, media=[media]))["case_id"]
    address = f"/v1/cases/{case}"
    assert (await reviewer.get(address)).json()["media"][0]["matches"] == []
    assert (await lead.get(f"/v1/banks/{bank}")).json()["counted"] == 1
    await lead.patch(f"/v1/banks/{bank}", json={"match_share": 1})
    await settle()
    assert len((await reviewer.get(address)).json()["media"][0]["matches"]) == 1
    # At once, before the worker has come to it.
    await lead.patch(f"/v1/banks/{bank}", json={"active": False, "note": "a test"})
    assert (await reviewer.get(address)).json()["media"][0]["matches"] == []


async def test_cases_are_placed_anew_when_a_match_comes_later_and_when_its_bank_changes(
    app: FastAPI, platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    placed: list[list[str]] = []

    async def note(_connection: object, cases: Any) -> None:
        placed.append([str(one) for one in cases])

    matching = Matching(app.state.engine, note)
    media = await upload(platform, a_picture())
    case = (await report(platform, media=[media]))["case_id"]
    bank = (await make_bank(lead))["id"]
    await add(lead, bank, bits_of(database, media))
    assert await matching.step() == 1
    assert placed == [[case]]
    await lead.patch(f"/v1/banks/{bank}", json={"level": 3})
    assert await matching.step() == 1
    # A change that comes meanwhile is not lost.
    await lead.patch(f"/v1/banks/{bank}", json={"level": 2})
    while await matching.step():
        pass
    assert placed == [[case]] * 3
    assert value(database, "SELECT count(*) FROM hash_banks WHERE unsettled_since IS NOT NULL") == 0
