"""Which version of a policy a label was made by, and whether a later one holds now: pure functions on the library's dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of the policy of an area."""

    id: UUID
    area: str
    number: int
    effective_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Library:
    """Every published version."""

    versions: Sequence[Version]

    def by_id(self, version_id: UUID | None) -> Version | None:
        """The version of that id; None where a decision names none."""
        return next((one for one in self.versions if one.id == version_id), None)

    def in_force(self, area: str, at: datetime) -> Version | None:
        """The version of an area that held at a moment: the newest that had begun and was not withdrawn."""
        held = (
            one
            for one in self.versions
            if one.area == area and one.effective_at <= at and (one.withdrawn_at is None or one.withdrawn_at > at)
        )
        return max(held, key=lambda one: (one.effective_at, one.number), default=None)

    def stale(self, area: str, *, made_by: Version | None, made_at: datetime, now: datetime) -> bool:
        """Whether a label of an area was made by rules that a later version has replaced since.

        Where a label names no version, the first one that came after it only wrote down what held; later ones are changes.
        """
        current = self.in_force(area, now)
        if current is None:
            return False
        if made_by is not None and made_by.area == area:
            return (current.effective_at, current.number) > (made_by.effective_at, made_by.number)
        first = min((one.effective_at, one.number) for one in self.versions if one.area == area)
        return current.effective_at > made_at and (current.effective_at, current.number) != first
