"""Wire types of near-duplicates and of decisions that are made for many cases at once."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models.simhash import RADIUS, RADIUS_ALIKE
from service.decisions.schemas import DecisionIn
from service.wire import Strict

# Room for the most cases that a cluster may have, signed.
TOKEN_CHARACTERS = 100_000

Kind = Literal["text", "image"]
Status = Literal["open", "leased", "held", "shed", "decided"]
# Why a case that is near is not decided with the others.
Reason = Literal[
    "leased",
    "held",
    "shed",
    "decided",
    "special_route",
    "other_language",
    "other_text",
    "other_pictures",
    "not_scored",
    "scores_far_apart",
    "above_cap",
    "content_changed",
    "not_visible",
    "refused",
]


class EarlierDecision(BaseModel):
    """The decision that stands on a similar case; who made it is not shown."""

    actions: list[str]
    policy_area: str
    severity: int
    decided_at: datetime


class SimilarCase(BaseModel):
    """A case whose content is nearly that of another: `distance` counts the bits in which the fingerprints differ."""

    case_id: UUID
    subject_kind: str
    status: Status
    kind: Kind = Field(description="by what it is similar: text, or a picture when the texts are not near")
    distance: int
    opened_at: datetime
    decided: EarlierDecision | None


class SimilarOut(BaseModel):
    """`count` cases are nearly the same, this one among them: "1 of 214 similar". Decided ones are listed first.

    From `counted_up_to` on the count is a lower bound. `waiting` says that this case has no fingerprint yet: ask again.
    """

    count: int
    decided: int
    counted_up_to: int
    waiting: bool
    cases: list[SimilarCase]


class ClusterPreviewIn(Strict):
    """How many bits the texts may differ in; pictures are compared at the radius of their fingerprint.

    A wider radius finds copies with more typos, and texts in which a word that matters was exchanged.
    """

    radius: Annotated[int, Field(ge=0, le=RADIUS, strict=True)] = RADIUS_ALIKE


class ClusterCase(BaseModel):
    """A case that would be decided with the seed."""

    case_id: UUID
    subject_kind: str
    kind: Kind
    distance: int
    report_count: int
    opened_at: datetime


class LeftOut(BaseModel):
    """A case that is near but would not be, or was not, decided with the others, and why."""

    case_id: UUID
    reason: Reason


class ClusterPreviewOut(BaseModel):
    """Exactly what a cluster decision would decide beside the seed, and what it would leave out.

    `left_out` counts every case by reason; `left_out_cases` lists the first hundred. The token names the cases and the
    content that was looked at: nothing else is decided with it.
    """

    count: int
    cases: list[ClusterCase]
    left_out: dict[Reason, int]
    left_out_cases: list[LeftOut]
    cap: int
    radius: int
    preview_token: str
    expires_at: datetime


class ClusterDecisionIn(DecisionIn):
    """A decision about the seed, which the caller holds, and about the cases of the preview."""

    preview_token: Annotated[str, Field(min_length=1, max_length=TOKEN_CHARACTERS)]


class ClusterMade(BaseModel):
    """What was decided. Skipped cases changed between preview and decision; nothing was done to them."""

    cluster_id: UUID
    decision_id: UUID
    cases: list[UUID]
    skipped: list[LeftOut]
    undo_until: datetime


class ClusterCaseOut(BaseModel):
    """One decision of a cluster."""

    case_id: UUID
    decision_id: UUID
    undone_at: datetime | None


class ClusterOut(BaseModel):
    """A decision that was made for many cases. `yours` says that the caller made it and may take it back in time.

    Only cases that the caller may see are named: `seed_case` is null where the one it started from is not among them.
    """

    id: UUID
    seed_case: UUID | None
    actions: list[str]
    policy_area: str
    severity: int
    previewed: int
    radius: int
    cases: list[ClusterCaseOut]
    skipped: list[LeftOut]
    made_at: datetime
    undo_until: datetime
    undone_at: datetime | None
    yours: bool


class NotUndone(BaseModel):
    """A decision of the cluster that stands: it was taken back before, or its effects are being sent."""

    case_id: UUID
    reason: Literal["undone_before", "being_sent"]


class ClusterUndone(BaseModel):
    """The cases that are open again, each whole, and those that could not be."""

    reopened: list[UUID]
    not_undone: list[NotUndone]
