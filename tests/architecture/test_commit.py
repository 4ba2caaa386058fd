"""A transaction ends before its answer leaves, so that no caller is told of something that was not stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import UnitOfWork, unit_of_work

# What one would write by default: FastAPI then leaves the dependency only after the response was sent.
LateUnitOfWork = Annotated[AsyncConnection, Depends(unit_of_work)]


class BrokenEngine:
    """Gives a connection whose transaction fails when it is to be committed."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        yield
        raise ConnectionError("the database went away at the commit")


@pytest.fixture
async def caller() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.engine = BrokenEngine()

    @app.post("/stored")
    async def stored(connection: UnitOfWork) -> str:
        return "stored"

    @app.post("/late")
    async def late(connection: LateUnitOfWork) -> str:
        return "stored"

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://triage.test") as client:
        yield client


async def test_failing_commit_is_an_error_for_the_caller(caller: httpx.AsyncClient) -> None:
    assert (await caller.post("/stored")).status_code == 500


async def test_default_scope_would_tell_of_success(caller: httpx.AsyncClient) -> None:
    assert (await caller.post("/late")).status_code == 200
