"""Intervals: those of a second implementation, the same on every run, none for too few items."""

import numpy as np
import pytest
from scipy import stats

from labeling.statistics import bootstrap
from labeling.statistics.alpha import krippendorff_alpha
from labeling.statistics.estimate import MIN_ITEMS, Estimate
from labeling.statistics.nominal import cohen_kappa, cohen_kappa_of_table, fleiss_kappa, gwet_ac1, raw_agreement
from tests.labeling.statistics.published import FLEISS, krippendorff_counts


@pytest.mark.parametrize("n", [0, 12, MIN_ITEMS - 1])
def test_too_few_items_give_no_figure_however_it_is_made(n: int) -> None:
    few = Estimate(0.9, 0.8, 0.95, n)
    assert (few.value, few.low, few.high, few.enough) == (None, None, None, False)
    assert str(few) == f"not enough checks: {n} of 30"


def test_a_figure_says_itself() -> None:
    assert str(Estimate(0.9, 0.8123, 0.95, MIN_ITEMS)) == "0.900 (0.812 to 0.950)"
    assert str(Estimate(None, None, None, 100)) == "not defined"


def test_the_interval_is_the_bca_of_scipy() -> None:
    coefficient = fleiss_kappa(FLEISS)

    def kappa(places: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.apply_along_axis(lambda chosen: fleiss_kappa(FLEISS[chosen]).value, axis, places)

    other = stats.bootstrap(
        (np.arange(len(FLEISS)),), kappa, n_resamples=2000, method="BCa", rng=np.random.default_rng(5)
    ).confidence_interval
    found = coefficient.estimate(resamples=20_000)
    assert (found.low, found.high) == pytest.approx((other.low, other.high), abs=0.015)


def test_the_same_seed_gives_the_same_interval_also_in_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    coefficient = krippendorff_alpha(FLEISS, metric="ordinal")
    once = coefficient.estimate(seed=3, resamples=500)
    assert once != coefficient.estimate(seed=4, resamples=500)
    monkeypatch.setattr(bootstrap, "CELLS", 100)
    assert once == coefficient.estimate(seed=3, resamples=500)


def test_unanimous_items_are_not_certain() -> None:
    table = np.array([[70, 0], [0, 30]])
    found = cohen_kappa_of_table(table).estimate()
    # At most 3.62 % of items can be disagreed on, where 42 % would be by chance.
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(1 - 0.03622 / 0.42, abs=1e-4)


def test_where_chance_agrees_on_everything_there_is_no_kappa() -> None:
    alike = np.array([[3, 0]] * 40)
    assert fleiss_kappa(alike).value is None
    assert krippendorff_alpha(alike).estimate() == Estimate(None, None, None, 40)
    assert cohen_kappa([0] * 40, [0] * 40, levels=2).value is None
    # AC1 has one: nothing is hard where everybody says the same.
    assert gwet_ac1(alike).value == 1


def test_rows_may_stand_for_several_items() -> None:
    rows, times = np.unique(FLEISS, axis=0, return_counts=True)
    for make in (fleiss_kappa, krippendorff_alpha, gwet_ac1, raw_agreement):
        assert make(rows, times.astype(float)).estimate() == make(FLEISS).estimate()


def test_items_with_one_answer_are_no_items_of_agreement() -> None:
    counts = krippendorff_counts()
    assert (krippendorff_alpha(counts).n, gwet_ac1(counts).n) == (11, 11)
    assert krippendorff_alpha(counts).value == krippendorff_alpha(counts[:11]).value


def test_pairs_without_both_answers_are_left_out() -> None:
    found = cohen_kappa([0, 1, -1, 1], [0, 1, 1, -1], levels=2)
    assert (found.n, found.value) == (2, 1)
    assert cohen_kappa([-1], [0], levels=2).value is None


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([0, 1], [0], "a code for each item"),
        ([0, 2], [0, 1], "between 0 and 1"),
        ([0, -2], [0, 1], "between 0 and 1"),
    ],
)
def test_codes_that_cannot_be_are_refused(first: list[int], second: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cohen_kappa(first, second, levels=2)


def test_weights_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="0 in the diagonal"):
        cohen_kappa([0, 1], [0, 1], levels=2, weights=np.ones((2, 2)))
    with pytest.raises(ValueError, match="none, linear, quadratic"):
        cohen_kappa([0, 1], [0, 1], levels=2, weights="cubic")  # type: ignore[arg-type]


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"take Krippendorff's alpha or Gwet's AC1"):
        fleiss_kappa(np.array([[2, 0], [1, 2]]))
    with pytest.raises(ValueError, match="a column for each of two labels"):
        gwet_ac1(np.array([1, 2, 3]))
    with pytest.raises(ValueError, match="must not be negative"):
        krippendorff_alpha(np.array([[1, -1]]))
    with pytest.raises(ValueError, match="nominal or ordinal"):
        krippendorff_alpha(FLEISS, metric="ratio")  # type: ignore[arg-type]
