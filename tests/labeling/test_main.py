import gzip
from pathlib import Path

import pytest

from labeling.__main__ import MAX_PROBLEMS, main
from labeling.corpus.reader import SPLITS
from labeling.records import LabelledText, read_labelled_texts, write_labelled_texts

# A gzip header with no deflate stream behind it.
BROKEN = gzip.compress(b"{}")[:10] + b"\xff" * 20


def write_rows(path: Path, *rows: LabelledText) -> Path:
    write_labelled_texts(path, rows)
    return path


def row(name: str, area: str = "spam") -> LabelledText:
    return LabelledText(name, "hello", (area,), (area,), 1, "s", "en")


def test_taxonomy_is_printed_with_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taxonomy"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("child_safety", "intellectual_property", "benign", "no_violation"))


def test_sound_file_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(write_rows(tmp_path / "r.jsonl", row("a"), row("b")))]) == 0
    assert capsys.readouterr().out.endswith("2 rows, 0 with problems\n")


def test_every_problem_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_rows(tmp_path / "r.jsonl", row("a"), row("a"), row("b", "nonsense"))
    path.write_text(path.read_text() + "{\n")
    assert main(["check", str(path)]) == 1
    printed = capsys.readouterr().out
    assert "r.jsonl:2: id 'a' was used before" in printed
    assert "r.jsonl:3: no such area in taxonomy 2026-11.1: nonsense" in printed
    assert "r.jsonl:4: not a JSON object" in printed
    assert "4 rows, 3 with problems" in printed


def test_long_list_of_problems_is_cut_but_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("{\n" * 1_000)
    assert main(["check", str(path)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == MAX_PROBLEMS + 1
    assert "1000 with problems" in printed[-1]


def test_own_taxonomy_decides_what_an_area_is(tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[2] / "labeling" / "taxonomy.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(shipped.replace('id = "spam"', 'id = "noise"'), encoding="utf-8")
    rows = write_rows(tmp_path / "r.jsonl", row("a", "noise"))
    assert main(["check", str(rows), "--taxonomy", str(own)]) == 0
    assert main(["check", str(rows)]) == 1


@pytest.mark.parametrize(
    "content",
    [None, b"no gzip", gzip.compress(b"{}" * 999)[:20], gzip.compress(b"\xff\xfe"), BROKEN],
    # Named, because a compressed file holds the second it was made in, and workers have to agree on the names.
    ids=["missing", "no gzip", "cut short", "no text", "broken"],
)
def test_unreadable_file_is_one_line_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "r.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    assert main(["check", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


ANIMALS = ("heron", "otter", "badger", "lizard", "salmon", "falcon", "hedgehog", "beetle", "weasel", "magpie")


def test_split_keeps_every_row_and_what_belongs_together_on_one_side(tmp_path: Path) -> None:
    texts = [f"{one} {other} {one[::-1]}{other}" for one in ANIMALS for other in ANIMALS]
    rows = [LabelledText(f"r{n}", text, (), ("spam",), 0, "s", "en") for n, text in enumerate(texts)]
    rows += [LabelledText(f"s{n}", f"  {text.upper()} !", (), ("spam",), 0, "s", "en") for n, text in enumerate(texts)]
    rows += [
        LabelledText(f"p{n}{side}", f"{side * 9} {text}", (), ("spam",), 0, "s", "en", extra={"pair": str(n)})
        for n, text in enumerate(("boats", "bread"))
        for side in "ab"
    ]
    file = write_rows(tmp_path / "rows.jsonl", *rows)
    assert main(["split", str(file), "--out", str(tmp_path / "out"), "--share", "0.3"]) == 0
    sides = [{row.id for row in read_labelled_texts(tmp_path / "out" / f"{name}.jsonl")} for name in SPLITS]
    assert sorted([*sides[0], *sides[1]]) == sorted(row.id for row in rows)
    for side in sides:
        assert {name[1:] for name in side if name[0] == "r"} == {name[1:] for name in side if name[0] == "s"}
        assert {name[:2] for name in side if name.endswith("a")} == {name[:2] for name in side if name.endswith("b")}
    assert 0.1 < len(sides[1]) / len(rows) < 0.5


@pytest.mark.parametrize("share", ["0", "1", "20", "-1", "nan"])
def test_a_share_that_leaves_a_side_empty_is_refused(tmp_path: Path, share: str) -> None:
    file = write_rows(tmp_path / "rows.jsonl", row("a"))
    assert main(["split", str(file), f"--share={share}", "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_too_few_rows_to_divide_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_rows(tmp_path / "rows.jsonl", row("a"))
    assert main(["split", str(file), "--out", str(tmp_path / "out")]) == 2
    assert "cannot be divided" in capsys.readouterr().err
