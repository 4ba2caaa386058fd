"""A service whose replies go to a mail server of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from service.replies.sending.workflow import Deliveries
from service.settings import Settings
from tests.service.conftest import another
from tests.service.pages.conftest import address as address
from tests.service.replies.post import Post, post_office


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with post_office() as one:
        yield one


@pytest.fixture
def settings(database: str, tmp_path: Path, post: Post) -> Settings:
    """Replies go out at once, and a server that is silent is given up on soon."""
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database,
        undo_seconds=0,
        image_model="none",
        secure_cookies=False,
        reply_sender="smtp",
        reply_undo_seconds=0,
        reply_attempts=3,
        smtp_host="127.0.0.1",
        smtp_port=post.port,
        smtp_tls="none",
        smtp_from="trust@platform.example",
        smtp_timeout_seconds=1,
    )


@pytest.fixture
def deliveries(app: FastAPI, settings: Settings) -> Deliveries:
    """What a worker sends with."""
    return Deliveries(app.state.engine, app.state.jobs, settings)


@pytest.fixture
async def writer(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another specialist."""
    async for caller in another(app, keys, "sam.writer", role="specialist"):
        yield caller
