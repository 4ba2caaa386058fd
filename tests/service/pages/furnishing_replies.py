"""Something on every page of replies."""

import httpx

from tests.service.steps import Body

TEMPLATE: Body = {
    "source": "partner",
    "area": "spam",
    "language": "en",
    "purpose": "final",
    "subject": "About <img src=x onerror=pwned()>",
    "body": "Hello {{ requester_name }},\n\n<img src=x onerror=pwned()> {{ fill: what was found }}\n\n{{ team }}",
    "owner": "Partner desk",
    "reason": "Their own words",
}


async def templates(lead: httpx.AsyncClient) -> str:
    """Versions of a template, one of them taken back; the id of the one in force."""
    made = [await lead.post("/v1/replies/templates", json=TEMPLATE) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201], made[0].text
    first, second = (str(one.json()["id"]) for one in made)
    assert (await lead.post(f"/v1/replies/templates/{second}/withdraw")).is_success
    return first


async def reply(specialist: httpx.AsyncClient, lead: httpx.AsyncClient, record: str, *, submitted: bool = True) -> None:
    """A reply of a record that was sent back once and, where `submitted`, waits for approval again."""
    address = f"/v1/escalations/{record}/replies"
    made = (await specialist.post(address, json={"purpose": "final", "language": "en"})).json()
    change = {
        "subject": "Your question",
        "body": "We looked into it.",
        "language": "en",
        "recipients": made["recipients"],
    }
    one = f"{address}/{made['id']}"
    made = (await specialist.put(one, json={"version": made["version"], **change})).json()
    seen = {"version": made["version"]}
    assert (await specialist.post(f"{one}/submit", json=seen)).is_success
    assert (await lead.post(f"{one}/return", json={**seen, "reason": "Say what was found"})).is_success
    if submitted:
        assert (await specialist.post(f"{one}/submit", json=seen)).is_success
