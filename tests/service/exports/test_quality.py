"""What an exported label says of itself: by which policy, checked by whom in pseudonyms, and what check took its place."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from labeling.fields import check_fields
from labeling.records import LabelledText, parse_labelled_text
from labeling.taxonomy import Taxonomy
from service.db import libpq_url
from service.exports import store
from service.exports.policies import Library, Version
from tests.conftest import bearer, client_of
from tests.service.steps import claim, decided, query, report, rewrite, value

DAY = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
async def lines(app: FastAPI, keys: dict[str, str]) -> httpx.AsyncClient:
    """Somebody who may export."""
    caller = client_of(app)
    caller.headers.update(bearer(keys["ml"]))
    return caller


async def exported(person: httpx.AsyncClient) -> list[LabelledText]:
    answer = await person.get("/v1/labels")
    assert answer.status_code == 200
    rows = [parse_labelled_text(line, where="export") for line in answer.text.splitlines()]
    for row in rows:
        check_fields(row)
    return rows


async def a_decision(
    platform: httpx.AsyncClient, person: httpx.AsyncClient, subject: str = "post-1", **fields: Any
) -> str:
    await report(platform, subject)
    return str((await decided(person, await claim(person), **fields))["decision_id"])


def publish(database: str, area: str, number: int, *, days: float, withdrawn: float | None = None) -> UUID:
    """A policy version in force from `days` from now on."""
    version = uuid4()
    query(
        database,
        """
        INSERT INTO policy_versions (id, area, number, title, body, digest, owner, reason, effective_at, published_at,
                                     published_by, withdrawn_at)
        VALUES (%s, %s, %s, 't', 'b', 'd', 'o', 'r', now() + %s * interval '1 day', now(), NULL,
                now() + %s * interval '1 day')
        """,
        *(version, area, number, days, withdrawn),
    )
    return version


def plan(database: str, *, kind: str = "random") -> UUID:
    made = uuid4()
    query(
        database,
        """
        INSERT INTO qa_plans (id, name, kind, scope, size, seed, population, owner, reason, made_by)
        SELECT %s, %s, %s, '{}', 10, 1, 100, 'o', 'r', id FROM principals WHERE username = 'test-lead'
        """,
        *(made, str(made), kind),
    )
    return made


def item(
    database: str,
    plan_id: UUID,
    decision: str,
    *,
    chance: float = 0.1,
    state: str = "settled",
    golden: UUID | None = None,
) -> UUID:
    made = uuid4()
    query(
        database,
        """
        INSERT INTO qa_items (id, plan_id, place, case_id, evidence_id, decision_id, golden_id, stratum, chance, state)
        SELECT %s, %s, 0.5, case_id, evidence_id, %s, %s, 'all', %s, %s FROM decisions WHERE id = %s
        """,
        *(made, plan_id, None if golden else decision, golden, chance, state, decision),
    )
    return made


def settle(
    database: str, item_id: UUID, *, replaces: UUID | None = None, error: str | None = None, **answer: Any
) -> UUID:
    made = uuid4()
    said = {"policy_area": "harassment", "severity": 2, "actions": ["remove"], **answer}
    query(
        database,
        "INSERT INTO qa_settlements (id, item_id, by, answer, error, replaces) VALUES (%s, %s, %s, %s, %s, %s)",
        *(made, item_id, "dispute" if replaces else "agreement", json.dumps(said), error, replaces),
    )
    return made


def reviewed(database: str, item_id: UUID, confidence: int | None, username: str) -> None:
    query(
        database,
        """
        INSERT INTO qa_reviews (token, item_id, reviewer, expires_at, answered_at, answer)
        SELECT gen_random_uuid(), %s, id, now(), now(), %s FROM principals WHERE username = %s
        """,
        *(item_id, json.dumps({"policy_area": "harassment", "confidence": confidence}), username),
    )


async def test_a_decision_that_nobody_checked_says_so(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    decision = await a_decision(platform, reviewer)
    item(database, plan(database), decision, state="waiting")
    [row] = await exported(lines)
    assert (row.extra["label_by"], row.extra["qa"], row.extra["confidence"], row.label_quality) == (
        "decision",
        None,
        None,
        "silver",
    )
    assert (row.extra["policy"], row.extra["stale"], row.extra["stale_areas"]) == (None, False, [])
    at = value(database, "SELECT decided_at FROM decisions")
    # To the hour: to the second it would say who it was that decided.
    assert row.extra["decided_at"] == at.astimezone(UTC).strftime("%Y-%m-%dT%H:00:00+00:00")


async def test_a_check_that_agrees_confirms_the_label_and_gives_its_weight(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    made = plan(database, kind="doubt")
    checked = item(database, made, await a_decision(platform, reviewer), chance=0.05)
    for confidence, who in ((3, "test-lead"), (2, "test-specialist"), (None, "test-admin")):
        reviewed(database, checked, confidence, who)
    settle(database, checked)
    [row] = await exported(lines)
    assert (row.policy_areas, row.severity, row.extra["label_by"]) == (("harassment",), 2, "decision")
    assert row.extra["annotator"]
    assert (row.label_quality, row.extra["confidence"]) == ("gold", 2)
    assert row.extra["checks"] == [
        {"plan": str(made), "kind": "doubt", "chance": 0.05, "state": "settled", "error": None}
    ]
    qa = row.extra["qa"]
    assert (qa["by"], qa["error"], qa["plan"], qa["kind"], qa["reviews"], qa["objected"]) == (
        "agreement",
        None,
        str(made),
        "doubt",
        3,
        False,
    )


async def test_an_overturned_decision_is_exported_as_settled_and_is_nobodys_own(
    lines: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
    taxonomy: Taxonomy,
) -> None:
    wrong, harmless = [await a_decision(platform, reviewer, name) for name in ("post-1", "post-2")]
    made = plan(database)
    settle(database, item(database, made, wrong), error="wrong_area", policy_area="privacy", severity=3)
    settle(
        database,
        item(database, made, harmless),
        error="false_positive",
        policy_area="benign",
        severity=0,
        actions=["no_violation"],
    )
    first, second = await exported(lines)
    assert (first.policy_areas, first.annotated_areas, first.severity) == (("privacy",), ("privacy",), 3)
    assert (second.policy_areas, second.annotated_areas, second.severity) == ((), taxonomy.area_ids, 0)
    assert {row.extra["label_by"] for row in (first, second)} == {"qa"}
    assert {row.extra["annotator"] for row in (first, second)} == {None}
    assert first.extra["qa"]["error"] == "wrong_area"


async def test_the_settlement_that_replaces_another_counts(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    checked = item(database, plan(database), await a_decision(platform, reviewer))
    first = settle(database, checked, error="wrong_severity", severity=4)
    query(
        database,
        """
        INSERT INTO qa_feedback (id, settlement_id, person, disputed_at, objection)
        SELECT gen_random_uuid(), %s, id, now(), 'no' FROM principals WHERE username = 'test-reviewer'
        """,
        first,
    )
    [row] = await exported(lines)
    assert (row.severity, row.extra["label_by"], row.extra["qa"]["objected"]) == (4, "qa", True)
    settle(database, checked, replaces=first)
    [row] = await exported(lines)
    assert (row.severity, row.extra["label_by"], row.extra["qa"]["by"]) == (2, "decision", "dispute")


async def test_of_two_plans_the_newest_settlement_counts_and_void_items_do_not(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    decision = await a_decision(platform, reviewer)
    settle(database, item(database, plan(database), decision, chance=0.5), error="wrong_severity", severity=1)
    await asyncio.sleep(0.01)
    newest = item(database, plan(database), decision, chance=0.25)
    settle(database, newest, error="wrong_severity", severity=3)
    [row] = await exported(lines)
    assert (row.severity, [one["chance"] for one in row.extra["checks"]]) == (3, [0.5, 0.25])
    query(database, "UPDATE qa_items SET state = 'void' WHERE id = %s", newest)
    [row] = await exported(lines)
    assert (row.severity, [one["chance"] for one in row.extra["checks"]]) == (1, [0.5])


async def test_every_plan_that_drew_a_decision_is_told_with_its_chance_and_what_it_came_to(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    decision = await a_decision(platform, reviewer)
    first, second, third, draft = (plan(database) for _ in range(4))
    query(database, "UPDATE qa_plans SET draft = true WHERE id = %s", draft)
    checked = item(database, first, decision, chance=0.5)
    settle(database, checked, replaces=settle(database, checked, error="wrong_severity", severity=4))
    item(database, second, decision, chance=0.25, state="disputed")
    settle(database, item(database, third, decision, chance=0.125), error="wrong_severity", severity=1)
    settle(database, item(database, draft, decision, chance=1), error="wrong_severity", severity=0)
    [row] = await exported(lines)
    told = [(one["plan"], one["chance"], one["state"], one["error"]) for one in row.extra["checks"]]
    assert told == [
        (str(first), 0.5, "settled", None),
        (str(second), 0.25, "disputed", None),
        (str(third), 0.125, "settled", "wrong_severity"),
    ]
    assert row.extra["qa"]["plan"] == str(third)


async def test_what_a_plan_estimates_from_exported_rows_is_what_it_estimates_from_its_own_checks(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    """A later plan by doubt draws what is wrong more often: rows that name the newest plan alone would flatter the first."""
    even, doubt = plan(database), plan(database, kind="doubt")
    for number, wrong in enumerate((True, False, False, False)):
        decision = await a_decision(platform, reviewer, f"post-{number}")
        found: dict[str, Any] = {"error": "wrong_severity", "severity": 4} if wrong else {}
        settle(database, item(database, even, decision, chance=0.5), **found)
        if wrong:
            settle(database, item(database, doubt, decision, chance=0.9), **found)
    checks = [one for row in await exported(lines) for one in row.extra["checks"] if one["plan"] == str(even)]
    weights = [1 / one["chance"] for one in checks]
    right = sum(weight for weight, one in zip(weights, checks, strict=True) if one["error"] is None)
    assert right / sum(weights) == 3 / 4


def corrected(database: str, decision: str) -> None:
    """Somebody who leads has just said that a label is wrong, and spam of severity 3 instead."""
    query(
        database,
        """
        INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area, resolved_at, resolved_by, outcome,
                                    right_area, right_severity, taxonomy_version, note)
        SELECT %s, 'b', 0.1, 'spam', now(), id, 'label_wrong', 'spam', 3, 'later', ''
        FROM principals WHERE username = 'test-lead'
        """,
        decision,
    )


async def test_of_a_correction_and_a_check_that_agrees_the_later_one_holds(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    decision = await a_decision(platform, reviewer)
    before = item(database, plan(database), decision)
    reviewed(database, before, 3, "test-specialist")
    settle(database, before)
    version = publish(database, "spam", 1, days=-1)
    corrected(database, decision)
    # What was settled before somebody looked again does not speak against them, and is known of the decision still.
    [row] = await exported(lines)
    assert (row.policy_areas, row.severity, row.extra["label_by"]) == (("spam",), 3, "correction")
    assert (row.extra["taxonomy_version"], row.extra["policy"]["id"]) == ("later", str(version))
    assert (row.extra["qa"]["error"], row.extra["confidence"], row.label_quality) == (None, None, "gold")
    settle(database, item(database, plan(database), decision))
    [row] = await exported(lines)
    assert (row.policy_areas, row.extra["label_by"], row.extra["correction"]) == (("harassment",), "decision", None)


@pytest.mark.parametrize("basis", ["review", "cluster"])
async def test_a_label_that_somebody_looked_at_again_is_gold_whatever_they_said(
    lines: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
    basis: str,
) -> None:
    stands, wrong = [await a_decision(platform, reviewer, name) for name in ("post-1", "post-2")]
    rewrite(database, "UPDATE decisions SET basis = %s", basis)
    assert {row.label_quality for row in await exported(lines)} == {"silver" if basis == "review" else "weak"}
    corrected(database, wrong)
    query(
        database,
        """
        INSERT INTO label_suspects (decision_id, bundle, quality, suggested_area, resolved_at, resolved_by, outcome)
        SELECT %s, 'b', 0.1, 'spam', now(), id, 'label_stands' FROM principals WHERE username = 'test-lead'
        """,
        stands,
    )
    kept, instead = await exported(lines)
    assert (kept.label_quality, kept.extra["label_by"]) == ("gold", "decision")
    assert (instead.label_quality, instead.extra["label_by"]) == ("gold", "correction")
    for moment in (kept.extra["decided_at"], instead.extra["decided_at"], instead.extra["correction"]["at"]):
        assert moment.endswith(":00:00+00:00")


async def test_a_check_that_found_the_decision_wrong_holds_even_where_a_correction_came_later(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    decision = await a_decision(platform, reviewer)
    found = item(database, plan(database), decision)
    reviewed(database, found, 2, "test-specialist")
    settle(database, found, error="wrong_area", policy_area="privacy", severity=2)
    corrected(database, decision)
    [row] = await exported(lines)
    assert (row.policy_areas, row.extra["label_by"], row.extra["correction"]) == (("privacy",), "qa", None)
    assert row.extra["confidence"] == 2


async def test_a_golden_item_is_exported_like_any_other(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    decision = await a_decision(platform, reviewer)
    await a_decision(platform, reviewer, "post-2")
    before = [row.extra for row in await exported(lines)]
    golden = uuid4()
    query(
        database,
        """
        INSERT INTO golden_items (id, evidence_id, case_id, answer, rationale, made_by)
        SELECT %s, evidence_id, case_id, '{"policy_area": "spam", "severity": 4, "actions": []}', 'secret', decided_by
        FROM decisions WHERE id = %s
        """,
        *(golden, decision),
    )
    settle(database, item(database, plan(database), decision, golden=golden), error="wrong_area", policy_area="spam")
    assert [row.extra for row in await exported(lines)] == before
    text = (await lines.get("/v1/labels")).text
    assert not any(word in text for word in ("golden", "secret", str(golden)))


async def test_a_label_made_under_an_older_policy_is_stale_in_that_area_alone(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    first = publish(database, "harassment", 1, days=-9)
    decision = await a_decision(platform, reviewer)
    rewrite(database, "UPDATE decisions SET policy_id = %s WHERE id = %s", first, decision)
    await a_decision(platform, reviewer, "post-2", policy_area="benign", actions=["no_violation"], severity=0)
    publish(database, "harassment", 3, days=+1)
    # The first version of the library that held only wrote down what held before.
    publish(database, "privacy", 1, days=-1, withdrawn=-2)
    publish(database, "privacy", 2, days=0)
    assert [row.extra["stale"] for row in await exported(lines)] == [False, False]
    publish(database, "harassment", 2, days=-0.0)
    named, benign = await exported(lines)
    assert named.extra["policy"] == {"id": str(first), "area": "harassment", "number": 1}
    assert (named.extra["stale"], named.extra["stale_areas"]) == (True, ["harassment"])
    # Clear of all areas, by rules of which one has changed.
    assert benign.extra["stale_areas"] == ["harassment"]


async def test_a_check_under_the_new_policy_makes_a_label_fresh(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    first = publish(database, "harassment", 1, days=-9)
    decision = await a_decision(platform, reviewer)
    rewrite(database, "UPDATE decisions SET policy_id = %s WHERE id = %s", first, decision)
    second = publish(database, "harassment", 2, days=0)
    settle(database, item(database, plan(database), decision))
    [row] = await exported(lines)
    assert (row.extra["policy"]["id"], row.extra["stale"]) == (str(second), False)


async def test_pseudonyms_link_rows_of_one_installation_and_name_nobody(
    lines: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    database: str,
    app: FastAPI,
) -> None:
    for person, subject in ((reviewer, "post-1"), (reviewer, "post-2"), (colleague, "post-3")):
        await a_decision(platform, person, subject)
    found = await exported(lines)
    assert await exported(lines) == found
    one, two, three = (row.extra["annotator"] for row in found)
    assert one == two != three
    assert len({row.extra["subject"] for row in found}) == 3
    text = (await lines.get("/v1/labels")).text
    ids = query(database, "SELECT id::text, username FROM principals UNION SELECT id::text, external_id FROM subjects")
    assert not [secret for row in ids for secret in row if f'"{secret}"' in text]
    app.state.settings = app.state.settings.model_copy(update={"secret": SecretStr("y" * 40)})
    app.state.settings.__dict__.pop("signing_key")
    elsewhere = [row.extra["annotator"] for row in await exported(lines)]
    assert not {one, two, three} & set(elsewhere)


def version(area: str, number: int, days: float, withdrawn: float | None = None) -> Version:
    end = None if withdrawn is None else DAY + timedelta(days=withdrawn)
    return Version(uuid4(), area, number, DAY + timedelta(days=days), end)


def test_the_version_in_force_is_the_newest_that_has_begun_and_was_not_withdrawn() -> None:
    versions = [
        version("spam", 1, 0),
        version("spam", 2, 5, withdrawn=8),
        version("spam", 3, 20),
        version("privacy", 1, 0),
    ]
    library = Library(versions)
    held = [library.in_force("spam", DAY + timedelta(days=day)) for day in (-1, 0, 4.9, 5, 8, 20)]
    assert held == [None, versions[0], versions[0], versions[1], versions[0], versions[2]]


@pytest.mark.parametrize(
    ("made_by", "day", "now", "stale"),
    [
        (0, 1, 4, False),
        (0, 1, 5, True),
        # The later version was withdrawn: the one before holds again.
        (0, 1, 9, False),
        (1, 6, 9, False),
        (1, 6, 20, True),
        (2, 21, 30, False),
        # Made before there was a library: the first version only wrote down what held.
        (None, -3, 1, False),
        (None, -3, 5, True),
        (None, 5.5, 6, False),
    ],
)
def test_a_label_is_stale_once_a_later_version_holds(made_by: int | None, day: float, now: float, stale: bool) -> None:
    versions = [version("spam", 1, 0), version("spam", 2, 5, withdrawn=8), version("spam", 3, 20)]
    of = None if made_by is None else versions[made_by]
    at, when = (DAY + timedelta(days=days) for days in (day, now))
    assert Library(versions).stale("spam", made_by=of, made_at=at, now=when) is stale
    assert Library(versions).stale("privacy", made_by=of, made_at=at, now=when) is False


def test_checks_are_found_by_their_index(database: str) -> None:
    """Without one, every decision that was drawn reads all settlements that there are."""
    with psycopg.connect(libpq_url(database)) as connection:
        # Of a few rows the planner would rather read them all.
        connection.execute("SET enable_seqscan = off")
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {store._LABELS.text}"))
    assert "qa_settlements_item" in plan
    assert "Seq Scan on qa_settlements" not in plan
