"""What a share may be while some of its checks are disputed."""

from collections.abc import Sequence

import pytest

from labeling.statistics.disputed import bounded
from labeling.statistics.estimate import Estimate
from labeling.statistics.weighted import counted_share, weighted_share


def plain(found: Sequence[float]) -> Estimate:
    return weighted_share(found, [1.0] * len(found))


def test_without_disputes_it_is_the_share() -> None:
    share = bounded([1.0] * 30 + [0.0] * 10, plain)
    assert (share.value, share.low, share.high, share.n, share.disputed) == (
        0.75,
        share.worst.low,
        share.worst.high,
        40,
        0,
    )
    assert share.worst == share.best
    assert str(share) == str(share.worst)


def test_with_disputes_it_reaches_from_one_outcome_to_the_other() -> None:
    share = bounded([1.0] * 30 + [0.0] * 8 + [None] * 2, plain)
    assert (share.worst.value, share.best.value) == (30 / 40, 32 / 40)
    assert (share.value, share.low, share.high, share.disputed) == (None, share.worst.low, share.best.high, 2)
    assert str(share) == f"{share.low:.3f} to {share.high:.3f}, until 2 disputed checks are settled"
    assert bounded([1.0, None], plain).until_settled("re-review") == "until 1 disputed re-review is settled"


@pytest.mark.parametrize("disputed", [0, 1, 29])
def test_of_too_few_there_are_no_bounds_either(disputed: int) -> None:
    share = bounded([1.0] * (29 - disputed) + [None] * disputed, plain)
    assert (share.value, share.low, share.high, str(share)) == (None, None, None, "not enough checks: 29 of 30")


def test_any_share_can_be_bounded() -> None:
    share = bounded([1.0] * 39 + [None], lambda found: counted_share(int(sum(found)), len(found)))
    assert (share.low, share.high) == (counted_share(39, 40).low, counted_share(40, 40).high)
