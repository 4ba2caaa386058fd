"""Each statistic is what was printed in the paper that defined it, to the printed digit."""

import numpy as np
import pytest

from labeling.statistics.alpha import krippendorff_alpha
from labeling.statistics.dawid_skene import Fitting, dawid_skene
from labeling.statistics.nominal import cohen_kappa_of_table, fleiss_kappa, gwet_ac1, raw_agreement
from tests.labeling.statistics.published import COHEN, COHEN_WEIGHTS, FLEISS, anaesthetists, krippendorff_counts


def printed(value: float | None, digits: int) -> float:
    assert value is not None
    return round(value, digits)


def test_cohens_kappa_is_that_of_1960() -> None:
    assert printed(cohen_kappa_of_table(COHEN).value, 3) == 0.492


def test_weighted_kappa_is_that_of_1968() -> None:
    assert printed(cohen_kappa_of_table(COHEN, weights=COHEN_WEIGHTS).value, 3) == 0.348


def test_fleiss_kappa_is_that_of_1971() -> None:
    assert FLEISS.sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    assert printed(fleiss_kappa(FLEISS).value, 3) == 0.430


def test_alpha_is_that_of_krippendorff_2011() -> None:
    counts = krippendorff_counts()
    assert printed(krippendorff_alpha(counts).value, 3) == 0.743
    assert printed(krippendorff_alpha(counts, metric="ordinal").value, 3) == 0.815


def test_ac1_is_that_of_gwet_2014() -> None:
    # Handbook of Inter-Rater Reliability, 4th ed., and the documentation of his package irrCAC (cac.raw4raters).
    counts = krippendorff_counts()
    assert printed(raw_agreement(counts).value, 5) == 0.81818
    assert printed(gwet_ac1(counts).value, 5) == 0.77544


def test_ac1_is_not_misled_where_kappa_is() -> None:
    # Gwet 2002, "Kappa statistic is not satisfactory": 125 subjects, of which 118 are + for both raters and none is - for both.
    counts = np.repeat([[2, 0], [1, 1]], [118, 7], axis=0)
    assert printed(gwet_ac1(counts).value, 4) == 0.9408
    assert printed(cohen_kappa_of_table(np.array([[118, 5], [2, 0]])).value, 4) == -0.0234


def test_error_rates_are_those_of_dawid_and_skene_1979() -> None:
    # Tables 2 to 4: class probabilities, error rates of observer 1, the indicators of the first six patients.
    found = dawid_skene(anaesthetists(), fitting=Fitting(shrinkage=0, tolerance=1e-10, rounds=10_000))
    assert found.prevalence.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert found.confusion[0].round(2).tolist() == [
        [0.89, 0.11, 0.00, 0.00],
        [0.07, 0.88, 0.05, 0.00],
        [0.00, 0.34, 0.66, 0.00],
        [0.00, 0.00, 0.56, 0.44],
    ]
    assert found.posterior[:6].argmax(axis=1).tolist() == [0, 3, 1, 1, 1, 1]
    assert found.posterior[:6].max(axis=1).round(2).tolist() == [1.0] * 6


@pytest.mark.parametrize("shrinkage", [0.5, 4.0])
def test_shrinkage_leaves_what_many_answers_say(shrinkage: float) -> None:
    published, drawn = (dawid_skene(anaesthetists(), fitting=Fitting(shrinkage=each)) for each in (0.0, shrinkage))
    assert np.abs(published.prevalence - drawn.prevalence).max() < 0.05
    assert (published.posterior.argmax(axis=1) == drawn.posterior.argmax(axis=1)).mean() > 0.9
