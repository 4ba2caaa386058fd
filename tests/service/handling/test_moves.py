"""Doing things with an escalation: what leads where, who sees what of it, and the trace that stays."""

import asyncio
import html
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.errors.escalations import TransitionError
from service.escalations.states import STATUSES, TABLE, after, possible
from service.handling import workflow
from service.pages.escalation_trace import details_of
from service.settings import Settings
from service.sla import workflow as sla
from tests.service.escalations.steps import opened
from tests.service.steps import Body, assert_error, query, report, value

Client = httpx.AsyncClient

RUN = """
    INSERT INTO sla_clocks (id, escalation_id, target, kind, basis, warn_seconds, on_breach, started_at, due_at, warn_at)
    VALUES (%s, %s, 'decision', %s, 'A test', 60, 'notify', now(), now() + %s * interval '1 min', now() + %s * interval '1 min')
"""


def test_from_every_state_every_other_one_is_reached_and_only_taking_up_leaves_resolved() -> None:
    for start in STATUSES:
        reached, fresh = {start}, [start]
        while fresh:
            state = fresh.pop()
            for verb in possible(state):
                for owned in (True, False):
                    to = after(verb, state, owned=owned)
                    if to not in reached:
                        reached.add(to)
                        fresh.append(to)
        assert reached == set(STATUSES), start
    assert possible("resolved") == ["take_up"]
    for verb, ways in TABLE.items():
        for state in set(STATUSES) - set(ways):
            with pytest.raises(TransitionError):
                after(verb, state, owned=True)
    assert after("go_on", "waiting", owned=False) == "new"


@pytest.fixture
async def record(app: FastAPI, database: str, colleague: Client) -> str:
    return str(await opened(app, database))


async def moved(caller: Client, record: str, verb: str, **more: Any) -> Body:
    answer = await caller.post(f"/v1/escalations/{record}/moves", json={"verb": verb, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def kinds(caller: Client, record: str) -> list[str]:
    events = (await caller.get(f"/v1/escalations/{record}/timeline")).json()["events"]
    named = (one["kind"].partition(".") for one in events)
    return [kind for group, _, kind in named if group == "escalation"]


async def test_a_record_goes_its_way_to_an_end_and_back(colleague: Client, lead: Client, record: str) -> None:
    path = f"/v1/escalations/{record}/moves"
    took = await moved(colleague, record, "take", version=1)
    assert (took["status"], took["owner"], took["version"]) == ("working", "test-specialist", 2)
    late = await lead.post(path, json={"verb": "take", "version": 1})
    assert_error(late, 409, "escalation_changed")
    assert "being worked on and with test-specialist, version 2" in late.json()["detail"]
    assert_error(await colleague.post(path, json={"verb": "take"}), 409, "transition_refused")
    assert_error(await colleague.post(path, json={"verb": "wait"}), 422, "invalid_request")
    waits = await moved(colleague, record, "wait", waiting_for="consult", note="Legal reads it until noon")
    assert (waits["status"], waits["waiting_for"]) == ("waiting", "consult")
    # It may wait for something else, and whoever has it, it goes on waiting.
    assert_error(await colleague.post(path, json={"verb": "wait", "waiting_for": "consult"}), 409, "transition_refused")
    assert (await moved(colleague, record, "wait", waiting_for="other_team"))["waiting_for"] == "other_team"
    await moved(colleague, record, "wait", waiting_for="consult")
    given = await moved(colleague, record, "assign", to="test-lead")
    assert (given["status"], given["waiting_for"], given["owner"]) == ("waiting", "consult", "test-lead")
    assert (await moved(lead, record, "go_on"))["waiting_for"] is None
    assert (await moved(lead, record, "ask", note="Which post?"))["status"] == "needs_information"
    for body in ({}, {"resolution": "answered"}, {"resolution": "duplicate", "note": "As before"}):
        assert_error(await lead.post(path, json={"verb": "resolve", **body}), 422, "invalid_request")
    ended = await moved(lead, record, "resolve", resolution="answered", note="Told them")
    assert (ended["status"], ended["resolution"], ended["resolution_note"]) == ("resolved", "answered", "Told them")
    refused = await colleague.post(path, json={"verb": "take"})
    assert_error(refused, 409, "transition_refused")
    assert "resolved" in refused.json()["detail"]
    assert_error(await colleague.post(path, json={"verb": "take_up"}), 422, "invalid_request")
    again = await moved(colleague, record, "take_up", note="They wrote again")
    assert (again["status"], again["resolution"], again["owner"]) == ("working", None, "test-specialist")
    freed = await moved(colleague, record, "release")
    assert (freed["status"], freed["owner"]) == ("new", None)
    assert await kinds(colleague, record) == (
        [
            "opened",
            "taken",
            "said",
            "waits",
            "waits",
            "waits",
            "assigned",
            "goes_on",
            "said",
            "needs_information",
            "said",
            "resolved",
            "said",
            "taken_up",
            "released",
        ]
    )
    timeline = (await colleague.get(f"/v1/escalations/{record}/timeline")).json()["events"]
    # How it ended stays in its trace, with the words that went with it.
    [end] = [one["data"] for one in timeline if one["kind"] == "escalation.resolved"]
    said = (await colleague.get(f"/v1/escalations/{record}/messages")).json()["messages"]
    assert end["resolution"] == "answered"
    assert {one["id"]: one["body"] for one in said}[end["message"]] == "Told them"
    assert {one["direction"] for one in said} == {"internal"}


async def test_facts_are_changed_with_a_trace_and_who_may_see_it_with_a_reason(
    colleague: Client, lead: Client, record: str, database: str
) -> None:
    path = f"/v1/escalations/{record}"
    grave = {"severity": 4, "policy_area": "harassment", "grey_area": True, "title": "Another title"}
    changed = (await colleague.patch(path, json={"version": 1, **grave})).json()
    assert {name: changed[name] for name in grave} == grave
    assert_error(await lead.patch(path, json={"version": 1, "severity": 1}), 409, "escalation_changed")
    for wrong in (
        {"severity": 4},
        {"title": None},
        {"confidentiality": "confidential"},
        {"confidentiality": "restricted", "reason": "Child safety"},
        {"status": "resolved"},
    ):
        assert_error(await colleague.patch(path, json=wrong), 422, "invalid_request")
    [data] = [value(database, "SELECT data FROM events WHERE kind = 'escalation.changed'")]
    assert data["severity"] == {"from": None, "to": 4}
    assert data["title"] is True
    assert (await colleague.patch(path, json={"severity": None})).json()["severity"] is None
    hidden = {"confidentiality": "restricted", "path": "child_safety", "reason": "A child is named"}
    assert (await colleague.patch(path, json=hidden)).status_code == 204
    for caller in (colleague, lead):
        assert_error(await caller.get(path), 404, "not_found")
        assert_error(await caller.patch(path, json={"severity": 1}), 404, "not_found")
        assert (await caller.get("/v1/escalations?status=any")).json()["total"] == 0


async def test_a_record_closes_by_its_default_and_opens_by_right_and_reason_alone(
    colleague: Client, lead: Client, record: str, database: str
) -> None:
    path = f"/v1/escalations/{record}"
    open_again = {"confidentiality": "normal", "reason": "Nobody can be known by it"}
    # Not by saying so in the same breath either.
    dodged = await colleague.patch(path, json={"policy_area": "sexual_exploitation", **open_again})
    assert_error(dodged, 403, "forbidden")
    closed = (await colleague.patch(path, json={"policy_area": "sexual_exploitation"})).json()
    assert closed["confidentiality"] == "confidential"
    data = value(database, "SELECT data FROM events WHERE kind = 'escalation.changed'")
    assert data["confidentiality"] == {"from": "normal", "to": "confidential"}
    assert data["by_default"] is True
    assert "escalation.manage" in assert_error(await colleague.patch(path, json=open_again), 403, "forbidden")
    assert_error(await lead.patch(path, json={"confidentiality": "normal"}), 422, "invalid_request")
    assert (await lead.patch(path, json=open_again)).json()["confidentiality"] == "normal"
    # What a person decided stays: another fact does not close it again, another area does.
    assert (await colleague.patch(path, json={"severity": 3})).json()["confidentiality"] == "normal"
    trafficking = {"policy_area": "human_exploitation"}
    assert (await colleague.patch(path, json=trafficking)).json()["confidentiality"] == "confidential"


async def test_what_a_record_is_about_is_named_both_ways_and_absent_for_whoever_may_not_see_it(
    app: FastAPI, database: str, colleague: Client, lead: Client, platform: Client, record: str
) -> None:
    path = f"/v1/escalations/{record}"
    case = (await report(platform))["case_id"]
    secret = str(await opened(app, database, title="Secret", confidentiality="confidential", by="test-lead"))
    for body in ({"case_id": case}, {"other_id": secret}, {"asset": {"kind": "ad_account", "id": "act-7"}}):
        both = await asyncio.gather(*(lead.post(f"{path}/links", json=body) for _ in range(2)))
        assert sorted(one.status_code for one in both) == [201, 422], "nothing is named twice"
    for body in ({}, {"other_id": record}, {"case_id": case, "other_id": secret}):
        assert_error(await lead.post(f"{path}/links", json=body), 422, "invalid_request")
    assert_error(await colleague.post(f"{path}/links", json={"other_id": secret}), 404, "not_found")
    assert_error(await lead.post(f"{path}/links", json={"case_id": str(uuid4())}), 404, "not_found")
    links = (await lead.get(f"{path}/links")).json()["links"]
    assert [one["kind"] for one in links] == ["case", "escalation", "ad_account"]
    assert [one["kind"] for one in (await colleague.get(f"{path}/links")).json()["links"]] == ["case", "ad_account"]
    [back] = (await lead.get(f"/v1/escalations/{secret}/links")).json()["links"]
    assert (back["incoming"], back["other_id"]) == (True, record)
    gone = f"{path}/links/{links[0]['id']}"
    assert (await lead.delete(gone)).status_code == 204
    assert_error(await lead.delete(gone), 404, "not_found")
    assert (await lead.post(f"{path}/links", json={"case_id": case})).status_code == 201
    page = await colleague.get(f"/cases/{case}")
    assert f"/escalations/{record}" in page.text
    assert "Secret" not in page.text
    # A duplicate names its original, which shows who names it.
    twin = str(await opened(app, database))
    await moved(colleague, twin, "resolve", resolution="duplicate", original=record, note="The same query")
    [named] = [one for one in (await colleague.get(f"{path}/links")).json()["links"] if one["incoming"]]
    assert (named["other_id"], named["status"]) == (twin, "resolved")


async def test_whoever_follows_a_confidential_record_sees_it_and_nobody_is_let_onto_a_path(
    app: FastAPI, database: str, colleague: Client, lead: Client
) -> None:
    record = await opened(app, database, by="test-lead", confidentiality="confidential")
    path = f"/v1/escalations/{record}"
    assert_error(await colleague.get(path), 404, "not_found")
    assert (await lead.post(f"{path}/watchers", json={"username": "test-specialist"})).json() == {
        "watchers": ["test-specialist"]
    }
    assert (await colleague.get(path)).status_code == 200
    assert_error(await lead.post(f"{path}/watchers", json={"username": "test-reviewer"}), 422, "invalid_request")
    assert (await lead.delete(f"{path}/watchers/test-specialist")).status_code == 204
    assert_error(await colleague.get(path), 404, "not_found")
    assert (await moved(lead, str(record), "assign", to="test-specialist"))["owner"] == "test-specialist"
    assert (await colleague.get(path)).status_code == 200
    # Whoever gives it away may not see it any more, and is told that and nothing else.
    assert (await colleague.post(f"{path}/moves", json={"verb": "release"})).status_code == 204
    assert_error(await colleague.get(path), 404, "not_found")
    assert (await lead.get(path)).json()["owner"] is None
    query(database, "INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE username = 'test-lead'")
    named = await opened(app, database, by="test-lead", confidentiality="restricted", path="child_safety")
    for body in ("moves", {"verb": "assign", "to": "test-specialist"}), ("watchers", {"username": "test-specialist"}):
        assert_error(await lead.post(f"/v1/escalations/{named}/{body[0]}", json=body[1]), 422, "invalid_request")
    assert (await lead.get(f"/v1/escalations/{named}")).json()["owner"] is None


async def test_a_hand_over_note_stands_until_the_next_owner_has_read_it(
    colleague: Client, lead: Client, record: str
) -> None:
    path = f"/v1/escalations/{record}"
    await moved(colleague, record, "take")
    await colleague.post(f"{path}/messages", json={"kind": "handover", "body": "Call them at nine"})
    for caller in (colleague, lead):
        assert 'data-testid="handover"' in (await caller.get(f"/escalations/{record}")).text
        assert_error(await caller.post(f"{path}/handover/read"), 422, "invalid_request")
    await moved(lead, record, "take", owner="test-specialist")
    assert 'id="handover-read"' in (await lead.get(f"/escalations/{record}")).text
    assert (await lead.post(f"{path}/handover/read")).status_code == 204
    assert 'data-testid="handover"' not in (await lead.get(f"/escalations/{record}")).text
    assert (await kinds(lead, record))[-1] == "handover_read"


async def test_what_ended_before_and_is_alike_is_shown_to_those_who_may_see_it(
    app: FastAPI, database: str, colleague: Client, lead: Client, record: str
) -> None:
    alike = await opened(app, database, title="A newspaper asks about removed posts again")
    less = await opened(app, database, title="Why?", summary="", source="partner", policy_area="harassment")
    other = await opened(app, database, source="advertiser", trigger="blocked_account", title="Ads stopped", summary="")
    secret = await opened(app, database, by="test-lead", confidentiality="confidential")
    for one in (alike, less, other, secret):
        await moved(lead, str(one), "resolve", resolution="answered", note=f"Told them {one}")
    path = f"/v1/escalations/{record}/precedents"
    seen = (await colleague.get(path)).json()["precedents"]
    assert [one["id"] for one in seen] == [str(alike), str(less)], "the more alike first"
    assert {"trigger", "source", "words"} <= set(seen[0]["same"])
    assert seen[0]["resolution_note"] == f"Told them {alike}"
    assert {one["id"] for one in (await lead.get(path)).json()["precedents"]} == {str(alike), str(less), str(secret)}
    page = (await colleague.get(f"/escalations/{record}")).text
    assert str(alike) in page
    assert str(secret) not in page


class Clocks:
    """Stands in for the clocks of the matrix, which other tests are about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, database: str) -> None:
        self.calls: list[str] = []
        self._database = database
        for name in ("pause", "resume", "met", "restart"):
            monkeypatch.setattr(sla, name, self._noted(name))

    def _noted(self, name: str) -> Any:
        async def call(_connection: object, _record: UUID, target: str = "", **_more: object) -> None:
            self.calls.append(f"{name} {target}".strip())

        return call

    def run(self, record: UUID, minutes: float, *, hard: bool, first: float | None = None) -> None:
        """Due so soon; `first`: after an answer that is due sooner and that no law asks for."""
        for kind, due in (("legal" if hard else "internal", minutes), ("internal", first)):
            if due is not None:
                query(self._database, RUN, uuid4(), record, kind, due, due)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch, database: str) -> Clocks:
    return Clocks(monkeypatch, database)


async def test_clocks_rest_while_it_waits_and_are_met_when_it_ends(
    colleague: Client, record: str, clocks: Clocks
) -> None:
    await moved(colleague, record, "take")
    assert clocks.calls == []
    await moved(colleague, record, "wait", waiting_for="third_party")
    # What they rested for first may come while the other is still awaited.
    await moved(colleague, record, "ask", note="Which?")
    await moved(colleague, record, "release")
    assert clocks.calls == ["pause", "pause"]
    clocks.calls.pop()
    await moved(colleague, record, "go_on")
    await moved(colleague, record, "wait", waiting_for="requester")
    await moved(colleague, record, "resolve", resolution="withdrawn", note="They took it back")
    assert clocks.calls == ["pause", "resume", "pause", "resume", "met decision", "restart"]
    await moved(colleague, record, "take_up", note="Again")
    await colleague.patch(f"/v1/escalations/{record}", json={"severity": 2})
    await colleague.patch(f"/v1/escalations/{record}", json={"title": "A title"})
    assert clocks.calls[-2:] == ["restart", "restart"]
    assert len(clocks.calls) == 8


async def paged(caller: Client, asked: dict[str, Any], total: int) -> list[str]:
    """The titles of a whole list, page after page."""
    seen: list[str] = []
    page: Body = {"next": None}
    while not seen or page["next"]:
        after = {"after": page["next"]} if page["next"] else {}
        page = (await caller.get("/v1/escalations", params={**asked, **after})).json()
        assert page["total"] == total
        seen += [one["title"] for one in page["escalations"]]
        if not seen:
            break
    return seen


async def test_what_a_law_sets_a_clock_for_comes_first_and_two_who_press_get_two(
    app: FastAPI, database: str, colleague: Client, lead: Client, clocks: Clocks
) -> None:
    soft = await opened(app, database, title="Soft")
    grave = await opened(app, database, title="Grave", severity=4)
    hard = await opened(app, database, title="Hard", source="regulator", severity=0, high_profile=True)
    later = await opened(app, database, title="Hard and later")
    clocks.run(soft, 10, hard=False)
    clocks.run(hard, 60, hard=True, first=5)
    clocks.run(later, 600, hard=True)

    async def titles(**asked: object) -> list[str]:
        params = {name: str(one) for name, one in asked.items()}
        answer = await colleague.get("/v1/escalations", params=params)
        assert answer.status_code == 200, answer.text
        return [one["title"] for one in answer.json()["escalations"]]

    assert await titles() == ["Hard", "Hard and later", "Grave", "Soft"]
    # The clock of a law is told beside the one that runs out first.
    [line] = [one for one in (await colleague.get("/escalations")).text.split("<li>") if ">Hard</a>" in one]
    assert len(re.findall(r"data-until=", line)) == 2
    assert await titles(due_hours=4) == ["Hard", "Soft"]
    # Page after page in the same order, whatever the filters, and each says how many there are in all.
    asked: dict[str, Any]
    for asked, total in (({}, 4), ({"status": "any"}, 4), ({"due_hours": 4}, 2), ({"status": "resolved"}, 0)):
        assert await paged(colleague, {**asked, "limit": 1}, total) == await titles(**asked)
    for wrong in ("x", "bnVsbA==", "WyJ4Il0=", "WyIxIiwiMSIsIjEiLCIxIiwieCJd"):
        assert_error(await colleague.get("/v1/escalations", params={"after": wrong}), 422, "invalid_request")
    assert await titles(source="regulator") == ["Hard"]
    assert await titles(high_profile="true") == ["Hard"]
    assert await titles(severity=3) == ["Grave"]
    assert await titles(severity=0) == ["Hard", "Grave"]
    by_words = await colleague.post("/v1/escalations/search", json={"words": "later"})
    assert [one["title"] for one in by_words.json()["escalations"]] == ["Hard and later"]
    number = value(database, f"SELECT number FROM escalations WHERE id = '{grave}'")
    assert await titles(number=number) == ["Grave"]
    found = (await colleague.post("/escalations/found", json={"words": f"e-{number}"})).text
    assert "Grave" in found
    assert "Soft" not in found
    both = await asyncio.gather(*(caller.post("/v1/escalations/next") for caller in (colleague, lead)))
    assert {one.json()["title"] for one in both} == {"Hard", "Hard and later"}
    assert len(await titles(who="mine")) == 1
    assert await titles(who="unowned") == ["Grave", "Soft"]
    for _ in range(2):
        assert (await colleague.post("/v1/escalations/next")).status_code == 200
    assert (await colleague.post("/v1/escalations/next")).status_code == 204
    assert [one["title"] for one in (await colleague.get("/v1/escalations?who=mine")).json()["escalations"]] == (
        await titles(who="mine")
    )
    page = await colleague.get("/escalations?who=mine&due_hours=never")
    assert page.status_code == 200
    assert "Soft" in page.text


async def test_the_alarm_is_raised_once_for_what_nobody_has_and_sooner_for_what_cannot_wait(
    app: FastAPI, database: str, colleague: Client, lead: Client, settings: Settings, clocks: Clocks, client: Client
) -> None:
    young, old, grave, hard = [await opened(app, database, title=title) for title in ["young", "old", "grave", "hard"]]
    await lead.patch(f"/v1/escalations/{grave}", json={"severity": 3})
    clocks.run(hard, 60, hard=True)
    ages = {young: 10, grave: 10, hard: 10, old: 31}
    for record, minutes in ages.items():
        query(
            database, f"UPDATE escalations SET unowned_since = now() - interval '{minutes} min' WHERE id = '{record}'"
        )
    told = await asyncio.gather(*(workflow.tell_unowned(app.state.engine, settings) for _ in range(3)))
    assert sum(told) == 3
    assert await workflow.tell_unowned(app.state.engine, settings) == 0
    raised = query(database, "SELECT escalation_id FROM events WHERE kind = 'escalation.unowned'")
    assert sorted(one for (one,) in raised) == sorted([old, grave, hard])
    listed = (await colleague.get("/v1/escalations")).json()["escalations"]
    assert {one["title"] for one in listed if one["alarm"]} == {"old", "grave", "hard"}
    assert 'data-testid="unowned"' in (await colleague.get("/escalations")).text
    assert 'data-testid="unowned-escalations"' in (await lead.get("/floor")).text
    assert "triage_unowned_escalations 3.0" in (await client.get("/metrics")).text
    await moved(colleague, str(old), "take")
    assert "triage_unowned_escalations 2.0" in (await client.get("/metrics")).text
    # Of somebody who has left, or may not see it any more, nothing is left behind: it is nobody's again, and alarmed about again.
    await colleague.post(f"/v1/escalations/{old}/watchers", json={})
    query(database, f"UPDATE escalations SET owner = opened_by WHERE id = '{young}'")
    assert value(database, f"SELECT status FROM escalations WHERE id = '{young}'") == "working"
    query(
        database, f"UPDATE escalations SET confidentiality = 'restricted', path = 'child_safety' WHERE id = '{young}'"
    )
    await workflow.tell_unowned(app.state.engine, settings)
    assert value(database, f"SELECT owner FROM escalations WHERE id = '{young}'") is None
    query(database, "UPDATE principals SET active = false WHERE username = 'test-specialist'")
    await workflow.tell_unowned(app.state.engine, settings)
    assert (await lead.get(f"/v1/escalations/{old}")).json()["owner"] is None
    assert (await lead.delete(f"/v1/escalations/{old}/watchers/test-specialist")).status_code == 204
    query(database, f"UPDATE escalations SET unowned_since = now() - interval '1 hour' WHERE id = '{old}'")
    assert await workflow.tell_unowned(app.state.engine, settings) == 1


async def test_the_timeline_says_everything_in_words(colleague: Client, record: str) -> None:
    await moved(colleague, record, "wait", waiting_for="consult", note="Legal <b>reads</b> it")
    await colleague.patch(f"/v1/escalations/{record}", json={"severity": 3, "grey_area": True, "title": "Other"})
    await colleague.post(f"/v1/escalations/{record}/messages", json={"direction": "inbound", "body": "And now?"})
    page = (await colleague.get(f"/escalations/{record}")).text
    for words in (
        "new → waits, for advice from another team",
        "Title; Severity: – → 3; Grey area: no → yes",
        "Kept what they said",
        "Legal &lt;b&gt;reads&lt;/b&gt; it",
    ):
        assert words in page, words


def test_what_clocks_and_others_did_is_said_in_words_too() -> None:
    due = {"target": "decision", "kind": "legal", "due_at": "2026-11-30T17:00:00+00:00"}
    for kind, data, words in (
        ("sla.acted", {"clock": "x", "action": "notify", "told": 2, "done": True}, "2 people were told"),
        ("sla.acted", {"action": "raise_severity", "told": 0, "done": True, "from": 2, "to": 3}, "severity 2 → 3"),
        ("sla.acted", {"action": "hand_over", "told": 1, "done": False}, "1 person was told, it had no effect"),
        ("sla.breached", due, "Decision, legal, due on 30 Nov 2026, 17:00 UTC"),
        ("improvement.changed", {"improvement": "x", "from": "agreed", "to": "doing"}, "agreed → under way"),
        ("escalation.linked", {"link": "x", "kind": "ad_account"}, "Ad account"),
        ("intake.asked", {"missing": ["order_number"]}, "still missing: order number"),
        (
            "narrative.made",
            {"version": 1, "audience": "partner", "form": "brief"},
            "Partner or press, Executive brief, one page",
        ),
        ("something.new", {"raw": "data"}, ""),
    ):
        assert details_of(kind, data) == words


async def test_who_was_given_a_record_is_named_and_a_reason_is_said_once(colleague: Client, record: str) -> None:
    await moved(colleague, record, "assign", to="test-lead", note="You know them")
    page = (await colleague.get(f"/escalations/{record}")).text
    timeline = page[page.index('data-testid="timeline"') :]
    assert "→ <bdi data-content>test-lead</bdi>" in timeline
    assert "new → being worked on" in timeline
    assert timeline.count("You know them") == 1


async def test_of_two_who_saw_the_same_only_one_changes_it(colleague: Client, lead: Client, record: str) -> None:
    path = f"/v1/escalations/{record}/moves"
    both = await asyncio.gather(*(one.post(path, json={"verb": "take", "version": 1}) for one in (colleague, lead)))
    assert sorted(one.status_code for one in both) == [200, 409]
    [lost] = [one for one in both if one.status_code == 409]
    assert_error(lost, 409, "escalation_changed")
    assert (await kinds(lead, record)).count("taken") == 1


async def test_a_record_is_taken_from_a_colleague_by_name_alone(colleague: Client, lead: Client, record: str) -> None:
    path = f"/v1/escalations/{record}/moves"
    await moved(colleague, record, "take")
    blind = ({"verb": "take"}, {"verb": "assign", "to": "test-lead"}, {"verb": "take", "owner": "test-lead"})
    for body in blind:
        refused = await lead.post(path, json=body)
        assert "with test-specialist" in assert_error(refused, 409, "escalation_changed")
    assert (await moved(lead, record, "take", owner="test-specialist", note="You are away"))["owner"] == "test-lead"
    # Whoever looked before that does not take it back unawares, and gives away nothing of somebody else.
    for body in ({"verb": "take"}, {"verb": "assign", "to": "test-specialist"}, {"verb": "release", "owner": "x1"}):
        assert_error(await colleague.post(path, json=body), 409, "escalation_changed")
    assert (await moved(lead, record, "assign", to="test-specialist"))["owner"] == "test-specialist"
    page = (await lead.get(f"/escalations/{record}")).text
    assert "Take it over from <bdi data-content>test-specialist</bdi>?" in page
    assert 'id="take-dialog"' not in (await colleague.get(f"/escalations/{record}")).text


async def test_of_two_records_not_each_becomes_a_duplicate_of_the_other(
    app: FastAPI, database: str, colleague: Client, lead: Client, record: str
) -> None:
    other = str(await opened(app, database))
    body = {"verb": "resolve", "resolution": "duplicate", "note": "The same"}
    pairs = ((colleague, record, other), (lead, other, record))
    both = await asyncio.gather(
        *(who.post(f"/v1/escalations/{one}/moves", json={**body, "original": two}) for who, one, two in pairs)
    )
    assert sorted(one.status_code for one in both) == [200, 422]


async def test_a_long_record_is_folded(app: FastAPI, database: str, colleague: Client, record: str) -> None:
    query(
        database,
        "INSERT INTO escalation_messages (id, escalation_id, direction, kind, body) SELECT gen_random_uuid(), e.id, 'inbound',"
        " 'mail', 'A mail ' || n FROM escalations e, generate_series(1, 340) n",
    )
    query(
        database,
        "INSERT INTO events (kind, escalation_id) SELECT 'escalation.goes_on', e.id FROM escalations e, generate_series(1, 340)",
    )
    for what, in_all in (("messages", 340), ("timeline", 341)):
        kept = {"messages": "messages", "timeline": "events"}[what]
        seen: list[Any] = []
        before: dict[str, str] = {}
        while True:
            page = (await colleague.get(f"/v1/escalations/{record}/{what}", params={"limit": 150, **before})).json()
            seen = [one["id"] for one in page[kept]] + seen
            if page["next"] is None:
                break
            before = {"before": page["next"]}
        assert len(set(seen)) == len(seen) == in_all
        # The page shows the newest, and what is older in parts.
        shown = (await colleague.get(f"/escalations/{record}")).text
        [older] = re.findall(rf'data-from="(/escalations/{record}/{what}[^"]*)"', shown)
        part = (await colleague.get(html.unescape(older))).text
        assert part.count('data-testid="message"' if what == "messages" else "<li>") == 30
        assert "data-from" in part
    wrong = await colleague.get(f"/v1/escalations/{record}/messages?before={uuid4()}")
    assert_error(wrong, 422, "invalid_request")
