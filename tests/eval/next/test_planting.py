"""Wrong labels are planted as told, and the table says how well they are found."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.next.planting import export_shaped, plant
from labeling.records import LabelledText, RecordError, write_labelled_texts
from tests.eval.next.texts import AREAS, texts

OTHERS = ("privacy", "harassment")


def test_labels_are_made_wrong_in_three_ways() -> None:
    rows = texts(400, 1, share=0.2)
    planted = plant(rows, 40, AREAS, seed=1)
    assert Counter(planted.kinds.values()) == {"missed": 16, "mistaken": 12, "invented": 12}
    assert planted == plant(rows, 40, AREAS, seed=1)
    assert planted.kinds != plant(rows, 40, AREAS, seed=2).kinds
    for was, now in zip(rows, planted.rows, strict=True):
        kind = planted.kinds.get(was.id)
        assert (now == was) == (kind is None)
        assert replace(now, policy_areas=()) == replace(was, policy_areas=())
        assert bool(was.policy_areas) == (kind in ("missed", "mistaken") or (kind is None and bool(now.policy_areas)))
        assert bool(now.policy_areas) == (kind in ("mistaken", "invented") or (kind is None and bool(was.policy_areas)))
        assert set(now.policy_areas) <= set(now.annotated_areas)


def test_areas_that_stand_together_are_mistaken_for_each_other() -> None:
    areas = ("spam", *OTHERS)
    rows = [
        LabelledText(f"r{number}", "t", ("spam", "privacy") if number % 3 == 0 else ("spam",), areas, None, "s", "en")
        for number in range(600)
    ]
    rows += [LabelledText(f"n{number}", "t", (), areas, None, "s", "en") for number in range(200)]
    planted = plant(rows, 400, areas, seed=1)
    alone = [
        now.policy_areas
        for was, now in zip(rows, planted.rows, strict=True)
        if planted.kinds.get(was.id) == "mistaken" and len(was.policy_areas) == 1
    ]
    assert len(alone) > 50
    assert sum(one == ("privacy",) for one in alone) / len(alone) > 0.95


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(RecordError, match="cannot be planted"):
        plant(texts(40, 1, share=0.1), 38, AREAS, seed=1)


def test_the_table_compares_orders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.jsonl"
    write_labelled_texts(path, texts(600, 7, share=0.2))
    assert main(["planted", "--labels", str(path), "--seeds", "2", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert "600 rows, 30 wrong each time: base rate 0.050, 2 seeds" in printed
    found = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in printed.splitlines()}
    chance, ours = (
        float(found[name][0].split()[0]) for name in ("random order", "TF-IDF; sum over the areas (suspects)")
    )
    assert chance <= 0.2
    assert ours >= 0.7


def test_an_exported_row_names_one_area_or_clears_all() -> None:
    areas = ("spam", *OTHERS)
    both = LabelledText("r", "t", ("privacy", "spam"), areas, 2, "s", "en")
    assert export_shaped(both) == replace(both, policy_areas=("privacy",), annotated_areas=("privacy",))
    clear = replace(both, policy_areas=())
    assert export_shaped(clear) == clear


def test_the_table_is_of_rows_as_they_are_exported_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    write_labelled_texts(path, texts(600, 7, share=0.2))
    assert main(["planted", "--labels", str(path), "--seeds", "1", "--export-shape"]) == 0
    printed = capsys.readouterr().out
    assert "600 rows, 30 wrong each time" in printed
    # Those with an area know one of the two, all others both.
    assert "TF-IDF; largest of an area (suspects)" in printed
    assert "TF-IDF; sum over the areas (suspects)" not in printed


@pytest.mark.parametrize("arguments", [["--share", "0.6"], ["--share", "0"], ["--seeds", "0"], ["--share", "0.001"]])
def test_what_cannot_be_planted_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "rows.jsonl"
    write_labelled_texts(path, texts(60, 7, share=0.2))
    assert main(["planted", "--labels", str(path), *arguments]) == 2
