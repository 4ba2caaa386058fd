"""How near the split by time comes to the share that was asked for, and that it divides neither a group nor a moment."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from labeling.records import LabelledText, write_labelled_texts
from labeling.snapshot.build import Recipe, build_snapshot
from labeling.snapshot.split import SplitError, by_time
from labeling.taxonomy import Taxonomy
from tests.labeling.snapshot.test_snapshot import row


def timed(hours: Iterable[int], *, subject: str = "") -> list[LabelledText]:
    """A row for each hour of the month, no two alike; with a subject all of them are one group."""
    return [
        LabelledText(
            id=f"{subject}{place:03}-{hour:03}",
            text=f"{row(place * 1_000 + hour).text} {subject}",
            policy_areas=(),
            annotated_areas=("spam",),
            severity=0,
            source="s",
            lang="en",
            extra={"decided_at": f"2026-11-{hour // 24 + 1:02}T{hour % 24:02}:00:00+00:00", "subject": subject},
        )
        for place, hour in enumerate(hours)
    ]


def test_a_group_that_overflows_the_share_is_taken_where_that_comes_nearer_to_it() -> None:
    given = [*timed(range(85)), *timed([200] * 14, subject="s"), *timed([210])]
    assert sum(by_time(given, 0.1).validates) == 15
    # Nearer without it.
    assert sum(by_time(given, 0.02).validates) == 1


def test_a_share_that_cannot_be_reached_is_refused_with_those_that_can(tmp_path: Path, taxonomy: Taxonomy) -> None:
    given = [*timed(range(79)), *timed([200] * 20, subject="s"), *timed([210])]
    message = "of 100 rows with a time 1 or 21 can validate, not about 10: .* ask for --share 0.01 or 0.21"
    with pytest.raises(SplitError, match=message):
        by_time(given, 0.1)
    assert sum(by_time(given, 0.21).validates) == 21
    write_labelled_texts(tmp_path / "rows.jsonl", given)
    with pytest.raises(SplitError, match=message):
        build_snapshot([tmp_path / "rows.jsonl"], Recipe(share=0.1), tmp_path / "out", taxonomy=taxonomy)


@pytest.mark.parametrize(("old", "new"), [(1, 999), (1, 400), (3, 997)])
def test_no_share_is_advised_that_would_be_refused(old: int, new: int) -> None:
    with pytest.raises(SplitError, match=f"of {old + new} rows with a time {new} can validate, not about") as refused:
        by_time([*timed([0] * old), *timed([1] * new)], 0.1)
    assert "--share" not in str(refused.value)
    assert "bring more rows, of other moments" in str(refused.value)


def test_a_share_that_is_advised_is_taken() -> None:
    given = [*timed([0] * 6), *timed([1] * 994)]
    with pytest.raises(SplitError, match=r"ask for --share 0\.99$"):
        by_time(given, 0.1)
    assert sum(by_time(given, 0.99).validates) == 994


def test_what_is_of_one_moment_is_taken_whole_or_left_whole() -> None:
    given = [*timed(range(40)), *timed([100] * 50), *timed(range(200, 210))]
    found = by_time(given, 0.12)
    assert [one.id for one, held in zip(given, found.validates, strict=True) if held] == [one.id for one in given[-10:]]
    found = by_time(given, 0.5)
    assert [one.id for one, held in zip(given, found.validates, strict=True) if held] == [one.id for one in given[40:]]
    assert found.cut is not None
    assert (found.cut.day, found.cut.hour) == (5, 4)


def test_where_all_is_of_one_moment_the_hash_decides() -> None:
    given = timed([100] * 60)
    found = by_time(given, 0.3)
    assert found.cut is None
    assert 5 < sum(found.validates) < 40
    assert by_time([replace(one, extra={}) for one in given], 0.3).validates == found.validates
