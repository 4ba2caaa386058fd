"""People who manage queues."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of
from tests.service.media.pictures import jpeg


@pytest.fixture
async def admin(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A person who manages queues and people, and sees no case."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["admin"]))
        yield caller


@pytest.fixture
async def picture(platform: httpx.AsyncClient) -> str:
    """The id of a picture that was uploaded and reported by nobody."""
    answer = await platform.post("/v1/media", files={"file": ("picture.jpg", jpeg(), "image/jpeg")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["media_id"])
