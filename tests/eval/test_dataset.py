from pathlib import Path

import pytest

from eval.dataset import Dataset, Filters, read_dataset
from eval.formats import Vocabulary
from eval.run import sha256_of
from labeling.records import RecordError, write_labelled_texts
from tests.eval.rows import AREAS, row

EVERY = Filters()


def read(*paths: Path, filters: Filters = EVERY) -> Dataset:
    return read_dataset(paths, form="rows", vocabulary=Vocabulary(AREAS), filters=filters)


def test_rows_of_several_files_keep_their_order_and_their_file(tmp_path: Path) -> None:
    write_labelled_texts(tmp_path / "a.jsonl", [row(1), row(2)])
    write_labelled_texts(tmp_path / "b.jsonl", [row(3)])
    dataset = read(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert [one.id for one in dataset.rows] == ["r1", "r2", "r3"]
    assert dataset.file_of == (0, 0, 1)
    assert [(one.name, one.rows) for one in dataset.files] == [("a.jsonl", 2), ("b.jsonl", 1)]
    assert dataset.files[1].sha256 == sha256_of(tmp_path / "b.jsonl")


def test_a_row_that_comes_twice_is_refused(tmp_path: Path) -> None:
    write_labelled_texts(tmp_path / "a.jsonl", [row(1)])
    write_labelled_texts(tmp_path / "b.jsonl", [row(1)])
    with pytest.raises(RecordError, match="a row counts once"):
        read(tmp_path / "a.jsonl", tmp_path / "b.jsonl")


@pytest.mark.parametrize(
    ("wanted", "unwanted", "left"),
    [
        (["lang=en"], [], ["r1", "r2"]),
        (["lang=en", "lang=ms"], [], ["r1", "r2", "r3"]),
        (["lang=en", "kind=news"], [], ["r2"]),
        ([], ["kind=news"], ["r1", "r3"]),
        (["tags=hot"], [], ["r3"]),
        (["policy_areas=spam"], ["lang=ms"], ["r1"]),
        (["severity=2"], [], ["r2"]),
    ],
)
def test_filters_ask_any_field(tmp_path: Path, wanted: list[str], unwanted: list[str], left: list[str]) -> None:
    rows = [row(1, "spam"), row(2, severity=2, kind="news"), row(3, "spam", lang="ms", tags=["hot", "new"])]
    write_labelled_texts(tmp_path / "a.jsonl", rows)
    dataset = read(tmp_path / "a.jsonl", filters=Filters(tuple(wanted), tuple(unwanted)))
    assert [one.id for one in dataset.rows] == left


def test_filters_that_leave_nothing_or_are_none_are_refused(tmp_path: Path) -> None:
    write_labelled_texts(tmp_path / "a.jsonl", [row(1)])
    with pytest.raises(RecordError, match="the filters leave none"):
        read(tmp_path / "a.jsonl", filters=Filters(("lang=xx",)))
    for condition in ("lang", "=x"):
        with pytest.raises(RecordError, match="FIELD=VALUE"):
            Filters((condition,))
