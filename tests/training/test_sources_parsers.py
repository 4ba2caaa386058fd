"""Every shape of file, each as its authors wrote it, to the same kind of record."""

import gzip
import io
import json
import zipfile

import pytest

from training.sources.parsers import PARSERS, plain_text
from training.sources.parsers_joined import parse_original
from training.sources.registry import Original, SourceError, SourceFile


def file_of(shape: str, *, columns: tuple[str, ...] = ()) -> SourceFile:
    original = Original("https://example.org/a", "00")
    return SourceFile("one/a", "00", "csv", (original,), shape, columns=columns)


@pytest.mark.parametrize(
    ("shape", "raw", "columns", "expected"),
    [
        ("csv", 'id,text\n1,"roses, and\nmore"\n', (), [{"id": "1", "text": "roses, and\nmore"}]),
        (
            "csv",
            "\ufeff7,T,rain today\n",
            ("number", "label", "text"),
            [{"number": "7", "label": "T", "text": "rain today"}],
        ),
        ("csv_semicolon", "comment;hate\r\nrain, again;0.5\r\n", (), [{"comment": "rain, again", "hate": "0.5"}]),
        (
            "tsv",
            'label\ttext\nham\tsay "hi\n\nspam\twin\n',
            (),
            [{"label": "ham", "text": 'say "hi'}, {"label": "spam", "text": "win"}],
        ),
        ("tsv", "ham\thello\textra\n", ("label", "text"), [{"label": "ham", "text": "hello"}]),
        ("json", '[{"text": "a", "score": 1.0, "none": null}]', (), [{"text": "a", "score": "1.0"}]),
        (
            "jsonl",
            '{"text": "a", "label": 1}\n\n{"text": "b", "to": ["x"]}\n',
            (),
            [{"text": "a", "label": "1"}, {"text": "b", "to": '["x"]'}],
        ),
        ("lines", "one\n\ntwo\n", (), [{"text": "one"}, {"text": "two"}]),
    ],
)
def test_shape(shape: str, raw: str, columns: tuple[str, ...], expected: list[dict[str, str]]) -> None:
    for data in (raw.encode(), gzip.compress(raw.encode())):
        assert list(PARSERS[shape](data, columns)) == expected


@pytest.mark.parametrize(("shape", "raw"), [("tsv", b"a\tb\n1\n\n1\t2\n"), ("csv", b"a,b\n1\n\n1,2\n")])
def test_short_line_of_a_table_is_an_empty_record_and_a_blank_one_none(shape: str, raw: bytes) -> None:
    assert list(PARSERS[shape](raw, ())) == [{}, {"a": "1", "b": "2"}]


def test_cell_beyond_the_standard_limit_is_read() -> None:
    (record,) = PARSERS["csv"](b'text\n"' + b"a" * 200_000 + b'"\n', ())
    assert len(record["text"]) == 200_000


def test_bytes_that_are_not_utf_8_are_read_as_latin_1() -> None:
    assert plain_text("caf\u00e9".encode("latin-1")) == "caf\u00e9"


@pytest.mark.parametrize(
    ("shape", "raw", "message"),
    [
        ("json", b"{", "not JSON"),
        ("json", b"{}", "a list of objects"),
        ("jsonl", b"[1]", "a row is not an object"),
        ("lines", gzip.compress(b"text", mtime=0)[:-4], "damaged gzip"),
    ],
)
def test_damaged_file_is_an_error(shape: str, raw: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(PARSERS[shape](raw, ()))


def test_texts_and_labels_are_joined_line_by_line() -> None:
    originals = {"text.txt": b"rain\nsun\n", "labels.txt": b"0\n1\n"}
    assert list(parse_original(file_of("text_and_labels"), originals)) == [
        {"text": "rain", "label": "0"},
        {"text": "sun", "label": "1"},
    ]
    with pytest.raises(SourceError, match="2 texts, but 1 labels"):
        list(parse_original(file_of("text_and_labels"), {**originals, "labels.txt": b"0\n"}))


def test_nested_objects_are_laid_flat() -> None:
    by_category = json.dumps({"Fraud": {"Phishing": ["a question"]}}).encode()
    assert list(parse_original(file_of("json_by_category"), {"a.json": by_category})) == [
        {"category": "Fraud", "subcategory": "Phishing", "text": "a question"}
    ]
    by_split = json.dumps({"train": [["what time is it", "time"]]}).encode()
    assert list(parse_original(file_of("json_by_split"), {"a.json": by_split})) == [
        {"split": "train", "intent": "time", "text": "what time is it"}
    ]
    with pytest.raises(SourceError, match="an object was expected"):
        list(parse_original(file_of("json_by_split"), {"a.json": b"[]"}))


def test_table_in_an_archive_is_found_by_its_name() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("set/en.csv", "text\nrain\n")
        archive.writestr("__MACOSX/set/en.csv", "nothing")
        archive.writestr("set/fr.csv", "text\npluie\n")
    assert list(parse_original(file_of("zip_csv:fr.csv"), {"a.zip": packed.getvalue()})) == [{"text": "pluie"}]
    with pytest.raises(SourceError, match=r"0 files named de\.csv"):
        list(parse_original(file_of("zip_csv:de.csv"), {"a.zip": packed.getvalue()}))
    with pytest.raises(SourceError, match="not a zip archive"):
        list(parse_original(file_of("zip_csv:fr.csv"), {"a.zip": b"text"}))


def test_name_of_a_file_goes_into_its_records() -> None:
    originals = {"first.jsonl": b'{"text": "a"}\n', "second.txt": b"b\n"}
    assert list(parse_original(file_of("named_files"), originals)) == [
        {"text": "a", "file": "first.jsonl"},
        {"text": "b", "file": "second.txt"},
    ]


def test_original_of_a_plain_shape_uses_its_parser() -> None:
    file = file_of("tsv", columns=("label", "text"))
    assert list(parse_original(file, {"a.tsv": b"ham\thello\n"})) == [{"label": "ham", "text": "hello"}]
    with pytest.raises(SourceError, match="unknown shape 'scroll'"):
        list(parse_original(file_of("scroll"), {"a": b""}))
