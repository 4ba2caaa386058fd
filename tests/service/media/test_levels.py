"""How strongly a picture is blurred follows from text and reports alone, and leans to the careful side."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import Taxonomy, load_taxonomy
from service.media.levels import LEAST, MOST, Blur, choose, strongest

TAXONOMY = load_taxonomy()
GRAPHIC = {area.id: area.graphic for area in TAXONOMY.areas}


def level(areas: Mapping[str, float] | None, *reasons: str, failed: bool = False, taxonomy: Taxonomy = TAXONOMY) -> int:
    score = None if areas is None else {"areas": areas}
    return choose(score, failed=failed, reasons=reasons, taxonomy=taxonomy).level


@pytest.mark.parametrize(
    ("areas", "reasons", "expected"),
    [
        (None, [], 3),
        (None, ["spam_and_scams"], 3),
        (None, ["self_harm"], 4),
        ({}, [], 2),
        ({"harassment": 0.99}, ["harassment"], 2),
        ({"graphic_violence": 0.5}, [], 4),
        ({"graphic_violence": 0.49}, [], 3),
        ({"graphic_violence": 0.34}, [], 3),
        ({"graphic_violence": 0.33}, [], 2),
        ({"adult_sexual_content": 1.0}, [], 3),
        ({"adult_sexual_content": 0.5}, [], 3),
        ({"adult_sexual_content": 0.49}, [], 2),
        ({"harassment": 0.01}, ["child_safety"], 4),
        ({"harassment": 0.01}, ["adult_sexual_content"], 3),
        ({"graphic_violence": 0.9}, ["adult_sexual_content"], 4),
        ({"harassment": 0.01}, ["my own word for it"], 2),
        ({"area of another taxonomy": 1.0}, [], 2),
    ],
)
def test_level(areas: Mapping[str, float] | None, reasons: list[str], expected: int) -> None:
    assert level(areas, *reasons) == expected


@pytest.mark.parametrize(
    ("areas", "reasons", "failed", "expected"),
    [
        (None, [], False, "Not scored yet (from the text; pictures are not assessed)"),
        (None, [], True, "Could not be scored (from the text; pictures are not assessed)"),
        ({}, [], False, "No sign of graphic content (from the text; pictures are not assessed)"),
        ({"self_harm": 0.7}, [], False, "Suicide and self-harm is likely (from the text; pictures are not assessed)"),
        ({"self_harm": 0.4}, [], False, "Suicide and self-harm is possible (from the text; pictures are not assessed)"),
        ({}, ["self_harm"], False, "Reported as Suicide and self-harm (from the reports; pictures are not assessed)"),
    ],
)
def test_reason_says_where_it_comes_from(
    areas: Mapping[str, float] | None, reasons: list[str], failed: bool, expected: str
) -> None:
    score = None if areas is None else {"areas": areas}
    assert choose(score, failed=failed, reasons=reasons, taxonomy=TAXONOMY).reason == expected


@given(
    st.none() | st.dictionaries(st.sampled_from(sorted(GRAPHIC)), st.floats(0, 1)),
    st.lists(st.sampled_from([*sorted(GRAPHIC), "other"]), max_size=4),
)
def test_never_below_two_and_more_signs_never_blur_less(areas: dict[str, float] | None, reasons: list[str]) -> None:
    blur = level(areas, *reasons)
    assert LEAST <= blur <= MOST
    assert level(areas, *reasons, "child_safety") >= blur
    if areas is not None:
        assert level({**areas, "graphic_violence": 1.0}, *reasons) >= blur


def test_strongest_keeps_the_first_of_equals() -> None:
    assert strongest([Blur(2, "a"), Blur(3, "b"), Blur(3, "c")]).reason == "b"
