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
    """One decision: what it said, and what the model and a re-review say now; None where they say nothing."""

    area: str
    language: str
    was: bool
    model: bool | None
    review: bool | None
    chance: float | None

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


def looked_at(row: Row[Any], area: str, model: bool | None, review: Row[Any] | None) -> Looked:  # noqa: FBT001 - a verdict
    """A decision of the store with what the model and a re-review say of it."""
    return Looked(
        area=row.policy_area,
        language=row.language or UNSPOKEN,
        was=row.policy_area == area,
        model=model,
        review=None if review is None else review.policy_area == area,
        chance=None if review is None else review.chance,
    )


def summed_up(looked: Sequence[Looked], *, area: str, bundle: str | None) -> ReplayResult:
    """The result of a replay: each source by itself, both together, and by group."""
    checked = [one for one in looked if one.review is not None and one.chance is not None]
    chances = [one.chance for one in checked if one.chance is not None]
    flips = [one.review_flips for one in checked]
    sample = weighted_share(flips, chances)
    model = assisted = None
    if bundle is not None and looked:
        share = sum(one.model_flips for one in looked) / len(looked)
        model = Estimate(0, share)
        if checked:
            assisted = assisted_share(share, [one.model_flips for one in checked], flips, chances)
    return ReplayResult(
        decisions=len(looked),
        since=None,
        until=None,
        bundle=bundle,
        model=None if model is None else _share(model, len(looked), "the model alone, which no person has checked"),
        sample=_share(sample, len(looked), "blind re-reviews under the draft"),
        assisted=None if assisted is None else _share(assisted, len(looked), "the model, corrected by re-reviews"),
        areas=_groups(looked, lambda one: one.area, model=bundle is not None),
        languages=_groups(looked, lambda one: one.language, model=bundle is not None),
        sentence=sentence(looked, area=area, best=_best(model, sample, assisted)),
    )


def sentence(looked: Sequence[Looked], *, area: str, best: tuple[Estimate, str] | None) -> str:
    """The result in one sentence, with where it comes from."""
    if not looked:
        return f"No decision that stands is about {area} or found nothing, so there is nothing to flip yet."
    if best is None:
        checked = sum(one.review is not None for one in looked)
        return (
            f"Not enough checks to say what this draft would flip: {checked} of {LEAST_CHECKED}. Draw re-reviews of this"
            " version, or replay it with a model that was trained under it."
        )
    estimate, source = best
    share = estimate.share or 0.0
    flips = round(share * len(looked))
    told = (
        f"This draft would flip {'about ' if estimate.checked else ''}{flips:,} of the last {len(looked):,} decisions"
    )
    if estimate.low is not None and estimate.high is not None:
        told += f" (from {round(estimate.low * len(looked)):,} to {round(estimate.high * len(looked)):,})"
    mostly = _mostly(looked)
    return f"{told}{f', mostly {mostly}' if flips and mostly else ''}, by {source}."


def _best(model: Estimate | None, sample: Estimate, assisted: Estimate | None) -> tuple[Estimate, str] | None:
    """The estimate that says most, and what it rests on."""
    if assisted is not None and assisted.share is not None:
        return assisted, f"the model, corrected by {assisted.checked:,} re-reviews"
    if sample.share is not None:
        return sample, f"{sample.checked:,} re-reviews"
    return None if model is None else (model, "the model alone, which no person has checked")


def _mostly(looked: Sequence[Looked]) -> str:
    flipped = [one for one in looked if one.model_flips] or [one for one in looked if one.review_flips]
    if not flipped:
        return ""
    [(area, _)] = Counter(one.area for one in flipped).most_common(1)
    [(language, _)] = Counter(one.language for one in flipped).most_common(1)
    return f"those decided as {area.replace('_', ' ')}, in language {language}"


def _share(estimate: Estimate, decisions: int, note: str) -> ReplayShare:
    too_few = estimate.share is None
    return ReplayShare(
        checked=estimate.checked,
        share=estimate.share,
        low=estimate.low,
        high=estimate.high,
        flips=None if estimate.share is None else round(estimate.share * decisions),
        note=f"not enough checks: {estimate.checked} of {LEAST_CHECKED}" if too_few else note,
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
