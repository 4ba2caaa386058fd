"""Background jobs in the same PostgreSQL, enqueued in the transaction of the fact that caused them."""

from datetime import datetime
from typing import Any

from procrastinate import App, PsycopgConnector
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import driver_connection, libpq_url

DELIVER_WEBHOOK = "outbox.deliver"
PREPARE_MEDIA = "media.prepare"

# Queues of jobs. What takes minutes has one of its own, so that webhooks do not wait behind it.
SOON = "default"
LENGTHY = "lengthy"
_QUEUES = {PREPARE_MEDIA: LENGTHY}


def create_jobs_app(url: str) -> App:
    """The procrastinate app of one database. Opened by the worker; callers of `enqueue` need no connection of its own."""
    return App(connector=PsycopgConnector(conninfo=libpq_url(url), min_size=1, max_size=5))


async def enqueue(
    jobs: App, connection: AsyncConnection, task: str, *, arguments: dict[str, Any], run_at: datetime | None = None
) -> None:
    """Add a job in the caller's transaction: it exists exactly if that transaction commits."""
    driver = driver_connection(connection)
    queue = _QUEUES.get(task, SOON)
    deferrer = jobs.configure_task(name=task, allow_unknown=True, queue=queue, schedule_at=run_at, connection=driver)
    await deferrer.defer_async(**arguments)
