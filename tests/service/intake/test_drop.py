"""The folder of mails: every file becomes one record, or lies in `failed/` with a reason, wherever the process is killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from service.errors.media import StorageUnavailableError
from service.intake.mails import drop as drops
from service.intake.mails.drop import ATTEMPTS, MailDrop
from service.intake.mails.workflow import Office, account, take_mail
from service.intake.workflow import Desk
from tests.service.intake.steps import mail
from tests.service.steps import query, until, value

CHILD = """
import asyncio, sys
from pathlib import Path
from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig
from service.db import create_engine
from service.intake.mails import drop
from service.intake.mails.workflow import Office
from service.intake.workflow import Desk, configured
from service.jobs import create_jobs_app
from service.media.renderer import Renderer
from service.media.storage import open_storage
from service.settings import Settings

take = drop.take_mail


async def slowly(*given, **more):
    taken = await take(*given, **more)
    await asyncio.sleep(0.1)
    return taken


# Stored, and not yet put away: the kill falls into this moment.
drop.take_mail = slowly
settings = Settings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2])
taxonomy = load_taxonomy()
desk = Desk(configured(settings, taxonomy), taxonomy, RankConfig(), create_jobs_app(sys.argv[2]))
engine = create_engine(sys.argv[2], pool=2)
office = Office(engine, desk, Renderer(settings), open_storage(settings), settings)
asyncio.run(drop.MailDrop(office, Path(sys.argv[3]), settled=0, claimed=60).step())
"""


class Killed(BaseException):
    """What ends a process at once: nothing catches it."""


@pytest.fixture
def office(app: FastAPI, taxonomy: Taxonomy) -> Office:
    """What the worker has."""
    state = app.state
    desk = Desk(state.forms, taxonomy, state.rank_config, state.jobs)
    return Office(state.engine, desk, state.renderer, state.storage, state.settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a mail server drops what came in."""
    made = tmp_path / "mails"
    made.mkdir()
    return made


def now(office: Office, folder: Path) -> MailDrop:
    """One that waits for nothing."""
    return MailDrop(office, folder, settled=0, claimed=0)


def put(folder: Path, name: str, data: bytes) -> Path:
    """Drop a file."""
    path = folder / name
    path.write_bytes(data)
    return path


def names(folder: Path) -> list[str]:
    """Files of a folder."""
    return sorted(one.name for one in folder.iterdir() if one.is_file())


async def test_files_are_taken_in_and_what_is_no_mail_is_put_aside_with_the_reason(
    office: Office, folder: Path, database: str, tmp_path: Path
) -> None:
    put(folder, "one.eml", mail("one").as_bytes())
    put(folder, "same.eml", mail("one").as_bytes())
    put(folder, "no.eml", b"\x00\x01")
    put(folder, "half.part", mail("half").as_bytes())
    (folder / "link.eml").symlink_to(put(tmp_path, "elsewhere", mail("link").as_bytes()))

    assert await now(office, folder).step() == 3
    assert value(database, "SELECT count(*) FROM escalations") == 1
    assert names(folder) == ["half.part", "link.eml"]
    assert len(names(folder / "done")) == 1
    assert names(folder / "taking") == []
    failed, why = names(folder / "failed")
    assert failed.endswith("no.eml")
    assert why == f"{failed}.why"
    assert "no mail" in (folder / "failed" / why).read_text()
    assert await now(office, folder).step() == 0


async def test_a_file_that_is_still_written_and_one_in_other_hands_are_left_alone(
    office: Office, folder: Path, database: str
) -> None:
    put(folder, "one.eml", mail().as_bytes())
    assert await MailDrop(office, folder).step() == 0
    (folder / "one.eml").rename(folder / "taking" / "1.x.one.eml")
    assert await MailDrop(office, folder, settled=0).step() == 0
    assert await now(office, folder).step() == 1
    assert value(database, "SELECT count(*) FROM escalations") == 1


async def before(*_given: Any, **_more: Any) -> None:
    """Killed before anything was stored."""
    raise Killed


async def behind(raw: bytes, office: Office, **more: Any) -> None:
    """Killed once it was stored, and before the file is put away."""
    await take_mail(raw, office, **more)
    raise Killed


@pytest.mark.parametrize("moment", [before, behind])
async def test_killed_at_any_point_a_mail_becomes_one_record(
    office: Office, folder: Path, database: str, monkeypatch: pytest.MonkeyPatch, moment: Callable[..., Any]
) -> None:
    put(folder, "one.eml", mail().as_bytes())
    with monkeypatch.context() as patched:
        patched.setattr(drops, "take_mail", moment)
        with pytest.raises(Killed):
            await now(office, folder).step()
    assert value(database, "SELECT count(*) FROM escalations") == (moment is behind)

    await now(office, folder).step()
    assert value(database, "SELECT count(*) FROM escalations") == 1
    assert value(database, "SELECT count(*) FROM escalation_messages WHERE kind = 'receipt'") == 1
    assert len(names(folder / "done")) == 1
    assert names(folder / "taking") == []


async def test_one_that_kills_whoever_takes_it_is_given_up_and_kept(
    office: Office, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "one.eml", mail().as_bytes())
    monkeypatch.setattr(drops, "take_mail", before)
    for _ in range(ATTEMPTS):
        with pytest.raises(Killed):
            await now(office, folder).step()
    await now(office, folder).step()
    [kept, why] = names(folder / "failed")
    assert (folder / "failed" / kept).read_bytes() == mail().as_bytes()
    assert f"{ATTEMPTS} times" in (folder / "failed" / why).read_text()


async def test_while_the_storage_is_away_a_mail_waits_for_as_long_as_it_takes(
    office: Office, folder: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: Any, **_more: Any) -> None:
        raise StorageUnavailableError("gone")

    put(folder, "one.eml", mail().as_bytes())
    with monkeypatch.context() as patched:
        patched.setattr(drops, "take_mail", away)
        for _ in range(ATTEMPTS + 2):
            await now(office, folder).step()
    await now(office, folder).step()
    assert value(database, "SELECT count(*) FROM escalations") == 1
    assert names(folder / "failed") == []


async def test_two_workers_take_each_file_once(office: Office, folder: Path, database: str) -> None:
    for number in range(6):
        put(folder, f"{number}.eml", mail(str(number)).as_bytes())
        put(folder, f"again-{number}.eml", mail(str(number)).as_bytes())
    async with office.engine.begin() as connection:
        await account(connection, office.settings.mail_account)
    await asyncio.gather(*(MailDrop(office, folder, settled=0).step() for _ in range(2)))

    assert value(database, "SELECT count(*) FROM escalations") == 6
    assert len(names(folder / "done")) == 6
    assert names(folder) == names(folder / "taking") == []


@pytest.mark.kill
async def test_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(
    office: Office, folder: Path, database: str, tmp_path: Path
) -> None:
    for number in range(20):
        put(folder, f"{number:02}.eml", mail(f"number {number}").as_bytes())
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, str(tmp_path / "data"), database, str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    await until(lambda: value(database, "SELECT count(*) FROM intake_mails") >= 3)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    assert value(database, "SELECT count(*) FROM intake_mails") < 20

    while await now(office, folder).step():
        continue
    assert query(database, "SELECT count(*), count(DISTINCT summary) FROM escalations") == [(20, 20)]
    assert value(database, "SELECT count(*) FROM escalation_messages WHERE direction = 'inbound'") == 20
    assert len(names(folder / "done")) == 20
    assert names(folder / "failed") == names(folder / "taking") == []
