"""Settings: read from the environment, refused early and in words when they cannot work."""

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.db import create_engine, libpq_url, sqlalchemy_url
from service.settings import Settings, SettingsError, write_private


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TRIAGE_DATABASE_URL", "TRIAGE_SECRET", "TRIAGE_PORT", "PORT", "HOST", "DATA_DIR", "TRIAGE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_no_environment() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8000, None)
    assert (settings.lease_seconds, settings.undo_seconds) == (600, 15)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_LEASE_SECONDS", "30")
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("DATA_DIR", "elsewhere")
    settings = Settings()
    assert (settings.lease_seconds, settings.port, settings.data_dir) == (30, 9000, Path("elsewhere"))


def test_the_prefixed_name_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("TRIAGE_PORT", "9001")
    assert Settings().port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIAGE_PORT", "0"),
        ("TRIAGE_PORT", "65536"),
        ("TRIAGE_PORT", "http"),
        ("TRIAGE_LEASE_SECONDS", "0"),
        *(("TRIAGE_EXPOSURE_HOURS", hours) for hours in ("0", "25", "inf", "nan")),
        ("TRIAGE_EXPOSURE_STRETCH_MINUTES", "1441"),
        # Longer looks would be missing from what is told of the last day.
        ("TRIAGE_REVEAL_SECONDS", "14401"),
        ("TRIAGE_REVEAL_CLIP_SECONDS", "14401"),
        ("TRIAGE_UNDO_SECONDS", "-1"),
        ("TRIAGE_DATABASE_POOL", "0"),
        ("TRIAGE_BODY_MAX_BYTES", "1 MB"),
        ("TRIAGE_SECURE_COOKIES", "perhaps"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert name.removeprefix("TRIAGE_").lower() in str(refused.value).lower()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 32"):
        Settings(secret="x" * 31)


def test_a_given_secret_is_used_and_not_shown() -> None:
    settings = Settings(secret="s" * 32)
    assert settings.signing_key == "s" * 32
    assert "ssss" not in repr(settings)


def test_without_a_secret_one_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = Settings(data_dir=tmp_path / "new" / "data")
    assert len(first.signing_key) >= 43
    assert Settings(data_dir=tmp_path / "new" / "data").signing_key == first.signing_key
    assert stat.S_IMODE((first.data_dir / "secret.key").stat().st_mode) == 0o600
    assert Settings(data_dir=tmp_path / "other").signing_key != first.signing_key


def test_a_private_file_appears_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "made" / "file"
    write_private(path, "old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "url",
    ["postgresql://user@host/name", "postgres://user@host/name", "postgresql+psycopg://user@host/name"],
)
def test_every_way_to_write_a_postgres_address_is_taken(url: str) -> None:
    assert sqlalchemy_url(url) == "postgresql+psycopg://user@host/name"
    assert libpq_url(url) == "postgresql://user@host/name"


def test_a_password_in_the_address_is_kept() -> None:
    assert libpq_url("postgresql://user:p%40ss@host:5433/name?sslmode=require") == (
        "postgresql://user:p%40ss@host:5433/name?sslmode=require"
    )


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///triage.db",
        "mysql://user:hunter2@host/name",
        "mongodb://host",
        "host/name",
        "",
        "postgresql",
        "http://x/",
    ],
)
def test_any_other_database_is_refused_without_repeating_the_address(url: str) -> None:
    with pytest.raises(SettingsError, match="TRIAGE_DATABASE_URL") as refused:
        create_engine(url, pool=1)
    assert "hunter2" not in str(refused.value)
