"""The routes of the application, worked out once for all applications of a process and of those that are forked from it."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute

from service.app import create_app
from service.settings import Settings

_routes: list[BaseRoute] = []
_description: dict[str, Any] = {}


def share_routes(application: FastAPI) -> None:
    """Give it the routes of the first application of this process, and what describes them.

    FastAPI works a route out when it is first asked for, which would be most of what a test's first call costs; to
    describe them all takes longer than most tests.
    """
    if not _routes:
        _routes.extend(application.router.routes)
    application.router.routes[:] = _routes

    def described() -> dict[str, Any]:
        # A test may have added a route to its own application.
        if application.router.routes != _routes:
            return FastAPI.openapi(application)
        if not _description:
            _description.update(FastAPI.openapi(application))
        return _description

    vars(application)["openapi"] = described


def work_out(*addresses: str) -> None:
    """Make an application and ask it for these, so that its routes are worked out and what it keeps is loaded."""
    application = create_app(Settings(), database_url="postgresql://unused/unused")
    share_routes(application)
    asyncio.run(_asked(application, addresses))


async def _asked(application: FastAPI, addresses: tuple[str, ...]) -> None:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://triage.test") as caller:
        for address in addresses:
            assert (await caller.get(address)).is_success
