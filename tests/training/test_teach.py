"""What teachers say: averaged, put beside the rows, and into the loss where nobody labelled."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from eval.scores import ScoreError
from eval.truth import make_truth
from labeling.records import LabelledText, RecordError
from tests.training.small import CONFIG
from training.config import TrainConfig
from training.data import make_targets, row_weights
from training.loss import Rows, make_loss
from training.pairs import find_twins
from training.robust import source_numbers
from training.teach import teach

AREAS = ("spam", "privacy")
ROW = LabelledText("a", "win a prize", ("spam",), ("spam",), None, "forum", "en")
OTHER = replace(ROW, id="b", policy_areas=(), text="hello")


def score_file(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def loss_at(
    logits: list[list[float]], rows: list[LabelledText], config: TrainConfig, *, severity: float = 0.0
) -> float:
    truth = make_truth(rows, AREAS)
    held = Rows(
        [], np.ones(len(rows), np.int64), truth, make_targets(rows, truth, AREAS), row_weights(rows),
        np.arange(len(rows)), source_numbers(rows), find_twins(rows),
    )  # fmt: skip
    nothing = torch.full((len(rows), 4), severity), torch.zeros(len(rows), 3)
    loss_of = make_loss(held, config, torch.device("cpu"))
    return float(loss_of((torch.tensor(logits), *nothing), np.arange(len(rows))))


def test_teachers_are_averaged_area_by_area(tmp_path: Path) -> None:
    files = [
        score_file(tmp_path / "1", [{"id": "a", "areas": {"spam": 0.2, "privacy": 0.4}}, {"id": "z", "areas": {}}]),
        score_file(tmp_path / "2", [{"id": "a", "areas": {"privacy": 0.8}}]),
    ]
    taught, same = teach([ROW, OTHER], files)
    assert taught.extra["taught"] == {"spam": 0.2, "privacy": 0.6}
    assert same == OTHER
    assert teach([ROW], []) == [ROW]


def test_a_file_of_other_rows_and_a_broken_one_are_refused(tmp_path: Path) -> None:
    other = score_file(tmp_path / "1", [{"id": "z", "areas": {"spam": 0.2}}])
    with pytest.raises(RecordError, match="has no score of any of the 1 rows"):
        teach([ROW], [other])
    broken = score_file(tmp_path / "2", [{"id": "a"}])
    with pytest.raises(ScoreError, match="2:1: not a line of scores"):
        teach([ROW], [broken])


def test_where_nobody_labelled_the_teacher_does() -> None:
    rows = [replace(ROW, extra={"taught": {"privacy": 0.9}}), OTHER]
    config = replace(CONFIG, severity_loss=0.0, graphic_loss=0.0, teacher_unlabelled=0.5)
    agreed, against = (loss_at([[2.0, logit], [-2.0, 0.0]], rows, config) for logit in (2.0, -2.0))
    assert agreed < against
    # The other row's area stays masked: nobody labelled it and nobody taught it.
    assert loss_at([[2.0, 2.0], [-2.0, 9.0]], rows, config) == pytest.approx(agreed)
    # A label keeps its weight, however much is taught beside it.
    silent = loss_at([[2.0, 0.0], [-2.0, 0.0]], [ROW, OTHER], config)
    off = replace(config, teacher_unlabelled=0.0)
    assert loss_at([[2.0, 5.0], [-2.0, 0.0]], rows, off) == pytest.approx(silent)


def test_beside_a_label_the_teacher_counts_as_far_as_the_configuration_says() -> None:
    rows = [replace(ROW, extra={"taught": {"spam": 0.0}}), OTHER]
    config = replace(CONFIG, severity_loss=0.0, graphic_loss=0.0)
    sure, unsure = [[6.0, 0.0], [-2.0, 0.0]], [[1.0, 0.0], [-2.0, 0.0]]
    assert loss_at(sure, rows, config) < loss_at(unsure, rows, config)
    doubted = replace(config, teacher_share=0.4)
    assert loss_at(sure, rows, doubted) > loss_at(unsure, rows, doubted)


def test_severities_that_people_rated_count_more() -> None:
    rated = replace(ROW, severity=4, extra={"severity_basis": "human"})
    mapped = replace(OTHER, severity=0)
    config = replace(CONFIG, severity_loss=1.0)
    even = loss_at([[0.0, 0.0]] * 2, [rated, mapped], config, severity=2.0)
    raised = loss_at([[0.0, 0.0]] * 2, [rated, mapped], replace(config, rated_severity=3.0), severity=2.0)
    # The logits say a high severity: right for the rated row, wrong for the other.
    assert raised < even
