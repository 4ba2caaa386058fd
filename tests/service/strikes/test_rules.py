"""What a strike weighs and what is recommended: pure functions over a file that makes sense or is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import load_taxonomy, parse_taxonomy
from service.settings import Settings, SettingsError
from service.strikes.rules import (
    Breach,
    Standing,
    StrikeFileError,
    next_threshold,
    parse_rules,
    read_rules,
    recommend,
    weigh,
)
from service.strikes.workflow import configured

REPOSITORY = Path(__file__).parents[3]
SOUND = (REPOSITORY / "service" / "strikes" / "strikes.toml").read_text(encoding="utf-8")
TAXONOMY = load_taxonomy()
RULES = read_rules(None, TAXONOMY)
AREAS = st.sampled_from(TAXONOMY.area_ids)
SEVERITIES = st.integers(0, 4)
WEIGHTS = st.floats(0, 100)


def test_weights_are_those_of_the_file_by_hand() -> None:
    assert weigh(RULES, Breach("harassment", 2, ["remove"])) == 1.5
    assert weigh(RULES, Breach("harassment", 2, ["label"])) == 0.75
    assert weigh(RULES, Breach("harassment", 2, ["label", "warn"])) == 1.5
    assert weigh(RULES, Breach("spam", 4, ["remove"])) == 3
    assert weigh(RULES, Breach("spam", 4, ["age_restrict"])) == 1.5


def test_the_sentence_adds_up() -> None:
    told = recommend(RULES, TAXONOMY, area="harassment", severity=2, standing=Standing(1.5, 1))
    assert told.actions == ("remove", "suspend_account")
    assert told.because == (
        "Severity 2 (high) in Bullying and harassment: Remove. "
        "This strike of 1.5 and 1 standing strike of 1.5 make 3, at least 3: Suspend the account."
    )
    little = recommend(RULES, TAXONOMY, area="spam", severity=0, standing=Standing())
    assert little.actions == ("limit_reach",)
    assert little.because.endswith("This strike of 0.25 and no others make 0.25, below 1: nothing for the author.")


@given(area=AREAS, severity=SEVERITIES, weight=WEIGHTS, count=st.integers(1, 50))
def test_what_is_recommended_can_be_decided(area: str, severity: int, weight: float, count: int) -> None:
    told = recommend(RULES, TAXONOMY, area=area, severity=severity, standing=Standing(weight, count))
    assert told.actions
    assert len(set(told.actions)) == len(told.actions)
    assert TAXONOMY.contradiction(told.actions) is None
    assert all(TAXONOMY.action(action).enforces for action in told.actions)


@given(area=AREAS, severity=SEVERITIES, less=WEIGHTS, more=WEIGHTS)
def test_more_strikes_never_recommend_a_milder_step(area: str, severity: int, less: float, more: float) -> None:
    order = ["warn", "suspend_account", "disable_account"]

    def step(weight: float) -> int:
        told = recommend(RULES, TAXONOMY, area=area, severity=severity, standing=Standing(weight, 1))
        return max((order.index(action) for action in told.actions if action in order), default=-1)

    low, high = sorted((less, more))
    assert step(low) <= step(high)


@given(weight=WEIGHTS)
def test_the_next_threshold_is_the_first_one_above(weight: float) -> None:
    above = [step.at for step in RULES.steps if step.at > weight]
    assert next_threshold(RULES, weight) == (above[0] if above else None)


def test_actions_of_a_step_that_contradict_the_ones_on_the_content_are_left_out() -> None:
    rules = replace(RULES, steps=(replace(RULES.steps[0], actions=("limit_reach", "warn")),))
    told = recommend(rules, TAXONOMY, area="harassment", severity=2, standing=Standing(5, 3))
    assert told.actions == ("remove", "warn")


def test_without_an_author_nothing_is_recommended_for_an_account() -> None:
    told = recommend(RULES, TAXONOMY, area="harassment", severity=4, standing=None)
    assert told.actions == ("remove",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "2026-11.1"', "", "version"),
        ('version = "2026-11.1"', 'version = ""', "version must be given"),
        ('owner = "content-triage"', "owner = 3", "owner must be given"),
        ("decided_on = 2026-11-29", 'decided_on = "today"', "decided_on must be a date"),
        ("decided_on = 2026-11-29", "decided_on = 2026-11-29\nmood = 1", "mood"),
        ("weight = 0.5", "weight = 0", "weights must be positive"),
        ("weight = 3.0", "weight = 1.0", "not fall with severity"),
        ("weight = 3.0", 'weight = "much"', "cannot be read"),
        ("days = 30", "days = 0", "days must be whole numbers"),
        ("days = 30", "days = 3651", "days must be whole numbers"),
        ("days = 30", "days = 1.5", "days must be whole numbers"),
        ("at = 1.0", "at = 0.0", "positive and rising"),
        ("at = 3.0", "at = 1.0", "positive and rising"),
        ("spam = 0.5", "spam = 0", "factor of spam must be positive"),
        ("spam = 0.5", "spam = nan", "factor of spam must be positive"),
        ('actions = ["limit_reach"]', 'actions = "limit_reach"', "must be a list"),
        ('actions = ["warn"]', 'actions = ["obliterate"]', "'obliterate' is no enforcing action"),
        ('actions = ["warn"]', 'actions = ["no_violation"]', "'no_violation' is no enforcing action"),
        ('actions = ["warn"]', 'actions = ["suspend_account", "disable_account"]', "cannot be combined"),
        ("spam = 0.5", "nonsense = 0.5", "'nonsense' has a factor"),
        ("[[steps]]", "[[steps", "cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    changed = SOUND.replace(old, new, 1)
    assert changed != SOUND
    path = tmp_path / "own.toml"
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(StrikeFileError, match=message) as refused:
        read_rules(path, TAXONOMY)
    assert str(path) in str(refused.value)


def test_one_entry_for_each_severity_is_needed() -> None:
    less = SOUND.replace('[[severities]]\nweight = 6.0\ndays = 730\nactions = ["remove"]\n', "")
    with pytest.raises(StrikeFileError, match=r"5 \[\[severities\]\] are needed, not 4"):
        parse_rules(less, where="here")


def test_a_file_of_ones_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(SOUND.replace("weight = 6.0", "weight = 9.0"), encoding="utf-8")
    assert configured(Settings(data_dir=tmp_path, strikes=path), TAXONOMY).levels[4].weight == 9
    with pytest.raises(SettingsError, match=r"TRIAGE_STRIKES: .*none\.toml: file of strikes cannot be read"):
        configured(Settings(data_dir=tmp_path, strikes=tmp_path / "none.toml"), TAXONOMY)


def test_the_shipped_file_goes_with_a_taxonomy_of_ones_own() -> None:
    text = (REPOSITORY / "labeling" / "taxonomy.toml").read_text(encoding="utf-8")
    own = parse_taxonomy(
        text.replace('id = "warn"', 'id = "caution"').replace('id = "spam"', 'id = "junk"'), where="own"
    )
    rules = read_rules(None, own)
    assert [step.actions for step in rules.steps] == [(), ("suspend_account",), ("disable_account",)]
    told = recommend(rules, own, area="junk", severity=1, standing=Standing(1, 1))
    assert told.actions == ("limit_reach",)
    assert told.because.endswith("at least 1: nothing more.")
