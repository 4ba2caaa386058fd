"""What a reviewer is shown at first: renderings at a level that the rules and their own wish allow, with reasons."""

import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import Response

from labeling.taxonomy import Taxonomy
from service.cases.workflow import rerank
from service.db import create_engine
from service.media.levels import Rules
from service.media.viewing.workflow import assessment_words, demanded_of, media_of
from service.settings import Settings
from tests.conftest import bearer
from tests.service.media.console import Console, error
from tests.service.media.pictures import animation, gif

SEEN = {"sexual": 0.01, "graphic_violence": 0.005}
READ = "INSERT INTO media_texts (media_id, lines) SELECT id, '[]' FROM media"


async def claimed(console: Console) -> dict[str, Any]:
    """The first of the media of the case that is claimed."""
    item: dict[str, Any] = (await console.claim())["case"]["media"][0]
    return item


async def cleared(
    console: Console, classes: dict[str, float | None] | None = None, *, data: bytes | None = None
) -> str:
    """A reported picture in which model and reader found nothing."""
    media = await console.uploaded(data)
    await console.report(media, reason="spam")
    await console.score({"harassment": 0.01})
    assessment = json.dumps({"model": "m", "hash": "h", "classes": classes or SEEN})
    await console.execute(
        "UPDATE media SET assess_state = 'assessed', read_state = 'read', assessment = CAST(:a AS jsonb)", a=assessment
    )
    await console.execute(READ)
    return media


async def wish(console: Console, *, role: str = "reviewer", **body: Any) -> Response:
    return await console.client.put("/v1/me/media", json=body, headers=bearer(console.keys[role]))


async def bank(console: Console, media: str, *, level: int = 4, acts: bool = True) -> None:
    """A bank that knows the picture."""
    [made] = await console.execute(
        "INSERT INTO hash_banks (id, name, purpose, owner, policy_area, level)"
        " VALUES (gen_random_uuid(), 'known', 'p', 'o', 'graphic_violence', :level) RETURNING id",
        level=level,
    )
    [known] = await console.execute(
        "INSERT INTO bank_hashes (bank_id, pdq) VALUES (:bank, CAST(repeat('0', 256) AS bit(256))) RETURNING id",
        bank=made.id,
    )
    await console.execute(
        "INSERT INTO bank_matches (media_id, hash_id, distance, acts) VALUES (:media, :known, 4, :acts)",
        media=media,
        known=known.id,
        acts=acts,
    )


def test_assessment_in_words() -> None:
    classes = {"sexual": 0.01, "graphic_violence": None, "hate_symbols": 0.5, "self_harm": 0.2}
    assert assessment_words("assessed", classes, kind="image") == (
        "graphic violence: not assessed; hate symbols: likely (0.50); self harm: possible (0.20); sexual: unlikely (0.01)"
    )
    assert assessment_words("waiting", None, kind="image") is None
    assert assessment_words("assessed", classes, kind="audio") is None
    assert assessment_words("failed", None, kind="video") == "could not be assessed"


async def test_item_says_what_is_known_and_where_renderings_are(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media, reason="spam")
    await console.score({"harassment": 0.01})
    item = await claimed(console)
    address = f"/v1/media/{media}/preview"
    assert item == {
        "id": media,
        "kind": "image",
        "mime": "image/jpeg",
        "width": 400,
        "height": 300,
        "status": "ready",
        "failure": None,
        "duration_ms": None,
        "sound": False,
        "level": 2,
        "level_reason": "No sign of graphic content in text and reports; the picture is not assessed",
        "least_level": 2,
        "least_reason": "No sign of graphic content in text and reports; the picture is not assessed",
        "preview_url": f"{address}?level=2",
        "lines_url": f"{address}?level=0&variant=lines",
        "sheet_url": None,
        "proxy_url": None,
        "wave_url": None,
        "lines_first": False,
        "assessment": None,
        "text": None,
        "text_state": "waiting",
        "text_area": None,
        "matches": [],
    }
    for url, level in ((item["preview_url"], "2"), (item["lines_url"], "0")):
        answer = await console.get(url)
        assert (answer.status_code, answer.headers["x-blur-level"]) == (200, level)


async def test_wishes_are_ones_own_and_only_raise(console: Console) -> None:
    default = {"level": None, "colour": False, "lines_first": False, "mask_text": True}
    assert (await console.get("/v1/me/media")).json() == default
    mine: dict[str, Any] = {"level": 4, "colour": True, "lines_first": True, "mask_text": False}
    assert (await wish(console, **mine)).json() == mine
    assert (await console.get("/v1/me/media")).json() == mine
    assert (await console.get("/v1/me/media", role="lead")).json() == default
    media = await console.uploaded()
    await console.report(media)
    await console.score({"harassment": 0.01})
    item = await claimed(console)
    assert (item["level"], item["level_reason"], item["least_level"]) == (4, "Your own setting", 2)
    assert (item["lines_first"], item["lines_url"] is not None) == (True, True)
    assert item["preview_url"] == f"/v1/media/{media}/preview?level=4&variant=colour"
    assert (await console.get(item["preview_url"])).headers["x-blur-level"] == "4"
    await wish(console, level=0)
    case = (await console.client.get("/v1/leases", headers=bearer(console.keys["reviewer"]))).json()["leases"][0]
    item = (await console.get(f"/v1/cases/{case['case_id']}")).json()["media"][0]
    assert (item["level"], item["level_reason"]) == (2, item["least_reason"])
    assert await console.count("media_preferences") == 1


@pytest.mark.parametrize("body", [{"level": 5}, {"level": -1}, {"colour": "much"}, {"blur": 2}])
async def test_other_wishes_are_invalid(console: Console, body: dict[str, Any]) -> None:
    assert error(await wish(console, **body)) == (422, "invalid_request")


async def test_a_cleared_picture_is_plain_only_where_the_organisation_allows_it(
    console: Console, app: FastAPI, taxonomy: Taxonomy
) -> None:
    media = await cleared(console)
    assert (await console.preview(media, "?level=0")).headers["x-blur-level"] == "2"
    app.state.blur_rules = Rules(taxonomy, least=0)
    for variant in ("gray", "colour"):
        assert (await console.preview(media, f"?variant={variant}")).headers["x-blur-level"] == "0"
    item = await claimed(console)
    assert (item["level"], item["least_level"]) == (0, 0)
    assert item["assessment"] == "graphic violence: unlikely (0.01); sexual: unlikely (0.01)"
    await console.execute("UPDATE media SET read_state = 'waiting'")
    assert (await console.preview(media)).headers["x-blur-level"] == "2"


async def test_what_the_model_cannot_tell_clears_nothing(console: Console, app: FastAPI, taxonomy: Taxonomy) -> None:
    app.state.blur_rules = Rules(taxonomy, least=0)
    media = await cleared(console, {"sexual": 0.001, "graphic_violence": None})
    assert (await console.preview(media)).headers["x-blur-level"] == "2"


async def test_an_animation_is_not_cleared_by_its_first_frame(
    console: Console, app: FastAPI, taxonomy: Taxonomy
) -> None:
    app.state.blur_rules = Rules(taxonomy, least=0)
    media = await cleared(console, data=gif(animation()))
    for variant in ("gray", "colour", "sheet"):
        assert (await console.preview(media, f"?variant={variant}&level=0")).headers["x-blur-level"] == "2"
    assert (await claimed(console))["level_reason"].endswith("no model looks at whole clips")


async def test_what_was_reported_with_older_content_counts_when_the_case_is_decided(console: Console) -> None:
    older, newer = await console.uploaded(), await console.uploaded()
    await console.report(older, reason="spam", subject="post")
    await console.report(newer, reason="self_harm", subject="post")
    await console.score({"harassment": 0.01})
    for media in (older, newer):
        assert (await console.preview(media)).headers["x-blur-level"] == "4"
    lease = (await console.claim())["lease"]["token"]
    [case] = await console.execute("SELECT id FROM cases")
    decided = await console.client.post(
        f"/v1/cases/{case.id}/decisions",
        json={"lease_token": lease, "actions": ["no_violation"], "policy_area": "benign", "severity": 0, "note": ""},
        headers=bearer(console.keys["reviewer"]),
    )
    assert decided.status_code == 201, decided.text
    for media in (older, newer):
        assert (await console.preview(media)).headers["x-blur-level"] == "4"


async def test_model_reader_banks_and_channels_raise_the_level(console: Console) -> None:
    media = await cleared(console, {"sexual": 0.9, "graphic_violence": 0.0})
    item = await claimed(console)
    assert (item["level"], item["level_reason"]) == (3, "Image model: sexual 0.90")
    score, lines = json.dumps({"areas": {"self_harm": 0.8}}), json.dumps([{"text": "x"}])
    keep = "UPDATE media_texts SET lines = CAST(:lines AS jsonb), score = CAST(:score AS jsonb)"
    await console.execute(keep, lines=lines, score=score)
    assert (await console.preview(media)).headers["x-blur-level"] == "4"
    await console.execute("UPDATE media_texts SET score = NULL")
    assert (await console.preview(media)).headers["x-blur-level"] == "3"
    await bank(console, media)
    [case] = await console.execute("SELECT id FROM cases")
    item = (await console.get(f"/v1/cases/{case.id}")).json()["media"][0]
    assert (item["level"], item["level_reason"]) == (4, "Bank 'known': distance 4")


async def test_matches_of_sleeping_banks_and_those_only_counted_change_nothing(console: Console) -> None:
    media = await cleared(console)
    await bank(console, media, acts=False)
    assert (await console.preview(media)).headers["x-blur-level"] == "2"
    await console.execute("UPDATE bank_matches SET acts = true")
    assert (await console.preview(media)).headers["x-blur-level"] == "4"
    await console.execute("UPDATE hash_banks SET active = false, disabled_note = 'wrong'")
    assert (await console.preview(media)).headers["x-blur-level"] == "2"


async def test_report_of_the_police_makes_it_strong(console: Console) -> None:
    await cleared(console)
    await console.execute("UPDATE reports SET channel = 'law_enforcement'")
    item = await claimed(console)
    assert (item["level"], item["level_reason"]) == (3, "Reported by law enforcement")


async def test_no_line_drawing_of_the_most_graphic(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media, reason="self_harm")
    item = await claimed(console)
    assert (item["level"], item["lines_url"]) == (4, None)
    assert error(await console.preview(media, "?variant=lines&level=0")) == (404, "not_found")


async def test_failed_and_pending_media_are_placeholders_with_a_reason(console: Console) -> None:
    media = await console.uploaded()
    await console.report(media)
    await console.execute("DELETE FROM media_derivatives")
    await console.execute("UPDATE media SET status = 'failed', failure = 'the picture ends too early'")
    answer = await console.preview(media)
    assert error(answer) == (404, "media_failed")
    assert answer.json()["detail"] == "the picture ends too early"
    item = await claimed(console)
    assert (item["status"], item["failure"]) == ("failed", "the picture ends too early")
    assert {item[f"{name}_url"] for name in ("preview", "lines", "sheet", "proxy", "wave")} == {None}
    await console.execute("UPDATE media SET status = 'pending', failure = NULL, uploaded_as = stored_as")
    assert error(await console.preview(media)) == (404, "derivative_pending")


async def test_renderings_of_clips_have_least_levels_of_their_own(
    console: Console, app: FastAPI, taxonomy: Taxonomy
) -> None:
    media = await console.uploaded()
    await console.report(media)
    await console.score({"harassment": 0.01})
    await console.execute("UPDATE media SET kind = 'video', duration_ms = 1000, sound = true")
    await console.execute(
        "INSERT INTO media_derivatives (media_id, variant, level, mime, stored_as, width, height)"
        " SELECT media_id, made.variant, made.level, mime, stored_as, width, height FROM media_derivatives d,"
        " (VALUES ('sheet', 2), ('sheet', 3), ('proxy', 2), ('wave', 0)) AS made (variant, level)"
        " WHERE d.variant = 'gray' AND d.level = 2"
    )
    await wish(console, level=3)
    item = await claimed(console)
    address = f"/v1/media/{media}/preview"
    assert item["sheet_url"] == f"{address}?level=3&variant=sheet"
    assert item["proxy_url"] == f"{address}?level=3&variant=proxy"
    assert item["wave_url"] == f"{address}?level=0&variant=wave"
    app.state.blur_rules = Rules(taxonomy, least=0)
    for variant, served in (("sheet", "2"), ("proxy", "2"), ("wave", "0")):
        answer = await console.preview(media, f"?level=0&variant={variant}")
        assert (answer.status_code, answer.headers["x-blur-level"]) == (200, served)
    assert error(await console.preview(media, "?variant=proxy&level=4")) == (404, "derivative_pending")
    assert error(await console.preview(media, "?variant=other")) == (422, "invalid_request")


async def test_nothing_is_known_of_media_that_are_none(console: Console, taxonomy: Taxonomy) -> None:
    rules = Rules(taxonomy)
    assert (await demanded_of(console.connection, uuid4(), rules)).level == 3
    [person] = await console.execute("SELECT id FROM principals WHERE role = 'reviewer'")
    assert await media_of(console.connection, uuid4(), viewer=person.id, rules=rules) == []


async def test_least_level_is_a_setting(app: FastAPI, settings: Settings) -> None:
    assert app.state.blur_rules.least == settings.media_least_level == 2


async def test_high_exposure_follows_what_is_known_of_the_media(console: Console, app: FastAPI) -> None:
    media = await cleared(console)
    [case] = await console.execute("SELECT id FROM cases")

    async def scope() -> tuple[bool, str]:
        engine = create_engine(str(app.state.settings.database_url), pool=1)
        async with engine.begin() as connection:
            await rerank(connection, [case.id], taxonomy=app.state.taxonomy, config=app.state.rank_config)
        await engine.dispose()
        [row] = await console.execute(
            "SELECT s.high_exposure, s.consent_area FROM cases c JOIN case_scopes s ON s.id = c.scope_id"
        )
        return row.high_exposure, row.consent_area

    [row] = await console.execute("SELECT s.high_exposure FROM cases c JOIN case_scopes s ON s.id = c.scope_id")
    assert row.high_exposure
    assert await scope() == (False, "")
    await bank(console, media, level=3)
    assert await scope() == (True, "graphic_violence")
