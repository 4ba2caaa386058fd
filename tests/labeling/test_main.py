import gzip
from pathlib import Path

import pytest

from labeling.__main__ import MAX_PROBLEMS, main
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
    "content", [None, b"no gzip", gzip.compress(b"{}" * 999)[:20], gzip.compress(b"\xff\xfe"), BROKEN]
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


def test_split_keeps_every_row_and_the_same_text_on_one_side(tmp_path: Path) -> None:
    rows = [LabelledText(f"r{n}", f"text {n % 300}", (), ("spam",), 0, "s", "en") for n in range(600)]
    file = write_rows(tmp_path / "rows.jsonl", *rows)
    assert main(["split", str(file), "--out", str(tmp_path / "out"), "--share", "0.3"]) == 0
    train, held = (list(read_labelled_texts(tmp_path / "out" / f"{name}.jsonl")) for name in ("train", "validation"))
    assert sorted(row.id for row in [*train, *held]) == sorted(row.id for row in rows)
    assert not {row.text for row in train} & {row.text for row in held}
    assert len(held) / 600 == pytest.approx(0.3, abs=0.08)
