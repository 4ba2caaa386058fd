"""Decisions out as labels: rows that training can read, of decisions that stand, without the people who made them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from labeling.records import LabelledText, parse_labelled_text, read_labelled_texts
from labeling.taxonomy import Taxonomy
from service.commands import export as command
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.service.steps import claim, decided, query, report, rewrite


@pytest.fixture
async def lines(app: FastAPI, keys: dict[str, str]) -> httpx.AsyncClient:
    """Somebody who may export."""
    caller = client_of(app)
    caller.headers.update(bearer(keys["ml"]))
    return caller


async def exported(person: httpx.AsyncClient) -> list[LabelledText]:
    async with person.stream("GET", "/v1/labels") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        return [parse_labelled_text(line, where="export") async for line in answer.aiter_lines()]


async def test_nothing_decided_nothing_exported(lines: httpx.AsyncClient, platform: httpx.AsyncClient) -> None:
    await report(platform)
    assert await exported(lines) == []


async def test_a_decision_is_a_label_of_its_area_alone(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, taxonomy: Taxonomy
) -> None:
    await report(platform, text="Zeile eins\nzwei \u2028 drei", language="de")
    made = await decided(reviewer, await claim(reviewer), severity=3)
    [row] = await exported(lines)
    assert row.id == f"decision:{made['decision_id']}"
    assert row.text == "Zeile eins\nzwei \u2028 drei"
    assert (row.policy_areas, row.annotated_areas, row.severity) == (("harassment",), ("harassment",), 3)
    assert (row.source, row.lang, row.label_quality) == ("decisions", "de", "silver")
    assert row.extra["taxonomy_version"] == taxonomy.version


async def test_a_benign_decision_clears_every_area(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, taxonomy: Taxonomy
) -> None:
    await report(platform, language=None)
    await decided(reviewer, await claim(reviewer), policy_area="benign", actions=["no_violation"], severity=0)
    [row] = await exported(lines)
    assert (row.policy_areas, row.annotated_areas, row.severity) == ((), taxonomy.area_ids, 0)
    assert row.lang == "und"


async def test_a_benign_decision_clears_no_area_that_its_taxonomy_is_not_known_to_have_had(
    lines: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    taxonomy: Taxonomy,
    database: str,
) -> None:
    for number in range(2):
        await report(platform, f"post-{number}")
        await decided(reviewer, await claim(reviewer), policy_area="benign", actions=["no_violation"], severity=0)
    await report(platform, "post-2")
    await decided(reviewer, await claim(reviewer), policy_area="spam")
    rewrite(database, "UPDATE decisions SET taxonomy_version = 'older.0' WHERE policy_area = 'benign'")
    clear = [row.annotated_areas for row in await exported(lines) if not row.policy_areas]
    assert clear == [(), ()]
    rewrite(database, "UPDATE decisions SET taxonomy_version = 'older.0'")
    older, other, named = await exported(lines)
    assert older.annotated_areas == other.annotated_areas == named.annotated_areas == ("spam",)
    assert (older.policy_areas, older.severity, older.extra["taxonomy_version"]) == ((), 0, "older.0")
    rewrite(database, "UPDATE decisions SET taxonomy_version = %s WHERE policy_area = 'benign'", taxonomy.version)
    assert {row.annotated_areas for row in await exported(lines)} == {taxonomy.area_ids, ("spam",)}


async def test_a_decision_with_a_cluster_that_nobody_looked_at_is_a_weak_label(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    rewrite(database, "UPDATE decisions SET basis = 'cluster'")
    [row] = await exported(lines)
    assert (row.extra["basis"], row.label_quality) == ("cluster", "weak")


async def test_no_violation_of_a_named_area_is_a_negative_of_that_area(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer), policy_area="spam", actions=["no_violation"], severity=3)
    [row] = await exported(lines)
    assert (row.policy_areas, row.annotated_areas, row.severity) == ((), ("spam",), 0)


async def test_undone_decisions_are_left_out(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    await report(platform)
    first = await decided(reviewer, await claim(reviewer), severity=1)
    assert (await reviewer.post(f"/v1/decisions/{first['decision_id']}/undo")).status_code == 200
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 0})
    second = await decided(reviewer, await claim(reviewer), severity=4)
    assert [row.id for row in await exported(lines)] == [f"decision:{second['decision_id']}"]


async def test_a_decision_that_can_still_be_undone_is_left_out(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    assert await exported(lines) == []


async def test_the_label_is_of_the_text_that_was_judged(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform, text="as judged")
    await decided(reviewer, await claim(reviewer))
    await report(platform, text="edited afterwards")
    assert [row.text for row in await exported(lines)] == ["as judged"]


async def test_rows_come_oldest_first_and_the_same_every_time(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    for number in range(4):
        await report(platform, f"post-{number}", text=str(number))
        await decided(reviewer, await claim(reviewer))
    rows = await exported(lines)
    assert [row.text for row in rows] == ["0", "1", "2", "3"]
    assert await exported(lines) == rows


async def test_content_without_text_is_no_label(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    rewrite(database, "UPDATE evidence SET text = ''")
    assert await exported(lines) == []


async def test_no_person_is_in_the_export(
    lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform, author={"id": "author-77"})
    await decided(reviewer, await claim(reviewer), note="by Ada")
    text = (await lines.get("/v1/labels")).text
    assert json.loads(text)
    people = [str(one) for row in query(database, "SELECT id, username FROM principals") for one in row]
    for secret in ("author-77", "by Ada", 'r1"', *people):
        assert secret not in text


async def test_a_long_export_keeps_nobody_else_from_the_database(
    app: FastAPI, lines: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    for number in range(3):
        await report(platform, f"post-{number}")
        await decided(reviewer, await claim(reviewer))
    await exported(lines)
    assert app.state.engine.pool.checkedout() == 0


async def test_the_command_writes_the_same_rows(
    lines: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    settings: Settings,
    tmp_path: Path,
) -> None:
    await report(platform, text="für das Training")
    await decided(reviewer, await claim(reviewer))
    path = tmp_path / "labels.jsonl"
    assert await command.write_labels(settings, path) == 1
    assert list(read_labelled_texts(path)) == await exported(lines)


async def test_an_export_that_fails_leaves_the_file_before_as_it_is(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text("as before")

    async def broken(*_given: object, **_named: object) -> AsyncIterator[LabelledText]:
        yield LabelledText("r1", "hello", (), (), None, "s", "en")
        raise RuntimeError("in between")

    monkeypatch.setattr(command, "labelled_texts", broken)
    with pytest.raises(RuntimeError, match="in between"):
        await command.write_labels(settings, path)
    assert [one.name for one in tmp_path.iterdir() if "labels" in one.name] == ["labels.jsonl"]
    assert path.read_text() == "as before"
