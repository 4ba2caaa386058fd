"""What is wrong with an answer, the gravest first."""

import pytest

from labeling.taxonomy import Taxonomy
from service.opinions.schemas import Judgement
from service.quality.judging import all_agree, error_of


def says(area: str, severity: int, *actions: str) -> Judgement:
    return Judgement(policy_area=area, severity=severity, actions=list(actions))


REMOVED = says("harassment", 2, "remove")
LEFT = says("benign", 0, "no_violation")


@pytest.mark.parametrize(
    ("said", "right", "error"),
    [
        (REMOVED, REMOVED, None),
        (says("harassment", 3, "remove"), REMOVED, None),
        (REMOVED, LEFT, "false_positive"),
        (LEFT, REMOVED, "false_negative"),
        (says("spam", 4, "age_restrict"), REMOVED, "wrong_area"),
        (says("harassment", 4, "age_restrict"), REMOVED, "wrong_severity"),
        (says("harassment", 3, "age_restrict"), REMOVED, "wrong_action"),
        (says("harassment", 2, "remove", "warn"), REMOVED, "wrong_action"),
        (says("harassment", 0, "no_violation"), LEFT, "wrong_area"),
        (says("harassment", 2, "of another taxonomy"), LEFT, "false_positive"),
    ],
)
def test_the_gravest_error_is_named(said: Judgement, right: Judgement, error: str | None, taxonomy: Taxonomy) -> None:
    assert error_of(said, right, taxonomy) == error


def test_neighbours_that_agree_are_not_enough() -> None:
    steps = [says("harassment", level, "remove") for level in (1, 2, 3)]
    assert all_agree(steps[:2])
    assert all_agree(steps[1:])
    assert not all_agree(steps)
