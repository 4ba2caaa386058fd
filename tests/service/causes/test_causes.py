"""Root causes: filed for one record or for several, never over somebody else's finding, and seen by whoever sees the record."""

import httpx
import pytest
from fastapi import FastAPI

from tests.service.causes.steps import file_cause
from tests.service.escalations.steps import opened
from tests.service.steps import assert_error, query


@pytest.fixture
async def specialist(colleague: httpx.AsyncClient) -> httpx.AsyncClient:
    return colleague


async def number_of(caller: httpx.AsyncClient, record: object) -> int:
    return int((await caller.get(f"/v1/escalations/{record}")).json()["number"])


async def test_a_cause_is_filed_for_several_records_at_once(
    app: FastAPI, database: str, specialist: httpx.AsyncClient
) -> None:
    one, other = await opened(app, database), await opened(app, database)
    numbers = [await number_of(specialist, record) for record in (one, other)]
    assert (await specialist.get(f"/v1/escalations/{one}/cause")).json() == {"cause": None}
    filed = (await file_cause(specialist, one, records=[numbers[1]])).json()
    assert filed["numbers"] == numbers
    assert (await specialist.get(f"/v1/escalations/{other}/cause")).json()["cause"] == filed
    for record in (one, other):
        events = (await specialist.get(f"/v1/escalations/{record}/timeline")).json()["events"]
        assert events[-1]["kind"] == "cause.filed"
        assert "Sunday" not in str(events)


async def test_a_later_finding_replaces_the_one_that_was_read_and_no_other(
    app: FastAPI, database: str, specialist: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    record, other = await opened(app, database), await opened(app, database)
    first = (await file_cause(specialist, record)).json()
    assert_error(await file_cause(lead, record, subcode="routing"), 409, "finding_changed")
    second = await file_cause(lead, record, subcode="routing", replaces=first["id"])
    assert second.json()["subcode"] == "routing"
    # The other has a finding of its own: it is not lost by filing the first for both.
    await file_cause(specialist, other, code="quality", subcode="training")
    both = await file_cause(
        specialist, record, replaces=second.json()["id"], records=[await number_of(specialist, other)]
    )
    assert_error(both, 409, "finding_changed")
    assert (await specialist.get(f"/v1/escalations/{other}/cause")).json()["cause"]["code"] == "quality"
    # Nothing that was found is forgotten.
    assert query(database, "SELECT count(*) FROM root_causes") == [(3,)]


async def test_what_is_wrong_with_a_finding_is_named(
    app: FastAPI, database: str, specialist: httpx.AsyncClient
) -> None:
    record = await opened(app, database)
    wrong: tuple[tuple[dict[str, object], str], ...] = (
        ({"subcode": "defect"}, "subcode"),
        ({"code": "weather"}, "code"),
        ({"records": [10**9]}, "E-1000000000"),
        ({"whys": [{"why": "Why?", "because": "So"}] * 6}, "whys"),
        ({"whys": [{"why": "Why?", "because": ""}]}, "because"),
    )
    for changes, named in wrong:
        assert named in assert_error(await file_cause(specialist, record, **changes), 422, "invalid_request")


async def test_a_record_that_one_may_not_see_has_no_cause_to_file(
    app: FastAPI, database: str, specialist: httpx.AsyncClient
) -> None:
    mine = await opened(app, database)
    hidden = await opened(app, database, confidentiality="restricted", path="child_safety")
    assert_error(await file_cause(specialist, hidden), 404, "not_found")
    [(number,)] = query(database, "SELECT number FROM escalations WHERE id = %s", hidden)
    absent = await file_cause(specialist, mine, records=[number])
    nowhere = await file_cause(specialist, mine, records=[number + 1000])
    # Word for word what is said of a number that nothing has.
    assert absent.json()["detail"].replace(str(number), "N") == nowhere.json()["detail"].replace(
        str(number + 1000), "N"
    )


async def test_a_shared_cause_names_no_record_that_one_may_not_see(
    app: FastAPI, database: str, specialist: httpx.AsyncClient
) -> None:
    one, other = await opened(app, database), await opened(app, database)
    await file_cause(specialist, one, records=[await number_of(specialist, other)])
    query(database, "UPDATE escalations SET confidentiality = 'restricted', path = 'child_safety' WHERE id = %s", other)
    filed = (await specialist.get(f"/v1/escalations/{one}/cause")).json()["cause"]
    assert filed["numbers"] == [await number_of(specialist, one)]
