"""Wire types of view telemetry."""

from typing import Annotated

from pydantic import BaseModel, Field

from service.wire import Identifier, Moment, Strict, SubjectKind, ViewsPerHour

# Of what a call may carry, and of the unknown subjects that its answer lists.
UPDATES = 100_000
UNKNOWN_LISTED = 100

MeasuredAt = Annotated[
    Moment | None,
    Field(description="When the rate was measured; without it, and for a moment that is still to come, now."),
]


class ViewsIn(Strict):
    """How often one subject is seen now. `kind` is needed only where several subjects share that id."""

    kind: SubjectKind | None = None
    views_per_hour: ViewsPerHour
    at: MeasuredAt = None


class ViewsUpdate(Strict):
    """One line of a batch: the subject by the platform's kind and id, and how often it is seen now."""

    id: Identifier
    kind: SubjectKind
    views_per_hour: ViewsPerHour
    at: MeasuredAt = None


class ViewsBatch(Strict):
    """Many updates in one call. Of several for one subject the last one counts."""

    updates: Annotated[list[ViewsUpdate], Field(max_length=UPDATES)]


class UnknownSubject(BaseModel):
    """A subject that no report has named so far: there is nothing to rank."""

    kind: str
    id: str


class ViewsTaken(BaseModel):
    """What became of the updates; the numbers add up to those that were sent.

    `applied`: the rate changed, and the subject's undecided case has its new place. `unchanged`: it was known already.
    `ignored`: older than the stored measurement, or followed by a later update of the same call. `unknown_count`
    subjects were never reported; the first 100 of them are listed.
    """

    applied: int
    unchanged: int
    ignored: int
    unknown_count: int
    unknown: list[UnknownSubject]
