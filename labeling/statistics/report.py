"""All statistics of agreement of one file of answers, as JSON values and as text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from labeling.statistics.alpha import krippendorff_alpha
from labeling.statistics.bootstrap import SEED, Coefficient
from labeling.statistics.dawid_skene import NotConvergedError, dawid_skene, dawid_skene_estimates
from labeling.statistics.estimate import Estimate
from labeling.statistics.nominal import Weights, cohen_kappa, fleiss_kappa, gwet_ac1, raw_agreement
from labeling.statistics.ratings import Ratings, RatingsError

NOTE = (
    "95 % intervals over items: BCa by {resamples} resamples, of Dawid-Skene by {fits} fits, at least Wilson's; seed {seed}. Agreement is not "
    "accuracy: what experts reach among themselves is the most that can be asked of anybody."
)


def agreement_report(
    ratings: Ratings, *, experts: Sequence[str] = (), seed: int = SEED, resamples: int = 2000, fits: int = 200
) -> dict[str, Any]:
    """Figures of all raters, and of the experts alone where they are named. Raises RatingsError."""
    groups = {"all": ratings}
    if experts:
        if len(set(experts)) < 2:
            raise RatingsError("name two experts or more: one alone agrees with nobody")
        groups["experts"] = ratings.only(experts)
    return {
        "items": len(ratings.items),
        "raters": len(ratings.raters),
        "labels": list(ratings.labels),
        "ordered": ratings.ordered,
        "answers": len(ratings.item),
        "note": NOTE.format(resamples=resamples, fits=fits, seed=seed),
        "agreement": {
            group: {name: _figure(make, seed, resamples) for name, make in _coefficients(of).items()}
            for group, of in groups.items()
        },
        "dawid_skene": _dawid_skene(ratings, seed, fits),
    }


def _coefficients(ratings: Ratings) -> dict[str, Callable[[], Coefficient]]:
    counts = ratings.counts()
    found: dict[str, Callable[[], Coefficient]] = {"raw agreement": lambda: raw_agreement(counts)}
    weights: tuple[Weights, ...] = ("none", "linear", "quadratic") if ratings.ordered else ("none",)
    for each in weights:
        name = "Cohen's kappa" if each == "none" else f"Cohen's kappa, {each} weights"
        found[name] = partial(_cohen, ratings, each)
    found["Fleiss' kappa"] = lambda: fleiss_kappa(counts)
    found["Krippendorff's alpha, nominal"] = lambda: krippendorff_alpha(counts)
    if ratings.ordered:
        found["Krippendorff's alpha, ordinal"] = lambda: krippendorff_alpha(counts, metric="ordinal")
    found["Gwet's AC1"] = lambda: gwet_ac1(counts)
    return found


def _cohen(ratings: Ratings, weights: Weights) -> Coefficient:
    if len(ratings.raters) != 2:
        raise ValueError(f"Cohen's kappa is for two raters, here are {len(ratings.raters)}: name two with --raters")
    first, second = (ratings.codes_of(rater) for rater in ratings.raters)
    return cohen_kappa(first, second, levels=len(ratings.labels), weights=weights)


def _figure(make: Callable[[], Coefficient], seed: int, resamples: int) -> dict[str, Any]:
    """The estimate, or why there is none."""
    try:
        found = make().estimate(seed=seed, resamples=resamples)
    except ValueError as error:
        return {**asdict(Estimate(None, None, None, 0)), "text": str(error)}
    return {**asdict(found), "text": str(found)}


def _dawid_skene(ratings: Ratings, seed: int, fits: int) -> dict[str, Any]:
    try:
        fit = dawid_skene(ratings)
        found = dawid_skene_estimates(ratings, fit, seed=seed, resamples=fits)
    except (RatingsError, NotConvergedError) as error:
        return {"why_not": str(error)}
    figures: dict[str, Any] = {
        kind: {str(name): {**asdict(one), "text": str(one)} for name, one in each.items()}
        for kind, each in (("prevalence", found.prevalence), ("accuracy", found.accuracy))
    }
    return {**figures, "unsettled": found.unsettled}


def agreement_text(report: Mapping[str, Any]) -> str:
    """The report for the terminal."""
    order = " in their order" if report["ordered"] else ""
    lines = [
        f"{report['items']:,} items, {report['raters']} raters, {report['answers']:,} answers, {len(report['labels'])} labels{order}"
    ]
    for group, figures in report["agreement"].items():
        lines += ["", "agreement" if group == "all" else "agreement of the experts: the ceiling", *_lines(figures)]
    fitted = report["dawid_skene"]
    if "why_not" in fitted:
        lines += ["", f"Dawid-Skene: {fitted['why_not']}"]
    else:
        lines += [
            "",
            "prevalence of labels among these items (Dawid-Skene; off where items are hard for everybody)",
            *_lines(fitted["prevalence"]),
        ]
        lines += ["", "accuracy of raters (Dawid-Skene), by name", *_lines(fitted["accuracy"])]
        if fitted["unsettled"]:
            lines += ["", f"{fitted['unsettled']} resamples of Dawid-Skene did not settle and are left out"]
    return "\n".join([*lines, "", report["note"]])


def _lines(figures: Mapping[str, Any]) -> list[str]:
    width = max(map(len, figures))
    return [
        f"  {name.ljust(width)}  {one['text']}" + (f"  n = {one['n']}" if one["value"] is not None else "")
        for name, one in figures.items()
    ]
