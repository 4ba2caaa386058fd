"""People around restricted paths."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.service.conftest import another
from tests.service.consults.steps import caller_of
from tests.service.escalations.steps import opened
from tests.service.steps import query


@pytest.fixture
async def admin(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who manages people."""
    async for caller in caller_of(app, keys, "admin"):
        yield caller


@pytest.fixture
async def other_admin(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another one."""
    async for caller in another(app, keys, "other-admin", role="admin"):
        yield caller


@pytest.fixture
async def second(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another specialist."""
    async for caller in another(app, keys, "second-specialist", role="specialist"):
        yield caller


@pytest.fixture
async def restricted(app: FastAPI, database: str, colleague: httpx.AsyncClient) -> UUID:
    """A record on the path of child safety, for which the specialist is named."""
    named(database, "test-specialist")
    return await opened(app, database, confidentiality="restricted", path="child_safety")


def named(database: str, username: str, path: str = "child_safety") -> None:
    """Name somebody without more ado."""
    query(database, "INSERT INTO path_members SELECT %s, id FROM principals WHERE username = %s", path, username)
