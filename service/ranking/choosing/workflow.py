"""Which version of the rules of the order is at work, and how every process comes to follow a choice.

People choose on the page or by the API, the settings by naming a file. The newest choice holds. A file of a version that was
never chosen is a choice; the rules as shipped are one only as long as nobody has made any, so that an update of the program
does not take back what somebody decided.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.rank import RankConfig
from models.rank_file import config_of
from service import events
from service.ranking.choosing import store
from service.ranking.schemas import ChoiceOut
from service.waiting import happens

FOLLOW_SECONDS = 2.0
CHOICES_SHOWN = 50

log = structlog.get_logger()


async def choose_configured(connection: AsyncConnection, config: RankConfig, *, from_file: bool) -> None:
    """Note the choice of the settings when a process starts, if it is one."""
    # API and worker start together: one choice is one line of the history.
    await store.lock_choices(connection)
    newest = await store.newest_choice(connection)
    by_person = newest is not None and newest.chosen_by is not None
    if (from_file or not by_person) and not await store.was_chosen(connection, config.version):
        await store.choose(connection, config.version, actor=None, reason=config.reason)
    elif from_file and newest is not None and newest.version != config.version:
        log.warning(
            "ranking.file_not_at_work",
            file=config.version,
            at_work=newest.version,
            mend="a later choice holds; take the file's version back on /ranking, or give the file a new version",
        )


async def choose(connection: AsyncConnection, version: str, *, actor: UUID, reason: str) -> None:
    """Put a kept version to work; every process follows within seconds."""
    await store.choose(connection, version, actor=actor, reason=reason)
    await events.record(connection, "ranking.chosen", actor=actor, data={"version": version})


async def lock_choices(connection: AsyncConnection) -> None:
    """Hold off everybody else who chooses until this transaction ends, so that each sees what the one before has chosen."""
    await store.lock_choices(connection)


async def choices(connection: AsyncConnection) -> list[ChoiceOut]:
    """The latest choices, the newest first."""
    return [ChoiceOut(**row._mapping) for row in await store.choices(connection, most=CHOICES_SHOWN)]


async def of_kept(connection: AsyncConnection, version: str) -> RankConfig | None:
    """The kept configuration of that version, if there is one. Raises ValueError where this release cannot use it."""
    found = await store.kept(connection, version)
    return None if found is None else of_row(found)


async def at_work(connection: AsyncConnection, otherwise: RankConfig) -> RankConfig:
    """The configuration that was chosen last; `otherwise` where none was, or where this release cannot use it."""
    found = await store.newest_choice(connection)
    if found is None or found.version == otherwise.version:
        return otherwise
    try:
        return of_row(found)
    except ValueError as error:
        log.error("ranking.unusable", version=found.version, instead=otherwise.version, error=str(error))
        return otherwise


def of_row(row: Row[Any]) -> RankConfig:
    """A kept version as the function of the order takes it. Raises ValueError for one that this release cannot use."""
    given = {name: getattr(row, name) for name in ("version", "owner", "reason", "decided_on", "policy")}
    try:
        return config_of({**given, **row.constants})
    except TypeError as error:
        raise ValueError(str(error)) from error


async def follow(
    engine: AsyncEngine, configured: RankConfig, use: Callable[[RankConfig], None], *, until: asyncio.Event
) -> None:
    """Call `use` whenever another configuration than the one before is at work, `configured` at first.

    One that this release cannot use is told once, and the one before stays at work. Ends soon after `until` is set; it is
    not to be cancelled, as a look that is cut off while it connects leaves its connection open.
    """
    used = refused = configured.version
    while not await happens(until, within=FOLLOW_SECONDS):
        try:
            async with engine.connect() as connection:
                found = await store.newest_choice(connection)
        except (InterfaceError, OperationalError, NoFreeConnectionError) as error:
            log.warning("ranking.look_failed", error=type(error).__name__)
        else:
            if found is not None and found.version not in (used, refused):
                try:
                    use(of_row(found))
                    used = refused = found.version
                except ValueError as error:
                    refused = found.version
                    log.error("ranking.unusable", version=refused, instead=used, error=str(error))
