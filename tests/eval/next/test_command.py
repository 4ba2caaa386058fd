"""`eval next`: what waits for a label, by which judge, and what the lines of the batch say."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from labeling.records import LabelledText, read_labelled_texts, write_labelled_texts
from tests.eval.next.texts import AREAS, texts
from tests.models.bundles import DEFAULT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_labelled_texts(tmp_path / "labelled.jsonl", texts(120, 1, share=0.2, kinds=2))
    with (tmp_path / "waiting.jsonl").open("w") as out:
        for row in texts(80, 2, share=0.2, kinds=2):
            out.write(json.dumps({"id": row.id, "text": row.text}) + "\n")
    return tmp_path


def choose(folder: Path, *more: str, count: int = 20) -> int:
    out = ["--count", str(count), "--seed", "1", "--out", str(folder / "batch.jsonl")]
    return main(["next", "--unlabelled", str(folder / "waiting.jsonl"), *out, *more])


def batch(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "batch.jsonl").read_text().splitlines()]


def labelled(folder: Path) -> list[str]:
    return ["--labelled", str(folder / "labelled.jsonl")]


def test_every_row_says_why_and_the_random_ones_by_which_chance(folder: Path) -> None:
    assert choose(folder, *labelled(folder)) == 0
    rows = batch(folder)
    drawn = [row for row in rows if row["next"]["lane"] == "random"]
    assert (len(rows), len(drawn)) == (20, 4)
    chances = [(row["next"]["propensity"], row["next"]["sampling_weight"]) for row in drawn]
    assert chances == [(4 / 80, 20)] * 4
    others = [(row["next"]["propensity"], row["next"]["sampling_weight"]) for row in rows if row not in drawn]
    assert others == [(None, None)] * 16
    reasons = [row["next"]["reason"] for row in rows if row["next"]["lane"] == "uncertainty"]
    assert len(reasons) == 13
    assert set(reasons) <= {f"the model is unsure whether {area} applies" for area in AREAS}
    assert all(row["next"]["waiting"] == 80 for row in rows)
    # A batch is a file of labelled rows in which nothing is labelled yet.
    assert all(row.annotated_areas == () for row in read_labelled_texts(folder / "batch.jsonl"))


def test_a_lane_and_a_weight_that_a_row_has_stay(folder: Path) -> None:
    own = {"lane": "risk", "propensity": 0.25, "sampling_weight": 4.0}
    with (folder / "waiting.jsonl").open("w") as out:
        for row in texts(80, 2, share=0.2, kinds=2):
            out.write(json.dumps({"id": row.id, "text": row.text, **own}) + "\n")
    assert choose(folder, *labelled(folder)) == 0
    rows = batch(folder)
    assert all({key: row[key] for key in own} == own for row in rows)
    assert {row["next"]["lane"] for row in rows} > {"random"}


def test_what_is_labelled_already_is_not_asked_for_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = texts(120, 1, share=0.2, kinds=2)
    with (folder / "waiting.jsonl").open("a") as out:
        out.write(json.dumps({"id": known[0].id, "text": "another text"}) + "\n")
        out.write(json.dumps({"id": "copy", "text": known[1].text}) + "\n")
        out.write(json.dumps({"id": "nothing", "text": "  "}) + "\n")
    assert choose(folder, *labelled(folder), count=80) == 0
    assert {row["id"] for row in batch(folder)} == {row.id for row in texts(80, 2)}
    assert "3 rows left out" in capsys.readouterr().err


def test_people_and_model_can_differ(folder: Path) -> None:
    rows = texts(80, 2, share=0.2, kinds=2)
    odd = next(row for row in rows if row.policy_areas)
    first = [row if row is not odd else LabelledText(row.id, row.text, (), AREAS, 0, "s", "en") for row in rows]
    write_labelled_texts(folder / "waiting.jsonl", first)
    more = ["--against", "people", "--share", "disagreement=1", "--random-share", "0.05"]
    assert choose(folder, *labelled(folder), *more, count=10) == 0
    [found] = [row for row in batch(folder) if row["id"] == odd.id]
    assert found["next"]["reason"].startswith("labels of the rows and the model differ on ")


def test_scores_and_the_points_of_a_bundle_are_a_judge(folder: Path) -> None:
    with (folder / "scores.jsonl").open("w") as out:
        for number, row in enumerate(texts(80, 2)):
            out.write(json.dumps({"id": row.id, "areas": {"spam": number / 100}}) + "\n")
    plain = [
        "--scores",
        str(folder / "scores.jsonl"),
        "--share",
        "uncertainty=1",
        "--not-apart",
        "--random-share",
        "0.05",
    ]
    assert choose(folder, *plain) == 0
    # Without a bundle a probability of a half is the operating point: the texts around number 50.
    unsure = [int(row["id"].partition("-")[2]) for row in batch(folder) if row["next"]["lane"] == "uncertainty"]
    assert len(unsure) == 19
    assert set(unsure) <= set(range(39, 62))
    assert choose(folder, *plain, "--bundle", str(DEFAULT), *labelled(folder), "--against", "learner") == 0
    assert {row["next"]["judge"] for row in batch(folder)} == {"scores scores.jsonl"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "name a --bundle or --scores"),
        (["--share", "luck=1"], "no strategy"),
        (["--share", "novelty"], "STRATEGY=SHARE"),
        (["--random-share", "0"], "random share"),
        (["--against", "learner"], "too few labelled rows"),
    ],
)
def test_what_makes_no_batch_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert choose(folder, *more) == 2
    assert words in capsys.readouterr().err
    assert not (folder / "batch.jsonl").exists()


def test_a_row_that_comes_twice_and_more_than_there_are_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert choose(folder, *labelled(folder), count=81) == 2
    assert "81 rows cannot be chosen of 80" in capsys.readouterr().err
    with (folder / "waiting.jsonl").open("a") as out:
        out.write(json.dumps({"id": texts(1, 2)[0].id, "text": "x"}) + "\n")
    assert choose(folder, *labelled(folder)) == 2
    assert "waiting.jsonl:81" in capsys.readouterr().err
    (folder / "waiting.jsonl").write_text('{"id": "a", "text": 5}\n')
    assert choose(folder, *labelled(folder)) == 2
    assert "waiting.jsonl:1: bad field text: a string is needed" in capsys.readouterr().err
