"""What is true of each item and how each rater errs, found together from the answers alone.

Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", J. R. Stat. Soc. C 28,
1979. Given the true label, raters are taken to err independently of each other; where they share an error (the same outdated
guideline) no method on answers alone can see it.

Error rates are drawn towards those of all raters together: a rater with a handful of answers is taken to be like the
others, and one with hundreds is judged by those. Without that, one answer makes a rater perfect or useless.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.bootstrap import SEED, Values
from labeling.statistics.estimate import Estimate
from labeling.statistics.ratings import Label, Ratings, RatingsError
from labeling.statistics.weighted import wilson

MIN_RATERS = 3
RESAMPLES = 200
# Of more resamples than this that do not settle, the others would tell too narrow an interval.
MOST_UNSETTLED = 0.05


class NotConvergedError(RuntimeError):
    """The rounds ended before the answer stood still; the message says how far it still moved and what to do."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """How the model is fitted.

    `shrinkage` is how many answers the error rates of all raters together count for, in each rater and true label; 0 is the
    method as published. It ends when no probability moves by more than `tolerance`, and fails after `rounds`.
    """

    shrinkage: float = 4.0
    tolerance: float = 1e-5
    rounds: int = 2000


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """`posterior` (items, labels), `confusion` (raters, true label, given label), `prevalence` (labels)."""

    posterior: Values
    confusion: Values
    prevalence: Values
    log_likelihood: float
    rounds: int
    # What it was fitted with; 0 is the weight of an item that nobody answered.
    weights: Values
    fitting: Fitting

    @property
    def accuracy(self) -> Values:
        """For each rater, the share of items of this prevalence that they would label right."""
        return np.asarray(np.einsum("rjj,j->r", self.confusion, self.prevalence))


def dawid_skene(ratings: Ratings, *, weights: Values | None = None, fitting: Fitting | None = None) -> DawidSkene:
    """Fit the model by EM, starting from the share of votes (equation 3.1 of the paper).

    `weights` says how many items of the whole each item stands for (1 / its chance of being reviewed), so that prevalence
    and error rates are those of the whole. Raises RatingsError, NotConvergedError.
    """
    if len(ratings.raters) < MIN_RATERS:
        raise RatingsError(f"Dawid-Skene needs answers of {MIN_RATERS} raters or more, here are {len(ratings.raters)}")
    fitting = fitting or Fitting()
    counts = ratings.counts().astype(np.float64)
    answers = counts.sum(axis=1, keepdims=True)
    votes = np.where(answers > 0, counts / np.maximum(answers, 1), 1 / counts.shape[1])
    return _fit(ratings, votes, _weights(weights, answers[:, 0] > 0), fitting)


def _weights(weights: Values | None, answered: NDArray[np.bool_]) -> Values:
    """One weight for each item, 1 on average over those that somebody answered; the others say nothing."""
    if weights is None:
        return answered.astype(np.float64)
    if weights.shape != answered.shape or not np.isfinite(weights).all() or (weights < 0).any():
        raise RatingsError(f"weights must be {len(answered)} numbers, one for each item and none below 0")
    kept = weights * answered
    if not kept.any():
        raise RatingsError("every item that was answered has the weight 0")
    return np.asarray(kept * (answered.sum() / kept.sum()))


def _fit(ratings: Ratings, posterior: Values, weights: Values, fitting: Fitting) -> DawidSkene:
    moved = np.inf
    for done in range(1, fitting.rounds + 1):
        confusion = _confusion(ratings, posterior * weights[:, None], fitting.shrinkage)
        prevalence = weights @ posterior / weights.sum()
        before = posterior
        posterior, log_likelihood = _posterior(ratings, confusion, prevalence)
        moved = float(np.abs(posterior - before)[weights > 0].max())
        if moved < fitting.tolerance:
            return DawidSkene(
                posterior,
                confusion,
                prevalence,
                float(weights @ log_likelihood),
                done,
                weights=weights,
                fitting=fitting,
            )
    raise NotConvergedError(
        f"Dawid-Skene still moved by {moved:.1g} after {fitting.rounds} rounds: allow more rounds or a larger tolerance, or "
        "bring more answers; raters who share no items cannot be compared"
    )


def _confusion(ratings: Ratings, known: Values, shrinkage: float) -> Values:
    """What each rater says of each true label, drawn towards what all of them say."""
    raters, labels = len(ratings.raters), len(ratings.labels)
    cell = ratings.rater * labels + ratings.label
    counts = np.stack(
        [
            np.bincount(cell, known[ratings.item, true], raters * labels).reshape(raters, labels)
            for true in range(labels)
        ],
        axis=1,
    )
    if shrinkage:
        # One answer that is right and one that is anything, so that nothing is impossible that was not seen.
        together = counts.sum(axis=0) + np.eye(labels) + 1 / labels
        counts = counts + shrinkage * together / together.sum(axis=1, keepdims=True)
    total = counts.sum(axis=2, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / labels)


def _posterior(ratings: Ratings, confusion: Values, prevalence: Values) -> tuple[Values, Values]:
    """The probability of each true label of each item (equation 2.5), and the log-likelihood of its answers."""
    items, labels = len(ratings.items), len(ratings.labels)
    with np.errstate(divide="ignore"):
        log_confusion, log_prevalence = np.log(confusion), np.log(prevalence)
    said = [log_confusion[ratings.rater, true, ratings.label] for true in range(labels)]
    scores = np.stack([np.bincount(ratings.item, one, items) for one in said], axis=1) + log_prevalence
    top = scores.max(axis=1, keepdims=True)
    likelihood = np.exp(scores - top)
    total = likelihood.sum(axis=1, keepdims=True)
    return likelihood / total, (top + np.log(total))[:, 0]


@dataclass(frozen=True, slots=True)
class DawidSkeneEstimates:
    """Prevalence of each label and accuracy of each rater with intervals, by name.

    `unsettled` resamples did not converge and are left out of the intervals.
    """

    prevalence: dict[Label, Estimate]
    accuracy: dict[str, Estimate]
    unsettled: int = 0


def dawid_skene_estimates(
    ratings: Ratings, fit: DawidSkene, *, seed: int = SEED, resamples: int = RESAMPLES
) -> DawidSkeneEstimates:
    """Intervals by fitting the model anew on resampled items, each time from where `fit` stands.

    None is narrower than Wilson's, around the estimate and around the plain share of a rater's answers that are right: who was right
    on every item is so on every resample, and what is drawn towards the others varies less than it is off. A rater's `n` is how
    many items they answered. Raises RatingsError, and NotConvergedError where more than MOST_UNSETTLED of the resamples do not
    settle.
    """
    labels, raters = len(ratings.labels), len(ratings.raters)
    answered = np.bincount(ratings.item, minlength=len(ratings.items)) > 0
    drawn = _refitted(ratings, fit, answered, seed=seed, resamples=resamples)
    ends = np.quantile(np.array(drawn), [0.025, 0.975], axis=0, method="weibull")
    values = np.concatenate([fit.prevalence, fit.accuracy]).clip(0, 1)
    plain = np.concatenate([fit.prevalence, _share_right(ratings, fit)]).clip(0, 1)
    rater, item = np.unique(np.stack([ratings.rater, ratings.item]), axis=1)
    numbers = [int(answered.sum())] * labels + np.bincount(rater, minlength=raters).tolist()
    worth = [_worth(fit.weights)] * labels + [_worth(fit.weights[item[rater == one]]) for one in range(raters)]
    found = []
    for value, share, each, draws, n in zip(values, plain, ends.T.tolist(), worth, numbers, strict=True):
        held = [*each, *wilson(float(value), draws), *wilson(float(share), draws)]
        found.append(Estimate(float(value), min(held), max(held), n))
    return DawidSkeneEstimates(
        dict(zip(ratings.labels, found[:labels], strict=True)),
        dict(zip(ratings.raters, found[labels:], strict=True)),
        resamples - len(drawn),
    )


def _share_right(ratings: Ratings, fit: DawidSkene) -> Values:
    """The share of each rater's own answers that are right, as probably as the fit has it; 0 where they all weigh nothing."""
    weights, raters = fit.weights[ratings.item], len(ratings.raters)
    right = np.bincount(ratings.rater, weights * fit.posterior[ratings.item, ratings.label], raters)
    return right / np.maximum(np.bincount(ratings.rater, weights, raters), np.finfo(float).tiny)


def _worth(weights: Values) -> float:
    """As many items of one weight tell as much as these (Kish, Survey Sampling, 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0


def _refitted(
    ratings: Ratings, fit: DawidSkene, answered: NDArray[np.bool_], *, seed: int, resamples: int
) -> list[Values]:
    """Prevalence and accuracy of every resample that settles."""
    random = np.random.default_rng(seed)
    drawn: list[Values] = []
    for done in range(resamples):
        times = np.zeros(len(ratings.items))
        times[answered] = random.multinomial(answered.sum(), np.full(answered.sum(), 1 / answered.sum()))
        try:
            again = _fit(ratings, fit.posterior, fit.weights * times, fit.fitting)
        except NotConvergedError:
            if done + 1 - len(drawn) > MOST_UNSETTLED * resamples:
                raise
            continue
        drawn.append(np.concatenate([again.prevalence, again.accuracy]))
    return drawn
