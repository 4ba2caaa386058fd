"""Versions of the rules: saved with owner and reason on top of what was seen, tried before, and applied to what comes."""

import asyncio
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service.cases.workflow import rerank
from service.routing import workflow
from service.routing.schemas import RoutingPreviewIn, RuleIn
from service.routing.workflow import Rerouting
from tests.service.routing.steps import OWNER, make_queue, preview, rule, save, send, try_save
from tests.service.steps import assert_error, claim, decided, query, report, value

PRESS = rule("Press", "press", channels=["press"])


async def test_a_version_is_kept_with_who_answers_for_it_and_why(lead: httpx.AsyncClient, database: str) -> None:
    before = (await lead.get("/v1/routing")).json()
    assert (before["version"], before["current"], before["history"]) == (0, None, [])
    await make_queue(lead, "press")
    first = await save(lead, PRESS)
    second = await save(
        lead, PRESS, rule("Ads", "press", kinds=["ad"]), owner="vendor lead", reason="ads wait too long"
    )
    found = (await lead.get("/v1/routing")).json()
    assert found["version"] == second["version"] > first["version"]
    assert [one["version"] for one in found["history"]] == [second["version"], first["version"]]
    current = found["current"]
    assert (current["owner"], current["reason"], current["decided_on"]) == (
        *("vendor lead", "ads wait too long", "2026-11-29"),
    )
    assert [one["name"] for one in current["rules"]] == ["Press", "Ads"]
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'routing.saved'") == 2
    with pytest.raises(psycopg.errors.RestrictViolation):
        query(database, "UPDATE routing_versions SET owner = 'nobody'")


async def test_who_saves_on_top_of_an_older_version_is_told(lead: httpx.AsyncClient, database: str) -> None:
    await make_queue(lead, "press")
    await save(lead, PRESS)
    assert_error(await try_save(lead, PRESS, based_on=0), 409, "routing_changed")
    assert value(database, "SELECT count(*) FROM routing_versions") == 1


async def test_of_two_who_save_at_once_one_is_told(lead: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await make_queue(lead, "press")
    answers = await asyncio.gather(*(try_save(one, PRESS, based_on=0) for one in (lead, admin, lead, admin)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_rules_that_contradict_each_other_are_not_saved(lead: httpx.AsyncClient, database: str) -> None:
    await make_queue(lead, "press")
    narrow = rule("Press posts", "press", channels=["press"], kinds=["post"])
    told = assert_error(await try_save(lead, PRESS, narrow, based_on=0), 422, "routing_conflict")
    assert "“Press posts”" in told
    assert "“Press”" in told
    nowhere = assert_error(await try_save(lead, rule("Lost", "nowhere"), based_on=0), 422, "routing_conflict")
    assert "nowhere" in nowhere
    assert value(database, "SELECT count(*) FROM routing_versions") == 0


async def test_a_rule_may_not_lead_where_nobody_could_take_it(lead: httpx.AsyncClient) -> None:
    await make_queue(lead, "klingon", skills=["klingon"])
    told = assert_error(await try_save(lead, rule("K", "klingon"), based_on=0), 422, "routing_conflict")
    assert "klingon" in told
    await make_queue(lead, "closed-shop", restricted=True)
    told = assert_error(await try_save(lead, rule("C", "closed-shop"), based_on=0), 422, "routing_conflict")
    assert "no members" in told


async def test_a_warning_is_shown_and_does_not_stop_anybody(lead: httpx.AsyncClient) -> None:
    saved = await save(lead, rule("Rest", "default", kinds=["ad"]))
    assert [one["code"] for one in saved["warnings"]] == ["idle"]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([rule("a", "default"), rule("A", "default", kinds=["post"])], "name of its own"),
        ([rule("  ", "default")], "say something"),
        ([rule("x", "default", channels=["telepathy"])], "channel"),
        ([rule("x", "default", severity=5)], "severity"),
        ([rule("x", "default", areas=[{"area": "spam", "least": 0}])], "least"),
        ([rule("x", "default", markets=["Europe"])], "market"),
        ([rule("x", "default", langauges=["en"])], "langauges"),
        ([rule("x", "default", kinds=[f"k{number}" for number in range(101)])], "kinds"),
        ([rule(f"r{number}", "default") for number in range(201)], "rules"),
    ],
)
async def test_malformed_rules_are_refused_with_a_reason(
    lead: httpx.AsyncClient, rules: list[dict[str, Any]], words: str
) -> None:
    told = assert_error(await try_save(lead, *rules, based_on=0), 422, "invalid_request")
    assert words in told


async def test_an_area_that_the_taxonomy_lacks_is_refused(lead: httpx.AsyncClient) -> None:
    for when in ({"areas": [{"area": "weather", "least": 0.5}]}, {"primary_areas": ["weather"]}):
        told = assert_error(await try_save(lead, rule("x", "default", **when), based_on=0), 422, "unknown_label")
        assert "weather" in told
        body = {"rules": [rule("x", "default", **when)]}
        assert_error(await lead.post("/v1/routing/preview", json=body), 422, "unknown_label")


async def test_a_new_report_lands_where_the_rules_say(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    await make_queue(lead, "press")
    before = await send(platform, "before", report={"channel": "press"})
    saved = await save(lead, PRESS)
    after = await send(platform, "after", report={"channel": "press"})
    other = await send(platform, "other")
    rows = dict(query(database, "SELECT id::text, queue FROM cases"))
    assert rows == {before["case_id"]: "default", after["case_id"]: "press", other["case_id"]: "default"}
    [(version, reason)] = query(database, "SELECT routed_by, route_reason FROM cases WHERE id = %s", after["case_id"])
    assert version == saved["version"]
    assert "Press" in reason
    assert (await lead.get(f"/v1/cases/{after['case_id']}/why")).json()["words"][-1] == reason


async def test_another_report_routes_anew(lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str) -> None:
    await make_queue(lead, "press")
    await save(lead, PRESS)
    case = (await report(platform))["case_id"]
    assert value(database, "SELECT queue FROM cases WHERE id = %s", case) == "default"
    await send(platform, "post-1", report={"channel": "press"})
    assert value(database, "SELECT queue FROM cases WHERE id = %s", case) == "press"


async def reroute(app: FastAPI, taxonomy: Taxonomy) -> int:
    """Let the worker route anew what waits; returns how many cases it looked at."""
    moving = Rerouting(app.state.engine, partial(rerank, taxonomy=taxonomy, config=RankConfig()))
    looked_at = 0
    while step := await moving.step():
        looked_at += step
    return looked_at


VARIED: list[dict[str, Any]] = [
    {"report": {"channel": channel}, "kind": kind, "language": language, "market": market}
    for channel in ("press", "user")
    for kind, language, market in (("ad", "pt-BR", "BR"), ("post", None, None), ("post", "ar", "EG"))
]
MANY = (
    rule("Press ads", "press", channels=["press"], kinds=["ad"]),
    rule("Arabic", "language", languages=["ar"], scored=False),
    rule("Unknown", "language", languages=["und"], channels=["user"]),
)


async def test_the_preview_says_what_then_happens(
    *, lead: httpx.AsyncClient, platform: httpx.AsyncClient, app: FastAPI, taxonomy: Taxonomy, database: str
) -> None:
    for name in ("press", "language"):
        await make_queue(lead, name)
    for number, fields in enumerate(VARIED):
        await send(platform, f"post-{number}", **fields)
    told = await preview(lead, *MANY)
    assert (told["cases"], told["truncated"], told["hours"]) == (6, False, 24)
    assert [one["cases"] for one in told["rules"]] == [1, 2, 1]
    assert told["default"] == 2
    moves = {(one["source"], one["target"]): one for one in told["moves"]}
    assert {pair: one["cases"] for pair, one in moves.items()} == {
        ("default", "press"): 1, ("default", "language"): 3,
    }  # fmt: skip
    assert set(query(database, "SELECT queue FROM cases")) == {("default",)}, "a preview changes nothing"
    await save(lead, *MANY, apply_to_open=True)
    assert await reroute(app, taxonomy) == 6
    for move in moves.values():
        examples = query(database, "SELECT queue FROM cases WHERE id = ANY(%s::uuid[])", move["examples"])
        assert examples == [(move["target"],)] * move["cases"]
    counts = dict(query(database, "SELECT queue, count(*) FROM cases GROUP BY queue"))
    assert counts == {"press": 1, "language": 3, "default": 2}
    assert await reroute(app, taxonomy) == 0
    assert (await preview(lead, *MANY))["moves"] == []


async def test_what_is_not_open_at_that_moment_is_routed_anew_as_well(
    *,
    lead: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    app: FastAPI,
    taxonomy: Taxonomy,
    database: str,
) -> None:
    await make_queue(lead, "press")
    for name in ("leased", "held", "shed", "decided"):
        await send(platform, name, report={"channel": "press"})
    await decided(reviewer, await claim(reviewer))
    held = await claim(reviewer)
    body = {"lease_token": held["lease"]["token"], "reason": "asking a colleague", "minutes": 10}
    assert (await reviewer.post(f"/v1/cases/{held['case']['id']}/hold", json=body)).status_code == 200
    await claim(reviewer)
    query(database, "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'a rule' WHERE status = 'open'")
    await save(lead, PRESS, apply_to_open=True)
    assert await reroute(app, taxonomy) == 3
    assert dict(query(database, "SELECT status, queue FROM cases")) == {
        **dict.fromkeys(("leased", "held", "shed"), "press"),
        "decided": "default",
    }
    assert await reroute(app, taxonomy) == 0


async def test_what_waits_stays_where_it_is_unless_the_version_says_so(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, app: FastAPI, taxonomy: Taxonomy, database: str
) -> None:
    await make_queue(lead, "press")
    await send(platform, "early", report={"channel": "press"})
    await save(lead, PRESS)
    assert await reroute(app, taxonomy) == 0
    assert value(database, "SELECT queue FROM cases") == "default"


async def test_the_preview_counts_the_newest_and_says_when_there_are_more(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "MOST_CASES", 3)
    monkeypatch.setattr(workflow, "PREVIEW_BATCH", 2)
    await make_queue(lead, "press")
    for number in range(3):
        await send(platform, f"post-{number}", report={"channel": "press"})
    told = await preview(lead, PRESS)
    assert (told["cases"], told["truncated"]) == (3, False)
    await send(platform, "post-3", report={"channel": "press"})
    told = await preview(lead, PRESS)
    assert (told["cases"], told["truncated"]) == (3, True)
    query(database, "UPDATE cases SET opened_at = now() - interval '3 days'")
    assert (await preview(lead, PRESS))["cases"] == 0
    assert (await preview(lead, PRESS, hours=100))["cases"] == 3


async def test_a_preview_ends_early_once_whoever_asked_has_gone(
    platform: httpx.AsyncClient, app: FastAPI, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "PREVIEW_BATCH", 2)
    for number in range(5):
        await send(platform, f"post-{number}")

    async def gone() -> bool:
        return True

    async with app.state.engine.connect() as connection:
        told = await workflow.preview(connection, RoutingPreviewIn(rules=[]), taxonomy, gone=gone)
    assert (told.cases, told.truncated) == (2, True)


async def test_the_preview_shows_conflicts_of_rules_that_are_not_finished(lead: httpx.AsyncClient) -> None:
    told = await preview(lead, rule("All", "default"), rule("None", "default", kinds=["ad"]))
    assert [(one["kind"], one["code"], one["rule"]) for one in told["findings"]] == [("error", "shadowed", "None")]


@pytest.mark.parametrize("role", ["reviewer", "specialist", "platform", "ml"])
async def test_rules_are_for_those_who_manage_queues(
    client: httpx.AsyncClient, keys: dict[str, str], role: str
) -> None:
    client.headers["Authorization"] = f"Bearer {keys[role]}"
    assert_error(await client.get("/v1/routing"), 403, "forbidden")
    assert_error(await client.post("/v1/routing", json={"rules": [], "based_on": 0, **OWNER}), 403, "forbidden")
    assert_error(await client.post("/v1/routing/preview", json={"rules": []}), 403, "forbidden")


@given(st.lists(st.sampled_from(["en", "EN-us", "Und", "pt-BR"]), min_size=1), st.lists(st.sampled_from(["de", "DE"])))
def test_a_rule_reads_back_as_it_was_stored(languages: list[str], markets: list[str]) -> None:
    made = RuleIn.model_validate(rule("x", "default", languages=languages, markets=markets))
    again = RuleIn.model_validate(made.model_dump(mode="json"))
    assert again.rule() == made.rule()
    assert made.rule().when.languages <= {"en", "und", "pt"}
