"""How strongly a medium is blurred: every source raises it, only a cleared picture without any sign comes below two."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import load_taxonomy
from service.media.levels import (
    LEAST,
    MOST,
    STRONG,
    STRONG_CHANNELS,
    Blur,
    Facts,
    Match,
    Rules,
    choose,
    facts_of,
    likely_areas,
    preferred,
    strongest,
)

TAXONOMY = load_taxonomy()
OPEN = Rules(TAXONOMY, least=0)
GRAPHIC = {area.id: area.graphic for area in TAXONOMY.areas}
FLOORS = [area.id for area in TAXONOMY.areas if area.floor >= 3 or area.graphic == 3]
CLASSES = ["sexual", "graphic_violence", "hate_symbols"]
NONE_SEEN = {"sexual": 0.01, "graphic_violence": 0.0}
CLEAN = Facts(areas={}, read={}, classes=NONE_SEEN)


def level(facts: Facts, rules: Rules = OPEN) -> int:
    return choose(facts, rules).level


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
def test_level_of_text_and_reports(areas: Mapping[str, float] | None, reasons: list[str], expected: int) -> None:
    assert level(Facts(areas=areas, reasons=reasons)) == expected
    # What is read in a picture counts as what stands beside it.
    if areas is not None:
        assert level(Facts(areas={}, read=areas, reasons=reasons)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), Blur(3, "Not scored yet")),
        (Facts(failed=True), Blur(3, "Could not be scored")),
        (Facts(areas={"self_harm": 0.7}), Blur(4, "Text: Suicide and self-harm is likely")),
        (Facts(areas={"self_harm": 0.4}), Blur(3, "Text: Suicide and self-harm is possible")),
        (Facts(areas={}, read={"self_harm": 0.4}), Blur(3, "Text in the picture: Suicide and self-harm is possible")),
        (Facts(areas={}, reasons=["self_harm"]), Blur(4, "Reported as Suicide and self-harm")),
        (Facts(areas={}, channels=["user", "regulator"]), Blur(3, "Reported by a regulator")),
        (Facts(areas={}, channels=["law_enforcement"]), Blur(3, "Reported by law enforcement")),
        (Facts(areas={}, matches=[Match("known spam", 2, "spam", 4)]), Blur(2, "Bank 'known spam': distance 4")),
        (Facts(matches=[Match("gore", 4, "graphic_violence", 0)]), Blur(4, "Bank 'gore': distance 0")),
        (replace(CLEAN, classes={"sexual": 0.83}), Blur(3, "Image model: sexual 0.83")),
        (
            replace(CLEAN, classes={"graphic_violence": 0.7, "sexual": 0.1}),
            Blur(4, "Image model: graphic violence 0.70"),
        ),
        (
            replace(CLEAN, classes={"graphic_violence": 0.4, "sexual": 0.1}),
            Blur(3, "Image model: graphic violence 0.40"),
        ),
        (
            Facts(areas={}, channels=["user"]),
            Blur(2, "No sign of graphic content in text and reports; the picture is not assessed"),
        ),
        (
            replace(CLEAN, classes={"sexual": 0.0}),
            Blur(2, "No sign of graphic content in text and reports; the image model cannot tell: graphic violence"),
        ),
        (
            replace(CLEAN, classes=NONE_SEEN | {"hate_symbols": None}),
            Blur(2, "No sign of graphic content in text and reports; the image model cannot tell: hate symbols"),
        ),
        (
            replace(CLEAN, read=None),
            Blur(2, "No sign of graphic content in text and reports; text in the picture is not read"),
        ),
        (
            replace(CLEAN, still=False),
            Blur(2, "No sign of graphic content in text and reports; no model looks at whole clips"),
        ),
        (
            replace(CLEAN, classes={"sexual": 0.3, "graphic_violence": 0.0}),
            Blur(2, "No sign of graphic content in text and reports"),
        ),
        (
            replace(CLEAN, classes={"sexual": 0.05, "graphic_violence": 0.0}),
            Blur(1, "No sign of graphic content in text and reports; the image model sees none"),
        ),
        (CLEAN, Blur(0, "No sign of graphic content in text and reports; the image model sees none")),
    ],
)
def test_reason_names_its_source(facts: Facts, expected: Blur) -> None:
    assert choose(facts, OPEN) == expected


@pytest.mark.parametrize("sign", [{"areas": {"human_exploitation": 0.1}}, {"read": {"hateful_conduct": 0.2}}])
def test_the_slightest_sign_keeps_a_picture_from_being_cleared(sign: dict[str, Any]) -> None:
    assert level(replace(CLEAN, **sign)) == LEAST
    assert level(replace(CLEAN, reasons=["human_exploitation"])) == LEAST
    # What no picture can show is no sign.
    assert level(replace(CLEAN, areas={"spam": 1.0}, reasons=["spam"])) == 0


@pytest.mark.parametrize("least", range(5))
def test_nothing_is_shown_below_the_least_of_the_organisation(least: int) -> None:
    assert level(CLEAN, Rules(TAXONOMY, least)) == least
    assert level(Facts(areas={}, reasons=["self_harm"]), Rules(TAXONOMY, least)) == 4
    assert choose(CLEAN, Rules(TAXONOMY, 3)).reason == "The least that is shown to anybody here"


def test_own_setting_only_raises() -> None:
    demanded = Blur(3, "because")
    assert preferred(demanded, None) == preferred(demanded, 0) == preferred(demanded, 3) == demanded
    assert preferred(demanded, 4) == Blur(4, "Your own setting")


def test_strongest_keeps_the_first_of_equals() -> None:
    assert strongest([Blur(2, "a"), Blur(3, "b"), Blur(3, "c")]).reason == "b"


def test_what_the_database_says_of_a_medium_joins_what_is_known_of_the_case() -> None:
    case = Facts(areas={"spam": 0.4}, failed=True, reasons=["spam"], channels=["press"])
    known = {
        "still": False,
        "classes": {"sexual": None},
        "read": None,
        "matches": [{"bank": "b", "level": 3, "area": "spam", "distance": 7}],
    }
    expected = replace(case, still=False, classes={"sexual": None}, matches=[Match("b", 3, "spam", 7)])
    assert facts_of(known, case) == expected


def test_areas_that_ask_for_consent_come_from_every_source() -> None:
    facts = Facts(
        areas={"self_harm": 0.5, "graphic_violence": 0.4, "adult_sexual_content": 0.9},
        read={"dangerous_organizations": 0.8},
        matches=[Match("b", 2, "graphic_violence", 7)],
    )
    assert likely_areas(facts, TAXONOMY, graphic=3) == {"self_harm", "dangerous_organizations", "graphic_violence"}
    assert likely_areas(Facts(reasons=["child_safety", "spam"]), TAXONOMY, graphic=3) == {"child_safety"}


probabilities = st.floats(0, 1)
areas = st.dictionaries(st.sampled_from(sorted(GRAPHIC)), probabilities, max_size=5)
facts = st.builds(
    Facts,
    areas=st.none() | areas,
    failed=st.booleans(),
    reasons=st.lists(st.sampled_from([*sorted(GRAPHIC), "other"]), max_size=3),
    channels=st.lists(st.sampled_from(["user", "press", *STRONG_CHANNELS]), max_size=2),
    still=st.booleans(),
    classes=st.none() | st.dictionaries(st.sampled_from(CLASSES), st.none() | probabilities),
    read=st.none() | areas,
    matches=st.lists(
        st.builds(Match, st.just("b"), st.integers(2, 4), st.just("spam"), st.integers(0, 31)), max_size=2
    ),
)
rules = st.builds(Rules, st.just(TAXONOMY), st.integers(0, 4))
additions = st.one_of(
    st.builds(lambda reason: {"reasons": [reason]}, st.sampled_from(sorted(GRAPHIC))),
    st.builds(lambda channel: {"channels": [channel]}, st.sampled_from(["user", *STRONG_CHANNELS])),
    st.builds(lambda level: {"matches": [Match("c", level, "spam", 1)]}, st.integers(2, 4)),
)


@given(facts, rules, additions)
def test_what_is_added_never_blurs_less(known: Facts, by: Rules, added: dict[str, Any]) -> None:
    joined: dict[str, Any] = {name: [*getattr(known, name), *value] for name, value in added.items()}
    more = replace(known, **joined)
    assert by.least <= level(known, by) <= level(more, by) <= MOST


@given(facts, rules, st.sampled_from(FLOORS), st.none() | st.dictionaries(st.sampled_from(CLASSES), probabilities))
def test_no_image_model_makes_a_floor_area_weaker(
    known: Facts, by: Rules, area: str, seen: dict[str, float] | None
) -> None:
    unseen = replace(known, classes=None)
    for floor in (
        replace(unseen, reasons=[area]),
        replace(unseen, areas={**(known.areas or {}), area: 0.6}),
        replace(unseen, areas={}, read={area: 0.2}),
    ):
        assert level(replace(floor, classes=seen), by) >= level(floor, by) >= LEAST


@given(facts, rules, st.sampled_from(sorted(GRAPHIC)), st.sampled_from(CLASSES), probabilities, probabilities)
def test_more_probable_never_blurs_less(
    known: Facts, by: Rules, area: str, seen: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    for name, key in (("areas", area), ("read", area), ("classes", seen)):
        before = getattr(known, name) or {}
        given: list[dict[str, Any]] = [{name: {**before, key: p}} for p in (low, high)]
        less, more = (replace(known, **one) for one in given)
        assert level(less, by) <= level(more, by)


@given(facts, rules)
def test_what_is_missing_is_blurred(known: Facts, by: Rules) -> None:
    assert level(replace(known, areas=None), by) >= STRONG
    assert level(replace(known, read=None), by) >= LEAST
    assert level(replace(known, classes=None), by) >= LEAST
    assert level(replace(known, classes={**(known.classes or {}), "sexual": None}), by) >= LEAST


@given(facts, rules, st.none() | st.integers(0, 4))
def test_no_wish_comes_below_what_is_demanded(known: Facts, by: Rules, wish: int | None) -> None:
    demanded = choose(known, by)
    assert preferred(demanded, wish).level == max(demanded.level, wish or 0)
