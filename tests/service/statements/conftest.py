"""A console for a browser."""

from tests.service.pages.conftest import address as address  # noqa: PLC0414: a fixture
