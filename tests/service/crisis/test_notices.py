"""What happens to a crisis is told to everybody who leads until each has confirmed it, and to webhooks."""

import httpx
import pytest
from fastapi import FastAPI

from service.crisis.workflow import note_ends
from tests.service.crisis.steps import act, begun, drafted, pass_time, until
from tests.service.steps import Body, assert_error, messages, query, value


async def notices(person: httpx.AsyncClient) -> list[Body]:
    answer = await person.get("/v1/crisis-notices")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["notices"])


async def test_everybody_who_leads_confirms_what_happened_and_nothing_that_came_since(
    app: FastAPI, lead: httpx.AsyncClient, second: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    crisis = await drafted(lead)
    assert await notices(second) == [], "a draft is nobody's alarm"
    # A notice comes with the fresh part of a page that is open, in which no script would run.
    assert "/crisis_seen.js" in (await second.get("/console")).text.partition('id="live"')[0]
    assert "/crisis_seen.js" not in (await reviewer.get("/console")).text
    await act(lead, crisis, "begin-alone", revision=1, reason="nobody else is awake")
    assert await notices(lead) == [], "whoever did it knows"
    [first] = await notices(second)
    [what] = first["told"]
    assert (first["crisis"], what["kind"], what["actor"]) == (crisis["id"], "begun_alone", "test-lead")
    assert what["reason"] == "nobody else is awake"
    page = (await second.get("/console")).text
    assert f'data-crisis="{crisis["id"]}" data-moment="{first["moment"]}"' in page
    assert "nobody else is awake" not in (await reviewer.get("/console")).text

    await act(second, crisis, "approve", revision=1)
    await act(lead, crisis, "extend", until=until(40), reason="it goes on")
    # What was looked at is confirmed; the extension came since.
    seen = f"/v1/crises/{crisis['id']}/seen"
    assert (await second.post(seen, json={"moment": first["moment"]})).status_code == 204
    assert (await second.post(seen, json={"moment": first["moment"]})).status_code == 204
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'crisis.seen'") == 1
    [rest] = await notices(second)
    assert [one["kind"] for one in rest["told"]] == ["extended"]
    [mine] = await notices(lead)
    assert [one["kind"] for one in mine["told"]] == ["approved"]
    page = (await lead.get(f"/crisis/{crisis['id']}")).text
    assert "Not yet by</dt><dd><bdi data-content>second-lead</bdi>" in page
    await second.post(seen, json={"moment": rest["moment"]})
    assert (
        "Confirmed by</dt><dd><bdi data-content>second-lead</bdi>" in (await lead.get(f"/crisis/{crisis['id']}")).text
    )
    assert await notices(second) == []

    pass_time(database, crisis, hours=41)
    assert (await lead.get(f"/v1/crises/{crisis['id']}")).json()["state"] == "ended"
    await note_ends(app.state.engine, app.state.jobs)
    [over] = await notices(second)
    assert ([one["kind"] for one in over["told"]], over["told"][0]["actor"]) == (["expired"], None)
    # Of what is long over nobody needs to be told any more.
    pass_time(database, crisis, days=15)
    assert await notices(second) == []
    with pytest.raises(Exception, match="append"):
        query(database, "DELETE FROM crisis_seen")


async def test_notices_are_for_those_who_lead(
    lead: httpx.AsyncClient, second: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    crisis = await begun(lead, second)
    assert_error(await reviewer.get("/v1/crisis-notices"), 403, "forbidden")
    nothing = await lead.post(f"/v1/crises/{crisis['id']}/seen", json={"moment": 1_000_000})
    assert nothing.status_code == 204
    draft = await drafted(lead)
    answer = await lead.post(f"/v1/crises/{draft['id']}/seen", json={"moment": 1_000_000})
    assert_error(answer, 404, "not_found")


async def test_a_webhook_carries_what_happens_without_what_people_wrote(
    app: FastAPI, platform: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient, database: str
) -> None:
    hook = {"url": "https://platform.test/hook", "kinds": ["crisis.told"]}
    assert (await platform.post("/v1/webhooks", json=hook)).status_code == 201
    crisis = await begun(lead, second)
    await act(lead, crisis, "extend", until=until(9), reason="it goes on")
    await act(lead, crisis, "end", reason="over")
    alone = await drafted(second)
    await act(second, alone, "begin-alone", revision=1, reason="night")
    pass_time(database, alone, hours=5)
    await note_ends(app.state.engine, app.state.jobs)
    sent = messages(database, "crisis.told")
    assert [one["moment"] for one in sent] == ["begun", "extended", "ended", "begun_alone", "expired"]
    assert sent[0] == {
        "crisis": crisis["id"],
        "kind": "crisis",
        "moment": "begun",
        "ends_at": sent[0]["ends_at"],
        "approved": True,
    }
    assert sent[3]["approved"] is False
    written = str(query(database, "SELECT payload FROM outbox"))
    assert not [one for one in ("Aville", "lead", "night") if one in written]
