"""A world to measure."""

from collections.abc import Iterator

import pytest

from tests.service.scorecards.world import World, world_in


@pytest.fixture
def world(database: str) -> Iterator[World]:
    with world_in(database) as made:
        yield made
