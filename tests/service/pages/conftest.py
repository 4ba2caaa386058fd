"""The application as a browser gets it, and somebody who is signed in there."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Page

from tests.conftest import bearer
from tests.journey.browsing import chromium, sign_in

PASSWORD = "long enough to be one"


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
