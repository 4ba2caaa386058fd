import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.records import (
    MAX_DEPTH,
    LabelledText,
    RecordError,
    parse_labelled_text,
    read_labelled_texts,
    write_labelled_texts,
)

AREA_SETS = st.lists(st.sampled_from(["spam", "privacy", "harassment"]), unique=True).map(tuple)
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)

ROW: dict[str, Any] = {
    "id": "r1",
    "text": "hello",
    "policy_areas": ["spam"],
    "annotated_areas": ["spam", "privacy"],
    "severity": 1,
    "source": "reviewers",
    "lang": "en",
}


@st.composite
def records(draw: st.DrawFn) -> LabelledText:
    annotated = draw(AREA_SETS)
    applies = tuple(area for area in annotated if draw(st.booleans()))
    return LabelledText(
        id=draw(TEXTS),
        text=draw(TEXTS),
        policy_areas=applies,
        annotated_areas=annotated,
        severity=draw(st.none() | st.integers(0, 4)),
        source=draw(TEXTS),
        lang=draw(st.sampled_from(["en", "ta", "und"])),
        licence=draw(TEXTS),
        weight=draw(st.floats(0, 10)),
        extra=draw(st.dictionaries(st.sampled_from(["group", "tags"]), TEXTS)),
    )


@given(records())
def test_row_survives_its_json(record: LabelledText) -> None:
    assert parse_labelled_text(json.dumps(record.to_json()), where="x") == record


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_rows_survive_their_file(tmp_path: Path, name: str) -> None:
    rows = [LabelledText(str(n), "நன்றி\n😀", (), ("spam",), None, "s", "ta") for n in range(3)]
    plain = tmp_path / "rows.jsonl"
    assert write_labelled_texts(plain, rows) == 3
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(plain.read_bytes() + b"\n\n"))
    assert list(read_labelled_texts(tmp_path / name)) == rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": 5}, "text: a string is needed, not int"),
        ({"id": None}, "id: a string is needed"),
        ({"severity": 5}, "severity must be 0-4 or null, not 5"),
        ({"severity": "2"}, "severity must be 0-4 or null"),
        ({"policy_areas": ["fraud_scams"]}, "every policy area must be among annotated_areas"),
        ({"policy_areas": None}, "bad field"),
        ({"schema": 99}, "written by a newer schema"),
        ({"weight": "heavy"}, "weight: a number from 0 on is needed, not heavy"),
        ({"weight": -5}, "weight: a number from 0 on is needed, not -5"),
        ({"weight": True}, "weight: a number from 0 on is needed"),
        ({"weight": 10**400}, "weight: a number from 0 on is needed"),
    ],
)
def test_bad_row_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=f"^file:7: .*{message}"):
        parse_labelled_text(json.dumps({**ROW, **change}), where="file:7")


@pytest.mark.parametrize("key", sorted(set(ROW) - {"severity"}))
def test_missing_field_is_named(key: str) -> None:
    with pytest.raises(RecordError, match=f"bad field '{key}'"):
        parse_labelled_text(json.dumps({name: value for name, value in ROW.items() if name != key}), where="x")


@pytest.mark.parametrize("line", ["", "{", "[]", "null", '"text"', "5"])
def test_line_that_is_no_object_is_refused(line: str) -> None:
    with pytest.raises(RecordError, match="not a JSON object"):
        parse_labelled_text(line, where="x")


@pytest.mark.parametrize("depth", [MAX_DEPTH, 500, 100_000])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    with pytest.raises(RecordError, match=r"file:7: not a JSON object \(nested too deeply\)"):
        parse_labelled_text(json.dumps(ROW)[:-1] + f', "extra": {nested}}}', where="file:7")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "[[-1e999]]", "1" * 5_000])
@pytest.mark.parametrize("field", ["weight", "mine"])
def test_a_number_that_cannot_be_written_again_is_refused(field: str, number: str) -> None:
    with pytest.raises(RecordError, match=r"file:7: not a JSON object \(holds a number "):
        parse_labelled_text(json.dumps(ROW)[:-1] + f', "{field}": {number}}}', where="file:7")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, name: str) -> None:
    content = b"\xef\xbb\xbf" + json.dumps(ROW).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert [row.id for row in read_labelled_texts(tmp_path / name)] == ["r1"]


def test_what_is_nested_is_kept() -> None:
    nested = json.loads("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    found = parse_labelled_text(json.dumps({**ROW, "mine": nested}), where="file:7")
    assert json.loads(found.to_line())["mine"] == nested


def test_bad_line_in_a_file_is_numbered(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n\n{{\n")
    with pytest.raises(RecordError, match=r"rows\.jsonl:3: not a JSON object"):
        list(read_labelled_texts(path))
