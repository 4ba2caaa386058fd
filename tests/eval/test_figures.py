import numpy as np
import pytest

from eval.figures import NOTHING, Settings, area_table, error_estimate, harm_figures, severity_table
from eval.scored import Scored
from tests.eval.rows import AREAS, row, scored

FEW = Settings(draws=60, macro_positives=20)
SEED = np.random.default_rng(5)


def noisy(rows: int = 200) -> Scored:
    """Spam in every fourth row, scored well; privacy in 15 rows, scored at random."""
    made = [row(n, *(("spam",) if n % 4 == 0 else ()), *(("privacy",) if n < 15 else ())) for n in range(rows)]
    spam = [0.9 if n % 4 == 0 and n % 20 else 0.3 for n in range(rows)]
    return scored(made, np.column_stack([spam, SEED.random(rows)]).tolist())


def test_each_figure_stands_beside_its_rows_positives_and_interval() -> None:
    table = area_table(noisy(), FEW)
    spam = table.areas["spam"]
    assert (spam.n, spam.positives, spam.base_rate, spam.threshold) == (200, 50, 0.25, 0.5)
    assert spam.auprc_low is not None
    assert spam.auprc_high is not None
    assert spam.auprc_low <= spam.auprc <= spam.auprc_high
    assert (spam.recall, spam.precision, spam.fpr) == (0.8, 1.0, 0.0)
    assert spam.fpr_at_recall_80 == 0
    # 160 rows state 0.3 where 10 are true, 40 state 0.9 where all are.
    assert spam.ece == pytest.approx((160 * abs(0.3 - 10 / 160) + 40 * 0.1) / 200)


def test_interval_of_a_calibration_error_is_reflected_at_it() -> None:
    # The draws lie 0.02 to 0.06 above the error: so far below it lies the truth, and never below 0.
    drawn = np.linspace(0.12, 0.16, 41)
    for value, low, high in ((0.1, 0.041, 0.1), (0.03, 0.0, 0.03), (0.14, 0.121, 0.159)):
        found = error_estimate(value, drawn)
        assert (found.value, found.low, found.high) == pytest.approx((value, low, high))
    assert error_estimate(float("nan"), drawn * np.nan) == NOTHING


def test_interval_of_a_calibrated_area_holds_its_error_and_comes_near_none() -> None:
    generator = np.random.default_rng(3)
    p = generator.beta(1.2, 2.8, 3_000)
    rows = [row(n, *(("spam",) if hit else ())) for n, hit in enumerate(generator.random(3_000) < p)]
    spam = area_table(scored(rows, np.column_stack([p, p]).tolist()), FEW).areas["spam"]
    assert spam.ece is not None
    assert spam.ece_low is not None
    assert spam.ece_high is not None
    # As they are, nearly all draws lie above 0.02.
    assert 0 <= spam.ece_low < 0.015 < spam.ece <= spam.ece_high < 0.035


def test_macro_counts_the_areas_with_enough_positives_alone() -> None:
    table = area_table(noisy(), FEW)
    assert table.macro.areas == ("spam",)
    assert table.macro.value == table.areas["spam"].auprc
    assert not table.areas["spam"].ece_firm
    assert area_table(noisy(), Settings(draws=60, macro_positives=10)).macro.areas == AREAS
    empty = area_table(noisy(), Settings(draws=60, macro_positives=99)).macro
    assert (empty.value, empty.areas) == (None, ())


def test_area_with_100_positives_has_a_firm_calibration_error() -> None:
    assert area_table(noisy(400), FEW).areas["spam"].ece_firm


def test_area_without_labels_or_scores_is_too_few_not_zero() -> None:
    table = area_table(scored([row(n, *(("spam",) if n < 9 else ())) for n in range(50)], [[0.1, 0.1]] * 50), FEW)
    assert (table.areas, table.too_few) == ({}, {"spam": 9, "privacy": 0})
    rows = [row(n, *(("spam",) if n < 20 else ())) for n in range(50)]
    assert area_table(scored(rows, [[np.nan, 0.1]] * 50), FEW).areas == {}


def test_never_learned_area_never_applies() -> None:
    rows = [row(n, *(("spam",) if n < 20 else ())) for n in range(50)]
    spam = area_table(scored(rows, [[0.9, 0.9]] * 50, trained=["privacy"]), FEW).areas["spam"]
    assert (spam.trained, spam.recall, spam.fpr) == (False, 0.0, 0.0)


def test_any_harm_looks_at_annotated_areas_only() -> None:
    rows = [row(1, "spam"), row(2), row(3, known=("spam",)), row(4, known=()), row(5, known=(), any_harm=True)]
    one = scored(rows, [[0.5, 0.5], [0.5, 0.5], [0.2, 0.9], [0.2, 0.9], [0.2, 0.9]])
    assert one.harm_known.tolist() == [True, True, True, False, True]
    assert one.harmful.tolist() == [1, 0, 0, 0, 1]
    # The unannotated area of the third row says nothing; a row without annotation is asked for all areas.
    assert one.noisy_or() == pytest.approx([0.75, 0.75, 0.2, 0.92, 0.92])
    assert one.highest() == pytest.approx([0.5, 0.5, 0.2, 0.9, 0.9])
    assert one.noisy_or(everywhere=True) == pytest.approx([0.75, 0.75, 0.92, 0.92, 0.92])
    assert one.flagged().tolist() == [True, True, False, True, True]


def test_never_learned_areas_do_not_speak_of_harm() -> None:
    one = scored([row(1)], [[0.2, 0.9]], trained=["spam"])
    assert one.noisy_or() == pytest.approx([0.2])
    assert scored([row(1)], [[1.0, 0.3]]).noisy_or() == pytest.approx([1.0])


def test_any_harm_figures_count_flagged_rows() -> None:
    rows = [row(n, *(("spam",) if n < 20 else ())) for n in range(60)]
    scores = [[0.8 if n < 10 or n >= 50 else 0.1, 0.1] for n in range(60)]
    harm = harm_figures(scored(rows, scores), FEW)
    assert (harm.n, harm.positives, harm.base_rate, harm.headline) == (60, 20, pytest.approx(1 / 3), "noisy_or")
    assert (harm.recall.value, harm.fpr.value) == (0.5, 0.25)
    # 10 of 20 found among 20 rows, the rest among all 60.
    assert harm.auprc == pytest.approx(0.5 * 0.5 + 0.5 / 3)
    assert harm.fpr_at_recall_80.value == 1


def test_any_harm_of_one_kind_of_row_is_not_measured() -> None:
    harm = harm_figures(scored([row(n, "spam") for n in range(60)], [[0.8, 0.1]] * 60), FEW)
    assert (harm.auprc, harm.max_auprc.value, harm.fpr.value, harm.recall.value) == (None, None, None, 1.0)


def test_severity_rated_by_people_stands_apart() -> None:
    rows = [row(n, severity=n % 5, severity_basis="human" if n < 10 else "mapped") for n in range(40)] + [row(99)]
    wrong = [n % 5 if n >= 10 else 0 for n in range(40)] + [0]
    table = severity_table(scored(rows, [[0.1, 0.1]] * 41, severity=wrong), FEW)
    assert (table["all"].n, table["human"].n, table["human"].positives) == (40, 10, 4)
    assert table["human"].recall_severe.value == 0
    assert table["human"].mae.value == 2
    assert table["all"].recall_severe.value == pytest.approx(12 / 16)
    assert table["human"].confusion == [[2, 0, 0, 0, 0]] * 5


def test_scores_without_severity_have_no_severity_figures() -> None:
    assert severity_table(scored([row(1, severity=1)], [[0.1, 0.1]]), FEW) == {}
    assert severity_table(scored([row(1)], [[0.1, 0.1]], severity=[1]), FEW) == {}
