"""The rank in words: short, true, and about the area that leads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig, RankInputs, rank
from service.ranking.words import explain

TAXONOMY = load_taxonomy()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def score(**areas: float) -> dict[str, Any]:
    return {
        "areas": dict.fromkeys(TAXONOMY.area_ids, 0.01) | areas,
        "severity": [0.0, 0.1, 0.6, 0.2, 0.1],
        "unassessed": [],
    }


def words(*, now: datetime = NOON, **fields: Any) -> str:
    known = {"score": None, "reasons": (), "views_per_hour": 100.0, "pictures": 0, "received_at": NOON}
    result = rank(RankInputs(**{**known, **fields}), TAXONOMY, RankConfig())
    return " ".join(explain(result.parts, TAXONOMY, now=now))


@pytest.mark.parametrize("area", TAXONOMY.areas, ids=lambda area: area.id)
def test_words_lead_with_the_area_that_weighs_most(area: Any) -> None:
    assert words(score=score(**{area.id: 0.97})).startswith(
        f"{area.name} weighs most: 97% likely; most likely severity 2"
    )


@pytest.mark.parametrize("area", TAXONOMY.areas, ids=lambda area: area.id)
def test_words_say_when_the_harm_falls_on_a_person(area: Any) -> None:
    assert ("falls on a person" in words(score=score(**{area.id: 0.97}))) is area.person_targeted


def test_words_say_that_a_reporter_named_the_area() -> None:
    assert "and a reporter named it" in words(score=score(spam=0.9), reasons=("spam",))
    assert "reporter" not in words(score=score(spam=0.9), reasons=("harassment",))


def test_words_of_an_unscored_case_say_that_it_is_treated_with_care() -> None:
    assert words().startswith("Not scored yet")
    assert "because of what was reported" in words(reasons=("self_harm",))
    assert TAXONOMY.area("self_harm").name in words(reasons=("self_harm",))


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        (timedelta(seconds=-5), "came 0 minutes ago"),
        (timedelta(minutes=59), "came 59 minutes ago"),
        (timedelta(hours=24), "has waited 24.0 hours, which counts 2 times"),
        (timedelta(hours=240), "has waited 240.0 hours, which counts 1,024 times"),
        (timedelta(days=400), "has waited 9600.0 hours, which counts over a million times"),
    ],
)
def test_words_say_how_long_a_case_has_waited(waited: timedelta, said: str) -> None:
    assert said in words(now=NOON + waited)


@pytest.mark.parametrize(("views", "said"), [(0.0, "1 views"), (2.5, "2.5 views"), (41_000.0, "41,000 views")])
def test_words_show_the_reach_that_was_used(views: float, said: str) -> None:
    assert said in words(views_per_hour=views)


@given(
    st.none() | st.builds(score, spam=st.floats(0, 1), child_safety=st.floats(0, 1)),
    st.lists(st.sampled_from(TAXONOMY.area_ids), max_size=3),
    st.floats(0, 1e9),
    st.timedeltas(timedelta(days=-1), timedelta(days=10_000)),
)
def test_words_are_whole_sentences_whatever_the_case(
    said: dict[str, Any] | None, reasons: list[str], views: float, waited: timedelta
) -> None:
    result = rank(RankInputs(said, reasons, views, 3, NOON), TAXONOMY, RankConfig())
    sentences = explain(result.parts, TAXONOMY, now=NOON + waited)
    assert 5 <= len(sentences) <= 6
    assert all(one[0].isupper() or one[0].isdigit() for one in sentences)
    assert all(one.endswith(".") and "nan" not in one for one in sentences)
