"""Originals and the lens: one record for each look, made before the first byte, and nothing after it was ended."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from service.errors.availability import OverloadedError
from service.leases.workflow import return_lapsed
from service.media import grants
from service.media.grants import Grant, Way
from service.media.tiles import AT_ONCE, KEPT, Tiles
from service.settings import Settings
from tests.conftest import bearer
from tests.service.media.console import Console, error, stored_files
from tests.service.media.pictures import load, png
from tests.service.steps import query

END = "/v1/exposures/{}/end"


async def looking(console: Console, way: Way = "lens") -> dict[str, Any]:
    """What a reveal of a picture in hand gives, with its media."""
    media = await console.uploaded()
    await console.report(media)
    token = (await console.claim())["lease"]["token"]
    answer = await console.reveal(media, token, way=way)
    assert answer.status_code == 200, answer.text
    return {**answer.json(), "media": media, "token": token}


async def end(console: Console, exposure: str, why: str = "closed", *, role: str = "reviewer") -> Any:
    address = END.format(exposure)
    return await console.client.post(address, json={"why": why}, headers=bearer(console.keys[role]))


async def decide(console: Console, token: str) -> Any:
    [case] = await console.execute("SELECT id FROM cases")
    body = {"lease_token": token, "actions": ["no_violation"], "policy_area": "benign", "severity": 0, "note": ""}
    address = f"/v1/cases/{case.id}/decisions"
    return await console.client.post(address, json=body, headers=bearer(console.keys["reviewer"]))


async def test_lens_gives_tiles_on_one_record(console: Console) -> None:
    seen = await looking(console)
    assert seen["url"].startswith(f"/v1/media/{seen['media']}/lens?grant=")
    [row] = await console.execute("SELECT kind, level, expires_at - at AS lasts FROM exposures")
    assert (row.kind, row.level, row.lasts.total_seconds()) == ("lens", 3, 60)
    for place in ("x=0&y=0", "x=0.5&y=0.5", "x=1&y=1", "x=-7&y=9"):
        tile = await console.get(f"{seen['url']}&{place}")
        assert tile.status_code == 200, tile.text
        assert (tile.headers["content-type"], tile.headers["cache-control"]) == ("image/jpeg", "private, no-store")
        assert load(tile.content).width < 200
    assert await console.count("exposures") == 1


@pytest.mark.parametrize("place", ["", "&x=0.5", "&x=a&y=0", "&x=nan&y=0", "&x=inf&y=0", "&x=0&y=0&z=1"])
async def test_other_places_are_invalid(console: Console, place: str) -> None:
    seen = await looking(console)
    expected = (200, "") if place.endswith("z=1") else (422, "invalid_request")
    answer = await console.get(seen["url"] + place)
    assert (answer.status_code, "" if answer.status_code == 200 else answer.json()["error"]) == expected


async def test_grant_for_one_way_opens_no_other(console: Console, settings: Settings) -> None:
    lens = await looking(console)
    whole = (await console.reveal(lens["media"], lens["token"], way="whole")).json()
    for url, way in ((lens["url"], "original"), (whole["url"], "lens")):
        [grant] = parse_qs(urlsplit(url).query)["grant"]
        answer = await console.get(f"/v1/media/{lens['media']}/{way}?grant={grant}&x=0&y=0")
        assert error(answer) == (404, "not_found")
    # Even signed by us: the record says what was revealed.
    [person] = await console.execute("SELECT DISTINCT principal_id AS id FROM exposures")
    media = UUID(lens["media"])
    for exposure, way, path in (
        (lens["exposure_id"], "whole", "original"),
        (whole["exposure_id"], "lens", "lens"),
    ):
        grant = grants.sign(Grant(UUID(exposure), media, person.id, way), settings.signing_key)  # type: ignore[arg-type]
        answer = await console.get(f"/v1/media/{lens['media']}/{path}?grant={grant}&x=0&y=0")
        assert error(answer) == (404, "not_found")


def test_grants_are_read_for_their_own_way_only() -> None:
    grant = Grant(uuid4(), uuid4(), uuid4(), "lens")
    token = grants.sign(grant, "key")
    assert grants.read(token, "key", way="lens") == grant
    assert grants.read(token, "key", way="whole") is None
    assert grants.read(token, "other", way="lens") is None
    assert grants.read("x", "key", way="whole") is None


@pytest.mark.parametrize("way", ["whole", "lens"])
async def test_ended_exposure_opens_nothing(console: Console, way: Way) -> None:
    seen = await looking(console, way)
    url = seen["url"] + ("&x=0&y=0" if way == "lens" else "")
    assert (await console.get(url)).status_code == 200
    for why in ("hidden", "closed"):
        assert (await end(console, seen["exposure_id"], why)).status_code == 204
    [row] = await console.execute("SELECT why FROM exposure_ends")
    assert row.why == "hidden"
    assert error(await console.get(url)) == (410, "link_expired")


async def test_only_ones_own_exposure_is_ended(console: Console) -> None:
    seen = await looking(console)
    assert error(await end(console, seen["exposure_id"], role="lead")) == (404, "not_found")
    assert error(await end(console, str(uuid4()))) == (404, "not_found")
    assert error(await end(console, seen["exposure_id"], "bored")) == (422, "invalid_request")
    assert error(await end(console, seen["exposure_id"], role="platform")) == (403, "forbidden")
    assert await console.count("exposure_ends") == 0


async def test_lens_needs_the_live_lease(console: Console) -> None:
    seen = await looking(console)
    await console.execute("UPDATE cases SET lease_expires_at = now()")
    assert error(await console.get(f"{seen['url']}&x=0&y=0")) == (409, "lease_stale")


async def test_lens_needs_something_to_look_at(console: Console, settings: Settings) -> None:
    seen = await looking(console)
    for path in stored_files(settings):
        path.unlink()
    assert error(await console.get(f"{seen['url']}&x=0&y=0")) == (404, "derivative_pending")
    await console.execute("DELETE FROM media_derivatives")
    assert error(await console.get(f"{seen['url']}&x=0&y=0")) == (404, "derivative_pending")
    answer = await console.reveal(seen["media"], seen["token"], way="lens")
    assert error(answer) == (404, "derivative_pending")
    assert error(await console.reveal(seen["media"], seen["token"], way="both")) == (422, "invalid_request")
    assert await console.count("exposures") == 1


@pytest.mark.parametrize(
    ("kind", "way", "recorded", "seconds"),
    [
        ("video", "whole", "video", 300),
        ("audio", "whole", "audio", 300),
        ("video", "lens", "lens", 60),
        ("image", "whole", "whole", 60),
    ],
)
async def test_record_says_what_was_revealed_and_clips_may_last_longer(
    console: Console, kind: str, way: str, recorded: str, seconds: int
) -> None:
    media = await console.uploaded()
    await console.report(media)
    await console.execute("UPDATE media SET kind = :kind", kind=kind)
    token = (await console.claim())["lease"]["token"]
    assert (await console.reveal(media, token, way=way)).status_code == 200
    [row] = await console.execute("SELECT kind, expires_at - at AS lasts FROM exposures")
    assert (row.kind, row.lasts.total_seconds()) == (recorded, seconds)


async def test_what_cannot_be_shown_is_not_revealed(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media)
    token = (await console.claim())["lease"]["token"]
    await console.execute("UPDATE media SET kind = 'audio'")
    await console.execute("DELETE FROM media_derivatives")
    assert error(await console.reveal(media, token, way="lens")) == (422, "invalid_request")
    await console.execute("UPDATE media SET status = 'pending', uploaded_as = stored_as")
    assert error(await console.reveal(media, token)) == (404, "derivative_pending")
    await console.execute("UPDATE media SET status = 'failed', failure = 'broken'")
    assert error(await console.reveal(media, token)) == (404, "media_failed")
    assert await console.count("exposures") == 0


@pytest.fixture
def failing_commit(database: str) -> Iterator[None]:
    """Records of exposures fail, and only at the commit."""
    query(
        database,
        """
        CREATE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no commit today'; END $$;
        CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON exposures DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail_at_commit();
        """,
    )
    yield
    query(database, "DROP TRIGGER fail_at_commit ON exposures; DROP FUNCTION fail_at_commit()")


@pytest.mark.parametrize("way", ["whole", "lens"])
async def test_no_address_without_a_committed_record(console: Console, failing_commit: None, way: Way) -> None:
    media = await console.uploaded()
    await console.report(media)
    token = (await console.claim())["lease"]["token"]
    answer = await console.reveal(media, token, way=way)
    assert answer.status_code == 500
    assert "url" not in answer.json()
    assert await console.count("exposures") == 0


def test_tiles_are_as_many_as_a_hand_can_move_over() -> None:
    now = 0.0
    tiles = Tiles(clock=lambda: now)
    one = uuid4()
    for _ in range(AT_ONCE):
        tiles.take(one)
    with pytest.raises(OverloadedError, match="more slowly") as refused:
        tiles.take(one)
    assert refused.value.headers == {"Retry-After": "1"}
    tiles.take(uuid4())
    now = 0.051
    tiles.take(one)
    with pytest.raises(OverloadedError):
        tiles.take(one)
    for _ in range(KEPT):
        tiles.take(uuid4())
    tiles.take(one)


async def test_too_many_tiles_at_once_are_refused(console: Console, app: FastAPI) -> None:
    seen = await looking(console)
    exposure = UUID(seen["exposure_id"])
    app.state.tiles = Tiles(clock=lambda: 0.0)
    for _ in range(AT_ONCE):
        app.state.tiles.take(exposure)
    answer = await console.get(f"{seen['url']}&x=0&y=0")
    assert error(answer) == (429, "overloaded")


async def test_pictures_of_other_cases_are_not_revealed(console: Console) -> None:
    seen = await looking(console)
    other = await console.uploaded(png())
    assert error(await console.reveal(other, seen["token"], way="lens")) == (404, "not_found")


async def test_decision_keeps_what_was_revealed_and_for_how_long(console: Console) -> None:
    seen = await looking(console)
    await end(console, seen["exposure_id"])
    await console.execute(
        "INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, kind, at, expires_at)"
        " SELECT gen_random_uuid(), media_id, case_id, principal_id, lease_token, reason, 'whole',"
        " at - interval '40 seconds', at + number * interval '10 seconds' - interval '30 seconds'"
        " FROM exposures, generate_series(0, 9, 9) AS number"
    )
    answer = await decide(console, seen["token"])
    assert answer.status_code == 201, answer.text
    [row] = await console.execute("SELECT shown FROM decisions")
    assert row.shown["revealed"] == 1
    # One that had run out after 10 seconds, one that was open for 40 when it was decided.
    assert row.shown["revealed_seconds"]["whole"] == pytest.approx(50, abs=3)
    assert 0 <= row.shown["revealed_seconds"]["lens"] < 2


@pytest.mark.parametrize("way_out", ["release", "decide", "lapse"])
async def test_what_is_open_is_closed_with_the_lease(console: Console, way_out: str) -> None:
    seen = await looking(console)
    closed = (await console.reveal(seen["media"], seen["token"])).json()["exposure_id"]
    await end(console, closed, "idle")
    await console.execute(
        "INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, at, expires_at)"
        " SELECT gen_random_uuid(), media_id, case_id, principal_id, lease_token, reason,"
        " at - interval '1 hour', at - interval '59 minutes' FROM exposures LIMIT 1"
    )
    [case] = await console.execute("SELECT id FROM cases")
    headers = bearer(console.keys["reviewer"])
    if way_out == "release":
        address, body = f"/v1/cases/{case.id}/lease/release", {"lease_token": seen["token"]}
        assert (await console.client.post(address, json=body, headers=headers)).status_code == 204
    elif way_out == "decide":
        assert (await decide(console, seen["token"])).status_code == 201
    else:
        await console.execute("UPDATE cases SET lease_expires_at = now()")
        assert await return_lapsed(console.connection)
    rows = await console.execute("SELECT CAST(exposure_id AS text) AS id, why FROM exposure_ends")
    assert {row.id: row.why for row in rows} == {closed: "idle", seen["exposure_id"]: "lease"}
