"""Bring a database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from service.db import sqlalchemy_url


def migrate(url: str, *, to: str = "head") -> None:
    """Run every migration that `url` lacks, up to a revision; does nothing when there is none."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = sqlalchemy_url(url)
    command.upgrade(config, to)
