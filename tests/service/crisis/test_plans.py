"""Continuity plans: kept as data, put to work as crises are, and drilled without changing anything."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from models.overlay import NO_OVERLAYS
from models.rank import RankConfig
from service.commands.drill import lines
from service.crisis.plans.drilling import QueueNow, Scene, drilled
from service.crisis.plans.schemas import PlanSpec
from service.crisis.plans.workflow import drill
from service.routing.rules import DEFAULT_QUEUE, RuleSet
from service.routing.urgent import AtWork, under
from service.shedding.workflow import at_work
from tests.service.crisis.steps import Order, act, pass_time, standing, until
from tests.service.routing.steps import make_queue, rule, save, send
from tests.service.steps import Body, assert_error, query, report, value

LAWYER = "UPDATE principals SET skills = %s WHERE username = 'test-specialist'"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


async def saved(lead: httpx.AsyncClient, *, based_on: int = 0, **plan: Any) -> Body:
    body = {"title": "Few people", "based_on": based_on, "plan": plan}
    answer = await lead.put("/v1/continuity/few", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def put_to_work(lead: httpx.AsyncClient, second: httpx.AsyncClient) -> Body:
    draft = await lead.post("/v1/continuity/few/activate", json={"until": until(), "reason": "a power cut"})
    assert draft.status_code == 201, draft.text
    return await act(second, draft.json(), "approve", revision=1)


async def test_a_plan_moves_reskills_and_sheds_and_takes_all_of_it_back(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient,
    second: httpx.AsyncClient, database: str, order: Order,
) -> None:  # fmt: skip
    await make_queue(lead, "adverts")
    await make_queue(lead, "expert", skills=["law"])
    query(database, LAWYER, ["law"])
    await save(lead, rule("a", "adverts", kinds=["ad"]), rule("e", "expert", reasons=["fraud_scam"]))
    moved = (await send(platform, "ad-1", kind="ad"))["case_id"]
    hard = (await send(platform, "post-1", report={"reason": "fraud_scam"}))["case_id"]
    due = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    clock = {"basis": "an order", "kind": "legal", "due_at": due}
    legal = (await send(platform, "post-2", report={"deadline": clock}))["case_id"]
    before = standing(database)
    assert (await reviewer.post("/v1/queues/expert/claim")).status_code == 404
    await saved(
        lead,
        severity_only=[DEFAULT_QUEUE, "expert"],
        stopped=[{"queue": "adverts", "into": DEFAULT_QUEUE}],
        reskilled=[{"person": "test-reviewer", "queues": ["expert"]}],
        shed={"below_severity": 2, "above_load": 0.5},
    )
    crisis = await put_to_work(lead, second)
    await order.follow()
    why = (await reviewer.get(f"/v1/cases/{moved}/why")).json()
    assert (why["queue"], why["parts"]["policy"]) == (DEFAULT_QUEUE, "tier+guard")
    assert "The queue adverts stands still while “Few people” is at work." in why["words"]
    assert any("the most likely severity goes first" in one for one in why["words"])
    # The law's clock is where it was.
    after = standing(database)
    assert (after[legal][2], after[legal][3]) == (before[legal][2], before[legal][3])
    assert after[legal][2] < datetime.now(UTC) + timedelta(hours=3)
    async with app.state.engine.connect() as connection:
        assert (await at_work(connection, RankConfig())).shed_below_severity == 2
    # The rule says whose it is: that of the plan, not that of the order.
    shed = (await lead.get("/v1/forecast")).json()["rule"]
    assert (shed["below_severity"], shed["owner"], shed["reason"]) == (2, "test-lead", "a power cut")
    claimed = await reviewer.post("/v1/queues/expert/claim")
    assert claimed.json()["case"]["id"] == hard
    await reviewer.post(f"/v1/cases/{hard}/lease/release", json={"lease_token": claimed.json()["lease"]["token"]})
    pass_time(database, crisis, hours=3)
    await order.follow()
    assert standing(database) == before
    assert (await reviewer.post("/v1/queues/expert/claim")).status_code == 404
    async with app.state.engine.connect() as connection:
        assert await at_work(connection, RankConfig()) == RankConfig()
    assert value(database, "SELECT skills FROM principals WHERE username = 'test-reviewer'") == []


@pytest.mark.parametrize(
    ("instead", "found"),
    [
        ({"a": "b", "b": "c"}, {"a": "c", "b": "c"}),
        ({"b": "c", "a": "b"}, {"a": "c", "b": "c"}),
        # What a later plan sends cases to goes on.
        ({"a": "b", "b": "a"}, {"a": "b"}),
        ({"a": "b", "c": "a", "b": "c"}, {"a": "b", "c": "b"}),
        # It has become restricted, or was closed, since the plan was written.
        ({"secret": "a"}, {}),
        ({"a": "closed"}, {}),
        ({"closed": "a"}, {"closed": "a"}),
    ],
)
def test_nothing_is_left_where_another_plan_lets_a_queue_stand_still(
    instead: dict[str, str], found: dict[str, str]
) -> None:
    queues = {"a": False, "b": False, "c": False, "secret": True}
    crises = AtWork(NO_OVERLAYS, (), {queue: (into, "few") for queue, into in instead.items()})
    at_work = under(RuleSet(), crises, queues=queues).instead
    assert {queue: into for queue, (into, _plan) in at_work.items()} == found


async def test_a_plan_that_sends_cases_to_nobody_is_not_put_to_work(lead: httpx.AsyncClient) -> None:
    await make_queue(lead, "expert", skills=["law"])
    await saved(lead, stopped=[{"queue": DEFAULT_QUEUE, "into": "expert"}])
    refused = await lead.post("/v1/continuity/few/activate", json={"until": until(), "reason": "a power cut"})
    assert "expert" in assert_error(refused, 422, "routing_conflict")
    # Whoever learns from the plan to help there can take them.
    helper = {"person": "test-reviewer", "queues": ["expert"]}
    await saved(lead, based_on=1, stopped=[{"queue": DEFAULT_QUEUE, "into": "expert"}], reskilled=[helper])
    activated = await lead.post("/v1/continuity/few/activate", json={"until": until(), "reason": "a power cut"})
    assert activated.status_code == 201, activated.text
    assert [one["state"] for one in (await lead.get("/v1/crises")).json()["crises"]] == ["draft"]


async def test_reskilling_ends_with_its_day_and_opens_no_restricted_queue(
    reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient, database: str
) -> None:
    await make_queue(lead, "expert", skills=["law"])
    await make_queue(lead, "secret", skills=["law"], restricted=True)
    today = datetime.now(UTC).date()
    helper = {"person": "test-reviewer", "queues": ["expert", "secret"], "valid_until": str(today - timedelta(days=1))}
    await saved(lead, reskilled=[helper])
    asked = "SELECT may_use_queue(%s, id, '{}') FROM principals WHERE username = 'test-reviewer'"
    crisis = await put_to_work(lead, second)
    assert (value(database, asked, "expert"), value(database, asked, "secret")) == (False, False)
    spec = json.dumps([{**helper, "valid_until": str(today)}])
    query(database, "UPDATE crises SET spec = jsonb_set(spec, '{reskilled}', %s) WHERE id = %s", spec, crisis["id"])
    assert (value(database, asked, "expert"), value(database, asked, "secret")) == (True, False)


async def test_a_drill_finds_a_hole_and_changes_nothing(
    app: FastAPI, platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    await make_queue(lead, "expert", skills=["law"])
    query(database, LAWYER, ["law"])
    await save(lead, rule("e", "expert", kinds=["post"]))
    query(database, LAWYER, [])
    case = (await report(platform))["case_id"]
    await report(platform, "post-2")
    query(
        database,
        "UPDATE cases SET deadline = now() + interval '20 minutes', start_by = now() - interval '1 minute',"
        " rank = rank || '{\"scored\": true}' WHERE id = %s",
        case,
    )
    helper = {"person": "test-reviewer", "queues": ["expert"], "valid_until": "2020-01-01"}
    first = await saved(lead, severity_only=["expert"], reskilled=[helper], shed={"below_severity": 3})
    assert (first["stale"], first["drilled_at"]) == (True, None)
    tables = ("crises", "cases", "crisis_moments", "principals")
    counted = [query(database, f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {one} t") for one in tables]
    found = await drill(app.state.engine, "few", minutes=60)
    assert [
        query(database, f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {one} t") for one in tables
    ] == counted
    assert {one.kind for one in found.holes} == {"nobody", "deadline", "training"}
    [expert] = [one for one in found.queues if one.queue == "expert"]
    assert (expert.cases, expert.legal, expert.ranked, expert.people_with, expert.missed_with) == (2, 1, 1, 0, 1)
    assert any(line.startswith("HOLE") and "nobody may take expert" in line for line in lines(found))
    assert (await lead.get("/v1/continuity/few")).json()["drill_holes"] == 3
    await saved(lead, based_on=1, severity_only=["expert"], reskilled=[{**helper, "valid_until": None}])
    mended = await drill(app.state.engine, "few", minutes=60)
    assert (mended.holes, mended.helpers, lines(mended)[-3]) == ([], ["test-reviewer"], "No holes.")
    [plan] = (await lead.get("/v1/continuity")).json()["plans"]
    assert (plan["stale"], plan["drill_holes"], plan["drill_version"]) == (False, 0, 2)
    # What was drilled long ago, or in another version, is to be drilled again.
    await saved(lead, based_on=2)
    assert (await lead.get("/v1/continuity/few")).json()["stale"]
    assert "drill is due" in (await lead.get("/crisis")).text
    assert [len(one["holes"]) for one in (await lead.get("/v1/continuity/few/drills")).json()["drills"]] == [0, 3]


async def test_a_plan_is_saved_on_top_of_the_one_that_was_looked_at(lead: httpx.AsyncClient) -> None:
    await make_queue(lead, "secret", restricted=True)
    await saved(lead)
    body = {"title": "Few", "based_on": 0, "plan": {}}
    assert_error(await lead.put("/v1/continuity/few", json=body), 409, "crisis_changed")
    assert_error(await lead.put("/v1/continuity/new", json={**body, "based_on": 4}), 409, "crisis_changed")
    stopped = {"stopped": [{"queue": "secret", "into": "default"}]}
    answer = await lead.put("/v1/continuity/few", json={**body, "based_on": 1, "plan": stopped})
    assert "restricted" in assert_error(answer, 422, "invalid_request")
    chained = {"stopped": [{"queue": "a", "into": "b"}, {"queue": "b", "into": "default"}]}
    answer = await lead.put("/v1/continuity/few", json={**body, "based_on": 1, "plan": chained})
    assert "cannot stand still itself" in assert_error(answer, 422, "invalid_request")


SCENE = Scene(
    now=NOW,
    queues={
        "default": QueueNow(cases=10, legal=2, bound=0, minutes=30, overdue=0, restricted=False),
        "ads": QueueNow(cases=4, legal=0, bound=0, minutes=30, overdue=0, restricted=False),
    },
    due={"default": [NOW + timedelta(minutes=40)] * 2},
    takers={"default": frozenset({"a", "b"}), "ads": frozenset({"b"})},
    takers_with={"default": frozenset({"a", "b"}), "ads": frozenset({"b"})},
    sheddable={},
    people={"b": True},
)


@pytest.mark.parametrize(
    ("plan", "missed", "kinds"),
    [
        # a gives all, b half of the time: 3 an hour, so that the second of two is done after 40 minutes exactly.
        ({}, (0, 0), []),
        ({"present_share": 0.9}, (1, 1), ["deadline"]),
        # With the adverts gone b is free for the others.
        ({"present_share": 0.9, "stopped": [{"queue": "ads", "into": "default"}]}, (1, 0), []),
        ({"stopped": [{"queue": "ads", "into": "nowhere"}]}, (0, 0), ["queue"]),
        ({"reskilled": [{"person": "c", "queues": ["ads"]}]}, (0, 0), ["person"]),
        ({"reskilled": [{"person": "b", "queues": ["ads"], "valid_until": date(2026, 11, 29)}]}, (0, 0), ["training"]),
        ({"reskilled": [{"person": "b", "queues": ["ads"], "valid_until": date(2026, 11, 30)}]}, (0, 0), []),
    ],
)
def test_what_a_drill_works_out(plan: Body, missed: tuple[int, int], kinds: list[str]) -> None:
    rows, holes = drilled(PlanSpec.model_validate(plan), SCENE)
    assert (rows[0].missed, rows[0].missed_with) == missed
    assert [one.kind for one in holes] == kinds


def test_a_queue_that_stands_still_needs_nobody() -> None:
    scene = replace(SCENE, takers_with={"default": frozenset({"a"})})
    stopped = PlanSpec.model_validate({"stopped": [{"queue": "ads", "into": "default"}]})
    assert [one.kind for one in drilled(PlanSpec(), scene)[1]] == ["deadline", "nobody"]
    rows, holes = drilled(stopped, scene)
    assert ([one.cases_with for one in rows], [one.kind for one in holes]) == ([14, 0], ["deadline"])
