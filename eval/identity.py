"""Does a text that merely mentions a group of people, or is written in a dialect, get flagged more often?"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.figures import Estimate, Settings, estimates
from eval.metrics import Counts, Statistic, cut_at_recall
from eval.scored import Scored
from labeling.records import LabelledText
from models.languages import primary_language

TERMS = "identity_terms.toml"
ANY_GROUP = "any group"


@dataclass(frozen=True, slots=True)
class Gap:
    """False positives among `n` rows that mention the group, minus those among `n_without` rows that mention none.

    `fpr` and `fpr_without` are the two shares at the bundle's threshold; `gap` is their difference. The other two gaps
    are at the score that finds 80 % of the positives, and at the threshold again with each mention compared only with
    rows of its own language, so that a difference between languages is not taken for one between groups. Their
    intervals hold that score and the thresholds as they are. None where
    the area was not learned; at that recall also where no positive is known.
    """

    n: int
    n_without: int
    fpr: float | None
    fpr_without: float | None
    gap: Estimate
    gap_at_recall_80: Estimate
    gap_same_language: Estimate


@dataclass(frozen=True, slots=True)
class IdentityReport:
    """Gaps of every group and dialect that the rows mention, on rows known not to violate `area`."""

    area: str
    negatives: int
    groups: dict[str, Gap]
    dialects: dict[str, Gap]


def identity_report(scored: Scored, settings: Settings) -> IdentityReport | None:
    """Gaps on the negatives of the area that the list of terms names; None where no such row is known."""
    area = str(_terms()["area"])
    if area not in scored.areas or np.isnan(scored.scores.areas[:, scored.areas.index(area)]).any():
        return None
    column = scored.areas.index(area)
    known = scored.truth.known[:, column] > 0
    cut = cut_at_recall(scored.truth.labels[known, column], scored.scores.areas[known, column])
    negatives = scored.take(known & (scored.truth.labels[:, column] == 0))
    if not negatives.rows:
        return None
    score = negatives.scores.areas[:, column]
    flags = np.column_stack([score >= negatives.thresholds[column], score >= cut]).astype(np.float64)
    # What cannot be measured must not look even: an area that was not learned, a cut that no positive sets.
    if not negatives.usable[column]:
        flags[:] = np.nan
    elif np.isnan(cut):
        flags[:, 1] = np.nan
    groups, dialects = (_mentions(negatives.rows, kind) for kind in ("groups", "dialects"))
    nobody = ~np.logical_or.reduce(list(groups.values()))
    if groups:
        groups = {ANY_GROUP: ~nobody, **groups}
    languages = np.unique([row.lang for row in negatives.rows], return_inverse=True)[1]
    return IdentityReport(
        area,
        len(negatives.rows),
        {
            name: _gap(flags, rows, nobody, languages=languages, settings=settings)
            for name, rows in groups.items()
            if rows.any()
        },
        {
            name: _gap(flags, rows, ~rows & _spoken(negatives, name), languages=languages, settings=settings)
            for name, rows in dialects.items()
            if rows.any()
        },
    )


def mentions(text: str, lang: str, terms: Mapping[str, list[str]]) -> bool:
    """Whether `text` contains one of `terms` (by language) of its language, or of any where the language is unknown."""
    pattern = _pattern(tuple(sorted((one, tuple(words)) for one, words in terms.items())), primary_language(lang))
    return bool(pattern and pattern.search(text))


def groups_mentioned(rows: Sequence[LabelledText]) -> dict[str, NDArray[np.bool_]]:
    """For each group of the list of terms, which of the rows (n,) mention it."""
    return _mentions(rows, "groups")


def _mentions(rows: Sequence[LabelledText], kind: str) -> dict[str, NDArray[np.bool_]]:
    return {
        name: np.array([mentions(row.text, row.lang, terms) for row in rows], bool)
        for name, terms in _terms()[kind].items()
    }


def _spoken(scored: Scored, dialect: str) -> NDArray[np.bool_]:
    languages = set(_terms()["dialects"][dialect])
    return np.array([primary_language(row.lang) in languages for row in scored.rows], bool)


def _gap(
    flags: NDArray[np.float64],
    mention: NDArray[np.bool_],
    without: NDArray[np.bool_],
    *,
    languages: NDArray[np.int64],
    settings: Settings,
) -> Gap:
    (found,) = estimates(
        [_gaps(flags, mention.astype(np.int64), without.astype(np.int64), languages=languages)], len(flags), settings
    )
    return Gap(
        n=int(mention.sum()),
        n_without=int(without.sum()),
        fpr=_mean(flags[mention, 0]),
        fpr_without=_mean(flags[without, 0]),
        gap=found[0],
        gap_at_recall_80=found[1],
        gap_same_language=found[2],
    )


def _gaps(
    flagged: NDArray[np.float64],
    mention: NDArray[np.int64],
    without: NDArray[np.int64],
    *,
    languages: NDArray[np.int64],
) -> Statistic:
    def rates(weight: Counts) -> NDArray[np.float64]:
        rate: NDArray[np.float64] = (weight @ flagged) / weight.sum()
        return rate

    def statistic(times: Counts) -> list[float]:
        with np.errstate(invalid="ignore"):
            plain = rates(times * mention) - rates(times * without)
            sums = [
                np.bincount(languages, weights=times * group * what)
                for group in (mention, without)
                for what in (flagged[:, 0], 1)
            ]
            by_language = sums[0] / sums[1] - sums[2] / sums[3]
        both = (sums[1] > 0) & (sums[3] > 0)
        same = float(np.average(by_language[both], weights=sums[1][both])) if both.any() else float("nan")
        return [float(plain[0]), float(plain[1]), same]

    return statistic


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) and not np.isnan(values).any() else None


@lru_cache(maxsize=1024)
def _pattern(terms: tuple[tuple[str, tuple[str, ...]], ...], language: str) -> re.Pattern[str] | None:
    by_language = dict(terms)
    asked = [language] if language in by_language or language in _listed() else list(by_language)
    matching: Mapping[str, list[str]] = _terms()["matching"]
    parts: list[str] = []
    for one in asked:
        words = "|".join(re.escape(word) for word in by_language.get(one, ()))
        if words:
            before = "" if one in matching["anywhere"] else r"(?<!\w)"
            after = "" if one in (*matching["anywhere"], *matching["start"]) else r"(?!\w)"
            parts.append(f"{before}(?:{words}){after}")
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


@lru_cache(maxsize=1)
def _listed() -> frozenset[str]:
    return frozenset(language for terms in _terms()["groups"].values() for language in terms)


@lru_cache(maxsize=1)
def _terms() -> dict[str, Any]:
    return tomllib.loads(resources.files("eval").joinpath(TERMS).read_text(encoding="utf-8"))
