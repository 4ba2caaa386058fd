"""Wire types of drift."""

from datetime import datetime

from pydantic import BaseModel, Field


class MonitorOut(BaseModel):
    """How far what comes in now lies from what came in after the live bundle was promoted."""

    monitor: str
    value: float = Field(
        description="A population stability index (`input.*`, `score.*`) or a change of a mean or rate."
    )
    threshold: float = Field(description="An alert stands while the value, whatever its sign, is greater.")
    samples: int = Field(description="Texts or decisions of the recent window.")
    measured_at: datetime
    alerting_since: datetime | None


class DriftOut(BaseModel):
    """The monitors, those with an alert first. Without a `bundle` nothing was compared yet: too few samples so far."""

    bundle: str | None
    alerts: int
    monitors: list[MonitorOut]
