"""Planted wrong labels are found, with what they should have been."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.next.learner import features_of
from eval.next.suspects import cross_probabilities, find_suspects
from eval.truth import make_truth
from labeling.records import LabelledText, write_labelled_texts
from tests.eval.next.texts import AREAS, texts

PLANTED = 40


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
    assert main([*arguments, "--plant", "30"]) == 0
    printed = capsys.readouterr().out
    assert "30 planted in 600 judged rows, base rate 0.050; " in printed
    precision = re.search(r"precision of the first 30: ([01]\.\d+)", printed)
    assert precision is not None
    assert float(precision[1]) >= 0.5
    assert main([*arguments, "--plant", "900"]) == 2
    assert "cannot be planted" in capsys.readouterr().err
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
