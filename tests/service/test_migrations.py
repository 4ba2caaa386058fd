"""Migrations: any number of processes may start at once, and what they leave is whole."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig, RankInputs, rank, reproduce
from service.db import libpq_url
from service.migrate import migrate
from service.settings import Settings
from tests.architecture.tree import REPOSITORY
from tests.conftest import bearer, client_of, make_keys, other_database, running_app
from tests.service.steps import query

NAME = "triage_unmigrated"


@pytest.fixture
def unmigrated(server_url: str) -> Iterator[str]:
    """Address of a database without a schema."""
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {NAME}")
        yield other_database(server_url, NAME)
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def test_processes_that_start_at_once_migrate_once(unmigrated: str, tmp_path: Path) -> None:
    environment = {**os.environ, "TRIAGE_DATABASE_URL": unmigrated, "TRIAGE_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "service", "migrate"]
    started = [subprocess.Popen(command, cwd=REPOSITORY, env=environment) for _ in range(3)]
    assert [one.wait(120) for one in started] == [0, 0, 0]
    assert query(unmigrated, "SELECT version_num FROM alembic_version") == [("20261130_0010",)]
    assert query(unmigrated, "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid") == []


# A case and a lease as a service left them that knew nothing of live views, one of each kind.
_OLD_CASES = """
    INSERT INTO principals (id, username, role) VALUES ('00000000-0000-7000-8000-00000000000a', 'somebody', 'reviewer');
    INSERT INTO subjects (id, external_id, kind, views_per_hour)
    SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'post-' || n, 'post', 120 FROM generate_series(1, 3) AS n;
    INSERT INTO evidence (id, subject_id, content_hash, text, language)
    SELECT id, id, '', 'text', 'en' FROM subjects;
    INSERT INTO cases (id, subject_id, evidence_id, queue, status, rank_value, rank, lease_token, lease_holder,
                       lease_expires_at, decided_at)
    SELECT id, id, id, 'default', (ARRAY['open', 'leased', 'decided'])[n], 1.0, CAST(%s AS jsonb),
           CASE n WHEN 2 THEN id END, CASE n WHEN 2 THEN '00000000-0000-7000-8000-00000000000a'::uuid END,
           CASE n WHEN 2 THEN now() + interval '1 hour' END, CASE n WHEN 3 THEN now() END
    FROM subjects, LATERAL (SELECT right(external_id, 1)::integer AS n) AS which;
    INSERT INTO leases (token, case_id, holder, evidence_id, rank_value, rank)
    SELECT id, id, '00000000-0000-7000-8000-00000000000a', id, 1.0, rank FROM cases WHERE status = 'leased';
    INSERT INTO reports (id, case_id, evidence_id, channel, reason, received_from, case_status)
    SELECT id, id, id, 'user', 'spam', '00000000-0000-7000-8000-00000000000a', 'open' FROM cases
"""


async def test_cases_of_before_can_be_looked_at_before_they_are_ranked_anew(unmigrated: str, tmp_path: Path) -> None:
    taxonomy = load_taxonomy()
    inputs = RankInputs(None, ["spam"], 120.0, 0, datetime(2026, 11, 20, tzinfo=UTC))
    parts = rank(inputs, taxonomy, replace(RankConfig(), policy="harm-rate")).parts
    old = {name: value for name, value in parts.items() if name not in {"least_views_per_hour", "base", "reports"}}
    migrate(unmigrated, to="20261123_0004")
    with psycopg.connect(libpq_url(unmigrated), autocommit=True) as connection:
        connection.execute(_OLD_CASES.replace("%s", f"'{json.dumps(old)}'"))
    migrate(unmigrated)
    settings = Settings(data_dir=tmp_path, database_url=unmigrated)
    key = (await make_keys(unmigrated))["reviewer"]
    async with running_app(settings, taxonomy) as app, client_of(app) as caller:
        caller.headers.update(bearer(key))
        for number in (1, 2, 3):
            case = f"/v1/cases/00000000-0000-7000-8000-00000000000{number}"
            told = await caller.get(f"{case}/why")
            assert told.status_code == 200, told.text
            assert told.json()["value"] == reproduce(told.json()["parts"])["value"]
            assert (await caller.get(case)).status_code == 200
        taken = await caller.post("/v1/queues/default/claim")
        assert taken.status_code == 200, taken.text


def test_an_index_that_was_left_half_made_is_made_anew(unmigrated: str, tmp_path: Path) -> None:
    environment = {**os.environ, "TRIAGE_DATABASE_URL": unmigrated, "TRIAGE_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "service", "migrate"]
    migrate(unmigrated, to="20261123_0003")
    query(unmigrated, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'evidence_scored'::regclass")
    query(unmigrated, "UPDATE alembic_version SET version_num = '20261123_0002'")
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
    assert query(unmigrated, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'evidence_scored'::regclass") == [
        (True,)
    ]
