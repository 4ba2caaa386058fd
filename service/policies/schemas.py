"""Wire types of the policy library."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from service.wire import Moment, Stored, Strict

EXAMPLES = 50
# Versions of one area that are listed, and drafts of one area that may lie open at once.
LISTED = 200
DRAFTS = 20
# Decisions that one replay looks at: by the API, and by the command, which may ask a model for a while.
MOST_DECISIONS = 10_000
MOST_DECISIONS_COMMAND = 50_000


def _said(value: str) -> str:
    value = value.strip()
    if not value:
        raise ValueError("it has to say something")
    return value


Said = AfterValidator(_said)
Title = Annotated[str, Field(min_length=1, max_length=200), Stored, Said]
Body = Annotated[
    str, Field(min_length=1, max_length=40_000, description="Markdown: headings, lists, bold"), Stored, Said
]
Digest = Annotated[
    str,
    Field(max_length=5_000, description="What changed, in words for those who apply it"),
    Stored,
    AfterValidator(str.strip),
]
Owner = Annotated[str, Field(min_length=1, max_length=100), Stored, Said]
Reason = Annotated[str, Field(min_length=1, max_length=1_000), Stored, Said]
# A policy area in an address; those that the taxonomy knows no longer are read too.
Area = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
State = Literal["draft", "coming", "in_force", "replaced", "withdrawn"]


class Example(Strict):
    """A text with the verdict that this version asks for. `severity` is for violating ones alone."""

    text: Annotated[str, Field(min_length=1, max_length=2_000), Stored, Said]
    verdict: Literal["violating", "allowed"]
    severity: Annotated[int | None, Field(ge=0, le=4)] = None
    why: Annotated[str, Field(min_length=1, max_length=1_000), Stored, Said]

    @model_validator(mode="after")
    def _severity_fits(self) -> "Example":
        if (self.verdict == "violating") != (self.severity is not None):
            raise ValueError("severity: give it for a violating example, and for no other")
        return self


class PolicyDraftIn(Strict):
    """A new draft. What is left out is as in the version in force."""

    title: Title | None = None
    body: Body | None = None
    examples: Annotated[list[Example], Field(max_length=EXAMPLES)] | None = None
    digest: Digest = ""
    acknowledge: Annotated[bool, Field(description="Whether reviewers confirm it before their next case.")] = False
    owner: Owner
    reason: Reason


class DraftChangeIn(Strict):
    """What to change of a draft; what is left out stays."""

    title: Title | None = None
    body: Body | None = None
    examples: Annotated[list[Example], Field(max_length=EXAMPLES)] | None = None
    digest: Digest | None = None
    acknowledge: bool | None = None
    owner: Owner | None = None
    reason: Reason | None = None


class PublishIn(Strict):
    """When the version takes effect; at once where no moment is given."""

    effective_at: Moment | None = None


class PolicySummary(BaseModel):
    """A version without its text."""

    id: UUID
    area: str
    number: int
    title: str
    digest: str
    acknowledge: bool
    owner: str
    state: State
    effective_at: datetime | None
    published_at: datetime | None
    acknowledged: Annotated[bool, Field(description="Whether the caller has confirmed that they read it.")]


class PolicyText(BaseModel):
    """A version in force with what it says."""

    area: str
    number: int
    title: str
    body: str
    examples: list[Example]


class PoliciesOut(BaseModel):
    """The library: what is in force, and what is published and comes."""

    in_force: list[PolicySummary]
    coming: list[PolicySummary]
    without: Annotated[list[str], Field(description="Areas of the taxonomy for which nothing is in force.")]


class DiffLine(BaseModel):
    """A line of the text as it stays, goes or comes."""

    sign: Literal[" ", "-", "+"]
    text: str


class ReplayShare(BaseModel):
    """An estimated share of decisions that would flip, with its interval; without a share where too little is known.

    While re-reviews are disputed it has an interval alone: from none of them flipped to all.
    """

    checked: Annotated[int, Field(description="Re-reviews that the estimate rests on; 0 for the model alone.")]
    share: float | None
    low: float | None
    high: float | None
    flips: Annotated[
        int | None, Field(description="The share of the decisions that it speaks of, as a number of them.")
    ]
    note: str


class ReplayGroup(BaseModel):
    """Flips of one group of decisions."""

    name: str
    decisions: int
    model_flips: int | None
    checked: Annotated[int, Field(description="Re-reviews that are settled.")]
    sample_flips: Annotated[int, Field(description="Flips among those checked, unweighted.")]


class ReplayResult(BaseModel):
    """What a draft would flip, by source; the sources are never mixed without saying so."""

    decisions: int
    framed: Annotated[int, Field(description="Those of them that re-reviews were drawn from, and speak of.")]
    since: datetime | None
    until: datetime | None
    bundle: str | None
    model: Annotated[ReplayShare | None, Field(description="The model under new labels, on every decision.")]
    sample: Annotated[ReplayShare, Field(description="Blind re-reviews, weighted by the inverse of their chance.")]
    assisted: Annotated[ReplayShare | None, Field(description="The model, corrected by the re-reviews.")]
    areas: list[ReplayGroup]
    languages: list[ReplayGroup]
    sentence: str


class ReplayOut(BaseModel):
    """A stored replay of a version."""

    id: UUID
    asked_at: datetime
    decisions: int
    result: ReplayResult


class PolicyVersionOut(PolicySummary):
    """A version with its text, and what changed against the one before it."""

    body: str
    examples: list[Example]
    reason: Annotated[str | None, Field(description="Why it was made; for those who manage policies.")] = None
    diff: Annotated[
        list[DiffLine],
        Field(
            description="Line by line against the version before, cut after 1,000 lines; in a list of versions after 100, but"
            " for the one in force. A line counts once for each 100 characters. Empty for the first."
        ),
    ] = []
    confirmed_by: Annotated[int | None, Field(description="How many people confirmed it; for managers.")] = None
    replays: list[ReplayOut] = []


class PolicyVersionsOut(BaseModel):
    """Every version of one area that the caller may see, the newest first."""

    area: str
    name: str
    versions: list[PolicyVersionOut]


class UnreadOut(BaseModel):
    """Policies in force that the caller has to confirm before the next case."""

    unread: list[PolicySummary]


class PolicyReplayIn(Strict):
    """How many of the last decisions to look at."""

    decisions: Annotated[int, Field(ge=1, le=MOST_DECISIONS)] = 5_000


class ImportedGuidelinesOut(BaseModel):
    """How many areas got their guideline as version 1."""

    imported: int
