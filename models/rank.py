"""The rank of a case: one pure function with named parts, so that the order can be explained and reproduced.

    harm  = p x weight x vulnerability              of each area: harm of one view, if the area is what it is about
    index = views_per_hour x sum(harm / minutes)    harm prevented by each minute of review: the c-mu rule
    value = log2(index) + waiting bonus             = base + log2(views_per_hour)

Serving the largest harm rate per minute of work first is optimal for linear holding cost (the c-mu rule; van Mieghem
1995 for the ageing form). Each area brings its own minutes, so that a higher probability, severity or reach never
lowers a rank. The waiting bonus doubles a case's index every `doubling_hours`. All cases age alike, so their order
never changes by the mere passing of time: the bonus is counted from a fixed date instead of from now, the value is
stored once, and an index on it serves the claim. Views come and go by the minute: they are the one part that is added
last, so that news of them changes a number and nothing else.

`harm-rate+guard` has the same value and adds a time, `guard_from`, from which on the case goes first: cases with a deadline
of the law or of a contract before those whose latest start has come. The other POLICIES are what a queue is compared with:
see `python -m eval simulate`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from labeling.taxonomy import SEVERITY_LEVELS, Area, Taxonomy
from models.overlay import NO_OVERLAYS, SEVERITY_ONLY, Overlay, Overlays, factor_of, guard_of, policy_of
from models.trust import Tally, Trust, combined, trusted

# The date from which waiting is counted. Any fixed date gives the same order; this one keeps the numbers small.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

# Contributions below this share of the whole are shown as one sum.
SHOWN_SHARE = 0.01

# Keeps the logarithm finite when a model is certain that nothing is wrong.
LEAST_HARM = 1e-6


@dataclass(frozen=True, slots=True)
class RankConfig:
    """The constants of the order. They change only together with `version`, which is stored with every rank.

    `owner`, `reason` and `decided_on` say who answers for them, why, and since when (`models/rank_file.py` reads them).
    `reason_trust` is how much an unknown reporter's stated reason counts as evidence where the model can assess the
    area, `reason_trust_unassessed` where it cannot; `reporter_*` are the constants of models/trust.py. `unscored_*` stand
    in for a missing score: a prior well above what most reports deserve, so that a case without a score is looked at
    early rather than late. `latest_start_hours` after its receipt every case is due, and `guard_minutes` before a
    deadline, handling time added, `harm-rate+guard` serves it. Of all claims, `random_share` are drawn at random.
    `shed_*` are the rule by which cases are openly given up while more comes in than can be done (models/shed.py).
    """

    version: str = "2026-11.4"
    owner: str = "content-triage"
    reason: str = "as shipped"
    decided_on: date = date(2026, 11, 29)
    policy: str = "harm-rate+guard"
    doubling_hours: float = 24.0
    least_views_per_hour: float = 1.0
    minutes_per_picture: float = 0.3
    vulnerability_of_person: float = 1.5
    reason_trust: float = 0.15
    reason_trust_unassessed: float = 0.4
    reporter_precision: float = 0.35
    reporter_strength: float = 10.0
    reporter_cap: float = 4.0
    unscored_prior: float = 0.03
    unscored_reason: float = 0.5
    unscored_severity: tuple[float, ...] = (0.1, 0.2, 0.35, 0.25, 0.1)
    latest_start_hours: float = 72.0
    guard_minutes: float = 30.0
    random_share: float = 0.05
    shed: bool = True
    shed_above_load: float = 1.0
    shed_window_hours: float = 24.0
    shed_least_history_hours: float = 6.0
    shed_least_decisions: int = 50
    shed_below_severity: int = 3

    def __post_init__(self) -> None:
        """Raises ValueError for a policy that is none of POLICIES, and for constants under which no order holds."""
        if self.policy not in POLICIES:
            raise ValueError(f"no ranking policy {self.policy!r}; there are {', '.join(POLICIES)}")
        for name in _ABOVE_ZERO:
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)!r}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1, not {getattr(self, name)!r}")
        if self.reporter_cap < 1:
            raise ValueError(f"reporter_cap must be at least 1, not {self.reporter_cap!r}")
        shares = self.unscored_severity
        if len(shares) != SEVERITY_LEVELS or min(shares) < 0 or not math.isclose(math.fsum(shares), 1):
            raise ValueError(f"unscored_severity must be {SEVERITY_LEVELS} shares that sum to 1, not {list(shares)}")


# Constants by what they may be: hours, minutes and factors, and probabilities short of certainty.
_ABOVE_ZERO = (
    *("doubling_hours", "least_views_per_hour", "minutes_per_picture", "vulnerability_of_person"),
    *("latest_start_hours", "guard_minutes", "reporter_strength", "reporter_cap"),
    *("shed_above_load", "shed_window_hours", "shed_least_history_hours", "shed_least_decisions"),
)
_SHARES = (
    *("reason_trust", "reason_trust_unassessed", "reporter_precision", "unscored_prior", "unscored_reason"),
    "random_share",
)


@dataclass(frozen=True, slots=True)
class RankInputs:
    """What is known of a case. `score` is the stored score or None; `reasons` the areas its reporters named.

    `tallies` are, by reason, those of the reporters who gave it, an empty one for all who have no history. `reports`
    counts all reports: more of them alone move nothing, since anybody can send many. `deadline` is the nearest of the law
    or of a contract.
    """

    score: Mapping[str, Any] | None
    reasons: Sequence[str]
    views_per_hour: float
    pictures: int
    received_at: datetime
    deadline: datetime | None = None
    tallies: Mapping[str, Sequence[Tally]] = field(default_factory=dict)
    reports: int = 1
    language: str = "und"
    market: str | None = None
    queue: str = ""


@dataclass(frozen=True, slots=True)
class AreaHarm:
    """One area's share: `probability` x `weight` x `vulnerability` = `harm` per view; a decision takes `minutes`.

    `crisis` is one more factor of the harm, of crises that are at work; 1 at any other time, when it is not shown.
    """

    area: str
    probability: float
    weight: float
    vulnerability: float
    minutes: float
    harm: float
    crisis: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """The fields by name; `dataclasses.asdict` would copy deeply and take half the time of a rank."""
        shown = {
            "area": self.area,
            "probability": self.probability,
            "weight": self.weight,
            "vulnerability": self.vulnerability,
            "minutes": self.minutes,
            "harm": self.harm,
        }
        return shown if self.crisis == 1.0 else {**shown, "crisis": self.crisis}


@dataclass(frozen=True, slots=True)
class Rank:
    """The sort key, higher first, and the parts it was made of as JSON values."""

    value: float
    parts: dict[str, Any]


def rank(inputs: RankInputs, taxonomy: Taxonomy, config: RankConfig, overlays: Overlays = NO_OVERLAYS) -> Rank:
    """Rank one case under the crises at work. Pure: the same inputs give the same rank, wherever it is computed."""
    crises = overlays.about(inputs.market, inputs.language)
    severity = _severity(inputs.score, config)
    words = _words(inputs, config)
    harms = [_area_harm(area, inputs, severity, taxonomy, (config, words, crises)) for area in taxonomy.areas]
    harms.sort(key=lambda one: (-one.harm, one.area))
    least_shown = SHOWN_SHARE * math.fsum(one.harm for one in harms)
    # The leading area is always shown, however many areas a taxonomy has.
    shown = [one for place, one in enumerate(harms) if place == 0 or one.harm >= least_shown]
    others = harms[len(shown) :]
    parts = {
        "policy": policy_of(config.policy, inputs.queue, crises),
        "config_version": config.version,
        "taxonomy_version": taxonomy.version,
        "scored": inputs.score is not None,
        "reasons": sorted(set(inputs.reasons)),
        "reports": inputs.reports,
        "reporters": [
            {"reason": reason, "known": sum(map(_is_known, inputs.tallies[reason])), "ratio": ratio}
            for reason, ratio in sorted(words.items())
        ],
        "areas": [one.to_json() for one in shown],
        "other_harm": math.fsum(one.harm for one in others),
        "other_harm_per_minute": math.fsum(one.harm / one.minutes for one in others),
        "severity": list(severity),
        "views_per_hour": max(inputs.views_per_hour, config.least_views_per_hour),
        "least_views_per_hour": config.least_views_per_hour,
        "received_at": inputs.received_at.astimezone(UTC).isoformat(),
        "doubling_hours": config.doubling_hours,
        "deadline": inputs.deadline.astimezone(UTC).isoformat() if inputs.deadline else None,
        "latest_start": (inputs.received_at + timedelta(hours=config.latest_start_hours)).astimezone(UTC).isoformat(),
        "guard_minutes": guard_of(config.guard_minutes, crises) + (_hastened(harms) if crises else 0.0),
    }
    if overlays.key:
        parts["overlay"] = {"key": overlays.key, "crises": [one.to_json() for one in crises]}
    return Rank(**reproduce(parts))


def reproduce(parts: Mapping[str, Any]) -> dict[str, Any]:
    """From the named parts to the value; what the console shows and what the claim sorts by come from here.

    Returns {"value", "parts"}, the parts completed by harm_per_view, harm_rate (harm-weighted views an hour),
    handling_minutes (expected minutes of a decision, weighted by harm), index, waiting_bonus, and base: the value without
    its views, None under a policy that does not look at them.
    """
    harm_per_view = max(math.fsum([*(one["harm"] for one in parts["areas"]), parts["other_harm"]]), LEAST_HARM)
    per_minute = [*(one["harm"] / one["minutes"] for one in parts["areas"]), parts["other_harm_per_minute"]]
    index_per_view = max(math.fsum(per_minute), LEAST_HARM)
    waiting_bonus = -_hours(parts["received_at"]) / parts["doubling_hours"]
    by_harm = parts["policy"] in BY_HARM
    completed = {
        **parts,
        "harm_per_view": harm_per_view,
        "harm_rate": harm_per_view * parts["views_per_hour"],
        "handling_minutes": harm_per_view / index_per_view,
        "index": index_per_view * parts["views_per_hour"],
        "waiting_bonus": waiting_bonus,
        "base": math.log2(index_per_view) + waiting_bonus if by_harm else None,
    }
    return {"value": _ORDERS[parts["policy"]](completed), "parts": completed}


def with_views(found: Rank, views_per_hour: float) -> Rank:
    """The rank after news of how often the subject is seen, everything else as it was."""
    return Rank(**reproduce(with_live_views(found.parts, views_per_hour)))


def with_live_views(parts: Mapping[str, Any], views_per_hour: float) -> dict[str, Any]:
    """The parts with the views of this moment; `reproduce` completes them."""
    return {**parts, "views_per_hour": max(views_per_hour, parts["least_views_per_hour"])}


def value_of(base: float, views_per_hour: float, config: RankConfig) -> float:
    """The value from its base and the views of this moment: to the last bit what `reproduce` gives for the same parts."""
    return base + math.log2(max(views_per_hour, config.least_views_per_hour))


def guard_from(parts: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """When the guard takes the case up, and the deadline it guards: the earlier of legal deadline and latest start."""
    due = _due(parts)
    return due - timedelta(minutes=parts["guard_minutes"] + parts["handling_minutes"]), due


def _harm_rate(parts: Mapping[str, Any]) -> float:
    return float(parts["base"]) + math.log2(parts["views_per_hour"])


def _tier(parts: Mapping[str, Any]) -> float:
    likely = max(range(len(parts["severity"])), key=lambda level: parts["severity"][level])
    return likely * _TIER - _hours(parts["received_at"])


# The ending of a policy that serves what is nearly due before everything else.
GUARD = "+guard"
# Policies whose order is that of harm per minute of review; the rest are what they are compared with.
BY_HARM = frozenset({"harm-rate", f"harm-rate{GUARD}"})
# From the parts of a case to the number it is sorted by, higher first.
POLICIES: dict[str, Callable[[Mapping[str, Any]], float]] = {
    "fifo": lambda parts: -_hours(parts["received_at"]),
    "tier": _tier,
    "p": lambda parts: max(one["probability"] for one in parts["areas"]),
    "p*severity": lambda parts: max(one["probability"] * one["weight"] for one in parts["areas"]),
    "edf": lambda parts: -_hours(_due(parts)),
    "harm-rate": _harm_rate,
    f"harm-rate{GUARD}": _harm_rate,
}
# What a rank can be made by: the order of severity alone is never that of all queues, only of those that a plan names.
_ORDERS = {**POLICIES, SEVERITY_ONLY: _tier}
# Hours between two severities where the more severe always goes first: more than any case waits.
_TIER = 1e6


def _due(parts: Mapping[str, Any]) -> datetime:
    moments = [parts["latest_start"], *([parts["deadline"]] if parts["deadline"] else [])]
    return min(datetime.fromisoformat(one) for one in moments)


def _hours(moment: str | datetime) -> float:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (at - EPOCH).total_seconds() / 3600


def _severity(score: Mapping[str, Any] | None, config: RankConfig) -> tuple[float, ...]:
    return tuple(score["severity"]) if score is not None else config.unscored_severity


def _words(inputs: RankInputs, config: RankConfig) -> dict[str, float]:
    """By reason that somebody with a history gave, the likelihood ratio of all who gave it."""
    trust = Trust(config.reporter_precision, config.reporter_strength, config.reporter_cap)
    return {
        reason: combined(tallies, trust) for reason, tallies in inputs.tallies.items() if any(map(_is_known, tallies))
    }


def _is_known(tally: Tally) -> bool:
    return tally.upheld > 0 or tally.dismissed > 0


def _area_harm(
    area: Area,
    inputs: RankInputs,
    severity: Sequence[float],
    taxonomy: Taxonomy,
    by: tuple[RankConfig, Mapping[str, float], tuple[Overlay, ...]],
) -> AreaHarm:
    config, words, crises = by
    probability = _probability(area.id, inputs, config, words.get(area.id, 1.0))
    weights = taxonomy.severity_weights
    weight = math.fsum(share * weights[max(level, area.floor)] for level, share in enumerate(severity))
    vulnerability = config.vulnerability_of_person if area.person_targeted else 1.0
    minutes = area.handling_minutes + config.minutes_per_picture * inputs.pictures
    crisis = factor_of(area.id, crises)
    harm = probability * weight * vulnerability * crisis
    return AreaHarm(area.id, probability, weight, vulnerability, minutes, harm, crisis)


def _hastened(harms: Sequence[AreaHarm]) -> float:
    """Minutes by which crises shorten the expected handling, as quicker areas weigh more: no guard begins later for that."""
    usual = _handling_minutes([(one.harm / one.crisis, one.minutes) for one in harms])
    return max(0.0, usual - _handling_minutes([(one.harm, one.minutes) for one in harms]))


def _handling_minutes(harms: Sequence[tuple[float, float]]) -> float:
    harm = max(math.fsum(one for one, _minutes in harms), LEAST_HARM)
    return harm / max(math.fsum(one / minutes for one, minutes in harms), LEAST_HARM)


def _probability(area: str, inputs: RankInputs, config: RankConfig, ratio: float) -> float:
    named = area in inputs.reasons
    if inputs.score is None:
        return trusted(config.unscored_reason, ratio) if named else config.unscored_prior
    probability = float(inputs.score["areas"].get(area, config.unscored_prior))
    if not named:
        return probability
    trust = config.reason_trust_unassessed if area in inputs.score.get("unassessed", ()) else config.reason_trust
    return 1 - (1 - probability) * (1 - trusted(trust, ratio))
