"""Planted wrong labels are found, with what they should have been."""

import hashlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.__main__ import main
from eval.next.learner import features_of
from eval.next.planting import plant
from eval.next.stacked import stacked
from eval.next.suspects import LARGEST, SUM, cross_probabilities, find_suspects, fitting_doubt, surprises
from eval.truth import Truth, make_truth
from labeling.records import LabelledText, write_labelled_texts
from models.calibration import sigmoid
from tests.eval.next.texts import AREAS, texts

PLANTED = 40
SHIPPED = Path(__file__).parents[3] / "bundles" / "default"


def flipped(rows: list[LabelledText], count: int, seed: int) -> tuple[list[LabelledText], set[str]]:
    """Rows with `count` wrong labels, half of them denied areas and half invented ones, and the ids of those."""
    generator = np.random.default_rng(seed)
    areas = [place for place, row in enumerate(rows) if row.policy_areas]
    plain = [place for place, row in enumerate(rows) if not row.policy_areas]
    wrong = {int(one) for part in (areas, plain) for one in generator.choice(part, count // 2, replace=False)}
    made = [
        replace(row, policy_areas=() if row.policy_areas else (AREAS[place % 2],)) if place in wrong else row
        for place, row in enumerate(rows)
    ]
    return made, {rows[place].id for place in wrong}


def test_planted_errors_come_first() -> None:
    truth_of = {row.id: row.policy_areas for row in texts(800, 3, share=0.2)}
    rows, wrong = flipped(texts(800, 3, share=0.2), PLANTED, seed=1)
    truth = make_truth(rows, AREAS)
    probabilities = cross_probabilities(features_of([row.text for row in rows]), rows, truth, seed=1)
    found = find_suspects(rows, truth, probabilities, AREAS, benign="benign")
    assert len(found) == len(rows)
    assert all(0 <= one.quality <= 1 for one in found)
    first = found[:PLANTED]
    # 1 in 20 is wrong.
    assert sum(one.id in wrong for one in first) / PLANTED >= 0.8
    right = [one for one in first if one.id in wrong]
    told = [one.suggested_area == next(iter(truth_of[one.id]), "benign") for one in right]
    assert sum(told) / len(told) >= 0.9


@pytest.mark.parametrize("near", [False, True])
def test_a_label_is_judged_by_models_that_never_saw_it_nor_its_copies(*, near: bool) -> None:
    rows, wrong = flipped(texts(400, 4, share=0.25), 20, seed=2)
    # One word less: alike, but not the same.
    shorter = [row.text.rpartition(" ")[0] if near else row.text for row in rows]
    doubled = [*rows, *(replace(row, id=f"{row.id}-copy", text=text) for row, text in zip(rows, shorter, strict=True))]
    truth = make_truth(doubled, AREAS)
    features = features_of([row.text for row in doubled])
    found = find_suspects(doubled, truth, cross_probabilities(features, doubled, truth, seed=1), AREAS, benign="benign")
    # Had a copy taught the wrong label, it would be believed.
    assert sum(one.id.removesuffix("-copy") in wrong for one in found[:40]) >= 30


def test_an_area_with_too_few_of_a_kind_is_not_judged() -> None:
    rows = texts(60, 1, share=0.02)
    truth = make_truth(rows, AREAS)
    probabilities = cross_probabilities(features_of([row.text for row in rows]), rows, truth, seed=1)
    assert np.isnan(probabilities).all()
    assert find_suspects(rows, truth, probabilities, AREAS, benign="benign") == []


def test_the_command_writes_the_worst_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, wrong = flipped(texts(600, 7, share=0.2), 30, seed=3)
    write_labelled_texts(tmp_path / "rows.jsonl", rows)
    out = tmp_path / "suspects.jsonl"
    arguments = ["suspects", "--labels", str(tmp_path / "rows.jsonl"), "--out", str(out), "--count", "15"]
    assert main(arguments) == 0
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(found) <= 15
    assert sum(one["id"] in wrong for one in found) >= 0.7 * len(found) > 0
    assert [one["quality"] for one in found] == sorted(one["quality"] for one in found)
    assert set(found[0]) == {"id", "area", "labelled", "probability", "quality", "suggested_area", "issue"}
    with (tmp_path / "rows.jsonl").open("a") as more:
        more.write(rows[0].to_line())
    assert main(arguments) == 2
    assert "comes twice" in capsys.readouterr().err


def test_given_scores_are_used_instead(tmp_path: Path) -> None:
    rows = texts(200, 9, share=0.2)
    wrong, right = rows[0], "fraud_scams" if "spam" in rows[0].policy_areas else "spam"
    rows[0] = replace(wrong, policy_areas=() if right in wrong.policy_areas else (right,))
    write_labelled_texts(tmp_path / "rows.jsonl", rows)
    with (tmp_path / "scores.jsonl").open("w") as out:
        for row in [wrong, *rows[1:]]:
            out.write(
                json.dumps({"id": row.id, "areas": {area: 0.9 if area in row.policy_areas else 0.1 for area in AREAS}})
                + "\n"
            )
    arguments = ["suspects", "--labels", str(tmp_path / "rows.jsonl"), "--scores", str(tmp_path / "scores.jsonl")]
    assert main([*arguments, "--out", str(tmp_path / "suspects.jsonl")]) == 0
    [found] = [json.loads(line) for line in (tmp_path / "suspects.jsonl").read_text().splitlines()]
    assert found["id"] == rows[0].id


def bundle_that_learned(folder: Path, digest: str) -> Path:
    """A copy of the shipped bundle whose predecessor learned from the file of that hash."""
    made = folder / "bundle"
    shutil.copytree(SHIPPED, made)
    manifest = json.loads((made / "manifest.json").read_text())
    first = {"data": {"files": [{"name": "rows.jsonl", "sha256": digest}], "started_from": None}}
    manifest["training"]["data"] |= {"files": [], "started_from": first}
    (made / "manifest.json").write_text(json.dumps(manifest))
    return made


def test_a_bundle_judges_what_it_did_not_learn_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = texts(60, 9, share=0.2)
    path = tmp_path / "rows.jsonl"
    write_labelled_texts(path, rows)
    arguments = ["suspects", "--labels", str(path), "--out", str(tmp_path / "suspects.jsonl"), "--bundle"]
    assert main([*arguments, str(SHIPPED)]) == 0
    assert "60 rows, 60 with a judged label" in capsys.readouterr().err
    learned = bundle_that_learned(tmp_path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert main([*arguments, str(learned)]) == 2
    assert "learned from these labels" in capsys.readouterr().err


def skewed(truth: Truth, seed: int) -> NDArray[np.float64]:
    """Scores that tell well enough, but call the second area likely everywhere, and fewer than half certain."""
    noise = np.random.default_rng(seed).normal(0, 1, truth.labels.shape)
    return sigmoid(3 * truth.labels + noise + np.array([-6.0, 1.5]))


def test_a_model_calibrated_elsewhere_is_brought_to_the_labels_at_hand() -> None:
    rows = texts(800, 5, share=0.2)
    right = make_truth(rows, AREAS)
    scores = skewed(right, 1)
    planted = plant(rows, 40, AREAS, seed=1)
    truth = make_truth(planted.rows, AREAS)
    judged = stacked(scores, truth, np.arange(len(rows)), seed=1)
    # As many are expected to have an area as have it.
    assert np.abs(scores.mean(axis=0) - truth.labels.mean(axis=0)).min() > 0.05
    assert np.abs(judged.mean(axis=0) - truth.labels.mean(axis=0)).max() < 0.01
    assert np.isnan(stacked(np.full_like(scores, np.nan), truth, np.arange(len(rows)), seed=1)).all()


def test_a_row_is_judged_by_the_labels_of_other_groups_alone() -> None:
    rows = texts(400, 6, share=0.25)
    truth = make_truth(rows, AREAS)
    scores, groups = skewed(truth, 2), np.arange(len(rows)) // 2
    before = stacked(scores, truth, groups, seed=1)
    known = truth.known.copy()
    known[:2] = 0
    # The labels of the first group are unknown to the others' models; theirs are judged by all the others.
    without = stacked(scores, Truth(truth.labels, known, truth.severity), groups, seed=1)
    assert np.allclose(before[:2], without[:2], atol=0.05)
    flipped_labels = truth.labels.copy()
    flipped_labels[:2] = 1 - flipped_labels[:2]
    after = stacked(scores, Truth(flipped_labels, known, truth.severity), groups, seed=1)
    assert np.array_equal(after, without)


def test_rows_stand_in_the_order_of_all_that_is_unlikely_about_them() -> None:
    rows = texts(200, 8, share=0.25)
    truth = make_truth(rows, AREAS)
    probabilities = np.where(truth.labels > 0, 0.9, 0.1)
    spam = next(place for place, row in enumerate(rows) if row.policy_areas == ("spam",))
    clear = next(place for place, row in enumerate(rows) if not row.policy_areas)
    # Said to be spam, and fraud in truth: two labels are wrong. The other row has one wrong label, no less sure.
    probabilities[spam], probabilities[clear, 0] = (0.1, 0.9), 0.9
    found = find_suspects(rows, truth, probabilities, AREAS, benign="benign")
    assert [one.id for one in found[:2]] == [rows[spam].id, rows[clear].id]
    assert [one.suggested_area for one in found[:2]] == ["fraud_scams", "spam"]
    assert found[0].quality < found[1].quality < found[2].quality
    surprise, _ = surprises(truth, probabilities)
    # Taken relative to how sure the model is of such labels, of which some are wrong here.
    positive = truth.labels[:, 0] > 0
    sure, sure_not = probabilities[positive, 0].mean(), 1 - probabilities[~positive, 0].mean()
    wanted = math.log1p((0.9 / sure) / (0.1 / sure_not))
    assert surprise[clear, 0] == pytest.approx(wanted)


def test_rows_that_know_more_areas_are_not_more_doubtful_for_that() -> None:
    areas = [f"area-{number}" for number in range(20)]
    rows = [LabelledText(f"n{number}", "t", (), tuple(areas), 0, "s", "en") for number in range(40)] + [
        LabelledText(f"{area}-{number}", "t", (area,), (area,), 2, "s", "en") for area in areas for number in range(30)
    ]
    truth = make_truth(rows, areas)
    # Of a benign decision each of twenty areas is a little likely; of a decision that names one area, that is not.
    probabilities = np.where(truth.labels > 0, 0.9, 0.1)
    probabilities[0], probabilities[40, 0] = 0.35, 0.05
    found = find_suspects(rows, truth, probabilities, areas, benign="benign")
    assert [one.id for one in found[:2]] == ["area-0-0", "n0"]
    assert [one.quality for one in found] == sorted(one.quality for one in found)


def test_the_sum_is_for_rows_that_know_about_equally_many_areas() -> None:
    known = np.zeros((1_000, 20))
    assert fitting_doubt(known) == SUM
    # An area here and there is unknown, and of a few rows most are.
    known[:100, :3] = known[:10, :19] = np.nan
    assert fitting_doubt(known) == SUM
    # Decisions that name an area say nothing of the others, be they rare.
    known[20:40, 1:] = np.nan
    assert fitting_doubt(known) == LARGEST
    assert fitting_doubt(known[:10, :1]) == SUM
    assert fitting_doubt(np.full((3, 2), np.nan)) == SUM
