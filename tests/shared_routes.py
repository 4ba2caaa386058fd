"""The routes of the application, worked out once for all applications of a process and of those that are forked from it."""

import asyncio

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute

from service.app import create_app
from service.settings import Settings

_routes: list[BaseRoute] = []


def share_routes(application: FastAPI) -> None:
    """Give it the routes of the first application of this process.

    FastAPI works a route out when it is first asked for, which would be most of what a test's first call costs.
    """
    if not _routes:
        _routes.extend(application.router.routes)
    application.router.routes[:] = _routes


def work_out() -> None:
    """Make an application and have its routes worked out, and everything loaded that an application keeps."""
    application = create_app(Settings(), database_url="postgresql://unused/unused")
    share_routes(application)
    asyncio.run(_asked(application))


async def _asked(application: FastAPI) -> None:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://triage.test") as caller:
        assert (await caller.get("/livez")).is_success
