"""What a draft would flip: the last decisions it could touch, judged anew by people, by a model, or by both."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from models.bundle import CALIBRATION
from models.calibration import parse_calibration
from models.inference import OnnxScorer
from service.errors import InvalidRequestError
from service.policies.estimate import LEAST_CHECKED, Estimate, assisted_share, weighted_share
from service.policies.schemas import ReplayGroup, ReplayResult, ReplayShare

UNSPOKEN = "und"
TOLD_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Judge:
    """A model under the new labels: its bundle's hash, and which texts break the policy at the bundle's operating point."""

    bundle: str
    breaks: Callable[[Sequence[str]], list[bool]]


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

    def breaks(texts: Sequence[str]) -> list[bool]:
        return [score.areas[area] >= threshold for score in scorer.score(texts)]

    return Judge(scorer.bundle_hash, breaks)


def drawn_from(plan: Row[Any] | None, rows: Sequence[Row[Any]]) -> tuple[list[bool], str | None]:
    """Which decisions a plan could draw: those that stood when it was made. Else why its re-reviews say nothing of them."""
    nothing = [False] * len(rows)
    if plan is None:
        return nothing, None
    named = f"the plan “{plan.name}”"
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
    sample = _allowing_for_disputes(checked, lambda flips: weighted_share(flips, chances))
    model = assisted = None
    if bundle is not None and looked:
        model = Estimate(0, _model_share(looked))
        if checked:
            share, said = _model_share(framed), [one.model_flips for one in checked]
            assisted = _allowing_for_disputes(checked, lambda flips: assisted_share(share, said, flips, chances))
    drawn = Told(len(framed), sum(one.review is None for one in checked), why_not)
    return ReplayResult(
        decisions=len(looked),
        framed=len(framed),
        since=None,
        until=None,
        bundle=bundle,
        model=None
        if model is None
        else _share(model, Told(len(looked)), "the model alone, which no person has checked"),
        sample=_share(sample, drawn, "blind re-reviews under the draft"),
        assisted=None if assisted is None else _share(assisted, drawn, "the model, corrected by re-reviews"),
        areas=_groups(looked, lambda one: one.area, model=bundle is not None),
        languages=_groups(looked, lambda one: one.language, model=bundle is not None),
        sentence=sentence(looked, area=area, best=_best(model, sample, assisted), drawn=drawn),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What an estimate speaks of: so many decisions; so many re-reviews are disputed, or why none may be used."""

    decisions: int
    disputed: int = 0
    why_not: str | None = None

    @property
    def until(self) -> str:
        """What has to happen before there is a share."""
        one = "1 disputed re-review is" if self.disputed == 1 else f"{self.disputed:,} disputed re-reviews are"
        return f"until {one} settled"


def sentence(looked: Sequence[Looked], *, area: str, best: tuple[Estimate, str] | None, drawn: Told) -> str:
    """The result in one sentence, with where it comes from."""
    if not looked:
        return f"No decision that stands is about {area} or found nothing, so there is nothing to flip yet."
    if best is None:
        if drawn.why_not:
            return f"Re-reviews say nothing of these decisions: {drawn.why_not}."
        checked = sum(one.chance is not None for one in looked)
        return (
            f"Not enough checks to say what this draft would flip: {checked} of {LEAST_CHECKED}. Draw re-reviews of this"
            " version, or replay it with a model that was trained under it."
        )
    estimate, source = best
    decisions = drawn.decisions if estimate.checked else len(looked)
    told, between = f"of the last {len(looked):,} decisions", ""
    if decisions < len(looked):
        told += f", of which {decisions:,} stood when re-reviews were drawn and are counted"
    if estimate.low is not None and estimate.high is not None:
        between = f"from {round(estimate.low * decisions):,} to {round(estimate.high * decisions):,}"
    if estimate.share is None:
        return f"This draft would flip {between} {told}, {drawn.until}, by {source}."
    flips = round(estimate.share * decisions)
    told = f"This draft would flip {'about ' if estimate.checked else ''}{flips:,} {told}"
    told += f" ({between})" if between else ""
    mostly = _mostly(looked) if flips else ""
    return f"{told}{f', mostly {mostly}' if mostly else ''}, by {source}."


def _allowing_for_disputes(checked: Sequence[Looked], estimated: Callable[[list[bool]], Estimate]) -> Estimate:
    """What re-reviews say. While some are disputed no share, but an interval: from none of those flipped to all of them."""
    least, most = (
        estimated([either if one.review is None else one.review_flips for one in checked]) for either in (False, True)
    )
    return least if least == most else Estimate(least.checked, None, least.low, most.high)


def _model_share(looked: Sequence[Looked]) -> float:
    return sum(one.model_flips for one in looked) / len(looked)


def _best(model: Estimate | None, sample: Estimate, assisted: Estimate | None) -> tuple[Estimate, str] | None:
    """The estimate that says most, and what it rests on."""
    if assisted is not None and assisted.low is not None:
        return assisted, f"the model, corrected by {assisted.checked:,} re-reviews"
    if sample.low is not None:
        return sample, f"{sample.checked:,} re-reviews"
    return None if model is None else (model, "the model alone, which no person has checked")


def _mostly(looked: Sequence[Looked]) -> str:
    flipped = [one for one in looked if one.model_flips] or [one for one in looked if one.review_flips]
    if not flipped:
        return ""
    [(area, _)] = Counter(one.area for one in flipped).most_common(1)
    [(language, _)] = Counter(one.language for one in flipped).most_common(1)
    return f"those decided as {area.replace('_', ' ')}, in language {language}"


def _share(estimate: Estimate, told: Told, note: str) -> ReplayShare:
    if estimate.share is None:
        note = told.why_not or f"not enough checks: {estimate.checked} of {LEAST_CHECKED}"
        if estimate.low is not None and estimate.high is not None:
            note = f"from {100 * estimate.low:.1f} % to {100 * estimate.high:.1f} %, {told.until}"
    return ReplayShare(
        checked=estimate.checked,
        share=estimate.share,
        low=estimate.low,
        high=estimate.high,
        flips=None if estimate.share is None else round(estimate.share * told.decisions),
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
