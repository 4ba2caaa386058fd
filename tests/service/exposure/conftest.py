"""A reviewer whose hours before now are written by each test."""

from collections.abc import Iterator

import pytest

from tests.service.exposure.shift import Shift, shift_of
from tests.service.scorecards.world import World, world_in


@pytest.fixture
def world(database: str) -> Iterator[World]:
    with world_in(database) as made:
        yield made


@pytest.fixture
def shift(world: World, keys: dict[str, str]) -> Shift:
    """The shift of the account that `reviewer` calls with."""
    assert keys
    return shift_of(world, world.value("SELECT id FROM principals WHERE role = 'reviewer'"))
