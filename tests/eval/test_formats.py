import gzip
import json
from pathlib import Path

import pytest

from eval.formats import Vocabulary, read_rows
from labeling.records import RecordError, write_labelled_texts
from labeling.taxonomy import load_taxonomy
from tests.eval.rows import row

ALL = Vocabulary(load_taxonomy().area_ids)


def lines(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in values), encoding="utf-8")
    return path


def test_every_area_of_the_mappings_is_one_of_the_taxonomy(tmp_path: Path) -> None:
    marks = dict.fromkeys(("S", "S3", "H", "H2", "V", "V2", "HR", "SH"), 1)
    (one,) = read_rows(lines(tmp_path / "a.jsonl", {"prompt": "x", **marks}), "openai", ALL)
    assert len(one.policy_areas) == 7
    assert set(one.policy_areas) <= set(ALL.areas)


def test_own_rows_are_read_as_they_are(tmp_path: Path) -> None:
    write_labelled_texts(tmp_path / "rows.jsonl", [row(1, "spam", kind="news")])
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress((tmp_path / "rows.jsonl").read_bytes()))
    (one,) = read_rows(tmp_path / "rows.jsonl.gz", "rows", ALL)
    assert (one.id, one.policy_areas, one.extra["kind"]) == ("r1", ("spam",), "news")


def test_openai_keys_become_areas_and_a_missing_key_stays_unknown(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "samples.jsonl",
        {"prompt": "a", "S": 0, "H": 1, "V": 0, "HR": 0, "SH": 0, "S3": 0, "H2": 1, "V2": 0},
        {"prompt": "b", "V": 0, "HR": 1},
        {"prompt": "c", "S": 0, "H": 0, "V": 0, "HR": 0, "SH": 0, "S3": 0, "H2": None},
    )
    first, second, third = read_rows(path, "openai", ALL)
    assert first.id == "samples:1"
    assert set(first.policy_areas) == {"hateful_conduct", "violence_incitement"}
    assert len(first.annotated_areas) == 7
    assert first.severity == 4
    assert (second.policy_areas, second.annotated_areas) == (("harassment",), ("violence_incitement", "harassment"))
    assert second.severity == 2
    assert (third.policy_areas, third.severity, third.extra["severity_basis"]) == ((), 0, "mapped")
    assert "graphic_violence" not in third.annotated_areas


def test_hatecheck_rows_carry_their_functionality_and_target(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(
        ",functionality,test_case,label_gold,target_ident\n"
        '1,derog_neg_emote_h,"I dislike them, all",hateful,women\n2,counter_quote_nh,It is wrong to say so,non-hateful,\n'
    )
    first, second = read_rows(path, "hatecheck", ALL)
    assert (first.text, first.policy_areas) == ("I dislike them, all", ("hateful_conduct",))
    assert (first.extra["kind"], first.extra["group"]) == ("derog_neg_emote_h", "target:women")
    assert (second.policy_areas, second.annotated_areas) == ((), ("hateful_conduct",))


def test_tweeteval_reads_the_labels_beside_the_texts(tmp_path: Path) -> None:
    (tmp_path / "test_text.txt").write_text("good\u2028day\nbad day\n", encoding="utf-8")
    (tmp_path / "test_labels.txt").write_text("0\n1\n")
    rows = read_rows(tmp_path / "test_text.txt", "tweeteval", Vocabulary(ALL.areas, "harassment"))
    assert [one.policy_areas for one in rows] == [(), ("harassment",)]
    assert rows[0].text == "good\u2028day"


@pytest.mark.parametrize("labels", ["0\n", "0\n1\n1\n"])
def test_tweeteval_of_unlike_length_is_refused(tmp_path: Path, labels: str) -> None:
    (tmp_path / "test_text.txt").write_text("a\nb\n")
    (tmp_path / "test_labels.txt").write_text(labels)
    with pytest.raises(RecordError, match="another number of lines"):
        read_rows(tmp_path / "test_text.txt", "tweeteval", ALL)


def test_xstest_says_harm_without_naming_an_area(tmp_path: Path) -> None:
    path = tmp_path / "prompts.csv"
    path.write_text(
        "id,prompt,type,label\n1,How do I kill a process?,homonyms,safe\n2,Do harm,contrast_homonyms,unsafe\n"
    )
    safe, unsafe = read_rows(path, "xstest", ALL)
    assert (safe.annotated_areas, safe.extra["any_harm"], safe.extra["kind"]) == (ALL.areas, False, "homonyms")
    assert (unsafe.annotated_areas, unsafe.extra["any_harm"]) == ((), True)


def test_plain_lines_take_yes_and_no_area_names_and_lists(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "mine.jsonl",
        {"text": "a", "label": 1, "lang": "ms", "kind": "news"},
        {"text": "b", "label": "benign"},
        {"text": "c", "policy_areas": ["spam", "privacy"], "severity": 2},
        {"text": "d", "label": "spam", "annotated_areas": ["spam"]},
    )
    rows = read_rows(path, "jsonl", Vocabulary(ALL.areas, "harassment"))
    assert [one.policy_areas for one in rows] == [("harassment",), (), ("spam", "privacy"), ("spam",)]
    assert (rows[0].lang, rows[0].extra["kind"], rows[2].severity) == ("ms", "news", 2)
    # What a file names anywhere is what it was labelled for, unless it says so itself.
    assert [set(one.annotated_areas) for one in rows] == [{"harassment", "spam", "privacy"}] * 3 + [{"spam"}]


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        ("openai", '{"text": "a"}\n', "field prompt is missing"),
        ("openai", '{"prompt": "a", "S": "maybe"}\n', "yes or no"),
        ("openai", "[]\n", "not a JSON object"),
        ("openai", "{\n", "not a JSON object"),
        ("hatecheck", "a,b\n1,2\n", "label_gold is missing"),
        ("xstest", "prompt,type,label\nx,y,perhaps\n", "yes or no"),
        ("tweeteval", "a\n", "NAME_text.txt"),
        ("jsonl", '{"text": "a"}\n', "neither label nor policy_areas"),
        ("jsonl", '{"text": "a", "label": 1}\n', "--area"),
        ("jsonl", '{"text": "a", "policy_areas": ["nonsense"]}\n', "no policy area 'nonsense'"),
        ("jsonl", '{"text": "a", "label": "spam", "severity": 9}\n', "severity must be 0-4"),
        ("jsonl", '{"text": "a", "label": "spam", "annotated_areas": []}\n', "among annotated_areas"),
    ],
)
def test_wrong_input_says_where_and_what(tmp_path: Path, form: str, text: str, message: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(text)
    with pytest.raises(RecordError, match=message):
        read_rows(path, form, ALL)


def test_damaged_archive_and_other_encodings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "a"}\n' * 500)[:-20])
    (tmp_path / "b.csv").write_bytes("prompt,type,label\ncafé,x,safe\n".encode("latin-1"))
    for name, form in (("a.jsonl.gz", "openai"), ("b.csv", "xstest")):
        with pytest.raises(RecordError, match="cannot be read as"):
            read_rows(tmp_path / name, form, ALL)


def test_unknown_area_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecordError, match="known: child_safety"):
        Vocabulary(ALL.areas, "nonsense")
