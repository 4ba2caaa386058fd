"""What a claim asks for."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.exposure.limits import Limits


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants a case of which queue, under which token and for how long.

    `limits` say when cases of high exposure are kept from them, `random_share` how often the next case is drawn instead
    of ranked.
    """

    queue: str
    token: UUID
    holder: UUID
    seconds: int
    limits: Limits
    random_share: float

    def values(self) -> dict[str, Any]:
        """The parameters of a claim; `dataclasses.asdict` would copy deeply and take longer than the statement is sent."""
        return {
            "queue": self.queue,
            "token": self.token,
            "holder": self.holder,
            "seconds": self.seconds,
            "day_seconds": self.limits.day_seconds,
            "stretch_seconds": self.limits.stretch_seconds,
            "break_seconds": self.limits.break_seconds,
            "in_a_row": self.limits.in_a_row,
            "random_share": self.random_share,
        }
