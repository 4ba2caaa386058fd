"""Migrations: any number of processes may start at once, and what they leave is whole."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from service.db import libpq_url
from service.migrate import migrate
from tests.architecture.tree import REPOSITORY
from tests.conftest import other_database
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
    assert query(unmigrated, "SELECT version_num FROM alembic_version") == [("20261129_0005",)]
    assert query(unmigrated, "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid") == []


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
