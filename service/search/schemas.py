"""Wire types of search."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.search.query import MOST_CHARACTERS
from service.wire import Stored, Strict

Order = Literal["relevance", "newest", "risk"]
Status = Literal["open", "leased", "held", "shed", "decided"]
MOST_RESULTS = 50
# Counting, and ordering by relevance, goes so far: what is more is said to be more.
COUNTED = 500

Question = Annotated[str, Field(max_length=MOST_CHARACTERS), Stored]


class CaseSearchIn(Strict):
    """A question, how its answers are ordered, and where the page before ended."""

    query: Question = ""
    order: Order = "relevance"
    limit: Annotated[int, Field(ge=1, le=MOST_RESULTS, strict=True)] = 25
    after: Annotated[str | None, Field(max_length=200, description="`next` of the page before")] = None


class Piece(BaseModel):
    """A piece of a text in reading order; of a masked one the text is dots."""

    text: str
    found: bool = False
    masked: bool = False


class Snippet(BaseModel):
    """Where it was found: in the content, in text read in a picture, in a report, in a decision's note, in a note on the case."""

    where: Literal["content", "picture", "report", "decision", "note"]
    language: str | None
    pieces: list[Piece]


class FoundCase(BaseModel):
    """A case that answers the question. `area` and `severity` are as decided, before that as the model finds them."""

    id: UUID
    status: Status
    queue: str
    opened_at: datetime
    report_count: int
    special: str | None
    deadline: datetime | None
    risk: float
    subject_id: str
    subject_kind: str
    author_id: str | None
    language: str | None
    area: str | None
    severity: int | None
    actions: list[str] | None = Field(
        description="What was decided; null where nothing is, or where you are kept from it."
    )
    media: dict[str, int] = Field(description="How many of each kind; none is shown here.")
    snippet: Snippet


class FacetValue(BaseModel):
    """One value of a filter, and how many of the counted cases have it."""

    value: str
    count: int


class SearchOut(BaseModel):
    """A page of answers. `count` is exact up to 500 and then a lower bound, as `more` says; facets are of the counted ones.

    Facets and counts come with the first page only. By relevance the newest 500 answers are ordered.
    """

    cases: list[FoundCase]
    count: int | None
    more: bool
    facets: dict[str, list[FacetValue]]
    next: str | None


class CompletionsIn(Strict):
    """A question that is being typed, and where the cursor stands."""

    query: Question
    at: Annotated[int, Field(ge=0, le=MOST_CHARACTERS, strict=True)]


class CompletionOut(BaseModel):
    """`insert` takes the place of the characters from `start` up to `end`."""

    start: int
    end: int
    insert: str


class CompletionsOut(BaseModel):
    """What the question could go on with."""

    completions: list[CompletionOut]
