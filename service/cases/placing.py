"""Where a case stands: its rank as the columns that the claim reads, and who may be given it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from labeling.taxonomy import Taxonomy
from models.languages import primary_language
from models.rank import GUARD, Rank, guard_from
from service.media.levels import STRONG, Facts, Rules, choose, likely_areas
from service.ranking.workflow import ranked_under
from service.routing.rules import Routed, RuleSet

# Areas of this graphic class ask for the reviewer's consent where pictures are shown.
CONSENT_GRAPHIC = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """Which people may be given a case, beside its queue: those of `language` (a primary subtag, und: anybody), those who
    have exposure left where it is `high_exposure`, and those who consented to every area of `consent_area`, which are
    joined by "+" ("" where none is asked).
    """

    language: str
    high_exposure: bool
    consent_area: str


@dataclass(frozen=True, slots=True)
class Placed:
    """One case's columns of the order; `parts` is JSON text, `start_by` NEVER where no guard serves it."""

    id: UUID
    value: float
    base: float | None
    parts: str
    under: str
    views: float
    deadline: datetime | None
    start_by: datetime
    queue: str
    routed_by: int | None
    route_reason: str
    language: str
    high_exposure: bool
    consent_area: str


@dataclass(frozen=True, slots=True)
class Place:
    """The queue of a case, by which version of the rules (None before there were any), and why."""

    queue: str
    routed_by: int | None
    route_reason: str


def place_by(rules: RuleSet, routed: Routed) -> Place:
    """The place that routing came to."""
    return Place(routed.queue, rules.version or None, routed.reason)


# The guard never takes up a case of a policy without one. A finite date: PostgreSQL's infinity has none in Python.
NEVER = datetime.fromisoformat("9998-01-01T00:00:00+00:00")


def scope_of(media: Sequence[Facts], *, language: str | None, taxonomy: Taxonomy) -> Scope:
    """The scope of content by what is known of each of its media. Without any nothing is shown that would need consent.

    What the organisation shows at least says nothing about how graphic it is, so it does not count here.
    """
    blurs = [choose(facts, Rules(taxonomy, least=0)) for facts in media]
    asked = {area for facts in media for area in likely_areas(facts, taxonomy, graphic=CONSENT_GRAPHIC)}
    graphic = any(blur.level >= STRONG for blur in blurs)
    return Scope(primary_language(language), high_exposure=graphic, consent_area="+".join(sorted(asked)))


def with_read(score: Mapping[str, Any] | None, read: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The score of a case with that of texts read in its pictures: of each area the likelier, and the graver severity.

    What waits for the score of its own text goes on being treated as unscored, which is the more cautious.
    """
    if score is None or not read:
        return score
    every = [score, *read]
    areas = {area: max(one["areas"].get(area, 0.0) for one in every) for area in score["areas"]}
    gravest = max(every, key=lambda one: sum(level * share for level, share in enumerate(one["severity"])))
    return {**score, "areas": areas, "severity": gravest["severity"]}


def placed(case_id: UUID, found: Rank, *, views: float, place: Place, scope: Scope) -> Placed:
    """The columns of a rank; `views` are those an hour as they were told."""
    parts = found.parts
    return Placed(
        id=case_id,
        value=found.value,
        base=parts["base"],
        parts=json.dumps(parts),
        under=ranked_under(parts["config_version"], parts["taxonomy_version"], parts.get("overlay", {}).get("key", "")),
        views=views,
        deadline=datetime.fromisoformat(parts["deadline"]) if parts["deadline"] else None,
        start_by=start_by(found),
        queue=place.queue,
        routed_by=place.routed_by,
        route_reason=place.route_reason,
        language=scope.language,
        high_exposure=scope.high_exposure,
        consent_area=scope.consent_area,
    )


def start_by(found: Rank) -> datetime:
    """When the guard takes the case up; NEVER where no guard serves it."""
    return guard_from(found.parts)[0] if found.parts["policy"].endswith(GUARD) else NEVER
