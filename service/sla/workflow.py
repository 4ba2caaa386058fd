"""Rules of the clocks of escalations: which run, when they are due, what pauses them, and what a breach sets off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

Target = Literal["first_response", "next_update", "decision"]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The clock of a record that runs out first: `hard` for a legal one, which never pauses."""

    target: str
    due_at: datetime
    hard: bool
    paused: bool


async def start(connection: AsyncConnection, escalation: UUID, *, actor: UUID) -> None:
    """Start the clocks that the matrix at work has for a record that was just opened, in the caller's transaction."""


async def restart(connection: AsyncConnection, escalation: UUID, *, actor: UUID) -> None:
    """Apply the matrix anew after a record's facts changed (severity, area, jurisdiction, trigger); pauses are kept."""


async def met(connection: AsyncConnection, escalation: UUID, target: Target, *, actor: UUID | None) -> None:
    """Stop the running clocks of a target, because what they ask for was done; those of next_update start anew."""


async def pause(connection: AsyncConnection, escalation: UUID, *, reason: str, actor: UUID) -> None:
    """Pause the internal clocks of a record; legal ones run on."""


async def resume(connection: AsyncConnection, escalation: UUID, *, actor: UUID) -> None:
    """Let paused clocks go on."""


async def nearest(connection: AsyncConnection, escalations: Sequence[UUID]) -> dict[UUID, Nearest]:
    """The nearest running clock of each of these records; a record without one is left out."""
    return {}
