"""How well an image model tells each class on labelled pictures, and whether that is good enough to lean on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.markdown import table_markdown
from eval.metrics import MIN_POSITIVES, Calibration, Counts, Interval, Ranking, bootstrap, middle
from eval.pictures.data import LabelledPicture, describe, pixels
from eval.sections import Table
from labeling.image_classes import IMAGE_CLASS_IDS
from models.images import Assessment, ImageModel

# A picture is taken to show a class from here on.
LIKELY = 0.5
# Probabilities that miss the truth by more, on average and beyond chance, are not to be shown to people.
MOST_ECE = 0.1
_PER_BATCH = 32


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one class on pictures whose label for it is known.

    AUPRC (higher is better; base_rate is what a random order reaches) and expected calibration error (lower is better)
    with 95 % intervals over groups of near-duplicates; recall and precision where the probability is LIKELY or more,
    precision None where it never is.
    """

    pictures: int
    positives: int
    base_rate: float
    auprc: float
    auprc_interval: Interval
    ece: float
    ece_interval: Interval
    recall: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class PictureReport:
    """What a model makes of labelled pictures. `too_few` has the positives of classes with too few for a figure."""

    model: str
    hash: str
    data: dict[str, Any]
    classes: dict[str, ClassFigures]
    too_few: dict[str, int]
    cannot_tell: tuple[str, ...]
    findings: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against leaning on the model, for any class that it tells."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {**asdict(self), "passed": self.passed}

    def to_markdown(self) -> str:
        """The report for people."""
        rows = [
            (
                name,
                str(one.pictures),
                str(one.positives),
                f"{one.base_rate:.3f}",
                f"{one.auprc:.3f} ({one.auprc_interval.low:.3f}-{one.auprc_interval.high:.3f})",
                f"{one.ece:.3f} ({one.ece_interval.low:.3f}-{one.ece_interval.high:.3f})",
                f"{one.recall:.3f}",
                "-" if one.precision is None else f"{one.precision:.3f}",
            )
            for name, one in self.classes.items()
        ]
        head = ("class", "pictures", "positives", "base rate", "AUPRC (95 %)", "ECE (95 %)", "recall", "precision")
        notes = [f"- {name}: {finding}" for name, finding in self.findings.items()]
        data = self.data
        intro = (
            f"Written by `python -m eval image`. Manifest {self.hash}; {data['pictures']} pictures in {data['groups']} groups"
            f" of near-duplicates, part {data['part']}, data {data['sha256']}."
        )
        reading = (
            "AUPRC is to be read against the base rate, which a random order reaches. Recall and precision are at a"
            f" probability of {LIKELY}. Not assessed, so never a reason to show more: {', '.join(self.cannot_tell) or 'none'}."
        )
        verdict = "**Passed.**" if self.passed else "**Not passed.** Do not lean on it:\n\n" + "\n".join(notes)
        parts = [f"# Image model {self.model}", intro, table_markdown(Table(head, tuple(rows))), reading, verdict]
        return "\n\n".join(parts) + "\n"


def measure_model(
    model: ImageModel, pictures: Sequence[LabelledPicture], *, part: str, draws: int = 500, seed: int = 1
) -> PictureReport:
    """Assess all pictures and measure every class. Raises PictureDataError."""
    assessments: list[Assessment] = []
    for start in range(0, len(pictures), _PER_BATCH):
        assessments += model.assess([pixels(one) for one in pictures[start : start + _PER_BATCH]])
    data = {**describe(pictures), "part": part}
    return _report_of(model.name, model.hash, pictures, assessments, data=data, bootstrap_of=(draws, seed))


def _report_of(
    name: str,
    model_hash: str,
    pictures: Sequence[LabelledPicture],
    assessments: Sequence[Assessment],
    *,
    data: dict[str, Any],
    bootstrap_of: tuple[int, int] = (500, 1),
) -> PictureReport:
    """The report on assessments that are there already; `bootstrap_of` is (draws, seed)."""
    cannot_tell = tuple(one for one in IMAGE_CLASS_IDS if all(row[one] is None for row in assessments))
    classes: dict[str, ClassFigures] = {}
    too_few: dict[str, int] = {}
    for one in IMAGE_CLASS_IDS:
        if one in cannot_tell:
            continue
        known = [
            place for place, row in enumerate(assessments) if one in pictures[place].labels and row[one] is not None
        ]
        labels = np.array([pictures[place].labels[one] for place in known], np.float64)
        scores = np.array([assessments[place][one] for place in known], np.float64)
        positives = int(labels.sum())
        if min(positives, len(labels) - positives) < MIN_POSITIVES:
            too_few[one] = positives
            continue
        groups = np.unique([pictures[place].group for place in known], return_inverse=True)[1]
        classes[one] = _figures(labels, scores, groups, bootstrap_of)
    findings = {one: finding for one in classes if (finding := _finding(classes[one]))}
    findings |= {
        one: f"too few pictures to say anything: {positives} positives; {MIN_POSITIVES} of each kind are needed"
        for one, positives in too_few.items()
    }
    return PictureReport(name, model_hash, data, classes, too_few, cannot_tell, findings)


def _figures(
    labels: NDArray[np.float64], scores: NDArray[np.float64], groups: NDArray[np.integer], bootstrap_of: tuple[int, int]
) -> ClassFigures:
    ranking, calibration = Ranking(labels, scores), Calibration(labels, scores)
    draws, seed = bootstrap_of
    statistic = partial(_statistic, ranking, calibration, groups)
    drawn = bootstrap([statistic], int(groups.max()) + 1, draws=draws, seed=seed)[0]
    once = np.ones(len(labels), np.int64)
    flagged = scores >= LIKELY
    return ClassFigures(
        pictures=len(labels),
        positives=int(labels.sum()),
        base_rate=float(labels.mean()),
        auprc=ranking.average_precision(once),
        auprc_interval=middle(drawn[:, 0]),
        ece=calibration.error(once),
        ece_interval=middle(drawn[:, 1]),
        recall=float(labels[flagged].sum() / labels.sum()),
        precision=float(labels[flagged].mean()) if flagged.any() else None,
    )


def _statistic(
    ranking: Ranking, calibration: Calibration, groups: NDArray[np.integer], times: Counts
) -> tuple[float, float]:
    """AUPRC and calibration error with each group of near-duplicates counted as often as it was drawn."""
    rows = times[groups]
    return ranking.average_precision(rows), calibration.error(rows)


def _finding(figures: ClassFigures) -> str | None:
    if not figures.auprc_interval.low > figures.base_rate:
        return f"no better than chance can be excluded: AUPRC from {figures.auprc_interval.low:.3f}, base rate {figures.base_rate:.3f}"
    if figures.ece_interval.low > MOST_ECE:
        return f"its probabilities are off by {figures.ece:.3f} on average, more than {MOST_ECE}; calibrate it"
    return None
