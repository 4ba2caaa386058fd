"""The parts of an escalation's page: each subject brings its own, and all are made in one answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from service.security import Principal

# What the template of a part is filled with, as `part`; None where there is nothing for this person to see.
Filling = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as one person looks at it: `row` is that of `service.escalations.workflow.require`."""

    request: Request
    connection: AsyncConnection
    row: Any
    me: Principal

    @property
    def id(self) -> UUID:
        """Of the record."""
        return UUID(str(self.row.id))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: its anchor, its title, its template, and what fills it."""

    anchor: str
    title: str
    template: str
    fill: Callable[[Seen], Awaitable[Filling]]


@dataclass(frozen=True, slots=True)
class Filled:
    """A part that this person sees."""

    part: Part
    filling: Mapping[str, Any]


async def filled(parts: Sequence[Part], seen: Seen) -> list[Filled]:
    """Those of the parts that this person sees, with what fills them."""
    made = [(part, await part.fill(seen)) for part in parts]
    return [Filled(part, filling) for part, filling in made if filling is not None]
