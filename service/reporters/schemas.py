"""Wire types of reporters."""

from datetime import datetime

from pydantic import BaseModel, Field


class ReporterOutcomesOut(BaseModel):
    """What standing decisions made of somebody's reports, one for each case."""

    upheld: float
    dismissed: float


class InfluenceOut(BaseModel):
    """What the area that they name gains by it: the share of what was missing to certainty, theirs and a stranger's."""

    assessed: float = Field(description="where the model can assess the area")
    unassessed: float = Field(description="where it cannot")
    stranger_assessed: float
    stranger_unassessed: float


class ReporterOut(BaseModel):
    """A reporter by the platform's id, and everything that their history does to the order of cases.

    `outcomes` are counts, `tally` the same with older ones faded (half after 180 days before the newest). The likelihood
    ratio is that of the tally: 1 for somebody unknown, from 1 / cap to cap, with an interval of 95 %.
    """

    id: str
    reports: int
    cases: int
    first_report_at: datetime
    last_report_at: datetime
    outcomes: ReporterOutcomesOut
    tally: ReporterOutcomesOut
    tally_as_of: datetime | None
    likelihood_ratio: float
    likelihood_ratio_interval: tuple[float, float]
    cap: float
    influence: InfluenceOut
    words: list[str]
