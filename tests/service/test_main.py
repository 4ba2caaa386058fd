"""The command line: it says what it can do, and what is wrong in one line."""

import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from service import __main__ as command_line
from service.sessions import token_hash
from tests.service.steps import query


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
    for command in ("up", "serve", "work", "migrate", "seed", "export", "openapi", "demo", "person", "views"):
        assert f"\n    {command} " in told


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_says_how_it_is_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, name, "--help")
    assert ended.value.code == 0
    assert f"usage: python -m service {name} " in capsys.readouterr().out
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIAGE_PORT", "a lot", "TRIAGE_PORT"),
        ("TRIAGE_DATABASE_URL", "mysql://user:hunter2@host/name", "only PostgreSQL"),
        ("TRIAGE_TAXONOMY", "nowhere.toml", "nowhere.toml"),
        ("TRIAGE_MEDIA_STORAGE", "s3://user:hunter2@bucket", "credentials"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert run(monkeypatch, "migrate" if "DATABASE" in name or "PORT" in name else "openapi") == 2
    told = capsys.readouterr().err
    assert said in told
    assert "hunter2" not in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("command", ["serve", "work"])
def test_nothing_starts_where_media_cannot_be_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    (tmp_path / "media").write_text("a file")
    monkeypatch.setenv("TRIAGE_MEDIA_STORAGE", (tmp_path / "media").as_uri())
    assert run(monkeypatch, command) == 2
    told = capsys.readouterr().err
    assert told.startswith("settings: TRIAGE_MEDIA_STORAGE: media cannot be stored in the folder")
    assert told.count("\n") == 1


def test_the_description_needs_no_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "openapi") == 0
    assert "/v1/reports" in json.loads(capsys.readouterr().out)["paths"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("option", ["--out", "--log"])
@pytest.mark.parametrize("place", ["nowhere/labels.jsonl", "file/labels.jsonl", "folder"])
def test_an_export_to_where_nothing_can_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    database: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    option: str,
    place: str,
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    assert run(monkeypatch, "export", option, str(tmp_path / place)) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{tmp_path / place}: cannot be written (")
    assert told.count("\n") == 1


def test_an_export_to_a_pipe_is_written_to_it(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    assert run(monkeypatch, "export", "--out", "/dev/null") == 0
    assert Path("/dev/null").is_char_device()


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
    assert capsys.readouterr().out.startswith("Removed 0 sample cases and closed 0 sample log-ins.")


def test_exporting_says_how_many_rows(
    monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    assert run(monkeypatch, "export", "--out", str(tmp_path / "out.jsonl")) == 0
    assert capsys.readouterr().out == f"0 rows written to {tmp_path / 'out.jsonl'}\n"
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == ""


def test_an_account_is_added_once_and_closed_once(
    monkeypatch: pytest.MonkeyPatch, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    assert run(monkeypatch, "add-person", "ada", "--role", "lead") == 0
    told = capsys.readouterr().out
    # By command as over HTTP: who is added has yet to agree.
    assert query(database, "SELECT username, role, active, consents FROM principals") == [("ada", "lead", True, [])]
    key = told.rpartition(" ")[2].strip()
    assert query(database, "SELECT key_hash FROM api_keys") == [(token_hash(key),)]
    assert run(monkeypatch, "add-person", "ada", "--role", "admin") == 1
    assert "already" in capsys.readouterr().err
    assert run(monkeypatch, "close-person", "ada") == 0
    assert query(database, "SELECT active FROM principals") == [(False,)]
    assert run(monkeypatch, "close-person", "ada") == 1
    assert "Traceback" not in capsys.readouterr().err


def test_whom_a_person_works_for_is_set_shown_and_taken_away(
    monkeypatch: pytest.MonkeyPatch, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    assert run(monkeypatch, "add-person", "ada", "--role", "reviewer") == 0
    assert run(monkeypatch, "person", "ada", "--vendor", "North desk", "--site", "Oslo", "--hourly-cost", "31.5") == 0
    assert run(monkeypatch, "person", "ada", "--site", "") == 0
    capsys.readouterr()
    assert run(monkeypatch, "person", "ada") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["vendor"], told["site"], told["hourly_cost"]) == ("North desk", None, "31.50")
    assert run(monkeypatch, "person", "ada", "--hourly-cost", "much") == 2
    assert "hourly_cost" in capsys.readouterr().err
    assert run(monkeypatch, "person", "eve") == 1
    assert "no open account" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("Ada", "--role", "lead"), ("ada", "--role", "owner"), ("ada",)])
def test_an_account_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, database: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    try:
        code = run(monkeypatch, "add-person", *arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 2
    assert "Traceback" not in capsys.readouterr().err
    assert query(database, "SELECT count(*) FROM principals") == [(0,)]


def test_a_database_that_is_not_there_is_one_line_without_its_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", "postgresql://user:hunter2@127.0.0.1:9/name")
    assert run(monkeypatch, "migrate") == 2
    told = capsys.readouterr().err
    assert "cannot be reached" in told
    assert "hunter2" not in told
    assert told.count("\n") == 1
