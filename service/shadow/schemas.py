"""Wire types of the shadow."""

from uuid import UUID

from pydantic import BaseModel, Field


class MovedCase(BaseModel):
    """An open case that would enter or leave the head of the queue, with its positions from 1 in both orders."""

    case_id: UUID
    live_position: int
    shadow_position: int
    live_area: str
    shadow_area: str


class AreaDifference(BaseModel):
    """One area over the compared cases: mean probabilities, their mean absolute difference, and primary areas."""

    area: str
    live_mean: float | None
    shadow_mean: float | None
    mean_absolute_difference: float | None
    live_primary: int = Field(description="Compared cases whose primary area it is under the scores they have.")
    shadow_primary: int = Field(description="Compared cases whose primary area it would be.")


class ShadowOut(BaseModel):
    """What the shadow bundle would change in the order of the open cases that both bundles have scored."""

    bundle: str
    live: str | None
    top: int
    open: int = Field(description="Open cases.")
    compared: int = Field(description="Open cases that have both scores; everything below speaks of these alone.")
    waiting: int = Field(description="Texts that wait for the shadow's score.")
    scored: int = Field(description="Texts with a score of the shadow.")
    failed: int = Field(description="Texts that the shadow could not score.")
    enter: list[MovedCase]
    leave: list[MovedCase]
    rank_correlation: float | None = Field(description="Spearman's rho of the two orders; null where it says nothing.")
    primary_agreement: float | None = Field(description="Share of compared cases with the same primary area.")
    areas: list[AreaDifference]
