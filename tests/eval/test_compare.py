import numpy as np
import pytest

from eval.compare import Rival, compare
from eval.figures import Settings
from eval.slices import cut, measure_slices
from tests.eval.rows import row, scored

FEW = Settings(draws=80, macro_positives=20)
SEED = np.random.default_rng(11)


def test_better_scores_are_better_with_an_interval_above_zero() -> None:
    rows = [row(n, *(("spam",) if n % 3 == 0 else ()), lang="en" if n < 150 else "ms") for n in range(300)]
    labels = np.array([[float("spam" in one.policy_areas), 0.0] for one in rows])
    good = np.clip(labels * 0.5 + SEED.random((300, 2)) * 0.6, 0, 1)
    bad = SEED.random((300, 2))
    ours, theirs = scored(rows, good.tolist()), scored(rows, bad.tolist())
    found = compare(ours, Rival("previous", "chance", theirs), FEW, slices={"language": cut(ours)[0]["language"]})
    spam = found.areas["spam"]
    assert (spam.n, spam.positives, found.better_in, found.surely_better_in, found.of) == (300, 100, 1, 1, 1)
    assert spam.ours is not None
    assert spam.theirs is not None
    assert spam.difference == pytest.approx(spam.ours - spam.theirs)
    assert (found.macro.difference, found.macro.low) == (spam.difference, spam.low)
    assert found.any_harm.difference == pytest.approx(spam.difference, abs=0.2)
    assert set(found.slices["language"]) == {"en", "ms"}
    assert found.slices["language"]["ms"]["spam"].n == 150
    back = compare(theirs, Rival("previous", "us", ours), FEW, slices={})
    assert (back.better_in, back.worse_in) == (0, ("spam",))


def test_the_same_scores_differ_by_nothing() -> None:
    rows = [row(n, *(("spam",) if n % 3 == 0 else ())) for n in range(90)]
    one = scored(rows, SEED.random((90, 2)).tolist())
    spam = compare(one, Rival("previous", "itself", one), FEW, slices={}).areas["spam"]
    assert (spam.difference, spam.low, spam.high) == (0, 0, 0)


def test_area_that_the_other_does_not_score_is_not_compared() -> None:
    rows = [row(n, *(("spam",) if n % 3 == 0 else ())) for n in range(90)]
    ours, theirs = scored(rows, [[0.5, 0.5]] * 90), scored(rows, [[np.nan, 0.5]] * 90)
    found = compare(ours, Rival("previous", "half", theirs), FEW, slices={})
    assert (found.areas, found.of, found.macro.difference) == ({}, 0, None)


def test_areas_that_one_of_both_lacks_are_said_and_the_others_compared() -> None:
    rows = [row(n, "spam" if n % 3 else "privacy") for n in range(90)]
    values = SEED.random((90, 2))
    ours, theirs = scored(rows, values.tolist()), scored(rows, [[one, np.nan] for one in values[:, 0]])
    found = compare(ours, Rival("previous", "before", theirs, ("spam", "gambling")), FEW, slices={})
    assert (found.unknown_to_them, found.unknown_to_us) == (("privacy",), ("gambling",))
    assert (list(found.areas), found.of, found.macro.difference) == (["spam"], 1, 0)


def test_slices_hold_each_value_of_each_field_and_four_lengths() -> None:
    rows = [
        row(n, *(("spam",) if n % 2 else ()), text="x" * n, lang="en" if n < 60 else "ms", source="a", tags=["t"])
        for n in range(80)
    ]
    one = scored(rows, [[0.9 if n % 2 else 0.1, 0.1] for n in range(80)])
    slices, edges = cut(one)
    assert set(slices) == {"language", "source", "length"}
    assert [int(chosen.sum()) for chosen in slices["length"].values()] == [20, 20, 20, 20]
    assert edges == [19, 39, 59, 79]
    measured = measure_slices(one, slices, FEW)
    en, ms = measured["language"]["en"], measured["language"]["ms"]
    assert (en.n, en.positives, en.auprc, en.areas["spam"].positives) == (60, 30, 1.0, 30)
    assert (en.recall.value, en.fpr.value) == (1, 0)
    assert en.macro.areas == ("spam",)
    assert (ms.n, ms.auprc, ms.macro.areas) == (20, 1.0, ())


def test_slice_with_few_rows_has_shares_but_no_ranking() -> None:
    rows = [row(n, *(("spam",) if n % 2 else ()), lang="en" if n < 72 else "ms") for n in range(80)]
    one = scored(rows, [[0.9, 0.1]] * 80)
    ms = measure_slices(one, cut(one)[0], FEW)["language"]["ms"]
    assert (ms.n, ms.positives, ms.auprc, ms.areas, ms.fpr.value) == (8, 4, None, {}, 1.0)
