"""How far the two labels of the same texts agree: beyond chance, by area and on severity."""

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.corpus.reader import CorpusText
from labeling.statistics.nominal import cohen_kappa
from labeling.taxonomy import SEVERITY_LEVELS, Taxonomy


@dataclass(frozen=True, slots=True)
class AreaAgreement:
    """One area: how many texts each of the two gave it, how many both, and Cohen's kappa (None where it has none)."""

    first: int
    second: int
    both: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on `texts` texts that have two labels.

    `exact` is the share with the very same set of areas, `harm_kappa` is on whether any area applies,
    `severity_kappa` is weighted by squared distance (Cohen 1968).
    """

    texts: int
    exact: float
    harm_kappa: float | None
    severity_kappa: float | None
    areas: dict[str, AreaAgreement]


def agreement(texts: Sequence[CorpusText], taxonomy: Taxonomy) -> Agreement:
    """Measure it on the texts that have two labels. Raises ValueError where there is none."""
    pairs = [(one.first, one.second) for one in texts if one.second]
    if not pairs:
        raise ValueError("no text has two labels, so there is no agreement to measure")
    areas: dict[str, AreaAgreement] = {}
    for area in taxonomy.area_ids:
        votes = [(area in first.areas, area in second.areas) for first, second in pairs]
        areas[area] = AreaAgreement(
            first=sum(one for one, _ in votes),
            second=sum(other for _, other in votes),
            both=sum(one and other for one, other in votes),
            kappa=_kappa(votes, levels=2),
        )
    return Agreement(
        texts=len(pairs),
        exact=sum(first.areas == second.areas for first, second in pairs) / len(pairs),
        harm_kappa=_kappa([(bool(a.areas), bool(b.areas)) for a, b in pairs], levels=2),
        severity_kappa=_kappa([(a.severity, b.severity) for a, b in pairs], levels=SEVERITY_LEVELS),
        areas=areas,
    )


def _kappa(pairs: Sequence[tuple[int, int]], *, levels: int) -> float | None:
    """By squared distance, which of two levels is the plain one; None where chance alone would agree on everything."""
    first, second = zip(*pairs, strict=True)
    return cohen_kappa(first, second, levels=levels, weights="quadratic").value
