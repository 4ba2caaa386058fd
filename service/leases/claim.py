"""What a claim asks for."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants a case of which queue, under which token and for how long.

    `exposure_seconds` is how long originals may be open to one person in a day, `random_share` how often the next case is
    drawn instead of ranked.
    """

    queue: str
    token: UUID
    holder: UUID
    seconds: int
    exposure_seconds: float
    random_share: float

    def values(self) -> dict[str, Any]:
        """The parameters of a claim; `dataclasses.asdict` would copy deeply and take longer than the statement is sent."""
        return {
            "queue": self.queue,
            "token": self.token,
            "holder": self.holder,
            "seconds": self.seconds,
            "exposure_seconds": self.exposure_seconds,
            "random_share": self.random_share,
        }
