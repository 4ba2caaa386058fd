"""The command line: it says what it can do, and what is wrong in one line."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from service import __main__ as command_line


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    before = structlog.get_config()
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TRIAGE_DATABASE_URL", raising=False)
    yield
    structlog.configure(**before)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["service", *arguments])
    return command_line.main()


def test_without_a_command_the_commands_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch)
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_help_names_every_command_with_what_it_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--help")
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for command in ("up", "serve", "work", "migrate", "seed", "export", "openapi", "demo"):
        assert f"\n    {command} " in told


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIAGE_PORT", "a lot", "TRIAGE_PORT"),
        ("TRIAGE_DATABASE_URL", "mysql://user:hunter2@host/name", "only PostgreSQL"),
        ("TRIAGE_TAXONOMY", "nowhere.toml", "nowhere.toml"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert run(monkeypatch, "openapi" if "TAXONOMY" in name else "migrate") == 2
    told = capsys.readouterr().err
    assert said in told
    assert "hunter2" not in told
    assert told.count("\n") == 1


def test_the_description_needs_no_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "openapi") == 0
    assert "/v1/reports" in json.loads(capsys.readouterr().out)["paths"]
    assert not (tmp_path / "data").exists()


def test_migrating_twice_does_nothing_the_second_time(
    monkeypatch: pytest.MonkeyPatch, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    assert [run(monkeypatch, "migrate") for _ in range(2)] == [0, 0]


def test_seeding_says_what_was_done(
    monkeypatch: pytest.MonkeyPatch, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    assert run(monkeypatch, "seed", "--remove") == 0
    assert capsys.readouterr().out == "Removed 0 sample cases and closed 0 sample log-ins.\n"


def test_exporting_says_how_many_rows(
    monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    assert run(monkeypatch, "export", "--out", str(tmp_path / "out.jsonl")) == 0
    assert capsys.readouterr().out == f"0 rows written to {tmp_path / 'out.jsonl'}\n"
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == ""
