"""How strongly a picture is blurred until somebody asks for more."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labeling.taxonomy import Area, Taxonomy

LEAST = 2
STRONG = 3
MOST = 4

# What the taxonomy's graphic class (0-3) has to come to, weighed with the probability, before the blur is strong.
_EXPECTED_GRAPHIC = 1.0
_MOST_GRAPHIC = 3
_GRAPHIC = 2
LIKELY = 0.5

_FROM_TEXT = "from the text; pictures are not assessed"
_FROM_REPORTS = "from the reports; pictures are not assessed"


@dataclass(frozen=True, slots=True)
class Blur:
    """A blur level and the sentence that says why."""

    level: int
    reason: str


NOT_SCORED = Blur(STRONG, f"Not scored yet ({_FROM_TEXT})")


def choose(score: Mapping[str, Any] | None, *, failed: bool, reasons: Collection[str], taxonomy: Taxonomy) -> Blur:
    """The blur that one case asks for, by what is known about its text and why it was reported.

    `score` is the stored score, None while there is none; `failed` says that there will be none. Reasons that are no
    policy area count for nothing. Never below level 2 in this release: no model looks at pictures yet.
    """
    if score is not None:
        by_text = _by_score(score["areas"], taxonomy)
    else:
        by_text = Blur(STRONG, f"Could not be scored ({_FROM_TEXT})") if failed else NOT_SCORED
    return strongest([*_by_reports(reasons, taxonomy), by_text])


def strongest(blurs: Iterable[Blur]) -> Blur:
    """The strongest of at least one blur, the first of equals."""
    return max(blurs, key=lambda blur: blur.level)


def _by_reports(reasons: Collection[str], taxonomy: Taxonomy) -> list[Blur]:
    return [
        Blur(MOST if area.graphic >= _MOST_GRAPHIC else STRONG, f"Reported as {area.name} ({_FROM_REPORTS})")
        for area in taxonomy.areas
        if area.id in reasons and area.graphic >= _GRAPHIC
    ]


def _by_score(probabilities: Mapping[str, float], taxonomy: Taxonomy) -> Blur:
    least = Blur(LEAST, f"No sign of graphic content ({_FROM_TEXT})")
    return strongest([least, *(_by_area(area, probabilities.get(area.id, 0.0)) for area in taxonomy.areas)])


def _by_area(area: Area, probability: float) -> Blur:
    if area.graphic >= _MOST_GRAPHIC and probability >= LIKELY:
        return Blur(MOST, f"{area.name} is likely ({_FROM_TEXT})")
    if area.graphic * probability >= _EXPECTED_GRAPHIC:
        return Blur(STRONG, f"{area.name} is possible ({_FROM_TEXT})")
    return Blur(LEAST, "")
