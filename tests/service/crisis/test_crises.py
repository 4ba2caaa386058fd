"""Crises: put to work by two people, named in the order that they change, over by the clock and nothing else."""

from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from models.rank import reproduce
from service.crisis import workflow
from service.crisis.schemas import ExtendIn
from service.crisis.workflow import extend, note_ends
from service.errors.crisis import CrisisStateError
from tests.service.crisis.steps import HARASSMENT, Order, act, begun, crisis_body, drafted, pass_time, standing, until
from tests.service.routing.steps import make_queue, rule, send
from tests.service.steps import assert_error, query, report, value


async def test_a_crisis_changes_order_and_routes_by_name_and_leaves_nothing_behind(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient,
    database: str, order: Order,
) -> None:  # fmt: skip
    await make_queue(lead, "riots")
    waiting = (await report(platform))["case_id"]
    before = standing(database)
    rules = [rule("Aville first", "riots", reasons=["harassment"])]
    crisis = await begun(lead, second, **HARASSMENT, guard_minutes=90, rules=rules)
    # What comes in is placed by it at once, without any process beside.
    new = (await send(platform, "post-2"))["case_id"]
    assert query(database, "SELECT queue FROM cases WHERE id = %s", new) == [("riots",)]
    assert await order.follow() == 1
    why = (await reviewer.get(f"/v1/cases/{waiting}/why")).json()
    assert reproduce(why["parts"])["value"] == why["value"] > before[waiting][0]
    [harassment] = [one for one in why["parts"]["areas"] if one["area"] == "harassment"]
    assert harassment["harm"] == pytest.approx(
        harassment["probability"] * harassment["weight"] * harassment["vulnerability"] * 4
    )
    # And as much more as the handling is expected to be quicker: no guard begins later.
    assert why["parts"]["guard_minutes"] == pytest.approx(90, abs=1)
    assert any("Crisis “Riots in Aville”: " in one and "counts 4 times until" in one for one in why["words"])
    assert "Crisis “Riots in Aville”: rule “Aville first” matches." in why["words"]
    # To the last microsecond, by the clock of the database.
    [(ends,)] = query(database, "SELECT crisis_end(c) FROM crises c")
    asked = "SELECT count(*) FROM crises_at_work(%s)"
    assert value(database, asked, ends - timedelta(microseconds=1)) == 1
    assert value(database, asked, ends) == 0
    pass_time(database, crisis, hours=2, seconds=1)
    assert query(database, "SELECT queue FROM cases WHERE id = %s", (await send(platform, "post-3"))["case_id"]) == [
        ("default",)
    ]
    assert await order.follow() == 2
    after = standing(database)
    assert after[waiting] == before[waiting]
    assert {row[4] for row in after.values()} == {"default"}
    assert not [row for row in after.values() if "overlay" in row[1]]


async def test_a_second_person_is_needed_or_it_ends_after_four_hours(
    lead: httpx.AsyncClient, second: httpx.AsyncClient, database: str
) -> None:
    draft = await drafted(lead)
    alone = await lead.post(f"/v1/crises/{draft['id']}/approve", json={"revision": 1})
    assert_error(alone, 403, "own_crisis")
    # What was looked at is approved, and nothing else.
    changed = await lead.put(f"/v1/crises/{draft['id']}", json={**crisis_body(), "until": until(30), "revision": 1})
    assert changed.json()["revision"] == 2
    assert_error(await second.post(f"/v1/crises/{draft['id']}/approve", json={"revision": 1}), 409, "crisis_changed")
    assert_error(await second.put(f"/v1/crises/{draft['id']}", json={**crisis_body(), "revision": 2}), 403, "forbidden")
    at_work = await act(lead, draft, "begin-alone", revision=2, reason="nobody else is awake")
    hours = datetime.fromisoformat(at_work["ends_at"]) - datetime.fromisoformat(at_work["began_at"])
    assert (at_work["state"], at_work["approved"], hours) == ("at_work", False, timedelta(hours=4))
    extended = await lead.post(f"/v1/crises/{draft['id']}/extend", json={"until": until(40), "reason": "more"})
    assert "somebody else has to approve" in assert_error(extended, 409, "crisis_state")
    # Everybody who leads is told, on every page that they begin from.
    for address in ("/floor", "/console", "/escalations", "/crisis"):
        page = await second.get(address)
        assert "Riots in Aville" in page.text, address
        assert "one person alone" in page.text, address
    approved = await act(second, draft, "approve", revision=2)
    assert approved["ends_at"] == approved["until"] > at_work["ends_at"]
    assert [one["kind"] for one in approved["moments"]] == ["drafted", "changed", "begun_alone", "approved"]

    late = await drafted(second)
    await act(second, late, "begin-alone", revision=1, reason="night")
    query(database, "UPDATE crises SET until = until + interval '1 day' WHERE id = %s", late["id"])
    pass_time(database, late, hours=4)
    assert (await lead.get(f"/v1/crises/{late['id']}")).json()["state"] == "ended"
    assert_error(await lead.post(f"/v1/crises/{late['id']}/approve", json={"revision": 1}), 409, "crisis_state")


async def test_of_two_crises_the_larger_factor_and_the_later_rules_hold(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient,
    database: str, order: Order,
) -> None:  # fmt: skip
    for name in ("older", "newer"):
        await make_queue(lead, name)
    case = (await report(platform))["case_id"]
    elsewhere = (await send(platform, "post-fr", market="FR"))["case_id"]
    older = await begun(lead, second, **HARASSMENT, guard_minutes=120, rules=[rule("a", "older", kinds=["post"])])
    pass_time(database, older, minutes=5)
    mild = {"areas": [{"area": "harassment", "factor": 0.5}, {"area": "spam", "factor": 2.0}], "markets": ["FR"]}
    newer = await begun(lead, second, **mild, guard_minutes=60, rules=[rule("b", "newer", kinds=["post"])])
    await order.follow()
    here = (await reviewer.get(f"/v1/cases/{case}/why")).json()
    there = (await reviewer.get(f"/v1/cases/{elsewhere}/why")).json()
    assert (here["queue"], there["queue"]) == ("older", "newer")
    # Never multiplied, never narrowed.
    for why in (here, there):
        areas = {one["area"]: one.get("crisis", 1.0) for one in why["parts"]["areas"]}
        assert (areas["harassment"], why["parts"]["guard_minutes"]) == (4.0, pytest.approx(120, abs=1))
    await act(lead, older, "end", reason="over")
    await order.follow()
    ended = (await reviewer.get(f"/v1/cases/{elsewhere}/why")).json()
    assert ({one["area"]: one.get("crisis") for one in ended["parts"]["areas"]}["harassment"], ended["queue"]) == (
        0.5,
        "newer",
    )
    assert (await reviewer.get(f"/v1/cases/{case}/why")).json()["queue"] == "default"
    # Sixty is not above the guard of the rules by chance: without any it is thirty.
    assert ended["parts"]["guard_minutes"] == pytest.approx(60, abs=1)
    late = await drafted(lead, guidance="Long")
    await drafted(lead)
    pass_time(database, late, hours=3)
    listed = (await lead.get("/v1/crises")).json()["crises"]
    # A draft whose time is over comes last.
    assert [one["state"] for one in listed] == ["at_work", "draft", "ended", "draft"]
    assert "guidance" not in listed[3]["spec"]
    assert newer["state"] == "at_work"


async def test_a_crisis_is_previewed_without_changing_anything(
    platform: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    await make_queue(lead, "riots")
    for number in range(3):
        await report(platform, f"post-{number}")
    before = standing(database)
    draft = await drafted(lead, **HARASSMENT, rules=[rule("all", "riots", kinds=["post"])])
    found = (await lead.get(f"/v1/crises/{draft['id']}/preview")).json()
    assert (found["cases"], found["moved"], found["moves"][0]["target"]) == (3, 3, "riots")
    assert found["front"]["compared"] == 3
    assert standing(database) == before
    assert_error(await lead.get(f"/v1/crises/{draft['id']}/preview?queue=nowhere"), 404, "not_found")


async def test_the_note_stands_at_the_desk_until_the_end_and_is_confirmed(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient,
    database: str,
) -> None:  # fmt: skip
    case = (await report(platform))["case_id"]
    said = {"area": "harassment", "language": "en", "text": "We are looking into it."}
    crisis = await begun(lead, second, guidance="Calls to go to <the square> are threats.", statements=[said])
    # A note about another market is no matter of this case.
    await begun(lead, second, guidance="Of Beville alone.", markets=["FR"])
    [_of_beville, note] = (await reviewer.get("/v1/guidance")).json()["guidance"]
    assert (note["read"], note["statements"][0]["text"]) == (False, "We are looking into it.")
    page = (await reviewer.get(f"/cases/{case}")).text
    assert "Calls to go to &lt;the square&gt; are threats." in page
    assert "Of Beville" not in page
    french = (await send(platform, "post-fr", market="FR"))["case_id"]
    assert "Of Beville" in (await reviewer.get(f"/cases/{french}")).text
    assert (await reviewer.post(f"/v1/crises/{crisis['id']}/read")).status_code == 204
    assert [one["read"] for one in (await reviewer.get("/v1/guidance")).json()["guidance"]] == [False, True]
    pass_time(database, crisis, hours=2, seconds=1)
    assert [one["name"] for one in (await reviewer.get("/v1/guidance")).json()["guidance"]] == ["Riots in Aville"]
    assert "Calls to go" not in (await reviewer.get(f"/cases/{case}")).text
    assert_error(await reviewer.post(f"/v1/crises/{crisis['id']}/read"), 409, "crisis_state")


async def test_a_review_is_asked_for_until_it_is_there_and_never_changed(
    app: FastAPI, platform: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient, database: str
) -> None:
    await report(platform, "before")
    query(database, "UPDATE reports SET received_at = received_at - interval '90 minutes'")
    crisis = await begun(lead, second)
    pass_time(database, crisis, hours=1)
    await report(platform, "during")
    await report(platform, "also")
    counted = (await lead.get(f"/v1/crises/{crisis['id']}/numbers")).json()
    assert counted["areas"] == [{"area": "harassment", "before": 1, "during": 2}]
    assert query(database, counted["sql"])[0][:3] == ("harassment", 1, 2)
    pass_time(database, crisis, days=2)
    body = {
        "happened": "Pile-ons",
        "worked": "The queue",
        "decisions": "None",
        "actions": [{"title": "A rule", "owner": "second-lead", "due_on": "2027-01-31"}],
    }
    engine, jobs = app.state.engine, app.state.jobs
    assert (await note_ends(engine, jobs), await note_ends(engine, jobs)) == (2, 0)
    assert "waits for its review" in (await lead.get("/floor")).text
    pass_time(database, crisis, days=3)
    query(database, "UPDATE crises SET asked_at = asked_at - interval '1 day'")
    assert await note_ends(engine, jobs) == 1
    unknown = {**body, "actions": [{"title": "A rule", "owner": "nobody", "due_on": "2027-01-31"}]}
    answer = await lead.post(f"/v1/crises/{crisis['id']}/reviews", json=unknown)
    assert "nobody" in assert_error(answer, 422, "invalid_request")
    reviewed = await act(second, crisis, "reviews", **body)
    assert (reviewed["state"], reviewed["written"][0]["actions"][0]["owner"]) == ("reviewed", "second-lead")
    kinds = [one["kind"] for one in reviewed["moments"]]
    assert kinds == ["drafted", "begun", "expired", "review_asked", "review_asked", "reviewed"]
    query(database, "UPDATE crises SET asked_at = asked_at - interval '9 days'")
    assert await note_ends(engine, jobs) == 0
    for table in ("crisis_reviews", "crisis_moments"):
        with pytest.raises(Exception, match="append"):
            query(database, f"DELETE FROM {table}")
    # The log has who did what, never what they wrote.
    logged = query(database, "SELECT kind, data::text FROM events WHERE kind LIKE 'crisis.%%'")
    assert {kind for kind, _data in logged} == {f"crisis.{kind}" for kind in kinds}
    assert not [data for _kind, data in logged if "Pile-ons" in data]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"until": until(14 * 24 + 1)}, "at most 14 days"),
        ({"until": until(-1)}, "over already"),
        ({"reason": "  "}, "reason"),
        ({"spec": {"areas": [{"area": "harassment", "factor": 17}]}}, "factor"),
        ({"spec": {"areas": [{"area": "harassment", "factor": 0.2}]}}, "factor"),
        ({"spec": {"areas": [{"area": "weather", "factor": 2}]}}, "weather"),
        ({"spec": {"guard_minutes": 0}}, "guard_minutes"),
        ({"spec": {"markets": ["DE"], "rules": [rule("a", "default", markets=["FR"])]}}, "not about"),
        ({"spec": {"statements": [{"area": "harassment"}]}}, "template"),
    ],
)
async def test_what_is_wrong_with_a_draft_is_named(
    lead: httpx.AsyncClient, changes: dict[str, object], named: str
) -> None:
    answer = await lead.post("/v1/crises", json={**crisis_body(), **changes})
    assert named in assert_error(answer, 422, "invalid_request")


async def test_what_was_ended_meanwhile_is_not_extended_in_vain(
    app: FastAPI, lead: httpx.AsyncClient, second: httpx.AsyncClient
) -> None:
    crisis = await begun(lead, second)
    async with app.state.engine.begin() as connection:
        # By the clock of this transaction the crisis is still at work when the other one ends it.
        me = await connection.scalar(text("SELECT id FROM principals WHERE username = 'test-lead'"))
        await act(second, crisis, "end", reason="over")
        later = ExtendIn(until=datetime.fromisoformat(until(50)), reason="it goes on")
        with pytest.raises(CrisisStateError):
            await extend(connection, UUID(crisis["id"]), later, actor=me, jobs=app.state.jobs)


async def test_what_is_approved_is_what_is_seen(
    lead: httpx.AsyncClient, second: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await drafted(lead, rules=[rule("Aville first", "default", reasons=["harassment"], severity=3)])
    page = (await second.get(f"/crisis/{draft['id']}")).text
    assert "Cases where the reason is harassment, and the severity is" in page
    monkeypatch.setattr(workflow, "AT_WORK_MOST", 1)
    await act(second, draft, "approve", revision=1)
    more = await drafted(lead)
    refused = await second.post(f"/v1/crises/{more['id']}/approve", json={"revision": 1})
    assert "end one of them first" in assert_error(refused, 409, "crisis_state")


async def test_a_rule_to_where_nobody_could_take_a_case_is_refused(lead: httpx.AsyncClient) -> None:
    await make_queue(lead, "expert", skills=["law"])
    for queue in ("nowhere", "expert"):
        answer = await lead.post("/v1/crises", json=crisis_body(rules=[rule("a", queue)]))
        assert queue in assert_error(answer, 422, "routing_conflict")
