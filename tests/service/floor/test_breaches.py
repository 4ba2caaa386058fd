"""Which deadlines will be missed at a pace: by hand, and against an order that is played through."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from service.floor.breaches import HORIZON_HOURS, Breaches, Pace, predict

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def due(*hours: float) -> list[datetime]:
    return [NOW + timedelta(hours=one) for one in hours]


def test_what_is_done_in_time_is_not_missed_and_the_first_that_is_is_named() -> None:
    # Two an hour: after 30 minutes one is done, after an hour two, and so on. The third and the fourth come too late.
    found = predict(due(0.5, 1, 1.2, 1.4, 4), Pace(done_per_hour=2), now=NOW)
    assert found == Breaches(overdue=0, missed=2, first_at=NOW + timedelta(hours=1.2))


def test_what_is_overdue_is_no_prediction_and_still_stands_before_the_others() -> None:
    assert predict(due(-1, -2, 1), Pace(done_per_hour=2), now=NOW) == Breaches(2, 1, NOW + timedelta(hours=1))
    assert predict(due(-1, 1), Pace(done_per_hour=2), now=NOW) == Breaches(1, 0, None)
    assert predict(due(1), Pace(done_per_hour=2), now=NOW, before=2) == Breaches(2, 1, NOW + timedelta(hours=1))


def test_where_nobody_decides_everything_within_the_horizon_is_missed() -> None:
    found = predict(due(2, HORIZON_HOURS, HORIZON_HOURS + 0.1), Pace(done_per_hour=0), now=NOW)
    assert found == Breaches(0, 2, NOW + timedelta(hours=2))


def test_newcomers_stand_before_a_case_only_where_their_deadline_is_nearer() -> None:
    # One an hour done, one an hour comes; each newcomer has three hours. Whoever is due within three is not in their way.
    pace = Pace(done_per_hour=1, clocked_per_hour=1, allowance_hours=3)
    assert predict(due(1, 2, 3), pace, now=NOW).missed == 0
    assert predict(due(4, 4, 4), pace, now=NOW).missed == 0
    assert predict(due(4, 4, 4, 4), pace, now=NOW).missed == 1
    assert predict(due(6, 6, 6, 6), pace, now=NOW).missed == 1
    # Cases that come with a deadline in the past cannot have come before now.
    late = Pace(done_per_hour=2, clocked_per_hour=1, allowance_hours=-5)
    assert predict(due(1), late, now=NOW).missed == 0


def test_nothing_with_a_deadline_is_calm() -> None:
    assert predict([], Pace(done_per_hour=0), now=NOW) == Breaches(0, 0, None)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 20 * 60), max_size=30), st.integers(1, 60))
def test_it_is_what_serving_them_one_by_one_comes_to(minutes: list[int], each: int) -> None:
    # `each` minutes a case, the nearest deadline first; those too late are served all the same.
    late = [moment for place, moment in enumerate(sorted(minutes), start=1) if place * each > moment]
    found = predict(due(*(one / 60 for one in minutes)), Pace(done_per_hour=60 / each), now=NOW)
    # A case that ends on the minute may fall on either side of a float.
    exact = [moment for place, moment in enumerate(sorted(minutes), start=1) if place * each == moment]
    assert len(late) <= found.missed <= len(late) + len(exact)
