"""To pass a case over costs nobody anything, and nothing that is stored tells who was upset."""

import io
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.holds.workflow import forget_old
from tests.architecture.tree import REPOSITORY
from tests.service.holds.verbs import save_draft, skip, take
from tests.service.steps import Body, assert_error, claim, decided, lapse, query, report, rewrite, value

REASONS = ["upset", "language", "expertise", "conflict_of_interest", "technical", "other"]
FOR_EVER = {"upset", "other", "conflict_of_interest"}
COUNTED = {"language", "expertise", "conflict_of_interest", "technical"}


@pytest.mark.parametrize("reason", REASONS)
async def test_a_skipped_case_is_open_for_others(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str, reason: str
) -> None:
    assert (await skip(reviewer, claimed, reason)).status_code == 204
    assert query(database, "SELECT status, skipped_by, lapses FROM cases") == [("open", 1, 0)]
    assert query(database, "SELECT outcome, ended_reason FROM leases") == [("skipped", None)]
    [(for_ever, hours)] = query(
        database,
        "SELECT until = 'infinity', CASE WHEN until < 'infinity' THEN extract(epoch FROM until - now()) / 3600 END"
        " FROM skips",
    )
    assert for_ever == (reason in FOR_EVER)
    assert for_ever or 23.9 < float(hours) <= 24
    assert (await claim(colleague))["case"]["id"] == claimed["case"]["id"]


async def test_a_reason_that_is_not_on_the_list_is_refused(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    for reason in ("", "bored", None, 3):
        assert "reason" in assert_error(await skip(reviewer, claimed, reason), 422, "invalid_request")  # type: ignore[arg-type]
    assert (await skip(reviewer, claimed)).status_code == 204


async def test_only_a_live_lease_can_be_skipped(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    assert_error(await skip(colleague, claimed), 409, "lease_stale")
    lapse(database, claimed["case"]["id"])
    assert_error(await skip(reviewer, claimed), 409, "lease_stale")
    assert value(database, "SELECT count(*) FROM skips") == 0
    assert value(database, "SELECT count(*) FROM skip_reasons") == 0


def traces(database: str, before: dict[str, Any]) -> dict[str, list[str]]:
    """Every row of every table that is not as it was, without ids and times."""
    changed = {}
    for table, rows in everything(database).items():
        new = [row for row in rows if row not in before[table]]
        if new:
            changed[table] = new
    return changed


def everything(database: str) -> dict[str, list[str]]:
    tables = query(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    left_out = "'{id,case_id,subject_id,evidence_id,lease_token,token,at,granted_at,ended_at,opened_at,working_since,shift_since}'::text[]"
    return {
        table: [
            row
            for (row,) in query(database, f"SELECT (to_jsonb(one) - {left_out})::text FROM {table} AS one ORDER BY 1")
        ]
        for (table,) in tables
    }


async def test_upset_leaves_the_very_traces_of_other_in_every_table(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    left = {}
    await report(platform)
    for reason in ("upset", "other", "language"):
        claimed = await claim(reviewer)
        before = everything(database)
        assert (await skip(reviewer, claimed, reason)).status_code == 204
        left[reason] = traces(database, before)
        query(database, "DELETE FROM skips; DELETE FROM skip_reasons; DELETE FROM leases")
        query(database, "UPDATE cases SET skipped_by = 0, status = 'open'")
        rewrite(database, "DELETE FROM events")
    assert left["upset"] == left["other"]
    assert left["upset"] != left["language"]
    assert set(left["upset"]) == {"cases", "leases", "skips", "events"}
    assert not [row for rows in left["upset"].values() for row in rows if "upset" in row]


async def test_the_database_refuses_to_store_that_somebody_was_upset(claimed: Body, database: str) -> None:
    for reason in ("upset", "other"):
        with pytest.raises(Exception, match="skip_reasons_reason_check"):
            query(database, "INSERT INTO skip_reasons SELECT id, %s FROM cases", reason)


async def test_no_log_line_holds_the_reason(reviewer: httpx.AsyncClient, claimed: Body, log: io.StringIO) -> None:
    await skip(reviewer, claimed, "upset")
    assert "upset" not in log.getvalue()


def test_no_statement_elsewhere_counts_who_skipped() -> None:
    """Figures about people are made of leases: none may be made of those that ended with a skip."""
    stores = [path for path in (REPOSITORY / "service").rglob("*.py") if "migrations" not in path.parts]
    naming = {path.relative_to(REPOSITORY).as_posix() for path in stores if "'skipped'" in path.read_text("utf-8")}
    assert naming == {"service/holds/store.py"}


async def test_leads_see_the_reasons_by_case_without_upset_and_without_people(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body
) -> None:
    await skip(reviewer, claimed, "language")
    await skip(colleague, await claim(colleague), "upset")
    await skip(lead, await claim(lead), "other")
    case = claimed["case"]["id"]
    assert (await lead.get(f"/v1/cases/{case}/skips")).json() == {"case_id": case, "reasons": {"language": 1}}
    shown = (await lead.get(f"/v1/cases/{case}")).json()["events"]
    assert [one["data"] for one in shown if one["kind"] == "case.skipped"] == [{}, {}, {}]


async def test_the_skips_of_a_case_that_is_not_there_are_not_found(lead: httpx.AsyncClient) -> None:
    missing = "0199f1c2-0000-7000-8000-000000000000"
    assert_error(await lead.get(f"/v1/cases/{missing}/skips"), 404, "not_found")


async def test_whoever_skips_twice_counts_once_and_the_longer_time_stands(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await skip(reviewer, claimed, "language")
    taken = await take(reviewer, claimed)
    assert taken.status_code == 200
    await skip(reviewer, taken.json(), "conflict_of_interest")
    assert query(database, "SELECT until = 'infinity' FROM skips") == [(True,)]
    assert value(database, "SELECT skipped_by FROM cases") == 1
    assert dict(query(database, "SELECT reason, times FROM skip_reasons")) == {
        "conflict_of_interest": 1,
        "language": 1,
    }


async def test_a_draft_outlives_a_skip(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await save_draft(reviewer, claimed, "half a thought")
    await skip(reviewer, claimed)
    assert (await claim(colleague))["case"]["draft"] is None
    lapse(database, claimed["case"]["id"])
    taken = (await take(reviewer, claimed)).json()
    assert taken["case"]["draft"] == {"note": "half a thought"}
    await decided(reviewer, taken)


async def test_old_skips_of_decided_cases_are_forgotten(
    app: FastAPI, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    async def left() -> int:
        async with app.state.engine.begin() as connection:
            await forget_old(connection)
        return int(value(database, "SELECT count(*) FROM skips"))

    await skip(reviewer, claimed)
    query(database, "UPDATE skips SET until = now() - interval '31 days'")
    assert await left() == 1
    await decided(colleague, await claim(colleague))
    assert await left() == 0
