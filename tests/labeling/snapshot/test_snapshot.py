"""A snapshot is the same from the same rows, keeps apart what must be, and says when it was tampered with."""

import gzip
import json
import random
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from labeling.__main__ import main
from labeling.pseudonyms import pseudonym
from labeling.records import LabelledText, RecordError, read_labelled_texts, write_labelled_texts
from labeling.snapshot.build import MAX_NAMED, Recipe, SnapshotError, build_snapshot, read_evaluation
from labeling.snapshot.clusters import clusters, near_any
from labeling.snapshot.split import SplitError, by_time
from labeling.snapshot.verify import verify_snapshot
from labeling.taxonomy import Taxonomy

WORDS = ("heron", "otter", "badger", "lizard", "salmon", "falcon", "hedgehog", "beetle", "weasel", "magpie")


def row(number: int, text: str | None = None, **extra: Any) -> LabelledText:
    """A row decided on day `number` of November; its text is like that of no other number."""
    draw = random.Random(number)
    words = ("".join(draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(3)) for _ in range(6))
    own = text or " ".join(words)
    spam = number % 2 == 0
    return LabelledText(
        id=f"r{number:03}",
        text=own,
        policy_areas=("spam",) if spam else (),
        annotated_areas=("spam",),
        severity=1 if spam else 0,
        source="decisions",
        lang="en",
        licence="own",
        label_quality="gold",
        extra={"decided_at": f"2026-11-{number % 30 + 1:02}T12:00:00+00:00", **extra},
    )


def rows(count: int = 30) -> list[LabelledText]:
    return [row(number) for number in range(count)]


def build(
    folder: Path, taxonomy: Taxonomy, given: Sequence[LabelledText], recipe: Recipe | None = None, *, out: str = "out"
) -> Path:
    file = folder / "rows.jsonl"
    write_labelled_texts(file, given)
    return build_snapshot([file], recipe or Recipe(share=0.2), folder / out, taxonomy=taxonomy)


def sides(folder: Path) -> dict[str, set[str]]:
    return {
        side: {one.id for one in read_labelled_texts(folder / f"{side}.jsonl.gz")} for side in ("train", "validation")
    }


def command(folder: Path, given: Sequence[LabelledText], *arguments: str) -> int:
    write_labelled_texts(folder / "rows.jsonl", given)
    return main(["snapshot", str(folder / "rows.jsonl"), "--out", str(folder / "out"), "--share", "0.2", *arguments])


def check(plan: str, chance: float, state: str = "settled") -> dict[str, Any]:
    return {"plan": plan, "kind": "random", "chance": chance, "state": state, "error": None}


def evaluation_set(folder: Path, *texts: str) -> Path:
    path = folder / "evaluation.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def test_a_snapshot_is_bit_identical_when_built_twice_from_shuffled_rows(tmp_path: Path, taxonomy: Taxonomy) -> None:
    first = build(tmp_path, taxonomy, rows())
    shuffled = [replace(one, extra=dict(reversed(one.extra.items()))) for one in rows()]
    random.Random(7).shuffle(shuffled)
    (tmp_path / "again").mkdir()
    half = tmp_path / "again" / "half.jsonl"
    write_labelled_texts(half, shuffled[:20])
    rest = tmp_path / "again" / "rest.jsonl.gz"
    # Some rows stand in both files.
    rest.write_bytes(gzip.compress("".join(one.to_line() for one in shuffled[15:]).encode()))
    second = build_snapshot([rest, half], Recipe(share=0.2), tmp_path / "again" / "out", taxonomy=taxonomy)
    assert second.name == first.name
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (first, second)]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 5
    # Where a packed file keeps the time of its making, there is none: the two could have been built in one second.
    assert {content[4:8] for name, content in contents[0].items() if name.endswith(".gz")} == {bytes(4)}


def test_any_other_row_is_another_snapshot(tmp_path: Path, taxonomy: Taxonomy) -> None:
    names = {build(tmp_path, taxonomy, rows()).name}
    for number, change in enumerate(({"severity": 3}, {"text": "something else"}, {"extra": {"lane": "random"}})):
        names.add(build(tmp_path, taxonomy, [replace(rows()[0], **change), *rows()[1:]], out=f"o{number}").name)  # type: ignore[arg-type]
    assert len(names) == 4


def test_what_is_there_is_never_written_again(tmp_path: Path, taxonomy: Taxonomy) -> None:
    folder = build(tmp_path, taxonomy, rows())
    with pytest.raises(SnapshotError, match="this very snapshot is there already"):
        build(tmp_path, taxonomy, rows())
    assert all(not path.stat().st_mode & stat.S_IWUSR for path in folder.iterdir())
    assert [path.name for path in (tmp_path / "out").iterdir()] == [folder.name]


def test_a_planted_straddling_duplicate_stays_on_one_side(tmp_path: Path, taxonomy: Taxonomy) -> None:
    old, new = rows()[0], rows()[29]
    late = replace(new, text=f"  {old.text.upper()}!! today")
    alone = build(tmp_path, taxonomy, rows())
    assert new.id in sides(alone)["validation"]
    assert old.id in sides(alone)["train"]
    assert verify_snapshot(alone)["split"]["straddling"] == 0
    together = build(tmp_path, taxonomy, [*rows()[:29], late], out="planted")
    assert {old.id, late.id} <= sides(together)["train"]
    assert verify_snapshot(together)["split"]["straddling"] == 1


def test_what_was_said_of_one_subject_stays_together(tmp_path: Path, taxonomy: Taxonomy) -> None:
    given = [*rows()[:29], replace(rows()[29], extra={**rows()[29].extra, "subject": "s1"})]
    given[0] = replace(given[0], extra={**given[0].extra, "subject": "s1"})
    assert {"r000", "r029"} <= sides(build(tmp_path, taxonomy, given))["train"]


def test_a_tie_may_be_zero_but_not_empty() -> None:
    tied, untied = ([row(number, subject=value) for number in (1, 2)] for value in (0, ""))
    assert clusters(tied) == [0, 0]
    assert clusters(untied) == [0, 1]


def test_a_lone_surrogate_is_a_sign_like_any_other(tmp_path: Path, taxonomy: Taxonomy) -> None:
    odd = replace(row(30, "half of a sign \ud83d here"), source="a \ud83d source", extra={})
    folder = build(tmp_path, taxonomy, [*rows(), odd])
    assert odd.id in sides(folder)["train"] | sides(folder)["validation"]
    assert verify_snapshot(folder)["split"]["train"] > 0
    assert "\\ud83d" in (folder / "datasheet.md").read_text(encoding="utf-8")
    assert pseudonym(b"k" * 16, "subject", "\ud83d") != pseudonym(b"k" * 16, "subject", "\ud83e")


def test_a_family_larger_than_what_is_common_is_not_divided(tmp_path: Path, taxonomy: Taxonomy) -> None:
    offer = "limited offer from the garden shop near the old station: twenty tulips for the price of "
    family = [replace(row(n, f"{offer}{WORDS[n % 10]} {n}"), id=f"f{n:03}") for n in range(120)]
    random.Random(3).shuffle(family)
    found = by_time([*family, *rows()], 0.2)
    assert len({found.leaders[place] for place in range(len(family))}) == 1
    assert len(set(found.leaders)) == 1 + len(rows())


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 14), st.none() | st.integers(0, 29), st.sampled_from(["", " !", " TODAY"])),
        min_size=3,
        max_size=25,
    ),
    st.floats(0.05, 0.6),
)
def test_validation_is_never_older_than_the_cut_and_holds_nothing_near_to_training(
    drawn: list[tuple[int, int | None, str]], share: float
) -> None:
    given = [
        replace(
            row(kind),
            id=f"x{place}",
            text=f"{row(kind).text}{ending}",
            extra={} if day is None else {"decided_at": f"2026-11-{day + 1:02}T00:00:00+00:00"},
        )
        for place, (kind, day, ending) in enumerate(drawn)
    ]
    try:
        found = by_time(given, share)
    except SplitError:
        reject()
    began = {
        kind: min(days) for kind in range(15) if (days := [at for of, at, _ in drawn if of == kind and at is not None])
    }
    # A single moment divides nothing.
    assert (found.cut is None) == (len(set(began.values())) < 2)
    kinds: dict[bool, set[int]] = {True: set(), False: set()}
    for (kind, day, _), validates in zip(drawn, found.validates, strict=True):
        kinds[validates].add(kind)
        if validates and day is not None and found.cut is not None:
            assert day + 1 >= found.cut.day
    assert not kinds[True] & kinds[False]


def test_planted_leaks_are_refused_with_their_ids(
    tmp_path: Path, taxonomy: Taxonomy, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = f"«{rows()[3].text.upper()}»"
    near = f"{rows()[5].text} and a bit"
    held = evaluation_set(tmp_path, exact, near, "nothing like any of them at all")
    assert command(tmp_path, rows(), "--evaluation", str(held)) == 2
    assert "2 rows are in an evaluation set: r003 (exact), r005 (near)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert command(tmp_path, rows(), "--evaluation", str(held), "--drop-leaks") == 0
    assert "left out: exact leaks 1, near leaks 1" in capsys.readouterr().out
    [folder] = (tmp_path / "out").iterdir()
    both = sides(folder)
    assert both["train"] | both["validation"] == {one.id for one in rows()} - {"r003", "r005"}
    manifest = verify_snapshot(folder)
    assert manifest["left_out"] == {"exact leaks": 1, "near leaks": 1}
    assert manifest["settings"]["evaluation"][0]["texts"] == 3


def test_leaks_cannot_be_dropped_without_a_set_to_compare_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path, rows(), "--drop-leaks") == 2
    assert "--drop-leaks needs" in capsys.readouterr().err


def test_more_rows_than_fit_into_memory_are_refused(
    tmp_path: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeling.snapshot.build.MAX_ROWS", 29)
    with pytest.raises(SnapshotError, match="more than 29 rows"):
        build(tmp_path, taxonomy, rows())
    build(tmp_path, taxonomy, rows(29))


def test_without_a_leak_nothing_is_refused(tmp_path: Path) -> None:
    held = tmp_path / "held.txt.gz"
    held.write_bytes(gzip.compress(b"a text of its own\nand another one\n"))
    assert command(tmp_path, rows(), "--evaluation", str(held)) == 0


def test_a_long_list_of_leaks_is_cut_but_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = evaluation_set(tmp_path, *(one.text for one in rows()))
    assert command(tmp_path, rows(), "--evaluation", str(held)) == 2
    error = capsys.readouterr().err
    assert "30 rows are in an evaluation set" in error
    assert f"and {30 - MAX_NAMED} more" in error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('{"id": 1}', 'needs a "text"'),
        ("", "holds no text"),
        ("\n\n", "holds no text"),
    ],
)
def test_an_evaluation_set_without_texts_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    path = tmp_path / "held.jsonl"
    path.write_text(content)
    assert command(tmp_path, rows(), "--evaluation", str(path)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["held.txt", "held.txt.gz"])
def test_an_evaluation_set_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("labeling.snapshot.build.MAX_EVALUATION_BYTES", 1000)
    for length, refused in ((1000, False), (1001, True)):
        content = b"a" * length
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        if refused:
            with pytest.raises(RecordError, match="more than 1,000 bytes"):
                read_evaluation(tmp_path / name)
        else:
            assert read_evaluation(tmp_path / name).texts == ("a" * length,)


def test_near_to_an_evaluation_text_beside_many_of_its_kind(tmp_path: Path) -> None:
    offer = "limited offer from the garden shop near the old station: twenty tulips for the price of "
    held = [f"{offer}{WORDS[n % 10]} {n}" for n in range(100)]
    assert near_any([f"{offer}nothing", "another text"], held) == ["near", None]


def test_a_stale_label_is_marked_and_left_out_on_request(tmp_path: Path, taxonomy: Taxonomy) -> None:
    old = replace(rows()[4], extra={**rows()[4].extra, "stale": True, "stale_areas": ["spam"]})
    benign = replace(
        rows()[5],
        annotated_areas=("spam", "privacy"),
        policy_areas=(),
        extra={**rows()[5].extra, "stale": True, "stale_areas": ["spam"]},
    )
    given = [*rows()[:4], old, benign, *rows()[6:]]
    kept = build(tmp_path, taxonomy, given)
    assert verify_snapshot(kept)["facts"]["stale"] == {"in force": 28, "stale": 2}
    assert "| stale area | rows |\n| --- | ---: |\n| spam | 2 |" in (kept / "datasheet.md").read_text()
    dropped = build(tmp_path, taxonomy, given, Recipe(share=0.2, drop_stale=True), out="dropped")
    manifest = verify_snapshot(dropped)
    assert manifest["left_out"] == {"nothing known": 1, "stale labels": 2}
    assert manifest["facts"]["stale"] == {"in force": 29}
    left = {
        one.id: one for side in ("train", "validation") for one in read_labelled_texts(dropped / f"{side}.jsonl.gz")
    }
    assert old.id not in left
    # What was clear of everything still is, in every area whose rules are as they were.
    assert (left[benign.id].annotated_areas, left[benign.id].severity) == (("privacy",), None)


def test_a_label_said_to_be_stale_without_areas_is_left_out_with_the_others(tmp_path: Path, taxonomy: Taxonomy) -> None:
    given = [replace(rows()[0], extra={**rows()[0].extra, "stale": True}), *rows()[1:]]
    assert verify_snapshot(build(tmp_path, taxonomy, given))["facts"]["stale"] == {"in force": 29, "stale": 1}
    dropped = build(tmp_path, taxonomy, given, Recipe(share=0.2, drop_stale=True), out="dropped")
    assert verify_snapshot(dropped)["left_out"] == {"nothing known": 1, "stale labels": 1}


def test_the_datasheet_does_not_let_rows_stand_for_what_was_reported(tmp_path: Path, taxonomy: Taxonomy) -> None:
    sheet = " ".join((build(tmp_path, taxonomy, rows()) / "datasheet.md").read_text().split())
    assert "no rows of this kind, weighted or not, show how common a violation is among what was reported" in sheet
    assert "`python -m service export --log` with `python -m eval sample`" in sheet
    assert "stand for what was reported" not in sheet


def test_a_byte_order_mark_is_no_part_of_an_evaluation_text(tmp_path: Path) -> None:
    for name, content in (("held.txt", "a text"), ("held.jsonl", '{"text": "a text"}')):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + content.encode())
        assert read_evaluation(tmp_path / name).texts == ("a text",)


def test_near_duplicates_in_chinese_are_one_group_and_leak(tmp_path: Path) -> None:
    texts = "加我微信领取免费红包马上到账", "加我微信领取免费礼包马上到账"
    assert clusters([row(number, text) for number, text in enumerate(texts)]) == [0, 0]
    assert near_any(texts[:1], texts[1:]) == ["near"]


def test_the_manifest_counts_what_there_is(tmp_path: Path, taxonomy: Taxonomy) -> None:
    given = [
        *rows(),
        replace(rows()[2], id="again", policy_areas=()),
        replace(rows()[0], id="empty", text=" \n"),
        replace(rows()[0], id="unlabelled", policy_areas=(), annotated_areas=(), severity=None),
    ]
    about: dict[int, dict[str, Any]] = {
        0: {"annotator": "ab12", "lane": "random", "sampling_weight": 20.0},
        1: {"annotator": "ab12", "sampling_weight": 1.0},
        2: {"checks": [check("a", 0.5), check("b", 0.1)]},
        3: {"checks": [check("a", 0.125), check("b", 0.1, "disputed")]},
        **{number: {"annotator": "cd34"} for number in range(5, 10)},
    }
    for number, extra in about.items():
        given[number] = replace(given[number], extra={**given[number].extra, **extra})
    given[10] = replace(given[10], lang="ta")
    folder = build(tmp_path, taxonomy, given)
    manifest = verify_snapshot(folder)
    facts = manifest["facts"]
    assert manifest["left_out"] == {"no text": 1, "nothing known": 1}
    assert (facts["rows"], facts["contradicting_texts"]) == (31, 1)
    assert facts["areas"]["spam"] | {"applies_in_validation": 0} == {
        "applies": 15,
        "clear": 16,
        "unknown": 0,
        "applies_in_validation": 0,
    }
    few = "few (under 5 rows each)"
    assert facts["annotators"] == {"not said": 24, "cd34": 5, few: 2}
    assert facts["languages"] == {"en": 30, few: 1}
    # Kish: 21 squared over 401.
    assert facts["weights"]["sampling_weight"] == {"rows": 2, "least": 1.0, "most": 20.0, "effective_rows": 1.1}
    # Of each plan by itself: 2 and 8, 10.
    assert facts["weights"]["checks of plan a"] == {"rows": 2, "least": 2.0, "most": 8.0, "effective_rows": 1.5}
    assert facts["weights"]["checks of plan b"]["rows"] == 1
    assert facts["checks"] == {"settled": 3, "disputed": 1}
    sheet = (folder / "datasheet.md").read_text()
    assert "| cd34 | 5 |" in sheet
    assert "| checks of plan a | 2 | 2.0 | 8.0 | 1.5 |" in sheet
    assert not [name for name in ("ab12", "| ta |") if name in sheet]
    assert "No evaluation set was compared with" in sheet
    assert len(list(read_labelled_texts(folder / "rows.jsonl.gz"))) == 31


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "train.jsonl.gz", "datasheet.md", "manifest.json"])
def test_a_changed_file_is_found(
    tmp_path: Path, taxonomy: Taxonomy, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = build(tmp_path, taxonomy, rows())
    assert main(["verify", str(folder)]) == 0
    assert "whole; " in capsys.readouterr().out
    path = folder / name
    path.chmod(0o644)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"r002", b"r999")))
    else:
        path.write_bytes(path.read_bytes() + b"\n")
    assert main(["verify", str(folder)]) == 2
    assert name in capsys.readouterr().err


def test_packed_anew_is_still_the_same_snapshot(tmp_path: Path, taxonomy: Taxonomy) -> None:
    folder = build(tmp_path, taxonomy, rows())
    path = folder / "rows.jsonl.gz"
    path.chmod(0o644)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1))
    assert verify_snapshot(folder)


def test_a_missing_a_strange_and_a_damaged_file_are_found(tmp_path: Path, taxonomy: Taxonomy) -> None:
    folder = build(tmp_path, taxonomy, rows())
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(SnapshotError, match=r"missing or strange: notes\.txt"):
        verify_snapshot(folder)
    (folder / "notes.txt").unlink()
    damaged = folder / "train.jsonl.gz"
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-12])
    with pytest.raises(SnapshotError, match="is damaged"):
        verify_snapshot(folder)
    damaged.unlink()
    with pytest.raises(SnapshotError, match=r"missing or strange: train\.jsonl\.gz"):
        verify_snapshot(folder)
    folder.rename(tmp_path / "out" / "other")
    with pytest.raises(SnapshotError, match="which is not the name of the folder"):
        verify_snapshot(tmp_path / "out" / "other")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annotated_areas": ("spam", "noise")}, "row r000: no such area in taxonomy .*: noise"),
        ({"extra": {"decided_at": "yesterday"}}, "row r000: decided_at must be a moment"),
        ({"extra": {"decided_at": "2026-11-01T12:00:00"}}, "row r000: decided_at needs an offset"),
        ({"extra": {"stale_areas": "spam"}}, "row r000: stale_areas must be a list"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    tmp_path: Path, taxonomy: Taxonomy, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(tmp_path, taxonomy, [replace(rows()[0], **change), *rows()[1:]], Recipe(share=0.2, drop_stale=True))
    assert not (tmp_path / "out").exists()


def test_one_id_with_two_contents_is_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(SnapshotError, match="row r000 was read before with other content"):
        build(tmp_path, taxonomy, [*rows(), replace(rows()[0], severity=3)])


@pytest.mark.parametrize("share", ["0", "1", "nan", "-1"])
def test_a_share_that_leaves_a_side_empty_is_refused(tmp_path: Path, share: str) -> None:
    assert command(tmp_path, rows(), f"--share={share}") == 2


def test_rows_that_all_belong_together_cannot_be_divided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, [row(n, "the same words in all of them") for n in range(5)]) == 2
    assert "5 rows in 1 groups that belong together cannot be divided" in capsys.readouterr().err
