"""Real Postgres for every test: one embedded server, one migrated template, one fresh copy of it per test."""

import atexit
import gc
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import httpx
import hypothesis
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql

from labeling.taxonomy import Taxonomy, load_taxonomy
from models.inference import ConstantScorer
from service.app import create_app
from service.db import create_engine, libpq_url
from service.embedded import start_embedded
from service.migrate import migrate
from service.people.schemas import AccountIn, RoleName
from service.people.workflow import create_person
from service.scoring.live_model import LiveModel
from service.settings import REPOSITORY, Settings
from tests.forking import warm_process
from tests.shared_routes import share_routes

TEMPLATE = "triage_template"
# Tests start the service some hundred times; without this each start would compile all of it anew where the variable is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Torch's threads wait for each other by spinning: where another process has their core, that takes far longer than the work.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
# Playwright's driver is started for each browser test, and takes a fifth less when it finds itself compiled.
os.environ.setdefault("NODE_COMPILE_CACHE", str(REPOSITORY / ".pytest_cache" / "node"))
# How long an example takes says how busy the machine is; what takes how long is for `make bench`.
hypothesis.settings.register_profile("no deadlines", deadline=None)
hypothesis.settings.load_profile("no deadlines")
# Each has a database server and may load torch: more of them would fill the memory of a usual machine.
MOST_PROCESSES = 4
LONG = ("long", "kill", "browser", "training")
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start files with long tests first: whatever comes last keeps one process busy while the others are done."""
    long = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the garbage collector need not walk through it again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` means: two more than there are cores, as in many tests some part waits for another."""
    return min((os.cpu_count() or 1) + 2, MOST_PROCESSES)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Fork these processes from one that has read the tests, where forking is safe."""
    if sys.platform == "linux":
        command = ExitStack()
        config.add_cleanup(command.close)
        python = command.enter_context(warm_process(config.args))
        for spec in specs:
            spec.python = python


@pytest.fixture(scope="session")
def server_url() -> str:
    """Address of the embedded server's own database.

    Its folder lies outside pytest's: every pytest that starts closes the shared one to other users, and the server,
    which does not run as root, would lose its files.
    """
    folder = Path(tempfile.mkdtemp(prefix="triage-tests-"))
    # Last in, first out: the server stops at exit too, and registers that when it starts, so before its folder goes.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    url = start_embedded(folder)
    # Nothing outlives this machine. A process that is killed loses nothing by it: what it wrote is with the system.
    for setting in ("fsync", "full_page_writes"):
        _execute(url, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    _execute(url, sql.SQL("SELECT pg_reload_conf()"))
    return url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of a migrated, empty database to copy from."""
    _execute(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrate(other_database(server_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[str]:
    """Address of a migrated, empty database of the test's own."""
    name = f"triage_{next(_numbers)}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _execute(server_url, copy.format(sql.Identifier(name), sql.Identifier(template)))
    yield other_database(server_url, name)
    _execute(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def usual_settings() -> Settings:
    """Settings of tests, read once: effects are sent at once, and no image model, which only a worker has."""
    # Callers in tests speak plain HTTP to a name that is not this machine's.
    return Settings(undo_seconds=0, image_model="none", secure_cookies=False)


@pytest.fixture
def settings(usual_settings: Settings, database: str, tmp_path: Path) -> Settings:
    """Settings of the test's own service."""
    return usual_settings.model_copy(update={"data_dir": tmp_path / "data", "database_url": database})


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """The shipped vocabulary."""
    return load_taxonomy()


@pytest.fixture
async def app(settings: Settings, taxonomy: Taxonomy) -> AsyncIterator[FastAPI]:
    """The running application with a scorer that gives every text the same score."""
    async with running_app(settings, taxonomy) as application:
        yield application


@asynccontextmanager
async def running_app(settings: Settings, taxonomy: Taxonomy) -> AsyncIterator[FastAPI]:
    """An application that has started, with the constant scorer; it stops when the block ends."""
    application = create_app(settings, database_url=str(settings.database_url))
    share_routes(application)
    # A test knows which case comes next; what the random share does has tests of its own.
    application.state.rank_config = replace(application.state.rank_config, random_share=0.0)
    application.state.model = LiveModel(lambda: ConstantScorer(taxonomy.area_ids), concurrency=4)
    await application.state.model.keep_loading()
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the application, without credentials."""
    async with client_of(app) as caller:
        yield caller


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A caller that sees server errors as answers, like any real one."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://triage.test")


@pytest.fixture
async def keys(database: str) -> dict[str, str]:
    """An API key for every role."""
    return await make_keys(database)


async def make_keys(database: str) -> dict[str, str]:
    """Add one account for every role; returns their keys."""
    engine = create_engine(database, pool=1)
    async with engine.begin() as connection:
        people = {
            role: await create_person(connection, AccountIn(username=f"test-{role}", role=role), actor=None)
            for role in get_args(RoleName)
        }
    await engine.dispose()
    return {role: person.api_key for role, person in people.items()}


def bearer(key: str) -> dict[str, str]:
    """The header that presents a key."""
    return {"Authorization": f"Bearer {key}"}


def other_database(url: str, name: str) -> str:
    """The same server, another database."""
    return url.replace("/postgres?", f"/{name}?", 1)


def _execute(url: str, statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(statement)
