"""Two orders of the same cases, against numbers worked out by hand."""

import numpy as np
import pytest

from service.shadow.difference import moves, rank_correlation


def array(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, np.float64)


def test_who_enters_and_leaves_the_head() -> None:
    # Order now: 0 1 2 3 4. Order then: 4 0 3 1 2.
    found = moves(array(5, 4, 3, 2, 1), array(9, 3, 1, 4, 10), top=2)
    assert found.live.tolist() == [1, 2, 3, 4, 5]
    assert found.shadow.tolist() == [2, 4, 5, 3, 1]
    assert (found.enter, found.leave) == ((4,), (1,))
    deeper = moves(array(5, 4, 3, 2, 1), array(9, 3, 1, 4, 10), top=3)
    assert (deeper.enter, deeper.leave) == ((4, 3), (1, 2))


def test_nothing_moves_where_the_head_holds_everything_or_nothing_changed() -> None:
    assert moves(array(1, 2), array(2, 1), top=2).enter == ()
    assert moves(array(), array(), top=5).leave == ()
    assert moves(array(3, 3, 1), array(3, 3, 1), top=1).enter == ()


def test_rank_correlation_is_spearmans() -> None:
    # d = (0, 1, -1): 1 - 6 x 2 / (3 x 8).
    assert rank_correlation(array(1, 2, 3), array(1, 3, 2)) == pytest.approx(0.5)
    assert rank_correlation(array(1, 2, 3), array(10, 200, 3000)) == pytest.approx(1)
    assert rank_correlation(array(1, 2, 3), array(3, 2, 1)) == pytest.approx(-1)
    # Ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4): 4.5 / sqrt(4.5 x 5).
    assert rank_correlation(array(1, 2, 2, 3), array(1, 2, 3, 4)) == pytest.approx(0.948683, abs=1e-6)


def test_rank_correlation_says_nothing_of_one_case_or_of_equal_ones() -> None:
    assert rank_correlation(array(), array()) is None
    assert rank_correlation(array(1), array(1)) is None
    assert rank_correlation(array(1, 1), array(1, 2)) is None
