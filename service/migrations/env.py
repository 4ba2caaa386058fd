"""Runs migrations: short lock and statement limits, one runner at a time."""

from alembic import context
from sqlalchemy import create_engine, text

# Any number, always the same: two processes that start together must not migrate together.
MIGRATION_LOCK = 7_302_026

if context.is_offline_mode():
    raise RuntimeError("migrations need a database; offline mode is not supported")

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.execute(text("SET statement_timeout = '30s'"))
    connection.commit()
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
