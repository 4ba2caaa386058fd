"""How many labels does the choice of what to label save? Known labels are hidden, and asked for batch by batch.

For each area and seed, some of the labelled rows are the pool and others are held out. A learner (`eval.next.learner`) is taught
with the whole pool first: its average precision on the held-out rows is the full score. Then two courses begin from the same
random rows: one goes on at random, one by `eval.next.draw`, its fixed random share included. A course has reached the target
where it comes to GOAL of the full score and stays there until half of the pool is labelled: both are judged by the same steps. Random
order then goes on, to see which share it takes where half was not enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Values, average_precision
from eval.next.draw import Mix, Pool, draw
from eval.next.learner import AreaModel, Sparse, features_of, fit_area, vectors_of
from eval.next.strategies import Rows
from labeling.records import LabelledText, RecordError

GOAL = 0.98
HALF = 0.5
# Shares of the pool that are labelled when a course is measured. Only random order goes on beyond a half: there is nothing
# to win there.
STEPS = (0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
LATER_STEPS = (0.6, 0.7, 0.8, 0.9, 1.0)
# Fewer positives among the held-out rows make no score.
MIN_HELD_OUT_POSITIVES = 15


@dataclass(frozen=True, slots=True)
class Trial:
    """One area by one seed: features and labels of the pool and of the held-out rows."""

    area: str
    seed: int
    features: Sparse
    labels: NDArray[np.bool_]
    vectors: Values
    held_features: Sparse
    held_labels: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Course:
    """Scores after each share of the pool was labelled, `positives` of the area being among it."""

    shares: tuple[float, ...]
    scores: tuple[float, ...]
    positives: tuple[int, ...]

    def reached(self, target: float) -> float | None:
        """The share from which on every score is at least `target`; None where the last is not."""
        below = [place for place, score in enumerate(self.scores) if score < target]
        first = below[-1] + 1 if below else 0
        return self.shares[first] if first < len(self.shares) else None

    def until(self, share: float) -> "Course":
        """The course as far as that share."""
        count = self.shares.index(share) + 1
        return Course(self.shares[:count], self.scores[:count], self.positives[:count])

    def at(self, share: float) -> float:
        """The score after that share was labelled."""
        return self.scores[self.shares.index(share)]


@dataclass(frozen=True, slots=True)
class Result:
    """What one trial showed."""

    area: str
    seed: int
    rows: int
    positives: int
    held_out: int
    full: float
    chosen: Course
    random: Course


def make_trial(
    rows: Sequence[LabelledText], held_out: Sequence[LabelledText], area: str, *, most: int, seed: int
) -> Trial:
    """At most `most` rows each of those that know the area, drawn by the seed. Raises RecordError for too few."""
    generator = np.random.default_rng([seed, 0])
    pool, held = (_drawn(part, area, most, generator) for part in (rows, held_out))
    held_labels = np.array([area in row.policy_areas for row in held], bool)
    if held_labels.sum() < MIN_HELD_OUT_POSITIVES or held_labels.all():
        raise RecordError(f"{area}: {int(held_labels.sum())} positives of {len(held)} held-out rows make no score")
    # The words of the pool are known before its labels are; those of the held-out rows are not used for the vocabulary.
    features = features_of([row.text for row in [*pool, *held]], vocabulary_of=len(pool))
    return Trial(
        area,
        seed,
        features[: len(pool)],
        np.array([area in row.policy_areas for row in pool], bool),
        vectors_of(features[: len(pool)], seed=seed),
        features[len(pool) :],
        held_labels,
    )


def run_trial(trial: Trial, mix: Mix) -> Result | None:
    """Both courses; None where the whole pool teaches nothing."""
    if (model := fit_area(trial.features, trial.labels)) is None:
        return None
    return Result(
        trial.area,
        trial.seed,
        len(trial.labels),
        int(trial.labels.sum()),
        len(trial.held_labels),
        _score(trial, model),
        _course(trial, mix, STEPS),
        _course(trial, None, STEPS + LATER_STEPS),
    )


def _course(trial: Trial, mix: Mix | None, steps: Sequence[float]) -> Course:
    """Label step by step, by the mix or, without one, in the random order that both begin with."""
    everything = len(trial.labels)
    order = np.random.default_rng([trial.seed, 1]).permutation(everything)
    known = order[: round(steps[0] * everything)]
    scores: list[float] = []
    positives: list[int] = []
    for place, share in enumerate(steps):
        wanted = round(share * everything) - len(known)
        if wanted:
            model = fit_area(trial.features[known], trial.labels[known]) if mix else None
            more = order[len(known) : len(known) + wanted]
            # Without enough of both kinds there is no model to ask, and the order goes on at random.
            if mix and model:
                more = _next(trial, model, known, wanted, mix=mix, seed=trial.seed * 1_000 + place)
            elif mix:
                more = order[~np.isin(order, known)][:wanted]
            known = np.concatenate([known, more])
        scores.append(_score(trial, fit_area(trial.features[known], trial.labels[known])))
        positives.append(int(trial.labels[known].sum()))
    return Course(tuple(steps), tuple(scores), tuple(positives))


def _next(trial: Trial, model: AreaModel, known: Rows, wanted: int, *, mix: Mix, seed: int) -> Rows:
    left = np.setdiff1d(np.arange(len(trial.labels)), known)
    pool = Pool(
        trial.vectors[left],
        model.probabilities(trial.features[left])[:, None],
        np.array([model.threshold]),
        trial.vectors[known],
    )
    return left[[pick.row for pick in draw(pool, wanted, mix=mix, seed=seed)]]


def _score(trial: Trial, model: AreaModel | None) -> float:
    """Average precision on the held-out rows; that of a random order, the base rate, where nothing was learned."""
    if model is None:
        return float(trial.held_labels.mean())
    wanted = trial.held_labels.astype(np.float64)
    return average_precision(wanted, np.asarray(trial.held_features @ model.weights).ravel())


def _drawn(rows: Sequence[LabelledText], area: str, most: int, generator: np.random.Generator) -> list[LabelledText]:
    known = [row for row in rows if area in row.annotated_areas]
    if not known:
        raise RecordError(f"{area}: no row says whether it applies")
    return [known[one] for one in generator.permutation(len(known))[:most]]
