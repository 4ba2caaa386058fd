"""What changed between two texts: right for all of them, and no text makes it slow."""

import random
from collections.abc import Sequence
from typing import ClassVar

import pytest

from service.policies import changes
from service.policies.changes import LEFT_OUT, MOST_LINES, changed_lines, steps


class Line(str):
    """A line that counts how often it is looked at."""

    __slots__ = ()
    looked_at: ClassVar[int] = 0

    def __hash__(self) -> int:
        Line.looked_at += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Line.looked_at += 1
        return super().__eq__(other)


EQUAL = ["a"] * 600
ALTERNATING = ["a", "b"] * 600
PARAGRAPHS = [line for number in range(400) for line in (f"paragraph {number}", "")]
OTHERS = [line for number in range(400) for line in (f"other {number}", "")]


def nested(depth: int) -> tuple[list[str], list[str]]:
    """Two texts in which each line is the only one of its kind within its neighbours alone."""
    old, new = ["x"], ["y"]
    for number in range(depth):
        old = [f"{number}", *old, f"{number}", f"{number} old"]
        new = [f"{number} new", f"{number}", *new, f"{number}"]
    return old, new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (EQUAL, ALTERNATING),
        (ALTERNATING, EQUAL),
        (PARAGRAPHS, OTHERS),
        (PARAGRAPHS, list(reversed(PARAGRAPHS))),
        (ALTERNATING * 5, ["b", *ALTERNATING * 5]),
        (["a", ""] * 10_000, ["", "b"] * 10_000),
        nested(2_000),
    ],
)
def test_no_texts_are_looked_at_more_than_a_fixed_number_of_times_for_each_line(
    old: Sequence[str], new: Sequence[str]
) -> None:
    Line.looked_at = 0
    steps([Line(one) for one in old], [Line(one) for one in new])
    assert Line.looked_at <= 12 * changes.ROUNDS * (len(old) + len(new))


def applied(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The new lines, made of what stays of the old ones and of what comes."""
    made: list[str] = []
    place = 0
    for step in steps(old, new):
        assert step.old.start == place
        assert step.new.start == len(made)
        made += old[step.old.start : step.old.stop] if step.same else new[step.new.start : step.new.stop]
        place = step.old.stop
    assert place == len(old)
    return made


def test_what_stays_and_what_comes_make_the_new_text() -> None:
    rng = random.Random(20261130)
    for _ in range(500):
        kinds = rng.choice([1, 2, 5, 40])
        old = [rng.choice(["", str(rng.randrange(kinds))]) for _ in range(rng.randrange(40))]
        new = list(old)
        for _ in range(rng.randrange(8)):
            place = rng.randrange(len(new) + 1)
            new[place : place + rng.randrange(3)] = [str(rng.randrange(kinds)) for _ in range(rng.randrange(3))]
        assert applied(old, new) == new, (old, new)
    for old, new in ((PARAGRAPHS, OTHERS), (EQUAL, ALTERNATING), nested(60)):
        assert applied(old, new) == list(new)


def test_a_change_is_told_where_it_is_and_blank_lines_hold_nothing_together() -> None:
    before = "# A\n\none\n\ntwo\n\nthree\n\nfour\n\nfive\n\nsix"
    after = "# A\n\none\n\n2\n\nthree\n\nfour\n\nfive\n\n6\n\n7"
    found = changed_lines(before, after)
    assert [line for line in found if line[0] != " "] == [
        ("-", "two"),
        ("+", "2"),
        ("-", "six"),
        ("+", "6"),
        ("+", ""),
        ("+", "7"),
    ]
    rewritten = changed_lines("one\n\ntwo\n\nthree", "1\n\n2\n\n3")
    assert rewritten == [("-", line) for line in ("one", "", "two", "", "three")] + [
        ("+", line) for line in ("1", "", "2", "", "3")
    ]


def test_lines_that_moved_go_and_come() -> None:
    assert changed_lines("a\nb\nc", "c\na\nb") == [("+", "c"), (" ", "a"), (" ", "b"), ("-", "c")]


def test_changed_lines_keep_a_little_around_them() -> None:
    before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj"
    after = before.replace("b", "B").replace("\nj", "")
    assert changed_lines(before, after) == [
        (" ", "a"),
        ("-", "b"),
        ("+", "B"),
        (" ", "c"),
        (" ", "d"),
        (" ", LEFT_OUT),
        (" ", "h"),
        (" ", "i"),
        ("-", "j"),
    ]
    assert changed_lines(before, before) == []


def test_too_much_that_changed_is_not_all_shown_and_says_so() -> None:
    found = changed_lines("\n".join(PARAGRAPHS), "\n".join(OTHERS))
    assert len(found) == MOST_LINES + 1
    assert found[-1] == (" ", f"… and {1_600 - 2 - MOST_LINES} more lines: too much changed to show")
    assert (
        changed_lines("\n".join(map(str, range(MOST_LINES // 2))), "\n".join(OTHERS[: MOST_LINES // 2]))[-1][0] == "+"
    )


def test_long_lines_count_as_often_as_they_would_be_broken() -> None:
    long = "x" * (3 * changes.WIDTH)
    before, after = f"a\n{long}\nb", f"a\n{long}y\nb"
    assert changed_lines(before, after, most=8)[-1] == (" ", "b")
    assert changed_lines(before, after, most=6) == [
        (" ", "a"),
        ("-", long),
        (" ", "… and 2 more lines: too much changed to show"),
    ]
    assert changed_lines(before, after, most=7)[-1] == (" ", "… and 1 more line: too much changed to show")
