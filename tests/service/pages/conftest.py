"""The application as a browser gets it, and somebody who is signed in there."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Page

from tests.conftest import bearer, client_of
from tests.journey.browsing import chromium, sign_in

PASSWORD = "long enough to be one"


@pytest.fixture(autouse=True)
def _quick_sign_in(cheap_passwords: None) -> None:
    """Nobody is signed in here to learn how long that takes."""


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """Where the application answers a browser."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve([listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture
async def page(address: str, client: httpx.AsyncClient, keys: dict[str, str]) -> AsyncIterator[Page]:
    """The console with a reviewer signed in."""
    person = {"username": "pat", "role": "reviewer", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    async with chromium() as browser:
        opened = await browser.new_page(base_url=address)
        await sign_in(opened, "pat", PASSWORD)
        yield opened


@pytest.fixture
async def callers(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Somebody of every role, and a second reviewer."""
    async with AsyncExitStack() as open_ones:
        made = {role: await open_ones.enter_async_context(client_of(app)) for role in (*keys, "checker")}
        body = {"username": "test-checker", "role": "reviewer"}
        checker = await made["admin"].post("/v1/people", json=body, headers=bearer(keys["admin"]))
        for role, key in {**keys, "checker": checker.json()["api_key"]}.items():
            made[role].headers.update(bearer(key))
        yield made
