"""One row per text, near-duplicates on one side, and nothing to train on that an evaluation file holds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from labeling.records import LabelledText
from training.sources.duplicates import merge_duplicates, narrowness
from training.sources.near import PAIRWISE, near_any, near_groups, signatures
from training.sources.rows import Draft, text_key
from training.sources.split import Split, split_rows

FLOWERS = ("roses", "tulips", "asters", "lilies", "poppies", "daisies", "violets", "irises", "dahlias", "pansies")
PLACES = ("garden", "park", "meadow", "valley", "courtyard", "greenhouse", "orchard", "nursery", "hillside", "market")
VERBS = ("wants", "plants", "sells", "waters", "paints", "counts", "gathers", "admires", "forgets", "photographs")


def texts(count: int) -> list[str]:
    """Made-up sentences that share little with one another."""
    made = []
    for number in range(count):
        flower, place, verb = FLOWERS[number % 10], PLACES[number // 10 % 10], VERBS[number // 100 % 10]
        made.append(f"{verb * 2} {place * 2} {flower * 3} {number * 7919}")
    return made


def draft(text: str, *, source: str = "one", links: frozenset[str] = frozenset(), **changed: Any) -> Draft:
    extra = {"group": "social", "severity_basis": "mapped", "tags": [], **changed.pop("extra", {})}
    values: dict[str, Any] = {
        "policy_areas": (),
        "annotated_areas": ("spam",),
        "severity": 0,
        "lang": "en",
        "licence": "MIT",
        **changed,
    }
    return Draft(LabelledText(id=text, text=text, source=source, extra=extra, **values), text_key(text), links)


def split(
    drafts: list[Draft],
    *,
    share: float = 0.3,
    keep_out: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    train_only: Sequence[Draft] = (),
) -> Split:
    return split_rows(drafts, share=share, validation_only=only, keep_out=keep_out, train_only=train_only)


def test_same_text_in_other_case_and_spacing_becomes_one_row() -> None:
    merged = merge_duplicates([draft("Rain  today"), draft("sun"), draft("rain today", source="two")])
    assert [one.row.text for one in merged] == ["Rain  today", "sun"]
    assert merged[0].row.extra["also_in"] == ["two"]
    assert "also_in" not in merged[1].row.extra


def test_what_rows_know_is_put_together() -> None:
    first = draft("rain", policy_areas=("spam",), severity=1, extra={"tags": ["a"]})
    second = draft(
        "rain", annotated_areas=("harassment",), severity=None, licence="CC-BY-SA-4.0", extra={"tags": ["b"]}
    )
    (merged,) = merge_duplicates([first, second])
    assert merged.row.policy_areas == ("spam",)
    assert merged.row.annotated_areas == ("harassment", "spam")
    assert (merged.row.severity, merged.row.extra["severity_basis"]) == (1, "mapped")
    assert merged.row.extra["tags"] == ["a", "b"]
    assert merged.row.licence == "CC-BY-SA-4.0"


def test_contradiction_is_decided_by_majority() -> None:
    spam = draft("rain", policy_areas=("spam",), severity=1)
    (merged,) = merge_duplicates([spam, draft("rain"), spam])
    assert (merged.row.policy_areas, merged.row.annotated_areas, merged.row.severity) == (("spam",), ("spam",), 1)


def test_tie_leaves_the_area_unknown_and_a_text_without_any_is_left_out() -> None:
    spam = draft("rain", policy_areas=("spam",), severity=1)
    other = draft("rain", annotated_areas=("harassment", "spam"))
    (merged,) = merge_duplicates([spam, other])
    assert (merged.row.policy_areas, merged.row.annotated_areas, merged.row.severity) == ((), ("harassment",), None)
    assert merge_duplicates([spam, draft("rain")]) == []


@pytest.mark.parametrize(("levels", "expected"), [((1, 2), 2), ((0, 2), None), ((3, None), 3), ((None, None), None)])
def test_severities_of_one_text(levels: tuple[int | None, int | None], expected: int | None) -> None:
    (merged,) = merge_duplicates([draft("rain", severity=level) for level in levels])
    assert merged.row.severity == expected


def test_narrower_licence_binds() -> None:
    order = ["CC0-1.0", "MIT", "CC-BY-4.0", "CC-BY-SA-4.0", "GPL-3.0", "CC-BY-NC-SA-4.0", "LicenseRef-x", "unclear"]
    assert [narrowness(one) for one in order] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert narrowness("CC-BY-ND-4.0") == narrowness("CC-BY-NC-4.0")


NEAR = [
    (
        "the quick gardener planted forty roses by the old wall",
        "the quick gardener planted forty roses by the old wall!!",
    ),
    (
        "the quick gardener planted forty roses by the old wall",
        "@user The quick gardener planted forty ROSES by the old wall [URL]",
    ),
    (
        "the quick gardener planted forty roses by the old wall",
        "\U0001f339 the quick gardener planted forty roses by the old wall \U0001f339",
    ),
    ("花园里有四十朵玫瑰花今天的天气非常好我们去散步吧", "花园里有四十朵玫瑰花今天的天气非常好我们去散步"),
]
FAR = [
    ("the quick gardener planted forty roses by the old wall", "a slow reader borrowed nine novels from our library"),
    ("what is my balance", "what is the time"),
    ("花园里有四十朵玫瑰花今天的天气非常好", "昨天晚上我在图书馆借了九本小说"),
    ("ok", "no"),
]


@pytest.mark.parametrize(
    ("one", "other", "near"), [*((*pair, True) for pair in NEAR), *((*pair, False) for pair in FAR)]
)
def test_near_duplicate(one: str, other: str, near: bool) -> None:
    signed = signatures([one, "something else entirely", other])
    numbers = near_groups(signed, [frozenset()] * 3)
    assert bool(numbers[0] == numbers[2]) is near
    assert numbers[1] != numbers[0]
    assert near_any(signatures([one]), signatures([other])).tolist() == [near]


def test_rows_that_share_a_link_are_one_group() -> None:
    links = [frozenset({"a"}), frozenset({"b"}), frozenset({"a", "c"}), frozenset({"c"})]
    numbers = near_groups(signatures(texts(4)), links)
    assert numbers.tolist() == [0, 1, 0, 0]


def test_bucket_too_large_for_all_pairs_is_still_one_group() -> None:
    same = ["welcome to the club of friends of the garden"] * (PAIRWISE + 5)
    assert set(near_groups(signatures(same), [frozenset()] * len(same)).tolist()) == {0}


def test_signatures_do_not_depend_on_the_run() -> None:
    assert (
        signatures(["the garden has forty roses"])[0, :3].tolist()
        == signatures(iter(["the garden has forty roses"]))[0, :3].tolist()
    )
    assert signatures([]).shape == (0, 125)
    assert near_any(signatures(["a"]), signatures([])).tolist() == [False]


def test_share_of_texts_validates() -> None:
    done = split([draft(text) for text in texts(1_000)], share=0.3)
    assert len(done.train) + len(done.validation) == 1_000
    assert 250 < len(done.validation) < 350


def test_large_groups_are_not_drawn_to_one_side() -> None:
    # Forty groups of ten near-duplicates each: by the smallest key alone, nearly all of them would validate.
    drafts = [
        draft(f"{text} the quick gardener planted them by the old wall {'.' * copy}")
        for text in texts(40)
        for copy in range(10)
    ]
    sides = {row.text.rstrip(". ") for row in split(drafts, share=0.3).validation}
    assert 2 < len(sides) < 25


def test_side_of_a_text_stays_when_others_come_and_go() -> None:
    few, many = split([draft(text) for text in texts(300)]), split([draft(text) for text in texts(600)])
    assert {row.text for row in few.validation} <= {row.text for row in many.validation}
    assert {row.text for row in few.train} <= {row.text for row in many.train}


def test_near_duplicates_lie_on_one_side() -> None:
    drafts = [draft(text + end) for text in texts(200) for end in ("", " !!", " [URL]")]
    done = split(drafts)
    bare = [
        {row.text.removesuffix(" !!").removesuffix(" [URL]") for row in side} for side in (done.train, done.validation)
    ]
    assert not bare[0] & bare[1]
    assert (done.groups, done.grouped_rows, done.largest_group) == (200, 600, 3)


def test_development_source_validates_with_all_that_is_near_to_it() -> None:
    drafts = [draft(text) for text in texts(50)] + [draft(f"{text}!!", source="two") for text in texts(50)]
    assert split(drafts, only=("two",)).train == []


def test_text_of_an_evaluation_file_does_not_train() -> None:
    made = texts(300)
    drafts = [draft(text) for text in made]
    before = split(drafts)
    trained = [row.text for row in before.train]
    kept_out = (trained[0].upper(), f"{trained[1]} !!", before.validation[0].text)
    after = split(drafts, keep_out=kept_out)
    assert {row.text for row in before.train} - {row.text for row in after.train} == set(trained[:2])
    assert (after.kept_out_exact.total(), after.kept_out_near.total()) == (1, 1)
    assert after.validation_in_evaluation == 1
    assert after.validation == before.validation


def test_signatures_are_of_the_promised_shape() -> None:
    signed = signatures(texts(3))
    assert signed.dtype == np.uint32
    assert signed.shape == (3, 125)


def test_a_list_of_words_moves_no_row_and_repeats_none() -> None:
    drafts = [draft(f"message number {number}") for number in range(40)]
    words = [draft("message number 7", source="list"), draft("a word", source="list"), draft("kept out", source="list")]
    before, after = split(drafts, keep_out=("kept out",)), split(drafts, keep_out=("Kept  out",), train_only=words)
    assert after.validation == before.validation
    assert after.train == [*before.train, words[1].row]
    assert after.kept_out_exact == {"list": 1}
