"""A bank, pictures that are and are not in it, and the worker that looks for its hashes."""

from collections.abc import Awaitable, Callable
from functools import cache, partial

import httpx
import pytest
from fastapi import FastAPI

from models.rank import RankConfig
from service.banks.matching.workflow import Matching
from service.cases.workflow import rerank
from tests.service.media.pictures import draw, jpeg, scene
from tests.service.steps import Body

Settle = Callable[[], Awaitable[None]]


@cache
def a_picture() -> bytes:
    """A scene. Drawn when it is asked for: the threads that draw would not be in a fork (tests/forking.py)."""
    return jpeg(scene())


@cache
def a_copy() -> bytes:
    """The same, of another size and compression."""
    return jpeg(scene(320, 240), Q=60)


@cache
def another() -> bytes:
    """Another picture."""
    shapes = '<path d="M0 300 L200 20 L400 300 Z" fill="#284"/><circle cx="60" cy="60" r="40" fill="#dd2"/>'
    return jpeg(draw(inside=shapes))


@pytest.fixture
def matching(app: FastAPI) -> Matching:
    """The worker's part."""
    return Matching(app.state.engine, partial(rerank, taxonomy=app.state.taxonomy, config=RankConfig()))


@pytest.fixture
def settle(matching: Matching) -> Settle:
    """Do all that waits for the worker."""

    async def done() -> None:
        while await matching.step():
            pass

    return done


async def make_bank(lead: httpx.AsyncClient, name: str = "Known drawings", **fields: object) -> Body:
    """A bank whose matches all act, unless said otherwise."""
    body = {"name": name, "purpose": "tests", "owner": "T&S", "policy_area": "harassment", "match_share": 1, **fields}
    answer = await lead.post("/v1/banks", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def upload(platform: httpx.AsyncClient, data: bytes) -> str:
    """Upload a picture and return its id."""
    answer = await platform.post("/v1/media", files={"file": ("a.jpg", data, "image/jpeg")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["media_id"])
