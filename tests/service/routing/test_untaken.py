"""Cases that nobody would be given are counted and shown with what is missing, before they have waited for ever."""

import httpx
import pytest

from tests.service.routing.steps import make_queue, rule, save, send
from tests.service.steps import Body, claim, query

EVERYBODY = ("reviewer", "specialist", "lead")


async def limits(database: str, column: str, **by_person: list[str] | None) -> None:
    for person, values in by_person.items():
        query(database, f"UPDATE principals SET {column} = %s WHERE username = %s", values, f"test-{person}")


async def shown(lead: httpx.AsyncClient) -> list[Body]:
    return list((await lead.get("/v1/routing")).json()["untaken"])


async def counted(client: httpx.AsyncClient) -> dict[str, float]:
    lines = (await client.get("/metrics")).text.splitlines()
    found = [line.partition("{queue=")[2].split("} ") for line in lines if line.startswith("triage_untaken_cases{")]
    return {queue.strip('"'): float(number) for queue, number in found}


async def test_a_language_that_nobody_reads(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    for subject, language in (("one", "ta-IN"), ("two", "ta"), ("three", "en"), ("four", None)):
        await send(platform, subject, language=language)
    assert await shown(lead) == []
    await limits(database, "languages", **{key: ["en"] for key in EVERYBODY})
    problem = "nobody who takes from it reads ta"
    assert await shown(lead) == [{"queue": "default", "restricted": False, "problem": problem, "cases": 2}]
    assert await counted(client) == {"default": 2}
    # One person who reads it is enough, unless their account is closed.
    await limits(database, "languages", specialist=["ta"])
    assert await shown(lead) == []
    assert await counted(client) == {}
    query(database, "UPDATE principals SET active = false WHERE username = 'test-specialist'")
    assert [one["cases"] for one in await shown(lead)] == [2]


async def test_pictures_that_nobody_consented_to(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, picture: str, database: str
) -> None:
    await send(platform, "one", report={"reason": "self_harm"}, media=[picture], language="ta")
    await limits(database, "consents", **{key: [] for key in EVERYBODY})
    assert [one["problem"] for one in await shown(lead)] == ["nobody who takes from it consented to self_harm"]
    await limits(database, "consents", reviewer=["self_harm"])
    assert await shown(lead) == []
    # The one reads, the other consented: still nobody is given it.
    await limits(database, "languages", reviewer=["en"])
    problem = "nobody who takes from it reads ta"
    await limits(database, "languages", specialist=["en"], lead=["ta"])
    assert [one["problem"] for one in await shown(lead)] == [
        "nobody who takes from it both reads ta and consented to self_harm"
    ]
    await limits(database, "languages", lead=["en"])
    assert [one["problem"] for one in await shown(lead)] == [problem]


async def test_only_people_of_the_queue_count(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, database: str
) -> None:
    await make_queue(lead, "press", roles=["specialist"])
    await save(lead, rule("Press", "press", channels=["press"]))
    await send(platform, "one", report={"channel": "press"}, language="ta")
    await limits(database, "languages", specialist=["en"])
    assert [(one["queue"], one["problem"]) for one in await shown(lead)] == [
        ("press", "nobody who takes from it reads ta")
    ]
    query(database, "UPDATE principals SET active = false WHERE username = 'test-specialist'")
    assert [(one["queue"], one["problem"]) for one in await shown(lead)] == [
        ("press", "nobody active may take from it")
    ]


@pytest.mark.parametrize("status", ["leased", "decided"])
async def test_what_does_not_wait_is_not_counted(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, status: str
) -> None:
    await send(platform, "one", language="ta")
    if status == "leased":
        await claim(reviewer)
    else:
        query(database, "UPDATE cases SET status = 'decided', decided_at = now()")
    await limits(database, "languages", **{key: ["en"] for key in EVERYBODY})
    assert await shown(lead) == []


async def test_a_late_case_that_everybody_has_passed_over_for_good(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    case = (await send(platform, "one"))["case_id"]
    await send(platform, "two")
    query(
        database,
        "INSERT INTO skips SELECT p.id, %s, 'infinity' FROM principals p WHERE role IN ('reviewer', 'specialist')",
        case,
    )
    # Somebody who does not fit need not have passed it over.
    await limits(database, "languages", lead=["ta"])
    assert await shown(lead) == [], "there is time yet"
    query(database, "UPDATE cases SET start_by = now() - interval '1 minute'")
    [found] = await shown(lead)
    assert (found["queue"], found["cases"], "passed them over" in found["problem"]) == ("default", 1, True)
    assert await counted(client) == {"default": 1}
    query(
        database,
        "UPDATE skips SET until = now() + interval '1 hour' WHERE principal_id = (SELECT min(id::text)::uuid"
        " FROM principals WHERE role = 'reviewer')",
    )
    assert await shown(lead) == []
