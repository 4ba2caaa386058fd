"""People who may decide appeals, signed in as people are."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.service.appeals.steps import signed_in


@pytest.fixture
async def judging(app: FastAPI, keys: dict[str, str], cheap_passwords: None) -> AsyncIterator[httpx.AsyncClient]:
    """A specialist who had no part in anything."""
    async with signed_in(app, keys, "jordan") as caller:
        yield caller
