"""A second lead, and the worker's part that moves what waits."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from tests.service.conftest import another
from tests.service.crisis.steps import Order


@pytest.fixture
async def second(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another lead: the second person."""
    async for caller in another(app, keys, "second-lead", role="lead"):
        yield caller


@pytest.fixture
def order(app: FastAPI, taxonomy: Taxonomy) -> Order:
    return Order(app.state.engine, taxonomy, app.state.rank_config)
