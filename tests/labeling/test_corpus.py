"""The shipped corpus keeps what its datasheet promises, and the tools that say so can tell."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from labeling.__main__ import main
from labeling.corpus.agreement import agreement
from labeling.corpus.near import near_duplicates
from labeling.corpus.reader import CorpusText, Label, about, labelled_rows, read_corpus
from labeling.records import RecordError, read_labelled_texts
from labeling.taxonomy import Taxonomy, load_taxonomy

SENTENCE = "the library opens at nine and the garden behind it at ten"


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy()


@pytest.fixture(scope="module")
def corpus() -> list[CorpusText]:
    return list(read_corpus())


def made_up(text: str = SENTENCE, *, writer: str = "w01", first: tuple[str, ...] = (), **changes: object) -> CorpusText:
    plain = CorpusText(
        id=f"{writer}-{text}",
        text=text,
        lang="en",
        market="SG",
        format="post",
        persona="reader",
        kind="everyday",
        pair=None,
        writer=writer,
        first=Label(frozenset(first), 1 if first else 0),
        second=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_every_area_severity_format_and_language_is_there(corpus: list[CorpusText], taxonomy: Taxonomy) -> None:
    areas = Counter(area for one in corpus for area in one.first.areas)
    assert set(areas) == set(taxonomy.area_ids)
    assert min(areas.values()) >= 250
    assert {one.first.severity for one in corpus} == {0, 1, 2, 3, 4}
    languages = Counter(one.lang for one in corpus)
    assert {"en", "ms", "id", "zh", "ta", "hi"} < {lang for lang, count in languages.items() if count >= 100}
    assert len(languages) >= 12
    assert len({one.format for one in corpus}) == 13


def test_there_are_as_many_texts_as_the_datasheet_says(corpus: list[CorpusText]) -> None:
    hard = [one for one in corpus if not one.first.areas and one.kind not in {"plain", "everyday"}]
    assert len(corpus) >= 8_000
    assert len(hard) >= 3_000
    assert len({one.text for one in corpus}) == len({one.id for one in corpus}) == len(corpus)


def test_severities_respect_the_floors(corpus: list[CorpusText], taxonomy: Taxonomy) -> None:
    floors = {area.id: area.floor for area in taxonomy.areas}
    for one in corpus:
        assert one.first.severity >= max((floors[area] for area in one.first.areas), default=0), one.id
        assert one.first.areas or one.first.severity == 0, one.id


def test_neither_language_nor_format_gives_the_label_away(corpus: list[CorpusText]) -> None:
    for values in (Counter(one.lang for one in corpus), Counter(one.format for one in corpus)):
        for value, count in values.items():
            if count >= 100:
                harmless = sum(not one.first.areas for one in corpus if value in {one.lang, one.format})
                assert 0.3 < harmless / count < 0.7, value


def test_minimal_pairs_are_whole(corpus: list[CorpusText]) -> None:
    pairs: dict[str, list[bool]] = {}
    for one in corpus:
        if one.pair:
            pairs.setdefault(one.pair, []).append(bool(one.first.areas))
    assert len(pairs) >= 400
    assert all(sorted(sides) == [False, True] for sides in pairs.values())


def test_near_duplicates_are_found() -> None:
    near = SENTENCE.replace("nine", "eight")
    assert list(near_duplicates([SENTENCE, "quite another sentence about boats and bread and the sea", near])) == [
        (0, 2)
    ]


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("今天天气真好我们去公园玩吧大家", "今天天气真好他们去公园玩吧大家", "今天图书馆九点开门晚上八点关门"),
        (
            "明日の朝九時に図書館の前で会いましょう",
            "明日の朝八時に図書館の前で会いましょう",
            "公園の花がとてもきれいに咲いていた",
        ),
        (
            "내일 아침 아홉시에 도서관 앞에서 만나요",
            "내일 아침 여덟시에 도서관 앞에서 만나요",
            "공원에 꽃이 아주 예쁘게 피었어요",
        ),
        # Half of it in letters of another kind, more than half in the other one.
        ("在library的花园见面abcde", "在library的花园见面吧abcde", "garden里有很多花在开hours"),
    ],
    ids=["zh", "ja", "ko", "mixed"],
)
def test_near_duplicates_are_found_where_a_sign_says_as_much_as_a_word(one: str, other: str, far: str) -> None:
    assert list(near_duplicates([one, other, far])) == [(0, 1)]


def test_texts_without_letters_are_not_near_each_other() -> None:
    assert list(near_duplicates(["😀😀", "🎉!", "…", SENTENCE])) == []


def test_writers_stay_on_one_side_and_disputes_are_soft_or_unknown(taxonomy: Taxonomy) -> None:
    judge = min(about().validation_writers)
    second = Label(frozenset({"spam", "privacy"}), 2, graphic=1)
    texts = [
        made_up(first=("spam", "harassment"), second=second),
        made_up("another text", writer=judge, first=("spam", "harassment"), second=second),
    ]
    (train,), (held,) = (list(labelled_rows(texts, taxonomy, split=split)) for split in ("train", "validation"))
    assert train.extra["soft"] == {"harassment": 0.5, "privacy": 0.5}
    assert set(train.policy_areas) == {"spam", "harassment"}
    assert set(train.annotated_areas) == set(taxonomy.area_ids)
    assert held.policy_areas == ("spam",)
    assert set(held.annotated_areas) == set(taxonomy.area_ids) - {"harassment", "privacy"}
    assert "soft" not in held.extra
    assert (train.severity, train.extra["graphic"], train.licence) == (2, 1, "CC-BY-4.0")


def test_agreement_counts_both_sides(taxonomy: Taxonomy) -> None:
    same, differ = Label(frozenset({"spam"}), 1), Label(frozenset(), 0)
    found = agreement(
        [made_up(first=("spam",), second=same), made_up("b", first=("spam",), second=differ), made_up("c")], taxonomy
    )
    assert (found.texts, found.exact) == (2, 0.5)
    assert (found.areas["spam"].first, found.areas["spam"].second, found.areas["spam"].both) == (2, 1, 1)


def test_written_out_rows_are_read_again(tmp_path: Path, corpus: list[CorpusText], taxonomy: Taxonomy) -> None:
    assert main(["corpus", "--out", str(tmp_path)]) == 0
    sides = [list(read_labelled_texts(tmp_path / f"{name}.jsonl")) for name in ("train", "validation")]
    assert sum(map(len, sides)) == len(corpus)
    assert not {row.source for row in sides[0]} & {row.source for row in sides[1]}
    assert {area for row in sides[1] for area in row.policy_areas} == set(taxonomy.area_ids)
    assert main(["check", str(tmp_path / "train.jsonl")]) == 0


def test_description_names_every_area_and_finds_no_near_duplicates(
    capsys: pytest.CaptureFixture[str], taxonomy: Taxonomy
) -> None:
    assert main(["corpus"]) == 0
    printed = capsys.readouterr().out
    assert all(f"| {area} |" in printed for area in taxonomy.area_ids)
    assert "0 pairs of near-duplicates" in printed


@pytest.mark.parametrize("line", ["{", "{}", json.dumps({"id": "a"})])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "w01.jsonl").write_text(line + "\n")
    with pytest.raises(RecordError, match=r"w01\.jsonl:1: not a line of the corpus"):
        list(read_corpus(tmp_path))
