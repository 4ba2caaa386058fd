"""Runs migrations: short lock and statement limits, one runner at a time."""

import time

from alembic import context
from sqlalchemy import create_engine, text

# Any number, always the same: two processes that start together must not migrate together.
MIGRATION_LOCK = 7_302_026
LOOK_AGAIN_SECONDS = 0.1

if context.is_offline_mode():
    raise RuntimeError("migrations need a database; offline mode is not supported")

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    # Asked for again and again instead of waited for: a statement that waits holds a snapshot, and the one who migrates
    # would wait for it in turn where an index is made concurrently.
    while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}).scalar_one():
        connection.rollback()
        time.sleep(LOOK_AGAIN_SECONDS)
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.execute(text("SET statement_timeout = '30s'"))
    connection.commit()
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
