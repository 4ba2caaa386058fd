"""What a draft would flip: the last decisions it could touch, judged anew by people, by a model, or by both."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from labeling.statistics.assisted import assisted_share
from labeling.statistics.disputed import Bounded, bounded
from labeling.statistics.estimate import MIN_ITEMS
from labeling.statistics.weighted import weighted_share
from models.bundle import CALIBRATION
from models.calibration import parse_calibration
from models.inference import OnnxScorer
from service.errors.requests import InvalidRequestError
from service.policies.schemas import ReplayGroup, ReplayResult, ReplayShare

UNSPOKEN = "und"
TOLD_GROUPS = 50
MODEL_ALONE = "the model alone, which no person has checked"
# What is settled or disputed, in words.
REVIEW = "re-review"


@dataclass(frozen=True, slots=True)
class Judge:
    """A model under the new labels: its bundle's hash, and which texts break the policy at the bundle's operating point."""

    bundle: str
    breaks: Callable[[Sequence[str], Sequence[str | None]], list[bool]]


@dataclass(frozen=True, slots=True)
class Asked:
    """How many of the last decisions to look at, and the model to ask about them, if any."""

    decisions: int
    judge: Judge | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """One decision: what it said, and what the model and a re-review say now; None where they say nothing.

    A re-review with a chance and no answer is disputed. Out of the frame are those that could not be drawn.
    """

    area: str
    language: str
    was: bool
    model: bool | None
    review: bool | None
    chance: float | None
    in_frame: bool

    @property
    def model_flips(self) -> bool:
        return self.model is not None and self.model != self.was

    @property
    def review_flips(self) -> bool:
        return self.review is not None and self.review != self.was


def judge_of(bundle: Path, area: str) -> Judge:
    """A bundle as judge of one area. Raises BundleError, InvalidRequestError."""
    scorer = OnnxScorer.load(bundle)
    if area not in scorer.trained_areas:
        raise InvalidRequestError(f"the bundle was not trained on {area}; it knows {', '.join(scorer.trained_areas)}")
    calibration = parse_calibration(scorer.bundle.read(CALIBRATION), bundle / CALIBRATION, names=scorer.areas)
    threshold = dict(zip(scorer.areas, calibration.thresholds().tolist(), strict=True))[area]

    def breaks(texts: Sequence[str], languages: Sequence[str | None]) -> list[bool]:
        return [score.areas[area] >= threshold for score in scorer.score(texts, languages)]

    return Judge(scorer.bundle_hash, breaks)


def drawn_from(plan: Row[Any] | None, rows: Sequence[Row[Any]]) -> tuple[list[bool], str | None]:
    """Which decisions a plan could draw: those that stood when it was made. Else why its re-reviews say nothing of them."""
    nothing = [False] * len(rows)
    if plan is None:
        return nothing, None
    named = f"the plan “{plan.name}”"
    if plan.outdated:
        return nothing, f"title, text or examples were changed since {named} was drawn; draw a new one"
    if plan.narrowed:
        return nothing, (
            f"{named} drew from some areas, queues, languages, vendors or kinds of decisions alone; draw one without those"
        )
    within = [
        row.checkable
        and row.undo_until <= plan.made_at
        and (plan.since is None or row.decided_at >= plan.since)
        and (plan.until is None or row.decided_at < plan.until)
        for row in rows
    ]
    if rows and not any(within):
        return nothing, f"{named} was drawn before any of these decisions stood, or of other days; draw a new one"
    if sum(within) > plan.population:
        return nothing, (
            f"{named} drew from {plan.population:,} decisions, and {sum(within):,} of these stood when it was made; draw a new one"
        )
    return within, None


def looked_at(
    row: Row[Any],
    area: str,
    model: bool | None,  # noqa: FBT001 - a verdict
    review: Row[Any] | None,
    *,
    in_frame: bool,
) -> Looked:
    """A decision of the store with what the model and a re-review say of it."""
    answer = None if review is None else review.policy_area
    return Looked(
        area=row.policy_area,
        language=row.language or UNSPOKEN,
        was=row.policy_area == area,
        model=model,
        review=None if answer is None else answer == area,
        chance=None if review is None else review.chance,
        in_frame=in_frame,
    )


def summed_up(looked: Sequence[Looked], *, area: str, bundle: str | None, why_not: str | None = None) -> ReplayResult:
    """The result of a replay: each source by itself, both together, and by group; `why_not` says what bars re-reviews."""
    framed = [one for one in looked if one.in_frame]
    checked = [one for one in framed if one.chance is not None]
    chances = [one.chance for one in checked if one.chance is not None]
    flips = [None if one.review is None else one.review_flips for one in checked]
    sample = bounded(flips, lambda found: weighted_share(found, chances))
    model = assisted = None
    if bundle is not None and looked:
        model = _model_share(looked)
        if checked:
            share, said = _model_share(framed), [one.model_flips for one in checked]
            assisted = bounded(flips, lambda found: assisted_share(share, said, found, chances))
    return ReplayResult(
        decisions=len(looked),
        framed=len(framed),
        since=None,
        until=None,
        bundle=bundle,
        model=None if model is None else _unchecked(model, len(looked)),
        sample=_share(sample, len(framed), "blind re-reviews under the draft", why_not=why_not),
        assisted=None
        if assisted is None
        else _share(assisted, len(framed), "the model, corrected by re-reviews", why_not=why_not),
        areas=_groups(looked, lambda one: one.area, model=bundle is not None),
        languages=_groups(looked, lambda one: one.language, model=bundle is not None),
        sentence=_sentence(looked, area, model, _best(sample, assisted), why_not),
    )


def _sentence(
    looked: Sequence[Looked], area: str, model: float | None, best: tuple[Bounded, str] | None, why_not: str | None
) -> str:
    """The result in one sentence, with where it comes from: the best of what people checked, else the model alone."""
    if not looked:
        return (
            f"No decision that stands is about {area} or found nothing, so there is nothing to flip yet."
            " Sample cases, special routes and restricted queues are not counted."
        )
    of_all = f"of the last {len(looked):,} decisions"
    if best is not None:
        return _checked_sentence(looked, of_all, *best)
    if model is not None:
        flips = round(model * len(looked))
        return f"This draft would flip {flips:,} {of_all}{_mostly(looked) if flips else ''}, by {MODEL_ALONE}."
    if why_not:
        return f"Re-reviews say nothing of these decisions: {why_not}."
    checked = sum(one.chance is not None for one in looked)
    return (
        f"Not enough checks to say what this draft would flip: {checked} of {MIN_ITEMS}. Draw re-reviews of this"
        " version, or replay it with a model that was trained under it."
    )


def _checked_sentence(looked: Sequence[Looked], of_all: str, estimate: Bounded, source: str) -> str:
    decisions = sum(one.in_frame for one in looked)
    if decisions < len(looked):
        of_all += f", of which {decisions:,} stood when re-reviews were drawn and are counted"
    low, high = estimate.low or 0.0, estimate.high or 0.0
    between = f"from {round(low * decisions):,} to {round(high * decisions):,}"
    if estimate.value is None:
        return f"This draft would flip {between} {of_all}, {estimate.until_settled(REVIEW)}, by {source}."
    flips = round(estimate.value * decisions)
    return f"This draft would flip about {flips:,} {of_all} ({between}){_mostly(looked) if flips else ''}, by {source}."


def _model_share(looked: Sequence[Looked]) -> float:
    return sum(one.model_flips for one in looked) / len(looked)


def _best(sample: Bounded, assisted: Bounded | None) -> tuple[Bounded, str] | None:
    """Of what people checked the estimate that says most, and what it rests on."""
    if assisted is not None and assisted.enough:
        return assisted, f"the model, corrected by {assisted.n:,} re-reviews"
    return (sample, f"{sample.n:,} re-reviews") if sample.enough else None


def _mostly(looked: Sequence[Looked]) -> str:
    flipped = [one for one in looked if one.model_flips] or [one for one in looked if one.review_flips]
    if not flipped:
        return ""
    [(area, _)] = Counter(one.area for one in flipped).most_common(1)
    [(language, _)] = Counter(one.language for one in flipped).most_common(1)
    return f", mostly those decided as {area.replace('_', ' ')}, in language {language}"


def _unchecked(share: float, decisions: int) -> ReplayShare:
    return ReplayShare(checked=0, share=share, low=None, high=None, flips=round(share * decisions), note=MODEL_ALONE)


def _share(estimate: Bounded, decisions: int, note: str, *, why_not: str | None) -> ReplayShare:
    if not estimate.enough:
        note = why_not or str(estimate)
    elif estimate.value is None and estimate.low is not None and estimate.high is not None:
        note = f"from {100 * estimate.low:.1f} % to {100 * estimate.high:.1f} %, {estimate.until_settled(REVIEW)}"
    return ReplayShare(
        checked=estimate.n,
        share=estimate.value,
        low=estimate.low,
        high=estimate.high,
        flips=None if estimate.value is None else round(estimate.value * decisions),
        note=note,
    )


def _groups(looked: Sequence[Looked], key: Callable[[Looked], str], *, model: bool) -> list[ReplayGroup]:
    members: dict[str, list[Looked]] = {}
    for one in looked:
        members.setdefault(key(one), []).append(one)
    groups = [
        ReplayGroup(
            name=name,
            decisions=len(group),
            model_flips=sum(one.model_flips for one in group) if model else None,
            checked=sum(one.review is not None for one in group),
            sample_flips=sum(one.review_flips for one in group),
        )
        for name, group in members.items()
    ]
    groups.sort(key=lambda group: (-(group.model_flips or 0), -group.sample_flips, -group.decisions, group.name))
    return groups[:TOLD_GROUPS]
