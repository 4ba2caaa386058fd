"""Who looks at records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.security import ESCALATION_OVERSEERS


@dataclass(frozen=True, slots=True)
class Seer:
    """Whoever looks, and the roles that oversee what is confidential."""

    viewer: UUID
    overseeing: Sequence[str] = ESCALATION_OVERSEERS

    @property
    def values(self) -> dict[str, Any]:
        """As parameters of a statement."""
        return {"viewer": self.viewer, "overseeing": list(self.overseeing)}
