"""The rank as a function: what must hold for whatever a model, a platform or a reporter says."""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.taxonomy import load_taxonomy
from models.rank import EPOCH, POLICIES, RankConfig, RankInputs, guard_from, rank, reproduce, with_views

TAXONOMY = load_taxonomy()
CONFIG = RankConfig()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NONE, CERTAIN_CRITICAL = (1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 1.0)

probabilities = st.floats(0, 1)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
reasons = st.lists(st.sampled_from([*TAXONOMY.area_ids, "spam or so"]), max_size=4)


@st.composite
def severities(draw: st.DrawFn) -> tuple[float, ...]:
    shares = draw(st.lists(st.integers(0, 1000), min_size=5, max_size=5).filter(any))
    return tuple(share / sum(shares) for share in shares)


@st.composite
def scores(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "areas": {area: draw(probabilities) for area in TAXONOMY.area_ids},
        "severity": list(draw(severities())),
        "unassessed": draw(st.lists(st.sampled_from(TAXONOMY.area_ids), unique=True)),
    }


inputs = st.builds(
    RankInputs,
    score=st.none() | scores(),
    reasons=reasons,
    views_per_hour=st.floats(0, 1e9),
    pictures=st.integers(0, 10),
    received_at=times,
)


def score(severity: Sequence[float] = (0.2,) * 5, **areas: float) -> dict[str, Any]:
    """A score with a probability of 0.01 for every area that is not named."""
    return {"areas": dict.fromkeys(TAXONOMY.area_ids, 0.01) | areas, "severity": list(severity), "unassessed": []}


def case(**fields: Any) -> RankInputs:
    known = {"score": None, "reasons": (), "views_per_hour": 100.0, "pictures": 0, "received_at": NOON}
    return RankInputs(**{**known, **fields})


def ranked(one: RankInputs) -> float:
    return rank(one, TAXONOMY, CONFIG).value


@given(inputs)
def test_shown_parts_reproduce_the_value_exactly_after_a_json_round_trip(one: RankInputs) -> None:
    result = rank(one, TAXONOMY, CONFIG)
    again = reproduce(json.loads(json.dumps(result.parts)))
    assert again["value"] == result.value
    assert again["parts"] == result.parts


@given(inputs)
def test_rank_is_finite_and_the_same_every_time(one: RankInputs) -> None:
    result = rank(one, TAXONOMY, CONFIG)
    assert math.isfinite(result.value)
    assert result == rank(one, TAXONOMY, CONFIG)


@given(inputs)
def test_parts_multiply_as_they_say(one: RankInputs) -> None:
    parts = rank(one, TAXONOMY, CONFIG).parts
    for area in parts["areas"]:
        assert area["harm"] == area["probability"] * area["weight"] * area["vulnerability"]
    assert parts["harm_rate"] == parts["harm_per_view"] * parts["views_per_hour"]
    assert parts["index"] == pytest.approx(parts["harm_rate"] / parts["handling_minutes"])


@given(inputs, st.floats(0, 1e9))
def test_more_views_never_lower_the_rank(one: RankInputs, other_views: float) -> None:
    low, high = sorted((one.views_per_hour, other_views))
    assert ranked(replace(one, views_per_hour=low)) <= ranked(replace(one, views_per_hour=high))


@pytest.mark.parametrize("rising", TAXONOMY.area_ids)
@pytest.mark.parametrize("leading", ["spam", "harassment", "child_safety"])
def test_a_higher_probability_never_lowers_the_rank(leading: str, rising: str) -> None:
    others = {leading: 0.4} if leading != rising else {}
    steps = [score() for _ in range(21)]
    for step, said in enumerate(steps):
        said["areas"] |= others | {rising: step / 20}
    values = [ranked(case(score=said)) for said in steps]
    assert all(low <= high + 1e-9 for low, high in itertools.pairwise(values))


@given(inputs, scores(), st.integers(0, 3), st.floats(0, 1))
def test_a_shift_towards_higher_severity_never_lowers_the_rank(
    one: RankInputs, said: dict[str, Any], level: int, share: float
) -> None:
    moved = said["severity"][level] * share
    severity = list(said["severity"])
    severity[level] -= moved
    severity[level + 1] += moved
    assert ranked(replace(one, score=said)) <= ranked(replace(one, score={**said, "severity": severity})) + 1e-9


@given(inputs, st.floats(0.1, 10_000))
def test_the_longer_wait_goes_first_among_equals(one: RankInputs, hours: float) -> None:
    earlier = replace(one, received_at=one.received_at - timedelta(hours=hours))
    assert ranked(earlier) > ranked(one)


@given(inputs, inputs, st.floats(-10_000, 10_000))
def test_waiting_alone_never_changes_the_order_of_two_cases(one: RankInputs, two: RankInputs, hours: float) -> None:
    # A later look at both is the same as both having come earlier by the same time.
    shift = timedelta(hours=hours)
    before = ranked(one) - ranked(two)
    after = ranked(replace(one, received_at=one.received_at + shift)) - ranked(
        replace(two, received_at=two.received_at + shift)
    )
    assert after == pytest.approx(before, abs=1e-6)


def test_waiting_doubles_the_index_with_every_doubling_time() -> None:
    earlier = case(received_at=NOON - timedelta(hours=CONFIG.doubling_hours))
    assert ranked(earlier) - ranked(case()) == pytest.approx(1)


def test_waiting_is_counted_from_the_fixed_date() -> None:
    parts = rank(case(received_at=EPOCH + timedelta(hours=2 * CONFIG.doubling_hours)), TAXONOMY, CONFIG).parts
    assert parts["waiting_bonus"] == -2


def test_the_time_zone_of_the_receipt_does_not_matter() -> None:
    local = datetime.fromisoformat("2026-11-23T14:00:00+02:00")
    assert rank(case(received_at=local), TAXONOMY, CONFIG) == rank(case(), TAXONOMY, CONFIG)


@given(st.sampled_from(TAXONOMY.area_ids), st.integers(0, 10))
def test_an_unscored_case_stands_above_what_most_reports_deserve(area: str, pictures: int) -> None:
    harmless = score((0.7, 0.2, 0.05, 0.03, 0.02))
    unscored = case(reasons=(area,), pictures=pictures)
    assert ranked(unscored) > ranked(replace(unscored, score=harmless))


@given(st.sampled_from(TAXONOMY.area_ids))
def test_an_unscored_case_stands_below_a_certain_grave_one(area: str) -> None:
    grave = score(CERTAIN_CRITICAL, **{area: 0.99})
    assert ranked(case(reasons=(area,))) < ranked(case(reasons=(area,), score=grave))


@given(inputs, scores(), st.sampled_from(TAXONOMY.area_ids))
def test_a_reason_is_evidence_for_its_area_and_for_no_other(one: RankInputs, said: dict[str, Any], area: str) -> None:
    silent = _probabilities(replace(one, score=said, reasons=()))
    named = _probabilities(replace(one, score=said, reasons=(area,)))
    assert named.get(area, 1.0) >= silent.get(area, 0.0)
    assert all(named[other] == silent[other] for other in named.keys() & silent.keys() - {area})


def _probabilities(one: RankInputs) -> dict[str, float]:
    return {area["area"]: area["probability"] for area in rank(one, TAXONOMY, CONFIG).parts["areas"]}


def test_a_reason_counts_more_where_the_model_knows_nothing() -> None:
    said = score(harassment=0.1)
    assessed = case(score=said, reasons=("harassment",))
    unassessed = case(score={**said, "unassessed": ["harassment"]}, reasons=("harassment",))
    assert _probabilities(assessed)["harassment"] == pytest.approx(1 - 0.9 * 0.85)
    assert _probabilities(unassessed)["harassment"] == pytest.approx(1 - 0.9 * 0.6)


def test_the_same_reason_ten_times_counts_once() -> None:
    assert ranked(case(reasons=["harassment"] * 10)) == ranked(case(reasons=["harassment"]))


def test_no_views_count_as_one_view_an_hour() -> None:
    assert ranked(case(views_per_hour=0)) == ranked(case(views_per_hour=1))


def test_certain_innocence_still_has_a_finite_place_below_everything() -> None:
    nothing = score(NONE) | {"areas": dict.fromkeys(TAXONOMY.area_ids, 0.0)}
    value = ranked(case(score=nothing))
    assert math.isfinite(value)
    assert value < ranked(case(score=score(NONE)))


def test_the_severity_floor_of_an_area_holds_whatever_the_model_says() -> None:
    floor = TAXONOMY.area("child_safety").floor
    parts = rank(case(score=score(NONE, child_safety=0.5)), TAXONOMY, CONFIG).parts
    assert parts["areas"][0]["area"] == "child_safety"
    assert parts["areas"][0]["weight"] == pytest.approx(TAXONOMY.severity_weights[floor])


def test_every_constant_that_made_the_rank_is_named_with_it() -> None:
    parts = rank(case(score=score(harassment=0.9), reasons=["spam"]), TAXONOMY, CONFIG).parts
    assert (parts["policy"], parts["config_version"]) == (CONFIG.policy, CONFIG.version)
    assert parts["taxonomy_version"] == TAXONOMY.version
    assert parts["reasons"] == ["spam"]
    assert parts["scored"] is True


def test_a_hand_computed_case() -> None:
    said = score((0, 0, 1, 0, 0)) | {"areas": dict.fromkeys(TAXONOMY.area_ids, 0.0) | {"harassment": 0.5}}
    result = rank(case(score=said, views_per_hour=300), TAXONOMY, CONFIG)
    # 0.5 x 4 harm a view, 300 views an hour, 1.5 for a person, 1.5 minutes to decide.
    assert result.parts["index"] == pytest.approx(0.5 * 4 * 300 * 1.5 / 1.5)
    hours = (NOON - EPOCH) / timedelta(hours=1)
    assert result.value == pytest.approx(math.log2(600) - hours / 24)


@settings(max_examples=20)
@given(st.integers(101, 200))
def test_a_taxonomy_of_very_many_areas_still_has_a_leading_one(count: int) -> None:
    many = replace(TAXONOMY, areas=tuple(replace(TAXONOMY.areas[0], id=f"area_{number}") for number in range(count)))
    assert rank(case(), many, CONFIG).parts["areas"]


@pytest.mark.parametrize("policy", POLICIES)
@given(one=inputs, views=st.floats(0, 1e9))
def test_every_policy_is_reproduced_from_its_parts_and_follows_the_views(
    policy: str, one: RankInputs, views: float
) -> None:
    config = replace(CONFIG, policy=policy)
    found = rank(one, TAXONOMY, config)
    parts = json.loads(json.dumps(found.parts))
    assert reproduce(parts)["value"] == found.value
    assert with_views(found, views) == rank(replace(one, views_per_hour=views), TAXONOMY, config)


def test_what_each_policy_puts_first() -> None:
    likely = case(score=score((0.9, 0.1, 0, 0, 0), spam=0.9), views_per_hour=10.0)
    grave = case(score=score((0, 0, 0, 0, 1), child_safety=0.5), views_per_hour=10.0)
    seen = case(score=score((0, 0, 1, 0, 0), harassment=0.5), views_per_hour=90_000.0)
    old = case(score=score((1, 0, 0, 0, 0)), received_at=NOON - timedelta(hours=5))
    due = case(score=score((1, 0, 0, 0, 0)), deadline=NOON + timedelta(hours=1))
    every = {"likely": likely, "grave": grave, "seen": seen, "old": old, "due": due}
    first = {
        policy: max(every, key=lambda name: rank(every[name], TAXONOMY, replace(CONFIG, policy=policy)).value)
        for policy in POLICIES
    }
    assert first == {
        "fifo": "old",
        "tier": "grave",
        "p": "likely",
        "p*severity": "grave",
        "edf": "due",
        "harm-rate": "seen",
        "harm-rate+guard": "seen",
    }


def test_the_guard_begins_its_minutes_and_the_handling_time_before_the_earlier_deadline() -> None:
    plain, legal = case(), case(deadline=NOON + timedelta(hours=3))
    for one, due in ((plain, NOON + timedelta(hours=72)), (legal, NOON + timedelta(hours=3))):
        parts = rank(one, TAXONOMY, CONFIG).parts
        assert guard_from(parts) == (due - timedelta(minutes=30 + parts["handling_minutes"]), due)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="no ranking policy 'newest'"):
        RankConfig(policy="newest")
